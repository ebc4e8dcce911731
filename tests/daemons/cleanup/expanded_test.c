/*
 * NOTIFY=SUCCESS for virtual aliases: what is kept for the sender, and what is
 * still asked of their members.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>

#include "common/io/fs.h"
#include "common/service/service.h"
#include "tests/daemons/cleanup/world.h"
#include "tests/harness/t_maps.h"

#define S DSN_NOTIFY_SUCCESS
#define F DSN_NOTIFY_FAILURE
#define D DSN_NOTIFY_DELAY
#define TWO "virtual_alias_maps = inline:{{a@b=c@d, e@f}, {x@y=c@d, g@h}}"
#define REPORT "a@b(a@b) expanded 2.0.0"

static const struct {
	const char *name, *conf;
	uint64_t notify;
	const char *orcpt, *rcpts, *content;
	const char *reply, *stored, *trace;
} cases[] = {
	{ "success", TWO, S, NULL, "a@b", "", "250",
	    "s@a -> c@d(a@b) NEVER e@f(a@b) NEVER", REPORT " SUCCESS;" },
	{ "success, and more", TWO, S | F | D, "rfc822;o@p", "a@b", "", "250",
	    "s@a -> c@d(a@b) FAILURE,DELAY ORCPT=rfc822;o@p "
	    "e@f(a@b) FAILURE,DELAY ORCPT=rfc822;o@p",
	    REPORT " SUCCESS,FAILURE,DELAY ORCPT=rfc822;o@p;" },
	{ "not success", TWO, F | D, NULL, "a@b", "", "250",
	    "s@a -> c@d(a@b) FAILURE,DELAY e@f(a@b) FAILURE,DELAY", "" },
	{ "never", TWO, DSN_NOTIFY_NEVER, NULL, "a@b", "", "250",
	    "s@a -> c@d(a@b) NEVER e@f(a@b) NEVER", "" },
	{ "nothing said", TWO, 0, NULL, "a@b", "", "250",
	    "s@a -> c@d(a@b) e@f(a@b)", "" },
	{ "no alias", TWO, S, NULL, "k@l", "", "250", "s@a -> k@l SUCCESS", "" },
	{ "of one", "virtual_alias_maps = inline:{{a@b=c@d}}", S, NULL, "a@b",
	    "", "250", "s@a -> c@d(a@b) NEVER", REPORT " SUCCESS;" },
	{ "of itself", "virtual_alias_maps = inline:{{a@b=a@b}}", S, NULL,
	    "a@b", "", "250", "s@a -> a@b SUCCESS", "" },
	{ "canonical is no expansion", "canonical_maps = inline:{{o@p=k@l}}\n"
	    TWO, S, NULL, "o@p", "", "250", "s@a -> k@l(o@p) SUCCESS", "" },
	{ "the same member twice", "virtual_alias_maps = "
	    "inline:{{a@b=c@d, c@d}}", S, NULL, "a@b", "", "250",
	    "s@a -> c@d(a@b) NEVER", REPORT " SUCCESS;" },
	{ "two, and a plain one", TWO, S, NULL, "a@b k@l x@y", "", "250",
	    "s@a -> c@d(a@b) NEVER e@f(a@b) NEVER k@l SUCCESS c@d(x@y) NEVER "
	    "g@h(x@y) NEVER", REPORT " SUCCESS;x@y(x@y) expanded 2.0.0 "
	    "SUCCESS;" },
	{ "in steps, with itself", "virtual_alias_maps = "
	    "inline:{{a@b=c@d}, {c@d=c@d, e@f}}", S, NULL, "a@b", "", "250",
	    "s@a -> c@d(a@b) NEVER e@f(a@b) NEVER", REPORT " SUCCESS;" },
	{ "behind canonical", "canonical_maps = inline:{{o@p=a@b}}\n" TWO, S,
	    NULL, "o@p", "", "250", "s@a -> c@d(o@p) NEVER e@f(o@p) NEVER",
	    "a@b(o@p) expanded 2.0.0 SUCCESS;" },
	{ "a copy is not asked", TWO "\nalways_bcc = x@y", S, NULL, "k@l", "",
	    "250", "s@a -> k@l SUCCESS c@d(x@y) NEVER g@h(x@y) NEVER", "" },
	{ "more than there was room for", "virtual_alias_maps = "
	    "inline:{{@b=c@d, e@f}}\nduplicate_filter_limit = 1000", S, NULL,
	    "1@b 2@b 3@b 4@b 5@b", "", "250",
	    "s@a -> c@d(1@b) NEVER e@f(1@b) NEVER c@d(2@b) NEVER e@f(2@b) "
	    "NEVER c@d(3@b) NEVER e@f(3@b) NEVER c@d(4@b) NEVER e@f(4@b) "
	    "NEVER c@d(5@b) NEVER e@f(5@b) NEVER",
	    "1@b(1@b) expanded 2.0.0 SUCCESS;2@b(2@b) expanded 2.0.0 SUCCESS;"
	    "3@b(3@b) expanded 2.0.0 SUCCESS;4@b(4@b) expanded 2.0.0 SUCCESS;"
	    "5@b(5@b) expanded 2.0.0 SUCCESS;" },
	{ "on hold", TWO "\nheader_checks = regexp:{{/^X/ HOLD}}", S, NULL,
	    "a@b", "X: y\n", "250",
	    "(hold) s@a -> c@d(a@b) NEVER e@f(a@b) NEVER",
	    REPORT " SUCCESS;" },
	{ "refused behind it", TWO "\nheader_checks = "
	    "regexp:{{/^X/ REJECT no}}", S, NULL, "a@b", "X: y\n",
	    "550 5.7.1 no", "not queued", "" },
	{ "discarded", TWO "\nheader_checks = regexp:{{/^X/ DISCARD}}", S,
	    NULL, "a@b", "X: y\n", "250", "not queued", "" },
	{ "put off: too many", TWO "\nvirtual_alias_expansion_limit = 1", S,
	    NULL, "a@b", "", "451 4.6.0 alias expansion error", "not queued",
	    "" },
	{ "redirected", TWO "\nheader_checks = "
	    "regexp:{{/^X/ REDIRECT p@q}}", S, NULL, "a@b", "X: y\n", "250",
	    "s@a -> p@q(a@b) NEVER", REPORT " SUCCESS;" },
};

static void
run_cases(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str content = STR_EMPTY, reply = STR_EMPTY;
		struct str stored = STR_EMPTY;
		struct world_message m = { .sender = "s@a",
			.rcpts = cases[i].rcpts, .notify = cases[i].notify,
			.orcpt = cases[i].orcpt };
		unsigned notes = world_note.count;
		const char *end;

		T_CASE(cases[i].name);
		world_conf(cases[i].conf);
		str_printf(&content, "Subject: x\n%s\n", cases[i].content);
		m.content = str_cstr(&content);
		world_send(&m, &reply, &stored);
		end = strchr(str_cstr(&stored), '\n');
		if (end != NULL)
			str_truncate(&stored,
			    (size_t)(end - str_cstr(&stored)));
		T_EQ_STR(str_cstr(&reply), cases[i].reply);
		T_EQ_STR(str_cstr(&stored), cases[i].stored);
		T_EQ_STR(str_cstr(&world_trace), cases[i].trace);
		fiber_sleep(deadline_in(1));	/* qmgr hears of it */
		if (world_note.count > notes)
			T_EQ_INT(world_note.has_log, cases[i].trace[0] != '\0');
		str_fini(&content);
		str_fini(&reply);
		str_fini(&stored);
	}
}

