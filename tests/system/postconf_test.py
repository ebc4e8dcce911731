"""postconf as scripts and installers use it: what it prints, what it changes,
and how it ends. The instance does not have to run.

SPDX-License-Identifier: Apache-2.0
"""
import os
import unittest

import instance

# Every form that main.cf files in the field are written in.
FORMS = """\
# Forms.
smtpd_restriction_classes = f_empty f_spaces f_long f_names f_dollar f_set f_unset
    f_both f_equal f_order f_level f_twice f_table f_never
f_empty =
f_spaces   =   a   b  
f_long = one,
    two
# between, at the margin
   # between, indented

\tthree
f_names = $mydomain ${mydomain} $(mydomain) ${mydomain}x
f_dollar = $$mydomain $${x}
f_set = ${mydomain?yes $mydomain} ${f_empty?no}
f_unset = ${mydomain:no} ${f_empty:is $mydomain}
f_both = ${f_empty?{yes}:{is empty}} ${mydomain ? {is set} : {no}}
f_equal = ${{$mydomain} == {demo.test} ? {same} : {other}} ${{a}!={b}?{ne}}
f_order = ${{9} < {11} ? {number} : {text}} ${{b} >= {a} ? {text}}
f_level = ${{3.9} <level {3.11} ? {below} : {above}}
f_twice = first
f_twice = second
f_table = inline:{ {a = b c}, { d = {e} } }
f_never = ${f_nowhere?set}${f_nowhere:not set}
"""

EXPANDED = """\
f_empty =
f_spaces = a   b
f_long = one,    two	three
f_names = demo.test demo.test demo.test demo.testx
f_dollar = $mydomain ${x}
f_set = yes demo.test
f_unset =  is demo.test
f_both = is empty is set
f_equal = same ne
f_order = number text
f_level = below
f_twice = second
f_table = inline:{ {a = b c}, { d = {e} } }
f_never = not set
"""


