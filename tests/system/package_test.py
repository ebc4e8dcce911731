"""The Debian package in a throw-away copy of this machine: installed by dpkg,
started, used, upgraded under load, purged. What is written there is gone afterwards, accounts too.

SPDX-License-Identifier: Apache-2.0
"""
import functools
import glob
import hashlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import unittest

import instance
import room

CONF = os.path.join(instance.ROOT, "conf", "debian")
UNPACKED = os.path.join(instance.BUILD, "packages")
NAMES = ("postfix", "postdrop")

# What a purge leaves, and why.
STAYS = re.compile(
    r"/etc/(aliases|mailname)$"         # of the machine, not of a package
    r"|/etc/(passwd|group|shadow|gshadow)-?$|/etc/\.pwd\.lock$"     # numbers
    r"|/var/(lib|log|cache)/(dpkg|apt|debconf)"     # what dpkg itself writes
    r"|/var/log/mail\.log$"             # of the administrator
    r"|/var/mail/alice$|/usr/sbin/policy-rc\.d$")   # of this test


@functools.cache
def built(version):
    """The package, from the programs that are to be tested."""
    if not shutil.which("dpkg-deb"):
        raise unittest.SkipTest("no dpkg-deb")
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        [os.path.join(CONF, "build"), "--build", os.path.relpath(
            instance.BUILD, instance.ROOT), "--version", version,
         "--compress", "none"], capture_output=True, text=True,
        check=False, env=environment, cwd=instance.ROOT)
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return os.path.join(instance.ROOT, done.stdout.strip())


def rebuilt(deb, version, folder):
    """The same programs, as another build would have them."""
    with open(os.path.join(instance.BUILD, "obj", "build_id.o"), "rb") as file:
        now = re.search(rb"\b[0-9a-f]{16}\0", file.read())[0]
    other = bytes(reversed(now[:16])) + b"\0"
    root = os.path.join(folder, "tree")
    subprocess.run(["dpkg-deb", "-R", deb, root], check=True)
    for path in glob.glob(root + "/usr/lib/postfix/sbin/*"):
        if os.path.islink(path):
            continue
        with open(path, "rb+") as file:
            data = file.read()
            if data.count(now) != 1:
                raise AssertionError(f"{path}: no id of its build")
            file.seek(data.index(now))
            file.write(other)
    control = os.path.join(root, "DEBIAN", "control")
    with open(control, encoding="utf-8") as file:
        text = re.sub(r"(?m)^Version: .*", "Version: " + version, file.read())
    with open(control, "w", encoding="utf-8") as file:
        file.write(text)
    made = os.path.join(folder, "other.deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", root,
                    made], check=True, capture_output=True)
    return made


class Machine(room.Room):
    """One on which packages may be installed and started."""

    def __init__(self):
        super().__init__()
        self.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n", 0o755)
        self.write("/etc/hosts", "127.0.0.1 localhost\n"
                   "127.0.1.1 mail.room.test mail\n::1 localhost\n")

    def dpkg(self, *arguments, **options):
        """Without the manual pages' index, which takes half a minute."""
        return self.run("dpkg", "--no-triggers", *arguments, **options)

    def install(self, path, *flags):
        shutil.copy(path, self.at("/tmp/new.deb"))
        return self.dpkg("-i", *flags, "/tmp/new.deb")

    def status(self, package="waypost"):
        return self.run("dpkg-query", "-W", "-f", "${db:Status-Status}",
                        package, status=None)

    def wait_file(self, path, words):
        def there():
            try:
                return words in self.read(path)
            except FileNotFoundError:
                return False
        instance.until(there, f"\"{words}\" in {path}")


class Rooms(instance.TestCase):
    def setUp(self):
        super().setUp()
        self.machine = Machine()
        self.addCleanup(self.machine.close)
        self.addCleanup(self.explain_machine)

    def explain_machine(self):
        if self.has_failed():
            print(self.machine.run("sh", "-c", "ps axf; postqueue -p; "
                                   "tail -n 100 /var/log/mail.log",
                                   status=None))

    def number(self, name):
        return int(self.machine.run("id", "-u", name))


