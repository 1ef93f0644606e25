/* Sessions as wholes: the same seed gives the same bytes, honest messages are faultless, labels survive an
 * import. Relies on: data/synth, data/dataset (import), data/wire (scan, osip), Check. Relied on by: ctest.
 */
#include "data/dataset/import.h"
#include "data/synth/attack.h"
#include "data/wire/osip.h"
#include "tests/sizes.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The classes in the default order, as tools/data has them. */
static void fill_classes(DatasetClass *classes) {
    memset(classes, 0, SYNTH_CLASSES * sizeof *classes);
    for (int i = 0; i < SYNTH_CLASSES; i++) {
        snprintf(classes[i].name, sizeof classes[i].name, "%s", synth_class_names[i]);
        classes[i].onset = synth_class_onset[i];
    }
}

static SynthSettings settings_of(uint64_t seed, uint8_t kind, uint64_t messages, uint8_t runs) {
    SynthSettings settings = {.seed = seed, .kind = kind, .messages = messages};
    memset(settings.attacks, runs, sizeof settings.attacks);
    if (runs) settings.hours = 1.5;
    return settings;
}

/* A session kept in memory; both are the caller's. */
static SynthWorld *run_session(const SynthSettings *settings, const char *path, SynthOutput **output) {
    SynthWorld *world;
    CoreError error = {CORE_OK, ""};
    bool more;
    ck_assert_msg(synth_output_open(path, output, &error) == CORE_OK, "%s", error.text);
    ck_assert_msg(synth_world_new(settings, *output, &world, &error) == CORE_OK, "%s", error.text);
    ck_assert_msg(synth_world_run(world, UINT64_MAX / 2, &more, &error) == CORE_OK, "%s", error.text);
    ck_assert(!more);
    ck_assert(synth_runs_judge(&world->runs));
    return world;
}

START_TEST(same_seed_same_bytes) {
    SynthSettings settings = settings_of(40 + (uint64_t)_i, SYNTH_MIXED, 6000, _i % 2 ? 1 : 0);
    SynthOutput *outputs[2];
    uint64_t counts[2];
    const uint8_t *bytes[2];
    const SynthRow *rows[2];
    for (int i = 0; i < 2; i++) {
        SynthWorld *world = run_session(&settings, NULL, &outputs[i]);
        rows[i] = synth_output_kept(outputs[i], &counts[i], &bytes[i]);
        synth_world_free(world);
    }
    ck_assert_uint_eq(counts[0], counts[1]);
    ck_assert_uint_gt(counts[0], 100);
    ck_assert_uint_eq(synth_output_bytes(outputs[0]), synth_output_bytes(outputs[1]));
    ck_assert_mem_eq(bytes[0], bytes[1], synth_output_bytes(outputs[0]));
    for (uint64_t i = 0; i < counts[0]; i++) {
        ck_assert_int_eq(rows[0][i].time_ns, rows[1][i].time_ns);
        ck_assert_uint_eq(rows[0][i].mark.run, rows[1][i].mark.run);
        ck_assert_uint_eq(rows[0][i].mark.client, rows[1][i].mark.client);
        ck_assert_uint_eq(rows[0][i].mark.part, rows[1][i].mark.part);
        ck_assert(i == 0 || rows[0][i].time_ns >= rows[0][i - 1].time_ns);
    }
    synth_output_free(outputs[0]);
    synth_output_free(outputs[1]);
}
END_TEST

/* What legal but uncommon messages may raise. */
static const uint64_t legal = UINT64_C(1) << WIRE_ANOMALY_MANY_SEPARATORS | UINT64_C(1)
                                                                                << WIRE_ANOMALY_LONG_LINE;

static void check_faultless(const SynthRow *row, const uint8_t *bytes, uint64_t seed) {
    WireScan scan;
    wire_scan(bytes, row->length, false, &scan);
    for (int i = 0; i < WIRE_ANOMALY_COUNT; i++)
        ck_assert_msg(!(scan.anomalies & ~legal & UINT64_C(1) << i), "seed %" PRIu64 ": %s in:\n%.*s", seed,
                      wire_anomaly_name((WireAnomaly)i), (int)row->length, (const char *)bytes);
    ck_assert_msg(wire_osip_answer(bytes, row->length, &scan) != WIRE_OSIP_REFUSED, "seed %" PRIu64 ":\n%.*s",
                  seed, (int)row->length, (const char *)bytes);
    ck_assert(wire_is_sip(bytes, row->length));
    ck_assert_uint_gt(scan.vias, 0);
}

