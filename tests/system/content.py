"""Messages whose looks behind the mail system are compared with Postfix's
(content_oracle_test.py): configurations, and what is sent under each.

SPDX-License-Identifier: Apache-2.0
"""
import dataclasses
from dataclasses import dataclass, field

ACUTE = "café".encode()             # UTF-8
LATIN = "café".encode("latin-1")


@dataclass
class Message:
    text: bytes                     # lines end with LF, unless raw
    sender: str = "<s@sender.example>"
    rcpts: tuple = ("<r@rcpt.example>",)
    parameters: str = ""            # of MAIL
    asked: str = ""                 # of each RCPT
    remote: bool = False            # from a client whose headers are left alone
    raw: bool = False
    flags: tuple = ()               # of sendmail


@dataclass
class Config:
    name: str
    messages: list
    cleanup: dict = field(default_factory=dict)
    rewrite: dict = field(default_factory=dict)
    smtpd: dict = field(default_factory=dict)
    client: dict = field(default_factory=dict)
    agent: str = "smtp"             # or lmtp, virtual, local
    seven: bool = False             # to a server without 8BITMIME and SMTPUTF8
    corpus: int = 0                 # one of so many of the common messages
    remote: bool = False            # these as from elsewhere
    sendmail: bool = False


COMMON = {
    "compatibility_level": "3.6", "myhostname": "mail.example.org",
    "mydomain": "example.org", "myorigin": "example.org", "mail_name": "Mail",
    "mydestination": "example.org", "mynetworks": "127.0.0.0/8",
    "local_recipient_maps": "", "smtpd_reject_unlisted_recipient": "no",
    "virtual_mailbox_domains": "box.example", "virtual_mailbox_base": "/var/mail",
    "virtual_mailbox_maps": "static:all/",
    "default_transport": "discard:x", "local_transport": "discard:x",
    "recipient_delimiter": "+", "smtpd_peername_lookup": "no",
    "smtpd_error_sleep_time": "0", "smtpd_hard_error_limit": "10000",
    "smtpd_client_connection_count_limit": "0", "default_process_limit": "300",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "alias_maps": "",
    "alias_database": "", "disable_dns_lookups": "yes", "smtputf8_enable": "yes",
    "enable_long_queue_ids": "no", "maximal_queue_lifetime": "1h",
    "smtpd_tls_security_level": "none", "smtp_tls_security_level": "none",
    "lmtp_tls_security_level": "none", "biff": "no", "notify_classes": "",
    "strict_rfc821_envelopes": "no", "default_destination_concurrency_limit": "3",
}


def m(text, *rcpts, body="body\n", **more):
    """A message of these headers."""
    if isinstance(text, str):
        text = text.encode()
    if isinstance(body, str):
        body = body.encode()
    if rcpts:
        more["rcpts"] = rcpts
    return Message(text + b"\n" + body, **more)


HEAD = "From: s@sender.example\nTo: r@rcpt.example\nSubject: s\n"

# Values of a To: header.
ADDRESSES = [
    "joe", "joe@host", "joe@host.example", "Joe Doe <joe@host>", "<joe>",
    '"Joe Doe" <joe@host>', '"a b"@host', "a b@host", "joe (comment)",
    "joe (comment) @ host", "(comment) joe@host", "joe@host (Joe (nested) Doe)",
    "Joe (comment) Doe <joe@host (c)>", "list: joe, ann@host;", "empty:;",
    "undisclosed-recipients:;", "list: Joe <joe>, \"An, n\" <ann>; , bob",
    "a: b: c;;", "joe, ann, bob@host", "joe,,ann,", ", joe", "joe;ann", "joe ann",
    "joe@host ann@host", "joe <ann@host> bob", "<joe@host> <ann@host>",
    "<@route.example:joe@host>", "<@a,@b:joe@host>", "@route:joe@host",
    "joe@[192.0.2.1]", "joe@[IPv6:2001:db8::1]", "joe@host.", "joe@host..example",
    "joe.@host", ".joe@host", "joe..ann@host", "joe@", "@host", "<>", "< >", "<@>",
    "joe@host@other", "host!joe", "host!other!joe", "host!joe@other", "joe%host",
    "joe%host@other", "joe%host%more", "joe%host@example.org", "joe@other!x",
    '"host!joe"', '"joe%host"', "joe%", "%joe", "!joe", "joe!", "host!joe%other",
    '"joe\\"q"@host', '"joe\\\\"@host', 'joe\\ ann@host', '"unclosed', "(unclosed",
    "<unclosed@host", "closed)", "closed>", "joe <ann", '""@host', '"" <joe>',
    "Joe Q. Doe <joe@host>", "Joe@Home <joe@host>", "Joe, Doe <joe@host>",
    "=?utf-8?q?J=C3=B6?= <joe@host>", "Joe\tDoe <joe@host>", "Joe  Doe  <joe@host>",
    "  joe@host  ", "joe@host,\n ann@host,\n\tbob", "joe@host\n (a comment\n over lines)",
    "\n joe", "Joe\n Doe\n <joe@\n host>", "list:\n joe,\n ann;", "joe@host,\n\n ann",
    "JOE@HOST", "joe@Host.Example", "joe+ext", "joe+ext@example.org", "joe_x@host",
    "a@b (c) , d@e (f)", "(only a comment)", "a@b(c)d", "<joe@host>, Joe <ann>, (x) bob",
    "joe@host;", ": joe", "joe:", "joe at host", "/dev/null", "|cmd", '"|cmd x"',
    ":include:/x", "joe@[host]", "[joe]", "joe=x@host", "'joe@host'", "<'joe@host'>",
    "`joe`", "joe&ann", "joe{x}@host", "joe@host/x", "joe@-host", "#5", "postmaster",
    "MAILER-DAEMON", "joe@localhost", "joe@example.org", "joe@mail.example.org",
    "a" * 70 + "@" + "b" * 70 + ".example, " + "c" * 60 + "@d, e@f",
    ", ".join(f"user{n}@host{n}.example" for n in range(30)),
    ",\n ".join(f"User {n} <user{n}>" for n in range(30)),
    "Name " * 30 + "<joe>", '"' + "x" * 150 + '" <joe>', "(" + "c" * 150 + ") joe",
    "joe <joe@host> (after)", "joe (one) (two)", '"Joe" "Doe" <joe>', "Joe<joe>",
    "<joe>Joe", "joe@host.example (Joe\\) Doe)", '"a\\\nb" <joe>', "a.b.c", "a.b@c.d",
    "a . b @ c . d", "joe@host . example", "joe @host", "joe@ host", '"joe"@host',
    '"joe doe"', '"joe" @ "host"', "joe\\@host", '"joe@host"', '"joe@host"@other',
    '"<joe>"', "<<joe@host>>", "a <b <c@d>>", "((joe))", "joe (\\() ann",
    "joe@\"host\"", "$joe@host", "*@host", "joe@*", "joe?x@host", "~joe", "joe^x",
    "café@host", "Café <joe@host>", "joe@café.example", '"café" <joe>', "(café) joe",
]

