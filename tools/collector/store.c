/* The collector's database: incidents, the history of their changes, and the questions that the API asks.
 * Relies on: engine/core/status, tools/collector/incident, SQLite, jansson.
 * Relied on by: tools/collector/server, tools/collector/main. */
#include "tools/collector/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x73697063, SCHEMA_VERSION = 1, BUSY_MS = 2000 };

/* `raw` is the latest change as it was sent, `opened` the first. History keeps no raw text: an incident that
 * is updated for days would otherwise fill the disk. */
static const char schema[] =
    "CREATE TABLE incident(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " revision INTEGER, by TEXT, state TEXT, class TEXT, client TEXT, severity TEXT, last REAL,"
    " received REAL, changed REAL, opened TEXT, raw TEXT);"
    "CREATE UNIQUE INDEX incident_revision ON incident(revision);"
    "CREATE INDEX incident_class ON incident(class, number);"
    "CREATE INDEX incident_client ON incident(client, number);"
    "CREATE INDEX incident_open ON incident(number) WHERE state <> 'closed';"
    "CREATE INDEX incident_counts ON incident(class, state, severity, by);"
    "CREATE INDEX incident_changed ON incident(changed);"
    "CREATE TABLE change(revision INTEGER PRIMARY KEY AUTOINCREMENT,"
    " incident INTEGER NOT NULL REFERENCES incident(number) ON DELETE CASCADE, state TEXT, time REAL, last "
    "REAL,"
    " frame INTEGER, messages INTEGER, p REAL, severity TEXT, received REAL,"
    " UNIQUE(incident, state, time, last, messages));";

/* One list yields the statements that are prepared once. */
#define STATEMENT_MAP(X)                                                                                     \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                              \
    X(COMMIT, "COMMIT")                                                                                      \
    X(ROLLBACK, "ROLLBACK")                                                                                  \
    X(FIND, "SELECT number, state, last FROM incident WHERE id = ?1")                                        \
    X(INSERT, "INSERT INTO incident(id, received, opened) VALUES(?1, ?2, ?3)")                               \
    X(CHANGE, "INSERT INTO change(incident, state, time, last, frame, messages, p, severity, received)"      \
              " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING")                          \
    X(UPDATE, "UPDATE incident SET revision = ?2, by = ?3, state = ?4, class = ?5, client = ?6,"             \
              " severity = ?7, last = ?8, changed = ?9, raw = ?10 WHERE number = ?1")                        \
    X(REVISION, "SELECT coalesce(max(revision), 0) FROM incident")                                           \
    X(DETAIL, "SELECT number, revision, received, changed, raw, opened,"                                     \
              " (SELECT count(*) FROM change WHERE incident = number) FROM incident WHERE id = ?1")          \
    X(HISTORY, "SELECT state, time, last, frame, messages, p, severity, received FROM"                       \
               " (SELECT * FROM change WHERE incident = ?1 ORDER BY revision DESC LIMIT ?2)"                 \
               " ORDER BY revision")                                                                         \
    X(COUNTS, "SELECT class, severity, by, state <> 'closed', count(*) FROM incident GROUP BY 1, 2, 3, 4")   \
    X(EXPIRE, "DELETE FROM incident WHERE number IN"                                                         \
              " (SELECT number FROM incident WHERE changed < ?1 LIMIT ?2)")

typedef enum Statement {
#define STATEMENT_ENUM(name, sql) STATEMENT_##name,
    STATEMENT_MAP(STATEMENT_ENUM)
#undef STATEMENT_ENUM
        STATEMENT_COUNT
} Statement;

static const char *const statement_sql[] = {
#define STATEMENT_SQL(name, sql) sql,
    STATEMENT_MAP(STATEMENT_SQL)
#undef STATEMENT_SQL
};

struct CollectorStore {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    char path[256]; /* for messages, cut to fit */
};