START_TEST(honest_messages_are_faultless) {
    uint64_t seed = 100 + (uint64_t)_i, count;
    SynthSettings settings = settings_of(seed, (uint8_t)(_i % SYNTH_KINDS), 3000, 0);
    SynthOutput *output;
    const uint8_t *bytes;
    CoreError error;
    ck_assert(wire_osip_init(&error) == CORE_OK);
    SynthWorld *world = run_session(&settings, NULL, &output);
    const SynthRow *rows = synth_output_kept(output, &count, &bytes);
    ck_assert_uint_gt(count, 50);
    for (uint64_t i = 0; i < count; i++) {
        ck_assert_uint_eq(rows[i].mark.run, 0);
        check_faultless(&rows[i], bytes + rows[i].offset, seed);
    }
    synth_world_free(world);
    synth_output_free(output);
}
END_TEST

/* ---- calls -----------------------------------------------------------------------------------------------
 */

typedef struct Count {
    uint64_t invites, answers, acks, byes, registered, challenged;
} Count;

static void count_message(const uint8_t *bytes, uint32_t length, Count *count) {
    WireScan scan;
    wire_scan(bytes, length, false, &scan);
    bool final = scan.status >= 200 && scan.status < 300;
    count->invites += scan.request && scan.method == WIRE_INVITE && !scan.to.tag.length;
    count->acks += scan.request && scan.method == WIRE_ACK;
    count->byes += scan.request && scan.method == WIRE_BYE;
    count->answers += final && scan.method == WIRE_INVITE;
    count->registered += final && scan.method == WIRE_REGISTER;
    count->challenged += scan.status == 401 || scan.status == 407;
}

/* People register, call, are answered and hang up. */
START_TEST(honest_sites_live) {
    SynthSettings settings = settings_of(7 + (uint64_t)_i, (uint8_t)_i, 20000, 0);
    SynthOutput *output;
    uint64_t rows_count;
    const uint8_t *bytes;
    Count count = {0};
    settings.hours = 2;
    SynthWorld *world = run_session(&settings, NULL, &output);
    const SynthRow *rows = synth_output_kept(output, &rows_count, &bytes);
    for (uint64_t i = 0; i < rows_count; i++)
        count_message(bytes + rows[i].offset, rows[i].length, &count);
    ck_assert_uint_gt(count.invites, 0);
    ck_assert_uint_gt(count.answers, 0);
    ck_assert_uint_ge(count.acks, count.answers / 3);
    /* Without Record-Route, phones hang up among themselves, which only a view of all sees. */
    if (world->server.record_route || world->view == SYNTH_VIEW_ALL) ck_assert_uint_gt(count.byes, 0);
    ck_assert_uint_gt(count.registered, 0);
    synth_world_free(world);
    synth_output_free(output);
}
END_TEST

/* Everything that the state machines can do is done somewhere, and every kind of reply comes. */
START_TEST(everything_happens) {
    static const uint16_t statuses[] = {100, 180, 183, 200, 202, 401, 404, 407, 408, 480, 486, 487, 603};
    bool methods[WIRE_METHOD_COUNT] = {false}, seen[700] = {false}, hold = false, reliable = false,
         stale = false;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        SynthSettings settings =
            settings_of(seed, (uint8_t)(seed % 2 ? SYNTH_CARRIER : SYNTH_OFFICE), 25000, 0);
        SynthOutput *output;
        uint64_t count;
        const uint8_t *bytes;
        SynthWorld *world = run_session(&settings, NULL, &output);
        const SynthRow *rows = synth_output_kept(output, &count, &bytes);
        for (uint64_t i = 0; i < count; i++) {
            WireScan scan;
            wire_scan(bytes + rows[i].offset, rows[i].length, false, &scan);
            if (scan.request) methods[scan.method] = true;
            seen[scan.status] = true;
            hold |= scan.sdp.hold;
            reliable |= scan.first[WIRE_HEADER_RSEQ] >= 0;
            stale |= scan.challenge.stale;
        }
        synth_world_free(world);
        synth_output_free(output);
    }
    for (int i = WIRE_INVITE; i < WIRE_METHOD_COUNT; i++)
        ck_assert_msg(methods[i], "no %s", wire_method_name((WireMethod)i));
    for (size_t i = 0; i < SYNTH_COUNT(statuses); i++)
        ck_assert_msg(seen[statuses[i]], "no %u", statuses[i]);
    ck_assert(hold && reliable && stale);
}
END_TEST