# Whole messages, headers and body as they are.
ODD = [
    b"\nbody only\n", b"", b"\n", b"no header at all\n", b"Subject: no body\n",
    b"Subject: no body and no end", b"Subject: x\n\n", b"Subject: x\nnot a header\nbody\n",
    b"Subject: x\nnot a header: y\nbody\n", b": no name\n\nbody\n", b" leading space\n\nbody\n",
    b"\tleading tab\nSubject: x\n\nbody\n", b"From someone Mon Jan  1\nSubject: x\n\nbody\n",
    b">From someone Mon Jan  1\nSubject: x\n\nbody\n", b"Subject: x\nFrom someone\n\nbody\n",
    b"From x\n>From y\nFrom z\nSubject: x\n\nb\n", b"Subject : space before colon\n\nbody\n",
    b"Subject\t: tab before colon\n\nbody\n", b"Subject:no space\n\nbody\n",
    b"Subject:\n\nbody\n", b"Subject: \n\nbody\n", b"Subject:\n folded\n\nbody\n",
    b"Subject: x\n \n\nbody\n", b"Subject: x\n \n y\n\nbody\n", b"Subject: x\n\t\nX-A: b\n\nbody\n",
    b"Sub ject: x\n\nbody\n", b"Sub(c)ject: x\n\nbody\n", b"X-\xe9: x\n\nbody\n",
    b"X-A: \xe9\n\nbody\n", b"X-A: " + ACUTE + b"\n\nbody\n", b"Subject: x\n\n\xe9\n",
    b"Subject: x\n\n" + ACUTE + b"\n", b"X-Long: " + b"x" * 3000 + b"\n\nbody\n",
    b"X-Long: " + b"x y " * 1000 + b"\n\nbody\n", b"x" * 3000 + b"\nbody\n",
    b"X-" + b"n" * 1200 + b": x\n\nbody\n", b"Subject: x\n\n" + b"y" * 3000 + b"\n",
    b"Subject: x\n\n" + b"y" * 998 + b"\n" + b"z" * 999 + b"\n" + b"w" * 1000 + b"\n",
    b"Subject: x\n\n.\n..\n.x\n...\n", b".Subject: x\n\nbody\n", b"Subject: x\n.\n\nbody\n",
    b"Subject: x\n\n\n\n", b"Subject: x\n\nno newline", b"Subject: a\nSubject: b\n\nbody\n",
    b"Subject: a\nsubject: b\nSUBJECT: c\n\nbody\n", b"Subject: x\n \tmixed\n\t fold\n\nbody\n",
    b"Date: x\nDate: y\nFrom: a\nFrom: b\n\nbody\n", b"Message-Id: <a@b>\n\nbody\n",
    b"Message-ID: <a@b> (c)\nMESSAGE-id: <c@d>\n\nbody\n", b"Message-Id:\n\nbody\n",
    b"Date: Mon, 1 Jan 2001 00:00:00 +0000\n\nbody\n", b"From: joe\n\nbody\n", b"From:\n\nbody\n",
    b"To:\n\nbody\n", b"Cc: joe\n\nbody\n", b"Bcc: joe\n\nbody\n", b"Bcc: joe\nTo: ann\n\nbody\n",
    b"Return-Path: <x@y>\nContent-Length: 7\nX-A: b\n\nbody\n",
    b"Resent-From: joe\n\nbody\n", b"Resent-To: joe\nTo: ann\n\nbody\n",
    b"Resent-Bcc: joe\n\nbody\n", b"Resent-Date: x\nDate: y\n\nbody\n", b"Resent-Sender: joe\n\nbody\n",
    b"Resent-Message-Id: <a@b>\nMessage-Id: <c@d>\n\nbody\n", b"Resent-Cc: joe\n\nbody\n",
    b"Resent-Reply-To: joe\n\nbody\n", b"Resent-From: a\nResent-To: b\nResent-From: c\n\nbody\n",
    b"Sender: joe\nReply-To: ann\nErrors-To: bob\nReturn-Receipt-To: eve\n\nbody\n",
    b"Apparently-To: joe\nDisposition-Notification-To: ann\nMail-Followup-To: bob\n\nbody\n",
    b"X-To: joe\nMail-Copies-To: ann\nDelivered-To: bob\nX-Original-To: eve\n\nbody\n",
    b"Received: by x\nReceived: by y\nReturn-Path: <a>\n\nbody\n",
    b"Content-Type: text/plain\nMIME-Version: 1.0\n\nbody\n",
    b"Content-Transfer-Encoding: 8bit\n\n\xe9\n", b"Content-Transfer-Encoding: 7bit\n\n\xe9\n",
    b"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
    b"Content-Transfer-Encoding: 8bit\n\n" + ACUTE + b" = =3D \n trailing \t\n" + b"=" * 100 + b"\n"
    + ACUTE * 40 + b"\n.\n.x\nFrom \n",
    b"Lines: 3\nStatus: RO\nX-Status: x\n\nbody\n", b"Subject: x\n\nFrom here\n>From there\n",
    b"Subject: =?utf-8?q?x?=\n =?utf-8?q?y?=\n\nbody\n", b"X-A: b\r\nX-C: d\n\nbody\n",
]

