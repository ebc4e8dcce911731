"""Each call of the commands that submit, of pickup and of each delivery agent fails
once: the first one, then the second, until a message meets no fault.

sendmail ends with 0 and its message arrives, or with a status that means "again".
Whatever fails behind that, the message arrives, in its mailbox, at its server or as
a notice; a process that died is started again, and nobody has more descriptors than
before. The short form tries some of the calls, chosen by the seed; WAYPOST_LONG=1
all of them.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import contextlib
import errno
import glob
import mailbox
import os
import pwd
import random
import re
import signal
import time
import unittest

import instance

LONG = os.environ.get("WAYPOST_LONG") == "1"
TIME_LIMIT = 280
LONG_TIME_LIMIT = 3000
SHORT = 1                               # calls of each role and way

SETTINGS = {"minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
            "queue_run_delay": "1s", "transport_retry_time": "1s",
            "service_throttle_time": "1s", "stale_lock_time": "1s",
            "mydestination": "here.test", "mydomain": "here.test",
            "smtpd_reject_unlisted_recipient": "no",
            "alias_maps": "texthash:$config_directory/aliases",
            "transport_maps": "texthash:$config_directory/transports"}

# What carries a message to each place: the role whose calls fail, and where the
# message goes. "fresh": its processes are new, so that their start counts.
WAYS = (
    ("postdrop", "submitted", ""), ("sendmail", "submitted", ""),
    ("pickup", "submitted", ""),
    ("virtual", "virtual", ""), ("launcher", "virtual", "fresh"),
    ("worker", "virtual", ""), ("virtual", "virtual", "fresh"),
    ("local", "local", ""), ("worker", "local", ""),
    ("launcher", "local", "fresh"), ("local", "aliased", ""),
    ("worker", "aliased", ""),
    ("commands", "commanded", ""), ("pipe", "piped", ""),
    ("lmtp", "lmtp", ""),
    ("error", "bounced", ""), ("error", "retried", ""),
    ("discard", "discarded", ""),
) + ((
    ("local", "commanded", ""), ("commands", "piped", ""),
    ("launcher", "piped", "fresh"),
) if LONG else ())


class Agents(instance.TestCase):
    limit = TIME_LIMIT

    def setUp(self):
        super().setUp()
        self.order = random.Random(instance.seed())
        self.faults = self.board()
        self.server = self.sink(lmtp=True)
        self.user = "nobody" if os.getuid() == 0 else \
            pwd.getpwuid(os.getuid()).pw_name
        self.mail = mail = self.instance(
            {**SETTINGS, "mail_spool_directory": "$queue_directory/../boxes"},
            start=False, faults=self.faults)
        self.boxes = os.path.join(mail.dir, "boxes")
        os.mkdir(self.boxes)
        os.chmod(self.boxes, 0o1777)
        self.file = os.path.join(mail.mail_dir, "file")
        self.taken = os.path.join(self.boxes, "taken-by-command")
        os.chmod(mail.write("take", '#!/bin/sh\nexec cat >> "$1.$(id -u)"\n'),
                 0o755)
        with open(os.path.join(mail.etc, "master.cf"), "a",
                  encoding="utf-8") as rows:
            rows.write("take unix - n n - - pipe\n"
                       f"  user={self.user} argv={mail.etc}/take {self.taken}\n")
        mail.write("aliases", f"many {self.file}, bob@demo.test\n"
                   f'runs "|{mail.etc}/take {self.taken}"\n')
        mail.write("transports",
                   f"lmtp.test lmtp:inet:{self.server.host}:{self.server.port}\n"
                   "bounce.test error:5.1.1 gone for ever\n"
                   "retry.test retry:4.3.2 not today\n"
                   "discard.test discard:into the void\n"
                   "piped.test take:\n")
        mail.start()
        self.sent = 0
        self.statuses = collections.Counter()

    # ---- where messages go, and whether they are there ----

    def post(self, recipient):
        """(subject, id) of a message that was taken."""
        self.sent += 1
        name = f"id-{self.sent}-x"
        return name, self.mail.send("alice@demo.test", [recipient],
                                    f"Subject: {name}\n\nbody\n")

    def subjects(self, texts):
        return [m.decode() for text in texts
                for m in re.findall(rb"^Subject: (id-\d+-x)", text, re.M)]

    def mbox(self, path):
        if not os.path.exists(path):
            return []
        return [message["Subject"] for message in mailbox.mbox(path)]

    def submitted(self):
        self.sent += 1
        name = f"id-{self.sent}-x"
        done = self.mail.command("sendmail", "-f", "alice@demo.test",
                                 "alice@demo.test", check=False,
                                 input=f"Subject: {name}\n\nbody\n")
        self.statuses[done.returncode] += 1
        if done.returncode:
            # 78 where main.cf could not be read; both with a word about it.
            self.assertIn(done.returncode, (os.EX_TEMPFAIL, os.EX_CONFIG),
                          done.err)
            self.assertRegex(done.err, "fatal: |main.cf")
            return None
        return lambda: self.subjects(self.mail.box("alice")).count(name)

    def virtual(self):
        name, _ = self.post("alice@demo.test")
        return lambda: self.subjects(self.mail.box("alice")).count(name)

    def local(self):
        name, _ = self.post(f"{self.user}@here.test")
        path = os.path.join(self.boxes, self.user)
        return lambda: self.mbox(path).count(name)

    def aliased(self):
        name, _ = self.post("many@here.test")
        return lambda: min(self.mbox(self.file).count(name),
                           self.subjects(self.mail.box("bob")).count(name))

    def taken_by_command(self, name):
        found = 0
        for path in glob.glob(self.taken + ".*"):
            with open(path, "rb") as file:
                found += self.subjects([file.read()]).count(name)
        return found

    def commanded(self):
        name, _ = self.post("runs@here.test")
        return lambda: self.taken_by_command(name)

    def piped(self):
        name, _ = self.post("x@piped.test")
        return lambda: self.taken_by_command(name)

    def lmtp(self):
        name, _ = self.post("x@lmtp.test")
        return lambda: self.subjects(
            m.data for m in list(self.server.received)).count(name)

    def bounced(self):
        name, _ = self.post("x@bounce.test")
        return lambda: len([text for text in self.mail.box("alice")
                            if f"Subject: {name}".encode() in text
                            and b"gone for ever" in text])

    def retried(self):
        """Stays; nobody is told. It is removed once it says why."""
        _, identity = self.post("x@retry.test")

        def waits():
            found = [m for m in self.mail.queue()
                     if m["queue_id"] == identity]
            self.assertEqual(len(found), 1, "lost")
            if "not today" not in found[0]["recipients"][0].get(
                    "delay_reason", ""):
                return 0
            self.mail.command("postsuper", "-d", identity)
            return 1

        return waits

    def discarded(self):
        _, identity = self.post("x@discard.test")
        return lambda: len(re.findall(
            rf"{identity}: to=<x@discard\.test>, .*status=sent "
            r"\(into the void\)", self.mail.log()))

    # ---- the run ----

    def renew(self):
        for role in ("local", "virtual", "pipe", "launcher"):
            for pid in self.mail.pids(role):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def one(self, role, way, fresh, nth):
        """A message while this call fails. (fault was met, times it arrived)"""
        if fresh:
            self.renew()
        self.faults.arm("", nth, role, errno.EIO)
        try:
            arrived = getattr(self, way)()
        except AssertionError as error:
            # A forwarded recipient, a lost process: the client hears 4xx.
            self.assertRegex(str(error), r"not taken: (4\d\d|0) ")
            arrived = None
        what = f"pass {nth} of {role}, {self.faults.hit}: {way}"
        try:
            times = self.patiently(arrived, what) if arrived else 1
            instance.until(lambda: self.faults.hits or not self.mail.queue(),
                           "the end of it", 40)
        finally:
            hit = self.faults.hits > 0
            self.faults.disarm()
        self.assertIsNone(self.mail.process.poll(), "master ended: " + what)
        return hit, times

    def patiently(self, arrived, what):
        deadline = time.monotonic() + 40
        nudge = time.monotonic() + 1
        while not (times := arrived()):
            if time.monotonic() > deadline:
                self.fail("lost: " + what)
            if time.monotonic() > nudge:
                nudge += 1
                if any(m["queue_name"] == "hold" for m in self.mail.queue()):
                    self.mail.command("postsuper", "-H", "ALL", check=False)
                self.mail.command("postqueue", "-f", check=False)
                self.mail.command("postkick", "public", "pickup", "W",
                                  check=False)
            time.sleep(0.02)
        return times

    def open_files(self):
        counts = {}
        for role in ("pickup", "virtual", "local", "pipe", "smtp", "error", "discard",
                     "launcher", "cleanup", "qmgr", "bounce"):
            for pid in self.mail.pids(role):
                with contextlib.suppress(OSError):
                    counts[role, pid] = len(os.listdir(f"/proc/{pid}/fd"))
        return counts

    def settle(self):
        """What a fault left over is tried again at the next wake-up."""
        self.mail.command("postkick", "public", "pickup", "W")
        self.mail.wait_empty(60)

    def passes_of(self, role, way, fresh):
        self.settle()                   # of the way before
        for _ in range(2):
            before = self.faults.passes()
            self.one(role, way, fresh, 1_000_000)
            self.settle()
        after = self.faults.passes()
        return sum(n - before[key] for key, n in after.items()
                   if key[0] == role)

    def test_each_call_on_the_way_fails(self):
        for way in sorted({way for _, way, _ in WAYS}):
            self.one("", way, "", 1_000_000)
        files = self.open_files()
        twice = collections.Counter()
        tried = met = 0
        for role, way, fresh in WAYS:
            passes = self.passes_of(role, way, fresh)
            self.assertGreater(passes, 2, (role, way))
            nths = range(1, passes + 1)
            if not LONG:
                nths = sorted(self.order.sample(nths, min(SHORT, passes)))
            hits = 0
            for nth in nths:
                hit, times = self.one(role, way, fresh, nth)
                hits += hit
                twice[times - 1] += 1
                self.assertLessEqual(times, 2, (role, way, nth))
            print(f"  {role}, {way}{' ' + fresh if fresh else ''}: {passes} "
                  f"calls, {len(nths)} tried, {hits} failed", flush=True)
            tried += len(nths)
            met += hits
        print(f"  {self.sent} messages, {twice[1]} arrived twice; sendmail "
              "ended with " + ", ".join(
                  f"{status}: {n}" for status, n in sorted(
                      self.statuses.items())))
        self.assertGreater(met, 2 * tried // 3)
        self.settle()
        maildrop = os.path.join(self.mail.spool, "maildrop")
        self.assertEqual([name for name in os.listdir(maildrop)
                          if os.stat(os.path.join(maildrop, name)).st_mode
                          & 0o100], [], "left in maildrop")

        def more():
            return {key: (files[key], n) for key, n in self.open_files()
                    .items() if key in files and n > files[key] + 6}

        instance.until(lambda: not more(), "descriptors to be closed", 20)


if __name__ == "__main__":
    unittest.main()
