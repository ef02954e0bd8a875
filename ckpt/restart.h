/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* restart, which is in this program too. */
#ifndef CKPT_RESTART_H
#define CKPT_RESTART_H

int restart_main(int argc, char **argv);

#endif
