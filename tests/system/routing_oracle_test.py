"""Where addresses go, asked of Waypost's trivial-rewrite and of Debian's Postfix's, each on
its own socket and under the same settings: standard form, transport, next hop, recipient
and class are the same. What differs is listed here, once by cause (docs/compatibility.md).
WAYPOST_LONG=1 asks under all configurations; else under some, chosen by the seed.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import concurrent.futures
import os
import random
import re
import socket
import struct
import unittest

import box
import instance
import oracle

TIME_LIMIT = 200
LONG_TIME_LIMIT = 600
LONG = oracle.LONG

COMMON = {
    "compatibility_level": "3.6", "myhostname": "mail.example.org",
    "mydomain": "example.org", "myorigin": "$myhostname",
    "mydestination": "$myhostname, localhost.$mydomain, localhost, here.example",
    "relay_domains": "relay.example", "virtual_alias_domains": "alias.example",
    "virtual_alias_maps": "", "virtual_mailbox_domains": "box.example",
    "virtual_mailbox_maps": "inline:{b@box.example=x}", "alias_maps": "",
    "alias_database": "", "local_recipient_maps": "", "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4", "mynetworks": "127.0.0.1", "smtputf8_enable": "yes",
    "recipient_delimiter": "", "relayhost": "", "default_transport": "smtp",
}

# Internal forms: what is left of an address without its quotes.
DOMAINS = ["here.example", "mail.example.org", "localhost", "Here.EXAMPLE", "x.here.example",
           "relay.example", "sub.relay.example", "alias.example", "sub.alias.example",
           "box.example", "sub.box.example", "far.example", "a.far.example",
           "b.a.far.example", "FAR.example", "example", "short", "short.", "far.example.",
           "far.example..", ".far.example", "far..example", "", ".", "[127.0.0.1]",
           "[192.0.2.9]", "[IPv6:2001:db8::1]", "[ipv6:::1]", "[x]", "[]", "[192.0.2.300]",
           "192.0.2.9", "127.0.0.1", "2001:db8::1", "-far.example", "far-.example",
           "fa_r.example", "123", "1.2.3", "x" * 64 + ".example", "b\u00fccher.example",
           "xn--bcher-kva.example", "far example", "far.example:25", "[far.example]"]
LOCALS = ["u", "u+e", "u-e", "u+e+f", "u-e+f", "u+", "+u", "-u", "--", "U.V", "u..v", ".u",
          "u v", "u%far.example", "u%relay.example", "u%", "%far.example", "u%far",
          "u%x%y.example", "u%here.example", "far!u", "far.example!u", "!u", "far!",
          "a!b!u", "here.example!u", "here.example!far.example!u", "u%far.example%here.example",
          "far.example!u%relay.example", "u@far.example", "u@here.example", "u@", "@far.example",
          "u@far@relay.example", "u@a!", "a!u@far.example", "u\"v", "u\\v", "u,v", "u:v",
          "owner-list", "owner-list+e", "list-request", "double-bounce", "Double-Bounce",
          "postmaster", "caf\u00e9", "moved", "moved+e", "u=far.example"]
BARE = ["", "u", "u+e", "-u", "@", "@far.example", "far!u", "u%far", "postmaster",
        "double-bounce", "u.", "!", "%", "a!b", "a%b", "a!b%c", "a%b!c", "MAILER-DAEMON",
        "!a", "a!", "%a", "a%", "a@b!c@d", "@@", "u@@far.example", "u@far.example@"]
ADDRESSES = (BARE + ["u@" + d for d in DOMAINS] + [l + "@here.example" for l in LOCALS]
             + [l + "@far.example" for l in LOCALS] + ["u+e@" + d for d in DOMAINS[:16]]
             + ["-u@" + d for d in DOMAINS[:12]])
SENDERS = ["", "s@s.example", "s+e@s.example", "t@s.example", "t@sub.s.example", "S@S.example",
           "s", "bang@s.example", "odd@s.example", "none@s.example", "dunno@s.example"]
FEW = ["u", "u+e@here.example", "u@relay.example", "u@alias.example", "u@box.example",
       "u@far.example", "u+e@a.far.example", "u%far.example@here.example", "far!u", "@", "-u@b"]
TABLE = "inline:{{u@far.example=t1:h1}, {far.example=t2:h2}, {.far.example=t3:h3}, " \
    "{u+e@far.example=t4:}, {a.far.example=:h5}, {relay.example=:}, {box.example=t6:}, " \
    "{here.example=t7:[h7]:26}, {alias.example=t8:h8}, {u@here.example=:}, " \
    "{U.V@far.example=t9:}, {short=t10:}, {123=t11:}, {[192.0.2.9]=t12:h12}, {@far.example=t13:}}"


class Config:
    def __init__(self, name, senders=None, **settings):
        self.name, self.settings = name, settings
        self.asked = [("local", sender) for sender in senders or [""]]
        if "remote_header_rewrite_domain" in settings:
            self.asked.append(("remote", "s@s.example"))


def transport(name, result, **more):
    return Config("transport " + name, transport_maps=
                  "inline:{{far.example=%s}, {here.example=%s}}" % (result, result), **more)


CONFIGS = [
    Config("plain"),
    Config("origin", myorigin="origin.example", mydomain="dom.example"),
    Config("origin is a class", myorigin="box.example"),
    Config("remote origin", remote_header_rewrite_domain="remote.example"),
    Config("append nothing", append_at_myorigin="no", append_dot_mydomain="no"),
    Config("append no domain", append_dot_mydomain="no"),
    Config("no hacks", swap_bangpath="no", allow_percent_hack="no"),
    Config("no bang", swap_bangpath="no"),
    Config("no percent", allow_percent_hack="no"),
    Config("quoted is quoted", resolve_dequoted_address="no"),
    Config("quoted is quoted, no hacks", resolve_dequoted_address="no", swap_bangpath="no",
           allow_percent_hack="no"),
    Config("null domain", resolve_null_domain="yes"),
    Config("numeric domain", resolve_numeric_domain="yes"),
    Config("minus", allow_min_user="yes"),
    Config("empty", empty_address_recipient="nobody+x", myorigin="origin.example"),
    Config("no destination", mydestination=""),
    Config("parents", parent_domain_matches_subdomains="mydestination, transport_maps, "
           "virtual_alias_domains, virtual_mailbox_domains", transport_maps=TABLE,
           mydestination="here.example, .x.example"),
    Config("parents, names with dots", parent_domain_matches_subdomains="",
           relay_domains=".relay.example", mydestination=".here.example, !x.here.example",
           virtual_mailbox_domains="inline:{{box.example=x}, {.box.example=x}}"),
    Config("classes in tables", mydestination="inline:{here.example=x}, regexp:{{/^[0-9]+$$/ x}}",
           virtual_alias_domains="static:x", relay_domains="fail:relay"),
    Config("alias domains from their maps", virtual_alias_maps=
           "inline:{{alias.example=x}, {u@far.example=y}}", virtual_alias_domains=
           "$virtual_alias_maps"),
    Config("destination fails", mydestination="fail:x"),
    Config("alias domains fail", virtual_alias_domains="fail:x"),
    Config("mailbox domains fail", virtual_mailbox_domains="fail:x"),
    Config("several classes", mydestination="here.example, box.example",
           virtual_alias_domains="box.example, relay.example, alias.example",
           virtual_mailbox_domains="relay.example", relay_domains="far.example"),
    Config("proxy", proxy_interfaces="192.0.2.9"),
    Config("relay host", relayhost="[gw.example]:25"),
    Config("relay host without brackets", relayhost="gw.example"),
    Config("relay host, classes with hosts", relayhost="gw", relay_transport="relay:[in]:26",
           default_transport="smtp:[out]", virtual_transport="lmtp:unix:private/lmtp",
           local_transport="lmtp:inet:localhost:24"),
    Config("classes", local_transport="local", virtual_transport="v:", relay_transport="r",
           default_transport="d:", relayhost="gw"),
    Config("classes, errors", local_transport="error:5.1.1 none here",
           virtual_transport="error:no virtual", relay_transport="retry:4.2.1 later",
           default_transport="discard:silently"),
    Config("relay host by sender", SENDERS, relayhost="gw", sender_dependent_relayhost_maps=
           "inline:{{s@s.example=[one]}, {@s.example=[dom]}, {<>=[null]}, {odd@s.example=:26}, "
           "{none@s.example= }, {dunno@s.example=DUNNO}, {s@$myorigin=[bare]}}"),
    Config("relay host by sender's pattern", SENDERS, sender_dependent_relayhost_maps=
           "regexp:{{/^s@/ [pattern]}, {/^@s/ [domain]}, {/^t(.*)/ x}}", relayhost=""),
    Config("relay host by sender fails", SENDERS, sender_dependent_relayhost_maps="fail:x"),
    Config("relay host by sender, delimiter", SENDERS, recipient_delimiter="+-",
           sender_dependent_relayhost_maps="inline:{{s@s.example=[one]}, "
           "{s+e@s.example=[ext]}}"),
    Config("default by sender", SENDERS, sender_dependent_default_transport_maps=
           "inline:{{s@s.example=one:}, {@s.example=dom:[host]}, {<>=null:}, "
           "{odd@s.example=:[odd]}, {none@s.example=:}, {dunno@s.example=dunno}, "
           "{bang@s.example=bare}}", relayhost="gw", default_transport="d:e"),
    Config("default by sender, relay host by sender", SENDERS,
           sender_dependent_default_transport_maps="inline:{{s@s.example=one:}, "
           "{t@s.example=two:h}, {<>=:}, {odd@s.example=error:5.7.1 no}}",
           sender_dependent_relayhost_maps="static:[by-sender]"),
    Config("default by sender fails", SENDERS, sender_dependent_default_transport_maps="fail:x"),
    Config("null sender's keys", SENDERS, empty_address_relayhost_maps_lookup_key="nil",
           empty_address_default_transport_maps_lookup_key="nil2",
           sender_dependent_relayhost_maps="inline:{{nil=[n1]}, {<>=[n2]}}",
           sender_dependent_default_transport_maps="inline:{{nil2=n3:}, {<>=n4:}}"),
    Config("transport table", transport_maps=TABLE),
    Config("transport table, delimiter", transport_maps=TABLE, recipient_delimiter="+"),
    Config("transport table, relay host", transport_maps=TABLE, relayhost="[gw]",
           default_transport="smtp:[x]"),
    Config("transport table, parents", transport_maps=TABLE,
           parent_domain_matches_subdomains="transport_maps"),
    Config("transport *", transport_maps="inline:{{*=star:where}, {far.example=:}, "
           "{here.example=:}}"),
    Config("transport * alone", transport_maps="inline:{{*=:gw}}", relayhost="gw2"),
    Config("transport * colon", transport_maps="inline:{{*=:}}"),
    transport("x:", "x:"), transport("x:y", "x:y"), transport(":y", ":y"), transport(":", ":"),
    transport("x: y", "x: y "), transport("x", "x"), transport("x:y:z", "x:y:z"),
    transport(":y, relay host", ":y", relayhost="gw"),
    transport(":, relay host", ":", relayhost="gw"),
    transport("x:, relay host", "x:", relayhost="gw"),
    transport("error", "error:5.7.1 no mail here"), transport("error:", "error:"),
    transport("retry:", "retry:"), transport("discard:", "discard:"),
    transport("discard", "discard:quiet"), transport("no text", " "),
    transport("bracket", "[x]:y"), transport("spaced", "x : y"),
    transport("unix", "lmtp:unix:/run/x"), transport("odd", "smtp:[a]:b, [c]"),
    Config("transport pattern", transport_maps="regexp:{{/^u@far\\.example$$/ p:1}, "
           "{/^\\*$$/ star:}, {/^(.*)@a\\.far/ p:$$1}, {/^far/ p:2}}"),
    Config("transport pattern, anchors off", transport_maps="regexp:{{/far/ p:}, "
           "{/^here\\.example$$/ p:here}}", recipient_delimiter="+"),
    Config("transport static", transport_maps="static:s:t"),
    Config("transport static colon", transport_maps="static::"),
    Config("transport fails", transport_maps="fail:x"),
    Config("two transport tables", transport_maps="inline:{{far.example=one:}}, "
           "inline:{{u@far.example=two:}, {*=three:}}"),
    Config("transport then failure", transport_maps="inline:{{far.example=one:}, "
           "{here.example=:}}, fail:x"),
    Config("relocated", relocated_maps="inline:{{moved@far.example=new@x.example}, "
           "{moved=new@here.example}, {@relay.example=all of them}, {box.example=no}, "
           "{u@alias.example=from alias}}", recipient_delimiter="+"),
    Config("relocated, origin", relocated_maps="inline:{{moved=new}, {u+e=ext}, "
           "{@origin.example=all}}", myorigin="origin.example"),
    Config("relocated everywhere", relocated_maps="static:elsewhere"),
    Config("relocated by pattern", relocated_maps="regexp:{{/^(.*)@far/ $$1@near}}"),
    Config("relocated fails", relocated_maps="fail:x"),
    Config("discreet", show_user_unknown_table_name="no"),
    Config("double bounce", double_bounce_sender="u"),
    Config("delimiters", recipient_delimiter="-+", transport_maps="inline:{{u@far.example=t:}, "
           "{u-e@far.example=t2:}, {owner-list@far.example=own:}, {owner@far.example=short:}}",
           relocated_maps="inline:{{list@far.example=x}, {u@here.example=y}}"),
    Config("delimiter =", recipient_delimiter="=", transport_maps=
           "inline:{{u@far.example=t:}}", owner_request_special="no"),
    Config("delimiters, owner not special", recipient_delimiter="-",
           owner_request_special="no", transport_maps=
           "inline:{{owner@far.example=short:}, {list@far.example=l:}}"),
    Config("no UTF-8", smtputf8_enable="no", transport_maps=TABLE),
]

# Judges are asked with the question, our answer, theirs.
because = oracle.Causes()


@because("what is empty before or behind @, % or ! is refused, also with resolve_null_domain")
def _(question, our, _their):
    address = re.sub(r" *([@!%]) *", r"\1", question.address).strip()
    return our.state == "bad" and re.search(r"^[@!%]|[@!%][@!%]|[@!%]$", address)


@because("in a local part with a blank, too, ! counts before %")
def _(question, our, their):
    local = question.address.rpartition("@")[0]
    return set(" !%") <= set(local) and our.form == their.form


@because("UTF-8 in domains is refused by smtpd, not when it is resolved")
def _(question, _our, their):
    return question.config == "no UTF-8" and not question.address.isascii() \
        and their.state == "bad"


@because("mail for double_bounce_sender is thrown away by the service discard")
def _(_question, our, their):
    return our.transport == "discard" and our._replace(transport="", nexthop="") == \
        their._replace(transport="", nexthop="")


@because("a bad address is bad, or has to wait, when a table fails")
def _(_question, our, their):
    return {our.state, their.state} == {"bad", "fail"}


@because("an IPv6 address without brackets gets the form of RFC 5321")
def _(question, our, their):
    return question.config == "numeric domain" and our.nexthop == "[IPv6:2001:db8::1]" and \
        their.nexthop == "[2001:db8::1]"


@because("bang and percent are routes in a quoted local part, too")
def _(question, our, their):
    return "@" not in question.address and quote(question.address).startswith('"') and \
        our.form != their.form


@because("sender_dependent_default_transport_maps: without a transport the default's is kept")
def _(question, our, their):
    return question.config.startswith("default by sender") and their.state == "fail" and \
        our.transport in ("d", "smtp")


@because("white space around a next hop is dropped")
def _(_question, our, their):
    return their._replace(nexthop=their.nexthop.strip()) == our


Question = collections.namedtuple("Question", "config context sender address")
Answer = collections.namedtuple("Answer", "form state transport nexthop recipient")
CLASSES = ("local", "alias", "virtual", "relay", "default")


def quote(address):
    """An internal form as it would stand in a header."""
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, ""
    words = local.split(".")
    if local and (not all(words) or not all(
            re.fullmatch(r"[\w!#$%&'*+/=?^`{|}~-]+", w) for w in words)):
        local = '"' + re.sub(r'(["\\\r])', r"\\\1", local) + '"'
    return local + at + domain


def unquote(address):
    local = re.match(r'"((?:[^"\\]|\\.)*)"', address)
    if local:
        return re.sub(r"\\(.)", r"\1", local.group(1)) + address[local.end():]
    return address


class Wire:
    """name NUL value NUL ... NUL; one request at a time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(instance.PATIENCE)
        self.socket.connect(path)
        self.words = []
        self.rest = b""

    def word(self):
        while not self.words:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("Postfix hung up")
            *words, self.rest = (self.rest + data).split(b"\0")
            self.words = words[::-1]
        return self.words.pop().decode("utf-8", "surrogateescape")

    def reply(self):
        values = []
        while self.word():
            values.append(self.word())
        return values

    def send(self, request):
        text = "".join(f"{k}\0{v}\0" for k, v in request.items()) + "\0"
        self.socket.sendall(text.encode("utf-8", "surrogateescape"))


