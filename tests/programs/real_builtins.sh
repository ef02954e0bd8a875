# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A script that runs no other program: reads a file, writes another one, and counts.  In the middle
# it computes until the file `go' is there.

exec 5> copy
declare -A count
n=0
while read -r line <&6; do
	count[${#line}]=$((${count[${#line}]:-0} + 1))
	printf '%s %05d\n' "$line" $((n * n % 99991)) >&5
	if ((++n == 1000)); then
		echo half
		while [ ! -e go ]; do
			((sum = 0))
			for ((i = 0; i < 100; i++)); do ((sum += i)); done
			((sum == 4950)) || echo "computed wrongly: $sum"
		done
	fi
done 6< input
for length in 1 2 3 4; do
	echo "$length ${count[$length]}"
done
echo "end $n"
