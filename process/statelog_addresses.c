/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses of sockets in the state text. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "process/socket.h"
#include "process/statelog_parse.h"

static int wrong_address(struct parser *s, struct field f, const char *what)
{
	return field_error(s, f, "'%s' is no address of this family: %s", field_quote(f).text,
			   what);
}

static int take_unix_address(struct parser *s, struct field f, struct socket_address *a)
{
	enum {
		START = offsetof(struct sockaddr_un, sun_path),
		ROOM = sizeof(struct sockaddr_un) - START
	};
	bool abstract = f.len && *f.text == '@';
	struct sockaddr_un *address = (struct sockaddr_un *)a->bytes;
	const uint8_t *name;
	size_t size;

	if (abstract)
		f = (struct field){ f.text + 1, f.len - 1 };
	if (field_bytes(s, f, "address", &name, &size) != 0)
		return -1;
	if (abstract ? size >= ROOM : !size || size > ROOM || memchr(name, '\0', size))
		return wrong_address(s, f, "a path, or @ and a name, of at most 108 bytes");
	address->sun_family = AF_UNIX;
	memcpy(a->bytes + START + abstract, name, size);
	a->size = START + size + 1;
	return 0;
}

/* Splits `HOST:PORT` at the last colon. */
static bool take_port(struct field f, char *host, size_t size, uint16_t *port)
{
	size_t colon = f.len;
	unsigned n = 0;

	while (colon && f.text[colon - 1] != ':')
		colon--;
	if (!colon || colon == f.len || f.len - colon > 5)
		return false;
	for (size_t i = colon; i < f.len; i++) {
		if (f.text[i] < '0' || f.text[i] > '9')
			return false;
		n = n * 10 + (unsigned)(f.text[i] - '0');
	}
	*port = htons((uint16_t)n);
	return n <= UINT16_MAX && field_copy((struct field){ f.text, colon - 1 }, host, size);
}

static int take_inet_address(struct parser *s, struct field f, struct socket_address *a)
{
	struct sockaddr_in *in = (struct sockaddr_in *)a->bytes;
	char host[INET_ADDRSTRLEN];

	in->sin_family = AF_INET;
	a->size = sizeof *in;
	if (!take_port(f, host, sizeof host, &in->sin_port) ||
	    inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return wrong_address(s, f, "127.0.0.1:80");
	return 0;
}

static bool take_scope(const char *text, uint32_t *scope)
{
	uint64_t n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*scope = (uint32_t)n;
	return true;
}

static int take_inet6_address(struct parser *s, struct field f, struct socket_address *a)
{
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)a->bytes;
	char host[INET6_ADDRSTRLEN + 16], *scope;
	bool good = take_port(f, host, sizeof host, &in->sin6_port);
	size_t len = good ? strlen(host) : 0;

	in->sin6_family = AF_INET6;
	a->size = sizeof *in;
	good = good && len > 2 && host[0] == '[' && host[len - 1] == ']';
	if (good) {
		host[len - 1] = '\0';
		scope = strchr(host, '%');
		if (scope)
			*scope++ = '\0';
		good = inet_pton(AF_INET6, host + 1, &in->sin6_addr) == 1 &&
		       (!scope || take_scope(scope, &in->sin6_scope_id));
	}
	return good ? 0 : wrong_address(s, f, "[::1]:80");
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Of the other families the bytes of the struct sockaddr. */
static int take_other_address(struct parser *s, struct field f, int family,
			      struct socket_address *a)
{
	size_t size = f.len / 2 - 1;
	sa_family_t found;

	if (f.len < 8 || f.len % 2 || memcmp(f.text, "0x", 2) != 0 || size > sizeof a->bytes)
		return wrong_address(s, f, "0x and the bytes of its struct sockaddr");
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(f.text[2 + 2 * i]), low = hex_digit(f.text[3 + 2 * i]);

		if (high < 0 || low < 0)
			return wrong_address(s, f, "0x and the bytes of its struct sockaddr");
		a->bytes[i] = (uint8_t)(high << 4 | low);
	}
	a->size = size;
	memcpy(&found, a->bytes, sizeof found);
	if (found != family)
		return wrong_address(s, f, "the first two bytes are the family");
	return 0;
}

int take_socket_address(struct parser *s, struct field f, int family, struct socket_address *a)
{
	if (field_is(f, "-"))
		return 0;
	switch (family) {
	case AF_UNIX: return take_unix_address(s, f, a);
	case AF_INET: return take_inet_address(s, f, a);
	case AF_INET6: return take_inet6_address(s, f, a);
	default: return take_other_address(s, f, family, a);
	}
}
