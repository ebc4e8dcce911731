#!/bin/sh
# Each role, command and table type has a manual page in docs/man.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

missing=
want() {
	[ -e "docs/man/$1" ] || missing="$missing $1"
}
for dir in daemons/*/; do
	role=$(basename "$dir")
	case $role in shared|commands|\*) continue ;; esac
	want "man8/$role.8"
done
for source in daemons/commands/*.c; do
	command=$(basename "$source" .c)
	case $command in *_lib|cmd|common_*|\*) continue ;; esac
	grep -q '^main(' "$source" && want "man1/$command.1"
done
types=$(find maps -name '*.c' 2>/dev/null | sort |
    xargs -r tests/lint/code -s | awk '
	/const struct map_type [a-z_]+ =/ { inside = 1 }
	inside && match($0, /\.name = "[a-z]+"/) {
		print substr($0, RSTART + 9, RLENGTH - 10)
		inside = 0
	}')
for type in $types; do
	want "man5/${type}_table.5"
done
[ -z "$missing" ] && exit 0
echo "no manual page in docs/man:"
printf '%s\n' $missing | sort -u | sed 's/^/    /'
exit 1
