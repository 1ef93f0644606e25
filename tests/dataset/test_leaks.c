/* The leak hunt: leaks that were planted are found and named, honest styles and behaviour are not.
 * Relies on: data/dataset (leaks, near), tests/dataset/support.h, Check.
 * Relied on by: ctest. */
#include "data/dataset/leaks.h"
#include "data/dataset/near.h"

#include "tests/dataset/support.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPTURES = 4, RUNS = 12, CLIENTS = 14, MESSAGES = 20 };

/* How one sender writes. */
typedef struct Style {
    int agent, call_id, pad, order, contact;
} Style;

/* What is planted, in attackers' messages unless it says otherwise. */
typedef struct Plant {
    bool agent;      /* a User-Agent that nobody else has */
    int agent_runs;  /* in so many runs of each capture only */
    bool call_id;    /* no @ in the Call-ID; everybody else has one */
    bool length;     /* 400 bytes more */
    bool method;     /* OPTIONS only, which honest clients never send */
    bool apart;      /* attacks in the first two captures only, honest clients in the others, other agents */
    bool by_capture; /* all senders of a capture share an agent */
    bool one_text;   /* the same message in every capture */
    bool no_attacks;
} Plant;

static Dataset dataset;
static CoreError error;
static DatasetLeakReport report;
static uint64_t state;

/* ---- the dataset --------------------------------------------------------------------------------------- */

static Style draw_style(void) {
    return (Style){.agent = (int)(next_random(&state) % 6),
                   .call_id = (int)(next_random(&state) % 3),
                   .pad = (int)(next_random(&state) % 4) * 60,
                   .order = (int)(next_random(&state) % 2),
                   .contact = (int)(next_random(&state) % 2)};
}

static void apply(const Plant *plant, int capture, int number, bool attack, Style *style) {
    if (plant->agent && attack && (!plant->agent_runs || number < plant->agent_runs)) style->agent = 66;
    if (plant->by_capture) style->agent = 10 + capture;
    if (plant->apart) style->agent = attack ? 20 : 21;
    if (plant->call_id) style->call_id = attack ? 1 : (int)(next_random(&state) % 2) * 2;
    if (plant->length && attack) style->pad += 400;
}

/* "INVITE sip:…" with everything that the style says, in a static buffer. */
static const char *message_text(const Style *style, const char *method, int capture, int sender, int number,
                                uint32_t cseq) {
    static char text[2048];
    char call_id[64], agent[64], pad[600];
    if (style->call_id == 0)
        snprintf(call_id, sizeof call_id, "%d-%d-%d@host.example", capture, sender, number);
    else if (style->call_id == 1)
        snprintf(call_id, sizeof call_id, "%08d%04d%04d", capture, sender, number);
    else
        snprintf(call_id, sizeof call_id, "c%dx%dx%d@10.0.0.1", capture, sender, number);
    snprintf(agent, sizeof agent, "User-Agent: Phone %d.1\r\n", style->agent);
    memset(pad, 'x', sizeof pad);
    pad[style->pad] = '\0';
    snprintf(text, sizeof text,
             "%s sip:bob%d@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.%d.0.%d:5060;branch=z9hG4bK%d%d%d\r\n%s"
             "Max-Forwards: 70\r\nFrom: <sip:u%d.%d@example.com>;tag=f%d\r\nTo: <sip:bob@example.com>\r\n"
             "Call-ID: %s\r\nCSeq: %u %s\r\n%s%sSubject: %s\r\nContent-Length: 0\r\n\r\n",
             method, number, capture, sender, capture, sender, number, style->order ? agent : "", capture,
             sender, number, call_id, cseq, method, style->contact ? "Contact: <sip:me@192.0.2.1>\r\n" : "",
             style->order ? "" : agent, pad);
    return text;
}

