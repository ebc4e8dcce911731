"""The checker of power failures is proven: with each of the bugs in
tests/power/planted put into a copy of the tree, it has to find a broken promise.

A patch that no longer applies is a failure. PLANTED=part of a name takes some.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("WAYPOST_BUILD", os.path.join(ROOT, "build"))
PATCHES = sorted(glob.glob(os.path.join(ROOT, "tests", "power", "planted",
                                        "*.patch")))
LONG_TIME_LIMIT = 3600


class Planted(unittest.TestCase):
    """One test for each patch, made below."""

    def check(self, patch):
        tree = tempfile.mkdtemp(prefix="planted-")
        self.addCleanup(shutil.rmtree, tree, ignore_errors=True)
        for part in ("Makefile", "common", "conf", "daemons", "maps", "queue",
                     "tests"):
            subprocess.run(["cp", "-a", os.path.join(ROOT, part), tree],
                           check=True)
        subprocess.run(["cp", "-a", BUILD, os.path.join(tree, "build")],
                       check=True)
        self.run_in(tree, "patch", "-p1", "--fuzz=0", "-i", patch)
        self.run_in(tree, "make", "test-system", "build/test/power_test",
                    "build/test/tools/record_start")
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("WAYPOST_BUILD", "WAYPOST_LONG")}
        found = subprocess.run(
            ["tests/run", "--only", "power", "system"], cwd=tree, text=True,
            capture_output=True, env=environment, check=False)
        self.assertNotEqual(found.returncode, 0,
                            "was not found:\n" + found.stdout)
        # Found by the checker, not because nothing works any more.
        self.assertRegex(found.stdout, re.compile(
            r"^    (lost|half|again|evidence|hidden): .*\n"
            r"    power failed after ", re.M))

    def run_in(self, tree, *argv):
        done = subprocess.run(argv, cwd=tree, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def test_of(patch):
    return lambda self: self.check(patch)


for patch_path in PATCHES:
    name = os.path.basename(patch_path).removesuffix(".patch")
    if os.environ.get("PLANTED", "") in name:
        setattr(Planted, "test_" + name.replace("-", "_") + "_is_found",
                test_of(patch_path))


if __name__ == "__main__":
    unittest.main()
