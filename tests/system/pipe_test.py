"""Rows of master.cf that run commands: pipe for messages, spawn for clients.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

import instance

ROWS = """
take unix - n n - - pipe
  flags=DRXqu user={user} directory={dir} null_sender=
  argv={dir}/take {{two words}} $sender $recipient $user $extension $nexthop
many unix - n n - - pipe
  flags=FB.> user={user} eol=\\r\\n argv={dir}/take $recipient $domain
end unix - n n - - pipe
  user={user} argv=/bin/sh -c ${{user}}
small unix - n n - - pipe
  user={user} size=300 argv=/bin/cat
absent unix - n n - - pipe
  user={user} argv=/no/such/thing
slow unix - n n - - pipe
  user={user} argv=/bin/sh -c {{echo $$$$ > {dir}/slow.$$$$; sleep 500 | sleep 500}}
late unix - n n - - pipe
  user={user} argv=/bin/sh -c {{echo begun; sleep 500}}
mild unix - n n - - pipe
  -o {{ pipe_delivery_status_filter = regexp:{{{{/^5.1.1 / 4.9.9 perhaps later}}}} }}
  user={user} argv=/bin/sh -c {{exit 67}}
brief unix - n n - - spawn
  user={user} argv=/bin/sh -c {{echo here; exec sleep 500}}
talk unix - n n - - spawn
  user={user} argv=/bin/sh -c {{id -u; while read word; do echo "got $word";
  done}}
{host}:2600 inet n n n - - spawn
  user={user} argv=/bin/sh -c {{read word; echo $word; exit 3}}