class Package(Rooms):
    def owner_and_mode(self, path):
        st = os.stat(self.machine.at(path))
        names = {}
        for line in self.machine.read("/etc/passwd").splitlines():
            names["u" + line.split(":")[2]] = line.split(":")[0]
        for line in self.machine.read("/etc/group").splitlines():
            names["g" + line.split(":")[2]] = line.split(":")[0]
        return (names[f"u{st.st_uid}"], names[f"g{st.st_gid}"],
                stat.S_IMODE(st.st_mode))

    def test_from_install_to_purge(self):
        machine = self.machine
        if "postfix:" in machine.read("/etc/passwd"):
            self.skipTest("this machine has a user postfix")
        machine.run("useradd", "-m", "alice")
        before = machine.changed()
        deb = built("0.1~test1")
        text = machine.install(deb)
        self.assertIn("serves this machine alone", text)
        self.look_at_what_is_installed()
        self.use()
        self.upgrade(rebuilt(deb, "0.1~test2", machine.dir))
        machine.dpkg("-P", "waypost")
        self.assertIn("no packages found", machine.status())
        left = {path: there for path, there in machine.changed().items()
                if path not in before and not STAYS.match(path)}
        self.assertEqual(left, {})
        self.assertEqual(machine.run("dpkg-statoverride", "--list",
                                     "/usr/sbin/post*", status=1), "")
        self.assertNotRegex(machine.run("ps", "-eo", "comm"), "master|qmgr")

    def look_at_what_is_installed(self):
        machine = self.machine
        for name in ("postdrop", "postqueue"):
            self.assertEqual(self.owner_and_mode("/usr/sbin/" + name),
                             ("root", "postdrop", 0o2555))
        for path, owner in (("/var/lib/postfix", ("postfix", "postfix", 0o700)),
                            ("/var/spool/postfix", ("root", "root", 0o755)),
                            ("/var/spool/postfix/maildrop",
                             ("postfix", "postdrop", 0o730)),
                            ("/var/spool/postfix/public",
                             ("postfix", "postdrop", 0o710))):
            self.assertEqual(self.owner_and_mode(path), owner, path)
        self.assertEqual(machine.read("/etc/mailname"), "mail.room.test\n")
        self.assertIn("postmaster: root", machine.read("/etc/aliases"))
        self.assertTrue(os.path.exists(machine.at("/etc/aliases.db")))
        self.assertEqual(machine.run("postconf", "-h", "inet_interfaces"),
                         "loopback-only\n")
        # Provides, Conflicts, Replaces: the duties of a mail system.
        fields = machine.run("dpkg-query", "-W", "-f",
                             "${Provides}|${Conflicts}|${Replaces}", "waypost")
        provides, conflicts, replaces = fields.split("|")
        for field in (provides, conflicts, replaces):
            self.assertIn("mail-transport-agent", field)
        self.assertIn("postfix", replaces)
        # Each file of the package is as it was packed.
        self.assertEqual(machine.run("dpkg", "--verify", "waypost"), "")
        self.assertEqual(machine.run("systemctl", "is-enabled", "postfix"),
                         "enabled\n")
        self.assertNotRegex(machine.run("postfix", "check"), "error|warning")

    def use(self):
        """sendmail by an ordinary user, to an account of the machine."""
        machine = self.machine
        self.assertIn("is running: PID: ", machine.run("postfix", "status"))
        machine.run("postconf", "-e", "maillog_file = /var/log/mail.log")
        machine.run("sh", "-c", "postfix stop && postfix start")
        who = self.number("alice")
        machine.run("/usr/lib/sendmail", "alice", user=who,
                    input="Subject: by sendmail\n\nbody\n")
        machine.wait_file("/var/mail/alice", "Subject: by sendmail")
        self.assertIn("From: alice@mail.room.test",
                      machine.read("/var/mail/alice"))
        # By the group of /var/mail, which no user is in.
        self.assertEqual(self.owner_and_mode("/var/mail/alice"),
                         ("alice", "mail", 0o600))
        # Through an alias, and by SMTP.
        with open(machine.at("/etc/aliases"), "a", encoding="utf-8") as file:
            file.write("info: alice\n")
        machine.run("newaliases")
        machine.run("python3", "-c", SEND, "127.0.0.1", "info", "by SMTP")
        machine.wait_file("/var/mail/alice", "Subject: by SMTP")
        self.assertEqual(machine.run("mailq", user=who),
                         "Mail queue is empty\n")
        self.assertIn("status=sent (delivered to mailbox)",
                      machine.read("/var/log/mail.log"))

    def upgrade(self, deb):
        """While mail comes in; no mail that was taken is lost, and what waits
        in the queue goes on waiting."""
        machine = self.machine
        machine.run("/usr/lib/sendmail", "waits@[127.0.0.9]",
                    input="Subject: waits\n\nbody\n")
        waiting = instance.until(lambda: re.findall(
            r"(?m)^(\w{6,})[ *!]", machine.run("mailq")), "a message that waits")
        rows = "".join(f"127.0.0.1:{port} inet n - n - - smtpd\n"
                       for port in (2526, 2527))
        with open(machine.at("/etc/postfix/master.cf"), "a",
                  encoding="utf-8") as file:
            file.write(rows)
        machine.run("postfix", "reload")
        kept = {name: machine.read("/etc/postfix/" + name)
                for name in ("main.cf", "master.cf")}
        load = subprocess.Popen(machine.command("python3", "-c", LOAD),
                                stdin=subprocess.PIPE, text=True)
        taken = lambda: len(self.taken())
        instance.until(lambda: taken() > 50, "mail to be taken")
        shutil.copy(deb, machine.at("/tmp/new.deb"))
        machine.dpkg("--unpack", "/tmp/new.deb")
        # New programs under an old master: what runs goes on, what is started is
        # refused, in one line.
        before = taken()
        instance.until(lambda: taken() > before + 20, "mail to be taken still")
        for port in ("2526", "2527"):
            machine.run("python3", "-c", CONNECT, port)
        words = "are of another build than this master, which cannot start " \
            "them: restart it with \"postfix stop\" and \"postfix start\""
        machine.wait_file("/var/log/mail.log", words)
        old = machine.read("/var/spool/postfix/pid/master.pid")
        machine.dpkg("--configure", "waypost")
        log = machine.read("/var/log/mail.log")
        self.assertEqual(log.count(words), 1)
        self.assertNotIn("throttling", log)
        self.assertNotEqual(machine.read("/var/spool/postfix/pid/master.pid"),
                            old)
        before = taken()
        instance.until(lambda: taken() > before + 20, "mail to be taken again")
        load.communicate("")
        self.assertEqual(load.returncode, 0)
        instance.until(lambda: machine.run("mailq").count("@") == 2,
                       "nothing but what waits")
        arrived = set(re.findall(r"(?m)^Subject: (load-\S+)",
                                 machine.read("/var/mail/alice")))
        self.assertEqual(self.taken() - arrived, set())
        self.assertIn(waiting[0], machine.run("mailq"))
        for name, text in kept.items():
            self.assertEqual(machine.read("/etc/postfix/" + name), text)
        self.assertNotIn("panic", machine.read("/var/log/mail.log"))

    def taken(self):
        try:
            return set(self.machine.read("/tmp/taken").split())
        except FileNotFoundError:
            return set()


