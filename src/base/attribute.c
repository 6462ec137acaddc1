/*
 * attribute.c
 *	  The names of DynamoDB's attribute types.
 */
#include "base/base.h"

#include "base/attribute.h"

static const char *const type_names[] = {
	[CMZ_TYPE_NONE] = "?",
	[CMZ_TYPE_S] = "S",
	[CMZ_TYPE_N] = "N",
	[CMZ_TYPE_B] = "B",
	[CMZ_TYPE_BOOL] = "BOOL",
	[CMZ_TYPE_NULL] = "NULL",
	[CMZ_TYPE_M] = "M",
	[CMZ_TYPE_L] = "L",
	[CMZ_TYPE_SS] = "SS",
	[CMZ_TYPE_NS] = "NS",
	[CMZ_TYPE_BS] = "BS",
};

const char *
cmz_type_name(CmzType type)
{
	return type_names[type];
}

CmzType
cmz_type_parse(const char *tag, int len)
{
	for (int i = CMZ_TYPE_S; i < (int) lengthof(type_names); i++)
		if ((int) strlen(type_names[i]) == len && memcmp(type_names[i], tag, len) == 0)
			return (CmzType) i;
	return CMZ_TYPE_NONE;
}
