/* A dataset in memory: growing arrays, look-ups, and the check of every invariant.
 * Relies on: data/wire/message.h, engine/core.
 * Relied on by: every other file of data/dataset, train, tools/data, bench. */
#include "data/dataset/dataset.h"

#include "data/dataset/random.h"
#include "engine/core/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- growth -------------------------------------------------------------------------------------------- */

/* The next room of an array that must hold `needed`: half as much again, at least 1,024. */
static uint64_t larger_room(uint64_t room, uint64_t needed) {
    uint64_t next = room + room / 2;
    if (next < 1024) next = 1024;
    return next < needed ? needed : next;
}

/* Resizes *array (a pointer to any object type) to count * size bytes. */
static bool resize(void *array, uint64_t count, size_t size) {
    size_t bytes;
    void *old, *grown;
    if (count > SIZE_MAX || !core_mul_size((size_t)count, size, &bytes)) return false;
    memcpy(&old, array, sizeof old);
    grown = realloc(old, bytes);
    if (!grown) return false;
    memcpy(array, &grown, sizeof grown);
    return true;
}

static bool grow_rows(Dataset *d, uint64_t needed) {
    if (needed <= d->row_room) return true;
    uint64_t room = larger_room(d->row_room, needed);
    if (!resize(&d->offset, room + 1, sizeof *d->offset) || !resize(&d->time_ns, room, sizeof *d->time_ns) ||
        !resize(&d->capture, room, sizeof *d->capture) || !resize(&d->frame, room, sizeof *d->frame) ||
        !resize(&d->index, room, sizeof *d->index) || !resize(&d->source, room, sizeof *d->source) ||
        !resize(&d->destination, room, sizeof *d->destination) ||
        !resize(&d->transport, room, sizeof *d->transport) ||
        !resize(&d->wire_flags, room, sizeof *d->wire_flags) ||
        !resize(&d->primary, room, sizeof *d->primary) || !resize(&d->classes, room, sizeof *d->classes) ||
        !resize(&d->run, room, sizeof *d->run) || !resize(&d->part, room, sizeof *d->part))
        return false;
    d->row_room = room;
    return true;
}

static bool grow_bytes(Dataset *d, uint64_t needed) {
    if (needed <= d->byte_room) return true;
    uint64_t room = larger_room(d->byte_room, needed);
    if (!resize(&d->bytes, room, 1)) return false;
    d->byte_room = room;
    return true;
}

/* Every split needs a side for every capture and run; new ones are unused. */
static bool grow_split(DatasetSplit *split, uint32_t captures, uint32_t runs) {
    return resize(&split->captures, (uint64_t)captures + 1, 1) && resize(&split->runs, (uint64_t)runs + 1, 1);
}

static bool grow_splits(Dataset *d, uint32_t captures, uint32_t runs) {
    for (uint32_t i = 0; i < d->n_splits; i++)
        if (!grow_split(&d->splits[i], captures, runs)) return false;
    return true;
}

static CoreStatus no_memory(CoreError *error, const char *what, uint64_t count) {
    return core_fail(error, CORE_MEMORY, "no memory for %llu %s", (unsigned long long)count, what);
}

/* ---- making -------------------------------------------------------------------------------------------- */

CoreStatus dataset_init(Dataset *dataset, const DatasetClass *classes, uint32_t n_classes, CoreError *error) {
    memset(dataset, 0, sizeof *dataset);
    if (n_classes > DATASET_CLASSES_MAX)
        return core_fail(error, CORE_ARGUMENT, "%u classes, more than %d", n_classes, DATASET_CLASSES_MAX);
    for (uint32_t i = 0; i < n_classes; i++) {
        if (!classes[i].name[0]) return core_fail(error, CORE_ARGUMENT, "class %u has no name", i);
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(classes[i].name, classes[j].name) == 0)
                return core_fail(error, CORE_ARGUMENT, "class %s is given twice", classes[i].name);
    }
    dataset->class_list = calloc(n_classes + 1u, sizeof *dataset->class_list);
    if (!dataset->class_list || !grow_rows(dataset, 1) || !grow_bytes(dataset, 1)) {
        dataset_free(dataset);
        return no_memory(error, "classes", n_classes);
    }
    if (n_classes) memcpy(dataset->class_list, classes, n_classes * sizeof *classes);
    dataset->n_classes = n_classes;
    dataset->offset[0] = 0;
    return CORE_OK;
}

