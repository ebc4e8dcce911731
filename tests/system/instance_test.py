"""What the other system tests rely on: a failure is explained.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import io
import unittest

import instance


class Fails(instance.TestCase):
    """Not run by itself: its methods are no tests by their names."""

    class Made:
        dir = "/somewhere"

        @staticmethod
        def log():
            return "what the log said\n"

    def one_that_fails(self):
        self.addCleanup(self.explain, self.Made)
        self.assertEqual(1, 2)

    def one_that_breaks(self):
        self.addCleanup(self.explain, self.Made)
        raise TimeoutError("too long")

    def one_that_fails_in_part(self):
        self.addCleanup(self.explain, self.Made)
        with self.subTest(part=1):
            self.assertEqual(1, 2)

    def one_that_passes(self):
        self.addCleanup(self.explain, self.Made)


class Explained(unittest.TestCase):
    def outcome(self, name):
        printed = io.StringIO()
        result = unittest.TestResult()
        with contextlib.redirect_stdout(printed):
            Fails(name).run(result)
        return result.wasSuccessful(), printed.getvalue()

    def test_the_log_is_shown_when_a_test_fails_and_only_then(self):
        for name in ("one_that_fails", "one_that_breaks",
                     "one_that_fails_in_part"):
            with self.subTest(name):
                good, printed = self.outcome(name)
                self.assertFalse(good)
                self.assertIn("what the log said", printed)
        good, printed = self.outcome("one_that_passes")
        self.assertTrue(good)
        self.assertEqual(printed, "")


if __name__ == "__main__":
    unittest.main()
