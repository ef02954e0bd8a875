/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The main() of restart, which the engine has inside under this name (Makefile: restart_main.o): a
 * checkpoint resumes itself by it, and ckpt asks it what would be lost before it ends a process.
 * Nothing else of restart/ can be seen from ckpt/.
 */
#ifndef CKPT_RESTART_H
#define CKPT_RESTART_H

int restart_main(int argc, char **argv);

#endif