SEND = """
import smtplib, sys
with smtplib.SMTP(sys.argv[1]) as client:
    client.sendmail("alice", sys.argv[2:-1], "Subject: " + sys.argv[-1] + "\\n\\nbody\\n")
"""

CONNECT = """
import socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
"""
# By SMTP and by sendmail, until standard input ends; what was taken is in a file.
LOAD = """
import itertools, smtplib, subprocess, sys, threading, time
over = threading.Event()
out = open("/tmp/taken", "w", buffering=1)

def by_smtp(text):
    with smtplib.SMTP("127.0.0.1", timeout=30) as client:
        client.sendmail("root", ["alice"], text)

def by_sendmail(text):
    subprocess.run(["/usr/sbin/sendmail", "alice"], input=text.encode(),
                   check=True, capture_output=True)

def send(how, number):
    for count in itertools.count():
        if over.is_set():
            return
        name = f"load-{number}-{count}"
        try:
            how("Subject: " + name + "\\n\\nbody\\n")
            out.write(name + "\\n")
        except (OSError, smtplib.SMTPException, subprocess.SubprocessError):
            time.sleep(0.05)
        time.sleep(0.01)

threads = [threading.Thread(target=send, args=(how, number)) for number, how in
           enumerate((by_smtp, by_smtp, by_sendmail))]
for thread in threads:
    thread.start()
sys.stdin.read()
over.set()
for thread in threads:
    thread.join()
"""

# A next server that says at the end who was sent what.
SINK = """
import json, sys
sys.path.insert(0, "/tmp")
import instance
sink = instance.Sink(host="127.0.0.1", port=2525)
print("ready", flush=True)
for line in sys.stdin:
    sink.wait(int(line), 60)
    print(json.dumps([[m.sender, m.recipients, m.data.decode()] for m in
                      sink.received]), flush=True)
"""