static void add_sender(const Plant *plant, int capture, int number, bool attack, uint32_t run,
                       uint32_t primary) {
    static const char *const methods[] = {"INVITE", "REGISTER", "MESSAGE"};
    DatasetLabel label = {.primary = (uint8_t)(attack ? primary : 0),
                          .classes = attack ? 1u << (primary - 1) : 0,
                          .run = attack ? run : 0};
    int sender = 10 + 2 * number + attack; /* no field's length may tell them apart either */
    Style style = draw_style();
    apply(plant, capture, number, attack, &style);
    for (int m = 0; m < MESSAGES; m++) {
        const char *method = plant->method && attack ? "OPTIONS" : methods[m % 3];
        bool same = plant->one_text && attack;
        const char *text = same ? message_text(&(Style){0}, method, 9, 9, m, 1)
                                : message_text(&style, method, capture, sender, m, 1);
        WireMessage message = sip_message(text, 1, 1, capture * 1000 + number * 10 + m);
        message.source.ip[13] = (uint8_t)capture;
        message.source.ip[15] = (uint8_t)sender;
        message.frame = (uint64_t)sender * 100 + (uint64_t)m;
        assert_ok(dataset_add_message(&dataset, &message, &label, &error), error);
    }
}

static void make_dataset(const Plant *plant, uint64_t seed) {
    state = seed;
    empty_dataset(&dataset);
    for (int c = 0; c < CAPTURES; c++) {
        DatasetCapture capture = {.follows = DATASET_NO_CAPTURE};
        snprintf(capture.name, sizeof capture.name, "c%d", c);
        snprintf(capture.session, sizeof capture.session, "s%d", c);
        assert_ok(dataset_add_capture(&dataset, &capture, &error), error);
        bool attacks = !plant->no_attacks && (!plant->apart || c < 2), honest = !plant->apart || c >= 2;
        for (int r = 0; r < RUNS && attacks; r++) {
            DatasetRun run = {.number = (uint32_t)r + 1, .primary = 1 + (uint32_t)r % 2};
            snprintf(run.tool, sizeof run.tool, "t%d", r % 3);
            assert_ok(dataset_add_run(&dataset, &run, NULL, 0, &error), error);
            add_sender(plant, c, r, true, dataset.n_runs, run.primary);
        }
        for (int i = 0; i < CLIENTS && honest; i++)
            add_sender(plant, c, i, false, 0, 0);
    }
    assert_ok(dataset_check(&dataset, &error), error);
}

/* ---- hunting ------------------------------------------------------------------------------------------- */

static CoreStatus hunt_made(uint64_t seed) {
    DatasetLeakOptions options = {DATASET_LEAK_ACCURACY, DATASET_LEAK_PURE, DATASET_LEAK_CLASS_ACCURACY,
                                  DATASET_LEAK_CLASS_PURE, seed};
    DatasetLeaks *leaks;
    assert_ok(dataset_leaks_new(&dataset, &leaks, &error), error);
    assert_ok(dataset_leaks_add(leaks, &dataset, &error), error);
    CoreStatus status = dataset_leaks_judge(leaks, &options, NULL, &report, &error);
    dataset_leaks_free(leaks);
    return status;
}

static CoreStatus hunt(const Plant *plant, uint64_t seed) {
    make_dataset(plant, seed);
    return hunt_made(seed);
}

static const DatasetLeak *find(Trait trait, int class_index) {
    for (size_t i = 0; i < report.n_leaks; i++)
        if (report.leaks[i].trait == trait && report.leaks[i].class_index == class_index)
            return &report.leaks[i];
    return NULL;
}

static void finish(void) {
    dataset_leak_report_free(&report);
    dataset_free(&dataset);
}

