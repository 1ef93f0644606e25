/* Borrowed histories within a batch.
 * Relies on: engine/rng.h.
 * Relied on by: train/batches. */
#include "train/swap.h"

#include "engine/rng.h"

#include <string.h>

/* The random numbers of a row: one says whether it borrows, the others from whom. */
enum { STREAM_SWAP = 0x40000004, DRAWS = 16, PLACES = 1 + DRAWS };

static float uniform(const TrainSwap *swap, uint32_t row, uint32_t place) {
    return rng_uniform(swap->seed, STREAM_SWAP, swap->step, row * PLACES + place);
}

static bool is_benign(const TrainSwap *swap, uint32_t row) {
    return swap->examples[row]->primary == DATASET_BENIGN;
}

static bool decides_at_once(const TrainSwap *swap, uint32_t row) {
    return !is_benign(swap, row) && swap->classes[swap->examples[row]->primary - 1].onset == 0;
}

/* The row that lends its history to `row`; `row` itself if none was met. */
static uint32_t find_lender(const TrainSwap *swap, uint32_t row) {
    for (uint32_t d = 1; d <= DRAWS; d++) {
        const uint32_t other = (uint32_t)(uniform(swap, row, d) * (float)swap->n);
        if (is_benign(swap, row) ? decides_at_once(swap, other) : is_benign(swap, other)) return other;
    }
    return row;
}

static void borrow(const TrainSwap *swap, uint32_t row, uint32_t from) {
    const size_t begin = feature_group_begin[FEATURE_GROUP_CLIENT];
    memcpy(swap->rows[row].counters + begin, swap->rows[from].counters + begin, FEATURE_COUNTERS - begin);
    for (uint32_t c = 0; c < swap->n_classes; c++)
        if (swap->classes[c].onset) swap->mask[(size_t)row * swap->n_classes + c] = 0;
}

void train_swap(const TrainSwap *swap) {
    for (uint32_t i = 0; i < swap->n; i++) {
        if (!is_benign(swap, i) && !decides_at_once(swap, i)) continue;
        if (uniform(swap, i, 0) >= swap->probability) continue;
        const uint32_t lender = find_lender(swap, i);
        if (lender != i) borrow(swap, i, lender);
    }
}
