"""tcp: and socketmap: tables: asked by roles in their jail, by commands, and
answered the same as by Debian's postmap where that is unpacked.

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import contextlib
import os
import re
import socket
import subprocess
import tempfile
import threading
import unittest

import instance

ROOT = instance.ROOT
PACKAGES = os.path.join(instance.BUILD, "packages")


class Server:
    """Answers look-ups by `reply(key)`: bytes as they go out, None hangs up.
    Over TCP, or over a unix socket at `path`."""

    def __init__(self, reply, netstrings=False, path=None):
        self.reply = reply
        self.netstrings = netstrings
        self.questions = []
        self.connections = 0
        self.open = set()
        self.socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.socket.bind(path or ("127.0.0.1", 0))
        if path:
            os.chmod(path, 0o666)
        self.socket.listen(100)
        self.port = None if path else self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.socket.accept()
                self.connections += 1
                self.open.add(peer)
                threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def question(self, file):
        if not self.netstrings:
            line = file.readline()
            return line[4:-1] if line.startswith(b"get ") else None
        digits = b""
        while not digits.endswith(b":"):
            byte = file.read(1)
            if not byte:
                return None
            digits += byte
        text = file.read(int(digits[:-1]) + 1)
        return text[:-1].partition(b" ")[2]

    def serve(self, peer):
        with contextlib.suppress(OSError, ValueError), peer, peer.makefile("rb") as file:
            while True:
                key = self.question(file)
                answer = self.reply(key) if key is not None else None
                if answer is None:
                    peer.shutdown(socket.SHUT_RDWR)
                    return
                self.questions.append(key)
                peer.sendall(answer)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for peer in list(self.open):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)


def netstring(text):
    return b"%d:%s," % (len(text), text)


class Roles(instance.TestCase):
    def server(self, *args, **options):
        server = Server(*args, **options)
        self.addCleanup(server.close)
        return server

    def tcp(self, entries):
        return self.server(lambda key: b"200 %s\n" % entries[key.decode()].encode()
                           if key.decode() in entries else b"500 not%20here\n")

    def socketmap(self, entries, **options):
        return self.server(lambda key: netstring(b"OK " + entries[key.decode()].encode())
                           if key.decode() in entries else netstring(b"NOTFOUND "),
                           netstrings=True, **options)

    def test_roles_ask_servers_by_name_and_by_address(self):
        access = self.tcp({"bad@example.org": "REJECT not%20you"})
        aliases = self.socketmap({"ann@demo.test": "everyone@demo.test"})
        mail = self.instance(
            smtpd_recipient_restrictions="check_sender_access "
            f"tcp:localhost:{access.port}, permit",
            virtual_alias_maps=f"socketmap:inet:127.0.0.1:{aliases.port}:box",
            virtual_alias_domains="")
        with mail.smtp() as client:
            client.hello()
            self.assertEqual(client.say("MAIL FROM:<bad@example.org>")[0], 250)
            code, lines = client.say("RCPT TO:<ann@demo.test>")
            self.assertEqual((code, "not you" in lines[0]), (554, True), lines)
        mail.send("good@example.org", ["ann@demo.test"])
        self.assertIn(b"body", mail.wait_box()[0])
        self.assertIn(b"bad@example.org", access.questions)
        # No parts of addresses are asked of such tables.
        self.assertEqual(set(access.questions), {b"bad@example.org", b"good@example.org"})
        self.assertFalse([q for q in aliases.questions if q[:1] == b"@" or b"@" not in q])

    def test_a_socket_in_the_queue_directory_is_reached_from_a_jail(self):
        mail = self.instance(start=False)
        mail.set(virtual_alias_maps="socketmap:unix:aliases:box")
        with open(os.path.join(mail.etc, "master.cf"), encoding="utf-8") as file:
            rows = file.read()
        mail.write("master.cf", re.sub(r"(?m)^(cleanup +unix +n +- +)n", r"\1y", rows))
        mail.start()
        server = self.socketmap({"ann@demo.test": "everyone@demo.test"},
                                path=os.path.join(mail.spool, "aliases"))
        mail.send("good@example.org", ["ann@demo.test"])
        mail.wait_box()
        self.assertIn(b"ann@demo.test", server.questions)

    def test_a_server_that_is_down_defers_and_says_so_once(self):
        server = self.tcp({})
        server.close()
        where = f"tcp:127.0.0.1:{server.port}"
        mail = self.instance(smtpd_recipient_restrictions="check_recipient_access "
                             f"{where}, permit")
        with mail.smtp() as client:
            client.hello()
            client.say("MAIL FROM:<a@example.org>")
            code, lines = client.say("RCPT TO:<everyone@demo.test>")
        self.assertEqual(code // 100, 4, lines)
        found = mail.wait_log(rf"warning: {where} lookup error.*")
        self.assertEqual(len(found), 1)
        self.assertRegex(found[0].group(0), f'{where} lookup error for "everyone@demo.test": '
                         f"connect to 127.0.0.1:{server.port}: Connection refused")

    def test_a_server_that_answers_later_is_used_then(self):
        answers = {"down": True}
        server = self.server(lambda key: b"400 come%20back\n" if answers["down"]
                             else b"200 everyone@demo.test\n")
        mail = self.instance(virtual_alias_maps=f"tcp:127.0.0.1:{server.port}",
                             virtual_alias_domains="",
                             smtpd_reject_unlisted_recipient="no")
        with mail.smtp() as client:
            client.hello()
            self.assertEqual(client.mail("a@example.org", ["ann@demo.test"],
                                         "Subject: x\n\nx\n")[0] // 100, 4)
        mail.wait_log("the server says: come back")
        answers["down"] = False
        mail.send("a@example.org", ["ann@demo.test"])
        mail.wait_box()


TCP_REPLIES = [
    b"200 abc\n", b"200 abc \n", b"200  abc\n", b"200\n", b"200 \n", b"200abc\n",
    b"200 a%20b%41\n", b"200 a%zz\n", b"200 a%4\n", b"200 a%0ab\n", b"500 no\n", b"500\n",
    b"500 %zz\n", b"400 later%20on\n", b"400 \n", b"300 x\n", b"2000 x\n", b" 200 x\n",
    b"200\tx\n", b"200 " + b"x" * 4091 + b"\n", b"\n",
    b"200 a b  c\n", b"200 \xe9\n", b"200 caf\xc3\xa9\n",
]
SOCKETMAP_REPLIES = [
    netstring(b"OK abc"), netstring(b"OK abc "), netstring(b"OK  abc"), netstring(b"OK "),
    netstring(b"ok abc"), netstring(b"NOTFOUND "), netstring(b"NOTFOUND"),
    netstring(b"NOTFOUND x"), netstring(b"TEMP why"), netstring(b"TIMEOUT why"),
    netstring(b"PERM why"), netstring(b"PERM"), netstring(b"FOO x"), b"0006:OK abc,",
    b"6:OK abc;", b":OK,", b"x", netstring(b""), netstring(b"OK " + b"x" * 99997),
    netstring(b"OK " + b"x" * 99998), b"99999999999:", b" 6:OK abc,", netstring(b"OK a\nb"),
    netstring(b"OK \xff"), None,
]


class Oracle(unittest.TestCase):
    """Three answers out of postmap -q: its status, what it prints, and whether
    it says that something failed."""

    def setUp(self):
        self.theirs = os.path.join(PACKAGES, "usr", "sbin", "postmap")
        if not os.access(self.theirs, os.X_OK):
            self.skipTest("no Postfix unpacked")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        with open(os.path.join(self.dir, "main.cf"), "w", encoding="utf-8") as file:
            file.write("compatibility_level = 3.6\nmail_owner = mail\n"
                       "setgid_group = tape\ndefault_privs = nobody\n")

    def outcome(self, program, table, key):
        done = subprocess.run(
            [program, "-c", self.dir, "-q", key, table], capture_output=True, timeout=60,
            check=False, env=dict(os.environ, LD_LIBRARY_PATH=os.path.join(
                PACKAGES, "usr", "lib", "postfix")))
        return done.returncode, done.stdout, b"fatal: " in done.stderr

    def compare_one(self, reply, keys, netstrings, form):
        """What differs."""
        ours = os.path.join(instance.BUILD, "sbin", "postmap")
        server = Server(lambda key: reply, netstrings)
        table = form % server.port
        different = []
        for key in keys:
            want = self.outcome(self.theirs, table, key)
            asked = server.questions[-1:]
            got = self.outcome(ours, table, key)
            if (got, server.questions[-1:]) != (want, asked):
                different.append((reply, got, want, server.questions[-1:], asked))
        server.close()
        return different

    def compare(self, replies, netstrings, form):
        keys = ["Key", "a%b \tc\x7f\xe9"]
        # Side by side: Postfix sleeps between its attempts.
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = pool.map(lambda n: self.compare_one(
                replies[n], keys if n == 0 else keys[:1], netstrings, form),
                range(len(replies)))
            self.assertEqual([one for some in found for one in some], [])

    def test_answers_of_tcp_servers_are_taken_the_same(self):
        # Not a line too long: it is asked for ten times there, once here.
        self.compare(TCP_REPLIES, False, "tcp:127.0.0.1:%d")

    def test_answers_of_socketmap_servers_are_taken_the_same(self):
        self.compare(SOCKETMAP_REPLIES, True, "socketmap:inet:127.0.0.1:%d:box")


if __name__ == "__main__":
    unittest.main()
