"""postmulti: instances are made, named, started and stopped together, removed.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import unittest

import instance


class Postmulti(instance.TestCase):

    def setUp(self):
        super().setUp()
        self.mail = self.instance(start=False)
        self.mail.environment["MAIL_CONFIG"] = self.mail.etc
        # A log of its own: nobody's standard output is there when it is started.
        self.mail.set(maillog_file=self.mail.log_path, maillog_file_prefixes="/")
        path = os.path.join(self.mail.etc, "main.cf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.mail.write("main.cf.proto", re.sub(
            r"(?m)^ *(queue|data)_directory.*\n", "", text))
        self.two = os.path.join(self.mail.dir, "two")

    def program(self, name, *arguments, status=0):
        done = self.mail.run([os.path.join(self.mail.build, "sbin", name), *arguments],
                             check=False)
        self.assertEqual(done.returncode, status, done.out + done.err)
        return done

    def multi(self, *arguments, status=0):
        return self.program("postmulti", *arguments, status=status)

    def places(self, name):
        return [f"config_directory={self.mail.dir}/{name}",
                f"queue_directory={self.mail.dir}/{name}.spool",
                f"data_directory={self.mail.dir}/{name}.data"]

    def listed(self, *arguments):
        return [tuple(line.split()[:3]) for line in
                self.multi("-l", *arguments).out.splitlines()]

    def value(self, directory, name):
        return self.program("postconf", "-c", directory, "-hx", name).out.strip()

    def test_two_instances_live_together(self):
        self.multi("-e", "init")
        self.multi("-e", "create", "-I", "postfix-two", "-G", "mta", *self.places("two"),
                   "myhostname=two.test")
        self.assertEqual(self.listed(), [("-", "-", "y"), ("postfix-two", "mta", "n")])
        self.assertEqual(self.listed("-R", "-a"),
                         [("postfix-two", "mta", "n"), ("-", "-", "y")])
        self.assertEqual(self.listed("-g", "mta"), [("postfix-two", "mta", "n")])
        self.assertIn('"name": "postfix-two"', self.multi("-lj").out)
        for name, want in (("queue_directory", self.two + ".spool"),
                           ("master_service_disable", "inet"), ("syslog_name", "postfix-two"),
                           ("authorized_submit_users", ""), ("myhostname", "two.test")):
            self.assertEqual(self.value(self.two, name), want)

        # Disabled: it is checked, not started; enabled: both, by one command.
        self.addCleanup(self.program, "postfix", "-c", self.mail.etc, "status", status=1)
        for directory in (self.mail.etc, self.two):
            self.addCleanup(self.mail.run, [os.path.join(
                self.mail.build, "sbin", "postfix"), "-c", directory, "quick-stop"],
                check=False)
        self.program("postfix", "start")
        self.program("postfix", "-c", self.two, "status", status=1)
        self.program("postfix", "stop")
        self.multi("-e", "enable", "-i", "postfix-two")
        self.program("postfix", "start")
        self.assertEqual(self.program("postfix", "status").err.count("is running"), 2)
        self.assertIn("start-fg is for one instance",
                      self.program("postfix", "start-fg", status=1).err)
        self.assertEqual(len(re.findall(r"(?m)^\S+ .*daemon started", self.mail.log())), 3)
        out = self.multi("-x", "-i", "postfix-two", "sh", "-c",
                         'echo $MAIL_CONFIG $multi_instance_group; exit 3', status=3).out
        self.assertEqual(out, self.two + " mta\n")

        # What is enabled or running is not removed.
        self.assertIn("disable it first", self.multi(
            "-e", "destroy", "-i", "postfix-two", status=1).err)
        self.multi("-e", "disable", "-i", "postfix-two")
        self.assertIn("stop it first", self.multi(
            "-e", "deport", "-i", "postfix-two", status=1).err)
        self.multi("-e", "enable", "-i", "postfix-two")
        self.program("postfix", "stop")
        self.program("postfix", "-c", self.two, "status", status=1)

    def test_instances_come_and_go(self):
        self.multi("-e", "create", "-I", "postfix-b", *self.places("b"))
        self.multi("-e", "create", "-I", "postfix-a", "-i", "-", *self.places("a"))
        self.multi("-e", "create", "-R", "-i", "postfix-b", "-G", "g", *self.places("c"))
        self.assertEqual([n for n, _, _ in self.listed()],
                         ["-", "postfix-a", "-", "postfix-b"])
        self.multi("-e", "assign", "-i", "postfix-b", "-I", "postfix-c", "-G", "g")
        self.assertEqual(self.listed("-g", "g"),
                         [("-", "g", "n"), ("postfix-c", "g", "n")])
        self.multi("-e", "assign", "-i", "postfix-c", "-G", "-")
        self.assertEqual(self.listed("-i", "postfix-c"), [("postfix-c", "-", "n")])
        self.multi("-e", "deport", "-i", "postfix-c")
        self.assertNotIn("postfix-c", self.multi("-l").out)
        self.multi("-e", "import", f"config_directory={self.mail.dir}/b", "-I", "x", status=1)
        self.multi("-e", "import", "-I", "postfix-d", f"config_directory={self.mail.dir}/b")
        self.assertIn("postfix-d", self.multi("-l").out)

        mail = os.path.join(self.mail.dir, "b.spool", "maildrop", "4F0A1B2C3D")
        with open(mail, "wb"):
            pass
        self.assertIn("there is mail in", self.multi(
            "-e", "destroy", "-i", "postfix-d", status=1).err)
        os.unlink(mail)
        self.multi("-e", "destroy", "-i", "postfix-d")
        left = [n for n in os.listdir(self.mail.dir) if n.startswith("b")]
        self.assertEqual(left, [])

    def configure(self, directory, **settings):
        self.program("postconf", "-c", directory,
                     *(f"{name} = {value}" for name, value in settings.items()))

    def test_main_cf_says_what_an_instance_is_and_which_command_is_for_whom(self):
        self.multi("-e", "init")
        for name in "ab":
            self.multi("-e", "create", "-I", "postfix-" + name, *self.places(name))
        first, second = (os.path.join(self.mail.dir, name) for name in "ab")
        self.configure(first, multi_instance_name="postfix-x", multi_instance_group="g",
                       multi_instance_enable="yes")
        self.assertEqual(self.listed(), [("-", "-", "y"), ("postfix-x", "g", "y"),
                                         ("postfix-b", "-", "n")])

        # In place of postfix, one who says for which instance it is called.
        commands = os.path.join(self.mail.dir, "commands")
        os.mkdir(commands)
        program = os.path.join(commands, "postfix")
        with open(program, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\necho $(basename "$2") $3\n')
        os.chmod(program, 0o755)
        for directory in (self.mail.etc, first, second):
            self.configure(directory, command_directory=commands)

        def called(word):
            return self.multi("-p", word).out.splitlines()
        main = os.path.basename(self.mail.etc)
        everywhere, starts, stops, controls = (
            lambda word: [f"{main} {word}", f"a {word}", f"b {word}"],
            lambda word: [f"{main} {word}", f"a {word}", "b check"],
            lambda word: [f"a {word}", f"{main} {word}"],
            lambda word: [f"{main} {word}", f"a {word}"])
        usual = {"start": starts, "stop": stops, "reload": controls,
                 "begin": everywhere, "end": everywhere, "status": everywhere}
        for word, wanted in usual.items():
            self.assertEqual(called(word), wanted(word))
        self.configure(self.mail.etc, postmulti_start_commands="begin",
                       postmulti_stop_commands="end", postmulti_control_commands="status")
        for word, wanted in zip(usual, [everywhere] * 3 + [starts, stops, controls]):
            self.assertEqual(called(word), wanted(word))

        self.configure(self.mail.etc, multi_instance_wrapper="/bin/echo handed over:")
        self.assertEqual(self.program("postfix", "status").out, "handed over: status\n")

    def test_what_makes_no_sense_is_refused(self):
        self.multi("-e", "create", "-I", "postfix-a", *self.places("a"))
        for arguments, words in (
                (["-e", "create", "-I", "other", *self.places("n")], "begin with"),
                (["-e", "create", "-I", "postfix-a", *self.places("n")], "already"),
                (["-e", "create", "-I", "postfix-n", *self.places("a")], "already"),
                (["-e", "create"], "says which one"),
                (["-e", "destroy"], "says which instance"),
                (["-e", "destroy", "-i", "-"], "not of the primary"),
                (["-e", "enable", "-i", "postfix-x"], "no instance is called"),
                (["-e", "nonsense", "-i", "-"], "-e nonsense"),
                (["-p"], "which command"), (["-x"], "which command"),
                (["-e", "import", "-I", "postfix-n",
                  f"config_directory={self.mail.dir}/none"], "none"),
                (["-l", "-p"], "usage"), ([], "usage"), (["-Z"], "usage")):
            with self.subTest(arguments):
                self.assertIn(words, self.multi(*arguments, status=1).err)


if __name__ == "__main__":
    unittest.main()
