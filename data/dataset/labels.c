/* Label files: the rules that people write and the rows that a lab writes, and run tables.
 * Relies on: data/dataset/lines.h, data/dataset/compressed.h, data/features (address ranges).
 * Relied on by: data/dataset/import. */
#include "data/dataset/labels.h"

#include "data/dataset/compressed.h"
#include "data/dataset/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A label file of 2^30 bytes describes tens of millions of messages. */
enum { FILE_MAX = 1 << 30 };

typedef enum RowColumn { ROW_FRAME, ROW_INDEX, ROW_PRIMARY, ROW_ALSO, ROW_RUN, ROW_PART } RowColumn;
static const char *const row_columns[] = {"frame", "index", "primary", "also", "run", "part"};

typedef enum RunColumn {
    RUN_RUN,
    RUN_CLASS,
    RUN_TOOL,
    RUN_SETTINGS,
    RUN_START,
    RUN_END,
    RUN_CLIENTS
} RunColumn;
static const char *const run_columns[] = {"run", "class", "tool", "settings", "start", "end", "clients"};

typedef enum RuleColumn {
    RULE_START,
    RULE_END,
    RULE_CLIENT,
    RULE_TARGET,
    RULE_CALL_ID,
    RULE_CLASS,
    RULE_ALSO,
    RULE_RUN,
    RULE_TOOL,
    RULE_NOTE
} RuleColumn;
static const char *const rule_columns[] = {"start", "end",  "client", "target", "call_id",
                                           "class", "also", "run",    "tool",   "note"};

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof *(array)))

static CoreStatus no_memory(const Lines *lines) {
    return core_fail(lines->error, CORE_MEMORY, "%s: no memory for line %u", lines->name,
                     (unsigned)lines->line);
}

/* Room for one more element in an array whose count doubles from 64 on. */
static void *room_for(void *array, size_t count, size_t size) {
    if (count && (count < 64 || (count & (count - 1)))) return array;
    if (count > SIZE_MAX / 2 / size) return NULL;
    return realloc(array, (count < 64 ? 64 : count * 2) * size);
}

static void copy_text(char *out, size_t room, const char *text) {
    size_t length = strlen(text);
    if (length >= room) length = room - 1;
    while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--; /* no half of a UTF-8 character */
    memcpy(out, text, length);
    memset(out + length, 0, room - length);
}

/* ---- classes ------------------------------------------------------------------------------------------- */

static CoreStatus read_primary(const Lines *lines, unsigned column, const Dataset *dataset, bool unlabelled,
                               uint8_t *primary) {
    const char *text = lines->fields[column];
    int index = dataset_class_index(dataset, text, lines->lengths[column]);
    if (index >= 0)
        *primary = (uint8_t)(index + 1);
    else if (strcmp(text, "benign") == 0)
        *primary = DATASET_BENIGN;
    else if (strcmp(text, "ignore") == 0)
        *primary = DATASET_IGNORE;
    else if (unlabelled && strcmp(text, "unlabelled") == 0)
        *primary = DATASET_UNLABELLED;
    else
        return lines_fail(lines, column, "not a class");
    return CORE_OK;
}

/* {primary} and the names of `also`, separated by commas or blanks. */
static CoreStatus read_classes(const Lines *lines, unsigned column, const Dataset *dataset, uint8_t primary,
                               uint32_t *classes) {
    const char *at = lines->fields[column];
    *classes = primary >= 1 && primary <= dataset->n_classes ? 1u << (primary - 1) : 0;
    for (;;) {
        at += strspn(at, ", ");
        size_t length = strcspn(at, ", ");
        if (length == 0) return CORE_OK;
        int index = dataset_class_index(dataset, at, length);
        if (index < 0) return lines_fail(lines, column, "not a class");
        if (primary == DATASET_BENIGN || primary == DATASET_UNLABELLED)
            return lines_fail(lines, column, "no class holds beside this one");
        *classes |= 1u << index;
        at += length;
    }
}