/* ---- through an import
 * ------------------------------------------------------------------------------------- */

static void import_capture(const char *path, Dataset *dataset) {
    DatasetClass classes[SYNTH_CLASSES];
    DatasetImportOptions options = {.otherwise = DATASET_UNLABELLED};
    DatasetImportReport report;
    CoreError error = {CORE_OK, ""};
    fill_classes(classes);
    ck_assert(dataset_init(dataset, classes, SYNTH_CLASSES, &error) == CORE_OK);
    ck_assert_msg(dataset_import(path, &options, dataset, &report, &error) == CORE_OK, "%s", error.text);
    ck_assert_uint_eq(report.without_label, 0);
    ck_assert_uint_eq(report.without_message, 0);
}

static void direct_rows(const SynthSettings *settings, Dataset *dataset) {
    DatasetClass classes[SYNTH_CLASSES];
    CoreError error = {CORE_OK, ""};
    SynthOutput *output;
    DatasetWriter *writer;
    fill_classes(classes);
    ck_assert(dataset_init(dataset, classes, SYNTH_CLASSES, &error) == CORE_OK);
    ck_assert(dataset_writer_in_memory(dataset, &writer, &error) == CORE_OK);
    SynthWorld *world = run_session(settings, NULL, &output);
    ck_assert_msg(synth_output_rows(output, &world->runs, "direct", writer, &error) == CORE_OK, "%s",
                  error.text);
    ck_assert_msg(dataset_writer_seal(writer, &error) == CORE_OK, "%s", error.text);
    synth_world_free(world);
    synth_output_free(output);
}

static void remove_session(const char *path) {
    char other[256];
    unlink(path);
    snprintf(other, sizeof other, "%.*s.labels.tsv", (int)(strlen(path) - 5), path);
    unlink(other);
    snprintf(other, sizeof other, "%.*s.runs.tsv", (int)(strlen(path) - 5), path);
    unlink(other);
}

static void compare_rows(const Dataset *a, const Dataset *b) {
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(a->n_runs, b->n_runs);
    for (uint64_t i = 0; i < a->count; i++) {
        uint64_t length = a->offset[i + 1] - a->offset[i];
        ck_assert_uint_eq(length, b->offset[i + 1] - b->offset[i]);
        ck_assert_mem_eq(a->bytes + a->offset[i], b->bytes + b->offset[i], length);
        ck_assert_int_eq(a->time_ns[i], b->time_ns[i]);
        ck_assert_uint_eq(a->frame[i], b->frame[i]);
        ck_assert_uint_eq(a->wire_flags[i], b->wire_flags[i]);
        ck_assert_uint_eq(a->primary[i], b->primary[i]);
        ck_assert_uint_eq(a->classes[i], b->classes[i]);
        ck_assert_uint_eq(a->run[i], b->run[i]);
        ck_assert_uint_eq(a->part[i], b->part[i]);
        ck_assert_mem_eq(a->source[i], b->source[i], DATASET_ADDRESS_SIZE);
        ck_assert_mem_eq(a->destination[i], b->destination[i], DATASET_ADDRESS_SIZE);
    }
    for (uint32_t i = 0; i < a->n_runs; i++) {
        ck_assert_str_eq(a->runs[i].tool, b->runs[i].tool);
        ck_assert_uint_eq(a->runs[i].primary, b->runs[i].primary);
        ck_assert_int_eq(a->runs[i].start_ns, b->runs[i].start_ns);
        ck_assert_int_eq(a->runs[i].end_ns, b->runs[i].end_ns);
    }
}

