/*
 * Lines of an SMTP client: what is read from them, and what is wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/mail/smtp_cmd.h"

#include "tests/harness/t.h"

#define ALL (SMTP_PARAM_SIZE | SMTP_PARAM_BODY | SMTP_PARAM_SMTPUTF8 | \
	SMTP_PARAM_DSN | SMTP_PARAM_AUTH)

static const struct {
	const char *line;
	enum smtp_verb verb;
	const char *rest;
} lines[] = {
	{ "NOOP", SMTP_NOOP, "" },
	{ "  noop \t x ", SMTP_NOOP, "x" },
	{ "Mail FROM:<a@b>", SMTP_MAIL, "FROM:<a@b>" },
	{ "MAILFROM:<a@b>", SMTP_UNKNOWN, "" },
	{ "", SMTP_UNKNOWN, "" },
	{ "UNKNOWN", SMTP_UNKNOWN, "" },
	{ "BDAT 10 LAST", SMTP_BDAT, "10 LAST" },
};

T_TEST(lines_split_into_verb_and_rest)
{
	for (size_t i = 0; i < T_COUNT(lines); i++) {
		struct smtp_line line;

		T_CASE(lines[i].line);
		smtp_line_split(SPAN(lines[i].line), &line);
		T_EQ_INT(line.verb, lines[i].verb);
		T_EQ_TEXT(line.rest, lines[i].rest);
	}
}

static const struct {
	const char *rest;
	unsigned params;
	enum smtp_cmd_status want;
	const char *sender, *why;
} mails[] = {
	{ "FROM:<a@b.example>", ALL, SMTP_CMD_OK, "a@b.example", "" },
	{ "from: <a@b.example>", ALL, SMTP_CMD_OK, "a@b.example", "" },
	{ "FROM: <a@b.example>", ALL | SMTP_PARAM_STRICT, SMTP_CMD_OK,
	    "a@b.example", "" },
	{ "FROM:a@b.example", ALL, SMTP_CMD_OK, "a@b.example", "" },
	{ "FROM:a@b.example", ALL | SMTP_PARAM_STRICT, SMTP_CMD_BAD_SENDER,
	    NULL, NULL },
	{ "FROM:<>", ALL, SMTP_CMD_OK, "", "" },
	{ "FROM:<@x,@y:a@b.example> SIZE=12", ALL, SMTP_CMD_OK,
	    "a@b.example", "" },
	{ "FROM:<\"a b\"@b.example>", ALL, SMTP_CMD_OK, "a b@b.example", "" },
	{ "FROM:<a@[192.0.2.1]>", ALL, SMTP_CMD_OK, "a@[192.0.2.1]", "" },
	{ "FROM:", ALL, SMTP_CMD_SYNTAX, NULL, NULL },
	{ "FROM", ALL, SMTP_CMD_SYNTAX, NULL, NULL },
	{ "TO:<a@b>", ALL, SMTP_CMD_SYNTAX, NULL, NULL },
	{ "FROM:<a b@c>", ALL, SMTP_CMD_BAD_SENDER, NULL, NULL },
	{ "FROM:<a@b.example", ALL, SMTP_CMD_BAD_SENDER, NULL, NULL },
	{ "FROM:<a@b.example>x", ALL, SMTP_CMD_BAD_SENDER, NULL, NULL },
	{ "FROM:<a@b> SIZE=x", ALL, SMTP_CMD_BAD_VALUE, NULL,
	    "Bad message size syntax" },
	{ "FROM:<a@b> SIZE=-1", ALL, SMTP_CMD_BAD_VALUE, NULL,
	    "Bad message size syntax" },
	{ "FROM:<a@b> SIZE=99999999999999999999999", ALL, SMTP_CMD_BAD_VALUE,
	    NULL, "Bad message size syntax" },
	{ "FROM:<a@b> BODY=8BITMIME RET=HDRS ENVID=a+2Bb", ALL, SMTP_CMD_OK,
	    "a@b", "" },
	{ "FROM:<a@b> BODY=BINARYMIME", ALL, SMTP_CMD_UNKNOWN_PARAM, NULL,
	    "BODY=BINARYMIME" },
	{ "FROM:<a@b> RET=SOME", ALL, SMTP_CMD_BAD_VALUE, NULL,
	    "Bad RET parameter syntax" },
	{ "FROM:<a@b> ENVID=a+zz", ALL, SMTP_CMD_BAD_VALUE, NULL,
	    "Bad ENVID parameter syntax" },
	{ "FROM:<a@b> ENVID=a+0A", ALL, SMTP_CMD_BAD_VALUE, NULL,
	    "Bad ENVID parameter syntax" },
	{ "FROM:<a@b> RET=FULL", SMTP_PARAM_SIZE, SMTP_CMD_UNKNOWN_PARAM,
	    NULL, "RET" },
	{ "FROM:<a@b> FOO=BAR", ALL, SMTP_CMD_UNKNOWN_PARAM, NULL, "FOO" },
	{ "FROM:<\xc3\xa9@b.example> SMTPUTF8", ALL, SMTP_CMD_OK,
	    "\xc3\xa9@b.example", "" },
	{ "FROM:<\xc3\xa9@b.example>", ALL, SMTP_CMD_BAD_SENDER, NULL, NULL },
	{ "FROM:<\xc3@b.example> SMTPUTF8", ALL, SMTP_CMD_BAD_SENDER, NULL,
	    NULL },
	{ "FROM:<a@b> SMTPUTF8", SMTP_PARAM_SIZE, SMTP_CMD_UNKNOWN_PARAM,
	    NULL, "SMTPUTF8" },
};

T_TEST(mail_commands_are_read)
{
	for (size_t i = 0; i < T_COUNT(mails); i++) {
		struct smtp_mail mail = { .size = 0 };
		struct str why = STR_EMPTY;

		T_CASE(mails[i].rest);
		T_EQ_INT(smtp_mail_parse(SPAN(mails[i].rest), mails[i].params,
		    &mail, &why), mails[i].want);
		if (mails[i].sender != NULL)
			T_EQ_STR(str_cstr(&mail.sender), mails[i].sender);
		if (mails[i].why != NULL)
			T_EQ_STR(str_cstr(&why), mails[i].why);
		smtp_mail_fini(&mail);
		str_fini(&why);
	}
}

T_TEST(mail_parameters_have_their_values)
{
	struct smtp_mail mail = { .size = 0 };
	struct str why = STR_EMPTY;

	T_EQ_INT(smtp_mail_parse(SPAN("FROM:<a@b> SIZE=1234 BODY=8bitmime "
	    "smtputf8 RET=FULL ENVID=x+3Dy AUTH=<>"), ALL, &mail, &why),
	    SMTP_CMD_OK);
	T_EQ_INT(mail.size, 1234);
	T_EQ_INT(mail.body, SMTP_BODY_8BITMIME);
	T_CHECK(mail.smtputf8);
	T_EQ_INT(mail.ret, DSN_RET_FULL);
	T_EQ_STR(str_cstr(&mail.envid), "x=y");
	T_EQ_STR(str_cstr(&mail.auth), "<>");
	smtp_mail_fini(&mail);
	str_fini(&why);
}

/* RFC 1870: 20 digits are a size, if one beyond all limits. */
T_TEST(size_beyond_64_bits_is_a_size)
{
	struct smtp_mail mail = { .size = 0 };
	struct str why = STR_EMPTY;

	T_EQ_INT(smtp_mail_parse(SPAN("FROM:<a@b> SIZE=99999999999999999999"),
	    ALL, &mail, &why), SMTP_CMD_OK);
	T_CHECK(mail.size == UINT64_MAX);
	smtp_mail_fini(&mail);
	str_fini(&why);
}

