"""A filter before the queue (smtpd_proxy_filter), through real sockets and in
smtpd's jail: by address and by socket file, and without the filter. With
speed_adjust, large messages wait on disk.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import unittest

import instance


CLIENTS, LINES = 6, 8192
LINE = b"%d, of many lines that make a large message: " + b"x" * 600 + b"\r\n"


def private_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^RssAnon:\s+(\d+) kB", file.read(), re.M)[1])


def nameless(pid):
    """Sizes of the files below incoming that have no name."""
    sizes = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{fd}"
        if re.search(r"/incoming/.*\(deleted\)$", os.readlink(path)):
            sizes.append(os.stat(path).st_size)
    return sizes


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

    def test_large_messages_wait_on_disk(self):
        sink = self.sink(lambda stage, argument: {"dot": "250 2.0.0 Ok: BACK"}.get(stage))
        mail = self.instance(start=False)
        with open(os.path.join(mail.etc, "master.cf"), "a", encoding="utf-8") as file:
            file.write(f"{mail.host}:{mail.port + 1} inet n - y - - smtpd\n"
                       "  -o smtpd_proxy_options=speed_adjust\n"
                       "  -o smtpd_proxy_filter="
                       f"{sink.where.replace('[', '').replace(']', '')}\n")
        mail.start()
        clients = [instance.Smtp(mail.port + 1, mail.host) for _ in range(CLIENTS)]
        self.addCleanup(lambda: [client.close() for client in clients])
        for client in clients:
            client.hello()
        pids = [p for p in mail.pids("smtpd") if nameless(p)]
        self.assertTrue(pids)
        before = sum(map(private_kb, pids))
        for n, client in enumerate(clients):
            client.say("MAIL FROM:<a@there.test>")
            self.assertEqual(client.say("RCPT TO:<joe@demo.test>")[0], 250)
            content = LINE % n * LINES
            client.raw(b"BDAT %d\r\n" % len(content) + content)
            self.assertEqual(client.reply()[0], 250)
        # All of that is here, and the filter has heard of nothing.
        size = CLIENTS * LINES * len((LINE % 0).replace(b"\r", b""))
        self.assertEqual(sink.commands, [])
        held = sum(sum(nameless(p)) for p in pids)
        self.assertGreater(held, size - CLIENTS * 65536)
        self.assertLess(held, size + CLIENTS * 65536)
        more = sum(map(private_kb, pids)) - before
        print(f"{size >> 10} KB wait, {more} KB of memory more", flush=True)
        self.assertLess(more, CLIENTS * 512)
        for client in clients:
            self.assertEqual(client.say("BDAT 0 LAST"), (250, ["2.0.0 Ok: BACK"]))
        for received in sink.wait(CLIENTS):
            lines = LINE % int(re.search(rb"^(\d), of", received.data, re.M)[1]) * LINES
            self.assertEqual(received.data[-len(lines):], lines)
        instance.until(lambda: all(nameless(p) == [0] for p in pids), "an empty file")


if __name__ == "__main__":
    unittest.main()
