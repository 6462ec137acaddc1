/*
 * record.c
 *	  Walks the bytes of an answer of GetRecords: the records of a stream's shard.
 */
#include "base/base.h"

#include "base/record.h"

/* Who removes items whose time to live is over. */
#define TTL_PRINCIPAL	"dynamodb.amazonaws.com"

/* Reads one member of an object into what arg is. */
typedef bool (*ReadMember) (CmzScanner *scan, const CmzSpan *name, void *arg);

static bool
read_object(CmzScanner *scan, ReadMember read, void *arg)
{
	CmzSpan		name;
	bool		first = true;
	int			more;

	if (!cmz_scan_char(scan, '{'))
		return false;
	while ((more = cmz_scan_next(scan, '}', &first)) > 0)
		if (!cmz_scan_string(scan, &name) || !cmz_scan_char(scan, ':') || !read(scan, &name, arg))
			return false;
	return more == 0;
}

static bool
read_identity_member(CmzScanner *scan, const CmzSpan *name, void *arg)
{
	CmzRecord  *record = arg;
	CmzSpan		principal;

	/* the documentation spells it in both ways */
	if ((!cmz_span_equals(name, "PrincipalId") && !cmz_span_equals(name, "principalId")) ||
		cmz_scan_peek(scan) != '"')
		return cmz_scan_skip(scan);
	if (!cmz_scan_string(scan, &principal))
		return false;
	record->expired = cmz_span_equals(&principal, TTL_PRINCIPAL);
	return true;
}

static bool
read_stream_member(CmzScanner *scan, const CmzSpan *name, void *arg)
{
	CmzRecord  *record = arg;

	if (cmz_scan_peek(scan) == 'n')
		return cmz_scan_skip(scan);
	if (cmz_span_equals(name, "SequenceNumber"))
		return cmz_scan_string(scan, &record->sequence);
	if (cmz_span_equals(name, "ApproximateCreationDateTime"))
		return cmz_scan_double(scan, &record->time);
	if (cmz_span_equals(name, "Keys"))
		return cmz_item_read(scan, &record->keys);
	if (cmz_span_equals(name, "OldImage"))
		return cmz_item_read(scan, &record->old_image);
	if (cmz_span_equals(name, "NewImage"))
		return cmz_item_read(scan, &record->new_image);
	return cmz_scan_skip(scan);
}

static bool
read_record_member(CmzScanner *scan, const CmzSpan *name, void *arg)
{
	CmzRecord  *record = arg;

	if (cmz_scan_peek(scan) == 'n')
		return cmz_scan_skip(scan);
	if (cmz_span_equals(name, "eventName"))
		return cmz_scan_string(scan, &record->event);
	if (cmz_span_equals(name, "dynamodb"))
		return read_object(scan, read_stream_member, record);
	if (cmz_span_equals(name, "userIdentity"))
		return read_object(scan, read_identity_member, record);
	return cmz_scan_skip(scan);
}

/* A sequence number is digits: it goes into bookmarks and requests. */
static bool
check_record(CmzScanner *scan, const CmzRecord *record)
{
	if (record->sequence.len == 0)
		return cmz_scan_fail(scan, "record without \"SequenceNumber\"");
	for (int i = 0; i < record->sequence.len; i++)
		if (record->sequence.data[i] < '0' || record->sequence.data[i] > '9')
			return cmz_scan_fail(scan, "\"SequenceNumber\" is not a number");
	if (!cmz_span_equals(&record->event, "INSERT") && !cmz_span_equals(&record->event, "MODIFY") &&
		!cmz_span_equals(&record->event, "REMOVE"))
		return cmz_scan_fail(scan, "record without an \"eventName\" that is known");
	if (record->keys.type != CMZ_TYPE_M)
		return cmz_scan_fail(scan, "record without \"Keys\"");
	return true;
}

static int
next_record(CmzScanner *scan, bool *first, CmzRecord *record)
{
	int			more = cmz_scan_next(scan, ']', first);

	memset(record, 0, sizeof(*record));
	record->event.data = "";
	if (more > 0 && (!read_object(scan, read_record_member, record) || !check_record(scan, record)))
		return -1;
	return more;
}

int
cmz_records_next(CmzRecords *records, CmzRecord *record)
{
	int			more = next_record(&records->records, &records->first, record);

	if (more < 0)
		records->error = records->records.error;
	return more;
}

/* Remember where the records begin; count and check them. */
static bool
read_records(CmzRecords *records, CmzScanner *scan)
{
	CmzRecord	record;
	bool		first = true;
	int			more;

	if (records->n >= 0)
		return cmz_scan_fail(scan, "\"Records\" stands twice");
	if (!cmz_scan_char(scan, '['))
		return false;
	records->n = 0;
	records->records = *scan;
	records->first = true;
	while ((more = next_record(scan, &first, &record)) > 0)
		records->n++;
	return more == 0;
}

static bool
read_frame_member(CmzScanner *scan, const CmzSpan *name, void *arg)
{
	CmzRecords *records = arg;

	if (cmz_span_equals(name, "Records"))
		return read_records(records, scan);
	if (cmz_span_equals(name, "NextShardIterator") && cmz_scan_peek(scan) != 'n')
		return cmz_scan_string(scan, &records->next_iterator);
	return cmz_scan_skip(scan);
}

bool
cmz_records_open(CmzRecords *records, const char *body, size_t len)
{
	CmzScanner	scan;

	memset(records, 0, sizeof(*records));
	records->n = -1;
	cmz_scan_init(&scan, body, len);
	if (read_object(&scan, read_frame_member, records) && cmz_scan_end(&scan) && records->n < 0)
		(void) cmz_scan_fail(&scan, "no \"Records\"");
	records->error = scan.error;
	return records->error == NULL;
}
