"""Tools that read the log and the queue listing of a mail system read ours.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import shutil
import subprocess
import unittest
import urllib.request

import instance

PACKAGES = os.path.join(instance.BUILD, "packages")


def tool(name):
    """A program of the machine, or of a package that was only unpacked."""
    return shutil.which(name) or next(
        (path for path in (os.path.join(PACKAGES, "usr", "bin", name),
                           os.path.join(PACKAGES, "usr", "sbin", name))
         if os.path.exists(path)), None)


class Readers(instance.TestCase):
    def run_with_traffic(self):
        """Two sent, one bounced, one rejected; the log's text."""
        sink = self.sink(lambda stage, argument: "550 5.1.1 no such user"
                         if stage == "rcpt" and "bad" in argument else None)
        mail = self.instance(relayhost=sink.where,
                             mynetworks="127.0.0.1/32",
                             smtpd_relay_restrictions="reject_unauth_destination",
                             relay_domains="example.org")
        mail.send("a@demo.test", ["alice@demo.test"])
        mail.send("a@demo.test", ["good@example.org"])
        mail.send("a@demo.test", ["bad@example.org"])
        with mail.smtp() as client:
            client.hello()
            client.say("MAIL FROM:<a@demo.test>")
            code, _ = client.say("RCPT TO:<x@elsewhere.test>")
            self.assertEqual(code, 554)
            client.quit()
        mail.wait_log(r"status=bounced")
        mail.wait_log(r"non-delivery notification")
        mail.wait_empty()
        mail.wait_log(r"to=<a@demo\.test>.*status=sent")
        return mail

    def test_pflogsumm_counts_what_happened(self):
        program = tool("pflogsumm")
        if not program:
            self.skipTest("no pflogsumm")
        mail = self.run_with_traffic()
        done = subprocess.run([program, mail.log_path], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

        def total(what):
            found = re.search(rf"^\s+(\d+)\s+{what}\b", done.stdout, re.M)
            self.assertTrue(found, done.stdout)
            return int(found.group(1))

        self.assertEqual(total("received"), 3)
        self.assertEqual(total("delivered"), 3)     # two, and the notice
        self.assertEqual(total("bounced"), 1)
        self.assertEqual(total("rejected"), 1)
        self.assertEqual(total("deferred"), 0)

    def test_fail2ban_sees_the_client_that_was_rejected(self):
        program = tool("fail2ban-regex")
        rules = next((path for path in
                      ("/etc/fail2ban/filter.d/postfix.conf",
                       os.path.join(PACKAGES, "etc/fail2ban/filter.d/postfix.conf"))
                      if os.path.exists(path)), None)
        if not program or not rules:
            self.skipTest("no fail2ban-regex")
        mail = self.run_with_traffic()
        environment = dict(os.environ, PYTHONPATH=os.path.join(
            PACKAGES, "usr/lib/python3/dist-packages"))
        python = "/usr/bin/python3"
        done = subprocess.run([python, program, mail.log_path,
                               f"{rules}[mode=aggressive]"],
                              capture_output=True, text=True, timeout=60,
                              env=environment, check=False)
        if "ModuleNotFoundError" in done.stderr:
            self.skipTest("fail2ban's modules are not for this python")
        found = re.search(r"Lines: \d+ lines, \d+ ignored, (\d+) matched",
                          done.stdout)
        self.assertTrue(found, done.stdout + done.stderr)
        self.assertGreaterEqual(int(found.group(1)), 1, done.stdout)

    def test_the_exporter_reads_the_queue(self):
        program = tool("prometheus-postfix-exporter")
        if not program:
            self.skipTest("no prometheus-postfix-exporter")
        mail = self.run_with_traffic()
        mail.stop()
        mail.set(relayhost="[127.0.0.1]:1")
        mail.start()
        mail.send("a@demo.test", ["later@example.org"])
        mail.wait_log(r"status=deferred")
        port = instance.free_port()
        process = subprocess.Popen(
            [program, "--web.listen-address", f"{instance.HOST}:{port}",
             "--postfix.showq_path", os.path.join(mail.spool, "public/showq"),
             "--postfix.logfile_path", mail.log_path],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def metrics():
            try:
                with urllib.request.urlopen(
                        f"http://{instance.HOST}:{port}/metrics", timeout=5) as page:
                    return page.read().decode()
            except OSError:
                if process.poll() is not None:
                    raise AssertionError(
                        process.stderr.read().decode()) from None
                return None

        instance.until(lambda: "postfix_showq_message_size_bytes_count"
                       in (metrics() or ""), "the queue in the metrics")
        text = metrics()
        self.assertRegex(text, r'postfix_up\{[^}]*\} 1')
        self.assertRegex(text, r'postfix_showq_message_size_bytes_count'
                               r'\{queue="deferred"\} 1\b')
        process.stderr.close()


if __name__ == "__main__":
    unittest.main()
