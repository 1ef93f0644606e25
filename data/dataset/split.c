/* Splits: which captures, runs and tools train, validate and test.
 * Relies on: data/dataset (dataset, random, split_facts).
 * Relied on by: tools/data, tests. */
#include "data/dataset/split.h"

#include "data/dataset/random.h"
#include "data/dataset/split_facts.h"

#include <stdlib.h>
#include <string.h>

enum {
    DRAWS = 2000,
    SHARED_SIDES = 3, /* train, validation, test */
    /* What a unit weighs: messages, benign messages, and runs of each class. */
    WEIGHT_MESSAGES = 0,
    WEIGHT_BENIGN = 1,
    WEIGHT_CLASS = 2,
    WEIGHTS = WEIGHT_CLASS + DATASET_CLASSES_MAX,
};

/* What stays together: a chain of captures, a run, or a tool. */
typedef struct Unit {
    double weight[WEIGHTS];
    bool fixed;
    uint8_t side;
} Unit;

typedef struct Splitter {
    const Dataset *dataset;
    const DatasetSplitFacts *facts;
    const DatasetSplitOptions *options;
    double share[SHARED_SIDES];
    uint64_t random;
    uint32_t *unit_of; /* [n_captures] the first capture of those that stay together */
    CoreError *error;
} Splitter;

static CoreStatus no_memory(const Splitter *s) {
    return core_fail(s->error, CORE_MEMORY, "no memory to split the dataset");
}

/* ---- drawing ------------------------------------------------------------------------------------------- */

static uint8_t draw_side(Splitter *s) {
    double r = random_unit(&s->random);
    if (r < s->share[DATASET_TEST]) return DATASET_TEST;
    return r < s->share[DATASET_TEST] + s->share[DATASET_VALIDATION] ? DATASET_VALIDATION : DATASET_TRAIN;
}

/* How far the sides are from their shares, summed over all weights; a wanted side that stays empty is worst.
 */
static double misfit(const Splitter *s, const Unit *units, size_t n_units) {
    double sum[WEIGHTS][DATASET_SIDES] = {{0}}, far = 0;
    size_t members[DATASET_SIDES] = {0};
    for (size_t i = 0; i < n_units; i++) {
        members[units[i].side]++;
        for (int w = 0; w < WEIGHTS; w++)
            sum[w][units[i].side] += units[i].weight[w];
    }
    for (int w = 0; w < WEIGHTS; w++) {
        double total = 0;
        for (int side = 0; side < SHARED_SIDES; side++)
            total += sum[w][side];
        for (int side = 0; side < SHARED_SIDES && total > 0; side++) {
            double off = sum[w][side] / total - s->share[side];
            far += off < 0 ? -off : off;
        }
    }
    for (int side = 0; side < SHARED_SIDES; side++)
        if (s->share[side] > 0 && members[side] == 0) far += 1000;
    return far;
}

/* Gives every unit that is not fixed a side: the best of many draws. */
static CoreStatus draw_units(Splitter *s, Unit *units, size_t n_units) {
    uint8_t *best = malloc(n_units + 1);
    double best_misfit = 0;
    if (!best) return no_memory(s);
    for (int draw = 0; draw < DRAWS; draw++) {
        for (size_t i = 0; i < n_units; i++)
            if (!units[i].fixed) units[i].side = draw_side(s);
        double far = misfit(s, units, n_units);
        if (draw > 0 && far >= best_misfit) continue;
        best_misfit = far;
        for (size_t i = 0; i < n_units; i++)
            best[i] = units[i].side;
    }
    for (size_t i = 0; i < n_units; i++)
        units[i].side = best[i];
    free(best);
    return CORE_OK;
}

/* ---- captures ------------------------------------------------------------------------------------------ */

static uint32_t chain_start(const Dataset *d, uint32_t capture) {
    while (d->captures[capture].follows != DATASET_NO_CAPTURE)
        capture = d->captures[capture].follows;
    return capture;
}

/* The first capture of those that stand for each other so far. */
static uint32_t find_unit(const Splitter *s, uint32_t capture) {
    while (s->unit_of[capture] != capture)
        capture = s->unit_of[capture];
    return capture;
}

static void join_units(Splitter *s, uint32_t a, uint32_t b) {
    a = find_unit(s, a);
    b = find_unit(s, b);
    if (a < b) s->unit_of[b] = a;
    if (b < a) s->unit_of[a] = b;
}

