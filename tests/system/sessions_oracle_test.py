"""The same sessions with Waypost and with Debian's Postfix, under the same settings: the
same verdicts. What differs is listed here, once by cause (docs/compatibility.md).
WAYPOST_LONG=1 asks all of them; else chosen by the seed.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import concurrent.futures
import re
import socket
import unittest

import box
import instance
import oracle
import sessions

TIME_LIMIT = 300
PORTS = 3000                # the first one of those of the groups
PATIENCE = 60

# Judges are given the group's name, the line, our verdict and theirs; PART says that the
# sessions part there.
because = oracle.Causes()
PART = "part"


@because("ETRN of what is no name is refused for its syntax")
def _(_group, line, our, their):
    return line.startswith("ETRN") and (our, their) == ("501", "459")


@because("the status of a client without a name, as of Postfix 3.8")
def _(_group, _line, our, their):
    return (our, their) == ("450 4.7.25", "450 4.7.1")


@because("HELP is answered, as of Postfix 3.11")
def _(_group, line, _our, _their):
    return line == "HELP"


@because("an early command after a refusal ends the session, as of Postfix 3.9")
def _(_group, _line, our, _their):
    return our == "554 5.5.0" and PART


@because("an action without the argument that it wants puts mail off")
def _(group, _line, our, their):
    return re.search(r"access: (FILTER( nonsense)?|REDIRECT joe|BCC|PREPEND nonsense)$",
                     group) and (our, their) == ("451 4.3.5", "250 2.1.5") and PART


@because("addresses that are none are refused")
def _(_group, line, our, their):
    return line in ("MAIL FROM:a@b.example>", "MAIL FROM:<@b.example>",
                    "RCPT TO:<@example.org>") \
        and our[:3] == "501" and their[:3] == "250"


@because("VRFY is held against the lists as RCPT is")
def _(_group, line, our, their):
    return line.startswith("VRFY") and our[:2] == "45" and their[:1] in "25"


def by_settings(groups):
    """{settings: groups}: those with the same settings share a service."""
    found = collections.defaultdict(list)
    for group in groups:
        found[tuple(group.settings.items())].append(group)
    return found


def services(groups, address):
    return "".join(oracle.row(f"{address}:{PORTS + n}", "inet n - n - - smtpd", dict(settings))
                   for n, settings in enumerate(by_settings(groups)))


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


class Sessions(box.TestCase):

    def start_both(self, groups):
        """Their addresses."""
        settings = {**sessions.COMMON, "inet_protocols": "ipv4"}
        address = instance.own_address()
        theirs = self.box(settings, services(groups, address))
        ours = self.instance(settings, start=False)
        ours.append("master.cf", services(groups, ours.host))
        oracle.start(ours, theirs)
        return ours.host, address

    @staticmethod
    def ask_both(addresses, groups):
        """[(group, session, ours, theirs)]. What goes to one service goes there in turn,
        for then one process of Postfix is enough; many services at once, because probes
        and delays are waited for."""
        def ask(numbered):
            n, some = numbered
            return [(group, session, *(converse(address, PORTS + n, session)
                                       for address in addresses))
                    for group in some for session in group.sessions]

        tasks = sorted(enumerate(by_settings(groups).values()), reverse=True, key=lambda task:
                       sum(len(group.sessions) for group in task[1]))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return [answer for some in pool.map(ask, tasks) for answer in some]

    def test_verdicts_are_the_same(self):
        groups = list(sessions.groups(instance.seed(), oracle.LONG))
        causes, strange, cases = collections.Counter(), [], 0
        for group, session, ours, theirs in self.ask_both(self.start_both(groups), groups):
            cases += 1
            for (line, our), (_, their) in zip(ours, theirs):
                if our == their:
                    continue
                cause, said = because.of(group.name, line, our, their)
                if not cause:
                    strange.append(f"[{group.name}] {line[:90]}: {our}, Postfix {their}"
                                   f"\n    {str(session)[:400]}")
                    break
                causes[cause] += 1
                if said == PART:
                    break
        oracle.tell(f"{cases} sessions, {len(strange)} differ", causes)
        self.assertGreaterEqual(cases, 500)
        self.assertFalse(strange, "\n".join(strange[:200]))


if __name__ == "__main__":
    unittest.main()
