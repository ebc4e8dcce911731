/*
 * postlog - a line for the mail log, from scripts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/names.h"
#include "common/mail/conf_core.h"
#include "common/service/logsink.h"

static const struct name_value levels[] = {
	{ "info", LOG_LEVEL_INFO }, { "warn", LOG_LEVEL_WARN },
	{ "warning", LOG_LEVEL_WARN }, { "error", LOG_LEVEL_ERROR },
	{ "fatal", LOG_LEVEL_FATAL }, { "panic", LOG_LEVEL_PANIC },
	{ NULL, 0 },
};

__attribute__((format(printf, 2, 3))) static void
write_line(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(level, format, args);
	va_end(args);
}

int
main(int argc, char **argv)
{
	const char *dir = NULL, *tag = NULL;
	struct str why = STR_EMPTY, text = STR_EMPTY;
	int option, level = LOG_LEVEL_INFO;

	while ((option = getopt(argc, argv, "c:ip:t:v")) != -1) {
		if (option == 'c')
			dir = optarg;
		else if (option == 't')
			tag = optarg;
		else if (option == 'p')
			level = names_value(levels, SPAN(optarg));
		else if (option == '?')
			level = -1;
		if (level < 0) {
			fprintf(stderr, "postlog: fatal: usage: postlog [-i] "
			    "[-c config_dir] [-p priority] [-t tag] "
			    "[text...]\n");
			return 1;
		}
	}
	log_set_tag("postlog");
	if (!conf_load(dir, &why) || !conf_fill(&conf_core_params, &why)) {
		fprintf(stderr, "postlog: fatal: %s\n", str_cstr(&why));
		return 1;
	}
	logsink_open("postlog", -1);
	if (tag != NULL)
		log_set_tag(tag);
	if (isatty(STDERR_FILENO)) {
		log_set_name(tag != NULL ? tag : "postlog");
		log_add_sink(log_sink_stderr(false));
	}
	for (int i = optind; i < argc; i++)
		str_addf(&text, i > optind ? " %s" : "%s", argv[i]);
	if (optind < argc) {
		write_line((enum log_level)level, "%s", str_cstr(&text));
	} else {
		char *line = NULL;
		size_t room = 0;
		ssize_t len;

		while ((len = getline(&line, &room, stdin)) > 0)
			write_line((enum log_level)level, "%.*s",
			    SPAN_ARG(span_rtrim(span_of(line, (size_t)len))));
		free(line);
	}
	logsink_finish();
	str_fini(&text);
	return 0;
}
