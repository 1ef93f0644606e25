/* Siblings: relations stay, validity stays, labels, runs and splits go with them.
 * Relies on: data/dataset/augment.h, disguise.h, restyle.h, import.h, data/samples.
 * Relied on by: test_dataset.c. */
#include "data/dataset/augment.h"
#include "data/dataset/disguise.h"
#include "data/dataset/import.h"
#include "data/dataset/restyle.h"
#include "data/dataset/store.h"
#include "data/wire/osip.h"
#include "tests/dataset/suites.h"
#include "tests/dataset/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CoreError error;

/* ---- identities ---- */

START_TEST(identities_are_one_for_one_and_consistent) {
    static const char text[] =
        "INVITE sip:alice@10.1.22.133:5060 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP [fd66::1a]:5060;branch=z9hG4bK7;received=10.1.22.133\r\n"
        "To: <sips:Alice@10.1.22.133>\r\nFrom: \"a\" <sip:+4930123456@host.example>;tag=1\r\n"
        "Contact: <sip:101@[fd66::1a]>\r\nDate: Mon, 30 Nov 2026 19:40:00 GMT\r\n"
        "Authorization: Digest username=\"101\", uri=\"sip:10.1.22.133\"\r\n\r\n"
        "c=IN IP4 0.0.0.0\r\nc=IN IP6 fd66:0:0:1::9\r\n";
    Disguise disguise;
    char copy[sizeof text];
    memcpy(copy, text, sizeof text);
    disguise_draw((uint64_t)_i, &disguise);
    disguise_text(&disguise, (uint8_t *)copy, sizeof text - 1);
    ck_assert_uint_eq(strlen(copy), strlen(text));
    ck_assert_ptr_nonnull(strstr(copy, "19:40:00 GMT"));
    ck_assert_ptr_nonnull(strstr(copy, "IP4 0.0.0.0"));
    ck_assert_ptr_nonnull(strstr(copy, "sip:+493012"));
    /* The text's address is the wire's. */
    WireAddress address;
    char shown[WIRE_ADDRESS_TEXT_MAX];
    ck_assert(wire_address_parse("10.1.22.133", &address));
    disguise_address(&disguise, &address);
    wire_address_text(&address, false, shown, sizeof shown);
    ck_assert_uint_eq(strlen(shown), strlen("10.1.22.133"));
    const char *first = strstr(copy, shown);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first + 1, shown));
    ck_assert(wire_address_parse("fd66::1a", &address));
    disguise_address(&disguise, &address);
    wire_address_text(&address, false, shown, sizeof shown);
    ck_assert_ptr_nonnull(strstr(copy, shown));
    /* The same user in both places; capitals stay capitals. */
    char user[6] = {0};
    memcpy(user, copy + strlen("INVITE sip:"), 5);
    user[0] = (char)(user[0] - 'a' + 'A');
    ck_assert_ptr_nonnull(strstr(copy, user));
    /* username is the Contact's user. */
    char *contact = strstr(copy, "Contact: <sip:") + strlen("Contact: <sip:");
    ck_assert(memcmp(strstr(copy, "username=\"") + strlen("username=\""), contact, 3) == 0);
    ck_assert_int_eq(contact[0], '1');
}
END_TEST

START_TEST(different_addresses_stay_different) {
    Disguise disguise;
    bool seen[256] = {false};
    disguise_draw(7, &disguise);
    for (int value = 0; value < 256; value++) {
        WireAddress address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, (uint8_t)value}, 5060};
        disguise_address(&disguise, &address);
        ck_assert(!seen[address.ip[15]]);
        ck_assert_uint_eq(address.port, 5060);
        seen[address.ip[15]] = true;
    }
}
END_TEST

START_TEST(attack_text_in_user_parts_stays) {
    static const char text[] = "sip:1' OR '1'='1@h sip:%27%20or@h username=\"admin'--\" sip:";
    Disguise disguise;
    char copy[sizeof text];
    memcpy(copy, text, sizeof text);
    disguise_draw(3, &disguise);
    disguise_text(&disguise, (uint8_t *)copy, sizeof text - 1);
    ck_assert_str_eq(copy, text);
}
END_TEST

/* ---- styles ---- */

