"""The SMTP and LMTP clients among all other roles: per-recipient verdicts,
retries, kept sessions, sockets, many messages at once.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import unittest

import instance



class Relay(instance.TestCase):

    def relay(self, sink, **more):
        return self.instance(relayhost=sink.where, **more)

    def test_each_recipient_has_its_own_verdict(self):
        tries = []

        def answer(stage, argument):
            if stage == "rcpt" and argument.startswith("never"):
                return "550 5.1.1 nobody here"
            if stage == "rcpt" and argument.startswith("later"):
                tries.append(argument)
                if len(tries) == 1:
                    return "450 4.2.1 come back"
            return None

        sink = self.sink(answer)
        mail = self.relay(sink, minimal_backoff_time="1s",
                          maximal_backoff_time="1s", queue_run_delay="1s")
        mail.send("a@demo.test", ["now@example.org", "never@example.org",
                                  "later@example.org"])
        got = sink.wait(2)
        self.assertEqual(got[0].recipients, ["now@example.org"])
        self.assertIn(["later@example.org"], [g.recipients for g in got])
        host = re.escape(sink.host)
        relay = rf"relay={host}\[{host}\]:{sink.port}"
        mail.wait_log(rf"to=<now@example\.org>, {relay}, (conn_use=\d+, )?"
                      r"delay=\S+, delays=\S+, dsn=2\.0\.0, status=sent "
                      r"\(250 2\.0\.0 taken\)$")
        mail.wait_log(rf"to=<never@example\.org>, {relay}, .*dsn=5\.1\.1, "
                      rf"status=bounced \(host {host}\[{host}\] "
                      r"said: 550 5\.1\.1 nobody here \(in reply to RCPT TO "
                      r"command\)\)$")
        mail.wait_log(rf"to=<later@example\.org>, {relay}, .*dsn=4\.2\.1, "
                      r"status=deferred \(host .* \(in reply to RCPT TO "
                      r"command\)\)$")
        mail.wait_log(rf"to=<later@example\.org>, {relay}, .*status=sent")

    def test_content_arrives_as_it_was(self):
        sink = self.sink()
        mail = self.relay(sink)
        long = "x" * 2000
        mail.send("a@demo.test", ["b@example.org"],
                  f"Subject: dots\n\n.\n..\n.a\n{long}\nend\n")
        data = sink.wait(1)[0].data
        self.assertIn(b"\r\n\r\n.\r\n..\r\n.a\r\n" + b"x" * 998 + b"\r\n " +
                      b"x" * 997 + b"\r\n " + b"x" * 5 + b"\r\nend\r\n",
                      data)
        self.assertNotRegex(data, rb"[^\r]\n|\r[^\n]")
        mail.wait_log(r"\w+: breaking line > 998 bytes with <CR><LF>SPACE$")

    def test_large_content(self):
        sink = self.sink()
        mail = self.relay(sink, message_size_limit="20000000")
        text = "".join(f"{n:06d} {'.' * 60}\n" for n in range(100000))
        mail.send("a@demo.test", ["b@example.org"], "Subject: x\n\n" + text)
        data = sink.wait(1, 60)[0].data
        self.assertTrue(data.endswith(text.replace("\n", "\r\n").encode()))

    def test_a_server_that_comes_back(self):
        host, port = instance.own_address(), instance.PORT
        mail = self.instance(relayhost=f"[{host}]:{port}",
                             minimal_backoff_time="1s",
                             maximal_backoff_time="1s", queue_run_delay="1s")
        mail.send("a@demo.test", ["b@example.org"])
        mail.wait_log(r"to=<b@example\.org>, relay=none, delay=.*, dsn=4\.4\.1"
                      rf", status=deferred \(connect to {re.escape(host)}"
                      rf"\[{re.escape(host)}\]:{port}: Connection refused\)$")
        sink = self.sink(host=host)
        self.assertEqual(sink.wait(1)[0].recipients, ["b@example.org"])
        mail.wait_empty()

    def test_sessions_are_kept_under_load(self):
        sink = self.sink()
        mail = self.relay(sink)
        for n in range(60):
            mail.send("a@demo.test", [f"b{n}@example.org"])
        got = sink.wait(60)
        self.assertEqual({r for g in got for r in g.recipients},
                         {f"b{n}@example.org" for n in range(60)})
        self.assertLess(sink.connections, 40)
        mail.wait_log(r"conn_use=\d+, delay=")
        mail.wait_empty()

    def test_a_session_that_hangs_up_after_each_message(self):
        def answer(stage, argument):
            nonlocal mails
            if stage == "mail":
                mails += 1
                if mails % 3 == 0:
                    return "421 4.7.0 enough"
            return None

        mails = 0
        sink = self.sink(answer)
        mail = self.relay(sink, minimal_backoff_time="1s",
                          maximal_backoff_time="1s", queue_run_delay="1s")
        for n in range(30):
            mail.send("a@demo.test", [f"b{n}@example.org"])
        got = sink.wait(30, 60)
        mail.wait_empty(60)
        self.assertEqual(sorted(r for g in got for r in g.recipients),
                         sorted(f"b{n}@example.org" for n in range(30)))

    def test_many_recipients_in_one_transaction(self):
        sink = self.sink()
        mail = self.relay(sink, smtp_destination_recipient_limit="500")
        to = [f"b{n}@example.org" for n in range(300)]
        mail.send("a@demo.test", to)
        mail.wait_empty()
        self.assertEqual(sorted(r for g in sink.wait(1) for r in g.recipients),
                         sorted(to))

    def test_no_recipient_is_lost_when_the_server_dies(self):
        calls = 0

        def answer(stage, argument):
            nonlocal calls
            calls += 1
            return "close" if calls % 11 == 0 else None

        sink = self.sink(answer)
        mail = self.relay(sink, minimal_backoff_time="1s",
                          maximal_backoff_time="1s", queue_run_delay="1s")
        to = [f"b{n}@example.org" for n in range(20)]
        for rcpt in to:
            mail.send("a@demo.test", [rcpt])
        mail.wait_empty(60)
        self.assertLessEqual(set(to), {r for g in sink.wait(20)
                                       for r in g.recipients})
        self.assertNotIn("status=bounced", mail.log())

    def test_a_server_without_extensions(self):
        def answer(stage, argument):
            if stage == "helo" and argument.startswith("EHLO"):
                return "502 5.5.1 never heard of it"
            return None

        sink = self.sink(answer)
        mail = self.relay(sink)
        mail.send("a@demo.test", ["b@example.org", "c@example.org"])
        got = sink.wait(1)[0]
        self.assertEqual(got.greeting.split()[0], "HELO")
        self.assertEqual(sorted(got.recipients),
                         ["b@example.org", "c@example.org"])

    def send_politely(self, mail, recipient):
        """Comes again after a 421, as clients do."""
        def taken():
            with mail.smtp() as client:
                if client.say("EHLO client.example")[0] == 421:
                    return False
                code, lines = client.mail("a@demo.test", [recipient],
                                          "Subject: x\n\nx\n")
                self.assertIn(code, (250, 421), lines)
                return code == 250
        instance.until(taken, "a server that does not leave")

    def test_a_reload_under_way_loses_nothing(self):
        sink = self.sink()
        mail = self.relay(sink)
        for n in range(40):
            self.send_politely(mail, f"b{n}@example.org")
            if n % 10 == 5:
                mail.reload(wait=False)
        got = sink.wait(40)
        mail.wait_empty()
        self.assertEqual(len({r for g in got for r in g.recipients}), 40)


class Lmtp(instance.TestCase):

    def answer(self, stage, argument):
        if stage == "dot" and argument.startswith("full"):
            return "452 4.2.2 mailbox full"
        if stage == "dot" and argument.startswith("gone"):
            return "550 5.2.1 mailbox closed"
        return None

    def deliver(self, mail, sink):
        mail.send("a@demo.test", ["ok@lmtp.test", "full@lmtp.test",
                                  "gone@lmtp.test"])
        got = sink.wait(1)[0]
        self.assertTrue(got.greeting.startswith("LHLO "))
        self.assertEqual(got.recipients, ["ok@lmtp.test"])
        mail.wait_log(r"/lmtp\[\d+\]: \w+: to=<ok@lmtp\.test>, .*status=sent")
        mail.wait_log(r"to=<full@lmtp\.test>, .*dsn=4\.2\.2, status=deferred "
                      r"\(host .* said: 452 4\.2\.2 mailbox full \(in reply "
                      r"to end of DATA command\)\)$")
        mail.wait_log(r"to=<gone@lmtp\.test>, .*dsn=5\.2\.1, status=bounced")

    def test_over_tcp(self):
        sink = self.sink(self.answer, lmtp=True)
        mail = self.instance(
            relay_domains="lmtp.test",
            relay_transport=f"lmtp:inet:{sink.host}:{sink.port}")
        self.deliver(mail, sink)

    def test_over_a_unix_socket(self):
        mail = self.instance(relay_domains="lmtp.test", start=False,
                             relay_transport="lmtp:unix:private/boxes")
        mail.start()
        path = os.path.join(mail.spool, "private", "boxes")
        sink = self.sink(self.answer, lmtp=True, path=path)
        self.deliver(mail, sink)
        mail.wait_log(r"relay=\S+\[private/boxes\], ")


if __name__ == "__main__":
    unittest.main()
