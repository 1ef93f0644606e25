/* Replay: a dataset's messages through encode and context_step, in capture order, as a sensor would see them.
 * Relies on: data/dataset (dataset.h, reader.h, ahead.h, clients.h), data/features, xxHash.
 * Relied on by: data/dataset/cache, train, tests.
 *
 * Two threads: one walks over the captures, reads and encodes; the caller's steps the contexts. What is
 * delivered depends on neither's pace. */
#include "data/dataset/replay.h"

#include "data/dataset/ahead.h"
#include "data/dataset/clients.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

#define WARM_NS ((int64_t)DATASET_WARM_HOURS * 3600 * 1000000000)

enum {
    SLOT_MESSAGES = 128,
    SLOT_BYTES = 2 * WIRE_MESSAGE_MAX, /* one message at least */
    SLOTS = 32,                        /* 8 MiB in all; enough for the two to run on one busy core in turn */
};

typedef enum Pass {
    PASS_PLAIN,   /* the capture as it is */
    PASS_HISTORY, /* its benign messages, hours earlier and far apart; no rows */
    PASS_WARM,    /* the capture again, behind that history */
    PASS_DONE,
} Pass;

typedef struct Item {
    DatasetExample example; /* without its client */
    WireMessage message;    /* in the slot's bytes */
    FeatureEncoded encoded;
} Item;

/* Messages of one pass over one capture. */
typedef struct Slot {
    Pass pass;
    bool fresh, fresh_warm; /* the chain's context, or the warm one, starts anew before these */
    uint32_t count, read;   /* messages, and how many were read for them */
    size_t used;            /* of bytes */
    Item items[SLOT_MESSAGES];
    uint8_t bytes[SLOT_BYTES];
} Slot;

/* Where the walk is; once the thread runs it is the thread's. */
typedef struct Walk {
    const Dataset *rows; /* the window: all rows of a dataset in memory */
    uint64_t window;     /* number of its first row */
    uint32_t position;   /* in the order of captures */
    Pass pass;
    uint64_t row, end;         /* of the current pass */
    uint64_t first, last;      /* rows of the current capture: first .. last */
    int64_t first_ns, last_ns; /* times of these, known once the plain pass is through */
    bool fresh, fresh_warm;    /* not told yet */
} Walk;

struct DatasetReplay {
    const Dataset *head;   /* tables */
    DatasetReader *reader; /* NULL: the rows are in `head` */
    const DatasetReplayOptions *options;
    uint32_t *order; /* [n_order] captures, chains one behind the other */
    uint32_t n_order;
    uint64_t *dropped; /* [n_dropped] sorted hashes of Call-IDs, with the capture as seed */
    size_t n_dropped, dropped_room;
    bool *drop_run; /* [n_runs] */
    Walk walk;
    Ahead *ahead;
    const Slot *slot; /* in hand, and the next message in it */
    uint32_t at;
    FeatureContext *context; /* of the chain */
    FeatureContext *warm;    /* of the warm passes */
    Clients clients;
    uint64_t done, total;
    FeatureRow features;
    FeatureKeys keys;
};

/* ---- rows ---------------------------------------------------------------------------------------------- */

static CoreStatus seek_rows(DatasetReplay *r, uint64_t begin, uint64_t end, CoreError *error) {
    r->walk.row = begin;
    r->walk.end = end;
    if (!r->reader || begin == end) return CORE_OK;
    r->walk.rows = NULL;
    return dataset_reader_seek(r->reader, begin, end, error);
}

/* Makes the next row (there is one) part of the window; *i is its number there. */
static CoreStatus reach_row(DatasetReplay *r, uint64_t *i, CoreError *error) {
    Walk *w = &r->walk;
    if (r->reader && (!w->rows || w->row - w->window >= w->rows->count)) {
        CoreStatus status = dataset_reader_next(r->reader, &w->rows, &w->window, error);
        if (status == CORE_END) status = core_fail(error, CORE_FORMAT, "rows are missing");
        if (status != CORE_OK) return status;
    }
    *i = w->row - w->window;
    return CORE_OK;
}

static void capture_rows(const DatasetReplay *r, uint32_t capture, uint64_t *begin, uint64_t *end) {
    if (r->reader)
        dataset_reader_capture_rows(r->reader, capture, begin, end);
    else
        dataset_capture_rows(r->head, capture, begin, end);
}

/* ---- what is left out ---------------------------------------------------------------------------------- */