START_TEST(a_style_is_another_form_of_the_same) {
    static const char text[] =
        "OPTIONS sip:bob@example.com SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1\r\n"
        "Max-Forwards: 69\r\nf: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n"
        "Call-ID: x\r\nCSeq: 1 OPTIONS\r\nUser-Agent: phone\r\nContent-Length: 0\r\n\r\n";
    static uint8_t out[WIRE_MESSAGE_MAX];
    static WireScan scan;
    Restyle style = {.order = 12345,
                     .names = RESTYLE_UPPER,
                     .form = RESTYLE_LONG,
                     .padding = 2,
                     .dropped = UINT64_C(1) << WIRE_HEADER_USER_AGENT,
                     .added = 1};
    uint32_t length = restyle_message(&style, (const uint8_t *)text, sizeof text - 1, &scan, out);
    ck_assert_uint_gt(length, 0);
    ck_assert_uint_eq(scan.vias, 2);
    ck_assert_uint_eq(scan.anomalies, 0);
    ck_assert_uint_eq(scan.count[WIRE_HEADER_USER_AGENT], 0);
    ck_assert_uint_eq(scan.count[WIRE_HEADER_SUPPORTED], 1);
    out[length] = '\0';
    const char *line = strstr((char *)out, "\r\n");
    ck_assert(strncmp(line, "\r\nVIA:   SIP/2.0/UDP 10.0.0.1;", 30) == 0);
    ck_assert_ptr_nonnull(strstr((char *)out, "\r\nFROM:   <sip:alice"));
    ck_assert_ptr_nonnull(strstr((char *)out, "\r\nSUPPORTED:   replaces, timer\r\n"));
}
END_TEST

/* ---- a whole capture ---- */

static const char *sample(void) {
    return SAMPLES_DIR "/demo.pcap.xz";
}

static void import_sample(Dataset *dataset) {
    static const DatasetClass classes[] = {
        {"flood", 5},       {"distributed_flood", 20}, {"scan", 5},   {"enumeration", 5},
        {"bruteforce", 10}, {"teardown", 0},           {"hijack", 5}, {"malformed", 0},
        {"injection", 0},   {"toll_fraud", 10},        {"spit", 10}};
    DatasetImportOptions options = {.otherwise = DATASET_BENIGN};
    DatasetImportReport report;
    DatasetSplit *split;
    ck_assert_int_eq(dataset_init(dataset, classes, 11, &error), CORE_OK);
    ck_assert_msg(dataset_import(sample(), &options, dataset, &report, &error) == CORE_OK, "%s", error.text);
    ck_assert_int_eq(dataset_add_split(dataset, "first", &split, &error), CORE_OK);
    split->captures[0] = DATASET_TEST;
    for (uint32_t r = 0; r < dataset->n_runs; r++)
        split->runs[r] = (uint8_t)(r % 2 ? DATASET_TRAIN : DATASET_VALIDATION);
}

static void augment_file(const char *from, const char *to, const DatasetAugmentOptions *options) {
    DatasetReader *reader;
    DatasetWriter *writer;
    ck_assert_int_eq(dataset_reader_open(from, &reader, &error), CORE_OK);
    const Dataset *head = dataset_reader_head(reader);
    ck_assert_int_eq(dataset_writer_open(to, head->class_list, head->n_classes, &writer, &error), CORE_OK);
    ck_assert_msg(dataset_augment(reader, writer, options, &error) == CORE_OK, "%s", error.text);
    ck_assert_int_eq(dataset_writer_seal(writer, &error), CORE_OK);
    dataset_reader_close(reader);
}

/* What must be the same in the message and in its sibling. */
static void check_pair(const Dataset *d, uint64_t row, uint64_t sibling, WireScan *scan) {
    WireMessage before, after;
    dataset_message_view(d, row, &before);
    dataset_message_view(d, sibling, &after);
    ck_assert_uint_eq(d->primary[row], d->primary[sibling]);
    ck_assert_uint_eq(d->classes[row], d->classes[sibling]);
    ck_assert_uint_eq(d->part[row], d->part[sibling]);
    ck_assert_uint_eq(before.source.port, after.source.port);
    wire_scan(before.bytes, before.length, false, scan);
    uint64_t anomalies = scan->anomalies;
    uint32_t method = scan->method, status = scan->status, vias = scan->vias, body = scan->body.length;
    WireOsipAnswer answer = wire_osip_answer(before.bytes, before.length, scan);
    wire_scan(after.bytes, after.length, false, scan);
    ck_assert_msg(scan->anomalies == anomalies, "row %llu: anomalies %llx became %llx:\n%.*s",
                  (unsigned long long)row, (unsigned long long)anomalies, (unsigned long long)scan->anomalies,
                  (int)after.length, after.bytes);
    ck_assert_uint_eq(scan->method, method);
    ck_assert_uint_eq(scan->status, status);
    ck_assert_uint_eq(scan->vias, vias);
    ck_assert_uint_eq(scan->body.length, body);
    ck_assert_msg(wire_osip_answer(after.bytes, after.length, scan) == answer,
                  "row %llu: libosip2 says another thing of\n%.*s", (unsigned long long)row,
                  (int)after.length, after.bytes);
}

