#!/bin/sh
# Each planted bug still applies to the tree as it is, compiles, and says in its
# first line what is wrong.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

status=0
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

# The sources that a patch changes, as they are with it. What a build found on
# this machine does not matter: nothing is linked.
compiles() {
	for source in $(sed -n 's,^+++ b/\(.*\.c\)$,\1,p' "$1"); do
		patch -p1 --force --fuzz=0 -s -o "$work/planted.c" "$source" "$1" ||
		    return 1
		${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -I. -DFAULTS=1 -DHAVE_DB=0 \
		    -DHAVE_LMDB=0 -DHAVE_CDB=0 -DHAVE_PCRE2=0 -DHAVE_SECCOMP=0 \
		    -DHAVE_OPENSSL=0 -iquote "$(dirname "$source")" -fsyntax-only \
		    "$work/planted.c" || return 1
	done
}

for file in tests/power/planted/*.patch; do
	if ! said=$(patch -p1 --dry-run --force --fuzz=0 < "$file" 2>&1); then
		echo "$file:1: does not apply, make it anew: $said"
		status=1
	elif ! said=$(compiles "$file" 2>&1); then
		echo "$file:1: does not compile, make it anew: $said"
		status=1
	fi
	case $(head -n 1 "$file") in
	[A-Z0-9a-z]*.) ;;
	*)	echo "$file:1: the first line says what is wrong"
		status=1 ;;
	esac
done
exit $status
