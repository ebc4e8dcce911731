"""What each role has given up, looked at from outside and tried from inside.

From outside: /proc of every process of an instance of which every program runs.
From inside: tests/tools/in_place.c makes the forbidden calls in the place of the
process itself. ROLES has what is expected of whom; no program of the build and no
row of conf/master.cf is without. It is also held against docs/security.md and the
declarations in the sources.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import glob
import os
import re
import signal
import socket
import subprocess
import unittest

import faults
import instance

IN_PLACE = os.path.join(instance.BUILD, "test", "tools", "in_place")
if not os.path.exists(IN_PLACE):        # a build directory of its own
    IN_PLACE = os.path.join(instance.BUILD, "tools", "in_place")

READ, WRITE, CONFIG, NSS, NET, LAUNCH = (
    "NEEDS_QUEUE_READ", "NEEDS_QUEUE_WRITE", "NEEDS_CONFIG_READ", "NEEDS_NSS",
    "NEEDS_NETWORK_OUT", "NEEDS_LAUNCHER")

# What it declares; besides what all hold: open files of these kinds, and how
# many threads (those that wait for disks and libraries, up to 16, and a flusher).
Role = collections.namedtuple("Role", "needs holds threads",
                              defaults=((), 1))
MANY = 1 + 16 + 4
ROLES = {
    "smtpd": Role({CONFIG}, ("tables",)),
    "cleanup": Role({READ, WRITE, CONFIG}, ("tables", "queue"), MANY),
    "qmgr": Role({READ, WRITE}, ("queue", "own lock"), MANY),
    "trivial-rewrite": Role({CONFIG}, ("tables",)),
    "smtp": Role({READ, NET}, ("tables",)),
    "local": Role({READ, CONFIG, NSS, LAUNCH}, ("tables", "message"), MANY),
    "virtual": Role({READ, CONFIG, LAUNCH}, ("tables",)),
    "pipe": Role({READ, LAUNCH}, ("message",)),
    "spawn": Role({LAUNCH}),
    "error": Role({READ}),
    "discard": Role({READ}),
    "bounce": Role({READ, WRITE}, ("queue",), MANY),
    "pickup": Role({READ, WRITE}),
    "showq": Role({READ}),
    "proxymap": Role({CONFIG, NSS, NET}, ("tables",), MANY),
    "resolver": Role({NSS, NET}, (), MANY),
    "anvil": Role(set()),
    "flush": Role({READ, CONFIG}),
    "verify": Role(set(), ("verify_cache",)),
    "postlogd": Role(set()),
    "recover": Role({READ, WRITE}, ("queue",)),
    "idle": Role(set()),
}
# Programs that go by another name.
SAME = {"lmtp": "smtp", "nqmgr": "qmgr", "oqmgr": "qmgr", **dict.fromkeys(
    ("scache", "tlsmgr", "tlsproxy", "dnsblog", "postscreen", "qmqpd"),
    "idle")}
OTHERS = {"master", "launcher"}         # keep root: no such declaration

# Not in a chroot in the second instance either: look-ups outside are their work,
# or there are no commands inside (rows of their own have them without).
NOT_CHROOTED = {"proxymap", "resolver", "pipe", "spawn"}

OWNER, BOX, NOBODY = 12001, 12003, 65534
ALL_CAPABILITIES = {"CapInh", "CapPrm", "CapEff", "CapAmb"}


def role_of(program):
    return SAME.get(program, program)


def row_of(name):
    needs = ROLES[name].needs
    reads = ["all that its user may"] if needs & {CONFIG, NSS} else ["libraries"]
    if READ in needs and not needs & {CONFIG, NSS}:
        reads.append("the queue")
    return (f"| {name} | {', '.join(reads)} | "
            f"{'the queue' if WRITE in needs else '-'} | "
            f"{'yes' if NET in needs else '-'} | "
            f"{'launcher' if LAUNCH in needs else '-'} |")


def declared(name):
    found = set()
    for path in glob.glob(os.path.join(instance.ROOT, "daemons", name, "*.c")):
        with open(path, encoding="utf-8") as file:
            for text in re.findall(r"\.needs = ([^,]*),", file.read()):
                found |= set(re.findall(r"NEEDS_\w+", text))
    return found


def programs_of_master_cf():
    """Of all rows, those that are an example included."""
    with open(os.path.join(instance.ROOT, "conf", "master.cf"),
              encoding="utf-8") as file:
        return {row.split()[7] for row in re.findall(
            r"^#?(\w\S*\s+(?:inet|unix|unix-dgram|pass|fifo)\s.*)",
            file.read(), re.M)}


class Table(unittest.TestCase):
    def test_every_role_is_in_the_table(self):
        folders = {os.path.basename(p.rstrip("/")) for p in glob.glob(
            os.path.join(instance.ROOT, "daemons", "*", ""))}
        self.assertEqual(folders - {"shared", "commands"} - OTHERS,
                         set(ROLES))

    def test_every_program_and_every_row_of_master_cf_is_in_the_table(self):
        built = set(os.listdir(os.path.join(instance.BUILD, "libexec")))
        self.assertEqual(built - OTHERS, set(ROLES) - {"idle"} | set(SAME)
                         | built & {"idle"})
        rows = programs_of_master_cf()
        self.assertGreater(len(rows), 20)
        self.assertLessEqual({role_of(program) for program in rows}, set(ROLES))

    def test_roles_declare_what_the_table_says(self):
        self.assertEqual({name: declared(name) for name in ROLES},
                         {name: role.needs for name, role in ROLES.items()})

    def test_the_page_on_security_has_the_same_table(self):
        with open(os.path.join(instance.ROOT, "docs", "security.md"),
                  encoding="utf-8") as file:
            lines = file.read().splitlines()
        for name in ROLES:
            self.assertIn(row_of(name), lines)


class Process:
    def __init__(self, pid):
        self.pid = pid
        self.program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        self.status = self.read_status(f"/proc/{pid}/status")
        self.tasks = [self.read_status(path) for path in
                      glob.glob(f"/proc/{pid}/task/*/status")]
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
        self.worker = "mailbox" if b"--worker" in words else \
            "command" if b"--commands" in words else None
        self.root = os.readlink(f"/proc/{pid}/root")
        self.files = {}
        for link in glob.glob(f"/proc/{pid}/fd/*"):
            self.files[int(os.path.basename(link))] = os.readlink(link)

    @staticmethod
    def read_status(path):
        with open(path, encoding="latin-1") as file:
            return dict(line.rstrip("\n").split(":\t", 1)
                        for line in file if ":\t" in line)

    def ids(self, name):
        return {int(n) for n in self.status[name].split()}

    def number(self, name):
        return int(self.status[name])

    def capabilities(self):
        return {name: int(self.status[name], 16) for name in ALL_CAPABILITIES}

    def holds(self, pattern):
        return [f for f in self.files.values() if re.fullmatch(pattern, f)]


# ---- calls, made in the place of a process ----

def text(value):
    return "=" + value.encode().hex()


def inet_address(host, port):
    return "=" + (socket.AF_INET.to_bytes(2, "little") + port.to_bytes(2, "big")
                  + socket.inet_aton(host)).hex() + "00" * 8, 16


def unix_address(path):
    raw = socket.AF_UNIX.to_bytes(2, "little") + path.encode()
    return "=" + raw.hex(), len(raw)


CALLS = {"openat": 257, "close": 3, "socket": 41, "connect": 42, "clone": 56,
         "execve": 59, "kill": 62, "ptrace": 101, "setuid": 105, "chroot": 161,
         "mount": 165, "keyctl": 250, "unlinkat": 263, "unshare": 272,
         "process_vm_readv": 310, "bpf": 321, "userfaultfd": 323,
         "io_uring_setup": 425}
HERE, CREATE, DIRECTORY = -100, os.O_WRONLY | os.O_CREAT, os.O_DIRECTORY
NO_PROCESS = 4194303


def call(name, *arguments):
    return " ".join(str(a) for a in (CALLS[name], *arguments))


def make_calls(pid, calls):
    """The answers, in order; None where this cannot be done."""
    done = subprocess.run([IN_PLACE, str(pid)], input="\n".join(calls) + "\n",
                          capture_output=True, text=True, check=False,
                          timeout=60)
    if done.returncode == 77:
        return None
    if done.returncode != 0:
        raise AssertionError(f"in the place of {pid}: {done.stderr}{done.stdout}")
    return done.stdout.split()


class Running(instance.TestCase):
    """Of each program one process or more, looked at and tried."""

    def rows(self, chrooted):
        """Those of conf/master.cf, and of what it names as an example only."""
        def change(given):
            more = "".join(f"{name} unix - - n - 0 {name}\n" for name in
                           ("dnsblog", "tlsproxy", "postscreen", "qmqpd"))
            more += ("commands unix - n n - - pipe\n"
                     "  user=nobody argv=/bin/sleep 61\n"
                     "serving unix - n n - 0 spawn\n"
                     "  user=nobody argv=/bin/cat\n")
            alone = "".join(f"{role}-alone unix - n y - - {role}\n"
                            "  user=nobody argv=/nothing\n"
                            for role in ("pipe", "spawn"))
            lines = []
            for line in (given + "\n" + more).splitlines():
                words = line.split()
                if chrooted and len(words) >= 8 and words[4] == "n" and \
                        line[0] not in "# " and words[7] not in NOT_CHROOTED:
                    words[4] = "y"
                    line = " ".join(words)
                lines.append(line)
            return "\n".join(lines) + "\n" + (alone if chrooted else "")
        return change

    def busy(self, user=None, chrooted=False):
        """An instance of which every program runs, most after some mail."""
        self.sink_of_all = self.sink(
            lambda stage, argument: "550 5.1.1 no" if stage == "rcpt"
            and argument.startswith("bounce") else None)
        server = self.sink(lmtp=True)
        mail = self.instance({
            "relayhost": self.sink_of_all.where, "local_recipient_maps": "",
            "smtpd_reject_unlisted_recipient": "no",
            "mydestination": "here.test", "queue_sync_method": "log",
            "queue_log_size": "262144",         # left behind for recovery
            "alias_maps": "texthash:$config_directory/aliases",
            "virtual_alias_maps": "proxy:texthash:$config_directory/virtual",
            "transport_maps": "texthash:$config_directory/transports"},
            user=user, start=False, master=self.rows(chrooted))
        mail.user = mail.user or os.getuid()
        mail.write("aliases", 'away out@example.org\nruns "|/bin/sleep 60"\n')
        mail.write("virtual", "x@y.test z@y.test\n")
        mail.write("transports", "bounce.test error:5.1.1 gone\n"
                   "retry.test retry:4.3.2 later\n"
                   "discard.test discard:\ncommands.test commands:\n"
                   f"lmtp.test lmtp:inet:{server.host}:{server.port}\n")
        self.outside = os.path.join(mail.dir, "outside")
        os.mkdir(self.outside)
        os.chmod(self.outside, 0o777)
        for name, mode in (("open", 0o644), ("secret", 0o600)):
            path = os.path.join(self.outside, name)
            with open(path, "w", encoding="utf-8"):
                os.chmod(path, mode)
        self.abstract = "\0" + mail.dir
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.abstract)
        listener.listen()
        self.addCleanup(listener.close)
        mail.start()
        mail.send("s@demo.test", ["alice@demo.test", "out@example.org",
                                  "bounce@example.org", "away@here.test",
                                  "a@bounce.test", "a@retry.test",
                                  "a@discard.test", "a@lmtp.test"])
        self.sink_of_all.wait(2)
        server.wait(1)
        mail.wait_log("to=<a@(discard|retry).test>", 2)
        mail.wait_box("alice")
        mail.wait_box("everyone")               # the notice
        mail.send("s@demo.test", ["runs@here.test", "a@commands.test"])
        mail.command("postqueue", "-p")
        self.start_the_rest(mail)
        return mail

    def start_the_rest(self, mail):
        """A service that somebody calls has a process."""
        for path in glob.glob(mail.spool + "/p[ru][ib]*/*"):
            kind = socket.SOCK_DGRAM if path.endswith("/postlog") else \
                socket.SOCK_STREAM
            client = socket.socket(socket.AF_UNIX, kind)
            self.addCleanup(client.close)
            client.connect(path)
            if kind == socket.SOCK_DGRAM:
                client.send(b"a line\n")

        def all_run():
            self.known = {}             # what `status` says, by process
            rows = mail.command("waypost", "status", "-v").out.splitlines()
            words = [row.split(None, 10) for row in rows[2:]]
            for row in words:
                if len(row) == 11 and row[3].isdigit():
                    self.known[int(row[3])] = row
            # The shortest-lived ones hang up at once, and stay for a while.
            return all(row[3] != "-" and row[5] == "ready" for row in words)

        instance.until(all_run, "every service to have a process")
        instance.until(lambda: len(mail.pids("sleep")) == 2
                       and mail.pids("cat"), "the commands")

    # ---- from outside ----

    def look_at_ids(self, mail, p, uid):
        self.assertEqual(p.ids("Uid"), {uid})
        self.assertEqual(p.ids("Gid"), {uid})
        for task in p.tasks:            # Landlock and seccomp are a thread's
            self.assertEqual(task["Uid"], p.status["Uid"])
            self.assertEqual(task["Seccomp"], p.status["Seccomp"])
            self.assertEqual(task["NoNewPrivs"], p.status["NoNewPrivs"])
            self.assertEqual(task["CapEff"], p.status["CapEff"])
        if uid != 0:
            self.assertEqual(p.ids("Groups"), set())
            self.assertEqual(set(p.capabilities().values()), {0})

    def look_at_files(self, mail, p, kinds):
        common = [r"socket:\[\d+\]", r"pipe:\[\d+\]", "/dev/null",
                  r"anon_inode:\[(eventpoll|eventfd|signalfd)\]",
                  re.escape(mail.log_path),
                  re.escape(mail.spool) + "(/pid/master.lock)?",
                  rf"/proc/{p.pid}/statm"]
        known = {"tables": re.escape(mail.etc) + "/(mailboxes|virtual|aliases|"
                 "transports)",
                 "message": re.escape(mail.spool) + "/(incoming|active)/.*|"
                 r"/memfd:message \(deleted\)",
                 "queue": re.escape(mail.spool) + "/(incoming|active|deferred|"
                 "bounce|defer|trace|log).*",
                 "own lock": re.escape(mail.spool) + "/pid/waypost.qmgr.lock",
                 "verify_cache": re.escape(mail.dir) + "/data/verify_cache.*",
                 "control": "/memfd:waypost-.*",
                 "pid": re.escape(mail.spool) + "/pid/master.pid"}
        allowed = "|".join(common + [known[kind] for kind in kinds])
        self.assertEqual([f for f in p.files.values()
                          if not re.fullmatch(allowed, f)], [])
        self.assertIn("/dev/null", p.files[0])

    def look_at_launcher(self, mail, p):
        self.look_at_ids(mail, p, mail.user)
        self.assertEqual(p.number("Threads"), 1)        # before any thread exists
        self.assertEqual(p.root, "/")
        self.look_at_files(mail, p, ("control", "pid") if p.program == "master"
                           else ())
        if p.program == "launcher":     # its agent's, and nobody else's
            self.assertEqual(len(p.holds(r"socket:.*")), 1)

    def look_at_worker(self, mail, p, uids):
        uid = p.ids("Uid").pop()
        self.assertIn(uid, uids)
        self.look_at_ids(mail, p, uid)
        # Commands may start postdrop, which gains rights by its mode.
        self.assertEqual(p.number("NoNewPrivs"), int(p.worker == "mailbox"))
        self.assertLessEqual(p.number("Threads"), MANY)
        if p.files:                     # none: who watches over a command
            self.look_at_files(mail, p, ("message",)
                               if p.worker == "command" else ())

    def look_at_command(self, mail, p, uids):
        uid = p.ids("Uid").pop()
        self.assertIn(uid, uids)
        self.look_at_ids(mail, p, uid)
        self.assertEqual(set(p.files), {0, 1, 2})
        for name in p.files.values():
            self.assertRegex(name, r"(pipe|socket):|/memfd:message |/dev/null")

    def look_at_role(self, mail, p, name, jail, chrooted, as_root):
        role = ROLES[name]
        uid = OWNER if as_root else mail.user
        self.look_at_ids(mail, p, uid)
        self.assertEqual(p.number("NoNewPrivs"), 1)
        self.assertLessEqual(p.number("Threads"), role.threads)
        self.assertEqual(p.root, mail.spool if chrooted else "/")
        self.assertEqual(os.readlink(f"/proc/{p.pid}/cwd"), mail.spool)
        self.look_at_files(mail, p, role.holds)
        self.assertTrue(jail.startswith(f"uid {uid}, "
                                        + ("chroot" if chrooted else "")), jail)
        self.assertEqual(p.number("Seccomp"), 0 if "no seccomp" in jail else 2)
        # Its memory is not for others of the same user to read, where roles
        # have a user of their own.
        if as_root:
            self.assertEqual(os.stat(f"/proc/{p.pid}/mem").st_uid, 0)

    # ---- from inside ----

    def wanted(self, mail, name, jail, chrooted, other):
        """(what, call, the answers that are right)"""
        needs = ROLES[name].needs
        filtered = "no seccomp" not in jail
        landlock = re.search(r"landlock (\d+)", jail)
        scoped = bool(landlock) and int(landlock[1]) >= 6
        everything = bool(needs & {CONFIG, NSS})
        no = {"EPERM"} if filtered else None
        kept_out = {"ENOENT"} if chrooted else {"EACCES"} if landlock else None
        yes = {"ok"}
        outside = os.path.join(self.outside, "")

        def opened(what, path, flags, right):
            return [(what, call("openat", HERE, text(path), flags, 0o600), right),
                    ("its end", call("close", "last"), None)]

        def connected(what, family, address, right):
            return [(what + ", a socket", call("socket", family,
                     socket.SOCK_STREAM, 0), None if family != socket.AF_INET
                     else yes if NET in needs else no),
                    (what, call("connect", "last", *address), right),
                    ("its end", call("close", "last"), None)]

        return [
            ("become root", call("setuid", 0), {"EPERM"}),
            ("start a process", call("clone", 17, 0, 0, 0, 0), no),
            ("run a program", call("execve", text("/bin/true"), 0, 0),
             no or kept_out),
            ("trace", call("ptrace", 16, NO_PROCESS, 0, 0), no),
            ("read another's memory", call("process_vm_readv", NO_PROCESS, 0, 0,
                                           0, 0, 0), no),
            ("mount", call("mount", 0, text("/"), 0, 0, 0), {"EPERM"}),
            ("chroot", call("chroot", text("/")), {"EPERM"}),
            ("a user namespace", call("unshare", 0x10000000), no),
            ("bpf", call("bpf", 0, 0, 0), no),
            ("io_uring", call("io_uring_setup", 1, 0), no),
            ("keys", call("keyctl", 0, 0, 0, 0, 0), no),
            ("userfaultfd", call("userfaultfd", 0), no),
            ("an odd socket", call("socket", socket.AF_ALG, 5, 0), no),
            ("an even odder one", call("socket", 44, 3, 0), no),
            ("netlink", call("socket", socket.AF_NETLINK, 3, 0),
             yes if needs & {NET, NSS} else no),
            ("its end", call("close", "last"), None),
            ("a signal", call("kill", other, 0), {"EPERM"} if scoped else None),
            *connected("a server", socket.AF_INET, inet_address(
                self.sink_of_all.host, self.sink_of_all.port),
                yes if NET in needs else {"EBADF", "EPERM"} if filtered
                else {"EACCES"} if landlock else None),
            *connected("an abstract socket", socket.AF_UNIX,
                       unix_address(self.abstract),
                       {"EPERM"} if scoped else None),
            *opened("read a file", outside + "open", os.O_RDONLY,
                    yes if everything and not chrooted else kept_out),
            *opened("read root's file", outside + "secret", os.O_RDONLY,
                    {"ENOENT"} if chrooted else {"EACCES"}),
            *opened("read it from here", "../outside/open", os.O_RDONLY,
                    yes if everything and not chrooted else kept_out),
            *opened("write a file", outside + "new", CREATE, kept_out),
            *opened("write to the configuration", mail.etc + "/new", CREATE,
                    {"ENOENT"} if chrooted else {"EACCES"}),
            *opened("write data", mail.dir + "/data/new", CREATE, kept_out),
            *opened("memory of another", f"/proc/{other}/mem", os.O_RDWR,
                    {"ENOENT"} if chrooted else {"EACCES"}),
            *opened("read the queue", "saved", os.O_RDONLY | DIRECTORY,
                    yes if needs & {READ, WRITE, CONFIG, NSS} else
                    {"EACCES"} if landlock else None),
            *opened("write to the queue", "saved/in-place", CREATE,
                    yes if WRITE in needs else {"EACCES"} if landlock else None),
            ("take it back", call("unlinkat", HERE, text("saved/in-place"), 0),
             yes if WRITE in needs else None),
        ]

    def try_from_inside(self, mail, p, name, jail, chrooted, other):
        wanted = self.wanted(mail, name, jail, chrooted, other)
        answers = make_calls(p.pid, [line for _, line, _ in wanted])
        if answers is None:
            return False
        self.assertEqual(len(answers), len(wanted), answers)
        self.assertEqual([(what, got) for (what, _, right), got
                          in zip(wanted, answers)
                          if right is not None and got not in right], [])
        return True

    # ---- all of them ----

    def check(self, mail, as_root, chrooted=False):
        users = {BOX, NOBODY} if as_root else {mail.user}
        seen, tried = collections.Counter(), collections.Counter()
        everybody = [Process(pid) for pid in mail.processes()]
        other = next(p.pid for p in everybody if p.program == "qmgr")
        another = next(p.pid for p in everybody if p.program == "anvil")
        for p in everybody:
            row = self.known.get(p.pid)
            program = p.worker or (row[2] if row else p.program)
            with self.subTest(program=program):
                seen[program] += 1
                if p.worker:
                    self.look_at_worker(mail, p, users)
                elif p.program in ("master", "launcher"):
                    self.look_at_launcher(mail, p)
                elif p.program not in ROLES:
                    self.look_at_command(mail, p, users)
                else:
                    name = role_of(program)
                    self.assertEqual(name, role_of(p.program))
                    inside = chrooted and (name not in NOT_CHROOTED
                                           or row[0].endswith("-alone"))
                    self.look_at_role(mail, p, name, row[10], inside, as_root)
                    tried[program] += self.try_from_inside(
                        mail, p, name, row[10], inside,
                        another if p.pid == other else other)
        self.assertEqual(os.listdir(self.outside).sort(),
                         ["open", "secret"].sort())
        programs = {os.path.basename(path) for path in glob.glob(
            os.path.join(instance.BUILD, "libexec", "*"))}
        self.assertEqual(programs - OTHERS - set(seen)
                         - {"idle", "nqmgr", "oqmgr", "recover"}, set())
        self.assertGreater(seen["launcher"], 3)
        self.assertTrue(seen["mailbox"] and seen["command"])
        self.assertEqual((seen["sleep"], seen["cat"]), (2, 1))
        if not +tried:
            self.skipTest("looked at from outside only: no call can be made in "
                          "the place of another process here")
        self.assertEqual(set(tried.values()) & {0}, set())
        # Nobody has come to harm.
        self.assertNotRegex(mail.log(), r"panic|fatal:|warning: process \S+ pid")
        mail.send("s@demo.test", ["bob@demo.test"])
        mail.wait_box("bob")
        self.check_recovery(mail, as_root, next(
            row[10] for row in self.known.values() if row[2] == "cleanup"))

    def check_recovery(self, mail, as_root, jail):
        """It runs before anybody listens: stopped before it removes the log."""
        jail = jail.replace("chroot, ", "")
        board = self.board()
        mail.kill_all()
        board.arm("fs.unlink", role="recover", error=faults.STOP)
        with open(mail.log_path, "ab") as log, subprocess.Popen(
                [os.path.join(instance.build_with_faults(), "libexec",
                              "recover")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=mail.dir, env=dict(mail.environment, MAIL_CONFIG=mail.etc,
                                       WAYPOST_FAULT_BOARD=board.path),
                **mail.identity()) as process:
            try:
                instance.until(lambda: Process.read_status(
                    f"/proc/{process.pid}/status")["State"].startswith("T"),
                    "recovery to stop")
                p = Process(process.pid)
                self.look_at_role(mail, p, "recover", jail, False, as_root)
                self.try_from_inside(mail, p, "recover", jail, False,
                                     os.getpid())
                process.send_signal(signal.SIGCONT)
                self.assertEqual(process.wait(instance.PATIENCE), 0)
            finally:
                process.kill()

    @unittest.skipUnless(os.getuid() == 0, "not root")
    def test_started_as_root(self):
        self.check(self.busy(), True)

    @unittest.skipUnless(os.getuid() == 0, "not root")
    def test_started_as_root_with_chroots(self):
        self.check(self.busy(chrooted=True), True, chrooted=True)

    def test_started_by_an_ordinary_user(self):
        self.check(self.busy(12077 if os.getuid() == 0 else None), False)


if __name__ == "__main__":
    unittest.main()
