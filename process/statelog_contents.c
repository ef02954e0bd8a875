/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lines of what regular files were and hold, read and written: `stat`, `nameless`, `contents`.
 *
 * Contents may be large and are no text, so they are in base64 (RFC 4648), whose lines a person can
 * still take out and decode.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "process/statelog_out.h"
#include "process/statelog_parse.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const struct {
	uint32_t seal;
	const char *name;
} seals[] = {
	{ F_SEAL_SEAL, "F_SEAL_SEAL" },
	{ F_SEAL_SHRINK, "F_SEAL_SHRINK" },
	{ F_SEAL_GROW, "F_SEAL_GROW" },
	{ F_SEAL_WRITE, "F_SEAL_WRITE" },
	{ F_SEAL_FUTURE_WRITE, "F_SEAL_FUTURE_WRITE" },
	{ 0x20, "F_SEAL_EXEC" },  /* since Linux 6.3 */
};

/* ---- Which file ------------------------------------------------------------------------------ */

/* `MAJOR:MINOR:INODE`, as in /proc/locks: hexadecimal, hexadecimal, decimal. */
int field_id(struct parser *s, struct field f, struct file_id *id)
{
	struct field minor = f, major = field_next(&minor, ':'), inode = minor;
	uint64_t high, low;

	minor = field_next(&inode, ':');
	if (number_hex(s, major, "device", UINT32_MAX >> 20, &high) != 0 ||
	    number_hex(s, minor, "device", (1u << 20) - 1, &low) != 0 ||
	    number_decimal(s, inode, "inode", UINT64_MAX, &id->inode) != 0)
		return -1;
	id->device = makedev((unsigned)high, (unsigned)low);
	return 0;
}

void put_id(struct out *o, struct file_id id)
{
	print(o, "%02x:%02x:%lu", major(id.device), minor(id.device), (unsigned long)id.inode);
}

/* ---- What a file was ------------------------------------------------------------------------- */

static int add_stamp(struct parser *s, const struct addition *a, struct description *d)
{
	if (d->kind != FILE_PATH && d->kind != FILE_MEMFD)
		return place_error(s, a->at, "descriptor %d is no regular file", a->fd);
	if (d->stamp.known)
		return place_error(s, a->at, "the file of descriptor %d has a line already", a->fd);
	d->stamp = *(const struct file_stamp *)a->what;
	return 0;
}

int take_stamp(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct file_stamp stamp;

	memset(&stamp, 0, sizeof stamp);
	stamp.known = true;
	if (field_id(s, f[2], &stamp.id) != 0 ||
	    number_decimal(s, f[3], "size", INT64_MAX, &stamp.size) != 0 ||
	    field_time(s, f[4], "modified", &stamp.modified) != 0)
		return -1;
	return add_later(s, add_stamp, &stamp, sizeof stamp);
}

void put_stamp(struct out *o, int fd, const struct file_stamp *stamp)
{
	if (!stamp->known)
		return;
	print(o, "stat : %d : ", fd);
	put_id(o, stamp->id);
	print(o, " : %lu : ", (unsigned long)stamp->size);
	put_time(o, stamp->modified);
	print(o, "\n");
}

/* ---- Files without a name -------------------------------------------------------------------- */

static int take_seals(struct parser *s, struct field f, uint32_t *set)
{
	do {
		struct field word = field_next(&f, '|');
		size_t i = 0;

		while (i < COUNT(seals) && !field_is(word, seals[i].name))
			i++;
		if (i == COUNT(seals) && !field_is(word, "0"))
			return field_error(s, word, "seals: '%s' is no seal of a memfd",
					   field_quote(word).text);
		*set |= i < COUNT(seals) ? seals[i].seal : 0;
	} while (f.len);
	return 0;
}

int take_nameless(struct parser *s)
{
	const struct field *f = s->line.fields;
	struct nameless n;
	uint64_t mode;

	memset(&n, 0, sizeof n);
	n.memfd = field_is(f[2], "memfd");
	n.saved = s->line.count <= 7;
	if (!n.memfd && !field_is(f[2], "file"))
		return field_error(s, f[2], "'%s' is neither 'memfd' nor 'file'",
				   field_quote(f[2]).text);
	if (!n.saved && !field_is(f[7], "not-saved"))
		return field_error(s, f[7], "'%s' is not 'not-saved'", field_quote(f[7]).text);
	if (field_id(s, f[1], &n.id) != 0 || field_name(s, f[3], "name", &n.name) != 0 ||
	    number_decimal(s, f[4], "size", INT64_MAX, &n.size) != 0 ||
	    number_octal(s, f[5], "mode", 07777, &mode) != 0 || take_seals(s, f[6], &n.seals) != 0)
		return -1;
	n.mode = (uint32_t)mode;
	struct nameless *new = process_add_nameless(s->p);

	if (!new)
		return parser_no_memory(s);
	*new = n;
	return 0;
}

static void put_nameless(struct out *o, const struct nameless *n)
{
	const char *joint = "";

	print(o, "nameless : ");
	put_id(o, n->id);
	print(o, " : %s : ", n->memfd ? "memfd" : "file");
	put_name(o, n->name);
	print(o, " : %lu : %03o : ", (unsigned long)n->size, n->mode);
	for (size_t i = 0; i < COUNT(seals); i++) {
		if (!(n->seals & seals[i].seal))
			continue;
		print(o, "%s%s", joint, seals[i].name);
		joint = "|";
	}
	print(o, "%s%s\n", *joint ? "" : "0", n->saved ? "" : " : not-saved");
}