/* Those that continue another capture belong to the chain's first; by group, also those with its clients. */
static CoreStatus make_units(Splitter *s) {
    uint32_t n = s->dataset->n_captures, *pairs = NULL;
    uint64_t n_pairs = 0;
    s->unit_of = malloc((n + 1u) * sizeof *s->unit_of);
    if (!s->unit_of) return no_memory(s);
    for (uint32_t c = 0; c < n; c++)
        s->unit_of[c] = chain_start(s->dataset, c);
    if (s->options->by == DATASET_BY_GROUP) {
        CoreStatus status =
            split_facts_pairs(s->facts, s->options->prefix4, s->options->prefix6, &pairs, &n_pairs, s->error);
        if (status != CORE_OK) return status;
    }
    for (uint64_t i = 0; i < n_pairs; i++)
        join_units(s, pairs[2 * i], pairs[2 * i + 1]);
    free(pairs);
    for (uint32_t c = 0; c < n; c++)
        s->unit_of[c] = find_unit(s, c);
    return CORE_OK;
}

/* Source groups that would leave a side empty are no groups. */
static CoreStatus check_groups(const Splitter *s) {
    uint32_t units = 0, sides = 0;
    for (uint32_t c = 0; c < s->dataset->n_captures; c++)
        units += s->unit_of[c] == c;
    for (int side = 0; side < SHARED_SIDES; side++)
        sides += s->share[side] > 0;
    if (units >= sides) return CORE_OK;
    return core_fail(s->error, CORE_ARGUMENT,
                     "the captures share clients, so that there are %u source groups for %u sides; groups "
                     "within a capture cannot stand on two sides, because they share its dialogs and "
                     "counters: split by capture, or import captures of each group apart",
                     units, sides);
}

/* A unit per capture; all captures of one add their weight to its first and follow it. */
static void weigh_captures(const Splitter *s, Unit *units) {
    const Dataset *d = s->dataset;
    for (uint32_t c = 0; c < d->n_captures; c++) {
        Unit *unit = &units[s->unit_of[c]];
        unit->weight[WEIGHT_MESSAGES] += (double)s->facts->captures[c].messages;
        unit->weight[WEIGHT_BENIGN] += (double)s->facts->captures[c].benign;
    }
    for (uint32_t i = 0; i < d->n_runs; i++) {
        uint32_t primary = d->runs[i].primary;
        if (primary >= 1 && primary <= d->n_classes)
            units[s->unit_of[d->runs[i].capture]].weight[WEIGHT_CLASS + primary - 1]++;
    }
}

static const DatasetAssignment *find_assignment(const Splitter *s, const char *name) {
    for (size_t i = 0; i < s->options->n_assignments; i++)
        if (strcmp(s->options->assignments[i].name, name) == 0) return &s->options->assignments[i];
    return NULL;
}

static CoreStatus fix_captures(Splitter *s, Unit *units) {
    const Dataset *d = s->dataset;
    for (uint32_t c = 0; c < d->n_captures; c++) {
        const DatasetAssignment *assignment = find_assignment(s, d->captures[c].name);
        if (!assignment) continue;
        Unit *unit = &units[s->unit_of[c]];
        if (unit->fixed && unit->side != assignment->side)
            return core_fail(s->error, CORE_ARGUMENT,
                             "capture %s belongs to another one and must stay on its side",
                             d->captures[c].name);
        unit->fixed = true;
        unit->side = (uint8_t)assignment->side;
    }
    return CORE_OK;
}

typedef struct Timed {
    int64_t time;
    uint32_t capture;
} Timed;

static int compare_timed(const void *a, const void *b) {
    const Timed *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return (x->capture > y->capture) - (x->capture < y->capture);
}

/* The side where the middle of a unit lies when units are laid out by time; the last ones always end up on
 * the last sides. */
static uint8_t side_by_time(const Splitter *s, double middle, size_t left) {
    size_t wanted_test = s->share[DATASET_TEST] > 0, wanted_validation = s->share[DATASET_VALIDATION] > 0;
    if (wanted_test && (left == 0 || middle > 1 - s->share[DATASET_TEST])) return DATASET_TEST;
    if (wanted_validation &&
        (left == wanted_test || middle > 1 - s->share[DATASET_TEST] - s->share[DATASET_VALIDATION]))
        return DATASET_VALIDATION;
    return DATASET_TRAIN;
}

