"""The commands of Waypost and of Postfix with the same arguments and the same files:
what they print, what they warn of, how they end, and what a changed file then says; and
with one queue, whose files Postfix made. WAYPOST_LONG=1 tries all commands with that,
else some, chosen by the seed, of those that change nothing.

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import json
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

LONG = os.environ.get("WAYPOST_LONG") == "1"
SOME = 32                               # of the commands that change nothing
PACKAGES = os.path.join(instance.BUILD, "packages", "usr")
MAIN = """\
# Top comment
compatibility_level = 3.6
mydomain = example.test
myhostname = mail.$mydomain

# indented continuation
mydestination = $myhostname,
    localhost.$mydomain
    # comment between
\tlocalhost
mail_owner = mail
setgid_group = tape
default_privs = nobody
inet_protocols = ipv4
default_database_type = hash
virtual_alias_domains=
  a.test
user_one = 1 2   3
user_two = $user_one ${user_one} ${user_none}
my_class = reject_unlisted_sender, permit
smtpd_restriction_classes = my_class
smtpd_recipient_restrictions = permit_mynetworks, check_client_access hash:/etc/x, my_class,
   reject_unauth_destination
smtpd_timeout = ${stress?{10}:{100}}s
smtp_timout = 5
relayhost = [smart.test]:587
relayhost = [other.test]
transport_maps = hash:/etc/t
special_destination_recipient_limit = 5
smtp_destination_recipient_limit = 7
nosuch_destination_recipient_limit = 3
odd = { a = b } {c}, d
dollar = $$x $$$user_one
cond = ${user_one?yes}${user_none:no} ${{a} == {b} ? {same} : {other}}
empty =
longline = 1111111111111111 2222222222222222 33333333333333333 444444444444444 55555555555555555 6666666666 7777777777777777777777777777777777777777777777777777777777777777777777777777777777 8
"""
MASTER = """\
# master
smtp      inet  n       -       y       -       -       smtpd
sub inet n - n - 7 smtpd -v
  -o syslog_name=x/$service_name
# in between
  -o { mua_x = a, b }
  -o smtpd_client_restrictions=$mua_x
  -o user_svc=$user_one
  -o nonsense_param=1
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       y       -       -       trivial-rewrite
smtp      unix  -       -       y       -       -       smtp
special   unix  -       -       y       -       -       smtp -o smtp_helo_timeout=5s -o smtp_bind_address=
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}
  a { b c } d
