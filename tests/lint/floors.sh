#!/bin/sh
# A file includes from its own folder and from lower floors only, by path from
# the root; x_priv.h stays in its folder. The list of all parameters alone may
# include *_conf.h of every role.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

find common maps queue daemons -name '*.[ch]' 2>/dev/null | sort |
xargs -r grep -n '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' /dev/null |
awk -F: '
function floor(path) {
	if (path ~ /^common\/base\//) return 0
	if (path ~ /^common\/io\//) return 1
	if (path ~ /^common\/mail\//) return 2
	if (path ~ /^common\/service\//) return 3
	if (path ~ /^(maps|queue)\//) return 4
	if (path ~ /^daemons\/shared\//) return 5
	if (path ~ /^daemons\/[^\/]+\//) return 6
	return -1
}
function folder(path) {
	sub(/\/[^\/]*$/, "", path)
	# daemons/commands/lib serves daemons/commands.
	sub(/^daemons\/commands\/lib$/, "daemons/commands", path)
	return path
}
function complain(what) {
	printf "%s:%s: includes \"%s\": %s\n", $1, $2, target, what
	bad = 1
}
{
	target = $0
	sub(/^[^"]*"/, "", target)
	sub(/".*$/, "", target)
	mine = floor($1)
	theirs = floor(target)
	if (theirs < 0) {
		complain("spell it from the root, as \"common/io/stream.h\"")
		next
	}
	if (folder(target) == folder($1))
		next
	if (target ~ /_priv\.h$/)
		complain("that header is for its own folder")
	else if (theirs > mine)
		complain("that is a higher floor")
	else if (theirs == mine &&
	    !($1 == "daemons/commands/lib/all_params.c" && target ~ /_conf\.h$/))
		complain("folders of one floor do not know each other")
}
END { exit bad }'