/* ---- per message --------------------------------------------------------------------------------------- */

static CoreStatus read_part(const Lines *lines, uint8_t *part) {
    static const char *const names[DATASET_PARTS] = {"request", "reply", "relay", "onset"};
    for (uint8_t i = 0; i < DATASET_PARTS; i++)
        if (strcmp(lines->fields[ROW_PART], names[i]) == 0) {
            *part = i;
            return CORE_OK;
        }
    return lines_fail(lines, ROW_PART, "not request, reply, relay or onset");
}

static CoreStatus read_row(const Lines *lines, const Dataset *dataset, DatasetLabelRow *row) {
    uint64_t index = 0, run = 0;
    memset(row, 0, sizeof *row);
    row->line = lines->line;
    CoreStatus status = lines_number(lines, ROW_FRAME, UINT64_MAX, &row->frame);
    if (status == CORE_OK && row->frame == 0) status = lines_fail(lines, ROW_FRAME, "frames count from 1");
    if (status == CORE_OK) status = lines_number(lines, ROW_INDEX, UINT32_MAX, &index);
    if (status == CORE_OK) status = read_primary(lines, ROW_PRIMARY, dataset, true, &row->primary);
    if (status == CORE_OK) status = read_classes(lines, ROW_ALSO, dataset, row->primary, &row->classes);
    if (status == CORE_OK) status = lines_number(lines, ROW_RUN, UINT32_MAX, &run);
    if (status == CORE_OK) status = read_part(lines, &row->part);
    row->index = (uint32_t)index;
    row->run = (uint32_t)run;
    return status;
}