void dataset_free(Dataset *d) {
    void *arrays[] = {d->bytes,  d->offset,      d->time_ns,    d->capture,    d->frame,   d->index,
                      d->source, d->destination, d->transport,  d->wire_flags, d->primary, d->classes,
                      d->run,    d->part,        d->class_list, d->captures,   d->runs,    d->client_ips};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    for (uint32_t i = 0; i < d->n_splits; i++) {
        free(d->splits[i].captures);
        free(d->splits[i].runs);
    }
    free(d->splits);
    memset(d, 0, sizeof *d);
}

CoreStatus dataset_add_capture(Dataset *d, const DatasetCapture *capture, CoreError *error) {
    if (d->n_captures >= DATASET_CAPTURES_MAX)
        return core_fail(error, CORE_LIMIT, "more than %d captures", DATASET_CAPTURES_MAX);
    if (capture->follows != DATASET_NO_CAPTURE && capture->follows >= d->n_captures)
        return core_fail(error, CORE_ARGUMENT, "capture %s follows one that comes later", capture->name);
    if (d->n_captures == d->capture_room) {
        uint32_t room = (uint32_t)larger_room(d->capture_room, d->n_captures + 1u);
        if (!resize(&d->captures, room, sizeof *d->captures)) return no_memory(error, "captures", room);
        d->capture_room = room;
    }
    if (!grow_splits(d, d->n_captures + 1, d->n_runs)) return no_memory(error, "captures", d->n_captures);
    for (uint32_t i = 0; i < d->n_splits; i++)
        d->splits[i].captures[d->n_captures] = DATASET_UNUSED;
    DatasetCapture *added = &d->captures[d->n_captures++];
    *added = *capture;
    added->name[sizeof added->name - 1] = added->session[sizeof added->session - 1] = '\0';
    return CORE_OK;
}

static bool grow_clients(Dataset *d, uint64_t needed) {
    if (needed <= d->client_room) return true;
    uint64_t room = larger_room(d->client_room, needed);
    if (!resize(&d->client_ips, room, sizeof *d->client_ips)) return false;
    d->client_room = room;
    return true;
}

CoreStatus dataset_add_run(Dataset *d, const DatasetRun *run, const WireAddress *clients, size_t n_clients,
                           CoreError *error) {
    if (d->n_captures == 0) return core_fail(error, CORE_ARGUMENT, "a run before the first capture");
    if (d->n_runs >= DATASET_RUNS_MAX)
        return core_fail(error, CORE_LIMIT, "more than %d runs", DATASET_RUNS_MAX);
    if (d->n_runs == d->run_room) {
        uint32_t room = (uint32_t)larger_room(d->run_room, d->n_runs + 1u);
        if (!resize(&d->runs, room, sizeof *d->runs)) return no_memory(error, "runs", room);
        d->run_room = room;
    }
    if (!grow_clients(d, d->n_client_ips + n_clients) || !grow_splits(d, d->n_captures, d->n_runs + 1))
        return no_memory(error, "runs", d->n_runs + 1u);
    for (size_t i = 0; i < n_clients; i++)
        memcpy(d->client_ips[d->n_client_ips++], clients[i].ip, DATASET_IP_SIZE);
    for (uint32_t i = 0; i < d->n_splits; i++)
        d->splits[i].runs[d->n_runs] = DATASET_UNUSED;
    DatasetRun *added = &d->runs[d->n_runs++];
    *added = *run;
    added->capture = d->n_captures - 1;
    added->client_end = d->n_client_ips;
    added->tool[sizeof added->tool - 1] = added->settings[sizeof added->settings - 1] = '\0';
    return CORE_OK;
}

