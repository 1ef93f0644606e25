/* Rules: limits on the context's counters that need no model; they find the blatant and spare honest work.
 * Relies on: data/features/features.h.
 * Relied on by: sipcnn-infer, programs that embed libsipcnn. */
#ifndef SIPCNN_INFER_RULES_H
#define SIPCNN_INFER_RULES_H

#include "data/features/features.h"

/* Classes that rules know. X(ID, name). */
#define SIPCNN_RULE_CLASS_MAP(X)                                                                             \
    X(FLOOD, "flood")                                                                                        \
    X(DISTRIBUTED_FLOOD, "distributed_flood")                                                                \
    X(SCAN, "scan")                                                                                          \
    X(ENUMERATION, "enumeration")                                                                            \
    X(BRUTEFORCE, "bruteforce")                                                                              \
    X(TEARDOWN, "teardown")                                                                                  \
    X(TOLL_FRAUD, "toll_fraud")

typedef enum SipcnnRuleClass {
#define SIPCNN_RULE_ENUM(ID, name) SIPCNN_RULE_##ID,
    SIPCNN_RULE_CLASS_MAP(SIPCNN_RULE_ENUM)
#undef SIPCNN_RULE_ENUM
        SIPCNN_RULE_CLASSES
} SipcnnRuleClass;

/* For each class the name of the first rule whose conditions all hold for the message that `row` and `keys`
 * describe, a constant string, or NULL. Returns how many are not NULL. Pure; thread-safe. */
int sipcnn_rules_judge(const FeatureRow *row, const FeatureKeys *keys,
                       const char *fired[SIPCNN_RULE_CLASSES]);

/* Name of a rule's class, a constant string. */
const char *sipcnn_rule_class_name(SipcnnRuleClass rule_class);

#endif
