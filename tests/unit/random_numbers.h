/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random numbers that are the same in every run. */
#ifndef TESTS_UNIT_RANDOM_NUMBERS_H
#define TESTS_UNIT_RANDOM_NUMBERS_H

#include <stdint.h>

static uint64_t random_seed = 1;

static inline uint64_t number(void)
{
	random_seed ^= random_seed << 13;
	random_seed ^= random_seed >> 7;
	random_seed ^= random_seed << 17;
	return random_seed;
}

static inline uint64_t below(uint64_t n)
{
	return number() % n;
}

/* Numbers of every length, so that the bounds and small ones are tried too. */
static inline uint64_t sized_number(void)
{
	return below(8) ? number() >> below(64) : UINT64_MAX;
}

#endif
