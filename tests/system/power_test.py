"""Power fails at any moment: a whole system is recorded under load, and every
state of its disks after every step is started again (tests/power).

WAYPOST_LONG=1 sends more and looks at all states. A seed (T_SEED) repeats what
was drawn, a trace is kept where POWER_KEEP names a directory.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

import instance
from mounts import libc, mount, own_mounts

TIME_LIMIT = 240

LONG = os.environ.get("WAYPOST_LONG") == "1"
TEST_BUILD = os.path.join(instance.BUILD, "test")
MEMORY = os.environ.get("T_MEMORY")         # goes away with tests/run

try:
    MOUNTS = os.getuid() == 0 and own_mounts() is None
except unittest.SkipTest:
    MOUNTS = False


class Recorded(instance.TestCase):
    def setUp(self):
        super().setUp()
        self.dir = tempfile.mkdtemp(prefix="power-", dir=MEMORY)
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        os.chmod(self.dir, 0o755)
        self.trace = os.path.join(self.dir, "trace")
        self.saved = (instance.BUILD, tempfile.tempdir)
        instance.BUILD, tempfile.tempdir = TEST_BUILD, self.dir
        self.addCleanup(self.restore)

    def restore(self):
        instance.BUILD, tempfile.tempdir = self.saved

    def recorded(self, believes, **settings):
        """An instance whose every change goes into the trace from now on."""
        mail = self.instance(settings, start=False, environment={
            "WAYPOST_RECORD": ""})
        mail.write("mailboxes", "box@demo.test box\n@demo.test everyone/\n")
        mail.write("aliases", "all %s/file, fwd@demo.test, out@example.org\n"
                   % mail.mail_dir)
        if settings.get("queue_sync_method") == "group":
            os.mkdir(mail.spool)            # wants a file system of its own
            mount("tmpfs", mail.spool, 0, "mode=755")
            self.addCleanup(libc.umount2, os.fsencode(mail.spool), 2)
        mail.start()                        # makes the queue
        mail.stop()
        subprocess.run([os.path.join(TEST_BUILD, "tools", "record_start"),
                        self.trace, believes, mail.spool, mail.mail_dir],
                       check=True)
        mail.environment["WAYPOST_RECORD"] = self.trace
        mail.start()
        return mail

    def search(self, *kinds, hashed="", states=None):
        """Fails with what was found in any state; a line about each kind."""
        lines = []
        keep = os.environ.get("POWER_KEEP")
        if keep:
            subprocess.run(["cp", "--sparse=always", self.trace,
                            os.path.join(keep, self.id())], check=True)
        for kind in kinds:
            environment = dict(os.environ, POWER_TRACE=self.trace,
                               POWER_KIND=kind, POWER_HASHED=hashed)
            if not LONG:
                environment["POWER_STATES"] = str(states or 400)
            environment["T_LIMIT"] = "3600" if LONG else "200"
            done = subprocess.run(
                [os.path.join(TEST_BUILD, "power_test"), "-v", "recorded"],
                capture_output=True, text=True, env=environment, check=False,
                timeout=3600)
            found = re.findall(r"^\d+ states at .*", done.stdout, re.M)
            print(kind + ":", *found, flush=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertTrue(found, done.stdout + done.stderr)
            lines += found
        return lines

    # ---- what there is to record ----

    def everything(self, believes, **settings):
        """Some mail of each kind, from several clients at once, through a
        reload and a restart."""
        asked = set()

        def answer(stage, argument):
            if stage != "rcpt":
                return None
            if argument.startswith("never"):
                return "550 5.1.1 nobody of that name"
            if argument.startswith("later") and argument not in asked:
                asked.add(argument)
                return "450 4.2.0 not now"
            return None

        sink = self.sink(answer)
        mail = self.recorded(believes, **{
            "relayhost": sink.where,
            "mydestination": "local.test",
            "local_recipient_maps": "",
            "alias_maps": "texthash:$config_directory/aliases",
            "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
            "queue_run_delay": "1s", "hash_queue_names": "", **settings})
        for number in range(3 if LONG else 1):
            self.load(mail, f"{number}a")
            mail.reload()
            self.load(mail, f"{number}b")
            mail.stop()
            mail.start()
        self.administer(mail)
        mail.wait_empty(60)
        mail.stop()
        return mail

    @staticmethod
    def post(mail, *message):
        """Sends, and again where a process that leaves says 421."""
        def accepted():
            try:
                return mail.send(*message)
            except (AssertionError, OSError, ValueError, IndexError):
                return None
        return instance.until(accepted, "a message to be taken")

    def load(self, mail, name):
        """All kinds of recipients, by four clients and sendmail at once."""
        large = "Subject: large\n\n" + "0123456789abcdef\n" * 4200
        jobs = [
            lambda: [self.post(mail, "s@demo.test", [f"one{n}{name}@demo.test"])
                     for n in range(4)],
            lambda: (self.post(mail, "s@demo.test", ["box@demo.test"]),
                     self.post(mail, "s@demo.test", ["box@demo.test"], large),
                     self.post(mail, "s@demo.test", ["box@demo.test",
                                               "all@local.test"])),
            lambda: (self.post(mail, "s@demo.test", [
                f"{kind}{n}{name}@{domain}" for n in range(3)
                for kind, domain in (("to", "demo.test"), ("x", "example.org"),
                                     ("later", "example.org"),
                                     ("never", "example.org"))]),
                     self.post(mail, "s@demo.test", [f"large{name}@demo.test"],
                               large)),
            lambda: [mail.command("sendmail", "-f", "me@demo.test",
                                  f"dropped{n}{name}@demo.test",
                                  "nobody-here@local.test",
                                  input="Subject: dropped\n\nbody\n")
                     for n in range(2)],
        ]
        errors = []

        def run(job):
            try:
                job()
            except Exception as error:      # for the test to raise
                errors.append(error)

        threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def administer(self, mail):
        """Held, released, requeued, deleted."""
        mail.set(defer_transports="smtp")
        mail.reload()
        ids = [self.post(mail, "s@demo.test", [f"a{n}@example.org", "box@demo.test"])
               for n in range(4)]
        for queue_id in ids:    # not all at one moment: they are tried again
            mail.wait_log(rf"{queue_id}: to=<a\d@example\.org>.*"
                          r"status=deferred \(deferred transport\)")
        mail.command("postsuper", "-h", ids[0])
        mail.command("postsuper", "-h", ids[1])
        mail.command("postsuper", "-d", ids[1])
        mail.command("postsuper", "-r", ids[2])
        mail.command("postsuper", "-d", ids[3])
        mail.set(defer_transports="")
        mail.reload()
        mail.command("postsuper", "-H", ids[0])

    # ---- tests ----

    def test_a_journal_loses_nothing(self):
        self.everything("journal")
        self.search("journal", "tree")

    def test_the_commit_log_loses_nothing(self):
        self.everything("journal", queue_sync_method="log",
                        queue_log_size="262144")
        self.search("journal")

    def test_groups_lose_nothing(self):
        if not MOUNTS:
            self.skipTest("mounting takes root")
        mail = self.everything("journal", queue_sync_method="group")
        self.assertIn("sent (forwarded as", mail.log())
        self.assertNotRegex(mail.log(), "error: syncfs|fatal:")
        for told in self.search("journal", "tree"):
            groups = re.search(r"(\d+) groups synced", told)
            self.assertGreater(int(groups.group(1)), 10, told)

    def test_names_that_need_their_own_sync_are_not_lost(self):
        self.everything("other", hash_queue_names="deferred, defer")
        self.search("other", hashed="deferred, defer")


if __name__ == "__main__":
    unittest.main()
