"""Mail of accounts: .forward files, commands, files, and whose rights they have.

As root, with accounts that only this test sees.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import instance
import mounts

ACCOUNTS = {"ann": 12021, "bob": 12022}


@unittest.skipUnless(os.getuid() == 0, "accounts of its own take root")
class Local(instance.TestCase):
    def setUp(self):
        super().setUp()
        mounts.own_mounts()
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        os.chmod(self.dir, 0o755)
        with open("/etc/passwd", encoding="utf-8") as file:
            lines = [line for line in file
                     if line.partition(":")[0] not in ACCOUNTS]
        for name, uid in ACCOUNTS.items():
            self.own(self.home(name), uid, make=True)
            lines.append(f"{name}:x:{uid}:{uid}::{self.home(name)}:/bin/false\n")
        passwd = os.path.join(self.dir, "passwd")
        with open(passwd, "w", encoding="utf-8") as file:
            file.writelines(lines)
        subprocess.run(["mount", "--bind", passwd, "/etc/passwd"], check=True)
        self.addCleanup(mounts.libc.umount2, b"/etc/passwd", 2)
        self.out = os.path.join(self.dir, "out")    # anybody may write here
        os.mkdir(self.out)
        os.chmod(self.out, 0o1777)
        self.script = os.path.join(self.dir, "take")
        with open(self.script, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\n{ echo "as $(id -u):$(id -G) in $(pwd)"; '
                       'for word; do echo "word $word"; done; env; echo; cat; } '
                       f'> {self.out}/$$.new && mv {self.out}/$$.new '
                       f'{self.out}/$$.done\n')
        os.chmod(self.script, 0o755)

    def home(self, name):
        return os.path.join(self.dir, name)

    @staticmethod
    def own(path, uid, make=False):
        if make:
            os.mkdir(path)
        os.chown(path, uid, uid)

    def put(self, name, file, text, mode=0o644, uid=None):
        path = os.path.join(self.home(name), file)
        with open(path, "w", encoding="utf-8") as target:
            target.write(text)
        os.chmod(path, mode)
        self.own(path, ACCOUNTS[name] if uid is None else uid)
        return path

    def start(self, aliases="", services=None, **settings):
        """With services, each name is one more agent of that kind, with its own
        settings, for its own domain: x.test is x's."""
        services = services or {}
        hosts = {kind: " ".join(f"{name}.test" for name, (k, _) in services.items()
                                if k == kind) for kind in ("local", "virtual")}
        if services:
            settings = {"transport_maps": "inline:{%s}" % ", ".join(
                            "{%s.test=%s:}" % (name, name) for name in services),
                        "mydestination": f"here.test {hosts['local']}",
                        "virtual_mailbox_domains": f"demo.test {hosts['virtual']}",
                        **settings}
        mail = self.instance(
            {"mydestination": "here.test", "myorigin": "here.test",
             "alias_maps": "hash:$config_directory/aliases",
             "alias_database": "$alias_maps",
             "local_recipient_maps": "", "recipient_delimiter": "+",
             "home_mailbox": "Maildir/", "default_privs": "nobody",
             "minimal_backoff_time": "1s", "maximal_backoff_time": "1s",
             "queue_run_delay": "1s", **settings}, start=False)
        self.aliases = os.path.join(mail.etc, "aliases.db")
        with open(os.path.join(mail.etc, "master.cf"), "a", encoding="utf-8") as file:
            for name, (kind, own) in services.items():
                file.write(f"{name} unix - n n - - {kind}" + "".join(
                    f"\n\t-o {{ {k} = {v} }}" for k, v in own.items()) + "\n")
        mail.write("aliases", aliases.format(self=self) if "{self" in aliases
                   else aliases)
        mail.command("newaliases")
        return mail.start()

    @staticmethod
    def read_all(place, ending=""):
        found = []
        for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
            if ending in name:
                with open(os.path.join(place, name), "rb") as file:
                    found.append(file.read())
        return found

    def box(self, name, count=1):
        place = os.path.join(self.home(name), "Maildir", "new")
        return instance.until(lambda: len(self.read_all(place)) >= count and
                              self.read_all(place), f"mail in {place}")

    def ran(self, count=1):
        return instance.until(
            lambda: len(self.read_all(self.out, ".done")) >= count and
            self.read_all(self.out, ".done"), "the command's output")

    # ---- .forward ----

    def test_a_forward_file_leads_elsewhere_and_to_the_own_mailbox(self):
        self.put("ann", ".forward", "# where to\nann, out@demo.test\n\\bob\n")
        self.put("bob", ".forward", "never@demo.test\n")
        mail = self.start()
        mail.send("s@demo.test", ["ann@here.test"], "Subject: one\n\nx\n")
        for name in ("ann", "bob"):
            (text,) = self.box(name)
            self.assertIn(b"Delivered-To: ann@here.test\n", text)
        (outside,) = mail.wait_box("everyone")
        self.assertTrue(outside.startswith(b"Return-Path: <s@demo.test>"))
        self.assertIn(b"Delivered-To: ann@here.test\n", outside)
        mail.wait_empty()
        self.assertEqual([len(self.box("ann")), len(self.box("bob")),
                          len(mail.box("everyone"))], [1, 1, 1])

    def test_an_extension_has_a_file_of_its_own(self):
        self.put("ann", ".forward+lists", "lists@demo.test\n")
        self.put("ann", ".forward", "rest@demo.test\n")
        mail = self.start()
        for number, (local, to) in enumerate(
                (("ann+lists", "lists"), ("ann+other", "rest"), ("ann", "rest"))):
            mail.send("s@demo.test", [f"{local}@here.test"])
            texts = mail.wait_box("everyone", number + 1)
            self.assertTrue(any(f"Delivered-To: {to}@demo.test\n".encode() in t
                                and f"Delivered-To: {local}@here.test\n".encode()
                                in t for t in texts), texts)
        mail.stop()
        mail.set(forward_path="$home/elsewhere-$user${extension?{-$extension}}")
        mail.start()
        self.put("ann", "elsewhere-ann-x", "path@demo.test\n")
        mail.send("s@demo.test", ["ann+x@here.test"])
        texts = mail.wait_box("everyone", 4)
        self.assertTrue(any(b"Delivered-To: path@demo.test\n" in t for t in texts))
        mail.wait_empty()

    def test_a_file_that_others_may_write_is_not_believed(self):
        mail = self.start()
        self.put("ann", ".forward", "never@demo.test\n", 0o666)
        self.put("bob", ".forward", "never@demo.test\n", uid=12999)
        mail.send("s@demo.test", ["ann@here.test", "bob@here.test"])
        self.box("ann")
        self.box("bob")
        mail.wait_log(r"/ann/\.forward is not used: .*writable by everyone")
        mail.wait_log(r"/bob/\.forward is not used: .*another owner")
        # An empty one is as good as none.
        self.put("ann", ".forward", "# nothing\n")
        self.put("bob", ".forward", "")
        mail.send("s@demo.test", ["ann@here.test", "bob@here.test"])
        self.box("ann", 2)
        self.box("bob", 2)
        mail.wait_empty()
        self.assertEqual(mail.box("everyone"), [])

    def test_while_the_own_mailbox_has_to_wait_nobody_has_more_copies(self):
        self.put("ann", ".forward", "ann, out@demo.test\n")
        box = self.put("ann", "Maildir", "in the way\n")
        mail = self.start()
        one = mail.send("s@demo.test", ["ann@here.test"])
        mail.wait_log(rf"{one}: to=<ann@here\.test>, .*status=deferred", 2)
        self.assertEqual(mail.box("everyone"), [])
        os.unlink(box)
        mail.command("postqueue", "-f")
        self.box("ann")
        mail.wait_empty()
        self.assertEqual([len(self.box("ann")), len(mail.box("everyone"))], [1, 1])

    def test_forward_files_that_lead_in_a_circle_end(self):
        self.put("ann", ".forward", "bob\n")
        self.put("bob", ".forward", "ann\n")
        mail = self.start()
        mail.send("alice@demo.test", ["ann@here.test"])
        mail.wait_log(r"to=<ann@here\.test>, .*dsn=5\.4\.6, status=bounced")
        mail.wait_box("alice")
        mail.wait_empty()

    def test_an_alias_inside_has_its_own_owner_or_the_outer_ones(self):
        aliases = ("outer: own, none, out@demo.test\nowner-outer: chief@demo.test\n"
                   "own: own-out@demo.test\nowner-own: other@demo.test\n"
                   "none: none-out@demo.test\n")
        mail = self.start(aliases)

        def senders(count):
            found = {}
            for text in mail.wait_box("everyone", count)[count - 3:]:
                to = re.search(rb"Delivered-To: (\S+)@demo", text).group(1)
                found[to.decode()] = re.search(rb"Return-Path: <(.*?)@",
                                               text).group(1).decode()
            return found

        mail.send("s@demo.test", ["outer@here.test"])
        self.assertEqual(senders(3), {"out": "owner-outer", "own-out": "owner-own",
                                      "none-out": "owner-outer"})
        mail.stop()
        mail.set(reset_owner_alias="yes", require_home_directory="yes")
        mail.start()
        mail.send("s@demo.test", ["outer@here.test"])
        self.assertEqual(senders(6), {"out": "owner-outer", "own-out": "owner-own",
                                      "none-out": "s"})
        # What has been here before goes back.
        mail.send("alice@demo.test", ["ann@here.test"],
                  "Delivered-To: Ann@here.test\n\nloop\n")
        mail.wait_log(r"to=<ann@here\.test>, .*dsn=5\.4\.6, status=bounced \(mail "
                      r"forwarding loop for ann@here\.test\)")
        # A home that is not there is waited for.
        os.rename(self.home("ann"), self.home("ann") + ".away")
        mail.send("s@demo.test", ["ann@here.test"])
        mail.wait_log(r"to=<ann@here\.test>, .*dsn=4\.3\.0, status=deferred "
                      r"\(cannot access home directory /.*/ann\)")
        os.rename(self.home("ann") + ".away", self.home("ann"))
        mail.command("postqueue", "-f")
        self.box("ann")

    # ---- commands ----

    def test_a_command_of_a_forward_file_has_its_owners_rights(self):
        self.put("ann", ".forward", f'"|{self.script} \'two words\' $EXTENSION"\n')
        mail = self.start()
        one = mail.send("s@demo.test", ["Ann+e`x@here.test"],
                        "Subject: one\n\nFrom the body\n")
        (text,) = self.ran()
        self.assertTrue(text.startswith(b"as 12021:12021 in /\nword two words\n"
                                        b"word e_x\n"), text)
        environment = text.partition(b"\n\n")[0].decode().splitlines()
        for line in ("HOME=" + self.home("ann"), "USER=ann", "LOGNAME=ann",
                     "SHELL=/bin/false", "SENDER=s@demo.test", "EXTENSION=e_x",
                     "DOMAIN=here.test", "LOCAL=Ann+e_x",
                     "RECIPIENT=Ann+e_x@here.test", "CLIENT_PROTOCOL=ESMTP"):
            self.assertIn(line, environment)
        self.assertEqual([w for w in environment if w.startswith("WAYPOST")], [])
        _, _, message = text.partition(b"\n\n")
        self.assertRegex(message, rb"\AFrom s@demo\.test  \w.*\n"
                         rb"Return-Path: <s@demo\.test>\n"
                         rb"(X-Original-To: .*\n)?Delivered-To: .*\n")
        self.assertTrue(message.endswith(b"\n\nFrom the body\n"), message)
        mail.wait_log(rf"{one}: to=<\S+>, relay=local, .*dsn=2\.0\.0, "
                      r"status=sent \(delivered to command: /.*/take 'two words'")
        mail.wait_empty()

    def test_a_command_of_an_alias_has_the_rights_of_the_tables_owner(self):
        mail = self.start('run: "|{self.script}"\nkept: "/{self.out}/kept"\n')
        mail.send("s@demo.test", ["run@here.test"])
        nobody = subprocess.run(["id", "-u", "nobody"], check=True, text=True,
                                capture_output=True).stdout.strip()
        (text,) = self.ran()
        self.assertTrue(text.startswith(f"as {nobody}:".encode()), text)
        self.assertNotIn(b"\nHOME=", text)
        mail.stop()
        self.own(self.aliases, ACCOUNTS["bob"])
        mail.start()
        mail.send("s@demo.test", ["run@here.test", "kept@here.test"])
        self.assertIn(b"as 12022:12022 ", b"".join(self.ran(2)))
        mail.wait_log(r"to=<kept@here\.test>, .*status=sent \(delivered to file: ")
        self.assertEqual(os.stat(os.path.join(self.out, "kept")).st_uid, 12022)
        mail.wait_empty()

    def test_commands_and_files_are_started_from_where_they_may(self):
        self.put("ann", ".forward", f'"|{self.script}", {self.out}/file\n')
        mail = self.start('staff: :include:{self.dir}/list\n',
                          allow_mail_to_commands="alias",
                          allow_mail_to_files="alias,include")
        with open(os.path.join(self.dir, "list"), "w", encoding="utf-8") as file:
            file.write(f'"|{self.script}", {self.out}/file\n')
        self.own(os.path.join(self.dir, "list"), ACCOUNTS["bob"])
        mail.send("s@demo.test", ["ann@here.test", "staff@here.test"])
        mail.wait_log(r"to=<ann@here\.test>, .*dsn=5\.7\.1, status=bounced \(mail to "
                      r"command is restricted\)")
        mail.wait_log(r"to=<staff@here\.test>, .*dsn=5\.7\.1, status=bounced \(mail "
                      r"to command is restricted\)")
        mail.wait_empty()
        # The list's own file was allowed, with the rights of the list's owner.
        self.assertEqual(os.listdir(self.out), ["file"])
        self.assertEqual(os.stat(os.path.join(self.out, "file")).st_uid, 12022)

    def test_how_a_command_ends_decides(self):
        cases = {"user": ("exit 67", "5.1.1", "bounced", "user unknown"),
                 "later": ("echo come again; exit 75", "4.3.0", "deferred",
                           "temporary failure. Command output: come again"),
                 "odd": ("echo a; echo b >&2; exit 3", "5.3.0", "bounced",
                         'Command died with status 3: "echo a; echo b >&2; exit 3". '
                         "Command output: a b"),
                 "coded": ("echo 4.7.1 not today; exit 70", "4.7.1", "deferred",
                           "not today"),
                 "killed": ("kill -9 $$", "4.3.0", "deferred",
                            'Command died with signal 9: "kill -9 $$"'),
                 "absent": ("/no/such/thing", "4.3.0", "deferred",
                            "temporary failure. Command output: exec "
                            "/no/such/thing: No such file or directory"),
                 "deaf": ("exec 0<&-; exit 0", "2.0.0", "sent",
                          "delivered to command: exec 0<&-; exit 0"),
                 "slow": ("sleep 100 & echo $! > {self.out}/left; sleep 200",
                          "5.3.0", "bounced",
                          "Command time limit exceeded: ")}
        mail = self.start("".join(f'{name}: "|{command}"\n' for name,
                                  (command, *_) in cases.items()),
                          command_time_limit="1s", maximal_queue_lifetime="1h")
        for name, (_, dsn, status, text) in cases.items():
            mail.send("alice@demo.test", [f"{name}@here.test"])
            mail.wait_log(rf"to=<{name}@here\.test>, relay=local, .*dsn="
                          + re.escape(f"{dsn}, status={status} ({text}"))
        report = b"".join(mail.wait_box("alice", 3))
        self.assertIn(b"user unknown", report)
        with open(os.path.join(self.out, "left"), encoding="ascii") as file:
            left = file.read().strip()

        def ended():
            """Or waits for whoever adopted it to notice."""
            try:
                with open(f"/proc/{left}/stat", encoding="latin-1") as file:
                    return file.read().rpartition(")")[2].split()[0] == "Z"
            except FileNotFoundError:
                return True

        instance.until(ended, "what the slow command had started to end")

    def test_a_large_message_reaches_its_command_whole(self):
        mail = self.start('run: "|{self.script}"\n')
        text = "Subject: large\n\n" + "0123456789abcdef\n" * 60000
        mail.send("s@demo.test", ["run@here.test"], text)
        (got,) = self.ran()
        self.assertTrue(got.endswith(text.partition("\n\n")[2].encode()))

    def test_accounts_may_have_a_command_instead_of_a_mailbox(self):
        mail = self.start(mailbox_command=self.script + ' -a "$EXTENSION"',
                          mailbox_command_maps="inline:{{bob=%s of-bob}}"
                          % self.script,
                          command_execution_directory="$home",
                          export_environment="TZ=here LANG",
                          prepend_delivered_header="file")
        mail.send("s@demo.test", ["ann+x@here.test"])
        (text,) = self.ran()
        self.assertTrue(text.startswith(
            f"as 12021:12021 in {self.home('ann')}\nword -a\nword x\n".encode()), text)
        self.assertIn(b"\nTZ=here\n", text)
        self.assertNotIn(b"\nDelivered-To:", text)
        mail.send("s@demo.test", ["bob@here.test"])
        self.assertIn(b"as 12022:12022 ", b"".join(self.ran(2)))
        self.assertIn(b"\nword of-bob\n", b"".join(self.ran(2)))
        mail.wait_empty()

    def test_other_agents_have_mailboxes_of_accounts_and_of_the_unknown(self):
        sink = self.sink(lambda stage, argument: "550 5.1.1 not here either"
                         if stage == "rcpt" and argument.startswith("who@") else None)
        self.put("bob", ".forward", "\\bob, out@demo.test\n")
        mail = self.start(
            "head: ann\n",
            mailbox_transport_maps=f"inline:{{{{ann=smtp:{sink.where}}}, "
                                   f"{{bob=smtp:{sink.where}}}}}",
            fallback_transport=f"smtp:{sink.where}")
        mail.send("alice@demo.test", ["ann+x@here.test", "bob@here.test",
                                      "who@here.test", "other@here.test",
                                      "head@here.test"])
        sink.wait(4)
        mail.wait_log(r"smtp\[\d+\]: \w+: to=<ann\+x@here\.test>, .*status=sent")
        mail.wait_log(r"local\[\d+\]: \w+: to=<bob@here\.test>, .*status=sent")
        mail.wait_log(r"smtp\[\d+\]: \w+: to=<who@here\.test>, .*status=bounced")
        mail.wait_box("everyone")
        self.assertIn(b"not here either", mail.wait_box("alice")[0])
        mail.wait_empty()
        self.assertEqual(sorted(r for got in sink.received for r in got.recipients),
                         ["ann+x@here.test", "ann@here.test", "bob@here.test",
                          "other@here.test"])
        self.assertNotRegex(mail.log(), r"local\[\d+\]: \w+: to=<(ann|who|other|head)")
        for where, why in (("nosuch:", "mail transport nosuch unavailable"),
                           ("local:", "mail would be passed to where it is")):
            mail.stop()
            mail.set(mailbox_transport=where, mailbox_transport_maps="")
            mail.start()
            mail.send("s@demo.test", ["ann@here.test"])
            mail.wait_log(r"to=<ann@here\.test>, relay=local, .*dsn=4\.3\.0, "
                          r"status=deferred \(" + why)

    def test_somebody_gets_what_is_for_nobody(self):
        mail = self.start(luser_relay="ann+$local")
        mail.send("s@demo.test", ["who@here.test"])
        (text,) = self.box("ann")
        self.assertIn(b"Delivered-To: ann+who@here.test\n", text)
        self.assertIn(b"\nDelivered-To: who@here.test\n", text)
        mail.wait_empty()

    # ---- settings of which each has an agent ----

    def test_extensions_reach_what_aliases_lists_and_forward_files_name(self):
        self.put("ann", ".forward", "fw@demo.test, ann\n")
        self.put("ann", ".forward+own", "own@demo.test\n")
        with open(os.path.join(self.dir, "list"), "w", encoding="utf-8") as file:
            file.write("listed@demo.test\n")
        self.own(os.path.join(self.dir, "list"), ACCOUNTS["bob"])
        cases = {
            "canonical": {"top+x": "deep listed out", "ann+x": "fw"},
            "alias, include": {"top+x": "deep+x listed+x out+x", "with+x": "whole",
                               "top": "deep listed out", "ann+x": "fw",
                               "head+x": "fw"},
            "alias, forward": {"top+x": "deep+x listed out+x", "ann+x": "fw+x",
                               "ann+own": "own", "head+x": "fw+x", "ann": "fw"}}
        mail = self.start(
            "top: out@demo.test, inner, top, :include:{self.dir}/list\n"
            "inner: deep@demo.test\nwith+x: whole@demo.test\nhead: ann\n",
            fallback_transport="discard:")
        mailboxes = 0
        for words, wanted in cases.items():
            mail.stop()
            mail.set(propagate_unmatched_extensions=words)
            mail.start()
            sent = {name: mail.send("s@demo.test", [f"{name}@here.test"])
                    for name in wanted}
            mail.wait_empty()
            log = mail.log()
            mailboxes += sum(name.startswith(("ann", "head")) and to != "own"
                             for name, to in wanted.items())
            for name, to in wanted.items():
                with self.subTest(words=words, name=name):
                    (new,) = re.findall(rf"{sent[name]}: to=<.*forwarded as (\w+)", log)
                    self.assertEqual(" ".join(sorted(re.findall(
                        rf"{new}: to=<(\S+)@demo\.test>", log))), to)
        self.assertEqual(len(self.box("ann")), mailboxes)

    def test_what_others_wrote_reaches_places_and_commands_filtered(self):
        self.put("bob", ".forward-x+y", f'"|{self.script}"\n')
        self.put("bob", ".forward+x_y", f'"|{self.script}"\n')
        shell = self.script + ".shell"
        with open(shell, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {self.script} shell "$@"\n')
        os.chmod(shell, 0o755)
        os.mkdir(os.path.join(self.dir, "in-a_c"))
        letters = "abcdefghijklmnopqrstuvwxyz"
        mail = self.start(
            'run: "|exit 67"\nlist: out@demo.test\nowner-list: chief@demo.test\n'
            'shy: out@demo.test\nowner-shy: nobody, chief@demo.test\n',
            services={
                "way": ("local", {
                    "forward_expansion_filter": letters + "0123456789/-_.+"}),
                "filter": ("local", {
                    "mailbox_command": self.script,
                    "command_expansion_filter": letters + "@.",
                    "command_execution_directory": f"{self.dir}/in-$extension",
                    "execution_directory_expansion_filter": "abc"}),
                "own": ("local", {"expand_owner_alias": "yes",
                                  "local_command_shell": shell + " -r"}),
                "ask": ("local", {"recipient_delimiter": "-+",
                                  "owner_request_special": "no"}),
                "noask": ("local", {"recipient_delimiter": "-+"}),
                "else": ("local", {
                    "fallback_transport_maps": "inline:{{who = error:5.2.1 gone}}",
                    "local_delivery_status_filter":
                        "regexp:{{/^5(.1.1 .*nobody.*)/ 4$$1}}"})})
        mail.send("s=1@demo.test", ["bob+x=y@way.test", "ann+a1c@filter.test"])
        texts = b"".join(self.ran(2))
        for line in (b"as 12022:12022 in /", b"EXTENSION=x=y",
                     f"as 12021:12021 in {self.dir}/in-a_c".encode(),
                     b"SENDER=s__@demo.test", b"EXTENSION=a_c",
                     b"RECIPIENT=ann_a_c@filter.test"):
            self.assertIn(line + b"\n", texts)
        os.rename(os.path.join(self.dir, "in-a_c"), os.path.join(self.dir, "in-x_y"))
        mail.send("s@demo.test", ["ann+a@filter.test"])
        mail.wait_log(r"to=<ann\+a@filter\.test>, .*status=deferred \(.*in-a")

        mail.send("s@demo.test", ["run@own.test"])
        self.assertIn(b"\nword shell\nword -r\nword exit 67\n",
                      b"".join(self.ran(3)))
        for number, (address, sender) in enumerate((
                ("list@own.test", "chief"), ("list@noask.test", "owner-list"),
                ("shy@own.test", "owner-shy"))):
            mail.send("s@demo.test", [address])
            text = mail.wait_box("everyone", number + 1)[-1]
            self.assertIn(f"Return-Path: <{sender}@".encode(), text)

        mail.send("s@demo.test", ["bob-request@ask.test", "bob-request@noask.test",
                                  "bob-x+y@noask.test"])
        mail.wait_log(r"to=<bob-request@ask\.test>, .*status=sent")
        mail.wait_log(r"to=<bob-request@noask\.test>, .*unknown user: \"bob-request")
        self.assertIn(b"\nEXTENSION=x+y\n", b"".join(self.ran(4)))
        mail.send("s@demo.test", ["who@else.test", "nobody-here@else.test",
                                  "other@else.test"])
        mail.wait_log(r"error\[\d+\]: \w+: to=<who@else\.test>, .*dsn=5\.2\.1, .*gone")
        mail.wait_log(r"to=<nobody-here@else\.test>, .*dsn=4\.1\.1, status=deferred")
        mail.wait_log(r"to=<other@else\.test>, .*dsn=5\.1\.1, status=bounced")

    def test_mailboxes_have_locks_owners_and_limits(self):
        for box in ("spool", "boxes"):
            os.mkdir(os.path.join(self.dir, box))
            os.chmod(os.path.join(self.dir, box), 0o1777)
        for path in ("spool/ann.lock", "boxes/m.lock", "spool/bob", "boxes/o"):
            with open(os.path.join(self.dir, path), "w", encoding="ascii"):
                pass                    # root's
            os.chmod(os.path.join(self.dir, path), 0o666)
        local = {"home_mailbox": "", "mail_spool_directory": f"{self.dir}/spool",
                 "deliver_lock_attempts": "1"}
        virtual = {"virtual_mailbox_base": f"{self.dir}/boxes",
                   "virtual_mailbox_maps": "regexp:{{/^m@/ m}, {/^o@/ o}, {/./ p}}",
                   "virtual_uid_maps": "static:12022", "deliver_lock_attempts": "1",
                   "virtual_gid_maps": "static:12022"}
        mail = self.start(smtpd_reject_unlisted_recipient="no", services={
            "lock": ("local", {**local, "mailbox_delivery_lock": "dotlock"}),
            "nolock": ("local", {**local, "mailbox_delivery_lock": "fcntl"}),
            "any": ("local", {**local, "strict_mailbox_ownership": "no"}),
            "full": ("local", {**local, "mailbox_size_limit": "500",
                               "mailbox_delivery_lock": "fcntl"}),
            "vlock": ("virtual", {**virtual, "virtual_mailbox_lock": "dotlock"}),
            "vnolock": ("virtual", {**virtual, "virtual_mailbox_lock": "flock"}),
            "vany": ("virtual", {**virtual, "strict_mailbox_ownership": "no"}),
            "vfull": ("virtual", {
                **virtual, "virtual_mailbox_limit": "500",
                "virtual_delivery_status_filter":
                    "regexp:{{/^5(.2.2 .*)/ 4$$1}}"}),
            "vlow": ("virtual", {**virtual, "virtual_minimum_uid": "12023"})})
        cases = {
            "ann@lock.test": r"dsn=4\.2\.0, status=deferred \(.*ann\.lock",
            "ann@nolock.test": r"status=sent \(delivered to mailbox",
            "bob@lock.test": r"dsn=4\.2\.0, status=deferred \(.*not owned",
            "bob@any.test": r"status=sent \(delivered to mailbox",
            "ann@full.test": r"dsn=5\.2\.2, status=bounced",
            "m@vlock.test": r"dsn=4\.2\.0, status=deferred \(.*m\.lock",
            "m@vnolock.test": r"status=sent \(delivered to mailbox",
            "o@vlock.test": r"dsn=4\.2\.0, status=deferred \(.*not owned",
            "o@vany.test": r"status=sent \(delivered to mailbox",
            "p@vfull.test": r"dsn=4\.2\.2, status=deferred",
            "q@vlow.test": r"dsn=4\.3\.5, status=deferred"}
        for address, line in cases.items():
            mail.send("s@demo.test", [address], "Subject: x\n\n" + (
                "0123456789\n" * 60 if "full" in address else "x\n"))
            mail.wait_log(rf"to=<{re.escape(address)}>, .*{line}")

    def test_a_command_ends_with_its_agent_and_its_mail_is_kept(self):
        mail = self.start('run: "|echo $$ > {self.out}/pid.$$; sleep 500"\n',
                          stop_timeout="1s")
        one = mail.send("s@demo.test", ["run@here.test"])

        def running():
            return {name.partition(".")[2] for name in os.listdir(self.out)
                    if os.path.exists("/proc/" + name.partition(".")[2])}

        (first,) = instance.until(running, "the command")
        for pid in mail.pids("local"):
            os.kill(pid, signal.SIGKILL)
        instance.until(lambda: first not in running(), "the command to end", 30)
        instance.until(running, "the next attempt")
        mail.stop()
        instance.until(lambda: not running(), "the command to end", 30)
        mail.start()
        self.assertEqual([m["queue_id"] for m in mail.queue()], [one])


if __name__ == "__main__":
    unittest.main()
