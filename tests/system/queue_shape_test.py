"""qshape tells where waiting mail goes and how old it is; postkick wakes a service.

SPDX-License-Identifier: Apache-2.0
"""
import os
import unittest

import instance


class Shape(instance.TestCase):
    def rows(self, mail, *arguments):
        """The table as lists of words."""
        out = mail.command("qshape", *arguments).out
        return [line.split() for line in out.splitlines()]

    def test_domains_ages_and_parents(self):
        mail = self.instance(defer_transports="smtp")
        for sender, recipients in (
                ("a@demo.test", ["x@one.example", "y@ONE.example"]),
                ("b@other.test", ["x@one.example", "z@deep.two.example"]),
                ("", ["z@more.two.example", "x@[192.0.2.1]"])):
            mail.send(sender, recipients)
        instance.until(lambda: [m["queue_name"] for m in mail.queue()]
                       == ["deferred"] * 3, "three deferred messages")
        none = ["0"] * 9
        self.assertEqual(self.rows(mail, "deferred"), [
            ["T", "5", "10", "20", "40", "80", "160", "320", "640", "1280", "1280+"],
            ["TOTAL", "6", "6", *none], ["one.example", "3", "3", *none],
            ["[192.0.2.1]", "1", "1", *none],
            ["deep.two.example", "1", "1", *none],
            ["more.two.example", "1", "1", *none]])
        self.assertEqual(self.rows(mail)[1:], [["TOTAL", "0", "0", *none]])
        self.assertEqual(self.rows(mail, "-s", "-l", "-b", "3", "-t", "7", "deferred"), [
            ["T", "7", "14", "14+"], ["TOTAL", "3", "3", "0", "0"],
            ["demo.test", "1", "1", "0", "0"], ["other.test", "1", "1", "0", "0"],
            ["MAILER-DAEMON", "1", "1", "0", "0"]])
        self.assertIn([".two.example", "2", "2", *none],
                      self.rows(mail, "-p", "-m", "2", "deferred"))
        self.assertNotIn(" .two.example", mail.command("qshape", "-p", "deferred").out)
        wide = mail.command("qshape", "-w", "60", "-b", "2", "deferred").out
        self.assertEqual({len(line) for line in wide.splitlines()}, {60})
        self.assertIn("\n+example  3  3  0\n",
                      mail.command("qshape", "-w", "17", "-b", "2", "deferred").out)
        self.assertEqual(self.rows(mail, "active", "deferred")[1][1], "6")
        done = mail.command("qshape", "nonsense", "deferred", check=False)
        self.assertEqual((done.returncode, done.err),
                         (64, "qshape: warning: no queue is called nonsense\n"))
        for wrong in (["-x"], ["-b", "0"], ["-b", "41"], ["-t", "x"]):
            self.assertEqual(mail.command("qshape", *wrong, check=False).returncode, 64)

    def test_a_service_is_woken(self):
        mail = self.instance(master=lambda text: text.replace(
            "pickup     unix  n       -       n       60 ",
            "pickup     unix  n       -       n       0  "))
        mail.stop()
        mail.command("sendmail", "-f", "a@demo.test", "alice@demo.test", input="x\n")
        mail.start()
        mail.command("postkick", "public", "pickup", "W")
        mail.wait_box("alice")
        done = mail.command("postkick", "public", "nothing", "W", check=False)
        self.assertEqual((done.returncode, done.err), (1, (
            "postkick: warning: Cannot contact class public service nothing - "
            "perhaps the mail system is down\n")))
        done = mail.command("postkick", "public", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("usage: postkick", done.err)


if __name__ == "__main__":
    unittest.main()