# Bytes as they go over the wire, the end included.
RAW = [
    b"Subject: bare lf\nX-A: b\n\nbody\nmore\r\n.\r\n", b"Subject: x\r\n\r\nbare\rcr\r\n.\r\n",
    b"Subject: bare\rcr\r\n\r\nbody\r\n.\r\n", b"Subject: x\r\n\r\nend\r\r\n.\r\n",
    b"Subject: x\r\r\nX-A: b\r\r\n\r\r\nbody\r\n.\r\n", b"Subject: nul\0x\r\nX-\0: y\r\n\r\nbo\0dy\r\n.\r\n",
    b"Subject: x\r\n\rfold\r\n\r\nbody\r\n.\r\n", b"\rSubject: x\r\n\r\nbody\r\n.\r\n",
    b"Subject: x\r\n\r\n\x01\x02\x7f\x1b\t\v\f\r\n.\r\n", b"Subject: \x01\x7f\v\f\r\n\r\nbody\r\n.\r\n",
    b"Subject: x\r\n\r\nlast\n\r\n.\r\n", b"To: joe\0ann\r\n\r\nbody\r\n.\r\n",
    b"Subject: x\r\n\r\n..\r\n.\0.\r\n.\r\n", b"Subject: x\r\n\r\n\r\r\r\r\n\r\n.\r\n",
]

MULTI = (b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b 1\"\nX-Top: x\n\n"
         b"preamble\n--b 1\nContent-Type: text/plain\nX-Part: one\n\nbody one\n"
         b"--b 1\nContent-Type: message/rfc822\n\nSubject: nested\nX-Nested: n\n"
         b"Content-Type: multipart/alternative;\n boundary=inner\n\n--inner\nX-Part: two\n\n"
         b"body two\n--inner\nContent-Type: text/plain; charset=utf-8\n"
         b"Content-Transfer-Encoding: 8bit\nX-Part: three\n folded\n\n" + ACUTE + b"\n--inner--\nepi\n"
         b"--b 1\n\nno headers\n--b 1--\nepilogue\n--b 1\nX-Part: after\n\nend\n")

MIME = [
    MULTI,
    MULTI.replace(b'"b 1"', b"'b 1'"), MULTI.replace(b"--b 1--", b"--b 1-- "),
    MULTI.replace(b'"b 1"', b'"b\\ 1"'), MULTI.replace(b"multipart/mixed", b"Multipart/MIXED"),
    MULTI.replace(b"multipart/mixed", b"multipart/digest"),
    MULTI.replace(b"message/rfc822", b"message/partial"),
    MULTI.replace(b"message/rfc822", b"message/global"),
    MULTI.replace(b"message/rfc822", b"message/news"),
    MULTI.replace(b"message/rfc822", b"message/external-body"),
    MULTI.replace(b"message/rfc822\n", b"message/rfc822\nContent-Transfer-Encoding: base64\n"),
    MULTI.replace(b"X-Top", b"Content-Transfer-Encoding: quoted-printable\nX-Top"),
    MULTI.replace(b"X-Top", b"Content-Transfer-Encoding: 8bit\nX-Top"),
    MULTI.replace(b"--b 1--\n", b""), MULTI.replace(b"--b 1\nContent", b"--b 1 trailing\nContent"),
    MULTI.replace(b"MIME-Version: 1.0\n", b""),
    MULTI.replace(b"body one", LATIN), MULTI.replace(b"X-Part: one", b"X-Part: " + ACUTE),
    MULTI.replace(b"X-Part: one\n\n", b"X-Part: one\nnot a header\n\n"),
    MULTI.replace(b"X-Part: one\n\n", b"X-Part: one\n"), MULTI.replace(b"preamble\n", b""),
    MULTI.replace(b"multipart/mixed", b"multipart/(c)mixed (c)"), MULTI.replace(b"; bound", b"; x=y; bound"),
    MULTI.replace(b"; bound", b" bound"), MULTI.replace(b"boundary=", b"boundary = "),
    MULTI.replace(b"multipart/mixed", b"text/plain"), MULTI.replace(b"multipart/mixed", b"multipart"),
    MULTI.replace(b"boundary=inner", b""), MULTI.replace(b"body two", b"body two\n--b 1x\n--b\n-- b 1"),
]
for _encoding in (b"7bit", b"8bit", b"binary", b"8BIT (c)", b"x-strange", b"quoted-printable", b"base64",
                  b"", b"7bit\nContent-Transfer-Encoding: 8bit"):
    MIME.append(b"Content-Type: text/plain\nContent-Transfer-Encoding: " + _encoding + b"\n\n" + LATIN
                + b" x\n")
    MIME.append(b"Content-Type: multipart/mixed; boundary=a\nContent-Transfer-Encoding: " + _encoding
                + b"\n\n--a\n\n" + LATIN + b"\n--a--\n")
    MIME.append(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: " + _encoding
                + b"\n\nSubject: " + LATIN + b"\n\n" + LATIN + b"\n")