static int compare_rows(const void *a, const void *b) {
    const DatasetLabelRow *x = a, *y = b;
    if (x->frame != y->frame) return x->frame < y->frame ? -1 : 1;
    if (x->index != y->index) return x->index < y->index ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static CoreStatus sort_rows(const char *name, DatasetLabels *labels, CoreError *error) {
    if (labels->n_rows > 1) qsort(labels->rows, labels->n_rows, sizeof *labels->rows, compare_rows);
    for (size_t i = 1; i < labels->n_rows; i++) {
        const DatasetLabelRow *a = &labels->rows[i - 1], *b = &labels->rows[i];
        if (a->frame == b->frame && a->index == b->index)
            return core_fail(
                error, CORE_FORMAT, "%s line %u, frame: frame %llu index %u has a row already, line %u", name,
                (unsigned)b->line, (unsigned long long)b->frame, (unsigned)b->index, (unsigned)a->line);
    }
    return CORE_OK;
}

static CoreStatus read_rows(Lines *lines, const Dataset *dataset, DatasetLabels *labels) {
    CoreStatus status;
    while ((status = lines_next(lines)) == CORE_OK) {
        void *rows = room_for(labels->rows, labels->n_rows, sizeof *labels->rows);
        if (!rows) return no_memory(lines);
        labels->rows = rows;
        status = read_row(lines, dataset, &labels->rows[labels->n_rows]);
        if (status != CORE_OK) return status;
        labels->n_rows++;
    }
    return status == CORE_END ? sort_rows(lines->name, labels, lines->error) : status;
}

/* ---- rules --------------------------------------------------------------------------------------------- */

static CoreStatus read_range(const Lines *lines, unsigned column, FeatureLocal *range) {
    memset(range, 0, sizeof *range);
    if (!lines->lengths[column] || feature_local_parse(lines->fields[column], range, NULL) == CORE_OK)
        return CORE_OK;
    return lines_fail(lines, column, "not an address or CIDR range");
}

static CoreStatus read_bound(const Lines *lines, unsigned column, int64_t unbounded, int64_t *time_ns) {
    *time_ns = unbounded;
    return lines->lengths[column] ? lines_time(lines, column, time_ns) : CORE_OK;
}

static CoreStatus read_rule_run(const Lines *lines, DatasetRule *rule) {
    uint64_t run = 0;
    CoreStatus status = lines->lengths[RULE_RUN] ? lines_number(lines, RULE_RUN, UINT32_MAX, &run) : CORE_OK;
    rule->run = (uint32_t)run;
    if (status == CORE_OK && run && rule->primary == DATASET_UNLABELLED)
        status = lines_fail(lines, RULE_RUN, "what is unlabelled has no run");
    copy_text(rule->tool, sizeof rule->tool, lines->fields[RULE_TOOL]);
    copy_text(rule->note, sizeof rule->note, lines->fields[RULE_NOTE]);
    return status;
}

static CoreStatus read_rule(const Lines *lines, const Dataset *dataset, DatasetRule *rule) {
    memset(rule, 0, sizeof *rule);
    rule->line = lines->line;
    CoreStatus status = read_bound(lines, RULE_START, INT64_MIN, &rule->start_ns);
    if (status == CORE_OK) status = read_bound(lines, RULE_END, INT64_MAX, &rule->end_ns);
    if (status == CORE_OK && rule->end_ns < rule->start_ns)
        status = lines_fail(lines, RULE_END, "ends before it starts");
    if (status == CORE_OK) status = read_range(lines, RULE_CLIENT, &rule->client);
    if (status == CORE_OK) status = read_range(lines, RULE_TARGET, &rule->target);
    if (status == CORE_OK) status = read_primary(lines, RULE_CLASS, dataset, true, &rule->primary);
    if (status == CORE_OK) status = read_classes(lines, RULE_ALSO, dataset, rule->primary, &rule->classes);
    if (status == CORE_OK) status = read_rule_run(lines, rule);
    if (status != CORE_OK || !lines->lengths[RULE_CALL_ID]) return status;
    rule->call_id = strdup(lines->fields[RULE_CALL_ID]);
    return rule->call_id ? CORE_OK : no_memory(lines);
}

/* The run that a rule belongs to: its first rule says class, tool and note; the importer fills in times and
 * clients from the messages that match. */
static CoreStatus note_run(const Lines *lines, const DatasetRule *rule, DatasetLabels *labels) {
    for (size_t i = 0; i < labels->n_runs; i++)
        if (labels->runs[i].run.number == rule->run)
            return labels->runs[i].run.primary == rule->primary
                       ? CORE_OK
                       : lines_fail(lines, RULE_CLASS, "an earlier line gives the run another class");
    void *runs = room_for(labels->runs, labels->n_runs, sizeof *labels->runs);
    if (!runs) return no_memory(lines);
    labels->runs = runs;
    DatasetRunRow *row = &labels->runs[labels->n_runs++];
    memset(row, 0, sizeof *row);
    row->line = rule->line;
    row->run.number = rule->run;
    row->run.primary = rule->primary;
    copy_text(row->run.tool, sizeof row->run.tool, rule->tool);
    copy_text(row->run.settings, sizeof row->run.settings, rule->note);
    return CORE_OK;
}

static int compare_runs(const void *a, const void *b) {
    const DatasetRunRow *x = a, *y = b;
    if (x->run.number != y->run.number) return x->run.number < y->run.number ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static void sort_runs(DatasetLabels *labels) {
    if (labels->n_runs > 1) qsort(labels->runs, labels->n_runs, sizeof *labels->runs, compare_runs);
}

static CoreStatus read_rules(Lines *lines, const Dataset *dataset, DatasetLabels *labels) {
    CoreStatus status;
    while ((status = lines_next(lines)) == CORE_OK) {
        void *rules = room_for(labels->rules, labels->n_rules, sizeof *labels->rules);
        if (!rules) return no_memory(lines);
        labels->rules = rules;
        DatasetRule *rule = &labels->rules[labels->n_rules];
        status = read_rule(lines, dataset, rule);
        if (status != CORE_OK) {
            free(rule->call_id);
            return status;
        }
        labels->n_rules++;
        status = rule->run ? note_run(lines, rule, labels) : CORE_OK;
        if (status != CORE_OK) return status;
    }
    sort_runs(labels);
    return status == CORE_END ? CORE_OK : status;
}

/* ---- runs ---------------------------------------------------------------------------------------------- */

static CoreStatus read_client(const Lines *lines, const char *at, size_t length, WireAddress *address) {
    char text[WIRE_ADDRESS_TEXT_MAX];
    if (length >= sizeof text) return lines_fail(lines, RUN_CLIENTS, "not an address");
    memcpy(text, at, length);
    text[length] = '\0';
    return wire_address_parse(text, address) ? CORE_OK : lines_fail(lines, RUN_CLIENTS, "not an address");
}

static CoreStatus read_clients(const Lines *lines, DatasetRunRow *row) {
    const char *at = lines->fields[RUN_CLIENTS];
    for (;;) {
        at += strspn(at, ", ");
        size_t length = strcspn(at, ", ");
        if (length == 0) return CORE_OK;
        void *clients = room_for(row->clients, row->n_clients, sizeof *row->clients);
        if (!clients) return no_memory(lines);
        row->clients = clients;
        CoreStatus status = read_client(lines, at, length, &row->clients[row->n_clients]);
        if (status != CORE_OK) return status;
        row->n_clients++;
        at += length;
    }
}

static CoreStatus read_run(const Lines *lines, const Dataset *dataset, DatasetRunRow *row) {
    uint64_t number = 0;
    uint8_t primary = 0;
    memset(row, 0, sizeof *row);
    row->line = lines->line;
    CoreStatus status = lines_number(lines, RUN_RUN, UINT32_MAX, &number);
    if (status == CORE_OK && number == 0) status = lines_fail(lines, RUN_RUN, "runs count from 1");
    if (status == CORE_OK) status = read_primary(lines, RUN_CLASS, dataset, false, &primary);
    if (status == CORE_OK) status = lines_time(lines, RUN_START, &row->run.start_ns);
    if (status == CORE_OK) status = lines_time(lines, RUN_END, &row->run.end_ns);
    if (status == CORE_OK && row->run.end_ns < row->run.start_ns)
        status = lines_fail(lines, RUN_END, "ends before it starts");
    if (status == CORE_OK) status = read_clients(lines, row);
    row->run.number = (uint32_t)number;
    row->run.primary = primary;
    copy_text(row->run.tool, sizeof row->run.tool, lines->fields[RUN_TOOL]);
    copy_text(row->run.settings, sizeof row->run.settings, lines->fields[RUN_SETTINGS]);
    return status;
}

static CoreStatus check_runs(const char *name, DatasetLabels *labels, CoreError *error) {
    sort_runs(labels);
    for (size_t i = 1; i < labels->n_runs; i++)
        if (labels->runs[i].run.number == labels->runs[i - 1].run.number)
            return core_fail(error, CORE_FORMAT, "%s line %u, run: %u has a row already, line %u", name,
                             (unsigned)labels->runs[i].line, (unsigned)labels->runs[i].run.number,
                             (unsigned)labels->runs[i - 1].line);
    return CORE_OK;
}

static CoreStatus read_runs(Lines *lines, const Dataset *dataset, DatasetLabels *labels) {
    CoreStatus status;
    while ((status = lines_next(lines)) == CORE_OK) {
        void *runs = room_for(labels->runs, labels->n_runs, sizeof *labels->runs);
        if (!runs) return no_memory(lines);
        labels->runs = runs;
        /* Counted before it is complete, so that its clients are freed with the rest. */
        status = read_run(lines, dataset, &labels->runs[labels->n_runs++]);
        if (status != CORE_OK) return status;
    }
    return status == CORE_END ? check_runs(lines->name, labels, lines->error) : status;
}

/* ---- the files ----------------------------------------------------------------------------------------- */

CoreStatus dataset_labels_parse(const char *name, const char *text, size_t size, const Dataset *dataset,
                                DatasetLabels *labels, CoreError *error) {
    Lines lines;
    CoreStatus status;
    memset(labels, 0, sizeof *labels);
    if (lines_header_is(text, size, ',', rule_columns, COUNT(rule_columns))) {
        labels->form = DATASET_LABELS_RULES;
        status = lines_begin(&lines, name, text, size, ',', rule_columns, COUNT(rule_columns), error);
        if (status == CORE_OK) status = read_rules(&lines, dataset, labels);
    } else {
        labels->form = DATASET_LABELS_ROWS;
        status = lines_begin(&lines, name, text, size, '\t', row_columns, COUNT(row_columns), error);
        if (status == CORE_OK) status = read_rows(&lines, dataset, labels);
    }
    lines_free(&lines);
    return status;
}

CoreStatus dataset_labels_parse_runs(const char *name, const char *text, size_t size, const Dataset *dataset,
                                     DatasetLabels *labels, CoreError *error) {
    Lines lines;
    CoreStatus status = lines_begin(&lines, name, text, size, '\t', run_columns, COUNT(run_columns), error);
    if (status == CORE_OK) status = read_runs(&lines, dataset, labels);
    lines_free(&lines);
    return status;
}

CoreStatus dataset_labels_read(const char *path, const Dataset *dataset, DatasetLabels *labels,
                               CoreError *error) {
    char *text;
    size_t size;
    memset(labels, 0, sizeof *labels);
    CoreStatus status = compressed_read(path, FILE_MAX, &text, &size, error);
    if (status != CORE_OK) return status;
    status = dataset_labels_parse(path, text, size, dataset, labels, error);
    free(text);
    return status;
}

CoreStatus dataset_labels_read_runs(const char *path, const Dataset *dataset, DatasetLabels *labels,
                                    CoreError *error) {
    char *text;
    size_t size;
    CoreStatus status = compressed_read(path, FILE_MAX, &text, &size, error);
    if (status != CORE_OK) return status;
    status = dataset_labels_parse_runs(path, text, size, dataset, labels, error);
    free(text);
    return status;
}

void dataset_labels_free(DatasetLabels *labels) {
    for (size_t i = 0; i < labels->n_rules; i++)
        free(labels->rules[i].call_id);
    for (size_t i = 0; i < labels->n_runs; i++)
        free(labels->runs[i].clients);
    free(labels->rows);
    free(labels->rules);
    free(labels->runs);
    memset(labels, 0, sizeof *labels);
}

/* ---- looking up ---------------------------------------------------------------------------------------- */

const DatasetLabelRow *dataset_labels_find(const DatasetLabels *labels, uint64_t frame, uint32_t index) {
    size_t low = 0, high = labels->n_rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const DatasetLabelRow *row = &labels->rows[middle];
        if (row->frame == frame && row->index == index) return row;
        if (row->frame < frame || (row->frame == frame && row->index < index))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const DatasetRunRow *dataset_labels_find_run(const DatasetLabels *labels, uint32_t number) {
    size_t low = 0, high = labels->n_runs;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (labels->runs[middle].run.number == number) return &labels->runs[middle];
        if (labels->runs[middle].run.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const DatasetRule *dataset_labels_match(const DatasetLabels *labels, int64_t time_ns,
                                        const WireAddress *client, const WireAddress *target,
                                        const char *call_id, size_t call_id_length) {
    for (size_t i = 0; i < labels->n_rules; i++) {
        const DatasetRule *rule = &labels->rules[i];
        if (time_ns < rule->start_ns || time_ns > rule->end_ns) continue;
        if (!feature_local_contains(&rule->client, client)) continue;
        if (!feature_local_contains(&rule->target, target)) continue;
        if (rule->call_id &&
            (strlen(rule->call_id) != call_id_length || memcmp(rule->call_id, call_id, call_id_length) != 0))
            continue;
        return rule;
    }
    return NULL;
}
