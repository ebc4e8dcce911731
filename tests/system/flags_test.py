"""Every flag of the commands does what its manual page says. A flag that no case here
uses, or that the page does not name, fails the first test.

In the long form the cases of tables and of postconf are also given to Postfix's own
commands, where they are unpacked: the same arguments, output and exit status.

SPDX-License-Identifier: Apache-2.0
"""
import getopt
import json
import os
import pty
import re
import shutil
import subprocess
import tempfile
import unittest

import instance

PACKAGES = os.path.join(instance.BUILD, "packages", "usr")
OURS, BOTH = "ours", "both"
SOURCE = "Upper One\nb two\nb three\nplain x\n"
MESSAGE = """\
Subject: outer
Content-Type: multipart/mixed;
 boundary=cut

before
--cut
Content-Type: text/plain

a part
--cut
Content-Type: message/rfc822

Subject: inner

an inner line
--cut--
after"""
NAMES = "hash:names"
ASKED = ["-q", "-", "regexp:any"]


def keys(*wanted):
    return "".join(f"{key}\tyes\n" for key in wanted)


# Arguments, standard input, what is printed (None: anything), exit status, whose.
TABLES = [
    ("postmap", ["hash:t"], "", "", 0, BOTH),
    ("postmap", ["-q", "UPPER", "hash:t"], "", "One\n", 0, BOTH),
    ("postmap", ["-v", "-q", "b", "hash:t"], "", "two\n", 0, BOTH),
    ("postmap", ["-q", "none", "hash:t"], "", "", 1, BOTH),
    ("postmap", ["-q", "-", "hash:t"], "b\nnone\nPlain\n", "b\ttwo\nPlain\tx\n", 0, BOTH),
    ("postmap", ["-jq", "-", "hash:t"], "b\n\"\n", '{"key": "b", "value": "two"}\n', 0, OURS),
    ("postmap", ["-f", "hash:t"], "", "", 0, BOTH),
    ("postmap", ["-fq", "Upper", "hash:t"], "", "One\n", 0, BOTH),
    ("postmap", ["-fq", "upper", "hash:t"], "", "", 1, BOTH),
    ("postmap", ["-r", "hash:t"], "", "", 0, BOTH),
    ("postmap", ["-q", "b", "hash:t"], "", "three\n", 0, BOTH),
    ("postmap", ["-w", "hash:t"], "", "", 0, BOTH),
    ("postmap", ["-q", "b", "hash:t"], "", "two\n", 0, BOTH),
    ("postmap", ["-i", "hash:t"], "more four\n", "", 0, BOTH),
    ("postmap", ["-d", "plain", "hash:t"], "", "", 0, BOTH),
    ("postmap", ["-d", "plain", "hash:t"], "", "", 1, BOTH),
    ("postmap", ["-s", "hash:t"], "", {"b\ttwo", "more\tfour", "upper\tOne"}, 0, BOTH),
    ("postmap", ["-d", "-", "hash:t"], "b\nmore\nnone\n", "", 0, BOTH),
    ("postmap", ["-js", "hash:t"], "", '{"key": "upper", "value": "One"}\n', 0, OURS),
    ("postmap", ["-N", "hash:t"], "", "", 0, BOTH),
    ("postmap", ["-q", "b", "hash:t"], "", "two\n", 0, BOTH),
    ("postmap", ["-n", "hash:t"], "", "", 0, BOTH),
    ("postmap", ["-q", "b", "hash:t"], "", "two\n", 0, BOTH),
    ("postmap", ["-op", "hash:t"], "", "", 0, BOTH),
    ("postmap", ["-F", "hash:files"], "", "", 0, BOTH),
    ("postmap", ["-Fq", "b", "hash:files"], "", SOURCE + "\n", 0, BOTH),
    ("postmap", ["hash:latin"], "", "", 0, BOTH),
    ("postmap", ["-q", "a", "hash:latin"], "", "", 1, BOTH),
    ("postmap", ["-u", "hash:latin"], "", "", 0, BOTH),
    ("postmap", ["-uq", "a", "hash:latin"], "", "\ufffd\n", 0, BOTH),
    ("postmap", ["-h", *ASKED], MESSAGE, keys(
        "Subject: outer", "Content-Type: multipart/mixed;\n boundary=cut"), 0, BOTH),
    ("postmap", ["-b", *ASKED], MESSAGE, keys(*MESSAGE.split("\n")[3:]), 0, BOTH),
    ("postmap", ["-hm", *ASKED], MESSAGE, keys(
        "Subject: outer", "Content-Type: multipart/mixed;\n boundary=cut",
        "Content-Type: text/plain", "Content-Type: message/rfc822", "Subject: inner"),
     0, BOTH),
    ("postmap", ["-bm", *ASKED], MESSAGE, keys(
        "", "before", "--cut", "", "a part", "--cut", "", "", "an inner line", "--cut--",
        "after"), 0, BOTH),
    ("postmap", ["-bhm", *ASKED], MESSAGE, None, 0, BOTH),
    ("postmap", ["-b", *ASKED], b"\n\xe4\n", "\tyes\n\ufffd\tyes\n", 0, BOTH),
    ("postmap", ["-Ub", *ASKED], b"\n\xe4\n", "\tyes\n", 0, BOTH),
    ("postmap", ["-h", "hash:t"], "", "", 1, BOTH),
    ("postmap", ["-m", "-q", "-", "hash:t"], "", "", 1, OURS),
    ("postmap", ["-j", "hash:t"], "", "", 1, OURS),
    ("postmap", ["-rw", "hash:t"], "", "", 0, BOTH),
    ("postmap", ["-q", "b", "hash:t"], "", "two\n", 0, BOTH),
    ("postmap", ["-s", "-q", "x", "hash:t"], "", "", 1, BOTH),
    ("postmap", ["-x", "hash:t"], "", "", 1, BOTH),

    ("postalias", [NAMES], "", "", 0, BOTH),
    ("postalias", ["-q", "ROOT", NAMES], "", "one\n", 0, BOTH),
    ("postalias", ["-vq", "@", NAMES], "", "@\n", 0, BOTH),
    ("postalias", ["-jq", "root", NAMES], "", '{"key": "root", "value": "one"}\n', 0, OURS),
    ("postalias", ["-r", NAMES], "", "", 0, BOTH),
    ("postalias", ["-q", "root", NAMES], "", "two\n", 0, BOTH),
    ("postalias", ["-w", NAMES], "", "", 0, BOTH),
    ("postalias", ["-i", NAMES], "joe: else\n", "", 0, BOTH),
    ("postalias", ["-d", "me", NAMES], "", "", 0, BOTH),
    ("postalias", ["-q", "-", NAMES], "root\nme\njoe\n", "root:\tone\njoe:\telse\n", 0, BOTH),
    ("postalias", ["-f", NAMES], "", "", 0, BOTH),
    ("postalias", ["-fq", "Me", NAMES], "", "you\n", 0, BOTH),
    ("postalias", ["-N", NAMES], "", "", 0, BOTH),
    ("postalias", ["-q", "root", NAMES], "", "one\n", 0, BOTH),
    ("postalias", ["-n", NAMES], "", "", 0, BOTH),
    ("postalias", ["-q", "root", NAMES], "", "one\n", 0, BOTH),
    ("postalias", ["-opu", "hash:latin_names"], "", "", 0, BOTH),
    ("postalias", ["-us", "hash:latin_names"], "", None, 0, BOTH),
]