static void store_address(uint8_t out[DATASET_ADDRESS_SIZE], const WireAddress *address) {
    memcpy(out, address->ip, DATASET_IP_SIZE);
    out[16] = (uint8_t)(address->port >> 8);
    out[17] = (uint8_t)address->port;
}

CoreStatus dataset_add_message(Dataset *d, const WireMessage *message, const DatasetLabel *label,
                               CoreError *error) {
    if (d->n_captures == 0) return core_fail(error, CORE_ARGUMENT, "a message before the first capture");
    uint64_t row = d->count, at = d->offset[row], end;
    if (message->length > WIRE_MESSAGE_MAX)
        return core_fail(error, CORE_LIMIT, "a message of %u bytes", message->length);
    if (!core_add_u64(at, message->length, &end) || !grow_rows(d, row + 1) || !grow_bytes(d, end))
        return no_memory(error, "messages", row + 1);
    if (message->length) memcpy(d->bytes + at, message->bytes, message->length);
    d->offset[row + 1] = end;
    d->time_ns[row] = message->time_ns;
    d->capture[row] = d->n_captures - 1;
    d->frame[row] = message->frame;
    d->index[row] = message->index;
    store_address(d->source[row], &message->source);
    store_address(d->destination[row], &message->destination);
    d->transport[row] = message->transport;
    d->wire_flags[row] = message->flags;
    d->primary[row] = label->primary;
    d->classes[row] = label->classes;
    d->run[row] = label->run;
    d->part[row] = label->part;
    d->count++;
    return CORE_OK;
}

void dataset_clear_rows(Dataset *d) {
    d->count = 0;
    d->offset[0] = 0;
}

static bool is_split_name(const char *name) {
    static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = strlen(name);
    return length > 0 && length < DATASET_NAME_SIZE && strspn(name, legal) == length;
}

static DatasetSplit *append_split(Dataset *d, const char *name) {
    if (!resize(&d->splits, (uint64_t)d->n_splits + 1, sizeof *d->splits)) return NULL;
    DatasetSplit *split = &d->splits[d->n_splits];
    memset(split, 0, sizeof *split);
    memcpy(split->name, name, strlen(name));
    if (!grow_split(split, d->n_captures, d->n_runs)) {
        free(split->captures);
        return NULL;
    }
    d->n_splits++;
    return split;
}

CoreStatus dataset_add_split(Dataset *d, const char *name, DatasetSplit **split, CoreError *error) {
    if (!is_split_name(name))
        return core_fail(error, CORE_ARGUMENT,
                         "'%.80s' is no name for a split: 1 to %d letters, digits, '-' and '_'", name,
                         DATASET_NAME_SIZE - 1);
    DatasetSplit *found = NULL;
    for (uint32_t i = 0; i < d->n_splits; i++)
        if (strcmp(d->splits[i].name, name) == 0) found = &d->splits[i];
    if (!found && d->n_splits >= DATASET_SPLITS_MAX)
        return core_fail(error, CORE_LIMIT, "more than %d splits", DATASET_SPLITS_MAX);
    if (!found) found = append_split(d, name);
    if (!found) return no_memory(error, "splits", d->n_splits + 1u);
    memset(found->captures, DATASET_UNUSED, d->n_captures);
    memset(found->runs, DATASET_UNUSED, d->n_runs);
    *split = found;
    return CORE_OK;
}

static CoreStatus copy_splits(Dataset *d, const Dataset *from, CoreError *error) {
    for (uint32_t i = 0; i < from->n_splits; i++) {
        DatasetSplit *split;
        CoreStatus status = dataset_add_split(d, from->splits[i].name, &split, error);
        if (status != CORE_OK) return status;
        memcpy(split->captures, from->splits[i].captures, from->n_captures);
        memcpy(split->runs, from->splits[i].runs, from->n_runs);
    }
    return CORE_OK;
}

