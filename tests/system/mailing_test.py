"""A mailing to thousands, read by and by: single messages go before the rest of it,
and each recipient has it once, whatever is restarted meanwhile.

WAYPOST_LONG=1 sends it to a hundred thousand, and kills qmgr alone as well.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import os
import re
import signal
import threading
import unittest

import instance

LONG = os.environ.get("WAYPOST_LONG") == "1"
TIME_LIMIT = 120
LONG_TIME_LIMIT = 600
COUNT = 100000 if LONG else 10000
TOGETHER = 50                   # recipients of one delivery
HOSTS = 3
WINDOW = 20                     # deliveries to a host at once, at most
ENOUGH = 20                     # deliveries of the mailing that may go before a single one
PUT_OFF = 97                    # one of so many, the first time


class Gate:
    """Deliveries of the mailing wait here when it is closed. What arrives is written
    down in its order, over all hosts."""

    def __init__(self):
        self.changed = threading.Condition()
        self.passed = 0
        self.waits = [0] * HOSTS    # at each
        self.allowed = 0
        self.arrived = []           # senders
        self.put_off = set()

    def close_after(self, more):
        with self.changed:
            self.allowed = self.passed + more
            self.changed.notify_all()

    def open(self):
        self.close_after(10 ** 9)

    @property
    def waiting(self):
        return sum(self.waits)

    def answer(self, host, local):
        """Each conversation has a `local` of its own for what it is about."""
        def say(stage, argument):
            if stage == "mail":
                local.sender = argument
            elif stage == "rcpt" and re.match(r"r\d+@", argument):
                number = int(argument[1:argument.index("@")])
                if number % PUT_OFF == 0 and number not in self.put_off:
                    self.put_off.add(number)
                    return "450 4.2.1 come back"
            elif stage == "dot":
                self.pass_through(host, local.sender)
            return None
        return say

    def pass_through(self, host, sender):
        with self.changed:
            if sender.startswith("mailing"):
                self.waits[host] += 1
                self.changed.wait_for(lambda: self.passed < self.allowed)
                self.waits[host] -= 1
                self.passed += 1
            self.arrived.append(sender)

    def wait_closed(self):
        """Nothing passes any more, and something waits at each host."""
        instance.until(lambda: self.passed >= self.allowed and all(self.waits),
                       f"the mailing to wait, {self.passed} have passed")


class Mailing(instance.TestCase):
    limit = LONG_TIME_LIMIT if LONG else TIME_LIMIT

    def setUp(self):
        super().setUp()
        self.gate = Gate()
        self.sinks = [self.sink(self.gate.answer(i, threading.local()))
                      for i in range(HOSTS)]
        self.addCleanup(self.gate.open)
        self.mail = self.instance(start=False, default_recipient_limit="5000",
                                  minimal_backoff_time="1s", maximal_backoff_time="1s",
                                  queue_run_delay="1s",
                                  smtpd_recipient_limit=str(COUNT))
        routes = self.mail.write("routes", "".join(
            f"d{i}.example smtp:{sink.where}\n" for i, sink in enumerate(self.sinks)))
        self.mail.set(transport_maps="texthash:" + routes)
        self.mail.start()

    def send(self):
        rcpts = [f"RCPT TO:<r{i}@d{i % HOSTS}.example>\r\n" for i in range(COUNT)]
        with self.mail.smtp() as client:
            client.hello()
            client.say("MAIL FROM:<mailing@demo.test>")
            for first in range(0, COUNT, 1000):
                some = rcpts[first:first + 1000]
                client.raw("".join(some).encode())
                for _ in some:
                    self.assertEqual(client.reply()[0], 250)
            client.say("DATA")
            client.raw(b"Subject: news\r\n\r\nnews\r\n.\r\n")
            self.assertEqual(client.reply()[0], 250)

    def delivered(self):
        """How often each recipient of the mailing has it."""
        return collections.Counter(
            r for sink in self.sinks for got in list(sink.received)
            if got.sender.startswith("mailing") for r in got.recipients)

    def left(self):
        return sum(len(message["recipients"]) for message in self.mail.queue()
                   if message["sender"].startswith("mailing"))

    def singles_go_first(self):
        gate = self.gate
        gate.close_after(40)
        self.send()
        gate.wait_closed()
        for i in range(2 * HOSTS):
            self.mail.send("single@demo.test", [f"one{i}@d{i % HOSTS}.example"])
        self.mail.wait_log(r"from=<single@demo\.test>, .* \(queue active\)", 2 * HOSTS)
        before, in_flight = len(gate.arrived), gate.waiting
        gate.close_after(HOSTS * WINDOW + ENOUGH)   # all that may be in flight
        # Some went already, where a host's window was not full.
        instance.until(lambda: gate.arrived.count("single@demo.test") == 2 * HOSTS,
                       "single messages before the mailing")
        after = gate.arrived[before:].count("mailing@demo.test")
        print(f"  {2 * HOSTS} single messages behind {in_flight} deliveries that were "
              f"in flight, {after} of the mailing's {COUNT // TOGETHER} "
              "went before the last", flush=True)
        self.assertLess(gate.passed, COUNT // TOGETHER)

    def killed(self, kill, repeated=0):
        """At most what was in flight is repeated: what arrived before is marked,
        but for what an earlier kill left to be repeated."""
        gate = self.gate
        gate.close_after(gate.waiting + 20)
        gate.wait_closed()
        # Who was put off still counts.
        instance.until(lambda: self.left() <= COUNT - len(self.delivered()) + repeated,
                       "marks of what was delivered", 60)
        flying = gate.waiting
        kill()
        gate.close_after(flying + 20)
        return flying * TOGETHER

    def test_singles_go_first_and_each_recipient_has_it_once(self):
        self.singles_go_first()
        allowed = self.killed(self.kill_all)
        self.mail.reload()
        if LONG:
            allowed += self.killed(self.kill_qmgr, repeated=allowed)
        self.gate.open()
        self.mail.wait_empty(LONG_TIME_LIMIT if LONG else 60)
        times = self.delivered()
        self.assertEqual(set(times), {f"r{i}@d{i % HOSTS}.example"
                                      for i in range(COUNT)})
        twice = sum(n - 1 for n in times.values())
        print(f"  {len(times)} recipients, {twice} of them twice", flush=True)
        self.assertLessEqual(twice, allowed)
        self.assertGreater(len(self.gate.put_off), COUNT // PUT_OFF - 1)

    def kill_all(self):
        self.mail.stop(signal.SIGKILL)
        self.mail.start()

    def kill_qmgr(self):
        for pid in self.mail.pids("qmgr"):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