# Changes are seen by what is printed next.
POSTCONF = [
    (["-n"], None, BOTH),
    (["-h", "mydomain"], "flags.test\n", BOTH),
    (["-H", "mydomain", "mail_owner"], "mydomain\nmail_owner\n", BOTH),
    (["-hx", "two"], "flags.test flags.test\n", BOTH),
    (["-d", "mail_owner"], "mail_owner = postfix\n", BOTH),
    (["-f", "long"], "long = " + " ".join(["word"] * 14) + "\n    word word\n", BOTH),
    (["-o", "mydomain=other", "-hx", "two"], "other other\n", BOTH),
    (["-p", "-v", "-hn", "mydomain"], "flags.test\n", OURS),
    (["-C", "user", "-n"], None, BOTH),
    (["-e", "mydomain = new.test", "third = $mydomain"], "", BOTH),
    (["-hx", "third"], "new.test\n", BOTH),
    (["-#", "third"], "", BOTH),
    (["-X", "two"], "", BOTH),
    (["-n"], None, BOTH),
    (["-j", "mydomain"], '{"name": "mydomain", "value": "new.test"}\n', OURS),
    (["-M", "smtp/inet"], None, BOTH),
    (["-Mf", "mine/unix"], None, BOTH),
    (["-Mx", "mine/unix"], None, BOTH),
    (["-Mj", "mine"], r'{"name": "mine/unix", "value": "mine +unix .* -o x=\$mydomain"}', OURS),
    (["-F", "mine/unix/chroot"], "mine/unix/chroot = y\n", BOTH),
    (["-Fh", "mine/unix/command"], None, BOTH),
    (["-Fj", "mine/*/chroot"], '{"name": "mine/unix/chroot", "value": "y"}\n', OURS),
    (["-P", "mine/unix/x"], "mine/unix/x = $mydomain\n", BOTH),
    (["-PH", "mine/unix"], "mine/unix/x\n", BOTH),
    (["-Pe", "mine/unix/y = 5"], "", BOTH),
    (["-Fe", "mine/unix/chroot = n"], "", BOTH),
    (["-PX", "mine/unix/x"], "", BOTH),
    (["-M", "mine/unix"], None, BOTH),
    (["-M#", "mine/unix"], "", BOTH),
    (["-M", "mine/unix"], "", BOTH),
    (["-Me", "mine/unix = mine unix - - - - - smtp"], "", BOTH),
    (["-M", "mine/unix"], None, BOTH),
    (["-MX", "mine/unix"], "", BOTH),
    (["-M", "mine/unix"], "", BOTH),
    (["-l"], None, OURS),
    (["-m"], r"(?s).*\bhash\b.*\bregexp\b", OURS),
    (["-b", ""], "(?s).*expanded_failure_text", OURS),
    (["-t", ""], "(?s).*failure_template = <<EOF", OURS),
    (["-a"], "", OURS),
    (["-A"], "", OURS),
    (["-q", "-n"], None, OURS),
]

