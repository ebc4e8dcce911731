/*
 * ipaddr - addresses and blocks as people and the network write them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <sys/un.h>

#include "common/base/ipaddr.h"
#include "common/base/random.h"
#include "tests/harness/t.h"

T_TEST(addresses_from_text)
{
	static const struct {
		const char *text, *want;	/* NULL: refused */
	} cases[] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "10.20.30.109", "10.20.30.109" },
		{ "", NULL },
		{ ".", NULL },
		{ "1", NULL },
		{ "1.2.3", NULL },
		{ "1.2.3.", NULL },
		{ "1.2.3.4.", NULL },
		{ "1.2.3.4.5", NULL },
		{ ".1.2.3.4", NULL },
		{ "1..3.4", NULL },
		{ "256.1.1.1", NULL },
		{ "1.1.1.256", NULL },
		{ "1.1.1.0004", NULL },
		{ "010.1.1.1", NULL },
		{ "1.1.1.00", NULL },
		{ "0x1.1.1.1", NULL },
		{ "1.1.1.-1", NULL },
		{ "1.1.1.+1", NULL },
		{ " 1.1.1.1", NULL },
		{ "1.1.1.1 ", NULL },
		{ "1.1.1.1/32", NULL },
		{ "1.1.1.1%1", NULL },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "2001:DB8::A", "2001:db8::a" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "0001:0002:0003:0004:0005:0006:0007:0008",
		    "1:2:3:4:5:6:7:8" },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::FFFF:c000:201", "192.0.2.1" },
		{ "0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4" },
		{ ":", NULL },
		{ ":::", NULL },
		{ "1", NULL },
		{ "1:", NULL },
		{ ":1", NULL },
		{ "1:2:3:4:5:6:7", NULL },
		{ "1:2:3:4:5:6:7:", NULL },
		{ "1:2:3:4:5:6:7:8:", NULL },
		{ "1:2:3:4:5:6:7:8:9", NULL },
		{ "1:2:3:4:5:6:7:8::", NULL },
		{ "::1:2:3:4:5:6:7:8", NULL },
		{ "1::2::3", NULL },
		{ "1:::2", NULL },
		{ "12345::", NULL },
		{ "g::", NULL },
		{ "::1.2.3", NULL },
		{ "::1.2.3.4:5", NULL },
		{ "1.2.3.4::", NULL },
		{ "1:2:3:4:5:6:7:1.2.3.4", NULL },
		{ "::01.2.3.4", NULL },
		{ "[::1]", NULL },
		{ "IPv6:::1", NULL },
		{ "::1%", NULL },
		{ "::1%1", NULL },
		{ "2001:db8::1%1", NULL },
		{ "::ffff:1.2.3.4%1", NULL },
		{ "fe80::1%", NULL },
		{ "fe80::1%0", NULL },
		{ "fe80::1%4294967296", NULL },
		{ "fe80::1%no-such-interface", NULL },
		{ "fe80::1%1%1", NULL },
		{ "fe80::1", "fe80::1" },
		{ "fe80::1%4000000000", "fe80::1%4000000000" },
		{ "ff02::1%4000000000", "ff02::1%4000000000" },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct ipaddr ip = { .family = 99 };
		char text[IPADDR_TEXT_MAX];
		bool ok = ipaddr_scan(span_cstr(cases[i].text), &ip);

		T_CASE(cases[i].text);
		T_EQ_INT(ok, cases[i].want != NULL);
		if (!ok) {
			T_EQ_INT(ip.family, 99);
			continue;
		}
		ipaddr_print(&ip, text);
		T_EQ_STR(text, cases[i].want);
	}
	T_CHECK(!ipaddr_scan(span_of("1.2.3.4\0", 8), &(struct ipaddr){ 0 }));
}

T_TEST(a_scope_is_the_name_of_an_interface)
{
	char text[IPADDR_TEXT_MAX], name[IF_NAMESIZE];
	unsigned index = if_nametoindex("lo");
	struct ipaddr ip;

	if (index == 0)
		T_SKIP("no interface lo");
	T_CHECK(ipaddr_scan(SPAN("fe80::1%lo"), &ip));
	T_EQ_INT(ip.scope, index);
	ipaddr_print(&ip, text);
	T_EQ_STR(text, "fe80::1%lo");
	snprintf(text, sizeof(text), "fe80::1%%%u", index);
	T_CHECK(ipaddr_scan(SPAN(text), &ip));
	ipaddr_print(&ip, text);
	snprintf(name, sizeof(name), "%%%s", "lo");
	T_HAS_STR(text, name);
}

