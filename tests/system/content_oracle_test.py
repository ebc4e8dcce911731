"""The same messages through Waypost and through Debian's Postfix, under the same settings:
what arrives - envelope, headers, body, how often - what the client hears and what the log
says of it is the same, but for times, ids and hosts. What differs is listed here, once by
cause (docs/compatibility.md). WAYPOST_LONG=1 sends all; else chosen by the seed.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import concurrent.futures
import email.header
import glob
import os
import random
import re
import shlex
import tempfile
import unittest

import box
import content
import instance
import oracle

TIME_LIMIT = 300
LONG_TIME_LIMIT = 600
PORTS = 3000                # the first one of those of the configurations
# Names of configurations, separated by commas, when not all are wanted.
ONLY = [name for name in os.environ.get("CONTENT_ONLY", "").split(",") if name]
LOCAL, REMOTE = "127.0.0.1", "127.0.0.9"
BOX_UID = 12003
SEVEN = ("PIPELINING", "SIZE 0", "ENHANCEDSTATUSCODES", "DSN")
EIGHT = (*SEVEN, "8BITMIME", "SMTPUTF8")

# Of these a judge takes what differs by its cause out of a list of copies, which are
# tuples of lines; it is also given the configuration and the message. They are tried in
# this order, until what is left is the same.
because = oracle.Causes()


def of_lines(mask):
    return lambda copies, *_: [tuple(mask(line) for line in copy) for copy in copies]


def only(*kinds):
    return lambda copies: [copy for copy in copies if copy[0].startswith(kinds)]


ADDRESSED = re.compile(
    r"((?:Resent-)?(?:From|Sender|Reply-To|To|Cc|Bcc)|Errors-To|Return-Receipt-To|"
    r"Disposition-Notification-To|Mail-\w+-To|Apparently-To)\s*:(.*)", re.I | re.S)


def of_addresses(mask, copy):
    """The copy with mask(value) in place of the value of headers that have addresses,
    folds taken out."""
    end = next((n for n, line in enumerate(copy) if line in ("", "\r")), len(copy))
    text = re.sub(r"\r?\n(?=[ \t])", "", "\n".join(copy[:end]))
    lines = []
    for line in text.split("\n"):
        found = ADDRESSED.match(line)
        lines.append(f"{found[1]}: {mask(found[2])}" if found else line)
    return (*lines, *copy[end:])


def bare_words(value):
    value = re.sub(r"\s*([@.])\s*", r"\1", re.sub(r'["\\]', "", value))
    return " ".join(sorted(re.findall(r"[^\s,<>();:]+", value)))


def decoded(value):
    """All of these names are UTF-8, whatever the configuration calls them."""
    return str(email.header.make_header(email.header.decode_header(
        value.replace("=?iso-8859-1?", "=?utf-8?"))))


@because("full names are encoded, as of Postfix 3.10")
def _(copies, config, message):
    return [of_addresses(decoded, copy) for copy in copies] \
        if config.sendmail and "-F" in message.flags else copies


def letters(value):
    return "".join(sorted(re.sub(r'[\s,<>();:"\\]', "", value)))


@because("of headers with addresses, only those that are rewritten change: not the words, "
         "commas, folds, comments and quotes around and in others")
def _(copies, config, _message):
    # Where long lines are cut, in a word perhaps, depends on what stands before.
    mask = letters if "smtp_line_length_limit" in config.client else bare_words
    return [of_addresses(mask, copy) for copy in copies]


@because("an ORCPT that was not asked for has the standard form, and none has UTF-8")
def _(copies, *_):
    return of_lines(lambda line: re.sub("^(RCPT .*) ORCPT=.*", r"\1", line))(copies)


@because("SIZE is said unless content is converted")
def _(copies, *_):
    return of_lines(lambda line: re.sub("^(MAIL .*) SIZE", r"\1", line))(copies)


@because("a mailbox without a local part is refused")
def _(copies, _config, message):
    return [] if '<""@x.example>' in message.rcpts else copies


# Of these no two parsers think the same.
NO_ADDRESS = {
    b'"host!joe"', b'"joe%host"', b"joe%", b"%joe", b"!joe", b"joe!", b"closed)", b"<@>",
    b"joe\\@host", b'"joe@host"', b"a <b <c@d>>", b"joe\0ann\r", b"<<joe@host>>"}


@because("what is quoted is rewritten as if it were not; what is no address stays")
def _(copies, _config, message):
    found = re.search(rb"^To: (.*)$", message.text, re.M)
    if not found or found[1] not in NO_ADDRESS:
        return copies
    return [of_addresses(lambda _: "", copy) for copy in copies]


@because("a comment within an address goes when that is rewritten")
def _(copies, _config, message):
    return [of_addresses(lambda value: bare_words(value.replace("comment", "")), copy)
            for copy in copies] if b"To: joe (comment) @ host\n" in message.text else copies


@because("lines of quoted-printable have up to 76 characters")
def _(copies, config, _message):
    return [tuple("\n".join(copy).replace("=\r\n", "").split("\n")) for copy in copies] \
        if config.seven else copies


@because("NUL in a header is kept")
def _(copies, *_):
    return of_lines(lambda line: re.sub(r"\0.*?(\r?)$", r"\1", line))(copies)


@because("mail that needs SMTPUTF8 goes nowhere without it, and says so")
def _(copies, config, message):
    addresses = "".join((message.sender, *message.rcpts))
    if config.seven and ("UTF8" in message.parameters or "<utf>" in message.rcpts
                         or not addresses.isascii()):
        return only("client")(copies)
    return of_lines(lambda line: re.sub("^(MAIL .*) SMTPUTF8", r"\1", line))(copies)


@because("without smtputf8_enable, addresses in UTF-8 are refused as such")
def _(copies, config, message):
    return [] if config.name == "no utf8" and not "".join(
        (message.sender, *message.rcpts)).isascii() else copies


@because("mime_nesting_limit is a limit of levels, not of two more")
def _(copies, config, message):
    return [] if config.name == "limits" and message.text in map(content.nested, (4, 5)) \
        else copies


@because("header_address_token_limit, header_size_limit: what is beyond goes, in any "
         "header with addresses, to the byte")
def _(copies, config, message):
    value = message.text.partition(b"\n")[0]
    return only("client", "log")(copies) if config.name == "limits" \
        and (len(value) > 150 or message.text.startswith(b"X-A: x\n")) else copies


@because("a copy for somebody who is a recipient anyhow is none")
def _(copies, config, _message):
    if config.name not in ("copies", "header checks"):
        return copies
    copies = of_lines(lambda line: re.sub("^(RCPT .*) NOTIFY=NEVER", r"\1", line))(copies)
    return list({tuple(line for n, line in enumerate(copy)
                       if not (line.startswith("RCPT") and line in copy[:n]))
                 for copy in copies})


@because("sendmail -t without recipients is wrong usage")
def _(copies, *_):
    return of_lines(lambda line: re.sub("^exit (64|75)$", "exit", line))(copies)


@because("orig_to after REDIRECT is the first recipient, not a copy's")
def _(copies, *_):
    return of_lines(lambda line: re.sub("(to=<d@red.example>), orig_to=<[^>]*>", r"\1",
                                        line))(copies)


@because("a long line is not cut within a character")
def _(copies, config, message):
    return [] if "smtp_line_length_limit" in config.client \
        and content.ACUTE in message.text else copies


@because("the null sender has a name and a domain in a From that is added")
def _(copies, config, message):
    if not config.sendmail or "<>" not in message.flags:
        return copies
    return of_lines(lambda line: re.sub(
        r"^From: (MAILER-DAEMON|Delivery MAILER-DAEMON@example.org Mail System)$",
        "From: nobody", line))(copies)


@because("a source route is no part of a recipient")
def _(copies, *_):
    return of_lines(lambda line: re.sub(r", orig_to=<@[^>]*>", "", line))(copies)


class Side:
    """One of the two mail systems, with the servers that it relays to."""

    def __init__(self, test, mail, address):
        self.mail, self.address = mail, address
        self.sinks = {"smtp": test.sink(extensions=EIGHT),
                      "seven": test.sink(extensions=SEVEN),
                      "lmtp": test.sink(extensions=EIGHT, lmtp=True)}
        self.held = []
        self.names = {}                 # of services, by what they are told
        self.tokens = {}                # queue id: number of the message
        self.replies = {}

    def name(self, kind, *settings):
        """Of a service; those with the same settings are one."""
        return self.names.setdefault((kind, repr(settings)), f"{kind}{len(self.names)}")

    def filter(self, config):
        out = self.name("out", config.agent, config.client)
        if config.agent == "virtual":
            return f"{out}:x"
        return f"{out}:{self.sinks['seven' if config.seven else config.agent].where}"

    def pickup(self, n, config):
        return oracle.row("pickup", "unix n - n 60 1 pickup", {
            "cleanup_service_name": f"cleanup{n}", "content_filter": self.filter(config)})

    def services(self, plan):
        rows = {}
        for n, (config, _) in enumerate(plan):
            rewrite = self.name("rewrite", config.rewrite)
            out = self.name("out", config.agent, config.client)
            own = {"rewrite_service_name": rewrite, **config.rewrite}
            rows[rewrite] = oracle.row(rewrite, "unix - - n - - trivial-rewrite", config.rewrite)
            rows[out] = oracle.row(out, f"unix - {'n' if config.agent == 'virtual' else '-'} n - - "
                                   + config.agent, config.client)
            rows[f"cleanup{n}"] = oracle.row(f"cleanup{n}", "unix n - n - 0 cleanup",
                                             {**own, **config.cleanup})
            if not config.sendmail:
                rows[n] = oracle.row(f"{self.address}:{PORTS + n}", "inet n - n - - smtpd", {
                    **own, "cleanup_service_name": f"cleanup{n}",
                    "content_filter": self.filter(config), **config.smtpd})
        return "".join(rows.values())

    def change_pickup(self, n, config):
        path = os.path.join(self.mail.etc, "master.cf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        text, found = re.subn(r"^pickup .*\n(\t.*\n)*", lambda _: self.pickup(n, config),
                              text, count=1, flags=re.M)
        assert found
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def configure(self, plan):
        first = next((n for n, (config, _) in enumerate(plan) if config.sendmail), 0)
        for name, text in content.FILES.items():
            with open(os.path.join(self.mail.etc, name), "w", encoding="utf-8") as file:
                file.write(text)
        self.change_pickup(first, plan[first][0])
        with open(os.path.join(self.mail.etc, "master.cf"), "a", encoding="utf-8") as file:
            file.write(self.services(plan))

    # Sending.

    def send_all(self, n, messages):
        """By SMTP, in one connection for each of the clients' addresses."""
        for source in (LOCAL, REMOTE):
            mine = [(number, message) for number, message in messages
                    if message.remote == (source == REMOTE)]
            if mine:
                with instance.Smtp(PORTS + n, self.address, source=source) as client:
                    client.hello()
                    for number, message in mine:
                        self.send(client, number, message)

    def send(self, client, number, message):
        said = [client.say(f"MAIL FROM:{message.sender}{message.parameters}")]
        said += [client.say(f"RCPT TO:{rcpt}{message.asked}") for rcpt in message.rcpts]
        said.append(client.say("DATA"))
        if said[-1][0] == 354:
            text = message.text
            if not message.raw:
                text = text if text.endswith(b"\n") or not text else text + b"\n"
                text = re.sub(rb"(?m)^\.", b"..", text.replace(b"\n", b"\r\n")) + b".\r\n"
            client.raw(text)
            said.append(client.reply())
        else:
            client.say("RSET")
        found = re.search(r"queued as (\w+)", " ".join(said[-1][1]))
        if found:
            self.tokens[found.group(1)] = number
        self.replies[number] = [
            self.verdict(code, " ".join(lines)) for code, lines in said]

    @staticmethod
    def verdict(code, text):
        """Words are our own but for those of tables."""
        dsn, _, words = text.partition(" ")
        return f"{code} {dsn}" + (f" {words}" if words in ("no thanks", "no", "later") else "")

    def script(self, folder, messages, command):
        """Messages for sendmail, whose recipient or body tells which one it is."""
        lines = []
        for number, message in messages:
            text, rcpts = message.text, [f"r@m{number}.example"]
            if "-t" in message.flags:
                text, rcpts = text + b"== %d\n" % number, list(message.rcpts)
            path = os.path.join(folder, str(number))
            with open(path, "wb") as file:
                file.write(text)
            lines.append(f"{command} -i {shlex.join(message.flags)} {shlex.join(rcpts)} < "
                         f"{{}}/{number}; echo {number} $?\n")
        return "".join(lines)

    def take_statuses(self, output):
        for line in output.splitlines():
            number, status = line.split()
            self.replies[int(number)] = [f"exit {status}"]

    # What came of it.

    def files(self, *queues):
        return [name for queue in queues
                for _, _, names in os.walk(os.path.join(self.mail.spool, queue))
                for name in names]

    def is_at_rest(self):
        """Nothing is on its way; twice, because a message goes while its notice comes."""
        return not any(
            self.files("maildrop", "incoming", "active")
            or set(self.held).intersection(self.files("deferred")) for _ in range(2))

    def came(self):
        """Lines of text for each message, by its number."""
        found = collections.defaultdict(list)
        for name, sink in self.sinks.items():
            for r in list(sink.received):
                found[self.number(r.data, r.envelope)].append(
                    (name, *self.parameters(r.envelope), *self.lines(r.data)))
        for data in self.boxes():
            found[self.number(data, [])].append(("mailbox", *self.lines(data)))
        for ident, line in self.told():
            if ident in self.tokens:
                found[self.tokens[ident]].append((self.mask(line, ident),))
        for ident in self.files("deferred"):
            found[self.tokens.get(ident, -1)].append(("deferred",))
        for ident in self.held:
            found[self.tokens.get(ident, -1)].append(("held",))
        for number, replies in self.replies.items():
            found[number].append(("client", *replies))
        return {number: sorted(copies) for number, copies in found.items()}

    def number(self, data, envelope):
        ident = re.search(rb"\bid ([0-9A-F]{8,})\b", data)
        ident = ident.group(1).decode() if ident else ""
        if ident not in self.tokens:
            text = "\n".join(envelope).encode() + b"\n" + data
            told = re.search(rb"@m(\d+)\.example>|\n== (\d+)\r?\n", text)
            if told:
                self.tokens[ident] = int(told.group(1) or told.group(2))
        return self.tokens.get(ident, -1)

    @staticmethod
    def parameters(envelope):
        """In a fixed order. Postfix's SIZE counts its records; its BODY is what was
        declared, ours what there is."""
        lines = []
        for line in envelope:
            path, *more = re.split(r" (?=SIZE=|BODY=|SMTPUTF8|RET=|ENVID=|NOTIFY=|ORCPT=)", line)
            lines.append(" ".join([path, *sorted(re.sub(r"^SIZE=\d+", "SIZE", p)
                                                 for p in more if not p.startswith("BODY="))]))
        return [lines[0], *sorted(lines[1:])]

    def lines(self, data):
        ident = re.search(rb"\bid ([0-9A-F]{8,})\b", data)
        text = data.decode("utf-8", "backslashreplace")
        return self.mask(text, ident.group(1).decode() if ident else "none").split("\n")

    def mask(self, text, ident):
        text = text.replace(ident, "ID").replace(self.address, "ADDRESS")
        for sink in self.sinks.values():
            text = text.replace(sink.host, "SINK")
        text = re.sub(r"\w{3}, +\d+ \w{3} 20[2-9]\d \d\d:\d\d:\d\d [-+]\d{4}( \(\w+\))?",
                      "DATE", text)
        return re.sub(r"<20[2-9]\d{11}\.ID@", "<TIME.ID@", text)

    def told(self):
        """(queue id, line of the log) of cleanup and of deliveries."""
        for line in self.mail.log().splitlines():
            found = re.search(r"(\w+)\[\d+\]: ([0-9A-F]{8,}): (.*)", line)
            if not found or found.group(1) in ("smtpd", "pickup", "postsuper"):
                continue
            text = found.group(3)
            if text.startswith("to=<"):
                text = re.sub(r" relay=.*? delay=\S+ delays=\S+", "", text)
                text = re.sub(r"\(.*", "", text)
            elif found.group(1).startswith(("qmgr", "bounce")):
                continue
            yield found.group(2), "log: " + text[:700]