# On a queue with three messages on hold: {0}, {1}, {2}. A list: queues of those left.
QUEUE = [
    ("postcat", ["-q", "{0}"], r"(?s)\*\*\* ENVELOPE.*Subject: zero.*body of zero"),
    ("postcat", ["-qe", "{0}"], "(?s)(?!.*Subject).*sender: a@demo.test"),
    ("postcat", ["-qh", "{0}"], "(?s)(?!.*ENVELOPE)(?!.*body of).*Subject: zero"),
    ("postcat", ["-qb", "{0}"], "(?s)(?!.*Subject).*body of zero"),
    ("postcat", ["-qdo", "{0}"], r"(?m)^ *\d+ +\d+ sender: a@demo.test$"),
    ("postcat", ["-n", "-r", "-v", "-s", "0", "{spool}/hold/{0}"],
     "(?s).*Subject: zero.*body of zero"),
    ("qshape", ["hold"], r"(?s).*TOTAL +3 .*\n +x\.example +2 .*\n +y\.x\.example +1 "),
    ("qshape", ["-s", "hold"], r"(?s).*\n +demo\.test +3 "),
    ("qshape", ["-l", "-b", "3", "-t", "7", "-v", "hold"], r" +T +7 +14 +14\+\n"),
    ("qshape", ["-p", "-m", "1", "-w", "60", "hold"], r"(?s)( {50}.{10}\n|.{60}\n)*\Z"),
    ("qshape", ["-p", "-m", "1", "hold"], r"(?s).*\n +\.x\.example +1 "),
    ("qshape", ["-N", "2", "-n", "1", "hold"], r"(?s)(.* T .*){2}\Z"),
    ("postqueue", ["-p"], r"(?s).*{0}!.*\n-- 0 Kbytes in 3 Requests\.\n\Z"),
    ("postqueue", ["-vj"], r'(\{"queue_name": "hold", .*\}\n){3}\Z'),
    ("postqueue", ["-f"], r"\Z"),
    ("postqueue", ["-s", "y.x.example"], r"\Z"),
    ("postqueue", ["-i", "{0}"], r"\Z"),
    ("postsuper", ["-H", "{0}"], ["hold", "hold"]),
    ("postsuper", ["-h", "{0}"], ["hold", "hold", "hold"]),
    ("postsuper", ["-r", "{1}"], ["hold", "hold"]),
    ("postsuper", ["-e", "{2}"], ["hold", "hold"]),
    ("postqueue", ["-j"], r'(?s).*"forced_expire": true'),
    ("postsuper", ["-v", "-d", "{0}"], ["hold"]),
    ("postsuper", ["-p", "-s"], ["hold"]),
    ("postsuper", ["-S"], ["hold"]),
    ("postsuper", ["-f", "{2}"], []),
    ("postkick", ["-v", "public", "pickup", "W"], r"\Z"),
    ("postlog", ["-i", "-v", "-p", "warn", "-t", "flags", "from", "a script"], r"\Z"),
    ("postlock", ["-v", "-l", "dotlock", "{spool}/../locked", "cat",
                  "{spool}/../locked.lock"], r".*\Z"),
    # sun_mailtool_compatibility: dotlock all the same
    ("postlock", ["-l", "flock", "{spool}/../locked", "cat",
                  "{spool}/../locked.lock"], r".*\Z"),
]

