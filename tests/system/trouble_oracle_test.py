"""Sessions with trouble, and mail that comes to nothing, with Waypost and with Debian's
Postfix: under each class of notify_classes the same notices, to the same people. What
differs is listed here, once by cause (docs/compatibility.md).

SPDX-License-Identifier: Apache-2.0
"""
import collections
import concurrent.futures
import email
import email.policy
import itertools
import re
import threading
import unittest

import box
import instance

CLASSES = ("bounce", "data", "policy", "protocol", "resource", "software")
MAIL_CLASSES = ("bounce", "data", "protocol")           # asked of mail, too
PORTS = 3000                # of smtpd, in the order of CLASSES
START = ["EHLO client.test", "MAIL FROM:<a@b.test>"]
MESSAGE = [*START, "RCPT TO:<joe@here.test>", "DATA"]

# name: what a client says; the end is QUIT
SESSIONS = {
    "all is well": [*MESSAGE, "Subject: x\r\n\r\nbody\r\n."],
    "relaying": [*START, "RCPT TO:<x@away.test>"],
    "an unknown user": [*START, "RCPT TO:<nobody@here.test>"],
    "an unknown sender": ["EHLO client.test", "MAIL FROM:<nobody@here.test>",
                          "RCPT TO:<joe@here.test>"],
    "an unknown command": ["EHLO client.test", "FROB"],
    "no command at all": ["EHLO client.test", "\x7f\x01 x"],
    "MAIL without an address": ["EHLO client.test", "MAIL"],
    "an address that is none": ["EHLO client.test", "MAIL FROM:<a b>"],
    "RCPT before MAIL": ["EHLO client.test", "RCPT TO:<joe@here.test>"],
    "DATA before RCPT": [*START, "DATA"],
    "MAIL twice": [*START, START[1]],
    "no HELO": ["MAIL FROM:<a@b.test>"],
    "a parameter that is none": ["EHLO client.test", "MAIL FROM:<a@b.test> FROB=1"],
    "a helo name that is refused": [*START, "RCPT TO:<joe@here.test>"],
    "a sender that is refused": ["EHLO client.test", "MAIL FROM:<bad@b.test>",
                                 "RCPT TO:<joe@here.test>"],
    "a recipient that is refused": [*START, "RCPT TO:<bad@here.test>"],
    "a recipient that is put off": [*START, "RCPT TO:<later@here.test>"],
    "a table that fails": [*START, "RCPT TO:<table@here.test>"],
    "a type that is none": [*START, "RCPT TO:<type@here.test>"],
    "a size that is too large": ["EHLO client.test", "MAIL FROM:<a@b.test> SIZE=99999999"],
    "content that is too large": [*MESSAGE, "Subject: x\r\n\r\n" + "y" * 900 + "\r\n" +
                                  ("x" * 900 + "\r\n") * 120 + "."],
    "a header that is refused": [*MESSAGE, "X-Bad: yes\r\nSubject: x\r\n\r\nbody\r\n."],
    "too many hops": [*MESSAGE, "Received: x\r\n" * 9 + "Subject: x\r\n\r\nbody\r\n."],
    "too many recipients": [*START] + [f"RCPT TO:<joe+{n}@here.test>" for n in range(8)],
    "too many errors": ["EHLO client.test"] + ["FROB"] * 6,
    "VRFY": ["EHLO client.test", "VRFY joe"],
    "ETRN that is refused": ["EHLO client.test", "ETRN away.test"],
    "ETRN of nothing": ["EHLO client.test", "ETRN"],
    "STARTTLS": ["EHLO client.test", "STARTTLS"],
    "AUTH": ["EHLO client.test", "AUTH PLAIN x"],
    "trouble before a message": ["EHLO client.test", "FROB", *MESSAGE[1:],
                                 "Subject: x\r\n\r\nbody\r\n."],
    "trouble behind a message": [*MESSAGE, "Subject: x\r\n\r\nbody\r\n.", "FROB"],
    "a lost connection": [*START, "RCPT TO:<nobody@here.test>", "(close)"],
    "a connection lost in content": [*MESSAGE, "Subject: x\r\n\r\n(close)"],
    "a piece that is none": [*START, "RCPT TO:<joe@here.test>", "BDAT x"],
    "a piece without a recipient": [*START, "BDAT 2 LAST\r\n"],
}

