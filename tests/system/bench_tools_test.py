"""The tools of the benchmark work: the box, load and sink, one short run.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

import instance

BENCH = os.path.join(instance.ROOT, "tests", "bench")
TOOLS = os.path.join(instance.BUILD, "test", "bench")
BOX = os.path.join(BENCH, "postfix-in-a-box")
PACKAGES = os.path.join(instance.BUILD, "packages")
MACHINE = ("/etc/postfix", "/usr/lib/postfix", "/usr/sbin/postfix",
           "/var/spool/postfix/pid", "/var/lib/postfix")
TIME_LIMIT = 300
ALONE = True

sys.path.insert(0, BENCH)
import flame        # noqa: E402
import report       # noqa: E402


def tool(name, *arguments):
    return subprocess.Popen([os.path.join(TOOLS, name), *map(str, arguments)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class LoadAndSink(unittest.TestCase):
    def setUp(self):
        if not os.path.exists(os.path.join(TOOLS, "sink")):
            self.skipTest("the tools of the benchmark are not built")
        self.port = instance.free_port()

    def sink(self, *arguments):
        sink = tool("sink", "--listen", f"{instance.HOST}:{self.port}", *arguments)
        self.addCleanup(sink.stdout.close)
        self.addCleanup(sink.stdin.close)
        self.addCleanup(sink.wait)
        self.addCleanup(sink.kill)
        self.assertEqual(sink.stdout.readline(), "ready\n")
        return sink

    def load(self, *arguments):
        done = subprocess.run([os.path.join(TOOLS, "load"), "--to",
                               f"{instance.HOST}:{self.port}", *map(str, arguments)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              text=True, timeout=60, check=True)
        return json.loads(done.stdout)

    def test_everything_sent_arrives(self):
        for extra in ((), ("--per-connection", 0), ("--pipeline", "yes"),
                      ("--recipients", 3), ("--recipients", 3, "--pipeline", "yes"),
                      ("--size", 300000), ("--size", 1)):
            with self.subTest(extra=extra):
                recipients = 3 if 3 in extra else 1
                sink = self.sink("--messages", 40, "--recipients", recipients)
                sent = self.load("--messages", 40, "--clients", 7, *extra)
                came = json.loads(sink.stdout.readline())
                self.assertEqual((sent["sent"], sent["failures"]), (40, 0))
                self.assertTrue(came["complete"], came)
                self.assertEqual(came["unique"], 40 * recipients)
                self.assertEqual(came["duplicates"], 0)
                sink.terminate()
                self.assertEqual(sink.wait(), 0)

    def test_the_sink_sees_what_is_missing_double_damaged_or_strange(self):
        sink = self.sink("--messages", 3)
        good = "Subject: x\nX-Bench: {} 6\n\nbody\n"
        with instance.Smtp(self.port) as client:
            client.hello()
            for text in (good.format(0), good.format(0), good.format(1),
                         good.format(2) + "more\n", "Subject: none\n\nbody\n"):
                self.assertEqual(client.mail("a@b.c", ["u0@relay.test"], text)[0], 250)
        # All three are there, but not all whole.
        came = json.loads(sink.stdout.readline())
        sink.terminate()
        self.assertEqual(sink.wait(), 1)
        self.assertEqual((came["unique"], came["duplicates"], came["damaged"],
                          came["complete"]), (3, 1, 1, False))

    def test_a_message_that_does_not_come_is_missed(self):
        sink = self.sink("--messages", 11)
        self.load("--messages", 10)
        sink.terminate()
        came = json.loads(sink.stdout.readline())
        self.assertEqual(sink.wait(), 1)
        self.assertEqual((came["unique"], came["complete"]), (10, False))

    def test_slow_clients_end_what_they_began(self):
        for slow, messages in (("commands", 0), ("data", 20)):
            with self.subTest(slow=slow):
                sink = self.sink("--messages", max(messages, 1))
                load = tool("load", "--to", f"{instance.HOST}:{self.port}", "--messages",
                            messages, "--clients", 20, "--hold", "yes", "--slow", slow,
                            "--size", 30000)
                self.addCleanup(load.stdout.close)
                self.addCleanup(load.wait)
                self.addCleanup(load.kill)
                held = json.loads(load.stdout.readline())
                self.assertEqual(load.stdout.readline(), "holding\n")
                self.assertEqual((held["holding"], held["sent"]), (20, 0))
                load.stdin.close()
                self.assertEqual(json.loads(load.stdout.readline()),
                                 {"answered": 20, "failures": 0})
                if not messages:
                    sink.terminate()
                came = json.loads(sink.stdout.readline())
                self.assertEqual((came["unique"], came["complete"]),
                                 (messages, messages > 0))
                sink.terminate()
                sink.wait()

    def test_what_is_refused_is_sent_again_and_counted(self):
        refused = []

        def answer(stage, argument):
            if stage == "rcpt" and len(refused) < 3:
                refused.append(argument)
                return "450 4.2.0 not now"
            return None

        server = instance.Sink(answer, host=instance.HOST, port=self.port)
        self.addCleanup(server.close)
        sent = self.load("--messages", 5)
        self.assertEqual((sent["sent"], sent["failures"]), (5, 3))
        self.assertIn("450 4.2.0 not now", sent["first_failure"])
        self.assertEqual(len(server.received), 5)


class Box(unittest.TestCase):
    def test_only_root_has_one(self):
        with tempfile.TemporaryDirectory() as place:
            os.chmod(place, 0o777)
            program = shutil.copy(BOX, place)
            identity = {"user": 12001, "group": 12001, "extra_groups": []} \
                if os.geteuid() == 0 else {}
            done = subprocess.run([program, os.path.join(place, "box"), "start"],
                                  capture_output=True, text=True, timeout=20,
                                  check=False, cwd=place, **identity)
        self.assertEqual(done.returncode, 77)
        self.assertIn("only root", done.stderr)

    def box(self, programs, *arguments, **options):
        return subprocess.run([BOX, "--programs", programs, self.place, *arguments],
                              capture_output=True, text=True, timeout=60, check=False,
                              **options)

    def test_starts_runs_commands_and_stops(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give it namespaces")
        if not os.path.exists(os.path.join(PACKAGES, "usr/lib/postfix/sbin/master")):
            self.skipTest("no Postfix below " + PACKAGES)
        before = [os.path.exists(f) for f in MACHINE]
        self.place = tempfile.mkdtemp(prefix="box-")
        self.addCleanup(shutil.rmtree, self.place)
        port = instance.free_port()
        self.assertEqual(self.box(PACKAGES, "init", "myhostname=mail.box.test",
                                  "defer_transports=smtp").returncode, 0)
        path = os.path.join(self.place, "etc", "master.cf")
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace("smtp       inet", f"{instance.HOST}:{port} inet"))
        self.assertNotEqual(self.box(PACKAGES, "status").returncode, 0)
        done = self.box(PACKAGES, "exec", "postconf", "-h", "myhostname")
        self.assertEqual((done.returncode, done.stdout), (0, "mail.box.test\n"))
        done = self.box(PACKAGES, "start")
        self.addCleanup(self.box, PACKAGES, "stop")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.box(PACKAGES, "status").returncode, 0)
        self.box(PACKAGES, "exec", "sendmail", "a@elsewhere.test", input="\nhello\n")
        instance.until(lambda: "a@elsewhere.test" in
                       self.box(PACKAGES, "exec", "mailq").stdout, "the message in mailq")
        self.assertEqual([os.path.exists(f) for f in MACHINE], before)
        done = self.box(PACKAGES, "exec", "sh", "-c", "exit 9")
        self.assertEqual(done.returncode, 9)
        self.assertEqual(self.box(PACKAGES, "stop").returncode, 0)
        self.assertNotEqual(self.box(PACKAGES, "status").returncode, 0)
        with open("/proc/mounts") as file:
            self.assertNotIn(self.place, file.read())


class Bench(unittest.TestCase):
    limit = 240

    def bench(self, *arguments):
        self.out = tempfile.mkdtemp(prefix="bench-")
        self.addCleanup(shutil.rmtree, self.out)
        done = subprocess.run([os.path.join(BENCH, "bench"), "--out", self.out,
                               "--disk", "64", "--rounds", "1", *arguments],
                              capture_output=True, text=True, check=False)
        if done.returncode == 77:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(os.path.join(self.out, "results.json")) as file:
            return json.load(file)

    def systems(self):
        if not os.path.exists(os.path.join(TOOLS, "sink")):
            self.skipTest("the tools of the benchmark are not built")
        if os.path.exists(os.path.join(PACKAGES, "usr/lib/postfix/sbin/master")):
            return ["postfix", "waypost"]
        return ["waypost"]

    def test_a_short_run_of_some_rows(self):
        systems = self.systems()
        results = self.bench("--messages", "20", "--rows", "relay20,ceiling_kept20",
                             "--systems", " ".join(systems))
        self.assertEqual(sorted(results), ["ceiling_kept20", "relay20"])
        self.assertEqual(sorted(results["relay20"]["runs"]), systems)
        for runs in results["relay20"]["runs"].values():
            (run,) = runs
            self.assertEqual(run["messages"], 20)
            # None: no cgroup to count in.
            self.assertTrue(run["cpu_us"] is None or run["cpu_us"] > 0)

    def test_the_other_kinds_of_rows(self):
        self.systems()
        results = self.bench("--messages", "40", "--systems", "waypost", "--rows",
                             "list1host virtual20 sendmail8 deferred50k")
        for name in ("list1host", "virtual20", "sendmail8", "deferred50k"):
            (run,) = results[name]["runs"]["waypost"]
            for key, what, _ in results[name]["figures"]:
                self.assertTrue(run[key] is None or run[key] > 0, (name, what))


class Report(unittest.TestCase):
    def test_tables_and_plots_of_results(self):
        def row(title, curve, **values):
            return {"title": title, "figures": [["per_second", "messages/s", True]],
                    "curve": curve, "date": "2026-01-01", "machine": "this",
                    "runs": {label: [{"per_second": n, "ms": 1000 / n} for n in numbers]
                             for label, numbers in values.items()}}

        class Named:
            def __init__(self, name):
                self.name = name

        results = {"a": row("first", None, postfix=[100, 90, 130], waypost=[500, 700, 600]),
                   "b": row("second", None, postfix=[100], waypost=[]),
                   "c10": row("curve", ["clients", 10], postfix=[10], waypost=[60]),
                   "c100": row("curve", ["clients", 100], postfix=[20], waypost=[90])}
        place = tempfile.mkdtemp(prefix="report-")
        self.addCleanup(shutil.rmtree, place)
        os.mkdir(os.path.join(place, "docs"))
        path = os.path.join(place, "docs", "performance.md")
        with open(path, "w") as file:
            file.write(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
        rows = [Named(name) for name in results]
        report.write_docs(results, rows, place)
        with open(path) as file:
            text = file.read()
        self.assertTrue(text.startswith("before\n") and text.endswith("after\n"))
        self.assertNotIn("old", text)
        self.assertIn("| first | messages/s | 100 (90.0–130) | 600 (500–700) | 6.0 |", text)
        self.assertIn("| second | messages/s | 100 | no run counts |  |", text)
        self.assertIn("| 100 | 20.0 | 90.0 |", text)
        with open(os.path.join(place, "docs", "performance", "clients.svg")) as file:
            drawn = xml.dom.minidom.parseString(file.read())
        self.assertEqual(len(drawn.getElementsByTagName("polyline")), 2)
        self.assertEqual(len(drawn.getElementsByTagName("circle")), 4)
        # A second time nothing changes; nor by what was only tried, and a row
        # that is measured again leaves the others.
        report.write_docs(results, rows, place)
        report.write_docs({"a": {**results["b"], "shortened": True}}, rows, place)
        with open(path) as file:
            self.assertEqual(file.read(), text)
        report.write_docs({"b": row("second", None, postfix=[100], waypost=[300])}, rows,
                          place)
        with open(path) as file:
            self.assertEqual(file.read(), text.replace(
                "| second | messages/s | 100 | no run counts |  |",
                "| second | messages/s | 100 | 300 | 3.0 |"))

    def test_a_flame_graph_of_samples(self):
        samples = """\
