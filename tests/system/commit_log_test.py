"""queue_sync_method = log in a whole system: what it promised comes back when
files are lost, what is over does not, and a clean stop leaves no log.

A loss of power is played: all processes are killed at once, and files that
nobody has synced are taken away.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import os
import re
import signal
import subprocess
import unittest

import instance

READY = r"cleanup\[\d+\]: queue files are made durable by a commit log"
BODY = "Subject: {}\n\nbody\n"


class CommitLog(instance.TestCase):
    def setUp(self):
        super().setUp()
        self.sink = self.sink()
        self.sent = []                      # subjects

    def logging(self, **options):
        """An instance whose log takes messages."""
        mail = self.instance(dict(
            queue_sync_method="log", queue_log_size="262144",
            relayhost=self.sink.where), **options)
        mail.send("s@demo.test", ["warm@demo.test"])
        mail.wait_log(READY)
        mail.wait_empty()
        return mail

    def living(self, mail):
        """Ids that a recovery would make sure of."""
        environment = dict(mail.environment, MAIL_CONFIG=mail.etc)
        saved, mail.environment = mail.environment, environment
        try:
            out = mail.run([os.path.join(mail.build, "libexec", "recover"),
                            "-n"]).out
        finally:
            mail.environment = saved
        return [line.split()[1] for line in out.splitlines()]

    def freeze(self, mail, role):
        pids = mail.pids(role)
        self.assertTrue(pids, role)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)

    def send(self, mail):
        """The id of one more message to the sink."""
        self.sent.append(f"n{len(self.sent)}")
        return mail.send("s@demo.test", ["u@example.org"],
                         BODY.format(self.sent[-1]))

    def accepts(self, mail):
        """Not always at once: smtpd has connections to the dead."""
        try:
            mail.send("s@demo.test", ["u@demo.test"])
        except AssertionError:
            return False
        return True

    def arrived(self, mail):
        """Each message that was sent has come to the sink, once."""
        self.sink.wait(len(self.sent))
        mail.wait_empty()
        self.assertEqual(self.subjects(), sorted(self.sent))

    def held_in_log(self, mail, count):
        """Messages that were answered 250 and that only the log makes safe."""
        while True:
            ids = [self.send(mail) for _ in range(count)]
            self.freeze(mail, "cleanup")
            if set(ids) <= set(self.living(mail)):
                return ids
            # A checkpoint came between: once more.
            for pid in mail.pids("cleanup"):
                os.kill(pid, signal.SIGCONT)

    def file_of(self, mail, number):
        paths = [path for path in glob.glob(mail.spool + "/*/**/" + number,
                                            recursive=True)]
        self.assertEqual(len(paths), 1, number)
        return paths[0]

    def logs(self, mail):
        return os.listdir(os.path.join(mail.spool, "log"))

    def subjects(self):
        return sorted(line[9:].decode() for got in self.sink.received
                      for line in got.data.splitlines()
                      if line.startswith(b"Subject: "))

    def test_lost_files_come_back_and_are_delivered_once(self):
        mail = self.logging()
        self.freeze(mail, "qmgr")
        ids = self.held_in_log(mail, 6)
        paths = [self.file_of(mail, number) for number in ids]
        mail.kill_all()
        os.unlink(paths[0])
        os.unlink(paths[1])
        with open(paths[2], "r+b") as file:
            file.truncate(0)
        with open(paths[3], "r+b") as file:
            file.truncate(150)
        os.rename(paths[4], os.path.join(mail.spool, "hold", ids[4]))
        mail.start()
        mail.wait_log(r"recover\[\d+\]: commit logs recovered: \d+ messages "
                      r"complete, 4 written again, 0 removed, 0 lost, "
                      r"0 troubles")
        for number in ids[:4]:
            mail.wait_log(rf"recover\[\d+\]: {number}: written again from the "
                          "commit log")
        mail.command("postsuper", "-H", ids[4])
        mail.command("postqueue", "-f")
        self.arrived(mail)

    def snapshot(self, mail):
        found = {}
        for path in glob.glob(mail.spool + "/**", recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found[path] = file.read()
        return found

    def test_commands_harm_nothing_before_recovery(self):
        """After a loss of power, before the next start."""
        mail = self.logging()
        self.freeze(mail, "qmgr")
        ids = self.held_in_log(mail, 6)
        paths = [self.file_of(mail, number) for number in ids]
        mail.kill_all()
        os.unlink(paths[0])
        for path, at in zip(paths[1:4], (0, 50, 100)):
            with open(path, "r+b") as file:
                size = os.fstat(file.fileno()).st_size
                file.truncate(at)           # empty, cut, its end zeros
                if at == 100:
                    file.truncate(size)
        left = self.snapshot(mail)
        listed = mail.command("postqueue", "-j").out
        for number in ids[4:]:
            self.assertIn(f'"queue_id": "{number}"', listed)
        self.assertRegex(mail.command("mailq").out, ids[5])
        for number in ids:
            done = mail.command("postcat", "-q", number, check=False)
            if number in ids[4:]:
                self.assertEqual(done.returncode, 0, done.err)
                self.assertIn("Subject: n", done.out)
            else:
                self.assertEqual(done.returncode, 1, done.out + done.err)
                self.assertIn(number, done.err)
        self.assertEqual(self.snapshot(mail), left)
        # Repairs take nothing away that the log, or a file, still has.
        self.assertEqual(mail.command("postsuper").returncode, 0)
        kept = self.snapshot(mail)
        for path in paths[4:]:
            self.assertEqual(kept[path], left[path])
        self.assertEqual({p: t for p, t in kept.items() if "/log/" in p},
                         {p: t for p, t in left.items() if "/log/" in p})
        mail.start()
        self.arrived(mail)

    def test_what_was_delivered_stays_away(self):
        mail = self.logging()
        for _ in range(10):
            self.send(mail)
        self.arrived(mail)
        mail.kill_all()
        mail.start()
        self.send(mail)
        self.arrived(mail)

    def test_a_deleted_message_stays_deleted(self):
        mail = self.logging()
        self.freeze(mail, "qmgr")
        ids = self.held_in_log(mail, 2)
        mail.command("postsuper", "-d", ids[0])
        self.assertEqual(self.living(mail), [ids[1]])
        mail.kill_all()
        mail.start()
        del self.sent[-2]
        self.arrived(mail)

    def test_a_clean_stop_leaves_no_log(self):
        mail = self.logging()
        mail.send("s@demo.test", ["u@demo.test"])
        self.assertNotEqual(self.logs(mail), [])
        self.assertEqual(mail.stop(), 0)
        self.assertEqual(self.logs(mail), [])
        mail.start()
        self.assertNotIn("written again", mail.log())

    def in_force(self, mail):
        """How each cleanup makes mail durable, as administrators are told."""
        status = mail.command("waypost", "status", "-v").out
        return re.findall(r"^cleanup .*; (\w+)$", status, re.M)

    def test_status_says_what_is_in_force(self):
        mail = self.logging()
        self.assertEqual(self.in_force(mail), ["log"])
        mail.set(queue_sync_method="fsync")
        mail.reload()
        instance.until(lambda: (self.accepts(mail), self.in_force(mail))[1]
                       == ["fsync"], "the younger generation alone")

    def test_busy_processes_have_a_log_by_default(self):
        mail = self.instance({"relayhost": self.sink.where,
                              "queue_log_size": "262144"})
        kind = subprocess.run(["stat", "-f", "-c", "%T", mail.spool],
                              capture_output=True, text=True, check=True)
        mail.send("s@demo.test", ["u@demo.test"])
        self.assertEqual(self.in_force(mail), ["fsync"])
        self.assertEqual(self.logs(mail), [])
        if kind.stdout.strip() not in ("ext2/ext3", "xfs"):
            self.skipTest("the queue is on " + kind.stdout.strip())

        def is_busy():
            for _ in range(10):
                self.send(mail)
            return "log" in self.in_force(mail)
        instance.until(is_busy, "a commit log")
        self.assertNotEqual(self.logs(mail), [])
        self.arrived(mail)
        self.assertEqual(mail.stop(), 0)
        self.assertEqual(self.logs(mail), [])

    def test_a_killed_cleanup_is_settled_by_the_next_one(self):
        mail = self.logging()
        self.freeze(mail, "qmgr")
        self.held_in_log(mail, 3)
        for pid in mail.pids("cleanup"):
            os.kill(pid, signal.SIGKILL)
        instance.until(lambda: self.accepts(mail), "the next cleanup")
        mail.wait_log(r"cleanup\[\d+\]: commit log of a process that has "
                      r"died: \d+ messages? made durable")
        for pid in mail.pids("qmgr"):
            os.kill(pid, signal.SIGCONT)
        self.arrived(mail)

    def test_a_reload_to_fsync_leaves_nothing_behind(self):
        mail = self.logging()
        mail.send("s@demo.test", ["u@demo.test"])
        mail.set(queue_sync_method="fsync")
        mail.reload()
        instance.until(lambda: self.living(mail) == [], "the checkpoint of "
                       "the older generation")
        # A process that leaves answers 421 to who has just come.
        instance.until(lambda: self.accepts(mail), "the next generation")
        self.send(mail)
        self.arrived(mail)
        self.assertEqual(self.living(mail), [])

    @unittest.skipUnless(os.geteuid() == 0, "wants root to become others")
    def test_all_of_it_as_an_ordinary_user(self):
        mail = self.logging(user=12004)
        self.freeze(mail, "qmgr")
        ids = self.held_in_log(mail, 1)
        path = self.file_of(mail, ids[0])
        mail.kill_all()
        os.unlink(path)
        mail.start()
        self.arrived(mail)
        self.assertEqual(mail.stop(), 0)
        self.assertEqual(self.logs(mail), [])


if __name__ == "__main__":
    unittest.main()
