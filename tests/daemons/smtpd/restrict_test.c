/*
 * The names that check knows are the names the engine acts on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemons/smtpd/restrict.h"

#include "common/mail/restriction_names.h"
#include "tests/harness/t.h"

T_TEST(acted_names_are_those_of_the_engine)
{
	for (size_t i = 0; i < restriction_name_count; i++) {
		const struct restriction_name *name = &restriction_names[i];
		const struct restriction_type *type =
		    restrict_find_type(SPAN(name->name));

		T_CASE(name->name);
		T_EQ_INT(type != NULL, name->kind == RESTRICTION_ACTED);
		if (type != NULL)
			T_EQ_INT(type->takes != TAKES_NOTHING,
			    name->takes_argument);
	}
}

T_TEST(every_restriction_of_the_engine_is_listed)
{
	const struct restriction_type *type;

	for (size_t i = 0; (type = restrict_nth_type(i)) != NULL; i++) {
		T_CASE(type->name);
		T_EQ_INT(restriction_name_kind(SPAN(type->name)),
		    RESTRICTION_ACTED);
	}
}
