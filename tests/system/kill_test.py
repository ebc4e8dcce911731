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
import random
import re
import signal
import threading
import time
import unittest

import faults
import instance

LONG = os.environ.get("WAYPOST_LONG") == "1"
TIME_LIMIT = 1500 if LONG else 280
ALONE = True

SENDERS = 4
BACKLOG = 200
ROLES = ["smtpd", "cleanup", "qmgr", "trivial-rewrite", "smtp", "virtual",
         "bounce", "launcher", "resolver"]

SETTINGS = {"minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
            "queue_run_delay": "1s", "transport_retry_time": "1s",
            "service_throttle_time": "1s", "max_idle": "5s"}

# A phase of a message is what its process is about to do: role, fault points.
PHASES = {
    "in a command of smtpd": ("smtpd", ["map.lookup"]),
    "content on its way to cleanup": ("smtpd", ["stream.write"]),
    "being written": ("cleanup", ["fs.create", "fs.write", "fs.chmod"]),
    "written, not synced": ("cleanup", ["fs.fsync"]),
    "synced, not answered": ("cleanup", ["fs.flock"]),
    "in incoming": ("qmgr", ["fdpass.receive"]),
    "becoming active": ("qmgr", ["fs.rename"]),
    "handed to its agent": ("qmgr", ["fs.dup"]),
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


class Load:
    """Clients that send until told to stop, each message with its id."""

    def __init__(self, mail):
        self.mail = mail
        self.acknowledged = set()
        self.answers = collections.Counter()
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(number,))
                        for number in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def backlog(self):
        return sum(len(files) for queue in ("incoming", "active", "deferred")
                   for _, _, files in os.walk(os.path.join(self.mail.spool,
                                                           queue)))

    def recipients(self, count):
        """By turns to a mailbox, a server, both, with one that bounces or is
        deferred at first."""
        return [["alice@demo.test"], ["out@example.org"],
                ["alice@demo.test", "out@example.org"],
                ["out@example.org", "bounce@example.org"],
                ["alice@demo.test", "later@example.org"]][count % 5]

    def send(self, number):
        count = 0
        while not self.over.is_set():
            if self.backlog() > BACKLOG:    # no faster than it goes out
                self.over.wait(0.1)
                continue
            count += 1
            name = f"id-{number}-{count}-x"
            try:
                code, taken = self.submit(name, number, count)
            except (OSError, AssertionError, ValueError, IndexError,
                    EOFError):
                self.answers["connection lost"] += 1
                time.sleep(0.02)
                continue
            self.answers[code] += 1
            with self.lock:
                self.acknowledged.update((name, r.partition("@")[0])
                                         for r in taken)

    def submit(self, name, number, count):
        """The answer and who was taken."""
        return self.talk(self.recipients(count), name)

    def talk(self, recipients, name):
        with self.mail.smtp(timeout=10) as client:
            client.hello()
            code, _ = client.mail("s@demo.test", recipients,
                                  f"Subject: {name}\n\nbody\n")
        return code, client.taken if code == 250 else []

    def count(self):
        with self.lock:
            return len(self.acknowledged)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class LocalLoad(Load):
    """By turns over SMTP to an alias and with sendmail to the user; the last one
    looks at the queue and writes into the log all the time."""

    def submit(self, name, number, count):
        if number == SENDERS - 1:
            self.mail.queue()
            self.mail.command("postlog", "-t", "postfix/load", name)
            return "listings", []
        if (number + count) % 2:
            return self.talk(["team@here.test"], name)
        done = self.mail.command("sendmail", "-f", "s@demo.test", "me@here.test",
                                 input=f"Subject: {name}\n\nbody\n", check=False)
        return f"sendmail {done.returncode}", [] if done.returncode else ["me@"]


