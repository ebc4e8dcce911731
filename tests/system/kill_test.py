"""Roles are killed under load: what was acknowledged arrives, whatever dies.

Each message has an id of its own; those answered 250 are held against what lies in
Maildirs and at the recording sink. One test kills the installed programs at random
moments. The other kills programs with fault points in a chosen phase of a message,
until every phase was hit. WAYPOST_LONG=1 sends thousands. T_SEED repeats the order.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import contextlib
import glob
import os
import pwd
import re
import signal
import time
import unittest

import faults
import instance
import load

LONG = os.environ.get("WAYPOST_LONG") == "1"
TIME_LIMIT = 500
LONG_TIME_LIMIT = 1200

ROLES = ["smtpd", "cleanup", "qmgr", "trivial-rewrite", "smtp", "virtual",
         "bounce", "launcher", "resolver"]

# A phase of a message is what its process is about to do: role, fault points.
PHASES = {
    "in a command of smtpd": ("smtpd", ["map.lookup"]),
    "content on its way to cleanup": ("smtpd", ["stream.write"]),
    "being written": ("cleanup", ["fs.create", "fs.write", "fs.chmod"]),
    "written, not synced": ("cleanup", ["fs.fsync", "fs.fdatasync"]),
    "synced, not answered": ("cleanup", ["fs.flock"]),
    "in incoming": ("qmgr", ["fdpass.receive"]),
    "becoming active": ("qmgr", ["fs.rename"]),
    "handed to its agent": ("qmgr", ["stream.write"]),
    "in delivery to a server": ("smtp", ["fs.read"]),
    "in delivery to a mailbox": ("virtual", ["map.lookup"]),
    "in tmp, not synced": ("worker", ["fs.write", "fs.fsync"]),
    "in tmp, synced": ("worker", ["fs.rename"]),
    "in new, not reported": ("worker", ["fs.fsyncdir"]),
    "delivered, not reported": ("smtp", ["stream.write"]),
    "delivered, not marked": ("qmgr", ["fs.unlink"]),
    "being marked": ("qmgr", ["fs.pwrite"]),
    "being deferred": ("qmgr", ["fs.mtime"]),
    "bounce being logged": ("bounce", ["fs.write", "fs.fsync"]),
    "bounce told, log not removed": ("bounce", ["fs.unlink"]),
    "no phase: a worker is started": ("launcher", ["child.fork"]),
}


# Who takes, looks at and delivers the mail of this machine's own users.
LOCAL_ROLES = ["pickup", "cleanup", "proxymap", "trivial-rewrite", "qmgr", "local",
               "launcher", "showq", "postlogd"]


class LocalLoad(load.Load):
    """By turns over SMTP to an alias and with sendmail to the user; the last one
    looks at the queue and writes into the log all the time."""

    def submit(self, name, number, count):
        if number == load.SENDERS - 1:
            self.mail.queue()
            self.mail.command("postlog", "-t", "postfix/load", name)
            return "listings", []
        if (number + count) % 2:
            return self.talk(["team@here.test"], name)
        done = self.mail.command("sendmail", "-f", "s@demo.test", "me@here.test",
                                 input=f"Subject: {name}\n\nbody\n", check=False)
        return f"sendmail {done.returncode}", [] if done.returncode else ["me@"]


class Kill(load.TestCase):
    limit = LONG_TIME_LIMIT if LONG else TIME_LIMIT

    def arrives(self, mail, sink, clients, kills):
        """A kill repeats what was in flight in that process, and no more: a
        message of each client, and what waited for another try."""
        self.settle(mail, sink, clients, f"{kills} kills",
                    kills * 3 * load.SENDERS)

    def kill(self, pids, number=signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return len(pids)

    def test_what_was_acknowledged_arrives(self):
        sink = self.receiver()
        mail = self.instance({"relayhost": sink.where,
                              **load.SETTINGS})
        clients = load.Load(mail)
        self.arrives(mail, sink, clients,
                     self.kill_roles(mail, clients, ROLES))

    def kill_roles(self, mail, clients, names):
        """At random moments, then master with all of them; how many."""
        kills = 0
        try:
            for _ in range(8 if LONG else 1):
                roles = names[:]
                self.order.shuffle(roles)
                for role in roles:
                    before, more = clients.count(), self.order.randrange(3, 12)
                    instance.until(lambda: clients.count() >= before + more,
                                   "some mail")
                    pids = mail.pids(role)
                    if self.order.random() < 0.3:
                        self.kill(pids, signal.SIGSTOP)
                        time.sleep(self.order.random())
                        self.kill(pids, signal.SIGCONT)
                        print(f"  {clients.count()} acknowledged, {role}: "
                              f"{len(pids)} stopped and continued",
                              flush=True)
                        continue
                    kills += self.kill(pids)
                    print(f"  {clients.count()} acknowledged, {role}: "
                          f"{len(pids)} killed", flush=True)
                # master too, and everything is started again
                before = clients.count()
                instance.until(lambda: clients.count() > before + 5, "some mail")
                kills += 1
                mail.stop(signal.SIGKILL)
                mail.start()
        finally:
            clients.stop()
        return kills

    def test_a_kill_in_every_phase_of_a_message(self):
        board = self.board()
        sink = self.receiver()
        mail = self.instance({"relayhost": sink.where,
                              **load.SETTINGS}, faults=board)
        clients = load.Load(mail)
        hits = collections.Counter()
        rounds = 12 if LONG else 2
        try:
            instance.until(lambda: clients.count() > 10, "some mail")
            for attempt in range(4 * rounds):
                left = [p for p in PHASES if hits[p] < rounds]
                self.order.shuffle(left)
                for phase in left:
                    self.kill_in(board, mail, phase, hits)
                if attempt % 4 == 3:
                    mail.stop(signal.SIGKILL)
                    mail.start()
                    hits["master and all others"] += 1
            board.disarm()
            for phase, times in sorted(hits.items()):
                print(f"  {times:3} kills: {phase}", flush=True)
            self.arrives(mail, sink, clients, sum(hits.values()))
            self.assertEqual([p for p in PHASES if not hits[p]], [],
                             "phases that no kill fell into")
        finally:
            clients.stop()

    def kill_in(self, board, mail, phase, hits):
        role, points = PHASES[phase]
        if role == "launcher":                  # it starts a worker but once
            self.kill(mail.pids("launcher"))
        board.arm(self.order.choice(points), self.order.randrange(1, 4)
                  if role != "launcher" else 1, role, faults.KILL)
        with contextlib.suppress(AssertionError):
            instance.until(lambda: board.hits, phase, 4)
        hits[phase] += board.hits
        board.disarm()


class LocalKill(Kill):
    """The same with mail of local users: submitted by sendmail, expanded by
    aliases, looked up through proxymap, delivered by local."""

    test_what_was_acknowledged_arrives = None
    test_a_kill_in_every_phase_of_a_message = None

    def arrived(self, mail, sink):
        found = []
        for path in glob.glob(os.path.join(mail.dir, "boxes", self.user, "new", "*")):
            with open(path, "rb") as file:
                text = file.read()
            name = re.search(rb"^Subject: (id-\d+-\d+-x)", text, re.M)
            to = re.search(rb"^X-Original-To: (\w+)@", text, re.M)
            found.append((name.group(1).decode(), to.group(1).decode()))
        return found

    def test_mail_of_local_users_arrives(self):
        self.user = "nobody" if os.getuid() == 0 else \
            pwd.getpwuid(os.getuid()).pw_name
        mail = self.instance(
            {"mydestination": "here.test", "myorigin": "here.test",
             "alias_maps": "hash:$config_directory/aliases",
             "alias_database": "$alias_maps",
             "local_recipient_maps": "proxy:texthash:$config_directory/users "
                                     "$alias_maps",
             "virtual_alias_maps": "proxy:texthash:$config_directory/virtual",
             "mail_spool_directory": "$queue_directory/../boxes/", **load.SETTINGS},
            start=False)
        boxes = os.path.join(mail.dir, "boxes")
        os.mkdir(boxes)
        os.chmod(boxes, 0o1777)
        mail.write("users", f"{self.user} x\n")
        mail.write("virtual", f"me@here.test {self.user}@here.test\n")
        mail.write("aliases", f"team: head\nhead: {self.user}\n")
        mail.command("newaliases")
        mail.start()
        clients = LocalLoad(mail)
        self.arrives(mail, None, clients,
                     self.kill_roles(mail, clients, LOCAL_ROLES))
        self.assertGreater(clients.answers["sendmail 0"], 5)
        # postlogd was killed too: each line it wrote is whole.
        bad = [line for line in mail.log().splitlines() if not re.match(
            r"\w{3} +\d+ [\d:]{8} mail postfix/|postfix/postfix-script: ", line)]
        self.assertEqual(bad, [])


if __name__ == "__main__":
    unittest.main()
