/* sipcnn-data check for machines: one JSON object.
 * Relies on: tools/data/check.h, jansson.
 * Relied on by: tools/data/check; sipcnn-data info --card reads it. */
#include "tools/data/check.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

static json_t *real(double value) {
    return isnan(value) ? json_null() : json_real(value);
}

/* Values come from the wire and may not be UTF-8. */
static json_t *plain(const char *text) {
    char copy[TRAIT_TEXT_SIZE];
    size_t n = 0;
    for (; text[n]; n++)
        copy[n] = (char)(text[n] >= ' ' && text[n] <= '~' ? text[n] : '?');
    return json_stringn(copy, n);
}

static json_t *place_json(const CheckResult *r, const DatasetLeakExample *place) {
    return json_pack("{s:s,s:I,s:I,s:I}", "capture", r->head->captures[place->capture].name, "frame",
                     (json_int_t)place->frame, "index", (json_int_t)place->index, "run",
                     (json_int_t)(place->run ? r->head->runs[place->run - 1].number : 0));
}

static json_t *field_json(const CheckResult *r, const DatasetLeak *leak) {
    json_t *examples = json_array();
    for (uint32_t i = 0; examples && i < leak->n_examples; i++)
        json_array_append_new(examples, place_json(r, &leak->examples[i]));
    return json_pack(
        "{s:s,s:s?,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:I,s:o,s:f,s:f,s:o}", "field", trait_name(leak->trait),
        "class", leak->class_index < 0 ? NULL : r->head->class_list[leak->class_index].name, "behaviour",
        trait_is_behaviour(leak->trait), "leak", (int)leak->leak, "runs", real(leak->runs), "sessions",
        real(leak->sessions), "chance", real(fmax(leak->runs_chance, leak->sessions_chance)), "pure",
        real(leak->pure), "pure_chance", real(leak->pure_chance), "values", (json_int_t)leak->n_values,
        "value", plain(leak->value.text), "attack_share", leak->value.attack_share, "benign_share",
        leak->value.benign_share, "examples", examples);
}

static json_t *hunt_json(const CheckResult *r) {
    const DatasetLeakReport *l = &r->leaks;
    json_t *fields = json_array();
    if (r->no_hunt) {
        json_decref(fields);
        return json_pack("{s:s}", "skipped", r->no_hunt);
    }
    for (size_t i = 0; fields && i < l->n_leaks; i++)
        json_array_append_new(fields, field_json(r, &l->leaks[i]));
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:b,s:o}", "attacks", (json_int_t)l->attacks, "benign",
                     (json_int_t)l->benign, "attack_groups", (json_int_t)l->attack_groups, "benign_groups",
                     (json_int_t)l->benign_groups, "mixed_captures", (json_int_t)l->mixed_captures,
                     "permuted_mean", real(l->permuted_mean), "permuted_worst", real(l->permuted_worst),
                     "trusted", (int)l->trusted, "fields", fields);
}

static json_t *kind_json(const CheckResult *r, NearKind kind) {
    const NearShared *s = &r->near.kinds[kind];
    json_t *examples = json_array();
    for (uint32_t i = 0; examples && i < s->n_examples; i++)
        json_array_append_new(examples, json_pack("{s:o,s:o}", dataset_side_name(s->examples[i].side[0]),
                                                  place_json(r, &r->near_places[kind][i][0]),
                                                  dataset_side_name(s->examples[i].side[1]),
                                                  place_json(r, &r->near_places[kind][i][1])));
    return json_pack("{s:I,s:I,s:[I,I],s:[I,I],s:I,s:b,s:o}", "shared", (json_int_t)s->items, "of",
                     (json_int_t)s->of, "benign", (json_int_t)s->covered[0], (json_int_t)s->messages[0],
                     "attack", (json_int_t)s->covered[1], (json_int_t)s->messages[1], "only_attacks",
                     (json_int_t)s->pure, "leak", (int)!check_near_ok(r, kind), "examples", examples);
}

static json_t *split_json(const CheckResult *r) {
    if (!r->split) return json_null();
    json_t *object = json_pack("{s:s,s:I,s:I}", "name", r->split->name, "sample", (json_int_t)r->near.sample,
                               "sessions", (json_int_t)r->near.sessions);
    for (int kind = 0; object && kind < NEAR_KINDS; kind++)
        json_object_set_new(object, near_name((NearKind)kind), kind_json(r, (NearKind)kind));
    return object;
}

static json_t *swap_json(const CheckResult *r) {
    if (!r->model) return json_null();
    json_t *object = json_pack("{s:s,s:I,s:I}", "model", r->model, "benign", (json_int_t)r->swap.messages[0],
                               "attack", (json_int_t)r->swap.messages[1]);
    for (int field = 0; object && field < SWAP_FIELDS; field++) {
        const SwapResult *s = &r->swap.fields[field];
        json_object_set_new(object, check_swap_name((SwapField)field),
                            json_pack("{s:[I,I],s:[I,I],s:b}", "swapped", (json_int_t)s->swapped[0],
                                      (json_int_t)s->swapped[1], "moved", (json_int_t)s->moved[0],
                                      (json_int_t)s->moved[1], "leak", !check_swap_ok(r, (SwapField)field)));
    }
    return object;
}

static json_t *limits_json(const CheckLimits *limits) {
    return json_pack("{s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "accuracy", limits->leaks.accuracy, "pure",
                     limits->leaks.pure, "class_accuracy", limits->leaks.class_accuracy, "class_pure",
                     limits->leaks.class_pure, "messages", limits->messages, "templates", limits->templates,
                     "swap", limits->swap);
}

bool check_print_json(const CheckResult *r) {
    json_t *object =
        json_pack("{s:s,s:s,s:I,s:b,s:o,s:o,s:o,s:o}", "file", r->path, "sha256", r->sha256, "messages",
                  (json_int_t)r->messages, "ok", (int)check_ok(r), "limits", limits_json(&r->limits), "hunt",
                  hunt_json(r), "split", split_json(r), "swap", swap_json(r));
    bool ok = object && json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) == 0;
    json_decref(object);
    if (ok) putchar('\n');
    return ok;
}
