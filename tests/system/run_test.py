"""What `make run` starts: conf/run-instance, as root and as an ordinary user.

SPDX-License-Identifier: Apache-2.0
"""
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import instance

USER = 12345


class Run(instance.TestCase):
    def setUp(self):
        super().setUp()
        self.top = tempfile.mkdtemp(prefix="run-")
        os.chmod(self.top, 0o755)
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.conf = os.path.join(self.top, "conf")
        shutil.copytree(os.path.join(instance.ROOT, "conf"), self.conf)
        self.dir = os.path.join(self.top, "run")
        self.port = instance.free_port()
        self.output = os.path.join(self.top, "output")

    def identity(self, user):
        if not user:
            return {}
        os.chown(self.top, user, user)
        return {"user": user, "group": user, "extra_groups": []}

    def argv(self, user=None, directory=None, port=None):
        build = instance.build_for_others(instance.BUILD) if user else instance.BUILD
        return [os.path.join(self.conf, "run-instance"), "--build", build,
                "--dir", directory or self.dir, "--port", str(port or self.port)]

    def start(self, user=None):
        with open(self.output, "wb") as file:
            process = subprocess.Popen(
                self.argv(user), stdout=file, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, **self.identity(user))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        instance.until(lambda: "daemon started" in self.said()
                       or process.poll() is not None, "the start")
        self.assertIsNone(process.poll(), self.said())
        return process

    def said(self):
        with open(self.output, encoding="utf-8") as file:
            return file.read()

    def refused(self, user=None, **options):
        done = subprocess.run(self.argv(user, **options), capture_output=True,
                              check=False, text=True, timeout=30,
                              **self.identity(user))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        # Nothing was promised.
        self.assertEqual(done.stdout, "")
        return done.stderr

    def box(self, name):
        new = os.path.join(self.dir, "mail", name, "new")
        return os.listdir(new) if os.path.isdir(new) else []

    def runs(self, user=None):
        process = self.start(user)
        lines = self.said().splitlines()[:3]
        self.assertIn(f"listens on {instance.HOST}:{self.port} ", lines[0])
        self.assertIn("send a first message:", lines[1])
        self.assertIn(f"{self.dir}/mail/alice/new", lines[2])
        with instance.Smtp(self.port) as client:
            client.hello()
            self.assertEqual(client.mail("you@example.com", ["alice@demo.test"],
                                         "Subject: hi\n\nbody\n")[0], 250)
        sendmail = os.path.join(self.argv(user)[2], "sbin", "sendmail")
        subprocess.run([sendmail, "-C", self.dir + "/etc", "-f", "a@example.com",
                        "anybody@demo.test"], input=b"Subject: hi\n\nbody\n",
                       check=True, timeout=30, **self.identity(user))
        instance.until(lambda: self.box("alice") and self.box("everyone"),
                       "both messages")
        # The same directory is taken, and what serves it stays untouched.
        path = self.dir + "/etc/master.cf"
        with open(path, encoding="utf-8") as file:
            before = file.read()
        text = self.refused(user, port=instance.free_port())
        self.assertIn(f"{self.dir} is taken: process {process.pid} serves it",
                      text)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        # Ctrl-C.
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(40), 0)
        self.assertRegex(self.said(), r"terminating on signal 2\n$")

    def test_it_delivers_and_ends_by_ctrl_c(self):
        self.runs()

    @unittest.skipIf(os.geteuid(), "not root")
    def test_it_does_so_as_an_ordinary_user(self):
        self.runs(USER)

    def test_what_was_edited_is_kept_and_the_port_follows(self):
        self.start().send_signal(signal.SIGINT)
        with open(self.dir + "/etc/main.cf", "a", encoding="utf-8") as file:
            file.write("# mine\n")
        instance.until(lambda: "terminating" in self.said(), "the end")
        self.port = instance.free_port()
        instance.until(lambda: self.free(), "the end")
        self.start()
        with open(self.dir + "/etc/main.cf", encoding="utf-8") as file:
            self.assertIn("# mine\n", file.read())
        with instance.Smtp(self.port) as client:
            self.assertEqual(client.greeting[0], 220)

    def free(self):
        return subprocess.run([self.argv()[2] + "/sbin/waypost", "-c",
                               self.dir + "/etc", "status"], check=False,
                              capture_output=True).returncode == 1

    @unittest.skipIf(os.geteuid(), "not root")
    def test_a_path_that_other_uids_cannot_pass_is_named(self):
        closed = os.path.join(self.top, "closed")
        os.mkdir(closed, 0o700)
        text = self.refused(directory=closed + "/run")
        self.assertIn(f"{closed} has mode 700", text)
        self.assertIn(f"chmod o+x {closed}", text)

    @unittest.skipIf(os.geteuid(), "not root")
    def test_the_directory_of_somebody_else_is_left_alone(self):
        os.mkdir(self.dir)
        self.assertIn("belongs to uid 0", self.refused(USER))
        os.chown(self.dir, USER, USER)
        self.assertIn(f"belongs to uid {USER}", self.refused())
        self.assertEqual(os.listdir(self.dir), [])

    def test_white_space_in_the_path_will_not_do(self):
        self.assertIn("white space", self.refused(directory=self.top + "/a b"))


if __name__ == "__main__":
    unittest.main()
