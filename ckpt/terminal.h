/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The terminal of a program that ends with its checkpoint. */
#ifndef CKPT_TERMINAL_H
#define CKPT_TERMINAL_H

#include <stdbool.h>

enum { TERMINAL_MODES = 36 };  /* bytes: the kernel's struct termios */

/* Reads the modes, two hexadecimal digits for each byte.  False: TEXT is anything else. */
bool terminal_parse(unsigned char modes[TERMINAL_MODES], const char *text);

/* Gives our terminal these modes, if our process group, the program's, is in its foreground. */
void terminal_give_back(const unsigned char modes[TERMINAL_MODES]);

#endif
