/* Who sent what in a capture.
 * Relies on: data/wire/scan.h, data/features/hash.h.
 * Relied on by: tools/data/label. */
#include "tools/data/census.h"

#include "data/features/hash.h"

#include <stdlib.h>
#include <string.h>

/* What is counted as different things per client. */
enum { THING_USER, THING_TARGET, THING_CALL, THINGS };

/* One message of a client. */
typedef struct Sighting {
    WireAddress client;
    uint64_t row;
    int64_t second;
    uint64_t things[THINGS]; /* hashes; 0: absent */
    uint8_t method;
    uint16_t status; /* 0: a request */
} Sighting;

static WireAddress bare(const WireAddress *address) {
    WireAddress client = *address;
    client.port = 0;
    return client;
}

static bool is_request(const WireMessage *message) {
    return message->length < 4 || memcmp(message->bytes, "SIP/", 4) != 0;
}

WireAddress census_client(const Dataset *dataset, uint64_t row) {
    WireMessage message;
    dataset_message_view(dataset, row, &message);
    return bare(is_request(&message) ? &message.source : &message.destination);
}

/* 0 for an empty one. */
static uint64_t hash_slice(const WireMessage *message, WireSlice slice) {
    return slice.length ? feature_hash(message->bytes + slice.offset, slice.length, 0) : 0;
}

static Sighting look(const Dataset *dataset, uint64_t row, WireScan *scan) {
    WireMessage message;
    dataset_message_view(dataset, row, &message);
    wire_scan(message.bytes, message.length, message.flags & WIRE_FLAG_TRUNCATED, scan);
    bool request = is_request(&message);
    const WireAddress *target = request ? &message.destination : &message.source;
    return (Sighting){
        .client = census_client(dataset, row),
        .row = row,
        .second = message.time_ns / 1000000000,
        .things = {request ? hash_slice(&message, scan->to.uri.user) : 0,
                   feature_hash(target->ip, sizeof target->ip, 0), hash_slice(&message, scan->call_id)},
        .method = scan->method,
        .status = request        ? 0
                  : scan->status ? scan->status
                                 : 1,
    };
}

static int compare_sightings(const void *a, const void *b) {
    const Sighting *x = a, *y = b;
    int order = memcmp(x->client.ip, y->client.ip, sizeof x->client.ip);
    if (order) return order;
    return (x->row > y->row) - (x->row < y->row);
}

static int compare_hashes(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Different values among sightings[0..n) of one thing; `scratch` has room for n. */
static uint32_t count_different(const Sighting *sightings, size_t n, int thing, uint64_t *scratch) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (sightings[i].things[thing]) scratch[kept++] = sightings[i].things[thing];
    if (kept) qsort(scratch, kept, sizeof *scratch, compare_hashes);
    uint32_t different = kept > 0;
    for (size_t i = 1; i < kept; i++)
        different += scratch[i] != scratch[i - 1];
    return different;
}

static CensusClient describe(const Sighting *sightings, size_t n, uint64_t *scratch) {
    CensusClient client = {.address = sightings[0].client,
                           .messages = n,
                           .first_row = sightings[0].row,
                           .last_row = sightings[n - 1].row};
    uint32_t in_second = 0;
    int64_t second = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        const Sighting *s = &sightings[i];
        if (s->status) {
            client.statuses[s->status >= 100 && s->status < 700 ? s->status / 100 : 0]++;
            continue;
        }
        client.requests++;
        client.methods[s->method]++;
        in_second = s->second == second ? in_second + 1 : 1;
        second = s->second;
        if (in_second > client.most_per_second) client.most_per_second = in_second;
    }
    client.users = count_different(sightings, n, THING_USER, scratch);
    client.targets = count_different(sightings, n, THING_TARGET, scratch);
    client.calls = count_different(sightings, n, THING_CALL, scratch);
    return client;
}

static int compare_clients(const void *a, const void *b) {
    const CensusClient *x = a, *y = b;
    if (x->messages != y->messages) return x->messages < y->messages ? 1 : -1;
    return (x->first_row > y->first_row) - (x->first_row < y->first_row);
}

/* Groups sorted sightings into clients. */
static void gather(const Sighting *sightings, size_t n, uint64_t *scratch, Census *census) {
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && wire_same_ip(&sightings[end].client, &sightings[begin].client);)
            end++;
        census->clients[census->n++] = describe(sightings + begin, end - begin, scratch);
    }
    if (census->n) qsort(census->clients, census->n, sizeof *census->clients, compare_clients);
}

static size_t count_clients(const Sighting *sightings, size_t n) {
    size_t clients = n > 0;
    for (size_t i = 1; i < n; i++)
        clients += !wire_same_ip(&sightings[i].client, &sightings[i - 1].client);
    return clients;
}

CoreStatus census_take(const Dataset *dataset, Census *census, CoreError *error) {
    memset(census, 0, sizeof *census);
    for (uint64_t row = 0; row < dataset->count; row++)
        census->unlabelled += dataset->primary[row] == DATASET_UNLABELLED;
    census->labelled = dataset->count - census->unlabelled;
    size_t n = 0;
    WireScan *scan = malloc(sizeof *scan);
    Sighting *sightings = malloc((census->unlabelled + 1) * sizeof *sightings);
    uint64_t *scratch = malloc((census->unlabelled + 1) * sizeof *scratch);
    if (scan && sightings && scratch) {
        for (uint64_t row = 0; row < dataset->count; row++)
            if (dataset->primary[row] == DATASET_UNLABELLED) sightings[n++] = look(dataset, row, scan);
        if (n) qsort(sightings, n, sizeof *sightings, compare_sightings);
        census->clients = malloc((count_clients(sightings, n) + 1) * sizeof *census->clients);
        if (census->clients) gather(sightings, n, scratch, census);
    }
    bool failed = !census->clients;
    free(scan);
    free(sightings);
    free(scratch);
    return failed ? core_fail(error, CORE_MEMORY, "out of memory to count clients") : CORE_OK;
}

void census_free(Census *census) {
    free(census->clients);
    memset(census, 0, sizeof *census);
}
