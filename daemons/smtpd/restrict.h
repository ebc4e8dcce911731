/*
 * restrict - restriction lists: what a client, its greeting, a sender and a
 * recipient have to pass.
 *
 * A restriction is a row of a table (restrict.c). A row answers: nothing to
 * say, permit (this list is over), or reject with the text of the reply.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DAEMONS_SMTPD_RESTRICT_H
#define DAEMONS_SMTPD_RESTRICT_H

#include "daemons/smtpd/smtpd_priv.h"
#include "maps/maps.h"

enum check_result { CHECK_DUNNO, CHECK_PERMIT, CHECK_REJECT };

enum check_stage { STAGE_CLIENT, STAGE_HELO, STAGE_SENDER, STAGE_RCPT,
	STAGE_DATA, STAGE_END_OF_DATA };

/* What stays of verdicts given before RCPT (smtpd_delay_reject = no). */
struct check_memory {
	char *if_permit[STAGE_RCPT];
};

/* What a reply calls the thing that was looked at. */
#define CLASS_CLIENT "Client host"
#define CLASS_REVERSE_CLIENT "Unverified Client host"
#define CLASS_HELO "Helo command"
#define CLASS_SENDER "Sender address"
#define CLASS_RCPT "Recipient address"
#define CLASS_ETRN "Etrn command"
#define CLASS_DATA "Data command"
#define CLASS_END_OF_DATA "End-of-data"

struct restriction;
struct check {
	struct session *s;
	struct arena *arena;
	struct arena *own;		/* to be freed; or NULL */
	enum check_stage stage;
	/* The list at work: `<name>: class rejected: ...` */
	const char *reply_class;
	struct span reply_name;
	/* The recipient at hand, as given and resolved. */
	struct span rcpt;
	const struct rewrite_want *to;
	struct span rcpt_key;		/* as tables know it */
	struct span etrn;		/* the site of ETRN */
	bool listed;			/* reject_unlisted_recipient has run */

	struct str text;		/* CHECK_REJECT: "554 5.7.1 <x>: ..." */
	char *if_permit, *if_reject;	/* texts; NULL: not asked for */
	bool warn;			/* inside warn_if_reject */
	bool misconfigured;
	unsigned trouble;		/* of the next refusal; 0: policy */
	unsigned depth;
};

/* arena: of the transaction, or NULL for a short-lived one. */
void check_begin(struct check *c, struct session *s, struct arena *arena);
void check_end(struct check *c);
void check_memory_free(struct check_memory **memory);

/* Each runs what smtpd_delay_reject leaves to this moment. All suspend. */
enum check_result check_client(struct check *c);
enum check_result check_helo(struct check *c);
enum check_result check_sender(struct check *c);
enum check_result check_rcpt(struct check *c, struct span rcpt,
    const struct rewrite_want *to);
enum check_result check_data(struct check *c);
enum check_result check_end_of_data(struct check *c);
enum check_result check_etrn(struct check *c, struct span site);
/* local_header_rewrite_clients. */
bool check_is_local_rewrite(struct check *c);

/* Before the jail: parses all lists and opens their tables. Syntax that cannot
 * be understood is remembered: it answers 451 4.3.5 with a warning. */
void restrict_setup(void);

void restrict_close(void);		/* tests: before another set-up */

/* Logs what restrict_setup could not understand: warnings, where mail goes on. */
void restrict_warn(void);
/* The same for `waypost check`: errors with file and line, and false if there
 * was something. */
bool restrict_report(void);

enum restrict_list_id { LIST_CLIENT, LIST_HELO, LIST_SENDER, LIST_RELAY,
	LIST_RCPT, LIST_DATA, LIST_END_OF_DATA, LIST_ETRN, LIST_REWRITE, LIST_COUNT };
#define RESTRICT_DEPTH_MOST 20		/* classes inside classes */

struct restriction_list;
struct restriction_type;
const struct restriction_list *restrict_list(enum restrict_list_id id);
/* smtpd_log_access_permit_actions names it. */
bool restrict_logs_permit(struct span name);
/* Some list stops mail from anywhere to anywhere. */
bool restrict_guards_relaying(void);
const struct restriction_type *restrict_find_type(struct span word);
const struct restriction_type *restrict_nth_type(size_t index);
const struct restriction_list *restrict_find_class(struct span word);

/* ---- for the restrictions themselves ---- */

