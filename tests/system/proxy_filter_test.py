"""A filter before the queue (smtpd_proxy_filter), through real sockets and in
smtpd's jail: by address and by socket file, and without the filter.

SPDX-License-Identifier: Apache-2.0
"""
import os
import unittest

import instance


class ProxyFilter(instance.TestCase):
    def test_the_filter_answers_for_the_message(self):
        verdicts = {"dot": "250 2.0.0 Ok: queued as BACK1"}
        sink = self.sink(lambda stage, argument: verdicts.get(stage))
        mail = self.instance(start=False, notify_classes="")
        rows = {1: f"inet:{sink.where.replace('[', '').replace(']', '')}",
                2: f"unix:{mail.dir}/filter.sock", 3: f"{mail.host}:{mail.port + 9}"}
        with open(os.path.join(mail.etc, "master.cf"), "a",
                  encoding="utf-8") as file:
            for n, target in rows.items():
                file.write(f"{mail.host}:{mail.port + n} inet n - n - - smtpd\n"
                           f"  -o smtpd_proxy_filter={target}\n")
        unix = self.sink(lambda stage, argument: verdicts.get(stage),
                         path=os.path.join(mail.dir, "filter.sock"))
        mail.start()
        for n, receiver in ((1, sink), (2, unix)):
            with instance.Smtp(mail.port + n, mail.host) as client:
                client.hello()
                code, lines = client.mail("a@there.test", ["joe@demo.test"],
                                          "Subject: one\n\n.dot\n")
                self.assertEqual((code, lines), (250, ["2.0.0 Ok: queued as BACK1"]))
            received = receiver.wait(1)[0]
            self.assertEqual(received.recipients, ["joe@demo.test"])
            self.assertIn(b"Received: from client.example", received.data)
            self.assertIn(b"\n.dot", received.data)
        verdicts["dot"] = "554 5.7.1 spam"
        with instance.Smtp(mail.port + 1, mail.host) as client:
            client.hello()
            code, lines = client.mail("a@there.test", ["joe@demo.test"], "x\n")
            self.assertEqual((code, lines), (554, ["5.7.1 spam"]))
        with instance.Smtp(mail.port + 3, mail.host) as client:
            client.hello()
            client.say("MAIL FROM:<a@there.test>")
            self.assertEqual(client.say("RCPT TO:<joe@demo.test>"),
                             (451, ["4.3.0 Error: queue file write error"]))
        mail.wait_log(r"NOQUEUE: proxy-accept: END-OF-MESSAGE: 250 2\.0\.0 Ok: queued "
                      r"as BACK1; from=<a@there.test> to=<joe@demo.test>", 2)
        mail.wait_log(r"NOQUEUE: proxy-reject: END-OF-MESSAGE: 554 5\.7\.1 spam;")
        mail.wait_log(r"warning: connect to proxy filter .*: Connection refused")
        self.assertEqual(mail.queue(), [])


if __name__ == "__main__":
    unittest.main()
