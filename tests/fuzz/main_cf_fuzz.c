/*
 * main.cf: entries, values with their $names, lists, what check says of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/panic.h"
#include "common/mail/conf_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 4000 };

static void
note(enum conf_severity severity, const char *origin, unsigned line,
    const char *text, void *arg)
{
	(void)severity;
	(void)line;
	(void)arg;
	CHECK(origin != NULL && text[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str why = STR_EMPTY, what = STR_EMPTY;
	const struct conf_entry *entry;

	if (size > TEXT_MAX)
		return 0;
	conf_unload();
	if (!conf_load_text("main.cf", span_of((const char *)data, size),
	    &why)) {
		CHECK(str_len(&why) > 0);
		str_fini(&why);
		return 0;
	}
	for (size_t i = 0; (entry = conf_nth(i)) != NULL; i++) {
		struct str value = STR_EMPTY;

		CHECK(conf_find(entry->name) != NULL);
		/* myorigin may name a file: not from here. */
		if (strcmp(entry->name, "myorigin") != 0
		    && !conf_value(entry->name, &value, &why))
			CHECK(str_len(&why) > 0);
		str_fini(&value);
	}
	if (conf_find("myorigin") == NULL)
		conf_check(note, NULL);
	(void)conf_unmet_protection("smtpd", &what);
	str_fini(&why);
	str_fini(&what);
	conf_unload();
	return 0;
}
