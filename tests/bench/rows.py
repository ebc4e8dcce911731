"""The rows of the benchmark: each says what is set up and what is measured.

A row's run(system, world) makes one measured run and returns its figures; the
row's `figures` name those that are compared: (key, what and unit, whether more
is better).

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import os
import re
import signal
import statistics
import subprocess
import time

import flame
import system as sys_
from system import instance


COMMON = {
    # What both get, on top of what the box's own main.cf has.
    "maillog_file": "/var/log/mail.log",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    # No reverse look-ups: there is no name server in the measurement.
    "smtpd_peername_lookup": "no",
    # Nobody is to be capped by a limit on processes or clients ...
    "default_process_limit": "200",
    "smtpd_client_connection_count_limit": "0",
    # ... or slowed down on purpose.
    "in_flow_delay": "0",
}
BOX_UID = 12200
BOXES = 20

RATE = ("per_second", "messages/s", True)
CPU = ("cpu_us", "µs CPU of all its processes a message", False)
DELAY = ("ms_50", "ms for a client, median", False)


class Row:
    """Throughput of mail through a system."""

    figures = [RATE, CPU, DELAY]
    only = None                 # systems whose name starts so
    megabytes = 2048
    inodes = None
    minutes = 10                # that a run may take, all in all
    curve = None                # (plot, x) when it is a point of one

    def __init__(self, name, title, settings=None, warm=200, most=40000, least=100,
                 curve=None, only=None, **load):
        self.name = name
        self.title = title
        self.settings = settings or {}
        self.load = load
        self.warm = warm
        self.most = most
        self.least = least
        self.curve = curve
        self.only = only

    def set_up(self, system, world, users=()):
        settings = {**COMMON, "relayhost": f"[127.0.0.1]:{world.sink_port}",
                    **self.settings, **system.settings}
        return sys_.Mail(system.programs, world.disk(self.megabytes), settings, world.place,
                         users=users, inodes=self.inodes)

    def run(self, system, world):
        with self.set_up(system, world) as mail:
            self.prepare(mail)
            mail.start()
            return self.measure(mail, world)

    def prepare(self, mail):
        pass

    def measure(self, mail, world):
        # Starts the processes and tells how many messages make a run.
        first = self.send(mail, world, world.messages or self.warm)
        count = int(1000 / first["ms"] * world.seconds)
        count = max(self.least, min(self.most, count))
        with world.measuring():
            return self.send(mail, world, world.messages or count)

    def send(self, mail, world, count):
        return sys_.send_all(mail, world.sink_port, count, **self.load)


class Ceiling(Row):
    """Load to sink with nothing between them."""

    figures = [RATE]
    only = "no mail system"

    def run(self, system, world):
        with world.measuring():
            return sys_.send_all(None, world.sink_port, world.messages or 20000,
                                 to_port=world.sink_port, **self.load)


class Credible(Row):
    """The same with the well-known smtp-source and smtp-sink."""

    figures = [RATE, CPU]

    def send(self, mail, world, count):
        packages = os.path.join(sys_.BUILD, "packages")
        tools = os.path.join(packages, "usr", "sbin")
        env = dict(os.environ, LD_LIBRARY_PATH=os.path.join(packages, "usr/lib/postfix"))
        if not os.path.exists(os.path.join(tools, "smtp-source")):
            raise RuntimeError("no smtp-source unpacked")
        with subprocess.Popen([os.path.join(tools, "smtp-sink"), "-u", "nobody", "-c",
                               f"127.0.0.1:{world.sink_port}", "500"], env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as sink:
            try:
                instance.until(lambda: listens(world.sink_port), "smtp-sink")
                os.set_blocking(sink.stdout.fileno(), False)
                cpu, start = mail.account.nanoseconds(), time.monotonic()
                with subprocess.Popen(
                        [os.path.join(tools, "smtp-source"), "-c", "-m", str(count), "-s",
                         str(self.load["clients"]), "-l", "2048", "-f", "a@source.test",
                         "-t", "u0@relay.test", f"127.0.0.1:{mail.port}"], env=env,
                        stdout=subprocess.DEVNULL) as source:
                    came = counted(sink, count)
                    seconds = time.monotonic() - start
                    if source.wait(60) != 0:
                        raise RuntimeError("smtp-source failed")
                mail.wait_empty()
                cpu = cpu and mail.account.nanoseconds() - cpu
            finally:
                sink.terminate()
        if came != count:
            raise sys_.NotAll(f"{came} of {count} came")
        return {"per_second": count / seconds, "messages": count, "seconds": seconds,
                "ms": seconds / count * 1e3, "cpu_us": cpu and cpu / count / 1000}


def listens(port):
    with open("/proc/net/tcp") as file:
        return re.search(rf":{port:04X} 00000000:0000 0A ", file.read()) is not None


def counted(sink, count):
    """What the running counters of smtp-sink say, up to count."""
    came, moved, text = 0, time.monotonic(), b""
    while came < count and time.monotonic() - moved < sys_.PATIENCE:
        more = sink.stdout.read()
        if more:
            text = (text + more)[-4096:]
            numbers = re.findall(rb"mesg=(\d+)", text)
            came = max(came, int(numbers[-1]) if numbers else 0)
            moved = time.monotonic()
        time.sleep(0.01)
    return came


class List(Row):
    """One message to a thousand recipients, at once with nothing else."""

    figures = [("per_second", "recipients/s", True),
               ("cpu_us_recipient", "µs CPU of all its processes a recipient", False)]
    recipients = 1000
    repeat = 7

    def prepare(self, mail):
        if "transport_maps" in self.settings:
            mail.write("transport", "".join(
                f"d{n}.test smtp:[127.1.{n // 250}.{n % 250 + 1}]:{self.port}\n"
                for n in range(self.recipients)))

    def run(self, system, world):
        self.port = world.sink_port
        return super().run(system, world)

    def measure(self, mail, world):
        self.send(mail, world, 1)
        with world.measuring():
            runs = [self.send(mail, world, 1) for _ in range(self.repeat)]
        middle = sorted(runs, key=lambda r: r["per_second"])[len(runs) // 2]
        middle["cpu_us_recipient"] = middle["cpu_us"] and statistics.median(
            r["cpu_us"] for r in runs) / self.recipients
        return middle

    def send(self, mail, world, count):
        return sys_.send_all(mail, world.sink_port, count, recipients=self.recipients,
                             **self.load)


class Maildirs(Row):
    """Delivery to mailboxes: `local` or `virtual`."""

    figures = [RATE, CPU]

    def __init__(self, name, title, agent, settings, **load):
        super().__init__(name, title, settings, **load)
        self.agent = agent

    def run(self, system, world):
        users = [(f"u{n}", BOX_UID + n) for n in range(BOXES)]
        with self.set_up(system, world, users) as mail:
            if self.agent == "virtual":
                mail.write("boxes", "".join(f"{u}@box.test {u}/Maildir/\n" for u, _ in users))
                base = os.path.join(mail.fs, "mail")
            else:
                base = os.path.join(mail.fs, "home")
            self.boxes = []
            for user, uid in users:
                owner = BOX_UID if self.agent == "virtual" else uid
                for part in ("", "Maildir", "Maildir/new", "Maildir/cur", "Maildir/tmp"):
                    path = os.path.join(base, user, part)
                    os.mkdir(path)
                    os.chown(path, owner, 65534)
                self.boxes.append(os.path.join(base, user, "Maildir"))
            mail.start()
            return self.measure(mail, world)

    def send(self, mail, world, count):
        for box in self.boxes:
            for entry in os.scandir(os.path.join(box, "new")):
                os.unlink(entry.path)
        with sys_.Tool("maildirs", "--messages", count, "--patience", sys_.PATIENCE,
                       *self.boxes) as boxes:
            if boxes.line(10) != "ready":
                raise RuntimeError("maildirs did not start")
            return sys_.measured(mail, boxes, lambda: sys_.load(
                mail.port, count, spread=BOXES, recipient="u%u@box.test", **self.load), count)


class Submission(Row):
    """The sendmail command, eight at a time."""

    figures = [RATE, CPU]

    def send(self, mail, world, count):
        with sys_.listening_sink(world.sink_port, "--messages", count, "--patience",
                                 sys_.PATIENCE) as sink:
            return sys_.measured(mail, sink, lambda: sys_.Tool(
                "submit", "--messages", count, "--clients", 8, "sendmail", "-f",
                "sender@source.test", "u0@relay.test", before=mail.inside(),
                preexec_fn=mail.account.enter), count)


class Idle(Row):
    """Sessions that are open and say nothing, or a byte now and then."""

    AT_ONCE = 10000
    figures = [("pss_kb", "KB a session (proportional)", False),
               ("rss_kb", "KB a session (resident, shared pages counted in each process)",
                False)]

    def __init__(self, name, title, sessions, messages, slow=None, **more):
        super().__init__(name, title, {"default_process_limit": str(sessions + 100)}, **more)
        self.sessions = sessions
        self.messages = messages
        # Contents of which some wait in smtpd, and some are on their way.
        self.options = {"slow": slow, "size": 40 << 10} if slow else {}
        self.late = slow == "data"

    def measure(self, mail, world):
        # So that what one message needs is there already.
        sys_.send_all(mail, world.sink_port, 50, clients=2)
        with sys_.listening_sink(world.sink_port, "--patience", sys_.PATIENCE, "--messages",
                                 max(self.messages, 1)) as sink:
            before = settled(mail)
            with contextlib.ExitStack() as loads:
                # One after another, so that no process has too many descriptors.
                sessions = []
                for first in range(0, self.sessions, self.AT_ONCE):
                    count = min(self.AT_ONCE, self.sessions - first)
                    one = loads.enter_context(sys_.load(
                        mail.port, count if self.messages else 0, clients=count,
                        hold="yes", sources=40, first_id=first, **self.options))
                    held = one.result(300)
                    if one.line(10) != "holding" or held["holding"] != count:
                        raise sys_.NotAll(f"not all sessions: {held}")
                    sessions.append((one, held))
                if self.messages and not self.late:
                    sink.result()
                    mail.wait_empty()
                # Connections between the services are kept for five seconds.
                after = settled(mail, 8 if self.messages else 3)
                answered = 0
                for one, _ in sessions:
                    one.process.stdin.close()
                    answered += one.result(90)["answered"]
                    one.finish()
                if self.late and not sink.result()["complete"]:
                    raise sys_.NotAll("not all messages came")
        if answered < self.sessions:
            raise sys_.NotAll(f"only {answered} sessions answer after their rest")
        by_program = {name: [after[name][0] - before.get(name, [0])[0], after[name][2]]
                      for name in after}
        return {"pss_kb": (total(after, 0) - total(before, 0)) / self.sessions,
                "rss_kb": (total(after, 1) - total(before, 1)) / self.sessions,
                "sessions": self.sessions, "seconds": sum(
                    held["end_ns"] - held["start_ns"] for _, held in sessions) / 1e9,
                "failures": sum(held["failures"] for _, held in sessions),
                **{f"{name}_pss_kb": kinds[0] for name, kinds in by_program.items()},
                "smtpd": by_program["smtpd"][1]}


def total(memory, which):
    return sum(kinds[which] for kinds in memory.values())


def settled(mail, seconds=3):
    """Memory, once it is the same for so long."""
    last, same, end = None, 0, time.monotonic() + 40
    while same < seconds and time.monotonic() < end:
        time.sleep(1)
        now = mail.memory()
        near = last is not None and abs(total(now, 0) - total(last, 0)) < \
            max(200, total(now, 0) / 200)
        same = same + 1 if near else 0
        last = now
    return last


class Counts(Row):
    """System calls and the like, counted by perf while mail is relayed."""

    EVENTS = {"syscalls": ["raw_syscalls:sys_enter"], "switches": ["context-switches"],
              "fsyncs": [f"syscalls:sys_enter_{name}" for name in
                         ("fsync", "fdatasync", "syncfs", "sync_file_range")]}
    figures = [("syscalls", "system calls a message", False),
               ("switches", "context switches a message", False),
               ("fsyncs", "fsync, fdatasync or syncfs calls a message", False)]

    def measure(self, mail, world):
        self.send(mail, world, self.warm)
        path = os.path.join(world.place, "perf")
        names = [e for events in self.EVENTS.values() for e in events]
        count = world.messages or 2000
        with world.measuring():
            # A process that is attached to counts its children as well.
            with subprocess.Popen(["perf", "stat", "-x", ",", "-o", path, "-e",
                                   ",".join(names), "-p",
                                   ",".join(str(p) for p in mail.pids())],
                                  stderr=subprocess.PIPE, text=True) as perf:
                time.sleep(0.5)
                if perf.poll() is not None:
                    raise RuntimeError("perf: " + perf.stderr.read())
                run = self.send(mail, world, count)
                perf.send_signal(signal.SIGINT)
                perf.wait()
        with open(path) as file:
            seen = {fields[2]: int(fields[0]) for fields in
                    (line.split(",") for line in file if line[:1].isdigit())}
        for name, events in self.EVENTS.items():
            run[name] = sum(seen[e] for e in events) / count
        return run


class Flame(Row):
    """A flame graph of what the processes do while mail is relayed."""

    figures = []                # it draws flame.svg beside the results
    HERTZ = 997

    def measure(self, mail, world):
        self.send(mail, world, self.warm)
        inside = mail.inside()
        # Later children of these are sampled as well.
        pids = ",".join(inner_pid(pid) for pid in mail.pids())
        with world.measuring():
            with subprocess.Popen([*inside, "perf", "record", "-q", "-F", str(self.HERTZ),
                                   "--call-graph", "dwarf,16384", "-o", "/var/log/perf.data",
                                   "-p", pids], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) as perf:
                instance.until(lambda: perf.poll() is not None or
                               any(map(samples, children(perf.pid))), "perf", 30)
                if perf.poll() is not None:
                    raise RuntimeError(f"perf: {perf.stderr.read().decode()}")
                run = self.send(mail, world, world.messages or 5000)
                for pid in children(perf.pid):
                    os.kill(pid, signal.SIGINT)
                said = perf.stderr.read().decode()
                perf.wait(60)
        with subprocess.Popen([*inside, "perf", "script", "-i", "/var/log/perf.data", "-F",
                               "comm,ip,sym,dso"], stdout=subprocess.PIPE, text=True,
                              errors="replace", stderr=subprocess.DEVNULL) as script:
            root = flame.read(script.stdout)
        if root.count == 0:
            raise RuntimeError(f"perf took no samples: {said}")
        title = f"{self.title}: {root.count} samples of all processes"
        with open(os.path.join(world.out, "flame.svg"), "w") as file:
            file.write(flame.svg(root, title))
        run["samples"] = root.count
        return run


def inner_pid(pid):
    """Its number in its own pid namespace."""
    with open(f"/proc/{pid}/status") as file:
        return re.search(r"^NSpid:.*?(\d+)$", file.read(), re.M).group(1)


def samples(pid):
    """Whether this is a perf that has begun to take samples."""
    with contextlib.suppress(OSError):
        return any("[perf_event]" in os.readlink(one.path)
                   for one in os.scandir(f"/proc/{pid}/fd"))
    return False


def children(pid):
    """This process and all below it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            with open(f"/proc/{one}/task/{one}/children") as file:
                found += [int(n) for n in file.read().split()]
    return found


