/* What stands on two sides of a split: each item's messages, counted side by side.
 * Relies on: data/dataset (marks), data/wire (scan), xxHash.
 * Relied on by: tools/data (check, card), tests. */
#include "data/dataset/near.h"

#include "data/dataset/marks.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>

enum {
    ITEMS_MAX = 1 << 23,             /* looked at of each kind, about 500 MiB */
    JUDGED_SIDES = DATASET_TEST + 1, /* train, validation, test */
};

typedef struct Item {
    uint32_t count[JUDGED_SIDES][2]; /* messages, benign and attack */
    uint64_t row[JUDGED_SIDES];      /* the first */
} Item;

typedef struct Items {
    Marks marks;
    Item *list; /* [room] by number */
    uint32_t room;
} Items;

struct DatasetNear {
    const Dataset *head;
    const DatasetSplit *split;
    uint32_t sample;
    Items kinds[NEAR_KINDS];
    WireScan scan;
    uint8_t masked[WIRE_MESSAGE_MAX];
};

/* The row at hand. */
typedef struct Place {
    uint64_t row;
    DatasetSide side;
    int attack;
} Place;

static bool add_item(DatasetNear *near, NearKind kind, uint64_t hash, const Place *place) {
    Items *items = &near->kinds[kind];
    bool fresh;
    if (hash % near->sample != 0) return true;
    uint32_t number = marks_number(&items->marks, hash, &fresh);
    if (number == UINT32_MAX || !marks_reserve(&items->list, &items->room, number + 1, sizeof *items->list))
        return false;
    Item *item = &items->list[number];
    if (!item->count[place->side][0] && !item->count[place->side][1]) item->row[place->side] = place->row;
    item->count[place->side][place->attack]++;
    return true;
}

static bool add_slice(DatasetNear *near, NearKind kind, const WireMessage *m, WireSlice slice, uint64_t seed,
                      const Place *place) {
    if (slice.length == 0) return true;
    return add_item(near, kind, XXH3_64bits_withSeed(m->bytes + slice.offset, slice.length, seed), place);
}

static bool add_message(DatasetNear *near, const WireMessage *m, const Place *place) {
    const WireScan *scan = &near->scan;
    wire_scan(m->bytes, m->length, (m->flags & WIRE_FLAG_TRUNCATED) != 0, &near->scan);
    /* Of two Call-IDs, as fuzzers write them, neither names a dialog. */
    bool dialog = scan->count[WIRE_HEADER_CALL_ID] == 1;
    bool ok = !dialog || add_slice(near, NEAR_DIALOG, m, scan->call_id, 0, place);
    for (int users = 0; users < 2 && ok; users++) {
        uint32_t length = near_mask(m, scan, users != 0, near->masked);
        ok = add_item(near, users ? NEAR_TEMPLATE : NEAR_MESSAGE, XXH3_64bits(near->masked, length), place);
    }
    if (!ok || !scan->request) return ok;
    const WireUri *from = &scan->from.uri;
    uint64_t host = XXH3_64bits(m->bytes + from->host.offset, from->host.length);
    ok = add_slice(near, NEAR_USER, m, from->user, host, place);
    if (!ok || scan->vias != 1) return ok;
    return add_item(near, NEAR_CLIENT, XXH3_64bits(m->source.ip, sizeof m->source.ip), place);
}

CoreStatus dataset_near_add(DatasetNear *near, const Dataset *rows, uint64_t first, CoreError *error) {
    for (uint64_t row = 0; row < rows->count; row++) {
        WireMessage message;
        Place place = {first + row,
                       dataset_row_side(near->split, first + row, rows->capture[row], rows->run[row]),
                       rows->primary[row] != DATASET_BENIGN};
        if (rows->primary[row] > near->head->n_classes || place.side > DATASET_TEST) continue;
        dataset_message_view(rows, row, &message);
        if (!add_message(near, &message, &place))
            return core_fail(error, CORE_MEMORY, "no memory to look for near-duplicates");
    }
    return CORE_OK;
}

