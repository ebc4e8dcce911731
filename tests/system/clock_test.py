"""The clock jumps under a running system that is busy: nothing is lost, nothing
waits for the old time to come back, nothing is given up that is not old.

The machine's clock stays as it is: programs with fault points add to it what stands
on their board (faults.py). Times at which files were changed follow it, those that
the kernel stamps as modified do not: after a jump back they are in the future.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import threading
import time
import unittest

import instance

DAY = 24 * 3600
# Ahead by less than the five days for which mail is tried, in all.
LONG = os.environ.get("WAYPOST_LONG") == "1"
JUMPS = (2 * DAY, -2 * DAY, 3600, -3600, 0, -365 * DAY) if LONG else \
    (2 * DAY, -2 * DAY, -365 * DAY)
MOMENT = 3 if LONG else 0.2             # of load after each jump


class Jumps(instance.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = self.board()
        self.refused = set()
        self.later = self.sink(self.answer)
        self.mail = self.instance(
            {"relayhost": self.later.where, "minimal_backoff_time": "1s",
             "maximal_backoff_time": "2s", "queue_run_delay": "1s"},
            faults=self.clock)
        self.sent, self.troubles = [], []
        self.going_on = True

    def answer(self, stage, argument):
        """Each recipient is to come again once."""
        if stage == "rcpt" and argument not in self.refused:
            self.refused.add(argument)
            return "450 4.2.0 not now"
        return None

    def load(self, name):
        """One connection that is kept, and mail for a mailbox and for others."""
        try:
            with self.mail.smtp() as client:
                client.hello()
                number = 0
                while self.going_on:
                    number += 1
                    subject = f"{name}.{number}"
                    code, lines = client.mail(
                        "s@demo.test", ["alice@demo.test",
                                        f"{subject}@example.org"],
                        f"Subject: {subject}\n\nbody\n")
                    if code != 250:
                        raise AssertionError(f"{code} {lines}")
                    self.sent.append(subject)
                    time.sleep(0.02)
        except Exception as error:      # for the test to raise
            self.troubles.append(error)

    def in_mailbox(self):
        return {re.search(rb"^Subject: (\S+)", text, re.M)[1].decode()
                for text in self.mail.box("alice")}

    def at_server(self):
        return {r.partition("@")[0] for got in list(self.later.received)
                for r in got.recipients}

    def test_nothing_is_lost_or_waits(self):
        clients = [threading.Thread(target=self.load, args=(name,))
                   for name in ("one", "two")]
        for client in clients:
            client.start()
        try:
            for jump in JUMPS:
                self.clock.set_clock(jump)
                before = len(self.at_server()), len(self.in_mailbox()), \
                    len(self.sent)
                # Mail goes on, and what was deferred before and after comes.
                instance.until(
                    lambda: len(self.at_server()) > before[0]
                    and len(self.in_mailbox()) > before[1]
                    and len(self.sent) > before[2] + 3,
                    f"mail after a jump to {jump:+} s")
                time.sleep(MOMENT)
        finally:
            self.going_on = False
            for client in clients:
                client.join()
        self.assertEqual(self.troubles, [])
        sent = set(self.sent)
        instance.until(lambda: self.in_mailbox() >= sent, "the mailbox")
        instance.until(lambda: self.at_server() >= sent, "the server")
        self.mail.wait_empty()
        print(f"  {len(sent)} messages, {len(JUMPS)} jumps", flush=True)
        self.assertGreater(len(sent), 30)
        self.assertEqual(len(self.mail.box("alice")), len(sent), "twice")
        log = self.mail.log()
        self.assertNotRegex(log, "status=(expired|bounced)|delayed|panic|fatal|"
                            r"warning: process|timeout|delay=-")
        # The clock was theirs, too: the log has the years and days of jumps.
        days = {line[:6] for line in log.splitlines() if "postfix/qmgr" in line}
        self.assertGreaterEqual(len(days), 3, days)
        self.assertNotIn("removed incomplete queue file", log)

    def test_what_is_too_old_goes_back(self):
        """A jump of a week is one: what waits has been tried for long enough."""
        self.answer = None
        self.later.answer = lambda stage, argument: \
            "450 4.2.0 not now" if stage == "rcpt" else None
        self.mail.send("alice@demo.test", ["old@example.org"])
        self.mail.wait_log("status=deferred")
        self.clock.set_clock(7 * DAY)
        self.mail.wait_log("status=expired, returned to sender")
        self.assertIn(b"Undelivered Mail", self.mail.wait_box("alice")[0])


if __name__ == "__main__":
    unittest.main()
