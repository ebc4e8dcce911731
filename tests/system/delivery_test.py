"""A message travels from a client through every process into a mailbox.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import unittest

import instance


class Delivery(instance.TestCase):
    def test_smtp_to_maildir(self):
        mail = self.instance()
        identity = mail.send("sender@example.com", ["alice@demo.test"],
                             "Subject: first\n\nhello\n")
        (text,) = mail.wait_box("alice")
        self.assertIn(b"\nSubject: first\n", text)
        self.assertIn(b"\n\nhello\n", text)
        self.assertTrue(text.startswith(b"Return-Path: <sender@example.com>\n"))
        mail.wait_log(rf"{identity}: to=<alice@demo\.test>, .*status=sent")
        mail.wait_log(rf"{identity}: removed")
        mail.wait_empty()

    def test_any_address_of_the_demo_domain_has_a_mailbox(self):
        mail = self.instance()
        mail.send("sender@example.com", ["nobody-special@demo.test",
                                         "bob+ext@demo.test"])
        mail.wait_box("everyone")
        mail.wait_box("bob")

    def test_sendmail_to_maildir(self):
        mail = self.instance()
        mail.command("sendmail", "-f", "me@demo.test", "alice@demo.test",
                     input="Subject: from sendmail\n\nbody\n")
        (text,) = mail.wait_box("alice")
        self.assertIn(b"Subject: from sendmail\n", text)

    def test_mail_for_others_goes_to_the_next_server(self):
        sink = self.sink()
        mail = self.instance(relayhost=sink.where)
        mail.send("a@demo.test", ["x@example.org"], "Subject: out\n\n.dot\n")
        (got,) = sink.wait(1)
        self.assertEqual(got.sender, "a@demo.test")
        self.assertEqual(got.recipients, ["x@example.org"])
        self.assertTrue(got.data.endswith(b"\r\n\r\n.dot\r\n"), got.data)
        mail.wait_empty()

    def test_an_ordinary_user_runs_all_of_it(self):
        if os.getuid() != 0:
            self.skipTest("every other test is one")
        mail = self.instance(user=12077)
        mail.send("sender@example.com", ["alice@demo.test"])
        mail.wait_box("alice")
        mail.command("sendmail", "-f", "me@demo.test", "bob@demo.test",
                     input="Subject: two\n\nbody\n")
        mail.wait_box("bob")
        self.assertEqual(mail.stop(), 0)

    def test_it_stops_cleanly_and_starts_again(self):
        mail = self.instance()
        self.assertEqual(mail.stop(), 0)
        mail.start()
        mail.send("sender@example.com", ["alice@demo.test"])
        mail.wait_box("alice")
        self.assertEqual(mail.stop(), 0)

    def test_a_second_start_says_that_the_place_is_taken(self):
        mail = self.instance()
        done = mail.command("waypost", "start-fg", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(mail.log() + done.out + done.err,
                         re.compile("already running|taken|in use", re.I))


if __name__ == "__main__":
    unittest.main()