typedef enum check_result restriction_fn(struct check *c,
    const struct restriction *r);

struct restriction_type {
	const char *name;
	enum restriction_takes { TAKES_NOTHING, TAKES_TABLE, TAKES_SECONDS }
	    takes;
	restriction_fn *run;
};

struct restriction_list {
	struct restriction *items;
	size_t count, room;
};

struct restriction {
	const struct restriction_type *type; /* NULL: a class, or no good */
	const char *word;		/* as written, for messages */
	const char *table;
	struct maps *maps;
	uint32_t seconds;
	struct restriction_list *list;	/* of a class */
	const char *trouble;		/* why it cannot run */
};

/* The verdict; the digit of dsn follows the code. With warn it is only
 * logged. */
__attribute__((format(printf, 4, 5))) enum check_result
check_refuse(struct check *c, int code, const char *dsn,
    const char *format, ...);
/* An address in external form, in the arena. */
struct span check_shown(struct check *c, struct span address);
/* Has it a local part and a domain as RFC 5321 wants them? */
bool check_is_full_address(struct span address);
/* access(5): a code that speaks of a sender, a recipient or an address at all
 * is made one that fits what was looked up. dsn: room for 12 bytes. */
void check_fit_dsn(char *dsn, const char *reply_class);
/* Why is in the log already: tables say it themselves. */
enum check_result check_lookup_failed(struct check *c, struct span what);
enum check_result check_misconfigured(struct check *c, const char *why);
enum check_result check_defer_if_permit(struct check *c, int code,
    const char *dsn, const char *text);
enum check_result check_defer_if_reject(struct check *c, int code,
    const char *dsn, const char *text);
/* A word (and those behind it) that a table named. */
enum check_result check_run_words(struct check *c, struct span words,
    const char *table);
enum check_result check_run_list(struct check *c,
    const struct restriction_list *list);

/* A value of check_*_access; see access(5). */
enum check_result access_action(struct check *c, struct span value,
    const char *table, const char *reply_class, struct span reply_name);

/* Rows of restrict.c. */
restriction_fn run_permit, run_reject, run_defer, run_defer_if_permit,
    run_defer_if_reject, run_warn_if_reject, run_reject_unauth_pipelining,
    run_never, run_sleep;
restriction_fn run_permit_mynetworks, run_permit_inet_interfaces,
    run_reject_unknown_client, run_reject_unknown_reverse_client,
    run_check_client_access, run_check_address_map,
    run_check_reverse_client_access;
restriction_fn run_reject_invalid_helo, run_reject_non_fqdn_helo,
    run_check_helo_access, run_check_etrn_access;
restriction_fn run_reject_non_fqdn_sender, run_reject_unlisted_sender,
    run_check_sender_access;
restriction_fn run_reject_unauth_destination, run_defer_unauth_destination,
    run_permit_auth_destination, run_reject_non_fqdn_rcpt,
    run_reject_unlisted_rcpt, run_check_rcpt_access,
    run_reject_multi_recipient_bounce;

/* access.c: keys in the documented orders. */
enum check_result access_by_address(struct check *c,
    const struct restriction *r, struct span address,
    const char *reply_class, struct span reply_name);
enum check_result access_by_name(struct check *c,
    const struct restriction *r, struct span name, const char *ip,
    const char *reply_class, struct span reply_name);

/* restrict_unverified.c */
restriction_fn run_reject_unverified_sender, run_reject_unverified_rcpt;
void unverified_setup(void);		/* fatal on nonsense */
bool unverified_is_own_sender(const struct check *c);
/* What a dated address_verify_sender stands for: the same without its date, in the
 * arena; any other address is itself. */
struct span unverified_undated(struct span address, struct arena *arena);

/* unlisted.c */
/* compat.c: before the jail; then what is said of defaults of old levels: the
 * client was found in mynetworks; mail for a domain of relay_domains is taken; a
 * recipient was accepted, or refused by smtpd_recipient_restrictions. */
void compat_setup(void);
void compat_networks(const struct session *s);
void compat_relay_domain(struct span rcpt);
void compat_accepted(struct check *c, bool authorized);
void compat_refused(struct check *c);

/* Does mail for the recipient end here, or where we relay to? */
bool check_is_authorized(struct check *c);

void unlisted_setup(void);
enum check_result unlisted_rcpt(struct check *c, struct span given,
    const struct rewrite_want *to, const char *reply_class);

#endif