static CoreStatus store_fail(CollectorStore *store, CoreError *error) {
    int code = sqlite3_errcode(store->database) & 0xff;
    CoreStatus status = code == SQLITE_NOMEM ? CORE_MEMORY : code == SQLITE_NOTADB ? CORE_FORMAT : CORE_IO;
    return core_fail(error, status, "%s: %s", store->path, sqlite3_errmsg(store->database));
}

static CoreStatus memory_fail(CoreError *error) {
    return core_fail(error, CORE_MEMORY, "out of memory");
}

/* ---- opening --------------------------------------------------------------------------------------------
 */

static CoreStatus run_sql(CollectorStore *store, const char *sql, CoreError *error) {
    return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK ? CORE_OK
                                                                             : store_fail(store, error);
}

static CoreStatus read_number(CollectorStore *store, const char *sql, int64_t *number, CoreError *error) {
    sqlite3_stmt *query = NULL;
    bool read = sqlite3_prepare_v2(store->database, sql, -1, &query, NULL) == SQLITE_OK &&
                sqlite3_step(query) == SQLITE_ROW;
    if (read) *number = sqlite3_column_int64(query, 0);
    CoreStatus status = read ? CORE_OK : store_fail(store, error);
    sqlite3_finalize(query);
    return status;
}

/* An empty database gets the schema; another program's or a later version's is left alone. */
static CoreStatus check_schema(CollectorStore *store, CoreError *error) {
    int64_t tables = 0, application = 0, version = 0;
    CoreStatus status = read_number(store, "SELECT count(*) FROM sqlite_master", &tables, error);
    if (status == CORE_OK) status = read_number(store, "PRAGMA application_id", &application, error);
    if (status == CORE_OK) status = read_number(store, "PRAGMA user_version", &version, error);
    if (status != CORE_OK) return status;
    if (tables > 0 && application != APPLICATION_ID)
        return core_fail(error, CORE_FORMAT, "%s: an SQLite database of another program", store->path);
    if (tables > 0 && version != SCHEMA_VERSION)
        return core_fail(error, CORE_VERSION, "%s: database version %lld, this collector reads version %d",
                         store->path, (long long)version, SCHEMA_VERSION);
    if (tables > 0) return CORE_OK;
    char create[sizeof schema + 128];
    snprintf(create, sizeof create,
             "BEGIN IMMEDIATE; PRAGMA application_id=%d; PRAGMA user_version=%d; %s COMMIT;", APPLICATION_ID,
             SCHEMA_VERSION, schema);
    return run_sql(store, create, error);
}

/* Only its owner may read what was attacked; SQLite gives the -wal and -shm files the same mode. */
static CoreStatus make_file(const char *path, CoreError *error) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return core_fail(error, CORE_IO, "%s: %s", path, strerror(errno));
    close(file);
    return CORE_OK;
}

static CoreStatus prepare_all(CollectorStore *store, CoreError *error) {
    for (int i = 0; i < STATEMENT_COUNT; i++)
        if (sqlite3_prepare_v3(store->database, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &store->statements[i], NULL) != SQLITE_OK)
            return store_fail(store, error);
    return CORE_OK;
}

static CoreStatus open_database(CollectorStore *store, const char *path, CoreError *error) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    CoreStatus status = make_file(path, error);
    if (status != CORE_OK) return status;
    if (sqlite3_open_v2(path, &store->database, flags, NULL) != SQLITE_OK)
        return store->database != NULL ? store_fail(store, error) : memory_fail(error);
    sqlite3_extended_result_codes(store->database, 1);
    sqlite3_busy_timeout(store->database, BUSY_MS);
    /* FULL: an accepted incident survives a power cut. */
    status = run_sql(store,
                     "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA journal_mode=WAL;"
                     "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=16777216;",
                     error);
    if (status == CORE_OK) status = check_schema(store, error);
    return status == CORE_OK ? prepare_all(store, error) : status;
}

