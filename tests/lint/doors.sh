#!/bin/sh
# Some calls have one owner each: epoll, starting processes, privileges and
# changes to queue files. Found in code only, not in comments or strings.
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/../.." || exit 2

sources=$(find common maps queue daemons -name '*.[ch]' 2>/dev/null | sort)
[ -n "$sources" ] || exit 0
code=$(mktemp) || exit 2
trap 'rm -f "$code"' EXIT
# shellcheck disable=SC2086
tests/lint/code $sources > "$code" || exit 2
status=0

# door: what, calls (an extended pattern), files that may (a pattern)
door() {
	found=$(grep -E "(^|[^A-Za-z0-9_>.])($2)[[:space:]]*\(" "$code" |
	    grep -Ev "^($3):" |
	    # A declaration or definition of a like-named function is not a call.
	    grep -Ev '^[^:]*:[0-9]+:[[:space:]]*(static|extern|#[[:space:]]*include)')
	[ -z "$found" ] && return
	echo "$found" | sed "s|^\([^:]*:[0-9]*\):|\1: $1 belongs elsewhere: |"
	status=1
}

door "epoll (common/io/loop.c)" \
    'epoll_[a-z0-9_]+' \
    'common/io/loop\.c'
door "starting a process (common/io/child.c)" \
    'fork|vfork|clone|clone3|posix_spawnp?|popen|system|daemon' \
    'common/io/child\.c'
# DNS and its library block, and are configured behind the jail. Tables outside of
# roles ask them in an offload thread.
door "asking the system's resolver (daemons/resolver)" \
    'getaddrinfo|getnameinfo|gethostby[a-z0-9_]+|res_n?(query|search|send)' \
    'daemons/resolver/[a-z_]*\.c|daemons/master/listen\.c|maps/server\.c'
door "asking for accounts (unix: tables, local, rows of commands)" \
    'get(pw|gr)(nam|uid|gid|ent)(_r)?' \
    'maps/unix\.c|common/mail/conf_core\.c|daemons/local/user\.c|daemons/shared/command_row\.c|daemons/commands/.*'
door "replacing the program (common/io/child.c)" \
    'execv|execve|execvp|execvpe|execveat|fexecve|execl|execlp|execle' \
    'common/io/child\.c'
door "giving up privileges (common/service/jail.c)" \
    'chroot|pivot_root|unshare|setns|set(res|re|e)?[ug]id|setfs[ug]id|setgroups|initgroups|capset|prctl|landlock_[a-z_]+|seccomp_[a-z_]+' \
    'common/service/jail\.c|common/io/child\.c|common/io/watchdog\.c|common/io/fiber_stack\.c'
# Mailboxes and tables are changed through the same door as the queue.
door "a change to files (common/io/fs.c)" \
    'rename|renameat2?|unlink|unlinkat|link|linkat|symlinkat?|fsync|fdatasync|sync_file_range|syncfs|mkdir|mkdirat|ftruncate|fchmodat?' \
    "common/io/fs\.c|common/io/sock\.c|common/base/.*|$(sed -n 's/^\([^#[:space:]]*\).*/\1/p' \
    tests/lint/doors.allow | sed 's/\./\\./g' | paste -sd'|')"
# A file that is made by a flag of open(2).
found=$(grep -E '(^|[^A-Za-z0-9_])O_(CREAT|TMPFILE)([^A-Za-z0-9_]|$)' "$code" |
    grep -Ev '^(common/io/fs(_nameless)?\.c|common/io/record\.c|maps/(make_file|cache)\.c|daemons/(master|qmgr)/.*|daemons/commands/waypost\.c):')
if [ -n "$found" ]; then
	echo "$found" | sed 's|^\([^:]*:[0-9]*\):|\1: making a file (common/io/fs.c) belongs elsewhere: |'
	status=1
fi
exit $status
