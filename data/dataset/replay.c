/* Replay: a dataset's messages through encode and context_step, in capture order, as a sensor would see them.
 * Relies on: data/dataset/dataset.h, data/features, xxHash.
 * Relied on by: data/dataset/cache, tests. */
#include "data/dataset/replay.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

#define WARM_NS ((int64_t)DATASET_WARM_HOURS * 3600 * 1000000000)

typedef enum Pass {
    PASS_PLAIN,   /* the capture as it is */
    PASS_HISTORY, /* its benign messages, hours earlier and far apart; no rows */
    PASS_WARM,    /* the capture again, behind that history */
    PASS_DONE,
} Pass;

struct DatasetReplay {
    const Dataset *dataset;
    const DatasetReplayOptions *options;
    uint32_t *order;   /* [n_captures] chains one behind the other */
    uint64_t *dropped; /* [n_dropped] sorted hashes of Call-IDs, with the capture as seed */
    size_t n_dropped;
    bool *drop_run;    /* [n_runs] */
    uint32_t position; /* in order */
    Pass pass;
    uint64_t row, end;       /* of the current pass */
    uint64_t first, last;    /* rows of the current capture: first .. last */
    FeatureContext *context; /* of the chain */
    FeatureContext *warm;    /* of the warm passes */
    uint64_t done, total;
    FeatureEncoded encoded;
    FeatureRow features;
    FeatureKeys keys;
    uint8_t changed[WIRE_MESSAGE_MAX]; /* a message with another Call-ID */
};

/* ---- what is left out ---------------------------------------------------------------------------------- */

static uint64_t call_id_hash(const WireMessage *message, const FeatureEncoded *encoded, uint32_t capture) {
    return XXH3_64bits_withSeed(message->bytes + encoded->call_id.offset, encoded->call_id.length, capture);
}

