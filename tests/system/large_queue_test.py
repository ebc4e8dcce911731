"""A queue of thousands, in the long form a million: an instance starts on it, takes
and delivers what is new, lists, tries one message or those of a site, and stops, while
all the others stay where they are. As root, in memory (the long form takes 10 GB).

Times are printed; none decides but the patience of a test.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import os
import subprocess
import time
import unittest

import instance
from mounts import libc, mount, own_mounts

LONG = os.environ.get("WAYPOST_LONG") == "1"
ENTRIES = int(os.environ.get("WAYPOST_ENTRIES") or (1000000 if LONG else 3000))
PATIENCE = 900 if LONG else 60
TIME_LIMIT = 120
LONG_TIME_LIMIT = 3600
ALONE = LONG


@contextlib.contextmanager
def timed(what):
    start = time.monotonic()
    yield
    print(f"  {what}: {time.monotonic() - start:.2f} s", flush=True)


@unittest.skipUnless(os.getuid() == 0, "mounting takes root")
class LargeQueue(instance.TestCase):
    limit = LONG_TIME_LIMIT if LONG else TIME_LIMIT

    def setUp(self):
        super().setUp()
        own_mounts()

    def names(self, queue):
        return {name for _, _, names in os.walk(os.path.join(self.mail.spool, queue))
                for name in names}

    def fill(self):
        """The deferred queue, with copies of one message."""
        self.mail.start()
        self.mail.send("s@demo.test", ["u@site.test"],
                       "X-Bench: 1000000 2\nSubject: old\n\nx\n")
        instance.until(lambda: self.names("deferred"), "a deferred message")
        self.assertEqual(self.mail.stop(), 0)
        (name,) = self.names("deferred")
        with timed(f"{ENTRIES} deferred files are made"):
            subprocess.run(
                [os.path.join(instance.BUILD, "test", "bench", "fill"), "--spool",
                 self.mail.spool, "--id", name, "--messages", str(ENTRIES),
                 "--due", "36000"], check=True)
        self.old = self.names("deferred")
        self.assertEqual(len(self.old), ENTRIES)

    def fill_maildrop(self):
        """With what writers left that did not end."""
        place = os.path.join(self.mail.spool, "maildrop")
        first = os.path.join(place, "0")
        with open(first, "wb") as file:
            file.write(b"WAYPOST1")
        os.chmod(first, 0o600)
        for number in range(1, ENTRIES):
            os.link(first, os.path.join(place, f"{number:X}"))

    def delivered(self, subject):
        return sum(f"Subject: {subject}\n".encode() in text
                   for text in self.mail.box("alice"))

    def new_message(self, what):
        with timed(f"a new message is taken and delivered, {what}"):
            self.mail.send("s@demo.test", ["alice@demo.test"],
                           f"Subject: {what}\n\nx\n")
            instance.until(lambda: self.delivered(what) == 1, "it", PATIENCE)

    def first_line(self):
        with subprocess.Popen(
                [os.path.join(self.mail.build, "sbin", "postqueue"), "-c",
                 self.mail.etc, "-p"], stdout=subprocess.PIPE) as command:
            line = command.stdout.readline()
            command.stdout.close()
            command.kill()
        return line

    def searched(self, count):
        return self.mail.log().count(": sites=") >= count

    def test_a_queue_of_many(self):
        host = instance.own_address()
        self.mail = mail = self.instance(
            {"relayhost": f"[{host}]:{instance.PORT}", "queue_run_delay": "5s", "maximal_backoff_time": "36000s",
             "fast_flush_domains": "site.test, other.test, third.test"}, start=False)
        os.mkdir(mail.spool)
        mount("tmpfs", mail.spool, 0, "size=90%,nr_inodes=0,mode=755")
        self.addCleanup(libc.umount2, os.fsencode(mail.spool), 2)
        self.fill()
        self.fill_maildrop()
        sink = self.sink(host=host)

        with timed("start, to the first greeting"):
            mail.start()
        self.new_message("at once")
        with timed("sendmail, past the files in maildrop"):
            mail.command("sendmail", "-f", "s@demo.test", "alice@demo.test",
                         input="Subject: dropped\n\nx\n")
            instance.until(lambda: self.delivered("dropped") == 1, "it", PATIENCE)
        with timed("first line of a listing"):
            self.assertIn(b"Queue ID", self.first_line())

        one = min(self.old)
        with timed("one message is tried"):
            mail.command("postqueue", "-i", one)
            sink.wait(1, PATIENCE)
        instance.until(lambda: one not in self.names("deferred"), "its end")

        # A site that nothing waits for costs as much as one that much does.
        with timed("search for a site"):
            mail.command("postqueue", "-s", "other.test")
            with timed("meanwhile, ETRN for another"), mail.smtp() as client:
                client.hello()
                self.assertEqual(client.say("ETRN third.test")[0], 250)
            self.new_message("meanwhile")
            instance.until(lambda: self.searched(1), "the search", PATIENCE)
        instance.until(lambda: self.searched(2) or "sites=2" in mail.log(),
                       "that for the other", PATIENCE)
        self.assertNotRegex(mail.log(), r": sites=\d+, messages=[1-9]")

        with timed("stop"):
            self.assertEqual(mail.stop(), 0)
        self.assertEqual(self.names("deferred"), self.old - {one})
        self.assertEqual(len(sink.received), 1)
        self.assertEqual(len(self.names("maildrop")), ENTRIES)


if __name__ == "__main__":
    unittest.main()
