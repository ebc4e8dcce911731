"""`make install`: the drop-in layout, and that what was installed runs.

SPDX-License-Identifier: Apache-2.0
"""
import gzip
import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

import instance

OWNER, DROP, BOX = 12001, 12002, 12003
STRANGER = 12345

COMMANDS = ["postalias", "postcat", "postconf", "postdrop", "postfix",
            "postkick", "postlock", "postlog", "postmap", "postmulti", "postqueue",
            "postsuper", "qshape", "sendmail", "waypost"]
# What a stock master.cf names, and those of our own.
DAEMONS = ["anvil", "bounce", "cleanup", "discard", "dnsblog", "error",
           "flush", "idle", "launcher", "lmtp", "local", "master", "pickup",
           "pipe", "postlogd", "postscreen", "proxymap", "qmgr", "qmqpd",
           "recover", "resolver", "scache", "showq", "smtp", "smtpd", "spawn",
           "tlsmgr", "tlsproxy", "trivial-rewrite", "verify", "virtual"]
LINKS = {"usr/sbin/postfix": "waypost", "usr/lib/sendmail": "../sbin/sendmail",
         "usr/bin/mailq": "../sbin/sendmail",
         "usr/bin/newaliases": "../sbin/sendmail",
         "usr/lib/postfix/sbin/lmtp": "smtp"}