T_TEST(an_expansion_is_told_of_and_its_members_are_asked_for_less)
{
	world_run(run_cases, NULL);
}

/* ---- the order of things ---- */

static struct str steps;

static void
note_step(const struct fs_change *change)
{
	str_addf(&steps, "%s ", change->op);
}

/* Until its mode says so a file is no message; power may fail after each step. */
static void
look_at_order(void *arg)
{
	struct world_message m = { .sender = "s@a", .rcpts = "a@b",
		.notify = S, .content = "Subject: x\n\n" };
	struct str reply = STR_EMPTY, stored = STR_EMPTY;
	const char *mode, *log;

	(void)arg;
	world_conf(TWO);
	fs_set_recorder(note_step);
	world_send(&m, &reply, &stored);
	fs_set_recorder(NULL);
	T_EQ_STR(str_cstr(&world_trace), REPORT " SUCCESS;");
	log = strstr(str_cstr(&steps), "fsync ");
	mode = strstr(str_cstr(&steps), "chmod ");
	T_NEED(log != NULL && mode != NULL);
	T_CHECK(log < mode);
	T_CHECK(strstr(mode, "fsync ") != NULL);
	str_fini(&steps);
	str_fini(&reply);
	str_fini(&stored);
}

T_TEST(what_is_to_be_told_is_durable_before_there_is_a_message)
{
	world_run(look_at_order, NULL);
}

static void
nothing_is_kept(void *arg)
{
	struct world_message m = { .sender = "s@a", .rcpts = "a@b",
		.notify = S, .content = "Subject: x\n\n" };
	struct str reply = STR_EMPTY, stored = STR_EMPTY;

	(void)arg;
	world_conf(TWO);
	T_NEED(renameat(service_queue_dir(), "trace", service_queue_dir(),
	    "elsewhere") == 0);
	world_send(&m, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "451");
	T_EQ_STR(str_cstr(&stored), "not queued");
	T_CASE("who asks for nothing is not concerned");
	m.notify = F;
	world_send(&m, &reply, &stored);
	T_EQ_STR(str_cstr(&reply), "250");
	T_NEED(renameat(service_queue_dir(), "elsewhere", service_queue_dir(),
	    "trace") == 0);
	str_fini(&reply);
	str_fini(&stored);
}

T_TEST(a_message_whose_sender_could_not_be_told_is_not_taken)
{
	keep_log();
	world_run(nothing_is_kept, NULL);
}