static uint64_t call_id_hash(const WireMessage *message, const FeatureEncoded *encoded, uint32_t capture) {
    return XXH3_64bits_withSeed(message->bytes + encoded->call_id.offset, encoded->call_id.length, capture);
}

static int compare_hashes(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static CoreStatus mark_runs(DatasetReplay *r, CoreError *error) {
    r->drop_run = calloc(r->head->n_runs + 1u, sizeof *r->drop_run);
    if (!r->drop_run) return core_fail(error, CORE_MEMORY, "no memory for %u runs", r->head->n_runs);
    for (size_t i = 0; i < r->options->n_drop_runs; i++) {
        uint32_t run = r->options->drop_runs[i];
        if (run == 0 || run > r->head->n_runs)
            return core_fail(error, CORE_ARGUMENT, "run %u to drop: the dataset has runs 1 to %u", run,
                             r->head->n_runs);
        r->drop_run[run - 1] = true;
    }
    return CORE_OK;
}

static CoreStatus add_dropped(DatasetReplay *r, uint64_t hash, CoreError *error) {
    if (r->n_dropped == r->dropped_room) {
        size_t room = r->dropped_room ? r->dropped_room * 2 : 1024;
        uint64_t *grown = room > SIZE_MAX / sizeof *grown ? NULL : realloc(r->dropped, room * sizeof *grown);
        if (!grown) return core_fail(error, CORE_MEMORY, "no memory for %zu dropped messages", room);
        r->dropped = grown;
        r->dropped_room = room;
    }
    r->dropped[r->n_dropped++] = hash;
    return CORE_OK;
}

/* The Call-IDs of the dropped runs of one capture. */
static CoreStatus collect_capture(DatasetReplay *r, uint32_t capture, CoreError *error) {
    FeatureEncoded encoded;
    WireMessage message;
    uint64_t begin, end, i;
    capture_rows(r, capture, &begin, &end);
    CoreStatus status = seek_rows(r, begin, end, error);
    for (; status == CORE_OK && r->walk.row < r->walk.end; r->walk.row++) {
        status = reach_row(r, &i, error);
        if (status != CORE_OK) return status;
        uint32_t run = r->walk.rows->run[i];
        if (run == 0 || !r->drop_run[run - 1]) continue;
        dataset_message_view(r->walk.rows, i, &message);
        feature_encode(&message, &encoded);
        if (encoded.call_id.length) status = add_dropped(r, call_id_hash(&message, &encoded, capture), error);
    }
    return status;
}

/* All Call-IDs of the dropped runs. */
static CoreStatus collect_dropped(DatasetReplay *r, CoreError *error) {
    CoreStatus status = mark_runs(r, error);
    if (status != CORE_OK || r->options->n_drop_runs == 0) return status;
    bool *concerned = calloc(r->head->n_captures + 1u, sizeof *concerned);
    if (!concerned) return core_fail(error, CORE_MEMORY, "no memory for %u captures", r->head->n_captures);
    for (uint32_t run = 0; run < r->head->n_runs; run++)
        if (r->drop_run[run]) concerned[r->head->runs[run].capture] = true;
    for (uint32_t c = 0; c < r->head->n_captures && status == CORE_OK; c++)
        if (concerned[c]) status = collect_capture(r, c, error);
    free(concerned);
    if (r->n_dropped) qsort(r->dropped, r->n_dropped, sizeof *r->dropped, compare_hashes);
    return status;
}

static bool is_dropped(const DatasetReplay *r, const Item *item) {
    if (r->options->n_drop_runs == 0) return false;
    if (item->example.run && r->drop_run[item->example.run - 1]) return true;
    if (r->n_dropped == 0 || item->encoded.call_id.length == 0) return false;
    uint64_t hash = call_id_hash(&item->message, &item->encoded, item->example.capture);
    return bsearch(&hash, r->dropped, r->n_dropped, sizeof hash, compare_hashes) != NULL;
}

/* ---- order --------------------------------------------------------------------------------------------- */

static bool is_warm(const DatasetReplay *r, uint32_t capture) {
    return r->options->warm_every && capture % r->options->warm_every == 0;
}

static bool is_wanted(const DatasetReplay *r, uint32_t capture) {
    return !r->options->wanted || r->options->wanted[capture];
}

/* Each chain's start, then those that follow it, one behind the other, up to the last that is wanted. */
static CoreStatus order_captures(DatasetReplay *r, CoreError *error) {
    const Dataset *d = r->head;
    uint32_t *next = malloc((d->n_captures + 1u) * sizeof *next);
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
        uint32_t placed = r->n_order, kept = r->n_order;
        for (uint32_t link = c; link != DATASET_NO_CAPTURE; link = next[link]) {
            r->order[placed++] = link;
            if (is_wanted(r, link)) kept = placed;
        }
        r->n_order = kept;
    }
    free(next);
    return CORE_OK;
}

