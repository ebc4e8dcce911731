"""The commands of Waypost and of Postfix with the same arguments and the same files:
what they print, what they warn of, how they end, and what a changed file then says.

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import instance
import mounts

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


if __name__ == "__main__":
    unittest.main()
