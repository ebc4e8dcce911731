/*
 * queue_command - see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/commands/lib/queue_command.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/mail/conf_core.h"
#include "common/service/logsink.h"
#include "queue/names.h"

int
queue_command_start(const char *name, const char *dir)
{
	struct str why = STR_EMPTY;
	int fd = -1;

	log_set_tag(name);
	if (!conf_load(dir, &why) || !conf_fill(&conf_core_params, &why)) {
		fprintf(stderr, "%s: fatal: %s\n", name, str_cstr(&why));
		exit(EX_CONFIG);
	}
	logsink_open(name, -1);
	log_set_name(name);
	log_add_sink(log_sink_stderr(false));
	if (chdir(conf_core.queue_directory) == 0)
		fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "%s: fatal: %s: %m\n", name,
		    conf_core.queue_directory);
		exit(EX_NOINPUT);
	}
	queue_names_setup(conf_core.hash_queue_names,
	    conf_core.hash_queue_depth);
	str_fini(&why);
	return fd;
}
