/* The leak hunt's judgement: each trait as a classifier, learned on half of the groups, judged on the other.
 * Relies on: data/dataset (leak_cells, random).
 * Relied on by: tools/data (check, card), tests. */
#include "data/dataset/leak_cells.h"
#include "data/dataset/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HALVINGS = 8,      /* of which the mean is taken */
    PERMUTATIONS = 20, /* of the labels of all attacks, with PERMUTED_HALVINGS each */
    CLASS_PERMUTATIONS = 10,
    PERMUTED_HALVINGS = 2,
    ATTACK_GROUPS_MAX = 1024, /* of each class; of more, a sample is judged */
    BENIGN_GROUPS_MAX = 4096,
    TRIES = 100, /* to halve sessions so that both halves have both sides */
    BENIGN = 0,
    ATTACK = 1,
    OUT = 2, /* attacks of another class than the one in question */
};

/* With fewer attacks beside benign requests of the same capture, captures are not compared each by itself. */
#define MIXED_SHARE_MIN 0.1
/* A leak lies this far above what permuted labels reach. */
#define CHANCE_MARGIN 0.05
/* Chance is within this of 0.5. */
#define CHANCE_TOLERANCE 0.05

/* Weights that make both sides of a half equal in a stratum. */
typedef struct Scale {
    double of[2][2]; /* [half][side] */
} Scale;

/* What a group sent in one situation, with what the halving at hand makes of it. */
typedef struct Mass {
    uint32_t group, count; /* requests */
    uint32_t stratum;      /* of capture and situation */
    uint8_t kind;
    uint8_t side, half;
    float weight, style, behaviour; /* of one request: plain, and made even in its stratum */
} Mass;

/* A cell, of which only this is read in every halving. */
typedef struct Hit {
    uint32_t mass, count;
} Hit;

typedef struct Judge {
    const DatasetLeaks *l;
    const DatasetLeakOptions *options;
    DatasetLeakReport *report;
    LeakGroup *groups; /* [n_groups] those that are judged */
    uint32_t n_groups;
    uint32_t *kept;         /* [l->n_groups] number in groups, UINT32_MAX: left out */
    const LeakCell **cells; /* [n_cells] by trait, value, group, kind */
    Hit *hits;              /* [n_cells] the same */
    uint32_t *ends;         /* [n_cells] where the value that begins here ends */
    uint64_t n_cells;
    uint64_t begin[TRAITS + 1];
    Mass *masses;
    uint32_t n_masses;
    uint32_t n_strata;
    uint8_t *side;         /* [n_groups] */
    uint8_t *half;         /* [n_groups] */
    uint32_t *order;       /* [n_groups] by capture */
    uint32_t *session;     /* [n_captures] */
    uint8_t *session_half; /* [n_sessions] */
    uint32_t n_sessions;
    bool by_capture;
    Scale *scale; /* [larger of n_strata, n_captures, LEAK_KINDS] */
    uint64_t random;
} Judge;

/* How one trait did in one halving. */
typedef struct Score {
    double accuracy, pure; /* NAN: the halves do not have both sides */
} Score;

/* ---- what is judged ------------------------------------------------------------------------------------ */

static float weight_of(const LeakGroup *group) {
    return group->count > DATASET_LEAK_WEIGHT ? (float)DATASET_LEAK_WEIGHT / (float)group->count : 1;
}

/* All groups, or so many of each class and of the benign ones. */
static void choose_groups(Judge *j) {
    uint32_t count[DATASET_CLASSES_MAX + 1] = {0};
    for (uint32_t g = 0; g < j->l->n_groups; g++)
        count[j->l->groups[g].primary]++;
    for (uint32_t g = 0; g < j->l->n_groups; g++) {
        uint32_t primary = j->l->groups[g].primary, wanted = primary ? ATTACK_GROUPS_MAX : BENIGN_GROUPS_MAX;
        bool keep = count[primary] <= wanted || random_next(&j->random) % count[primary] < wanted;
        j->kept[g] = keep ? j->n_groups : UINT32_MAX;
        if (keep) j->groups[j->n_groups++] = j->l->groups[g];
    }
}