class Install(instance.TestCase):
    def setUp(self):
        super().setUp()
        self.top = tempfile.mkdtemp(prefix="install-")
        os.chmod(self.top, 0o755)
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.root = os.path.join(self.top, "root")
        self.group = DROP if os.geteuid() == 0 else os.getegid()

    def make(self, *variables, umask=0o077):
        """As somebody would whose umask is a careful one."""
        return subprocess.run(
            ["make", "-s", "-C", instance.ROOT, "install-files",
             f"BUILD={os.path.abspath(instance.BUILD)}",
             f"DESTDIR={self.root}", f"setgid_group={self.group}", *variables],
            capture_output=True, text=True, check=False, timeout=300,
            umask=umask, env={name: value for name, value in os.environ.items()
                              if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")})

    def install(self, *variables):
        done = self.make(*variables)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout + done.stderr

    def at(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    def mode(self, path):
        return stat.S_IMODE(os.stat(self.at(path)).st_mode)

    def test_each_file_is_where_it_is_looked_for(self):
        self.assertEqual(self.install(), "")
        self.assertLessEqual(set(COMMANDS), set(os.listdir(self.at("usr/sbin"))))
        self.assertLessEqual(set(DAEMONS),
                             set(os.listdir(self.at("usr/lib/postfix/sbin"))))
        for name, target in LINKS.items():
            self.assertEqual(os.readlink(self.at(name)), target, name)
            self.assertTrue(os.path.isfile(self.at(name)), name)
        for name in ("main.cf", "master.cf"):
            self.assertEqual(self.mode("etc/postfix/" + name), 0o644)
        for name in ("usr/lib/systemd/system/postfix.service",
                     "usr/lib/sysusers.d/waypost.conf",
                     "usr/lib/tmpfiles.d/waypost.conf",
                     "usr/share/waypost/main.cf"):
            self.assertEqual(self.mode(name), 0o644, name)
        self.assertEqual(self.mode("var/lib/postfix"), 0o700)
        self.assertEqual(self.mode("var/spool/postfix"), 0o755)

    def test_each_program_has_its_manual_page(self):
        self.install()
        for section, names in (("1", COMMANDS + ["mailq", "newaliases"]),
                               ("8", DAEMONS)):
            for name in names:
                page = self.at(f"usr/share/man/man{section}/{name}.{section}")
                with open(page, encoding="utf-8") as file:
                    text = file.read()
                link = re.match(r"\.so (man./\S+)$", text)
                if link:
                    page = self.at("usr/share/man/" + link[1])
                    with open(page, encoding="utf-8") as file:
                        text = file.read()
                self.assertRegex(text.split("\n", 1)[0], r"^\.TH ", page)

    def test_modes_and_owners(self):
        self.install()
        for folder, _, names in os.walk(self.root):
            self.assertEqual(os.stat(folder).st_uid, os.geteuid(), folder)
            if not folder.startswith(self.at("var/lib")):
                self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o755,
                                 folder)
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    continue
                now = os.stat(path)
                self.assertEqual(now.st_uid, os.geteuid(), path)
                if name in ("postdrop", "postqueue"):
                    self.assertEqual(stat.S_IMODE(now.st_mode), 0o2755, path)
                    self.assertEqual(now.st_gid, self.group, path)
                else:
                    self.assertIn(stat.S_IMODE(now.st_mode),
                                  (0o755 if "/sbin" in folder else 0o644,),
                                  path)

    def test_a_configuration_that_is_there_stays(self):
        self.install()
        with open(self.at("etc/postfix/main.cf"), "w", encoding="utf-8") as f:
            f.write("# mine\n")
        self.assertIn("/etc/postfix/main.cf is there and stays as it is",
                      self.install())
        with open(self.at("etc/postfix/main.cf"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "# mine\n")
        # A program is replaced, not written over, and keeps its bit.
        self.assertEqual(self.mode("usr/sbin/postdrop"), 0o2755)

    def test_a_group_that_is_not_there_stops_it_before_anything_is_written(self):
        done = self.make("setgid_group=there-is-no-such-group")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("install: setgid_group = there-is-no-such-group: no such "
                      "group entry, and nothing was installed", done.stderr)
        self.assertFalse(os.path.exists(self.root))

    def test_a_user_that_is_not_there_stops_it_too(self):
        # Without DESTDIR; nothing is written, or this would be for real.
        done = self.make("DESTDIR=", "mail_owner=there-is-no-such-user",
                         f"command_directory={self.top}/never")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("install: mail_owner = there-is-no-such-user: no such "
                      "passwd entry, and nothing was installed", done.stderr)
        self.assertEqual(os.listdir(self.top), [])

    @unittest.skipIf(os.geteuid() == 0, "root may give any group")
    def test_a_group_that_may_not_be_given_fails(self):
        done = self.make("setgid_group=0")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("install: postdrop must be setgid 0, and that could not "
                      "be done", done.stderr)

    def test_directories_of_another_choice(self):
        self.install("command_directory=/opt/bin", "daemon_directory=/opt/x",
                     "bindir=/opt/bin", "mandir=/opt/man")
        self.assertTrue(os.access(self.at("opt/x/master"), os.X_OK))
        self.assertTrue(os.access(self.at("opt/bin/postfix"), os.X_OK))
        self.assertEqual(os.readlink(self.at("opt/bin/mailq")), "sendmail")
        self.assertTrue(os.path.exists(self.at("opt/man/man8/master.8")))

    # What was installed, running from there.

    def configure(self, **settings):
        port = instance.free_port()
        settings = {
            "queue_directory": self.at("var/spool/postfix"),
            "data_directory": self.at("var/lib/postfix"),
            "daemon_directory": self.at("usr/lib/postfix/sbin"),
            "command_directory": self.at("usr/sbin"),
            "maillog_file": os.path.join(self.top, "log"),
            "maillog_file_prefixes": self.top,
            "myhostname": "mail.demo.test",
            "inet_interfaces": instance.HOST, "inet_protocols": "ipv4",
            "mydestination": "", "alias_maps": "", "alias_database": "",
            "virtual_mailbox_domains": "demo.test",
            "virtual_mailbox_base": os.path.join(self.top, "mail"),
            "virtual_mailbox_maps": "static:box/", **settings}
        box = BOX if os.geteuid() == 0 else os.geteuid()
        os.mkdir(os.path.join(self.top, "mail"))
        os.chown(os.path.join(self.top, "mail"), box, -1)
        settings.update(virtual_uid_maps=f"static:{box}",
                        virtual_gid_maps=f"static:{box if os.geteuid() == 0 else os.getegid()}",
                        virtual_minimum_uid=str(min(box, 100)),
                        mail_owner=OWNER if os.geteuid() == 0 else os.geteuid(),
                        setgid_group=self.group, default_privs=box)
        with open(self.at("etc/postfix/main.cf"), "a", encoding="utf-8") as f:
            for name, value in settings.items():
                f.write(f"{name} = {value}\n")
        path = self.at("etc/postfix/master.cf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"(?m)^smtp(\s+inet)", rf"{port}\1", text))
        return port

    def run_at(self, path, *arguments, input=None, status=0, **variables):
        done = subprocess.run(
            [self.at(path), *arguments], input=input, capture_output=True,
            text=True, check=False, timeout=60, cwd="/",
            env={"PATH": "/usr/bin:/bin",
                 "MAIL_CONFIG": self.at("etc/postfix"), **variables})
        self.assertEqual(done.returncode, status,
                         done.stdout + done.stderr + self.log())
        return done.stdout + done.stderr

    def postfix(self, *arguments, **options):
        return self.run_at("usr/sbin/postfix", "-c", self.at("etc/postfix"),
                           *arguments, **options)

    def log(self):
        try:
            with open(os.path.join(self.top, "log"), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def box(self):
        path = os.path.join(self.top, "mail", "box", "new")
        return os.listdir(path) if os.path.isdir(path) else []

    def start(self, **settings):
        self.install()
        port = self.configure(**settings)
        self.postfix("start")
        self.addCleanup(subprocess.run, [
            self.at("usr/sbin/postfix"), "-c", self.at("etc/postfix"),
            "quick-stop"], check=False, capture_output=True)
        return port

    def test_it_starts_delivers_and_stops(self):
        port = self.start()
        self.assertEqual(os.stat(self.at("var/lib/postfix")).st_uid,
                         os.geteuid())
        self.assertIn("is running: PID: ", self.postfix("status"))
        with instance.Smtp(port) as client:
            client.hello()
            self.assertEqual(client.mail("a@example.com", ["b@demo.test"],
                                         "Subject: hi\n\nbody\n")[0], 250)
        self.run_at("usr/lib/sendmail", "-f", "a@example.com", "c@demo.test",
                    input="Subject: hi\n\nbody\n")
        instance.until(lambda: len(self.box()) == 2, "both messages")
        self.assertEqual(self.run_at("usr/bin/mailq"), "Mail queue is empty\n")
        self.rotate()
        self.upgrade_configuration()
        self.postfix("stop")
        self.postfix("status", status=1)
        self.assertRegex(self.log(), r"terminating on signal 15\n")
        self.rotate_otherwise()

    def rotate_otherwise(self):
        """By another name and another program, or by none."""
        program = self.at("pack")
        with open(program, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\n# Nobody writes into it any more.\n'
                       'ls -l /proc/[0-9]*/fd 2>&1 | grep -F -e "-> $1" && exit 1\n'
                       'exec mv "$1" "$1.packed"\n')
        os.chmod(program, 0o755)
        for settings, name in (
                (dict(maillog_file_compressor=program,
                      maillog_file_rotate_suffix="old-%%"), "log.old-%.packed"),
                (dict(maillog_file_compressor=""), "log.old-%")):
            self.run_at("usr/sbin/postconf", *(f"{key} = {value}"
                                               for key, value in settings.items()))
            with open(os.path.join(self.top, "log"), "w", encoding="utf-8") as file:
                file.write(name)
            self.postfix("logrotate")
            with open(os.path.join(self.top, name), encoding="utf-8") as file:
                self.assertEqual(file.read(), name)

    def rotate(self):
        """The old log is whole and compressed, a new one is written."""
        self.postfix("logrotate")
        names = [name for name in os.listdir(self.top) if name.startswith("log")]
        self.assertEqual(len(names), 2)
        old = max(names, key=len)
        self.assertRegex(old, r"^log\.\d{8}-\d{6}\.gz$")
        with gzip.open(os.path.join(self.top, old), "rt",
                       encoding="utf-8") as file:
            self.assertIn("status=sent", file.read())
        self.assertIn("reload -- version", self.log())
        self.assertNotIn("status=sent", self.log())
        self.assertIn("found no file that could be rotated", self.run_at(
            "usr/sbin/postfix", "logrotate", status=1,
            WAYPOST_CONF_maillog_file=""))

    def upgrade_configuration(self):
        path = self.at("etc/postfix/master.cf")
        with open(path, encoding="utf-8") as file:
            whole = file.read()
        self.assertEqual(self.postfix("upgrade-configuration"), "")
        short = re.sub(r"(?m)^(retry|postlog) .*\n", "", whole)
        with open(path, "w", encoding="utf-8") as file:
            file.write(short)
        text = self.postfix("upgrade-configuration")
        for name in ("retry/unix", "postlog/unix-dgram"):
            self.assertIn(f"adding the row of service {name}\n", text)
        with open(path, encoding="utf-8") as file:
            now = file.read()
        self.assertTrue(now.startswith(short))
        self.assertEqual(len(now[len(short):].splitlines()), 2)
        self.postfix("reload")

    # The set-gid commands believe the main.cf of the system alone, and that has
    # one place. So /etc is another one for those who are started behind this.

    def enter_with_etc(self, main_cf):
        if os.statvfs(self.top).f_flag & os.ST_NOSUID:
            self.skipTest("a file system without setgid bits")
        etc = os.path.join(self.top, "etc")
        os.makedirs(etc + "/postfix")
        with open(etc + "/postfix/main.cf", "w", encoding="utf-8") as file:
            file.write(main_cf)
        for name in ("ld.so.cache", "passwd", "group", "nsswitch.conf",
                     "hosts"):
            if os.path.exists("/etc/" + name):
                shutil.copy("/etc/" + name, etc)
        try:
            subprocess.run(["unshare", "-m", "true"], check=True,
                           capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("no mount namespaces here")
        holder = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "sh", "-c",
             'mount --bind "$0" /etc && echo ready && read end', etc],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(holder.communicate)
        self.assertEqual(holder.stdout.readline(), b"ready\n")
        return holder.pid

    def stranger(self, pid, path, *arguments, input=None, status=0, **environ):
        done = subprocess.run(
            ["nsenter", "-m", "-t", str(pid), "setpriv",
             f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups",
             self.at(path), *arguments], input=input, capture_output=True,
            text=True, check=False, timeout=60, cwd="/",
            env={"PATH": "/usr/bin:/bin", **environ})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    @unittest.skipIf(os.geteuid(), "not root")
    def test_the_setgid_bits_let_everybody_send_and_look(self):
        self.start(defer_transports="virtual")
        config = self.at("etc/postfix")
        pid = self.enter_with_etc(f"alternate_config_directories = /x {config}\n")
        self.stranger(pid, "usr/sbin/sendmail", "c@demo.test",
                      input="Subject: hi\n\nbody\n", MAIL_CONFIG=config)
        instance.until(
            lambda: re.search(r"(?m)^ +c@demo\.test$",
                              self.stranger(pid, "usr/sbin/postqueue", "-c",
                                            config, "-p")),
            "the message in the list")
        instance.until(                 # what waits in maildrop is listed, too
            lambda: re.search(rf"pickup\[\d+\]: \w+: uid={STRANGER} ",
                              self.log()), "the line of pickup")
        # Not more than that.
        self.assertIn("reserved for the superuser", self.stranger(
            pid, "usr/sbin/postsuper", "-d", "ALL", status=1,
            MAIL_CONFIG=config))

    @unittest.skipIf(os.geteuid(), "not root")
    def test_setgid_commands_are_not_led_astray(self):
        self.start(authorized_mailq_users="!static:anyone")
        config = self.at("etc/postfix")
        pid = self.enter_with_etc("alternate_config_directories = /x\n")
        for name, arguments in (("postqueue", ["-p"]), ("postdrop", [])):
            for argv, environ in ((["-c", config], {}),
                                  ([], {"MAIL_CONFIG": config})):
                self.assertIn(
                    f"{config} is not a configuration directory of this "
                    "system: alternate_config_directories in /etc/postfix/"
                    "main.cf does not list it", self.stranger(
                        pid, "usr/sbin/" + name, *argv, *arguments, status=78,
                        **environ))
        # Nor by variables that set parameters.
        pid = self.enter_again(f"multi_instance_directories = {config}\n")
        self.assertIn("is not allowed to view the mail queue", self.stranger(
            pid, "usr/sbin/postqueue", "-c", config, "-p", status=77,
            WAYPOST_CONF_authorized_mailq_users="static:anyone"))

    def enter_again(self, main_cf):
        shutil.rmtree(os.path.join(self.top, "etc"))
        return self.enter_with_etc(main_cf)

    @unittest.skipIf(os.geteuid(), "not root")
    def test_set_permissions_repairs_owners_and_modes(self):
        self.start()
        self.postfix("stop")
        queue = self.at("var/spool/postfix")
        os.chmod(queue + "/maildrop", 0o777)
        os.chown(queue + "/deferred", STRANGER, STRANGER)
        os.chown(self.at("var/lib/postfix"), STRANGER, STRANGER)
        os.chmod(self.at("usr/sbin/postdrop"), 0o755)
        text = self.postfix("check")
        self.assertIn(f"warning: {self.at('usr/sbin/postdrop')}: not of group "
                      f"{DROP}, or without its bit", text)
        self.assertNotIn("postqueue", text)
        os.chown(self.at("usr/sbin/postqueue"), 0, STRANGER)
        self.postfix("set-permissions")
        self.assertNotIn("its bit", self.postfix("check"))
        for name in ("postdrop", "postqueue"):
            self.assertEqual(self.mode("usr/sbin/" + name), 0o2755)
            self.assertEqual(os.stat(self.at("usr/sbin/" + name)).st_gid, DROP)
        self.assertEqual(self.mode("var/spool/postfix/maildrop"), 0o730)
        self.assertEqual(os.stat(queue + "/maildrop").st_gid, DROP)
        self.assertEqual(os.stat(queue + "/deferred").st_uid, OWNER)
        self.assertEqual(os.stat(self.at("var/lib/postfix")).st_uid, OWNER)


if __name__ == "__main__":
    unittest.main()
