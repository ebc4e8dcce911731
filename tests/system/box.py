"""Debian's Postfix in a box (tests/bench/postfix-in-a-box) beside an instance.

    theirs = self.box({"relayhost": sink.where}, more="x unix - - n - - smtp\\n")
    theirs.start()

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import shutil
import subprocess
import tempfile

import instance
import mounts

PROGRAM = os.path.join(instance.ROOT, "tests", "bench", "postfix-in-a-box")


OWNERS = {12101: 12001, 12102: 12002}     # postfix, postdrop: here, in an instance


def copy_queue(spool, target):
    """What is in Postfix's queue directory, with the users of an instance."""
    def own(source, copy):
        st = os.stat(source)
        os.chown(copy, OWNERS.get(st.st_uid, st.st_uid),
                 OWNERS.get(st.st_gid, st.st_gid))
        os.chmod(copy, st.st_mode & 0o7777)

    def copy_file(source, copy):
        if os.path.isfile(source):          # no sockets
            shutil.copy2(source, copy)
            own(source, copy)
        return copy

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(spool, target, copy_function=copy_file)
    for folder, _, _ in os.walk(spool):
        own(folder, target + folder[len(spool):])


class Box:
    """Its files are those below `dir`: etc, spool, mail, log, home."""

    def __init__(self, test, settings, more, users, listen):
        self.test = test
        self.listen = listen
        self.dir = tempfile.mkdtemp(prefix="box-")
        test.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        os.chmod(self.dir, 0o755)
        self.etc, self.spool, self.mail, self.home = (
            os.path.join(self.dir, name) for name in ("etc", "spool", "mail", "home"))
        self.write("users", users)
        self.write("groups", re.sub(r"(?m)^(\w+):x:(\d+):.*", r"\1:x:\2:", users))
        self.run("init", *(f"{k}={v}" for k, v in settings.items()))
        path = os.path.join(self.etc, "master.cf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        row = f"{listen} inet n - n - - smtpd\n" if listen else ""
        self.write("etc/master.cf", re.sub(r"^smtp\s+inet.*\n", row, text, flags=re.M)
                   + more)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run(self, *arguments, input=None, check=True):
        done = subprocess.run([PROGRAM, self.dir, *arguments], capture_output=True,
                              text=True, timeout=100, check=False, input=input,
                              env=dict(os.environ, BUILD=instance.BUILD))
        if done.returncode == 77:
            self.test.skipTest(done.stderr.strip())
        if check and done.returncode != 0:
            raise AssertionError(f"box {arguments}: {done.returncode}\n{done.stdout}"
                                 f"{done.stderr}{self.log()}")
        return done

    def start(self):
        self.test.addCleanup(self.run, "stop")
        self.run("start")
        return self

    def busy(self):
        """Whether mail is on its way, other than what has to wait."""
        return any(files for name in ("maildrop", "incoming", "active")
                   for _, _, files in os.walk(os.path.join(self.spool, name)))

    def log(self):
        try:
            with open(os.path.join(self.dir, "log", "mail.log"), encoding="utf-8",
                      errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""


class TestCase(instance.TestCase):

    def setUp(self):
        super().setUp()
        mounts.memory_for_files(self)

    def box(self, settings=None, more="", users="", listen=None):
        box = Box(self, {"inet_protocols": "ipv4", **(settings or {})}, more, users,
                  listen)
        self.addCleanup(lambda: self.has_failed() and print(
            f"--- log of {box.dir}\n{box.log()[-9999:]}--- end of log", flush=True))
        return box