def room_for(waiting):
    """Megabytes and inodes of a disk for so many messages and their logs."""
    if waiting <= 50000:
        return 2048, None
    return waiting * 9 // 1000 + 3000, waiting * 2 + 100000


class Deferred(Row):
    """A mail system with many messages that wait for another attempt."""

    figures = [("start_s", "s from start to the delivery of a new message", False),
               ("qmgr_mb", "MB of qmgr (resident)", False),
               ("mailq_first_s", "s to the first line of mailq", False),
               ("mailq_s", "s for the whole of mailq", False),
               ("drain_per_second", "messages/s when they go out (two minutes at most)", True),
               ("qmgr_peak_mb", "MB of qmgr at most", False)]
    SAMPLE = 1000000            # number of the message that is copied
    DRAIN_SECONDS = 120         # what came by then tells the rate

    def __init__(self, name, title, waiting, **more):
        super().__init__(name, title, **more)
        self.waiting = waiting
        self.megabytes, self.inodes = room_for(waiting)
        self.minutes = 10 + waiting // 20000

    def run(self, system, world):
        waiting = world.messages or self.waiting
        with self.set_up(system, world) as mail:
            fill(mail, world, waiting)
            with world.measuring():
                world.say(f"{self.name}: {system.label}: started with {waiting} messages")
                run = self.start(mail, world)
                run.update(mailq(mail, waiting))
                world.say(f"{self.name}: {system.label}: flushed, for two minutes at most")
                run.update(drain(mail, world, waiting))
            return run

    def start(self, mail, world):
        with sys_.listening_sink(world.sink_port, "--messages", self.SAMPLE) as sink:
            mail.start(wait=False)
            # The load tries until somebody answers.
            with sys_.load(mail.port, 1) as one:
                one.result()
                one.finish()
            instance.until(lambda: "status=sent" in mail.log(), "the new message", 120)
            os.kill(sink.process.pid, signal.SIGTERM)
            arrived = sink.result()["last_ns"]
            arrived = time.time() - (time.monotonic_ns() - arrived) / 1e9
        settled(mail)
        # The box itself is not counted.
        return {"start_s": arrived - mail.began(),
                "qmgr_mb": mail.memory()["qmgr"][1] / 1024}


