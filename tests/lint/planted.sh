#!/bin/sh
# Each planted bug still applies to the tree as it is, and says in its first
# line what is wrong.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

status=0
for file in tests/power/planted/*.patch; do
	if ! said=$(patch -p1 --dry-run --force --fuzz=0 < "$file" 2>&1); then
		echo "$file:1: does not apply, make it anew: $said"
		status=1
	fi
	case $(head -n 1 "$file") in
	[A-Z0-9a-z]*.) ;;
	*)	echo "$file:1: the first line says what is wrong"
		status=1 ;;
	esac
done
exit $status
