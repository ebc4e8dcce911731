"""The checkers are proven: with each of the bugs in tests/power/planted put into
a copy of the tree, the one that it was made for has to find it.

That is tests/system/power_test.py with a broken promise, or what a line `Found by:
program part-of-a-name` of the patch names: a unit test, one of power_test.py, or
another system test. All of them have to, where there are several. A patch that no longer applies is a failure. PLANTED=part of a name takes some.

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
FOUND_BY = re.compile(r"^Found by: (\S+) ?(\S*)$", re.M)
LONG_TIME_LIMIT = 2400


class Planted(unittest.TestCase):
    """One test for each patch, made below."""

    def check(self, patch):
        self.tree = tempfile.mkdtemp(prefix="planted-")
        self.addCleanup(shutil.rmtree, self.tree, ignore_errors=True)
        for part in ("Makefile", "common", "conf", "daemons", "maps", "queue",
                     "tests"):
            subprocess.run(["cp", "-a", os.path.join(ROOT, part), self.tree],
                           check=True)
        subprocess.run(["cp", "-a", BUILD, os.path.join(self.tree, "build")],
                       check=True)
        self.run_here("patch", "-p1", "--fuzz=0", "-i", patch)
        with open(patch, encoding="utf-8") as file:
            found = FOUND_BY.findall(file.read())
        for program, name in found or [("power_test.py", "power")]:
            if program == "power_test.py":
                self.found_by_power_failures(name)
            elif program.endswith(".py"):
                self.found_by_system_test(program, name)
            else:
                self.found_by_unit_test(program, name)

    def found_by_unit_test(self, program, name):
        path = os.path.join("build", "test", program)
        self.run_here("make", path)
        found = self.try_here(path, *filter(None, [name]))
        # A check that failed, not a crash, nor a test that does not exist.
        self.assertEqual(found.returncode, 1, found.stdout + found.stderr)
        self.assertRegex(found.stdout + found.stderr, r" [1-9]\d* failed")

    def found_by_system_test(self, program, name):
        self.run_here("make", "all")
        found = self.try_here("tests/run", "--files", program, "--only", name,
                              "system")
        self.assertEqual(found.returncode, 1, found.stdout + found.stderr)
        self.assertRegex(found.stdout, r"\nAssertionError: ")

    def found_by_power_failures(self, name):
        self.run_here("make", "test-system", "build/test/power_test",
                      "build/test/tools/record_start")
        found = self.try_here("tests/run", "--files", "power_test.py", "--only",
                              name, "system")
        self.assertNotEqual(found.returncode, 0,
                            "was not found:\n" + found.stdout)
        # Found by the checker, not because nothing works any more.
        self.assertRegex(found.stdout, re.compile(
            r"^    (lost|half|again|evidence|hidden): .*\n"
            r"    power failed after ", re.M))
        print(re.search(r"^    (lost|half|again|evidence|hidden): .*",
                        found.stdout, re.M)[0].strip(), flush=True)

    def try_here(self, *argv):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("WAYPOST_BUILD", "WAYPOST_LONG",
                                       "T_LIMIT")}
        return subprocess.run(argv, cwd=self.tree, text=True, check=False,
                              capture_output=True, env=environment)

    def run_here(self, *argv):
        done = self.try_here(*argv)
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