class Theirs:
    def __init__(self, path):
        self.wires = [Wire(path) for _ in range(8)]
        for wire in self.wires:
            wire.reply()

    def ask(self, requests):
        replies = []
        for at in range(0, len(requests), len(self.wires)):
            busy = list(zip(self.wires, requests[at:]))
            for wire, request in busy:
                wire.send(request)
            replies += [wire.reply() for wire, _ in busy]
        return replies

    def answers(self, questions):
        forms = [unquote(form) for _, form in self.ask([
            {"request": "rewrite", "rule": q.context, "address": quote(q.address) or "@"}
            for q in questions])]
        forms = [form if q.address else "" for q, form in zip(questions, forms)]
        found = []
        for form, reply in zip(forms, self.ask([
                {"request": "resolve", "sender": q.sender, "address": form}
                for q, form in zip(questions, forms)])):
            _, transport, nexthop, recipient, flags = reply
            flags = int(flags)
            if flags & 12:          # where it would go is for nobody to know
                found.append(Answer(form, "fail" if flags & 8 else "bad", "", "", ""))
                continue
            names = [c for bit, c in enumerate(CLASSES, 8) if flags & 1 << bit]
            names += ["routed"] if flags & 2 else []
            found.append(Answer(form, " ".join(names), transport, nexthop,
                                unquote(recipient)))
        return found

    def close(self):
        for wire in self.wires:
            wire.socket.close()


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def field(tag, value):
    if isinstance(value, int):
        return bytes([tag, 0]) + varint(value)
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return bytes([tag, 1]) + varint(len(data)) + data


