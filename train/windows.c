/* Windows over verdict sequences.
 * Relies on: engine/core/model.h.
 * Relied on by: train/calibrate, tests. */
#include "train/windows.h"

/* Quick and strict first, patient last. */
static const struct {
    uint32_t k, n;
} ladder[] = {{3, 5}, {4, 8}, {6, 12}, {8, 16}, {12, 24}, {16, 32}, {24, 48}, {32, 64}};
enum { LADDER = sizeof ladder / sizeof *ladder };

static const double near_cost = 20;

/* The most verdicts `what` among any n successive ones of sequence s. */
static uint32_t worst_of(const TrainSequences *sequences, uint32_t s, uint8_t what, uint32_t n) {
    uint32_t worst = 0, inside = 0;
    for (uint32_t i = sequences->begin[s]; i < sequences->begin[s + 1]; i++) {
        inside += sequences->said[i] == what;
        if (i - sequences->begin[s] >= n) inside -= sequences->said[i - n] == what;
        if (inside > worst) worst = inside;
    }
    return worst;
}

uint32_t train_windows_worst(const TrainSequences *sequences, uint8_t what, uint32_t n) {
    uint32_t worst = 0;
    for (uint32_t s = 0; s < sequences->count; s++) {
        uint32_t of_client = sequences->attacked[s] ? 0 : worst_of(sequences, s, what, n);
        if (of_client > worst) worst = of_client;
    }
    return worst;
}

/* Marks of a run: it is there, and it was found. */
enum { MARK_SEEN = 1, MARK_FOUND = 2 };

/* Counts the runs of one sequence that no earlier one had, and those found. */
static void find_runs(const TrainSequences *sequences, uint32_t s, uint8_t what, uint32_t k, uint32_t n,
                      TrainWindowsEffect *effect) {
    uint32_t inside = 0;
    for (uint32_t i = sequences->begin[s]; i < sequences->begin[s + 1]; i++) {
        inside += sequences->said[i] == what;
        if (i - sequences->begin[s] >= n) inside -= sequences->said[i - n] == what;
        if (!sequences->run[i] || sequences->primary[i] != what) continue;
        uint32_t *mark = &sequences->marks[sequences->run[i]];
        effect->runs += !(*mark & MARK_SEEN);
        *mark |= MARK_SEEN;
        if (inside < k || *mark & MARK_FOUND) continue;
        effect->found++;
        *mark |= MARK_FOUND;
    }
}

TrainWindowsEffect train_windows_effect(const TrainSequences *sequences, uint8_t what, uint32_t k,
                                        uint32_t n) {
    TrainWindowsEffect effect = {0};
    uint32_t slack = k / 4 > 2 ? k / 4 : 2;
    for (uint32_t s = 0; s < sequences->count; s++) {
        find_runs(sequences, s, what, k, n, &effect);
        if (sequences->attacked[s] || sequences->begin[s] == sequences->begin[s + 1]) continue;
        effect.clients++;
        effect.near += worst_of(sequences, s, what, n) + slack > k;
    }
    for (uint32_t i = 0; i < sequences->begin[sequences->count]; i++)
        sequences->marks[sequences->run[i]] = 0;
    return effect;
}

static double cost_of(const TrainWindowsEffect *effect) {
    double cost = 0;
    if (effect->runs) cost += (double)(effect->runs - effect->found) / effect->runs;
    if (effect->clients) cost += near_cost * effect->near / effect->clients;
    return cost;
}

void train_windows_choose(const TrainSequences *sequences, uint8_t what, uint32_t first,
                          CoreModelThreshold *rule) {
    double least = 0;
    for (uint32_t i = first; i < LADDER; i++) {
        TrainWindowsEffect effect = train_windows_effect(sequences, what, ladder[i].k, ladder[i].n);
        double cost = cost_of(&effect);
        if (i > first && cost >= least) continue;
        least = cost;
        rule->k = ladder[i].k;
        rule->n = ladder[i].n;
    }
}

uint32_t train_windows_ladder(uint32_t k) {
    uint32_t i = 0;
    while (i + 1 < LADDER && ladder[i].k < k)
        i++;
    return i;
}