CoreStatus collector_store_open(const char *path, CollectorStore **store, CoreError *error) {
    *store = NULL;
    CollectorStore *made = calloc(1, sizeof *made);
    if (made == NULL) return memory_fail(error);
    snprintf(made->path, sizeof made->path, "%s", path);
    CoreStatus status = open_database(made, path, error);
    if (status != CORE_OK) {
        collector_store_close(made);
        return status;
    }
    *store = made;
    return CORE_OK;
}

void collector_store_close(CollectorStore *store) {
    if (store == NULL) return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->database);
    free(store);
}

/* ---- statements -----------------------------------------------------------------------------------------
 */

/* A statement from the list, ready for new values. */
static sqlite3_stmt *begin(CollectorStore *store, Statement which) {
    sqlite3_stmt *statement = store->statements[which];
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return statement;
}

/* Runs a statement that returns no rows. */
static bool finish(sqlite3_stmt *statement) {
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_reset(statement) == SQLITE_OK && done;
}

/* The batch outlives the statement, so nothing is copied. A failed bind leaves NULL and is reported by SQLite
 * only for lack of memory or text over 1 GB, which bodies of 1 MiB rule out. */
static void bind_text(sqlite3_stmt *statement, int index, CollectorText text) {
    sqlite3_bind_text(statement, index, text.bytes, (int)text.length, SQLITE_STATIC);
}

static void bind_line(sqlite3_stmt *statement, int index, const char *text) {
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static void bind_share(sqlite3_stmt *statement, int index, double p) {
    if (p >= 0) sqlite3_bind_double(statement, index, p); /* else NULL */
}

/* ---- storing --------------------------------------------------------------------------------------------
 */

typedef struct Stored {
    int64_t number; /* 0: not there */
    bool closed;
    double last;
} Stored;

static bool find(CollectorStore *store, CollectorText id, Stored *stored) {
    sqlite3_stmt *query = begin(store, STATEMENT_FIND);
    bind_text(query, 1, id);
    int step = sqlite3_step(query);
    *stored = (Stored){0};
    if (step == SQLITE_ROW) {
        const char *state = (const char *)sqlite3_column_text(query, 1);
        stored->number = sqlite3_column_int64(query, 0);
        stored->closed = state != NULL && strcmp(state, "closed") == 0;
        stored->last = sqlite3_column_double(query, 2);
    }
    sqlite3_reset(query);
    return step == SQLITE_ROW || step == SQLITE_DONE;
}

static bool insert(CollectorStore *store, const CollectorIncident *incident, double received,
                   Stored *stored) {
    sqlite3_stmt *statement = begin(store, STATEMENT_INSERT);
    bind_text(statement, 1, incident->id);
    sqlite3_bind_double(statement, 2, received);
    bind_line(statement, 3, incident->raw);
    if (!finish(statement)) return false;
    stored->number = sqlite3_last_insert_rowid(store->database);
    return true;
}

/* *revision is 0 when the change is there already. */
static bool add_change(CollectorStore *store, const CollectorIncident *incident, double received,
                       int64_t number, int64_t *revision) {
    sqlite3_stmt *statement = begin(store, STATEMENT_CHANGE);
    sqlite3_bind_int64(statement, 1, number);
    bind_text(statement, 2, incident->state);
    sqlite3_bind_double(statement, 3, incident->time);
    sqlite3_bind_double(statement, 4, incident->last);
    sqlite3_bind_int64(statement, 5, incident->frame);
    sqlite3_bind_int64(statement, 6, incident->messages);
    bind_share(statement, 7, incident->p);
    bind_text(statement, 8, incident->severity);
    sqlite3_bind_double(statement, 9, received);
    if (!finish(statement)) return false;
    *revision = sqlite3_changes(store->database) > 0 ? sqlite3_last_insert_rowid(store->database) : 0;
    return true;
}

static bool update(CollectorStore *store, const CollectorIncident *incident, double received, int64_t number,
                   int64_t revision) {
    sqlite3_stmt *statement = begin(store, STATEMENT_UPDATE);
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, revision);
    bind_text(statement, 3, incident->by);
    bind_text(statement, 4, incident->state);
    bind_text(statement, 5, incident->class_name);
    bind_text(statement, 6, incident->client);
    bind_text(statement, 7, incident->severity);
    sqlite3_bind_double(statement, 8, incident->last);
    sqlite3_bind_double(statement, 9, received);
    bind_line(statement, 10, incident->raw);
    return finish(statement);
}