CoreStatus dataset_copy_tables(Dataset *d, const Dataset *from, CoreError *error) {
    if (!resize(&d->class_list, from->n_classes + 1u, sizeof *d->class_list) ||
        !resize(&d->captures, from->n_captures + 1u, sizeof *d->captures) ||
        !resize(&d->runs, from->n_runs + 1u, sizeof *d->runs) ||
        !resize(&d->client_ips, from->n_client_ips + 1, sizeof *d->client_ips))
        return no_memory(error, "captures, runs and their clients", from->n_captures);
    if (from->n_classes) memcpy(d->class_list, from->class_list, from->n_classes * sizeof *d->class_list);
    if (from->n_captures) memcpy(d->captures, from->captures, from->n_captures * sizeof *d->captures);
    if (from->n_runs) memcpy(d->runs, from->runs, from->n_runs * sizeof *d->runs);
    if (from->n_client_ips)
        memcpy(d->client_ips, from->client_ips, from->n_client_ips * sizeof *d->client_ips);
    d->n_classes = from->n_classes;
    d->n_captures = d->capture_room = from->n_captures;
    d->n_runs = d->run_room = from->n_runs;
    d->n_client_ips = d->client_room = from->n_client_ips;
    d->pseudonymised = from->pseudonymised;
    memcpy(d->provenance, from->provenance, sizeof d->provenance);
    return copy_splits(d, from, error);
}

/* ---- looking ------------------------------------------------------------------------------------------- */

static void load_address(const uint8_t in[DATASET_ADDRESS_SIZE], WireAddress *address) {
    memcpy(address->ip, in, DATASET_IP_SIZE);
    address->port = (uint16_t)(in[16] << 8 | in[17]);
}

void dataset_message_view(const Dataset *d, uint64_t row, WireMessage *message) {
    memset(message, 0, sizeof *message);
    message->bytes = d->bytes + d->offset[row];
    message->length = (uint32_t)(d->offset[row + 1] - d->offset[row]);
    message->flags = d->wire_flags[row];
    message->time_ns = d->time_ns[row];
    message->frame = d->frame[row];
    message->index = d->index[row];
    message->transport = d->transport[row];
    load_address(d->source[row], &message->source);
    load_address(d->destination[row], &message->destination);
}

