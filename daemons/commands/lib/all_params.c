/*
 * all_params - see the header. A role with parameters is one row here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/all_params.h"

#include "common/base/mem.h"
#include "common/mail/conf.h"
#include "daemons/anvil/anvil_conf.h"
#include "daemons/bounce/bounce_conf.h"
#include "daemons/cleanup/cleanup_conf.h"
#include "daemons/commands/lib/commands_conf.h"
#include "daemons/error/error_conf.h"
#include "daemons/flush/flush_conf.h"
#include "daemons/local/local_conf.h"
#include "daemons/pickup/pickup_conf.h"
#include "daemons/pipe/pipe_conf.h"
#include "daemons/proxymap/proxymap_conf.h"
#include "daemons/qmgr/qmgr_conf.h"
#include "daemons/smtp/smtp_conf.h"
#include "daemons/smtpd/smtpd_conf.h"
#include "daemons/spawn/spawn_conf.h"
#include "daemons/trivial-rewrite/trivial_rewrite_conf.h"
#include "daemons/verify/verify_conf.h"
#include "daemons/virtual/virtual_conf.h"

static const struct param_set *const sets[] = {
	&conf_core_params, &anvil_params, &bounce_params, &cleanup_params,
	&error_params, &flush_params, &lmtp_params, &local_params, &pickup_params, &proxymap_params,
	&qmgr_params, &rewrite_params, &smtp_params, &smtpd_params,
	&commands_params, &verify_params, &virtual_params, &pipe_params,
	&spawn_params,
};

void
all_params_register(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(sets); i++)
		conf_register(sets[i]);
}

const struct param_set *const *
all_params_sets(size_t *count_out)
{
	*count_out = ARRAY_COUNT(sets);
	return sets;
}