class SwitchOver(Rooms):
    """A machine on which Debian's package of Postfix was installed, configured and
    used, until this package replaces it."""

    def test_postfix_is_replaced_with_its_files_as_they_are(self):
        machine = self.machine
        self.install_postfix()
        files = self.configure_and_use()
        text = machine.install(built("0.1~test1"))
        self.assertIn("Do not purge that package", text)
        self.assertEqual(machine.status("postfix"), "config-files")
        self.assertRegex(machine.run("postfix", "status"), "is running: PID")
        self.assertIn("-waypost-", machine.run("postconf", "-d", "mail_version"))
        self.deliver_what_was_there()
        self.use_tables()
        self.assertEqual(self.digests(), files)
        self.forget_postfix(files)

    def install_postfix(self):
        machine = self.machine
        deb = os.path.join(UNPACKED, "postfix.deb")
        if not os.path.exists(deb):
            self.skipTest("no package of Postfix")
        self.assertNotIn("postfix:", machine.read("/etc/passwd"))
        for path in glob.glob(os.path.join(UNPACKED, "usr/lib/*-linux-gnu/*.so*")):
            place = "/" + os.path.relpath(path, UNPACKED)
            if not os.path.exists(place):
                shutil.copy(path, machine.at(place))
        machine.run("useradd", "-m", "alice")
        machine.run("debconf-set-selections", input="\n".join(
            f"postfix postfix/{name} {kind} {value}" for name, kind, value in (
                ("main_mailer_type", "select", "Internet with smarthost"),
                ("mailname", "string", "room.test"),
                ("relayhost", "string", "[127.0.0.1]:2525"))) + "\n")
        machine.install(deb, "--force-depends")
        machine.run("postfix", "status")

    def configure_and_use(self):
        """Tables, and mail in every state; digests of all files of Postfix."""
        machine = self.machine
        machine.write("/etc/postfix/virtual", "v@virtual.test alice\n"
                      "virtual.test anything\n")
        machine.run("postmap", "/etc/postfix/virtual")
        machine.write("/etc/aliases", "postmaster: root\ninfo: alice\n")
        machine.run("newaliases")
        machine.run("postconf", "-e", "virtual_alias_maps = hash:"
                    "/etc/postfix/virtual", "maillog_file = /var/log/mail.log",
                    "mydestination = $myhostname, room.test, localhost",
                    "inet_interfaces = loopback-only")
        machine.run("sh", "-c", "postfix stop; postfix start")
        self.send("alice", "by Postfix")
        machine.wait_file("/var/mail/alice", "Subject: by Postfix")
        for number in range(3):
            self.send(f"far{number}@far.example", f"deferred {number}")
        self.send("held@far.example", "held")
        listed = instance.until(
            lambda: self.queue_of_postfix() if machine.run("mailq").count(
                "Connection refused") == 4 else None, "deferred mail")
        machine.run("postsuper", "-h", listed["held@far.example"])
        machine.run("postfix", "stop")
        self.send("info", "in maildrop")
        self.assertEqual(len(os.listdir(machine.at(
            "/var/spool/postfix/maildrop"))), 1)
        return self.digests()

    def queue_of_postfix(self):
        return {entry["recipients"][0]["address"]: entry["queue_id"]
                for entry in map(json.loads, self.machine.run(
                    "postqueue", "-j").splitlines())}

    def send(self, recipient, subject):
        self.machine.run("/usr/sbin/sendmail", recipient,
                         user=self.number("alice"),
                         input=f"Subject: {subject}\n\nbody\n")

    def digests(self):
        machine = self.machine
        found = {}
        for folder, _, names in os.walk(machine.at("/etc/postfix")):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    with open(path, "rb") as file:
                        found[name] = hashlib.sha256(file.read()).hexdigest()
        for name in ("aliases", "aliases.db", "mailname"):
            with open(machine.at("/etc/" + name), "rb") as file:
                found[name] = hashlib.sha256(file.read()).hexdigest()
        self.assertIn("main.cf", found)
        self.assertIn("virtual.db", found)
        return found

    def deliver_what_was_there(self):
        machine = self.machine
        machine.wait_file("/var/mail/alice", "Subject: in maildrop")
        for name in ("instance.py", "faults.py"):
            shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                     name), machine.at("/tmp"))
        sink = subprocess.Popen(machine.command("python3", "-c", SINK),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True)

        def received(count):
            sink.stdin.write(f"{count}\n")
            sink.stdin.flush()
            return json.loads(sink.stdout.readline())
        try:
            self.assertEqual(sink.stdout.readline(), "ready\n")
            self.assertEqual(machine.run("mailq").count("@far.example"), 4)
            machine.run("postqueue", "-f")
            first = received(3)
            self.assertEqual(sorted(r for m in first for r in m[1]),
                             [f"far{n}@far.example" for n in range(3)])
            for sender, recipients, text in first:
                self.assertEqual(sender, "alice@room.test")
                self.assertIn(f"Subject: deferred {recipients[0][3]}\r\n", text)
                self.assertIn("by mail.room.test (Postfix", text)
            machine.run("postsuper", "-H", "ALL")
            machine.run("postqueue", "-f")
            self.assertEqual([m[1] for m in received(4)[3:]],
                             [["held@far.example"]])
            self.send("new@far.example", "new")
            self.assertEqual(received(5)[4][1], ["new@far.example"])
        finally:
            sink.stdin.close()
            sink.wait()
            sink.stdout.close()
        instance.until(lambda: machine.run("mailq") == "Mail queue is empty\n",
                       "an empty queue")

    def use_tables(self):
        machine = self.machine
        for recipient, subject in (("info", "by alias"),
                                   ("v@virtual.test", "by virtual")):
            self.send(recipient, subject)
            machine.wait_file("/var/mail/alice", "Subject: " + subject)
        # Each of them once, those that Postfix had taken, too.
        self.assertEqual(sorted(re.findall(
            r"(?m)^Subject: (.*)", machine.read("/var/mail/alice"))),
            ["by Postfix", "by alias", "by virtual", "in maildrop"])
        log = machine.read("/var/log/mail.log")
        self.assertNotRegex(log, r"panic|fatal:|throttling")

    def forget_postfix(self, files):
        """As docs/install.md says. A purge of ours leaves tables of others."""
        machine = self.machine
        machine.run("rm", "/var/lib/dpkg/info/postfix.postrm")
        machine.dpkg("--purge", "postfix")
        self.assertRegex(machine.status("postfix"),
                         "no packages found|not-installed")
        now = self.digests()
        self.assertEqual({name: digest for name, digest in files.items()
                          if now.get(name) != digest and name not in
                          ("post-install", "postfix-files", "postfix-script")},
                         {})
        self.assertIn("is running", machine.run("postfix", "status"))
        machine.dpkg("--purge", "waypost")
        self.assertFalse(os.path.exists(machine.at("/etc/postfix/main.cf")))
        self.assertTrue(os.path.exists(machine.at("/etc/postfix/virtual")))
        self.assertFalse(os.path.exists(machine.at("/var/spool/postfix")))