T_TEST(what_the_library_accepts_is_accepted)
{
	static const char letters[] = "0123456789abcF::::....19";

	random_seed(t_seed());
	for (int round = 0; round < 200000; round++) {
		char text[24];
		size_t len = random_below(sizeof(text));
		unsigned char bytes[16];
		struct ipaddr ip;

		for (size_t i = 0; i < len; i++)
			text[i] = letters[random_below(sizeof(letters) - 1)];
		text[len] = '\0';
		T_CASE(text);

		bool want = inet_pton(AF_INET, text, bytes) == 1 ||
		    inet_pton(AF_INET6, text, bytes) == 1;

		if (!T_EQ_INT(ipaddr_scan(span_of(text, len), &ip), want))
			break;
		if (want && ip.family == AF_INET6)
			T_CHECK(memcmp(ip.bytes, bytes, 16) == 0);
	}
}

T_TEST(sockets_and_back)
{
	static const char *const texts[] = { "192.0.2.7", "2001:db8::9",
		"fe80::1%4000000000" };

	for (size_t i = 0; i < T_COUNT(texts); i++) {
		struct sockaddr_storage sa;
		struct ipaddr ip, back;
		uint16_t port = 0;

		T_CASE(texts[i]);
		T_NEED(ipaddr_scan(SPAN(texts[i]), &ip));
		T_EQ_INT(ipaddr_to_sockaddr(&ip, 2525, &sa), i == 0 ?
		    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		T_CHECK(ipaddr_from_sockaddr((struct sockaddr *)&sa, &back,
		    &port));
		T_CHECK(ipaddr_eq(&ip, &back));
		T_EQ_INT(port, 2525);
		T_CHECK(ipaddr_from_sockaddr((struct sockaddr *)&sa, &back,
		    NULL));
	}

	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6,
		.sin6_port = htons(25), .sin6_scope_id = 3 };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct ipaddr ip, want;

	T_NEED(ipaddr_scan(SPAN("10.1.2.3"), &want));
	inet_pton(AF_INET6, "::ffff:10.1.2.3", &mapped.sin6_addr);
	T_CHECK(ipaddr_from_sockaddr((struct sockaddr *)&mapped, &ip, NULL));
	T_CHECK(ipaddr_eq(&ip, &want));
	T_CHECK(!ipaddr_from_sockaddr((struct sockaddr *)&local, &ip, NULL));

	struct ipaddr none = { 0 };
	struct sockaddr_storage sa;

	T_EQ_INT(ipaddr_to_sockaddr(&none, 1, &sa), 0);
}

T_TEST(equality_and_loopback)
{
	static const struct {
		const char *a, *b;
		bool same, a_loops;
	} cases[] = {
		{ "127.0.0.1", "::ffff:127.0.0.1", true, true },
		{ "127.255.0.9", "127.0.0.1", false, true },
		{ "128.0.0.1", "128.0.0.1", true, false },
		{ "::1", "0::1", true, true },
		{ "::2", "::1", false, false },
		{ "fe80::1%4000000001", "fe80::1%4000000002", false, false },
		{ "fe80::1", "fe80::1%4000000002", false, false },
		{ "1.2.3.4", "102:304::", false, false },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct ipaddr a, b;

		T_CASE(cases[i].a);
		T_NEED(ipaddr_scan(SPAN(cases[i].a), &a));
		T_NEED(ipaddr_scan(SPAN(cases[i].b), &b));
		T_EQ_INT(ipaddr_eq(&a, &b), cases[i].same);
		T_EQ_INT(ipaddr_is_loopback(&a), cases[i].a_loops);
	}
}

