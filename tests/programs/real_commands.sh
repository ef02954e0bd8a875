# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2003  # other programs are wanted here
#
# A script that runs other programs, and between two of them waits for a line from the fifo `gate'.

total=0
exec 7<> gate
trap 'echo "hung up after $n"' HUP
for n in 1 2 3 4 5 6; do
	total=$(expr "$total" + "$(seq "$n" | wc -l)")
	seq "$n" | sort -r | tr '\n' ' '
	echo "total $total"
	if [ "$n" -eq 3 ]; then
		echo half
		read -r word <&7
		echo "$word"
	fi
done
kill -HUP $$
(exit 3)
echo "end $?"