class Files(unittest.TestCase):
    """What goes into it, looked at by the programs that will read it."""

    def test_the_unit(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze")
        path = os.path.join(CONF, "postfix.service")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", path],
                              capture_output=True, text=True, check=False)
        rest = [line for line in (done.stdout + done.stderr).splitlines()
                if "Command /usr/sbin/postfix is not executable" not in line]
        self.assertEqual(rest, [])
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes",
                               "--threshold=42", "--no-pager", path],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-200:])

    def test_the_apparmor_profile(self):
        parser = os.path.join(UNPACKED, "sbin", "apparmor_parser")
        base = os.path.join(UNPACKED, "etc", "apparmor.d")
        if not os.path.exists(parser):
            self.skipTest("no apparmor_parser")
        done = subprocess.run([parser, "--base", base, "-Q", "-K",
                               os.path.join(CONF, "apparmor")],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_scripts_are_shell(self):
        for name in ("build", "postinst", "prerm", "postrm"):
            done = subprocess.run(["sh", "-n", os.path.join(CONF, name)],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)


class Supervised(instance.TestCase):
    """What Type=notify of the unit relies on."""

    def test_the_supervisor_hears_when_it_serves_and_when_it_stops(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.bind("\0waypost-test-" + instance.own_address())
            ear.settimeout(instance.PATIENCE)
            name = "@" + ear.getsockname()[1:].decode()
            mail = self.instance(environment={"NOTIFY_SOCKET": name})
            self.assertEqual(ear.recv(200).decode().split("\n"),
                             ["READY=1", "STATUS=serving"])
            for pid in mail.processes():
                if pid == mail.process.pid:
                    continue
                with open(f"/proc/{pid}/environ", "rb") as file:
                    self.assertNotIn(b"NOTIFY_SOCKET", file.read())
            self.assertEqual(mail.stop(), 0)
            self.assertEqual(ear.recv(200).decode().split("\n")[0],
                             "STOPPING=1")


if __name__ == "__main__":
    unittest.main()