static int compare_cells(const void *a, const void *b) {
    const LeakCell *x = *(const LeakCell *const *)a, *y = *(const LeakCell *const *)b;
    if (x->trait != y->trait) return x->trait < y->trait ? -1 : 1;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return (x->kind > y->kind) - (x->kind < y->kind);
}

/* The cells of the groups that are judged, in order. */
static bool sort_cells(Judge *j) {
    const DatasetLeaks *l = j->l;
    for (uint64_t i = 0; i < l->cell_room; i++)
        j->n_cells += l->cells[i].count && j->kept[l->cells[i].group] != UINT32_MAX;
    j->cells = malloc((j->n_cells + 1) * sizeof *j->cells);
    if (!j->cells) return false;
    uint64_t n = 0;
    for (uint64_t i = 0; i < l->cell_room; i++)
        if (l->cells[i].count && j->kept[l->cells[i].group] != UINT32_MAX) j->cells[n++] = &l->cells[i];
    qsort(j->cells, n, sizeof *j->cells, compare_cells);
    for (int t = TRAITS; t >= 0; t--) {
        j->begin[t] = t == TRAITS ? n : j->begin[t + 1];
        while (j->begin[t] > 0 && j->cells[j->begin[t] - 1]->trait >= t)
            j->begin[t]--;
    }
    return true;
}

/* Every request has a method: those cells are the masses, numbered in `place` by group and kind. */
static bool make_masses(Judge *j, uint32_t *place, uint32_t *stratum) {
    uint64_t begin = j->begin[TRAIT_METHOD], end = j->begin[TRAIT_METHOD + 1];
    j->masses = calloc(end - begin + 1, sizeof *j->masses);
    if (!j->masses) return false;
    for (uint64_t i = begin; i < end; i++) {
        const LeakCell *cell = j->cells[i];
        uint32_t group = j->kept[cell->group], capture = j->groups[group].capture;
        uint32_t *number = &stratum[(size_t)capture * LEAK_KINDS + cell->kind];
        if (!*number) *number = ++j->n_strata;
        place[(size_t)group * LEAK_KINDS + cell->kind] = j->n_masses;
        j->masses[j->n_masses++] = (Mass){.group = group,
                                          .count = cell->count,
                                          .stratum = *number - 1,
                                          .kind = cell->kind,
                                          .weight = weight_of(&j->groups[group])};
    }
    return true;
}

static bool make_hits(Judge *j) {
    size_t kinds = LEAK_KINDS;
    uint32_t *place = calloc((j->n_groups + 1u) * kinds, sizeof *place);
    uint32_t *stratum = calloc((j->l->head->n_captures + 1u) * kinds, sizeof *stratum);
    j->hits = malloc((j->n_cells + 1) * sizeof *j->hits);
    j->ends = malloc((j->n_cells + 1) * sizeof *j->ends);
    bool made = place && stratum && j->hits && j->ends && make_masses(j, place, stratum);
    for (uint64_t i = j->n_cells; made && i > 0; i--) {
        const LeakCell *cell = j->cells[i - 1], *next = i < j->n_cells ? j->cells[i] : NULL;
        bool goes_on = next && next->trait == cell->trait && next->value == cell->value;
        j->hits[i - 1] = (Hit){place[j->kept[cell->group] * kinds + cell->kind], cell->count};
        j->ends[i - 1] = goes_on ? j->ends[i] : (uint32_t)i;
    }
    free(place);
    free(stratum);
    return made;
}

/* Numbers for sessions; a capture without one is its own. */
static void number_sessions(Judge *j) {
    const Dataset *d = j->l->head;
    for (uint32_t c = 0; c < d->n_captures; c++) {
        uint32_t same = 0;
        while (same < c &&
               (!d->captures[c].session[0] || strcmp(d->captures[same].session, d->captures[c].session) != 0))
            same++;
        j->session[c] = same < c ? j->session[same] : j->n_sessions++;
    }
}

