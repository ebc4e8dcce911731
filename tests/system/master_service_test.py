"""Master and the frame of every role, tried with a role that does what it is
told: first process on demand, limits over all processes, jail, crashes,
generations, drain and stop.

SPDX-License-Identifier: Apache-2.0
"""
import fcntl
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
import unittest

import instance
from instance import until

SECOND = instance.PORT + 1          # of an instance: for rows of these tests
ROLE = os.path.join(instance.BUILD, "test", "tools", "test_role")


class Talk:
    """One connection to the test role."""

    def __init__(self, *where):
        self.socket = socket.create_connection(where, 20)
        self.file = self.socket.makefile("rb")

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def send(self, text):
        self.socket.sendall(text.encode() + b"\n")

    def say(self, text):
        self.send(text)
        return self.line()

    def close(self):
        self.file.close()
        self.socket.close()


class Master(instance.TestCase):
    def setUp(self):
        super().setUp()
        if not os.path.exists(ROLE):
            self.skipTest("no test role in " + ROLE)

    def make(self, rows="", maxproc="-", chroot="n", args="", start=True,
             user=None, **settings):
        """An instance whose smtpd, qmgr and pickup are the test role."""
        place = instance.tempfile.mkdtemp(prefix="d-")
        self.addCleanup(shutil.rmtree, place, True)
        os.chmod(place, 0o755)
        for name in ("master", "postlogd", "scache", "idle"):
            shutil.copy(os.path.join(instance.BUILD, "libexec", name),
                        os.path.join(place, name))
        for name in ("smtpd", "qmgr", "pickup", "broken", "resolver",
                     "trivial-rewrite"):
            shutil.copy(ROLE, os.path.join(place, name))
        def master(text):
            first = re.search(r"^(\S+)\s+inet", text, re.M).group(1)
            host = first.partition(":")[0]
            return (f"{first} inet n - {chroot} - {maxproc} smtpd {args}\n"
                    f"rewrite unix - - n - - trivial-rewrite\n"
                    f"postlog unix-dgram n - n - 1 postlogd\n"
                    + rows.replace("HOST:PORT", f"{host}:{SECOND}"))

        made = self.instance(settings={"daemon_directory": place, **settings},
                             master=master, start=False, user=user)
        if start:
            made.start()
        return made

    def talk(self, mail, port=instance.PORT):
        talk = Talk(mail.host, port)
        self.addCleanup(talk.close)
        self.assertEqual(talk.line(), "220 test")
        return talk

    def status(self, mail):
        text = mail.command("waypost", "status", "-v").out
        found = []
        for line in text.splitlines()[2:]:
            word = line.split(None, 10)
            if len(word) >= 8:
                found.append(dict(zip(("name", "type", "program", "pid", "gen",
                                       "state", "clients", "limit", "served",
                                       "cpu", "jail"), word)))
        return found

    def processes(self, mail, program="smtpd"):
        return [p for p in self.status(mail)
                if p["program"] == program and p["pid"] != "-"]

    # Starting.

    def test_the_first_client_starts_the_first_process(self):
        mail = self.make(rows="HOST:PORT inet n - n - - smtpd -o stress=yes\n",
                         process_name="nobody", service_name="nobody")
        rows = [p for p in self.status(mail) if p["program"] == "smtpd"]
        self.assertEqual([p["state"] for p in rows], ["ready", "waiting"])
        talk = self.talk(mail, SECOND)
        self.assertEqual(talk.say("who"),
                         f"{mail.host}:{SECOND} smtpd inet slot 1")
        self.assertEqual(talk.say("names"), f"smtpd {mail.host}:{SECOND}")
        self.assertEqual(talk.say("stressed"), "1")
        self.assertEqual(self.talk(mail).say("stressed"), "0")
        self.assertEqual(len(self.processes(mail)), 2)

    def test_a_process_without_work_leaves_and_comes_back(self):
        mail = self.make(max_idle="1s")
        self.talk(mail).close()
        until(lambda: not self.processes(mail), "the idle one to leave")
        self.talk(mail)

    def test_solitary_processes_stay(self):
        mail = self.make(args="solitary", max_idle="1s")
        time.sleep(2)
        self.assertEqual(len(self.processes(mail)), 1)

    def test_a_program_that_is_not_there_is_named_with_its_line(self):
        mail = self.make(rows="nothing unix - - n - - nonesuch\n", start=False)
        done = mail.command("waypost", "start-fg", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.err, r"master\.cf:4: .*nonesuch")

    def test_rows_that_only_we_know_need_not_be_there(self):
        mail = self.make()
        self.assertEqual([p["state"] for p in self.status(mail)
                          if p["name"] == "resolver"], ["waiting"])

    def test_start_failures_are_throttled_and_others_work(self):
        mail = self.make(
            rows="HOST:PORT inet n - n - - broken fail\n",
            service_throttle_time="2s")
        with socket.create_connection((mail.host, SECOND)):
            mail.wait_log(r"broken\[\d+\]: fatal: told to fail at start")
            mail.wait_log(r"warning: process \S+/broken pid \d+ exit status 1")
            mail.wait_log(r"broken: bad command startup -- throttling")
            self.talk(mail)
            time.sleep(0.5)
            self.assertEqual(mail.log().count("told to fail"), 1)
            mail.wait_log("told to fail", 2)

    # Limits.

    def test_the_limit_counts_clients_and_holds_back_the_rest(self):
        mail = self.make(maxproc="3")
        talks = [self.talk(mail) for _ in range(3)]
        waiting = [Talk(mail.host, mail.port) for _ in range(2)]
        for talk in waiting:
            self.addCleanup(talk.close)
            talk.socket.settimeout(0.7)
            with self.assertRaises(TimeoutError):
                talk.socket.recv(1)
            talk.socket.settimeout(20)
        mail.wait_log(r'warning: service "\S+" \(\S+:%d\) has reached its '
                      r'process limit "3": new clients may experience '
                      r'noticeable delays' % mail.port)
        self.assertEqual(talks[0].say("stress"), "yes")
        talks[1].close()
        until(lambda: any(self.greeted(t) for t in waiting), "a place")
        time.sleep(0.3)
        self.assertEqual(sum(self.greeted(t) for t in waiting), 1)
        talks[0].close()
        until(lambda: all(self.greeted(t) for t in waiting), "two places")

    @staticmethod
    def greeted(talk):
        return bool(select.select([talk.socket], [], [], 0)[0])

    def test_the_limit_holds_over_all_processes(self):
        mail = self.make(maxproc="4", service_clients_per_process="1")
        talks = [self.talk(mail) for _ in range(4)]
        pids = {t.say("pid") for t in talks}
        self.assertEqual(len(pids), 4)
        fifth = Talk(mail.host, mail.port)
        self.addCleanup(fifth.close)
        fifth.socket.settimeout(0.7)
        with self.assertRaises(TimeoutError):
            fifth.socket.recv(1)
        fifth.socket.settimeout(20)
        talks[2].close()
        self.assertEqual(fifth.line(), "220 test")

    def test_processes_out_of_descriptors_get_company(self):
        mail = self.make(start=False)
        mail.open_files = 232
        mail.start()
        if any("files=262144" in open(f"/proc/{p['pid']}/limits").read()
               for p in self.processes(mail)):
            self.skipTest("root may have more descriptors")
        # Half of what 32 of its own leave is for clients.
        talks = [self.talk(mail) for _ in range(250)]
        clients = {p["pid"]: int(p["clients"]) for p in self.processes(mail)}
        self.assertEqual(sorted(clients.values()), [50, 100, 100])
        # Those who come next go where there is room again.
        full = talks[0].say("pid").split()[1]
        for talk in talks[:20]:
            talk.close()
        until(lambda: {p["pid"]: p["clients"] for p in self.processes(mail)}
              [full] == "80", "room")
        talks += [self.talk(mail) for _ in range(70)]
        clients = {p["pid"]: int(p["clients"]) for p in self.processes(mail)}
        self.assertEqual(sorted(clients.values()), [100, 100, 100])

    def test_max_use_counts_with_one_client_per_process(self):
        mail = self.make(service_clients_per_process="1", max_use="2")
        pids = []
        for _ in range(6):
            talk = self.talk(mail)
            pids.append(talk.say("pid"))
            talk.close()
        self.assertGreaterEqual(len(set(pids)), 3)

    @unittest.skipIf((os.cpu_count() or 1) < 2, "needs two processors")
    def test_a_busy_process_gets_company(self):
        if os.getloadavg()[0] > os.cpu_count() * 0.7:
            self.skipTest("no processor to be busy on: others use them")
        mail = self.make()
        busy = self.talk(mail)
        until(lambda: (busy.say("spin 900"), len(self.processes(mail)) > 1)[1],
              "a second process", 40)

    # The jail.

    def test_the_jail_is_in_force(self):
        mail = self.make()
        talk = self.talk(mail)
        jail = talk.say("jail")
        self.assertRegex(jail, r"uid [1-9]\d*")
        if "no seccomp" not in jail:
            self.assertEqual(talk.say("fork"), "EPERM")
            self.assertEqual(talk.say("exec"), "EPERM")
            self.assertEqual(talk.say("socket"), "EPERM")
        self.assertEqual(talk.say("root"), "EPERM")
        self.assertEqual(talk.say("threads"), "1")
        # A sanitizer's reports want to read; what is never, is writing.
        if "no landlock" not in jail and "no seccomp" not in jail:
            self.assertEqual(talk.say("read " + mail.etc + "/main.cf"),
                             "EACCES")
        if "no landlock" not in jail:
            self.assertEqual(talk.say("write " + mail.spool + "/saved/x"),
                             "EACCES")
        self.assertEqual(self.processes(mail)[0]["jail"], jail)

    def test_needs_open_what_they_say(self):
        mail = self.make(args="net queue")
        talk = self.talk(mail)
        self.assertEqual(talk.say("socket"), "ok")
        self.assertEqual(talk.say("write saved/x"), "ok")
        self.assertEqual(talk.say("write /var/tmp/not-for-a-role"), "EACCES")

    @unittest.skipUnless(os.getuid() == 0, "chroot takes root")
    def test_chroot_is_what_the_column_says(self):
        mail = self.make(chroot="y")
        talk = self.talk(mail)
        self.assertIn("chroot", talk.say("jail"))
        self.assertEqual(talk.say("read /etc/passwd"), "ENOENT")

    @unittest.skipUnless(os.getuid() == 0, "every test is one otherwise")
    def test_an_ordinary_user_has_the_same(self):
        mail = self.make(user=12078, chroot="y")
        talk = self.talk(mail)
        jail = talk.say("jail")
        self.assertRegex(jail, r"^uid 12078, ")
        if "no seccomp" not in jail:
            self.assertEqual(talk.say("fork"), "EPERM")
        talk.close()
        self.assertEqual(mail.stop(), 0)

    # Crashes.

    def test_a_crash_is_told_with_its_work_and_costs_one_process(self):
        mail = self.make()
        if b"__asan_init" in open(ROLE, "rb").read():
            self.skipTest("a sanitizer reports crashes itself")
        self.talk(mail).send("crash segv")
        mail.wait_log(r"warning: process \S+/smtpd pid \d+ killed by signal 11")
        mail.wait_log(r"warning: smtpd pid \d+ died, working on 4F2A1B, for "
                      r"client\.example\[192\.0\.2\.7\], in fiber smtpd, "
                      r"backtrace \S+/smtpd \+0x[0-9a-f]+")
        self.talk(mail)
        self.talk(mail).send("crash panic")
        mail.wait_log(r"smtpd pid \d+ died, .*which said: panic: .*told to")
        for _ in range(3):
            self.talk(mail).send("crash kill")
            time.sleep(0.1)
        self.talk(mail)
        self.assertNotIn("throttling", mail.log())

    def test_crashes_one_after_another_slow_the_service_down(self):
        mail = self.make(service_throttle_time="60s")
        for _ in range(200):
            talk = self.talk(mail)
            talk.send("crash segv")
            talk.line()
            talk.close()
            if "died right after their start" in mail.log():
                break
        self.assertGreaterEqual(len(re.findall("killed by signal 11",
                                               mail.log())), 6)
        mail.wait_log(r"smtpd: 6 processes died right after their start -- "
                      "the next one waits 100 ms")
        # A moment later it serves again, whatever the throttle time.
        self.assertTrue(self.talk(mail).say("pid").startswith("pid "))

    def test_counts_of_dead_processes_are_cleared(self):
        mail = self.make(maxproc="2")
        talks = [self.talk(mail) for _ in range(2)]
        talks[0].send("crash kill")
        for _ in range(2):
            self.talk(mail)

    def test_a_process_that_hangs_is_ended_by_its_watchdog(self):
        mail = self.make(daemon_timeout="2s")
        self.talk(mail).send("hang")
        mail.wait_log(r"killed by signal 6")
        mail.wait_log(r"which said: panic: watchdog")
        self.talk(mail)

    # Reload.

    def test_reload_keeps_sessions_and_serves_new_ones_anew(self):
        mail = self.make()
        old = self.talk(mail)
        pid = old.say("pid")
        self.assertEqual(old.say("hostname"), "mail.demo.test")
        mail.set(myhostname="other.demo.test")
        mail.reload()
        mail.wait_log(r"master\[\d+\]: reload -- version \S+, configuration ")
        new = self.talk(mail)
        self.assertNotEqual(new.say("pid"), pid)
        self.assertEqual(new.say("hostname"), "other.demo.test")
        self.assertEqual(old.say("hostname"), "mail.demo.test")
        self.assertEqual(sorted(p["state"] for p in self.processes(mail)),
                         ["draining", "ready"])
        old.close()
        until(lambda: len(self.processes(mail)) == 1, "the old one to leave")

    def test_who_has_not_heard_of_a_reload_is_told_apart(self):
        mail = self.make()
        pid = int(self.talk(mail).say("pid").split()[1])
        os.kill(pid, signal.SIGSTOP)
        mail.reload(wait=False)
        until(lambda: mail.generation() == (2, 1), "one that has not heard")
        self.assertEqual([p["state"] for p in self.processes(mail)], ["told"])
        os.kill(pid, signal.SIGCONT)
        until(lambda: mail.generation() == (2, 0), "it to hear")
        self.assertEqual([p["state"] for p in self.processes(mail)],
                         ["draining"])

    def test_sessions_between_transactions_are_told_at_once(self):
        mail = self.make()
        old = self.talk(mail)
        self.assertEqual(old.say("wait"), "waiting")
        mail.reload()
        self.assertEqual(old.line(), "421 draining")

    def test_no_connection_is_lost_over_reloads(self):
        mail = self.make()
        for _ in range(10):
            mail.reload(wait=False)
            for _ in range(5):
                self.talk(mail).close()

    def test_a_bad_configuration_leaves_the_old_one(self):
        mail = self.make()
        with open(os.path.join(mail.etc, "main.cf"), "a",
                  encoding="utf-8") as file:
            file.write("stop_timeout = soon\n")
        self.assertNotEqual(
            mail.command("waypost", "reload", check=False).returncode, 0)
        os.kill(mail.process.pid, signal.SIGHUP)
        mail.wait_log(r"error: reload refused.*stop_timeout")
        self.talk(mail)

    def test_rows_come_and_go(self):
        mail = self.make()
        path = os.path.join(mail.etc, "master.cf")
        with open(path, encoding="utf-8") as file:
            before = file.read()
        mail.write("master.cf", before +
                   f"{mail.host}:{SECOND} inet n - n - - smtpd\n")
        mail.reload()
        until(lambda: self.reachable(mail.host, SECOND), "the new row")
        mail.write("master.cf", before)
        mail.reload()
        until(lambda: not self.reachable(mail.host, SECOND), "the row to go")
        self.talk(mail)

    @staticmethod
    def reachable(*where):
        try:
            Talk(*where).close()
        except OSError:
            return False
        return True

    def test_at_most_two_older_generations_live(self):
        mail = self.make(stop_timeout="1s")
        talks = []
        for _ in range(4):
            talks.append(self.talk(mail))
            mail.reload()
            until(lambda: [p for p in self.processes(mail)
                           if p["state"] == "draining"], "the drain")
        self.talk(mail)
        until(lambda: len(self.processes(mail)) <= 3, "the oldest to leave")

    def test_a_successor_takes_over_when_a_table_changed(self):
        mail = self.make()
        old = self.talk(mail)
        pid = old.say("pid")
        old.say("restart table hash:/x(0,lock|fold_fix) has changed")
        mail.wait_log(r"smtpd\[\d+\]: table hash:/x\S+ has changed -- restarting")
        until(lambda: self.fresh(mail) != pid, "the successor")
        self.assertEqual(old.say("pid"), pid)

    def fresh(self, mail):
        talk = self.talk(mail)
        pid = talk.say("pid")
        talk.close()
        return pid

    def test_tables_that_change_often_do_not_pile_up_processes(self):
        mail = self.make()
        kept = []
        for _ in range(8):
            talk = self.talk(mail)
            kept.append(talk)
            talk.say("restart again")
            time.sleep(0.15)
        self.assertLessEqual(len(self.processes(mail)), 4)

    def test_the_generation_of_tables_moves_for_rewrite_alone(self):
        mail = self.make(rows="HOST:PORT inet n - n - - trivial-rewrite\n")
        other = self.talk(mail)
        before = other.say("generation")
        other.say("tables")
        time.sleep(0.2)
        self.assertEqual(other.say("generation"), before)
        self.talk(mail, SECOND).say("tables")
        until(lambda: other.say("generation") != before, "the generation")

    # Waking.

    def test_the_timer_of_master_cf_wakes_and_starts(self):
        mail = self.make(rows="pickup unix n - n 1 1 pickup\n"
                         "HOST:PORT inet n - n 1 1 pickup\n")
        until(lambda: len(self.processes(mail, "pickup")) == 2, "the start")
        mail.command("waypost", "status")
        with socket.socket(socket.AF_UNIX) as trigger:
            trigger.connect(os.path.join(mail.spool, "public", "pickup"))
            trigger.send(b"X")

    # Logs.

    def test_commands_log_through_postlogd_into_the_file(self):
        mail = self.make(start=False)
        log = os.path.join(mail.dir, "maillog")
        mail.set(maillog_file=log)
        mail.start()
        path = os.path.join(mail.spool, "public", "postlog")
        line = "Jan 02 03:04:05 host postfix/postdrop[7]: hello there"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.sendto(line.encode(), path)
            to.sendto(b"raw\ntext", path)

        def read():
            with open(log, encoding="utf-8") as file:
                return file.read()

        until(lambda: line + "\n" in read(), "the line")
        until(lambda: re.search(r"postlogd\[\d+\]: raw\?text$", read(), re.M),
              "the raw text")
        os.rename(log, log + ".1")
        mail.reload()
        until(lambda: os.path.exists(log), "the new file")
        until(lambda: (self.talk(mail).say("log into the new file"),
                       "smtpd[" in read())[1], "the line in the new file")

    # Stopping.

    def test_stop_waits_for_transactions_and_no_longer_than_it_may(self):
        mail = self.make(stop_timeout="2s")
        talk = self.talk(mail)
        process, mail.process = mail.process, mail.process
        process.send_signal(signal.SIGTERM)
        mail.wait_log(r"terminating on signal 15")
        time.sleep(0.5)
        self.assertEqual(talk.say("pid")[:4], "pid ")
        before = time.monotonic()
        self.assertEqual(mail.stop(0), 0)
        self.assertLess(time.monotonic() - before, 6)

    def test_stop_is_prompt_when_nobody_is_there(self):
        mail = self.make()
        before = time.monotonic()
        self.assertEqual(mail.stop(), 0)
        self.assertLess(time.monotonic() - before, 2)

    def test_a_second_term_stops_at_once(self):
        mail = self.make(stop_timeout="60s")
        self.talk(mail)
        mail.process.send_signal(signal.SIGTERM)
        mail.wait_log(r"terminating on signal 15")
        before = time.monotonic()
        self.assertEqual(mail.stop(), 0)
        self.assertLess(time.monotonic() - before, 4)

    def test_children_leave_when_master_is_killed_and_the_next_one_waits(self):
        mail = self.make()
        talk = self.talk(mail)
        pid = int(talk.say("pid").split()[1])
        mail.process.send_signal(signal.SIGKILL)
        mail.process.wait()
        mail.process = None
        mail.start()
        self.assertFalse(os.path.exists(f"/proc/{pid}/exe"))

    def test_a_second_master_is_refused_with_the_first_ones_number(self):
        mail = self.make()
        done = mail.run([os.path.join(instance.BUILD, "libexec", "master"),
                         "-c", mail.etc, "-s"], check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.out + done.err + mail.log(),
                         rf"already running on this queue: process "
                         rf"{mail.process.pid}")
        again = mail.command("waypost", "start", check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("fatal: the Postfix mail system is already running",
                      again.err)

    def test_drain_ends_when_the_queue_is_empty(self):
        mail = self.make(rows="qmgr unix n - n 300 1 qmgr\n")
        held = os.path.join(mail.spool, "deferred", "1", "123")
        with open(held, "wb"):
            pass
        mail.command("waypost", "drain")
        mail.wait_log("draining: no new mail")
        time.sleep(1.5)
        self.assertIsNone(mail.process.poll())
        os.unlink(held)
        self.assertEqual(mail.process.wait(10), 0)
        mail.wait_log("the queue is empty")
        mail.process = None

    def test_the_commands_words(self):
        mail = self.make(start=False)
        log = os.path.join(mail.dir, "maillog")
        mail.set(maillog_file=log, maillog_file_permissions="0666")
        tell = lambda *words: mail.command("waypost", *words, check=False)
        self.assertIn("fatal: the Postfix mail system is not running",
                      tell("stop").err)
        done = tell("start")
        self.assertEqual(done.returncode, 1)
        self.assertIn("expected 0600, 0640 or 0644", done.err)
        os.unlink(log)
        mail.set(maillog_file_permissions="0640")
        self.assertEqual(tell("status").returncode, 1)
        self.assertEqual(tell("start").returncode, 0)
        self.addCleanup(tell, "abort")
        self.assertEqual(os.stat(log).st_mode & 0o777, 0o640)
        done = tell("status")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.err, r"postfix/postfix-script: the Postfix mail "
                         r"system is running: PID: \d+")
        self.assertEqual(tell("reload").returncode, 0)
        self.assertEqual(tell("stop").returncode, 0)
        with open(log, encoding="utf-8") as file:
            text = file.read()
        for words in ("starting", "stopping", "refreshing"):
            self.assertRegex(text, rf"postfix/postfix-script\[\d+\]: {words} "
                             "the Postfix mail system")

    def test_a_stop_during_a_reload_is_not_lost(self):
        mail = self.make(start=False)
        path = os.path.join(mail.dir, "maillog")
        mail.set(maillog_file=path)
        self.addCleanup(mail.command, "waypost", "abort", check=False)
        for _ in range(20):
            # No client: no child whose end would remind master.
            mail.command("waypost", "start")
            with open(os.path.join(mail.spool, "pid", "master.pid"),
                      encoding="ascii") as file:
                pid = int(file.read())
            with open(path, "rb") as log:
                log.seek(0, os.SEEK_END)
                os.kill(pid, signal.SIGHUP)
                while b"reload --" not in log.read():
                    pass            # not a moment later
            mail.command("waypost", "stop", timeout=20)

    def test_master_has_no_threads(self):
        mail = self.make()
        mail.set(hash_queue_names="deferred, defer, active")
        mail.reload()
        mail.wait_log("reload -- version")
        self.assertEqual(os.listdir(f"/proc/{mail.process.pid}/task"),
                         [str(mail.process.pid)])
        self.assertTrue(os.path.isdir(os.path.join(mail.spool, "active", "7")))

    def test_one_who_looks_does_not_hinder_a_start(self):
        mail = self.make()
        mail.stop()
        look = os.open(os.path.join(mail.spool, "pid", "master.pid"),
                       os.O_RDONLY)
        self.addCleanup(os.close, look)
        fcntl.flock(look, fcntl.LOCK_SH)
        mail.start()

    def test_signals_of_a_terminal_do_not_reach_the_children(self):
        mail = self.make(stop_timeout="2s")
        talk = self.talk(mail)
        pid = int(talk.say("pid").split()[1])
        self.assertNotEqual(os.getsid(pid), os.getsid(mail.process.pid))
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGHUP)
        self.assertEqual(talk.say("pid"), f"pid {pid}")

    def test_it_is_a_fit_process_1(self):
        if os.getuid() != 0 or not shutil.which("unshare"):
            self.skipTest("takes root and unshare")
        if subprocess.run(["unshare", "-p", "-f", "true"],
                          check=False).returncode != 0:
            self.skipTest("no process name space here")
        mail = self.make(start=False)
        with open(mail.log_path, "ab") as log:
            process = subprocess.Popen(
                ["unshare", "-p", "-f", "--mount-proc",
                 os.path.join(instance.BUILD, "sbin", "waypost"), "-c",
                 mail.etc, "start-fg"], stdout=log, stderr=log)
        self.addCleanup(process.kill)
        until(lambda: self.reachable(mail.host, mail.port), "the start")
        mail.wait_log(r"master\[1\]: daemon started")
        (child,) = [int(p) for p in open(
            f"/proc/{process.pid}/task/{process.pid}/children",
            encoding="ascii").read().split()]
        os.kill(child, signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)


if __name__ == "__main__":
    unittest.main()
