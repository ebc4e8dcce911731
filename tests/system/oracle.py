"""What tests share that give Waypost and Debian's Postfix (box.py) the same things to do,
and list what differs once by cause (docs/compatibility.md).

    because = oracle.Causes()

    @because("HELP is answered, as of Postfix 3.11")
    def _(_group, line, _our, _their):
        return line == "HELP"

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import os

# All there is, not what the seed chooses.
LONG = os.environ.get("WAYPOST_LONG") == "1"


class Causes(list):
    """(cause, judge). What a judge is given, and what it says, is the test's."""

    def __call__(self, cause):
        def add(judge):
            self.append((cause, judge))
            return judge
        return add

    def of(self, *difference):
        """The first cause whose judge says yes, and what it said; (None, None)."""
        for cause, judge in self:
            said = judge(*difference)
            if said:
                return cause, said
        return None, None


def tell(what, causes):
    """The line that sums up, and how often each cause was one."""
    print(what, *(f"  {count}: {cause}" for cause, count in causes.most_common()),
          sep="\n", flush=True)


def row(service, command, settings):
    """Of master.cf, with -o for each of the settings."""
    return f"{service} {command}" + "".join(
        f"\n\t-o {{ {name} = {value} }}" for name, value in settings.items()) + "\n"


def both(do, *of_each):
    """What comes of it for each of the two systems, at the same time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(do, *of_each))


def start(*systems):
    both(lambda system: system.start(), systems)
