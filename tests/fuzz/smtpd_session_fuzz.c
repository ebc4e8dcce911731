/*
 * smtpd_session: whatever a client sends, each reply is a reply, each message
 * that was taken has its 250, and no end of content is seen but CR LF "." CR LF.
 *
 * The services behind smtpd are functions here, so a session needs no process
 * and no wait. The first byte chooses who the client is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/panic.h"
#include "common/io/fiber.h"
#include "common/io/loop.h"
#include "common/mail/address.h"
#include "common/mail/conf_core.h"
#include "common/service/service.h"
#include "daemons/shared/flush_client.h"
#include "daemons/shared/verify_client.h"
#include "daemons/smtpd/clients.h"
#include "daemons/smtpd/restrict.h"
#include "tests/fuzz/surroundings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char conf[] =
    "compatibility_level = 3.9\n"
    "myhostname = mail.test\n"
    "mydestination = mail.test, local.test\n"
    "mynetworks = 192.0.2.0/24\n"
    "inet_interfaces = 127.0.0.1\n"
    "local_recipient_maps = inline:{user=x, postmaster=x, box=x}\n"
    "smtpd_peername_lookup = no\n"
    "smtpd_client_connection_count_limit = 0\n"
    "smtpd_authorized_xclient_hosts = 192.0.2.0/24\n"
    "smtpd_authorized_xforward_hosts = 192.0.2.0/24\n"
    "smtpd_error_sleep_time = 0\n"
    "smtpd_soft_error_limit = 100\n"
    "smtpd_hard_error_limit = 100\n"
    "smtpd_recipient_limit = 5\n"
    "message_size_limit = 2000\n"
    "smtpd_forbid_unauth_pipelining = no\n"
    "smtpd_delay_reject = ${stress?{no}:{yes}}\n"
    "smtpd_helo_restrictions = warn_if_reject reject_invalid_helo_hostname,\n"
    "  check_helo_access inline:{later.example=DEFER_IF_PERMIT}\n"
    "smtpd_sender_restrictions = reject_non_fqdn_sender,\n"
    "  check_sender_access inline:{{bad.example=REJECT 5.1.1 no},\n"
    "    {hold.example=HOLD}, {pre.example=PREPEND X-A: b}, {<>=DUNNO}}\n"
    "smtpd_recipient_restrictions = reject_non_fqdn_recipient,\n"
    "  check_recipient_access inline:{{trap@=HANGUP}, {moved@=521 gone}}\n"
    "smtpd_data_restrictions = reject_multi_recipient_bounce\n"
    "address_verify_poll_count = 1\n"
    "smtpd_history_flush_threshold = 30\n"
    "notify_classes = bounce, data, policy, protocol, resource, software\n";

static const struct service service = { .name = "smtpd" };
static unsigned taken;			/* messages that cleanup took */

/* ---- the services ---- */

enum flush_status
flush_site(struct span site, struct deadline deadline)
{
	(void)deadline;
	return site.len % 3;
}

struct cleanup_client {
	struct str content;
	bool over;
	bool is_notice;			/* of ours, to the postmaster */
};

static void
forget(void *arg)
{
	struct cleanup_client *c = arg;

	str_fini(&c->content);
}

struct cleanup_client *
cleanup_client_begin(struct arena *arena, const struct cleanup_begin *begin,
    struct deadline deadline)
{
	struct cleanup_client *c = arena_zalloc(arena, sizeof(*c));
	const struct envelope *e = begin->envelope.items;

	(void)deadline;
	CHECK(queue_id_valid(begin->queue_id));
	CHECK(!span_has(e->sender, '\n') && !span_has(e->sender, '\0'));
	CHECK(!span_has(e->helo, '\n'));
	c->is_notice = (e->flags & ENVELOPE_INTERNAL) != 0;
	arena_on_free(arena, forget, c);
	return c;
}

void
cleanup_client_rcpt(struct cleanup_client *c, const struct envelope_rcpt *rcpt)
{
	CHECK(!c->over && rcpt->address.len > 0);
	CHECK(!span_has(rcpt->address, '\n') && !span_has(rcpt->address, '\0'));
}

enum io_status
cleanup_client_data(struct cleanup_client *c, struct span bytes,
    struct deadline deadline)
{
	(void)deadline;
	CHECK(!c->over);
	str_add(&c->content, bytes);
	return IO_OK;
}

void
cleanup_client_finish(struct cleanup_client *c,
    struct cleanup_result *result_out, struct deadline deadline)
{
	struct span content = str_span(&c->content);

