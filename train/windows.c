/* Windows over verdict sequences.
 * Relies on: engine/core/model.h.
 * Relied on by: train/calibrate, tests. */
#include "train/windows.h"

/* Quick and strict first, patient last. */
static const struct {
    uint32_t k, n;
} ladder[] = {{2, 3}, {3, 5}, {4, 8}, {6, 12}, {8, 16}, {12, 24}, {16, 32}, {24, 48}, {32, 64}};
enum { LADDER = sizeof ladder / sizeof *ladder };

uint32_t train_windows_worst(const TrainSequences *sequences, uint8_t what, uint32_t n) {
    uint32_t worst = 0;
    for (uint32_t s = 0; s < sequences->count; s++) {
        if (sequences->attacked[s]) continue;
        uint32_t inside = 0;
        for (uint32_t i = sequences->begin[s]; i < sequences->begin[s + 1]; i++) {
            inside += sequences->said[i] == what;
            if (i - sequences->begin[s] >= n) inside -= sequences->said[i - n] == what;
            if (inside > worst) worst = inside;
        }
    }
    return worst;
}

void train_windows_choose(const TrainSequences *sequences, uint8_t what, uint32_t first,
                          CoreModelThreshold *rule) {
    for (uint32_t i = first; i < LADDER; i++) {
        rule->k = ladder[i].k;
        rule->n = ladder[i].n;
        uint32_t slack = rule->k / 4 > 2 ? rule->k / 4 : 2;
        if (train_windows_worst(sequences, what, rule->n) + slack <= rule->k) return;
    }
}

uint32_t train_windows_ladder(uint32_t k) {
    uint32_t i = 0;
    while (i + 1 < LADDER && ladder[i].k < k)
        i++;
    return i;
}