static bool put_one(CollectorStore *store, const CollectorIncident *incident, double received) {
    Stored stored;
    int64_t revision = 0;
    if (!find(store, incident->id, &stored)) return false;
    if (stored.number == 0 && !insert(store, incident, received, &stored)) return false;
    if (!add_change(store, incident, received, stored.number, &revision)) return false;
    bool closes = strcmp(incident->state.bytes, "closed") == 0; /* one of three words, hence without NUL */
    bool newer = closes != stored.closed ? closes : incident->last >= stored.last;
    return revision == 0 || !newer || update(store, incident, received, stored.number, revision);
}

CoreStatus collector_store_put(CollectorStore *store, const CollectorBatch *batch, double received,
                               CoreError *error) {
    bool stored = finish(begin(store, STATEMENT_BEGIN));
    for (size_t i = 0; stored && i < batch->count; i++)
        stored = put_one(store, &batch->incidents[i], received);
    if (stored && finish(begin(store, STATEMENT_COMMIT))) return CORE_OK;
    CoreStatus status = store_fail(store, error);
    finish(begin(store, STATEMENT_ROLLBACK)); /* fails when SQLite has rolled back already */
    return status;
}

/* ---- answering ------------------------------------------------------------------------------------------
 */

static json_t *column_json(sqlite3_stmt *query, int column) {
    const char *text = (const char *)sqlite3_column_text(query, column);
    int length = sqlite3_column_bytes(query, column);
    return text != NULL ? json_loadb(text, (size_t)length, JSON_ALLOW_NUL, NULL) : NULL;
}

/* An incident object from columns number, revision, received, changed, raw; NULL without memory. */
static json_t *row_json(sqlite3_stmt *query) {
    json_t *incident = column_json(query, 4);
    bool set = incident != NULL &&
               json_object_set_new(incident, "number", json_integer(sqlite3_column_int64(query, 0))) == 0 &&
               json_object_set_new(incident, "revision", json_integer(sqlite3_column_int64(query, 1))) == 0 &&
               json_object_set_new(incident, "received", json_real(sqlite3_column_double(query, 2))) == 0 &&
               json_object_set_new(incident, "changed", json_real(sqlite3_column_double(query, 3))) == 0;
    if (set) return incident;
    json_decref(incident);
    return NULL;
}

static CoreStatus read_revision(CollectorStore *store, int64_t *revision, CoreError *error) {
    sqlite3_stmt *query = begin(store, STATEMENT_REVISION);
    bool read = sqlite3_step(query) == SQLITE_ROW;
    if (read) *revision = sqlite3_column_int64(query, 0);
    CoreStatus status = read ? CORE_OK : store_fail(store, error);
    sqlite3_reset(query);
    return status;
}

/* The query's conditions, made of constants only; values are bound by name. */
static void list_sql(const CollectorQuery *query, char *sql, size_t size) {
    const char *state = "";
    if (query->state != NULL && strcmp(query->state, "open") == 0)
        state = " AND state <> 'closed'";
    else if (query->state != NULL)
        state = " AND state = :state";
    snprintf(sql, size,
             "SELECT number, revision, received, changed, raw FROM incident WHERE 1%s%s%s%s%s%s LIMIT :limit",
             state, query->class_name != NULL ? " AND class = :class" : "",
             query->client != NULL ? " AND client = :client" : "",
             query->after > 0 ? " AND number < :after" : "", query->since > 0 ? " AND revision > :since" : "",
             query->since > 0 ? " ORDER BY revision" : " ORDER BY number DESC");
}

