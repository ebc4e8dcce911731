"""Reloads, stops, and processes killed while mail flows: what was answered
with 250 arrives, and where nothing was killed, once.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import os
import random
import re
import signal
import threading
import time
import unittest

import instance
from instance import until

WORKERS = 8


class Load:
    """Clients that send numbered messages, and again after a refusal."""

    def __init__(self, mail, total):
        self.mail = mail
        self.total = total
        self.lock = threading.Lock()
        self.next = 0
        self.accepted = set()
        self.refused = collections.Counter()
        self.threads = [threading.Thread(target=self.work, daemon=True)
                        for _ in range(WORKERS)]
        for thread in self.threads:
            thread.start()

    def work(self):
        while True:
            with self.lock:
                number, self.next = self.next, self.next + 1
            if number >= self.total:
                return
            while not self.send(number):
                time.sleep(0.02)

    def send(self, number):
        text = f"Message-ID: <m{number}@load>\nSubject: {number}\n\nbody\n"
        try:
            client = self.mail.smtp(timeout=30)
            if client.greeting[0] != 220:
                raise OSError(f"greeting {client.greeting}")
            client.hello()
            code, lines = client.mail("a@example.com", ["alice@demo.test"],
                                      text)
            if code != 250:
                raise OSError(f"{code} {lines}")
        except (OSError, AssertionError, ValueError) as error:
            with self.lock:
                self.refused[str(error)[:60]] += 1
            return False
        with self.lock:
            self.accepted.add(number)
        client.quit()
        return True

    def running(self):
        return any(t.is_alive() for t in self.threads)

    def finish(self):
        for thread in self.threads:
            thread.join(60)
        return len(self.accepted)


class UnderLoad(instance.TestCase):
    def make(self):
        mail = self.instance(minimal_backoff_time="1s",
                             maximal_backoff_time="1s", queue_run_delay="1s")
        # A mailbox is made once, not by the first of a crowd.
        mail.send("a@example.com", ["alice@demo.test"],
                  "Message-ID: <first@load>\n\nx\n")
        mail.wait_box("alice")
        return mail

    def arrived(self, mail):
        counts = collections.Counter()
        for text in mail.box("alice"):
            found = re.search(rb"(?im)^message-id: <m(\d+)@load>", text)
            if found:
                counts[int(found.group(1))] += 1
        return counts

    def all_arrive(self, mail, load):
        total = load.finish()
        self.assertEqual(total, load.total, load.refused)
        until(lambda: len(self.arrived(mail)) >= total,
              "all messages", 40)
        return self.arrived(mail)

    def test_reloads_lose_nothing_and_repeat_nothing(self):
        mail = self.make()
        load = Load(mail, 600)
        for _ in range(12):
            mail.reload()
            time.sleep(0.1)
        counts = self.all_arrive(mail, load)
        self.assertEqual(set(counts.values()), {1}, load.refused)
        for words in load.refused:
            self.assertRegex(words, r"^\(?421|\(421|EHLO|421")

    def test_stops_lose_nothing_and_repeat_nothing(self):
        mail = self.make()
        load = Load(mail, 500)
        for _ in range(3):
            time.sleep(0.3)
            before = time.monotonic()
            self.assertEqual(mail.stop(), 0)
            self.assertLess(time.monotonic() - before, 5)
            mail.start()
        counts = self.all_arrive(mail, load)
        self.assertEqual(set(counts.values()), {1}, load.refused)

    def test_a_killed_master_loses_nothing(self):
        mail = self.make()
        load = Load(mail, 400)
        for _ in range(2):
            time.sleep(0.3)
            os.kill(mail.process.pid, signal.SIGKILL)
            mail.process.wait()
            mail.process = None
            mail.start()
        self.all_arrive(mail, load)

    def test_killed_roles_lose_nothing(self):
        mail = self.make()
        load = Load(mail, 600)
        roles = ["smtpd", "cleanup", "qmgr", "trivial-rewrite", "resolver"]
        chance = random.Random(instance.seed())
        for _ in range(25):
            before = len(load.accepted)
            for pid in mail.pids(chance.choice(roles)):
                os.kill(pid, signal.SIGKILL)
            until(lambda: len(load.accepted) > before + 5
                  or not load.running(), "mail after a kill")
        self.all_arrive(mail, load)


if __name__ == "__main__":
    unittest.main()
