"""The log of a running system at /dev/log: in a mount namespace where that is
a socket of the test's own.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import socket
import subprocess
import unittest

import instance

LINE = re.compile(r"<(\d+)>([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) "
                  r"([^\[ ]+)\[(\d+)\]: (.*)", re.DOTALL)
MAIL, LOCAL3 = 2 << 3, 19 << 3
ERROR, WARNING, INFO = 3, 4, 6

ENTER = """set -e
for name in null zero full random urandom tty; do
    : > "$0/$name"
    mount --bind "/dev/$name" "$0/$name"
done
mount --rbind "$0" /dev
echo ready
read end
"""


@unittest.skipIf(os.geteuid(), "not root")
class Syslog(instance.TestCase):
    def setUp(self):
        super().setUp()
        try:
            subprocess.run(["unshare", "-m", "true"], check=True,
                           capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("no mount namespaces here")

    def make(self, master=None, **settings):
        self.mail = self.instance(start=False, master=master, settings={
            "maillog_file": "", **settings})
        self.dev = os.path.join(self.mail.dir, "dev")
        os.mkdir(self.dev)
        self.lines = []
        self.listen()
        self.holder = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "sh", "-c", ENTER,
             self.dev], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.holder.communicate)
        self.assertEqual(self.holder.stdout.readline(), b"ready\n")
        self.waypost("start")
        self.addCleanup(self.waypost, "quick-stop", check=False)
        return self.mail

    def waypost(self, *arguments, check=True):
        """With standard error of its own, which commands write to as well."""
        return self.inside("waypost", "-c", self.mail.etc, *arguments,
                           check=check)

    def inside(self, name, *arguments, check=True):
        return self.mail.run(
            ["nsenter", "-m", "-t", str(self.holder.pid),
             os.path.join(self.mail.build, "sbin", name), *arguments],
            check=check)

    def listen(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        path = os.path.join(self.dev, "log")
        if os.path.exists(path):
            os.unlink(path)
        # The path may be too long for an address, its folder's number is not.
        folder = os.open(self.dev, os.O_PATH)
        self.socket.bind(f"/proc/self/fd/{folder}/log")
        os.close(folder)
        os.chmod(path, 0o666)
        self.socket.setblocking(False)

    def drain(self):
        while True:
            try:
                text = self.socket.recv(65536).decode()
            except BlockingIOError:
                return self.lines
            match = LINE.fullmatch(text)
            self.assertTrue(match, text)
            self.lines.append((int(match[1]), match[3], match[5]))

    def wait_line(self, pattern):
        return instance.until(
            lambda: next((line for line in self.drain()
                          if re.search(pattern, line[2])), None),
            f"{pattern} in {self.lines}")

    def test_the_mail_log_has_facility_severity_and_tag(self):
        mail = self.make()
        mail.send("a@example.com", ["b@demo.test"])
        tags = {"master": "daemon started -- version",
                "smtpd": r"^\w+: client=", "cleanup": r"^\w+: message-id=<",
                "qmgr": r"^\w+: removed$", "virtual": "status=sent"}
        for program, pattern in tags.items():
            priority, tag, _ = self.wait_line(pattern)
            self.assertEqual((priority, tag),
                             (MAIL | INFO, "postfix/" + program), pattern)
        # Commands.
        self.inside("postlog", "-c", mail.etc, "-p", "error", "-t", "x/y",
                    "something", "broke")
        self.assertEqual(self.wait_line("something broke"),
                         (MAIL | ERROR, "x/y", "error: something broke"))
        mail.set(smtpd_timout="1")
        self.waypost("reload")
        self.assertEqual(self.wait_line("smtpd_timout")[:2],
                         (MAIL | WARNING, "postfix/postfix-script"))
        self.wait_line("^reload -- version")

    def test_facility_and_name_are_those_of_main_cf(self):
        mail = self.make(
            syslog_facility="local3", syslog_name="mx1",
            master=lambda text: re.sub(
                r"(?m)^(\S+ +inet .* smtpd)$",
                r"\1\n  -o syslog_name=mx1/outside", text))
        mail.send("a@example.com", ["b@demo.test"])
        self.assertEqual(self.wait_line(r"^\w+: client=")[:2],
                         (LOCAL3 | INFO, "mx1/outside/smtpd"))
        self.assertEqual(self.wait_line(r"^\w+: removed$")[:2],
                         (LOCAL3 | INFO, "mx1/qmgr"))

    def test_jailed_roles_find_a_syslog_that_was_started_anew(self):
        mail = self.make(master=lambda text: re.sub(
            r"(?m)^((?:\S+ +inet|cleanup +unix|qmgr +unix) +\S+ +\S+) +n ",
            r"\1 y ", text))
        mail.send("a@example.com", ["b@demo.test"])
        self.wait_line(r"^\w+: removed$")
        self.assertIn("chroot", self.waypost("status", "-v").out)
        self.socket.close()
        self.listen()
        self.lines.clear()
        mail.send("a@example.com", ["c@demo.test"])
        for program, pattern in (("smtpd", r"^\w+: client="),
                                 ("cleanup", r"^\w+: message-id="),
                                 ("qmgr", r"^\w+: removed$")):
            self.assertEqual(self.wait_line(pattern)[1], "postfix/" + program)


if __name__ == "__main__":
    unittest.main()
