/* The collector's database: incidents, the history of their changes, and the questions that the API asks.
 * Relies on: engine/core/status, tools/collector/incident, SQLite, jansson.
 * Relied on by: tools/collector/server, tools/collector/main. */
#ifndef SIPCNN_COLLECTOR_STORE_H
#define SIPCNN_COLLECTOR_STORE_H

#include <jansson.h>
#include <stdint.h>

#include "engine/core/status.h"
#include "tools/collector/incident.h"

enum { COLLECTOR_PAGE_LIMIT = 1000, COLLECTOR_HISTORY_LIMIT = 500 };

/* Every stored change gets the next `revision`; an incident carries the revision of its latest change and a
 * `number` in order of arrival. Not thread-safe: one thread owns a store. Errors of the database are CORE_IO
 * (CORE_FORMAT when the file is not a collector's), with the file's name. */
typedef struct CollectorStore CollectorStore;

/* What a list shows; zero and NULL mean "any". */
typedef struct CollectorQuery {
    const char *state; /* "open" (opened or updated), "update" or "closed" */
    const char *class_name;
    const char *client;
    int64_t after; /* only numbers below this: the previous page's "next" */
    int64_t since; /* only revisions above this, oldest change first (0: newest incident first, all) */
    int limit;     /* 1 to COLLECTOR_PAGE_LIMIT */
} CollectorQuery;

/* Opens the database or makes it, readable by its owner only. The caller ends it with collector_store_close.
 */
CoreStatus collector_store_open(const char *path, CollectorStore **store, CoreError *error);

/* Stores a batch in one transaction, on disk when this returns CORE_OK. A change that is already there is
 * skipped, so a request may be repeated. A change never takes an incident back: a closed one stays closed,
 * and an older change only joins the history. `received` is in epoch seconds. */
CoreStatus collector_store_put(CollectorStore *store, const CollectorBatch *batch, double received,
                               CoreError *error);

/* {"incidents":[...],"next":number or null,"revision":n}; each incident as sent last, plus number, revision,
 * received (first) and changed (last). The caller owns *reply. */
CoreStatus collector_store_list(CollectorStore *store, const CollectorQuery *query, json_t **reply,
                                CoreError *error);

/* One incident as in the list plus "opened" (as sent first), "changes" (how many) and "history" (the latest
 * COLLECTOR_HISTORY_LIMIT of them, oldest first). CORE_NOT_FOUND for an unknown id. The caller owns *reply.
 */
CoreStatus collector_store_detail(CollectorStore *store, const char *id, json_t **reply, CoreError *error);

/* {"total","open","closed","revision", "class","severity","by": {name: {"open","closed"}}}. The caller owns
 * *reply. */
CoreStatus collector_store_stats(CollectorStore *store, json_t **reply, CoreError *error);

/* Deletes up to `limit` incidents whose last change was received before `before`; *removed says how many. */
CoreStatus collector_store_expire(CollectorStore *store, double before, int limit, int64_t *removed,
                                  CoreError *error);

/* NULL is allowed. */
void collector_store_close(CollectorStore *store);

#endif
