"""SMTP sessions whose answers are compared with Postfix's (sessions_oracle_test.py):
groups of settings, and what clients say under them.

A session is a list of lines; Body(text) is content, sent after a 354; Raw(lines, n)
goes out in one piece and has n replies; From(address) is where the client is.

SPDX-License-Identifier: Apache-2.0
"""
import random
from dataclasses import dataclass

TRUSTED = "127.0.0.9"           # in mynetworks; other clients are strangers


@dataclass
class Body:
    text: str = "Subject: x\r\n\r\nbody\r\n"


@dataclass
class Raw:
    lines: list
    replies: int


@dataclass
class From:
    address: str


@dataclass
class Group:
    name: str
    settings: dict              # of the service, as -o
    sessions: list


COMMON = {
    "compatibility_level": "3.6", "myhostname": "mail.example.org",
    "mydomain": "example.org", "myorigin": "example.org",
    "mydestination": "example.org", "mynetworks": TRUSTED,
    "local_recipient_maps": "inline:{joe=x, ann=x, postmaster=x, abuse=x}",
    "relay_domains": "relay.example",
    "relay_recipient_maps": "inline:{r@relay.example=x}",
    "virtual_alias_domains": "alias.example",
    "virtual_alias_maps": "inline:{a@alias.example=joe@example.org, "
                          "gone@alias.example=ann}",
    "virtual_mailbox_domains": "box.example",
    "virtual_mailbox_maps": "inline:{b@box.example=x}",
    "local_transport": "discard:x", "virtual_transport": "discard:x",
    "relay_transport": "discard:x", "default_transport": "discard:x",
    "recipient_delimiter": "+", "smtpd_peername_lookup": "no",
    "smtpd_error_sleep_time": "0", "smtpd_relay_restrictions":
    "permit_mynetworks, reject_unauth_destination",
    "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
    "smtpd_client_connection_count_limit": "0", "default_process_limit": "300",
    "inet_interfaces": "127.0.0.1", "alias_maps": "", "alias_database": "", "disable_dns_lookups": "yes",
    "smtpd_sasl_auth_enable": "no", "smtpd_tls_security_level": "none",
    "strict_rfc821_envelopes": "no", "smtputf8_enable": "yes",
    "address_verify_transport_maps":
    "inline:{{bad.example=error:5.1.2 bad}, {nobody@example.org=error:5.1.1 nobody}, "
    "{.bad.example=error:5.1.8 worse}, {q@relay.example=error:5.7.1 not q}, "
    "{x@elsewhere.example=retry:4.2.0 busy}, {user@host=retry:4.4.1 down}}",
    "address_verify_poll_delay": "1s", "address_verify_poll_count": "20",
}


def mail(sender, *recipients, helo="EHLO client.example", parameters="",
         body=None):
    return [*([helo] if helo else []), f"MAIL FROM:{sender}{parameters}",
            *(f"RCPT TO:{r}" for r in recipients), "DATA", body or Body()]