# {two}: where a second instance is made.
MULTI = [
    (["-e", "init"], r"\Z"),
    (["-e", "create", "-I", "postfix-two", "-G", "group", "config_directory={two}",
      "queue_directory={two}.spool", "data_directory={two}.data",
      "command_directory={sbin}"], ""),
    (["-l"], r"- +- +y +\S+\npostfix-two +group +n +\S+\n\Z"),
    (["-lRa"], r"postfix-two +group +n +\S+\n- +- +y +\S+\n\Z"),
    (["-l", "-g", "group"], r"postfix-two +group +n +\S+\n\Z"),
    (["-l", "-i", "-"], r"- +- +y +\S+\n\Z"),
    (["-lj", "-i", "postfix-two"], r'\{"name": "postfix-two", "group": "group", '
     r'"enabled": false, "config_directory": "\S+/two"\}\n\Z'),
    (["-v", "-x", "-i", "postfix-two", "sh", "-c", "echo $MAIL_CONFIG"], r"\S+/two\n\Z"),
    (["-p", "-i", "postfix-two", "stop"], r"\Z"),     # disabled: left alone
    (["-e", "assign", "-i", "postfix-two", "-I", "postfix-three", "-G", "-"], ""),
    (["-l", "-i", "postfix-three"], r"postfix-three +- +n +\S+\n\Z"),
    (["-e", "destroy", "-i", "postfix-three"], ""),
    (["-l"], r"- +- +y +\S+\n\Z"),
]


def options_of(program):
    """What it hands to getopt."""
    path = os.path.join(instance.ROOT, "daemons", "commands", program + ".c")
    with open(path, encoding="utf-8") as file:
        found = re.search(r'(?:getopt\(argc, argv,\s+|\.options = |options\[\] = )"([^"]+)"',
                          file.read())
    return found.group(1).lstrip("+")


def flags_in(program, arguments):
    return {flag[1:] for flag, _ in getopt.getopt(arguments, options_of(program))[0]}


def flags_of_page(program):
    """All that the synopsis names."""
    path = os.path.join(instance.ROOT, "docs", "man", "man1", program + ".1")
    with open(path, encoding="utf-8") as file:
        text = file.read().replace("\\-", "-")
    synopsis = re.sub(r"\\f.", "", text.split(".SH SYNOPSIS")[1].split(".SH")[0])
    return {flag for cluster in re.findall(r"(?<!\w)-([A-Za-z#]+)", synopsis)
            for flag in cluster}


