"""Private instances, an SMTP client that says exactly what it is told, and a
server that answers as scripted: what the system tests are written with.

    class Relay(instance.TestCase):
        def test_mail_for_others_goes_to_the_next_server(self):
            sink = self.sink()
            mail = self.instance(relayhost=sink.where)
            mail.send("a@demo.test", ["x@example.org"], "Subject: hi\n\nbody\n")
            self.assertEqual(sink.wait(1)[0].recipients, ["x@example.org"])

Everything lives below TMPDIR, listens on an address of its own and is stopped
with the test. When a test fails its instance's log is printed.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import fcntl
import glob
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import faults as faults_from_outside

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("WAYPOST_BUILD", os.path.join(ROOT, "build"))
PATIENCE = float(os.environ.get("WAYPOST_PATIENCE", "20"))

HOST = "127.0.0.1"                  # where users and benchmarks listen
PORTS = range(10000, 30000)         # below those that the kernel hands out
PORT = 2525                         # on an address of one's own
# Whatever TMPDIR says: all tests of the machine look here.
LOCKS = "/tmp/waypost-test-locks"

_reserved = []


def reserve(name):
    """Holds a lock of that name while this process lives; false when another
    test of this machine has it."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(LOCKS)
        os.chmod(LOCKS, 0o1777)
    try:
        lock = os.open(os.path.join(LOCKS, name),
                       os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:
        return False                # another user's, which may be held
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    _reserved.append(lock)
    return True


def own_address():
    """An address in 127.0.0.0/8 that no other test is given."""
    while True:
        address = ".".join(["127", *(str(random.randint(2, 254))
                                     for _ in range(3))])
        if reserve(address):
            return address


def free_port():
    """A port of HOST that no other test is given: for what listens there."""
    while True:
        port = random.choice(PORTS)
        if reserve(str(port)):
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((HOST, port))
                return port


def seed(usual=None):
    """For what is left to chance: printed, fixed in CI, repeated by T_SEED."""
    if usual is None:
        usual = 1 if "CI" in os.environ else random.randrange(1 << 30)
    number = int(os.environ.get("T_SEED", usual))
    print(f"  T_SEED={number}", flush=True)
    return number


def sample_seed():
    """What is compared with another program: the same sample each time, because
    another one may show a difference that nobody has explained yet, which is no
    news of the change that is tested. T_SEED takes others."""
    return seed(usual=1)


def until(condition, what, patience=None):
    """The first true result of condition(); fails after a while."""
    limit = PATIENCE if patience is None else patience
    end = time.monotonic() + limit
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit:g} s in vain for {what}")
        time.sleep(0.02)


def reachable(path):
    """Whether users other than root get there."""
    while path != "/":
        if not os.stat(path).st_mode & 0o001:
            return False
        path = os.path.dirname(path)
    return True


def build_with_faults():
    """Where the programs with fault points are."""
    return BUILD if os.path.basename(BUILD) == "test" else \
        os.path.join(BUILD, "test")


_copied = {}


def build_for_others(build):
    """The build directory, or a copy where every user reaches it."""
    if reachable(build):
        return build
    if build not in _copied:
        copy = _copied[build] = tempfile.mkdtemp(prefix="build-")
        os.chmod(copy, 0o755)
        for part in ("sbin", "libexec"):
            shutil.copytree(os.path.join(build, part),
                            os.path.join(copy, part), symlinks=True)
    return _copied[build]