static void bind_query(sqlite3_stmt *list, const CollectorQuery *query) {
    bind_line(list, sqlite3_bind_parameter_index(list, ":state"), query->state);
    bind_line(list, sqlite3_bind_parameter_index(list, ":class"), query->class_name);
    bind_line(list, sqlite3_bind_parameter_index(list, ":client"), query->client);
    sqlite3_bind_int64(list, sqlite3_bind_parameter_index(list, ":after"), query->after);
    sqlite3_bind_int64(list, sqlite3_bind_parameter_index(list, ":since"), query->since);
    sqlite3_bind_int(list, sqlite3_bind_parameter_index(list, ":limit"), query->limit);
}

/* Where the reader goes on: `next` page of the list, or the next `revision` to ask changes since. */
typedef struct Cursor {
    int64_t number, revision;
    int rows;
} Cursor;

static CoreStatus read_rows(CollectorStore *store, sqlite3_stmt *list, json_t *rows, Cursor *cursor,
                            CoreError *error) {
    int step = SQLITE_ROW;
    while ((step = sqlite3_step(list)) == SQLITE_ROW) {
        cursor->number = sqlite3_column_int64(list, 0);
        cursor->revision = sqlite3_column_int64(list, 1);
        cursor->rows++;
        if (json_array_append_new(rows, row_json(list)) != 0) return memory_fail(error);
    }
    return step == SQLITE_DONE ? CORE_OK : store_fail(store, error);
}

CoreStatus collector_store_list(CollectorStore *store, const CollectorQuery *query, json_t **reply,
                                CoreError *error) {
    char sql[512];
    sqlite3_stmt *list = NULL;
    Cursor cursor = {0};
    int64_t revision = 0;
    *reply = NULL;
    list_sql(query, sql, sizeof sql);
    if (sqlite3_prepare_v2(store->database, sql, -1, &list, NULL) != SQLITE_OK)
        return store_fail(store, error);
    bind_query(list, query);
    json_t *rows = json_array();
    CoreStatus status = read_revision(store, &revision, error);
    if (status == CORE_OK) status = read_rows(store, list, rows, &cursor, error);
    sqlite3_finalize(list);
    bool more = cursor.rows == query->limit;
    if (query->since > 0 && more) revision = cursor.revision;
    json_t *next = more && query->since == 0 ? json_integer(cursor.number) : json_null();
    if (status == CORE_OK)
        *reply =
            json_pack("{s:o,s:o,s:I}", "incidents", rows, "next", next, "revision", (json_int_t)revision);
    else {
        json_decref(rows);
        json_decref(next);
    }
    return status == CORE_OK && *reply == NULL ? memory_fail(error) : status;
}

static json_t *column_share(sqlite3_stmt *query, int column) {
    return sqlite3_column_type(query, column) == SQLITE_NULL
               ? json_null()
               : json_real(sqlite3_column_double(query, column));
}

static CoreStatus read_history(CollectorStore *store, int64_t number, json_t *history, CoreError *error) {
    sqlite3_stmt *query = begin(store, STATEMENT_HISTORY);
    sqlite3_bind_int64(query, 1, number);
    sqlite3_bind_int(query, 2, COLLECTOR_HISTORY_LIMIT);
    CoreStatus status = CORE_OK;
    int step = SQLITE_ROW;
    while (status == CORE_OK && (step = sqlite3_step(query)) == SQLITE_ROW) {
        json_t *change =
            json_pack("{s:s,s:f,s:f,s:I,s:I,s:o,s:s,s:f}", "state", sqlite3_column_text(query, 0), "time",
                      sqlite3_column_double(query, 1), "last", sqlite3_column_double(query, 2), "frame",
                      (json_int_t)sqlite3_column_int64(query, 3), "messages",
                      (json_int_t)sqlite3_column_int64(query, 4), "p", column_share(query, 5), "severity",
                      sqlite3_column_text(query, 6), "received", sqlite3_column_double(query, 7));
        if (json_array_append_new(history, change) != 0) status = memory_fail(error);
    }
    if (status == CORE_OK && step != SQLITE_DONE) status = store_fail(store, error);
    sqlite3_reset(query);
    return status;
}

