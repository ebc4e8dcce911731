"""Faults from outside: a board that all processes of an instance have mapped.

    board = self.board()
    mail = self.instance(..., faults=board)
    board.arm("fs.fsync", nth=3, role="cleanup", error=errno.ENOSPC)
    ...
    if board.hits: ...

The layout is that of struct fault_board in common/io/fault.c; programs that look
at it are those of build/test, which have fault points.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import mmap
import os
import signal
import struct
import tempfile

KILL = -signal.SIGKILL
STOP = -signal.SIGSTOP

HEAD = struct.Struct("=IiiIIi24s48s24s48sIIq")
SEEN = struct.Struct("=24s48sII")
SEEN_MOST = 1000
PLAN_AT, HITS_AT, COUNTS_AT, CLOCK_AT = 0, 16, HEAD.size - 16, HEAD.size - 8


def text(raw):
    return raw.partition(b"\0")[0].decode()


class Board:
    def __init__(self):
        handle, self.path = tempfile.mkstemp(prefix="board-")
        os.fchmod(handle, 0o666)
        os.ftruncate(handle, HEAD.size + SEEN_MOST * SEEN.size)
        self.map = mmap.mmap(handle, HEAD.size + SEEN_MOST * SEEN.size)
        os.close(handle)
        self.plans = 0

    def arm(self, point="", nth=1, role="", error=5, lasting=False):
        """The nth pass from now on, counted over all processes of the role, fails
        with this errno, or kills (KILL) or stops (STOP) its process."""
        self.disarm()
        self.plans += 1
        fields = (0, nth, error, int(lasting), 0, 0, b"", b"", role.encode(),
                  point.encode())
        head = HEAD.pack(*fields, 0, 0, 0)
        self.map[4:COUNTS_AT] = head[4:COUNTS_AT]
        self.map[PLAN_AT:4] = struct.pack("=I", self.plans)

    def disarm(self):
        self.map[PLAN_AT:4] = struct.pack("=I", 0)

    def set_clock(self, seconds):
        """Wall time is ahead of the machine's by so much (or behind), at once and
        for all of its processes."""
        self.map[CLOCK_AT:CLOCK_AT + 8] = struct.pack("=q",
                                                      int(seconds * 1000000))

    def head(self):
        return HEAD.unpack(self.map[:HEAD.size])

    @property
    def hits(self):
        return struct.unpack("=I", self.map[HITS_AT:HITS_AT + 4])[0]

    @property
    def hit(self):
        """(role, point, pid) of the first hit, or None."""
        head = self.head()
        if not head[4]:
            return None
        return text(head[6]), text(head[7]), head[5]

    def passes(self):
        """{(role, point): how often it was passed}"""
        found = collections.Counter()
        for i in range(min(self.head()[10], SEEN_MOST)):
            at = HEAD.size + i * SEEN.size
            role, point, count, used = SEEN.unpack(
                self.map[at:at + SEEN.size])
            if used:
                found[text(role), text(point)] += count
        return found

    def remove(self):
        self.map.close()
        os.unlink(self.path)
