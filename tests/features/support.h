/* Messages for the feature tests, written as text.
 * Relies on: data/features.
 * Relied on by: tests/features. */
#ifndef SIPCNN_TESTS_FEATURES_SUPPORT_H
#define SIPCNN_TESTS_FEATURES_SUPPORT_H

#include "data/features/features.h"

#include <check.h>
#include <stdint.h>

/* One message of a script; text fields that are NULL take the defaults of `compose`. */
typedef struct Line {
    const char *from_ip, *to_ip; /* packet addresses */
    double at;                   /* seconds */
    const char *start;           /* start line */
    const char *call_id, *cseq, *branch, *from, *to, *contact;
    const char *more; /* further header lines, each ending in CRLF */
    const char *body;
    int vias; /* further Via values below the top one */
} Line;

/* Writes the message of `line` into `buffer` (4096 bytes) and fills *message. */
void compose(const Line *line, char *buffer, WireMessage *message);

/* Encodes and steps one line. */
void play(FeatureContext *context, const Line *line, FeatureRow *row, FeatureKeys *keys);

FeatureContext *empty_context(void);
unsigned fact(const FeatureRow *row, FeatureFact which);
/* Feature byte of a client or target counter with time constant 2 h, undone: the count, rounded. */
long counted(const FeatureRow *row, FeatureGroup group, FeaturePeerCounter counter);

Suite *counters_suite(void);
Suite *dialog_suite(void);
Suite *text_suite(void);

#endif
