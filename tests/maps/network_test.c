/*
 * tcp: and socketmap: as text: names, questions, answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "maps/socketmap_priv.h"
#include "maps/tcp_priv.h"
#include "tests/harness/t_maps.h"

static const struct {
	const char *spec, *why;
} names[] = {
	{ "tcp:127.0.0.1:10001", NULL },
	{ "tcp:[::1]:10001", NULL },
	{ "tcp:localhost:smtp", NULL },
	{ "tcp:127.0.0.1", "need host:port instead of \"127.0.0.1\"" },
	{ "tcp::25", "need host:port instead of \":25\"" },
	{ "tcp:h:", "need host:port instead of \"h:\"" },
	{ "tcp:[::1:25", "need host:port instead of \"[::1:25\"" },
	{ "tcp:::1:25", "need host:port instead of \"::1:25\"" },
	{ "tcp:h:0", "unknown port or service \"0\" in \"h:0\"" },
	{ "tcp:h:65536", "unknown port or service \"65536\" in \"h:65536\"" },
	{ "tcp:h:nosuch", "unknown port or service \"nosuch\" in "
	    "\"h:nosuch\"" },
	{ "socketmap:inet:127.0.0.1:8461:postfix", NULL },
	{ "socketmap:inet:[::1]:8461:postfix", NULL },
	{ "socketmap:unix:/run/x:y:name", NULL },
	{ "socketmap:unix:private/x:name", NULL },
	{ "socketmap:inet:127.0.0.1:8461", "need host:port instead of "
	    "\"127.0.0.1\"" },
	{ "socketmap:unix:/run/x", "socketmap:unix:/run/x: need "
	    "socketmap:inet:host:port:name or socketmap:unix:path:name" },
	{ "socketmap:unix:/run/x:", "socketmap:unix:/run/x:: need "
	    "socketmap:inet:host:port:name or socketmap:unix:path:name" },
	{ "socketmap:unix::x", "socketmap:unix::x: need "
	    "socketmap:inet:host:port:name or socketmap:unix:path:name" },
	{ "socketmap:tcp:h:1:x", "socketmap:tcp:h:1:x: need "
	    "socketmap:inet:host:port:name or socketmap:unix:path:name" },
	{ "socketmap:x", "socketmap:x: need "
	    "socketmap:inet:host:port:name or socketmap:unix:path:name" },
};

T_TEST(names_of_network_tables)
{
	for (size_t i = 0; i < T_COUNT(names); i++) {
		struct str why = STR_EMPTY;
		struct map *m = map_open(names[i].spec, 0, &why);

		T_CASE(names[i].spec);
		T_CHECK((m != NULL) == (names[i].why == NULL));
		T_EQ_STR(str_cstr(&why), names[i].why != NULL ? names[i].why :
		    "");
		map_close(m);
		str_fini(&why);
	}
}

T_TEST(network_tables_match_whole_keys_as_they_are)
{
	static const char *const specs[] = { "tcp:127.0.0.1:1",
		"socketmap:unix:/x:y" };

	for (size_t i = 0; i < T_COUNT(specs); i++) {
		struct map *m = map_open(specs[i], MAP_FOLD, NULL);

		T_EQ_INT(m->flags & MAP_PATTERN, MAP_PATTERN);
		T_EQ_INT(m->flags & MAP_RAW_KEYS, MAP_RAW_KEYS);
		map_close(m);
	}
}

/* uids, commands: nobody says who answers on that port. */
T_TEST(network_tables_are_refused_where_answers_must_be_trusted)
{
	static const char *const specs[] = { "tcp:127.0.0.1:1",
		"socketmap:unix:/x:y", "proxy:tcp:127.0.0.1:1",
		"pipemap:{static:x,tcp:127.0.0.1:1}",
		"debug:tcp:127.0.0.1:1" };

	keep_log();
	for (size_t i = 0; i < T_COUNT(specs); i++) {
		struct map *m = map_open(specs[i], MAP_NO_PROXY, NULL);

		T_CASE(specs[i]);
		T_HAS_STR(logged(), "map is not allowed for security "
		    "sensitive data");
		T_EQ_STR(look(m, "k"), "failed");
		T_HAS_STR(map_why(m), "map is not allowed for security "
		    "sensitive data");
		map_close(m);
	}
}

