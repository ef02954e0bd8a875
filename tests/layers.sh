#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Checks who includes whom.  Prints what breaks the rules, and exits with status 1 when something
# does.  `layers.sh FOLDER` checks another tree.

cd "${1:-$(dirname "$0")/..}" || exit 2

# Each folder, and a pattern of what its #include lines may name besides its own headers: folders of
# ours, and system headers that need a permission.  Other system headers are free except in the
# bootstrap, which has no C library.
rules() {
	cat <<-'END'
	util                -
	process             "util/
	elf                 "(util|process)/  <(libelf|gelf|elf|zstd|zstd_errors|xxhash)\.h>
	libsavefds          "(util|process)/
	restart             "(util|process|elf)/  "restart/bootstrap/plan\.h"  "syscall_names\.h"
	restart/bootstrap   <(stdint|stddef|stdbool)\.h>  <(linux|asm|asm-generic)/
	ckpt                "(util|process|elf)/  "libckpt/static/static\.h"
	libckpt             "(util|process)/
	libckpt/static      "(util|process|libckpt)/
	pmckpt              "(libckpt/)?ckpt\.h"
	END
}

# Only elf/ may use libelf, libzstd and libxxhash.
restricted='<(libelf|gelf|zstd|zstd_errors|xxhash)\.h>'
status=0

# allowed FOLDER INCLUDED PATTERN...
allowed() {
	local folder=$1 included=$2 pattern

	[[ $included == "\"$folder/"* && ${included#"\"$folder/"} != */* ]] && return
	shift 2
	for pattern in "$@"; do
		[[ $included =~ ^$pattern ]] && return
	done
	[[ $included == '<'* && $folder != restart/bootstrap && ! $included =~ ^$restricted ]]
}

while read -r folder patterns; do
	[ -d "$folder" ] || continue
	read -ra allow <<< "$patterns"
	while IFS=: read -r file line included; do
		allowed "$folder" "$included" "${allow[@]}" && continue
		echo "$file:$line: $folder may not include $included"
		status=1
	done < <(find "$folder" -maxdepth 1 -name '*.[chS]' -exec \
		grep -nHE '^[[:space:]]*#[[:space:]]*include' {} + |
		sed -E 's,:[[:space:]]*#[[:space:]]*include[[:space:]]*([<"][^>"]*[>"]).*,:\1,')
done < <(rules)
exit $status
