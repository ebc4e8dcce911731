"""The fibers work over ucontext and on another kind of machine.

SPDX-License-Identifier: Apache-2.0
"""
import os
import shutil
import subprocess
import unittest

import instance


class Machines(unittest.TestCase):
    limit = 280

    def make(self, *arguments):
        done = subprocess.run(["make", "-j2", *arguments], cwd=instance.ROOT,
                              capture_output=True, text=True, check=False,
                              env={k: v for k, v in os.environ.items()
                                   if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS",
                                                "UNIT_PROGRAMS", "FUZZ_PROGRAMS")})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_fibers_over_ucontext(self):
        self.make(f"BUILD={instance.BUILD}/ucontext", "FIBER=ucontext",
                  "PROGRAMS=common_io_test", "check")

    def test_fibers_on_aarch64(self):
        for program in ("aarch64-linux-gnu-gcc", "qemu-aarch64"):
            if not shutil.which(program):
                self.skipTest(f"no {program}: aarch64 is untested")
        self.make(f"BUILD={instance.BUILD}", "PROGRAMS=common_io_test", "check-aarch64")
