"""A thousand clients that stop in the middle of DATA do not stop the others.

SPDX-License-Identifier: Apache-2.0
"""
import resource
import socket
import unittest

import instance

STALLED = 1000
GOOD = 30


class Stall(instance.TestCase):
    def stalled(self, mail):
        """One session inside DATA, with part of a line sent."""
        client = socket.create_connection((mail.host, mail.port), 30)
        self.addCleanup(client.close)
        client.sendall(b"EHLO slow.example\r\nMAIL FROM:<slow@example.com>\r\n"
                       b"RCPT TO:<alice@demo.test>\r\nDATA\r\n")
        return client

    def test_good_clients_beside_a_thousand_stalled_ones(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        want = STALLED + 200
        if soft < want:
            if hard != resource.RLIM_INFINITY and hard < want:
                self.skipTest(f"only {hard} descriptors")
            resource.setrlimit(resource.RLIMIT_NOFILE, (want, hard))
        # They do not wait for the reply to EHLO.
        mail = self.instance(smtpd_forbid_unauth_pipelining="no")
        clients = [self.stalled(mail) for _ in range(STALLED)]
        for client in clients:
            seen = b""
            while b"354 " not in seen:
                got = client.recv(4096)
                self.assertTrue(got, seen)
                seen += got
            client.sendall(b"Subject: never finished\r\n\r\nhalf a li")
        for number in range(GOOD):
            mail.send("good@example.com", ["bob@demo.test"],
                      f"Subject: good {number}\n\nbody\n")
        self.assertEqual(len(mail.wait_box("bob", GOOD)), GOOD)
        # One of the slow ones goes on, and its message arrives too.
        clients[0].sendall(b"ne\r\n.\r\n")
        self.assertIn(b"250 ", clients[0].recv(4096))
        (text,) = mail.wait_box("alice")
        self.assertIn(b"half a line\n", bytes(text))


if __name__ == "__main__":
    unittest.main()