static CoreStatus order_captures(Splitter *s, Unit *units) {
    const Dataset *d = s->dataset;
    Timed *order = malloc((d->n_captures + 1u) * sizeof *order);
    size_t count = 0;
    double total = 0, passed = 0;
    if (!order) return no_memory(s);
    for (uint32_t c = 0; c < d->n_captures; c++) {
        if (units[c].fixed || s->unit_of[c] != c) continue;
        order[count++] = (Timed){s->facts->captures[c].first_ns, c};
        total += units[c].weight[WEIGHT_MESSAGES];
    }
    qsort(order, count, sizeof *order, compare_timed);
    for (size_t i = 0; i < count; i++) {
        Unit *unit = &units[order[i].capture];
        double weight = unit->weight[WEIGHT_MESSAGES];
        unit->side = side_by_time(s, total > 0 ? (passed + weight / 2) / total : 0, count - 1 - i);
        passed += weight;
    }
    free(order);
    return CORE_OK;
}

static CoreStatus split_captures(Splitter *s, DatasetSplit *split) {
    const Dataset *d = s->dataset;
    Unit *units = calloc(d->n_captures + 1u, sizeof *units);
    if (!units) return no_memory(s);
    /* Those that belong to another capture are no units of their own. */
    for (uint32_t c = 0; c < d->n_captures; c++)
        if (s->unit_of[c] != c) units[c] = (Unit){.fixed = true, .side = DATASET_UNUSED};
    weigh_captures(s, units);
    CoreStatus status = s->options->by == DATASET_BY_TOOL ? CORE_OK : fix_captures(s, units);
    if (status == CORE_OK)
        status = s->options->by == DATASET_BY_TIME ? order_captures(s, units)
                                                   : draw_units(s, units, d->n_captures);
    for (uint32_t c = 0; c < d->n_captures && status == CORE_OK; c++)
        split->captures[c] = units[s->unit_of[c]].side;
    for (uint32_t r = 0; r < d->n_runs && status == CORE_OK; r++)
        split->runs[r] = split->captures[d->runs[r].capture];
    free(units);
    return status;
}

/* ---- runs and tools ------------------------------------------------------------------------------------ */

/* Runs of one class among themselves. */
static CoreStatus split_runs_of(Splitter *s, DatasetSplit *split, uint32_t primary, Unit *units) {
    const Dataset *d = s->dataset;
    size_t count = 0;
    for (uint32_t r = 0; r < d->n_runs; r++) {
        if (d->runs[r].primary != primary) continue;
        memset(&units[count], 0, sizeof units[count]);
        units[count++].weight[WEIGHT_MESSAGES] = 1;
    }
    if (count == 0) return CORE_OK;
    CoreStatus status = draw_units(s, units, count);
    count = 0;
    for (uint32_t r = 0; r < d->n_runs && status == CORE_OK; r++)
        if (d->runs[r].primary == primary) split->runs[r] = units[count++].side;
    return status;
}

static CoreStatus split_runs(Splitter *s, DatasetSplit *split) {
    Unit *units = calloc(s->dataset->n_runs + 1u, sizeof *units);
    if (!units) return no_memory(s);
    CoreStatus status = CORE_OK;
    for (uint32_t primary = 0; primary <= s->dataset->n_classes && status == CORE_OK; primary++)
        status = split_runs_of(s, split, primary, units);
    free(units);
    return status;
}

/* The first run with the same tool, whose unit stands for the tool. */
static uint32_t tool_start(const Dataset *d, uint32_t run) {
    uint32_t first = 0;
    while (strcmp(d->runs[first].tool, d->runs[run].tool) != 0)
        first++;
    return first;
}

