"""What administrators do to the queue: look, hold, release, requeue, expire,
delete, repair; beside a running system and without one.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import json
import os
import socket
import subprocess
import threading
import time
import unittest

import instance

SLOW = {"minimal_backoff_time": "1000s", "queue_run_delay": "300s"}


class QueueCommands(instance.TestCase):
    def deferred(self, answers=None, count=1, **settings):
        """A system with messages that its next server put off, whose answer
        for recipients is answers[0]."""
        answers = answers if answers is not None else ["451 4.2.0 busy, later"]
        sink = self.sink(lambda stage, argument:
                         answers[0] if stage == "rcpt" else None)
        mail = self.instance(relayhost=sink.where,
                             **{**SLOW, **settings})
        ids = [mail.send("a@demo.test", [f"x{i}@example.org"],
                         "Subject: waits\n\nline one\nline two\n")
               for i in range(count)]
        for identity in ids:
            mail.wait_log(rf"{identity}: to=.*status=deferred")
        self.wait_queues(mail, {identity: "deferred" for identity in ids})
        return mail, sink, answers, ids

    def wait_queues(self, mail, wanted):
        instance.until(lambda: {m["queue_id"]: m["queue_name"]
                                for m in mail.queue()} == wanted,
                       f"the queue to be {wanted}")

    def test_listing_shows_why_a_message_waits(self):
        mail, _, _, (one,) = self.deferred()
        (listed,) = mail.queue()
        when = time.strftime("%a %b %e %H:%M:%S",
                             time.localtime(listed["arrival_time"]))
        size, reason = listed["message_size"], \
            listed["recipients"][0]["delay_reason"]
        text = mail.command("postqueue", "-p").out.splitlines()
        self.assertEqual(text[0], "-Queue ID-  --Size-- ----Arrival Time---- "
                                  "-Sender/Recipient-------")
        # Scripts cut these lines at columns.
        self.assertEqual(text[1:], [
            f"{one:<11} {size:>7} {when}  a@demo.test",
            " " * max(0, 76 - len(reason)) + f"({reason})",
            " " * 41 + "x0@example.org", "", "-- 0 Kbytes in 1 Request."])
        self.assertEqual(mail.command("mailq").out.splitlines(), text)
        self.assertEqual(listed["sender"], "a@demo.test")
        self.assertIn("busy, later", listed["recipients"][0]["delay_reason"])

    def test_a_message_on_hold_still_says_why_it_waited(self):
        mail, _, _, (one,) = self.deferred()
        mail.command("postsuper", "-h", one)
        text = mail.command("postqueue", "-p").out
        self.assertIn(f"{one}! ", text)
        self.assertIn("busy, later", text)

    def test_what_cannot_be_read_is_listed_and_said(self):
        mail, _, _, ids = self.deferred(count=3)
        mail.command("postsuper", "-h", "ALL")
        short, damaged, whole = ids
        for one, change in ((short, lambda data: data[:-10]),
                            (damaged, lambda data: data[:-3] + b"xyz")):
            path = os.path.join(mail.spool, "hold", one)
            with open(path, "rb") as file:
                data = file.read()
            with open(path, "wb") as file:
                file.write(change(data))
        text = mail.command("postqueue", "-p").out
        for one in (short, damaged):
            self.assertRegex(text, rf"(?m)^{one}! .* \?\n +\(.+\)\n\n")
            mail.wait_log(rf"showq\[\d+\]: warning: {one}: cannot be read: ")
        self.assertRegex(text, rf"(?m)^{whole}! .* a@demo\.test\n")
        self.assertIn(" in 3 Requests.", text)
        self.assertEqual({m["queue_id"]: (m["sender"], len(m["recipients"]))
                          for m in mail.queue()},
                         {short: ("?", 0), damaged: ("?", 0),
                          whole: ("a@demo.test", 1)})
        mail.stop()
        done = mail.command("postqueue", "-p")
        self.assertIn(" in 3 Requests.", done.out)
        self.assertIn(f"{damaged}: cannot be read: ", done.err)

    def test_the_null_sender_has_a_name_and_long_ids_their_columns(self):
        mail = self.instance(relayhost="[127.0.0.1]:1", **SLOW,
                             enable_long_queue_ids="yes")
        one = mail.send("", ["x@example.org"])
        self.wait_queues(mail, {one: "deferred"})
        (listed,) = mail.queue()
        self.assertEqual(listed["sender"], "MAILER-DAEMON")
        text = mail.command("postqueue", "-p").out.splitlines()
        self.assertEqual(text[0], "----Queue ID-----  --Size-- "
                         "---Arrival Time---- --Sender/Recipient------")
        when = time.strftime("%a %b %e %H:%M:%S",
                             time.localtime(listed["arrival_time"]))
        self.assertEqual(text[1], f"{one:<17} {listed['message_size']:>8} "
                         f"{when} MAILER-DAEMON")
        self.assertEqual(text[3], " " * 47 + "x@example.org")
        mail.stop()
        self.assertEqual(mail.queue()[0]["sender"], "MAILER-DAEMON")

    def test_half_a_listing_is_an_error(self):
        """A server that dies in the middle, and one that sends all."""
        mail = self.instance(start=False)
        path = os.path.join(mail.spool, "public/showq")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        whole = b"\0".join(
            [b"protocol", b"mail_queue_list_protocol", b"", b"queue_name",
             b"active", b"queue_id", b"ABCDEF", b"time", b"0", b"size", b"2048",
             b"forced_expire", b"0", b"sender", b"a@b", b"later_addition", b"1",
             b"recipient", b"x@y", b"reason", b"why", b"recipient", b"z@y",
             b"reason", b"", b"", b"", b""])

        def answer(data):
            peer, _ = listener.accept()
            with peer:
                peer.sendall(data)

        for cut in (0, 30, len(whole) - 10, len(whole) - 1, len(whole)):
            thread = threading.Thread(target=answer, args=(whole[:cut],))
            thread.start()
            done = mail.command("postqueue", "-p", check=False)
            thread.join()
            with self.subTest(cut):
                self.assertEqual(done.returncode, 0 if cut == len(whole) else 69,
                                 done.out + done.err)
        self.assertRegex(done.out, r" +\(why\)\n +x@y\n +\(reason unavailable\)"
                         r"\n +z@y\n\n-- 2 Kbytes in 1 Request\.")

    def test_the_queue_is_readable_while_the_system_is_down(self):
        mail, _, _, (one,) = self.deferred()
        self.assertEqual(mail.stop(), 0)
        done = mail.command("postqueue", "-j")
        self.assertEqual(json.loads(done.out)["queue_id"], one)
        self.assertIn("Mail system is down -- accessing queue directly",
                      done.err)
        flush = mail.command("postqueue", "-f", check=False)
        self.assertEqual(flush.returncode, 69)
        self.assertIn("Cannot flush mail queue - mail system is down",
                      flush.err)

    def test_flush_tries_again_at_once(self):
        mail, sink, answers, ids = self.deferred(count=2)
        answers[0] = None
        mail.command("postqueue", "-i", ids[0])
        mail.wait_log(rf"{ids[0]}: .*status=sent")
        self.wait_queues(mail, {ids[1]: "deferred"})
        mail.command("postqueue", "-f")
        self.assertEqual(len(sink.wait(2)), 2)
        mail.wait_empty()

    def test_a_site_asks_for_its_mail(self):
        mail, sink, answers, ids = self.deferred(count=1)
        for recipients in (["x@site.example"],
                           ["y@Other.Example", "z@SITE.example"]):
            ids.append(mail.send("a@demo.test", recipients))
        self.wait_queues(mail, {identity: "deferred" for identity in ids})
        mail.set(fast_flush_domains="site.example")
        mail.reload()
        answers[0] = None
        done = mail.command("postqueue", "-s", "other.example", check=False)
        self.assertEqual((done.returncode, done.err), (64,
            'postqueue: fatal: Flush service is not configured for '
            'destination "other.example"\n'))
        done = mail.command("postqueue", "-s", "no/site", check=False)
        self.assertEqual(done.returncode, 64)
        with mail.smtp() as client:
            client.hello()
            self.assertEqual(client.say("ETRN other.example")[0], 459)
            instance.until(lambda: client.say("ETRN Site.Example")[0] == 250,
                           "a search")
        self.assertEqual(len(sink.wait(2)), 2)
        mail.wait_log(r"/flush\[\d+\]: sites=1, messages=2")
        self.wait_queues(mail, {ids[0]: "deferred"})
        mail.set(fast_flush_domains="example.org")
        mail.reload()
        # The old process may still be the one that is asked.
        instance.until(lambda: mail.command(
            "postqueue", "-s", "example.org", check=False).returncode == 0,
            "the new list of sites")
        mail.wait_log(rf"{ids[0]}: .*status=sent")
        mail.wait_empty()

    def test_a_site_with_much_mail_leaves_room_for_others(self):
        mail, sink, answers, ids = self.deferred(
            count=40, fast_flush_domains="example.org", qmgr_message_active_limit="2",
            initial_destination_concurrency="20")
        held = threading.Event()
        self.addCleanup(held.set)
        answers[0] = None
        sink.answer = lambda stage, argument: held.wait(60) and None
        mail.command("postqueue", "-s", "example.org")
        mail.wait_log(r"/flush\[\d+\]: sites=1, messages=40")
        # Others wait in front of the queue manager.
        self.assertEqual(instance.until(lambda: [
            n for n in [sum(m["queue_name"] == "active" for m in mail.queue())]
            if n >= 2], "two that are tried"), [2])
        held.set()
        mail.wait_empty()
        self.assertEqual(len(sink.received), len(ids))

    def test_what_the_queue_manager_did_not_hear_is_said_again(self):
        mail, _, answers, (waits,) = self.deferred(count=1)
        mail.set(fast_flush_domains="example.org")
        mail.reload()
        answers[0] = None
        socket = os.path.join(mail.spool, "public", "qmgr")
        os.rename(socket, socket + ".away")
        instance.until(lambda: mail.command(
            "postqueue", "-s", "example.org", check=False).returncode == 0,
            "the new list of sites")
        mail.wait_log(r"/flush\[\d+\]: warning: service qmgr: ")
        os.rename(socket + ".away", socket)
        mail.wait_log(rf"{waits}: .*status=sent")
        mail.wait_empty()

    def test_hold_and_release(self):
        mail, sink, answers, (one, two) = self.deferred(count=2)
        done = mail.command("postsuper", "-h", one)
        self.assertEqual(done.err, f"postsuper: {one}: placed on hold\n"
                                   "postsuper: Placed on hold: 1 message\n")
        self.assertIn(f"{one}!", mail.command("postqueue", "-p").out)
        answers[0] = None
        mail.command("postqueue", "-f")
        mail.wait_log(rf"{two}: removed")
        self.wait_queues(mail, {one: "hold"})
        done = mail.command("postsuper", "-H", one)
        self.assertEqual(done.err, f"postsuper: {one}: released from hold\n"
                                   "postsuper: Released from hold: 1 message\n")
        self.assertEqual(len(sink.wait(2)), 2)
        mail.wait_empty()

    def test_delete_one_some_and_all(self):
        mail, sink, answers, ids = self.deferred(count=5)
        done = mail.command("postsuper", "-d", ids[0])
        self.assertEqual(done.err, f"postsuper: {ids[0]}: removed\n"
                                   "postsuper: Deleted: 1 message\n")
        done = mail.command("postsuper", "-d", "-",
                            input=f"{ids[1]}\n\n  {ids[2]}\nno/id\n")
        self.assertIn("Deleted: 2 messages\n", done.err)
        self.assertIn("invalid mail queue id: no/id", done.err)
        self.wait_queues(mail, {i: "deferred" for i in ids[3:]})
        done = mail.command("postsuper", "-d", "ALL", "hold")
        self.assertEqual(done.err, "postsuper: Deleted: 0 messages\n")
        done = mail.command("postsuper", "-d", "ALL", "deferred")
        self.assertIn("Deleted: 2 messages\n", done.err)
        mail.wait_empty()
        self.assertFalse([p for p in glob.glob(mail.spool + "/defer/**",
                                               recursive=True)
                          if os.path.isfile(p)])
        # nobody stumbles over it
        answers[0] = None
        mail.command("postqueue", "-f")
        mail.send("a@demo.test", ["y@example.org"])
        sink.wait(1)
        self.assertNotRegex(mail.log(), r"qmgr\[\d+\]: .*warning")

    def test_requeue_starts_anew_with_the_tables_of_today(self):
        mail, sink, answers, (one,) = self.deferred()
        answers[0] = None
        mail.stop()
        mail.set(virtual_alias_maps="inline:{x0@example.org=new@example.net}")
        mail.start()
        done = mail.command("postsuper", "-r", "ALL")
        self.assertEqual(done.err, f"postsuper: {one}: requeued\n"
                                   "postsuper: Requeued: 1 message\n")
        sink.wait(1)
        mail.wait_empty()
        (got,) = sink.received
        self.assertEqual(got.recipients, ["new@example.net"])
        self.assertIn(b"from userid", got.data)
        (line,) = mail.wait_log(r"pickup\[\d+\]: (\w+): uid=\d+ from=<a@demo\.test> "
                             rf"orig_id={one}\n")
        mail.wait_log(rf"{line.group(1)}: to=<new@example\.net>, "
                      r"orig_to=<x0@example\.org>.*status=sent")
        self.assertFalse(glob.glob(mail.spool + "/defer/**/" + one, recursive=True))

    def test_requeue_leaves_out_who_has_it_and_the_filter_of_yesterday(self):
        """As when a content filter was turned off; some had it already. It stays
        as old as it is."""
        answers = ["451 4.2.0 later"]
        sink = self.sink(lambda stage, argument: answers[0]
                         if stage == "rcpt" and argument.startswith("later") else None)
        mail = self.instance(relayhost=sink.where, queue_sync_method="log", **SLOW)
        one = mail.send("a@demo.test", ["now@example.org", "later@example.org"])
        mail.wait_log(rf"{one}: to=<later@.*status=deferred")
        self.wait_queues(mail, {one: "deferred"})
        arrived = mail.queue()[0]["arrival_time"]
        mail.command("postsuper", "-h", one)
        mail.stop()
        mail.set(content_filter="smtp:[127.0.0.1]:1")
        mail.start()
        mail.command("postsuper", "-r", one)
        (line,) = mail.wait_log(rf"(\w+): uid=\d+ from=<a@demo\.test> orig_id={one}\n")
        new = line.group(1)
        mail.wait_log(rf"{new}: to=<later@.*status=deferred .*127\.0\.0\.1")
        self.wait_queues(mail, {new: "deferred"})
        self.assertEqual(mail.queue()[0]["arrival_time"], arrived)
        mail.stop()
        mail.set(content_filter="")
        mail.start()
        answers[0] = None
        mail.command("postsuper", "-r", "ALL")
        # A listing may miss what moves from one queue to the next.
        sink.wait(2)
        mail.wait_empty()
        self.assertEqual([r.recipients for r in sink.received],
                         [["now@example.org"], ["later@example.org"]])
        self.assertNotRegex(mail.log(), r"(pickup|postsuper)\[\d+\]: (warning|error)")
        self.assertFalse(os.listdir(mail.spool + "/maildrop"))

    def test_requeue_only_tries_notices_again(self):
        answers = ["451 4.2.0 later"]
        sink = self.sink(lambda stage, argument: None if stage != "rcpt" else
                         "550 5.1.1 no" if argument.startswith("never") else answers[0])
        mail = self.instance(relayhost=sink.where, **SLOW)
        mail.send("later@example.org", ["never@example.org"])
        (line,) = mail.wait_log(r"(\w+): to=<later@.*status=deferred")
        self.wait_queues(mail, {line.group(1): "deferred"})
        answers[0] = None
        mail.command("postsuper", "-r", "ALL")
        mail.wait_log(rf"{line.group(1)}: to=<later@.*status=sent")
        mail.wait_empty()
        self.assertNotIn("orig_id=", mail.log())

    def test_expired_mail_returns_to_its_sender(self):
        mail, _, _, (one,) = self.deferred()
        done = mail.command("postsuper", "-e", one)
        self.assertEqual(done.err, f"postsuper: {one}: expired\n"
                                   "postsuper: Force-expired: 1 message\n")
        mail.wait_log(rf"{one}: from=<a@demo\.test>, status=force-expired, "
                      "returned to sender")
        (notice,) = mail.wait_box("everyone")
        self.assertIn(b"x0@example.org", notice)
        mail.wait_empty()

    def test_what_happens_in_the_middle_of_a_delivery(self):
        for option, left in (("-d", {}), ("-h", {}), ("-r", {})):
            with self.subTest(option):
                gate = []

                def answer(stage, argument):
                    while stage == "dot" and not gate:
                        time.sleep(0.02)

                sink = self.sink(answer)
                mail = self.instance(relayhost=sink.where)
                one = mail.send("a@demo.test", ["x@example.org"])
                instance.until(lambda: "DATA" in sink.commands, "the delivery")
                mail.command("postsuper", option, one)
                gate.append(True)
                mail.wait_log(rf"{one}: .*status=sent")
                instance.until(lambda: {m["queue_id"]: m["queue_name"]
                                        for m in mail.queue()} == left,
                               "the queue to be right")
                self.assertEqual(len(sink.received), 1)
                self.assertNotIn("warning", mail.log())

    def test_some_were_delivered_while_it_was_put_on_hold(self):
        gate = []

        def answer(stage, argument):
            if stage == "rcpt" and argument.startswith("later"):
                return None if len(gate) > 1 else "451 4.2.0 later"
            while stage == "dot" and not gate:
                time.sleep(0.02)
            return None

        sink = self.sink(answer)
        mail = self.instance(relayhost=sink.where, **SLOW)
        one = mail.send("a@demo.test", ["now@example.org", "later@example.org"])
        instance.until(lambda: "DATA" in sink.commands, "the delivery")
        mail.command("postsuper", "-h", one)
        gate.append(1)
        mail.wait_log(rf"{one}: to=<now@.*status=sent")
        mail.wait_log(rf"{one}: to=<later@.*status=deferred")
        instance.until(lambda: [len(m["recipients"]) for m in mail.queue()]
                       == [1], "the mark")
        self.wait_queues(mail, {one: "hold"})
        gate.append(1)
        mail.command("postsuper", "-H", one)
        mail.wait_empty()
        self.assertEqual([r.recipients for r in sink.received],
                         [["now@example.org"], ["later@example.org"]])

    def test_a_change_of_hashing_finds_all_files_again(self):
        mail, sink, answers, ids = self.deferred(count=3)
        self.assertEqual(mail.stop(), 0)
        mail.set(hash_queue_depth=2, hash_queue_names="deferred, defer, hold")
        mail.start()
        self.wait_queues(mail, {i: "deferred" for i in ids})
        done = mail.command("postsuper", "-h", ids[0])
        self.assertIn("Placed on hold: 1 message", done.err)
        answers[0] = None
        mail.command("postqueue", "-f")
        sink.wait(2)
        self.wait_queues(mail, {ids[0]: "hold"})
        mail.set(hash_queue_depth=1, hash_queue_names="")
        mail.reload()
        mail.wait_log("moved to other sub-directories: 2")
        mail.command("postsuper", "-H", ids[0])
        sink.wait(3)
        mail.wait_empty()

    def test_repair_beside_a_running_system(self):
        mail, _, _, (one,) = self.deferred()
        torn = os.path.join(mail.spool, "incoming", "0", "4F0A1B2C00")
        with open(torn, "wb") as file:
            file.write(b"WAYPOST1E")
        os.chmod(torn, 0o700)
        os.rmdir(os.path.join(mail.spool, "trace"))
        mail.command("postsuper")
        self.assertTrue(os.path.isdir(os.path.join(mail.spool, "trace")))
        self.assertFalse(os.path.exists(torn))
        self.assertTrue(os.path.exists(
            os.path.join(mail.spool, "corrupt", "4F0A1B2C00")))
        self.wait_queues(mail, {one: "deferred"})

    def test_postcat_shows_a_message(self):
        mail, _, _, (one,) = self.deferred()
        text = mail.command("postcat", "-q", one).out
        where = rf"deferred/(\w/)?{one}"
        self.assertRegex(text, rf"^\*\*\* ENVELOPE RECORDS {where} \*\*\*\n")
        self.assertRegex(text, r"(?m)^message_size: +\d+ +\d+ +1 ")
        self.assertRegex(text, r"(?m)^message_arrival_time: \w{3} \w{3} ")
        self.assertIn("\nsender: a@demo.test\n", text)
        self.assertIn("\nrecipient: x0@example.org\n", text)
        self.assertRegex(text, rf"(?m)^\*\*\* MESSAGE CONTENTS {where} \*\*\*$")
        self.assertIn("\nSubject: waits\n", text)
        self.assertRegex(text, rf"(?m)^\*\*\* HEADER EXTRACTED {where} \*\*\*$")
        self.assertRegex(text, rf"\*\*\* MESSAGE FILE END {where} \*\*\*\n$")
        self.assertEqual(mail.command("postcat", "-bq", one).out,
                         "\nline one\nline two\n")
        header = mail.command("postcat", "-hq", one).out
        self.assertTrue(header.startswith("Received: "), header)
        self.assertTrue(header.endswith("\nSubject: waits\n") or
                        "\nSubject: waits\n" in header, header)
        self.assertNotIn("line one", header)
        self.assertEqual(mail.command("postcat", "-bhq", one).out,
                         header + "\nline one\nline two\n")
        self.assertNotIn("line one", mail.command("postcat", "-eq", one).out)
        (path,) = [p for p in glob.glob(mail.spool + "/deferred/**",
                                        recursive=True) if one in p]
        self.assertEqual(mail.command("postcat", "-b", path).out,
                         "\nline one\nline two\n")
        with open(path, "rb") as file:
            done = subprocess.run([os.path.join(mail.build, "sbin", "postcat"),
                                   "-b"], stdin=file, capture_output=True,
                                  timeout=20, check=True)
        self.assertEqual(done.stdout, b"\nline one\nline two\n")
        offsets = mail.command("postcat", "-oe", path).out
        self.assertRegex(offsets, r"(?m)^ +\d+ recipient: x0@example\.org$")
        self.assertRegex(offsets, r"(?m)^ +\d+ \*\*\* MESSAGE FILE END")

    def test_postcat_and_postsuper_say_what_is_wrong(self):
        mail = self.instance(start=False)
        mail.start()
        for command, arguments, words in (
                ("postcat", ["-q", "4F0A1B2C0D"], "No such file"),
                ("postcat", [mail.etc + "/main.cf"], "not a queue file"),
                ("postsuper", ["-x"], "usage"),
                ("postsuper", ["-d", "4F0A1B2C0D", "nowhere"], "nowhere")):
            with self.subTest(arguments):
                done = mail.command(command, *arguments, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(words, done.err)
                self.assertEqual(done.out, "")


if __name__ == "__main__":
    unittest.main()