START_TEST(siblings_say_the_same) {
    char folder[64], from[128], to[128];
    Dataset before, after;
    DatasetAugmentOptions options = {
        .seed = 5, .siblings = 2, .changes = DATASET_AUGMENT_ALL & ~(uint32_t)DATASET_AUGMENT_LOSS};
    make_folder(folder);
    snprintf(from, sizeof from, "%s/a.h5", folder);
    snprintf(to, sizeof to, "%s/b.h5", folder);
    import_sample(&before);
    ck_assert_int_eq(dataset_write(&before, from, &error), CORE_OK);
    augment_file(from, to, &options);
    ck_assert_int_eq(dataset_read(to, &after, &error), CORE_OK);
    ck_assert_uint_eq(after.count, 3 * before.count);
    ck_assert_uint_eq(after.n_runs, 3 * before.n_runs);
    ck_assert_str_eq(after.captures[2].name, "demo.2");
    ck_assert_str_eq(after.captures[2].session, before.captures[0].session);
    WireScan *scan = malloc(sizeof *scan);
    ck_assert_int_eq(wire_osip_init(&error), CORE_OK);
    for (uint64_t row = 0; row < before.count; row++)
        for (uint64_t n = 1; n < 3; n++)
            check_pair(&after, row, row + n * before.count, scan);
    for (uint32_t r = 0; r < after.n_runs; r++)
        ck_assert_uint_eq(after.splits[0].runs[r], after.splits[0].runs[r % before.n_runs]);
    ck_assert_uint_eq(after.splits[0].captures[1], DATASET_TEST);
    free(scan);
    dataset_free(&before);
    dataset_free(&after);
    remove_folder(folder);
}
END_TEST

START_TEST(losses_are_sent_again_and_a_seed_repeats_itself) {
    char folder[64], from[128], to[2][128];
    Dataset before, after[2];
    DatasetAugmentOptions options = {.siblings = 4, .changes = DATASET_AUGMENT_LOSS | DATASET_AUGMENT_TIME};
    make_folder(folder);
    snprintf(from, sizeof from, "%s/a.h5", folder);
    import_sample(&before);
    ck_assert_int_eq(dataset_write(&before, from, &error), CORE_OK);
    for (int i = 0; i < 2; i++) {
        snprintf(to[i], sizeof to[i], "%s/%d.h5", folder, i);
        augment_file(from, to[i], &options);
        ck_assert_int_eq(dataset_read(to[i], &after[i], &error), CORE_OK);
    }
    ck_assert_uint_eq(after[0].count, after[1].count);
    ck_assert_int_eq(memcmp(after[0].time_ns, after[1].time_ns, after[0].count * sizeof(int64_t)), 0);
    ck_assert_uint_gt(after[0].count, 5 * before.count); /* more is repeated than never seen */
    for (uint64_t row = 1; row < after[0].count; row++)
        if (after[0].capture[row] && after[0].capture[row] == after[0].capture[row - 1])
            ck_assert(after[0].time_ns[row] >= after[0].time_ns[row - 1] &&
                      after[0].frame[row] >= after[0].frame[row - 1]);
    dataset_free(&before);
    for (int i = 0; i < 2; i++)
        dataset_free(&after[i]);
    remove_folder(folder);
}
END_TEST

Suite *augment_suite(void) {
    Suite *suite = suite_create("augment");
    TCase *tests = tcase_create("augment");
    tcase_add_loop_test(tests, identities_are_one_for_one_and_consistent, 0, 50);
    tcase_add_test(tests, different_addresses_stay_different);
    tcase_add_test(tests, attack_text_in_user_parts_stays);
    tcase_add_test(tests, a_style_is_another_form_of_the_same);
    if (access(sample(), R_OK) == 0) {
        tcase_add_test(tests, siblings_say_the_same);
        tcase_add_test(tests, losses_are_sent_again_and_a_seed_repeats_itself);
    }
    suite_add_tcase(suite, tests);
    return suite;
}