/* The field leaks, with this value and examples that are attacks. */
static const DatasetLeak *assert_leak(Trait trait, const char *value) {
    const DatasetLeak *leak = find(trait, -1);
    ck_assert_ptr_nonnull(leak);
    ck_assert_msg(leak->leak, "%s: %f %f %f", trait_name(trait), leak->runs, leak->sessions, leak->pure);
    if (value) ck_assert_str_eq(leak->value.text, value);
    ck_assert_uint_eq(leak->n_examples, DATASET_LEAK_EXAMPLES);
    return leak;
}

/* No style field leaks but these two. */
static void assert_no_other(Trait one, Trait other) {
    for (size_t i = 0; i < report.n_leaks; i++)
        ck_assert_msg(!report.leaks[i].leak || report.leaks[i].trait == one || report.leaks[i].trait == other,
                      "%s leaks: %f %f %f, permuted %f", trait_name(report.leaks[i].trait),
                      report.leaks[i].runs, report.leaks[i].sessions, report.leaks[i].pure,
                      report.leaks[i].runs_chance);
}

START_TEST(honest_data_pass) {
    assert_ok(hunt(&(Plant){0}, 1 + (uint64_t)_i), error);
    ck_assert_uint_eq(report.attack_groups, CAPTURES * RUNS);
    ck_assert_uint_eq(report.benign_groups, CAPTURES * CLIENTS);
    ck_assert_uint_eq(report.attacks, CAPTURES * RUNS * MESSAGES);
    ck_assert_uint_eq(report.mixed_captures, CAPTURES);
    assert_no_other(TRAITS, TRAITS);
    ck_assert_uint_eq(report.n_found, 0);
    finish();
}
END_TEST

START_TEST(an_agent_of_attackers_is_found) {
    assert_ok(hunt(&(Plant){.agent = true}, 1), error);
    const DatasetLeak *leak = assert_leak(TRAIT_USER_AGENT, "Phone 66.1");
    ck_assert_double_gt(leak->runs, 0.95);
    ck_assert_double_gt(leak->sessions, 0.95);
    ck_assert_double_gt(leak->pure, 0.99);
    ck_assert_double_eq(leak->value.benign_share, 0);
    for (uint32_t i = 0; i < leak->n_examples; i++) {
        ck_assert_uint_eq(leak->examples[i].frame / 100 % 2, 1);
        ck_assert_uint_ne(leak->examples[i].run, 0);
    }
    ck_assert_mem_eq(&leak->value, &leak->top[0], sizeof leak->value);
    ck_assert_uint_eq(leak->n_top, leak->n_values);
    for (uint32_t i = 1; i < leak->n_top; i++)
        ck_assert_double_ge(leak->top[i].benign_share, leak->top[i].attack_share);
    ck_assert(find(TRAIT_USER_AGENT, 0)->leak && find(TRAIT_USER_AGENT, 1)->leak);
    finish();
}
END_TEST

/* A quarter of the runs: far from a good classifier, but each of its finds is an attack. */
START_TEST(an_agent_of_some_attackers_is_found) {
    assert_ok(hunt(&(Plant){.agent = true, .agent_runs = RUNS / 4}, 1), error);
    const DatasetLeak *leak = assert_leak(TRAIT_USER_AGENT, "Phone 66.1");
    ck_assert_double_lt(leak->runs, 0.75);
    ck_assert_double_gt(leak->pure, 0.15);
    finish();
}
END_TEST

START_TEST(call_ids_of_attackers_are_found) {
    assert_ok(hunt(&(Plant){.call_id = true}, 1), error);
    assert_leak(TRAIT_CALL_ID_AT, NULL);
    assert_leak(TRAIT_CALL_ID_FORM, NULL);
    finish();
}
END_TEST

START_TEST(lengths_of_attackers_are_found) {
    assert_ok(hunt(&(Plant){.length = true}, 1), error);
    const DatasetLeak *leak = assert_leak(TRAIT_LENGTH, NULL);
    ck_assert_double_gt(leak->runs, 0.9);
    assert_no_other(TRAIT_LENGTH, TRAIT_LENGTH);
    finish();
}
END_TEST

