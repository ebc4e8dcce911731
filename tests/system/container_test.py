"""As in a container without any right: a user of a number that nobody knows, in a
user namespace, process 1, a root file system that cannot be written, one volume,
the log on standard output, and the configuration that is shipped, changed by
variables alone (docs/containers.md).

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

import instance

CELL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cell.py")
INSIDE, OUTSIDE = 31337, 48211
GRACE = 10                              # what `docker stop` allows


def example(volume):
    """What the example of an image sets, with this place for its volume."""
    with open(os.path.join(instance.ROOT, "conf", "container", "Dockerfile"),
              encoding="utf-8") as file:
        lines = re.search(r"(?ms)^ENV (.*?[^\\])$", file.read())[1]
    words = shlex.split(lines.replace("\\\n", " "))
    return {name: value.replace("/data/", volume + "/")
            for name, value in (word.split("=", 1) for word in words)}


class Container:
    """`variables` are names behind WAYPOST_."""

    def __init__(self, variables):
        # In /tmp, which all of the machine may pass.
        self.volume = tempfile.mkdtemp(prefix="volume-", dir="/tmp")
        self.outside = str(OUTSIDE) if os.geteuid() == 0 else ""
        if self.outside:
            os.chown(self.volume, OUTSIDE, OUTSIDE)
        self.build = instance.build_for_others(instance.BUILD) \
            if self.outside else os.path.abspath(instance.BUILD)
        self.conf = tempfile.mkdtemp(prefix="conf-", dir="/tmp")
        os.chmod(self.conf, 0o755)
        for name in ("main.cf", "master.cf"):
            shutil.copy(os.path.join(instance.ROOT, "conf", name), self.conf)
        self.host, self.port = instance.own_address(), instance.PORT
        self.output = tempfile.NamedTemporaryFile(prefix="log-")
        self.environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": self.conf,
            **example(self.volume),
            **{"WAYPOST_" + name: value for name, value in {
                "CONF_daemon_directory": self.build + "/libexec",
                "CONF_command_directory": self.build + "/sbin",
                "CONF_sendmail_path": self.build + "/sbin/sendmail",
                "MASTER_smtp_inet":
                    f"{self.host}:{self.port} inet n - n - - smtpd",
                "CONF_myhostname": "mail.cell.test",
                **variables}.items()}}
        self.process = None

    def command(self, *argv):
        space = ["--mount", "--pid", "--fork", "--kill-child"]
        if not self.outside:
            space += ["--user", "--map-root-user"]
        return ["unshare", *space, sys.executable, CELL, self.volume,
                str(INSIDE), self.outside, *argv]

    def start(self):
        self.process = subprocess.Popen(
            self.command(self.build + "/sbin/waypost", "start-fg"),
            stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=subprocess.STDOUT, env=self.environment)
        instance.until(self.answers, "the container to answer")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended: {self.process.returncode}\n"
                                 + self.log())
        try:
            with instance.Smtp(self.port, self.host, timeout=5) as client:
                return client.greeting[0] == 220
        except OSError:
            return False

    def first(self):
        """Process 1, by its number outside."""
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return int(f.read().split()[0])

    def execute(self, *argv, input=None):
        """As `docker exec` does."""
        return subprocess.run(
            ["nsenter", "-t", str(self.first()), "-U", "-m", "-p", "-S",
             str(INSIDE), "-G", str(INSIDE), *argv], input=input, text=True,
            capture_output=True, check=False, env=self.environment, timeout=60)

    def stop(self):
        """The exit status, within the grace time."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.first(), signal.SIGTERM)
        return self.process.wait(GRACE)

    def log(self):
        with open(self.output.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def remove(self):
        if self.process and self.process.poll() is None:
            # Whoever changes identity is not told when a parent dies.
            with contextlib.suppress(OSError, IndexError):
                os.kill(self.first(), signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        self.output.close()
        for folder in (self.volume, self.conf):
            shutil.rmtree(folder, ignore_errors=True)


class Unprivileged(instance.TestCase):
    def container(self, **variables):
        made = Container(variables)
        self.addCleanup(made.remove)
        probe = subprocess.run(made.command("id", "-u"), text=True, check=False,
                               capture_output=True, env=made.environment)
        if probe.stdout != f"{INSIDE}\n":
            self.skipTest("no user namespaces here: " + probe.stderr.strip())
        self.addCleanup(lambda: self.has_failed() and print(made.log()))
        return made

    def test_it_carries_mail_and_ends_in_time(self):
        sink = self.sink()
        cell = self.container(CONF_relayhost=sink.where,
                              CONF_defer_transports="smtp",
                              CONF_mynetworks="127.0.0.0/8")
        cell.start()
        first = cell.first()
        # Nothing but the volume can be written, nobody knows the user.
        done = cell.execute("sh", "-c", "id; touch /tmp/x /var/x " + cell.conf
                            + "/x; touch " + cell.volume + "/x && echo yes; "
                            "getent passwd $(id -u) || echo nobody")
        self.assertIn(f"uid={INSIDE} gid={INSIDE}", done.stdout)
        self.assertTrue(done.stdout.endswith("yes\nnobody\n"), done.stdout)
        self.assertEqual(done.stderr.count("Read-only file system"), 3)
        with open(f"/proc/{first}/status", encoding="ascii") as file:
            status = dict(line.split(":\t") for line in file if ":\t" in line)
        self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertEqual(status["NSpid"].split()[-1], "1")
        # Mail that waits when it is stopped ...
        with instance.Smtp(cell.port, cell.host) as client:
            client.hello()
            self.assertEqual(client.mail("a@cell.test", ["b@example.org"],
                                         "Subject: smtp\n\nx\n")[0], 250)
        done = cell.execute(cell.build + "/sbin/sendmail", "c@example.org",
                            input="Subject: exec\n\nx\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        instance.until(lambda: "c@example.org" in cell.execute(
            cell.build + "/sbin/mailq").stdout, "the message in the list")
        self.reaps(cell, first)
        # ... with a transaction in progress, which ends as it should.
        with instance.Smtp(cell.port, cell.host) as client:
            client.hello()
            client.say("MAIL FROM:<a@cell.test>")
            client.say("RCPT TO:<d@example.org>")
            client.say("DATA")
            os.kill(first, signal.SIGTERM)
            instance.until(lambda: "terminating on signal 15" in cell.log(),
                           "the signal in the log")
            client.raw("Subject: late\r\n\r\nx\r\n.\r\n")
            self.assertEqual(client.reply()[0], 250)
        self.assertEqual(cell.process.wait(GRACE), 0)
        # ... is there at the next start.
        cell.environment["WAYPOST_CONF_defer_transports"] = ""
        cell.start()
        cell.execute(cell.build + "/sbin/postqueue", "-f")
        self.assertEqual({m.recipients[0] for m in sink.wait(3)},
                         {"b@example.org", "c@example.org", "d@example.org"})
        self.assertEqual(cell.stop(), 0)
        # The log of daemons and of commands, all of it there.
        for words in ("daemon started", "pickup[", "status=sent",
                      f"uid={INSIDE} from=<uid{INSIDE}@mail.cell.test>"):
            self.assertIn(words, cell.log())
        for words in ("Read-only", "not owned", "Permission denied", "fatal:",
                      "exit status"):
            self.assertNotIn(words, cell.log())

    def reaps(self, cell, first):
        """Processes that others left to process 1 do not stay."""
        cell.execute("sh", "-c", "(sh -c 'exec 0<&- 1>&- 2>&-; sleep 0.2' &)")

        def strangers():
            with open(f"/proc/{first}/task/{first}/children",
                      encoding="ascii") as file:
                pids = file.read().split()
            names = []
            for pid in pids:
                with contextlib.suppress(FileNotFoundError):
                    with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
                        names.append(file.read().split(")")[0].split("(")[1])
            return [name for name in names if name in ("sh", "sleep")]
        instance.until(lambda: not strangers(), "orphans to be reaped")

    def test_errors_name_the_variable(self):
        for name, value, words in (
                ("CONF_message_size_limit", "many",
                 'WAYPOST_CONF_message_size_limit: message_size_limit: found '
                 '"many", expected'),
                ("MASTER_smtp_inet", "2525 inet n",
                 "WAYPOST_MASTER_smtp_inet:1: found 3 columns"),
                ("MASTER_smpt_inet", "2525 inet n - n - - smtpd",
                 'WAYPOST_MASTER_smpt_inet: found no service "smpt_inet"')):
            cell = self.container(**{name: value})
            done = subprocess.run(
                cell.command(cell.build + "/sbin/waypost", "start-fg"),
                capture_output=True, text=True, check=False, timeout=60,
                env=cell.environment)
            self.assertEqual(done.returncode, 1, name)
            self.assertIn(words, done.stdout + done.stderr)


if __name__ == "__main__":
    import unittest
    unittest.main()
