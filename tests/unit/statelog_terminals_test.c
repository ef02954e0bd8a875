/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process/statelog: the line of terminals, and how it is refused. */
#include "process/statelog.h"

#include <string.h>

#include "process/terminal.h"
#include "tests/unit/check.h"
#include "tests/unit/parse_text.h"

#define CHARACTERS "00031c7f150400010011131a00120f17160000ff"

static void test_tty(void)
{
	const struct terminal *t;

	if (!CHECK(parse("tty : 4 : 3 slave foreground : 24 80 0 9 : 7 : 0x500 0x5 0xbf 0x8a3b : "
			 "38400 9600 : "
			 CHARACTERS "\n4 : /dev/pts/3 : 0 : O_RDWR"), "a terminal has a line"))
		return;
	t = p.descriptions[0].terminal;
	CHECK(t && t->index == 3 && t->flags == (TERMINAL_SLAVE | TERMINAL_FOREGROUND),
	      "what it is");
	CHECK(t->rows == 24 && t->columns == 80 && t->y_pixels == 9 && t->waiting == 7, "its size");
	CHECK(t->input == 0x500 && t->local == 0x8a3b && t->input_speed == 38400 &&
		      t->output_speed == 9600,
	      "its modes and speeds");
	CHECK(t->line == 0 && t->characters[0] == 3 && t->characters[18] == 0xff, "its characters");
	CHECK(parse("4 : /dev/ptmx : 0\n"
		    "tty : 4 : 0 master packet : 0 0 0 0 : 0 : 0 0 0 0 : 0 0 : " CHARACTERS) &&
		      p.descriptions[0].terminal->flags == (TERMINAL_MASTER | TERMINAL_PACKET),
	      "so has a master");
}

#define REST " : 0 0 0 0 : 0 : 0 0 0 0 : 0 0 : " CHARACTERS

static const struct {
	const char *text, *message;
} errors[] = {
	{ "tty : 4 : 0" REST, "log:1:7: descriptor 4 stands on no line" },
	{ "4 : pipe:[1] : 0\ntty : 4 : 0" REST, "log:2:7: descriptor 4 is no terminal" },
	{ "4 : /dev/tty : 0\ntty : 4 : 0" REST "\ntty : 4 : 0" REST,
	  "log:3:7: terminal 4 has a line already" },
	{ "tty : 4 : master" REST, "log:1:11: number: 'master' is not a number" },
	{ "tty : 4 : 1 blue" REST, "log:1:13: 'blue' is nothing that a terminal can be" },
	{ "tty : 4 : 1 : 1 2 3 : 0 : 0 0 0 0 : 0 0 : " CHARACTERS,
	  "log:1:15: size: 4 numbers belong here" },
	{ "tty : 4 : 1 : 1 2 3 65536 : 0 : 0 0 0 0 : 0 0 : " CHARACTERS,
	  "log:1:21: size: 65536 is more than 65535" },
	{ "tty : 4 : 1 : 0 0 0 0 : 0 : 0 0 0 0 0 : 0 0 : " CHARACTERS,
	  "log:1:37: modes: 4 numbers belong here" },
	{ "tty : 4 : 1 : 0 0 0 0 : 0 : 0 0 0 0 : 0 0 : 00",
	  "log:1:45: characters: 40 hexadecimal digits belong here" },
	{ "tty : 4 : 1 : 0 0 0 0 : 0 : 0 0 0 0 : 0 0 : zz031c7f150400010011131a00120f1716000000",
	  "log:1:45: characters: 'zz' is not a hexadecimal number" },
};

int main(void)
{
	process_init(&p);
	test_tty();
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		CHECK(!parse(errors[i].text), "line %zu is refused", i);
		CHECK_TEXT(err.message, errors[i].message, "with what is wrong and where");
	}
	process_free(&p);
	return CHECK_DONE();
}
