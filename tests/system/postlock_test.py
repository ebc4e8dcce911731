"""postlock: the locks are those that deliveries take, and end with the command.

SPDX-License-Identifier: Apache-2.0
"""
import fcntl
import os
import shutil
import subprocess
import tempfile
import unittest

import instance


class Postlock(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.box = os.path.join(self.dir, "box")
        with open(os.path.join(self.dir, "main.cf"), "w", encoding="utf-8") as file:
            file.write("compatibility_level = 3.6\ndeliver_lock_attempts = 2\n"
                       "deliver_lock_delay = 1s\n")

    def run_it(self, *arguments):
        return subprocess.run([os.path.join(instance.BUILD, "sbin", "postlock"), "-c",
                               self.dir, *arguments], capture_output=True, text=True,
                              timeout=30, check=False)

    def test_the_command_runs_with_the_locks_and_its_status_is_ours(self):
        done = self.run_it(self.box, "ls", self.dir)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "box\nbox.lock\nmain.cf\n", ""))
        self.assertEqual(sorted(os.listdir(self.dir)), ["box", "main.cf"])
        # Nobody else gets the lock meanwhile.
        script = ("import fcntl, sys; f = open(sys.argv[1], 'r+')\n"
                  "try: fcntl.{0}(f, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
                  "except OSError: sys.exit(7)")
        for style, call in (("fcntl", "lockf"), ("flock", "flock"),
                            ("flock, fcntl", "lockf")):
            done = self.run_it("-l", style, self.box, "python3", "-c",
                               script.format(call), self.box)
            self.assertEqual(done.returncode, 7, style + done.stderr)
        self.assertEqual(self.run_it(self.box, "sh", "-c", "kill -9 $$").returncode, 137)
        self.assertEqual(self.run_it(self.box, "sh", "-c", "exit 3").returncode, 3)

    def test_who_cannot_have_the_locks_is_told_with_75(self):
        with open(self.box, "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            done = self.run_it("-l", "flock", self.box, "echo", "ran")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (75, "", (
                f"postlock: fatal: lock {self.box}: held by another process\n")))
        lock = self.box + ".lock"
        with open(lock, "w", encoding="utf-8"):
            pass
        done = self.run_it(self.box, "echo", "ran")
        self.assertEqual((done.returncode, done.stdout), (75, ""))
        self.assertIn(f"create lock file {lock}: File exists", done.stderr)
        self.assertTrue(os.path.exists(lock))
        os.utime(lock, (1, 1))              # forgotten long ago
        self.assertEqual(self.run_it(self.box, "echo", "ran").stdout, "ran\n")
        self.assertFalse(os.path.exists(lock))

    def test_wrong_calls(self):
        for arguments, said in (
                ((), "usage: "), ((self.box,), "usage: "), (("-x", self.box, "ls"), "usage"),
                (("-l", "spit", self.box, "ls"), "spit"),
                ((os.path.join(self.dir, "no", "box"), "ls"), "No such file"),
                ((self.box, "no-such-command"), "no-such-command: No such file")):
            done = self.run_it(*arguments)
            self.assertEqual(done.returncode, 75, arguments)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