/* What attackers do may tell them apart, and what they write is then compared with nobody. */
START_TEST(behaviour_is_no_leak) {
    assert_ok(hunt(&(Plant){.method = true}, 1), error);
    const DatasetLeak *leak = find(TRAIT_METHOD, -1);
    ck_assert_double_gt(leak->runs, 0.99);
    ck_assert(!leak->leak && trait_is_behaviour(TRAIT_METHOD));
    ck_assert(isnan(find(TRAIT_LENGTH, -1)->runs));
    ck_assert_uint_eq(report.n_found, 0);
    finish();
}
END_TEST

/* Attacks from here, honest calls from there: the captures themselves are the label. */
START_TEST(captures_apart_are_compared_all_the_same) {
    assert_ok(hunt(&(Plant){.apart = true}, 1), error);
    ck_assert_uint_eq(report.mixed_captures, 0);
    ck_assert_double_gt(assert_leak(TRAIT_USER_AGENT, NULL)->runs, 0.99);
    ck_assert(find(TRAIT_NETWORK, -1)->leak);
    finish();
}
END_TEST

START_TEST(what_a_capture_shares_is_no_leak) {
    assert_ok(hunt(&(Plant){.by_capture = true}, 1), error);
    ck_assert(!find(TRAIT_USER_AGENT, -1)->leak);
    ck_assert_double_le(find(TRAIT_USER_AGENT, -1)->runs, 0.55);
    finish();
}
END_TEST

/* The hunt's own test: labels that mean nothing give chance, whatever is planted. */
START_TEST(permuted_labels_are_chance) {
    static const Plant plants[] = {{0}, {.agent = true}, {.call_id = true}, {.length = true}};
    assert_ok(hunt(&plants[_i], 3), error);
    ck_assert(report.trusted);
    ck_assert_double_lt(fabs(report.permuted_mean - 0.5), 0.02);
    for (size_t i = 0; i < TRAITS; i++) {
        ck_assert(isnan(report.leaks[i].runs_chance) ||
                  report.leaks[i].runs_chance < DATASET_LEAK_ACCURACY + 0.1);
        ck_assert_double_lt(report.leaks[i].pure_chance, DATASET_LEAK_PURE);
    }
    finish();
}
END_TEST

START_TEST(the_same_seed_gives_the_same) {
    DatasetLeakReport first;
    assert_ok(hunt(&(Plant){.agent = true}, 5), error);
    first = report;
    dataset_free(&dataset);
    assert_ok(hunt(&(Plant){.agent = true}, 5), error);
    ck_assert_uint_eq(first.n_leaks, report.n_leaks);
    ck_assert_mem_eq(first.leaks, report.leaks, report.n_leaks * sizeof *report.leaks);
    dataset_leak_report_free(&first);
    finish();
}
END_TEST

/* Of more clients than are judged a sample says the same. */
START_TEST(many_clients_are_sampled) {
    enum { MANY = 5000 };
    DatasetLabel benign = {0};
    make_dataset(&(Plant){.agent = true}, 1);
    for (int i = 0; i < MANY; i++) {
        Style style = draw_style();
        WireMessage message = sip_message(message_text(&style, "INVITE", 3, 10, i, 1), 1, 1, 4000 + i);
        message.source.ip[13] = 3;
        message.source.ip[14] = (uint8_t)(1 + i / 250);
        message.source.ip[15] = (uint8_t)(1 + i % 250);
        assert_ok(dataset_add_message(&dataset, &message, &benign, &error), error);
    }
    assert_ok(hunt_made(1), error);
    ck_assert_uint_eq(report.benign_groups, CAPTURES * CLIENTS + MANY);
    ck_assert(report.trusted && find(TRAIT_USER_AGENT, -1)->leak && !find(TRAIT_HEADER_ORDER, -1)->leak);
    finish();
}
END_TEST

