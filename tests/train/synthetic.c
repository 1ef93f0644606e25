/* A small labelled data set.
 * Relies on: engine/rng.h, Check.
 * Relied on by: the trainer's tests. */
#include "tests/train/synthetic.h"

#include "engine/rng.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t draw(uint64_t seed, uint32_t row, uint32_t *place, uint32_t bound) {
    return (uint8_t)rng_below(bound, seed, 7, row, (*place)++);
}

/* Noise with valid lengths and ids. */
static void fill_noise(FeatureRow *row, uint64_t seed, uint32_t number) {
    uint32_t place = 0;
    row->n_tokens = (uint8_t)(1 + draw(seed, number, &place, FEATURE_TOKENS));
    row->n_text = draw(seed, number, &place, FEATURE_TEXT + 1);
    row->n_events = draw(seed, number, &place, FEATURE_EVENTS + 1);
    for (int t = 0; t < row->n_tokens; t++)
        for (int f = 0; f < FEATURE_TOKEN_FIELDS; f++)
            row->tokens[t][f] = draw(seed, number, &place, feature_token_vocabulary[f] / 2u);
    for (int i = 0; i < row->n_text; i++)
        row->text[i] = (uint8_t)('a' + draw(seed, number, &place, 26));
    for (int t = FEATURE_EVENTS - row->n_events; t < FEATURE_EVENTS; t++)
        for (int f = 0; f < FEATURE_EVENT_FIELDS; f++)
            row->events[t][f] = draw(seed, number, &place, feature_event_vocabulary[f]);
    for (int c = 0; c < FEATURE_COUNTERS; c++)
        row->counters[c] = draw(seed, number, &place, 40);
}

/* What gives a class away. */
static void add_sign(FeatureRow *row, uint32_t class_index, uint64_t seed, uint32_t number) {
    uint32_t place = 1u << 20;
    if (class_index == 0) {
        for (int c = 0; c < 12; c++)
            row->counters[FEATURE_CLIENT_AT + c] = (uint8_t)(60 + draw(seed, number, &place, 40));
    } else if (class_index == 1) {
        if (row->n_text < 8) row->n_text = 8;
        memcpy(row->text + draw(seed, number, &place, (uint32_t)(row->n_text - 7)), "' OR 1=1", 8);
    } else {
        int t = draw(seed, number, &place, row->n_tokens);
        row->tokens[t][0] = (uint8_t)(feature_token_vocabulary[0] - 1);
    }
}

void synthetic_new(Synthetic *s, uint32_t count, uint64_t seed) {
    static const DatasetClass classes[SYNTHETIC_CLASSES] = {{"busy", 5}, {"odd", 0}, {"shape", 5}};
    *s = (Synthetic){0};
    memcpy(s->classes, classes, sizeof classes);
    s->examples = calloc(count, sizeof *s->examples);
    s->rows = calloc(count, sizeof *s->rows);
    s->sides = calloc(count, 1);
    ck_assert(s->examples && s->rows && s->sides);
    for (uint32_t i = 0; i < count; i++) {
        DatasetExample *example = &s->examples[i];
        uint32_t group = i / 2 % 16, kind = i % 2 ? 1 + i / 2 % SYNTHETIC_CLASSES : 0;
        *example = (DatasetExample){.time_ns = (int64_t)i * 1000000, .message = i, .request = 1};
        fill_noise(&s->rows[i], seed, i);
        example->client = 1 + group;
        if (kind) {
            example->primary = (uint8_t)kind;
            example->classes = 1u << (kind - 1);
            example->run = 1 + (kind - 1) + SYNTHETIC_CLASSES * (group % 4);
            example->client = 100 + example->run;
            example->part = s->classes[kind - 1].onset && i < 40 ? DATASET_ONSET : DATASET_REQUEST;
            add_sign(&s->rows[i], kind - 1, seed, i);
        }
        s->sides[i] = group % 4 == 3 ? DATASET_VALIDATION : DATASET_TRAIN;
    }
    s->data = (TrainData){count, s->examples, s->rows, s->sides, s->classes, SYNTHETIC_CLASSES, NULL};
}

void synthetic_free(Synthetic *synthetic) {
    free(synthetic->examples);
    free(synthetic->rows);
    free(synthetic->sides);
}

void synthetic_state(const Synthetic *synthetic, TrainCheckpoint *state) {
    *state = (TrainCheckpoint){.options = train_options_defaults(), .n_classes = SYNTHETIC_CLASSES};
    memcpy(state->classes, synthetic->classes, sizeof synthetic->classes);
    snprintf(state->split, sizeof state->split, "first");
    snprintf(state->dataset_path, sizeof state->dataset_path, "synthetic.h5");
    snprintf(state->command, sizeof state->command, "sipcnn-train fit");
    state->spec_version = FEATURE_SPEC_VERSION;
    state->spec_hash = feature_spec_hash();
    TrainOptions *o = &state->options;
    o->batch = 64;
    o->epochs = 4;
    o->rate = 2e-3;
    o->weight_decay = 0.02;
    o->smoothing = 0;
    o->drop_tokens = o->drop_text = o->drop_dialog = o->drop_counters = o->drop_groups = o->drop_inputs = 0.1;
    o->drop_hidden = 0.1;
}
