/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Libraries are built with hidden symbols. */
#ifndef UTIL_EXPORT_H
#define UTIL_EXPORT_H

/* What a library gives to the program it is loaded into; its .map names it too. */
#define EXPORT __attribute__((visibility("default")))

#endif
