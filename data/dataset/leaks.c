/* The leak hunt's memory: each group's requests, trait by trait, counted as they pass.
 * Relies on: data/dataset (leak_cells, traits), data/features, xxHash.
 * Relied on by: tools/data (check, card), tests. */
#include "data/dataset/leaks.h"

#include "data/dataset/leak_cells.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>

static CoreStatus no_memory(CoreError *error) {
    return core_fail(error, CORE_MEMORY, "no memory for the leak hunt");
}

/* Index of a value; values beyond the bound count as the first. UINT32_MAX: no memory. */
static uint32_t value_index(LeakValues *values, const char *text) {
    size_t length = strlen(text);
    bool fresh;
    uint32_t number = marks_number(&values->marks, XXH3_64bits(text, length), &fresh);
    if (number == UINT32_MAX) return number;
    if (number >= LEAK_VALUES_MAX) return 0;
    if (!fresh) return number;
    if (!marks_reserve(&values->texts, &values->room, number + 1, sizeof *values->texts)) return UINT32_MAX;
    values->texts[number] = malloc(length + 1);
    if (!values->texts[number]) return UINT32_MAX;
    memcpy(values->texts[number], text, length + 1);
    return number;
}

/* ---- groups -------------------------------------------------------------------------------------------- */

/* Makes a group and notes its number + 1 in *place; 0 stays there when there are too many. */
static bool new_group(DatasetLeaks *l, uint32_t *place, LeakGroup group) {
    if (l->n_groups == LEAK_GROUPS_MAX) return true;
    if (!marks_reserve(&l->groups, &l->group_room, l->n_groups + 1, sizeof *l->groups)) return false;
    l->groups[l->n_groups] = group;
    *place = ++l->n_groups;
    return true;
}

/* The message's group + 1, 0 if it has to be left out; false without memory. */
static bool find_group(DatasetLeaks *l, const WireAddress *client, uint32_t capture, uint32_t run,
                       uint32_t primary, uint32_t *group) {
    LeakGroup fresh = {.capture = capture, .run = primary ? run : 0, .primary = primary};
    uint32_t *place;
    if (fresh.run) {
        place = &l->run_group[run - 1];
    } else {
        Clients *clients = primary ? &l->attackers : &l->benign;
        uint32_t **places = primary ? &l->attacker_group : &l->benign_group;
        uint32_t *room = primary ? &l->attacker_room : &l->benign_room;
        uint32_t number = clients_number(clients, capture, client);
        if (number == 0 || !marks_reserve(places, room, number, sizeof **places)) return false;
        place = &(*places)[number - 1];
    }
    if (!*place && !new_group(l, place, fresh)) return false;
    *group = *place;
    return true;
}

/* ---- cells --------------------------------------------------------------------------------------------- */

static LeakCell *cell_slot(LeakCell *cells, uint64_t room, const LeakCell *key) {
    uint64_t parts[2] = {(uint64_t)key->group << 32 | key->value, (uint64_t)key->trait << 8 | key->kind};
    uint64_t at = XXH3_64bits(parts, sizeof parts) & (room - 1);
    for (;; at = (at + 1) & (room - 1)) {
        LeakCell *cell = &cells[at];
        if (!cell->count || (cell->group == key->group && cell->value == key->value &&
                             cell->trait == key->trait && cell->kind == key->kind))
            return cell;
    }
}

static CoreStatus grow_cells(DatasetLeaks *l, CoreError *error) {
    uint64_t room = l->cell_room ? l->cell_room * 2 : 1 << 14;
    if (l->n_cells >= LEAK_CELLS_MAX)
        return core_fail(error, CORE_LIMIT, "more than %d different facts: check fewer captures at once",
                         LEAK_CELLS_MAX);
    LeakCell *cells = calloc(room, sizeof *cells);
    if (!cells) return no_memory(error);
    for (uint64_t i = 0; i < l->cell_room; i++)
        if (l->cells[i].count) *cell_slot(cells, room, &l->cells[i]) = l->cells[i];
    free(l->cells);
    l->cells = cells;
    l->cell_room = room;
    return CORE_OK;
}