def nested(depth):
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n)
                    for n in range(depth)) + b"X-Part: deep\n\nbody\n"


def corpus():
    """What may be sent under any configuration."""
    for value in ADDRESSES:
        kind = "From" if len(value) % 3 == 0 else "Cc" if len(value) % 3 == 1 else "Reply-To"
        yield m(f"To: {value}\n{kind}: {value}\nSubject: s\n")
    for text in ODD + MIME:
        yield Message(text)
    for text in RAW:
        yield Message(text, raw=True)


ENVELOPE = [
    m(HEAD, f"<{rcpt}>", sender=sender) for sender, rcpt in (
        ("<joe>", "ann"), ("<joe@host>", "ann@host"), ("<>", "joe"), ("<host!joe>", "host!ann"),
        ("<joe%host>", "ann%host"), ("<joe%host@example.org>", "ann%host@example.org"),
        ('<"a b"@host>', '"c d"@host'), ("<@a:joe@host>", "@b:ann@host"),
        ("<joe@[127.0.0.1]>", "ann@[127.0.0.1]"), ("<joe@host.>", "ann@host."),
        ("<Joe+Ext@Example.ORG>", "Ann+Ext@Example.ORG"), ('<"joe"@host>', '"ann"@host'),
        ("<joe@h.example>", '""@x.example'), ("<#@[]>", "a!b%c@d"), ('<"a%b"@c>', '"a!b"@c'),
        ('<"host!joe">', '"host!ann"'), ('<"joe%host">', '"ann%host"'),
        ("<joe..x@y>", ".x@y"), ("<a%b%c>", "a!b!c"), ("<joe@host%x>", '"a@b"@c'))]
DSN = [m(HEAD, "<r@rcpt.example>", "<q@rcpt.example>", parameters=mail, asked=rcpt)
       for mail in ("", " BODY=8BITMIME", " BODY=7BIT", " SIZE=10 RET=HDRS ENVID=x+2By", " RET=FULL")
       for rcpt in ("", " NOTIFY=SUCCESS", " NOTIFY=NEVER ORCPT=rfc822;a+2Bb@c", " ORCPT=rfc822;x@y")]


def with_rcpts(*lists, **more):
    return [m(HEAD, *(f"<{r}>" for r in rcpts), **more) for rcpts in lists]


HEADER_CHECKS = r"""
/^X-Prepend: (.*)/ PREPEND X-Pre: $1
/^X-Prepend2:/ PREPEND X-Pre: one two
/^X-Replace: (.*)/ REPLACE X-New: <$1>
/^X-Replace2:/ REPLACE To: joe, ann@host
/^X-Replace3:/ REPLACE nonsense
/^X-Strip:/ STRIP gone
/^X-Ignore:/ IGNORE
/^X-Info:/ INFO told
/^X-Warn:/ WARN look
/^X-Bcc: (.*)/ BCC $1
/^X-Filter:/ FILTER discard:x
/^X-Filter2:/ FILTER nonsense
/^X-Redirect: (.*)/ REDIRECT $1
/^X-Hold:/ HOLD for a while
/^X-Discard:/ DISCARD gone
/^X-Reject:/ REJECT no thanks
/^X-Reject2:/ REJECT 5.1.9 no
/^X-Reject3:/ REJECT 4.1.9 later
/^X-Reject4:/ REJECT
/^X-Dunno:/ DUNNO
/^X-Ok:/ OK
/^X-Pass:/ PASS
/^X-Empty:/ nonsense
/^X-Fold:.*end$/ REPLACE X-Folded: yes
/^X-Multi: a\n b/ REPLACE X-Multi: matched
/^Subject: drop/ IGNORE
/^From: change/ REPLACE From: changed@host
/^Received: by old/ IGNORE
/^Content-Type: text\/html/ REPLACE Content-Type: text/plain
/^X-Long:.*end/ REPLACE X-Long: saw the end
/^X-Part: (.*)/ REPLACE X-Part-Header: $1
/^X-Nested: (.*)/ REPLACE X-Nested-Header: $1
/nothing/ WARN found nothing
/^not a header/ WARN found it
/^Message-Id: <change/ REPLACE Message-Id: <changed@host>
/^Date: drop/ IGNORE
/^To: drop/ IGNORE
/^Bcc: keep/ PREPEND X-Bcc-Seen: yes
/^Resent-To: drop/ IGNORE
"""
CHECKED = [m("X-Before: x\n" + line + "\nX-After: y\n" + HEAD) for line in (
    "X-Prepend: v", "X-Prepend2: v", "X-Replace: v", "X-Replace2: v", "X-Replace3: v", "X-Strip: v",
    "X-Ignore: v", "X-Info: v", "X-Warn: v", "X-Bcc: b@bcc.example", "X-Bcc: b", "X-Bcc: Joe <b@bcc.example>",
    "X-Bcc: r@rcpt.example", "X-Filter: v", "X-Filter2: v", "X-Redirect: d@red.example", "X-Redirect: d",
    "X-Hold: v", "X-Discard: v", "X-Reject: v", "X-Reject2: v", "X-Reject3: v", "X-Reject4: v", "X-Dunno: v",
    "X-Ok: v", "X-Pass: v\nX-Reject: x", "X-Empty: v", "X-Fold: a\n b\n end", "X-Multi: a\n b",
    "X-Bcc: b@bcc.example\nX-Redirect: d@red.example", "X-Redirect: d@red.example\nX-Redirect: e@red.example",
    "X-Redirect: d@red.example\nX-Bcc: b@bcc.example", "X-Hold: x\nX-Discard: y", "X-Discard: x\nX-Reject: y",
    "X-Filter: x\nX-Redirect: d@red.example", "X-Redirect: d@red.example\nX-Filter: x", "X-Warn: x\nX-Reject: y",
    "X-Bcc: b@bcc.example\nX-Bcc: b@bcc.example\nX-Bcc: c@bcc.example", "X-Hold: x\nX-Bcc: b@bcc.example",
    "x-prepend: lower", "X-PREPEND: upper", "X-Prepend : space", "X-Prepend:nospace", "X-Prepend:\n folded",
    "Received: by old", "From: change", "X-Long: " + "x" * 500 + " end", "X-Prepend: " + "v" * 500,
    "X-Prepend: a\n b\n c", "Bcc: keep", "Message-Id: <change@x>", "Date: drop", "To: drop", "Resent-To: drop",
    "Content-Type: text/html", "MIME-Version: 1.0\nContent-Type: text/html; x=y", "X-Prepend: caf\u00e9")]