class Smtp:
    """One connection. Lines are sent and received as they are."""

    def __init__(self, port, host=HOST, greet=True, timeout=None, source=None):
        self.socket = socket.create_connection((host, port), timeout or PATIENCE,
            source_address=(source, 0) if source else None)
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply() if greet else None

    def reply(self):
        """(code, text lines); a closed connection is (0, [])."""
        lines = []
        while True:
            line = self.file.readline()
            if not line.endswith(b"\n"):
                return 0, lines
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            lines.append(text[4:])
            if text[3:4] != "-":
                return int(text[:3]), lines

    def raw(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def say(self, line):
        self.raw(line + "\r\n")
        return self.reply()

    def hello(self, name="client.example"):
        code, lines = self.say("EHLO " + name)
        assert code == 250, (code, lines)
        return lines

    def mail(self, sender, recipients, text, parameters=""):
        """One transaction; the reply to the final dot, or to what failed.
        `taken` has the recipients that were."""
        self.taken = []
        code, lines = self.say(f"MAIL FROM:<{sender}>{parameters}")
        if code != 250:
            return code, lines
        for recipient in recipients:
            code, lines = self.say(f"RCPT TO:<{recipient}>")
            if code == 250:
                self.taken.append(recipient)
        if not self.taken:
            return code, lines
        code, lines = self.say("DATA")
        if code != 354:
            return code, lines
        body = text if isinstance(text, bytes) else text.encode()
        body = re.sub(rb"\r?\n", b"\r\n", body)
        self.raw(re.sub(rb"(?m)^\.", b"..", body) + b".\r\n")
        return self.reply()

    def quit(self):
        with contextlib.suppress(OSError):
            self.say("QUIT")
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.quit()


class Received:
    def __init__(self, sender, recipients, data, greeting, envelope):
        self.sender = sender
        self.recipients = recipients
        self.data = data
        self.greeting = greeting
        self.envelope = envelope        # MAIL and RCPT, as they were


class Sink:
    """A next server. `answer(stage, argument)` may return a reply line for
    "connect", "helo", "mail", "rcpt", "data", "dot", "quit" or None for the
    usual one; "close" hangs up."""

    USUAL = {"connect": "220 sink.example ESMTP", "mail": "250 2.1.0 Ok",
             "rcpt": "250 2.1.5 Ok", "data": "354 go on",
             "dot": "250 2.0.0 taken", "quit": "221 2.0.0 Bye",
             "rset": "250 2.0.0 Ok", "noop": "250 2.0.0 Ok"}

    def __init__(self, answer=None, extensions=("PIPELINING", "8BITMIME",
                 "SMTPUTF8", "SIZE 0", "ENHANCEDSTATUSCODES"), port=0,
                 path=None, lmtp=False, host=None):
        self.answer = answer or (lambda stage, argument: None)
        self.extensions = extensions
        self.lmtp = lmtp
        self.received = []
        self.connections = 0
        self.commands = []
        self.lock = threading.Lock()
        self.open = set()
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o666)
            self.host = self.port = self.where = None
        else:
            self.host, self.port = host or own_address(), port or PORT
            self.where = f"[{self.host}]:{self.port}"   # as a next hop
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((self.host, self.port))
        self.listener.listen(128)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(peer)
            if peer.family != socket.AF_UNIX:
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def say(self, peer, stage, argument=""):
        line = self.answer(stage, argument)
        if line is None:
            line = self.USUAL[stage]
        if line == "close":
            raise ConnectionError
        peer.sendall(line.replace("\n", "\r\n").encode() + b"\r\n")
        return line.startswith(("2", "3"))

    def serve(self, peer):
        file = peer.makefile("rb")
        try:
            self.converse(peer, file)
        except (ConnectionError, OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.discard(peer)
            file.close()
            peer.close()

    def converse(self, peer, file):
        sender, recipients, greeting, envelope = None, [], "", []
        if not self.say(peer, "connect"):
            return
        for line in file:
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            word = text[:4].upper()
            with self.lock:
                self.commands.append(text)
            address = re.search(r"<([^>]*)>", text)
            if word in ("EHLO", "LHLO"):
                greeting = text
                line = self.answer("helo", text)
                if line == "close":
                    raise ConnectionError
                if line is None:
                    names = ("sink.example",) + tuple(self.extensions)
                    line = "\n".join(["250-" + n for n in names[:-1]] +
                                     ["250 " + names[-1]])
                peer.sendall(line.replace("\n", "\r\n").encode() + b"\r\n")
            elif word == "HELO":
                greeting = text
                peer.sendall(b"250 sink.example\r\n")
            elif word == "MAIL":
                if self.say(peer, "mail", address.group(1)):
                    sender, recipients = address.group(1), []
                    envelope = [text]
            elif word == "RCPT":
                if self.say(peer, "rcpt", address.group(1)):
                    recipients.append(address.group(1))
                    envelope.append(text)
            elif word == "DATA":
                if not recipients:
                    peer.sendall(b"554 5.5.1 no valid recipients\r\n")
                    continue
                if not self.say(peer, "data"):
                    continue
                data = bytearray()
                for body in file:
                    if body == b".\r\n":
                        break
                    data += body[1:] if body.startswith(b".") else body
                else:
                    return
                # LMTP answers per recipient.
                good = [r for r in (recipients if self.lmtp else [None])
                        if self.say(peer, "dot", r or "")]
                if good:
                    with self.lock:
                        self.received.append(Received(
                            sender, good if self.lmtp else recipients, bytes(data),
                            greeting, envelope))
                sender, recipients = None, []
            elif word == "RSET":
                sender, recipients = None, []
                self.say(peer, "rset")
            elif word == "NOOP":
                self.say(peer, "noop")
            elif word == "QUIT":
                self.say(peer, "quit")
                return
            else:
                peer.sendall(b"502 5.5.2 what\r\n")

    def wait(self, count, patience=None):
        until(lambda: len(self.received) >= count,
              f"{count} messages at the sink, {len(self.received)} came",
              patience)
        return list(self.received)

    def close(self):
        # A thread in accept() would keep the port; shutdown wakes it.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for peer in self.open:
                with contextlib.suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)