START_TEST(one_side_is_not_enough) {
    ck_assert_int_eq(hunt(&(Plant){.no_attacks = true}, 1), CORE_NOT_FOUND);
    ck_assert_ptr_null(report.leaks);
    dataset_free(&dataset);
}
END_TEST

/* ---- two sides of a split ------------------------------------------------------------------------------ */

static NearReport near_report;

/* The last capture is the test. */
static void look_near(void) {
    DatasetSplit *split;
    DatasetNear *near;
    assert_ok(dataset_add_split(&dataset, "first", &split, &error), error);
    for (uint32_t c = 0; c < dataset.n_captures; c++)
        split->captures[c] = c + 1 == dataset.n_captures ? DATASET_TEST : DATASET_TRAIN;
    for (uint32_t r = 0; r < dataset.n_runs; r++)
        split->runs[r] = split->captures[dataset.runs[r].capture];
    assert_ok(dataset_near_new(&dataset, split, dataset.count, &near, &error), error);
    assert_ok(dataset_near_add(near, &dataset, 0, &error), error);
    dataset_near_judge(near, &near_report);
    dataset_near_free(near);
}

START_TEST(sides_that_share_nothing_are_clean) {
    make_dataset(&(Plant){0}, 1);
    look_near();
    for (int kind = 0; kind < NEAR_KINDS; kind++) {
        const NearShared *shared = &near_report.kinds[kind];
        if (kind == NEAR_TEMPLATE) continue; /* six agents in two orders: they come again, on both sides */
        ck_assert_uint_eq(shared->items, 0);
        ck_assert_uint_gt(shared->of, 0);
        ck_assert_uint_gt(shared->messages[0], 0);
        ck_assert_uint_gt(shared->messages[1], 0);
    }
    ck_assert_uint_eq(near_report.kinds[NEAR_MESSAGE].messages[1], RUNS * MESSAGES);
    ck_assert_uint_eq(near_report.sessions, 0);
    dataset_free(&dataset);
}
END_TEST

START_TEST(one_text_on_two_sides_is_found) {
    make_dataset(&(Plant){.one_text = true}, 1);
    look_near();
    for (int kind = 0; kind <= NEAR_USER; kind++) {
        const NearShared *shared = &near_report.kinds[kind];
        ck_assert_uint_eq(shared->covered[1], RUNS * MESSAGES);
        ck_assert_uint_eq(shared->messages[1], RUNS * MESSAGES);
        ck_assert_uint_eq(shared->n_examples, kind == NEAR_USER ? 1 : NEAR_EXAMPLES);
        ck_assert_int_eq(shared->examples[0].side[0], DATASET_TRAIN);
        ck_assert_int_eq(shared->examples[0].side[1], DATASET_TEST);
        ck_assert_uint_eq(dataset.capture[shared->examples[0].row[0]], 0);
        ck_assert_uint_eq(dataset.capture[shared->examples[0].row[1]], CAPTURES - 1);
    }
    ck_assert_uint_eq(near_report.kinds[NEAR_DIALOG].covered[0], 0);
    ck_assert_uint_eq(near_report.kinds[NEAR_MESSAGE].pure, RUNS * MESSAGES);
    ck_assert_uint_eq(near_report.kinds[NEAR_CLIENT].items, 0);
    dataset_free(&dataset);
}
END_TEST