CHECKED += [m("X-Pass: y\nX-Part: x\n" + HEAD), m("Subject: drop\nDate: drop\nTo: drop\n"),
            m("From: change\nX-Replace2: y\n"), Message(b"X-Prepend: a\nnot a header\nX-Prepend: b\n")]

BODY_CHECKS = r"""
/^prepend (.*)/ PREPEND before $1
/^replace (.*)/ REPLACE instead $1
/^strip/ STRIP
/^ignore/ IGNORE
/^info/ INFO told
/^warn/ WARN look
/^bcc (.*)/ BCC $1
/^filter/ FILTER discard:x
/^redirect (.*)/ REDIRECT $1
/^hold/ HOLD
/^discard/ DISCARD
/^reject/ REJECT no thanks
/^pass/ PASS
/^dunno/ DUNNO
/^nonsense/ nonsense
/^replace2/ REPLACE
/^X-Part/ WARN a header
/^--b 1/ WARN a boundary
/^$/ WARN empty
/end$/ REPLACE the end
/^\./ REPLACE dot
"""
BODIES = [m(HEAD, body="first\n" + line + "\nlast\n") for line in (
    "prepend x", "replace x", "strip", "ignore", "info", "warn", "bcc b@bcc.example", "bcc b", "filter",
    "redirect d@red.example", "redirect d", "hold", "discard", "reject", "pass\nreject", "dunno", "nonsense",
    "replace2", "", ".dot", "x" * 3000 + "end", "x" * 2047 + "end", "x" * 2045 + "end", "REPLACE upper",
    " replace not", "replace " + "y" * 3000, "a" * 300 + "\nreplace late", "bcc b@bcc.example\nreplace x",
    "hold\nreject", "discard\nreject", "ignore\nignore\nreplace x", "caf\u00e9 end")]
BODIES += [Message(b"replace header: x\n\nbody\n"), Message(b"replace no header\n"),
           Message(b"Subject: x\n\nreplace no newline"),
           Message(MULTI.replace(b"body one", b"replace one").replace(b"body two", b"x" * 400 + b"\nreplace two")),
           Message(MULTI.replace(b"preamble", b"replace pre").replace(b"epilogue", b"replace epi"))]

CANONICAL = "inline:{{joe=Joe.Doe}, {ann@host.example.org=ann@else.example}, {@dom.example=@new.example}," \
    " {loop@x.example=loop2@x.example}, {loop2@x.example=done@x.example}, {ext+a=exta}, {ext=plain}," \
    " {s@sender.example=sss@sender.example}, {r@rcpt.example=rrr@rcpt.example}, {q@y.example=quoted q@z.example}," \
    " {self@x.example=self@x.example}, {grow@x.example=grow+y@x.example}, {at@x.example=@other.example}," \
    " {two@x.example=a@b.example, c@d.example}, {empty@x.example=<>}}"
MAPPED = with_rcpts(
    ["joe"], ["joe+ext"], ["joe@example.org"], ["ann@host.example.org"], ["any@dom.example"],
    ["any+ext@dom.example"], ["loop@x.example"], ["loop+e@x.example"], ["ext+a"], ["ext+b"],
    ["q@y.example"], ["self@x.example"], ["at@x.example"], ["two@x.example"],
    ["JOE", "joe", "Joe.Doe"]) + [
    m(f"From: {a}\nSender: {a}\nReply-To: {a}\nTo: {a}\nCc: Name <{a}>, {a}\nErrors-To: {a}\n",
      f"<{a}>", sender=f"<{a}>", remote=remote)
    for remote in (False, True)
    for a in ("joe", "joe+x@example.org", "ann@host.example.org", "x@dom.example", "s@sender.example",
              "r@rcpt.example", "x@sub.example.org", "x@a.b.example.org", "root@sub.example.org",
              "x@keep.example.org", "x@deep.keep.example.org", "x@SUB.Example.Org", "x@example.org",
              "x@sub.other.example", "xexample.org@yexample.org")]

MASQUERADE = {"masquerade_domains": "!keep.example.org example.org, other.example"}