class Ours(Side):
    def __init__(self, test, plan):
        mail = test.instance(start=False, settings={
            name: value for name, value in content.COMMON.items()
            if name != "virtual_mailbox_base"})
        super().__init__(test, mail, mail.host)
        self.configure(plan)
        mail.start()

    def submit(self, messages):
        folder = tempfile.mkdtemp(dir=self.mail.dir)
        sendmail = os.path.join(self.mail.build, "sbin", "sendmail")
        script = self.script(folder, messages, f"{sendmail} -C {self.mail.etc}")
        self.take_statuses(self.mail.run(
            ["sh", "-c", script.replace("{}", folder)]).out)

    def reload(self):
        self.mail.reload()

    def release(self):
        self.held = self.files("hold")
        self.mail.command("postsuper", "-H", "ALL")
        self.mail.command("postqueue", "-f")

    def boxes(self):
        return self.mail.box("all")


class Theirs(Side):
    def __init__(self, test, plan):
        mail = test.box({**content.COMMON, "virtual_uid_maps": f"static:{BOX_UID}",
                         "virtual_gid_maps": f"static:{BOX_UID}"})
        super().__init__(test, mail, instance.own_address())
        os.chown(mail.mail, BOX_UID, BOX_UID)
        self.configure(plan)
        mail.start()

    def submit(self, messages):
        script = self.script(self.mail.home, messages, "sendmail").replace("{}", "/home")
        self.take_statuses(self.mail.run("exec", "sh", "-c", script).stdout)

    def reload(self):
        self.mail.run("exec", "postfix", "reload")

    def release(self):
        self.held = self.files("hold")
        self.mail.run("exec", "sh", "-c", "postsuper -H ALL; postqueue -f")

    def boxes(self):
        for path in glob.glob(os.path.join(self.mail.mail, "all", "new", "*")):
            with open(path, "rb") as file:
                yield file.read()