/* A fuzzer's constant beside the real Call-ID is no dialog that two sides share; one Call-ID is. */
START_TEST(two_call_ids_name_no_dialog) {
    static const DatasetLabel benign = {.primary = DATASET_BENIGN};
    make_dataset(&(Plant){0}, 1);
    for (int c = 0; c < 2; c++) {
        char text[512];
        DatasetCapture capture = {.follows = DATASET_NO_CAPTURE};
        snprintf(capture.name, sizeof capture.name, "twice%d", c);
        snprintf(text, sizeof text,
                 "OPTIONS sip:x@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK%d\r\n"
                 "From: <sip:user%d@example.com>;tag=1\r\nTo: <sip:x@example.com>\r\nCall-ID: 2 BYE\r\n%s"
                 "CSeq: 1 OPTIONS\r\nSubject: %d\r\n\r\n",
                 c, c, _i ? "Call-ID: real\r\n" : "", c);
        WireMessage message = sip_message(text, 1, 2, 0);
        assert_ok(dataset_add_capture(&dataset, &capture, &error), error);
        assert_ok(dataset_add_message(&dataset, &message, &benign, &error), error);
    }
    look_near();
    ck_assert_uint_eq(near_report.kinds[NEAR_DIALOG].items, _i ? 0 : 1);
    dataset_free(&dataset);
}
END_TEST

START_TEST(rows_without_a_label_do_not_count) {
    make_dataset(&(Plant){.one_text = true}, 1);
    for (uint64_t row = 0; row < dataset.count; row++)
        if (dataset.primary[row]) dataset.primary[row] = row & 1 ? DATASET_UNLABELLED : DATASET_IGNORE;
    look_near();
    ck_assert_uint_eq(near_report.kinds[NEAR_DIALOG].items, 0);
    ck_assert_uint_eq(near_report.kinds[NEAR_MESSAGE].messages[1], 0);
    dataset_free(&dataset);
}
END_TEST

static uint32_t mask(const char *text, bool users, uint8_t *masked) {
    static WireScan scan;
    WireMessage message = sip_message(text, 2, 1, 0);
    wire_scan(message.bytes, message.length, false, &scan);
    return near_mask(&message, &scan, users, masked);
}

static bool same_mask(const char *a, const char *b, bool users) {
    static uint8_t first[WIRE_MESSAGE_MAX], second[WIRE_MESSAGE_MAX];
    uint32_t length = mask(a, users, first);
    return length == mask(b, users, second) && memcmp(first, second, length) == 0;
}

START_TEST(masks_hide_identities_and_nothing_else) {
    static const char base[] =
        "INVITE sip:bob@a.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n"
        "From: \"Al\" <sip:al@a.example>;tag=1\r\nTo: <sip:bob@a.example>\r\n"
        "Call-ID: 1@x\r\nCSeq: 1 INVITE\r\nUser-Agent: P\r\n\r\n";
    static const char other[] =
        "INVITE sip:bob@a.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK22\r\n"
        "From: \"Al\" <sip:al@a.example>;tag=2222\r\nTo: <sip:bob@a.example>\r\n"
        "Call-ID: another\r\nCSeq: 77 INVITE\r\nUser-Agent: P\r\n\r\n";
    static const char people[] =
        "INVITE sip:eve@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bK1\r\n"
        "From: \"Eva\" <sip:77@10.1.1.1>;tag=1\r\nTo: <sip:bo@a.example>\r\n"
        "Call-ID: 1@x\r\nCSeq: 1 INVITE\r\nUser-Agent: P\r\n\r\n";
    static const char agent[] =
        "INVITE sip:bob@a.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n"
        "From: \"Al\" <sip:al@a.example>;tag=1\r\nTo: <sip:bob@a.example>\r\n"
        "Call-ID: 1@x\r\nCSeq: 1 INVITE\r\nUser-Agent: Q\r\n\r\n";
    ck_assert(same_mask(base, other, false) && same_mask(base, other, true));
    ck_assert(!same_mask(base, people, false) && same_mask(base, people, true));
    ck_assert(!same_mask(base, agent, false) && !same_mask(base, agent, true));
}
END_TEST

/* ---- traits -------------------------------------------------------------------------------------------- */

