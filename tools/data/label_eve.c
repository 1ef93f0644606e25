/* Alerts of an intrusion detection system as rules.
 * Relies on: jansson, engine/core/file.h, tools/data/rulebook.h, tools/data/time_text.h.
 * Relied on by: tools/data/label. */
#include "engine/core/file.h"
#include "tools/data/label_sources.h"
#include "tools/data/time_text.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 30, MAP_MAX = 1024 };

typedef struct MapRow {
    char match[128], class_name[DATASET_CLASS_SIZE];
} MapRow;

/* One alert, or a series of them. */
typedef struct Alert {
    int64_t first_ns, last_ns;
    char client[WIRE_ADDRESS_TEXT_MAX];
    char class_name[DATASET_CLASS_SIZE];
    char signature[DATASET_SETTINGS_SIZE];
    uint64_t count;
} Alert;

typedef struct Eve {
    const char *path;
    const EveOptions *options;
    RuleBook *book;
    SourceReport *report;
    MapRow *map;
    size_t n_map;
    Alert *alerts;
    size_t n_alerts;
    CoreError *error;
} Eve;

/* ---- signature to class ---- */

/* Whether `text` holds `part`, letters of either case and any byte but a letter or digit for '_'. */
static bool holds_part(const char *text, const char *part) {
    for (; *text; text++) {
        size_t i = 0;
        for (; part[i] && text[i]; i++) {
            bool separator = part[i] == '_' && !isalnum((unsigned char)text[i]);
            if (!separator && tolower((unsigned char)text[i]) != tolower((unsigned char)part[i])) break;
        }
        if (!part[i]) return true;
    }
    return false;
}

/* The class of a signature, "-" to pass over it, NULL if nothing says one. */
static const char *class_of(const Eve *eve, const char *number, const char *signature, const char *category) {
    for (size_t i = 0; i < eve->n_map; i++)
        if (strcmp(eve->map[i].match, number) == 0 || holds_part(signature, eve->map[i].match))
            return eve->map[i].class_name;
    /* The longest name: distributed_flood rather than flood. */
    const char *best = NULL;
    for (uint32_t c = 0; c < eve->book->classes->n_classes; c++) {
        const char *name = eve->book->classes->class_list[c].name;
        bool found = holds_part(signature, name) || holds_part(category, name);
        if (found && (!best || strlen(name) > strlen(best))) best = name;
    }
    return best;
}

static CoreStatus read_map_line(Eve *eve, char *line, unsigned number) {
    char *comma = strrchr(line, ',');
    if (!comma || comma == line)
        return core_fail(eve->error, CORE_FORMAT, "%s line %u: expected match,class", eve->options->map,
                         number);
    *comma = '\0';
    const char *name = comma + 1;
    if (strcmp(name, "-") != 0 && dataset_class_index(eve->book->classes, name, strlen(name)) < 0)
        return core_fail(eve->error, CORE_FORMAT, "%s line %u, class: '%.40s' is none", eve->options->map,
                         number, name);
    if (eve->n_map == MAP_MAX || strlen(line) >= sizeof eve->map->match)
        return core_fail(eve->error, CORE_LIMIT, "%s line %u: too long a line, or over %d of them",
                         eve->options->map, number, MAP_MAX);
    MapRow *row = &eve->map[eve->n_map++];
    snprintf(row->match, sizeof row->match, "%s", line);
    snprintf(row->class_name, sizeof row->class_name, "%s", name);
    return CORE_OK;
}

/* Calls `each` for every line of a text that a zero byte ends, cutting it at line ends. */
static CoreStatus each_line(Eve *eve, char *text, CoreStatus (*each)(Eve *eve, char *line, unsigned number)) {
    CoreStatus status = CORE_OK;
    unsigned number = 1;
    for (char *line = text, *next; status == CORE_OK && line; line = next, number++) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        size_t length = strlen(line);
        if (length && line[length - 1] == '\r') line[--length] = '\0';
        if (length) status = each(eve, line, number);
    }
    return status;
}

static CoreStatus read_map(Eve *eve) {
    if (!eve->options->map) return CORE_OK;
    uint8_t *bytes;
    size_t size;
    CoreStatus status = core_file_read(eve->options->map, FILE_MAX, &bytes, &size, eve->error);
    if (status) return status;
    char *text = realloc(bytes, size + 1);
    eve->map = malloc(MAP_MAX * sizeof *eve->map);
    if (text && eve->map) {
        static const char header[] = "match,class\n";
        text[size] = '\0';
        bool has_header = strncmp(text, header, sizeof header - 1) == 0;
        status = each_line(eve, has_header ? text + sizeof header - 1 : text, read_map_line);
    } else {
        status = core_fail(eve->error, CORE_MEMORY, "%s: out of memory", eve->options->map);
    }
    free(text ? (void *)text : bytes);
    return status;
}

/* ---- alerts ---- */

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static CoreStatus fail_line(const Eve *eve, unsigned number, const char *what) {
    return core_fail(eve->error, CORE_FORMAT, "%s line %u: %s", eve->path, number, what);
}

static CoreStatus keep(Eve *eve, const Alert *alert) {
    if ((eve->n_alerts & (eve->n_alerts - 1)) == 0) {
        Alert *grown = realloc(eve->alerts, (eve->n_alerts ? 2 * eve->n_alerts : 1) * sizeof *grown);
        if (!grown) return core_fail(eve->error, CORE_MEMORY, "%s: out of memory", eve->path);
        eve->alerts = grown;
    }
    eve->alerts[eve->n_alerts++] = *alert;
    return CORE_OK;
}

