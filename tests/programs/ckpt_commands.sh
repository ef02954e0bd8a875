# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2003  # other programs are wanted here
#
# A script that runs other programs without a pause, from `half' on until there is a file `go'.

# Each round must give what it always gives.
round() {
	[ "$(expr 40 + 2)" = 42 ] || echo "expr is wrong"
	[ "$(seq 30 | sort -r | tail -n 1)" = 1 ] || echo "the pipeline is wrong"
	(exit 3)
	[ $? -eq 3 ] || echo "the status is wrong"
	sleep 0 &
	wait $! || echo "the child is lost"
}

trap 'echo "a child ended"; trap - CHLD' CHLD
round
hung=0
trap 'hung=$((hung + 1))' HUP
echo half
until [ -e go ]; do
	round
done
for n in 1 2 3; do
	kill -HUP $$
	seq "$n" | tr '\n' ' '
done
echo "hung up $hung times"
