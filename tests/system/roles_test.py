"""What a sender hears of mail that cannot be delivered, aliases and mailboxes
of local users, a message that is too much for its agent, and the configuration
that Debian installs.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import email
import errno
import os
import pwd
import re
import signal
import threading
import unittest

import instance

PACKAGE = os.path.join(instance.BUILD, "packages", "usr", "share", "postfix")


class Notices(instance.TestCase):
    def refuse(self, **settings):
        """An instance whose next server refuses users called no-..."""
        sink = self.sink(lambda stage, argument: "550 5.1.1 not here"
                         if stage == "rcpt" and argument.startswith("no-") else None)
        return sink, self.instance(relayhost=sink.where,
                                   **settings)

    def test_the_sender_gets_a_report_that_programs_can_read(self):
        _, mail = self.refuse()
        identity = mail.send("alice@demo.test", ["no-one@example.org"],
                             "Subject: lost\n\nits text\n")
        (text,) = mail.wait_box("alice")
        self.assertTrue(text.startswith(b"Return-Path: <>\n"), text[:100])
        report = email.message_from_bytes(text)
        self.assertEqual(report.get_content_type(), "multipart/report")
        self.assertEqual(report.get_param("report-type"), "delivery-status")
        self.assertEqual(report["Auto-Submitted"], "auto-replied")
        words, status, original = report.get_payload()
        self.assertIn("550 5.1.1 not here", words.get_payload())
        message, recipient = status.get_payload()
        self.assertEqual(message["Reporting-MTA"], "dns; mail.demo.test")
        self.assertIn(identity, message.as_string())
        self.assertEqual(recipient["Final-Recipient"], "rfc822; no-one@example.org")
        self.assertEqual(recipient["Action"], "failed")
        self.assertEqual(recipient["Status"], "5.1.1")
        self.assertIn("550 5.1.1 not here", recipient["Diagnostic-Code"])
        self.assertEqual(original.get_content_type(), "message/rfc822")
        self.assertEqual(original.get_payload()[0]["Subject"], "lost")
        mail.wait_empty()

    def test_a_report_that_cannot_be_delivered_goes_to_the_postmaster(self):
        _, mail = self.refuse(**{"notify_classes": "2bounce",
                                 "2bounce_notice_recipient": "alice@demo.test"})
        mail.send("no-sender@example.org", ["no-one@example.org"])
        (text,) = mail.wait_box("alice")
        self.assertIn(b"no-sender@example.org", text)
        mail.wait_empty()

    def test_there_is_no_report_about_a_report(self):
        sink, mail = self.refuse(**{"notify_classes": "2bounce",
                                    "2bounce_notice_recipient": "no-master@example.org"})
        mail.send("no-sender@example.org", ["no-one@example.org"])
        mail.wait_log(r"to=<no-master@example\.org>, .*status=bounced")
        mail.wait_empty()
        mail.send("", ["no-one@example.org"])
        mail.wait_log(r"to=<no-one@example\.org>, .*status=bounced", 2)
        mail.wait_empty()
        self.assertEqual(sink.received, [])


    def test_what_cannot_be_told_has_not_bounced(self):
        board = self.board()
        sink = self.sink(lambda stage, argument: "550 5.1.1 not here"
                         if stage == "rcpt" else None)
        mail = self.instance(relayhost=sink.where,
                             minimal_backoff_time="1s", queue_run_delay="1s",
                             faults=board)
        board.arm("fs.fsync", role="bounce", error=errno.EIO)
        one = mail.send("alice@demo.test", ["no-one@example.org"])
        mail.wait_log(rf"{one}: to=<no-one@example\.org>, .*dsn=4\.3\.0, "
                      r"status=deferred \(bounce service failure; was to bounce: "
                      r".*550 5\.1\.1 not here")
        self.assertEqual(board.hits, 1)
        mail.command("postqueue", "-f")
        mail.wait_log(rf"{one}: to=<no-one@example\.org>, .*dsn=5\.1\.1, "
                      r"status=bounced \(host")
        self.assertEqual(len(mail.wait_box("alice")), 1)
        mail.wait_empty()
        self.assertEqual(len(re.findall(r"status=bounced", mail.log())), 1)


class Tables(instance.TestCase):
    def test_nobody_else_says_whose_files_are_written(self):
        """proxymap may not look anything up: it is not asked."""
        mail = self.instance(smtpd_reject_unlisted_recipient="no", proxy_read_maps="",
            virtual_mailbox_maps="proxy:texthash:$config_directory/mailboxes")
        mail.send("a@demo.test", ["alice@demo.test"])
        self.assertEqual(len(mail.wait_box("alice")), 1)
        self.assertNotIn("unapproved", mail.log())
        mail.stop()
        mail.set(virtual_mailbox_maps="tcp:127.0.0.1:1")
        mail.start()
        one = mail.send("a@demo.test", ["alice@demo.test"])
        mail.wait_log(rf"{one}: to=<alice@demo\.test>, relay=virtual, .*"
                      r"status=deferred \(mailbox lookup failed\)")
        mail.wait_log(rf"virtual\[\d+\]: warning: {one}: tcp:127.0.0.1:1 is unavailable\. "
                      "tcp:127.0.0.1:1 map is not allowed for security sensitive data")


class Agents(instance.TestCase):
    def test_a_message_that_crashes_its_agent_is_held_and_others_flow(self):
        def answer(stage, argument):
            if stage != "mail" or argument != "crash@demo.test":
                return None
            for pid in mail.pids("smtp"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return "close"

        sink = self.sink(answer)
        mail = self.instance(relayhost=sink.where)
        senders = {f"good{n}@demo.test" for n in range(20)}
        for n, sender in enumerate(sorted(senders)):
            if n == 5:
                bad = mail.send("crash@demo.test", ["x@example.org"])
            mail.send(sender, ["x@example.org"])
        instance.until(lambda: {got.sender for got in sink.received} == senders,
                       "the other messages")
        mail.wait_log(rf"{bad}: .*died.*placed on hold")
        instance.until(lambda: [(m["queue_name"], m["queue_id"]) for m in mail.queue()]
                       == [("hold", bad)], "one message on hold")


    def test_a_suspect_dies_alone(self):
        """The second time nobody else's delivery is in its process."""
        begun, killed = threading.Event(), threading.Event()
        alone = r"transport smtp: process (\d+) is for suspects alone"
        kills = []

        def answer(stage, argument):
            if stage == "mail" and argument == "slow@demo.test":
                begun.set()
                killed.wait(30)
            if stage != "mail" or argument != "crash@demo.test":
                return None
            pids = [int(pid) for pid in re.findall(alone, mail.log())][-1:]
            if pids:
                begun.wait(30)
            for pid in pids or mail.pids("smtp"):
                kills.append(pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if pids:
                killed.set()
            return "close"

        sink = self.sink(answer)
        mail = self.instance(relayhost=sink.where)
        bad = mail.send("crash@demo.test", ["x@example.org"])
        mail.wait_log(alone)
        slow = mail.send("slow@demo.test", ["x@example.org"])
        mail.wait_log(rf"{slow}: to=.*status=sent")
        mail.wait_log(rf"{bad}: .*died 2 times.*placed on hold")
        self.assertEqual(len(kills), 2, kills)
        self.assertNotIn(f"{slow}: lost the delivery agent", mail.log())
        self.assertEqual([got.sender for got in sink.received], ["slow@demo.test"])


class Local(instance.TestCase):
    def setUp(self):
        super().setUp()
        self.user = "nobody" if os.getuid() == 0 else \
            pwd.getpwuid(os.getuid()).pw_name

    def start(self, aliases):
        mail = self.instance(start=False, mydestination="here.test", myorigin="here.test",
                             alias_maps="hash:$config_directory/aliases",
                             alias_database="hash:$config_directory/aliases",
                             mail_spool_directory="$queue_directory/../boxes/")
        self.boxes = os.path.join(mail.dir, "boxes")
        os.mkdir(self.boxes)
        os.chmod(self.boxes, 0o1777)
        mail.write("list", f"{self.user}, outside@demo.test\n# no one else\n")
        mail.write("aliases", aliases.format(user=self.user, etc=mail.etc))
        mail.command("postalias", "hash:" + os.path.join(mail.etc, "aliases"))
        return mail.start()

    def box(self, count):
        place = os.path.join(self.boxes, self.user, "new")

        def read():
            with contextlib.suppress(FileNotFoundError):
                names = os.listdir(place)
                if len(names) >= count:
                    return names
            return None

        texts = []
        for name in sorted(instance.until(read, f"{count} messages in {place}")):
            with open(os.path.join(place, name), "rb") as file:
                texts.append(file.read())
        return texts

    def test_aliases_lead_to_users_lists_and_other_aliases(self):
        mail = self.start("team: head\nhead: {user}\nlist: :include:{etc}/list\n"
                          "owner-list: {user}\n")
        mail.send("a@demo.test", ["team@here.test"], "Subject: team\n\nx\n")
        (text,) = self.box(1)
        self.assertIn(b"Delivered-To: team@here.test\n", text)
        mail.send("a@demo.test", ["list+ext@here.test"], "Subject: list\n\nx\n")
        self.box(2)
        (outside,) = mail.wait_box("everyone")
        # Owners hear of what happens to mail of their list.
        self.assertTrue(outside.startswith(b"Return-Path: <owner-list@here.test>"),
                        outside[:100])
        # Each hop names the message as it was called there.
        ids = re.findall(rb"\bid (\w+)[;\n]", outside)
        self.assertEqual(re.findall(r"forwarded as (\w+)", mail.log())[-1],
                         ids[0].decode())
        self.assertEqual(len(set(ids)), 2, ids)
        mail.wait_empty()

    def test_unknown_users_are_refused_and_loops_end(self):
        mail = self.start("loop: loop@here.test\nback: back-again\n"
                          "back-again: back\n")
        with mail.smtp() as client:
            client.hello()
            code, lines = client.mail("a@demo.test", ["nobody-like-this@here.test"],
                                      "Subject: x\n\nx\n")
        self.assertEqual((code, lines[0][:6]), (550, "5.1.1 "))
        for name in ("loop", "back"):
            mail.send("alice@demo.test", [f"{name}@here.test"])
        mail.wait_log(r"to=<(loop|back\S*)@here\.test>, .*relay=local.*status=bounced", 2)
        mail.wait_box("alice", 2)
        mail.wait_empty()

    def test_aliases_and_lists_lead_as_deep_as_they_may_and_no_deeper(self):
        chain = "".join(f"a{n}: a{n + 1}\n" for n in range(95))
        mail = self.start(chain + "a95: {user}\nlists: :include:{etc}/deep0\n")
        for n in range(150):
            mail.write(f"deep{n}", f":include:{mail.etc}/deep{n + 1}\n")
        mail.write("deep150", f"{self.user}\n")
        mail.send("a@demo.test", ["a0@here.test"])
        self.box(1)
        mail.send("a@demo.test", ["lists@here.test"])
        mail.wait_log(r"to=<lists@here\.test>, .*status=bounced \(possible alias "
                      "database loop for lists")
        mail.wait_empty()
        self.assertNotRegex(mail.log(), r"local pid \d+ (killed|exit)")

    def test_one_bad_member_of_a_list_keeps_no_other_from_its_mail(self):
        mail = self.start("team: no-such-user, {user}, out@demo.test\n")
        mail.send("alice@demo.test", ["team@here.test"])
        self.box(1)
        mail.wait_box("everyone", 1)
        (report,) = mail.wait_box("alice")
        self.assertIn(b'unknown user: "no-such-user"', report)
        mail.wait_log(r"to=<team@here\.test>, relay=local, .*dsn=5\.1\.1, status="
                      r'bounced \(unknown user: "no-such-user"\)')
        mail.wait_empty()

    def test_a_member_that_has_to_wait_waits_alone(self):
        mail = self.start("team: {user}, locked\nlocked: /\n")
        mail.stop()
        mail.command("postalias", "-i", "hash:" + os.path.join(mail.etc, "aliases"),
                     input=f"both: {self.user}, out@demo.test\n")
        # its mailbox cannot be made
        place = os.path.join(self.boxes, self.user)
        with open(place, "w", encoding="utf-8"):
            pass
        mail.set(minimal_backoff_time="1s", queue_run_delay="1s")
        mail.start()
        one = mail.send("a@demo.test", ["both@here.test"])
        mail.wait_log(rf"{one}: to=<both@here\.test>, .*status=sent \(forwarded as")
        mail.wait_box("everyone", 1)
        mail.wait_log(rf"to=<{self.user}@here\.test>, .*status=deferred", 2)
        os.unlink(place)
        mail.command("postqueue", "-f")
        self.box(1)
        mail.wait_empty()
        self.assertEqual(len(mail.box("everyone")), 1)

    def test_nobody_has_a_copy_with_each_attempt_for_a_file_that_has_to_wait(self):
        mail = self.start("team: out@demo.test, {user}, {etc}/../mail/file\n")
        path = os.path.join(mail.mail_dir, "file")
        os.mkdir(path)                  # no message can be added to it
        mail.set(minimal_backoff_time="1s", queue_run_delay="1s")
        mail.reload()
        one = mail.send("a@demo.test", ["team@here.test"])
        mail.wait_log(rf"{one}: to=<team@here\.test>, .*status=deferred", 2)
        self.assertEqual(mail.box("everyone"), [])
        os.rmdir(path)
        mail.command("postqueue", "-f")
        self.box(1)
        mail.wait_box("everyone", 1)
        mail.wait_empty()
        self.assertEqual((len(self.box(1)), len(mail.box("everyone"))), (1, 1))
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read().count("Subject: test"), 1)

    def test_names_are_names_in_any_case_and_once(self):
        upper = self.user.upper()
        mail = self.start(f"Team: {upper}, {{user}}, \\{upper}, \\{{user}}, "
                          "OUT@demo.test, out@demo.test\n")
        mail.send("a@demo.test", ["TEAM@here.test"])
        self.box(1)
        mail.wait_empty()
        self.assertEqual((len(self.box(1)), len(mail.box("everyone"))), (1, 1))

    def test_a_list_writes_no_files_unless_it_may(self):
        mail = self.start("files: :include:{etc}/files\nown: {etc}/../own\n")
        target = os.path.join(mail.dir, "written")
        mail.write("files", f"{target}\n")
        mail.send("a@demo.test", ["files@here.test"])
        mail.wait_log(r"to=<files@here\.test>, .*dsn=5\.7\.1, status=bounced "
                      r"\(mail to file is restricted\)")
        self.assertFalse(os.path.exists(target))