static CoreStatus split_tools(Splitter *s, DatasetSplit *split) {
    const Dataset *d = s->dataset;
    Unit *units = calloc(d->n_runs + 1u, sizeof *units);
    if (!units) return no_memory(s);
    for (uint32_t r = 0; r < d->n_runs; r++) {
        uint32_t first = tool_start(d, r), primary = d->runs[r].primary;
        const DatasetAssignment *assignment = find_assignment(s, d->runs[r].tool);
        if (first != r) units[r] = (Unit){.fixed = true, .side = DATASET_UNUSED};
        if (primary >= 1 && primary <= d->n_classes) units[first].weight[WEIGHT_CLASS + primary - 1]++;
        if (!assignment) continue;
        units[first].fixed = true;
        units[first].side = (uint8_t)assignment->side;
    }
    CoreStatus status = draw_units(s, units, d->n_runs);
    for (uint32_t r = 0; r < d->n_runs && status == CORE_OK; r++)
        split->runs[r] = units[tool_start(d, r)].side;
    free(units);
    return status;
}

/* ---- options ------------------------------------------------------------------------------------------- */

static bool is_known(const Dataset *d, DatasetSplitBy by, const char *name) {
    for (uint32_t c = 0; c < d->n_captures && by != DATASET_BY_TOOL; c++)
        if (strcmp(d->captures[c].name, name) == 0) return true;
    for (uint32_t r = 0; r < d->n_runs && by == DATASET_BY_TOOL; r++)
        if (strcmp(d->runs[r].tool, name) == 0) return true;
    return false;
}

static CoreStatus check_options(const Splitter *s) {
    const DatasetSplitOptions *o = s->options;
    if (!(o->validation >= 0 && o->test >= 0 && o->validation + o->test < 1))
        return core_fail(s->error, CORE_ARGUMENT,
                         "the shares of validation and test must be 0 or more and together below 1");
    for (size_t i = 0; i < o->n_assignments; i++)
        if (!is_known(s->dataset, o->by, o->assignments[i].name))
            return core_fail(s->error, CORE_ARGUMENT, "no %s is called %s",
                             o->by == DATASET_BY_TOOL ? "tool" : "capture", o->assignments[i].name);
    return CORE_OK;
}

/* Shares that every capture and run then has in itself. */
static CoreStatus split_rows(const Splitter *s, DatasetSplit *split) {
    int validation = (int)(s->options->validation * 10 + 0.5), test = (int)(s->options->test * 10 + 0.5);
    double far = s->options->validation * 10 - validation, off = s->options->test * 10 - test;
    if (far * far + off * off > 1e-9 || s->options->n_assignments)
        return core_fail(s->error, CORE_ARGUMENT, "by row, shares are tenths and nothing is assigned");
    uint8_t value = (uint8_t)(DATASET_SIDE_BY_ROW + 10 * validation + test);
    memset(split->captures, value, s->dataset->n_captures);
    memset(split->runs, value, s->dataset->n_runs);
    return CORE_OK;
}

CoreStatus dataset_split_draw(const Dataset *head, const DatasetSplitFacts *facts,
                              const DatasetSplitOptions *options, DatasetSplit *split, CoreError *error) {
    Splitter s = {
        .dataset = head, .facts = facts, .options = options, .random = options->seed, .error = error};
    CoreStatus status = check_options(&s);
    if (status != CORE_OK) return status;
    s.share[DATASET_VALIDATION] = options->validation;
    s.share[DATASET_TEST] = options->test;
    s.share[DATASET_TRAIN] = 1 - options->validation - options->test;
    if (options->by == DATASET_BY_ROW) return split_rows(&s, split);
    status = make_units(&s);
    if (status == CORE_OK && options->by == DATASET_BY_GROUP) status = check_groups(&s);
    if (status == CORE_OK) status = split_captures(&s, split);
    if (status == CORE_OK && options->by == DATASET_BY_RUN) status = split_runs(&s, split);
    if (status == CORE_OK && options->by == DATASET_BY_TOOL) status = split_tools(&s, split);
    free(s.unit_of);
    return status;
}

CoreStatus dataset_split_make(Dataset *dataset, const DatasetSplitOptions *options, CoreError *error) {
    DatasetSplitFacts *facts = NULL;
    DatasetSplit *split;
    CoreStatus status = dataset_split_facts_new(dataset, options->by == DATASET_BY_GROUP, &facts, error);
    if (status == CORE_OK) status = dataset_split_facts_add(facts, dataset, error);
    if (status == CORE_OK) status = dataset_add_split(dataset, options->name, &split, error);
    if (status == CORE_OK) status = dataset_split_draw(dataset, facts, options, split, error);
    dataset_split_facts_free(facts);
    return status;
}