def fill(mail, world, waiting):
    """That many deferred messages, the next attempt in an hour."""
    world.say(f"one message is deferred, then copied {waiting} times on disk")
    mail.start()
    with sys_.listening_sink(world.sink_port, "--defer", "rcpt"):
        with sys_.load(mail.port, 1, first_id=Deferred.SAMPLE) as one:
            one.result()
            one.finish()
        instance.until(lambda: "status=deferred" in mail.log(), "the deferral")
    spool = os.path.join(mail.fs, "spool")

    def deferred():
        return [n for _, _, names in os.walk(os.path.join(spool, "deferred"))
                for n in names]

    instance.until(deferred, "the deferred file")
    mail.stop()
    # Commands that run as the owner of the queue log here while nothing runs.
    os.chmod(os.path.join(mail.fs, "log", "mail.log"), 0o666)
    (name,) = deferred()
    sys_.run(os.path.join(sys_.TOOLS, "fill"), "--spool", spool, "--id", name,
             "--messages", str(waiting), "--due", "3600")
    if mail.names_hold_inodes:
        mail.box("exec", "postsuper", "-s")
    os.sync()


def mailq(mail, waiting):
    start = time.monotonic()
    with subprocess.Popen(mail.inside("mailq"), stdout=subprocess.PIPE) as command:
        os.read(command.stdout.fileno(), 1)
        first = time.monotonic() - start
        last = b""
        while True:
            data = os.read(command.stdout.fileno(), 1 << 20)
            if not data:
                break
            last = (last + data)[-200:]
    whole = time.monotonic() - start
    found = re.search(rb"in (\d+) Requests?\.", last)
    if not found or int(found.group(1)) != waiting:
        raise sys_.NotAll(f"mailq shows {last!r} instead of {waiting} messages")
    return {"mailq_first_s": first, "mailq_s": whole}