# What every list of restrictions is asked.
STANDARD = [
    mail("<ann@example.org>", "<joe@example.org>"),
    [From(TRUSTED), *mail("<ann@example.org>", "<x@elsewhere.example>")],
    mail("<s@there.example>", "<joe@example.org>", "<nobody@example.org>"),
    mail("<s@there.example>", "<x@elsewhere.example>"),
    mail("<>", "<joe@example.org>"),
    mail("<>", "<joe@example.org>", "<ann@example.org>"),
    mail("<nobody@example.org>", "<joe@example.org>"),
    mail("<user>", "<joe@example.org>"),
    mail("<user@host>", "<joe>"),
    mail("<s@there.example>", "<r@relay.example>", "<q@relay.example>"),
    mail("<s@there.example>", "<a@alias.example>", "<z@alias.example>"),
    mail("<s@there.example>", "<b@box.example>", "<c@box.example>",
         "<b+x@box.example>"),
    mail("<s@bad.example>", "<joe@example.org>", "<ann+x@example.org>"),
    mail("<s@sub.bad.example>", "<spam@example.org>", "<joe@example.org>"),
    mail("<s@there.example>", "<joe@example.org>", helo="HELO client.example"),
    mail("<s@there.example>", "<joe@example.org>", helo="EHLO bad.example"),
    mail("<s@there.example>", "<joe@example.org>", helo="EHLO foo_bar"),
    mail("<s@there.example>", "<joe@example.org>", helo="HELO -x-.y"),
    mail("<s@there.example>", "<joe@example.org>", helo="EHLO [127.0.0.1]"),
    mail("<s@there.example>", "<joe@example.org>", helo="EHLO [1.2.3.400]"),
    mail("<s@there.example>", "<joe@example.org>", helo="HELO 1.2.3.4"),
    mail("<s@there.example>", "<joe@example.org>", helo="EHLO short"),
    mail("<s@there.example>", "<joe@example.org>", helo=None),
    ["XCLIENT NAME=bad.example ADDR=10.9.8.7",
     *mail("<s@there.example>", "<joe@example.org>")],
    ["XCLIENT NAME=[UNAVAILABLE] ADDR=10.1.1.1",
     *mail("<s@there.example>", "<joe@example.org>")],
    ["XCLIENT NAME=[TEMPUNAVAIL] ADDR=10.1.1.1",
     *mail("<s@there.example>", "<joe@example.org>")],
    ["EHLO client.example", "VRFY joe@example.org", "VRFY nobody@example.org",
     "VRFY x@elsewhere.example"],
    ["EHLO client.example", Raw(["MAIL FROM:<s@there.example>",
     "RCPT TO:<joe@example.org>", "RCPT TO:<x@elsewhere.example>",
     "DATA"], 4), Body()],
]

ACCESS = "{{bad.example=REJECT go away}, {10.9.8=DEFER not now}, {s@=OK}, " \
         "{joe@example.org=DUNNO}, {spam@=550 5.7.1 no spam}, {there.example=OK}}"
ACTIONS = [
    "OK", "DUNNO", "REJECT", "REJECT go away", "REJECT 5.7.9 go away",
    "REJECT 4.1.1 odd", "DEFER", "DEFER later", "DEFER 4.2.0 later", "450 later",
    "550 never", "550 5.1.1 never", "550 5.1.2 x", "550 5.1.3 x", "550 5.1.4 x",
    "550 5.1.5 x", "550 5.1.6 x", "550 5.1.7 x", "550 5.1.8 x", "450 5.1.1 odd", "554 4.7.1 odd", "421 bye",
    "521 5.3.2 bye", "123", "DEFER_IF_PERMIT", "DEFER_IF_PERMIT 4.7.0 wait",
    "DEFER_IF_REJECT", "DEFER_IF_REJECT wait", "HOLD", "DISCARD", "DISCARD junk",
    "WARN look", "INFO look", "FILTER discard:x", "FILTER nonsense", "FILTER",
    "REDIRECT joe@example.org", "REDIRECT joe", "BCC joe@example.org", "BCC",
    "PREPEND X-A: b", "PREPEND nonsense", "reject_unauth_destination", "reject",
    "permit", "defer", "permit_mynetworks, reject", "nonsense", "RELAY",
    "ok", "Reject Mixed", "599 odd", "200 odd", "55 odd", "5.7.1 odd",
]


def one_table(kind, table):
    return f"check_{kind}_access {table}"