START_TEST(traits_say_what_is_written) {
    static const char text[] =
        "REGISTER sip:a.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5062;rport;branch=z9hG4bKabc012\r\n"
        "f: \"Al\" <sip:al@a.example>;tag=9f\r\nTo: <sip:al@a.example>\r\nCall-ID: Xy-1@h\r\n"
        "CSeq: 40 REGISTER\r\nUser-Agent: Soft/1.2 x\r\nContact: <sip:al@10.0.0.2:5062;line=1>;expires=60\r\n"
        "Max-Forwards: 69\r\n\r\n";
    static const struct {
        Trait trait;
        const char *value;
    } expected[] = {
        {TRAIT_CALL_ID_AT, "yes"},       {TRAIT_CALL_ID_FORM, "@-xX0/4"},
        {TRAIT_BRANCH_FORM, "a0/4"},     {TRAIT_FROM_TAG_FORM, "a0/0"},
        {TRAIT_CSEQ_SIZE, "10"},         {TRAIT_USER_AGENT, "Soft/1.2 x"},
        {TRAIT_AGENT_PRODUCT, "Soft"},   {TRAIT_HEADER_ORDER, "Via From To Call-ID"},
        {TRAIT_COMPACT, "yes"},          {TRAIT_COLON, "one behind"},
        {TRAIT_MAX_FORWARDS, "69"},      {TRAIT_CONTACT_FORM, "source port uri-parameters parameters"},
        {TRAIT_CONTACT_USER, "as From"}, {TRAIT_SENT_BY, "source with port"},
        {TRAIT_VIA_RPORT, "yes"},        {TRAIT_FROM_HOST, "name"},
        {TRAIT_FROM_DISPLAY, "yes"},     {TRAIT_SOURCE_PORT, "5060"},
        {TRAIT_NETWORK, "10.0.0.0/16"},  {TRAIT_IP_VERSION, "4"},
        {TRAIT_POSITION, "2"},           {TRAIT_METHOD, "REGISTER"},
        {TRAIT_TO_IS_FROM, "yes"},       {TRAIT_CREDENTIALS, "no"}};
    static WireScan scan;
    static TraitValues values;
    WireMessage message = sip_message(text, 2, 1, 150);
    wire_scan(message.bytes, message.length, false, &scan);
    traits_read(&message, &scan, message.time_ns - 150 * INT64_C(1000000000), &values);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_msg(strcmp(values.text[expected[i].trait], expected[i].value) == 0, "%s is %s",
                      trait_name(expected[i].trait), values.text[expected[i].trait]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("leaks");
    TCase *hunting = tcase_create("hunting"), *sides = tcase_create("sides"),
          *traits = tcase_create("traits");
    tcase_add_loop_test(hunting, honest_data_pass, 0, 4);
    tcase_add_test(hunting, an_agent_of_attackers_is_found);
    tcase_add_test(hunting, an_agent_of_some_attackers_is_found);
    tcase_add_test(hunting, call_ids_of_attackers_are_found);
    tcase_add_test(hunting, lengths_of_attackers_are_found);
    tcase_add_test(hunting, behaviour_is_no_leak);
    tcase_add_test(hunting, captures_apart_are_compared_all_the_same);
    tcase_add_test(hunting, what_a_capture_shares_is_no_leak);
    tcase_add_loop_test(hunting, permuted_labels_are_chance, 0, 4);
    tcase_add_test(hunting, the_same_seed_gives_the_same);
    tcase_add_test(hunting, many_clients_are_sampled);
    tcase_add_test(hunting, one_side_is_not_enough);
    tcase_add_test(sides, sides_that_share_nothing_are_clean);
    tcase_add_test(sides, one_text_on_two_sides_is_found);
    tcase_add_loop_test(sides, two_call_ids_name_no_dialog, 0, 2);
    tcase_add_test(sides, rows_without_a_label_do_not_count);
    tcase_add_test(sides, masks_hide_identities_and_nothing_else);
    tcase_add_test(traits, traits_say_what_is_written);
    suite_add_tcase(suite, hunting);
    suite_add_tcase(suite, sides);
    suite_add_tcase(suite, traits);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
