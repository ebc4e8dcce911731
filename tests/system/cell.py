"""Process 1 of a container, until it becomes what it is to run: everything is
read-only but one volume, and the user is a strange number that nobody knows.

    unshare --mount --pid --fork python3 cell.py VOLUME UID OUTSIDE PROGRAM ARGUMENTS...

UID is who it is inside, in a user namespace of its own; OUTSIDE whom the kernel
takes it for, or "" to stay who we are. SPDX-License-Identifier: Apache-2.0
"""
import ctypes
import os
import struct
import sys

AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18
MOUNT_ATTR_RDONLY = 1
SYS_MOUNT_SETATTR = 442

libc = ctypes.CDLL(None, use_errno=True)


def mount(source, place, kind, flags):
    if libc.mount(source.encode(), place.encode(), kind,
                  ctypes.c_ulong(flags), None):
        raise OSError(ctypes.get_errno(), "mount", place)


def read_only(place, yes):
    attributes = struct.pack("=QQQQ", yes * MOUNT_ATTR_RDONLY,
                             (not yes) * MOUNT_ATTR_RDONLY, 0, 0)
    if libc.syscall(ctypes.c_long(SYS_MOUNT_SETATTR), AT_FDCWD, place.encode(),
                    AT_RECURSIVE if yes else 0, attributes, len(attributes)):
        raise OSError(ctypes.get_errno(), "mount_setattr", place)


def main(volume, uid, outside, *argv):
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount(volume, volume, None, MS_BIND)
    read_only("/", True)
    mount("proc", "/proc", b"proc", 0)
    read_only(volume, False)
    os.chdir("/")
    if outside:
        argv = ("setpriv", "--reuid", outside, "--regid", outside,
                "--clear-groups", "--bounding-set=-all",
                "unshare", "--user", f"--map-user={uid}", f"--map-group={uid}",
                "setpriv", "--no-new-privs", *argv)
    else:
        argv = ("unshare", "--user", f"--map-user={uid}", f"--map-group={uid}",
                "setpriv", "--no-new-privs", *argv)
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main(*sys.argv[1:])