def restriction_lists():
    """Restrictions, each under the parameter where it is mostly used."""
    lists = []
    for name in ("reject", "defer", "defer_if_permit", "defer_if_reject",
                 "permit", "permit_mynetworks", "reject_unauth_pipelining",
                 "reject_unknown_client_hostname",
                 "reject_unknown_reverse_client_hostname",
                 "warn_if_reject reject", "permit_inet_interfaces",
                 "permit_mynetworks, reject"):
        lists.append(("client", name))
    for name in ("reject", "reject_invalid_helo_hostname",
                 "reject_non_fqdn_helo_hostname", "permit_mynetworks, reject"):
        lists.append(("helo", name))
    for name in ("reject", "reject_non_fqdn_sender", "reject_unlisted_sender",
                 "permit_auth_destination, reject", "reject_unverified_sender",
                 "check_sender_access fail:x, reject_unverified_sender",
                 "warn_if_reject reject_unverified_sender, "
                 "reject_unverified_recipient"):
        lists.append(("sender", name))
    for name in ("reject_non_fqdn_recipient", "reject_unauth_destination",
                 "defer_unauth_destination", "reject_unlisted_recipient",
                 "permit_auth_destination", "permit_auth_destination, reject",
                 "reject_multi_recipient_bounce", "reject_invalid_helo_hostname",
                 "reject_non_fqdn_helo_hostname", "reject_non_fqdn_sender",
                 "warn_if_reject reject_non_fqdn_sender, reject_unlisted_sender",
                 "defer_if_permit, reject_non_fqdn_recipient",
                 "defer_if_reject, reject_non_fqdn_recipient",
                 "reject_unverified_recipient", "reject_unverified_sender",
                 "reject_unverified_recipient, check_sender_access fail:x",
                 "defer_if_permit, reject_unverified_recipient",
                 "defer_if_reject, reject_unverified_recipient, reject",
                 "nonsense_restriction"):
        lists.append(("recipient", name))
    for name in ("reject_multi_recipient_bounce", "reject_unauth_pipelining",
                 "reject_unverified_recipient", "reject"):
        lists.append(("data", name))
    lists.append(("end_of_data", "reject"))
    for stage, kind in (("client", "client"), ("helo", "helo"),
                        ("sender", "sender"), ("recipient", "recipient"),
                        ("recipient", "client"), ("recipient", "helo"),
                        ("recipient", "sender"), ("data", "sender"),
                        ("client", "reverse_client_hostname")):
        lists.append((stage, one_table(kind, f"inline:{ACCESS}")))
        lists.append((stage, one_table(kind, "fail:broken")))
    return lists


def restriction_groups(rng, count):
    """Each with so many of the standard sessions."""
    for stage, text in restriction_lists():
        for delay in ("yes", "no") if stage in ("client", "helo", "sender") \
                else ("yes",):
            settings = {f"smtpd_{stage}_restrictions": text,
                        "smtpd_delay_reject": delay}
            yield Group(f"{stage}: {text}, delay {delay}", settings,
                        rng.sample(STANDARD, count))


def action_groups():
    """Each action of access tables, for each kind of table: one service for each kind,
    where each action has a key and a session of its own."""
    kinds = {
        "client": lambda n: (f"127.0.1.{n}", [From(f"127.0.1.{n}"), *mail(
            "<s@there.example>", "<joe@example.org>")]),
        "helo": lambda n: (f"c{n}.example", mail(
            "<s@there.example>", "<joe@example.org>", helo=f"EHLO c{n}.example")),
        "sender": lambda n: (f"s{n}@there.example", mail(
            f"<s{n}@there.example>", "<joe@example.org>", "<q@elsewhere.example>")),
        "recipient": lambda n: (f"joe+{n}@example.org", mail(
            "<s@there.example>", f"<joe+{n}@example.org>", "<ann@example.org>",
            "<q@elsewhere.example>"))}
    for kind, case in kinds.items():
        cases = [(action, *case(n)) for n, action in enumerate(ACTIONS, 1)]
        table = ", ".join(f"{{{key}={action}}}" for action, key, _ in cases)
        for action, _, session in cases:
            yield Group(f"{kind} access: {action}", {
                f"smtpd_{kind}_restrictions": f"check_{kind}_access inline:{{{table}}}"},
                [session])


