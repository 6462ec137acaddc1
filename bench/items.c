/*
 * items.c
 *	  Made-up conversations as DynamoDB's JSON, the same every time.
 *
 * An item is a template of fixed width into which digits are put: a server must
 * make them faster than anyone reads them.
 */
#include "items.h"

#include <string.h>

#define DAY			86400L
#define TTL_SECONDS	(90 * DAY)
#define TIME_LEN	20			/* 2025-01-19T12:00:00Z */

#define STRING(name, value)	"\"" name "\":{\"S\":\"" value "\"}"
#define NUMBER(name, value)	"\"" name "\":{\"N\":\"" value "\"}"
#define TIME	"0000-00-00T00:00:00Z"
#define CONTENT	\
	"\\\"My den is warm and dry\\\", says the lion. I sleep there, except when the moon is bright; then I" \
	" walk along the fence and count the lamps of the town." \
	" When the sun goes down over the rocks we all lie in the last warm place" \
	" and wait for the night to begin."

const char *const item_names[ITEM_ATTRIBUTES] = {
	"tokensUsed", "sessionIdTimestamp", "messageType", "ttl", "parentUserId", "sessionId", "content",
	"animalId", "userId", "timestamp"
};

long		item_epoch = 1737244800;

/* What stands where in an item with all attributes. */
static const char *const templates[ITEM_ATTRIBUTES] = {
	NUMBER("tokensUsed", "100"),
	STRING("sessionIdTimestamp", "session_0000000#" TIME),
	STRING("messageType", "assistant"),
	NUMBER("ttl", "0000000000"),
	STRING("parentUserId", "parent_000000"),
	STRING("sessionId", "session_0000000"),
	STRING("content", CONTENT),
	STRING("animalId", "animal_000"),
	STRING("userId", "student_000000"),
	STRING("timestamp", TIME)
};

static void
put_digits(char *end, long value, int digits)
{
	while (digits-- > 0)
	{
		*--end = '0' + value % 10;
		value /= 10;
	}
}

/* The civil date of a number of days since 1970-01-01 (Hinnant's algorithm). */
static void
put_date(char *out, long days)
{
	long		z = days + 719468;
	long		era = z / 146097;
	long		doe = z - era * 146097;
	long		yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	long		doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	long		mp = (5 * doy + 2) / 153;
	long		month = mp < 10 ? mp + 3 : mp - 9;

	put_digits(out + 4, yoe + era * 400 + (month <= 2), 4);
	put_digits(out + 7, month, 2);
	put_digits(out + 10, doy - (153 * mp + 2) / 5 + 1, 2);
}

/* The days since 1970-01-01 of a civil date. */
static long
days_of_date(long year, long month, long day)
{
	long		y = year - (month <= 2);
	long		era = y / 400;
	long		yoe = y - era * 400;
	long		doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
put_time(char *out, long seconds)
{
	static long last_day = -1;
	static char date[TIME_LEN + 1] = TIME;
	long		day = seconds / DAY;
	long		left = seconds % DAY;

	if (day != last_day)
	{
		put_date(date, day);
		last_day = day;
	}
	memcpy(out, date, TIME_LEN);
	put_digits(out + 13, left / 3600, 2);
	put_digits(out + 16, left / 60 % 60, 2);
	put_digits(out + 19, left % 60, 2);
}

/* Put the digits of item i into a copy of its template, which ends at end. */
static void
fill_in(char *end, ItemAttribute attribute, long i)
{
	char	   *value_end = end - 2;	/* before "} */

	switch (attribute)
	{
		case ITEM_TOKENS_USED:
			put_digits(value_end, 100 + i % 180, 3);
			break;
		case ITEM_SESSION_ID_TIMESTAMP:
			put_digits(value_end - TIME_LEN - 1, i / ITEMS_PER_SESSION, 7);
			put_time(value_end - TIME_LEN, item_epoch + i);
			break;
		case ITEM_MESSAGE_TYPE:
			break;
		case ITEM_TTL:
			put_digits(value_end, item_epoch + i + TTL_SECONDS, 10);
			break;
		case ITEM_PARENT_USER_ID:
			put_digits(value_end, i / ITEMS_PER_PARENT, 6);
			break;
		case ITEM_SESSION_ID:
			put_digits(value_end, i / ITEMS_PER_SESSION, 7);
			break;
		case ITEM_CONTENT:
			break;
		case ITEM_ANIMAL_ID:
			put_digits(value_end, i / ITEMS_PER_SESSION % ANIMALS, 3);
			break;
		case ITEM_USER_ID:
			put_digits(value_end, i / ITEMS_PER_USER, 6);
			break;
		case ITEM_TIMESTAMP:
			put_time(value_end - TIME_LEN, item_epoch + i);
			break;
	}
}

char *
item_write(char *out, long i, unsigned mask)
{
	static size_t lengths[ITEM_ATTRIBUTES];
	char		separator = '{';

	if (lengths[0] == 0)
		for (int a = 0; a < ITEM_ATTRIBUTES; a++)
			lengths[a] = strlen(templates[a]);
	for (int a = 0; a < ITEM_ATTRIBUTES; a++)
	{
		if (!(mask & (1U << a)))
			continue;
		*out++ = separator;
		separator = ',';
		memcpy(out, templates[a], lengths[a]);
		out += lengths[a];
		fill_in(out, a, i);
	}
	if (separator == '{')
		*out++ = '{';
	*out++ = '}';
	return out;
}

/* user_id, session_id, timestamp, animal_id, parent_user_id, message_type, content, tokens_used */
char *
item_write_row(char *out, long i)
{
	static const ItemAttribute columns[] = {
		ITEM_USER_ID, ITEM_SESSION_ID, ITEM_TIMESTAMP, ITEM_ANIMAL_ID, ITEM_PARENT_USER_ID,
		ITEM_MESSAGE_TYPE, ITEM_CONTENT, ITEM_TOKENS_USED
	};
	char		item[ITEM_BYTES];

	for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
	{
		char	   *end = item_write(item, i, 1U << columns[c]);
		char	   *value = item + strlen("{\"\":{\"S\":\"") + strlen(item_names[columns[c]]);
		size_t		len = end - strlen("\"}}") - value;

		if (c > 0)
			*out++ = '\t';
		/* what JSON escapes here, COPY reads the same: \" is " */
		memcpy(out, value, len);
		out += len;
	}
	*out++ = '\n';
	return out;
}

static long
read_digits(const char *text, int n)
{
	long		value = 0;

	for (int i = 0; i < n; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + text[i] - '0';
	}
	return value;
}

long
item_of_time(const char *text, size_t len)
{
	const char *t = text + len - TIME_LEN;
	long		date[3];
	long		clock[3];
	long		i;

	if (len < TIME_LEN || t[TIME_LEN - 1] != 'Z')
		return -1;
	date[0] = read_digits(t, 4);
	date[1] = read_digits(t + 5, 2);
	date[2] = read_digits(t + 8, 2);
	for (int c = 0; c < 3; c++)
		if (date[c] < 0 || (clock[c] = read_digits(t + 11 + 3 * c, 2)) < 0)
			return -1;
	i = days_of_date(date[0], date[1], date[2]) * DAY + clock[0] * 3600 + clock[1] * 60 + clock[2];
	i -= item_epoch;
	return i >= 0 && i < MAX_ITEMS ? i : -1;
}

int
item_attribute(const char *name, size_t len)
{
	for (int a = 0; a < ITEM_ATTRIBUTES; a++)
		if (strlen(item_names[a]) == len && memcmp(item_names[a], name, len) == 0)
			return a;
	return -1;
}
