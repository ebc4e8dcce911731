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

TIME_LIMIT = 240

LONG = os.environ.get("WAYPOST_LONG") == "1"
TEST_BUILD = os.path.join(instance.BUILD, "test")
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

USER = 12003                                # as conf/make-instance has it


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
        mail.start()                        # makes the queue
        mail.stop()
        subprocess.run([os.path.join(TEST_BUILD, "tools", "record_start"),
                        self.trace, believes, mail.spool, mail.mail_dir],
                       check=True)
        mail.environment["WAYPOST_RECORD"] = self.trace
        mail.start()
        return mail

    def search(self, *kinds, states=None):
        """Fails with what was found in any state."""
        keep = os.environ.get("POWER_KEEP")
        if keep:
            shutil.copy(self.trace, os.path.join(keep, self.id()))
        for kind in kinds:
            environment = dict(os.environ, POWER_TRACE=self.trace,
                               POWER_KIND=kind)
            if not LONG:
                environment["POWER_STATES"] = str(states or 1500)
            done = subprocess.run(
                [os.path.join(TEST_BUILD, "power_test"), "-v", "recorded"],
                capture_output=True, text=True, env=environment, check=False,
                timeout=3600)
            found = re.findall(r"^\d+ states at .*", done.stdout, re.M)
            print(kind + ":", *found, flush=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertTrue(found, done.stdout + done.stderr)

    def test_mail_of_all_kinds(self):
        mail = self.recorded("journal")
        for number in range(5):
            mail.send("s@demo.test", [f"u{number}@demo.test"])
        mail.send("s@demo.test", [f"many{n}@demo.test" for n in range(12)])
        mail.wait_empty()
        mail.stop()
        self.search("journal", "tree")


if __name__ == "__main__":
    unittest.main()