	(void)deadline;
	CHECK(!c->over);
	c->over = true;
	/* Line ends are LF, and the first line is ours. */
	CHECK(content.len > 0 && content.p[content.len - 1] == '\n');
	*result_out = (struct cleanup_result){ .status = CLEANUP_OK };
	if (c->is_notice) {
		CHECK(span_starts(content, SPAN("Received: by "))
		    && !span_has(content, '\r') && !span_has(content, '\0')
		    && content.len < 2 * TRANSCRIPT_MOST);
		return;
	}
	CHECK(span_starts(content, SPAN("Received: from "))
	    || span_starts(content, SPAN("X-A: b\n")));
	taken++;
}

void
cleanup_client_abort(struct cleanup_client *c)
{
	c->over = true;
}

void
cleanup_status_reply(uint64_t status, const char **code_out,
    const char **dsn_out, const char **text_out)
{
	CHECK(status == CLEANUP_OK);
	*code_out = "250";
	*dsn_out = "2.0.0";
	*text_out = "Ok";
}

/* ---- what came of it ---- */

static bool
ignores_case(struct span text, const char *word, size_t at)
{
	return span_starts_nocase(span_skip(text, at), SPAN(word));
}

/* How many messages these bytes can hold at most. */
static unsigned
ends_of_content(struct span input, bool bare_lf_ends)
{
	unsigned count = 0;

	for (size_t i = 0; i < input.len; i++)
		count += ignores_case(input, "BDAT", i)
		    || ignores_case(input, "\n.\r\n", i)
		    || (bare_lf_ends && (ignores_case(input, "\n.\n", i)));
	return count;
}

/* "250-text" or "250 text"; how many said that a message is queued. */
static unsigned
check_replies(struct span output)
{
	unsigned queued = 0;

	while (output.len > 0) {
		ssize_t end = span_search(output, SPAN("\r\n"));
		struct span line = span_sub(output, 0, (size_t)end);

		CHECK(end >= 4);
		CHECK(ascii_is_digit(line.p[0]) && line.p[0] >= '2'
		    && line.p[0] <= '5' && ascii_is_digit(line.p[1])
		    && ascii_is_digit(line.p[2]));
		CHECK(line.p[3] == ' ' || line.p[3] == '-');
		CHECK(!span_has(line, '\n') && !span_has(line, '\r')
		    && !span_has(line, '\0'));
		queued += span_starts(line, SPAN("250 2.0.0 Ok: "))
		    && span_search(line, SPAN("queued as")) > 0;
		output = span_skip(output, (size_t)end + 2);
	}
	return queued;
}

struct talk {
	struct span rest;		/* what the client has yet to say */
	struct str output;
	struct ipaddr ip;
};

static ssize_t
read_talk(struct stream *s, char *buf, size_t len, struct deadline deadline,
    enum io_status *status_out)
{
	struct talk *talk = stream_impl(s);
	size_t n = talk->rest.len < len ? talk->rest.len : len;

	(void)deadline;
	(void)status_out;
	if (n > 0)
		memcpy(buf, talk->rest.p, n);
	talk->rest = span_skip(talk->rest, n);
	return (ssize_t)n;
}

static ssize_t
write_talk(struct stream *s, const char *buf, size_t len,
    struct deadline deadline, enum io_status *status_out)
{
	struct talk *talk = stream_impl(s);

	(void)deadline;
	(void)status_out;
	str_add(&talk->output, span_of(buf, len));
	return (ssize_t)len;
}

static bool
always(struct stream *s)
{
	(void)s;
	return true;
}

static void
nothing_to_close(struct stream *s)
{
	(void)s;
}

static const struct stream_ops talk_ops = { .name = "talk",
	.read = read_talk, .write = write_talk, .pending = always,
	.close = nothing_to_close };

static void
run(void *arg)
{
	struct talk *talk = arg;
	struct sock_peer peer = { .ip = talk->ip, .port = 40000 };

	session_serve(stream_open_ops(&talk_ops, talk), &peer);
}

static void
set_up(void)
{
	surroundings_quiet();
	surroundings_configure(conf, &smtpd_params);
	service_double(&service, NULL);
	postmaster_setup();
	clients_setup();
	restrict_setup();
	unlisted_setup();
	loop_start();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct talk talk;
	struct span input;
	bool trusted;

	if (!ready)
		set_up();
	ready = true;
	if (size == 0)
		return 0;
	input = span_of((const char *)data + 1, size - 1);
	trusted = data[0] & 1;
	talk = (struct talk){ .rest = input };
	CHECK(ipaddr_scan(trusted ? SPAN("192.0.2.7") : SPAN("198.51.100.7"),
	    &talk.ip));
	taken = 0;
	fiber_run_main(run, &talk);
	CHECK(check_replies(str_span(&talk.output)) == taken);
	CHECK(taken <= ends_of_content(input, trusted));
	str_fini(&talk.output);
	return 0;
}