VIRTUAL = "inline:{{one=two@x.example}, {many=a@x.example, b@x.example}, {chain=link}, {link=end@x.example}," \
    " {self=self}, {selfmore=selfmore, copy@x.example}, {loop1=loop2}, {loop2=loop1}, {grow=grow+x, grow}," \
    " {@any.example=catch@x.example}, {@same.example=@changed.example}, {some@any.example=some@x.example}," \
    " {ext+a=exta@x.example}, {ext=plain@x.example}, {dup=a@x.example, a@x.example, A@X.example}," \
    " {name=Full Name <full@x.example>}, {group=g: m1@x.example, m2@x.example;}, {cmt=a@x.example (c)}," \
    " {big=l1, l2, l3, l4, l5}, {l1=m1,m2,m3,m4,m5}, {quoted=\"a b\"@x.example}," \
    " {long=" + "l" * 120 + "@x.example}, {bare=bare2}, {tobox=u@box.example}, {d1=d2}, {d2=d3}, {d3=d4}, {d4=d5}," \
    " {mutual=self, one, many}}"
EXPANDED = with_rcpts(
    ["one"], ["one+e"], ["many"], ["many+e"], ["chain"], ["chain+e"], ["self"], ["self+e"], ["selfmore"],
    ["selfmore+e"], ["loop1"], ["grow"], ["x@any.example"], ["x+e@any.example"], ["some@any.example"],
    ["some+e@any.example"], ["x@same.example"], ["x+e@same.example"], ["ext+a"], ["ext+b"], ["ext"], ["dup"],
    ["dup+e"], ["name"], ["group"], ["cmt"], ["big"], ["quoted"], ["quoted+e"], ["long"], ["bare"], ["d1"],
    ["one", "one"], ["many", "a@x.example"], ["a@x.example", "many"], ["a@x.example", "A@x.example"],
    ["one", "two@x.example"], ["mutual"], ["ONE"], ["one@EXAMPLE.org"], ["nobody"], ["+"], ["one+"], ["one++e"],
    ["a+b@x.example", "a@x.example"])

BCC = with_rcpts(["r@rcpt.example"], ["u@rcpt.example"], ["u+e@rcpt.example"], ["v@x.example"], ["b@bcc.example"],
                 ["r@rcpt.example", "u@rcpt.example", "u@rcpt.example"], ["one"]) \
    + with_rcpts(["r@rcpt.example"], ["b@bcc.example"], sender="<t@sender.example>") \
    + with_rcpts(["r@rcpt.example"], sender="<t+e@sender.example>") \
    + with_rcpts(["r@rcpt.example"], sender="<>") + with_rcpts(["r@rcpt.example"], sender="<joe>") \
    + [m(HEAD, asked=" NOTIFY=SUCCESS ORCPT=rfc822;x@y"), m(HEAD, "<u@rcpt.example>", asked=" NOTIFY=DELAY")]

UTF8 = [
    m(HEAD, parameters=" SMTPUTF8"), m("Subject: caf\u00e9\n", parameters=" SMTPUTF8"),
    m("Subject: caf\u00e9\n"), m("From: caf\u00e9@x.example\n"), m("To: caf\u00e9 <x@y.example>\n"),
    m(HEAD, "<caf\u00e9@rcpt.example>", parameters=" SMTPUTF8"),
    m(HEAD, "<r@caf\u00e9.example>", parameters=" SMTPUTF8"),
    m(HEAD, sender="<caf\u00e9@sender.example>", parameters=" SMTPUTF8"),
    m(HEAD, body="caf\u00e9\n", parameters=" SMTPUTF8"), m(HEAD, body="caf\u00e9\n", parameters=" BODY=8BITMIME"),
    m(HEAD, body=LATIN + b"\n", parameters=" BODY=8BITMIME SMTPUTF8"),
    m(b"Subject: " + LATIN + b"\n", parameters=" SMTPUTF8"), m(b"Subject: " + LATIN + b"\n"),
    m(b"To: " + ACUTE + b"@" + ACUTE + b".example\n", parameters=" SMTPUTF8 BODY=8BITMIME"),
    m(HEAD, "<r@rcpt.example>", "<caf\u00e9@rcpt.example>", parameters=" SMTPUTF8"),
    Message(MULTI, parameters=" BODY=8BITMIME"), Message(MULTI, parameters=" SMTPUTF8 BODY=8BITMIME"),
    m(HEAD, "<utf>"), m(HEAD, "<utf>", parameters=" SMTPUTF8"),
    m(HEAD, "<caf\u00e9@rcpt.example>"), m(HEAD, sender="<caf\u00e9@sender.example>"),
]

SUBMITTED = [Message(text) for text in ODD] + [
    Message(HEAD.encode() + b"\nbody\n", flags=flags) for flags in (
        (), ("-F", "Full Name"), ("-F", "J\u00f6e"), ("-F", "a, b"), ("-F", 'q"uote'), ("-F", "(paren)"), ("-F", ""),
        ("-F", "dot. ted"), ("-f", "joe"), ("-f", "joe@host"), ("-f", '"a b"@host'), ("-f", "<>"), ("-f", ""),
        ("-r", "joe"), ("-f", "Name <joe>"), ("-B7BIT",), ("-B8BITMIME",), ("-N", "never"), ("-N", "success,delay"),
        ("-R", "hdrs"), ("-V", "id x"), ("-oi",), ("-om",), ("-h", "3"), ("-U",))] + [
    Message(b"Subject: x\n\nbody\n", flags=flags) for flags in (
        ("-F", "Full Name"), ("-F", "J\u00f6e Caf\u00e9"), ("-F", "a, b"), ("-F", 'q"uote'), ("-F", "(paren)"),
        ("-F", "back\\slash"), ("-F", "dot. ted"), ("-f", "joe@host", "-F", "x" * 100), ("-f", "joe", "-F", "A B"),
        ("-f", '"a b"@host', "-F", "J\u00f6"), ("-f", "<>", "-F", "Nobody"), ("-F", "J\u00f6 " * 20),
        ("-F", "=?utf-8?q?x?="), ("-F", " "), ("-F", "tab\tbed"), ("-F", "a@b"), ("-F", "a<b>"))]

