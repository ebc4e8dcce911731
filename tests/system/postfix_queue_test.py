"""A queue that Debian's Postfix left, made in a box, is listed, read and delivered by
Waypost: each recipient once, in whatever state its message was.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import glob
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import box
import instance

TIME_LIMIT = 120
BOX = os.path.join(instance.ROOT, "tests", "bench", "postfix-in-a-box")
EIGHT = "caf\N{LATIN SMALL LETTER E WITH ACUTE}".encode()

# What Postfix is given: arguments of sendmail, and the message.
DEFERRED = [
    (["-f", "s@x.example", "plain@far.example"], b"Subject: plain\n\n.dot\n"),
    (["-B8BITMIME", "-F", "Full Name", "-f", '"a b"@x.example', "-N", "success,delay",
      "-R", "hdrs", "-V", "env id", '"q r"@far.example'],
     b"Subject: eight\n\n" + EIGHT + b"\n"),
    (["-f", "s@x.example", "filter@far.example"], b"Subject: filterme\n\nf\n"),
    (["-f", "s@x.example", "r1@far.example", "r2@far.example"],
     b"Subject: redirectme\n\nr\n"),
    (["-t", "-f", "s@x.example"], b"To: to@far.example\nBcc: bcc@far.example\n"
     b"Subject: tee\n\nt\n"),
    (["-f", "many@x.example"] + [f"m{n}@far.example" for n in range(60)],
     b"Subject: many\n\n" + b"x" * 5000 + b"\ny\n"),
    # Half of them are done before: one delivered, one bounced.
    (["-f", "half@x.example", "now@far.example", "never@bounce.example",
      "later@far.example"], b"Subject: half\n\nh\n"),
]
HELD = (["-f", "s@x.example", "held@far.example"], b"Subject: holdme\n\nh\n")
DROPPED = [
    (["-f", "d@x.example", "-N", "never", "-V", "drop", "d1@far.example",
      "d2@far.example"], b"Subject: dropped\n\n" + EIGHT + b"\n"),
    (["-t"], b"To: d3@far.example\nBcc: d4@far.example\nSubject: dropped too\n\nx\n"),
]
WANTED = ["plain@far.example", '"q r"@far.example', "filter@far.example", "red@far.example",
          "to@far.example", "bcc@far.example", "later@far.example", "held@far.example",
          "half@x.example", "d1@far.example", "d2@far.example", "d3@far.example",
          "d4@far.example"] + [f"m{n}@far.example" for n in range(60)]


class PostfixQueue(instance.TestCase):

    def setUp(self):
        super().setUp()
        self.box_dir = tempfile.mkdtemp(prefix="box-")
        self.addCleanup(shutil.rmtree, self.box_dir, ignore_errors=True)
        os.chmod(self.box_dir, 0o755)

    def box(self, *arguments):
        done = subprocess.run([BOX, self.box_dir, *arguments], capture_output=True,
                              text=True, timeout=100, check=False, env=dict(
                                  os.environ, BUILD=instance.BUILD))
        if done.returncode == 77:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)

    def sendmail(self, messages):
        script = ""
        for n, (arguments, text) in enumerate(messages):
            with open(os.path.join(self.box_dir, "home", str(n)), "wb") as file:
                file.write(text)
            script += f"sendmail -i {shlex.join(arguments)} < /home/{n} || exit\n"
        self.box("exec", "sh", "-c", script)

    def fill(self, sink):
        """A queue with messages in all states; Postfix has stopped."""
        self.box("init", f"relayhost={sink.where}", "header_checks=regexp:/etc/postfix/hc",
                 "transport_maps=inline:{{bounce.example=error:5.1.1 no such host}}")
        with open(os.path.join(self.box_dir, "etc", "hc"), "w", encoding="utf-8") as file:
            file.write("/^Subject: holdme/ HOLD\n"
                       f"/^Subject: filterme/ FILTER smtp:{sink.where}\n"
                       "/^Subject: redirectme/ REDIRECT red@far.example\n")
        path = os.path.join(self.box_dir, "etc", "master.cf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        # No port of the machine's, and bounces that cannot be sent stay in their log.
        text = re.sub(r"(?m)^smtp +inet.*\n", "", text)
        text = re.sub(r"(?m)^(bounce .*)", r"\1 -o cleanup_service_name=none", text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.box("start")
        try:
            self.sendmail([*DEFERRED, HELD])
            instance.until(lambda: len(self.files("deferred/*/*")) == len(DEFERRED) and
                           not self.files("active/*", "incoming/*", "maildrop/*") and
                           self.files("bounce/*") and self.files("hold/*"),
                           "Postfix to defer the mail", 60)
        finally:
            self.box("stop")
        self.sendmail(DROPPED)

    def files(self, *patterns):
        return [path for pattern in patterns
                for path in glob.glob(os.path.join(self.box_dir, "spool", pattern))]

    def move_over(self, mail):
        """The queue as Postfix left it."""
        box.copy_queue(os.path.join(self.box_dir, "spool"), mail.spool)

    def check_listing(self, mail):
        queue = mail.queue()
        self.assertEqual(collections.Counter(m["queue_name"] for m in queue),
                         {"deferred": len(DEFERRED), "hold": 1, "maildrop": 2})
        half = next(m for m in queue if m["sender"] == "half@x.example")
        self.assertEqual([r["address"] for r in half["recipients"]], ["later@far.example"])
        self.assertIn("450 4.2.0 not yet", half["recipients"][0]["delay_reason"])
        held = next(m for m in queue if m["queue_name"] == "hold")
        text = mail.command("postcat", "-q", held["queue_id"]).out
        self.assertIn("\nrecipient: held@far.example\n", text)
        self.assertIn("\nSubject: holdme\n", text)
        return held["queue_id"]

    def test_what_postfix_left_is_delivered_once(self):
        late = []
        sink = self.sink(lambda stage, address: "450 4.2.0 not yet" if not late and
                         stage == "rcpt" and address != "now@far.example" else None,
                         extensions=("PIPELINING", "8BITMIME", "DSN", "SIZE 0"))
        self.fill(sink)
        self.assertEqual([r.recipients for r in sink.received], [["now@far.example"]])
        mail = self.instance(start=False, settings={"relayhost": sink.where})
        self.move_over(mail)
        held = self.check_listing(mail)
        broken = os.path.join(mail.spool, "incoming", "4F0A1B2C3D")
        shutil.copy2(os.path.join(mail.spool, "hold", held), broken)
        os.chown(broken, 12001, 12001)
        os.truncate(broken, 300)

        late.append(True)
        mail.start()
        mail.command("postsuper", "-H", held)
        mail.command("postqueue", "-f")
        mail.wait_empty()
        came = collections.Counter(r for m in sink.wait(12)[1:] for r in m.recipients)
        self.assertEqual(came, collections.Counter(WANTED))
        self.check_messages(sink, mail.log())
        self.assertTrue(os.path.exists(os.path.join(mail.spool, "corrupt", "4F0A1B2C3D")))

    def check_messages(self, sink, log):
        texts = {m.recipients[0]: m.data.replace(b"\r\n", b"\n") for m in sink.received}
        self.assertTrue(texts["plain@far.example"].endswith(b"\n\n.dot\n"))
        self.assertTrue(texts['"q r"@far.example'].endswith(b"\n\n" + EIGHT + b"\n"))
        long = texts["m0@far.example"].replace(b"\n ", b"")    # smtp_line_length_limit
        self.assertIn(b"x" * 5000 + b"\ny\n", long)
        self.assertNotIn(b"Bcc", texts["d3@far.example"])
        self.assertIn(b"never@bounce.example", texts["half@x.example"])
        self.assertIn(b"no such host", texts["half@x.example"])
        commands = "\n".join(sink.commands)
        self.assertRegex(commands, r'MAIL FROM:<"a b"@x\.example>.* BODY=8BITMIME'
                         r'.* RET=HDRS ENVID=env\+20id')
        self.assertRegex(commands, r'RCPT TO:<"q r"@far\.example> NOTIFY=SUCCESS,DELAY '
                         r'ORCPT=rfc822;q\+20r@far\.example')
        self.assertRegex(commands, r"RCPT TO:<d1@far\.example> NOTIFY=NEVER")
        self.assertEqual(len(re.findall(r"taken over from Postfix", log)),
                         len(DEFERRED) + 1)
        self.assertIn("4F0A1B2C3D: damaged queue file: a file of Postfix's: no end of "
                      "message -- moved to corrupt", log)
        self.assertEqual(len(re.findall(r"pickup\[\d+\]: \w+: uid=0 from=", log)), 2)


if __name__ == "__main__":
    unittest.main()
