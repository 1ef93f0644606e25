/* The messages of RFC 4475 against a reviewed table of what the scan says of each.
 * Relies on: data/wire/scan.h, tests/wire/rfc4475.tsv, the third-party corpus.
 * Relied on by: ctest. */
#include "tests/wire/suites.h"
#include "tests/wire/support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One line of the table: name, start line, counts, tags, numbers, anomalies. */
static void render(const char *name, const uint8_t *bytes, const WireScan *scan, char *line,
                   size_t capacity) {
    snprintf(line, capacity,
             "%s\t%s\t%.*s\t%u\theaders=%u vias=%u contacts=%u\tfrom=%.*s to=%.*s\tcseq=%" PRIu32
             " forwards=%" PRId32 " expires=%" PRId64 " length=%" PRId64 " body=%" PRIu32 " media=%u\t%s",
             name, scan->request ? "request" : "reply", (int)scan->method_text.length,
             (const char *)bytes + scan->method_text.offset, scan->status, scan->header_count, scan->vias,
             scan->contacts, (int)(scan->from.tag.length > 12 ? 12 : scan->from.tag.length),
             (const char *)bytes + scan->from.tag.offset,
             (int)(scan->to.tag.length > 12 ? 12 : scan->to.tag.length),
             (const char *)bytes + scan->to.tag.offset, scan->cseq, scan->max_forwards, scan->expires,
             scan->content_length, scan->body.length, scan->sdp.media, anomalies_text(scan));
}

START_TEST(torture_messages) {
    static WireScan scan;
    if (!corpus_path("rfc4475")) {
        fprintf(stderr, "wire: no corpus, RFC 4475 messages skipped\n");
        return;
    }
    FILE *table = fopen(fixture_path("rfc4475.tsv"), "r");
    ck_assert_ptr_nonnull(table);
    char expected[1024], line[1024], file[256];
    int messages = 0;
    while (fgets(expected, sizeof expected, table)) {
        if (expected[0] == '#') continue;
        expected[strcspn(expected, "\n")] = '\0';
        snprintf(file, sizeof file, "rfc4475/%.*s.dat", (int)strcspn(expected, "\t"), expected);
        size_t length = 0;
        uint8_t *bytes = read_file(corpus_path(file), &length);
        ck_assert_msg(bytes != NULL, "%s cannot be read", file);
        ck_assert(wire_is_sip(bytes, (uint32_t)length));
        wire_scan(bytes, (uint32_t)length, false, &scan);
        ck_assert_ptr_null(scan_fault(&scan, (uint32_t)length));
        snprintf(file, sizeof file, "%.*s", (int)strcspn(expected, "\t"), expected);
        render(file, bytes, &scan, line, sizeof line);
        ck_assert_str_eq(line, expected);
        free(bytes);
        messages++;
    }
    fclose(table);
    ck_assert_int_eq(messages, 50); /* the RFC's 49 and one variant */
}
END_TEST

Suite *torture_suite(void) {
    Suite *suite = suite_create("torture");
    TCase *test = tcase_create("RFC 4475");
    tcase_add_test(test, torture_messages);
    suite_add_tcase(suite, test);
    return suite;
}