static void count_work(DatasetReplay *r) {
    for (uint32_t i = 0; i < r->n_order; i++) {
        uint64_t begin, end;
        capture_rows(r, r->order[i], &begin, &end);
        r->total += (end - begin) * (is_warm(r, r->order[i]) ? 3 : 1);
    }
}

static CoreStatus enter_pass(DatasetReplay *r, Pass pass, CoreError *error) {
    r->walk.pass = pass;
    if (pass == PASS_HISTORY) r->walk.fresh_warm = true;
    return seek_rows(r, r->walk.first, r->walk.last, error);
}

static CoreStatus enter_capture(DatasetReplay *r, CoreError *error) {
    if (r->walk.position == r->n_order) {
        r->walk.pass = PASS_DONE;
        return CORE_OK;
    }
    uint32_t capture = r->order[r->walk.position];
    capture_rows(r, capture, &r->walk.first, &r->walk.last);
    if (r->head->captures[capture].follows == DATASET_NO_CAPTURE) r->walk.fresh = true;
    return enter_pass(r, PASS_PLAIN, error);
}

/* What comes when a pass is through. */
static CoreStatus next_pass(DatasetReplay *r, CoreError *error) {
    if (r->walk.pass == PASS_PLAIN && is_warm(r, r->order[r->walk.position]))
        return enter_pass(r, PASS_HISTORY, error);
    if (r->walk.pass == PASS_HISTORY) return enter_pass(r, PASS_WARM, error);
    r->walk.position++;
    return enter_capture(r, error);
}

/* ---- reading and encoding, on the thread ----------------------------------------------------------------
 */

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
static int64_t stretch(const Walk *w, int64_t time_ns) {
    int64_t first = w->first_ns, span = w->last_ns - first;
    if (span <= 0 || time_ns <= first) return first - WARM_NS;
    if (time_ns - first >= span) return first;
    return first - WARM_NS + (int64_t)((double)(time_ns - first) / (double)span * (double)WARM_NS);
}

static DatasetExample describe(const Dataset *rows, uint64_t i, const Walk *w) {
    return (DatasetExample){.time_ns = rows->time_ns[i],
                            .message = w->row,
                            .capture = rows->capture[i],
                            .run = rows->run[i],
                            .classes = rows->classes[i],
                            .primary = rows->primary[i],
                            .part = rows->part[i],
                            .warm = w->pass == PASS_WARM};
}

static bool is_history(const Dataset *rows, uint64_t i) {
    return rows->primary[i] == DATASET_BENIGN && rows->run[i] == 0;
}

/* Copies row i of the window into the slot, encoded; nothing if the replay leaves it out. False: no room. */
static bool take_row(const DatasetReplay *r, uint64_t i, Slot *slot) {
    const Walk *w = &r->walk;
    if (w->pass == PASS_HISTORY && !is_history(w->rows, i)) return true;
    if (slot->count == SLOT_MESSAGES) return false;
    Item *item = &slot->items[slot->count];
    dataset_message_view(w->rows, i, &item->message);
    if (item->message.length > SLOT_BYTES - slot->used) return false;
    uint8_t *copy = slot->bytes + slot->used;
    if (item->message.length) memcpy(copy, item->message.bytes, item->message.length);
    item->message.bytes = copy;
    item->example = describe(w->rows, i, w);
    feature_encode(&item->message, &item->encoded);
    item->example.request = item->encoded.request;
    if (is_dropped(r, item)) return true;
    if (w->pass == PASS_HISTORY) {
        change_call_id(copy, item->encoded.call_id);
        item->message.time_ns = stretch(w, item->message.time_ns);
    }
    slot->used += item->message.length;
    slot->count++;
    return true;
}

