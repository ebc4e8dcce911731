"""What senders are told of their mail, live: NOTIFY, RET, ENVID and ORCPT from
SMTP and sendmail through to the next server, reports where that one does not
do DSN, warnings of delay and their end.

SPDX-License-Identifier: Apache-2.0
"""
import email
import email.policy
import itertools
import re
import unittest

import instance

MESSAGE = "Subject: hello\nMessage-ID: <{0}@demo.test>\n\nthe body\n"
WORDS = ("SUCCESS", "FAILURE", "DELAY")
NOTIFY = ["", "NEVER"] + [",".join(words) for n in (1, 2, 3)
                          for words in itertools.combinations(WORDS, n)]


def fields(report):
    """Those of each recipient, from the delivery report."""
    part = next(p for p in report.walk()
                if p.get_content_type() == "message/delivery-status")
    return [dict(block.items()) for block in part.get_payload()][1:]


def words(report):
    return next(p for p in report.walk()
                if p.get_content_type() == "text/plain").get_content()


class Notices(instance.TestCase):
    """One instance for all."""

    @classmethod
    def setUpClass(cls):
        cls.mail = None

    @classmethod
    def tearDownClass(cls):
        if cls.mail:
            cls.mail.remove()
            cls.with_dsn.close()
            cls.without.close()

    def setUp(self):
        super().setUp()
        cls = type(self)
        if not self.mail:
            cls.late = set()
            usual = instance.Sink.__init__.__defaults__[1]
            cls.with_dsn = instance.Sink(cls.answer, usual + ("DSN",))
            cls.without = instance.Sink(cls.answer, usual)
            cls.mail = instance.Instance({
                "relayhost": cls.without.where,
                "transport_maps":
                f"inline:{{dsn.test=smtp:{cls.with_dsn.where}}}",
                "minimal_backoff_time": "1s", "maximal_backoff_time": "1s",
                "queue_run_delay": "1s", "delay_warning_time": "1s",
                "confirm_delay_cleared": "yes",
                "enable_threaded_bounces": "yes",
                "smtp_destination_concurrency_limit": "1",
                "smtpd_authorized_verp_clients": "127.0.0.0/8",
                "bounce_template_file": "$config_directory/bounce.cf",
                "mydestination": "here.test",
                "alias_maps": "inline:{{two=/dev/null,x@dsn.test},{one=y@dsn.test},"
                "{list=/dev/null,z@dsn.test},{owner-list=rob@demo.test},"
                "{plain=/dev/null}}",
                "virtual_alias_maps": "inline:{{both@v.test=p@dsn.test,q@dsn.test},"
                "{single@v.test=r@dsn.test},{self@dsn.test=self@dsn.test},{far@v.test=ok1@other.test,ok2@other.test}}",
                "header_checks": "regexp:{{/^Message-ID: <held/ HOLD}}"})
            cls.mail.write("bounce.cf", "delay_template = <<EOF\n"
                           "Subject: Patience\n\nAfter "
                           "$delay_warning_time_seconds s at $myhostname\n"
                           "EOF\n")
            cls.mail.start()
        self.addCleanup(self.explain, self.mail)

    @classmethod
    def answer(cls, stage, argument):
        if stage == "rcpt" and argument.startswith("bad"):
            return "550 5.1.1 no such user"
        if stage == "rcpt" and argument in cls.late:
            return "450 4.2.0 later"
        return None

    def submit(self, sender, recipient, notify, tag, parameters=""):
        """By SMTP; its options as they have to come out again."""
        options = f" NOTIFY={notify}" if notify else ""
        options += f" ORCPT=rfc822;{tag}+2B@o.test"
        with self.mail.smtp() as client:
            client.hello()
            for line, want in ((f"MAIL FROM:<{sender}>{parameters}", 250),
                               (f"RCPT TO:<{recipient}>{options}", 250),
                               ("DATA", 354)):
                self.assertEqual(client.say(line)[0], want, line)
            client.raw(MESSAGE.format(tag).replace("\n", "\r\n") + ".\r\n")
            self.assertEqual(client.reply()[0], 250)
        return options

    def reports(self, to, count):
        """What the mail system wrote to somebody, oldest first."""
        def found():
            mails = [email.message_from_bytes(text, policy=email.policy.default)
                     for text in self.mail.box()]
            return [m for m in mails
                    if m["To"] == to + "@demo.test"]
        instance.until(lambda: len(found()) >= count,
                       f"{count} reports to {to}")
        return found()

    def test_what_was_asked_reaches_a_server_that_does_dsn(self):
        want = {}
        for n, notify in enumerate(NOTIFY):
            for ret, envid in (("", ""), (" RET=HDRS", ""),
                               (" RET=FULL", f" ENVID=id+2B{n}")):
                rcpt = f"r{n}{ret[-4:]}@dsn.test"
                options = self.submit("a@elsewhere.test", rcpt, notify,
                                      f"t{n}", ret + envid)
                want[rcpt] = (ret + envid, options)
                if len(ret) != (0, 9, 9)[n % 3]:
                    continue        # each NOTIFY once
                flags = ["-N", notify] if notify else []
                flags += ["-R", ret[-4:]] if ret else []
                flags += ["-V", f"id+{n}"] if envid else []
                rcpt = f"s{n}{ret[-4:]}@dsn.test"
                self.mail.command("sendmail", "-f", "a@elsewhere.test", *flags,
                                  rcpt, input=MESSAGE.format(n))
                want[rcpt] = (ret + envid, (f" NOTIFY={notify}" if notify
                                            else "") + f" ORCPT=rfc822;{rcpt}")
        # Other tests send there, too.
        instance.until(lambda: all(
            any(line.startswith(f"RCPT TO:<{rcpt}>") for line in list(self.with_dsn.commands))
            for rcpt in want), "all of them")
        commands = list(self.with_dsn.commands)
        for rcpt, (mail, options) in want.items():
            with self.subTest(rcpt):
                (at,) = [n for n, line in enumerate(commands)
                         if line.startswith(f"RCPT TO:<{rcpt}>")]
                self.assertEqual(commands[at], f"RCPT TO:<{rcpt}>{options}")
                before = [line for line in commands[:at]
                          if line.startswith("MAIL")][-1]
                self.assertEqual("".join(re.findall(
                    r" (?:RET|ENVID)=\S+", before)), mail)

    def test_an_expansion_is_told_of_and_its_members_are_asked_for_less(self):
        """RFC 3461 5.2.7; as Postfix does it."""
        for name, action, member, asked in (
                ("two", "expanded", "x", ["NEVER", "FAILURE"]),
                ("one", "expanded", "y", ["NEVER", "FAILURE"]),
                ("list", "delivered", "z", ["", ""]),
                ("plain", "expanded", None, [])):
            sender, commands = f"eve{name}", []
            for n, notify in enumerate(("SUCCESS", "SUCCESS,FAILURE")):
                tag = f"e{name}{n}"
                self.submit(sender + "@demo.test", name + "@here.test", notify, tag,
                            " RET=HDRS ENVID=" + tag)
            reports = self.reports(sender, 2)
            for report in reports:
                (told,) = fields(report)
                self.assertEqual(told["Action"], action, name)
                self.assertIn(name + "@here.test", told["Final-Recipient"])
            if member is None:
                continue
            with self.subTest(name):
                def heard():
                    return [line for line in list(self.with_dsn.commands)
                            if line.startswith(f"RCPT TO:<{member}@dsn.test>")]
                instance.until(lambda: len(heard()) == 2, "both copies")
                commands = heard()
                found = sorted(re.sub(".*NOTIFY=(\\S+).*", r"\1", line)
                               if "NOTIFY" in line else "" for line in commands)
                self.assertEqual(found, sorted(asked))
                self.assertEqual([f"ORCPT=rfc822;e{name}" in line for line in commands],
                                 [name != "list"] * 2, commands)
                mails = [line for line in list(self.with_dsn.commands)
                         if line.startswith(f"MAIL FROM:<{sender}@demo.test>")
                         or line.startswith("MAIL FROM:<owner-list@")]
                mails = mails[-2:]
                self.assertEqual([line.startswith("MAIL FROM:<owner-") for line in mails],
                                 [name == "list"] * 2)
                self.assertEqual(["ENVID=" in line for line in mails],
                                 [name != "list"] * 2)

    def test_a_virtual_alias_is_told_of_and_its_members_are_asked_for_less(self):
        """As Postfix does it; who stands for itself alone is no alias. What is on hold is told
        of once, though it is requeued."""
        asked = [(name, f"{name}{n}", notify)
                 for name in ("both", "far", "single", "self")
                 for n, notify in enumerate(("SUCCESS", "SUCCESS,FAILURE", "FAILURE"))]
        for name, tag, notify in (*asked, ("both", "held", "SUCCESS")):
            self.submit("vic@demo.test", name + ("@dsn.test" if name == "self" else "@v.test"),
                        notify, tag, " RET=HDRS ENVID=" + tag)
        self.reports("vic", 6)
        self.mail.command("postsuper", "-r", "ALL", "hold")

        def heard(local):
            return sorted(re.search(r"(?:NOTIFY=(\S+) )?ORCPT=rfc822;(\w+)", line).groups()
                          for line in list(self.with_dsn.commands)
                          if line.startswith(f"RCPT TO:<{local}@dsn.test>"))
        for local in "pq":
            instance.until(lambda who=local: len(heard(who)) == 4, "copies for " + local)
            self.assertEqual(heard(local), [("FAILURE", "both1"), ("FAILURE", "both2"),
                                            ("NEVER", "both0"), ("NEVER", "held")])
        instance.until(lambda: len(heard("r") + heard("self")) == 6, "copies of one")
        self.assertEqual(heard("r"), [("FAILURE", "single1"), ("FAILURE", "single2"),
                                      ("NEVER", "single0")])
        self.assertEqual(heard("self"), [("FAILURE", "self2"), ("SUCCESS", "self0"),
                                         ("SUCCESS,FAILURE", "self1")])
        self.reports("vic", 7)
        self.mail.wait_empty()
        reports = self.reports("vic", 7)
        self.assertEqual(len(reports), 7)
        told = []
        for report in reports:
            self.assertEqual(report["Subject"], "Successful Mail Delivery Report")
            (one,) = fields(report)
            self.assertEqual((one["Action"], one["Status"]), ("expanded", "2.0.0"))
            tag = re.search("Original-Envelope-Id: (\\w+)", report.as_string())[1]
            told.append((tag, one["Final-Recipient"], one["Original-Recipient"]))
        self.assertEqual(sorted(told), [
            (tag, f"rfc822; {tag[:-1].replace('hel', 'both')}@v.test", f"rfc822;{tag}+@o.test")
            for tag in ("both0", "both1", "far0", "far1", "held", "single0", "single1")])

    def test_success_is_told_where_the_next_server_does_not(self):
        wanted = []
        for n, notify in enumerate(NOTIFY):
            self.submit("rob@demo.test", f"ok{n}@other.test", notify, f"u{n}",
                        " ENVID=me")
            if "SUCCESS" in notify:
                wanted.append(f"rfc822; ok{n}@other.test")
        self.without.wait(len(NOTIFY))
        self.mail.wait_log(r"sender delivery status notification: ",
                           len(wanted))
        found = []
        for report in self.reports("rob", len(wanted)):
            self.assertEqual(report["Subject"],
                             "Successful Mail Delivery Report")
            self.assertEqual(report["From"],
                             "Mail Delivery System <MAILER-DAEMON@demo.test>")
            (one,) = fields(report)
            self.assertEqual((one["Action"], one["Status"]),
                             ("relayed", "2.0.0"))
            self.assertIn("Original-Envelope-Id: me\n", report.as_string())
            found.append(one["Final-Recipient"])
        self.assertEqual(sorted(found), sorted(wanted))

    def test_failure_is_told_unless_it_was_declined(self):
        wanted = []
        for n, notify in enumerate(NOTIFY):
            self.submit("carol@demo.test", f"bad{n}@other.test", notify,
                        f"v{n}", " RET=HDRS" if n % 2 else "")
            if not notify or "FAILURE" in notify:
                wanted.append((f"rfc822; bad{n}@other.test",
                               f"rfc822;v{n}+@o.test", n % 2 == 0))
        self.mail.wait_log(r"to=<bad\d@other\.test>.*status=bounced",
                           len(NOTIFY))
        found = []
        for report in self.reports("carol", len(wanted)):
            (one,) = fields(report)
            self.assertEqual((one["Action"], one["Status"]),
                             ("failed", "5.1.1"))
            n = re.search(r"bad(\d)", one["Final-Recipient"]).group(1)
            self.assertEqual(report["In-Reply-To"], f"<v{n}@demo.test>")
            found.append((one["Final-Recipient"], one["Original-Recipient"],
                          "the body" in report.as_string()))
        self.assertEqual(sorted(found), sorted(wanted))

    def test_a_delay_is_told_once_and_so_is_its_end(self):
        self.late.add("slow@other.test")
        self.submit("dora@demo.test", "slow@other.test", "", "w")
        (warning,) = self.reports("dora", 1)
        self.assertEqual(warning["Subject"], "Patience")
        self.assertIn("After 1 s at ", words(warning))
        self.assertEqual(fields(warning)[0]["Action"], "delayed")
        self.assertNotIn("the body", warning.as_string())
        before = self.mail.log().count("status=deferred")
        instance.until(lambda: self.mail.log().count("status=deferred")
                       > before + 1, "more attempts")
        self.late.clear()
        _, end = self.reports("dora", 2)
        self.assertEqual(end["Subject"], "Successful Mail Delivery Report")
        self.assertEqual(fields(end)[0]["Action"], "relayed")
        self.assertEqual(self.mail.log().count("sender delay notification"), 1)

    def test_each_copy_of_a_mailing_names_its_recipient(self):
        def copies(local):
            return sorted((m.sender, m.recipients[0])
                          for m in self.without.received
                          if m.sender.startswith(local + "+"))

        with self.mail.smtp() as client:
            self.assertIn("XVERP", client.hello())
            code, _ = client.mail("own@demo.test", ["v1@other.test",
                                  "bad8@other.test", "v2@other.test"],
                                  MESSAGE.format("y"), " XVERP")
            self.assertEqual(code, 250)
        (report,) = self.reports("own+bad8=other.test", 1)
        self.assertEqual([f["Final-Recipient"] for f in fields(report)],
                         ["rfc822; bad8@other.test"])
        self.assertEqual(copies("own"), [
            ("own+v1=other.test@demo.test", "v1@other.test"),
            ("own+v2=other.test@demo.test", "v2@other.test")])
        self.mail.command("sendmail", "-XV=-", "-f", "two@demo.test",
                          "v3@other.test", input=MESSAGE.format("z"))
        instance.until(lambda: any(m.sender == "two=v3-other.test@demo.test"
                                   for m in self.without.received),
                       "the sender with its recipient")
        for flags in (["-XV"], ["-f", ""]), (["-XV+"], []), (["-XV+!"], []):
            done = self.mail.command("sendmail", *flags[0], *flags[1],
                                     "v4@other.test", input="\n", check=False)
            self.assertEqual(done.returncode, 64, done.err)
            self.assertIn("-XV wants", done.err)

    def test_sendmail_v_reports_whatever_became_of_it(self):
        self.mail.command("sendmail", "-v", "-f", "eve@demo.test",
                          "bad9@other.test", "fine@other.test", "eve@demo.test",
                          input=MESSAGE.format("x"))
        reports = self.reports("eve", 2)    # of what failed, and of all
        (report,) = [r for r in reports
                     if r["Subject"] == "Mail Delivery Status Report"]
        self.assertEqual(sorted((f["Final-Recipient"][8:], f["Action"])
                                for f in fields(report)),
                         [("bad9@other.test", "failed"),
                          ("eve@demo.test", "delivered"),
                          ("fine@other.test", "relayed")])

    def test_sendmail_bv_reports_what_would_become_of_it(self):
        self.mail.command("sendmail", "-bv", "-f", "finn@demo.test",
                          "bad7@other.test", "would@other.test", "finn@demo.test",
                          input=MESSAGE.format("q"))
        (report,) = self.reports("finn", 1)
        self.assertEqual(report["Subject"], "Mail Delivery Status Report")
        self.assertEqual(sorted((f["Final-Recipient"][8:], f["Action"])
                                for f in fields(report)),
                         [("bad7@other.test", "undeliverable"),
                          ("finn@demo.test", "deliverable"),
                          ("would@other.test", "deliverable")])
        self.assertNotIn("would@other.test", [m.recipients[0]
                                              for m in self.without.received])


if __name__ == "__main__":
    unittest.main()
