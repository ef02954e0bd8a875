#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Checks that no line of C is wider than 100 columns, with tabs to every eighth.  Prints those that
# are, and exits with status 1 when there is one.  `width.sh FOLDER` checks another tree.

cd "${1:-$(dirname "$0")/..}" || exit 2

# What the builds generate is nobody's.
mapfile -t files < <(find . -name 'build*' -prune -o -name '*.[ch]' -printf '%P\n' | sort)
[ ${#files[@]} -gt 0 ] || { echo "no C files in $PWD"; exit 2; }

awk '
	{
		columns = 0
		parts = split($0, part, "\t")
		for (i = 1; i < parts; i++)  # a tab goes on to the next eighth
			columns += 8 * (int(length(part[i]) / 8) + 1)
		columns += length(part[parts])
	}
	columns > 100 {
		print FILENAME ":" FNR ": " columns " columns, of which there may be 100"
		wide = 1
	}
	END { exit wide }
' "${files[@]}"
