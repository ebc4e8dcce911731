/*
 * mime_conf - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/shared/mime_conf.h"

#include "common/mail/conf_core.h"

struct mime_conf mime_conf;

struct mime_limits
mime_conf_limits(void)
{
	return (struct mime_limits){
		.header = (size_t)conf_core.header_size_limit,
		.boundary = (size_t)mime_conf.boundary_length_limit,
		.nesting = (unsigned)mime_conf.nesting_limit };
}