static CoreStatus add_cell(DatasetLeaks *l, LeakCell key, CoreError *error) {
    if (l->n_cells >= l->cell_room / 2) {
        CoreStatus status = grow_cells(l, error);
        if (status != CORE_OK) return status;
    }
    LeakCell *cell = cell_slot(l->cells, l->cell_room, &key);
    if (!cell->count) {
        *cell = key;
        l->n_cells++;
    }
    if (cell->count < UINT32_MAX) cell->count++;
    return CORE_OK;
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static CoreStatus enter_capture(DatasetLeaks *l, uint32_t capture, int64_t start, CoreError *error) {
    bool goes_on = l->capture != DATASET_NO_CAPTURE && l->head->captures[capture].follows == l->capture;
    l->capture = capture;
    l->capture_start = start;
    if (goes_on) return CORE_OK;
    marks_clear(&l->call_ids);
    feature_context_free(l->context);
    l->context = NULL;
    return feature_context_new(NULL, 0, &l->context, error);
}

/* Method, credentials, To tag, and whether the Call-ID is new: what the sender is about. LEAK_KINDS: no
 * memory. */
static uint8_t situation(DatasetLeaks *l, const WireMessage *m) {
    const WireSlice call_id = l->scan.call_id;
    bool fresh;
    uint32_t number =
        marks_number(&l->call_ids, XXH3_64bits(m->bytes + call_id.offset, call_id.length), &fresh);
    if (number == UINT32_MAX) return LEAK_KINDS;
    return (uint8_t)(8 * l->scan.method + 4 * l->scan.credentials.present + 2 * (l->scan.to.tag.length > 0) +
                     fresh);
}

static CoreStatus add_request(DatasetLeaks *l, const WireMessage *m, uint32_t group, CoreError *error) {
    LeakCell key = {.frame = m->frame, .index = m->index, .group = group};
    wire_scan(m->bytes, m->length, (m->flags & WIRE_FLAG_TRUNCATED) != 0, &l->scan);
    traits_read(m, &l->scan, l->capture_start, &l->traits);
    key.kind = situation(l, m);
    if (key.kind == LEAK_KINDS) return no_memory(error);
    l->groups[group].count += l->groups[group].count < UINT32_MAX;
    if (l->scan.method == WIRE_ACK) l->groups[group].acks = true;
    for (int t = 0; t < TRAITS; t++) {
        if (t == TRAIT_EVER_ACKS) continue;
        key.trait = (uint8_t)t;
        key.value = value_index(&l->values[t], l->traits.text[t]);
        if (key.value == UINT32_MAX) return no_memory(error);
        CoreStatus status = add_cell(l, key, error);
        if (status != CORE_OK) return status;
    }
    return CORE_OK;
}

CoreStatus dataset_leaks_add(DatasetLeaks *l, const Dataset *rows, CoreError *error) {
    for (uint64_t row = 0; row < rows->count; row++) {
        CoreStatus status = CORE_OK;
        WireMessage message;
        FeatureKeys keys;
        uint32_t group = 0;
        dataset_message_view(rows, row, &message);
        if (rows->capture[row] != l->capture)
            status = enter_capture(l, rows->capture[row], message.time_ns, error);
        if (status != CORE_OK) return status;
        feature_encode(&message, &l->encoded);
        feature_context_step(l->context, &message, &l->encoded, &l->row, &keys);
        if (!l->encoded.request || keys.relayed || rows->primary[row] > l->head->n_classes) continue;
        if (!find_group(l, &keys.client, rows->capture[row], rows->run[row], rows->primary[row], &group))
            return no_memory(error);
        if (group) status = add_request(l, &message, group - 1, error);
        if (status != CORE_OK) return status;
    }
    return CORE_OK;
}

/* ---- making -------------------------------------------------------------------------------------------- */

CoreStatus dataset_leaks_new(const Dataset *head, DatasetLeaks **leaks, CoreError *error) {
    DatasetLeaks *l = calloc(1, sizeof *l);
    if (!l) return no_memory(error);
    l->head = head;
    l->capture = DATASET_NO_CAPTURE;
    l->run_group = calloc(head->n_runs + 1u, sizeof *l->run_group);
    if (!l->run_group || value_index(&l->values[TRAIT_EVER_ACKS], "no") != 0 ||
        value_index(&l->values[TRAIT_EVER_ACKS], "yes") != 1) {
        dataset_leaks_free(l);
        return no_memory(error);
    }
    *leaks = l;
    return CORE_OK;
}

void dataset_leaks_free(DatasetLeaks *l) {
    if (!l) return;
    for (int t = 0; t < TRAITS; t++) {
        for (uint32_t i = 0; i < l->values[t].room; i++)
            free(l->values[t].texts[i]);
        free(l->values[t].texts);
        marks_free(&l->values[t].marks);
    }
    clients_free(&l->benign);
    clients_free(&l->attackers);
    free(l->benign_group);
    free(l->attacker_group);
    free(l->run_group);
    free(l->groups);
    free(l->cells);
    marks_free(&l->call_ids);
    feature_context_free(l->context);
    free(l);
}