T_TEST(questions_of_tcp_tables)
{
	static const struct {
		struct span key;
		const char *want;
	} cases[] = {
		{ SPAN_LIT("ann@Example.org"), "get ann@Example.org\n" },
		{ SPAN_LIT(""), "get \n" },
		{ SPAN_LIT("a b%c\n\td"), "get a%20b%25c%0A%09d\n" },
		{ SPAN_LIT("z\xc3\xa9\x7f\0"), "get z%C3%A9%7F%00\n" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str out = STR_EMPTY;

		tcp_question(&out, cases[i].key);
		T_EQ_TEXT(str_span(&out), cases[i].want);
		str_fini(&out);
	}
}

/* want NULL: makes no sense. */
struct reply_case {
	struct span text;
	enum map_status status;
	const char *want;
};

/* As Debian's postmap takes them, but for the NUL. */
static const struct reply_case tcp_replies[] = {
	{ SPAN_LIT("200 abc"), MAP_FOUND, "abc" },
	{ SPAN_LIT("200 a b  c "), MAP_FOUND, "a b  c " },
	{ SPAN_LIT("200  abc"), MAP_FOUND, " abc" },
	{ SPAN_LIT("200\tx"), MAP_FOUND, "x" },
	{ SPAN_LIT("200 "), MAP_FOUND, "" },
	{ SPAN_LIT("200 a%20b%41%e9%E9"), MAP_FOUND, "a bA\xe9\xe9" },
	{ SPAN_LIT("200 a%0Ab"), MAP_FOUND, "a\nb" },
	{ SPAN_LIT("200 a%00b"), MAP_FAILED, NULL },
	{ SPAN_LIT("200 a\0b"), MAP_FAILED, NULL },
	{ SPAN_LIT("200 a%"), MAP_FAILED, NULL },
	{ SPAN_LIT("200 a%4"), MAP_FAILED, NULL },
	{ SPAN_LIT("200 a%zz"), MAP_FAILED, NULL },
	{ SPAN_LIT("200"), MAP_FAILED, NULL },
	{ SPAN_LIT("200abc"), MAP_FAILED, NULL },
	{ SPAN_LIT("2000 x"), MAP_FAILED, NULL },
	{ SPAN_LIT(" 200 x"), MAP_FAILED, NULL },
	{ SPAN_LIT("500 no%20such"), MAP_ABSENT, "" },
	{ SPAN_LIT("500 "), MAP_ABSENT, "" },
	{ SPAN_LIT("500"), MAP_FAILED, NULL },
	{ SPAN_LIT("500 %zz"), MAP_FAILED, NULL },
	{ SPAN_LIT("400 later%20on"), MAP_FAILED, "the server says: later on" },
	{ SPAN_LIT("300 x"), MAP_FAILED, NULL },
	{ SPAN_LIT(""), MAP_FAILED, NULL },
	{ SPAN_LIT("get x"), MAP_FAILED, NULL },
};

static const struct reply_case socketmap_replies[] = {
	{ SPAN_LIT("OK abc"), MAP_FOUND, "abc" },
	{ SPAN_LIT("OK  a b "), MAP_FOUND, " a b " },
	{ SPAN_LIT("OK a\nb"), MAP_FOUND, "a\nb" },
	{ SPAN_LIT("OK "), MAP_FOUND, "" },
	{ SPAN_LIT("OK"), MAP_FAILED, NULL },
	{ SPAN_LIT("OK a\0b"), MAP_FAILED, NULL },
	{ SPAN_LIT("ok abc"), MAP_FAILED, NULL },
	{ SPAN_LIT("OKabc"), MAP_FAILED, NULL },
	{ SPAN_LIT("NOTFOUND "), MAP_ABSENT, "" },
	{ SPAN_LIT("NOTFOUND"), MAP_ABSENT, "" },
	{ SPAN_LIT("NOTFOUND never heard"), MAP_ABSENT, "" },
	{ SPAN_LIT("TEMP why"), MAP_FAILED,
	    "socketmap server temporary error: why" },
	{ SPAN_LIT("TIMEOUT why not"), MAP_FAILED,
	    "socketmap server timeout error: why not" },
	{ SPAN_LIT("PERM "), MAP_FAILED, "socketmap server permanent error" },
	{ SPAN_LIT("PERM"), MAP_FAILED, "socketmap server permanent error" },
	{ SPAN_LIT("FOO x"), MAP_FAILED, NULL },
	{ SPAN_LIT(""), MAP_FAILED, NULL },
	{ SPAN_LIT(" OK x"), MAP_FAILED, NULL },
};

static void
parse(const struct reply_case *cases, size_t count,
    bool (*parser)(struct span text, enum map_status *status_out,
    struct str *value_out, struct str *why))
{
	for (size_t i = 0; i < count; i++) {
		struct str value = STR_EMPTY, why = STR_EMPTY;
		enum map_status status;

		t_case("%.*s", SPAN_ARG(cases[i].text));
		str_sets(&value, "before");
		bool sense = parser(cases[i].text, &status, &value, &why);

		T_EQ_INT(status, cases[i].status);
		T_CHECK(sense == (cases[i].want != NULL));
		T_CHECK((status == MAP_FAILED) == (str_len(&why) > 0));
		if (cases[i].want == NULL)
			T_CHECK(str_len(&why) > 0);
		else if (status == MAP_FAILED)
			T_EQ_STR(str_cstr(&why), cases[i].want);
		else if (status == MAP_FOUND)
			T_EQ_TEXT(str_span(&value), cases[i].want);
		str_fini(&value);
		str_fini(&why);
	}
}

T_TEST(answers_of_tcp_servers)
{
	parse(tcp_replies, T_COUNT(tcp_replies), tcp_reply_parse);
}

T_TEST(answers_of_socketmap_servers)
{
	parse(socketmap_replies, T_COUNT(socketmap_replies),
	    socketmap_reply_parse);
}

T_TEST(netstrings_begin_with_a_length_within_bounds)
{
	static const struct {
		const char *bytes;
		size_t limit;
		enum netstring_status want;
		size_t head, text;
	} cases[] = {
		{ "6:OK abc,", 100, NETSTRING_OK, 2, 6 },
		{ "0:,", 100, NETSTRING_OK, 2, 0 },
		{ "0006:", 100, NETSTRING_OK, 5, 6 },
		{ "100:", 100, NETSTRING_OK, 4, 100 },
		{ "101:", 100, NETSTRING_TOO_LONG, 0, 0 },
		{ "99999999999999999999", SIZE_MAX, NETSTRING_BAD, 0, 0 },
		{ "0000000000", 100, NETSTRING_SHORT, 0, 0 },
		{ "00000000000", 100, NETSTRING_BAD, 0, 0 },
		{ "", 100, NETSTRING_SHORT, 0, 0 },
		{ "10", 100, NETSTRING_SHORT, 0, 0 },
		{ ":", 100, NETSTRING_BAD, 0, 0 },
		{ " 6:", 100, NETSTRING_BAD, 0, 0 },
		{ "-6:", 100, NETSTRING_BAD, 0, 0 },
		{ "6 :", 100, NETSTRING_BAD, 0, 0 },
		{ "x", 100, NETSTRING_BAD, 0, 0 },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		size_t head = 0, text = 0;

		T_CASE(cases[i].bytes);
		T_EQ_INT(netstring_head(span_cstr(cases[i].bytes),
		    cases[i].limit, &head, &text), cases[i].want);
		T_EQ_INT(head, cases[i].head);
		T_EQ_INT(text, cases[i].text);
	}
	struct str out = STR_EMPTY;

	socketmap_question(&out, SPAN("Name"), SPAN("a key"));
	T_EQ_TEXT(str_span(&out), "10:Name a key,");
	str_fini(&out);
}
