"""gdb: list fibers and walk the stack of one that is parked.

    (gdb) source tests/harness/gdb_fibers.py
    (gdb) fibers                 all fibers: number, state, name, queue id
    (gdb) fiber 3                backtrace of fiber 3
    (gdb) fiber 3 frame 4        any command in its stack; then e.g. info locals
    (gdb) fiber off              back to the thread's own stack

Works on a live process and on a core. Frame 0 stays the one the thread is
in; the frames of the fiber follow it.

SPDX-License-Identifier: Apache-2.0
"""
import gdb
from gdb.unwinder import Unwinder, register_unwinder

STATES = ("runnable", "running", "waiting", "parked", "dead")
# Where fiber_switch.S leaves registers, from the saved stack pointer on.
LAYOUTS = {
    "i386:x86-64": ({"r15": 8, "r14": 16, "r13": 24, "r12": 32, "rbx": 40,
                     "rbp": 48, "rip": 56}, "rsp", 64),
    "aarch64": ({**{f"x{i}": (i - 19) * 8 for i in range(19, 30)}, "pc": 88},
                "sp", 176),
}


def variable(name):
    return gdb.parse_and_eval(f"'fiber.c'::{name}")


def all_fibers():
    kind = gdb.lookup_type("struct fiber")
    offset = next(f.bitpos // 8 for f in kind.fields() if f.name == "all")
    head = variable("sched")["all"]
    item, found = head["next"], []
    while int(item) != int(head.address):
        found.append((item.cast(gdb.lookup_type("char").pointer()) - offset)
                     .cast(kind.pointer()))
        item = item["next"]
    return found


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class FiberUnwinder(Unwinder):
    """Makes the chosen fiber the caller of the innermost frame."""

    def __init__(self):
        super().__init__("waypost-fibers")
        self.context = None
        self.top = None

    def __call__(self, frame):
        registers, sp_name, size = LAYOUTS[frame.architecture().name()]
        sp = frame.read_register(sp_name)
        if self.context is None or int(sp) != self.top:
            return None
        pc = frame.read_register("pc")
        info = frame.create_unwind_info(FrameId(sp, pc))
        word = gdb.lookup_type("unsigned long")
        for name, offset in registers.items():
            at = gdb.Value(self.context + offset).cast(word.pointer())
            info.add_saved_register(name, at.dereference())
        info.add_saved_register(
            sp_name, gdb.Value(self.context + size).cast(word))
        return info


UNWINDER = FiberUnwinder()
register_unwinder(None, UNWINDER, replace=True)


def choose(context):
    UNWINDER.context = None
    gdb.invalidate_cached_frames()
    frame = gdb.newest_frame()
    sp_name = LAYOUTS[frame.architecture().name()][1]
    UNWINDER.top = int(frame.read_register(sp_name))
    UNWINDER.context = context
    gdb.invalidate_cached_frames()


class Fibers(gdb.Command):
    """List all fibers."""

    def __init__(self):
        super().__init__("fibers", gdb.COMMAND_STACK)

    def invoke(self, _argument, _from_tty):
        for number, fiber in enumerate(all_fibers(), 1):
            print(f"{number:5} {STATES[int(fiber['state'])]:8} "
                  f"{fiber['name'].string():20} "
                  f"{fiber['queue_id'].string()}")


class Fiber(gdb.Command):
    """fiber N [command]: backtrace, or the command, in the stack of fiber N."""

    def __init__(self):
        super().__init__("fiber", gdb.COMMAND_STACK)

    def invoke(self, argument, _from_tty):
        words = argument.split(None, 1)
        if not words:
            raise gdb.GdbError("fiber N [command], or fiber off")
        if words[0] == "off":
            choose(None)
            return
        fiber = all_fibers()[int(words[0]) - 1]
        if STATES[int(fiber["state"])] == "running":
            choose(None)
        else:
            choose(int(fiber["context"]))
        gdb.execute(words[1] if len(words) > 1 else "backtrace")


Fibers()
Fiber()
