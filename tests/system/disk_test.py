"""Disks that are full, have no inode left or are read-only, and processes at their
limit of descriptors: a client hears 4xx, and what was answered 250 arrives, once.

The file systems are small tmpfs mounts in a mount namespace of this test's own, which
takes root.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import errno
import os
import re
import threading
import unittest

import instance
from mounts import libc, mount, own_mounts

TIME_LIMIT = 280


class Common(instance.TestCase):
    def collect(self, mail, count, size, recipient="out@example.org",
                first=0):
        """{id: code} of messages sent one after another."""
        answers = {}
        for number in range(first, first + count):
            name = f"id-{number}-x"
            with mail.smtp() as client:
                client.hello()
                code, _ = client.mail("s@demo.test", [recipient],
                                      f"Subject: {name}\n\n"
                                      + (72 * "x" + "\n") * (size // 73))
            answers[name] = code
        return answers

    def check_answers(self, answers):
        counts = collections.Counter(answers.values())
        self.assertGreater(counts[250], 0, counts)
        self.assertTrue(set(counts) - {250}, "nothing was refused")
        self.assertEqual({c for c in counts if c != 250
                          and not 400 <= c < 500}, set(), counts)
        return [name for name, code in answers.items() if code == 250]

    def names(self, texts):
        return sorted(re.search(rb"^Subject: (id-\d+-x)", text,
                                re.M).group(1).decode() for text in texts)


@unittest.skipUnless(os.getuid() == 0, "mounting takes root")
class Disk(Common):
    def setUp(self):
        super().setUp()
        own_mounts()

    def small(self, options, **settings):
        """An instance with its queue on a small disk; the next server is not there
        yet, so mail stays. (instance, address of that server)"""
        host = instance.own_address()
        mail = self.instance({"relayhost": f"[{host}]:{instance.PORT}",
                              "minimal_backoff_time": "1s",
                              "maximal_backoff_time": "2s",
                              "queue_run_delay": "1s", **settings},
                             start=False)
        os.mkdir(mail.spool)
        mount("tmpfs", mail.spool, 0, options + ",mode=755")
        self.addCleanup(libc.umount2, os.fsencode(mail.spool), 2)
        return mail.start(), host

    def drain(self, mail, host, wanted):
        sink = self.sink(host=host)
        mail.command("postqueue", "-f")
        mail.wait_empty(60)
        got = self.names(m.data for m in sink.received)
        self.assertEqual(got, sorted(wanted))

    def test_a_full_disk(self):
        mail, host = self.small("size=1m", message_size_limit="0")
        wanted = self.check_answers(self.collect(mail, 30, 50000))
        mail.wait_log("No space left on device")
        self.drain(mail, host, wanted)
        # And it takes mail again.
        self.assertEqual(set(self.collect(mail, 2, 50000).values()), {250})

    def test_no_room_for_a_commit_log(self):
        mail, host = self.small("size=4m", queue_sync_method="log",
                                message_size_limit="0")
        answers = self.collect(mail, 3, 5000)
        mail.wait_log("cleanup.*warning: no commit log, each queue file is synced by "
                      "itself: .*No space left on device")
        self.assertEqual(set(answers.values()), {250})
        self.assertRegex(mail.command("waypost", "status", "-v").out,
                         r"(?m)^cleanup .*; fsync$")
        self.assertEqual(os.listdir(os.path.join(mail.spool, "log")), [])
        self.drain(mail, host, answers)

    def test_a_disk_that_is_full_but_for_its_commit_log(self):
        mail, host = self.small("size=2m", queue_sync_method="log",
                                queue_log_size="262144", message_size_limit="0")
        mail.send("s@demo.test", ["u@demo.test"])
        mail.wait_log("queue files are made durable by a commit log")
        wanted = self.check_answers(self.collect(mail, 60, 50000))
        mail.wait_log("No space left on device")
        self.drain(mail, host, wanted)
        self.assertEqual(set(self.collect(mail, 2, 50000).values()), {250})
        self.assertEqual(mail.stop(), 0)
        self.assertEqual(os.listdir(os.path.join(mail.spool, "log")), [])

    def test_space_for_one_more_is_asked_for_first(self):
        mail, host = self.small("size=1m", message_size_limit="200000")
        answers = self.collect(mail, 30, 50000)

        def refused():
            answers.update(self.collect(mail, 1, 50000, first=len(answers)))
            return "not enough free space in mail queue" in mail.log()

        instance.until(refused, "a refusal before any content")
        self.drain(mail, host, self.check_answers(answers))
        self.assertEqual(mail.stop(), 0)
        mail.set(queue_minfree=2 << 20)
        mail.start()
        self.assertEqual(set(self.collect(mail, 1, 100).values()), {452})

    def test_no_inode_left(self):
        mail, host = self.small("size=20m,nr_inodes=420",
                                hash_queue_names="deferred")
        answers = self.collect(mail, 400, 200)
        wanted = self.check_answers(answers)
        self.drain(mail, host, wanted)

    def test_a_full_mailbox_file_system(self):
        mail = self.instance({"minimal_backoff_time": "1s",
                              "maximal_backoff_time": "2s",
                              "queue_run_delay": "1s"}, start=False)
        mount("tmpfs", mail.mail_dir, 0, "size=300k,mode=755,uid=12003")
        self.addCleanup(libc.umount2, os.fsencode(mail.mail_dir), 2)
        mail.start()
        answers = self.collect(mail, 12, 50000, "alice@demo.test")
        self.assertEqual(set(answers.values()), {250})
        mail.wait_log(r"to=<alice@demo\.test>.*dsn=4\.3\.0, status=deferred")
        # Nothing half: what is there is whole, and the rest comes.
        self.assertTrue(all(len(m) > 50000 for m in mail.box("alice")))
        mount("tmpfs", mail.mail_dir, 32, "size=10m")      # remounted
        mail.command("postqueue", "-f")
        mail.wait_empty(60)
        self.assertEqual(self.names(mail.box("alice")), sorted(answers))


class ReadOnly(Common):
    def test_a_queue_that_becomes_read_only(self):
        board = self.board()
        sink = self.sink()
        mail = self.instance({"relayhost": sink.where,
                              "queue_run_delay": "1s",
                              "minimal_backoff_time": "1s"}, faults=board)
        wanted = []
        for point in ("fs.create", "fs.rename", "fs.unlink", "fs.pwrite"):
            board.arm(point, role="" if point == "fs.create" else "qmgr",
                      error=errno.EROFS, lasting=True)
            name = f"id-{len(wanted)}-x"
            with mail.smtp() as client:
                client.hello()
                code, _ = client.mail("s@demo.test", ["out@example.org"],
                                      f"Subject: {name}\n\nbody\n")
            if point == "fs.create":
                self.assertEqual(code, 451)
            else:
                self.assertEqual(code, 250)
                wanted.append(name)
                if point == "fs.unlink":
                    # Gone out, not removed: not found and sent again.
                    sink.wait(len(wanted))
                    instance.until(lambda: board.hits > 2, "more attempts")
            board.disarm()
            mail.wait_empty()
        self.assertEqual(self.names(m.data for m in sink.received),
                         sorted(wanted))


class Descriptors(Common):
    def test_as_few_descriptors_as_will_do(self):
        """Each active message takes one of qmgr's: as many are active as it can have,
        and the rest waits on disk, not in sockets, where it would keep others
        from sending any."""
        user = 12081 if os.getuid() == 0 else None
        free = threading.Event()
        self.addCleanup(free.set)
        sink = self.sink(lambda stage, argument: free.wait(90) and None)
        mail = self.instance({"relayhost": sink.where,
                              "minimal_backoff_time": "1s",
                              "maximal_backoff_time": "2s",
                              "queue_run_delay": "1s"}, user=user, start=False)
        mail.open_files = 160
        mail.start()
        answers, lock = {}, threading.Lock()

        def send(first):
            for number in range(first, first + 20):
                name = f"id-{number}-x"
                try:
                    with mail.smtp(timeout=60) as client:
                        client.hello()
                        code, _ = client.mail(
                            "s@demo.test", ["out@example.org"],
                            f"Subject: {name}\n\nbody\n")
                except (OSError, AssertionError, EOFError):
                    code = 0
                with lock:
                    answers[name] = code

        threads = [threading.Thread(target=send, args=(20 * i,))
                   for i in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wanted = {name for name, code in answers.items() if code == 250}
        self.assertGreater(len(wanted), 700)
        mail.wait_log("qmgr.*warning: too many open files: no more than "
                      r"\d+ messages are active")
        (qmgr,) = mail.pids("qmgr")
        self.assertLess(len(os.listdir(f"/proc/{qmgr}/fd")),
                        mail.open_files - 20)
        free.set()
        instance.until(lambda: wanted <= {
            re.search(rb"(id-\d+-x)", m.data).group(1).decode()
            for m in list(sink.received)}, "all mail", 90)
        mail.wait_empty(60)
        self.assertEqual([m for m in mail.queue()
                          if m["queue_name"] == "hold"], [])
        self.assertNotIn("on hold", mail.log())
        # The kernel never had to say so.
        self.assertNotRegex(mail.log(), r"qmgr\[\d+\]: .*Too many open files")


if __name__ == "__main__":
    unittest.main()
