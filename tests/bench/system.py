"""What a measured run needs: a disk whose fsync means something, a mail system
in a box on it, load and sink, and what the processes used.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import glob
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
import instance  # noqa: E402

BUILD = os.path.abspath(os.environ.get("WAYPOST_BUILD", os.path.join(ROOT, "build")))
TOOLS = os.path.join(BUILD, "test", "bench")
BOX = os.path.join(HERE, "postfix-in-a-box")
PATIENCE = 60               # seconds without a message at the sink


def run(*argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
    return done.stdout


class Disk:
    """A journaled ext4 on a file that is written in full beforehand, so that
    no measured write allocates below it. Made anew for each run."""

    def __init__(self, path, megabytes):
        self.path = path
        self.place = None
        size = megabytes << 20
        if not os.path.exists(path) or os.stat(path).st_size != size:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path + ".new", "wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
                zeros = bytes(1 << 20)
                for _ in range(megabytes):
                    file.write(zeros)
                file.flush()
                os.fsync(file.fileno())
            os.rename(path + ".new", path)

    def mount(self, place, inodes=None):
        os.makedirs(place, exist_ok=True)
        device = run("losetup", "--find", "--show", "--direct-io=on", self.path).strip()
        try:
            argv = ["mkfs.ext4", "-q", "-F", "-E",
                    "nodiscard,lazy_itable_init=0,lazy_journal_init=0"]
            run(*argv, *(["-N", str(inodes)] if inodes else []), device)
            run("mount", "-o", "noatime", device, place)
        finally:
            # In use by the mount, it goes away with that.
            run("losetup", "--detach", device)
        self.place = place

    def unmount(self):
        if self.place:
            run("umount", self.place)
        self.place = None


class Account:
    """CPU time of all processes of a group, also those that are gone."""

    V1 = "/sys/fs/cgroup/cpuacct"

    def __init__(self, name):
        self.folder = None
        if os.path.isdir(self.V1):
            self.folder, self.file = os.path.join(self.V1, name), "cpuacct.usage"
        elif os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            self.folder, self.file = os.path.join("/sys/fs/cgroup", name), "cpu.stat"
        if self.folder:
            try:
                os.makedirs(self.folder, exist_ok=True)
            except OSError:
                self.folder = None

    def enter(self):
        """For a child before it becomes the mail system."""
        if self.folder:
            with open(os.path.join(self.folder, "cgroup.procs"), "w") as file:
                file.write("0")

    def nanoseconds(self):
        if not self.folder:
            return None
        with open(os.path.join(self.folder, self.file)) as file:
            text = file.read()
        if self.file == "cpu.stat":
            return int(re.search(r"usage_usec (\d+)", text).group(1)) * 1000
        return int(text)

    def close(self):
        if self.folder:
            for _ in range(50):
                with contextlib.suppress(OSError):
                    os.rmdir(self.folder)
                    break
                time.sleep(0.1)


def busy_ns():
    """CPU time of the whole machine, kernel threads too."""
    with open("/proc/stat") as file:
        ticks = [int(n) for n in file.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) * (1000000000 // os.sysconf("SC_CLK_TCK"))


class Mail:
    """A mail system, started in a box on a fresh disk."""

    def __init__(self, programs, disk, settings, place, master=None, users=(),
                 inodes=None):
        self.programs = programs
        self.disk = disk
        self.place = place
        self.dir = os.path.join(place, "box")
        self.fs = os.path.join(place, "fs")
        self.process = None
        self.waiting = 0
        # Queue ids of Postfix are checked against the inode of their file.
        self.names_hold_inodes = not os.path.exists(
            os.path.join(programs, "usr", "sbin", "waypost"))
        # Each run is process 1 of a namespace of its own.
        self.account = Account(f"waypost-bench-{os.stat('/proc/self/ns/pid').st_ino}")
        shutil.rmtree(self.dir, ignore_errors=True)
        disk.mount(self.fs, inodes)
        os.makedirs(self.dir)
        for part in ("spool", "data", "log", "mail", "home"):
            os.mkdir(os.path.join(self.fs, part))
            os.symlink(os.path.join(self.fs, part), os.path.join(self.dir, part))
        if users:
            with open(os.path.join(self.dir, "users"), "w") as file:
                file.writelines(f"{u}:x:{n}:65534::/home/{u}:/bin/sh\n" for u, n in users)
        self.port = instance.free_port()
        self.box("init", *(f"{k}={v}" for k, v in settings.items()))
        path = os.path.join(self.dir, "etc", "master.cf")
        with open(path) as file:
            text = file.read()
        text = re.sub(r"^smtp(\s+inet)", rf"127.0.0.1:{self.port}\1", text, flags=re.M)
        with open(path, "w") as file:
            file.write(master(text) if master else text)

    def argv(self, *arguments):
        return [BOX, "--programs", self.programs, self.dir, *arguments]

    def box(self, *arguments, **options):
        return run(*self.argv(*arguments), **options)

    def inside(self, *arguments):
        """For a command in the running box, with nothing around it."""
        return ["nsenter", "-t", str(self.pids()[0]), "-m", "-p", *arguments]

    def began(self):
        """When its own start command was run, as time.time()."""
        with open(os.path.join(self.dir, "began")) as file:
            return float(file.read())

    def write(self, name, text):
        with open(os.path.join(self.dir, "etc", name), "w") as file:
            file.write(text)

    def start(self, wait=True):
        self.process = subprocess.Popen(
            self.argv("run"), stdin=subprocess.DEVNULL,
            stdout=open(os.path.join(self.dir, "output"), "wb"),
            stderr=subprocess.STDOUT, preexec_fn=self.account.enter)
        if wait:
            instance.until(self.answers, "the mail system to answer", 30)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("the mail system ended:\n" + self.log()[-2000:])
        try:
            with instance.Smtp(self.port, timeout=10) as client:
                return client.greeting[0] == 220
        except OSError:
            return False

    def log(self):
        text = ""
        for path in (os.path.join(self.dir, "output"),
                     os.path.join(self.dir, "log", "mail.log")):
            with contextlib.suppress(OSError):
                with open(path, errors="replace") as file:
                    text += file.read()
        return text

    def pids(self):
        """Processes of the box; the first is its master."""
        parents = {}
        for entry in glob.glob("/proc/[0-9]*/stat"):
            with contextlib.suppress(OSError):
                with open(entry, encoding="latin-1") as file:
                    text = file.read()
                parents[int(entry.split("/")[2])] = int(text.rpartition(")")[2].split()[1])
        found, grown = [self.process.pid], True
        while grown:
            more = [p for p, parent in parents.items() if parent in found and p not in found]
            grown = bool(more)
            found += more
        return [p for p in found if comm(p) not in ("unshare", "")]

    def memory(self):
        """Kilobytes: proportional and resident, by program."""
        by_program = {}
        for pid in self.pids():
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    text = file.read()
                pss, rss = (int(re.search(rf"^{n}:\s+(\d+)", text, re.M).group(1))
                            for n in ("Pss", "Rss"))
                had = by_program.setdefault(comm(pid), [0, 0, 0])
                by_program[comm(pid)] = [had[0] + pss, had[1] + rss, had[2] + 1]
        return by_program

    def queued(self):
        """Files in the queue; those that wait are looked at only if none should."""
        parts = ("incoming", "active", "maildrop") + (() if self.waiting else ("deferred",))
        return sum(len(names) for part in parts
                   for _, _, names in os.walk(os.path.join(self.fs, "spool", part)))

    def wait_empty(self):
        instance.until(lambda: self.queued() == 0, "an empty queue", PATIENCE)

    def stop(self):
        if self.process and self.process.poll() is None:
            with contextlib.suppress(OSError):
                os.kill(self.pids()[0], signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def close(self):
        self.stop()
        self.account.close()
        for _ in range(50):
            try:
                self.disk.unmount()
                return
            except RuntimeError:
                time.sleep(0.1)
        self.disk.unmount()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, Exception):
            print(f"--- end of the log of {self.programs}\n{self.log()[-3000:]}---",
                  file=sys.stderr)
        self.close()


def comm(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    return ""


class Tool:
    """One of our programs, which prints lines that we wait for."""

    def __init__(self, name, *arguments, before=(), **options):
        argv = [*before, os.path.join(TOOLS, name), *(str(a) for a in arguments)]
        self.name = name
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, **options)
        self.pending = b""
        self.cpu_ns = 0

    def line(self, patience=600):
        end = time.monotonic() + patience
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(0, end - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                self.close()
                raise RuntimeError(f"{self.name} said nothing more")
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode()

    def has_line(self, patience):
        """Whether line() would not have to wait longer than that."""
        return b"\n" in self.pending or \
            bool(select.select([self.process.stdout], [], [], patience)[0])

    def result(self, patience=600):
        return json.loads(self.line(patience))

    def finish(self, number=None):
        """Waits for its end, and asks for it if a signal is given."""
        if self.process.returncode is None:
            self.process.stdin.close()
            if number is not None:
                os.kill(self.process.pid, number)       # it is not waited for yet
            _, status, usage = os.wait4(self.process.pid, 0)
            self.process.returncode = status
            self.cpu_ns = int((usage.ru_utime + usage.ru_stime) * 1e9)
            self.process.stdout.close()

    def close(self):
        self.finish(signal.SIGTERM)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def listening_sink(port, *arguments, address="0.0.0.0"):
    sink = Tool("sink", "--listen", f"{address}:{port}", *arguments)
    if sink.line(10) != "ready":
        raise RuntimeError("the sink did not start")
    return sink


class NotAll(Exception):
    """Some message did not arrive: the run does not count."""


def options_of(values):
    return [a for name, value in values.items()
            for a in ("--" + name.replace("_", "-"), value)]


def load(port, count, recipients=1, **options):
    return Tool("load", "--to", f"127.0.0.1:{port}", "--messages", count,
                "--recipients", recipients, *options_of(options))


def measured(mail, receiver, sender, count, recipients=1):
    """What it took from the first byte of sender() to the last arrival. Both
    say in JSON what they did; all has to have come."""
    cpu, busy = mail.account.nanoseconds() if mail else None, busy_ns()
    with sender() as sending:
        came = receiver.result()
        sent = sending.result()
        sending.finish()
    if mail:
        mail.wait_empty()
        cpu = cpu and mail.account.nanoseconds() - cpu
    receiver.close()
    busy = busy_ns() - busy
    if not came["complete"]:
        raise NotAll(f"{came['unique']} of {count * recipients} came: {came} {sent}")
    seconds = (came["last_ns"] - sent["start_ns"]) / 1e9
    return {"per_second": count * recipients / seconds, "messages": count,
            "seconds": seconds, "ms": seconds / count * 1e3,
            "cpu_us": cpu and cpu / count / 1000, "busy_us": busy / count / 1000,
            "load_us": sending.cpu_ns / count / 1000,
            "sink_us": receiver.cpu_ns / count / 1000,
            "ms_50": sent["ms_50"], "ms_99": sent["ms_99"], "ms_100": sent["ms_100"],
            "failures": sent["failures"], "first_failure": sent["first_failure"],
            "duplicates": came["duplicates"], "transactions": came["transactions"]}


def send_all(mail, sink_port, count, recipients=1, to_port=None, **options):
    """Sends `count` messages through, from load to sink."""
    with listening_sink(sink_port, "--messages", count, "--recipients", recipients,
                        "--patience", PATIENCE) as sink:
        return measured(mail, sink, lambda: load(to_port or mail.port, count, recipients,
                                                 **options), count, recipients)
