#!/bin/sh
# The fixed words of a log line occur once in the tree, so that grep finds
# the one place that writes it. An error with LINT_STRICT=1.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

find common maps queue daemons -name '*.c' 2>/dev/null | sort |
xargs -r tests/lint/code -s | awk '
match($0, /log_(info|warn|error)\("[^"]*"/) {
	place = $0
	sub(/:[^:0-9].*/, "", place)
	split($0, part, ":")
	place = part[1] ":" part[2]
	text = substr($0, RSTART, RLENGTH)
	sub(/^[^"]*/, "", text)
	fixed = text
	gsub(/%[-+ #0-9.*]*[a-zA-Z]+/, "", fixed)
	gsub(/[^A-Za-z ]/, "", fixed)
	if (split(fixed, words, " ") < 3)
		next
	if (text in seen) {
		printf "%s: %s is also written at %s\n", place, text, seen[text]
		bad = 1
	} else
		seen[text] = place
}
END { exit bad && ENVIRON["LINT_STRICT"] == 1 }'
