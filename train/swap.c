/* Borrowed histories within a batch.
 * Relies on: engine/rng.h.
 * Relied on by: train/batches. */
#include "train/swap.h"

#include "engine/rng.h"

#include <string.h>

enum { STREAM_SWAP = 0x40000004 };

/* The random numbers of a row: two say whether it borrows, the others from whom. */
enum { DRAW_PASS, DRAW_SWAP, DRAW_LENDER, LENDERS = 16, DRAWS = DRAW_LENDER + LENDERS };

static float uniform(const TrainSwap *swap, uint32_t row, uint32_t draw) {
    return rng_uniform(swap->seed, STREAM_SWAP, swap->step, row * DRAWS + draw);
}

static bool is_benign(const TrainSwap *swap, uint32_t row) {
    return swap->examples[row]->primary == DATASET_BENIGN;
}

static bool is_decided_at_once(const TrainSwap *swap, uint32_t row) {
    return !is_benign(swap, row) && swap->classes[swap->examples[row]->primary - 1].onset == 0;
}

static bool is_benign_passed_on(const TrainSwap *swap, uint32_t row) {
    const uint8_t *fact = swap->rows[row].counters;
    return is_benign(swap, row) && (fact[FEATURE_FACT_PASSED_CALLER] || fact[FEATURE_FACT_PASSED_CALLEE]);
}

typedef bool Lends(const TrainSwap *swap, uint32_t row);

/* A row that lends; `row` itself if none was met. */
static uint32_t find_lender(const TrainSwap *swap, uint32_t row, Lends *lends) {
    for (uint32_t d = 0; d < LENDERS; d++) {
        const uint32_t other = (uint32_t)(uniform(swap, row, DRAW_LENDER + d) * (float)swap->n);
        if (lends(swap, other)) return other;
    }
    return row;
}

static void borrow(const TrainSwap *swap, uint32_t row, uint32_t from) {
    const size_t begin = feature_group_begin[FEATURE_GROUP_CLIENT];
    memcpy(swap->rows[row].counters + begin, swap->rows[from].counters + begin, FEATURE_COUNTERS - begin);
}

static void swap_history(const TrainSwap *swap, uint32_t row) {
    if (!is_benign(swap, row) && !is_decided_at_once(swap, row)) return;
    const uint32_t from = find_lender(swap, row, is_benign(swap, row) ? is_decided_at_once : is_benign);
    if (from == row) return;
    borrow(swap, row, from);
    for (uint32_t c = 0; c < swap->n_classes; c++)
        if (swap->classes[c].onset) swap->mask[(size_t)row * swap->n_classes + c] = 0;
}

static void pass_on(const TrainSwap *swap, uint32_t row) {
    const uint32_t from = find_lender(swap, row, is_benign_passed_on);
    if (from == row) return;
    borrow(swap, row, from);
    uint8_t *mine = swap->rows[row].counters;
    const uint8_t *its = swap->rows[from].counters;
    mine[FEATURE_FACT_PASSED_CALLER] = its[FEATURE_FACT_PASSED_CALLER];
    mine[FEATURE_FACT_PASSED_CALLEE] = its[FEATURE_FACT_PASSED_CALLEE];
    for (uint32_t c = 0; c < swap->n_classes; c++) {
        swap->targets[(size_t)row * swap->n_classes + c] = swap->absent;
        swap->mask[(size_t)row * swap->n_classes + c] = 1;
    }
}

void train_swap(const TrainSwap *swap) {
    for (uint32_t i = 0; i < swap->n; i++)
        if (!is_benign(swap, i) && uniform(swap, i, DRAW_PASS) < swap->pass)
            pass_on(swap, i);
        else if (uniform(swap, i, DRAW_SWAP) < swap->swap)
            swap_history(swap, i);
}
