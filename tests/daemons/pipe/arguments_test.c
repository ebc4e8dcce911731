/*
 * The words of a command: what names stand for, with every flag, for one recipient
 * and for several.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/conf_core.h"
#include "daemons/pipe/pipe_priv.h"
#include "tests/harness/t.h"

static const struct envelope envelope = { .data_size = 1234,
	.client_name = SPAN_LIT("c.example"), .client_address = SPAN_LIT("192.0.2.1"),
	.client_port = SPAN_LIT("25000"), .helo = SPAN_LIT("h.example"),
	.protocol = SPAN_LIT("ESMTP"), .sasl_method = SPAN_LIT("plain"),
	.sasl_username = SPAN_LIT("su"), .sasl_sender = SPAN_LIT("ss"),
	.dsn_envid = SPAN_LIT("E1") };
static const struct envelope_rcpt rcpts[] = {
	{ .address = SPAN_LIT("Ann A+Ext@Example.ORG"),
	    .original = SPAN_LIT("First@Old.example") },
	{ .address = SPAN_LIT("bob@example.org") },
};

/* The words with "|" behind each, or "! reason". */
static const char *
make(const char *flags, const char *sender, size_t count, const char *text)
{
	static struct str out;
	struct str why = STR_EMPTY;
	char copy[400];
	struct command_row row = { .flags = flags };
	struct arguments a = { .row = &row, .envelope = &envelope,
		.rcpts = rcpts, .count = count, .nexthop = SPAN("Next.Hop"),
		.queue_id = SPAN("4Q1"), .sender = SPAN(sender) };

	conf_core.recipient_delimiter = "+";
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *at = copy, *word; (word = strsep(&at, " ")) != NULL;)
		strlist_adds(&row.argv, word);
	str_clear(&out);
	if (!arguments_check(&row, &why)
	    || !arguments_make(&a, &out, &why))
		str_printf(&out, "! %s", str_cstr(&why));
	for (size_t i = 0; i < str_len(&out); i++)
		if (out.buf[i] == '\0')
			out.buf[i] = '|';
	str_fini(&why);
	command_row_fini(&row);
	return str_cstr(&out);
}

static const struct {
	const char *flags, *words, *want;
} cases[] = {
	{ "", "$recipient", "Ann A+Ext@Example.ORG|" },
	{ "", "${recipient} $(recipient)",
	    "Ann A+Ext@Example.ORG|Ann A+Ext@Example.ORG|" },
	{ "u", "${recipient}", "ann a+ext@Example.ORG|" },
	{ "h", "${recipient}", "Ann A+Ext@example.org|" },
	{ "hu", "${recipient}", "ann a+ext@example.org|" },
	{ "q", "${recipient}", "\"Ann A+Ext\"@Example.ORG|" },
	{ "hqu", "${recipient}", "\"ann a+ext\"@example.org|" },
	{ "", "${original_recipient}", "First@Old.example|" },
	{ "hu", "${original_recipient}", "first@old.example|" },
	{ "", "$user $extension $mailbox $domain",
	    "Ann A|Ext|Ann A+Ext|Example.ORG|" },
	{ "u", "$user $extension $mailbox $domain",
	    "ann a|ext|ann a+ext|Example.ORG|" },
	{ "hq", "$user $extension $mailbox $domain $nexthop",
	    "Ann A|Ext|Ann A+Ext|example.org|next.hop|" },
	{ "", "$nexthop $queue_id $size", "Next.Hop|4Q1|1234|" },
	{ "", "$client_address $client_helo $client_hostname $client_port "
	    "$client_protocol", "192.0.2.1|h.example|c.example|25000|ESMTP|" },
	{ "", "$sasl_method $sasl_sender $sasl_username $envid",
	    "plain|ss|su|E1|" },
	{ "", "-f ${sender} -- ${user}@${nexthop}",
	    "-f|s e@x.example|--|Ann A@Next.Hop|" },
	{ "q", "$sender", "\"s e\"@x.example|" },
	{ "hu", "$sender", "s e@x.example|" },
	{ "", "a$$b ${extension?+$extension}", "a$b|+Ext|" },
	{ "", "$nosuch", "! argv=: \"$nosuch\": there is no $nosuch" },
	{ "", "x${user", "! missing closing brace in \"x${user\"" },
};

T_TEST(names_stand_for_the_message)
{
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		T_CASEF("%s: %s", cases[i].flags, cases[i].words);
		T_EQ_STR(make(cases[i].flags, "s e@x.example", 1,
		    cases[i].words), cases[i].want);
	}
	T_CASE("a sender that is none");
	T_EQ_STR(make("q", "MAILER-DAEMON", 1, "$sender"), "MAILER-DAEMON|");
	T_EQ_STR(make("q", "", 1, "-f $sender"), "-f||");
}

T_TEST(what_speaks_of_a_recipient_is_there_for_each)
{
	T_EQ_STR(make("", "s@x", 2, "-d ${recipient} -x ${user}+${extension} "
	    "$queue_id"), "-d|Ann A+Ext@Example.ORG|bob@example.org|-x|"
	    "Ann A+Ext|bob+|4Q1|");
	T_CASE("without an original one");
	T_EQ_STR(make("", "s@x", 2, "$original_recipient"),
	    "First@Old.example|bob@example.org|");
}

T_TEST(nothing_in_an_address_makes_two_words_of_one)
{
	struct envelope_rcpt odd = { .address = SPAN_LIT("a\0b;|@x") };
	struct command_row row = { .flags = "" };
	struct arguments a = { .row = &row, .envelope = &envelope,
		.rcpts = &odd, .count = 1 };
	struct str out = STR_EMPTY, why = STR_EMPTY;

	strlist_adds(&row.argv, "$recipient");
	T_CHECK(arguments_make(&a, &out, &why));
	T_EQ_INT(str_len(&out), 8);
	T_EQ_STR(str_cstr(&out), "a?b;|@x");
	command_row_fini(&row);
	str_fini(&out);
	str_fini(&why);
}
