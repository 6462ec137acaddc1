/*
 * crc32.c
 *	  The CRC-32 of zlib and Ethernet, which DynamoDB sends as x-amz-crc32.
 *
 * Every answer goes through it, so it takes sixteen bytes a step ("slicing"):
 * a byte at a time it would cost more than reading the items does.
 */
#include "base/base.h"

#include "base/crc32.h"

#define POLYNOMIAL	0xEDB88320
#define SLICES		16

static uint32 table[SLICES][256];
static bool table_is_made = false;

static void
make_table(void)
{
	for (uint32 i = 0; i < 256; i++)
	{
		uint32		crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) ? POLYNOMIAL : 0);
		table[0][i] = crc;
	}
	for (int slice = 1; slice < SLICES; slice++)
		for (int i = 0; i < 256; i++)
			table[slice][i] = (table[slice - 1][i] >> 8) ^ table[0][table[slice - 1][i] & 0xFF];
	table_is_made = true;
}

uint32
cmz_crc32(const char *data, size_t len)
{
	return cmz_crc32_continue(0, data, len);
}

uint32
cmz_crc32_continue(uint32 crc, const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *) data;

	crc ^= 0xFFFFFFFF;
	if (!table_is_made)
		make_table();
	for (; len >= SLICES; len -= SLICES, p += SLICES)
	{
		uint32		next = 0;

		crc ^= p[0] | (uint32) p[1] << 8 | (uint32) p[2] << 16 | (uint32) p[3] << 24;
		for (int i = 0; i < 4; i++)
			next ^= table[15 - i][(crc >> (8 * i)) & 0xFF];
		for (int i = 4; i < SLICES; i++)
			next ^= table[15 - i][p[i]];
		crc = next;
	}
	for (; len > 0; len--, p++)
		crc = (crc >> 8) ^ table[0][(crc ^ *p) & 0xFF];
	return crc ^ 0xFFFFFFFF;
}