class Kill(instance.TestCase):
    limit = TIME_LIMIT

    def setUp(self):
        super().setUp()
        self.order = random.Random(instance.seed())

    def receiver(self):
        def answer(stage, argument):
            if stage != "rcpt" or argument.startswith("out@"):
                return None
            if argument.startswith("bounce@"):
                return "550 5.1.1 no such user"
            if self.order.random() < 0.5:       # later@
                return "450 4.2.0 later"
            return None

        return self.sink(answer)

    def arrived(self, mail, sink):
        """(id, recipient) of each delivery, as often as it came."""
        found = []

        def note(text, recipients):
            name = re.search(rb"^Subject: (id-\d+-\d+-x)", text, re.M)
            if name:
                found.extend((name.group(1).decode(), r.partition("@")[0])
                             for r in recipients)

        for text in mail.box("alice"):
            note(text, ["alice@"])
        for got in list(sink.received):
            note(got.data, got.recipients)
        for text in mail.box("everyone"):       # notices to s@demo.test
            if b"Undelivered Mail" in text:
                # the returned message follows behind the report
                note(text, ["bounce@"])
        return found

    def settle(self, mail, sink, load, kills):
        load.stop()
        wanted = set(load.acknowledged)
        released = 0
        # As long as some arrive, the rest may: a busy disk takes its time.
        deadline, most = time.monotonic() + 120, 0
        while time.monotonic() < deadline:
            found = self.arrived(mail, sink)
            if wanted <= set(found):
                break
            if len(found) > most:
                deadline, most = time.monotonic() + 120, len(found)
            # What killed its agent twice waits for a person: here he is.
            held = [m for m in mail.queue() if m["queue_name"] == "hold"]
            if held:
                released += len(held)
                mail.command("postsuper", "-H", "ALL", check=False)
            mail.command("postqueue", "-f", check=False)
            time.sleep(1)
        lost = sorted(wanted - set(found))
        counts = collections.Counter(found)
        twice = sum(n - 1 for n in counts.values())
        print(f"  {len({name for name, _ in wanted})} messages, {len(wanted)} "
              f"recipients acknowledged, {kills} kills, {len(lost)} lost, "
              f"{twice} twice, {released} released from hold", flush=True)
        print("  answers: " + ", ".join(f"{c} {n}" for c, n in sorted(
            load.answers.items(), key=str)), flush=True)
        self.assertEqual(lost, [])
        # A kill repeats what was in flight in that process, and no more: a
        # message of each client, and what waited for another try.
        self.assertLessEqual(twice, kills * 3 * SENDERS)
        refused = {c for c in load.answers if isinstance(c, int)
                   and c != 250 and not 400 <= c < 500 and c != 0}
        self.assertEqual(refused, set(), "answered other than 4xx")
        self.assertLessEqual({c for c in load.answers if str(c).startswith("send")},
                             {"sendmail 0", "sendmail 75"})

    def kill(self, pids, number=signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return len(pids)

    def test_what_was_acknowledged_arrives(self):
        sink = self.receiver()
        mail = self.instance({"relayhost": sink.where,
                              **SETTINGS})
        load = Load(mail)
        self.settle(mail, sink, load, self.kill_roles(mail, load, ROLES))

    def kill_roles(self, mail, load, names):
        """At random moments, then master with all of them; how many."""
        kills = 0
        try:
            for _ in range(8 if LONG else 1):
                roles = names[:]
                self.order.shuffle(roles)
                for role in roles:
                    before, more = load.count(), self.order.randrange(3, 12)
                    instance.until(lambda: load.count() >= before + more,
                                   "some mail")
                    pids = mail.pids(role)
                    if self.order.random() < 0.3:
                        self.kill(pids, signal.SIGSTOP)
                        time.sleep(self.order.random())
                        self.kill(pids, signal.SIGCONT)
                        print(f"  {load.count()} acknowledged, {role}: "
                              f"{len(pids)} stopped and continued",
                              flush=True)
                        continue
                    kills += self.kill(pids)
                    print(f"  {load.count()} acknowledged, {role}: "
                          f"{len(pids)} killed", flush=True)
                # master too, and everything is started again
                before = load.count()
                instance.until(lambda: load.count() > before + 5, "some mail")
                kills += 1
                mail.stop(signal.SIGKILL)
                mail.start()
        finally:
            load.stop()
        return kills

    def test_a_kill_in_every_phase_of_a_message(self):
        board = self.board()
        sink = self.receiver()
        mail = self.instance({"relayhost": sink.where,
                              **SETTINGS}, faults=board)
        load = Load(mail)
        hits = collections.Counter()
        rounds = 12 if LONG else 2
        try:
            instance.until(lambda: load.count() > 10, "some mail")
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
            self.settle(mail, sink, load, sum(hits.values()))
            self.assertEqual([p for p in PHASES if not hits[p]], [],
                             "phases that no kill fell into")
        finally:
            load.stop()

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
             "mail_spool_directory": "$queue_directory/../boxes/", **SETTINGS},
            start=False)
        boxes = os.path.join(mail.dir, "boxes")
        os.mkdir(boxes)
        os.chmod(boxes, 0o1777)
        mail.write("users", f"{self.user} x\n")
        mail.write("virtual", f"me@here.test {self.user}@here.test\n")
        mail.write("aliases", f"team: head\nhead: {self.user}\n")
        mail.command("newaliases")
        mail.start()
        load = LocalLoad(mail)
        self.settle(mail, None, load, self.kill_roles(mail, load, LOCAL_ROLES))
        self.assertGreater(load.answers["sendmail 0"], 5)
        # postlogd was killed too: each line it wrote is whole.
        bad = [line for line in mail.log().splitlines() if not re.match(
            r"\w{3} +\d+ [\d:]{8} mail postfix/|postfix/postfix-script: ", line)]
        self.assertEqual(bad, [])


if __name__ == "__main__":
    unittest.main()
