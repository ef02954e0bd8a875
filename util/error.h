/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors: how a function of this project says what went wrong.
 *
 * A function that can fail takes a struct error as its last argument and returns 0 (or a useful
 * value) on success and -1 (or NULL) on failure, having filled the error with one line that says
 * what, where and, when there is one, the remedy.  The caller either hands the failure on, adding
 * context in front with error_prefix(), or deals with it.  Only main files end the program.
 *
 * Nothing here allocates, and all of it is async-signal-safe.
 */
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

#define ERROR_MESSAGE_SIZE 1024

struct error {
	int code;                          /* an errno value, or 0 when none fits */
	char message[ERROR_MESSAGE_SIZE];  /* one line, no control character, no full stop */
};

#define MUST_CHECK __attribute__((warn_unused_result))

/*
 * Fills *err with CODE and the formatted message (see format.h for the conversions) and returns
 * -1, so that a failure reads `return error_set(err, EINVAL, "...")`.  A long message is cut.
 */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set(), followed by ": " and the text of errno CODE. */
int error_sys(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the message that is there.  Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