def drain(mail, world, waiting):
    with sys_.listening_sink(world.sink_port, "--messages", waiting, "--patience",
                             sys_.PATIENCE) as sink:
        start = time.monotonic_ns()
        sys_.run(*mail.inside("postqueue", "-f"))
        all_came = sink.has_line(Deferred.DRAIN_SECONDS)
        if not all_came:
            os.kill(sink.process.pid, signal.SIGTERM)
        came = sink.result(60)
        with open(f"/proc/{next(p for p in mail.pids() if sys_.comm(p) == 'qmgr')}"
                  "/status") as file:
            peak = int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1))
    if all_came and not came["complete"] or came["unique"] == 0:
        raise sys_.NotAll(f"{came['unique']} of {waiting} came: {came}")
    return {"drain_per_second": came["unique"] * 1e9 / (came["last_ns"] - start),
            "drained": came["unique"], "duplicates": came["duplicates"],
            "qmgr_peak_mb": peak / 1024}


class Beside(Row):
    """Relay while many deferred messages wait."""

    figures = [("ms", "ms a message", False)]

    def __init__(self, name, title, waiting, **more):
        super().__init__(name, title, **more)
        self.waiting = waiting
        self.megabytes, self.inodes = room_for(waiting)
        self.minutes = 10 + waiting // 20000

    def run(self, system, world):
        with self.set_up(system, world) as mail:
            mail.waiting = world.messages or self.waiting
            fill(mail, world, mail.waiting)
            mail.start()
            return self.measure(mail, world)


