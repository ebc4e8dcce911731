/*
 * Clients that are in mynetworks only by the default of an old level.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/compat.h"

#include "common/mail/conf.h"
#include "common/mail/conf_core.h"
#include "daemons/smtpd/restrict.h"
#include "tests/daemons/smtpd/world.h"
#include "tests/harness/t.h"
#include "tests/harness/t_maps.h"

static void
configure(const char *text)
{
	struct str why = STR_EMPTY;

	conf_unload();
	T_NEED(conf_load_text("main.cf", SPAN(text), &why));
	conf_register(&conf_core_params);
	conf_register(&smtpd_params);
	T_NEED(conf_fill(&conf_core_params, &why));
	T_NEED(conf_fill(&smtpd_params, &why));
	str_fini(&why);
	compat_setup();
}

static const struct {
	const char *name, *conf, *client, *want;
} rows[] = {
	{ "a neighbour", "compatibility_level = 1\n", "192.0.2.9",
	    "using backwards-compatible default setting "
	    "mynetworks_style=subnet to permit request from client \"it\"\n" },
	{ "this machine", "compatibility_level = 1\n", "127.0.0.9", "" },
	{ "a newer level", "compatibility_level = 2\n", "192.0.2.9", "" },
	{ "a style that is set", "compatibility_level = 1\n"
	    "mynetworks_style = subnet\n", "192.0.2.9", "" },
	{ "networks that are set", "compatibility_level = 1\n"
	    "mynetworks = 192.0.2.0/24\n", "192.0.2.9", "" },
};

T_TEST(a_network_of_old_is_told_of)
{
	keep_log();
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		struct session s = { .peer = (char *)(uintptr_t)"it" };

		T_CASE(rows[i].name);
		T_NEED(ipaddr_scan(SPAN(rows[i].client), &s.ip));
		configure(rows[i].conf);
		logged();
		compat_networks(&s);
		T_EQ_STR(logged(), rows[i].want);
	}
}