/* Groups by capture: a counting sort. */
static bool order_groups(Judge *j) {
    uint32_t n_captures = j->l->head->n_captures, *at = calloc(n_captures + 1u, sizeof *at);
    if (!at) return false;
    for (uint32_t g = 0; g < j->n_groups; g++)
        at[j->groups[g].capture + 1]++;
    for (uint32_t c = 0; c < n_captures; c++)
        at[c + 1] += at[c];
    for (uint32_t g = 0; g < j->n_groups; g++)
        j->order[at[j->groups[g].capture]++] = g;
    free(at);
    return true;
}

/* ---- halves and labels --------------------------------------------------------------------------------- */

static void focus(Judge *j, int class_index) {
    for (uint32_t g = 0; g < j->n_groups; g++) {
        uint32_t primary = j->groups[g].primary;
        j->side[g] = primary == 0                                         ? BENIGN
                     : class_index < 0 || (int)primary == class_index + 1 ? ATTACK
                                                                          : OUT;
    }
}

static void swap_groups(uint32_t *a, uint32_t *b) {
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

/* Shuffles the groups of each capture (or all of them) among themselves. */
static void shuffle(Judge *j) {
    uint32_t n = j->n_groups;
    for (uint32_t begin = 0, end; begin < n; begin = end) {
        end = begin + 1;
        while (end < n &&
               (!j->by_capture || j->groups[j->order[end]].capture == j->groups[j->order[begin]].capture))
            end++;
        for (uint32_t i = end; i > begin + 1; i--)
            swap_groups(&j->order[i - 1], &j->order[begin + random_next(&j->random) % (i - begin)]);
    }
}

/* Every second group of a side, in shuffled order, goes to the other half. */
static void halve_groups(Judge *j) {
    uint8_t next[3] = {0};
    shuffle(j);
    for (int side = 0; side < 3; side++)
        next[side] = (uint8_t)(random_next(&j->random) & 1);
    for (uint32_t i = 0; i < j->n_groups; i++) {
        uint32_t g = j->order[i];
        j->half[g] = next[j->side[g]];
        next[j->side[g]] ^= 1;
    }
}

static bool halve_sessions(Judge *j) {
    for (int try = 0; try < TRIES; try++) {
        uint32_t members[2][3] = {{0}};
        for (uint32_t s = 0; s < j->n_sessions; s++)
            j->session_half[s] = (uint8_t)(random_next(&j->random) >> 32 & 1);
        for (uint32_t g = 0; g < j->n_groups; g++) {
            j->half[g] = j->session_half[j->session[j->groups[g].capture]];
            members[j->half[g]][j->side[g]]++;
        }
        if (members[0][BENIGN] && members[0][ATTACK] && members[1][BENIGN] && members[1][ATTACK]) return true;
    }
    return false;
}

/* Deals the labels out again among the groups that are shuffled with each other. */
static bool permute(Judge *j) {
    uint32_t n = j->n_groups;
    uint8_t *dealt = malloc(n + 1u);
    if (!dealt) return false;
    for (uint32_t i = 0; i < n; i++)
        dealt[i] = j->side[j->order[i]];
    shuffle(j);
    for (uint32_t i = 0; i < n; i++)
        j->side[j->order[i]] = dealt[i];
    free(dealt);
    return true;
}

/* ---- weights ------------------------------------------------------------------------------------------- */

/* Stratum of a mass: its situation, its capture, or both. Without either all is one. */
static uint32_t stratum_of(const Judge *j, const Mass *mass, bool by_capture, bool by_kind) {
    if (by_capture) return by_kind ? mass->stratum : j->groups[mass->group].capture;
    return by_kind ? mass->kind : 0;
}

/* In every stratum each side of a half weighs as much as the smaller one. */
static void even_out(Judge *j, bool by_capture, bool by_kind) {
    uint32_t strata = by_capture ? (by_kind ? j->n_strata : j->l->head->n_captures) : LEAK_KINDS;
    memset(j->scale, 0, strata * sizeof *j->scale);
    for (uint32_t m = 0; m < j->n_masses; m++) {
        const Mass *mass = &j->masses[m];
        if (mass->side == OUT) continue;
        j->scale[stratum_of(j, mass, by_capture, by_kind)].of[mass->half][mass->side] +=
            mass->count * (double)mass->weight;
    }
    for (uint32_t s = 0; s < strata; s++)
        for (int half = 0; half < 2; half++) {
            double benign = j->scale[s].of[half][BENIGN], attack = j->scale[s].of[half][ATTACK];
            double both = benign < attack ? benign : attack;
            j->scale[s].of[half][BENIGN] = both > 0 ? both / benign : 0;
            j->scale[s].of[half][ATTACK] = both > 0 ? both / attack : 0;
        }
    for (uint32_t m = 0; m < j->n_masses; m++) {
        Mass *mass = &j->masses[m];
        double even = 0;
        if (mass->side != OUT)
            even = j->scale[stratum_of(j, mass, by_capture, by_kind)].of[mass->half][mass->side];
        *(by_kind ? &mass->style : &mass->behaviour) = (float)even * mass->weight;
    }
}

/* Weights for the sides and halves as they are now. */
static void weigh(Judge *j, bool by_capture) {
    for (uint32_t m = 0; m < j->n_masses; m++) {
        j->masses[m].side = j->side[j->masses[m].group];
        j->masses[m].half = j->half[j->masses[m].group];
    }
    even_out(j, by_capture, true);
    even_out(j, by_capture, false);
}

/* The share of the attacks that has benign requests in its capture, and how many captures are such. */
static void find_mixed(Judge *j) {
    uint32_t n = j->l->head->n_captures;
    double mixed = 0, all = 0;
    memset(j->scale, 0, n * sizeof *j->scale);
    for (uint32_t g = 0; g < j->n_groups; g++) {
        const LeakGroup *group = &j->groups[g];
        j->scale[group->capture].of[0][group->primary ? ATTACK : BENIGN] +=
            group->count * (double)weight_of(group);
    }
    for (uint32_t c = 0; c < n; c++) {
        all += j->scale[c].of[0][ATTACK];
        if (j->scale[c].of[0][ATTACK] <= 0 || j->scale[c].of[0][BENIGN] <= 0) continue;
        mixed += j->scale[c].of[0][ATTACK];
        j->report->mixed_captures++;
    }
    j->report->mixed_share = all > 0 ? mixed / all : 0;
    j->by_capture = j->report->mixed_share >= MIXED_SHARE_MIN;
}

/* ---- one trait, one halving ---------------------------------------------------------------------------- */

/* What the groups of each half sent of one value. */
typedef struct ValueSums {
    double weighed[2][2]; /* [half][side], in strata */
    double attack[2];     /* [half] without strata */
    uint32_t runs[2];     /* [half] attacking groups */
    bool benign;          /* any benign request */
} ValueSums;

static void add_hit(ValueSums *sums, const Mass *mass, const Hit *hit, bool behaviour, uint32_t *last) {
    float count = (float)hit->count;
    sums->weighed[mass->half][mass->side] += count * (behaviour ? mass->behaviour : mass->style);
    if (mass->side == BENIGN) {
        sums->benign = true;
        return;
    }
    sums->attack[mass->half] += count * mass->weight;
    sums->runs[mass->half] += mass->group != *last;
    *last = mass->group;
}

/* The sums of the value that begins at `at`. */
static void sum_value(const Judge *j, uint64_t at, bool behaviour, ValueSums *sums) {
    uint32_t last = UINT32_MAX;
    memset(sums, 0, sizeof *sums);
    for (uint64_t end = j->ends[at]; at < end; at++) {
        const Mass *mass = &j->masses[j->hits[at].mass];
        if (mass->side != OUT) add_hit(sums, mass, &j->hits[at], behaviour, &last);
    }
}

/* Does the client ever ACK? A value that only all its messages together have. */
static void sum_ackers(const Judge *j, bool acks, ValueSums *sums) {
    uint32_t last = UINT32_MAX;
    memset(sums, 0, sizeof *sums);
    for (uint32_t m = 0; m < j->n_masses; m++) {
        const Mass *mass = &j->masses[m];
        Hit hit = {m, mass->count};
        if (mass->side != OUT && j->groups[mass->group].acks == acks) add_hit(sums, mass, &hit, true, &last);
    }
}

/* Sums value after value of a trait; *at moves on. False behind the last. */
static bool next_value(const Judge *j, int trait, uint64_t *at, uint64_t *begin, ValueSums *sums) {
    if (trait == TRAIT_EVER_ACKS) {
        *begin = *at;
        if (*at == 2) return false;
        sum_ackers(j, *at == 1, sums);
        ++*at;
        return true;
    }
    *begin = *at + j->begin[trait];
    if (*begin == j->begin[trait + 1]) return false;
    sum_value(j, *begin, trait_is_behaviour((Trait)trait) != 0, sums);
    *at = j->ends[*begin] - j->begin[trait];
    return true;
}

/* Learned on one half and judged on the other, both ways. A value that the learning half has not is a coin.
 */
static Score score(const Judge *j, int trait) {
    double right[2][2] = {{0}}, total[2][2] = {{0}}, pure[2] = {0}, attacks[2] = {0};
    ValueSums sums;
    for (uint64_t at = 0, begin; next_value(j, trait, &at, &begin, &sums);) {
        for (int test = 0; test < 2; test++) {
            double lean = sums.weighed[!test][ATTACK] - sums.weighed[!test][BENIGN];
            double attack = lean > 0 ? 1 : lean < 0 ? 0 : 0.5;
            right[test][ATTACK] += attack * sums.weighed[test][ATTACK];
            right[test][BENIGN] += (1 - attack) * sums.weighed[test][BENIGN];
            total[test][ATTACK] += sums.weighed[test][ATTACK];
            total[test][BENIGN] += sums.weighed[test][BENIGN];
            attacks[test] += sums.attack[test];
            if (!sums.benign && sums.runs[!test] >= 2) pure[test] += sums.attack[test];
        }
    }
    Score result = {0, 0};
    int halves = 0;
    for (int test = 0; test < 2; test++) {
        if (total[test][ATTACK] <= 0 || total[test][BENIGN] <= 0 || attacks[test] <= 0) continue;
        halves++;
        result.accuracy +=
            (right[test][ATTACK] / total[test][ATTACK] + right[test][BENIGN] / total[test][BENIGN]) / 2;
        result.pure += pure[test] / attacks[test];
    }
    return halves ? (Score){result.accuracy / halves, result.pure / halves} : (Score){NAN, NAN};
}

/* Mean scores of all traits over some halvings. False: the sessions cannot be halved. */
static bool score_all(Judge *j, bool by_session, int halvings, Score scores[TRAITS]) {
    int counted[TRAITS] = {0};
    for (int t = 0; t < TRAITS; t++)
        scores[t] = (Score){0, 0};
    for (int n = 0; n < halvings; n++) {
        if (!by_session) halve_groups(j);
        if (by_session && !halve_sessions(j)) return false;
        weigh(j, j->by_capture && !by_session);
        for (int t = 0; t < TRAITS; t++) {
            Score one = score(j, t);
            if (isnan(one.accuracy)) continue;
            scores[t].accuracy += one.accuracy;
            scores[t].pure += one.pure;
            counted[t]++;
        }
    }
    for (int t = 0; t < TRAITS; t++)
        scores[t] = counted[t] ? (Score){scores[t].accuracy / counted[t], scores[t].pure / counted[t]}
                               : (Score){NAN, NAN};
    return true;
}

/* ---- the value that leans most ------------------------------------------------------------------------- */

/* Attacks of different groups that have the value which begins at `at`. */
static void take_examples(const Judge *j, DatasetLeak *leak, uint64_t at) {
    uint32_t last = UINT32_MAX;
    for (uint64_t end = j->ends[at]; at < end && leak->n_examples < DATASET_LEAK_EXAMPLES; at++) {
        const LeakCell *cell = j->cells[at];
        uint32_t group = j->kept[cell->group];
        if (j->side[group] != ATTACK || group == last) continue;
        leak->examples[leak->n_examples++] =
            (DatasetLeakExample){j->groups[group].capture, j->groups[group].run, cell->frame, cell->index};
        last = group;
    }
}

static const char *value_text(const Judge *j, const DatasetLeak *leak, uint64_t begin) {
    uint64_t value = leak->trait == TRAIT_EVER_ACKS ? begin : j->cells[begin]->value;
    return j->l->values[leak->trait].texts[value];
}

/* Puts a value among those that lean most; shares are still weights. */
static void rank_value(const Judge *j, DatasetLeak *leak, uint64_t begin, double attack, double benign) {
    uint32_t at = leak->n_top < DATASET_LEAK_TOP ? leak->n_top++ : DATASET_LEAK_TOP;
    for (; at > 0; at--) {
        const DatasetLeakValue *other = &leak->top[at - 1];
        if (fabs(other->attack_share - other->benign_share) >= fabs(attack - benign)) break;
        if (at < DATASET_LEAK_TOP) leak->top[at] = *other;
    }
    if (at == DATASET_LEAK_TOP) return;
    leak->top[at] = (DatasetLeakValue){.attack_share = attack, .benign_share = benign};
    snprintf(leak->top[at].text, TRAIT_TEXT_SIZE, "%s", value_text(j, leak, begin));
}

static void share_out(DatasetLeakValue *value, const double total[2]) {
    value->attack_share = total[ATTACK] > 0 ? value->attack_share / total[ATTACK] : 0;
    value->benign_share = total[BENIGN] > 0 ? value->benign_share / total[BENIGN] : 0;
}

/* Of all groups together: the value that leans most to attack. A trait that leaks by pure values shows the
 * most frequent of those. */
static void describe(Judge *j, DatasetLeak *leak, bool by_pure) {
    double best = -INFINITY, total[2] = {0};
    uint64_t best_at = 0;
    ValueSums sums;
    for (uint64_t at = 0, begin; next_value(j, leak->trait, &at, &begin, &sums); leak->n_values++) {
        double attack = sums.weighed[0][ATTACK], benign = sums.weighed[0][BENIGN];
        double much = by_pure ? (sums.benign || sums.runs[0] < 2 ? 0 : sums.attack[0]) : attack - benign;
        total[ATTACK] += attack;
        total[BENIGN] += benign;
        rank_value(j, leak, begin, attack, benign);
        if (much <= best) continue;
        best = much;
        best_at = begin;
        leak->value.attack_share = attack;
        leak->value.benign_share = benign;
    }
    if (leak->n_values == 0) return;
    snprintf(leak->value.text, TRAIT_TEXT_SIZE, "%s", value_text(j, leak, best_at));
    share_out(&leak->value, total);
    for (uint32_t i = 0; i < leak->n_top; i++)
        share_out(&leak->top[i], total);
    if (leak->trait != TRAIT_EVER_ACKS) take_examples(j, leak, best_at);
}

/* ---- all traits of one class --------------------------------------------------------------------------- */

static void raise_to(double *greatest, double value) {
    if (!isnan(value) && !(*greatest >= value)) *greatest = value;
}

/* What permuted labels reach; `mean` sums the accuracies of all traits. */
static bool score_chance(Judge *j, int class_index, DatasetLeak leaks[TRAITS], double *mean, double *worst) {
    Score scores[TRAITS];
    double sum = 0;
    int count = 0;
    int permutations = class_index < 0 ? PERMUTATIONS : CLASS_PERMUTATIONS;
    for (int p = 0; p < permutations; p++) {
        for (int by_session = 0; by_session < 2; by_session++) {
            focus(j, class_index);
            if (!permute(j)) return false;
            if (!score_all(j, by_session != 0, PERMUTED_HALVINGS, scores)) continue;
            for (int t = 0; t < TRAITS; t++) {
                raise_to(by_session ? &leaks[t].sessions_chance : &leaks[t].runs_chance, scores[t].accuracy);
                raise_to(&leaks[t].pure_chance, scores[t].pure);
                if (isnan(scores[t].accuracy)) continue;
                sum += scores[t].accuracy;
                count++;
                raise_to(worst, scores[t].accuracy);
            }
        }
    }
    *mean = count ? sum / count : NAN;
    return true;
}

static bool above(double value, double limit, double chance) {
    return value > limit && !(value <= chance + CHANCE_MARGIN);
}

static bool judge_class(Judge *j, int class_index, DatasetLeak leaks[TRAITS], double *mean, double *worst) {
    Score runs[TRAITS], sessions[TRAITS];
    for (int t = 0; t < TRAITS; t++)
        leaks[t] = (DatasetLeak){.trait = (Trait)t,
                                 .class_index = class_index,
                                 .runs_chance = NAN,
                                 .sessions_chance = NAN,
                                 .pure_chance = NAN};
    if (!score_chance(j, class_index, leaks, mean, worst)) return false;
    double accuracy_limit = class_index < 0 ? j->options->accuracy : j->options->class_accuracy;
    double pure_limit = class_index < 0 ? j->options->pure : j->options->class_pure;
    focus(j, class_index);
    (void)score_all(j, false, HALVINGS, runs);
    bool by_session = score_all(j, true, HALVINGS, sessions);
    /* What leans most is told of all groups together. */
    memset(j->half, 0, j->n_groups);
    weigh(j, j->by_capture);
    for (int t = 0; t < TRAITS; t++) {
        DatasetLeak *leak = &leaks[t];
        leak->runs = runs[t].accuracy;
        leak->sessions = by_session ? sessions[t].accuracy : NAN;
        leak->pure = runs[t].pure;
        bool accurate = above(leak->runs, accuracy_limit, leak->runs_chance) ||
                        above(leak->sessions, accuracy_limit, leak->sessions_chance);
        bool pure = above(leak->pure, pure_limit, leak->pure_chance);
        leak->leak = !trait_is_behaviour((Trait)t) && (accurate || pure);
        describe(j, leak, pure && !accurate);
    }
    return true;
}

static double strength(const DatasetLeak *leak) {
    double runs = isnan(leak->runs) ? 0 : leak->runs, sessions = isnan(leak->sessions) ? 0 : leak->sessions;
    return runs > sessions ? runs : sessions;
}

static int compare_leaks(const void *a, const void *b) {
    const DatasetLeak *x = a, *y = b;
    double s = strength(x), t = strength(y);
    if (x->leak != y->leak) return x->leak ? -1 : 1;
    if (s != t) return s > t ? -1 : 1;
    return (x->trait > y->trait) - (x->trait < y->trait);
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static uint32_t groups_of(const Judge *j, int class_index) {
    uint32_t count = 0;
    for (uint32_t g = 0; g < j->n_groups; g++)
        count += class_index < 0 ? j->groups[g].primary != 0 : (int)j->groups[g].primary == class_index + 1;
    return count;
}

static CoreStatus judge_all(Judge *j, const DatasetProgress *progress, CoreError *error) {
    DatasetLeakReport *report = j->report;
    int classes = (int)j->l->head->n_classes;
    report->leaks = calloc((size_t)(classes + 1) * TRAITS, sizeof *report->leaks);
    if (!report->leaks) return core_fail(error, CORE_MEMORY, "no memory to judge leaks");
    for (int c = -1; c < classes; c++) {
        DatasetLeak *leaks = report->leaks + report->n_leaks;
        double mean = NAN, worst = NAN;
        if (!dataset_progress(progress, (uint64_t)(c + 1), (uint64_t)classes + 1))
            return core_fail(error, CORE_INTERRUPTED, "interrupted");
        if (c >= 0 && groups_of(j, c) < DATASET_LEAK_GROUPS) continue;
        if (!judge_class(j, c, leaks, &mean, &worst))
            return core_fail(error, CORE_MEMORY, "no memory to judge leaks");
        qsort(leaks, TRAITS, sizeof *leaks, compare_leaks);
        report->n_leaks += TRAITS;
        if (c >= 0) continue;
        report->permuted_mean = mean;
        report->permuted_worst = worst;
        report->trusted = fabs(mean - 0.5) <= CHANCE_TOLERANCE; /* false if it is no number */
    }
    for (size_t i = 0; i < report->n_leaks; i++)
        report->n_found += report->leaks[i].leak;
    return CORE_OK;
}

static CoreStatus count_sides(const Judge *j, CoreError *error) {
    for (uint32_t g = 0; g < j->l->n_groups; g++) {
        const LeakGroup *group = &j->l->groups[g];
        *(group->primary ? &j->report->attacks : &j->report->benign) += group->count;
        *(group->primary ? &j->report->attack_groups : &j->report->benign_groups) += 1;
    }
    if (j->report->attacks && j->report->benign) return CORE_OK;
    return core_fail(error, CORE_NOT_FOUND,
                     "%s among the clients' requests: both are needed to look for leaks",
                     j->report->attacks ? "nothing benign" : "no labelled attack");
}

static void free_judge(Judge *j) {
    free(j->groups);
    free(j->kept);
    free(j->cells);
    free(j->hits);
    free(j->ends);
    free(j->masses);
    free(j->side);
    free(j->half);
    free(j->order);
    free(j->session);
    free(j->session_half);
    free(j->scale);
}

static bool make_judge(Judge *j) {
    size_t all = j->l->n_groups + 1u, captures = j->l->head->n_captures + 1u;
    j->groups = malloc(all * sizeof *j->groups);
    j->kept = malloc(all * sizeof *j->kept);
    j->session = calloc(captures, sizeof *j->session);
    j->session_half = calloc(captures, 1);
    if (!j->groups || !j->kept || !j->session || !j->session_half) return false;
    choose_groups(j);
    j->side = calloc(j->n_groups + 1u, 1);
    j->half = calloc(j->n_groups + 1u, 1);
    j->order = calloc(j->n_groups + 1u, sizeof *j->order);
    if (!j->side || !j->half || !j->order || !order_groups(j) || !sort_cells(j) || !make_hits(j))
        return false;
    j->scale = malloc((captures + j->n_strata + LEAK_KINDS) * sizeof *j->scale);
    return j->scale != NULL;
}

CoreStatus dataset_leaks_judge(const DatasetLeaks *leaks, const DatasetLeakOptions *options,
                               const DatasetProgress *progress, DatasetLeakReport *report, CoreError *error) {
    Judge j = {.l = leaks, .options = options, .report = report, .random = options->seed};
    memset(report, 0, sizeof *report);
    CoreStatus status = make_judge(&j) ? CORE_OK : core_fail(error, CORE_MEMORY, "no memory to judge leaks");
    if (status == CORE_OK) status = count_sides(&j, error);
    if (status == CORE_OK) {
        number_sessions(&j);
        find_mixed(&j);
        status = judge_all(&j, progress, error);
    }
    free_judge(&j);
    if (status != CORE_OK) dataset_leak_report_free(report);
    return status;
}

void dataset_leak_report_free(DatasetLeakReport *report) {
    free(report->leaks);
    memset(report, 0, sizeof *report);
}