CoreStatus collector_store_detail(CollectorStore *store, const char *id, json_t **reply, CoreError *error) {
    *reply = NULL;
    sqlite3_stmt *query = begin(store, STATEMENT_DETAIL);
    bind_line(query, 1, id);
    int step = sqlite3_step(query);
    if (step != SQLITE_ROW) {
        CoreStatus status = step == SQLITE_DONE ? core_fail(error, CORE_NOT_FOUND, "no incident has this id")
                                                : store_fail(store, error);
        sqlite3_reset(query);
        return status;
    }
    int64_t number = sqlite3_column_int64(query, 0);
    json_t *incident = row_json(query), *history = json_array();
    bool set = json_object_set_new(incident, "opened", column_json(query, 5)) == 0 &&
               json_object_set_new(incident, "changes", json_integer(sqlite3_column_int64(query, 6))) == 0;
    sqlite3_reset(query);
    CoreStatus status = set ? read_history(store, number, history, error) : memory_fail(error);
    if (status == CORE_OK && json_object_set(incident, "history", history) != 0) status = memory_fail(error);
    json_decref(history);
    if (status == CORE_OK)
        *reply = incident;
    else
        json_decref(incident);
    return status;
}

/* counts[name][key] += count */
static bool add_count(json_t *counts, const char *name, const char *key, json_int_t count) {
    json_t *entry = json_object_get(counts, name);
    if (entry == NULL) {
        entry = json_pack("{s:i,s:i}", "open", 0, "closed", 0);
        if (json_object_set_new(counts, name, entry) != 0) return false;
    }
    json_t *old = json_object_get(entry, key);
    return json_integer_set(old, json_integer_value(old) + count) == 0;
}

static CoreStatus read_counts(CollectorStore *store, json_t *groups[3], json_int_t totals[2],
                              CoreError *error) {
    sqlite3_stmt *query = begin(store, STATEMENT_COUNTS);
    CoreStatus status = CORE_OK;
    int step = SQLITE_ROW;
    while (status == CORE_OK && (step = sqlite3_step(query)) == SQLITE_ROW) {
        int open = sqlite3_column_int(query, 3);
        json_int_t count = sqlite3_column_int64(query, 4);
        totals[open] += count;
        for (int group = 0; group < 3; group++) {
            const char *name = (const char *)sqlite3_column_text(query, group);
            if (name == NULL || !add_count(groups[group], name, open ? "open" : "closed", count))
                status = memory_fail(error);
        }
    }
    if (status == CORE_OK && step != SQLITE_DONE) status = store_fail(store, error);
    sqlite3_reset(query);
    return status;
}

CoreStatus collector_store_stats(CollectorStore *store, json_t **reply, CoreError *error) {
    int64_t revision = 0;
    json_int_t totals[2] = {0, 0}; /* closed, open */
    json_t *groups[3] = {json_object(), json_object(), json_object()};
    CoreStatus status = read_revision(store, &revision, error);
    if (status == CORE_OK) status = read_counts(store, groups, totals, error);
    *reply = json_pack("{s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "total", totals[0] + totals[1], "open", totals[1],
                       "closed", totals[0], "revision", (json_int_t)revision, "class", groups[0], "severity",
                       groups[1], "by", groups[2]);
    if (status == CORE_OK && *reply == NULL) status = memory_fail(error);
    if (status != CORE_OK) {
        json_decref(*reply);
        *reply = NULL;
    }
    return status;
}

CoreStatus collector_store_expire(CollectorStore *store, double before, int limit, int64_t *removed,
                                  CoreError *error) {
    sqlite3_stmt *statement = begin(store, STATEMENT_EXPIRE);
    sqlite3_bind_double(statement, 1, before);
    sqlite3_bind_int(statement, 2, limit);
    *removed = 0;
    if (!finish(statement)) return store_fail(store, error);
    *removed = sqlite3_changes(store->database);
    return CORE_OK;
}