smtpd
        ffffffff81 do_syscall_64+0x1f ([kernel.kallsyms])
              7f01 write+0x4d (/usr/lib/libc.so.6)
              5501 send_reply+0x10 (/usr/lib/postfix/sbin/smtpd)

smtpd
              5502 send_reply+0x20 (/usr/lib/postfix/sbin/smtpd)
              5500 [unknown] (/usr/lib/postfix/sbin/smtpd)

qmgr
              5601 operator<(int, int)+0x20 (/usr/lib/postfix/sbin/qmgr)
"""
        root = flame.read(samples.splitlines(keepends=True))
        self.assertEqual(root.count, 3)
        smtpd = root.callees["smtpd", "process"]
        reply = smtpd.callees["send_reply", "ours"]
        self.assertEqual((smtpd.count, reply.count), (2, 2))
        self.assertEqual(reply.callees["write", "library"].callees[
            "do_syscall_64", "kernel"].count, 1)
        drawn = xml.dom.minidom.parseString(flame.svg(root, "title"))
        titles = [t.firstChild.data for t in drawn.getElementsByTagName("title")]
        self.assertIn("send_reply: 66.7 %", titles)
        self.assertIn("operator<(int, int): 33.3 %", titles)


if __name__ == "__main__":
    unittest.main()
