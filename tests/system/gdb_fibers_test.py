"""The gdb helper lists fibers and walks the stack of a parked one.

SPDX-License-Identifier: Apache-2.0
"""
import os
import shutil
import subprocess
import unittest

import instance


class GdbFibers(unittest.TestCase):
    def test_parked_fibers_have_a_backtrace(self):
        program = os.path.join(instance.BUILD, "test", "common_io_test")
        if not shutil.which("gdb"):
            self.skipTest("no gdb")
        if not os.path.exists(program):
            self.skipTest("unit tests are not built")
        commands = ["set pagination off", "break fiber_group_close", "run",
                    "source tests/harness/gdb_fibers.py", "fibers", "fiber 2"]
        done = subprocess.run(
            ["gdb", "-q", "-nx", "-batch",
             *(word for c in commands for word in ("-ex", c)),
             "--args", program, "-1", "closing_a_group"],
            cwd=instance.ROOT, capture_output=True, text=True, check=False)
        if "ptrace: Operation not permitted" in done.stderr:
            self.skipTest("gdb may not trace here")
        self.assertRegex(done.stdout, r"2 waiting +one")
        self.assertIn("in wait_for_cancel", done.stdout)
        self.assertRegex(done.stdout, r"in trampoline \(\)")


if __name__ == "__main__":
    unittest.main()
