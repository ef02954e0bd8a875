/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines `credentials` and `capabilities`. */
#include "process/statelog_out.h"
#include "process/statelog_parse.h"

static const char *const set_words[CAPABILITY_SETS] = {
	[CAPS_INHERITABLE] = "inheritable", [CAPS_PERMITTED] = "permitted",
	[CAPS_EFFECTIVE] = "effective", [CAPS_BOUNDING] = "bounding", [CAPS_AMBIENT] = "ambient",
};

static int take_ids(struct parser *s, struct field f, const char *word,
		    uint32_t ids[CREDENTIAL_IDS])
{
	struct field rest = f;
	uint64_t n;

	if (!field_is(field_next(&rest, ' '), word))
		return field_error(s, f, "it begins with '%s'", word);
	for (int i = 0; i < CREDENTIAL_IDS; i++) {
		if (number_decimal(s, field_next(&rest, ' '), word, UINT32_MAX - 1, &n) != 0)
			return -1;
		ids[i] = (uint32_t)n;
	}
	return rest.len ? field_error(s, rest, "%s: more than four ids", word) : 0;
}

static int take_groups(struct parser *s, struct field f)
{
	struct credentials *c = &s->p->credentials;
	struct field rest = f;
	size_t capacity = 0;
	uint32_t *groups = NULL;
	uint64_t n;

	if (!field_is(field_next(&rest, ' '), "groups"))
		return field_error(s, f, "it begins with 'groups'");
	while (rest.len) {
		if (number_decimal(s, field_next(&rest, ' '), "group", UINT32_MAX - 1, &n) != 0)
			return -1;
		groups =
			arena_grow(&s->p->arena, groups, c->group_count, &capacity, sizeof *groups);
		if (!groups)
			return parser_no_memory(s);
		groups[c->group_count++] = (uint32_t)n;
	}
	c->groups = groups;
	return 0;
}

int take_credentials(struct parser *s)
{
	struct credentials *c = &s->p->credentials;
	const struct field *f = s->line.fields;

	c->known = true;
	return take_ids(s, f[1], "uid", c->uids) != 0 || take_ids(s, f[2], "gid", c->gids) != 0 ||
	       take_groups(s, f[3]) != 0 ? -1 : 0;
}

int take_capabilities(struct parser *s)
{
	struct credentials *c = &s->p->credentials;

	c->caps_known = true;
	for (int i = 0; i < CAPABILITY_SETS; i++) {
		struct field f = s->line.fields[i + 1], rest = f;

		if (!field_is(field_next(&rest, ' '), set_words[i]))
			return field_error(s, f, "it begins with '%s'", set_words[i]);
		if (number_hex(s, rest, set_words[i], UINT64_MAX, &c->caps[i]) != 0)
			return -1;
	}
	return 0;
}

static void put_ids(struct out *o, const char *word, const uint32_t ids[CREDENTIAL_IDS])
{
	print(o, " : %s %u %u %u %u", word, ids[0], ids[1], ids[2], ids[3]);
}

void put_credentials(struct out *o, const struct process *p)
{
	const struct credentials *c = &p->credentials;

	if (c->known) {
		print(o, "credentials");
		put_ids(o, "uid", c->uids);
		put_ids(o, "gid", c->gids);
		print(o, " : groups");
		for (size_t i = 0; i < c->group_count; i++)
			print(o, " %u", c->groups[i]);
		print(o, "\n");
	}
	if (c->caps_known) {
		print(o, "capabilities");
		for (int i = 0; i < CAPABILITY_SETS; i++)
			print(o, " : %s %#lx", set_words[i], (unsigned long)c->caps[i]);
		print(o, "\n");
	}
}