class Debian(instance.TestCase):
    """Configuration as the package and its questions leave it."""

    ANSWERS = """
smtpd_tls_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem
smtpd_tls_key_file=/etc/ssl/private/ssl-cert-snakeoil.key
smtpd_tls_security_level=may
smtp_tls_CApath=/etc/ssl/certs
smtp_tls_security_level=may
smtp_tls_session_cache_database = btree:${data_directory}/smtp_scache
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
mailbox_size_limit = 0
recipient_delimiter = +
inet_protocols = all
"""

    def test_what_debian_installs_starts_and_delivers(self):
        files = [os.path.join(PACKAGE, name)
                 for name in ("main.cf.debian", "master.cf.dist")]
        if not all(map(os.path.exists, files)):
            self.skipTest("Debian's files are not unpacked here")
        texts = []
        for path in files:
            with open(path, encoding="utf-8") as file:
                texts.append(file.read())
        mail = self.instance(start=False)
        with open(os.path.join(mail.etc, "main.cf"), encoding="utf-8") as file:
            own = file.read()
        # The later line counts: paths, names and numbers are this instance's.
        mail.write("main.cf", texts[0] + self.ANSWERS + own)
        mail.write("master.cf", re.sub(r"(?m)^smtp( +)inet",
                                       rf"{mail.host}:{mail.port}\1inet",
                                       texts[1], count=1))
        done = mail.command("waypost", "check")
        self.assertNotRegex(done.err, "error:|fatal:")
        mail.start()
        mail.send("a@demo.test", ["alice@demo.test"])
        mail.wait_box("alice")
        mail.command("sendmail", "-f", "a@demo.test", "bob@demo.test",
                     input="Subject: local\n\nx\n")
        mail.wait_box("bob")
        mail.wait_empty()
        self.assertNotRegex(mail.log(), "fatal:|panic:|throttling")


if __name__ == "__main__":
    unittest.main()