T_TEST(blocks_from_text)
{
	static const struct {
		const char *text, *want, *why;
	} cases[] = {
		{ "10.0.0.0/8", "10.0.0.0/8", NULL },
		{ "0.0.0.0/0", "0.0.0.0/0", NULL },
		{ "192.0.2.1", "192.0.2.1/32", NULL },
		{ "[192.0.2.0]/24", "192.0.2.0/24", NULL },
		{ "[2001:db8::]/32", "2001:db8::/32", NULL },
		{ "[2001:db8::/32]", "2001:db8::/32", NULL },
		{ "2001:db8::/32", "2001:db8::/32", NULL },
		{ "[::1]", "::1/128", NULL },
		{ "::/0", "::/0", NULL },
		{ "[::ffff:10.0.0.0]/104", "10.0.0.0/8", NULL },
		{ "::ffff:10.1.2.3", "10.1.2.3/32", NULL },
		{ "::ffff:0:0/96", "0.0.0.0/0", NULL },
		{ "10.0.0.0/08", "10.0.0.0/8", NULL },
		{ "10.0.0.1/8", NULL, "non-null host address bits in "
		    "\"10.0.0.1/8\", perhaps you should use \"10.0.0.0/8\" "
		    "instead" },
		{ "[2001:db8::1]/64", NULL, "\"[2001:db8::]/64\" instead" },
		{ "2001:db8::1/64", NULL, "\"2001:db8::/64\" instead" },
		{ "10.0.0.128/24", NULL, "\"10.0.0.0/24\" instead" },
		{ "10.0.0.0/33", NULL, "bad mask length" },
		{ "10.0.0.0/99999999999", NULL, "bad mask value" },
		{ "::/129", NULL, "bad mask length" },
		{ "::ffff:10.0.0.0/8", NULL, "bad mask length" },
		{ "10.0.0.0/", NULL, "bad mask value" },
		{ "10.0.0.0/x", NULL, "bad mask value" },
		{ "10.0.0.0/-1", NULL, "bad mask value" },
		{ "10.0.0.0/255.0.0.0", NULL, "bad mask value" },
		{ "10.0.0.0/8/8", NULL, "not an address" },
		{ "", NULL, "not an address" },
		{ "[]", NULL, "not an address" },
		{ "/8", NULL, "not an address" },
		{ "example.com", NULL, "not an address" },
		{ "[::1", NULL, "unbalanced" },
		{ "[::1/128", NULL, "unbalanced" },
		{ "::1]", NULL, "unbalanced" },
		{ "[[::1]]", NULL, "unbalanced" },
		{ "[", NULL, "unbalanced" },
		{ "]", NULL, "unbalanced" },
	};
	struct str why = STR_EMPTY, text = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct ipblock block = { .bits = 99 };

		T_CASE(cases[i].text);
		str_clear(&why);

		bool ok = ipblock_scan(SPAN(cases[i].text), &block, &why);

		T_EQ_INT(ok, cases[i].want != NULL);
		if (ok) {
			str_clear(&text);
			ipblock_print(&block, &text);
			T_EQ_STR(str_cstr(&text), cases[i].want);
		} else {
			T_EQ_INT(block.bits, 99);
			if (cases[i].why != NULL)
				T_HAS_STR(str_cstr(&why), cases[i].why);
			T_CHECK(!ipblock_scan(SPAN(cases[i].text), &block,
			    NULL));
		}
	}
	str_fini(&why);
	str_fini(&text);
}

T_TEST(blocks_cover_their_addresses)
{
	static const struct {
		const char *block, *ip;
		bool covers;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.1.2", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "::ffff:10.1.1.1", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.129", true },
		{ "192.0.2.4/31", "192.0.2.5", true },
		{ "192.0.2.4/31", "192.0.2.6", false },
		{ "192.0.2.4", "192.0.2.4", true },
		{ "192.0.2.4", "192.0.2.5", false },
		{ "0.0.0.0/0", "1.2.3.4", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "::1", true },
		{ "::/0", "1.2.3.4", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "2001:db8::1", "2001:db8::1", true },
		{ "2001:db8::1", "2001:db8::2", false },
		{ "fe80::/10", "fe80::1%4000000000", true },
	};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct ipblock block;
		struct ipaddr ip;

		T_CASEF("%s %s", cases[i].block, cases[i].ip);
		T_NEED(ipblock_scan(SPAN(cases[i].block), &block, NULL));
		T_NEED(ipaddr_scan(SPAN(cases[i].ip), &ip));
		T_EQ_INT(ipblock_covers(&block, &ip), cases[i].covers);
	}

	struct ipblock none = { 0 };
	struct ipaddr nobody = { 0 };

	T_CASE("nothing covers nothing");
	T_CHECK(!ipblock_covers(&none, &nobody));
}

T_TEST(names_for_reverse_lookups)
{
	static const struct {
		const char *ip, *want;
	} cases[] = {
		{ "192.0.2.1", "1.2.0.192.in-addr.arpa" },
		{ "::ffff:192.0.2.1", "1.2.0.192.in-addr.arpa" },
		{ "2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0."
		    "0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" },
	};
	struct str name = STR_EMPTY;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct ipaddr ip;

		T_NEED(ipaddr_scan(SPAN(cases[i].ip), &ip));
		str_clear(&name);
		ipaddr_reverse_name(&ip, &name);
		T_EQ_STR(str_cstr(&name), cases[i].want);
	}
	str_fini(&name);
}
