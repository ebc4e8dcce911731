"""Tables are rewritten again and again while clients are served: no answer is wrong,
no session fails, and what is new is seen in the end.

SPDX-License-Identifier: Apache-2.0
"""
import os
import shutil
import tempfile
import threading
import unittest

import instance

CLIENTS = 4
VERSIONS = 12
FILLING = "".join(f"x{n}@elsewhere.test DUNNO\n" for n in range(3000))
TABLES = ["hash", "btree", "lmdb", "cdb", "texthash"]
PACKAGES = os.path.join(instance.BUILD, "packages", "usr")
THEIRS = os.path.join(PACKAGES, "sbin", "postmap")


class Client(threading.Thread):
    """Names a recipient who is always refused, one who never is, and one whose
    answer carries the number of the version."""

    def __init__(self, mail, kind):
        super().__init__(daemon=True)
        self.mail = mail
        self.kind = kind
        self.over = threading.Event()
        self.wrong = []
        self.sessions = 0
        self.seen = set()

    def run(self):
        while not self.over.is_set():
            try:
                self.session()
            except (OSError, AssertionError, ValueError, IndexError) as error:
                self.wrong.append(repr(error))
            self.sessions += 1

    def session(self):
        with self.mail.smtp() as client:
            client.hello()
            self.want(client, "MAIL FROM:<a@demo.test>", "250 ")
            for _ in range(3):
                self.want(client, f"RCPT TO:<bad@{self.kind}.test>", "554 5.7.1 ")
                self.want(client, "RCPT TO:<alice@demo.test>", "250 ")
                line = self.want(client, f"RCPT TO:<version@{self.kind}.test>", "554 ")
                self.seen.add(int(line.rpartition("version ")[2]))
            self.want(client, "QUIT", "221 ")

    def want(self, client, command, start):
        code, lines = client.say(command)
        said = f"{code} {lines[-1] if lines else ''}"
        if not said.startswith(start):
            self.wrong.append(f"{command}: {said}")
            return "version -1"
        return said


class Rewritten(instance.TestCase):
    def write(self, mail, kind, version):
        """By turns with our postmap and with Postfix's, which writes in place."""
        path = mail.write(f"{kind}.new", f"bad@{kind}.test REJECT never\n{FILLING}"
                          f"version@{kind}.test REJECT version {version}\n")
        os.rename(path, path.removesuffix(".new"))
        table = f"{kind}:" + path.removesuffix(".new")
        if version % 2 and kind in ("hash", "btree") and os.access(THEIRS, os.X_OK):
            mail.run([THEIRS, "-c", self.theirs, table])
        elif kind != "texthash":
            mail.command("postmap", table)

    def test_no_answer_is_wrong_while_tables_are_rewritten(self):
        checks = ", ".join(f"check_recipient_access {kind}:$config_directory/{kind}"
                           for kind in TABLES)
        self.theirs = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.theirs)
        with open(os.path.join(self.theirs, "main.cf"), "w", encoding="utf-8") as file:
            file.write("compatibility_level = 3.6\nmail_owner = mail\n"
                       "setgid_group = tape\ndefault_privs = nobody\n")
        mail = self.instance(start=False, environment={"LD_LIBRARY_PATH": os.path.join(
            PACKAGES, "lib", "postfix")}, smtpd_recipient_restrictions=checks,
                             smtpd_hard_error_limit="1000",
                             smtpd_soft_error_limit="1000",
                             smtpd_junk_command_limit="1000")
        for kind in TABLES:
            self.write(mail, kind, 0)
        mail.start()
        for kind in TABLES:
            with self.subTest(kind=kind):
                clients = [Client(mail, kind) for _ in range(CLIENTS)]
                for client in clients:
                    client.start()
                try:
                    for version in range(1, VERSIONS):
                        self.write(mail, kind, version)
                        before = sum(c.sessions for c in clients)
                        instance.until(lambda: sum(c.sessions for c in clients)
                                       > before, "a session")
                    instance.until(lambda: all(VERSIONS - 1 in c.seen for c in clients)
                                   or any(c.wrong for c in clients),
                                   "the last version")
                finally:
                    for client in clients:
                        client.over.set()
                        client.join()
                self.assertEqual([w for c in clients for w in c.wrong], [])
                self.assertLessEqual(set().union(*(c.seen for c in clients)),
                                     set(range(VERSIONS)))


if __name__ == "__main__":
    unittest.main()