static int compare_hashes(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static CoreStatus mark_runs(DatasetReplay *r, CoreError *error) {
    for (size_t i = 0; i < r->options->n_drop_runs; i++) {
        uint32_t run = r->options->drop_runs[i];
        if (run == 0 || run > r->dataset->n_runs)
            return core_fail(error, CORE_ARGUMENT, "run %u to drop: the dataset has runs 1 to %u", run,
                             r->dataset->n_runs);
        r->drop_run[run - 1] = true;
    }
    return CORE_OK;
}

static bool in_dropped_run(const DatasetReplay *r, uint64_t row) {
    return r->dataset->run[row] && r->drop_run[r->dataset->run[row] - 1];
}

/* All Call-IDs of the dropped runs. */
static CoreStatus collect_dropped(DatasetReplay *r, CoreError *error) {
    const Dataset *d = r->dataset;
    CoreStatus status = mark_runs(r, error);
    size_t rows = 0;
    if (status != CORE_OK || r->options->n_drop_runs == 0) return status;
    for (uint64_t row = 0; row < d->count; row++)
        rows += in_dropped_run(r, row);
    r->dropped = malloc((rows + 1) * sizeof *r->dropped);
    if (!r->dropped) return core_fail(error, CORE_MEMORY, "no memory for %zu dropped messages", rows);
    for (uint64_t row = 0; row < d->count; row++) {
        WireMessage message;
        if (!in_dropped_run(r, row)) continue;
        dataset_message_view(d, row, &message);
        feature_encode(&message, &r->encoded);
        if (r->encoded.call_id.length)
            r->dropped[r->n_dropped++] = call_id_hash(&message, &r->encoded, d->capture[row]);
    }
    qsort(r->dropped, r->n_dropped, sizeof *r->dropped, compare_hashes);
    return CORE_OK;
}

/* `encoded` is that of the row. */
static bool is_dropped(const DatasetReplay *r, uint64_t row, const WireMessage *message) {
    if (r->options->n_drop_runs == 0) return false;
    if (in_dropped_run(r, row)) return true;
    if (r->n_dropped == 0 || r->encoded.call_id.length == 0) return false;
    uint64_t hash = call_id_hash(message, &r->encoded, r->dataset->capture[row]);
    return bsearch(&hash, r->dropped, r->n_dropped, sizeof hash, compare_hashes) != NULL;
}

/* ---- order --------------------------------------------------------------------------------------------- */

static bool is_warm(const DatasetReplay *r, uint32_t capture) {
    return r->options->warm_every && capture % r->options->warm_every == 0;
}

static bool is_history(const Dataset *d, uint64_t row) {
    return d->primary[row] == DATASET_BENIGN && d->run[row] == 0;
}

/* Each chain's start, then those that follow it, one behind the other. */
static CoreStatus order_captures(DatasetReplay *r, CoreError *error) {
    const Dataset *d = r->dataset;
    uint32_t *next = malloc((d->n_captures + 1u) * sizeof *next), placed = 0;
    r->order = malloc((d->n_captures + 1u) * sizeof *r->order);
    if (!next || !r->order) {
        free(next);
        return core_fail(error, CORE_MEMORY, "no memory for %u captures", d->n_captures);
    }
    for (uint32_t c = 0; c < d->n_captures; c++)
        next[c] = DATASET_NO_CAPTURE;
    for (uint32_t c = 0; c < d->n_captures; c++)
        if (d->captures[c].follows != DATASET_NO_CAPTURE) next[d->captures[c].follows] = c;
    for (uint32_t c = 0; c < d->n_captures; c++) {
        if (d->captures[c].follows != DATASET_NO_CAPTURE) continue;
        for (uint32_t link = c; link != DATASET_NO_CAPTURE; link = next[link])
            r->order[placed++] = link;
    }
    free(next);
    return CORE_OK;
}

static void count_work(DatasetReplay *r) {
    const Dataset *d = r->dataset;
    r->total = d->count;
    for (uint64_t row = 0; row < d->count && r->options->warm_every; row++)
        if (is_warm(r, d->capture[row])) r->total += 1 + (uint64_t)is_history(d, row);
}

static CoreStatus fresh_context(const DatasetReplay *r, FeatureContext **context, CoreError *error) {
    feature_context_free(*context);
    *context = NULL;
    return feature_context_new(r->options->local, r->options->n_local, context, error);
}

static CoreStatus enter_pass(DatasetReplay *r, Pass pass, CoreError *error) {
    r->pass = pass;
    r->row = r->first;
    r->end = r->last;
    return pass == PASS_HISTORY ? fresh_context(r, &r->warm, error) : CORE_OK;
}

static CoreStatus enter_capture(DatasetReplay *r, CoreError *error) {
    if (r->position == r->dataset->n_captures) {
        r->pass = PASS_DONE;
        return CORE_OK;
    }
    uint32_t capture = r->order[r->position];
    dataset_capture_rows(r->dataset, capture, &r->first, &r->last);
    CoreStatus status = CORE_OK;
    if (r->dataset->captures[capture].follows == DATASET_NO_CAPTURE)
        status = fresh_context(r, &r->context, error);
    return status == CORE_OK ? enter_pass(r, PASS_PLAIN, error) : status;
}

/* What comes when a pass is through. */
static CoreStatus next_pass(DatasetReplay *r, CoreError *error) {
    if (r->pass == PASS_PLAIN && is_warm(r, r->order[r->position])) return enter_pass(r, PASS_HISTORY, error);
    if (r->pass == PASS_HISTORY) return enter_pass(r, PASS_WARM, error);
    r->position++;
    return enter_capture(r, error);
}

/* ---- stepping ------------------------------------------------------------------------------------------ */

/* Another Call-ID of the same shape: a permutation of letters and digits, so that different ones stay
 * different. */
static void change_call_id(uint8_t *bytes, WireSlice call_id) {
    for (uint32_t i = 0; i < call_id.length; i++) {
        uint8_t *at = &bytes[call_id.offset + i];
        if (*at >= '0' && *at <= '9')
            *at = (uint8_t)('0' + (*at - '0' + 5) % 10);
        else if (*at >= 'a' && *at <= 'z')
            *at = (uint8_t)('a' + (*at - 'a' + 13) % 26);
        else if (*at >= 'A' && *at <= 'Z')
            *at = (uint8_t)('A' + (*at - 'A' + 13) % 26);
    }
}

/* Moves a time of the capture into the hours before it, in proportion. */
static int64_t stretch(const DatasetReplay *r, int64_t time_ns) {
    int64_t first = r->dataset->time_ns[r->first], span = r->dataset->time_ns[r->last - 1] - first;
    if (span <= 0 || time_ns <= first) return first - WARM_NS;
    if (time_ns - first >= span) return first;
    return first - WARM_NS + (int64_t)((double)(time_ns - first) / (double)span * (double)WARM_NS);
}

static void step_history(DatasetReplay *r, WireMessage *message) {
    memcpy(r->changed, message->bytes, message->length);
    change_call_id(r->changed, r->encoded.call_id);
    message->bytes = r->changed;
    message->time_ns = stretch(r, message->time_ns);
    feature_context_step(r->warm, message, &r->encoded, &r->features, &r->keys);
}

/* Takes the next message of the current pass; true if it gives a row. */
static bool step(DatasetReplay *r, DatasetReplayRow *out) {
    uint64_t row = r->row++;
    WireMessage message;
    if (r->pass == PASS_HISTORY && !is_history(r->dataset, row)) return false;
    r->done++;
    dataset_message_view(r->dataset, row, &message);
    feature_encode(&message, &r->encoded);
    if (is_dropped(r, row, &message)) return false;
    if (r->pass == PASS_HISTORY) {
        step_history(r, &message);
        return false;
    }
    FeatureContext *context = r->pass == PASS_WARM ? r->warm : r->context;
    feature_context_step(context, &message, &r->encoded, &r->features, &r->keys);
    *out = (DatasetReplayRow){row, r->pass == PASS_WARM, r->encoded.request, &r->features, &r->keys};
    return true;
}

CoreStatus dataset_replay_next(DatasetReplay *r, DatasetReplayRow *out, CoreError *error) {
    while (r->pass != PASS_DONE) {
        while (r->row < r->end)
            if (step(r, out)) return CORE_OK;
        CoreStatus status = next_pass(r, error);
        if (status != CORE_OK) return status;
    }
    return CORE_END;
}

void dataset_replay_progress(const DatasetReplay *r, uint64_t *done, uint64_t *total) {
    *done = r->done;
    *total = r->total;
}

/* ---- making -------------------------------------------------------------------------------------------- */

CoreStatus dataset_replay_new(const Dataset *dataset, const DatasetReplayOptions *options,
                              DatasetReplay **replay, CoreError *error) {
    DatasetReplay *r = calloc(1, sizeof *r);
    if (!r) return core_fail(error, CORE_MEMORY, "no memory for a replay");
    r->dataset = dataset;
    r->options = options;
    r->drop_run = calloc(dataset->n_runs + 1u, sizeof *r->drop_run);
    CoreStatus status = r->drop_run ? collect_dropped(r, error)
                                    : core_fail(error, CORE_MEMORY, "no memory for %u runs", dataset->n_runs);
    if (status == CORE_OK) status = order_captures(r, error);
    if (status == CORE_OK) status = enter_capture(r, error);
    if (status != CORE_OK) {
        dataset_replay_free(r);
        return status;
    }
    count_work(r);
    *replay = r;
    return CORE_OK;
}

void dataset_replay_free(DatasetReplay *r) {
    if (!r) return;
    feature_context_free(r->context);
    feature_context_free(r->warm);
    free(r->order);
    free(r->dropped);
    free(r->drop_run);
    free(r);
}

uint64_t dataset_replay_options_hash(const DatasetReplayOptions *options) {
    uint64_t hash = DATASET_WARM_HOURS;
    if (!options) return XXH3_64bits_withSeed(NULL, 0, hash);
    hash = XXH3_64bits_withSeed(options->drop_runs, options->n_drop_runs * sizeof *options->drop_runs, hash);
    for (size_t i = 0; i < options->n_local; i++) {
        hash = XXH3_64bits_withSeed(options->local[i].network.ip, DATASET_IP_SIZE, hash);
        hash = XXH3_64bits_withSeed(&options->local[i].prefix, 1, hash);
    }
    return options->warm_every ? XXH3_64bits_withSeed(&options->warm_every, sizeof options->warm_every, hash)
                               : hash;
}
