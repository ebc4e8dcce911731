"""Reloads, stops, and processes killed while mail flows: what was answered
with 250 arrives, and where nothing was killed, once.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import os
import random
import signal
import time
import unittest

import instance
import load
from instance import until


class UnderLoad(load.TestCase):
    def make(self):
        mail = self.instance(minimal_backoff_time="1s",
                             maximal_backoff_time="1s", queue_run_delay="1s")
        # A mailbox is made once, not by the first of a crowd.
        mail.send("a@example.com", ["alice@demo.test"],
                  "Message-ID: <first@load>\n\nx\n")
        mail.wait_box("alice")
        return mail

    def all_arrive(self, mail, clients):
        """How often each did."""
        self.assertEqual(clients.finish(), clients.total, clients.answers)
        until(lambda: clients.acknowledged <= set(self.arrived(mail)),
              "all messages", 40)
        return collections.Counter(self.arrived(mail))

    def test_reloads_lose_nothing_and_repeat_nothing(self):
        mail = self.make()
        clients = load.Numbered(mail, 600)
        for _ in range(12):
            mail.reload(wait=False)
            time.sleep(0.1)
        counts = self.all_arrive(mail, clients)
        self.assertEqual(set(counts.values()), {1}, clients.answers)
        self.assertLessEqual(set(clients.answers),
                             {250, 421, "connection lost"})
        for words in clients.errors:
            self.assertRegex(words, r"^\(421, ")

    def test_stops_lose_nothing_and_repeat_nothing(self):
        mail = self.make()
        clients = load.Numbered(mail, 500)
        for _ in range(3):
            time.sleep(0.3)
            before = time.monotonic()
            self.assertEqual(mail.stop(), 0)
            self.assertLess(time.monotonic() - before, 5)
            mail.start()
        counts = self.all_arrive(mail, clients)
        self.assertEqual(set(counts.values()), {1}, clients.answers)

    def test_a_killed_master_loses_nothing(self):
        mail = self.make()
        clients = load.Numbered(mail, 400)
        for _ in range(2):
            time.sleep(0.3)
            os.kill(mail.process.pid, signal.SIGKILL)
            mail.process.wait()
            mail.process = None
            mail.start()
        self.all_arrive(mail, clients)

    def test_killed_roles_lose_nothing(self):
        mail = self.make()
        clients = load.Numbered(mail, 600)
        roles = ["smtpd", "cleanup", "qmgr", "trivial-rewrite", "resolver"]
        chance = random.Random(instance.seed())
        for _ in range(25):
            before = clients.count()
            for pid in mail.pids(chance.choice(roles)):
                os.kill(pid, signal.SIGKILL)
            until(lambda: clients.count() > before + 5
                  or not clients.running(), "mail after a kill")
        self.all_arrive(mail, clients)


if __name__ == "__main__":
    unittest.main()
