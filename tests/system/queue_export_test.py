"""waypost queue export: what waits goes to another sendmail, each recipient once,
whatever that one says and whenever it is stopped.

SPDX-License-Identifier: Apache-2.0
"""
import os
import unittest

import instance

# Notes its arguments and its input; the first line of `plan` says how it ends.
SENDMAIL = """#!/bin/sh
cd {dir} || exit 75
plan=$(head -n 1 plan); sed -i 1d plan
[ "$plan" != no ] || exit 75
n=$(ls calls | wc -l)
{{ for word; do printf '%s|' "$word"; done; echo; echo "config=$MAIL_CONFIG"; cat; }} > calls/$n
[ "$plan" != crash ] || kill -9 $PPID
exit 0
"""


class QueueExport(instance.TestCase):

    def setUp(self):
        super().setUp()
        self.mail = self.instance(settings={"defer_transports": "smtp",
                                            "relayhost": "[127.0.0.1]:1"})
        self.dir = os.path.join(self.mail.dir, "other")
        os.makedirs(os.path.join(self.dir, "calls"))
        self.program = os.path.join(self.dir, "sendmail")
        with open(self.program, "w", encoding="utf-8") as file:
            file.write(SENDMAIL.format(dir=self.dir))
        os.chmod(self.program, 0o755)

    def export(self, *arguments, plan="", status=0):
        with open(os.path.join(self.dir, "plan"), "w", encoding="utf-8") as file:
            file.write(plan.replace(" ", "\n") + "\n")
        done = self.mail.command("waypost", "queue", "export", "-s", self.program,
                                 *arguments, check=False)
        self.assertEqual(done.returncode, status, done.err)
        return done

    def calls(self):
        """What it was called with, without white space and (arguments, input)."""
        folder, found = os.path.join(self.dir, "calls"), []
        for name in sorted(os.listdir(folder), key=int):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                words, config, text = file.read().split("\n", 2)
            self.assertEqual(config, "config=")
            found.append((words, text))
            os.unlink(os.path.join(folder, name))
        return found

    def queued(self):
        return sorted((m["queue_name"], m["sender"]) for m in self.mail.queue())

    def test_messages_are_given_away_once(self):
        def sendmail(*arguments, text):
            self.mail.command("sendmail", "-i", *arguments, input=text)

        sendmail("-f", "a@x.example", "-N", "success,delay", "-R", "hdrs", "-V", "id 1",
                 '"q r"@far.example', "u@far.example",
                 text="Subject: dsn\n\ncaf\N{LATIN SMALL LETTER E WITH ACUTE}\n.\n")
        sendmail("-f", "<>", *(f"n{i}@far.example" for i in range(250)),
                 text="Subject: many\n\nx\n")
        self.mail.send("c@x.example", ["smtp@far.example"])
        sendmail("-f", "h@x.example", "held@far.example", text="Subject: held\n\n")
        instance.until(lambda: len(self.queued()) == 4 and all(
            q == "deferred" for q, _ in self.queued()), "four deferred messages")
        self.assertIn("is running: stop it first", self.export(status=1).err)
        self.mail.command("postsuper", "-h", next(
            m["queue_id"] for m in self.mail.queue() if m["sender"] == "h@x.example"))
        self.mail.stop()

        # It says no: all stays. It is killed behind the first call for many.
        self.export(plan="no no no no", status=1)
        self.assertEqual(len(self.queued()), 4)
        self.assertEqual(self.export("-n").out.count("deferred "), 3)
        self.assertEqual(self.calls(), [])
        self.export(plan="yes yes crash", status=-9)
        self.export()
        self.assertEqual(self.queued(), [("hold", "h@x.example")])
        self.check_calls(self.calls())

        self.export("-k", "hold")
        self.assertEqual(self.queued(), [("hold", "h@x.example")])
        self.assertEqual(len(self.calls()), 1)
        self.export("hold")
        self.assertEqual(self.calls(), [])      # all of it was done
        self.assertEqual(self.queued(), [])

    def check_calls(self, calls):
        words = [w for w, _ in calls]
        dsn = next(c for c in calls if "-V|" in c[0])
        self.assertEqual(dsn[0], "-i|-f|a@x.example|-B8BITMIME|-N|SUCCESS,DELAY|-R|hdrs|"
                         '-V|id 1|--|"q r"@far.example|u@far.example|')
        self.assertTrue(dsn[1].endswith("\n\ncafé\n.\n"), dsn[1])
        self.assertIn("-i|-f|c@x.example|-G|--|smtp@far.example|", words)
        # The call that it was killed in is made again, since nobody saw it end.
        given = "".join(w for w in words if "|<>|" in w).split("|")
        for i in range(250):
            self.assertIn(given.count(f"n{i}@far.example"), (1, 2))
        self.assertLessEqual(sum(given.count(f"n{i}@far.example") for i in range(250)),
                             450)


if __name__ == "__main__":
    unittest.main()
