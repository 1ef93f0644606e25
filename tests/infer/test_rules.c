/* Each rule fires at its limit and not below, and each guard holds it back.
 * Relies on: infer/rules, Check.
 * Relied on by: tests/infer/test_infer. */
#include <math.h>
#include <string.h>

#include "infer/rules.h"
#include "tests/infer/suites.h"

#define C(name) FEATURE_PEER_##name

static FeatureRow row;
static const FeatureKeys somebody = {.has_client = true};

static void set(FeatureGroup group, FeaturePeerCounter counter, unsigned tau, double value) {
    unsigned at = feature_group_begin[group] + (unsigned)counter * FEATURE_PER_COUNTER + tau;
    row.counters[at] = (uint8_t)lround(16 * log1p(value));
}

static const char *fired(SipcnnRuleClass rule_class) {
    const char *names[SIPCNN_RULE_CLASSES];
    int count = sipcnn_rules_judge(&row, &somebody, names), seen = 0;
    for (int i = 0; i < SIPCNN_RULE_CLASSES; i++)
        seen += names[i] != NULL;
    ck_assert_int_eq(count, seen);
    return names[rule_class];
}

/* What a rule needs and what stops it, written down a second time. */
static const struct {
    const char *name;
    SipcnnRuleClass class;
    FeatureGroup group;
    unsigned tau;
    FeaturePeerCounter counter;
    double limit;
    FeaturePeerCounter also;
    double also_limit; /* 0: nothing */
    FeaturePeerCounter guard;
    FeaturePeerCounter background; /* what another rule of the class takes for honest work; 0: nothing */
} table[] = {
    {"invite-rate", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 1, C(INVITE), 600, 0, 0, C(SUCCESS),
     C(PROVISIONAL)},
    {"invite-rate", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 1, C(INVITE), 600, 0, 0, C(BUSY),
     C(PROVISIONAL)},
    {"invite-rate", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 1, C(INVITE), 600, 0, 0, C(RETRANSMISSION),
     C(PROVISIONAL)},
    {"invites-unheard", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 1, C(INVITE), 150, 0, 0, C(PROVISIONAL), 0},
    {"invites-unheard", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 1, C(INVITE), 150, 0, 0, C(CREDENTIALS), 0},
    {"invites-unheard", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 1, C(INVITE), 150, 0, 0, C(SERVER_ERROR), 0},
    {"invites-unheard", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 1, C(INVITE), 150, 0, 0, C(RETRANSMISSION),
     0},
    {"invite-count", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 2, C(INVITE), 1200, 0, 0, C(ESTABLISHED), 0},
    {"options-rate", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 1, C(OPTIONS), 600, 0, 0, C(RETRANSMISSION), 0},
    {"register-rate", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 1, C(REGISTER), 300, 0, 0, C(CREDENTIALS), 0},
    {"message-rate", SIPCNN_RULE_FLOOD, FEATURE_GROUP_CLIENT, 1, C(MESSAGE), 600, 0, 0, C(SUCCESS), 0},
    {"invites-of-many", SIPCNN_RULE_DISTRIBUTED_FLOOD, FEATURE_GROUP_TARGET, 1, C(INVITE), 400, C(NEW_PEER),
     20, C(SUCCESS), 0},
    {"invites-of-many", SIPCNN_RULE_DISTRIBUTED_FLOOD, FEATURE_GROUP_TARGET, 1, C(INVITE), 400, C(NEW_PEER),
     20, C(PROVISIONAL), 0},
    {"many-hosts", SIPCNN_RULE_SCAN, FEATURE_GROUP_CLIENT, 1, C(NEW_PEER), 60, C(INITIAL), 60, C(SUCCESS), 0},
    {"unknown-users", SIPCNN_RULE_ENUMERATION, FEATURE_GROUP_CLIENT, 1, C(NOT_FOUND), 40, C(NEW_TO_USER), 25,
     C(SUCCESS), 0},
    {"unknown-users-slow", SIPCNN_RULE_ENUMERATION, FEATURE_GROUP_CLIENT, 2, C(NOT_FOUND), 60, C(NEW_TO_USER),
     50, C(BUSY), 0},
    {"users-without-password", SIPCNN_RULE_ENUMERATION, FEATURE_GROUP_CLIENT, 1, C(CHALLENGE), 150,
     C(NEW_TO_USER), 100, C(CREDENTIALS), 0},
    {"failed-digests", SIPCNN_RULE_BRUTEFORCE, FEATURE_GROUP_CLIENT, 1, C(AUTH_FAILURE), 40, 0, 0,
     C(AUTH_SUCCESS), 0},
    {"failed-digests-slow", SIPCNN_RULE_BRUTEFORCE, FEATURE_GROUP_CLIENT, 2, C(AUTH_FAILURE), 60, 0, 0,
     C(SUCCESS), 0},
    {"foreign-dialogs", SIPCNN_RULE_TEARDOWN, FEATURE_GROUP_CLIENT, 1, C(FOREIGN_DIALOG), 15, C(NO_DIALOG),
     10, C(SUCCESS), 0},
    {"prefix-probing", SIPCNN_RULE_TOLL_FRAUD, FEATURE_GROUP_CLIENT, 2, C(NEW_PREFIX), 10, C(LONG_NUMBER), 10,
     C(SUCCESS), 0},
};

/* Quantisation is exact within 4 %, hence the distance from the limits. */
START_TEST(fires_from_its_limit_on) {
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        memset(&row, 0, sizeof row);
        if (table[i].background) set(table[i].group, table[i].background, table[i].tau, table[i].limit);
        set(table[i].group, table[i].counter, table[i].tau, table[i].limit * 0.9);
        if (table[i].also_limit > 0)
            set(table[i].group, table[i].also, table[i].tau, table[i].also_limit * 1.1);
        ck_assert_msg(fired(table[i].class) == NULL, "%s below its limit", table[i].name);
        set(table[i].group, table[i].counter, table[i].tau, table[i].limit * 1.1);
        const char *name = fired(table[i].class);
        ck_assert_msg(name != NULL && strcmp(name, table[i].name) == 0, "%s at its limit", table[i].name);
        if (table[i].also_limit > 0) {
            set(table[i].group, table[i].also, table[i].tau, table[i].also_limit * 0.9);
            ck_assert_msg(fired(table[i].class) == NULL, "%s without its second condition", table[i].name);
            set(table[i].group, table[i].also, table[i].tau, table[i].also_limit * 1.1);
        }
        set(table[i].group, table[i].guard, table[i].tau, table[i].limit);
        ck_assert_msg(fired(table[i].class) == NULL, "%s in spite of its guard", table[i].name);
    }
}
END_TEST

START_TEST(a_message_without_client_accuses_nobody) {
    static const FeatureKeys nobody = {.has_client = false};
    const char *names[SIPCNN_RULE_CLASSES];
    memset(row.counters, 0, sizeof row.counters);
    set(FEATURE_GROUP_CLIENT, C(INVITE), 1, 5000);
    ck_assert_int_eq(sipcnn_rules_judge(&row, &nobody, names), 0);
    ck_assert_int_eq(sipcnn_rules_judge(&row, &somebody, names), 1);
}
END_TEST

TCase *rules_cases(void) {
    TCase *cases = tcase_create("rules");
    tcase_add_test(cases, fires_from_its_limit_on);
    tcase_add_test(cases, a_message_without_client_accuses_nobody);
    return cases;
}
