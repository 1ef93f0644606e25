/* What a split has to know of the messages: each capture's weight, first time and clients.
 * Relies on: data/dataset (split_facts, marks), data/wire (scan), xxHash.
 * Relied on by: data/dataset/split, tools/data. */
#include "data/dataset/split_facts.h"

#include "data/wire/scan.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>

enum { MAPPED_BITS = 96 }; /* in front of an IPv4 address */

static CoreStatus no_memory(CoreError *error) {
    return core_fail(error, CORE_MEMORY, "no memory to split the dataset");
}

static bool add_client(DatasetSplitFacts *facts, uint32_t capture, const uint8_t ip[DATASET_IP_SIZE]) {
    bool fresh;
    uint32_t number = marks_number(&facts->marks, XXH3_64bits_withSeed(ip, DATASET_IP_SIZE, capture), &fresh);
    if (number == UINT32_MAX ||
        !marks_reserve(&facts->clients, &facts->client_room, number + 1, sizeof *facts->clients))
        return false;
    if (fresh) memcpy(facts->clients[number].ip, ip, DATASET_IP_SIZE);
    if (fresh) facts->clients[number].capture = capture;
    return true;
}

/* A request with one Via was sent by its client, not by a proxy. */
static bool is_clients_own(const Dataset *rows, uint64_t row) {
    WireMessage message;
    WireScan scan;
    dataset_message_view(rows, row, &message);
    wire_scan(message.bytes, message.length, (message.flags & WIRE_FLAG_TRUNCATED) != 0, &scan);
    return scan.request && scan.vias == 1;
}

CoreStatus dataset_split_facts_add(DatasetSplitFacts *facts, const Dataset *rows, CoreError *error) {
    for (uint64_t row = 0; row < rows->count; row++) {
        SplitCapture *capture = &facts->captures[rows->capture[row]];
        if (capture->messages++ == 0) capture->first_ns = rows->time_ns[row];
        capture->benign += rows->primary[row] == DATASET_BENIGN;
        if (facts->with_clients && is_clients_own(rows, row) &&
            !add_client(facts, rows->capture[row], rows->source[row]))
            return no_memory(error);
    }
    return CORE_OK;
}

/* ---- who shares clients -------------------------------------------------------------------------------- */

static bool is_ipv4(const uint8_t ip[DATASET_IP_SIZE]) {
    WireAddress address = {.port = 0};
    memcpy(address.ip, ip, sizeof address.ip);
    return wire_is_ipv4(&address);
}

/* The address without the bits behind the prefix. */
static void cut_address(SplitClient *client, uint8_t prefix4, uint8_t prefix6) {
    unsigned bits = is_ipv4(client->ip) ? MAPPED_BITS + (prefix4 ? prefix4 : 32u) : prefix6 ? prefix6 : 128u;
    for (unsigned i = 0; i < DATASET_IP_SIZE; i++) {
        unsigned keep = bits > 8 * i ? bits - 8 * i : 0;
        if (keep < 8) client->ip[i] &= (uint8_t)(0xff00 >> keep);
    }
}

static int compare_clients(const void *a, const void *b) {
    const SplitClient *x = a, *y = b;
    int order = memcmp(x->ip, y->ip, DATASET_IP_SIZE);
    return order ? order : (x->capture > y->capture) - (x->capture < y->capture);
}

CoreStatus split_facts_pairs(const DatasetSplitFacts *facts, uint8_t prefix4, uint8_t prefix6,
                             uint32_t **pairs, uint64_t *n_pairs, CoreError *error) {
    uint32_t count = facts->marks.count;
    SplitClient *sorted = malloc((count + 1u) * sizeof *sorted);
    *pairs = malloc((count + 1u) * 2 * sizeof **pairs);
    *n_pairs = 0;
    if (!sorted || !*pairs) {
        free(sorted);
        free(*pairs);
        *pairs = NULL;
        return no_memory(error);
    }
    if (count) memcpy(sorted, facts->clients, count * sizeof *sorted);
    for (uint32_t i = 0; i < count; i++)
        cut_address(&sorted[i], prefix4, prefix6);
    qsort(sorted, count, sizeof *sorted, compare_clients);
    for (uint32_t i = 1; i < count; i++) {
        if (memcmp(sorted[i - 1].ip, sorted[i].ip, DATASET_IP_SIZE) != 0) continue;
        (*pairs)[2 * *n_pairs] = sorted[i - 1].capture;
        (*pairs)[2 * *n_pairs + 1] = sorted[i].capture;
        ++*n_pairs;
    }
    free(sorted);
    return CORE_OK;
}

/* ---- making -------------------------------------------------------------------------------------------- */

/* Clients of runs count even if what they sent is forged: the label says who they are. */
static bool add_run_clients(DatasetSplitFacts *facts) {
    for (uint32_t r = 0; r < facts->head->n_runs; r++) {
        uint64_t begin, end;
        dataset_run_clients(facts->head, r, &begin, &end);
        for (uint64_t i = begin; i < end; i++)
            if (!add_client(facts, facts->head->runs[r].capture, facts->head->client_ips[i])) return false;
    }
    return true;
}

CoreStatus dataset_split_facts_new(const Dataset *head, bool clients, DatasetSplitFacts **facts,
                                   CoreError *error) {
    DatasetSplitFacts *f = calloc(1, sizeof *f);
    if (f) f->captures = calloc(head->n_captures + 1u, sizeof *f->captures);
    if (!f || !f->captures) {
        dataset_split_facts_free(f);
        return no_memory(error);
    }
    f->head = head;
    f->with_clients = clients;
    for (uint32_t c = 0; c < head->n_captures; c++)
        f->captures[c].first_ns = INT64_MIN;
    if (clients && !add_run_clients(f)) {
        dataset_split_facts_free(f);
        return no_memory(error);
    }
    *facts = f;
    return CORE_OK;
}

void dataset_split_facts_free(DatasetSplitFacts *facts) {
    if (!facts) return;
    marks_free(&facts->marks);
    free(facts->clients);
    free(facts->captures);
    free(facts);
}