class Postconf(instance.TestCase):
    def setUp(self):
        super().setUp()
        self.mail = self.instance(start=False)

    def postconf(self, *arguments, status=0):
        done = self.mail.command("postconf", *arguments, check=False)
        self.assertEqual(done.returncode, status, done.err)
        return done

    def text(self, name):
        with open(os.path.join(self.mail.etc, name), encoding="utf-8") as file:
            return file.read()

    def add(self, text, name="main.cf"):
        self.mail.write(name, self.text(name) + text)

    # Printing.

    def test_every_form_of_a_value_is_understood(self):
        self.add(FORMS)
        names = [line.split()[0] for line in EXPANDED.splitlines()]
        done = self.postconf("-x", *names)
        self.assertEqual([" ".join(line.split()) for line in done.out.splitlines()],
                         [" ".join(line.split()) for line in EXPANDED.splitlines()])
        self.assertIn("overriding earlier entry: f_twice=first", done.err)
        # Without -x values are printed as they are written.
        self.assertEqual(self.postconf("-h", "f_dollar").out,
                         "$$mydomain $${x}\n")

    def test_what_the_command_line_overrides_is_no_mistake_of_the_file(self):
        self.add("f_seen = x\nmyhostname = $f_seen.example\n")
        done = self.postconf("-o", "myhostname=other.example", "-h", "myhostname")
        self.assertEqual(done.out, "other.example\n")
        self.assertNotIn("overriding earlier entry: myhostname", done.err)

    def test_braces_that_do_not_close_are_an_error(self):
        for value in ("${mydomain", "${{a} == {b}", "${mydomain?{a}:{b}",
                      "${{a} =~ {b} ? {x}}"):
            with self.subTest(value):
                self.mail.write("main.cf", f"mydomain = d.test\nf_bad = {value}\n"
                                "smtpd_restriction_classes = f_bad\n")
                done = self.postconf("-x", "f_bad", status=1)
                self.assertIn("fatal: f_bad: ", done.err)

    def test_a_name_that_refers_to_itself_is_an_error(self):
        self.add("f_a = $f_b\nf_b = x $f_a\n")
        self.assertIn("f_a", self.postconf("-x", "f_a", status=1).err)

    def test_what_is_printed(self):
        name = "mail." + self.mail.domain
        self.assertEqual(self.postconf("myhostname").out, f"myhostname = {name}\n")
        self.assertEqual(self.postconf("-h", "myhostname").out, name + "\n")
        self.assertEqual(self.postconf("-H", "myhostname").out, "myhostname\n")
        self.assertEqual(self.postconf("-d", "relayhost").out, "relayhost =\n")
        self.assertEqual(self.postconf("-dh", "smtpd_timeout").out,
                         "${stress?{10}:{300}}s\n")
        self.assertEqual(self.postconf("-dhx", "smtpd_timeout").out, "300s\n")
        self.assertEqual(self.postconf("-o", "mydomain=x.test", "-hx",
                                       "mydomain").out, "x.test\n")

    def test_only_what_is_set_is_sorted(self):
        names = self.postconf("-nH").out.split()
        self.assertEqual(names, sorted(names))
        self.assertIn("virtual_mailbox_maps", names)
        self.assertNotIn("smtpd_timeout", names)
        everything = self.postconf("-H").out.split()
        self.assertGreater(len(everything), 1000)
        self.assertIn("smtp_destination_concurrency_limit", everything)

    def test_an_unknown_name_is_a_warning(self):
        done = self.postconf("nowhere")
        self.assertEqual(done.out, "")
        self.assertIn("warning: nowhere: unknown parameter", done.err)

    def test_a_misspelt_name_is_told_with_the_nearest_one(self):
        self.add("smtpd_timout = 5s\n")
        self.assertRegex(self.postconf("-n").err, "unused parameter: "
                         r'smtpd_timout=5s \(line \d+; did you mean "smtpd_timeout"')

    def test_table_types(self):
        types = self.postconf("-m").out.split()
        self.assertEqual(types, sorted(types))
        self.assertLessEqual({"cidr", "fail", "inline", "proxy", "regexp",
                              "static", "texthash", "unix"}, set(types))

    def test_options_that_contradict_each_other(self):
        for arguments in (["-nd"], ["-ne", "a=b"], ["-hM"], ["-Mn"], ["-e"],
                          ["-X"], ["-#"], ["-C", "nothing"], ["-Z"]):
            with self.subTest(arguments):
                before = self.text("main.cf")
                done = self.postconf(*arguments, status=1)
                self.assertIn("postconf: fatal: ", done.err)
                self.assertEqual(self.text("main.cf"), before)

    def test_no_directory_no_answer(self):
        done = self.mail.run([os.path.join(instance.BUILD, "sbin/postconf"), "-c",
                              self.mail.dir + "/nowhere", "-n"], check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nowhere", done.err)

    # master.cf.

    def test_services_fields_and_overrides(self):
        self.add("sub inet n - n - 7 smtpd -v\n  -o syslog_name=x/$service_name\n"
                 "# between\n  -o { mua = a, b }\n", "master.cf")
        self.assertEqual(self.postconf("-M", "sub/inet").out,
                         "sub        inet  n       -       n       -       7"
                         "       smtpd -v -o syslog_name=x/$service_name"
                         " -o {mua=a, b}\n")
        self.assertEqual(self.postconf("-F", "sub/inet/process_limit").out,
                         "sub/inet/process_limit = 7\n")
        self.assertEqual(self.postconf("-P", "sub/inet").out,
                         "sub/inet/mua = a, b\n"
                         "sub/inet/syslog_name = x/$service_name\n")
        self.assertEqual(self.postconf("-Phx", "sub/inet/syslog_name").out,
                         "x/sub\n")
        self.assertIn("-o syslog_name=x/sub ", self.postconf("-Mx", "sub").out)
        self.assertIn("unmatched", self.postconf("-M", "nowhere").err)

    def test_master_cf_is_changed(self):
        self.postconf("-Me", "sub/inet=sub inet n - n - - smtpd -o a=b")
        self.postconf("-F", "sub/inet/process_limit=3")
        self.postconf("-P", "sub/inet/a=c", "sub/inet/mua=d e")
        self.assertEqual(self.postconf("-Mf", "sub/inet").out,
                         "sub        inet  n       -       n       -       3"
                         "       smtpd\n    -o a=c\n    -o {mua=d e}\n")
        self.postconf("-PX", "sub/inet/a")
        self.assertEqual(self.postconf("-P", "sub/inet").out,
                         "sub/inet/mua = d e\n")
        self.postconf("-M#", "sub/inet")
        self.assertEqual(self.postconf("-M", "sub/inet").out, "")
        self.postconf("-MX", "qmgr/unix")
        self.assertNotIn("\nqmgr", self.text("master.cf"))
        # What is gone may be removed again, for scripts that run twice.
        self.postconf("-MX", "qmgr/unix")
        self.postconf("-F", "qmgr/unix/chroot=n", status=1)

    # main.cf.

    def test_main_cf_is_changed_and_comments_stay(self):
        self.mail.write("main.cf", "# top\nmydomain = a\n\nb = 1\n  # why\n  2\n"
                        "mydomain = c\n")
        self.postconf("-e", "mydomain = d e", "relayhost=")
        self.assertEqual(self.text("main.cf"), "# top\n\nb = 1\n  # why\n  2\n"
                         "mydomain = d e\nrelayhost = \n")
        self.postconf("b=3")
        self.postconf("-#", "relayhost")
        self.postconf("-X", "mydomain", "nowhere")
        self.assertEqual(self.text("main.cf"),
                         "# top\n\n  # why\nb = 3\n#relayhost = \n")
        for wrong in (["-e", "x"], ["-e", "a b=c"], ["-e", "=x"],
                      ["-X", "b=3"], ["-e", "#x=y"], ["-e", "x=1\ny=2"]):
            with self.subTest(wrong):
                before = self.text("main.cf")
                self.postconf(*wrong, status=1)
                self.assertEqual(self.text("main.cf"), before)

    def test_owner_and_mode_of_main_cf_are_kept(self):
        path = os.path.join(self.mail.etc, "main.cf")
        os.chmod(path, 0o640)
        self.postconf("-e", "relayhost=x")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o640)
        self.assertFalse(os.path.exists(path + ".tmp"))


if __name__ == "__main__":
    unittest.main()
