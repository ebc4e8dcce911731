"""Mounts that only this process and its children see; they take root.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import ctypes
import os
import tempfile
import unittest

CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 0x4000, 1 << 18, 2

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


def memory_for_files(test):
    """For what tempfile makes as long as the test lasts, where we may: for tests with
    thousands of files that are synced, which ask nothing about that."""
    folder, usual = tempfile.mkdtemp(prefix="m-"), tempfile.tempdir
    test.addCleanup(os.rmdir, folder)
    with contextlib.suppress(unittest.SkipTest, OSError):
        own_mounts()
        mount("tmpfs", folder, 0, "mode=1777")
        tempfile.tempdir = folder
        test.addCleanup(setattr, tempfile, "tempdir", usual)
        test.addCleanup(libc.umount2, os.fsencode(folder), MNT_DETACH)