# name: (stage, answer) of the next server
SERVERS = {
    "taken": ("dot", None),
    "sender 550": ("mail", "550 5.1.8 no"), "sender 451": ("mail", "451 4.1.8 no"),
    "recipient 550": ("rcpt", "550 5.1.1 no"), "recipient 450": ("rcpt", "450 4.1.1 no"),
    "recipient 500": ("rcpt", "500 5.5.1 no"),
    "recipient 501": ("rcpt", "501 5.5.4 no"), "recipient 421": ("rcpt", "421 4.3.2 no"),
    "data 554": ("data", "554 5.7.1 no"), "data 451": ("data", "451 4.7.1 no"),
    "content 554": ("dot", "554 5.7.1 no"), "content 451": ("dot", "451 4.7.1 no"),
    "the end": ("dot", "close"), "the end of RCPT": ("rcpt", "close"),
}

COMMON = {
    "compatibility_level": "3.6", "myhostname": "mail.here.test", "mydestination": "",
    "myorigin": "here.test", "virtual_mailbox_domains": "here.test", "virtual_transport": "discard:",
    "virtual_mailbox_maps": "inline:{{joe@here.test=x}, {bad@here.test=x}, {later@here.test=x}, "
                            "{table@here.test=x}, {type@here.test=x}}",
    "recipient_delimiter": "+", "mynetworks": "127.0.0.254", "disable_dns_lookups": "yes",
    "smtpd_peername_lookup": "no", "smtpd_helo_required": "yes", "disable_vrfy_command": "yes",
    "smtpd_relay_restrictions": "reject_unauth_destination",
    "smtpd_helo_restrictions": "check_helo_access regexp:{{/^a-helo-name/ REJECT}}",
    "smtpd_sender_restrictions": "check_sender_access inline:{{bad@b.test=REJECT}}",
    "smtpd_recipient_restrictions": "check_recipient_access inline:{{bad@here.test=REJECT}, "
        "{later@here.test=DEFER}, {table@here.test=fails}, {type@here.test=wrong}}",
    "smtpd_restriction_classes": "fails, wrong", "smtpd_reject_unlisted_sender": "yes",
    "fails": "check_sender_access fail:x", "wrong": "check_sender_access nosuch:x",
    "smtpd_etrn_restrictions": "reject", "message_size_limit": "100000",
    "header_checks": "regexp:{{/^X-Bad:/ REJECT}}",
    "hopcount_limit": "5", "smtpd_recipient_limit": "4", "smtpd_recipient_overshoot_limit": "1",
    "smtpd_hard_error_limit": "4", "smtpd_soft_error_limit": "100", "smtpd_error_sleep_time": "0",
    "smtp_tls_security_level": "none", "smtp_host_lookup": "native", "alias_maps": "",
    "bounce_notice_recipient": "bounce@out.test", "2bounce_notice_recipient": "2bounce@out.test",
    "delay_notice_recipient": "delay@out.test", "error_notice_recipient": "error@out.test",
    "notify_classes": "bounce, delay", "default_destination_concurrency_failed_cohort_limit": "0",
    "delay_warning_time": "1s",
    "smtp_connection_cache_on_demand": "no",
}
Notice = collections.namedtuple("Notice", "to sender frm head said")

# (cause, whether a difference is of it): asked with what was done, our notices and theirs
EXPLAINED = []


def because(cause):
    def add(judge):
        EXPLAINED.append((cause, judge))
        return judge
    return add


@because("a table that fails is of class data, one that cannot be opened of software")
def _(what, our, their):
    return not (our and their) and re.match(
        r"a table that fails (data|policy)$|a type that is none (software|policy)$", what)


@because("what was said is told from the last accepted message on")
def _(what, our, their):
    return what == "trouble behind a message protocol" and len(our) == len(their) == 1 \
        and their[0].said[-len(our[0].said) + 1:] == our[0].said[1:]


@because("passwords are not shown")
def _(what, our, their):
    return what == "AUTH protocol" and [("In", "AUTH PLAIN (not shown)") if line ==
        ("In", "AUTH PLAIN x") else line for line in their[0].said] == our[0].said


def services(address):
    return "".join(
        f"{address}:{PORTS + n} inet n - n - - smtpd -o notify_classes={name}\n"
        f"to-{name} unix - - n - - smtp -o notify_classes={name}\n"
        for n, name in enumerate(CLASSES))


def converse(address, port, name, lines):
    client = instance.Smtp(port, address)
    try:
        for line in [*lines, "QUIT"]:
            text, close, _ = line.replace("client.test", name).partition("(close)")
            client.raw(text.encode("latin1") + (b"" if close else b"\r\n"))
            if close:
                break
            client.reply()
    except (OSError, EOFError, ValueError):
        pass                    # it may hang up
    client.close()


HEARD = threading.local()       # by the thread of a connection


def answer(stage, argument):
    """What the recipient's name asks for; the sender's is that of the message."""
    if stage == "mail":
        HEARD.name = argument
    if stage == "rcpt" and "@c-" in argument:
        HEARD.name = argument
    name = getattr(HEARD, "name", "").partition("@")[0].replace("_", " ")
    wanted, line = SERVERS.get(name, ("", None))
    return line if wanted == stage else None


