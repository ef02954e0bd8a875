/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Room for the note of elf/embedded.h: a struct embedded that says "nothing". */
	.section .note.embedded, "a", @note
	.balign 4
	.long 8, 24, 0x454d4244  /* namesz, descsz, NOTE_EMBEDDED */
	.asciz "RESTART"
	.long 1, 0               /* version, kind */
	.quad 0, 0               /* offset, size */

	.section .note.GNU-stack, "", @progbits