class Ours:
    """Frames of docs/protocols.md."""

    def __init__(self, path, version):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(instance.PATIENCE)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        self.send(0, 0, field(1, "rewrite") + field(2, 1) + field(3, version))

    def send(self, form, request, fields):
        self.socket.sendall(struct.pack("!IHHI", len(fields) + 8, form, 0, request) + fields)

    @staticmethod
    def fields(data):
        at = 0

        def number():
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value

        found = []
        while at < len(data):
            tag, wire = data[at], data[at + 1]
            at += 2
            value = number()
            if wire:
                value, at = data[at:at + value], at + value
            found.append((tag & 127, value))
        return found

    def answers(self, questions):
        """Of one context and sender."""
        items = b"".join(field(4, field(1, q.address)) for q in questions)
        self.send(1, 1, field(1, 3) + field(2, questions[0].context)
                  + field(3, questions[0].sender) + items)
        length, form, _, _ = struct.unpack("!IHHI", self.file.read(12))
        body = self.file.read(length - 8)
        assert form == 2, form
        found = []
        for tag, value in self.fields(body):
            if tag != 3:
                continue
            texts = dict(self.fields(value))
            form, transport, nexthop, recipient = (
                texts.get(n, b"").decode("utf-8", "surrogateescape") for n in range(1, 5))
            flags = texts.get(5, 0)
            if flags & 192:
                found.append(Answer(form, "fail" if flags & 128 else "bad", "", "", ""))
                continue
            names = [c for bit, c in enumerate(CLASSES) if flags & 1 << bit]
            names += ["routed"] if flags & 32 else []
            found.append(Answer(form, " ".join(names), transport, nexthop, recipient))
        return found

    def close(self):
        self.file.close()
        self.socket.close()


