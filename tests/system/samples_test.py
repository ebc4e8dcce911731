"""Messages, address lists and sessions that others have collected, through a
running system. They lie in ../shared/data beside the tree, or these tests are
skipped.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import json
import os
import re
import socket
import unittest

import instance

DATA = os.path.join(os.path.dirname(instance.ROOT), "shared", "data")
MESSAGES = ("mime", "dkim", "dsn", "arc", "dmarc", "authres")
PLAIN = re.compile(r"[\w.+-]+@[\w.-]+")
LONG = os.environ.get("WAYPOST_LONG") == "1"
DEATH = r"panic:|fatal:|killed by signal|bad command startup"


@unittest.skipUnless(os.path.isdir(DATA), "no third-party data in ../shared")
class Samples(instance.TestCase):
    def messages(self):
        paths = [path for topic in MESSAGES for kind in ("eml", "msg", "txt")
                 for path in glob.glob(f"{DATA}/{topic}/**/*.{kind}",
                                       recursive=True)]
        self.assertGreater(len(paths), 500)
        return sorted(paths)[::1 if LONG else 5]

    @staticmethod
    def content(path):
        """As a client sends it, with LF: a CR alone has become a space."""
        with open(path, "rb") as file:
            text = file.read().replace(b"\r\n", b"\n").replace(b"\r", b" ")
        return text if text.endswith(b"\n") else text + b"\n"

    def test_collected_messages_arrive_whole(self):
        mail = self.instance(smtputf8_enable="yes", hopcount_limit="1000")
        sent = {}
        with mail.smtp() as client:
            client.hello()
            for number, path in enumerate(self.messages()):
                sent[number] = self.content(path)
                for line in ("MAIL FROM:<a@example.com> BODY=8BITMIME",
                             f"RCPT TO:<s{number}@demo.test>"):
                    self.assertEqual(client.say(line)[0], 250, path)
                self.assertEqual(client.say("DATA")[0], 354, path)
                client.raw(re.sub(rb"(?m)^\.", b"..", sent[number])
                           .replace(b"\n", b"\r\n") + b".\r\n")
                self.assertEqual(client.reply()[0], 250, path)
        mail.wait_box(count=len(sent), patience=120)
        found = {}
        for path in glob.glob(mail.mail_dir + "/everyone/new/*"):
            with open(path, "rb") as file:
                text = file.read()
            to = re.search(rb"(?m)^Delivered-To: s(\d+)@demo\.test$", text)
            found[int(to[1])] = text
        self.assertEqual(sorted(found), sorted(sent))
        for number, text in sent.items():
            # What is behind the headers has not changed by a byte.
            _, gap, body = text.partition(b"\n\n")
            if gap:
                self.assertTrue(found[number].endswith(b"\n\n" + body),
                                self.messages()[number])
        self.assertNotRegex(mail.log(), DEATH)

    def test_recipients_in_collected_address_lists_are_found(self):
        with open(DATA + "/headers/address.json", encoding="utf-8") as file:
            cases = json.load(file)
        sink = self.sink()
        mail = self.instance(relayhost=sink.where,
                             virtual_mailbox_domains="")
        want = {}
        for number, case in enumerate(cases):
            header, _, rest = case["header"].partition("\n\n")
            entries = []
            for entry in case["expected"].get("List",
                                              case["expected"].get("Group")):
                entries += entry.get("addresses", [entry])
            addresses = [entry["address"] or "" for entry in entries]
            if rest or not addresses or \
                    not all(PLAIN.fullmatch(a) for a in addresses):
                continue            # a URL, a route: not what mail goes to
            if re.search(r">\s*[^\s,;(]", header):
                continue            # no address goes on behind its ">"
            want[f"c{number}@demo.test"] = sorted(addresses)
            mail.command("sendmail", "-t", "-i", "-f", f"c{number}@demo.test",
                         input=f"To: {header.strip()}\n\nbody\n")
        self.assertGreater(len(want), 15)
        instance.until(lambda: len(want) == len(
            {one.sender for one in sink.received}), "all messages")
        mail.wait_empty()
        got = {}
        for one in sink.received:
            got.setdefault(one.sender, []).extend(one.recipients)
        for sender, addresses in want.items():
            self.assertEqual(sorted(got[sender]), addresses, sender)

    def test_odd_sessions_break_nothing(self):
        sink = self.sink()
        mail = self.instance(relayhost=sink.where)
        paths = sorted(glob.glob(DATA + "/smtp/ghsmtp-client-input/*"))
        self.assertGreater(len(paths), 20)
        for path in paths:
            with open(path, "rb") as file:
                text = file.read()
            with socket.create_connection((mail.host, mail.port),
                                          instance.PATIENCE) as peer:
                greeting = peer.recv(4096)
                self.assertTrue(greeting.startswith(b"220 "), path)
                try:
                    peer.sendall(text)
                    peer.shutdown(socket.SHUT_WR)
                    replies = b""
                    while chunk := peer.recv(65536):
                        replies += chunk
                except (ConnectionResetError, BrokenPipeError):
                    continue        # told to leave while it still spoke
                for line in replies.splitlines():
                    self.assertRegex(line, rb"^[245]\d\d[ -]", path)
        mail.send("a@example.com", ["b@demo.test"])
        mail.wait_box()
        mail.wait_empty()
        for one in sink.received:
            for address in one.recipients:
                self.assertNotRegex(address, r"[\x00-\x20\x7f<>]")
        self.assertNotRegex(mail.log(), DEATH)


if __name__ == "__main__":
    unittest.main()