static CoreStatus read_alert(Eve *eve, const json_t *event, const json_t *details, unsigned number) {
    char signature_id[32];
    const char *signature = text_of(details, "signature");
    snprintf(signature_id, sizeof signature_id, "%" JSON_INTEGER_FORMAT,
             json_integer_value(json_object_get(details, "signature_id")));
    eve->report->read++;
    const char *class_name = class_of(eve, signature_id, signature, text_of(details, "category"));
    if (!class_name || strcmp(class_name, "-") == 0) {
        eve->report->skipped++;
        if (!class_name && !eve->report->unknown[0])
            snprintf(eve->report->unknown, sizeof eve->report->unknown, "%s %s", signature_id, signature);
        return CORE_OK;
    }
    Alert alert = {.count = 1};
    WireAddress address;
    bool reply = strcmp(text_of(event, "direction"), "to_client") == 0;
    const char *client = text_of(event, reply ? "dest_ip" : "src_ip");
    if (!wire_address_parse(client, &address)) return fail_line(eve, number, "an alert without an address");
    if (!time_text_parse(text_of(event, "timestamp"), &alert.first_ns))
        return fail_line(eve, number, "an alert without a timestamp");
    alert.last_ns = alert.first_ns;
    wire_address_text(&address, false, alert.client, sizeof alert.client);
    snprintf(alert.class_name, sizeof alert.class_name, "%s", class_name);
    snprintf(alert.signature, sizeof alert.signature, "%s %s", signature_id, signature);
    return keep(eve, &alert);
}

static CoreStatus read_event(Eve *eve, char *line, unsigned number) {
    json_error_t why;
    json_t *event = json_loads(line, 0, &why);
    if (!json_is_object(event)) {
        json_decref(event);
        return fail_line(eve, number, "no JSON object");
    }
    CoreStatus status = CORE_OK;
    if (strcmp(text_of(event, "event_type"), "alert") == 0)
        status = read_alert(eve, event, json_object_get(event, "alert"), number);
    json_decref(event);
    return status;
}

/* ---- series ---- */

static int compare_alerts(const void *a, const void *b) {
    const Alert *x = a, *y = b;
    int order = strcmp(x->client, y->client);
    if (!order) order = strcmp(x->class_name, y->class_name);
    if (!order) order = (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
    return order ? order : strcmp(x->signature, y->signature);
}

static int compare_starts(const void *a, const void *b) {
    const Alert *x = a, *y = b;
    if (x->first_ns != y->first_ns) return x->first_ns < y->first_ns ? -1 : 1;
    return compare_alerts(a, b);
}

/* Joins alerts of one class and client that follow each other within the gap. */
static void join_series(Eve *eve) {
    int64_t gap = llrint(eve->options->gap * 1e9);
    size_t kept = 0;
    if (eve->n_alerts) qsort(eve->alerts, eve->n_alerts, sizeof *eve->alerts, compare_alerts);
    for (size_t i = 0; i < eve->n_alerts; i++) {
        Alert *last = kept ? &eve->alerts[kept - 1] : NULL, *next = &eve->alerts[i];
        if (last && strcmp(last->client, next->client) == 0 &&
            strcmp(last->class_name, next->class_name) == 0 && next->first_ns - last->last_ns <= gap) {
            last->last_ns = next->first_ns;
            last->count++;
        } else {
            eve->alerts[kept++] = *next;
        }
    }
    eve->n_alerts = kept;
    if (kept) qsort(eve->alerts, kept, sizeof *eve->alerts, compare_starts);
}

static CoreStatus write_series(Eve *eve) {
    CoreStatus status = CORE_OK;
    for (size_t i = 0; status == CORE_OK && i < eve->n_alerts; i++) {
        const Alert *alert = &eve->alerts[i];
        char note[DATASET_SETTINGS_SIZE];
        snprintf(note, sizeof note, "%llu alerts: %.200s", (unsigned long long)alert->count,
                 alert->signature);
        for (char *at = note; *at; at++)
            if ((unsigned char)*at < ' ') *at = ' ';
        RuleLine line = {.start_ns = alert->first_ns - llrint(eve->options->before * 1e9),
                         .end_ns = alert->last_ns + llrint(eve->options->after * 1e9),
                         .client = alert->client,
                         .class_name = alert->class_name,
                         .run = eve->book->last_run + 1,
                         .tool = "ids",
                         .note = note};
        if (line.start_ns < 0) line.start_ns = 0;
        status = rulebook_add(eve->book, &line, eve->error);
    }
    return status;
}

CoreStatus eve_add_rules(const char *path, const EveOptions *options, RuleBook *book, SourceReport *report,
                         CoreError *error) {
    Eve eve = {.path = path, .options = options, .book = book, .report = report, .error = error};
    uint8_t *bytes = NULL;
    size_t size;
    memset(report, 0, sizeof *report);
    CoreStatus status = read_map(&eve);
    if (status == CORE_OK) status = core_file_read(path, FILE_MAX, &bytes, &size, error);
    if (status == CORE_OK) {
        char *text = realloc(bytes, size + 1);
        if (text) {
            text[size] = '\0';
            bytes = (uint8_t *)text;
            status = each_line(&eve, text, read_event);
        } else {
            status = core_fail(error, CORE_MEMORY, "%s: out of memory", path);
        }
    }
    free(bytes);
    join_series(&eve);
    if (status == CORE_OK) status = write_series(&eve);
    free(eve.map);
    free(eve.alerts);
    return status;
}