def notices(sink):
    """what was done: notices"""
    found = collections.defaultdict(list)
    for got in list(sink.received):
        if not re.match(r"(2?bounce|delay|error)@", got.recipients[0]):
            continue
        raw = got.data.decode()
        text = email.message_from_bytes(got.data, policy=email.policy.default)
        said = re.findall(r"(?m)^ (In|Out): +(.*?)\r?$", raw)
        if "SMTP client" in text["subject"]:        # how it ends differs, and the size
            said = [(who, line.partition(" SIZE=")[0]) for who, line in said if line not in (
                "RSET", "QUIT", "250 2.0.0 Ok", "221 2.0.0 Bye")]
        else:
            said = [(who, line if who == "In" else line[:9]) for who, line in said]
        what = re.search(r"(?m)^ In:  EHLO (.*)\.of\.(\w+)|RCPT TO:<(\w+)@c-(\w+)\.test"
                         r"|^Final-Recipient: rfc822; (\w+)@c-(\w+)\.test", raw)
        if what:
            what = " ".join(w for w in what.groups() if w).replace("_", " ").replace("-", " ")
        else:
            what = "no HELO protocol" if ("In", "MAIL FROM:<a@b.test>") == said[1] else \
                "trouble behind a message protocol" if ("In", "FROB") in said[:3] else raw
        head = [] if said else [text["subject"], str(text["to"]),
            [p.get_content_type() for p in text.walk()], sorted(
                {n.lower() for n in text.keys()} - {"content-transfer-encoding"})]
        found[what].append(Notice(sorted(got.recipients), got.sender, str(text["from"]), head, said))
    return found


class Trouble(box.TestCase):

    def start_both(self):
        sinks = [self.sink(answer), self.sink(answer)]
        where = instance.own_address()
        settings = [{**COMMON, "relayhost": sink.where, "relay_domains": " ".join(
            f"c-{c}.test" for c in CLASSES), "transport_maps": "inline:{%s}" % ", ".join(
                f"{{c-{c}.test=to-{c}:{sink.where}}}" for c in CLASSES)} for sink in sinks]
        mail = self.instance(settings[0], start=False)
        with open(mail.etc + "/master.cf", "a", encoding="utf-8") as file:
            file.write(services(mail.host))
        theirs = self.box(settings[1], services(where))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            started = pool.submit(theirs.start)
            mail.start()
            started.result()
        return [(mail.host, lambda: any(m["queue_name"] != "deferred" for m in mail.queue()),
                 lambda: mail.command("postqueue", "-f")),
                (where, theirs.busy, lambda: theirs.run("exec", "postqueue", "-f"))], sinks

    def provoke(self, sink, address, busy, flush):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda case: converse(address, PORTS + CLASSES.index(
                case[1]), f"{case[0].replace(' ', '-')}.of.{case[1]}", SESSIONS[case[0]]),
                          itertools.product(SESSIONS, CLASSES)))
        with instance.Smtp(PORTS, address) as client:
            client.hello()
            for name in SERVERS:
                for of in MAIL_CLASSES:
                    client.mail(f"{name.replace(' ', '_')}@out.test", [f"{name.replace(' ', '_')}@c-{of}.test"],
                                "Subject: x\n\nbody\n")
            client.mail("", ["recipient_550@c-bounce.test"], "Subject: from nobody\n\nbody\n")
        instance.until(lambda: not busy(), "the queue")

        def all_warned():
            flush()
            return sum(got.recipients == ["delay@out.test"] for got in list(sink.received)) \
                >= len(MAIL_CLASSES) * sum((line or "").startswith(("4", "close"))
                                      for _, line in SERVERS.values())
        instance.until(all_warned, "warnings of delay")
        instance.until(lambda: not busy(), "the queue again")

    def test_the_same_notices_are_sent(self):
        both, sinks = self.start_both()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda pair: self.provoke(pair[0], *pair[1]),
                          zip(sinks, both)))
        ours, theirs = map(notices, sinks)
        causes, strange = collections.Counter(), []
        for what in sorted(set(ours) | set(theirs)):
            our, their = sorted(ours[what]), sorted(theirs[what])
            if our == their:
                continue
            cause = next((c for c, judge in EXPLAINED if judge(what, our, their)), None)
            causes[cause] += 1
            if cause is None:
                strange.append(f"== {what}\n- {our}\n+ {their}")
        print(f"{len(theirs)} troubles of {sum(map(len, theirs.values()))} notices", causes)
        self.assertGreater(len(theirs), 40)
        self.assertEqual(strange, [], "\n".join(strange))


if __name__ == "__main__":
    unittest.main()
