/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent for programs without a dynamic linker: libckpt/static/static.h. */
	.section .rodata
	.globl agent_image, agent_image_end
	.balign 16
agent_image:
	.incbin AGENT
agent_image_end:
	.section .note.GNU-stack, "", @progbits