/* AheadFill: the next messages of the walk, all of one pass. */
static CoreStatus fill_slot(void *user, void *memory, CoreError *error) {
    DatasetReplay *r = user;
    Walk *w = &r->walk;
    Slot *slot = memory;
    while (w->pass != PASS_DONE && w->row == w->end) {
        CoreStatus status = next_pass(r, error);
        if (status != CORE_OK) return status;
    }
    if (w->pass == PASS_DONE) return CORE_END;
    slot->pass = w->pass;
    slot->fresh = w->fresh;
    slot->fresh_warm = w->fresh_warm;
    slot->count = slot->read = 0;
    slot->used = 0;
    w->fresh = w->fresh_warm = false;
    for (uint64_t i; w->row < w->end; w->row++, slot->read++) {
        CoreStatus status = reach_row(r, &i, error);
        if (status != CORE_OK) return status;
        if (w->pass == PASS_PLAIN && w->row == w->first) w->first_ns = w->rows->time_ns[i];
        if (w->pass == PASS_PLAIN) w->last_ns = w->rows->time_ns[i];
        if (!take_row(r, i, slot) || slot->read == UINT32_MAX) break;
    }
    return CORE_OK;
}

/* ---- stepping, on the caller's thread -------------------------------------------------------------------
 */

static CoreStatus fresh_context(const DatasetReplay *r, FeatureContext **context, CoreError *error) {
    feature_context_free(*context);
    *context = NULL;
    return feature_context_new(r->options->local, r->options->n_local, context, error);
}

static CoreStatus next_slot(DatasetReplay *r, CoreError *error) {
    void *slot;
    r->slot = NULL;
    CoreStatus status = ahead_next(r->ahead, &slot, error);
    if (status != CORE_OK) return status;
    r->slot = slot;
    r->at = 0;
    r->done += r->slot->read;
    if (r->slot->fresh) status = fresh_context(r, &r->context, error);
    if (r->slot->fresh_warm && status == CORE_OK) status = fresh_context(r, &r->warm, error);
    return status;
}

CoreStatus dataset_replay_next(DatasetReplay *r, DatasetReplayRow *out, CoreError *error) {
    for (;;) {
        while (!r->slot || r->at == r->slot->count) {
            CoreStatus status = next_slot(r, error);
            if (status != CORE_OK) return status;
        }
        const Item *item = &r->slot->items[r->at++];
        FeatureContext *context = r->slot->pass == PASS_PLAIN ? r->context : r->warm;
        feature_context_step(context, &item->message, &item->encoded, &r->features, &r->keys);
        if (r->slot->pass == PASS_HISTORY) continue;
        *out = (DatasetReplayRow){item->example, &r->features, &r->keys};
        if (!r->keys.has_client) return CORE_OK;
        out->example.client = clients_number(&r->clients, item->example.capture, &r->keys.client);
        return out->example.client ? CORE_OK : core_fail(error, CORE_MEMORY, "no memory for clients");
    }
}

void dataset_replay_progress(const DatasetReplay *r, uint64_t *done, uint64_t *total) {
    *done = r->done;
    *total = r->total;
}

uint32_t dataset_replay_clients(const DatasetReplay *r) {
    return r->clients.count;
}

/* ---- making -------------------------------------------------------------------------------------------- */

static CoreStatus make_replay(const Dataset *head, DatasetReader *reader, const DatasetReplayOptions *options,
                              DatasetReplay **replay, CoreError *error) {
    DatasetReplay *r = calloc(1, sizeof *r);
    if (!r) return core_fail(error, CORE_MEMORY, "no memory for a replay");
    r->head = head;
    r->reader = reader;
    r->options = options;
    r->walk.rows = reader ? NULL : head;
    CoreStatus status = collect_dropped(r, error);
    if (status == CORE_OK) status = order_captures(r, error);
    if (status == CORE_OK) status = enter_capture(r, error);
    if (status == CORE_OK) count_work(r);
    if (status == CORE_OK) status = ahead_new(fill_slot, r, sizeof(Slot), SLOTS, &r->ahead, error);
    if (status != CORE_OK)
        dataset_replay_free(r);
    else
        *replay = r;
    return status;
}

CoreStatus dataset_replay_new(const Dataset *dataset, const DatasetReplayOptions *options,
                              DatasetReplay **replay, CoreError *error) {
    return make_replay(dataset, NULL, options, replay, error);
}

CoreStatus dataset_replay_open(DatasetReader *reader, const DatasetReplayOptions *options,
                               DatasetReplay **replay, CoreError *error) {
    return make_replay(dataset_reader_head(reader), reader, options, replay, error);
}

void dataset_replay_free(DatasetReplay *r) {
    if (!r) return;
    ahead_free(r->ahead);
    feature_context_free(r->context);
    feature_context_free(r->warm);
    clients_free(&r->clients);
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
