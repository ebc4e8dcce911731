"""`waypost check` names file, line, what was found and what was expected.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import unittest

import instance

MACHINES = os.path.join(instance.ROOT, "tests", "data", "machines")


class Check(instance.TestCase):
    def make(self, main="", master=None):
        mail = self.instance(start=False, master=master)
        path = os.path.join(mail.etc, "main.cf")
        with open(path, "a", encoding="utf-8") as file:
            file.write(main)
        with open(path, encoding="utf-8") as file:
            self.lines = len(file.read().splitlines())
        return mail

    def findings(self, mail, status):
        done = mail.command("waypost", "check", check=False)
        self.assertEqual(done.returncode, status, done.err)
        return done.err

    def test_the_shipped_configuration_is_in_order(self):
        text = self.findings(self.make(), 0)
        self.assertNotRegex(text, "error:|fatal:|warning:")

    def machine(self, name):
        """What check says of a whole machine's files (tests/data/machines), by
        kind; in the places of an instance."""
        mail = self.make()
        with open(os.path.join(mail.etc, "main.cf"), encoding="utf-8") as file:
            own = re.findall(r"(?m)^(?:\w+_directory|mail_owner|setgid_group"
                             r"|default_privs) *=.*\n", file.read())
        for part, more in (("main.cf", own), ("master.cf", [])):
            with open(os.path.join(MACHINES, name, part), encoding="utf-8") as file:
                mail.write(part, file.read() + "".join(more))
        text = re.sub(r"\S*/etc/(main|master)\.cf:\d+: ", "",
                      self.findings(mail, 1))
        return {kind: re.findall(rf"(?m)^\S+: {kind}: (.*)$", text)
                for kind in ("error", "warning", "fatal")}, text

    def test_a_suite_with_much_that_comes_later_is_read_as_it_is(self):
        told, text = self.machine("suite")
        self.assertEqual(told["fatal"], [])
        for words in told["error"]:
            self.assertRegex(words, "this version|with a later version")
        self.assertIn("virtual_mailbox_maps: proxy:mysql:/etc/postfix/sql/"
                      "mailboxes.cf cannot be asked, mail that needs it waits: "
                      "its client library comes with a later version",
                      told["error"])
        self.assertEqual(sum("mysql" in words for words in told["error"]), 11)
        self.assertEqual([w for w in told["warning"]
                          if "is unavailable" not in w],
                         ['"postscreen_blacklist_action" is an older name of '
                          '"postscreen_denylist_action"',
                          'service "maildrop": flags=DRhu: D and O want '
                          "maildrop_destination_recipient_limit = 1, else what "
                          "has several waits"])
        self.assertEqual(len(re.findall("(?m)has no effect: TLS is not part of "
                                        "this version$", text)), 17)

    def test_a_machine_of_some_years_is_read_as_it_is(self):
        told, _ = self.machine("hosting")
        self.assertEqual(told["fatal"], [])
        self.assertEqual(sorted(re.sub("^smtpd_rec.*: restriction ", "", words)
                                for words in told["error"]), [
            f'"{name}" is not supported by this version'
            for name in ("check_policy_service", "reject_maps_rbl",
                         "reject_rbl_client")])
        self.assertEqual([w for w in told["warning"]
                          if "is unavailable" not in w],
                         ['unknown parameter "virtual_create_maildirsize"',
                          '"dovecot_destination_recipient_limit" has no effect: '
                          'master.cf has no service "dovecot"'])

    def test_a_misspelt_name_is_told_with_the_nearest_one(self):
        text = self.findings(self.make("smtpd_timout = 5s\n"), 0)
        self.assertRegex(text, r"warning: \S*main\.cf:%d: unknown parameter "
                         r'"smtpd_timout", did you mean "smtpd_timeout"'
                         % self.lines)

    def test_start_and_reload_warn_of_misspelt_names_too(self):
        mail = self.make("smtpd_timout = 5s\n").start()
        want = (r'warning: \S*main\.cf:%d: unknown parameter "smtpd_timout", '
                r'did you mean "smtpd_timeout"' % self.lines)
        self.assertRegex(mail.log(), want)
        self.assertRegex(mail.command("waypost", "reload").err, want)

    def test_defaults_of_an_old_level_are_told(self):
        text = self.findings(self.make(
            "compatibility_level = 0\n",
            lambda t: t + "x unix - n - - 0 discard\n"), 0)
        self.assertIn("Postfix is using backwards-compatible default "
                      "settings\n", text)
        self.assertIn('use "postconf compatibility_level=3.6" and "postfix '
                      'reload"\n', text)
        self.assertRegex(text, r"using backwards-compatible default setting "
                         r"chroot=y \(\S*master\.cf: line \d+\)")

    def test_a_bad_value_is_told_with_what_was_expected(self):
        text = self.findings(self.make("smtpd_timeout = soon\n"), 1)
        self.assertRegex(text, r'main\.cf:%d: smtpd_timeout: found "soon", '
                         r"expected a time" % self.lines)

    def test_mistakes_in_templates_of_notices_are_told_once(self):
        mail = self.make("bounce_template_file = $config_directory/bounce.cf\n"
                         "notify_classes = bounce, polcy\n")
        path = mail.write("bounce.cf", "delay_template = <<EOF\nSubject: x\n\n"
                          "$delay_warning_time_years\nEOF\n\nfailure_templat = <<EOF\n"
                          "Subject: y\n\nbody\nEOF\n")
        text = self.findings(mail, 1)
        self.assertEqual(len(re.findall(rf"error: {path}, line 1: delay_template: "
                                        '"years" is no unit of time', text)), 1, text)
        self.assertEqual(len(re.findall(rf"error: {path}, line 7: .*failure_templat",
                                        text)), 1, text)
        self.assertIn('warning: parameter notify_classes: no such class: "polcy"', text)

    def test_values_of_transports_are_looked_at(self):
        lines = ["relay_destination_concurrency_positive_feedback = 1/some",
                 "smtp_destination_concurrency_negative_feedback = 3/2",
                 "default_destination_rate_delay = soon", "smtp_recipient_limit = many",
                 "smtp_destination_recipient_limit = -1", "x_time_limit = long",
                 "local_delivery_slot_cost = 5"]
        mail = self.make("\n".join(lines) + "\n", lambda t: t +
                         "x unix - n n - - spawn user=nobody argv=/bin/cat\n")
        text = self.findings(mail, 1)
        first = self.lines - len(lines) + 1
        for line, (name, why) in enumerate((
                ("relay_destination_concurrency_positive_feedback", 'found "1/some", expected'),
                ("smtp_destination_concurrency_negative_feedback", '"3/2" is not between'),
                ("default_destination_rate_delay", 'found "soon", expected a time'),
                ("smtp_recipient_limit", 'found "many", expected a number'),
                ("smtp_destination_recipient_limit", "below 0"),
                ("x_time_limit", 'found "long", expected a time')), first):
            self.assertEqual(len(re.findall(
                rf"error: .*main\.cf:{line}: {name}: {why}", text)), 1, (name, text))
        self.assertNotIn("slot_cost", text)

    def test_an_unknown_restriction_is_an_error(self):
        text = self.findings(self.make(
            "smtpd_client_restrictions = permit_mynetworkz\n"), 1)
        self.assertRegex(text, r"error: \S*main\.cf:%d: smtpd_client_"
                         r"restrictions: unknown restriction "
                         r'"permit_mynetworkz", did you mean '
                         r'"permit_mynetworks"' % self.lines)

    def test_a_protection_that_is_missing_is_an_error(self):
        text = self.findings(self.make(
            "smtpd_tls_security_level = encrypt\n"), 1)
        self.assertRegex(text, r"refuses to work: .*encrypt")

    def test_overrides_of_a_row_are_looked_at(self):
        def add(text):
            return text + ("10025 inet n - n - - smtpd\n"
                           "  -o smtpd_timeout=soon\n"
                           "10026 inet n - n - - smtpd\n"
                           "  -o { smtpd_tls_security_level = encrypt }\n")
        text = self.findings(self.make(master=add), 1)
        self.assertRegex(text, 'service "10025": -o.*found "soon"')
        self.assertRegex(text, 'service "10026" refuses to work: .*encrypt')

    def test_a_program_that_is_not_there_is_an_error(self):
        text = self.findings(self.make(
            master=lambda t: t + "x unix - - n - - smtpx\n"), 1)
        self.assertRegex(text, r"master\.cf:\d+: .*smtpx")

    def test_a_line_of_master_cf_that_makes_no_sense_is_an_error(self):
        text = self.findings(self.make(
            master=lambda t: t + "x unix - - maybe - - smtp\n"), 1)
        self.assertTrue(re.search(r"master\.cf:\d+: .*maybe", text), text)


    def test_a_transport_without_a_service_is_an_error(self):
        text = self.findings(self.make(
            "content_filter = scan:[127.0.0.1]:10024\n"
            "local_transport = $lda:x\nlda = dovecot\nvirtual_transport = lmtp:unix:x\n",
            lambda t: t + "x unix - n - - 0 discard -o { content_filter = away: }\n"), 1)
        for line, name, transport in ((self.lines - 3, "content_filter", "scan"),
                                      (self.lines - 2, "local_transport", "dovecot")):
            self.assertRegex(text, rf'error: \S*main\.cf:{line}: {name}: found transport '
                             f'"{transport}", expected a unix service of master.cf')
        self.assertRegex(text, r'error: \S*master\.cf:\d+: content_filter: found '
                         'transport "away"')
        self.assertNotIn("virtual_transport", text)

    def test_rows_of_the_same_program_find_the_same_once(self):
        text = self.findings(self.make(
            "smtp_data_xfer_timeout = 1800s # was 180s\n"), 1)
        self.assertEqual(text.count("smtp_data_xfer_timeout"), 1, text)


if __name__ == "__main__":
    unittest.main()
