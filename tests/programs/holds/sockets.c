/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "holds.h"

const struct hold socket_holds[] = {
	{ 0 },
};
