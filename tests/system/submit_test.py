"""sendmail, postdrop, mailq and newaliases as programs and people call them: what
is taken, what is refused and in which words, who may, and what survives while
the mail system is down.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import os
import pwd
import re
import unittest

import instance

MESSAGE = "Subject: hello\n\nbody\n"
ME = pwd.getpwuid(os.getuid()).pw_name


class Submit(instance.TestCase):
    """One instance that runs for all."""

    @classmethod
    def setUpClass(cls):
        cls.mail = None

    @classmethod
    def tearDownClass(cls):
        if cls.mail:
            cls.mail.remove()

    def setUp(self):
        super().setUp()
        if not self.mail:
            type(self).mail = instance.Instance().start()
        self.addCleanup(self.explain, self.mail)
        for path in glob.glob(os.path.join(self.mail.mail_dir, "*/new/*")):
            os.unlink(path)

    def sendmail(self, *arguments, text=MESSAGE, status=0, name="sendmail"):
        done = self.mail.command(name, *arguments, input=text, check=False)
        self.assertEqual(done.returncode, status, done.out + done.err)
        if not status:
            self.assertEqual(done.err, "")
        return done

    def one(self, box="alice"):
        (text,) = self.mail.wait_box(box)
        return text.decode()

    # Recipients.

    def test_recipients_of_headers_are_added_and_bcc_goes_away(self):
        self.sendmail("-t", "zoe@demo.test", text="To: Alice <alice@demo.test>\n"
                      "Bcc: x@demo.test,\n (y) y@demo.test\n"
                      "X-To: nobody@demo.test\nSubject: t\n\nTo: no@demo.test\n")
        self.assertNotIn("Bcc", self.one())
        found = [re.search(rb"\nDelivered-To: (\S+)", text).group(1)
                 for text in self.mail.wait_box("everyone", 3)]
        self.assertEqual(sorted(found), [b"x@demo.test", b"y@demo.test",
                                         b"zoe@demo.test"])

    def test_resent_headers_count_alone(self):
        self.sendmail("-t", text="To: bob@demo.test\n"
                      "Resent-To: alice@demo.test\n\nbody\n")
        self.one()
        self.mail.wait_empty()
        self.assertEqual(self.mail.box("bob"), [])

    def test_nobody_to_send_to_is_an_error(self):
        for text in ("Subject: x\n\nTo: alice@demo.test\n", "To: \nCc: (who)\n\n",
                     "", "\n", "To: undisclosed-recipients:;\n\nx\n"):
            with self.subTest(text):
                done = self.sendmail("-t", text=text, status=64)
                self.assertEqual(done.err, f"sendmail: fatal: {ME}({os.getuid()}): "
                                 "No recipient addresses found in message header\n")
        self.assertIn("Recipient addresses must be specified",
                      self.sendmail(status=64).err)
        self.sendmail("<>", status=65)

    # The message.

    def test_a_single_dot_ends_it_unless_asked_otherwise(self):
        for options, want in (([], "one\n"), (["-i"], "one\n.\ntwo\n"),
                              (["-oi"], "one\n.\ntwo\n")):
            with self.subTest(options):
                self.setUp()
                self.sendmail(*options, "alice@demo.test",
                              text="Subject: x\n\none\n.\ntwo\n")
                self.assertTrue(self.one().endswith("\n\n" + want))

    def test_lines_end_as_they_should(self):
        self.sendmail("alice@demo.test", text="Subject: x\r\n\r\none\r\ntwo")
        text = self.one()
        self.assertTrue(text.endswith("\n\none\ntwo\n"), text)
        self.assertNotIn("\r", text)

    def test_which_line_ends_are_mended_is_a_setting(self):
        """sendmail_fix_line_endings, by the first line for strict. What is left of a CR
        becomes a blank in cleanup(8)."""
        first_crlf = "Subject: x\r\n\r\none\r\ntwo\nthree\r\n"
        first_lf = "Subject: x\n\none\r\ntwo\n"
        for value, text, want in (
                ("always", first_crlf, "one\ntwo\nthree\n"),
                ("always", first_lf, "one\ntwo\n"),
                ("strict", first_crlf, "one\ntwo\nthree\n"),
                ("strict", first_lf, "one \ntwo\n"),
                ("never", first_lf, "one \ntwo\n"),
                ("sometimes", first_lf, "one\ntwo\n")):
            with self.subTest(value=value, text=text):
                self.setUp()
                self.mail.set(sendmail_fix_line_endings=value)
                done = self.mail.command("sendmail", "alice@demo.test",
                                         input=text.encode())
                self.assertEqual("expected always, strict or never" in str(done.err),
                                 value == "sometimes")
                self.assertTrue(self.one().endswith("\n\n" + want), self.one())
        self.mail.set(sendmail_fix_line_endings="always")

    def test_the_from_line_of_a_mailbox_is_no_header(self):
        self.sendmail("alice@demo.test", text="From me Fri Nov 27\n>From you\n"
                      "Subject: kept\n\nFrom the body\n")
        text = self.one()
        self.assertIn("\nSubject: kept\n", text)
        self.assertNotIn("From me", text)
        self.assertTrue(text.endswith("\n\nFrom the body\n"), text)

    def test_long_lines_and_bodies_without_headers_pass(self):
        self.sendmail("alice@demo.test", text="x" * 300000)
        self.assertIn("x" * 300000, self.one().replace("\n", ""))
        self.sendmail("bob@demo.test", text="")
        self.assertIn("Message-Id:", self.one("bob"))

    # The sender.

    def test_sender_and_full_name(self):
        self.sendmail("-f", "me@elsewhere.test", "-F", "Full (N.) Name",
                      "alice@demo.test")
        text = self.one()
        self.assertIn("Return-Path: <me@elsewhere.test>\n", text)
        self.assertIn('\nFrom: "Full (N.) Name" <me@elsewhere.test>\n', text)
        for value in ("<>", ""):
            self.sendmail("-f", value, "bob@demo.test")
        for text in self.mail.wait_box("bob", 2):
            self.assertIn(b"Return-Path: <>\n", text)
        self.sendmail("zoe@demo.test")
        self.assertIn(f"Return-Path: <{ME}@demo.test>\n", self.one("everyone"))
        self.assertTrue(self.mail.wait_log(
            rf"pickup\[\d+\]: \w+: uid={os.getuid()} from=<{ME}@demo\.test>"))

    # Options.

    def test_what_others_accept_is_accepted(self):
        self.sendmail(*"-oem -om -odb -em -G -U -n -m -h 5 -p x -B8BITMIME -Ac "
                      "-X /dev/null -O x=y -L tag -bh -bH -o7 -o8 -oAdb -Am -bm -r me@demo.test "
                      "-N never -R hdrs -V id".split(), "--", "alice@demo.test")
        self.one()

    # Each flag of reference sendmail(1): what shows that it acted, in the message as it
    # arrives, the log, or what is printed; None where another test of these folders
    # looks, "" for those without effect.
    FLAGS = {
        "-t": ("Resent-To: alice@demo.test\nResent-Bcc: bob@demo.test\nTo: no@demo.test\n"
               "Bcc: no@demo.test\n\nbody\n", r"(?s)Resent-To: .*\nTo: no@demo\.test\n"),
        "-i": None, "-oi": None, "-bs": None, "-bp": None, "-bi": None, "-I": None,
        "-v": None, "-q": None, "-G": None, "-bv": None, "-XV": None, "--": None,
        "-f s@demo.test": ("x", "Return-Path: <s@demo.test>"),
        "-r s@demo.test": ("x", "Return-Path: <s@demo.test>"),
        "-fs@demo.test": ("x", "Return-Path: <s@demo.test>"),
        "-F Name": ("x", r"From: Name <"), "-FCronDaemon": ("x", r"From: CronDaemon <"),
        "-bm": "", "-B 7BIT": "", "-B8BITMIME": "", "-N never": "", "-N delay,failure": "",
        "-R hdrs": "", "-R full": "", "-V id": "", "-O requiretls=yes": "",
        "-O smtputf8=yes": "", "-O other=x": "", "-oAdb": "", "-Am": "", "-Ac": "",
        "-h 5": "", "-L tag": "", "-m": "", "-n": "", "-U": "", "-X /dev/null": "",
        "-o7": "", "-o8": "", "-om": "", "-oem": "", "-em": "", "-odi": "", "-odb": "",
        "-o x": "", "-e": "", "-p x": "", "-C": None, "-bd": None, "-qR": None, "-qI": None,
    }

    def test_each_flag_acts_or_is_taken(self):
        plain = "To: alice@demo.test\nSubject: flags\n\nbody\n"
        for flag, want in self.FLAGS.items():
            if want is None:
                continue
            with self.subTest(flag):
                self.setUp()
                text, pattern = want or ("x", r"(?s)Subject: flags\n.*\n\nbody\n$")
                rcpts = [] if flag == "-t" else ["alice@demo.test"]
                self.sendmail(*flag.split(), *rcpts, text=plain if text == "x" else text)
                arrived = self.one()
                self.assertRegex(arrived, pattern)
                self.assertNotIn("Bcc", arrived)
        self.mail.wait_empty()

    def test_every_flag_of_the_manual_stands_in_the_table(self):
        with open(os.path.join(instance.ROOT, "docs", "man", "man1", "sendmail.1"),
                  encoding="utf-8") as file:
            manual = file.read().replace("\\-", "-").replace("\\f", " ")
        options = manual[manual.index(".SH OPTIONS"):manual.index('.SH "EXIT STATUS"')]
        named = set(re.findall(r"(?m)(?<![\w-])-(\w)", "\n".join(
            line for line in options.splitlines() if line.startswith(".B"))))
        tested = {flag[1] for flag in self.FLAGS}
        self.assertEqual(named - tested, set())

    def test_the_daemon_and_sites_are_for_other_commands(self):
        done = self.sendmail("-bd", text="", status=1)
        self.assertIn("already running", done.err)
        self.assertIn("already running", self.sendmail("-bl", text="", status=1).err)
        done = self.sendmail("-qRnowhere.test", text="", status=64)
        self.assertRegex(done.err, "nowhere.test")

    def test_what_is_unknown_or_not_there_is_refused(self):
        for options, words in ((["-x"], "there is no option -x"),
                               (["-f"], "option -f wants another value"),
                               (["-bq"], "option -b wants another value"),
                               (["-N", "often"], "option -N wants another value"),
                               (["-qx"], "option -q wants another value")):
            with self.subTest(options):
                done = self.sendmail(*options, status=64)
                self.assertRegex(done.err, "^sendmail: fatal: usage: .*" + words)

    def test_what_a_gateway_submits_is_left_as_it_is(self):
        for options, want in (([], "To: joe@demo.test\n"), (["-G"], "To: joe\n")):
            self.sendmail(*options, "alice@demo.test", text="To: joe\n\nx\n")
            self.assertIn(want, self.one())
            self.setUp()

    def test_smtp_is_spoken_on_standard_input(self):
        done = self.sendmail("-bs", text="EHLO me\r\nMAIL FROM:<me@demo.test> "
                             "BODY=8BITMIME\r\nRCPT TO:<alice@demo.test>\r\n"
                             "RCPT TO:<bob@demo.test>\r\nDATA\r\nSubject: x\r\n\r\n"
                             "..dot\r\n.\r\nNOOP\r\nQUIT\r\n")
        replies = [line for line in done.out.splitlines() if line[3] == " "]
        self.assertRegex(done.out, r"^220 \S+ ESMTP\r?\n250-")
        self.assertEqual([line[:9] for line in replies[2:]], [
            "250 2.1.0", "250 2.1.5", "250 2.1.5", "354 End d", "250 2.0.0",
            "250 2.0.0", "221 2.0.0"])
        self.assertTrue(self.one().endswith("\n\n.dot\n"))
        self.one("bob")
        # Lines end as they like; what is out of order or wrong is refused.
        done = self.sendmail("-bs", text="RCPT TO:<a@b>\nDATA\nHELO\nHELO me\nMAIL FROM:<>"
                             "\nMAIL FROM:<>\nRCPT TO:<>\nRCPT TO:<a@b> X=y\nDATA\n"
                             "VRFY x\nRSET\nnonsense\nMAIL FROM:<> SIZE=999999999999\n"
                             "MAIL FROM:<>\nRCPT TO:<alice@demo.test>\nDATA\n\ncut off")
        self.assertEqual([line[:3] for line in done.out.splitlines()], [
            "220", "503", "503", "501", "250", "250", "503", "501", "555", "554", "252",
            "250", "502", "552", "250", "250", "354"])
        self.mail.wait_empty()
        self.assertEqual(len(self.mail.box("alice")), 1)

    def test_a_report_of_the_delivery(self):
        done = self.sendmail("-v", "-f", "bob@demo.test", "alice@demo.test")
        self.assertIn("delivery report", done.out)
        self.assertIn("Action: delivered", self.one("bob"))
        self.mail.wait_log(r"sender delivery status notification: \w+$")

    def test_the_queue_is_listed_and_flushed(self):
        for name, options in (("mailq", []), ("sendmail", ["-bp"])):
            done = self.sendmail(*options, name=name, text="")
            self.assertEqual(done.out, "Mail queue is empty\n")
        self.sendmail("-q", text="")
        self.sendmail("-q15m", text="")
        self.sendmail("-qIABCDEF0123", text="")

    def test_scripts_write_to_the_same_log(self):
        log = self.mail.wait_log
        for arguments, text, want in (
                (["hello", "there"], None, r"postfix/postlog\[\d+\]: hello there"),
                (["-p", "warn", "x1"], None, r"postfix/postlog\[\d+\]: warning: x1"),
                (["-p", "fatal", "x2"], None, r"postfix/postlog\[\d+\]: fatal: x2"),
                (["-i", "-t", "postfix/mine"], "x3\nx4\n",
                 r"postfix/mine\[\d+\]: x4")):
            with self.subTest(arguments):
                done = self.mail.command("postlog", *arguments, input=text or "")
                self.assertEqual(done.out + done.err, "")
                log(rf"^\w{{3}} \d\d \S+ mail {want}$")
        done = self.mail.command("postlog", "-p", "loud", "x", check=False)
        self.assertEqual(done.returncode, 1)

    def test_aliases_are_rebuilt(self):
        path = self.mail.write("aliases", "Root: alice\nlist: a,\n b\nbad line\n")
        for name, options in (("newaliases", []), ("sendmail", ["-bi"]),
                              ("sendmail", ["-I"])):
            self.mail.set(alias_database=f"texthash:{path}")
            self.sendmail(*options, name=name, text="", status=1)
            self.mail.set(alias_database=f"lmdb:{path}")
            done = self.mail.command(name, *options, check=False)
            self.assertEqual(done.returncode, 0, done.err)
            self.assertIn("aliases, line 4: need name:value pair", done.err)
            asked = self.mail.command("postalias", "-q", "root", f"lmdb:{path}")
            self.assertEqual(asked.out, "alice\n")
            os.unlink(path + ".lmdb")


class Limits(instance.TestCase):
    def sendmail(self, mail, *arguments, text=MESSAGE):
        return mail.command("sendmail", *arguments, input=text, check=False)

    def test_a_message_that_is_too_large_is_refused_at_once(self):
        mail = self.instance(message_size_limit="20000")
        done = self.sendmail(mail, "alice@demo.test", text=("x" * 70 + "\n") * 400)
        self.assertEqual(done.returncode, 69)
        self.assertIn("message file too big", done.err)
        self.assertEqual(os.listdir(os.path.join(mail.spool, "maildrop")), [])
        self.assertEqual(self.sendmail(mail, "alice@demo.test").returncode, 0)
        mail.wait_box("alice")

    def test_users_who_may_not_are_told(self):
        mail = self.instance()
        everybody = {"authorized_submit_users": "submit mail",
                     "authorized_mailq_users": "view the mail queue",
                     "authorized_flush_users": "flush the mail queue"}

        def statuses():
            return [self.sendmail(mail, "alice@demo.test"),
                    mail.command("mailq", check=False),
                    mail.command("postqueue", "-j", check=False),
                    mail.command("postqueue", "-f", check=False),
                    mail.command("postqueue", "-i", "ABCDEF0123", check=False)]

        for value, want in ((f"!{ME}, static:anyone", 77), ("nobody-else", 77),
                            ("fail:x", 75), (f"a, {ME}", 0),
                            (f"inline:{{{ME}=x}}", 0)):
            with self.subTest(value):
                for name in everybody:
                    mail.set(**{name: value})
                done = statuses()
                self.assertEqual([d.returncode for d in done], [want] * 5)
                if want == 77:
                    for d, what in zip(done, (0, 1, 1, 2, 2)):
                        self.assertIn(f"User {ME}({os.getuid()}) is not allowed "
                                      f"to {list(everybody.values())[what]}", d.err)
        # This is not a protection that does not exist.
        self.assertEqual(mail.command("waypost", "check").returncode, 0)

    def test_users_send_as_themselves(self):
        mail = self.instance(recipient_delimiter="+")
        own = f"inline:{{{{{ME} = {ME} @demo.test nobody}}}}"

        def sends(*senders):
            return [self.sendmail(mail, "-f", s, "alice@demo.test").returncode
                    for s in senders]

        mail.set(local_login_sender_maps=own)
        self.assertEqual(self.sendmail(mail, "alice@demo.test").returncode, 0)
        self.assertEqual(sends(f"{ME}+x", "any@demo.test", "x@other.test", "<>"),
                         [0, 0, 77, 77])
        done = self.sendmail(mail, "-f", "x@other.test", "alice@demo.test")
        self.assertIn(f"uid={os.getuid()} is not allowed to send mail as "
                      "<x@other.test>", done.err)
        mail.set(empty_address_local_login_sender_maps_lookup_key="nobody")
        self.assertEqual(sends("<>"), [0])
        for value, status in (("inline:{nobody-else=*}", 77), ("fail:x", 75),
                              ("nosuch:x", 78), ("regexp:{{/(.+)/ $$1}}", 0)):
            mail.set(local_login_sender_maps=value)
            self.assertEqual(sends(ME), [status], value)
        mail.wait_box("alice", 5)

    def test_mail_is_kept_where_a_filter_is_asked_for_that_does_not_exist(self):
        mail = self.instance(non_smtpd_milters="inet:127.0.0.1:1", start=False)
        mail.start()
        self.sendmail(mail, "alice@demo.test")
        mail.wait_log(r"cleanup\[\d+\]: warning: .*non_smtpd_milters")
        mail.wait_log(r"pickup\[\d+\]: warning: .*maildrop/\w+: Error: server "
                      r"configuration error -- will be tried again")
        self.assertEqual([m["queue_name"] for m in mail.queue()],
                         ["maildrop"])
        self.assertEqual(mail.box("alice"), [])

    def test_address_mappings_are_left_out_where_they_were_made_before(self):
        mail = self.instance(start=False, virtual_alias_domains="alias.test",
            virtual_alias_maps="inline:{bob@demo.test=alice@demo.test}")
        def without(text):
            return re.sub(r"(?m)^(pickup .* pickup)$",
                          r"\1 -o receive_override_options=no_address_mappings",
                          text)

        with open(os.path.join(mail.etc, "master.cf"), encoding="utf-8") as file:
            rows = file.read()
        mail.start()
        self.sendmail(mail, "bob@demo.test")
        self.assertEqual(len(mail.wait_box("alice")), 1)
        self.assertIn(b"Delivered-To: alice@demo.test",
                      mail.box("alice")[0])
        mail.stop()
        mail.write("master.cf", without(rows))
        self.assertNotEqual(without(rows), rows)
        mail.start()
        self.sendmail(mail, "bob@demo.test")
        mail.wait_log(r"to=<bob@demo\.test>, relay=virtual, .*status=sent")

    def test_a_file_that_cannot_be_removed_is_not_taken_twice(self):
        board = self.board()
        mail = self.instance(faults=board)
        board.arm("fs.unlink", role="pickup", lasting=True)
        self.sendmail(mail, "alice@demo.test")
        mail.wait_box("alice")
        mail.wait_log(r"pickup\[\d+\]: warning: .*remove maildrop/")
        self.sendmail(mail, "alice@demo.test")
        mail.wait_box("alice", 2)
        mail.wait_log(r"pickup\[\d+\]: warning: .*remove maildrop/", 3)
        self.assertEqual(len(mail.box("alice")), 2)
        board.disarm()
        self.sendmail(mail, "alice@demo.test")
        mail.wait_box("alice", 3)
        instance.until(lambda: not os.listdir(os.path.join(mail.spool, "maildrop")),
                       "maildrop to be empty")
        self.assertEqual(len(mail.box("alice")), 3)

    def test_mail_is_kept_while_the_system_is_down(self):
        mail = self.instance()
        mail.stop()
        for text in ("first", "second"):
            done = self.sendmail(mail, "alice@demo.test", text=text + "\n")
            self.assertEqual((done.returncode, done.err), (0, ""))
        listed = mail.queue()
        self.assertEqual([m["queue_name"] for m in listed], ["maildrop"] * 2)
        mail.start()
        mail.wait_box("alice", 2)
        mail.wait_empty()

    @unittest.skipIf(os.geteuid(), "not root")
    def test_without_rights_it_says_what_is_missing(self):
        mail = self.instance()
        commands = os.path.join(instance.build_for_others(instance.BUILD), "sbin")
        user = {"user": 12345, "group": 12345, "extra_groups": []}
        mail.set(command_directory=commands)
        mail.identity = lambda: user

        def command(name, *arguments):
            flag = "-C" if name == "sendmail" else "-c"
            return mail.run([os.path.join(commands, name), flag, mail.etc,
                             *arguments], input=MESSAGE, check=False)

        done = command("sendmail", "alice@demo.test")
        self.assertEqual(done.returncode, 75)
        self.assertRegex(done.err, "^postdrop: fatal: cannot create file in "
                         "maildrop: .*Permission denied; is postdrop "
                         "installed set-gid 12002\\?\n$")
        for option in ("-p", "-f"):
            done = command("postqueue", option)
            self.assertEqual(done.returncode, 77)
            self.assertRegex(done.err, "Permission denied; is postqueue "
                             "installed set-gid 12002")


if __name__ == "__main__":
    unittest.main()