EXTRACTED = [Message(text.encode() + b"\nbody\n", flags=("-t",), rcpts=rcpts) for text, rcpts in (
    ("To: a@x.example\n", ()), ("To: a@x.example\nCc: b@x.example\nBcc: c@x.example\n", ()),
    ("To: a@x.example, b@x.example\nTo: c@x.example\n", ()), ("Bcc: a@x.example\n", ()),
    ("To: a@x.example\nResent-To: b@x.example\n", ()), ("Resent-Bcc: b@x.example\nCc: c@x.example\n", ()),
    ("To: g: a@x.example, b@x.example;\n", ()), ("To: Joe <joe>, \"A B\" <ann@host>\n", ()),
    ("To: a@x.example (c)\n", ()), ("To: a@x.example,\n b@x.example\n", ()), ("To: a@x.example\n", ("b@x.example",)),
    ("To: a@x.example, a@x.example, A@X.example\n", ()), ("Subject: nobody\n", ()), ("To: undisclosed:;\n", ()),
    ("To: host!joe\n", ()), ("To: joe%host\n", ()), ("To: @a:joe@host\n", ()), ("To: joe ann@host\n", ()),
    ("Apparently-To: a@x.example\n", ()), ("Reply-To: a@x.example\n", ()), ("To: <>\nCc: a@x.example\n", ()),
    ("To: a@x.example\n\tb@x.example\n", ()), ("Resent-Cc: a@x.example\nResent-From: joe\n", ()),
    ("To: \"a b\"@x.example\n", ()), ("To: a@x.example;\n", ()))]

STANDARD_CHECKS = {name: "regexp:$config_directory/headers" for name in
                   ("header_checks", "mime_header_checks", "nested_header_checks")}

