"""Every call of the mail path that can fail is made to, in a running system.

Programs with fault points carry mail; one point of one role after another fails once
(faults.py), at its first pass and at a later one. What was answered 250 arrives; other
answers are 4xx, or the connection ends; who dies is started again; nobody is left with
more descriptors than before. The short form tries some of the points, chosen by the
seed, once; WAYPOST_LONG=1 all of them, at several passes.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import contextlib
import errno
import os
import random
import re
import signal
import time
import unittest

import instance

LONG = os.environ.get("WAYPOST_LONG") == "1"
TIME_LIMIT = 500
LONG_TIME_LIMIT = 1200

SETTINGS = {"minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
            "queue_run_delay": "1s", "transport_retry_time": "1s",
            "service_throttle_time": "1s"}

ERRORS = {"fds.dup": errno.EMFILE, "sock.pair": errno.EMFILE,
          "sock.socket": errno.EMFILE, "sock.accept": errno.EMFILE,
          "fdpass.receive": errno.EMFILE, "fiber.stack": errno.ENOMEM,
          "offload.thread": errno.EAGAIN, "child.fork": errno.EAGAIN,
          "stream.read": errno.ECONNRESET, "stream.write": errno.ENOBUFS,
          "loop.add": errno.ENOSPC, "control.map": errno.ENOMEM,
          "jail.identity": errno.EPERM}


class Faults(instance.TestCase):
    limit = LONG_TIME_LIMIT if LONG else TIME_LIMIT

    def setUp(self):
        super().setUp()
        self.order = random.Random(instance.seed())
        self.board_of_faults = self.board()
        self.sink_of_mail = self.sink(
            lambda stage, argument: "550 5.1.1 no such user"
            if stage == "rcpt" and argument.startswith("bounce@") else None)
        self.mail = self.instance(
            {"relayhost": self.sink_of_mail.where, **SETTINGS},
            faults=self.board_of_faults)
        self.sent = 0
        self.wanted = set()
        self.answers = collections.Counter()

    def send(self, recipients):
        self.sent += 1
        name = f"id-{self.sent}-x"
        try:
            with self.mail.smtp(timeout=15) as client:
                if client.greeting[0] != 220:
                    self.answers[client.greeting[0]] += 1
                    return
                client.hello()
                code, _ = client.mail("s@demo.test", recipients,
                                      f"Subject: {name}\n\nbody\n")
        except (OSError, AssertionError, ValueError, IndexError, EOFError):
            self.answers["connection lost"] += 1
            return
        self.answers[code] += 1
        if code == 250:
            self.wanted.update((name, r.partition("@")[0])
                               for r in client.taken)

    def submit(self):
        """By sendmail: its exit status 0 is a promise as well."""
        self.sent += 1
        name = f"id-{self.sent}-x"
        done = self.mail.command("sendmail", "-f", "s@demo.test",
                                 "alice@demo.test", check=False,
                                 input=f"Subject: {name}\n\nbody\n")
        self.answers[f"sendmail {done.returncode}"] += 1
        if done.returncode == 0:
            self.wanted.add((name, "alice"))

    def round(self):
        self.send(["alice@demo.test", "out@example.org"])
        self.send(["out@example.org", "bounce@example.org"])
        self.submit()

    def arrived(self):
        found = []

        def note(text, recipients):
            name = re.search(rb"^Subject: (id-\d+-x)", text, re.M)
            if name:
                found.extend((name.group(1).decode(), r.partition("@")[0])
                             for r in recipients)

        for text in self.mail.box("alice"):
            note(text, ["alice"])
        for got in list(self.sink_of_mail.received):
            note(got.data, got.recipients)
        for text in self.mail.box("everyone"):
            if b"Undelivered Mail" in text:
                note(text, ["bounce"])
        return found

    def catch_up(self, patience, what=None):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            found = self.arrived()
            if self.wanted <= set(found):
                return found
            if any(m["queue_name"] == "hold" for m in self.mail.queue()):
                self.mail.command("postsuper", "-H", "ALL", check=False)
            self.mail.command("postqueue", "-f", check=False)
            time.sleep(0.3)
            if time.monotonic() > deadline - patience + 3:
                self.submit()               # wakes pickup, too
        self.fail(f"{what}: lost " + str(sorted(self.wanted - set(found))))

    def open_files(self):
        counts = {}
        for role in ("master", "smtpd", "cleanup", "qmgr", "trivial-rewrite",
                     "smtp", "virtual", "bounce", "launcher", "resolver",
                     "pickup"):
            for pid in self.mail.pids(role):
                with contextlib.suppress(OSError):
                    counts[role, pid] = len(os.listdir(f"/proc/{pid}/fd"))
        return counts

    def test_each_call_of_each_role_fails(self):
        board = self.board_of_faults
        for _ in range(3):
            self.round()
        self.catch_up(30, "before any fault")
        before = board.passes()
        files = self.open_files()
        self.round()
        self.catch_up(30, "before any fault")
        after = board.passes()
        points = sorted(after)
        self.assertGreater(len(points), 60)
        hits, never = 0, []
        if not LONG:
            points = sorted(self.order.sample(points, 40))
        for role, point in points:
            passes = after[role, point] - before[role, point]
            nths = {1 + self.order.randrange(max(passes, 1))
                    for _ in range(6 if LONG else 1)}
            for nth in sorted(nths):
                hit = self.one_fault(role, point, nth, passes == 0)
                hits += hit
            if not hit:
                never.append(f"{role} {point}")
        found = self.catch_up(60, "at the end")
        counts = collections.Counter(found)
        twice = sum(n - 1 for n in counts.values())
        print(f"  {len(points)} points, {hits} faults, {self.sent} messages, "
              f"{len(self.wanted)} recipients promised, 0 lost, {twice} twice")
        print("  answers: " + ", ".join(f"{c} {n}" for c, n in sorted(
            self.answers.items(), key=str)))
        print("  not met again: " + ", ".join(never))
        self.assertGreater(hits, len(points) // 2)
        self.assertLessEqual(twice, 2 * hits)
        bad = {c for c in self.answers if isinstance(c, int) and c != 250
               and not 400 <= c < 500 and c != 0}
        self.assertEqual(bad, set(), "answers other than 4xx")
        time_out = time.monotonic() + 20
        while time.monotonic() < time_out:
            more = {key: (files[key], n) for key, n in self.open_files()
                    .items() if key in files and n > files[key] + 12}
            if not more:
                break
            time.sleep(1)
        self.assertEqual(more, {}, "descriptors left open")

    def one_fault(self, role, point, nth, only_at_start):
        """True when the fault was met."""
        board = self.board_of_faults
        board.arm(point, nth, role, ERRORS.get(point, errno.EIO))
        if only_at_start and role not in ("master", "postdrop", "sendmail",
                                          "worker"):
            for pid in self.mail.pids(role):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        elif only_at_start:
            for pid in self.mail.pids("launcher") + self.mail.pids("virtual"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for _ in range(2):
            self.round()
            if board.hits:
                break
        hit = board.hits > 0
        board.disarm()
        self.assertIsNone(self.mail.process.poll(),
                          f"master ended after {point} of {role}")
        self.catch_up(40, f"{point} of {role}, pass {nth}")
        return hit


if __name__ == "__main__":
    unittest.main()
