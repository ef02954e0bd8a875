/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bootstrap's bytes, as data of restart. */
	.section .rodata
	.globl	bootstrap_blob, bootstrap_blob_end
bootstrap_blob:
	.incbin	BOOTSTRAP_BIN
bootstrap_blob_end:
	.section .note.GNU-stack, "", @progbits
