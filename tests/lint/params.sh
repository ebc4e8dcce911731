#!/bin/sh
# A parameter row has a name that main.cf knows (tests/data/params.txt) or one
# of our own, which is listed and explained in tests/lint/params.own.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

rows=$(find common maps queue daemons -name '*.c' 2>/dev/null | sort |
    xargs -r tests/lint/code -s |
    sed -n 's/^\([^:]*:[0-9]*\):.*PARAM_\(STR\|RAW\|INT\|BOOL\|TIME\|TEMPLATE\)("\([^"]*\)".*/\1 \3/p')
[ -n "$rows" ] || exit 0
echo "$rows" | awk '
FILENAME == "-" {
	if (!($2 in known)) {
		printf "%s: parameter \"%s\" is neither in tests/data/params.txt nor in tests/lint/params.own\n", $1, $2
		bad = 1
	}
	next
}
/^#/ { next }
{ known[$1] = 1 }
END { exit bad }' tests/data/params.txt tests/lint/params.own -
