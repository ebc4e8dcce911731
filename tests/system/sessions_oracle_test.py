"""The same sessions with Waypost and with Debian's Postfix, under the same settings: the
same verdicts. What differs is listed here, once by cause (docs/compatibility.md).
WAYPOST_LONG=1 asks all of them; else chosen by the seed.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import concurrent.futures
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

import instance
import sessions

TIME_LIMIT = 300
BOX = os.path.join(instance.ROOT, "tests", "bench", "postfix-in-a-box")
PORTS = 3000                # the first one of those of the groups
PATIENCE = 60
LONG = os.environ.get("WAYPOST_LONG") == "1"

# (cause, whether a difference is of it, whether the sessions part there); the
# second is given the group's name, the line, our verdict and theirs.
EXPLAINED = []


def because(cause, parts=False):
    def add(judge):
        EXPLAINED.append((cause, judge, parts))
        return judge
    return add


def keywords(verdict):
    return set(verdict[4:].split(",")) if verdict.startswith("250 ") else set()


@because("ETRN of what is no name is refused for its syntax")
def _(_group, line, our, their):
    return line.startswith("ETRN") and (our, their) == ("501", "459")


@because("the status of a client without a name, as of Postfix 3.8")
def _(_group, _line, our, their):
    return (our, their) == ("450 4.7.25", "450 4.7.1")


@because("HELP is answered, as of Postfix 3.11")
def _(_group, line, _our, _their):
    return line == "HELP"


@because("an early command after a refusal ends the session, as of Postfix 3.9", True)
def _(_group, line, our, _their):
    return our == "554 5.5.0"


@because("an action without the argument that it wants puts mail off", True)
def _(group, _line, our, their):
    return re.search(r"access: (FILTER( nonsense)?|REDIRECT joe|BCC|PREPEND nonsense)$",
                     group) and (our, their) == ("451 4.3.5", "250 2.1.5")


@because("addresses that are none are refused")
def _(_group, line, our, their):
    return line in ("MAIL FROM:a@b.example>", "MAIL FROM:<@b.example>",
                    "RCPT TO:<@example.org>") \
        and our[:3] == "501" and their[:3] == "250"


@because("VRFY is held against the lists as RCPT is")
def _(_group, line, our, their):
    return line.startswith("VRFY") and our[:2] == "45" and their[:1] in "25"


def option(name, value):
    return f"\n\t-o {{ {name} = {value} }}"


def services(groups, address):
    return "".join(f"{address}:{PORTS + n} inet n - n - - smtpd" + "".join(
        option(k, v) for k, v in group.settings.items()) + "\n"
        for n, group in enumerate(groups))


class Client:
    """Verdicts are "code dsn"; EHLO's has its keywords, the end is "closed"."""

    def __init__(self, address, port, source):
        self.socket = socket.create_connection(
            (address, port), PATIENCE, source_address=(source, 0))
        self.file = self.socket.makefile("rb")

    def reply(self):
        lines = []
        while True:
            try:
                line = self.file.readline()
            except OSError:
                return "closed"
            if not line.endswith(b"\n"):
                return "closed"
            lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            if lines[-1][3:4] != "-":
                break
        code, text = lines[-1][:3], lines[-1][4:]
        if code == "250" and len(lines) > 1:
            return "250 " + ",".join(sorted(l[4:] for l in lines[1:]))
        dsn = re.match(r"\d\.\d+\.\d+", text)
        return f"{code} {dsn.group(0)}" if dsn else code

    def send(self, text):
        try:
            self.socket.sendall(text.encode())
        except OSError:
            return False
        return True

    def close(self):
        self.file.close()
        self.socket.close()


def converse(address, port, session):
    """[(line, verdict)] up to the end of the connection."""
    source, said = "127.0.0.1", []
    if isinstance(session[0], sessions.From):
        source, session = session[0].address, session[1:]
    client = Client(address, port, source)
    try:
        said.append(("(greeting)", client.reply()))
        for item in [*session, "QUIT"]:
            if said[-1][1] == "closed":
                break
            if isinstance(item, sessions.Body):
                if not said[-1][1].startswith("354"):
                    continue
                client.send(item.text + ".\r\n")
                said.append(("(content)", client.reply()))
            elif isinstance(item, sessions.Raw):
                client.send("".join(line + "\r\n" for line in item.lines))
                for line in item.lines[:item.replies]:
                    said.append((line, client.reply()))
            else:
                client.send(item + "\r\n")
                said.append((item, client.reply()))
    finally:
        client.close()
    return said


class Sessions(instance.TestCase):

    def setUp(self):
        super().setUp()
        self.groups = list(sessions.groups(instance.seed(), LONG))
        self.box_address = instance.own_address()
        self.box_dir = tempfile.mkdtemp(prefix="box-")
        self.addCleanup(shutil.rmtree, self.box_dir, ignore_errors=True)

    def box(self, *arguments):
        done = subprocess.run([BOX, self.box_dir, *arguments], capture_output=True,
                              text=True, timeout=100, check=False, env=dict(
                                  os.environ, BUILD=instance.BUILD))
        if done.returncode == 77:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)

    def start_postfix(self):
        settings = {**sessions.COMMON, "inet_protocols": "ipv4"}
        os.chmod(self.box_dir, 0o755)
        self.box("init", *(f"{k}={v}" for k, v in settings.items()))
        path = os.path.join(self.box_dir, "etc", "master.cf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"^smtp\s+inet.*\n", services(self.groups, self.box_address), text,
                      flags=re.M)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.addCleanup(self.box, "stop")
        self.box("start")

    def start_waypost(self):
        mail = self.instance(start=False, settings={
            **sessions.COMMON, "inet_protocols": "ipv4"})
        with open(os.path.join(mail.etc, "master.cf"), "a", encoding="utf-8") as file:
            file.write(services(self.groups, mail.host))
        return mail.start()

    def ask_both(self, mail):
        """[(group, session, ours, theirs)]"""
        def both(n, group, session):
            return group, session, converse(mail.host, PORTS + n, session), \
                converse(self.box_address, PORTS + n, session)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(both, n, group, session)
                     for n, group in enumerate(self.groups)
                     for session in group.sessions]
            return [a.result() for a in asked]

    def test_verdicts_are_the_same(self):
        self.start_postfix()
        mail = self.start_waypost()
        causes, strange, cases = collections.Counter(), [], 0
        for group, session, ours, theirs in self.ask_both(mail):
            cases += 1
            for (line, our), (_, their) in zip(ours, theirs):
                if our == their:
                    continue
                cause, parts = next(((c, parts) for c, judge, parts in EXPLAINED
                                     if judge(group.name, line, our, their)),
                                    (None, True))
                if not cause:
                    strange.append(f"[{group.name}] {line[:90]}: {our}, Postfix {their}"
                                   f"\n    {str(session)[:400]}")
                    break
                causes[cause] += 1
                if parts:
                    break
        print(f"{cases} sessions, {len(strange)} differ", flush=True)
        for cause, count in causes.most_common():
            print(f"  {count}: {cause}")
        self.assertGreaterEqual(cases, 500)
        self.assertFalse(strange, "\n".join(strange[:200]))


if __name__ == "__main__":
    unittest.main()
