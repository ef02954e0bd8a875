/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the model knows of a terminal: one that the process was
 * run on, or an end of a pseudo-terminal whose master it holds.
 */
#ifndef PROCESS_TERMINAL_H
#define PROCESS_TERMINAL_H

#include <stdint.h>

enum terminal_flags {
	TERMINAL_MASTER = 1 << 0,       /* the master of a pseudo-terminal */
	TERMINAL_SLAVE = 1 << 1,        /* the other end of one, which may be a stranger's */
	TERMINAL_CONTROLLING = 1 << 2,  /* it controls the process */
	TERMINAL_FOREGROUND = 1 << 3,   /* and the process is in its foreground group */
	TERMINAL_PACKET = 1 << 4,       /* the master is in packet mode */
	TERMINAL_LOCKED = 1 << 5,       /* the slave cannot be opened */
	TERMINAL_EXCLUSIVE = 1 << 6,    /* no more opens: TIOCEXCL */
	TERMINAL_IN_USE = 1 << 7,       /* the slave controls a session */
	TERMINAL_HUNG_UP = 1 << 8,      /* all that had the slave open have closed it */
};

/* The kernel's struct termios2, window size, and how many bytes waited to be read. */
enum { TERMINAL_CHARACTERS = 19 };

struct terminal {
	uint32_t flags;    /* enum terminal_flags */
	uint32_t index;    /* of a pseudo-terminal: it is /dev/pts/INDEX */
	uint32_t input, output, control, local;
	uint8_t line;
	uint8_t characters[TERMINAL_CHARACTERS];
	uint32_t input_speed, output_speed;
	uint16_t rows, columns, x_pixels, y_pixels;
	uint32_t waiting;
};

struct terminal_flag_word {
	uint32_t flag;
	const char *word;
};

enum { TERMINAL_FLAG_WORDS = 9 };
extern const struct terminal_flag_word terminal_flag_words[TERMINAL_FLAG_WORDS];

#endif