def relay(name, title, **load):
    return Row(name, "relay " + title, **load)


VIRTUAL = {"virtual_mailbox_domains": "box.test", "virtual_mailbox_base": "/var/mail",
           "virtual_mailbox_maps": "texthash:/etc/postfix/boxes",
           "virtual_uid_maps": f"static:{BOX_UID}", "virtual_gid_maps": "static:65534",
           "virtual_minimum_uid": "100"}
LOCAL = {"mydestination": "box.test", "home_mailbox": "Maildir/"}

ROWS = [
    relay("relay1", "2 KiB, 1 client, a connection each", clients=1),
    relay("relay20", "2 KiB, 20 clients, a connection each", clients=20, sources=8),
    relay("relay100", "2 KiB, 100 clients, a connection each", clients=100, sources=8),
    relay("kept1", "2 KiB, 1 client, connection kept", clients=1, per_connection=0),
    relay("kept20", "2 KiB, 20 clients, connections kept", clients=20, per_connection=0),
    relay("kept100", "2 KiB, 100 clients, connections kept", clients=100, per_connection=0),
    relay("size50k", "50 KiB, 20 clients, a connection each", clients=20, sources=8,
          size=50 << 10),
    relay("size5m", "5 MiB, 20 clients, a connection each", clients=20, sources=8,
          size=5 << 20, warm=20, least=40, most=200),
    Credible("source20", "relay 2 KiB, 20 clients, a connection each, by smtp-source and "
             "smtp-sink", clients=20),
    Ceiling("ceiling20", "no mail system: load to sink, 2 KiB, 20 clients, a connection each",
            clients=20, sources=8),
    Ceiling("ceiling_kept20", "no mail system: load to sink, 2 KiB, 20 clients, "
            "connections kept", clients=20, per_connection=0),
    List("list1host", "1 message to 1000 recipients at one host", pipeline="yes"),
    List("list1000hosts", "1 message to 1000 recipients at a host each",
         {"transport_maps": "texthash:/etc/postfix/transport"}, pipeline="yes",
         recipient="u%1$u@d%1$u.test"),
    Maildirs("virtual20", "2 KiB to 20 Maildirs by virtual, 20 clients", "virtual", VIRTUAL,
             clients=20, sources=8),
    Maildirs("local20", "2 KiB to 20 Maildirs by local, 20 clients", "local", LOCAL,
             clients=20, sources=8),
    Submission("sendmail8", "2 KiB by the sendmail command, 8 at a time, relayed", warm=50),
    Counts("counts20", "relay 2 KiB, 20 clients, a connection each", clients=20, sources=8),
    Flame("flame20", "relay 2 KiB, 20 clients, a connection each", clients=20, sources=8,
          only="waypost"),
    Idle("idle1000", "1000 idle sessions after EHLO", 1000, 0),
    Idle("idle1000_used", "1000 idle sessions after a message each", 1000, 1000),
    Idle("idle20000", "20 000 idle sessions after EHLO", 20000, 0, only="waypost"),
    Idle("idle20000_used", "20 000 idle sessions after a message each", 20000, 20000,
         only="waypost"),
    Idle("slow1000", "1000 sessions, a byte of a command every five seconds", 1000, 0,
         slow="commands"),
    Idle("slow1000_data", "1000 sessions, a byte of a message every five seconds", 1000, 1000,
         slow="data"),
    Idle("slow20000", "20 000 sessions, a byte of a command every five seconds", 20000, 0,
         slow="commands", only="waypost"),
    Idle("slow20000_data", "20 000 sessions, a byte of a message every five seconds", 20000,
         20000, slow="data", only="waypost"),
    Deferred("deferred50k", "50 000 deferred messages", 50000),
    Deferred("deferred1m", "1 000 000 deferred messages", 1000000, only="waypost"),
    *(Row(f"clients{n}", f"relay 2 KiB, {n} clients, connections kept",
          {"default_process_limit": str(n + 200)}, clients=n, per_connection=0, sources=20,
          warm=max(100, n), least=2 * n, curve=("clients", n))
      for n in (1, 10, 100, 1000, 5000)),
    *(Beside(f"queue{n}", f"relay 2 KiB, 20 clients, while {n} messages wait", n,
             clients=20, sources=8, curve=("queue", n),
             only="waypost" if n > 100000 else None)
      for n in (1000, 10000, 100000, 1000000)),
]