static const struct {
	const char *rest;
	bool utf8;
	enum smtp_cmd_status want;
	const char *address, *orcpt;
	unsigned notify;
} rcpts[] = {
	{ "TO:<a@b.example>", false, SMTP_CMD_OK, "a@b.example", "", 0 },
	{ "TO:<postmaster>", false, SMTP_CMD_OK, "postmaster", "", 0 },
	{ "TO:<>", false, SMTP_CMD_BAD_RCPT, NULL, NULL, 0 },
	{ "TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@z", false,
	    SMTP_CMD_OK, "a@b", "rfc822;x+y@z",
	    DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY },
	{ "TO:<a@b> NOTIFY=NEVER", false, SMTP_CMD_OK, "a@b", "",
	    DSN_NOTIFY_NEVER },
	{ "TO:<a@b> NOTIFY=NEVER,DELAY", false, SMTP_CMD_BAD_VALUE, NULL,
	    NULL, 0 },
	{ "TO:<a@b> ORCPT=rfc822", false, SMTP_CMD_BAD_VALUE, NULL, NULL, 0 },
	{ "TO:<a@b> ORCPT=rfc822;", false, SMTP_CMD_BAD_VALUE, NULL, NULL,
	    0 },
	{ "TO:<a@b> ORCPT=rfc822;a+0Db", false, SMTP_CMD_BAD_VALUE, NULL,
	    NULL, 0 },
	{ "TO:<a@b> ORCPT=rf c", false, SMTP_CMD_BAD_VALUE, NULL, NULL, 0 },
	{ "TO:<a@b> SIZE=1", false, SMTP_CMD_UNKNOWN_PARAM, NULL, NULL, 0 },
	{ "TO:<\xc3\xa9@b> ORCPT=utf-8;\xc3\xa9@b", true, SMTP_CMD_OK,
	    "\xc3\xa9@b", "utf-8;\xc3\xa9@b", 0 },
	{ "TO:<\xc3\xa9@b>", false, SMTP_CMD_BAD_RCPT, NULL, NULL, 0 },
};

