/*
 * crc32.h
 *	  The CRC-32 of zlib and Ethernet, which DynamoDB sends as x-amz-crc32.
 */
#ifndef CMZ_CRC32_H
#define CMZ_CRC32_H

#include "base/base.h"

extern uint32 cmz_crc32(const char *data, size_t len);

/* That of more data, behind data that has the checksum crc; 0 for none. */
extern uint32 cmz_crc32_continue(uint32 crc, const char *data, size_t len);

#endif							/* CMZ_CRC32_H */
