"""Mail for accounts, mailboxes and commands, given to Waypost and to Debian's Postfix under
the same settings, with the same accounts and the same homes: what was delivered where, with
which headers, as whom, what commands saw, and what the log says. What differs is listed
here, once by cause (docs/compatibility.md). WAYPOST_LONG=1 asks all services; else some,
chosen by the seed.

As root, with accounts that only this test sees.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import os
import random
import re
import shutil
import subprocess
import tempfile
import unittest

import box
import instance
import mounts
import oracle

TIME_LIMIT = 200
LONG_TIME_LIMIT = 600
LONG = oracle.LONG
ACCOUNTS = {"ann": 12021, "bob": 12022, "cat": 12023, "dan": 12024, "eve": 12025,
            "fay": 12026, "gus": 12027, "hal": 12028, "ida": 12029, "jim": 12030,
            "dot": 12032, "kim": 12033, "lea": 12034}
NOBODY = 65534

TAKE = r"""#!/bin/sh
{ while read -r key ids; do case $key in Uid:|Gid:|Groups:|Umask:) echo "$key" $ids ;; esac
done < /proc/self/status
echo "in $PWD"
for word; do echo "word $word"; done
env; echo; cat; } > /home/out/$$.new && mv /home/out/$$.new /home/out/$$.done
"""

# path below /home: (text, owner, mode)
FILES = {
    "take": (TAKE, "root", 0o755),
    "ann/.forward+ext": ("ann, away@out.test\n", "ann", 0o644),
    "bob/.forward": ("# comment\n\\bob, \"|/home/take from-forward $USER\"\n"
                     "/home/bob/copy, away@out.test\n", "bob", 0o644),
    "cat/.forward": ("dan\n", "cat", 0o644),
    "dan/.forward": ("cat\n", "dan", 0o644),
    "eve/.forward": ("nobody-here\n", "eve", 0o644),
    "fay/.forward": (":include:/home/fay/list\n", "fay", 0o644),
    "fay/list": ("fay, x@out.test\n/home/fay/from-list\n|/home/take from-list\n", "fay", 0o644),
    "gus/.forward": ("/home/ann/not-mine\n", "gus", 0o644),
    "hal/.forward": ("ann, bob\n", "hal", 0o666),
    "ida/.forward": ("", "ida", 0o644),
    "kim/.forward": ("~/from-forward, \"~/in quotes\"\n", "kim", 0o644),
    "lea/.forward": ("~ann/x\n", "lea", 0o644),
    "jim/.forward": ("\"|exit 75\", y@out.test\n", "jim", 0o644),
    "paths/ann": ("by-path@out.test\n", "ann", 0o644),
    "paths/bob+x": ("by-path-x@out.test\n", "bob", 0o644),
    "lists/plain": ("ann\n# comment\nx@out.test,\n  bob\n", "root", 0o644),
    "lists/far": ("x3@out.test\n", "root", 0o644),
    "lists/ann": ("\"|/home/take from-list\"\n/home/ann/list-file\n", "ann", 0o644),
    "lists/nested": (":include:/home/lists/plain\n:include:/home/lists/nested\n", "root", 0o644),
    "lists/secret": ("ann\n", "root", 0o600),
    "lists/open": ("ann\n", "root", 0o666),
    "lists/bob": ("/home/out/of-bobs-list\n", "bob", 0o644),
    "lists/ann-bob": (":include:/home/lists/bob\n", "ann", 0o644),
    "big": ("x" * 199950 + "\n", "nobody", 0o600),
    "out/full": ("x" * 199950 + "\n", "nobody", 0o600),
}

ALIASES = """
one: ann
two: ann, bob+x
mixed: ann, nobody-here, x@out.test
away: x@out.test, y@out.test
nested: two, one, x@out.test
loop1: loop2
loop2: loop1
self: self
itself: \\itself, x@out.test
ann2: \\ann
quoted: "ann"@maildir.test, "x y"@out.test
phrase: Ann Onymous <ann@maildir.test> (comment)
UPPER: Ann
ext: ann+ext
ida2: ida+more
mlist: ann, nobody-here, x@out.test
owner-mlist: chief@out.test
llist: ann, x@out.test
owner-llist: chief@out.test, ann
outer: mlist, bare, own@out.test
owner-outer: outerchief@out.test
bare: b@out.test
inc: :include:/home/lists/plain
inc-nested: :include:/home/lists/nested
inc-none: :include:/home/lists/none
inc-dir: :include:/home/lists
inc-secret: :include:/home/lists/secret
inc-open: :include:/home/lists/open
inc-ann: :include:/home/lists/ann
inc-rel: :include:lists/plain
inc-ann-bob: :include:/home/lists/ann-bob
command: "|/home/take one 'two three' $RECIPIENT $SENDER"
plain-command: |/home/take
command-twice: "|/home/take x", "|/home/take x", "|/home/take y"
exit1: "|exit 1"
exit64: "|exit 64"
exit67: "|exit 67"
exit69: "|exit 69"
exit70: "|exit 70"
exit75: "|exit 75"
exit77: "|exit 77"
exit78: "|exit 78"
exit99: "|exit 99"
says: "|echo it says so; exit 1"
says4: "|echo 4.7.9 not now; exit 1"
says5: "|echo 5.7.9 never; exit 75"
says2: "|echo 2.1.9 fine; exit 0"
kills: "|kill -9 $$"
absent: |/no/such/program
deaf: "|exec true"
two-fail: "|exit 67", "|exit 75", ann
file: /home/out/file
file-twice: /home/out/file2, /home/out/file2
file-dir: /home/out/md/
file-null: /dev/null
file-denied: /home/ann/denied
file-none: /home/none/file
file-is-dir: /home/out
file-full: /home/out/full
empty-list: ""
null: <>
at: @maildir.test
bang: out.test!u
percent: u%out.test
route: <@a.test,@b.test:u@out.test>
tilde: ~/x
tilde-nobody: ~nobody/x
comment: ann (Ann, at home), dot (5" tall)
"a b": ann
a.b: bob
both: bob, \\bob
away-ann: ann, x@out.test, ann@maildir.test
inmost: x2@out.test, /home/out/inmost, "|/home/take inmost"
lost: nobody-here+x@luser.test, x@out.test
""" + "".join(f"outmost-{d}: inmost@{d}.test, x1@out.test, Ann+ext@{d}.test, dot@{d}.test, "
              ":include:/home/lists/far, \"|/home/take outmost\"\n" for d in ("thawed", "frozen"))
ALIASES_OF_ANN = """
anns: "|/home/take as-owner", /home/ann/owner-file
anns-tilde: ~/in-my-home
anns-inc: :include:/home/lists/bob
anns-inc-none: :include:/home/lists/none
"""

COMMON = {
    "compatibility_level": "3.6", "myhostname": "mail.example.org", "mydomain": "example.org",
    "myorigin": "maildir.test", "recipient_delimiter": "+", "local_recipient_maps": "",
    "smtpd_reject_unlisted_recipient": "no", "smtpd_reject_unlisted_sender": "no",
    "mynetworks": "127.0.0.0/8", "smtpd_peername_lookup": "no", "biff": "no",
    "default_privs": "nobody", "inet_interfaces": "127.0.0.1", "disable_dns_lookups": "yes",
    "alias_maps": "hash:/etc/postfix/aliases, hash:/etc/postfix/aliases-of-ann",
    "alias_database": "", "smtp_host_lookup": "native", "mailbox_size_limit": "200000",
    "message_size_limit": "200000", "virtual_mailbox_limit": "200000", "notify_classes": "",
    "home_mailbox": "Maildir/", "default_process_limit": "50", "smtp_tls_security_level": "none",
    "default_destination_concurrency_limit": "2", "require_home_directory": "no",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
}


class Local:
    program = "local"

    def __init__(self, recipients, **settings):
        self.recipients, self.settings = recipients, settings


class Virtual(Local):
    program = "virtual"


class Pipe:
    def __init__(self, recipients, row):
        self.recipients, self.row = recipients, row


# Names that lead to several places are not among these: what is told of those differs
# (docs/compatibility.md), and local_test.py has them.
NAMES = ["one", "away", "loop1", "loop2", "self", "ann2", "quoted", "phrase", "UPPER",
    "ida2", "bare", "inc-ann", "exit1", "exit64", "exit67", "exit69", "exit70", "exit75",
    "exit77", "exit78", "exit99", "says", "says4", "says5", "says2", "kills", "absent",
    "deaf", "file", "file-twice", "file-dir", "file-null", "file-full", "bang", "percent",
    "a b", "away-ann", "ext", "inc-none", "inc-dir", "inc-open", "inc-rel", "anns-inc-none",
    "route", "comment", "tilde", "tilde-nobody", "anns-tilde", "command",
    "plain-command", "command-twice", "anns"]
SOME = ["ann", "ann+other", "dot", "nobody-here", "nobody-here+x", "one",
        "command", "file"]
USERS = ["cat", "dan", "kim", "lea", "eve", "hal", "ida", "jim", "dot", "ann", "ann+ext",
    "ann+other",
    "ida+more", "nobody-here", "nobody-here+x", "Ann", "ANN+Ext", "ann+", "owner-mlist",
    "mlist-request", "one+ext", "postmaster"]
MACROS = "$sender|$recipient|$user|$extension|$domain|$mailbox|$nexthop|$size|" \
    "$client_address|$client_hostname|$client_protocol|$client_helo|$original_recipient|" \
    "${user}x|$$|{two words}|{ lead}|${sender} to ${recipient}".replace("|", " ")
SERVICES = {
    "maildir": Local([*USERS, *NAMES]),
    "spool": Local(["ann", "ann+other", "ida+more", "one"], home_mailbox=""),
    "homebox": Local(["ann", "one"], home_mailbox="Mail/box"),
    "homefile": Local(["ann", "ida", "ann+other"], home_mailbox="mbox"),
    "spooldir": Local(["ann", "ida"], home_mailbox="", mail_spool_directory="/var/mail/d/"),
    "paths": Local(["ann", "ann+x", "bob", "bob+x", "cat", "ida"], forward_path=
                   "/home/paths/$user${recipient_delimiter}$extension, /home/paths/$user"),
    "nopath": Local(["bob", "cat"], forward_path=""),
    "mcommand": Local([*SOME, "ext", "ann+ext"],
                      mailbox_command="/home/take $USER \"$EXTENSION\" '$DOMAIN'"),
    "mcmd-fails": Local(["ann", "cat", "ida"], mailbox_command="exit 67"),
    "mcmdmaps": Local(SOME, mailbox_command_maps="inline:{{ann@mcmdmaps.test=/home/take full}, "
                      "{bob=/home/take bare $LOCAL}, {ann+ext@mcmdmaps.test=/home/take ext}}",
                      mailbox_command="/home/take otherwise"),
    "mtrans": Local(SOME, mailbox_transport="p-macros:by-transport"),
    "mtransmaps": Local(SOME, mailbox_transport_maps="inline:{{ann=p-macros:by-map}, "
                        "{bob@mtransmaps.test=p-macros:full}}", mailbox_transport=""),
    "fallback": Local(SOME, fallback_transport="p-macros:fell"),
    "fallmaps": Local(SOME, fallback_transport_maps="inline:{{nobody-here=p-macros:map}}"),
    "luser": Local([*SOME, "lost"], luser_relay="$user+$extension@out.test"),
    "luser-local": Local(SOME, luser_relay="$local@out.test"),
    "luser-user": Local(SOME, luser_relay="ann"),
    "luser-bare": Local(["nobody-here", "nobody-here+x"], luser_relay="$recipient"),
    "luser-cmd": Local(SOME, luser_relay="|/home/take lost"),
    "luser-file": Local(SOME, luser_relay="/home/out/lost"),
    "nodeliv": Local([*SOME, "away"], prepend_delivered_header=""),
    "thawed": Local(["outmost-thawed", "ann+ext", "inmost", "jim"], frozen_delivered_to="no"),
    "frozen": Local(["outmost-frozen", "ann+ext", "inmost"]),
    "deny": Local([*SOME, "inc-ann", "anns"], allow_mail_to_files="",
                  allow_mail_to_commands=""),
    "allow": Local([*SOME, "inc-ann", "inc-ann-bob", "anns-inc"],
                   allow_mail_to_files="alias,forward,include",
                   allow_mail_to_commands="alias,forward,include"),
    "propagate": Local(["one+e", "away+e", "cat+e"],
                       propagate_unmatched_extensions="alias, forward, include"),
    "nospread": Local(["one+e", "away+e"], propagate_unmatched_extensions=""),
    "noext": Local(["ann+ext", "ann", "one+e"], recipient_delimiter=""),
    "manydelim": Local(["ann-ext", "ann+ext", "one-x", "dot=x"], recipient_delimiter="-=+"),
    "execdir": Local(["ann", "dot", "command", "anns"], command_execution_directory="$home",
                     mailbox_command="/home/take"),
    "exports": Local(["command", "ann"], export_environment="TZ FOO=bar MAIL_CONFIG=x",
                     mailbox_command="/home/take"),
    "filter": Local(["ann+a;b", "ann+a b", "ann+$x", "command+a|b"], mailbox_command=
                    "/home/take $EXTENSION $LOCAL"),
    "filter-path": Local(["ann+a/b", "ann+../x", "ann+a b"]),
    "loose": Local(["ann", "file-full"], strict_mailbox_ownership="no"),
    "home": Local(["ann", "jim+x", "ghost"], require_home_directory="yes"),
    "shell": Local(["command", "plain-command"], local_command_shell="/bin/sh -c"),
    "virt": Virtual(["a", "b", "a+x", "both", "c", "d", "up", "root", "nouid", "nogid", "low",
                     "bad", "none", "dir", "UPPER", "full", "sub"],
                    virtual_mailbox_base="/home/vbox", virtual_minimum_uid="100",
                    virtual_mailbox_maps="inline:{{a@virt.test=a/}, {b@virt.test=b}, "
                    "{c@virt.test=sub/c}, {d@virt.test=sub/d/}, {up@virt.test=../vup}, "
                    "{root@virt.test=/abs/}, {nouid@virt.test=nouid/}, {nogid@virt.test=nogid/}, "
                    "{low@virt.test=low/}, {bad@virt.test=bad/}, {dir@virt.test=isdir}, "
                    "{upper@virt.test=upper/}, {full@virt.test=full}, {both@virt.test=b}, "
                    "{sub@virt.test=made/deep/er/}}",
                    virtual_uid_maps="inline:{{nouid=x}, {low@virt.test=50}, "
                    "{bad@virt.test=abc}, {@virt.test=12021}}, static:12021",
                    virtual_gid_maps="inline:{{nogid@virt.test=0}, {@virt.test=12022}}, "
                    "static:12022"),
    "virt-few": Virtual(["a", "b", "c"], virtual_mailbox_base="/home/vbox",
                        virtual_mailbox_maps="inline:{{@virt-few.test=all/}, {c=c/}}",
                        virtual_uid_maps="inline:{{a@virt-few.test=12021}}",
                        virtual_gid_maps="inline:{{a@virt-few.test=12021}, "
                        "{b@virt-few.test=12021}}"),
    "virt-fail": Virtual(["a"], virtual_mailbox_base="/home/vbox", virtual_mailbox_maps="fail:x",
                         virtual_uid_maps="static:12021", virtual_gid_maps="static:12021"),
    "virt-uidfail": Virtual(["a"], virtual_mailbox_base="/home/vbox",
                            virtual_mailbox_maps="static:x/", virtual_uid_maps="fail:x",
                            virtual_gid_maps="static:12021"),
    "p-macros": Pipe(["u", "u+e", "U+E", "a b", "u+a b", "u\"v"],
                     "user=ann argv=/home/take " + MACROS),
    "p-all": Pipe(["u", "U+E", "a b"], "flags=DROX user=ann argv=/home/take"),
    "p-fold": Pipe(["U+E", "A B"], "flags=hu user=ann argv=/home/take " + MACROS),
    "p-host": Pipe(["U+E"], "flags=h user=ann argv=/home/take " + MACROS),
    "p-user": Pipe(["U+E"], "flags=u user=ann argv=/home/take " + MACROS),
    "p-quote": Pipe(["a b", "a@b", "u"], "flags=q user=ann argv=/home/take " + MACROS),
    "p-quote2": Pipe(["a b"], "flags=qDOR user=ann argv=/home/take $sender $recipient"),
    "p-from": Pipe(["u"], "flags=F user=ann argv=/home/take"),
    "p-mbox": Pipe(["u"], "flags=FB> user=ann argv=/home/take"),
    "p-dot": Pipe(["u"], "flags=. user=ann argv=/home/take"),
    "p-x": Pipe(["u"], "flags=X user=ann argv=/home/take"),
    "p-eol": Pipe(["u"], "flags=FR eol=\\r\\n user=ann argv=/home/take"),
    "p-null": Pipe(["u"], "flags=R null_sender= user=ann argv=/home/take x$sender"),
    "p-null2": Pipe(["u"], "flags=FR null_sender=nobody user=ann argv=/home/take x$sender"),
    "p-group": Pipe(["u"], "user=ann:bob argv=/home/take"),
    "p-dir": Pipe(["u"], "directory=/home/ann user=ann argv=/home/take"),
    "p-nodir": Pipe(["u"], "directory=/home/nothing user=ann argv=/home/take"),
    "p-size": Pipe(["u"], "size=300 user=ann argv=/home/take"),
    "p-exit": Pipe([str(n) for n in (0, 1, 2, *range(64, 79), 126, 127, 128, 200)],
                   "user=ann argv=/bin/sh -c {exit ${user}}"),
    "p-says": Pipe(["4.1.2", "5.1.2", "2.1.2", "x", "4", "5.1.2x"],
                   "user=ann argv=/bin/sh -c {echo ${user} words; echo more; exit 1}"),
    "p-says-0": Pipe(["4.1.2", "2.1.2"], "user=ann argv=/bin/sh -c {echo ${user} words}"),
    "p-says-75": Pipe(["4.1.2", "5.1.2"],
                      "user=ann argv=/bin/sh -c {echo ${user} words; exit 75}"),
    "p-err": Pipe(["u"], "user=ann argv=/bin/sh -c {echo words >&2; exit 69}"),
    "p-kill": Pipe(["u"], "user=ann argv=/bin/sh -c {kill -9 $$$$}"),
    "p-absent": Pipe(["u"], "user=ann argv=/no/such/thing"),
    "p-deaf": Pipe(["u"], "user=ann argv=/bin/true"),
}
# Always asked: names and lists; what others pass mail on to.
ALWAYS = ("maildir", "p-macros", "thawed")
SOME_SERVICES = 14
DOMAINS = {name: f"{name}.test" for name in SERVICES}
Case = collections.namedtuple("Case", "number service sender recipients head body")


def chosen():
    if LONG:
        return dict(SERVICES)
    rest = [name for name in SERVICES if name not in ALWAYS]
    some = random.Random(instance.sample_seed()).sample(rest, SOME_SERVICES)
    return {name: what for name, what in SERVICES.items() if name in (*ALWAYS, *some)}


def cases(services):
    found = []

    def add(service, recipients, sender="s@out.test", head="", body="body\n"):
        if service not in services:
            return
        found.append(Case(len(found), service, sender, [
            r if r.count("@") and not r.startswith("a@b") else
            f"{quoted(r)}@{service}.test" for r in recipients], head, body))

    for service, what in services.items():
        for at in range(0, len(what.recipients), 40):
            add(service, what.recipients[at:at + 40])
    for service in ("maildir", "spool", "p-all", "p-from", "p-null", "p-null2", "p-macros", "virt"):
        add(service, [SERVICES[service].recipients[0]], "")
    for sender in ("odd one@out.test", "s+x@out.test", "bare"):
        for service in ("maildir", "spool", "p-macros", "p-quote", "p-from"):
            add(service, ["ann" if service in ("maildir", "spool") else "u"], quoted_path(sender))
    for service in ("maildir", "p-all", "virt"):
        name = "a" if service == "virt" else "ann"
        add(service, [name], head=f"Delivered-To: {name}@{service}.test\n")
        add(service, [name], head=f"Delivered-To: {name.upper()}@{service}.test\n"
            "Return-Path: <x@y>\nX-Original-To: z@z\n")
    for service in ("thawed", "frozen"):
        for been in ("inmost", "ann+ext", "outmost-" + service, "dot"):
            add(service, ["outmost-" + service], head=f"Delivered-To: {been}@{service}.test\n")
    for service in ("spool", "p-mbox", "p-from", "p-dot", "p-eol", "file"):
        add(service, ["ann"], body="From here\n>From there\n.\n..\n.x\n\nFrom\nfrom \n\n")
    for service in ("spool", "maildir", "virt", "p-size", "homefile"):
        add(service, ["a" if service == "virt" else "ann"], body="long " * 25000 + "\n")
        add(service, ["a" if service == "virt" else "ann"], body="long " * 25000 + "\n")
    add("virt", ["b"], body="long " * 25000 + "\n")
    add("virt", ["b"], body="long " * 25000 + "\n")
    add("maildir", ["ann", "nobody-here", "ann+other", "one"])
    add("p-macros", ["u", "v", "u+e"])
    add("p-all", ["u", "v"])
    add("spool", ["ann"], body="no end of line")
    return found


def quoted(local):
    return local if re.fullmatch(r"[\w.+=;$|/-]+", local) else \
        '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quoted_path(address):
    local, _, domain = address.partition("@")
    return quoted(local) + ("@" + domain if domain else "")


# Judges are asked with the case, one of our records and one of theirs that the other
# has not.
because = oracle.Causes()


@because("a command of an account's own aliases has the account's name as USER")
def _(_case, our, their):
    def but_names(text):
        return re.sub(r"\n(USER|LOGNAME)=.*", "", text)
    return "\nUSER=" in our and but_names(our) == but_names(their)


@because("mail for a postmaster who is nobody is returned")
def _(_case, our, their):
    return our == "log postmaster@maildir.test: bounced" and their.endswith(": sent")


@because("a path with .. in virtual_mailbox_maps is a mistake of the configuration")
def _(_case, our, their):
    return "to=<up@virt" in our and "to=<up@virt" in their and "dsn=4.3.5" in our


@because("a table of virtual that fails has the status of tables")
def _(_case, our, their):
    return "to=<a@virt-fail." in our and "dsn=4.3.0" in our and "dsn=4.3.5" in their


@because("a command that fails and prints 2.x.x has failed like any other")
def _(_case, our, their):
    return "to=<2.1.2@p-says." in our and "dsn=5.3.0" in our and "dsn=5.0.0" in their


class System:
    """What both are asked alike: home and spool of mailboxes, the log."""

    def __init__(self, address, port, root, read_log, waits):
        self.address, self.port, self.root = address, port, root
        self.read_log, self.waits = read_log, waits
        self.queued = {}                # queue id: case

    def send(self, all_cases):
        with instance.Smtp(self.port, self.address) as client:
            client.hello()
            for case in all_cases:
                text = (f"{case.head}X-Case: {case.number}\nFrom: f@out.test\nTo: t@out.test\n"
                        f"Subject: {case.service}\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n"
                        f"Message-ID: <{case.number}@x>\n\n{case.body}")
                code, lines = client.mail(case.sender, case.recipients,
                                          text if text.endswith("\n") else text + "\n")
                if code != 250:
                    self.queued[f"refused {case.number}"] = case.number
                    client.say("RSET")
                    continue
                self.queued[lines[-1].split()[-1]] = case.number

    def outcomes(self):
        """case: [to, orig_to, relay, dsn, status and what is said of it]"""
        found = collections.defaultdict(list)
        log = self.read_log()
        cases_of = dict(self.queued)
        for qid, other in re.findall(r" (\w+): sender [\w-]+ notification: (\w+)", log):
            cases_of.setdefault(other, cases_of.get(qid))
        lines = re.findall(r" (\w+): (to=<.*)$", log, re.M)
        for qid, onward in re.findall(r" (\w+): .*forwarded as ([\w, ]+)", log):
            if qid in cases_of:
                cases_of.update(dict.fromkeys(onward.split(", "), cases_of[qid]))
        for qid, line in lines:
            line = re.sub(r"(forwarded|queued) as \w+(, \w+)*", r"\1 as ID", line)
            line = re.sub(r"(, conn_use=\d+)?, delay=.*?, dsn=", ", dsn=", line)
            line = re.sub(r"relay=127\.[\d.]+\[[\d.]+\]:\d+|relay=mail.*?:2525", "relay=out", line)
            case = cases_of.get(qid)
            found[case].append("log " + line)
        return found

    def contents(self):
        found = collections.defaultdict(list)
        for folder in ("home", "mail"):
            top = os.path.join(self.root, folder)
            for path, _, names in os.walk(top):
                for name in names:
                    self.take(os.path.join(path, name), found)
        return found

    def take(self, path, found):
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            text = file.read()
        place = os.path.relpath(path, self.root)
        place = re.sub(r"/(new|cur|tmp)/.*", r"/\1/*", place)
        place = re.sub(r"/\d+\.done$", "/*", place)
        status = os.stat(path)
        place += f" {status.st_mode & 0o7777:o} {status.st_uid}:{status.st_gid}"
        mails = re.split(r"(?m)^(?=From \S.*\d\d:\d\d:\d\d)", text) \
            if "/*" not in place else [text]
        for mail in mails:
            case = re.search(r"(?m)^X-Case: (\d+)", mail)
            if case:
                found[int(case.group(1))].append(f"in {place}\n{self.plain(mail)}")

    @staticmethod
    def plain(mail):
        """Without what no two deliveries share."""
        if "\nUid:" in mail[:200]:
            seen, _, rest = mail.partition("\n\n")
            seen = sorted(line for line in seen.splitlines() if not re.match(
                r"(_|PWD|SHLVL|OLDPWD|MAIL_CONFIG)=|Groups:", line))
            mail = "\n".join(seen) + "\n\n" + rest
        mail = re.sub(r"(?m)^Received: .*\n(?:[ \t].*\n)*", "Received\n", mail)
        mail = re.sub(r"(?m)^(From \S+ ).*\d\d:\d\d:\d\d.*", r"\1date", mail)
        return mail


def compared(case, records):
    """Without what is known to differ in any of them: Postfix has a log line for each thing that local does for a recipient, Waypost one
    for all: for local, what is worst of them counts."""
    kept, worst = [], {}
    for record in records:
        if re.match(r"(log )?to (=<|\[')s@out.test|log to=<s@out.test|.* from \n", record):
            continue                # notices have tests of their own
        if "\nUid:" in record:
            # The queue directory or /; each finds its own configuration there.
            record = re.sub(r"\nin (/|/var/spool/postfix)(?=\n)", "\nin ITS PLACE", record)
            # With the length of Received.
            record = re.sub(r"\nword \d{3}(?=\n)", "\nword SIZE", record)
        log = re.match(r"log to=<(.*?)>(?:, orig_to=<(.*?)>)?, relay=(\S+), dsn=(\S+), "
                       r"status=(\w+) ", record)
        if not log or not isinstance(SERVICES[case.service], Local) or \
                isinstance(SERVICES[case.service], Virtual) or log.group(3) == "out":
            # What is said of trouble has words of its own.
            kept.append(record if not log or log.group(5) == "sent" else
                        record[:record.index(" (")])
            continue
        recipient = log.group(2) or log.group(1)
        worst[recipient] = max(worst.get(recipient, ""), log.group(5), key=(
            "", "sent", "bounced", "deferred").index)
    return collections.Counter(kept + [f"log {r}: {status}" for r, status in worst.items()])


@unittest.skipUnless(os.getuid() == 0, "accounts of its own take root")
class Delivery(box.TestCase):

    def setUp(self):
        super().setUp()
        self.services = chosen()
        self.dir = tempfile.mkdtemp()
        os.chmod(self.dir, 0o755)
        self.users = "".join(f"{n}:x:{uid}:{uid}::/home/{n}:/bin/sh\n"
                             for n, uid in ACCOUNTS.items()) + \
            "ghost:x:12031:12031::/home/ghost:/bin/sh\n"

    def furnish(self, root):
        for folder in ("home", "mail", "home/out", "home/out/md", "home/vbox", "home/vbox/sub",
                       "home/vbox/isdir", "home/vup", "mail/d", "home/lists", "home/paths",
                       *(f"home/{n}" for n in ACCOUNTS), "home/ann/Mail"):
            os.makedirs(os.path.join(root, folder), exist_ok=True)
        for name, uid in ACCOUNTS.items():
            os.chown(os.path.join(root, "home", name), uid, uid)
        os.chown(os.path.join(root, "home/ann/Mail"), ACCOUNTS["ann"], ACCOUNTS["ann"])
        os.chown(os.path.join(root, "home/out/md"), NOBODY, NOBODY)
        for folder in ("home/vbox", "home/vbox/sub"):
            os.chown(os.path.join(root, folder), ACCOUNTS["ann"], ACCOUNTS["bob"])
        for folder in ("home/out", "mail", "mail/d"):
            os.chmod(os.path.join(root, folder), 0o1777)
        for name, (text, owner, mode) in FILES.items():
            path = os.path.join(root, "home", name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            uid = {"root": 0, "nobody": NOBODY, **ACCOUNTS}[owner]
            os.chown(path, uid, uid)
            os.chmod(path, mode)
        full = os.path.join(root, "home/vbox/full")
        shutil.copy(os.path.join(root, "home/big"), full)
        os.chown(full, ACCOUNTS["ann"], ACCOUNTS["bob"])

    def bind(self, what, where):
        subprocess.run(["mount", "--bind", what, where], check=True)
        self.addCleanup(mounts.libc.umount2, where.encode(), 2)

    def cover(self, name):
        """The machine's accounts and ours, for this process and its children."""
        with open(f"/etc/{name}", encoding="utf-8") as file:
            lines = [l for l in file if l.partition(":")[0] not in (*ACCOUNTS, "ghost")]
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines)
            file.write(self.users if name == "passwd" else
                       re.sub(r"(?m)^(\w+):x:(\d+):.*", r"\1:x:\2:", self.users))
        self.bind(path, f"/etc/{name}")

    def rows(self):
        rows = []
        for name, what in self.services.items():
            if isinstance(what, Pipe):
                rows.append(f"{name} unix - n n - - pipe\n\t{what.row}\n")
            else:
                rows.append(oracle.row(name, f"unix - n n - - {what.program}", what.settings))
        return "".join(rows)

    def settings(self, where):
        kinds = collections.defaultdict(list)
        for name, what in self.services.items():
            kinds[getattr(what, "program", "pipe")].append(DOMAINS[name])
        return {**COMMON, "relayhost": where, "mydestination": " ".join(kinds["local"]),
                "virtual_mailbox_domains": " ".join(kinds["virtual"]),
                "relay_domains": " ".join(kinds["pipe"]),
                "transport_maps": "inline:{%s}" % ", ".join(
                    "{%s=%s:Hop}" % (DOMAINS[n], n) for n in self.services),
                **{f"{n}_destination_recipient_limit": "1" for n in self.services}}

    def start_both(self):
        sinks = [self.sink(), self.sink()]
        theirs = self.box({**self.settings(sinks[1].where)}, self.rows(), self.users,
                          f"{instance.own_address()}:{instance.PORT}")
        self.furnish(theirs.dir)
        ours = os.path.join(self.dir, "ours")
        self.furnish(ours)
        self.cover("passwd")
        self.cover("group")
        self.bind(os.path.join(ours, "home"), "/home")
        self.bind(os.path.join(ours, "mail"), "/var/mail")
        mail = self.instance({**self.settings(sinks[0].where), "alias_maps":
                              "hash:$config_directory/aliases, "
                              "hash:$config_directory/aliases-of-ann"}, start=False)
        mail.append("master.cf", self.rows())
        for name, text, uid in (("aliases", ALIASES, 0),
                                ("aliases-of-ann", ALIASES_OF_ANN, ACCOUNTS["ann"])):
            path = mail.write(name, text)
            mail.command("postalias", "hash:" + path)
            shutil.copy(path + ".db", theirs.etc)
            for made in (path + ".db", os.path.join(theirs.etc, name + ".db")):
                os.chown(made, uid, uid)
        oracle.start(mail, theirs)
        return (System(mail.host, mail.port, ours, mail.log, lambda: self.busy(mail)),
                System(theirs.listen.partition(":")[0], instance.PORT, theirs.dir, theirs.log,
                       theirs.busy), sinks)

    @staticmethod
    def busy(mail):
        return [m for m in mail.queue() if m["queue_name"] != "deferred"]

    def test_the_same_is_delivered(self):
        everything = cases(self.services)
        *systems, sinks = self.start_both()

        def deliver(system):
            system.send(everything)
            instance.until(lambda: not system.waits(), "the queue", 60)
            return system.outcomes(), system.contents()

        results = oracle.both(deliver, systems)
        for (_, contents), sink in zip(results, sinks):
            for got in sink.received:
                text = got.data.decode("utf-8", "replace")
                case = re.search(r"X-Case: (\d+)", text)
                head = "" if got.sender == "" else System.plain(text)
                contents[int(case.group(1)) if case else None].append(
                    f"to {sorted(got.recipients)} from {got.sender}\n{head}")
        causes, strange, total = collections.Counter(), [], 0
        for case in everything:
            ours, theirs = (compared(case, outcomes[case.number] + contents[case.number])
                            for outcomes, contents in results)
            total += theirs.total()
            only, other = ours - theirs, theirs - ours
            for cause, judge in because:
                for our in list(only):
                    for their in list(other):
                        if judge(case, our, their):
                            causes[cause] += 1
                            only[our] = other[their] = 0
                            only, other = +only, +other
                            break
            if only or other:
                strange.append(f"==== {case.service}, {case.sender}, {case.head!r}\n"
                               + "\n".join(f"{mark} {line}" for mark, texts in (
                                   ("-", only), ("+", other)) for text in sorted(
                                       texts.elements()) for line in text.splitlines()))
        oracle.tell(f"{len(everything)} messages, {total} deliveries and log lines, "
                    f"{len(strange)} differ", causes)
        self.assertGreater(total, 400 if LONG else 150)
        self.assertEqual(len(strange), 0, "\n".join(strange))


if __name__ == "__main__":
    unittest.main()