COMMANDS = [
    ["HELO"], ["EHLO"], ["HELO a b"], ["EHLO client.example extra"], ["NOOP"],
    ["NOOP hello"], ["RSET"], ["RSET x"], ["QUIT x"], ["QUIT"], ["DATA"],
    ["EHLO c.example", "DATA"], ["EHLO c.example", "RCPT TO:<joe@example.org>"],
    ["EHLO c.example", "MAIL FROM:<a@b.example>", "DATA"],
    ["EHLO c.example", "MAIL FROM:<a@b.example>", "MAIL FROM:<c@d.example>"],
    ["EHLO c.example", "MAIL FROM:<a@b.example>", "EHLO c.example",
     "RCPT TO:<joe@example.org>"],
    ["EHLO c.example", "MAIL FROM:<a@b.example>", "RSET", "RCPT TO:<joe@example.org>"],
    ["TURN"], ["EXPN joe"], ["SEND FROM:<a@b>"], ["HELP"], ["STARTTLS"], ["AUTH PLAIN"],
    [""], [" "], ["MAIL"], ["EHLO c.example", "MAIL"], ["EHLO c.example", "MAIL FROM"],
    ["EHLO c.example", "MAIL FROM:"], ["EHLO c.example", "MAIL TO:<a@b>"],
    ["EHLO c.example", "MAIL FROM: <a@b.example>"],
    ["EHLO c.example", "mail from:<a@b.example>"],
    ["EHLO c.example", "MAIL FROM:a@b.example"],
    ["EHLO c.example", "MAIL FROM:<a@b.example"],
    ["EHLO c.example", "MAIL FROM:a@b.example>"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> SIZE=100"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> SIZE=x"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> SIZE=99999999999"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> SIZE=-1"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> BODY=8BITMIME"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> BODY=7BIT"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> BODY=OTHER"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> RET=HDRS ENVID=x"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> RET=NONE"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> RET=FULL RET=FULL"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> ENVID=a+2"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> SMTPUTF8"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> UNKNOWN=x"],
    ["EHLO c.example", "MAIL FROM:<a@b.example> AUTH=<>"],
    ["HELO c.example", "MAIL FROM:<a@b.example> SIZE=100"],
    ["EHLO c.example", "MAIL FROM:<\"a b\"@c.example>"],
    ["EHLO c.example", "MAIL FROM:<a b@c.example>"],
    ["EHLO c.example", "MAIL FROM:<@x.example:a@b.example>"],
    ["EHLO c.example", "MAIL FROM:<a@[127.0.0.1]>"],
    ["EHLO c.example", "MAIL FROM:<a@[999.0.0.1]>"],
    ["EHLO c.example", "MAIL FROM:<a@b@c.example>"],
    ["EHLO c.example", "MAIL FROM:<a@-b.example>"],
    ["EHLO c.example", "MAIL FROM:<a@b..example>"],
    ["EHLO c.example", "MAIL FROM:<@b.example>"],
    ["EHLO c.example", "MAIL FROM:<.a@b.example>"],
    *([["EHLO c.example", "MAIL FROM:<>", f"RCPT TO:{r}"] for r in (
        "<>", "", "joe@example.org", "<joe@example.org", "<joe@EXAMPLE.ORG>",
        "<JOE@example.org>", "<joe@[127.0.0.1]>", "<joe%example.org@relay.example>",
        "<elsewhere.example!joe@example.org>", "<\"joe\"@example.org>",
        "<joe@example.org.>", "<joe@>", "<@example.org>", "<joe@example.org> NOTIFY=NEVER",
        "<joe@example.org> NOTIFY=SUCCESS,FAILURE,DELAY",
        "<joe@example.org> NOTIFY=NEVER,SUCCESS", "<joe@example.org> NOTIFY=",
        "<joe@example.org> ORCPT=rfc822;x@y.example", "<joe@example.org> ORCPT=x",
        "<joe@example.org> X=y", "<postmaster>", "<Postmaster@example.org>",
        "<joe+ext@example.org>", "<@other.example:joe@example.org>",
        "<x@y.example@example.org>", "<abuse@example.org>",
        "<joe@example.org>garbage", "< joe@example.org >", "<joe@exa mple.org>",
        "<joe%elsewhere.example@example.org>", "<@example.org:joe@elsewhere.example>",
        "<\"joe@elsewhere.example\"@example.org>", "<joe@elsewhere.example@example.org>",
        "<" + "x" * 300 + "@example.org>", "<joe@" + "y" * 300 + ".example>")]),
    ["EHLO c.example", "VRFY"], ["EHLO c.example", "VRFY joe"],
    ["EHLO c.example", "VRFY <joe@example.org>"], ["VRFY joe@example.org"],
    ["EHLO c.example", "ETRN"], ["EHLO c.example", "ETRN nothere.example"],
    ["EHLO c.example", "ETRN relay.example"], ["EHLO c.example", "ETRN #x"],
    ["HELO c.example", "HELO d.example"], ["EHLO c.example", "EHLO c.example"],
    mail("<a@b.example>", "<joe@example.org>", body=Body("no header\r\n")),
    mail("<a@b.example>", "<joe@example.org>", body=Body("")),
    mail("<a@b.example>", "<joe@example.org>", body=Body("Received: x\r\n" * 60 + "\r\n")),
    mail("<a@b.example>", "<joe@example.org>", body=Body("A: b\r\n\r\n..\r\n...\r\n")),
    mail("<a@b.example>", "<nobody@example.org>"),
    mail("<a@b.example>", "<joe@example.org>") + mail(
        "<a@b.example>", "<ann@example.org>", helo=None),
    ["EHLO c.example", "MAIL FROM:<a@b.example>", "RCPT TO:<joe@example.org>",
     "BDAT 5 LAST", "NOOP"][:3],
    ["XFORWARD NAME=x"], ["XCLIENT"], ["XCLIENT FOO=bar"], ["XCLIENT ADDR=nonsense"],
    ["XCLIENT ADDR=10.1.1.1 NAME=a.b.example", "MAIL FROM:<a@b.example>"],
    ["EHLO c.example", "MAIL FROM:<a@b.example>", "XCLIENT ADDR=10.1.1.1"],
    ["Subject: x"], ["GET / HTTP/1.0"], ["CONNECT x"], ["POST /"],
]

LIMITS = [
    ({"smtpd_recipient_limit": "2"}, [mail("<a@b.example>", "<joe@example.org>",
     "<ann@example.org>", "<r@relay.example>")]),
    ({"message_size_limit": "2000", "smtpd_hard_error_limit": "20"},
     [mail("<a@b.example>", "<joe@example.org>", parameters=" SIZE=3000"),
      mail("<a@b.example>", "<joe@example.org>", body=Body("A: b\r\n\r\n" + "x\r\n" * 2000))]),
    ({"smtpd_hard_error_limit": "3"}, [["EHLO c.example", *["NONSENSE"] * 5],
                                       ["EHLO c.example", *["MAIL FROM:"] * 5]]),
    ({"smtpd_junk_command_limit": "3", "smtpd_hard_error_limit": "3"},
     [["EHLO c.example", *["NOOP"] * 10], ["EHLO c.example", *["RSET"] * 10]]),
    ({"smtpd_helo_required": "yes"}, [mail("<a@b.example>", "<joe@example.org>",
     helo=None), mail("<a@b.example>", "<joe@example.org>")]),
    ({"disable_vrfy_command": "yes"}, [["EHLO c.example", "VRFY joe@example.org"]]),
    ({"strict_rfc821_envelopes": "yes"}, [mail("a@b.example", "joe@example.org"),
     mail("<a@b.example>", "<joe@example.org>"), mail(" <a@b.example>", "<joe@example.org>")]),
    ({"smtpd_discard_ehlo_keywords": "pipelining, size, silent-discard"},
     [["EHLO c.example"]]),
    ({"smtpd_noop_commands": "FROB"}, [["FROB", "EHLO c.example", "FROB x"]]),
    ({"smtpd_forbidden_commands": "FROB"}, [["EHLO c.example", "FROB", "NOOP"]]),
    ({"soft_bounce": "yes"}, STANDARD),
    ({"smtpd_reject_unlisted_recipient": "no"}, STANDARD),
    ({"smtpd_reject_unlisted_sender": "yes"}, STANDARD),
    ({"reject_code": "521", "access_map_reject_code": "553", "invalid_hostname_reject_code": "550",
      "relay_domains_reject_code": "551", "unknown_local_recipient_reject_code": "450",
      "non_fqdn_reject_code": "555", "smtpd_helo_restrictions": "reject_invalid_helo_hostname",
      "smtpd_recipient_restrictions": f"check_sender_access inline:{ACCESS}, "
      "reject_non_fqdn_recipient"}, STANDARD),
    ({"smtpd_sender_restrictions": "check_sender_access inline:{{s@there.example=klass}}",
      "smtpd_restriction_classes": "klass",
      "klass": "reject_unlisted_recipient, check_helo_access inline:{{bad.example=REJECT}}, "
      "permit_auth_destination, reject"}, STANDARD),
    ({"local_recipient_maps": ""}, STANDARD),
    ({"local_recipient_maps": "fail:x"}, STANDARD),
    ({"relay_recipient_maps": "fail:x", "virtual_mailbox_maps": "fail:x"}, STANDARD),
    ({"allow_untrusted_routing": "yes"}, [["EHLO c.example", "MAIL FROM:<>",
     "RCPT TO:<joe%elsewhere.example@example.org>",
     "RCPT TO:<@example.org:joe@elsewhere.example>"]]),
    ({"smtpd_reject_footer": "call us"}, STANDARD[:6]),
    ({"smtpd_forbid_unauth_pipelining": "no"}, STANDARD[:6]),
]


def word(rng):
    return rng.choice(["joe@example.org", "ann@example.org", "nobody@example.org",
                       "r@relay.example", "q@relay.example", "a@alias.example",
                       "b@box.example", "x@elsewhere.example", "s@there.example",
                       "s@bad.example", "", "joe", "user@host"])


def random_line(rng):
    return rng.choice([
        lambda: f"EHLO {rng.choice(['c.example', 'bad.example', 'x', '[127.0.0.1]', ''])}",
        lambda: f"HELO {rng.choice(['c.example', 'bad.example', 'foo_bar'])}",
        lambda: f"MAIL FROM:<{word(rng)}>" + rng.choice(["", "", " SIZE=10", " RET=FULL",
                                                         " BODY=8BITMIME"]),
        lambda: f"MAIL FROM:<{word(rng)}>",
        lambda: f"RCPT TO:<{word(rng)}>" + rng.choice(["", "", "", " NOTIFY=NEVER"]),
        lambda: f"RCPT TO:<{word(rng)}>", lambda: f"RCPT TO:<{word(rng)}>",
        lambda: f"VRFY {word(rng)}", lambda: "RSET", lambda: "NOOP", lambda: "DATA",
        lambda: "DATA", lambda: "XCLIENT NAME=bad.example ADDR=10.9.8.7",
        lambda: f"ETRN {rng.choice(['relay.example', 'x'])}"])()


def random_sessions(seed, count):
    rng = random.Random(seed)
    sessions = []
    for _ in range(count):
        session = [From(TRUSTED)] if rng.random() < 0.2 else []
        if rng.random() < 0.8:
            session.append("EHLO c.example")
        for _ in range(rng.randint(2, 12)):
            line = random_line(rng)
            session.append(line)
            if line == "DATA":
                session.append(Body())
        sessions.append(session)
    return sessions


def groups(seed, whole):
    yield Group("commands", {}, COMMANDS)
    for settings, sessions in LIMITS:
        yield Group("limits: " + ", ".join(f"{k} = {v}" for k, v in settings.items()),
                    settings, sessions)
    yield from restriction_groups(random.Random(seed),
                                  len(STANDARD) if whole else 15)
    yield from action_groups()
    yield Group("random", {}, random_sessions(seed, 500 if whole else 100))
    yield Group("random, with restrictions", {
        "smtpd_sender_restrictions": f"check_sender_access inline:{ACCESS}, "
        "reject_non_fqdn_sender", "smtpd_helo_restrictions":
        "reject_invalid_helo_hostname", "smtpd_recipient_restrictions":
        f"check_client_access inline:{ACCESS}, reject_non_fqdn_recipient, "
        "reject_unlisted_recipient"}, random_sessions(seed + 1, 500 if whole else 100))
