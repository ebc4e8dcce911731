"""Roles are killed under load: what was acknowledged arrives, whatever dies.

Each message has an id of its own; those answered 250 are held against what lies in
Maildirs and at the recording sink. WAYPOST_LONG=1 sends many more. A seed
(T_SEED) repeats the order of kills.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import os
import random
import re
import signal
import threading
import time
import unittest

import instance

TIME_LIMIT = 240
ALONE = True

LONG = os.environ.get("WAYPOST_LONG") == "1"
SENDERS = 4
ROLES = ["smtpd", "cleanup", "qmgr", "trivial-rewrite", "smtp", "virtual",
         "bounce", "launcher", "resolver"]


class Load:
    """Clients that send until told to stop, each message with its id."""

    def __init__(self, mail):
        self.mail = mail
        self.acknowledged = set()
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(number,))
                        for number in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def send(self, number):
        count = 0
        while not self.over.is_set():
            count += 1
            name = f"id-{number}-{count}-x"
            recipient = ("alice@demo.test" if count % 2
                         else "out@example.org")
            try:
                with self.mail.smtp(timeout=10) as client:
                    client.hello()
                    code, _ = client.mail("s@demo.test", [recipient],
                                          f"Subject: {name}\n\nbody\n")
            except (OSError, AssertionError, ValueError, IndexError,
                    EOFError):
                time.sleep(0.02)
                continue
            if code == 250:
                with self.lock:
                    self.acknowledged.add(name)

    def count(self):
        with self.lock:
            return len(self.acknowledged)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Kill(instance.TestCase):
    def arrived(self, mail, sink):
        texts = [bytes(text) for text in mail.box("alice")]
        texts += [got.data for got in list(sink.received)]
        names = []
        for text in texts:
            found = re.search(rb"Subject: (id-\d+-\d+-x)", text)
            if found:
                names.append(found.group(1).decode())
        return names

    def held(self, mail):
        """Names of messages that wait for a person: their agent died twice
        with them. They are not lost."""
        names = set()
        for message in mail.queue():
            if message["queue_name"] == "hold":
                text = mail.command("postcat", "-hq", message["queue_id"],
                                    check=False).out
                names |= set(re.findall(r"Subject: (id-\d+-\d+-x)", text))
        return names

    def kill_one(self, mail, role):
        pids = mail.pids(role)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)

    def test_what_was_acknowledged_arrives(self):
        order = random.Random(instance.seed())
        sink = self.sink()
        mail = self.instance({
            "relayhost": f"[127.0.0.1]:{sink.port}",
            "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
            "queue_run_delay": "1s", "transport_retry_time": "1s",
            "service_throttle_time": "1s"})
        load = Load(mail)
        try:
            for round_number in range(6 if LONG else 1):
                roles = ROLES[:]
                order.shuffle(roles)
                for role in roles:
                    before = load.count()
                    instance.until(lambda: load.count() >= before
                                   + order.randrange(3, 12), "some mail")
                    killed = self.kill_one(mail, role)
                    print(f"  {load.count()} acknowledged, {role}: "
                          f"{killed} killed", flush=True)
                # master too, and everything is started again
                before = load.count()
                instance.until(lambda: load.count() > before + 5, "some mail")
                mail.stop(signal.SIGKILL)
                mail.start()
        finally:
            load.stop()
        wanted = load.acknowledged
        self.assertGreater(len(wanted), 20)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            names = self.arrived(mail, sink)
            held = self.held(mail)
            if wanted <= set(names) | held:
                break
            mail.command("postqueue", "-f", check=False)
            time.sleep(1)
        lost = sorted(wanted - set(names) - held)
        twice = len(names) - len(set(names))
        print(f"  {len(wanted)} acknowledged, {len(lost)} lost, {twice} "
              f"twice, {len(held)} on hold", flush=True)
        self.assertEqual(lost, [])
        # Each kill may repeat what was in flight, never more.
        self.assertLess(twice, len(wanted))


if __name__ == "__main__":
    unittest.main()