/* ---- judging ------------------------------------------------------------------------------------------- */

static void take_example(NearShared *shared, const Item *item, DatasetSide earlier, DatasetSide later) {
    if (shared->n_examples == NEAR_EXAMPLES) return;
    shared->examples[shared->n_examples++] =
        (NearExample){{item->row[earlier], item->row[later]}, {earlier, later}};
}

static void judge_item(const Item *item, NearShared *shared) {
    bool benign = false, later_any = false, is_shared = false;
    DatasetSide earlier = DATASET_SIDES;
    for (int side = 0; side < JUDGED_SIDES; side++)
        benign = benign || item->count[side][0];
    for (int side = 0; side < JUDGED_SIDES; side++) {
        const uint32_t *count = item->count[side];
        if (!count[0] && !count[1]) continue;
        if (side > DATASET_TRAIN) {
            later_any = true;
            shared->messages[0] += count[0];
            shared->messages[1] += count[1];
        }
        if (earlier != DATASET_SIDES) {
            if (!is_shared) take_example(shared, item, earlier, (DatasetSide)side);
            is_shared = true;
            shared->covered[0] += count[0];
            shared->covered[1] += count[1];
            if (!benign) shared->pure += count[1];
        } else {
            earlier = (DatasetSide)side;
        }
    }
    shared->of += later_any;
    shared->items += is_shared;
}

/* The judged sides that a capture's or run's value means, a bit each. */
static uint8_t side_bits(uint8_t value) {
    uint8_t all = (1u << JUDGED_SIDES) - 1;
    return value & DATASET_SIDE_BY_ROW ? all : (uint8_t)(1u << value) & all;
}

/* Sessions of which a capture, or a run, stands on another side than the rest. */
static uint32_t count_sessions(const Dataset *d, const DatasetSplit *split) {
    uint32_t count = 0, at = 0;
    uint8_t *sides = calloc(d->n_captures + 1u, 1);
    if (!sides) return 0;
    for (uint32_t c = 0; c < d->n_captures; c++) {
        for (at = 0; at < c && strcmp(d->captures[at].session, d->captures[c].session) != 0;)
            at++;
        sides[at] |= side_bits(split->captures[c]);
        for (uint32_t r = 0; r < d->n_runs; r++)
            if (d->runs[r].capture == c) sides[at] |= side_bits(split->runs[r]);
    }
    for (uint32_t c = 0; c < d->n_captures; c++) {
        count += (sides[c] & (sides[c] - 1)) != 0;
    }
    free(sides);
    return count;
}

void dataset_near_judge(const DatasetNear *near, NearReport *report) {
    memset(report, 0, sizeof *report);
    report->sample = near->sample;
    report->sessions = count_sessions(near->head, near->split);
    for (int kind = 0; kind < NEAR_KINDS; kind++)
        for (uint32_t i = 0; i < near->kinds[kind].marks.count; i++)
            judge_item(&near->kinds[kind].list[i], &report->kinds[kind]);
}

/* ---- making -------------------------------------------------------------------------------------------- */

CoreStatus dataset_near_new(const Dataset *head, const DatasetSplit *split, uint64_t count,
                            DatasetNear **near, CoreError *error) {
    DatasetNear *n = calloc(1, sizeof *n);
    if (!n) return core_fail(error, CORE_MEMORY, "no memory to look for near-duplicates");
    n->head = head;
    n->split = split;
    n->sample = (uint32_t)(1 + count / ITEMS_MAX);
    *near = n;
    return CORE_OK;
}

void dataset_near_free(DatasetNear *near) {
    if (!near) return;
    for (int kind = 0; kind < NEAR_KINDS; kind++) {
        marks_free(&near->kinds[kind].marks);
        free(near->kinds[kind].list);
    }
    free(near);
}

const char *near_name(NearKind kind) {
    static const char *const names[] = {
#define NEAR_NAME(id, name) name,
        NEAR_MAP(NEAR_NAME)
#undef NEAR_NAME
    };
    return names[kind];
}
