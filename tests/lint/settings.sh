#!/bin/sh
# Each parameter that somebody acts on is set by a test, or stands in
# tests/lint/settings.unset: a list that is to get shorter; who is set by now is
# told, and no failure. "smtp_x = y", "x": "y" and x="y" set one; <transport>_x
# is set for any transport. LMTP has the fields of SMTP, which
# tests/daemons/smtp/settings_test.c holds: the twin's test counts.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

rows=$(find common maps queue daemons -name "*.[ch]" 2>/dev/null | sort |
    xargs -r tests/lint/code -s |
    sed -n 's/^\([^:]*:[0-9]*\):.*\(PARAM_\|[ 	(]\)\(STR\|RAW\|INT\|BOOL\|TIME\|TEMPLATE\)("\([^"]*\)".*/\1 \4/p')
[ -n "$rows" ] || exit 0
set_names() {
	find tests -path tests/lint -prune -o -path tests/fuzz -prune -o \
	    -path tests/data -prune -o -type f \( -name '*.[ch]' -o -name '*.py' \
	    -o -name '*.smtp' \) ! -name manual_test.c \
	    ! -name defaults_oracle_test.py -exec cat {} + |
	    sed 's/\\n/ /g' | grep -oE "[A-Za-z0-9_]+[\"']?[[:space:]]*[=:]" |
	    sed 's/[^A-Za-z0-9_].*//' | sort -u
}
{
	set_names | sed 's/^/set /'
	sed -n 's/^\([^#].*\)/unset \1/p' tests/lint/settings.unset
	echo "$rows" | sed 's/^/row /'
} | awk '
$1 == "set" { set[$2] = 1; next }
$1 == "unset" { unset[$2] = 1; next }
{
	name = $3
	found = name in set
	if (!found && name ~ /^</) {	# <transport>_x
		tail = name
		sub(/^<[^>]*>/, "", tail)
		for (n in set)
			if (length(n) > length(tail) &&
			    substr(n, length(n) - length(tail) + 1) == tail)
				found = 1
	}
	if (!found && sub(/^lmtp_/, "smtp_", name)) {
		sub(/lhlo/, "ehlo", name)
		found = name in set
	}
	rows[$3] = 1
	if (!found && !($3 in unset)) {
		printf "%s: no test sets \"%s\"\n", $2, $3
		bad = 1
	}
	if (found && ($3 in unset))
		printf "tests/lint/settings.unset: a test sets \"%s\": take it out\n", $3
}
END {
	for (n in unset)
		if (!(n in rows)) {
			printf "tests/lint/settings.unset: nobody acts on \"%s\"\n", n
			bad = 1
		}
	exit bad
}'