/* The capture and its label files say the same as the rows that are made without them. */
START_TEST(capture_and_rows_agree) {
    SynthSettings settings = settings_of(300 + (uint64_t)_i, SYNTH_MIXED, 12000, 1);
    char path[64];
    SynthOutput *output;
    CoreError error = {CORE_OK, ""};
    Dataset imported, direct;
    snprintf(path, sizeof path, "/tmp/sipcnn-synth-%ld-%d.pcap", (long)getpid(), _i);
    SynthWorld *world = run_session(&settings, path, &output);
    ck_assert_msg(synth_output_close(output, &world->runs, &error) == CORE_OK, "%s", error.text);
    uint64_t written = synth_output_messages(output);
    synth_world_free(world);
    synth_output_free(output);
    import_capture(path, &imported);
    remove_session(path);
    direct_rows(&settings, &direct);
    ck_assert_uint_eq(imported.count, written);
    compare_rows(&imported, &direct);
    dataset_free(&imported);
    dataset_free(&direct);
}
END_TEST

/* ---- in doubt --------------------------------------------------------------------------------------------
 */

/* A REGISTER with credentials at `second`, refused; `stale`: only for its nonce. Its client's number. */
static uint32_t note_refusal(SynthRuns *runs, int64_t second, bool stale) {
    WireAddress client = {.ip = {[10] = 255, [11] = 255, 10, 0, 0, 9}, .port = 5062};
    SynthMessage request, reply;
    char id[24];
    int length = snprintf(id, sizeof id, "call-%" PRId64, second);
    synth_message_init(&request, NULL);
    request.method = WIRE_REGISTER;
    synth_set_call_id(&request, id, (size_t)length);
    request.to.user = request.from.user = synth_message_set(&request, "alice", 5);
    request.credentials = synth_message_set(&request, "Digest", 6);
    ck_assert(synth_run_note(runs, second * SYNTH_SECOND, &client, &runs->server, &request));
    synth_message_copy(&reply, &request);
    reply.status = 401;
    reply.stale = stale;
    ck_assert(synth_run_note(runs, second * SYNTH_SECOND + SYNTH_MS, &runs->server, &client, &reply));
    return request.ask;
}

/* Five wrong passwords are a brute force, whoever sends them; four are not, nor are stale nonces. */
START_TEST(doubt_is_counted) {
    static const struct Case {
        int wrong, stale;
        bool doubt;
    } cases[] = {{4, 9, false}, {5, 0, true}, {0, 40, false}};
    for (size_t i = 0; i < SYNTH_COUNT(cases); i++) {
        SynthRuns runs = {.server = {.ip = {[10] = 255, [11] = 255, 10, 0, 0, 1}, .port = 5060}};
        uint32_t client = 0;
        int64_t second = 100;
        for (int k = 0; k < cases[i].wrong; k++)
            client = note_refusal(&runs, second += 10, false);
        for (int k = 0; k < cases[i].stale; k++)
            client = note_refusal(&runs, second += 10, true);
        note_refusal(&runs, 1000, false); /* another ten minutes */
        ck_assert(synth_runs_judge(&runs));
        ck_assert_uint_eq(runs.n_clients, 1);
        ck_assert_int_eq(synth_client_in_doubt(&runs, client, 120 * SYNTH_SECOND), cases[i].doubt);
        ck_assert(!synth_client_in_doubt(&runs, client, 1000 * SYNTH_SECOND));
        ck_assert(!synth_client_in_doubt(&runs, 0, 120 * SYNTH_SECOND));
        synth_runs_free(&runs);
    }
}
END_TEST

/* Little is in doubt: sites do what sites do. */
START_TEST(doubt_is_rare) {
    uint64_t messages = 0, doubts = 0;
    for (uint8_t kind = 0; kind < SYNTH_MIXED; kind++) {
        SynthSettings settings = settings_of(500 + kind, kind, 20000, 0);
        SynthOutput *output;
        SynthWorld *world = run_session(&settings, NULL, &output);
        messages += synth_output_messages(output);
        doubts += synth_output_in_doubt(output, &world->runs);
        synth_world_free(world);
        synth_output_free(output);
    }
    ck_assert_uint_gt(messages, 20000);
    ck_assert_msg(25 * doubts < messages, "%" PRIu64 " of %" PRIu64, doubts, messages);
}
END_TEST

