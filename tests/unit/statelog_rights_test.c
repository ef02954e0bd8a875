/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process/statelog: descriptors on their way, in the lines of what waits in a socket. */
#define _GNU_SOURCE
#include "process/statelog.h"

#include <string.h>

#include "process/socket.h"
#include "tests/unit/check.h"
#include "tests/unit/parse_text.h"

#define FILES "3 : f : 0\n9 : g : 0 : O_RDONLY|in-flight\n"
#define STREAM FILES "4 : socket:[1] : 0\nsocket : 4 : unix stream : plain\n"
#define MESSAGES FILES "4 : socket:[1] : 0\nsocket : 4 : unix dgram : plain\n"

static bool is(const struct socket_message *m, const char *bytes, size_t count, int first, int last)
{
	return m->size == strlen(bytes) && (!m->size || !memcmp(m->bytes, bytes, m->size)) &&
	       m->right_count == count &&
	       (!count || (m->rights[0] == first && m->rights[count - 1] == last));
}

static void test_stream(void)
{
	const struct socket *s;

	CHECK(parse(STREAM "socket-data : 4 : a\nsocket-data : 4 : b\nsocket-data : 4 : c : 3\n"
		    "socket-data : 4 : d : 9 3 9\nsocket-data : 4 : e\nsocket-data : 4 : f\n"),
	      "descriptors come with a stream");
	s = file_of(4)->socket;
	CHECK(s && s->message_count == 4, "which is so many pieces");
	CHECK(is(&s->messages[0], "ab", 0, 0, 0) && is(&s->messages[1], "c", 1, 3, 3) &&
	      is(&s->messages[2], "d", 3, 9, 9) && is(&s->messages[3], "ef", 0, 0, 0),
	      "one for each line that they come with, and one for the lines between");
	CHECK(s->messages[2].rights[1] == 3, "in their order");
	CHECK(!process_descriptor(&p, 3)->in_flight && process_descriptor(&p, 9)->in_flight &&
	      file_of(9)->flags_known, "and some are nowhere else");
}

static void test_messages(void)
{
	const struct socket *s;

	CHECK(parse(MESSAGES "socket-message : 4 : 1 : a : - : 9\n"
		    "socket-message : 4 : 0 :  : @x : 3\n"
		    "socket-message : 4 : 0\n"), "descriptors come with messages");
	s = file_of(4)->socket;
	CHECK(s && s->message_count == 3 && is(&s->messages[0], "a", 1, 9, 9) &&
	      is(&s->messages[1], "", 1, 3, 3) && is(&s->messages[2], "", 0, 0, 0),
	      "with some of them");
	CHECK(!s->messages[0].from.size && s->messages[1].from.size == 4,
	      "from somewhere or nowhere");
}

static void test_errors(void)
{
	static const struct {
		const char *text, *message;
	} errors[] = {
		{ STREAM "socket-data : 4 : a : 7", "log:5:23: descriptor 7 stands on no line" },
		{ STREAM "socket-data : 4 : a : 3 x", "log:5:25: descriptor: 'x' is not a number" },
		{ MESSAGES "socket-message : 4 : 1 : a : - : 7",
		  "log:5:34: descriptor 7 stands on no line" },
		{ FILES "4 : socket:[1] : 0\nsocket : 4 : inet stream 6 : plain\n"
		  "socket-data : 4 : a : 3",
		  "log:5:23: descriptors come through sockets of unix only" },
	};
	static char many[1200] = STREAM "socket-data : 4 : a :";

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		CHECK(!parse(errors[i].text), "text %zu is refused", i);
		CHECK_TEXT(err.message, errors[i].message, "with what is wrong and where");
	}
	for (size_t i = 0; i < SOCKET_RIGHTS_MAX; i++)
		strcat(many, " 3");
	CHECK(parse(many) && file_of(4)->socket->messages[0].right_count == SOCKET_RIGHTS_MAX,
	      "as many as the kernel takes");
	CHECK(!parse(strcat(many, " 3")), "and no more");
	CHECK_TEXT(err.message, "log:5:23: no more than 253 descriptors come at once", "at once");
}

int main(void)
{
	process_init(&p);
	test_stream();
	test_messages();
	test_errors();
	process_free(&p);
	return CHECK_DONE();
}
