"""What each role has given up, looked at from outside and tried from inside.

From outside: /proc of every process of an instance that has carried mail. From
inside: the test role, started with the needs of each role in turn. The table of
docs/security.md is held against the declarations in the sources.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import os
import re
import shutil
import tempfile
import unittest

import instance

ROLE = os.path.join(instance.BUILD, "test", "tools", "test_role")
if not os.path.exists(ROLE):            # a build directory of its own
    ROLE = os.path.join(instance.BUILD, "tools", "test_role")

READ, WRITE, CONFIG, NSS, NET, LAUNCH = (
    "NEEDS_QUEUE_READ", "NEEDS_QUEUE_WRITE", "NEEDS_CONFIG_READ", "NEEDS_NSS",
    "NEEDS_NETWORK_OUT", "NEEDS_LAUNCHER")

NEEDS = {
    "smtpd": {CONFIG},
    "cleanup": {READ, WRITE, CONFIG},
    "qmgr": {READ, WRITE},
    "trivial-rewrite": {CONFIG},
    "smtp": {READ, NET},
    "local": {READ, CONFIG, NSS, LAUNCH},
    "virtual": {READ, CONFIG, LAUNCH},
    "pipe": {READ, LAUNCH},
    "spawn": {LAUNCH},
    "error": {READ},
    "discard": {READ},
    "bounce": {READ, WRITE},
    "pickup": {READ, WRITE},
    "showq": {READ},
    "proxymap": {CONFIG, NSS, NET},
    "resolver": {NSS, NET},
    "anvil": set(),
    "flush": {READ, CONFIG},
    "verify": set(),
    "idle": set(),
}
# Keep root, become users, or run before anybody listens: no such declaration.
OTHERS = {"master", "launcher", "postlogd", "recover"}

OWNER, DROP, BOX = 12001, 12002, 12003


def row_of(role):
    needs = NEEDS[role]
    reads = ["all that its user may"] if needs & {CONFIG, NSS} else ["libraries"]
    if READ in needs and not needs & {CONFIG, NSS}:
        reads.append("the queue")
    return (f"| {role} | {', '.join(reads)} | "
            f"{'the queue' if WRITE in needs else '-'} | "
            f"{'yes' if NET in needs else '-'} | "
            f"{'launcher' if LAUNCH in needs else '-'} |")


def declared(role):
    found = set()
    for path in glob.glob(os.path.join(instance.ROOT, "daemons", role, "*.c")):
        with open(path, encoding="utf-8") as file:
            for text in re.findall(r"\.needs = ([^,]*),", file.read()):
                found |= set(re.findall(r"NEEDS_\w+", text))
    return found


class Table(unittest.TestCase):
    def test_every_role_is_in_the_table(self):
        folders = {os.path.basename(p.rstrip("/")) for p in glob.glob(
            os.path.join(instance.ROOT, "daemons", "*", ""))}
        self.assertEqual(folders - {"shared", "commands"} - OTHERS,
                         set(NEEDS))

    def test_roles_declare_what_the_table_says(self):
        self.assertEqual({role: declared(role) for role in NEEDS}, NEEDS)

    def test_the_page_on_security_has_the_same_table(self):
        with open(os.path.join(instance.ROOT, "docs", "security.md"),
                  encoding="utf-8") as file:
            lines = file.read().splitlines()
        for role in NEEDS:
            self.assertIn(row_of(role), lines)


class Process:
    def __init__(self, pid):
        self.pid = pid
        self.program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        with open(f"/proc/{pid}/status", encoding="latin-1") as file:
            self.status = dict(line.rstrip("\n").split(":\t", 1)
                               for line in file if ":\t" in line)
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            self.is_worker = b"\0--worker\0" in file.read()
        self.root = os.readlink(f"/proc/{pid}/root")
        self.files = {}
        for link in glob.glob(f"/proc/{pid}/fd/*"):
            self.files[int(os.path.basename(link))] = os.readlink(link)

    def ids(self, name):
        return {int(n) for n in self.status[name].split()}

    def number(self, name):
        return int(self.status[name])

    def capabilities(self):
        return {name: int(self.status[name], 16)
                for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}


class Outside(instance.TestCase):
    def busy(self, user=None):
        """An instance of which every role that carries mail runs."""
        sink = self.sink(lambda stage, argument: "550 5.1.1 no" if stage ==
                         "rcpt" and argument.startswith("bounce") else None)
        server = self.sink(lmtp=True)
        mail = self.instance({
            "relayhost": sink.where, "local_recipient_maps": "",
            "smtpd_reject_unlisted_recipient": "no",
            "mydestination": "here.test",
            "alias_maps": "texthash:$config_directory/aliases",
            "virtual_alias_maps": "proxy:texthash:$config_directory/virtual",
            "transport_maps": "texthash:$config_directory/transports"},
            user=user, start=False)
        mail.write("aliases", "away out@example.org\n")
        mail.write("virtual", "x@y.test z@y.test\n")
        mail.write("transports", "bounce.test error:5.1.1 gone\n"
                   "retry.test retry:4.3.2 later\n"
                   "discard.test discard:\n"
                   f"lmtp.test lmtp:inet:{server.host}:{server.port}\n")
        mail.start()
        mail.send("s@demo.test", ["alice@demo.test", "out@example.org",
                                  "bounce@example.org", "away@here.test",
                                  "a@bounce.test", "a@retry.test",
                                  "a@discard.test", "a@lmtp.test"])
        sink.wait(2)
        server.wait(1)
        mail.wait_log("to=<a@(discard|retry).test>", 2)
        mail.wait_box("alice")
        mail.wait_box("everyone")               # the notice
        mail.command("postqueue", "-p")
        return mail

    def processes(self, mail):
        pids = [int(p.split("/")[2]) for p in glob.glob("/proc/[0-9]*/exe")]
        found = []
        for pid in pids:
            try:
                if mail.below(pid, mail.process.pid):
                    found.append(Process(pid))
            except OSError:
                continue
        return found

    def allowed(self, mail, process, path):
        if re.match(r"(socket|pipe|anon_inode):", path):
            return True
        if path in ("/dev/null", "/dev/stdout", mail.log_path,
                    f"/proc/{process.pid}/statm", "/dev/urandom"):
            return True
        if path.startswith("/memfd:waypost-"):
            return process.program == "master"
        return path.startswith((mail.spool, mail.etc + "/", mail.dir + "/data"))

    def check(self, mail, root):
        seen = set()
        force = {}
        for line in mail.command("waypost", "status", "-v").out.splitlines():
            words = line.split(None, 10)
            if len(words) == 11 and words[3].isdigit():
                force[int(words[3])] = words[10]
        for p in self.processes(mail):
            with self.subTest(program=p.program, worker=p.is_worker):
                seen.add("worker" if p.is_worker else p.program)
                keeps_root = p.program in ("master", "launcher") and \
                    not p.is_worker
                uid = mail.user or (0 if keeps_root else BOX if p.is_worker
                                    else OWNER)
                self.assertEqual(p.ids("Uid"), {uid})
                self.assertEqual(p.ids("Gid"), {uid})
                if not keeps_root:
                    self.assertEqual(p.ids("Groups"), set())
                    self.assertEqual(set(p.capabilities().values()), {0})
                    self.assertEqual(p.number("NoNewPrivs"), 1)
                if keeps_root:                  # before any thread exists
                    self.assertEqual(p.number("Threads"), 1)
                else:
                    self.assertLessEqual(p.number("Threads"), 1 + 16 + 4)
                self.assertEqual(p.root, "/")
                strange = [f for f in p.files.values()
                           if not self.allowed(mail, p, f)]
                self.assertEqual(strange, [])
                if p.program not in NEEDS and p.program != "postlogd":
                    continue
                jail = force.get(p.pid, "")
                self.assertTrue(jail.startswith(f"uid {uid}"), jail)
                self.assertEqual(p.number("Seccomp"),
                                 0 if "no seccomp" in jail else 2)
                # Its memory is not for others of the same user to read,
                # where roles have a user of their own.
                if root and not mail.user:
                    self.assertEqual(os.stat(f"/proc/{p.pid}/mem").st_uid, 0)
        return seen

    WANTED = {"master", "smtpd", "cleanup", "qmgr", "trivial-rewrite", "smtp",
              "virtual", "launcher", "worker", "bounce", "resolver", "pickup",
              "local", "error", "discard", "showq", "proxymap"}

    @unittest.skipUnless(os.getuid() == 0, "not root")
    def test_started_as_root(self):
        self.assertLessEqual(self.WANTED, self.check(self.busy(), True))

    def test_started_by_an_ordinary_user(self):
        user = 12077 if os.getuid() == 0 else None
        mail = self.busy(user)
        mail.user = mail.user or os.getuid()
        self.assertLessEqual(self.WANTED, self.check(mail, False))


class Inside(instance.TestCase):
    """Each role's own needs, tried by the test role in its place."""

    def setUp(self):
        super().setUp()
        if not os.path.exists(ROLE):
            self.skipTest("no test role in " + ROLE)

    def make(self, user=None):
        place = tempfile.mkdtemp(prefix="d-")
        self.addCleanup(shutil.rmtree, place, True)
        os.chmod(place, 0o755)
        for name in ("master", "launcher", "postlogd"):
            shutil.copy(os.path.join(instance.BUILD, "libexec", name),
                        os.path.join(place, name))
        ports, rows = {}, ""
        for number, (role, needs) in enumerate(NEEDS.items()):
            shutil.copy(ROLE, os.path.join(place, role))
            ports[role] = instance.PORT + number
            words = ",".join(sorted(needs)) or "none"
            rows += (f"HOST:{ports[role]} inet n - n - - {role} "
                     f"needs={words}\n")
        mail = self.instance(settings={"daemon_directory": place},
                             start=False, user=user)
        with open(os.path.join(mail.etc, "master.cf"), "w",
                  encoding="utf-8") as file:
            file.write(rows.replace("HOST", mail.host)
                       + "postlog unix-dgram n - n - 1 postlogd\n")
        mail.port = ports["smtpd"]
        mail.start()
        return mail, ports

    def try_role(self, mail, role, port):
        needs = NEEDS[role]
        outer = self.sink()             # where the role tries
        secret = os.path.join(mail.dir, "secret")
        with instance.Smtp(port, mail.host, greet=False) as talk:
            def say(text):
                talk.raw(text + "\n")
                return talk.file.readline().decode().rstrip("\r\n")

            self.assertEqual(talk.file.readline(), b"220 test\r\n")
            jail = say("jail")
            filtered = "no seccomp" not in jail
            landlock = "no landlock" not in jail
            self.assertEqual(say("root"), "EPERM")
            if filtered:
                for what in ("fork", "exec", "ptrace", "mount", "chroot"):
                    self.assertEqual(say(what), "EPERM", what)
                self.assertEqual(say("socket"),
                                 "ok" if NET in needs else "EPERM")
            connected = say(f"connect {outer.host} {outer.port}")
            self.assertEqual(connected == "ok", NET in needs or
                             not (filtered or landlock), connected)
            if landlock:
                self.assertIn(say("write " + secret), ("EACCES", "EPERM"))
                self.assertIn(say("write " + mail.etc + "/new"),
                              ("EACCES", "EPERM"))
                self.assertEqual(say("write saved/" + role) == "ok",
                                 WRITE in needs)
                self.assertEqual(say("read " + mail.etc + "/main.cf") == "ok",
                                 bool(needs & {CONFIG, NSS}))
                self.assertEqual(say("read pid") == "ok",
                                 bool(needs & {READ, WRITE, CONFIG, NSS}))
            self.assertFalse(os.path.exists(secret))

    def each(self, user=None):
        mail, ports = self.make(user)
        for role, port in ports.items():
            with self.subTest(role=role):
                self.try_role(mail, role, port)

    @unittest.skipUnless(os.getuid() == 0, "not root")
    def test_started_as_root(self):
        self.each()

    def test_started_by_an_ordinary_user(self):
        self.each(12079 if os.getuid() == 0 else None)


if __name__ == "__main__":
    unittest.main()