CONFIGS = [
    Config("plain", ENVELOPE + DSN, corpus=4),
    Config("from elsewhere", ENVELOPE, corpus=20, remote=True),
    Config("remote domain", [], corpus=20, remote=True, cleanup={
        "remote_header_rewrite_domain": "remote.example"}, rewrite={
        "remote_header_rewrite_domain": "remote.example"}),
    Config("missing headers", [], corpus=20, remote=True, cleanup={
        "always_add_missing_headers": "yes", "message_drop_headers": "x-a, subject, return-path",
        "undisclosed_recipients_header": "To: undisclosed-recipients:;"}),
    Config("no rewriting", ENVELOPE, corpus=20, rewrite={
        "swap_bangpath": "no", "allow_percent_hack": "no", "append_at_myorigin": "no",
        "append_dot_mydomain": "no"}),
    Config("other rewriting", ENVELOPE, corpus=20, rewrite={
        "myorigin": "origin.example", "append_dot_mydomain": "yes", "recipient_delimiter": "-",
        "resolve_dequoted_address": "no", "resolve_null_domain": "yes"}),
    Config("limits", [Message(nested(n)) for n in (1, 3, 4, 5, 6, 8, 12)] + [
        Message(MULTI), m("To: " + ", ".join(f"u{n}@x.example" for n in range(40)) + "\n"),
        m("X-A: " + "x" * 300 + "\n folded " + "y" * 300 + "\nX-B: c\n"),
        m("X-A: " + "x\n " * 200 + "\nX-B: c\n"), m("To: " + "a b " * 50 + "\n"),
        m("To: joe (" + "c " * 50 + ")\n"), m("To: " + "a.b." * 30 + "c@d\n")],
        cleanup={"header_size_limit": "200", "header_address_token_limit": "20",
                 "mime_nesting_limit": "3", "mime_boundary_length_limit": "2", **STANDARD_CHECKS},
        corpus=20),
    Config("canonical", MAPPED, cleanup={"canonical_maps": CANONICAL}, corpus=20),
    Config("canonical classes", MAPPED, cleanup={
        "canonical_maps": CANONICAL, "canonical_classes": "envelope_sender, header_recipient",
        "sender_canonical_maps": "inline:{{joe=sender@joe.example}, {ann@host.example.org=sender@ann.example}}",
        "sender_canonical_classes": "header_sender",
        "recipient_canonical_maps": "inline:{{joe=rcpt@joe.example}, {x@dom.example=rcpt@dom.example}}",
        "remote_header_rewrite_domain": "remote.example", "propagate_unmatched_extensions": ""}),
    Config("masquerade", MAPPED, cleanup=MASQUERADE, corpus=20),
    Config("masquerade all", MAPPED, cleanup={
        **MASQUERADE, "masquerade_exceptions": "root", "masquerade_classes":
        "envelope_sender, envelope_recipient, header_sender, header_recipient"}),
    Config("virtual", EXPANDED, cleanup={"virtual_alias_maps": VIRTUAL}),
    Config("virtual limits", EXPANDED, cleanup={
        "virtual_alias_maps": VIRTUAL, "virtual_alias_expansion_limit": "4",
        "virtual_alias_recursion_limit": "3", "virtual_alias_address_length_limit": "100",
        "propagate_unmatched_extensions": "canonical", "enable_original_recipient": "no"}),
    Config("copies", BCC, cleanup={
        "always_bcc": "always@bcc.example", "sender_bcc_maps":
        "inline:{{t@sender.example=t@bcc.example}, {joe=joe@bcc.example}, {s@sender.example=b@bcc.example}}",
        "recipient_bcc_maps": "inline:{{u@rcpt.example=ub@bcc.example}, {@x.example=xb},"
        " {b@bcc.example=again@bcc.example}}",
        "virtual_alias_maps": "inline:{{b@bcc.example=b1@bcc.example,b2@bcc.example}, {one=u@rcpt.example}}"}),
    Config("header checks", CHECKED + [Message(t) for t in MIME], cleanup=STANDARD_CHECKS, corpus=20),
    Config("separate checks", CHECKED + [Message(t) for t in MIME], cleanup={
        "header_checks": "regexp:{{/^X-/ PREPEND X-Top: seen}, {/^Content/ PREPEND X-Top: content}}",
        "mime_header_checks": "regexp:{{/^[CXM]/ PREPEND X-Mime: seen}}",
        "nested_header_checks": "regexp:{{/^./ PREPEND X-Deep: seen}}"}),
    Config("body checks", BODIES + [Message(t) for t in MIME[::2]], corpus=20, cleanup={
        "body_checks": "regexp:$config_directory/bodies"}),
    Config("body checks of beginnings", BODIES + [Message(t) for t in MIME[::2]], cleanup={
        "body_checks": "regexp:$config_directory/bodies", "body_checks_size_limit": "250",
        "disable_mime_input_processing": "yes"}),
    Config("strict", [Message(t) for t in MIME] + UTF8, cleanup={"strict_8bitmime": "yes",
           "strict_mime_encoding_domain": "yes"}, corpus=20),
    Config("strict bodies", [Message(t) for t in MIME] + UTF8, cleanup={
        "strict_8bitmime_body": "yes"}),
    Config("strict headers", [Message(t) for t in MIME] + UTF8, cleanup={"strict_7bit_headers": "yes"}),
    Config("to seven bits", [Message(t) for t in MIME] + UTF8, corpus=20, seven=True),
    Config("to seven bits, as it is", [Message(t) for t in MIME[::2]], seven=True, client={
        "disable_mime_output_conversion": "yes", "smtp_line_length_limit": "100"}, corpus=20),
    Config("utf8", UTF8, cleanup={"virtual_alias_maps": "inline:{utf=caf\u00e9@x.example}"}),
    Config("utf8 found", UTF8, cleanup={"virtual_alias_maps": "inline:{utf=caf\u00e9@x.example}",
                                        "smtputf8_autodetect_classes": "all"}),
    Config("utf8 not found", UTF8, cleanup={"virtual_alias_maps": "inline:{utf=caf\u00e9@x.example}",
                                            "smtputf8_autodetect_classes": "none"}, seven=True),
    Config("no utf8", UTF8, cleanup={"smtputf8_enable": "no"}, smtpd={"smtputf8_enable": "no"},
           rewrite={"smtputf8_enable": "no"}, client={"smtputf8_enable": "no"}),
    Config("client's maps", MAPPED + ENVELOPE, corpus=20, client={
        "smtp_generic_maps": CANONICAL.replace("joe=", "joe@example.org=")}),
    Config("client's checks", CHECKED + BODIES + [Message(t) for t in MIME], client={
        "smtp_header_checks": "regexp:$config_directory/headers", "smtp_body_checks":
        "regexp:$config_directory/bodies", "smtp_mime_header_checks": "regexp:{{/^./ PREPEND X-Mime: s}}",
        "smtp_nested_header_checks": "regexp:{{/^./ PREPEND X-Deep: s}}"}, corpus=20),
    Config("client's lines", [m(HEAD, body="x" * n + "\n") for n in (99, 100, 101, 250)] + [
        m("X-A: " + "y" * 150 + "\n"), m("X-A: " + "y z " * 50 + "\n"), m(HEAD, body="." + "x" * 200 + "\n.y\n"),
        m(HEAD, body="x" * 99 + "." + "y" * 50)],
        client={"smtp_line_length_limit": "100"}),
    Config("lmtp", ENVELOPE + DSN + UTF8, corpus=20, agent="lmtp"),
    Config("mailboxes", with_rcpts(
        ["u@box.example"], ["u+e@box.example"], ["u@box.example", "v@box.example"], ["U@Box.Example"],
        ["u@box.example", "u@box.example"], ["alias"], ['"a b"@box.example']) + with_rcpts(
        ["u@box.example"], sender="<>"), cleanup={"virtual_alias_maps": "inline:{alias=u@box.example}"},
        agent="virtual", corpus=20),
    Config("mailboxes without original", with_rcpts(["u@box.example"], ["alias"], ["alias", "u@box.example"]),
           cleanup={"virtual_alias_maps": "inline:{alias=u@box.example}", "enable_original_recipient": "no"},
           agent="virtual", client={"enable_original_recipient": "no"}),
    Config("sendmail", SUBMITTED + EXTRACTED, sendmail=True),
    Config("sendmail otherwise", SUBMITTED + EXTRACTED, sendmail=True, cleanup={
        "header_from_format": "obsolete", "full_name_encoding_charset": "iso-8859-1",
        "undisclosed_recipients_header": "To: undisclosed-recipients:;", "message_drop_headers": "subject",
        "virtual_alias_maps": "inline:{{a@x.example=many1@x.example, many2@x.example}}"}),
]
FILES = {"headers": HEADER_CHECKS, "bodies": BODY_CHECKS}


def plan(choose, everything):
    """[(configuration, its messages)]; choose(n) is one number below n."""
    common = list(corpus())
    for config in CONFIGS:
        messages = list(config.messages)
        if len(messages) > 24 and not everything:
            messages = messages[choose(4)::4]
        if config.corpus:
            step = 1 if everything else config.corpus
            messages += [dataclasses.replace(c, remote=config.remote)
                         for c in common[choose(step)::step]]
        yield config, messages