/* ---- small things ----------------------------------------------------------------------------------------
 */

START_TEST(queue_is_ordered) {
    SynthQueue queue = {0};
    SynthRandom random = synth_random(1, 1);
    SynthEvent event;
    int64_t last = -1;
    uint64_t order = 0, count = 0;
    for (int i = 0; i < 5000; i++)
        ck_assert(synth_queue_push(&queue, synth_below(&random, 500), 0, 0, (SynthHandle)i));
    while (synth_queue_pop(&queue, &event)) {
        ck_assert(event.time_ns > last || (event.time_ns == last && event.order > order));
        last = event.time_ns;
        order = event.order;
        count++;
    }
    ck_assert_uint_eq(count, 5000);
    synth_queue_free(&queue);
}
END_TEST

START_TEST(slots_forget) {
    SynthSlots slots = {.size = 24};
    SynthHandle first, second;
    void *a = synth_slots_take(&slots, true, &first);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_eq(synth_slots_find(&slots, first), a);
    synth_slots_give(&slots, first);
    synth_slots_give(&slots, first); /* a stale handle changes nothing */
    ck_assert_ptr_null(synth_slots_find(&slots, first));
    ck_assert_ptr_eq(synth_slots_take(&slots, true, &second), a);
    ck_assert_uint_ne(first, second);
    ck_assert_ptr_null(synth_slots_find(&slots, 0));
    synth_slots_free(&slots);
}
END_TEST

START_TEST(logarithm_and_exponential) {
    static const double points[][2] = {
        {1, 0}, {2, 0.69314718055994531}, {10, 2.302585092994046}, {0.001, -6.907755278982137}};
    for (size_t i = 0; i < SYNTH_COUNT(points); i++) {
        ck_assert_double_eq_tol(synth_log(points[i][0]), points[i][1], 1e-11);
        ck_assert_double_eq_tol(synth_exp(points[i][1]) / points[i][0], 1, 1e-11);
    }
    SynthRandom random = synth_random(5, 6);
    double sum = 0;
    for (int i = 0; i < 20000; i++)
        sum += synth_exponential(&random, 3);
    ck_assert_double_eq_tol(sum / 20000, 3, 0.1);
}
END_TEST

START_TEST(bad_settings_are_refused) {
    SynthSettings settings = {.seed = 1, .kind = SYNTH_KINDS};
    SynthOutput *output;
    SynthWorld *world;
    CoreError error;
    ck_assert(synth_output_open(NULL, &output, &error) == CORE_OK);
    ck_assert_int_eq(synth_world_new(&settings, output, &world, &error), CORE_ARGUMENT);
    settings.kind = SYNTH_OFFICE;
    settings.attacks[SYNTH_FLOOD] = 1;
    settings.tool = "no-such-tool";
    ck_assert_int_eq(synth_world_new(&settings, output, &world, &error), CORE_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "flood"));
    synth_output_free(output);
    ck_assert_int_eq(synth_output_open("/nowhere/x.pcap", &output, &error), CORE_IO);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("synth_world");
    TCase *small = tcase_create("small"), *worlds = tcase_create("worlds");
    tcase_add_test(small, queue_is_ordered);
    tcase_add_test(small, doubt_is_counted);
    tcase_add_test(small, slots_forget);
    tcase_add_test(small, logarithm_and_exponential);
    tcase_add_test(small, bad_settings_are_refused);
    tcase_add_loop_test(worlds, same_seed_same_bytes, 0, 4);
    tcase_add_loop_test(worlds, honest_messages_are_faultless, 0, (int)test_size(40, SYNTH_KINDS));
    tcase_add_loop_test(worlds, honest_sites_live, 0, SYNTH_KINDS);
    tcase_add_test(worlds, doubt_is_rare);
    tcase_add_test(worlds, everything_happens);
    tcase_add_loop_test(worlds, capture_and_rows_agree, 0, (int)test_size(6, 2));
    tcase_set_timeout(worlds, 120); /* machines are busy at times */
    suite_add_tcase(suite, small);
    suite_add_tcase(suite, worlds);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
