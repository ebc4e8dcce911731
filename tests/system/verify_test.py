"""Addresses that are asked about before mail is taken: probes by way of the queue
to real agents, and what verify remembers.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import os
import re
import unittest

import instance

PROBED = r"to=<{}>, .*status={} \({}"


class Verify(instance.TestCase):
    def system(self, answer=None, **settings):
        sink = self.sink(answer)
        mail = self.instance({
            "relayhost": sink.where, "relay_domains": "relay.test",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
            "smtpd_recipient_restrictions": "reject_unverified_recipient",
            "virtual_alias_domains": "alias.test",
            "virtual_alias_maps": "inline:{{one@alias.test=ok@relay.test}, "
            "{all@alias.test=ok@relay.test, bad@relay.test}}",
            "unverified_recipient_reject_code": "550",
            "address_verify_poll_count": "30", "address_verify_poll_delay": "1s",
            "default_cache_db_type": "btree", **settings})
        return mail, sink

    def ask(self, mail, *recipients):
        with mail.smtp() as client:
            client.hello()
            client.say("MAIL FROM:<s@there.test>")
            return ["{} {}".format(code, " ".join(lines)) for code, lines in
                    (client.say(f"RCPT TO:<{r}>") for r in recipients)]

    def test_a_client_is_told_what_the_next_server_says(self):
        def answer(stage, argument):
            if stage == "rcpt" and "bad" in argument:
                return "550 5.1.1 nobody of that name"
            if stage == "rcpt" and "busy" in argument:
                return "450 4.2.0 come again"
            return None

        mail, sink = self.system(answer)
        good, bad, busy, one, everyone, own = self.ask(
            mail, "ok@relay.test", "bad@relay.test", "busy@relay.test",
            "one@alias.test", "all@alias.test", "double-bounce@demo.test")
        self.assertEqual(good[:9], "250 2.1.5")
        self.assertEqual(bad[:9], "550 5.1.1")
        self.assertIn("undeliverable address: host ", bad)
        self.assertIn("550 5.1.1 nobody of that name", bad)
        self.assertEqual(busy[:9], "450 4.1.1")
        self.assertIn("unverified address: ", busy)
        self.assertEqual([one[:3], everyone[:3], own[:3]], ["250"] * 3)
        mail.wait_log(PROBED.format("ok@relay.test", "deliverable", "250 2.1.5"))
        mail.wait_log(PROBED.format("bad@relay.test", "undeliverable", "host"))
        mail.wait_log(PROBED.format("busy@relay.test", "undeliverable", "host"))
        self.assertIn("orig_to=<one@alias.test>", mail.log())
        mail.wait_empty()
        # Nothing was delivered, nobody was told, and the sink saw the sender.
        self.assertEqual(sink.received, [])
        self.assertNotIn("notification", mail.log())
        # What is known is not asked for again, not even after a restart.
        asked = len(re.findall(r"status=(?:un)?deliverable", mail.log()))
        self.assertEqual(asked, 4)
        mail.stop()
        mail.start()
        self.assertEqual([a[:3] for a in self.ask(
            mail, "ok@relay.test", "bad@relay.test", "all@alias.test")],
            ["250", "550", "250"])
        self.assertEqual(asked, len(re.findall(r"status=(?:un)?deliverable",
                                               mail.log())))
        mail.stop()
        # The file is one that others can read.
        (path,) = glob.glob(os.path.join(mail.dir, "*", "verify_cache.*"))
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(path).st_uid,
                         os.stat(os.path.dirname(path)).st_uid)
        text = mail.command("postmap", "-s", "btree:" + path.rsplit(".", 1)[0]).out
        self.assertRegex(text, r"(?m)^ok@relay\.test\s+0:0:\d+:250 2\.1\.5 Ok$")
        self.assertRegex(text, r"(?m)^bad@relay\.test\s+2:0:\d+:host ")

    def test_a_cache_that_another_process_keeps(self):
        mail, _ = self.system(
            address_verify_map="proxy:btree:$data_directory/verify_cache")
        self.assertEqual(self.ask(mail, "ok@relay.test")[0][:3], "250")
        mail.wait_log(PROBED.format("ok@relay.test", "deliverable", "250 2.1.5"))
        mail.stop()
        (path,) = glob.glob(os.path.join(mail.dir, "*", "verify_cache.*"))
        text = mail.command("postmap", "-s", "btree:" + path.rsplit(".", 1)[0]).out
        self.assertRegex(text, r"(?m)^ok@relay\.test\s+0:0:\d+:250 2\.1\.5 Ok$")
        mail.start()
        self.assertEqual(self.ask(mail, "ok@relay.test")[0][:3], "250")
        self.assertEqual(len(re.findall("status=deliverable", mail.log())), 1)
        self.assertNotIn("proxywrite service", mail.log())
        # Not in the list: nothing is known, and both logs say why.
        mail.set(proxy_write_maps="", address_verify_poll_count="1")
        mail.stop()
        mail.start()
        self.assertEqual(self.ask(mail, "ok@relay.test")[0][:3], "450")
        mail.wait_log("for read-write access, list proxy:btree:.*proxy_write_maps")
        mail.wait_log("cache proxy:btree:.*: the table is not in proxy_write_maps")
        self.assertEqual(len(re.findall("status=deliverable", mail.log())), 1)

    def test_agents_answer_without_delivering(self):
        mail, _ = self.system(
            address_verify_map="", address_verify_sender="<>",
            transport_maps="inline:{{x@lost.test=error:5.1.6 moved away}, "
            "{x@wait.test=retry:4.3.2 not now}, {x@gone.test=discard:for good}}",
            address_verify_transport_maps="$transport_maps inline:{"
            "{joe@relay.test=error:5.7.1 only for probes}}")
        box = "joe@demo.test"
        answers = dict(zip(("x@lost.test", "x@wait.test", "x@gone.test",
                            "joe@relay.test", box), self.ask(
            mail, "x@lost.test", "x@wait.test", "x@gone.test", "joe@relay.test",
            box)))
        self.assertIn("undeliverable address: moved away", answers["x@lost.test"])
        self.assertIn("unverified address: not now", answers["x@wait.test"])
        self.assertEqual(answers["x@gone.test"][:3], "250")
        self.assertIn("only for probes", answers["joe@relay.test"])
        self.assertEqual(answers[box][:3], "250", answers[box])
        mail.wait_log(PROBED.format(box, "deliverable", "delivers to "))
        mail.wait_log(r"from=<>, size=\d+, nrcpt=1 \(queue active\)")
        mail.wait_empty()
        self.assertEqual(mail.box(), [])
        self.assertEqual(glob.glob(os.path.join(mail.dir, "*", "verify_cache*")),
                         [])


if __name__ == "__main__":
    unittest.main()
