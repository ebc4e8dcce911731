/*
 * postkick - wakes a service of a running mail system, from scripts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/mail/conf_core.h"
#include "common/service/peer.h"

static int
usage(void)
{
	fprintf(stderr, "postkick: fatal: usage: postkick [-c config_dir] "
	    "[-v] class service request\n");
	return 1;
}

int
main(int argc, char **argv)
{
	struct str why = STR_EMPTY;
	const char *dir = NULL;
	int option;

	while ((option = getopt(argc, argv, "c:v")) != -1) {
		if (option == 'c')
			dir = optarg;
		else if (option == 'v')
			log_verbose++;
		else
			return usage();
	}
	if (argc - optind != 3)
		return usage();
	if (!conf_load(dir, &why) || !conf_fill(&conf_core_params, &why)) {
		fprintf(stderr, "postkick: fatal: %s\n", str_cstr(&why));
		return 1;
	}
	argv += optind;
	if (!peer_trigger_bytes(argv[0], argv[1], span_cstr(argv[2]))) {
		fprintf(stderr, "postkick: warning: Cannot contact class %s "
		    "service %s - perhaps the mail system is down\n",
		    argv[0], argv[1]);
		return 1;
	}
	return 0;
}