lmtp      unix  -       -       y       -       -       lmtp
"""
NAMES = ("mydestination user_one user_two my_class smtpd_timeout relayhost odd dollar cond "
         "empty longline virtual_alias_domains")
PRINTED = [
    "-n", "-nf", "-nx", "-nH", "-nh", "-nfx", "-nC builtin", "-nC user", "-nC service",
    "-nC all", "-C user", "-C service", "-p -n", NAMES, "-f " + NAMES, "-x " + NAMES,
    "-h " + NAMES, "-hx " + NAMES, "-H " + NAMES, "-fx " + NAMES,
    "-d relayhost smtpd_timeout mydestination", "-dx mydestination smtpd_timeout",
    "-dh relayhost", "-df smtpd_recipient_restrictions",
    "-M", "-Mf", "-Mx", "-Mfx", "-M smtp", "-M smtp/inet", "-M */inet", "-M smtp/unix qmgr",
    "-M inet", "-M smtp.inet", "-Mh", "-MH", "-M nosuch", "-M smtp/nosuch", "-M s*/inet",
    "-F", "-F smtp/inet", "-F */inet/chroot", "-F smtp/inet/command sub/inet/process_limit",
    "-Fh smtp/inet/command", "-FH smtp/inet", "-F qmgr/unix/wakeup", "-F smtp/inet/nosuch",
    "-F */*/private", "-Fx sub/inet/command", "-Ff sub/inet",
    "-F sub/inet/service sub/inet/type sub/inet/unprivileged",
    "-P", "-Px", "-Pf", "-Ph", "-PH", "-P sub/inet", "-P sub/inet/mua_x",
    "-P */inet/syslog_name", "-P smtp/inet", "-P nosuch/inet", "-P sub/inet/nosuch",
    "-P special/unix/smtp_helo_timeout", "-Pn", "-P -C user", "-l", "nosuch_name",
    "nosuch relayhost", "smtp_destination_recipient_limit special_destination_recipient_limit",
    "-d smtp_destination_recipient_limit", "-x nosuch", "-o", "-o relayhost=x relayhost",
    "-o relayhost relayhost", "-d -n", "-nd", "-e", "-X", "-#", "-M -n", "-hM",
    "-C nothing", "-C", "-Z", "-e a", "-e =b", "-X a=b", "-# a=b", "-c /nowhere -n",
    "-c /nowhere", "-c /nowhere -d relayhost", "-E", "-p relayhost", "-p a b"]
# In this order, with the same files; then the files have to say the same.
CHANGES = [
    ["-e", "relayhost=x y"], ["relayhost = [z]"], ["-e", "new_one = a", "mydestination=b, c"],
    ["-X", "longline"], ["-#", "user_one"], ["-X", "nosuch"], ["-#", "nosuch"],
    ["-e", "empty2="], ["-e", "a b=c"],
    ["-M", "new/inet=new inet n - n - 1 smtpd -o a=b"],
    ["-M", "smtp/inet=smtp inet n - n - - smtpd"],
    ["-M", "q/unix=r unix - - - - - smtp"], ["-M#", "new/inet"], ["-MX", "sub/inet"],
    ["-MX", "nosuch/inet"], ["-M#", "nosuch/inet"],
    ["-F", "smtp/inet/chroot=n"], ["-F", "*/inet/process_limit=9"],
    ["-Fe", "smtp/inet/command=smtpd -v -o { a = b c }"],
    ["-P", "smtp/inet/a=b"], ["-P", "smtp/inet/a="],
    ["-PX", "smtp/inet/a"], ["-PX", "smtp/inet/nosuch"], ["-P", "*/unix/z=1"],
    ["-PX", "*/unix/z"]]
# Change nothing.
REFUSED = [
    ["-e", "noequals"], ["-Me", "x/y=short"], ["-MX", "smtp"], ["-F", "smtp/inet/wakeup=abc"],
    ["-F", "smtp/inet/nosuch=x"], ["-P#", "smtp/inet/a"], ["-FX", "smtp/inet/chroot"]]
FILES = {
    "t": "key value\nUPPER two  three\n/re/ yes\n1.2.3.0/24 net\nno_value\n  continued\n"
         "# c\n\n\"q k\" v\n",
    "re": "/^a(b+)$/ got $1\n!/x/ nox\nif /z/\n/zz/ Z\nendif\n",
    "cidr": "192.0.2.0/24 net\n!10.0.0.0/8 notten\nif 1.0.0.0/8\n1.2.3.4 one\nendif\n"}
TABLES = ["texthash:t", "regexp:re", "cidr:cidr", "static:x", "static:{a b}", "inline:{a=b}",
          "inline:{{a=b c}}", "unionmap:{static:a,static:b}",
          "pipemap:{static:a,inline:{a=c}}", "fail:x", "nosuch:x", "texthash:none"]
KEYS = ["key", "UPPER", "abb", "192.0.2.7", "a"]
# What differs, by cause. -o: what the command line sets is no mistake of the file.
NOT_OF_THE_FILE = {"-o relayhost=x relayhost", "-o relayhost relayhost"}
# A directory that is not there is no matter to who wants defaults only.
NO_MATTER = {"-c /nowhere -d relayhost"}
# Nothing but the mistake is told of a request that makes no sense.
SENSELESS = {"-M s*/inet", "-F smtp/inet/nosuch"}
EXPLAINED = NOT_OF_THE_FILE | NO_MATTER | SENSELESS


def complaints(text, program, folder):
    """Warnings without the numbers of lines and our hints; of the rest that there is one."""
    found = set()
    for line in text.replace(program, os.path.basename(program)).splitlines():
        line = line.replace(folder, "DIR")
        line = re.sub(r" \(line \d+.*\)$", "", re.sub(r", line \d+", "", line))
        if "invalid option" not in line and "option requires" not in line:
            found.add("fatal" if "warning: " not in line else line)
    return found


@unittest.skipUnless(os.access(os.path.join(PACKAGES, "sbin", "postconf"), os.X_OK),
                     "no Postfix unpacked")
class Oracle(unittest.TestCase):
    def setUp(self):
        mounts.memory_for_files(self)
        self.dirs = [self.folder(), self.folder()]

    def folder(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        for name, text in {"main.cf": MAIN, "master.cf": MASTER, **FILES}.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
            os.utime(os.path.join(folder, name), (1, 1))
        return folder

    def call(self, which, name, arguments, folder=None):
        folder = folder or self.dirs[which]
        program = os.path.join((instance.BUILD, PACKAGES)[which], "sbin", name)
        done = subprocess.run(
            [program, *arguments], cwd=folder, input="key\na\nzz\nabb\n", text=True,
            capture_output=True, timeout=60, check=False, env=dict(
                os.environ, MAIL_CONFIG=folder,
                LD_LIBRARY_PATH=os.path.join(PACKAGES, "lib", "postfix")))
        return (done.returncode, done.stdout.replace(folder, "DIR"),
                complaints(done.stderr, program, folder))

    def compare(self, cases):
        """Both, of each; the cases whose output, complaints or status differ."""
        # Many, because Postfix's commands wait for a second before they complain.
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            asked = [[pool.submit(self.call, which, *case) for which in (0, 1)]
                     for case in cases]
            return {" ".join([case[0], *case[1]]): answers for case, answers in (
                (case, [one.result() for one in both])
                for case, both in zip(cases, asked)) if answers[0] != answers[1]}

    def test_what_postconf_prints(self):
        different = self.compare([("postconf", case.split()) for case in PRINTED])
        for case in EXPLAINED:
            self.assertIn("postconf " + case, different)
            ours, theirs = different.pop("postconf " + case)
            self.assertEqual(ours[:2], theirs[:2])
            if case not in SENSELESS:
                self.assertLess(ours[2], theirs[2])
        self.assertEqual(different, {})

    def test_what_postconf_changes(self):
        for arguments in CHANGES:
            with self.subTest(arguments):
                ours, theirs = (self.call(which, "postconf", arguments) for which in (0, 1))
                self.assertEqual(ours[:2], theirs[:2])
        self.assertEqual({case: both for case, both in self.compare(
            [("postconf", arguments) for arguments in REFUSED]).items()
            if both[0][:2] != both[1][:2]}, {})
        said = [[self.call(0, "postconf", [option], folder)[1].splitlines()
                 for option in ("-n", "-F", "-P")] for folder in self.dirs]
        self.assertIn("relayhost = [z]", said[0][0])
        self.assertEqual(*[[sorted(part) for part in parts] for parts in said])

    def test_tables(self):
        cases = [("postmap", [*asked, table]) for table in TABLES for asked in
                 (*(["-q", key] for key in KEYS), ["-q", "-"], ["-d", "key"], [])]
        cases += [("postalias", ["-q", "a", table]) for table in TABLES]
        different = self.compare(cases)
        # Whole configuration: what it sets twice is told by postconf alone.
        for ours, theirs in different.values():
            theirs[2].difference_update(
                [line for line in theirs[2] if "overriding earlier entry" in line])
        self.assertEqual({case: both for case, both in different.items()
                          if both[0] != both[1]}, {})


# ---- a queue: files that Postfix made, with both systems ----

SENT = [(["-f", "a@s.test", "r1@d.test", "r2@d.test"], "Subject: one\nX: y\n\nbody\n"),
        (["-f", "b@s.test", "-B", "8BITMIME", "-N", "success,failure", "-V", "env",
          "-R", "hdrs", "-F", "Full", "R3@e.test"],
         "Subject: two\n folded\nno header\n\ncaf\u00e9\n.x\n" + "y" * 5000 + "\n\tz"),
        (["-t", "-f", ""], "To: x@d.test\nBcc: z@d.test\n\nmany\n")]
NONE = "4F0A1B2C3D"                     # a message that is not there
# Nothing changes: side by side. {a} to {c} are ids, {A} to {C} copies of their files.
LOOKS = [
    "postqueue -p", "postqueue -j", "mailq", "sendmail -bp", "mailq extra", "postqueue",
    "postqueue -Z", "postqueue -p extra", "postqueue -p -j", "postqueue -f -p",
    "postqueue -i bad/id", "postqueue -i " + NONE, "postqueue -s bad..site",
    "postqueue -s else.test", "sendmail -qRelse.test", "sendmail -qR", "sendmail -qSx",
    *(f"postcat {flags}q {{{id}}}" for id in "abc"
      for flags in ("-", "-b", "-h", "-e", "-bh", "-r")),
    *(f"postcat {flags} {{A}}" for flags in ("-b", "-h", "-e", "-bh", "-s 0")),
    "postcat {A} {B} {C}", "postcat -q {a} {b} {c}", "postcat -q " + NONE,
    "postcat -q bad/id", "postcat /nowhere", "postcat -Z", "postcat {dir}/cut",
    "postcat {dir}/text", "postcat {dir}/empty", "postcat {dir}", "postcat < {A}",
    "postcat -bq < {B}", "postcat -b < {C}", "cat {A} | postcat -h", "postcat < {dir}/text",
    "qshape", "qshape -s deferred", "qshape deferred", "qshape -Z", "postkick",
    "postkick public", "postkick public none W", "postlock",
    "postlock -Z", "postlock /nowhere/x true", "postlock {A} true", "postlock {B} false",
    "postlock {C} /none/such", "postlock -l none {A} true", "postlog -p nosuch x",
    "postlog -Z", "newaliases", "postsuper -Z", "postsuper -d", "postsuper nosuch",
    "postsuper -d {a} nosuch", "postmap -q key proxy:hash:{dir}/t",
    "postmap -q none proxy:hash:{dir}/t", "postmap -q - proxy:hash:{dir}/t < {dir}/t",
    "postmap -s proxy:hash:{dir}/t", "postmap -d key proxy:hash:{dir}/t",
    "postmap -i proxy:hash:{dir}/t < {dir}/t", "postmap proxy:hash:{dir}/t",
    "postmap -q key proxy:hash:{dir}/u", "postmap -q - proxy:hash:{dir}/u < {dir}/t",
    "postmap -q key hash:{dir}/t proxy:hash:{dir}/u", "postmap -q a proxy:static:x",
    "postmap -q key proxy:hash:{dir}/none", "postmap -q key proxy:nosuch:x",
    "postmap -q key proxy:regexp:{dir}/re", "postmap -q key proxy:x", "postmap -q a proxy:",
    "postmap -q key proxy:proxy:hash:{dir}/t", "postalias -q key proxy:hash:{dir}/t"]
# One after the other; what each prints, and then the log, has to be the same. What is
# released is not looked at again: each system tries it in its time.
ACTIONS = [
    "postlog some words", "postlog -p warn -t tag words", "postlog -p info -i words",
    "postlog -p error -t x y z", "postlog < {dir}/lines", "postlog -p fatal words",
    "postlog -p panic words", "sendmail -bi", "postsuper", "postsuper -p", "postsuper -s",
    "postsuper -ps", "postsuper -S",
    f"postsuper -d {NONE} -r {NONE} -h {NONE} -H {NONE} -e {NONE}", f"postsuper -f {NONE}",
    "postsuper -d bad/id", "postsuper -h - < {dir}/ids", "postsuper -h {a}",
    "postsuper -h {a}", "postqueue -p", "postqueue -j", "postsuper -d {a} deferred",
    "postsuper -d {b} hold", "postsuper -h {b} defer", "postsuper -h ALL", "mailq", "qshape hold",
    "postsuper -e {b} hold", "postqueue -p", "postqueue -j", "postsuper -d - -h - < {dir}/ids",
    "postsuper -H ALL defer", "postsuper -d {a} -d {a}", "postsuper -d ALL deferred",
    "postsuper -H {c} -h {c} -H {c} -h {c}", "postsuper -f {c}",
    "postsuper -r {b}", "postsuper -d ALL hold", "postqueue -f", "sendmail -q"]
FOLDER = {"lines": "one\ntwo words\n\nthree\n", "ids": f"{NONE}\n\nbad/id\n",
          "text": "some\ntext\n", "empty": "", "t": "key value\nother thing\n",
          "u": "key value\n", "re": "/k(.*)/ got $1\n"}
ALIASES = "root: joe\nlist: :include:/etc/x, b\n\"a b\": c\nroot: again\nempty:\n"
# What differs, by cause (docs/compatibility.md). Wrong use: Postfix says that it may be
# tried again, or that there is no service.
STATUS = {"sendmail": (64, 75, 69), "mailq": (64, 75), "postqueue": (64, 69),
          "qshape": (64, 255), "postlock": (127, 1)}
# All or nothing is shown of a file, and it fails.
NO_QUEUE_FILE = {"postcat {dir}/cut", "postcat {dir}/text", "postcat {dir}/empty",
                 "postcat {dir}", "postcat < {dir}/text"}
# What cannot be read twice is copied first: Postfix shows it, and then fails.
PIPED = "cat {A} | postcat -h"
# We say how it is used, or Postfix does; both tell that it is not.
OTHER_WORDS = {"postlog -p nosuch x", "postlog -Z", "qshape -Z", "postlock {C} /none/such"}
# Sizes and times of Postfix's own form; what was declared, where content is looked at.
OF_THE_FORM = r"(?m)^(message_size|create_time|named_attribute: encoding):?.*\n"
# ALL: what became of each message is told here.
EACH = r"\b[0-9A-F]+: (placed on hold|released from hold|removed)$"
# Whose reason Postfix tells in a line more.
TWICE = r"unable to look up public/none: No such file"
SCRIPT = """cd {dir}
run() {{ eval "$2" > $1.out 2> $1.err; echo $? > $1.rc; }}
{looks}wait
{actions}"""


def in_order(text):
    """Messages of a listing by their ids; no sizes."""
    text = re.sub(r'("message_size": |^[0-9A-F]+[*!#]* +)\d+', r"\1N", text, flags=re.M)
    if text.startswith("-Queue ID-"):
        head, _, rest = text.partition("\n")
        return "\n\n".join([head, *sorted(rest.split("\n\n"))])
    return "\n".join(sorted(text.split("\n"))) if text.startswith("{") else text


class QueueOracle(box.TestCase):

    def setUp(self):
        super().setUp()
        settings = {"default_database_type": "hash", "defer_transports": "smtp",
                    "myhostname": "mail.o.test", "myorigin": "o.test", "mydestination": ""}
        self.theirs = self.box({**settings, **self.tables("/etc/postfix")})
        self.ours = self.instance(start=False, settings=settings)
        self.ours.set(**self.tables(self.ours.etc))
        looks = LOOKS if LONG else random.Random(instance.sample_seed()).sample(LOOKS, SOME)
        self.cases = looks + ACTIONS

    @staticmethod
    def tables(etc):
        maps = ["static:x", "nosuch:x", *(f"{kind}:{etc}/f/{name}" for kind, name in (
            ("hash", "t"), ("hash", "none"), ("regexp", "re")))]
        return {"proxy_read_maps": " ".join("proxy:" + name for name in maps),
                "alias_maps": f"hash:{etc}/aliases", "alias_database": f"hash:{etc}/aliases"}

    def fill(self):
        """Three deferred messages, of both; their ids by senders."""
        for arguments, text in SENT:
            self.theirs.run("exec", "sendmail", *arguments, input=text)
        queue = []

        def is_deferred():
            queue[:] = [json.loads(line) for line in self.theirs.run(
                "exec", "postqueue", "-j").stdout.splitlines()]
            return [one["queue_name"] for one in queue] == ["deferred"] * len(SENT)
        instance.until(is_deferred, "Postfix to defer the mail")
        box.copy_queue(self.theirs.spool, self.ours.spool)
        self.ids = {one["sender"][:1].strip("M") or "c": one["queue_id"] for one in queue}

    def folder(self, etc):
        folder = os.path.join(etc, "f")
        os.mkdir(folder)
        os.chmod(folder, 0o755)
        for name, text in FOLDER.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        for name, number in self.ids.items():
            path = os.path.join(self.theirs.spool, "deferred", number[0], number)
            shutil.copy(path, os.path.join(folder, name.upper()))
        with open(os.path.join(folder, "A"), "rb") as file:
            text = file.read()
        with open(os.path.join(folder, "cut"), "wb") as file:
            file.write(text[:len(text) // 2])
        return folder

    def script(self, folder):
        names = {"dir": folder, **self.ids,
                 **{name: os.path.join(folder, name) for name in "ABC"}}
        lines = [f"run {n} '{case.format(**names)}'" for n, case in enumerate(self.cases)]
        return SCRIPT.format(
            dir=folder, actions="\n".join(lines[-len(ACTIONS):]),
            looks="".join(line + " &\n" for line in lines[:-len(ACTIONS)]))

    def answers(self, etc, spool, inside):
        """Of each case: status, what was printed, what was said."""
        def read(number, what):
            with open(os.path.join(etc, "f", f"{number}.{what}"), encoding="utf-8",
                      errors="replace") as file:
                return file.read().replace(inside, "DIR").replace(spool, "SPOOL")

        found = {}
        for number, case in enumerate(self.cases):
            out, said = read(number, "out"), []
            if "postcat" in case:
                out = re.sub(OF_THE_FORM, "", out)
            for line in read(number, "err").splitlines():
                if "fatal: " in line:
                    said.append("fatal")
                elif not re.search("invalid option|requires an|" + TWICE, line) and \
                        not ("ALL" in case and re.search(EACH, line)):
                    said.append(re.sub(r"^\S*/(\w+: )", r"\1", line))
            found[number, case] = (int(read(number, "rc")), in_order(out), said)
        return found

    @staticmethod
    def told(log):
        """What postsuper and postlog logged, and in whose name; not of wrong use, nor
        what it says of each message on standard error, too."""
        return [(name, text.rstrip()) for name, text in re.findall(
            r"(?m)^\S+ +\d+ \S+ \S+ (postfix/postsuper|postfix/postlog|tag|x)(?:\[\d+\])?: "
            r"?(.*)", log) if not re.search("fatal: (invalid|usage)|" + EACH, text)]

    def test_the_same_queue(self):
        self.theirs.write("etc/aliases", ALIASES)
        self.ours.write("aliases", ALIASES)
        self.theirs.start()
        self.fill()
        for etc in (self.theirs.etc, self.ours.etc):
            self.folder(etc)
        inside = "/etc/postfix/f"
        self.theirs.run("exec", "postmap", inside + "/t", inside + "/u")
        self.ours.command("postmap", self.ours.etc + "/f/t", self.ours.etc + "/f/u")
        self.ours.start()
        self.ours.environment.update(
            MAIL_CONFIG=self.ours.etc,
            PATH=os.path.join(self.ours.build, "sbin") + ":" + os.environ["PATH"])
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            other = pool.submit(self.theirs.run, "exec", "sh", "-c", self.script(inside))
            self.ours.run(["sh", "-c", self.script(self.ours.etc + "/f")])
            other.result()
        theirs = self.answers(self.theirs.etc, "/var/spool/postfix", "/etc/postfix")
        ours = self.answers(self.ours.etc, self.ours.spool, self.ours.etc)
        for (number, case), own in ours.items():
            with self.subTest(case):
                self.assertEqual(own, self.explained(
                    case, own, theirs[number, case]))
        self.assertEqual(self.told(self.ours.log()), self.told(self.theirs.log()))

    @staticmethod
    def explained(case, own, other):
        """What Postfix said, as we would say it."""
        status, out, said = other
        alike = STATUS.get(case.split()[0], ())
        if own[0] != status and own[0] in alike and status in alike:
            status = own[0]
        if case in NO_QUEUE_FILE:
            return (1, "", ["fatal"])
        if case == PIPED:
            return (0, out or own[1], [])
        if case in OTHER_WORDS:
            said = own[2]
        return (status, out, said)


if __name__ == "__main__":
    unittest.main()
