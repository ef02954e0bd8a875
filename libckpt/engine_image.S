/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine: the command ckpt, whole, so that a program needs nothing but its own memory. */
	.section .rodata
	.hidden engine_image, engine_image_end
	.globl engine_image, engine_image_end
	.balign 4096
engine_image:
	.incbin ENGINE
engine_image_end:
	.section .note.GNU-stack, "", @progbits