SOME_CONFIGS = 24


def services(configs):
    return "".join(oracle.row(f"rewrite-{n}", "unix - - n - - trivial-rewrite", config.settings)
                   for n, config in enumerate(configs))


def some_addresses(chance, count=60):
    """Made of the same parts."""
    def local():
        return "".join(chance.choice(["u", "v", ".", "+", "-", "%", "!", "@", "far", "here",
                                      "far.example", "here.example", " ", "x"])
                       for _ in range(chance.randint(1, 5)))
    return [local() + chance.choice(["", "@", "@here.example", "@here.example",
                                     "@far.example", "@" + chance.choice(DOMAINS)])
            for _ in range(count)]


class Routing(box.TestCase):

    def test_addresses_go_the_same_way(self):
        chance = random.Random(instance.sample_seed())
        configs = CONFIGS if LONG else chance.sample(CONFIGS, SOME_CONFIGS)
        theirs = self.box(COMMON, services(configs))
        ours = self.instance(COMMON, start=False)
        ours.append("master.cf", services(configs))
        oracle.start(ours, theirs)
        addresses = ADDRESSES + some_addresses(chance)
        version = ours.command("postconf", "-h", "mail_version").out.strip()

        def ask(number, config):
            found = []
            one = Ours(os.path.join(ours.spool, f"private/rewrite-{number}"), version)
            other = Theirs(os.path.join(theirs.spool, f"private/rewrite-{number}"))
            for context, sender in config.asked:
                questions = [Question(config.name, context, sender, a) for a in
                             (addresses if sender == config.asked[0][1] else FEW)]
                found += zip(questions, one.answers(questions), other.answers(questions))
            one.close()
            other.close()
            return found

        causes, asked = collections.Counter(), 0
        strange = collections.defaultdict(list)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for found in pool.map(ask, *zip(*enumerate(configs))):
                config = found[0][0].config
                for question, our, their in found:
                    asked += 1
                    if our == their:
                        continue
                    cause, _ = because.of(question, our, their)
                    causes[cause] += 1
                    if not cause:
                        strange[config].append(f"{tuple(question)}\n    {tuple(our)}\n"
                                               f"    {tuple(their)}")
        oracle.tell(f"{asked} answers under {len(configs)} configurations, "
                    f"{causes[None]} differ", causes)
        self.assertGreater(asked, 250 * len(configs))
        self.assertEqual(len(strange), 0, "\n".join(f"{config}: {len(some)}\n" + "\n".join(some[:5])
                                            for config, some in strange.items()))


if __name__ == "__main__":
    unittest.main()