def differing(our, their):
    one, other = collections.Counter(our), collections.Counter(their)
    return one - other, other - one


class Content(box.TestCase):

    def setUp(self):
        super().setUp()
        self.plan = [(config, messages) for config, messages in content.plan(
            random.Random(instance.sample_seed()).randrange, oracle.LONG)
            if config.name in ONLY or not ONLY]
        number, self.messages = 0, {}
        for n, (config, messages) in enumerate(self.plan):
            for message in messages:
                self.messages[number] = (n, config, message)
                number += 1

    def of(self, n):
        return [(number, message) for number, (at, _, message)
                in self.messages.items() if at == n]

    def send_everything(self, side):
        """By SMTP under all configurations, and by sendmail under the first one; then by
        sendmail under the others."""
        first, *others = [n for n, (config, _) in enumerate(self.plan)
                          if config.sendmail] or [None]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(side.submit, self.of(first))] if first is not None else []
            jobs += [pool.submit(side.send_all, n, self.of(n))
                     for n, (config, _) in enumerate(self.plan) if not config.sendmail]
            for job in jobs:
                job.result()
        for n in others:
            self.wait(side)
            self.change_pickup(side, n, self.plan[n][0])
            side.submit(self.of(n))

    def change_pickup(self, side, n, config):
        """Until the new settings are those of pickup."""
        side.change_pickup(n, config)
        side.reload()

        def changed():
            before = len(side.sinks["smtp"].received)
            side.submit([(10 ** 6, content.Message(b"Subject: probe\n\nx\n"))])
            self.wait(side)
            new = side.sinks["smtp"].received[before:]
            del side.sinks["smtp"].received[before:]
            return any(b"Subject" not in r.data for r in new)
        instance.until(changed, "pickup with new settings")

    def outcome(self, kind):
        side = kind(self, self.plan)
        self.send_everything(side)
        self.wait(side)
        side.release()
        self.wait(side)
        return side.came()

    def wait(self, side):
        instance.until(side.is_at_rest, f"an empty queue of {type(side).__name__}", 60)

    def test_what_arrives_is_the_same(self):
        ours, theirs = oracle.both(self.outcome, (Ours, Theirs))
        causes, strange, copies = collections.Counter(), [], 0
        for number, (_, config, message) in self.messages.items():
            our, their = ours.get(number, []), theirs.get(number, [])
            copies += len(their)
            if our == their:
                continue
            found, same = self.explanation(config, message, our, their)
            if same:
                causes.update(found)
            else:
                strange.append(self.describe(number, config, message, our, their))
        oracle.tell(f"{len(self.messages)} messages, {copies} copies and lines, "
                    f"{len(strange)} differ", causes)
        if not ONLY:
            self.assertGreaterEqual(len(self.messages), 500)
        for came in (ours, theirs):
            strange += [str(copy) for copy in came.get(-1, [])]
        if strange:
            self.fail("\n".join(strange[:400]))

    @staticmethod
    def explanation(config, message, our, their):
        """The causes that were needed, and whether nothing is left."""
        found = []
        for cause, mask in because:
            ours = sorted(mask(our, config, message))
            theirs = sorted(mask(their, config, message))
            if differing(our, their) != differing(ours, theirs):
                found.append(cause)
            our, their = ours, theirs
            if our == their:
                return found, True
        return found, False

    @staticmethod
    def describe(number, config, message, our, their):
        text = f"[{config.name}] {number}: {message.sender} {message.rcpts} " \
            f"{message.parameters}{message.asked} {message.flags} {message.text[:200]}"
        for word, these, others in (("ours", our, their), ("Postfix", their, our)):
            for copy in these:
                if copy in others:
                    continue
                near = {line for other in others if other[0] == copy[0] for line in other}
                shown = [line for line in copy if line not in near] or list(copy)
                text += f"\n    {word}: {copy[0][:200]}" + "".join(
                    f"\n        {line[:300]!r}" for line in shown[:20])
        return text


if __name__ == "__main__":
    unittest.main()
