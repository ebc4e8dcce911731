"""Berkeley DB tables are exchanged with Postfix's own postmap and postalias, in both
directions, while either of them rewrites the file.

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import itertools
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

import instance
import mounts

PACKAGES = os.path.join(instance.BUILD, "packages", "usr")
KINDS = ["hash", "btree"]
SOURCE = (b"# comment\n\nplain value\nUPPER Value\n  # not a comment\nlong one\n"
          b"  two\n\tthree  \n\"quoted key\" x\n\"a b@c.example\" REJECT a,  b\n"
          b"colon: x\ntab\tx\ty \nuser@[192.0.2.1] y\n<> null\n@domain.example a@b\n"
          b"caf\xc3\xa9@example.org utf8\nCAF\xc3\x89 folded\n.sub.example x\n"
          + b"k" * 500 + b" " + b"v" * 3000 + b"\n"
          + b"".join(b"n%d v%d\n" % (n, n) for n in range(3000)))
KEYS = [b"plain", b"PLAIN", b"upper", b"Upper", b"long", b"quoted key", b"a b@c.example",
        b"colon:", b"colon", b"tab", b"user@[192.0.2.1]", b"<>", b"@domain.example",
        "café@example.org".encode(), "CAFÉ".encode(), "café".encode(), b".sub.example",
        b"k" * 500, b"n0", b"n2999", b"n3000", b"two", b"#", b" plain"]
ALIASES = (b"root: joe\nPostmaster: root, joe@example.org\n\"a b\": |\"/bin/x y\"\n"
           b"list: :include:/etc/list\nempty:\nfile: /var/mail/x\n"
           b"comment: a, # b\nlong: a,\n  b, \"c d\"@example.org\n")


class Exchange(unittest.TestCase):
    def setUp(self):
        if not os.access(os.path.join(PACKAGES, "sbin", "postmap"), os.X_OK):
            self.skipTest("no Postfix unpacked")
        mounts.memory_for_files(self)
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.write("main.cf", b"compatibility_level = 3.6\nmail_owner = mail\n"
                   b"setgid_group = tape\ndefault_privs = nobody\n"
                   b"default_database_type = hash\nsmtputf8_enable = yes\n")

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as file:
            file.write(text)
        os.utime(path, (1, 1))          # Postfix's wait until a source is old

    def ours(self, name, *arguments, **options):
        return self.call(os.path.join(instance.BUILD, "sbin", name), arguments, **options)

    def theirs(self, name, *arguments, **options):
        return self.call(os.path.join(PACKAGES, "sbin", name), arguments, **options)

    def call(self, program, arguments, stdin=b""):
        done = subprocess.run(
            [program, "-c", self.dir, *arguments], cwd=self.dir, input=stdin,
            capture_output=True, timeout=60, check=False, env=dict(
                os.environ, LD_LIBRARY_PATH=os.path.join(PACKAGES, "lib", "postfix")))
        return done.returncode, done.stdout, done.stderr

    def listed(self, program, *arguments):
        status, out, _ = program(*arguments)
        return status, sorted(out.splitlines())

    def both_answer(self, kind, key):
        asked = ("postmap", "-q", os.fsdecode(key), f"{kind}:t")
        return key, self.ours(*asked)[:2], self.theirs(*asked)[:2]

    def test_what_one_writes_the_other_reads(self):
        for kind, writer in itertools.product(KINDS, (self.ours, self.theirs)):
            with self.subTest(kind=kind, writer=writer.__name__):
                self.write("t", SOURCE)
                self.assertEqual(writer("postmap", f"{kind}:t")[0], 0)
                found = 0
                with concurrent.futures.ThreadPoolExecutor(4) as pool:
                    both = list(pool.map(self.both_answer, itertools.repeat(kind), KEYS))
                for key, ours, theirs in both:
                    self.assertEqual(ours, theirs, key)
                    found += theirs[0] == 0
                self.assertGreater(found, 15)
                keys = b"".join(key + b"\n" for key in KEYS)
                asked = ("postmap", "-q", "-", f"{kind}:t")
                self.assertEqual(self.ours(*asked, stdin=keys)[:2],
                                 self.theirs(*asked, stdin=keys)[:2])
                listed = self.listed(self.theirs, "postmap", "-s", f"{kind}:t")
                self.assertEqual(len(listed[1]) > 3000, True)
                self.assertEqual(self.listed(self.ours, "postmap", "-s", f"{kind}:t"),
                                 listed)

    def test_both_write_the_same(self):
        for kind, (program, name, text) in itertools.product(
                KINDS, (("postmap", "t", SOURCE), ("postalias", "al", ALIASES))):
            with self.subTest(kind=kind, program=program):
                self.write(name, text)
                self.assertEqual(self.theirs(program, f"{kind}:{name}")[0], 0)
                wanted = self.listed(self.theirs, program, "-s", f"{kind}:{name}")
                self.assertEqual(self.ours(program, f"{kind}:{name}")[0], 0)
                got = self.listed(self.theirs, program, "-s", f"{kind}:{name}")
                # Only the time at which it was made differs, and that we keep
                # the white space of aliases as it was written.
                self.assertEqual(*[[re.sub(rb"[ \t]", b"", line) for line in lines
                                    if not line.startswith(b"YP_LAST_MODIFIED")]
                                   for _, lines in (got, wanted)])
                self.assertEqual(len(got[1]), len(wanted[1]))

    def test_entries_that_one_adds_and_removes_the_other_sees(self):
        for kind, (one, other) in itertools.product(
                KINDS, ((self.ours, self.theirs), (self.theirs, self.ours))):
            with self.subTest(kind=kind, one=one.__name__):
                self.write("t", SOURCE)
                self.assertEqual(other("postmap", f"{kind}:t")[0], 0)
                self.assertEqual(one("postmap", "-i", f"{kind}:t",
                                     stdin=b"New entry\n")[0], 0)
                self.assertEqual(one("postmap", "-d", "plain", f"{kind}:t")[0], 0)
                self.assertEqual(other("postmap", "-q", "new", f"{kind}:t")[:2],
                                 (0, b"entry\n"))
                self.assertEqual(other("postmap", "-q", "plain", f"{kind}:t")[:2],
                                 (1, b""))
                self.assertEqual(other("postmap", "-q", "n17", f"{kind}:t")[:2],
                                 (0, b"v17\n"))

    def test_no_answer_is_wrong_while_either_rewrites(self):
        self.write("t", SOURCE)
        keys = b"".join(b"n%d\n" % n for n in range(3000))
        want = b"".join(b"n%d\tv%d\n" % (n, n) for n in range(3000))
        for kind, writer in itertools.product(KINDS, (self.ours, self.theirs)):
            with self.subTest(kind=kind, writer=writer.__name__):
                self.assertEqual(writer("postmap", f"{kind}:t")[0], 0)
                over = threading.Event()
                done = []

                def rewrite():
                    while not over.is_set() and len(done) < 1000:
                        done.append(writer("postmap", f"{kind}:t")[0])

                thread = threading.Thread(target=rewrite)
                thread.start()
                try:
                    for reader in (self.ours, self.theirs, self.ours, self.ours):
                        before = len(done)
                        self.assertEqual(reader("postmap", "-q", "-", f"{kind}:t",
                                                stdin=keys)[:2], (0, want), reader.__name__)
                        instance.until(lambda: len(done) > before, "a rewrite")
                finally:
                    over.set()
                    thread.join()
                self.assertEqual(set(done), {0})


if __name__ == "__main__":
    unittest.main()