"""


class Rows(instance.TestCase):
    account = "nobody" if os.getuid() == 0 else None    # the one there is

    def setUp(self):
        super().setUp()
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        os.chmod(self.dir, 0o1777)
        with open(os.path.join(self.dir, "take"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n{ echo \"as $(id -u):$(id -G) in $(pwd)\"; "
                       "for word; do echo \"word $word\"; done; env; echo; cat; } "
                       f"> {self.dir}/$$.new && mv {self.dir}/$$.new "
                       f"{self.dir}/$$.done\necho 2.1.5 taken\n")
        os.chmod(os.path.join(self.dir, "take"), 0o755)

    def start(self, rows=ROWS, **settings):
        user = self.account or pwd.getpwuid(os.getuid()).pw_name
        names = re.findall(r"^(\w+) unix", rows, re.M)
        mail = self.instance(
            {"relay_domains": "$transport_maps", "recipient_delimiter": "+",
             "transport_maps": "inline:{%s}" % ", ".join(
                 "%s.test=%s:Hop" % (n, n) for n in names if n not in ("talk", "brief")),
             "take_destination_recipient_limit": "1",
             "minimal_backoff_time": "1s", "maximal_backoff_time": "1s",
             "queue_run_delay": "1s", **settings},
            start=False)
        path = os.path.join(mail.etc, "master.cf")
        with open(path, "a", encoding="utf-8") as file:
            file.write(rows.format(user=user, dir=self.dir, host=mail.host))
        return mail.start()

    def done(self, count=1):
        def read():
            found = [os.path.join(self.dir, n) for n in os.listdir(self.dir)
                     if n.endswith(".done")]
            return len(found) >= count and found

        texts = []
        for path in instance.until(read, "what the command wrote"):
            with open(path, "rb") as file:
                texts.append(file.read())
            os.unlink(path)
        return texts

    def uid(self):
        return pwd.getpwnam(self.account).pw_uid if self.account else os.getuid()

    def running(self):
        found = set()
        for name in os.listdir(self.dir):
            pid = name.partition("slow.")[2]
            if pid and os.path.exists(f"/proc/{pid}"):
                found.add(pid)
        return found

    def test_messages_and_clients_have_commands(self):
        mail = self.start(slow_time_limit="300s", late_time_limit="1s",
                          brief_time_limit="1s")
        self.words_and_flags(mail)
        self.several_recipients(mail)
        self.ends(mail)
        self.clients(mail)
        self.killed_worker(mail)

    def words_and_flags(self, mail):
        one = mail.send("", ['"Ann+E;x"@TAKE.test'], "Subject: one\n\n.\nFrom b\n")
        (text,) = self.done()
        lines = text.decode().split("\n\n")[0].split("\n")
        self.assertTrue(lines[0].startswith(f"as {self.uid()}:"), lines)
        self.assertTrue(lines[0].endswith(" in " + self.dir), lines)
        self.assertEqual(lines[1:7], [
            "word two words", "word ", "word \"ann+e;x\"@TAKE.test",
            "word ann", "word e;x", "word Hop"])
        self.assertEqual([l for l in lines if l.startswith(("WAYPOST", "HOME"))], [])
        self.assertTrue(any(l.startswith("PATH=") for l in lines))
        self.assertRegex(text.partition(b"\n\n")[2],
                         rb'(?s)\AReturn-Path: <>\nDelivered-To: '
                         rb'"Ann\+E;x"@TAKE.test\n.*\n\n\.\nFrom b\n\Z')
        mail.wait_log(rf"pipe\[\d+\]: {one}: to=<\S+>, relay=take, .*dsn=2\.0\.0, "
                      r"status=sent \(delivered via take service \(2\.1\.5 taken\)\)")
        # What has been here before goes back.
        mail.send("alice@demo.test", ["x@take.test"],
                  "Delivered-To: X@take.test\n\nloop\n")
        mail.wait_log(r"relay=take, .*dsn=5\.4\.6, status=bounced \(mail forwarding "
                      r"loop for x@take\.test\)")

    def several_recipients(self, mail):
        mail.send("s@demo.test", ["a@many.test", "b@many.test"],
                  "Subject: two\n\n.\nFrom b\nend\n")
        (text,) = self.done()
        lines = text.decode().replace("\r", "").split("\n")
        self.assertEqual(lines[1:5], ["word a@many.test", "word b@many.test",
                                      "word many.test", "word many.test"])
        message = text.partition(b"\n\n")[2]
        self.assertRegex(message, rb"\AFrom s@demo\.test  \w.*\r\nReceived: ")
        self.assertTrue(message.endswith(b"\r\n\r\n..\r\n>From b\r\nend\r\n\r\n"))
        mail.wait_log(r"to=<[ab]@many\.test>, relay=many, .*status=sent", 2)

    def ends(self, mail):
        for user, dsn, status, reason in (
                ("exit 67", "5.1.1", "bounced", "user unknown"),
                ("echo later; exit 75", "4.3.0", "deferred",
                 "temporary failure. Command output: later"),
                ("echo 5.7.9 no; exit 75", "5.7.9", "bounced", "no"),
                ("exit 3", "5.3.0", "bounced",
                 'Command died with status 3: "/bin/sh"'),
                ("kill $$", "4.3.0", "deferred",
                 'Command died with signal 15: "/bin/sh"')):
            mail.send("alice@demo.test", [f'"{user}"@end.test'])
            mail.wait_log(r"relay=end, .*" + re.escape(
                f"dsn={dsn}, status={status} ({reason}"))
        mail.send("s@demo.test", ["x@absent.test"])
        mail.wait_log(r"relay=absent, .*dsn=4\.3\.0, status=deferred \(temporary "
                      r"failure. Command output: exec /no/such/thing: No such file")
        mail.send("s@demo.test", ["x@late.test", "x@mild.test"])
        mail.wait_log(r"relay=late, .*dsn=5\.3\.0, status=bounced \(Command time "
                      r"limit exceeded: .*Command output: begun")
        mail.wait_log(r"relay=mild, .*dsn=4\.9\.9, status=deferred \(perhaps later")
        mail.send("alice@demo.test", ["x@small.test"], "Subject: x\n\n"
                  + "0123456789\n" * 40)
        mail.wait_log(r"relay=small, .*dsn=5\.2\.3, status=bounced \(message size")
        self.assertIn(b"x-unix; user unknown", b"".join(mail.wait_box("alice", 4)))

    def clients(self, mail):
        path = os.path.join(mail.spool, "private", "talk")
        self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
        with contextlib.ExitStack() as stack:
            talks = []
            for _ in range(3):
                s = stack.enter_context(socket.socket(socket.AF_UNIX))
                s.settimeout(20)
                s.connect(path)
                talks.append(stack.enter_context(s.makefile("rw")))
            for number, talk in enumerate(talks):
                self.assertEqual(talk.readline().strip(), str(self.uid()))
                talk.write(f"word {number}\n")
                talk.flush()
            for number, talk in enumerate(talks):
                self.assertEqual(talk.readline(), f"got word {number}\n")
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(talks[2].read(), "")
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(os.path.join(mail.spool, "private", "brief"))
            with s.makefile("r") as file:
                self.assertEqual(file.read(), "here\n")
        mail.wait_log(r"spawn\[\d+\]: warning: command /bin/sh: time limit exceeded")
        with socket.create_connection((mail.host, 2600), 20) as s:
            s.sendall(b"over there\n")
            with s.makefile("r") as file:
                self.assertEqual(file.read(), "over there\n")
        mail.wait_log(r"spawn\[\d+\]: warning: command /bin/sh: exit status 3")

    def killed_worker(self, mail):
        one = mail.send("s@demo.test", ["x@slow.test"])
        (first,) = instance.until(self.running, "the command")
        group = os.getpgid(int(first))
        # Its guard's parent is the worker.
        with open(f"/proc/{group}/stat", encoding="latin-1") as file:
            worker = int(file.read().rpartition(")")[2].split()[1])
        os.kill(worker, signal.SIGKILL)
        mail.wait_log(rf"{one}: to=<x@slow\.test>, .*status=deferred \(")

        def gone():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, 0)
                return all(self.is_dead(p) for p in self.group_of(group))
            return True

        instance.until(gone, "all that the command had started to end")
        (second,) = instance.until(lambda: self.running() - {first},
                                   "the next attempt")
        os.kill(int(second), signal.SIGTERM)

    @staticmethod
    def group_of(group):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.getpgid(int(pid)) == group:
                    found.append(pid)
        return found

    @staticmethod
    def is_dead(pid):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
                return file.read().rpartition(")")[2].split()[0] in "ZX"
        return True

    @unittest.skipUnless(os.getuid() == 0, "other users take root")
    def test_no_row_has_roots_rights(self):
        mail = self.start("bad unix - n n - - pipe user=root argv=/bin/true\n"
                          "wide unix - n n - - pipe flags=D user=nobody "
                          "argv=/bin/true\n"
                          "stub unix - n n - - pipe flags=D user=no-one-here "
                          "argv=/bin/true\n"
                          "odd unix - n n - - pipe user=nobody argv=/bin/x $nosuch\n")
        mail.send("s@demo.test", ["x@bad.test"])
        mail.wait_log(r"fatal: .*user=root: no command may have root's rights")
        found = mail.command("waypost", "check", check=False)
        self.assertNotEqual(found.returncode, 0)
        text = found.out + found.err
        for words in ("user=root: no command may have root's rights",
                      "wide_destination_recipient_limit = 1",
                      "there is no $nosuch"):
            self.assertIn(words, text)
        self.assertNotIn("stub", text)
        one = mail.send("s@demo.test", ["x@wide.test"])
        mail.wait_log(rf"{one}: to=<x@wide\.test>, .*status=sent")
        two = mail.send("s@demo.test", ["x@wide.test", "y@wide.test"])
        mail.wait_log(rf"{two}: to=<y@wide\.test>, .*dsn=4\.3\.5, status=deferred "
                      r"\(mail system configuration error\)")

    @unittest.skipUnless(os.getuid() == 0, "another root takes root")
    def test_commands_are_in_the_root_of_their_row(self):
        root = os.path.join(self.dir, "root")
        libraries = subprocess.run(["ldd", "/bin/sh"], check=True, text=True,
                                   capture_output=True).stdout
        for path in ("/bin/sh", *re.findall(r"(/\S+) \(", libraries)):
            os.makedirs(root + os.path.dirname(path), exist_ok=True)
            shutil.copy(path, root + path)
        os.mkdir(root + "/out")
        os.chmod(root + "/out", 0o1777)
        mail = self.start("jail unix - n n - - pipe user=nobody chroot=%s "
                          "directory=/out argv=/bin/sh -c {{pwd > where}}\n" % root)
        one = mail.send("s@demo.test", ["x@jail.test"])
        mail.wait_log(rf"{one}: .*relay=jail, .*status=sent")
        with open(root + "/out/where", encoding="ascii") as file:
            self.assertEqual(file.read(), "/out\n")


if __name__ == "__main__":
    unittest.main()
