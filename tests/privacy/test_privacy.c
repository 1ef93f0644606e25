/* Runs the suites of data/privacy; here: addresses, against published vectors.
 * Relies on: data/privacy/cryptopan.h, Check.
 * Relied on by: ctest. */
#include "data/privacy/cryptopan.h"
#include "tests/privacy/suites.h"

#include <stdlib.h>

static CoreError error;

/* The key and addresses of the sample trace that comes with the authors' implementation. */
static const uint8_t sample_key[CRYPTOPAN_KEY_SIZE] = {21,  34, 23,  141, 51, 164, 207, 128, 19,  10,  91,
                                                       22,  73, 144, 125, 16, 216, 152, 143, 131, 121, 121,
                                                       101, 39, 98,  87,  76, 45,  42,  132, 34,  2};
static const struct {
    const char *from, *to;
} sample[] = {
    {"128.11.68.132", "135.242.180.132"},   {"129.118.74.4", "134.136.186.123"},
    {"130.132.252.244", "133.68.164.234"},  {"141.223.7.43", "141.167.8.160"},
    {"141.233.145.108", "141.129.237.235"}, {"152.163.225.39", "151.140.114.167"},
    {"156.29.3.236", "147.225.12.42"},      {"165.247.96.84", "162.9.99.234"},
    {"166.107.77.190", "160.132.178.185"},  {"192.102.249.13", "252.138.62.131"},
};

static WireAddress address_of(const char *text) {
    WireAddress address;
    ck_assert(wire_address_parse(text, &address));
    return address;
}

START_TEST(ipv4_is_as_published) {
    CryptoPan pan;
    char text[WIRE_ADDRESS_TEXT_MAX];
    ck_assert_int_eq(cryptopan_init(&pan, sample_key, &error), CORE_OK);
    WireAddress address = address_of(sample[_i].from);
    cryptopan_address(&pan, &address);
    ck_assert_str_eq(wire_address_text(&address, false, text, sizeof text), sample[_i].to);
    cryptopan_free(&pan);
}
END_TEST

/* The example in the documentation of yacryptopan, all bits of IPv6 replaced. */
START_TEST(ipv6_is_as_published) {
    CryptoPan pan;
    char text[WIRE_ADDRESS_TEXT_MAX];
    ck_assert_int_eq(cryptopan_init(&pan, (const uint8_t *)"32-char-str-for-AES-key-and-pad.", &error),
                     CORE_OK);
    WireAddress address = address_of("2001:db8::1");
    cryptopan_bits(&pan, address.ip, 128);
    ck_assert_str_eq(wire_address_text(&address, false, text, sizeof text),
                     "27fe:8bc7:fee:1e:1e1f:f0fe:f0e1:83fd");
    address = address_of("192.0.2.1");
    cryptopan_address(&pan, &address);
    ck_assert_str_eq(wire_address_text(&address, false, text, sizeof text), "192.0.125.244");
    cryptopan_free(&pan);
}
END_TEST

static unsigned common_bits(const uint8_t *a, const uint8_t *b) {
    unsigned bits = 0;
    while (bits < 128 && !((a[bits / 8] ^ b[bits / 8]) >> (7 - bits % 8) & 1))
        bits++;
    return bits;
}

static void random_pair(uint32_t *seed, bool v4, WireAddress *a, WireAddress *b) {
    *a = *b = address_of(v4 ? "10.0.0.1" : "fd00::1");
    for (int i = v4 ? 12 : 0; i < 16; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        a->ip[i] = b->ip[i] = *seed >> 30 ? (uint8_t)(*seed >> 20) : 0;
    }
    *seed = *seed * 1664525u + 1013904223u;
    unsigned bit = (v4 ? 96 : 0) + (*seed >> 8) % (v4 ? 32 : 128);
    b->ip[bit / 8] ^= (uint8_t)(1u << (7 - bit % 8));
}

START_TEST(prefixes_are_preserved) {
    CryptoPan pan;
    uint32_t seed = 7;
    ck_assert_int_eq(cryptopan_init(&pan, sample_key, &error), CORE_OK);
    for (int i = 0; i < 4000; i++) {
        WireAddress a, b;
        char before[WIRE_ADDRESS_TEXT_MAX], after[WIRE_ADDRESS_TEXT_MAX];
        random_pair(&seed, i % 2, &a, &b);
        WireAddress hold = address_of("0.0.0.0");
        if (wire_same_ip(&a, &hold) || wire_same_ip(&b, &hold)) continue;
        unsigned bits = common_bits(a.ip, b.ip);
        wire_address_text(&a, false, before, sizeof before);
        cryptopan_address(&pan, &a);
        cryptopan_address(&pan, &b);
        wire_address_text(&a, false, after, sizeof after);
        ck_assert_uint_eq(common_bits(a.ip, b.ip), bits);
        if (i % 2 == 0) ck_assert_uint_eq(strlen(before), strlen(after));
    }
    cryptopan_free(&pan);
}
END_TEST

START_TEST(hold_stays_hold) {
    CryptoPan pan;
    ck_assert_int_eq(cryptopan_init(&pan, sample_key, &error), CORE_OK);
    WireAddress zero = address_of("0.0.0.0"), same = zero;
    cryptopan_address(&pan, &zero);
    ck_assert(wire_same_ip(&zero, &same));
    zero = same = address_of("::");
    cryptopan_address(&pan, &zero);
    ck_assert(wire_same_ip(&zero, &same));
    cryptopan_free(&pan);
}
END_TEST

static Suite *addresses_suite(void) {
    Suite *suite = suite_create("addresses");
    TCase *tests = tcase_create("cryptopan");
    tcase_add_loop_test(tests, ipv4_is_as_published, 0, (int)(sizeof sample / sizeof *sample));
    tcase_add_test(tests, ipv6_is_as_published);
    tcase_add_test(tests, prefixes_are_preserved);
    tcase_add_test(tests, hold_stays_hold);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(addresses_suite());
    srunner_add_suite(runner, words_suite());
    srunner_add_suite(runner, message_suite());
    srunner_add_suite(runner, sealed_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
