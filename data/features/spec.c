/* The feature spec as data: vocabularies, groups, names, fingerprint.
 * Relies on: data/features/hash.h.
 * Relied on by: data/dataset, train, infer, bench. */
#include "data/features/counters.h"
#include "data/features/features.h"
#include "data/features/hash.h"

#include <stdio.h>
#include <string.h>

const uint16_t feature_token_vocabulary[FEATURE_TOKEN_FIELDS] = {FEATURE_TOKEN_NAMES, FEATURE_TOKEN_SHAPES,
                                                                 FEATURE_TOKEN_LENGTHS, FEATURE_TOKEN_FLAGS};
const uint16_t feature_event_vocabulary[FEATURE_EVENT_FIELDS] = {
    FEATURE_EVENT_KINDS,     FEATURE_EVENT_STEPS, FEATURE_EVENT_RELATIONS,
    FEATURE_EVENT_RELATIONS, FEATURE_EVENT_AUTH,  FEATURE_EVENT_CSEQ};
const uint16_t feature_group_begin[FEATURE_GROUPS + 1] = {
    0, FEATURE_CLIENT_AT, FEATURE_ACCOUNT_AT, FEATURE_TARGET_AT, FEATURE_ALL_AT, FEATURE_COUNTERS};

#define PEER(name) FEATURE_PEER_##name,
const uint8_t feature_served_counters[FEATURE_SERVED_COUNTERS] = {FEATURE_SERVED_COUNTER_MAP(PEER)};
const uint8_t feature_asking_counters[FEATURE_ASKING_COUNTERS] = {FEATURE_ASKING_COUNTER_MAP(PEER)};
#undef PEER

#define NAME(name) #name,
static const char *const fact_names[] = {FEATURE_FACT_MAP(NAME)};
static const char *const peer_names[] = {FEATURE_PEER_COUNTER_MAP(NAME)};
static const char *const served_names[] = {FEATURE_SERVED_COUNTER_MAP(NAME)};
static const char *const asking_names[] = {FEATURE_ASKING_COUNTER_MAP(NAME)};
static const char *const account_names[] = {FEATURE_ACCOUNT_COUNTER_MAP(NAME)};
static const char *const all_names[] = {FEATURE_ALL_COUNTER_MAP(NAME)};
#undef NAME
static const char *const part_names[FEATURE_PER_COUNTER] = {"1s",     "30s",       "10min",   "2h",
                                                            "1s/30s", "30s/10min", "10min/2h"};

/* What changes a row without changing a name: increase with every change of encoding, text, dialog or
 * counting. */
static const char revision[] = "rows 9";

static void message_input_name(unsigned input, char *text, size_t capacity) {
    if (input < FEATURE_METHODS_AT)
        snprintf(text, capacity, "fact.%s", fact_names[input]);
    else if (input < FEATURE_STATUS_AT)
        snprintf(text, capacity, "method.%s", wire_method_name((WireMethod)(input - FEATURE_METHODS_AT)));
    else if (input < FEATURE_ANOMALIES_AT)
        snprintf(text, capacity, "status.%uxx", input - FEATURE_STATUS_AT + 1);
    else
        snprintf(text, capacity, "anomaly.%s",
                 wire_anomaly_name((WireAnomaly)(input - FEATURE_ANOMALIES_AT)));
}

void feature_input_name(unsigned input, char *text, size_t capacity) {
    static const struct {
        unsigned end;
        const char *group;
        const char *const *names;
    } parts[] = {
        {FEATURE_SERVED_AT, "client", peer_names},       {FEATURE_ACCOUNT_AT, "client.served", served_names},
        {FEATURE_TARGET_AT, "account", account_names},   {FEATURE_ASKING_AT, "target", peer_names},
        {FEATURE_ALL_AT, "target.asking", asking_names}, {FEATURE_COUNTERS, "all", all_names}};
    if (input >= FEATURE_COUNTERS) {
        snprintf(text, capacity, "no input %u", input);
        return;
    }
    if (input < FEATURE_MESSAGE_INPUTS) {
        message_input_name(input, text, capacity);
        return;
    }
    unsigned part = 0, begin = FEATURE_CLIENT_AT;
    while (input >= parts[part].end)
        begin = parts[part++].end;
    snprintf(text, capacity, "%s.%s.%s", parts[part].group,
             parts[part].names[(input - begin) / FEATURE_PER_COUNTER],
             part_names[(input - begin) % FEATURE_PER_COUNTER]);
}

uint64_t feature_spec_hash(void) {
    uint64_t hash = feature_hash(revision, sizeof revision, FEATURE_SPEC_VERSION);
    for (unsigned input = 0; input < FEATURE_COUNTERS; input++) {
        char name[80];
        feature_input_name(input, name, sizeof name);
        hash = feature_hash(name, strlen(name), hash);
    }
    const uint32_t shape[] = {FEATURE_TOKENS, FEATURE_TEXT, FEATURE_TEXT_SYMBOLS, FEATURE_EVENTS,
                              FEATURE_COUNTERS};
    hash = feature_hash(feature_token_vocabulary, sizeof feature_token_vocabulary, hash);
    hash = feature_hash(feature_event_vocabulary, sizeof feature_event_vocabulary, hash);
    return feature_hash(shape, sizeof shape, hash);
}

float feature_peer_value(const FeatureRow *row, FeatureGroup group, FeaturePeerCounter counter,
                         unsigned tau) {
    unsigned at = feature_group_begin[group] + (unsigned)counter * FEATURE_PER_COUNTER + tau;
    return 1.0f / feature_exp_minus((float)row->counters[at] / 16.0f) - 1.0f;
}
