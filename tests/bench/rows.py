"""The rows of the benchmark: each says what is set up and what is measured.

A row's run(system, world) makes one measured run and returns its figures;
"value" is the one that is compared.

SPDX-License-Identifier: Apache-2.0
"""
import system as sys_


COMMON = {
    # What both get, on top of what the box's own main.cf has.
    "maillog_file": "/var/log/mail.log",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    # No reverse look-ups: there is no name server in the measurement.
    "smtpd_peername_lookup": "no",
    # Nobody is to be capped by a limit on processes or clients ...
    "default_process_limit": "200",
    "smtpd_client_connection_count_limit": "0",
    # ... or slowed down on purpose.
    "in_flow_delay": "0",
}


class Row:
    """Throughput of mail through a system."""

    unit = "messages/s"
    more_is_better = True
    key = "per_second"
    systems = None              # all

    def __init__(self, name, title, settings=None, warm=200, seconds=None,
                 most=40000, least=100, **load):
        self.name = name
        self.title = title
        self.settings = settings or {}
        self.load = load
        self.warm = warm
        self.seconds = seconds
        self.most = most
        self.least = least

    def set_up(self, system, world):
        settings = {**COMMON, "relayhost": f"[127.0.0.1]:{world.sink_port}",
                    **self.settings, **system.settings}
        return sys_.Mail(system.programs, world.disk(), settings, world.place)

    def run(self, system, world):
        with self.set_up(system, world) as mail:
            mail.start()
            # Starts the processes and tells how many messages make a run.
            first = self.send(mail, world, world.messages or self.warm)
            count = int(first["per_second"] / self.load.get("recipients", 1) *
                        (self.seconds or world.seconds))
            count = max(self.least, min(self.most, count))
            return self.send(mail, world, world.messages or count)

    def send(self, mail, world, count):
        return sys_.send_all(mail, world.sink_port, count, **self.load)


class Ceiling(Row):
    """Load to sink with nothing between them."""

    def run(self, system, world):
        return sys_.send_all(None, world.sink_port, world.messages or 20000,
                             to_port=world.sink_port, **self.load)


def relay(name, title, **load):
    return Row(name, "relay " + title, **load)


ROWS = [
    relay("relay1", "2 KiB, 1 client, a connection each", clients=1),
    relay("relay20", "2 KiB, 20 clients, a connection each", clients=20, sources=8),
    relay("relay100", "2 KiB, 100 clients, a connection each", clients=100, sources=8),
    relay("kept1", "2 KiB, 1 client, connection kept", clients=1, per_connection=0),
    relay("kept20", "2 KiB, 20 clients, connections kept", clients=20, per_connection=0),
    relay("kept100", "2 KiB, 100 clients, connections kept", clients=100, per_connection=0),
    relay("size50k", "50 KiB, 20 clients, a connection each", clients=20, sources=8,
          size=50 << 10),
    relay("size5m", "5 MiB, 20 clients, a connection each", clients=20, sources=8,
          size=5 << 20, warm=20, least=40),
    Ceiling("ceiling20", "no mail system: load to sink, 2 KiB, 20 clients, a connection each",
            clients=20, sources=8),
    Ceiling("ceiling_kept20", "no mail system: load to sink, 2 KiB, 20 clients, "
            "connections kept", clients=20, per_connection=0),
]
