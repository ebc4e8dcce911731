#!/bin/sh
# What every file has: a top comment that ends with the SPDX line, an include
# guard named after the path, and no note to do something later.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

files=$(find common maps queue daemons tests -name '*.[chS]' 2>/dev/null | sort)
[ -n "$files" ] || exit 0
# shellcheck disable=SC2086
awk '
function complain(line, what) {
	printf "%s:%d: %s\n", FILENAME, line, what
	bad = 1
}
FNR == 1 {
	if ($0 !~ /^\/\*/)
		complain(1, "a file starts with a comment that says what it is for")
	comment = 1
	spdx = 0
	guard = toupper(FILENAME)
	gsub(/[^A-Z0-9]/, "_", guard)
}
comment && /SPDX-License-Identifier: Apache-2\.0/ { spdx = 1 }
comment && /\*\// {
	comment = 0
	if (!spdx)
		complain(FNR, "the top comment ends with the SPDX line")
}
FILENAME ~ /\.h$/ && /^#ifndef / && !(FILENAME in guarded) {
	guarded[FILENAME] = 1
	if ($2 != guard)
		complain(FNR, "the include guard of this file is " guard)
}
/(^|[^A-Za-z_])(TODO|FIXME|XXX)([^A-Za-z_]|$)/ {
	complain(FNR, "decide it, or write down what would have to be decided")
}
/[^[:space:]][ \t]+$/ || /^[ \t]+$/ { complain(FNR, "white space at the end of the line") }
/^    / && FILENAME !~ /\.S$/ && /^        / {
	complain(FNR, "indent with tabs of eight")
}
END { exit bad }' $files || exit 1

for header in $(echo "$files" | grep '\.h$'); do
	grep -q '^#ifndef ' "$header" || {
		echo "$header:1: no include guard"
		exit 1
	}
done
