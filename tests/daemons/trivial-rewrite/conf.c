/*
 * conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/daemons/trivial-rewrite/conf.h"

#include "common/mail/conf_core.h"
#include "daemons/trivial-rewrite/resolve.h"
#include "daemons/trivial-rewrite/trivial_rewrite_conf.h"
#include "tests/harness/t.h"

static const char base[] =
    "compatibility_level = 3.6\n"
    "myhostname = mail.example.com\n"
    "mydestination = $myhostname, localhost, here.example\n"
    "inet_interfaces = 127.0.0.1\n"
    "relay_domains = relayed.example\n"
    "virtual_alias_domains = alias.example\n"
    "virtual_mailbox_domains = box.example\n";

void
use_conf(const char *text)
{
	static bool open;
	struct str all = STR_EMPTY, why = STR_EMPTY;

	if (open)
		resolve_close();
	conf_unload();
	str_printf(&all, "%s%s", base, text);
	if (!conf_load_text("main.cf", str_span(&all), &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	conf_register(&conf_core_params);
	conf_register(&rewrite_params);
	if (!conf_fill(&conf_core_params, &why)
	    || !conf_fill(&rewrite_params, &why))
		t_fail(T_HERE, "%s", str_cstr(&why));
	resolve_setup();
	open = true;
	str_fini(&all);
	str_fini(&why);
}
