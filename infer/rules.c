/* Rules: a handful of limits on the context's counters that need no model.
 * Relies on: data/features/features.h.
 * Relied on by: sipcnn-infer, programs that embed libsipcnn. */
#include "infer/rules.h"

#include <stdbool.h>
#include <stddef.h>

/* Time constants by their index. A steady rate of r per second makes a counter of 30 s about 30 r. */
enum { OVER_30_S = 1, OVER_10_MIN = 2 };

/* A guard keeps honest work out: the counter is at most `share` of the rule's own one. */
typedef struct Guard {
    FeaturePeerCounter counter;
    float share; /* 0: end of the list */
} Guard;

typedef struct Rule {
    const char *name;
    SipcnnRuleClass class;
    FeatureGroup group; /* whose counters: client or target */
    unsigned tau;
    FeaturePeerCounter counter;
    float limit; /* the rule fires from here on ... */
    struct {
        FeaturePeerCounter counter;
        float limit;
    } and;           /* ... if this one has reached its limit too (0: nothing) ... */
    Guard guards[9]; /* ... and none of these is above its share */
} Rule;

#define C(name) FEATURE_PEER_##name

/* Limits are far above what a phone, a trunk in a busy hour, a monitor that polls dead phones, a dialler or a
 * re-registration storm behind one address reaches; docs/man/sipcnn-infer.1 lists them for operators.
 *  - completion (SUCCESS, ESTABLISHED), BUSY, NOT_FOUND and UNAVAILABLE are what a trunk's and a dialler's
 * calls end in;
 *  - RETRANSMISSION is what an honest stack does when nobody answers and what flood tools do not bother to
 * do;
 *  - AUTH_SUCCESS follows the failures when a registrar has lost its nonces. */
