#!/bin/sh
# Each parameter that somebody acts on is set by a test. "smtp_x = y", "x": "y"
# and x="y" set one; <transport>_x is set for any transport. LMTP has the fields
# of SMTP, which tests/daemons/smtp/settings_test.c holds: the twin's test counts.
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
	echo "$rows" | sed 's/^/row /'
} | awk '
$1 == "set" { set[$2] = 1; next }
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
	if (!found) {
		printf "%s: no test sets \"%s\"\n", $2, $3
		bad = 1
	}
}
END { exit bad }'
