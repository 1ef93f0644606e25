/* The synthesiser's attacks: each run meets its class's description, counted from the bytes as label.py does.
 * Relies on: data/synth, data/wire/scan.h, Check.
 * Relied on by: ctest, tests/long/synth_attacks.sh.
 *
 * SIPCNN_SYNTH_SEEDS: sessions for each builder (4, fewer if small); SIPCNN_SYNTH_TOOL: only this builder. */
#include "data/synth/attack.h"
#include "tests/sizes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 1 << 17 };

/* -- a set of hashes with a value each ------------------------------------------------------------------- */

typedef struct Set {
    uint64_t *keys;
    uint32_t *values;
    uint32_t count;
} Set;

static Set set_new(void) {
    Set set = {calloc(SLOTS, sizeof(uint64_t)), calloc(SLOTS, sizeof(uint32_t)), 0};
    ck_assert(set.keys && set.values);
    return set;
}

static void set_free(Set *set) {
    free(set->keys);
    free(set->values);
}

/* The value of a key; added with 0 if `add`; NULL: it is not there. */
static uint32_t *set_find(Set *set, uint64_t key, bool add) {
    uint32_t at = (uint32_t)(key >> 20) & (SLOTS - 1);
    while (set->keys[at] && set->keys[at] != key)
        at = (at + 1) & (SLOTS - 1);
    if (!set->keys[at]) {
        if (!add) return NULL;
        ck_assert_uint_lt(set->count, SLOTS / 2);
        set->keys[at] = key;
        set->count++;
    }
    return &set->values[at];
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return (hash ^ hash >> 29) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static uint64_t mix_slice(uint64_t hash, const uint8_t *bytes, WireSlice slice) {
    return mix(hash, bytes + slice.offset, slice.length);
}

/* -- what a run did, from its messages --------------------------------------------------------------------
 */

typedef struct Seen { /* one message of the run, read again */
    const SynthRow *row;
    WireScan *scan;
    const uint8_t *bytes;
} Seen;

typedef struct Count {
    uint32_t requests, work, complete, users, users_ok, most_users, dialled, failed, accounts, probes, hosts,
        ports, methods, clients, busiest, outside, abroad, minute, taken, callees, onset;
    double span;
    Set final, acked, went_on;
} Count;

static uint64_t key_of(const Seen *m) {
    uint64_t key = mix_slice(1, m->bytes, m->scan->call_id);
    key = mix(key, &m->scan->cseq, sizeof m->scan->cseq);
    key = mix_slice(key, m->bytes, m->scan->branch);
    return mix(key, &m->scan->method, 1);
}

static uint64_t number_of(const Seen *m) {
    uint64_t key = mix_slice(2, m->bytes, m->scan->call_id);
    return mix(key, &m->scan->cseq, sizeof m->scan->cseq);
}

static WireSlice user_of(const Seen *m) {
    if (m->scan->method == WIRE_REGISTER || !m->scan->uri.user.length) return m->scan->to.uri.user;
    return m->scan->uri.user;
}

static bool of_run_itself(const SynthRun *run, const Seen *m) {
    for (uint32_t i = 0; i < run->n_clients; i++)
        if (wire_same_ip(&run->clients[i], &m->row->source)) return true;
    return false;
}

static bool is_digits(const uint8_t *text, uint32_t length, uint32_t least) {
    if (length < least || text[0] == '0') return false;
    for (uint32_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9') return false;
    return true;
}

static bool is_abroad(const Seen *m, bool of_fraud) {
    static const char *const plain[] = {"+", "00", "011", "0011", "900", "9011"};
    static const char *const probe[] = {"",    "+",   "*",   "0",    "8",    "9",    "00",   "000",
                                        "011", "900", "810", "9011", "1100", "8800", "99900"};
    const char *const *list = of_fraud ? probe : plain;
    size_t count = of_fraud ? sizeof probe / sizeof *probe : sizeof plain / sizeof *plain;
    WireSlice user = m->scan->uri.user;
    for (size_t i = 0; i < count; i++) {
        size_t skip = strlen(list[i]);
        if (user.length > skip && memcmp(m->bytes + user.offset, list[i], skip) == 0 &&
            is_digits(m->bytes + user.offset + skip, user.length - (uint32_t)skip, of_fraud ? 10 : 9))
            return true;
    }
    return false;
}

static bool is_work(const Seen *m) {
    return m->scan->request && m->scan->method != WIRE_ACK && m->scan->method != WIRE_CANCEL;
}

static uint32_t busiest_minute(const int64_t *times, uint32_t count) {
    uint32_t best = 0, start = 0;
    for (uint32_t i = 0; i < count; i++) {
        while (times[i] - times[start] > INT64_C(60000000000))
            start++;
        if (i - start + 1 > best) best = i - start + 1;
    }
    return best;
}

/* First the answers, because a request's success is known only later. */
static void count_answers(const SynthRun *run, const Seen *seen, uint32_t n, Count *c) {
    for (uint32_t i = 0; i < n; i++) {
        const Seen *m = &seen[i];
        if (m->row->mark.part == DATASET_RELAY) continue;
        if (!m->scan->request && !of_run_itself(run, m) && m->scan->status >= 200)
            *set_find(&c->final, key_of(m), true) = m->scan->status;
        if (m->scan->request && m->scan->method == WIRE_ACK) set_find(&c->acked, number_of(m), true);
    }
}

static bool succeeded(Count *c, const Seen *m) {
    uint32_t *final = set_find(&c->final, key_of(m), false);
    return final && *final >= 200 && *final < 300;
}

static uint64_t call_of(const Seen *m) {
    return mix_slice(14, m->bytes, m->scan->call_id);
}

static bool is_done(Count *c, const Seen *m) {
    return succeeded(c, m) && (m->scan->method != WIRE_INVITE || set_find(&c->acked, number_of(m), false));
}

/* Calls in which something was finished: a challenge in them was no failure. */
static void count_calls(const Seen *seen, uint32_t n, Count *c) {
    for (uint32_t i = 0; i < n; i++)
        if (seen[i].row->mark.part != DATASET_RELAY && is_work(&seen[i]) && is_done(c, &seen[i]))
            set_find(&c->went_on, call_of(&seen[i]), true);
}

typedef struct Tally {
    Set users, users_ok, client_users, per_client, accounts, probes, hosts, ports, methods, clients, abroad,
        taken;
} Tally;

static void count_request(const SynthRun *run, const Seen *m, Count *c, Tally *t) {
    const uint8_t *b = m->bytes;
    uint32_t *final = set_find(&c->final, key_of(m), false);
    bool ok = succeeded(c, m), to_tag = m->scan->to.tag.length > 0, authorized = m->scan->credentials.present;
    bool challenged = !authorized && final && (*final == 401 || *final == 407);
    c->work++;
    c->complete += is_done(c, m) || (challenged && set_find(&c->went_on, call_of(m), false));
    c->outside += !authorized && !to_tag;
    WireSlice user = user_of(m);
    if (!to_tag && user.length) {
        set_find(&t->users, mix_slice(3, b, user), true);
        if (ok) set_find(&t->users_ok, mix_slice(3, b, user), true);
        uint64_t client = mix(13, m->row->source.ip, 16), pair = mix_slice(client, b, user);
        if (!set_find(&t->client_users, pair, false)) {
            set_find(&t->client_users, pair, true);
            uint32_t *wide = set_find(&t->per_client, client, true);
            if (++*wide > c->most_users) c->most_users = *wide;
        }
    }
    if (authorized && final && (*final == 401 || *final == 403 || *final == 407)) {
        c->failed++;
        set_find(&t->accounts, mix_slice(4, b, m->scan->credentials.username), true);
    }
    uint64_t host = mix(5, m->row->destination.ip, 16), port = mix(host, &m->row->destination.port, 2);
    set_find(&t->hosts, host, true);
    set_find(&t->ports, port, true);
    set_find(&t->methods, mix(6, &m->scan->method, 1), true);
    set_find(&t->probes, mix(port, &m->scan->method, 1), true);
    uint32_t *mine = set_find(&t->clients, mix(7, m->row->source.ip, 16), true);
    if (++*mine > c->busiest) c->busiest = *mine;
    if (m->scan->method == WIRE_INVITE && is_abroad(m, run->class == SYNTH_TOLL_FRAUD)) {
        c->dialled++;
        set_find(&t->abroad, mix_slice(8, b, m->scan->uri.user), true);
    }
    if (m->scan->method == WIRE_REGISTER && ok)
        set_find(&t->taken, mix_slice(9, b, m->scan->to.uri.user), true);
}

/* Callees to whom one text or caller was really delivered: relayed legs. */
static uint32_t count_callees(const SynthWorld *world, const Seen *seen, uint32_t n) {
    Set asked = set_new(), reached = set_new(), width = set_new();
    uint32_t best = 0;
    for (uint32_t i = 0; i < n; i++) {
        const Seen *m = &seen[i];
        if (!m->scan->request || (m->scan->method != WIRE_INVITE && m->scan->method != WIRE_MESSAGE))
            continue;
        uint64_t what = m->scan->method == WIRE_MESSAGE ? mix_slice(10, m->bytes, m->scan->body)
                                                        : mix_slice(11, m->bytes, m->scan->from.uri.user);
        uint64_t call = mix_slice(12, m->bytes, m->scan->call_id);
        if (m->row->mark.part != DATASET_RELAY) {
            *set_find(&asked, call, true) = i + 1;
        } else if (set_find(&asked, call, false) &&
                   !wire_same_ip(&m->row->destination, &world->server.address)) {
            uint64_t pair = mix_slice(what, m->bytes, m->scan->to.uri.user);
            if (set_find(&reached, pair, false)) continue;
            set_find(&reached, pair, true);
            uint32_t *wide = set_find(&width, what, true);
            if (++*wide > best) best = *wide;
        }
    }
    set_free(&asked);
    set_free(&reached);
    set_free(&width);
    return best;
}

static void count(const SynthWorld *world, const SynthRun *run, const Seen *seen, uint32_t n, Count *c) {
    Tally t = {set_new(), set_new(), set_new(), set_new(), set_new(), set_new(),
               set_new(), set_new(), set_new(), set_new(), set_new(), set_new()};
    int64_t *times = calloc(n + 1, sizeof *times);
    ck_assert_ptr_nonnull(times);
    *c = (Count){.final = set_new(), .acked = set_new(), .went_on = set_new()};
    count_answers(run, seen, n, c);
    count_calls(seen, n, c);
    for (uint32_t i = 0; i < n; i++) {
        const Seen *m = &seen[i];
        if (m->row->mark.part == DATASET_RELAY || !m->scan->request) continue;
        c->requests++;
        c->onset += m->row->mark.part == DATASET_ONSET;
        if (!is_work(m)) continue;
        times[c->work] = m->row->time_ns;
        count_request(run, m, c, &t);
    }
    c->span = c->work > 1 ? (double)(times[c->work - 1] - times[0]) / 1e9 : 1;
    if (c->span < 1e-3) c->span = 1e-3;
    c->minute = busiest_minute(times, c->work);
    c->users = t.users.count, c->users_ok = t.users_ok.count, c->accounts = t.accounts.count;
    c->probes = t.probes.count, c->hosts = t.hosts.count, c->ports = t.ports.count;
    c->methods = t.methods.count, c->clients = t.clients.count, c->abroad = t.abroad.count;
    c->taken = t.taken.count;
    c->callees = count_callees(world, seen, n);
    Set *sets[] = {&t.users,  &t.users_ok, &t.client_users, &t.per_client, &t.accounts,
                   &t.probes, &t.hosts,    &t.ports,        &t.methods,    &t.clients,
                   &t.abroad, &t.taken,    &c->final,       &c->acked,     &c->went_on};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        set_free(sets[i]);
    free(times);
}

/* label.py's `holds`. */
static bool holds(const SynthRun *run, SynthClass class, const Count *c) {
    bool open = c->complete < 0.5 * (c->work ? c->work : 1);
    double rate = c->work / c->span, share = class == run->class ? 0 : 0.3 * c->work;
    switch (class) {
    case SYNTH_FLOOD: return c->clients == 1 && ((c->work >= 20 && rate >= 10) || c->minute >= 60) && open;
    case SYNTH_DISTRIBUTED_FLOOD:
        return c->clients >= 8 && (rate >= 10 || c->minute >= 60) && open && c->busiest < 60 &&
               c->busiest / c->span < 10;
    case SYNTH_SCAN:
        return c->outside == c->work && c->work >= 3 && c->work <= 5 * c->probes &&
               (c->hosts >= 3 || c->ports >= 3 || c->methods >= 3);
    case SYNTH_ENUMERATION: return c->most_users >= 5 && c->users_ok <= 0.3 * c->users && !c->failed;
    case SYNTH_BRUTEFORCE: return c->failed >= 5 && c->failed >= share && c->accounts <= 3;
    case SYNTH_TOLL_FRAUD: return c->abroad >= 3 && c->dialled >= share;
    case SYNTH_SPIT: return c->callees >= 10;
    case SYNTH_HIJACK: return run->class == class && (!run->takes_accounts || c->taken >= 3);
    default: return run->class == class;
    }
}

/* -- a session
 * ----------------------------------------------------------------------------------------------- */

typedef struct Session {
    SynthOutput *output;
    SynthWorld *world;
} Session;

static Session play(uint64_t seed, SynthKind kind, double hours, SynthClass class, const char *tool,
                    double scale) {
    SynthSettings settings = {.seed = seed,
                              .kind = (uint8_t)kind,
                              .hours = hours,
                              .tool = tool,
                              .messages = 250000,
                              .scale = scale};
    Session session = {NULL, NULL};
    CoreError error = {CORE_OK, ""};
    settings.attacks[class] = 1;
    ck_assert_msg(synth_output_open(NULL, &session.output, &error) == CORE_OK, "%s", error.text);
    ck_assert_msg(synth_world_new(&settings, session.output, &session.world, &error) == CORE_OK, "%s",
                  error.text);
    for (bool more = true; more;)
        ck_assert_msg(synth_world_run(session.world, 1 << 20, &more, &error) == CORE_OK, "%s", error.text);
    synth_runs_judge(&session.world->runs);
    return session;
}

static void close_session(Session *session) {
    synth_world_free(session->world);
    synth_output_free(session->output);
}

/* The messages of run number `index`, scanned. The caller frees *seen and (*seen)[0].scan. */
static uint32_t messages_of(const Session *session, uint32_t index, Seen **seen) {
    uint64_t rows;
    const uint8_t *bytes;
    const SynthRow *row = synth_output_kept(session->output, &rows, &bytes);
    uint32_t n = 0, found = 0;
    for (uint64_t i = 0; i < rows; i++)
        n += row[i].mark.run == index + 1;
    *seen = calloc(n + 1, sizeof **seen);
    WireScan *scans = calloc(n + 1, sizeof *scans);
    ck_assert(*seen && scans);
    (*seen)[0].scan = scans;
    for (uint64_t i = 0; i < rows; i++) {
        if (row[i].mark.run != index + 1) continue;
        Seen *m = &(*seen)[found];
        *m = (Seen){&row[i], &scans[found], bytes + row[i].offset};
        wire_scan(m->bytes, row[i].length, false, &scans[found++]);
    }
    return n;
}

static bool decided_by_bytes(SynthClass class) {
    return class == SYNTH_MALFORMED || class == SYNTH_INJECTION; /* not by counting */
}

static void check_run(const Session *session, uint32_t index) {
    const SynthRun *run = &session->world->runs.runs[index];
    Seen *seen;
    Count c;
    uint32_t n = messages_of(session, index, &seen);
    count(session->world, run, seen, n, &c);
    /* A broken message's ids may be read in more than one way. */
    if (!decided_by_bytes((SynthClass)run->class))
        ck_assert_msg(holds(run, (SynthClass)run->class, &c) == run->valid,
                      "%s (%s): judged %d, counted otherwise", run->tool, run->settings, run->valid);
    uint32_t expected =
        synth_class_onset[run->class] < c.requests ? synth_class_onset[run->class] : c.requests;
    if (!decided_by_bytes((SynthClass)run->class))
        ck_assert_msg(c.onset == expected, "%s: %u requests of onset, not %u", run->tool, c.onset, expected);
    for (unsigned other = 0; other < SYNTH_CLASSES && run->valid; other++) {
        bool also = run->also >> other & 1;
        bool counted = other != SYNTH_TEARDOWN && other != SYNTH_HIJACK && other != SYNTH_MALFORMED &&
                       other != SYNTH_INJECTION && other != run->class && c.work &&
                       holds(run, (SynthClass)other, &c);
        if (run->class == SYNTH_TOLL_FRAUD && other == SYNTH_SPIT) counted = false;
        /* An edge that gives calls other names hides whom they reach. */
        if (other == SYNTH_SPIT && session->world->edge_kind == SYNTH_EDGE_B2BUA) counted = also;
        if (!decided_by_bytes((SynthClass)run->class) && other != run->class)
            ck_assert_msg(also == counted, "%s (%s): also %s %d, counted %d", run->tool, run->settings,
                          synth_class_names[other], also, counted);
    }
    free(seen[0].scan);
    free(seen);
}

static unsigned seeds(unsigned usual) {
    const char *text = getenv("SIPCNN_SYNTH_SEEDS");
    unsigned long wanted = text ? strtoul(text, NULL, 10) : 0;
    return wanted > 0 && wanted < 100000 ? (unsigned)wanted : usual;
}

/* -- tests
 * ---------------------------------------------------------------------------------------------------- */

/* Attacks on calls need some. */
static bool needs_calls(SynthClass class) {
    return class == SYNTH_TEARDOWN || class == SYNTH_HIJACK;
}

START_TEST(every_builder_meets_its_class) {
    const SynthAttackBuilder *builder = synth_attack_builders[_i];
    static const SynthKind kinds[] = {SYNTH_OFFICE, SYNTH_CALLCENTRE, SYNTH_HOSTED, SYNTH_CAMPUS,
                                      SYNTH_CARRIER};
    unsigned runs = 0, valid = 0, wanted = seeds(test_size(4, needs_calls(builder->class) ? 2 : 1));
    const char *only = getenv("SIPCNN_SYNTH_TOOL");
    if (only && strcmp(only, builder->tool) != 0) return;
    for (unsigned seed = 1; seed <= wanted; seed++) {
        double hours = builder->seconds > 120 ? 0.5 : 0.2, scale = needs_calls(builder->class) ? 1 : 0.3;
        SynthKind kind = kinds[(seed + (unsigned)_i) % (sizeof kinds / sizeof *kinds)];
        Session session = play(1000 * seed + (unsigned)_i, kind, hours, builder->class, builder->tool, scale);
        for (uint32_t i = 0; i < session.world->runs.count; i++) {
            const SynthRun *run = &session.world->runs.runs[i];
            ck_assert_str_eq(run->tool, builder->tool);
            if (!run->n_asks) continue; /* nothing that the capture saw */
            check_run(&session, i);
            runs++;
            valid += run->valid;
            if (!run->valid)
                fprintf(stderr, "seed %u, %s: %s does not hold: %s, %u messages\n", seed,
                        synth_kind_names[kind], builder->tool, run->settings, run->n_asks);
        }
        close_session(&session);
    }
    ck_assert_msg(20 * valid >= 19 * runs &&
                      (needs_calls(builder->class) ? 2 * runs >= wanted : 4 * runs >= 3 * wanted),
                  "%s: %u seeds, %u runs, %u meet their description", builder->tool, wanted, runs, valid);
}
END_TEST

START_TEST(each_class_has_three_builders) {
    unsigned builders[SYNTH_CLASSES] = {0};
    for (uint32_t i = 0; i < synth_attack_count; i++) {
        const SynthAttackBuilder *builder = synth_attack_builders[i];
        char prefix[64];
        snprintf(prefix, sizeof prefix, "synth-%s-", synth_class_names[builder->class]);
        ck_assert_msg(strncmp(builder->tool, prefix, strlen(prefix)) == 0, "%s: not a name of its class",
                      builder->tool);
        builders[builder->class]++;
        for (uint32_t k = 0; k < i; k++)
            ck_assert_str_ne(builder->tool, synth_attack_builders[k]->tool);
    }
    for (unsigned i = 0; i < SYNTH_CLASSES; i++)
        ck_assert_msg(builders[i] >= 3, "%s has %u builders", synth_class_names[i], builders[i]);
}
END_TEST

/* What is called malformed has a fault that can be seen; what is called injection carries unusual text. */
START_TEST(malformed_shows) {
    const SynthAttackBuilder *builder = NULL;
    for (uint32_t i = 0; i < synth_attack_count; i++) {
        builder = synth_attack_builders[i];
        if (builder->class != SYNTH_MALFORMED) continue;
        Session session = play(77 + i, SYNTH_OFFICE, 0.2, builder->class, builder->tool, 0.3);
        Seen *seen;
        uint32_t n = messages_of(&session, 0, &seen), requests = 0, faulty = 0;
        ck_assert_uint_gt(session.world->runs.count, 0);
        for (uint32_t k = 0; k < n; k++) {
            if (!of_run_itself(&session.world->runs.runs[0], &seen[k])) continue;
            requests++;
            faulty += seen[k].scan->anomalies != 0;
            ck_assert(wire_is_sip(seen[k].bytes, seen[k].row->length));
        }
        ck_assert_msg(requests >= 8 && faulty >= 0.8 * requests, "%s: %u of %u show a fault", builder->tool,
                      faulty, requests);
        free(seen[0].scan);
        free(seen);
        close_session(&session);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("synth attacks");
    TCase *tests = tcase_create("attacks");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 3600);
    tcase_add_test(tests, each_class_has_three_builders);
    tcase_add_test(tests, malformed_shows);
    tcase_add_loop_test(tests, every_builder_meets_its_class, 0, (int)synth_attack_count);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
