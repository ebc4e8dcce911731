/*
 * service_double - a process that is a service without a master, for tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/service/service_priv.h"

void
service_double(const struct service *service, const char *refusal)
{
	service_state.service = service;
	service_state.name = (char *)service->name;
	str_sets(&service_state.refusal, refusal != NULL ? refusal : "");
}

void
service_double_drain(void)
{
	service_state.draining = true;
	service_tell_idlers();
}