static const Rule rules[] = {
    {"invite-rate",
     SIPCNN_RULE_FLOOD,
     FEATURE_GROUP_CLIENT,
     OVER_30_S,
     C(INVITE),
     600,
     {C(INVITE), 0},
     {{C(SUCCESS), .1f},
      {C(ESTABLISHED), .1f},
      {C(BUSY), .2f},
      {C(NOT_FOUND), .2f},
      {C(UNAVAILABLE), .2f},
      {C(RETRANSMISSION), .5f}}},
    {"invites-unheard",
     SIPCNN_RULE_FLOOD,
     FEATURE_GROUP_CLIENT,
     OVER_30_S,
     C(INVITE),
     150,
     {C(INVITE), 0},
     {{C(SUCCESS), .1f},
      {C(PROVISIONAL), .3f},
      {C(CREDENTIALS), .2f},
      {C(BUSY), .1f},
      {C(NOT_FOUND), .1f},
      {C(UNAVAILABLE), .1f},
      {C(FORBIDDEN), .2f},
      {C(SERVER_ERROR), .2f},
      {C(RETRANSMISSION), .3f}}},
    {"invite-count",
     SIPCNN_RULE_FLOOD,
     FEATURE_GROUP_CLIENT,
     OVER_10_MIN,
     C(INVITE),
     1200,
     {C(INVITE), 0},
     {{C(SUCCESS), .05f},
      {C(ESTABLISHED), .05f},
      {C(BUSY), .1f},
      {C(NOT_FOUND), .1f},
      {C(UNAVAILABLE), .1f},
      {C(RETRANSMISSION), .3f}}},
    {"options-rate",
     SIPCNN_RULE_FLOOD,
     FEATURE_GROUP_CLIENT,
     OVER_30_S,
     C(OPTIONS),
     600,
     {C(OPTIONS), 0},
     {{C(SUCCESS), .1f}, {C(UNAVAILABLE), .2f}, {C(NOT_FOUND), .2f}, {C(RETRANSMISSION), .3f}}},
    {"register-rate",
     SIPCNN_RULE_FLOOD,
     FEATURE_GROUP_CLIENT,
     OVER_30_S,
     C(REGISTER),
     300,
     {C(REGISTER), 0},
     {{C(SUCCESS), .1f}, {C(CREDENTIALS), .2f}, {C(RETRANSMISSION), .3f}}},
    {"message-rate",
     SIPCNN_RULE_FLOOD,
     FEATURE_GROUP_CLIENT,
     OVER_30_S,
     C(MESSAGE),
     600,
     {C(MESSAGE), 0},
     {{C(SUCCESS), .1f}, {C(RETRANSMISSION), .3f}}},
    {"invites-of-many",
     SIPCNN_RULE_DISTRIBUTED_FLOOD,
     FEATURE_GROUP_TARGET,
     OVER_30_S,
     C(INVITE),
     400,
     {C(NEW_PEER), 20},
     {{C(SUCCESS), .1f},
      {C(PROVISIONAL), .3f},
      {C(CREDENTIALS), .2f},
      {C(BUSY), .1f},
      {C(NOT_FOUND), .1f},
      {C(UNAVAILABLE), .1f},
      {C(FORBIDDEN), .2f},
      {C(SERVER_ERROR), .2f},
      {C(RETRANSMISSION), .3f}}},
    {"many-hosts",
     SIPCNN_RULE_SCAN,
     FEATURE_GROUP_CLIENT,
     OVER_30_S,
     C(NEW_PEER),
     60,
     {C(INITIAL), 60},
     {{C(SUCCESS), .1f}, {C(RETRANSMISSION), .2f}, {C(CREDENTIALS), .05f}}},
    {"unknown-users",
     SIPCNN_RULE_ENUMERATION,
     FEATURE_GROUP_CLIENT,
     OVER_30_S,
     C(NOT_FOUND),
     40,
     {C(NEW_TO_USER), 25},
     {{C(SUCCESS), .05f}, {C(ESTABLISHED), .05f}, {C(BUSY), .1f}, {C(UNAVAILABLE), .1f}}},
    {"unknown-users-slow",
     SIPCNN_RULE_ENUMERATION,
     FEATURE_GROUP_CLIENT,
     OVER_10_MIN,
     C(NOT_FOUND),
     60,
     {C(NEW_TO_USER), 50},
     {{C(SUCCESS), .05f}, {C(ESTABLISHED), .05f}, {C(BUSY), .1f}, {C(UNAVAILABLE), .1f}}},
    {"users-without-password",
     SIPCNN_RULE_ENUMERATION,
     FEATURE_GROUP_CLIENT,
     OVER_30_S,
     C(CHALLENGE),
     150,
     {C(NEW_TO_USER), 100},
     {{C(CREDENTIALS), .1f}, {C(SUCCESS), .05f}}},
    {"failed-digests",
     SIPCNN_RULE_BRUTEFORCE,
     FEATURE_GROUP_CLIENT,
     OVER_30_S,
     C(AUTH_FAILURE),
     40,
     {C(AUTH_FAILURE), 0},
     {{C(AUTH_SUCCESS), .1f}, {C(SUCCESS), .2f}}},
    {"failed-digests-slow",
     SIPCNN_RULE_BRUTEFORCE,
     FEATURE_GROUP_CLIENT,
     OVER_10_MIN,
     C(AUTH_FAILURE),
     60,
     {C(AUTH_FAILURE), 0},
     {{C(AUTH_SUCCESS), .1f}, {C(SUCCESS), .2f}}},
    {"foreign-dialogs",
     SIPCNN_RULE_TEARDOWN,
     FEATURE_GROUP_CLIENT,
     OVER_30_S,
     C(FOREIGN_DIALOG),
     15,
     {C(NO_DIALOG), 10},
     {{C(SUCCESS), .2f}}},
    {"prefix-probing",
     SIPCNN_RULE_TOLL_FRAUD,
     FEATURE_GROUP_CLIENT,
     OVER_10_MIN,
     C(NEW_PREFIX),
     10,
     {C(LONG_NUMBER), 10},
     {{C(SUCCESS), .3f}, {C(ESTABLISHED), .2f}}},
};

static bool fires(const Rule *rule, const FeatureRow *row) {
    float value = feature_peer_value(row, rule->group, rule->counter, rule->tau);
    if (value < rule->limit) return false;
    if (feature_peer_value(row, rule->group, rule->and.counter, rule->tau) < rule->and.limit) return false;
    for (size_t i = 0; i < sizeof rule->guards / sizeof rule->guards[0] && rule->guards[i].share > 0; i++)
        if (feature_peer_value(row, rule->group, rule->guards[i].counter, rule->tau) >
            rule->guards[i].share * value)
            return false;
    return true;
}

int sipcnn_rules_judge(const FeatureRow *row, const FeatureKeys *keys,
                       const char *fired[SIPCNN_RULE_CLASSES]) {
    int count = 0;
    for (int i = 0; i < SIPCNN_RULE_CLASSES; i++)
        fired[i] = NULL;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const Rule *rule = &rules[i];
        if (fired[rule->class] != NULL) continue;
        if (rule->group == FEATURE_GROUP_CLIENT && !keys->has_client) continue;
        if (!fires(rule, row)) continue;
        fired[rule->class] = rule->name;
        count++;
    }
    return count;
}

const char *sipcnn_rule_class_name(SipcnnRuleClass rule_class) {
    static const char *const names[] = {
#define RULE_CLASS_NAME(ID, name) name,
        SIPCNN_RULE_CLASS_MAP(RULE_CLASS_NAME)
#undef RULE_CLASS_NAME
    };
    return names[rule_class];
}