class Commands(instance.TestCase):
    def test_each_flag_has_its_case_and_its_line(self):
        used = {}
        for program, arguments, *_ in [*TABLES, *QUEUE] + [
                ("postconf", *case) for case in POSTCONF] + [
                ("postmulti", *case) for case in MULTI]:
            if arguments != ["-x", "hash:t"]:
                used.setdefault(program, set()).update(flags_in(program, arguments))
        self.assertEqual(len(used), 11)
        for program, flags in used.items():
            with self.subTest(program):
                known = set(options_of(program)) - {":"}
                # The configuration's place is given with each of them.
                self.assertEqual(flags | (known & {"c"}), known)
                self.assertEqual(flags_of_page(program), known)

    # Tables, and main.cf and master.cf, beside Postfix's own commands.

    def place(self):
        where = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, where)
        for name, text in {
                "main.cf": "compatibility_level = 3.6\nmail_owner = mail\n"
                "setgid_group = tape\ndefault_privs = nobody\nsmtputf8_enable = yes\n"
                "mydomain = flags.test\ntwo = $mydomain ${mydomain}\n"
                "long = " + " ".join(["word"] * 16) + "\nuses = $two $long $third\n",
                "master.cf": "smtp inet n - y - - smtpd\n"
                "mine unix - - y - - smtp -o x=$mydomain\n",
                "t": SOURCE, "any": "/^/ yes\n", "files": f"b {where}/t\n",
                "latin": b"a \xe4\n", "names": "root: one\nMe: you\nroot: two\n",
                "latin_names": b"a: \xe4\n"}.items():
            with open(os.path.join(where, name), "wb") as file:
                file.write(text.encode() if isinstance(text, str) else text)
        return where

    def call(self, theirs, where, program, arguments, stdin):
        directory = os.path.join(PACKAGES if theirs else instance.BUILD, "sbin")
        return subprocess.run(
            [os.path.join(directory, program), "-c", where, *arguments], cwd=where,
            input=stdin.encode() if isinstance(stdin, str) else stdin, check=False,
            capture_output=True, timeout=60, env=dict(
                os.environ, LD_LIBRARY_PATH=os.path.join(PACKAGES, "lib", "postfix")))

    def have_theirs(self):
        return os.environ.get("WAYPOST_LONG") and os.access(os.path.join(PACKAGES, "sbin", "postmap"), os.X_OK)

    def matches(self, out, pattern):
        """From its beginning; a pattern of several lines anywhere."""
        self.assertTrue(re.search(pattern, out) if "(?m)" in pattern
                        else re.match(pattern, out), f"{out!r} is not {pattern!r}")

    def check(self, done, wanted, status):
        out = done.stdout.decode("utf-8", "replace")
        self.assertEqual(done.returncode, status, done.stderr)
        if isinstance(wanted, set):
            self.assertEqual(set(out.splitlines()), wanted)
        elif wanted is not None and ("\\" in wanted or wanted.startswith("(?")):
            self.matches(out, wanted)
        elif wanted is not None:
            self.assertEqual(out, wanted)

    def test_tables(self):
        ours, theirs = self.place(), self.place()
        for program, arguments, stdin, wanted, status, whose in TABLES:
            with self.subTest(program=program, arguments=arguments):
                done = self.call(False, ours, program, arguments, stdin)
                self.check(done, wanted, status)
                if whose != BOTH or not self.have_theirs():
                    continue
                other = self.call(True, theirs, program, arguments, stdin)
                self.assertEqual(other.returncode, status, other.stderr)
                if "-us" not in arguments:
                    self.assertEqual(sorted(done.stdout.splitlines()), sorted(
                        other.stdout.replace(theirs.encode(), ours.encode()).splitlines()))

    def test_what_flags_do_to_the_file(self):
        where = self.place()
        source, made = os.path.join(where, "t"), os.path.join(where, "t.db")

        def make(*flags):
            self.assertEqual(self.call(False, where, "postmap", [*flags, "hash:t"],
                                       "").returncode, 0)
            with open(made, "rb") as file:
                return file.read()

        os.chmod(source, 0o640)
        for flags, mode in ([], 0o640), (["-p"], 0o644):
            make(*flags)
            self.assertEqual(os.stat(made).st_mode & 0o777, mode)
            os.unlink(made)
        self.assertIn(b"upper\0", make("-N"))
        self.assertNotIn(b"upper\0", make("-n"))
        os.unlink(made)
        if os.geteuid() == 0:
            os.chmod(where, 0o777)
            os.chown(source, 12001, 12001)
            for flags, owner in ([], 12001), (["-o"], 0):
                make(*flags)
                self.assertEqual(os.stat(made).st_uid, owner)
                os.unlink(made)
        # What is dropped is told, unless -w or -r said so.
        for flags, told in ([], True), (["-w"], False), (["-r"], False):
            done = self.call(False, where, "postmap", [*flags, "hash:t"], "")
            self.assertEqual(b"duplicate entry" in done.stderr, told)

    def test_postconf(self):
        ours, theirs = self.place(), self.place()
        for arguments, wanted, whose in POSTCONF:
            with self.subTest(arguments=arguments):
                done = self.call(False, ours, "postconf", arguments, "")
                self.check(done, wanted, 0)
                if whose != BOTH or not self.have_theirs():
                    continue
                other = self.call(True, theirs, "postconf", arguments, "")
                self.assertEqual(other.returncode, 0, other.stderr)
                self.assertEqual(
                    done.stdout.replace(ours.encode(), theirs.encode()).split(),
                    other.stdout.split())
        done = self.call(False, ours, "postconf", ["-n", "nosuch"], "")
        self.assertIn(b"unknown parameter", done.stderr)
        with open(os.path.join(ours, "main.cf"), "a", encoding="utf-8") as file:
            file.write("nobody_reads = this\n")
        for flags, told in ([], True), (["-q"], False):
            done = self.call(False, ours, "postconf", ["-n", *flags], "")
            self.assertEqual(b"unused parameter" in done.stderr, told)

    # A queue.

    def queues(self, mail):
        return sorted(m["queue_name"] for m in mail.queue())

    def test_a_queue(self):
        sink = self.sink(lambda stage, argument: "450 4.2.0 later"
                         if stage == "rcpt" and "b@" not in argument else None)
        mail = self.instance(
            relayhost=sink.where, relay_domains="x.example, y.x.example",
            smtpd_sender_restrictions="check_sender_access inline:{a@demo.test=HOLD}",
            minimal_backoff_time="1000s",
            sun_mailtool_compatibility="yes")
        ids = [mail.send("a@demo.test", [recipient],
                         f"Subject: {word}\n\nbody of {word}\n")
               for word, recipient in (("zero", "a@x.example"), ("one", "b@x.example"),
                                       ("two", "c@y.x.example"))]
        for program, arguments, wanted in QUEUE:
            arguments = [a.format(*ids, spool=mail.spool) for a in arguments]
            with self.subTest(program=program, arguments=arguments):
                if "-N" in arguments:
                    out = self.on_a_terminal(mail, program, arguments)
                else:
                    out = mail.command(program, *arguments).out
                if isinstance(wanted, str):
                    self.matches(out, wanted.replace("{0}", ids[0]))
                else:
                    instance.until(lambda: [q for q in self.queues(mail)
                                            if q == "hold"] == wanted, str(wanted))
        mail.wait_empty()
        mail.wait_log(rf"{ids[2]}: .*status=force-expired")
        mail.wait_log(r"flags(\[\d+\])?: warning: from a script")
        self.assertEqual(len(sink.received), 1)
        self.assertFalse(os.path.exists(os.path.join(mail.dir, "locked.lock")))

    def on_a_terminal(self, mail, program, arguments):
        ours, its = pty.openpty()
        with subprocess.Popen(
                [os.path.join(mail.build, "sbin", program), "-c", mail.etc, *arguments],
                stdin=subprocess.DEVNULL, stdout=its) as process:
            os.close(its)
            out = b""
            try:
                while chunk := os.read(ours, 4096):
                    out += chunk
            except OSError:                 # it has ended
                pass
            self.assertEqual(process.wait(), 0)
        os.close(ours)
        return out.decode().replace("\r\n", "\n")

    def test_several_instances(self):
        mail = self.instance(start=False)
        mail.environment["MAIL_CONFIG"] = mail.etc
        two = os.path.join(mail.dir, "two")
        for arguments, wanted in MULTI:
            arguments = [a.format(two=two, sbin=os.path.join(mail.build, "sbin"))
                         for a in arguments]
            with self.subTest(arguments=arguments):
                done = mail.run([os.path.join(mail.build, "sbin", "postmulti"), *arguments])
                self.matches(done.out, wanted)
        self.assertFalse(os.path.exists(two))


if __name__ == "__main__":
    unittest.main()
