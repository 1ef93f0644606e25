/* The labelled rows of a side in capture order.
 * Relies on: data/dataset (replay.h, ahead.h).
 * Relied on by: train/scores, train/evaluate, train/job. */
#include "train/stream.h"

#include "data/dataset/ahead.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 6 };

struct TrainStream {
    DatasetSide side;
    bool warm, empty;
    /* Either rows at hand, */
    const TrainData *data;
    uint64_t at;
    /* or those of a replay. */
    const TrainSource *source;
    DatasetReplayOptions options;
    bool *wanted;
    DatasetReplay *replay;
    uint8_t *attacked; /* [n_clients] by client */
    uint32_t n_clients;
    Ahead *ahead;
};

/* ---- attackers ---- */

static bool reach_client(uint8_t **attacked, uint32_t *n_clients, uint32_t client) {
    if (client < *n_clients) return true;
    uint32_t room = *n_clients < UINT32_MAX / 2 ? *n_clients + *n_clients / 2 : UINT32_MAX;
    if (room <= client) room = client + 1024 > client ? client + 1024 : UINT32_MAX;
    uint8_t *grown = realloc(*attacked, room);
    if (!grown) return false;
    memset(grown + *n_clients, 0, room - *n_clients);
    *attacked = grown;
    *n_clients = room;
    return true;
}

static bool note_client(uint8_t **attacked, uint32_t *n_clients, const DatasetExample *example) {
    if (!reach_client(attacked, n_clients, example->client)) return false;
    if (example->run && example->client) (*attacked)[example->client] = 1;
    return true;
}

CoreStatus train_attackers(const TrainData *data, uint8_t **attacked, uint32_t *n_clients, CoreError *error) {
    *attacked = NULL;
    *n_clients = 0;
    bool good = true;
    if (data->cache) {
        good = reach_client(attacked, n_clients, data->cache->n_clients);
        if (good) memcpy(*attacked, data->cache->attacked, (size_t)data->cache->n_clients + 1);
    }
    for (uint64_t i = 0; i < data->count && !data->cache && good; i++)
        good = note_client(attacked, n_clients, &data->examples[i]);
    return good ? CORE_OK : core_fail(error, CORE_MEMORY, "out of memory for clients");
}

/* ---- filling, on the thread ---- */

static CoreStatus fill_from_data(TrainStream *s, TrainChunk *chunk, CoreError *error) {
    const TrainData *data = s->data;
    for (; s->at < data->count && chunk->n < TRAIN_CHUNK; s->at++) {
        const DatasetExample *example = &data->examples[s->at];
        if (data->sides[s->at] != s->side || !train_labelled(example) || (example->warm && !s->warm))
            continue;
        CoreStatus status = train_data_rows(data, s->at, 1, &chunk->rows[chunk->n], error);
        if (status != CORE_OK) return status;
        chunk->examples[chunk->n++] = *example;
    }
    chunk->done = s->at;
    chunk->total = data->count;
    return CORE_OK;
}

static CoreStatus fill_from_replay(TrainStream *s, TrainChunk *chunk, CoreError *error) {
    DatasetReplayRow row;
    CoreStatus status = CORE_OK;
    while (chunk->n < TRAIN_CHUNK) {
        status = dataset_replay_next(s->replay, &row, error);
        if (status != CORE_OK) break;
        if (!note_client(&s->attacked, &s->n_clients, &row.example))
            return core_fail(error, CORE_MEMORY, "out of memory for clients");
        if (train_source_side(s->source, &row.example) != s->side || !train_labelled(&row.example)) continue;
        chunk->rows[chunk->n] = *row.features;
        chunk->examples[chunk->n++] = row.example;
    }
    dataset_replay_progress(s->replay, &chunk->done, &chunk->total);
    return status == CORE_END ? CORE_OK : status;
}

/* AheadFill: the next chunk. */
static CoreStatus fill_chunk(void *user, void *slot, CoreError *error) {
    TrainStream *s = user;
    TrainChunk *chunk = slot;
    chunk->n = 0;
    CoreStatus status = s->data ? fill_from_data(s, chunk, error) : fill_from_replay(s, chunk, error);
    if (status != CORE_OK) return status;
    if (chunk->n) s->empty = false;
    if (chunk->n) return CORE_OK;
    return s->empty ? core_fail(error, CORE_NOT_FOUND, "no labelled message on the %s side",
                                dataset_side_name(s->side))
                    : CORE_END;
}

/* ---- making ---- */

static CoreStatus start(TrainStream *s, TrainStream **stream, CoreError *error) {
    CoreStatus status = ahead_new(fill_chunk, s, sizeof(TrainChunk), SLOTS, &s->ahead, error);
    if (status != CORE_OK)
        train_stream_free(s);
    else
        *stream = s;
    return status;
}

static TrainStream *new_stream(DatasetSide side, bool warm) {
    TrainStream *s = calloc(1, sizeof *s);
    if (s) *s = (TrainStream){.side = side, .warm = warm, .empty = true};
    return s;
}

CoreStatus train_stream_data(const TrainData *data, DatasetSide side, bool warm, TrainStream **stream,
                             CoreError *error) {
    TrainStream *s = new_stream(side, warm);
    if (!s) return core_fail(error, CORE_MEMORY, "out of memory");
    s->data = data;
    CoreStatus status = train_attackers(data, &s->attacked, &s->n_clients, error);
    if (status == CORE_OK) return start(s, stream, error);
    train_stream_free(s);
    return status;
}

/* Captures that have rows on the side. */
static bool mark_wanted(TrainStream *s) {
    const Dataset *head = s->source->head;
    const DatasetSplit *split = s->source->split;
    s->wanted = calloc(head->n_captures + 1u, sizeof *s->wanted);
    if (!s->wanted) return false;
    for (uint32_t c = 0; c < head->n_captures; c++)
        s->wanted[c] = split ? split->captures[c] == s->side || split->captures[c] & DATASET_SIDE_BY_ROW
                             : s->side == DATASET_TEST;
    for (uint32_t run = 0; split && run < head->n_runs; run++)
        if (split->runs[run] == s->side) s->wanted[head->runs[run].capture] = true;
    return true;
}

CoreStatus train_stream_open(TrainSource *source, DatasetSide side, bool warm, TrainStream **stream,
                             CoreError *error) {
    if (source->cache.whole) return train_stream_data(&source->data, side, warm, stream, error);
    TrainStream *s = new_stream(side, warm);
    if (!s) return core_fail(error, CORE_MEMORY, "out of memory");
    s->source = source;
    s->options = source->replay;
    if (!warm) s->options.warm_every = 0;
    CoreStatus status = mark_wanted(s) ? CORE_OK : core_fail(error, CORE_MEMORY, "out of memory");
    s->options.wanted = s->wanted;
    if (status == CORE_OK) status = dataset_replay_open(source->reader, &s->options, &s->replay, error);
    if (status == CORE_OK) return start(s, stream, error);
    train_stream_free(s);
    return status;
}

/* ---- use ---- */

CoreStatus train_stream_next(TrainStream *s, const TrainChunk **chunk, CoreError *error) {
    void *slot;
    CoreStatus status = ahead_next(s->ahead, &slot, error);
    if (status == CORE_OK) *chunk = slot;
    return status;
}

bool train_stream_attacked(const TrainStream *s, uint32_t client) {
    return client < s->n_clients && s->attacked[client];
}

void train_stream_free(TrainStream *s) {
    if (!s) return;
    ahead_free(s->ahead);
    dataset_replay_free(s->replay);
    free(s->wanted);
    free(s->attacked);
    free(s);
}
