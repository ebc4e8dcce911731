"""postmap and postalias from the command line: output, messages, exit codes.

SPDX-License-Identifier: Apache-2.0
"""
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("WAYPOST_BUILD", os.path.join(ROOT, "build"))
INDEXED = [("hash", ".db"), ("btree", ".db"), ("lmdb", ".lmdb"), ("cdb", ".cdb")]


class Tables(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.write("main.cf", "compatibility_level = 3.6\n"
                   "default_database_type = hash\n")

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(text.encode() if isinstance(text, str) else text)
        return path

    def run_command(self, *args, stdin="", program="postmap"):
        done = subprocess.run(
            [os.path.join(BUILD, "sbin", program), "-c", self.dir, *args],
            cwd=self.dir, input=stdin.encode(), capture_output=True, timeout=30)
        return (done.returncode, done.stdout.decode(errors="replace"),
                done.stderr.decode(errors="replace"))

    def expect(self, args, status, out="", err="", stdin="", program="postmap"):
        got = self.run_command(*args, stdin=stdin, program=program)
        self.assertEqual((status, out, err), got, f"{program} {args}")

    def test_tables_are_made_asked_listed_and_changed(self):
        for kind, suffix in INDEXED:
            with self.subTest(kind=kind):
                self.write("t", "Foo bar\nbaz  x y \n")
                self.expect([f"{kind}:t"], 0)
                self.assertTrue(os.path.exists(os.path.join(self.dir, "t" + suffix)))
                self.expect(["-q", "FOO", f"{kind}:t"], 0, "bar\n")
                self.expect(["-f", "-q", "FOO", f"{kind}:t"], 1)
                self.expect(["-q", "none", f"{kind}:t"], 1)
                self.expect(["-q", "-", f"{kind}:t"], 0, "Foo\tbar\nbaz\tx y\n",
                            stdin="Foo\nnone\nbaz\n")
                self.expect(["-q", "-", f"{kind}:t"], 1, stdin="none\n")
                status, out, err = self.run_command("-s", f"{kind}:t")
                self.assertEqual((0, "baz\tx y\nfoo\tbar\n", ""), (
                    status, "".join(sorted(out.splitlines(True))), err))
                self.expect(["-i", f"{kind}:t"], 0, stdin="new thing\n")
                self.expect(["-q", "new", f"{kind}:t"], 0, "thing\n")
                self.expect(["-ir", f"{kind}:t"], 0, stdin="new other\n")
                self.expect(["-q", "new", f"{kind}:t"], 0, "other\n")
                self.expect(["-d", "foo", f"{kind}:t"], 0)
                self.expect(["-d", "foo", f"{kind}:t"], 1)
                self.expect(["-d", "-", f"{kind}:t"], 0, stdin="baz\nfoo\n")
                self.expect(["-s", f"{kind}:t"], 0, "new\tother\n")

    def test_bad_lines_are_named(self):
        self.write("w", " lead\nfoo\nfoo bar\nFoo baz\nfoo: x\n\"unclosed v\n\"joined\"v\n")
        self.expect(["w"], 0, err=(
            'postmap: warning: w: logical line must not start with whitespace: " lead"\n'
            'postmap: warning: w, line 2: expected format: key whitespace value\n'
            'postmap: warning: w.db: duplicate entry: "foo"\n'
            'postmap: warning: w, line 5: record is in "key: value" format; '
            'is this an alias file?\n'
            "postmap: warning: w, line 6: unbalanced '\"' in '\"unclosed v' "
            '-- ignoring this line\n'
            'postmap: warning: w, line 7: expected format: key whitespace value\n'))
        self.write("u", b"caf\xe9 z\n")
        self.expect(["lmdb:u"], 0, err='postmap: warning: u, line 1: non-UTF-8 '
                    'input "caf? z" -- ignoring this line\n')

    def test_errors_say_what_is_wrong(self):
        self.write("re", "/x/ y\n")
        usage = ("usage: postmap [-bfFhijmnNoprsuUvw] [-c config_dir] [-d key] "
                 "[-q key] [map_type:]file...")
        for args, what in [
                (["-q", "a", "hash:gone"], "open database gone.db: No such file or directory"),
                (["-q", "a", "lmdb:gone"], "open database gone.lmdb: No such file or directory"),
                (["-q", "a", "texthash:gone"], "open database gone: No such file or directory"),
                (["-q", "a", "regexp:gone"], "open gone: No such file or directory"),
                (["-q", "a", "nosuch:x"], "unsupported dictionary type: nosuch"),
                (["hash:gone"], "open gone: No such file or directory"),
                (["regexp:re"], "unsupported dictionary type: regexp does not support "
                 "bulk-mode creation."),
                (["-s", "static:x"], "table static:x: sequence operation is not supported"),
                (["-d", "x", "static:x"], "table static:x: delete operation is not supported"),
                (["-q", "x", "fail:x"], "table fail:x: query error"),
                (["-q", "a", "-d", "a", "hash:x"], "specify only one of -s -q or -d"),
                ([], usage)]:
            self.expect(args, 1, err=f"postmap: fatal: {what}\n")

    def test_headers_and_body_lines_are_keys(self):
        self.write("all", "/^/ m\n")
        message = "From: a\nX-Y: b\n c\n\nbody1\nbody2\n"
        headers = "From: a\tm\nX-Y: b\n c\tm\n"
        body = "\tm\nbody1\tm\nbody2\tm\n"
        self.expect(["-hq", "-", "regexp:all"], 0, headers, stdin=message)
        self.expect(["-bq", "-", "regexp:all"], 0, body, stdin=message)
        self.expect(["-hbq", "-", "regexp:all"], 0, headers + body, stdin=message)

    def test_files_as_values(self):
        self.write("one", "1\n")
        self.write("two", "2\n")
        self.write("t", "k one, two\nx gone\n")
        status, out, err = self.run_command("-F", "hash:t")
        self.assertEqual((0, ""), (status, out))
        self.assertRegex(err, r"t, line 2: .*gone.*ignoring this line")
        self.expect(["-q", "k", "hash:t"], 0, "MQoKMgo=\n")
        self.expect(["-F", "-q", "k", "hash:t"], 0, "1\n\n2\n\n")

    def test_a_table_keeps_its_mode_and_a_new_one_takes_the_sources(self):
        source = self.write("t", "a b\n")
        os.chmod(source, 0o640)
        self.expect(["t"], 0)
        table = os.path.join(self.dir, "t.db")
        self.assertEqual(0o640, os.stat(table).st_mode & 0o7777)
        os.chmod(table, 0o604)
        self.expect(["t"], 0)
        self.assertEqual(0o604, os.stat(table).st_mode & 0o7777)
        os.unlink(table)
        self.expect(["-p", "t"], 0)
        self.assertEqual(0o644, os.stat(table).st_mode & 0o7777)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_becomes_the_owner_of_the_source(self):
        os.chmod(self.dir, 0o755)
        mine = os.path.join(self.dir, "mine")
        os.mkdir(mine)
        for name in ("a", "b"):
            path = self.write(f"mine/{name}", "k v\n")
            os.chown(path, 54321, 54321)
        os.chown(mine, 54321, 54321)
        self.write("root", "k v\n")
        self.expect(["mine/a", "root", "mine/b"], 0)
        for name, uid in (("mine/a", 54321), ("root", 0), ("mine/b", 54321)):
            self.assertEqual(uid, os.stat(os.path.join(self.dir, name + ".db")).st_uid)
            self.expect(["-q", "k", name], 0, "v\n")

    def test_tables_of_tables(self):
        for table, want in (
                ("pipemap:{inline:{k=m},inline:{m=v}}", "v"),
                ("unionmap:{inline:{k=a},inline:{x=y},inline:{k=b}}", "a,b"),
                ("randmap:{a}", "a"),
                ("inline:{k=v}", "v"),
                ("debug:inline:{k=v}", "v"),
                ("static:v", "v")):
            got = self.run_command("-q", "k", table)
            self.assertEqual((0, want + "\n"), got[:2], table)
        self.expect(["-q", "x", "pipemap:{inline:{k=m},inline:{m=v}}"], 1, "")
        os.environ["name_of_a_test"] = "v"
        self.addCleanup(os.environ.pop, "name_of_a_test")
        self.expect(["-q", "name_of_a_test", "environ:x"], 0, "v\n")

    def test_a_type_of_a_later_version_says_so(self):
        for kind in ("ldap", "mysql", "pgsql", "sqlite", "mongodb", "memcache",
                     "nis"):
            self.expect(["-q", "k", f"{kind}:x"], 1, "", err=(
                f"postmap: fatal: unsupported dictionary type: {kind} (its "
                "client library comes with a later version)\n"))

    def test_alias_databases(self):
        self.write("al", 'Root: joe, ann\n"a b": c\nbad\nx@y: z\n')
        self.expect(["al"], 0, program="postalias", err=(
            "postalias: warning: al, line 3: need name:value pair\n"
            "postalias: warning: al, line 4: name must be local\n"))
        self.expect(["-q", "root", "al"], 0, "joe, ann\n", program="postalias")
        self.expect(["-q", "-", "al"], 0, "root:\tjoe, ann\n", stdin="root\n",
                    program="postalias")
        status, out, err = self.run_command("-s", "al", program="postalias")
        names = sorted(line.split(":\t")[0] for line in out.splitlines())
        self.assertEqual((0, ["@", "YP_LAST_MODIFIED", "YP_MASTER_NAME", "a b", "root"], ""),
                         (status, names, err))

    def test_two_writers_and_a_reader_never_meet_half_a_table(self):
        text = "".join(f"k{i} v{i}\n" for i in range(2000))
        self.write("t", text)
        for kind, _ in INDEXED:
            self.expect([f"{kind}:t"], 0)
            done = []

            def rewrite(kind=kind, done=done):
                for _ in range(10):
                    done.append(self.run_command(f"{kind}:t"))

            writers = [threading.Thread(target=rewrite) for _ in range(2)]
            for writer in writers:
                writer.start()
            keys = "".join(f"k{i}\n" for i in range(0, 2000, 2))
            want = "".join(f"k{i}\tv{i}\n" for i in range(0, 2000, 2))
            while any(writer.is_alive() for writer in writers):
                self.expect(["-q", "-", f"{kind}:t"], 0, want, stdin=keys)
            for writer in writers:
                writer.join()
            self.assertEqual([(0, "", "")] * 20, done)
            self.assertFalse([n for n in os.listdir(self.dir) if n.endswith(".new")])


if __name__ == "__main__":
    unittest.main()
