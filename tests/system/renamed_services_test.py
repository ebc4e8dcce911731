"""Services of master.cf under names of the administrator's own, which main.cf tells
to those that talk to them; and small settings that one running instance can show.

SPDX-License-Identifier: Apache-2.0
"""
import os
import socket
import unittest

import instance

# Whatever still goes by a stock name finds nobody there.
RENAMED = {"pickup", "qmgr", "rewrite", "resolver", "bounce", "defer", "trace", "verify",
           "flush", "showq", "error"}


def master(text):
    rows = []
    for line in text.splitlines():
        name = line.split(None, 1)[0] if line[:1].isalpha() else ""
        if name in RENAMED:
            line = f"my{name} {line[len(name):]}"
        rows.append(line)
    return "\n".join(rows) + "\nsecond unix-dgram n - n - 1 postlogd\n"


class Renamed(instance.TestCase):
    def system(self):
        return self.instance({
            "bounce_service_name": "mybounce", "defer_service_name": "mydefer",
            "trace_service_name": "mytrace", "error_service_name": "myerror",
            "flush_service_name": "myflush", "showq_service_name": "myshowq",
            "pickup_service_name": "mypickup", "queue_service_name": "myqmgr",
            "rewrite_service_name": "myrewrite",
            "resolver_service_name": "myresolver",
            "address_verify_service_name": "myverify",
            "mail_name": "Post Office", "delay_logging_resolution_limit": "0",
            "info_log_address_format": "internal", "verp_delimiter_filter": "*%",
            "mail_version": "3.11.9-of-ours",
            "smtpd_banner": "$myhostname $mail_name $mail_version",
            "import_environment": "MAIL_CONFIG TZ=UTC SEEN=by-import",
            "master_service_disable": "second/unix-dgram anvil/unix",
            "virtual_alias_domains": "alias.test",
            "smtpd_sender_restrictions": "reject_unverified_sender",
            "unverified_sender_reject_code": "550",
            "address_verify_poll_count": "30",
            "relayhost": f"[{instance.own_address()}]:{instance.PORT}",
            "fast_flush_domains": "far.test"}, master=master,
            environment={"NOISE": "imported"})

    def test_everybody_finds_everybody(self):
        mail = self.system()
        me = "everyone@demo.test"

        # sendmail wakes mypickup, cleanup asks myrewrite and wakes myqmgr.
        mail.command("sendmail", "-f", me, me, input="Subject: first\n\nx\n")
        text = mail.wait_box(count=1, patience=25)[0].decode()
        self.assertIn("(Post Office", text)
        mail.wait_log(r"to=<everyone@demo\.test>.* delay=\d+, delays=\d+/\d+/\d+/\d+, dsn=")

        # myerror says no, mybounce tells the sender.
        mail.command("sendmail", "-f", me, "nobody@alias.test",
                     input="Subject: second\n\nx\n")
        mail.wait_log(r"to=<nobody@alias\.test>, relay=none, .*status=bounced")
        self.assertIn("Undelivered", mail.wait_box(count=2)[1].decode())

        # mytrace reports what would be.
        mail.command("sendmail", "-bv", "-f", me, me)
        self.assertIn("Delivery Status Report".lower(),
                      mail.wait_box(count=3)[2].decode().lower())

        # mydefer writes the reason down, myshowq shows it.
        mail.command("sendmail", "-f", me, '"a b"@far.test',
                     input="Subject: third\n\nx\n")
        mail.wait_log(r"to=<a b@far\.test>, .*status=deferred")
        instance.until(lambda: "refused)" in mail.command("postqueue", "-p").out,
                       "the reason in the list")
        # myflush lets the site be tried again.
        mail.command("postqueue", "-s", "far.test")
        mail.wait_log(r"to=<a b@far\.test>, .*status=deferred", count=2)

        # myverify knows by now, or finds out; myresolver was asked for far.test.
        with mail.smtp() as client:
            client.hello()
            self.assertEqual(client.say(f"MAIL FROM:<{me}>")[0], 250)
        with socket.create_connection((mail.host, mail.port), 10) as peer:
            greeting = peer.recv(500).decode()
        self.assertIn("Post Office 3.11.9-of-ours", greeting)

        # Of what master has in its environment the services get what they may.
        pids = mail.pids("qmgr") + mail.pids("smtpd")
        self.assertGreaterEqual(len(pids), 2)
        for pid in pids:
            with open(f"/proc/{pid}/environ", "rb") as file:
                names = file.read().split(b"\0")
            self.assertIn(b"SEEN=by-import", names)
            self.assertNotIn(b"NOISE=imported", names)
        self.assertEqual(mail.pids("anvil"), [])
        self.assertFalse(os.path.exists(mail.spool + "/private/anvil"))

        # Delimiters of VERP are those that are allowed.
        for delimiters, status in ("*%", 0), ("+=", 64):
            done = mail.command("sendmail", "-XV" + delimiters, "-f", me, me,
                                input="Subject: x\n\nx\n", check=False)
            self.assertEqual(done.returncode, status, done.err)


if __name__ == "__main__":
    unittest.main()