/* ---- Their contents -------------------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters give three bytes; the last four may end in one or two '='. */
static int decode(struct parser *s, struct field f, struct extent *e)
{
	uint8_t *bytes = arena_alloc(&s->p->arena, f.len / 4 * 3);
	size_t padding = 0;

	if (!bytes)
		return parser_no_memory(s);
	if (!f.len || f.len % 4)
		return field_error(s, f, "contents: base64 comes in groups of four characters");
	while (padding < 2 && f.text[f.len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < f.len; i += 4) {
		uint32_t group = 0;

		for (size_t k = i; k < i + 4; k++) {
			int value = k < f.len - padding ? digit(f.text[k]) : 0;

			if (value < 0)
				return field_error(
					s, (struct field){ f.text + k, 1 },
					"contents: '%s' is no base64",
					field_quote((struct field){ f.text + k, 1 }).text);
			group = group << 6 | (uint32_t)value;
		}
		bytes[i / 4 * 3] = (uint8_t)(group >> 16);
		bytes[i / 4 * 3 + 1] = (uint8_t)(group >> 8);
		bytes[i / 4 * 3 + 2] = (uint8_t)group;
	}
	e->bytes = bytes;
	e->size = f.len / 4 * 3 - padding;
	return 0;
}

/* Up to three bytes as four characters. */
static void encode(char text[4], const uint8_t *bytes, uint64_t left)
{
	uint32_t group = (uint32_t)bytes[0] << 16;

	if (left > 1)
		group |= (uint32_t)bytes[1] << 8;
	if (left > 2)
		group |= bytes[2];
	for (int k = 0; k < 4; k++)
		text[k] = digits[group >> (18 - 6 * k) & 63];
	if (left < 2)
		text[2] = '=';
	if (left < 3)
		text[3] = '=';
}

static void put_base64(struct out *o, const uint8_t *bytes, uint64_t size)
{
	char text[1024];
	size_t used = 0;

	for (uint64_t i = 0; i < size; i += 3, used += 4) {
		if (used == sizeof text) {
			put(o, text, used);
			used = 0;
		}
		encode(text + used, bytes + i, size - i);
	}
	put(o, text, used);
}

int take_contents(struct parser *s)
{
	struct pending *pending = &s->pending;
	const struct field *f = s->line.fields;
	struct contents_line line = { .at = field_place(s, f[1]) }, *array;

	if (field_id(s, f[1], &line.id) != 0 ||
	    number_decimal(s, f[2], "offset", INT64_MAX, &line.extent.offset) != 0 ||
	    decode(s, f[3], &line.extent) != 0)
		return -1;
	array = arena_grow(&s->p->arena, pending->contents, pending->contents_count,
			   &pending->contents_capacity, sizeof *array);
	if (!array)
		return parser_no_memory(s);
	pending->contents = array;
	array[pending->contents_count++] = line;
	return 0;
}

static void put_contents(struct out *o, const struct nameless *n)
{
	enum { BYTES_PER_LINE = 48 * 1024 };

	for (size_t i = 0; i < n->extent_count; i++) {
		const struct extent *e = &n->extents[i];

		for (uint64_t at = 0; at < e->size; at += BYTES_PER_LINE) {
			uint64_t left = e->size - at;

			print(o, "contents : ");
			put_id(o, n->id);
			print(o, " : %lu : ", (unsigned long)(e->offset + at));
			put_base64(o, e->bytes + at, left < BYTES_PER_LINE ? left : BYTES_PER_LINE);
			print(o, "\n");
		}
	}
}

void put_nameless_files(struct out *o, const struct process *p)
{
	for (size_t i = 0; i < p->nameless_count; i++) {
		put_nameless(o, &p->nameless[i]);
		put_contents(o, &p->nameless[i]);
	}
}

/* ---- When all lines are read ----------------------------------------------------------------- */

static int add_contents(struct parser *s, const struct contents_line *line)
{
	struct nameless *n = process_nameless(s->p, line->id);
	const struct extent *e = &line->extent;
	struct extent *array;

	if (!n || !n->saved)
		return place_error(s, line->at, "there is no file without a name of this id");
	const struct extent *last = n->extent_count ? &n->extents[n->extent_count - 1] : NULL;

	if (last && e->offset < last->offset + last->size)
		return place_error(s, line->at, "the contents at %lu must follow those before",
				   (unsigned long)e->offset);
	if (e->size > n->size || e->offset > n->size - e->size)
		return place_error(s, line->at, "the contents reach beyond the file's %lu bytes",
				   (unsigned long)n->size);
	array = arena_grow(&s->p->arena, n->extents, n->extent_count, &n->extent_capacity,
			   sizeof *array);
	if (!array)
		return parser_no_memory(s);
	n->extents = array;
	array[n->extent_count++] = *e;
	return 0;
}

int finish_nameless(struct parser *s)
{
	process_sort_nameless(s->p);
	for (size_t i = 1; i < s->p->nameless_count; i++) {
		const struct file_id *a = &s->p->nameless[i - 1].id, *b = &s->p->nameless[i].id;

		if (a->device == b->device && a->inode == b->inode)
			return error_set(s->err, EINVAL, "%s: the file without a name "
					 "%02x:%02x:%lu has two lines", s->name, major(a->device),
					 minor(a->device), (unsigned long)a->inode);
	}
	for (size_t i = 0; i < s->pending.contents_count; i++)
		if (add_contents(s, &s->pending.contents[i]) != 0)
			return -1;
	return 0;
}
