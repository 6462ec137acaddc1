/*
 * record.h
 *	  Walks the bytes of an answer of GetRecords: the records of a stream's shard.
 *
 * Order of calls: cmz_records_open on a whole body, then cmz_records_next until
 * it gives 0.  Nothing is copied: what a record refers to is valid as long as
 * the body is.
 * Source: DynamoDB API reference, GetRecords, Record, StreamRecord.
 */
#ifndef CMZ_RECORD_H
#define CMZ_RECORD_H

#include "base/itemreader.h"

typedef struct CmzRecords
{
	CmzScanner	records;		/* stands inside the array of records */
	bool		first;			/* none has been read yet */
	int			n;				/* how many there are */
	CmzSpan		next_iterator;	/* data NULL: the shard is at its end */
	const char *error;			/* static; set when a call failed */
} CmzRecords;

/* A change of an item. */
typedef struct CmzRecord
{
	CmzSpan		event;			/* INSERT, MODIFY, REMOVE */
	CmzSpan		sequence;
	double		time;			/* Unix seconds; 0: not said */
	bool		expired;		/* removed because its time to live was over */
	/* items, as values of type M; CMZ_TYPE_NONE: not there */
	CmzValue	keys;
	CmzValue	old_image;
	CmzValue	new_image;
} CmzRecord;

/*
 * Read the frame of an answer and check all of it, so that one that is cut short
 * gives no record; false with records->error when the body is none.
 */
extern bool cmz_records_open(CmzRecords *records, const char *body, size_t len);

/* 1: *record is set; 0: no more; -1: records->error. */
extern int	cmz_records_next(CmzRecords *records, CmzRecord *record);

#endif							/* CMZ_RECORD_H */
