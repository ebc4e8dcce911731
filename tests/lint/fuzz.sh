#!/bin/sh
# Each fuzz target has seeds to start from and a dictionary; no seeds or
# dictionary without a target; docs/testing.md says what each is for.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

status=0
complain() {
	echo "$1"
	status=1
}
for source in tests/fuzz/*_fuzz.c; do
	name=$(basename "$source" _fuzz.c)
	[ -s "tests/fuzz/$name.dict" ] ||
	    complain "$source:1: tests/fuzz/$name.dict is missing"
	ls "tests/fuzz/seeds/$name"/* > /dev/null 2>&1 ||
	    complain "$source:1: tests/fuzz/seeds/$name has no seeds"
	grep -q "^| .*\`$name\`" docs/testing.md ||
	    complain "$source:1: docs/testing.md does not list $name"
done
for file in tests/fuzz/*.dict tests/fuzz/seeds/*; do
	name=$(basename "$file" .dict)
	[ -e "tests/fuzz/${name}_fuzz.c" ] ||
	    complain "$file:1: no target of this name"
done
exit $status
