"""What cleanup does for mail from outside: header and body checks, copies,
masquerading, content filters.

SPDX-License-Identifier: Apache-2.0
"""
import unittest

import instance


class Checks(instance.TestCase):

    def tables(self, mail, **tables):
        mail.set(**{name: f"pcre:{mail.write(name, text)}"
                    for name, text in tables.items()})
        mail.start()
        return mail

    def checked(self, **more):
        return self.tables(
            self.instance(start=False, **more),
            header_checks="/^Subject: lottery/ REJECT no lotteries\n"
            "/^Subject: elsewhere/ REDIRECT bob@demo.test\n"
            "/^Subject: copy/ BCC bob@demo.test\n"
            "/^Subject: wait/ HOLD\n/^Subject: filter/ FILTER discard:\n/^X-Secret:/ IGNORE\n"
            "/name=.*[.]exe/ REJECT 5.7.9 no programs\n",
            body_checks="/^buy (.*)/ REPLACE do not buy $1\n")

    def test_lines_decide(self):
        mail = self.checked()
        with mail.smtp() as client:
            client.hello("c.test")
            self.assertEqual(client.mail("a@demo.test", ["alice@demo.test"],
                                         "Subject: lottery\n\nx\n"),
                             (550, ["5.7.1 no lotteries"]))
        mail.wait_log(r"cleanup\[\d+\]: \w+: reject: header Subject: lottery from "
                      r"\S+\[127\.\S+\]; from=<a@demo\.test> "
                      r"to=<alice@demo\.test> proto=ESMTP helo=<c\.test>: "
                      r"5\.7\.1 no lotteries$")
        mail.send("a@demo.test", ["alice@demo.test"],
                  "Subject: x\nX-Secret: 1\n\nbuy this\n")
        got = mail.wait_box("alice")[0]
        self.assertIn(b"\n\ndo not buy this\n", got)
        self.assertNotIn(b"X-Secret", got)

    def test_mail_goes_elsewhere(self):
        mail = self.checked(default_filter_nexthop="thrown-away")
        mail.send("a@demo.test", ["alice@demo.test", "carol@demo.test"],
                  "Subject: elsewhere\n\nx\n")
        mail.send("a@demo.test", ["alice@demo.test"], "Subject: copy\n\nx\n")
        self.assertEqual(len(mail.wait_box("bob", 2)), 2)
        self.assertEqual(len(mail.wait_box("alice")), 1)
        self.assertEqual(mail.box("everyone"), [])
        mail.send("a@demo.test", ["alice@demo.test"], "Subject: wait\n\nx\n")
        self.assertEqual([m["queue_name"] for m in mail.queue()], ["hold"])
        mail.send("a@demo.test", ["alice@demo.test"], "Subject: filter\n\nx\n")
        mail.wait_log(r"relay=none, .*status=sent \(thrown-away\)")

    def test_local_mail_comes_back(self):
        mail = self.checked()
        mail.command("sendmail", "-f", "bob@demo.test", "alice@demo.test",
                     input=b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
                     b"Content-Type: x/y; name=z.exe\n\n--b--\n")
        self.assertIn(b"5.7.9 no programs", mail.wait_box("bob")[0])
        self.assertEqual(mail.box("alice"), [])

    def test_a_filter_comes_first(self):
        sink, other = self.sink(), self.sink()
        mail = self.instance(content_filter=f"smtp:{sink.where}", start=False)
        self.tables(mail, header_checks=f"/^X-Other/ FILTER smtp:{other.where}\n")
        mail.send("a@demo.test", ["alice@demo.test"], "Subject: x\n\nx\n")
        self.assertEqual(sink.wait(1)[0].recipients, ["alice@demo.test"])
        mail.send("a@demo.test", ["alice@demo.test"], "X-Other: x\n\nx\n")
        self.assertEqual(other.wait(1)[0].recipients, ["alice@demo.test"])
        mail.command("sendmail", "alice@demo.test", input=b"Subject: y\n\ny\n")
        sink.wait(2)
        self.assertEqual(mail.box("alice"), [])

    def test_copies_and_masquerades(self):
        mail = self.instance(always_bcc="bob@demo.test",
                             sender_bcc_maps="inline:{a@demo.test=carol@demo.test}",
                             masquerade_domains="demo.test")
        mail.send("a@host.demo.test", ["alice@demo.test"], "Subject: x\n\nx\n")
        for box in ("alice", "bob", "everyone"):
            self.assertIn(b"Return-Path: <a@demo.test>", mail.wait_box(box)[0])


if __name__ == "__main__":
    unittest.main()
