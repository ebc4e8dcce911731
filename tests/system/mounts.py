"""Mounts that only this process and its children see; they take root.

SPDX-License-Identifier: Apache-2.0
"""
import ctypes
import os
import unittest

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18

libc = ctypes.CDLL(None, use_errno=True)


def mount(kind, place, flags, options):
    if libc.mount(b"none", os.fsencode(place), kind and kind.encode(),
                  ctypes.c_ulong(flags), options and options.encode()):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), place)


def own_mounts():
    """Once, before there are other threads; none of it is seen outside."""
    if not getattr(own_mounts, "done", False):
        if libc.unshare(CLONE_NEWNS):
            raise unittest.SkipTest("no mount namespace may be made here")
        mount(None, "/", MS_REC | MS_PRIVATE, None)
        own_mounts.done = True
