"""Limits per client, counted by anvil over all processes: exact under load, over
a reload, after crashes, and in the statistics.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import os
import re
import signal
import socket
import threading
import unittest

import instance
from instance import until


class Client(instance.Smtp):
    """From an address of one's choice."""

    def __init__(self, mail, source):
        self.socket = socket.create_connection(
            (mail.host, mail.port), instance.PATIENCE, (source, 0))
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()

    def begin(self):
        """Into a transaction, which a reload does not end."""
        assert self.say("HELO client.example")[0] == 250
        return self.say("MAIL FROM:<a@b.example>")[0]


class Limits(instance.TestCase):
    def limited(self, **settings):
        return self.instance(smtpd_client_event_limit_exceptions="",
                             **settings)

    def client(self, mail, source):
        made = Client(mail, source)
        self.addCleanup(made.close)
        return made

    def crowd(self, mail, source, count):
        """That many at once; those that got in, and the codes of all."""
        clients, lock = [], threading.Lock()

        def come():
            made = Client(mail, source)
            with lock:
                clients.append(made)

        threads = [threading.Thread(target=come) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for made in clients:
            self.addCleanup(made.close)
        return ([c for c in clients if c.greeting[0] == 220],
                collections.Counter(c.greeting[0] for c in clients))

    def test_sessions_are_counted_exactly_over_all_processes(self):
        mail = self.limited(smtpd_client_connection_count_limit="17",
                            service_clients_per_process="5")
        one, two = instance.own_address(), instance.own_address()
        inside, codes = self.crowd(mail, one, 60)
        self.assertEqual(codes, {220: 17, 421: 43})
        self.assertGreater(len(mail.pids("smtpd")), 3)
        self.assertEqual(len(mail.pids("anvil")), 1)
        # Another client has places of its own.
        _, codes = self.crowd(mail, two, 20)
        self.assertEqual(codes, {220: 17, 421: 3})
        # Each that goes makes room for one.
        for made in inside[:7]:
            made.quit()
        _, codes = self.crowd(mail, one, 30)
        self.assertEqual(codes, {220: 7, 421: 23})
        mail.wait_log(r"warning: Connection concurrency limit exceeded: \d+ from "
                      rf"\S+\[{re.escape(one)}\] for service {mail.host}:2525")

    def test_a_reload_loses_no_count(self):
        mail = self.limited(smtpd_client_connection_count_limit="8",
                            smtpd_client_message_rate_limit="7")
        source = instance.own_address()
        inside, codes = self.crowd(mail, source, 6)
        self.assertEqual(codes, {220: 6})
        self.assertEqual({made.begin() for made in inside}, {250})
        old = mail.pids("anvil")
        mail.reload()
        until(lambda: mail.pids("anvil") not in (old, []) and
              not set(old) & set(mail.pids("anvil")), "another anvil")
        more, codes = self.crowd(mail, source, 10)
        self.assertEqual(codes, {220: 2, 421: 8})
        self.assertEqual([made.begin() for made in more], [250, 450])
        # Those from before the reload are still there, and their room returns.
        for made in inside[:3]:
            self.assertEqual(made.say("RSET")[0], 250)
            made.close()
        until(lambda: len(re.findall(r"(?m) disconnect from .*mail=1 rset=1",
                                     mail.log())) >= 3, "three to be gone")
        _, codes = self.crowd(mail, source, 10)
        self.assertEqual(codes, {220: 3, 421: 7})

    def test_a_new_anvil_learns_who_is_here(self):
        mail = self.limited(smtpd_client_connection_count_limit="5")
        source = instance.own_address()
        self.crowd(mail, source, 4)
        (old,) = mail.pids("anvil")
        os.kill(old, signal.SIGKILL)
        until(lambda: mail.pids("anvil") not in ([], [old]), "another anvil")
        _, codes = self.crowd(mail, source, 6)
        self.assertEqual(codes, {220: 1, 421: 5})

    def test_a_process_that_dies_gives_its_places_back(self):
        mail = self.limited(smtpd_client_connection_count_limit="5")
        source = instance.own_address()
        self.crowd(mail, source, 5)
        for pid in mail.pids("smtpd"):
            os.kill(pid, signal.SIGKILL)
        until(lambda: self.client(mail, source).greeting[0] == 220,
              "room for one")

    def test_rates_are_exact_under_load(self):
        mail = self.limited(smtpd_client_connection_count_limit="0",
                            smtpd_client_connection_rate_limit="25",
                            smtpd_client_message_rate_limit="10",
                            smtpd_client_recipient_rate_limit="4",
                            service_clients_per_process="10")
        source = instance.own_address()
        inside, codes = self.crowd(mail, source, 40)
        self.assertEqual(codes, {220: 25, 421: 15})
        begun = [(made, made.begin()) for made in inside]
        self.assertEqual(collections.Counter(code for _, code in begun),
                         {250: 10, 450: 15})
        codes = [made.say("RCPT TO:<x@demo.test>")[0]
                 for made, code in begun if code == 250]
        self.assertEqual(codes, [250] * 4 + [450] * 6)
        mail.wait_log("warning: Connection rate limit exceeded: 40 from")
        mail.wait_log("warning: Message delivery request rate limit exceeded: 25 from")
        mail.wait_log("warning: Recipient address rate limit exceeded: 10 from")

    def test_a_time_unit_ends(self):
        mail = self.limited(smtpd_client_connection_rate_limit="1",
                            anvil_rate_time_unit="1s")
        source = instance.own_address()
        self.client(mail, source)
        until(lambda: self.client(mail, source).greeting[0] == 220,
              "the next second")

    def test_a_block_of_addresses_is_one_client(self):
        mail = self.limited(smtpd_client_connection_count_limit="2",
                            smtpd_client_ipv4_prefix_length="24")
        for source, code in (("127.99.98.1", 220), ("127.99.98.2", 220),
                             ("127.99.98.3", 421), ("127.99.97.1", 220)):
            with self.subTest(source):
                self.assertEqual(self.client(mail, source).greeting[0], code)

    def test_limits_are_for_the_client_behind_a_proxy(self):
        mail = self.limited(smtpd_client_connection_count_limit="1",
                            smtpd_authorized_xclient_hosts="192.0.2.200",
                            smtpd_upstream_proxy_protocol="haproxy",
                            smtpd_upstream_proxy_timeout="3s")

        def come(address):
            made = instance.Smtp(mail.port, mail.host, greet=False)
            self.addCleanup(made.close)
            made.raw(f"PROXY TCP4 {address} 192.0.2.1 4711 25\r\n")
            made.greeting = made.reply()
            return made.greeting[0]

        self.assertEqual([come(f"192.0.2.{last}") for last in
                          (2, 3, 2, 3, 200, 200)],
                         [220, 220, 421, 421, 220, 220])
        mail.wait_log(r"limit exceeded: 2 from unknown\[192\.0\.2\.3\]")

    def test_statistics_and_exceptions(self):
        mail = self.instance(
            smtpd_client_event_limit_exceptions="127.99.0.0/16",
            anvil_status_update_time="1s")
        service = re.escape(f"{mail.host}:2525")
        with Client(mail, "127.98.0.1") as client, \
                Client(mail, "127.98.0.1"):
            client.hello()
            client.mail("a@demo.test", ["x@demo.test", "y@demo.test"], "x\n")
        with Client(mail, "127.99.0.1") as client:
            client.hello()
        when = r"at [A-Z][a-z]{2} [ 1-3]\d \d\d:\d\d:\d\d$"
        who = rf"for \({service}:127\.98\.0\.1\) {when}"
        for line in (rf"max connection rate 2/60s {who}",
                     rf"max connection count 2 {who}",
                     rf"max message rate 1/60s {who}",
                     rf"max recipient rate 2/60s {who}",
                     rf"max cache size \d {when}"):
            mail.wait_log(rf"(?m)/anvil\[\d+\]: statistics: {line}")
        self.assertNotIn("127.99.0.1)", mail.log())


if __name__ == "__main__":
    unittest.main()
