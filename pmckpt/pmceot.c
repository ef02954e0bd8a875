/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last object of a marked program: tells a reader of the program what it was linked with. */
extern const char ckpt_version[];
const char ckpt_version[] = "pmckpt " VERSION;
