"""Mail under load for tests that break the system meanwhile: clients that send,
each message with an id of its own, and what arrived of it.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import os
import random
import re
import threading
import time

import instance

SENDERS = 4
BACKLOG = 200

# Whatever is tried again is tried soon.
SETTINGS = {"minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
            "queue_run_delay": "1s", "transport_retry_time": "1s",
            "service_throttle_time": "1s", "max_idle": "5s"}


class Load:
    """Clients that send until told to stop, each message with its id."""

    senders, patience = SENDERS, 10

    def __init__(self, mail):
        self.mail = mail
        self.acknowledged = set()
        self.answers = collections.Counter()
        self.errors = collections.Counter()     # what cost a connection
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(number,))
                        for number in range(self.senders)]
        for thread in self.threads:
            thread.start()

    def backlog(self):
        return sum(len(files) for queue in ("incoming", "active", "deferred")
                   for _, _, files in os.walk(os.path.join(self.mail.spool,
                                                           queue)))

    def recipients(self, count):
        """By turns to a mailbox, a server, both, with one that bounces or is
        deferred at first."""
        return [["alice@demo.test"], ["out@example.org"],
                ["alice@demo.test", "out@example.org"],
                ["out@example.org", "bounce@example.org"],
                ["alice@demo.test", "later@example.org"]][count % 5]

    def send(self, number):
        count = 0
        while not self.over.is_set():
            if self.backlog() > BACKLOG:    # no faster than it goes out
                self.over.wait(0.1)
                continue
            count += 1
            self.attempt(number, count)

    def attempt(self, number, count):
        """Whether all of its recipients were taken."""
        name, recipients = f"id-{number}-{count}-x", self.recipients(count)
        try:
            code, taken = self.submit(name, number, count)
        except (OSError, AssertionError, ValueError, IndexError,
                EOFError) as error:
            self.answers["connection lost"] += 1
            self.errors[str(error)[:60]] += 1
            time.sleep(0.02)
            return False
        self.answers[code] += 1
        with self.lock:
            self.acknowledged.update((name, r.partition("@")[0])
                                     for r in taken)
        return set(recipients) <= set(taken)

    def submit(self, name, number, count):
        """The answer and who was taken."""
        return self.talk(self.recipients(count), name)

    def talk(self, recipients, name):
        with self.mail.smtp(timeout=self.patience) as client:
            if client.greeting[0] != 220:
                return client.greeting[0], []
            client.hello()
            code, _ = client.mail("s@demo.test", recipients,
                                  f"Subject: {name}\n\nbody\n")
        return code, client.taken if code == 250 else []

    def promises(self):
        with self.lock:
            return set(self.acknowledged)

    def keep_only(self, promises):
        """Nobody is asked for those that were made since."""
        with self.lock:
            self.acknowledged &= promises

    def count(self):
        with self.lock:
            return len(self.acknowledged)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Numbered(Load):
    """A number of messages to one mailbox, each again until it is taken."""

    senders, patience = 8, 30

    def __init__(self, mail, total):
        self.total = total
        super().__init__(mail)

    def recipients(self, count):
        return ["alice@demo.test"]

    def send(self, number):
        for count in range(number, self.total, self.senders):
            while not self.attempt(number, count):
                time.sleep(0.02)

    def running(self):
        return any(t.is_alive() for t in self.threads)

    def finish(self):
        for thread in self.threads:
            thread.join(60)
        return self.count()


class TestCase(instance.TestCase):
    def setUp(self):
        super().setUp()
        self.order = random.Random(instance.seed())

    def receiver(self):
        def answer(stage, argument):
            if stage != "rcpt" or argument.startswith("out@"):
                return None
            if argument.startswith("bounce@"):
                return "550 5.1.1 no such user"
            if self.order.random() < 0.5:       # later@
                return "450 4.2.0 later"
            return None

        return self.sink(answer)

    def arrived(self, mail, sink=None):
        """(id, recipient) of each delivery, as often as it came."""
        found = []

        def note(text, recipients):
            name = re.search(rb"^Subject: (id-\d+-\d+-x)", text, re.M)
            if name:
                found.extend((name.group(1).decode(), r.partition("@")[0])
                             for r in recipients)

        for text in mail.box("alice"):
            note(text, ["alice@"])
        for got in list(sink.received if sink else []):
            note(got.data, got.recipients)
        for text in mail.box("everyone"):       # notices to s@demo.test
            if b"Undelivered Mail" in text:
                # the returned message follows behind the report
                note(text, ["bounce@"])
        return found

    def settle(self, mail, sink, load, broken, most_twice):
        """All that was acknowledged arrives, and not too much of it again.
        `broken` is what happened, in words."""
        load.stop()
        wanted = set(load.acknowledged)
        released = 0
        # As long as some arrive, the rest may: a busy disk takes its time.
        deadline, most = time.monotonic() + 120, 0
        while time.monotonic() < deadline:
            found = self.arrived(mail, sink)
            if wanted <= set(found):
                break
            if len(found) > most:
                deadline, most = time.monotonic() + 120, len(found)
            # What killed its agent twice waits for a person: here he is.
            held = [m for m in mail.queue() if m["queue_name"] == "hold"]
            if held:
                released += len(held)
                mail.command("postsuper", "-H", "ALL", check=False)
            mail.command("postqueue", "-f", check=False)
            time.sleep(1)
        lost = sorted(wanted - set(found))
        counts = collections.Counter(found)
        twice = sum(n - 1 for n in counts.values())
        print(f"  {len({name for name, _ in wanted})} messages, {len(wanted)} "
              f"recipients acknowledged, {broken}, {len(lost)} lost, "
              f"{twice} twice, {released} released from hold", flush=True)
        print("  answers: " + ", ".join(f"{c} {n}" for c, n in sorted(
            load.answers.items(), key=str)), flush=True)
        self.assertEqual(lost, [])
        self.assertLessEqual(twice, most_twice)
        refused = {c for c in load.answers if isinstance(c, int)
                   and c != 250 and not 400 <= c < 500 and c != 0}
        self.assertEqual(refused, set(), "answered other than 4xx")
        self.assertLessEqual({c for c in load.answers if str(c).startswith("send")},
                             {"sendmail 0", "sendmail 75"})