class Instance:
    """One private mail system. `settings` are lines of main.cf; `master`
    changes the text of master.cf before the start. It has host for itself, port
    and those behind it are free."""

    def __init__(self, settings=None, master=None, user=None,
                 domain="demo.test", environment=None, build=None):
        self.dir = tempfile.mkdtemp(prefix="i-")
        os.chmod(self.dir, 0o755)
        self.etc = os.path.join(self.dir, "etc")
        self.spool = os.path.join(self.dir, "spool")
        self.mail_dir = os.path.join(self.dir, "mail")
        self.log_path = os.path.join(self.dir, "log")
        self.host, self.port = own_address(), PORT
        self.domain = domain
        self.user = user                    # numeric, when we are root
        self.build = build or BUILD
        if user:
            self.build = build_for_others(self.build)
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None
        self.open_files = None              # a limit, or the machine's
        if user:
            os.chown(self.dir, user, user)
        argv = [os.path.join(ROOT, "conf", "make-instance")]
        if user and not reachable(ROOT):
            conf = os.path.join(self.dir, "conf")
            shutil.copytree(os.path.join(ROOT, "conf"), conf)
            argv = [os.path.join(conf, "make-instance")]
        argv += ["--dir", self.dir, "--build", self.build, "--address",
                 self.host, "--port", str(self.port), "--domain", domain]
        argv += [f"{name}={value}" for name, value in (settings or {}).items()]
        self.run(argv)
        if master:
            path = os.path.join(self.etc, "master.cf")
            with open(path, encoding="utf-8") as file:
                text = master(file.read())
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    # Running things as the instance's user.

    def identity(self):
        if self.user:
            return {"user": self.user, "group": self.user, "extra_groups": []}
        return {}

    def run(self, argv, input=None, check=True, timeout=60):
        data = input.encode() if isinstance(input, str) else input
        done = subprocess.run(argv, input=data, capture_output=True,
                              timeout=timeout, cwd=self.dir,
                              env=self.environment, check=False,
                              **self.identity())
        done.out = done.stdout.decode("utf-8", "replace")
        done.err = done.stderr.decode("utf-8", "replace")
        if check and done.returncode != 0:
            raise AssertionError(f"{argv} ended with {done.returncode}\n"
                                 f"{done.out}{done.err}")
        return done

    def command(self, name, *arguments, input=None, check=True, timeout=60):
        """postqueue, postsuper, sendmail ... on this instance."""
        flag = "-C" if name in ("sendmail", "mailq", "newaliases") else "-c"
        return self.run([os.path.join(self.build, "sbin", name), flag, self.etc,
                         *arguments], input, check, timeout)

    def set(self, **settings):
        """Changes main.cf; a running instance wants a reload."""
        path = os.path.join(self.etc, "main.cf")
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for name, value in settings.items():
            lines = [l for l in lines if not re.match(rf"{name}\s*=", l)]
            lines.append(f"{name} = {value}")
        self.write("main.cf", "\n".join(lines) + "\n")

    def write(self, name, text):
        """A file below etc/; its absolute path."""
        path = os.path.join(self.etc, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def append(self, name, text):
        """At the end of a file below etc/."""
        with open(os.path.join(self.etc, name), "a", encoding="utf-8") as file:
            file.write(text)

    # Life.

    def start(self):
        log = open(self.log_path, "ab")
        if self.user:
            os.fchown(log.fileno(), self.user, self.user)
        self.process = subprocess.Popen(
            [os.path.join(self.build, "sbin", "waypost"), "-c", self.etc,
             "start-fg"], stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, env=self.environment, cwd=self.dir,
            preexec_fn=self.limit_open_files if self.open_files else None,
            **self.identity())
        log.close()
        until(self.answers, "the instance to answer")
        return self

    def limit_open_files(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, 2 * (self.open_files,))

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError("waypost ended with "
                                 f"{self.process.returncode}\n{self.log()}")
        try:
            with Smtp(self.port, self.host, timeout=5) as client:
                return client.greeting[0] in (220, 421, 451)
        except OSError:
            return False

    def stop(self, number=signal.SIGTERM, patience=40):
        """The exit status of master."""
        if self.process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"waypost did not stop in {patience} s") from None
        self.process = None
        return status

    def kill_all(self):
        """All of its processes at once, as when the power fails."""
        for pid in self.freeze_all():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def freeze_all(self):
        """None of its processes does anything any more; their numbers."""
        pids = self.processes()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return pids

    def generation(self):
        """Of master, and how many processes have not heard that they are to
        leave."""
        text = self.command("waypost", "status", "-v").out
        number = re.match(r"version .*, generation (\d+)\n", text).group(1)
        return int(number), len(re.findall(r"(?m)^(?:\S+ +){3}\d+ +\d+ told ",
                                           text))

    def reload(self, wait=True):
        """The command returns when master has been told. This waits until
        nobody works with the old settings any more, but in sessions and
        deliveries that have begun."""
        if not wait:
            self.command("waypost", "reload")
            return
        before, _ = self.generation()
        self.command("waypost", "reload")

        def in_force():
            number, told = self.generation()
            return number > before and told == 0
        until(in_force, "the new settings to be in force")

    def processes(self):
        """Master and all below it."""
        found = {self.process.pid}
        for path in glob.glob("/proc/[0-9]*"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(os.path.basename(path))
                if self.below(pid, self.process.pid):
                    found.add(pid)
        return sorted(found)

    def pids(self, role):
        """Processes of this instance that run this program."""
        found = []
        for entry in glob.glob("/proc/[0-9]*/exe"):
            with contextlib.suppress(OSError, ValueError):
                program = os.readlink(entry)
                if os.path.basename(program) != role:
                    continue
                pid = int(entry.split("/")[2])
                if self.process and self.below(pid, self.process.pid):
                    found.append(pid)
        return sorted(found)

    @staticmethod
    def below(pid, ancestor):
        while pid > 1:
            if pid == ancestor:
                return True
            with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        return False

    # Mail.

    def smtp(self, **options):
        return Smtp(self.port, self.host, **options)

    def send(self, sender, recipients, text="Subject: test\n\nbody\n"):
        """Sends over SMTP; the queue id of the 250."""
        with self.smtp() as client:
            client.hello()
            code, lines = client.mail(sender, recipients, text)
        if code != 250:
            raise AssertionError(f"not taken: {code} {lines}")
        found = re.search(r"queued as (\w+)", lines[-1])
        return found.group(1) if found else None

    def box(self, name="everyone"):
        """The messages in a Maildir, oldest first."""
        paths = glob.glob(os.path.join(self.mail_dir, name, "new", "*"))
        mails = []
        for path in sorted(paths, key=lambda p: (os.stat(p).st_mtime_ns, p)):
            with open(path, "rb") as file:
                mails.append(file.read())
        return mails

    def wait_box(self, name="everyone", count=1, patience=None):
        until(lambda: len(self.box(name)) >= count,
              f"{count} messages in {name}", patience)
        return self.box(name)

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        return ""

    def wait_log(self, pattern, count=1, patience=None):
        """All matches, once there are so many."""
        expression = re.compile(pattern, re.M)
        until(lambda: len(expression.findall(self.log())) >= count,
              f"{count} log lines like {pattern}", patience)
        return list(expression.finditer(self.log()))

    def queue(self):
        """What `postqueue -j` says, a list of dictionaries."""
        text = self.command("postqueue", "-j").out
        return [json.loads(line) for line in text.splitlines()]

    def wait_empty(self, patience=None):
        until(lambda: not self.queue(), "an empty queue", patience)

    def remove(self):
        with contextlib.suppress(Exception):
            self.stop(signal.SIGKILL, 5)
        shutil.rmtree(self.dir, ignore_errors=True)


class TestCase(unittest.TestCase):
    """Tests whose instances and sinks go away by themselves."""

    def setUp(self):
        if not os.path.exists(os.path.join(BUILD, "sbin", "waypost")):
            self.skipTest("no waypost in " + BUILD)

    def instance(self, settings=None, start=True, master=None, user=None,
                 environment=None, faults=None, **more):
        """A started instance; names of main.cf as keywords. `faults`: a board
        (faults.py), which all its processes look at."""
        build = None
        if faults:
            build = build_with_faults()
            environment = {**(environment or {}),
                           "WAYPOST_FAULT_BOARD": faults.path}
        made = Instance({**(settings or {}), **more}, master, user,
                        environment=environment, build=build)
        self.addCleanup(made.remove)
        self.addCleanup(self.explain, made)
        return made.start() if start else made

    def board(self):
        if not os.path.exists(os.path.join(build_with_faults(), "libexec",
                                           "master")):
            self.skipTest("no programs with fault points in "
                          + build_with_faults())
        board = faults_from_outside.Board()
        self.addCleanup(board.remove)
        return board

    def sink(self, answer=None, **options):
        sink = Sink(answer, **options)
        self.addCleanup(sink.close)
        return sink

    def has_failed(self):
        """Also while cleanups run, for which unittest has no answer: their
        own success is what _outcome.success tells then."""
        result = self._outcome.result
        told = [getattr(test, "test_case", test)
                for test, _ in result.failures + result.errors]
        kept = [error for _, error in getattr(self._outcome, "errors", [])
                if error]
        return self in told or bool(kept)

    def explain(self, made):
        if self.has_failed():
            print(f"--- log of {made.dir}\n{made.log()}--- end of log", flush=True)