/* The first row whose capture is not below `capture`. */
static uint64_t first_row(const Dataset *d, uint32_t capture) {
    uint64_t low = 0, high = d->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (d->capture[middle] < capture)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void dataset_capture_rows(const Dataset *d, uint32_t capture, uint64_t *begin, uint64_t *end) {
    *begin = first_row(d, capture);
    *end = capture == UINT32_MAX ? d->count : first_row(d, capture + 1);
}

void dataset_run_clients(const Dataset *d, uint32_t run, uint64_t *begin, uint64_t *end) {
    *begin = run ? d->runs[run - 1].client_end : 0;
    *end = d->runs[run].client_end;
}

const DatasetSplit *dataset_find_split(const Dataset *d, const char *name) {
    for (uint32_t i = 0; i < d->n_splits; i++)
        if (strcmp(d->splits[i].name, name) == 0) return &d->splits[i];
    return NULL;
}

int dataset_class_index(const Dataset *d, const char *name, size_t length) {
    for (uint32_t i = 0; i < d->n_classes; i++)
        if (strlen(d->class_list[i].name) == length && memcmp(d->class_list[i].name, name, length) == 0)
            return (int)i;
    return -1;
}

const char *dataset_primary_name(const Dataset *d, uint32_t primary) {
    if (primary == DATASET_BENIGN) return "benign";
    if (primary == DATASET_UNLABELLED) return "unlabelled";
    if (primary == DATASET_IGNORE) return "ignore";
    return primary <= d->n_classes ? d->class_list[primary - 1].name : "unknown";
}

DatasetSide dataset_row_side(const DatasetSplit *split, uint64_t row, uint32_t capture, uint32_t run) {
    uint8_t value = run ? split->runs[run - 1] : split->captures[capture];
    unsigned tenths = value & 0x7fu;
    if (!(value & DATASET_SIDE_BY_ROW)) return (DatasetSide)value;
    unsigned draw = (unsigned)(random_next(&row) % 10);
    if (draw < tenths % 10) return DATASET_TEST;
    return draw < tenths % 10 + tenths / 10 ? DATASET_VALIDATION : DATASET_TRAIN;
}

const char *dataset_side_name(DatasetSide side) {
    static const char *const names[DATASET_SIDES] = {"train", "validation", "test", "unused"};
    return (unsigned)side < DATASET_SIDES ? names[side] : "unknown";
}

/* ---- checking ------------------------------------------------------------------------------------------ */

static bool ends(const char *text, size_t size) {
    return memchr(text, '\0', size) != NULL;
}

static bool is_primary(const Dataset *d, uint32_t primary) {
    return primary <= d->n_classes || primary == DATASET_UNLABELLED || primary == DATASET_IGNORE;
}

static CoreStatus bad(CoreError *error, const char *column, uint64_t row) {
    return core_fail(error, CORE_FORMAT, "%s[%llu] is out of range", column, (unsigned long long)row);
}

static CoreStatus check_classes(const Dataset *d, CoreError *error) {
    if (d->n_classes > DATASET_CLASSES_MAX) return bad(error, "classes", d->n_classes);
    for (uint32_t i = 0; i < d->n_classes; i++) {
        const char *name = d->class_list[i].name;
        if (!ends(name, DATASET_CLASS_SIZE) || !name[0] ||
            dataset_class_index(d, name, strlen(name)) != (int)i)
            return bad(error, "classes/name", i);
    }
    return CORE_OK;
}

static CoreStatus check_captures(const Dataset *d, CoreError *error) {
    if (d->n_captures > DATASET_CAPTURES_MAX) return bad(error, "captures", d->n_captures);
    uint8_t *followed = calloc(d->n_captures + 1u, 1);
    if (!followed) return no_memory(error, "captures", d->n_captures);
    CoreStatus status = CORE_OK;
    for (uint32_t i = 0; i < d->n_captures && status == CORE_OK; i++) {
        const DatasetCapture *c = &d->captures[i];
        if (!ends(c->name, sizeof c->name))
            status = bad(error, "captures/name", i);
        else if (!ends(c->session, sizeof c->session))
            status = bad(error, "captures/session", i);
        else if (c->follows != DATASET_NO_CAPTURE && (c->follows >= i || followed[c->follows]++))
            status = bad(error, "captures/follows", i);
    }
    free(followed);
    return status;
}

static CoreStatus check_runs(const Dataset *d, CoreError *error) {
    if (d->n_runs > DATASET_RUNS_MAX) return bad(error, "runs", d->n_runs);
    uint64_t clients = 0;
    for (uint32_t i = 0; i < d->n_runs; i++) {
        const DatasetRun *r = &d->runs[i];
        if (r->capture >= d->n_captures) return bad(error, "runs/capture", i);
        if (!is_primary(d, r->primary)) return bad(error, "runs/primary", i);
        if (!ends(r->tool, sizeof r->tool)) return bad(error, "runs/tool", i);
        if (!ends(r->settings, sizeof r->settings)) return bad(error, "runs/settings", i);
        if (r->client_end < clients || r->client_end > d->n_client_ips)
            return bad(error, "runs/client_end", i);
        clients = r->client_end;
    }
    return clients == d->n_client_ips ? CORE_OK : bad(error, "runs/client_ip", clients);
}

/* A side, or shares of a split by row. */
static bool is_side(uint8_t value) {
    unsigned tenths = value & 0x7fu;
    return value & DATASET_SIDE_BY_ROW ? tenths / 10 + tenths % 10 < 10 : value < DATASET_SIDES;
}

static CoreStatus check_splits(const Dataset *d, CoreError *error) {
    if (d->n_splits > DATASET_SPLITS_MAX) return bad(error, "splits", d->n_splits);
    for (uint32_t i = 0; i < d->n_splits; i++) {
        const DatasetSplit *s = &d->splits[i];
        if (!ends(s->name, sizeof s->name) || !is_split_name(s->name) || dataset_find_split(d, s->name) != s)
            return bad(error, "splits/name", i);
        for (uint32_t c = 0; c < d->n_captures; c++)
            if (!is_side(s->captures[c])) return bad(error, "splits/captures", c);
        for (uint32_t r = 0; r < d->n_runs; r++)
            if (!is_side(s->runs[r])) return bad(error, "splits/runs", r);
    }
    return CORE_OK;
}

static CoreStatus check_offsets(const Dataset *d, uint64_t first, CoreError *error) {
    if (d->offset[0] != 0) return bad(error, "messages/offset", first);
    for (uint64_t i = 0; i < d->count; i++)
        if (d->offset[i + 1] < d->offset[i] || d->offset[i + 1] - d->offset[i] > WIRE_MESSAGE_MAX)
            return bad(error, "messages/offset", first + i + 1);
    return CORE_OK;
}

/* The set holds the primary class; benign and unlabelled rows have none. */
static bool classes_fit(const Dataset *d, uint8_t primary, uint32_t classes) {
    if (primary == DATASET_BENIGN || primary == DATASET_UNLABELLED) return classes == 0;
    return primary > d->n_classes || classes >> (primary - 1) & 1;
}

const char *dataset_label_fault(const Dataset *d, const DatasetLabel *label) {
    uint32_t known = d->n_classes == 32 ? UINT32_MAX : (1u << d->n_classes) - 1;
    if (!is_primary(d, label->primary)) return "primary";
    if (label->classes & ~known || !classes_fit(d, label->primary, label->classes)) return "classes";
    return label->part < DATASET_PARTS ? NULL : "part";
}

static const char *row_fault(const Dataset *d, uint64_t i) {
    uint32_t run = d->run[i];
    DatasetLabel label = {.classes = d->classes[i], .primary = d->primary[i], .part = d->part[i]};
    if (d->capture[i] >= d->n_captures || (i > 0 && d->capture[i] < d->capture[i - 1])) return "capture";
    if (d->transport[i] > WIRE_WEBSOCKET) return "transport";
    if (run > d->n_runs || (run && d->runs[run - 1].capture != d->capture[i])) return "run";
    return dataset_label_fault(d, &label);
}

CoreStatus dataset_check_rows(const Dataset *d, uint64_t first, CoreError *error) {
    CoreStatus status = check_offsets(d, first, error);
    for (uint64_t i = 0; i < d->count && status == CORE_OK; i++) {
        const char *fault = row_fault(d, i);
        if (fault)
            status = core_fail(error, CORE_FORMAT, "messages/%s[%llu] is out of range", fault,
                               (unsigned long long)(first + i));
    }
    return status;
}

CoreStatus dataset_check_tables(const Dataset *d, CoreError *error) {
    CoreStatus status = check_classes(d, error);
    if (status == CORE_OK) status = check_captures(d, error);
    if (status == CORE_OK) status = check_runs(d, error);
    if (status == CORE_OK) status = check_splits(d, error);
    if (status == CORE_OK && d->pseudonymised > 1) status = bad(error, "pseudonymised", 0);
    if (status == CORE_OK && !ends(d->provenance, sizeof d->provenance)) status = bad(error, "provenance", 0);
    return status;
}

CoreStatus dataset_check(const Dataset *d, CoreError *error) {
    CoreStatus status = dataset_check_tables(d, error);
    return status == CORE_OK ? dataset_check_rows(d, 0, error) : status;
}
