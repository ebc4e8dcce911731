"""What a client from elsewhere can and cannot do to a whole system.

SPDX-License-Identifier: Apache-2.0
"""
import unittest

import instance


class Strangers(instance.TestCase):
    def test_no_way_to_write_an_address_relays(self):
        mail = self.instance(mynetworks="192.0.2.1", relay_domains="relay.test",
                             smtpd_relay_restrictions="reject_unauth_destination",
                             smtpd_hard_error_limit="100",
                             smtpd_soft_error_limit="100")
        with mail.smtp() as client:
            client.hello()
            client.say("MAIL FROM:<a@demo.test>")
            for address in ("x@far.example", "x%far.example", "far.example!x",
                            '"x%far.example"', '"far.example!x"', "x%y%far.example",
                            "x%far.example@demo.test", "far.example!x@demo.test",
                            '"x@far.example"@demo.test', "x@far.example@demo.test",
                            "@demo.test:x@far.example", "@relay.test:x@far.example",
                            "x%far.example@relay.test", "far.example!x@relay.test",
                            '"x@far.example"@relay.test', "x@[192.0.2.9]",
                            "x%[192.0.2.9]", "x%far.example%demo.test",
                            "far.example!x%demo.test", "x%far.example@[127.0.0.1]",
                            "x@demo.test.", "x@demo.test@far.example"):
                code, lines = client.say(f"RCPT TO:<{address}>")
                wanted = (250,) if address == "x@demo.test." else (554, 501)
                self.assertIn(code, wanted, (address, lines))
            for address in ("x@demo.test", "X@DEMO.TEST", "x@relay.test",
                            "postmaster", "Postmaster"):
                code, lines = client.say(f"RCPT TO:<{address}>")
                self.assertEqual(code, 250, (address, lines))


if __name__ == "__main__":
    unittest.main()