T_TEST(rcpt_commands_are_read)
{
	for (size_t i = 0; i < T_COUNT(rcpts); i++) {
		struct smtp_rcpt rcpt = { .notify = 0 };
		struct str why = STR_EMPTY;

		T_CASE(rcpts[i].rest);
		T_EQ_INT(smtp_rcpt_parse(SPAN(rcpts[i].rest), ALL,
		    rcpts[i].utf8, &rcpt, &why), rcpts[i].want);
		if (rcpts[i].address != NULL) {
			T_EQ_STR(str_cstr(&rcpt.address), rcpts[i].address);
			T_EQ_STR(str_cstr(&rcpt.orcpt), rcpts[i].orcpt);
			T_EQ_INT(rcpt.notify, rcpts[i].notify);
		}
		smtp_rcpt_fini(&rcpt);
		str_fini(&why);
	}
}

T_TEST(bdat_wants_a_count_and_perhaps_last)
{
	static const struct {
		const char *rest;
		bool ok;
		uint64_t size;
		bool last;
	} bdats[] = {
		{ "10", true, 10, false }, { "0 LAST", true, 0, true },
		{ "7  last ", true, 7, true }, { "", false, 0, false },
		{ "-1", false, 0, false }, { "1 FIRST", false, 0, false },
		{ "1 LAST x", false, 0, false }, { "x", false, 0, false },
	};

	for (size_t i = 0; i < T_COUNT(bdats); i++) {
		uint64_t size = 0;
		bool last;

		T_CASE(bdats[i].rest);
		T_EQ_INT(smtp_bdat_parse(SPAN(bdats[i].rest), &size, &last),
		    bdats[i].ok);
		if (bdats[i].ok) {
			T_EQ_INT(size, bdats[i].size);
			T_EQ_INT(last, bdats[i].last);
		}
	}
}
