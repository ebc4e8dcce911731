"""Every parameter that Postfix has is known here, with the same default.

SPDX-License-Identifier: Apache-2.0
"""
import os
import subprocess
import tempfile
import unittest

import instance

PACKAGES = os.path.join(instance.BUILD, "packages")

# Names whose defaults differ, by cause.
DIFFERENT = {
    "of the release: 3.7 there, 3.11 here": """
        address_verify_map alias_database import_environment inet_protocols
        mail_release_date mail_version milter_default_action
        postscreen_cache_map proxy_read_maps smtp_tls_dane_insecure_mx_policy
        smtp_tls_security_level smtpd_forbid_bare_newline
        smtpd_forbid_unauth_pipelining tls_eecdh_auto_curves
        tls_high_cipherlist tls_medium_cipherlist tls_null_cipherlist
        tlsproxy_client_policy_maps tlsproxy_client_security_level""",
    "of the build: NIS, places of manual pages and documents": """
        alias_maps html_directory manpage_directory readme_directory
        shlib_directory meta_directory daemon_directory""",
    "of the process that is asked": "process_id process_name",
    "names that later releases have no more": """
        tls_export_cipherlist tls_legacy_public_key_fingerprints
        tls_low_cipherlist tlsproxy_client_loglevel_parameter""",
}
# What 3.11 documents and 3.7 has not.
MORE_HERE_AT_MOST = 150


def defaults(*command, env=None):
    done = subprocess.run([*command, "-d"], capture_output=True, text=True,
                          timeout=60, check=True, env=env)
    pairs = (line.split(" =", 1) for line in done.stdout.splitlines())
    return {name: value.strip() for name, value in pairs}


class Defaults(unittest.TestCase):

    def postfix(self, etc):
        program = os.path.join(PACKAGES, "usr/sbin/postconf")
        if not os.path.exists(program):
            self.skipTest("no Postfix below %s; conf/deps test unpacks one"
                          % PACKAGES)
        library = ":".join(os.path.join(PACKAGES, "usr/lib", folder) for folder
                           in ("postfix", "x86_64-linux-gnu"))
        return defaults(program, "-c", etc, env=dict(
            os.environ, LD_LIBRARY_PATH=library))

    def test_they_are_those_of_postfix(self):
        with tempfile.TemporaryDirectory() as etc:
            for name in "main.cf", "master.cf":
                with open(os.path.join(etc, name), "w", encoding="utf-8"):
                    pass
            theirs = self.postfix(etc)
            ours = defaults(os.path.join(instance.BUILD, "sbin/postconf"),
                            "-c", etc)
        self.assertGreater(len(theirs), 800)
        theirs["config_directory"] = etc
        explained = set(" ".join(DIFFERENT.values()).split())
        strange = {name: (value, ours.get(name, "unknown"))
                   for name, value in theirs.items()
                   if ours.get(name) != value and name not in explained}
        self.assertEqual(strange, {})
        self.assertLess(len(set(ours) - set(theirs)), MORE_HERE_AT_MOST)


if __name__ == "__main__":
    unittest.main()
