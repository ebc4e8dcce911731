#!/bin/sh
# What the documents name is there: files of the tree, manual pages of ours.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

# `daemons/smtpd/session.c`; <x> and * stand for some name, a/b and x for what a
# reader would write.
paths() {
	grep -Hno '`[^` ]*`' README.md docs/*.md docs/decisions/*.md |
	sed -n 's/<[^>]*>/*/g
s,^\([^:]*:[0-9]*\):`\(\(common\|daemons\|maps\|queue\|tests\|conf\|docs\)/[^`(]*\)`$,\1 \2,p'
}
# In "see also", and in documents.
pages() {
	grep -Ho '^\.BR [a-z_.-]* *([158])' docs/man/man*/* |
	sed 's/^\([^:]*\):\.BR \([^ (]*\) *(\(.\))/\1 \2 \3/'
	grep -Hno '`[a-z._-]*([158])`' README.md docs/*.md |
	sed 's/^\([^:]*:[0-9]*\):`\(.*\)(\(.\))`/\1 \2 \3/'
}
there() {
	[ -e "$1" ]
}

{
	paths | while read -r where path; do
		case $path in tests/a/*|*/x) continue ;; esac
		# shellcheck disable=SC2086
		there $path || echo "$where: there is no $path"
	done
	pages | while read -r where name section; do
		there "docs/man/man$section/$name.$section" ||
		    echo "$where: there is no page $name($section)"
	done
} | grep . && exit 1
exit 0
