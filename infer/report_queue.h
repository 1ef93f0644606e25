/* The bounded queue between the step thread and the reporter: first in, first out, and when it is full the
 * oldest update goes first, so that openings and closings survive.
 * Relies on: libc.
 * Relied on by: infer/reporter. */
#ifndef SIPCNN_INFER_REPORT_QUEUE_H
#define SIPCNN_INFER_REPORT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One incident line. The queue links it in; `json` is not NUL-terminated. */
typedef struct ReportItem ReportItem;
struct ReportItem {
    ReportItem *previous, *next; /* all items, oldest first */
    ReportItem *next_update;     /* the updates among them, oldest first */
    int64_t queued_ms;           /* monotonic clock */
    size_t length;               /* bytes of json */
    bool update;                 /* state is "update": superseded by the next change of its incident */
    char json[];
};

/* Not thread-safe: the owner holds a lock. Start from zero with the two limits set. */
typedef struct ReportQueue {
    ReportItem *first, *last;
    ReportItem *first_update, *last_update;
    size_t count, bytes;
    size_t count_limit, bytes_limit; /* bytes_limit is at least the length of the longest item */
} ReportQueue;

/* A copy of `json` (`length` bytes) as an item, or NULL without memory. Freed with free(). Recognises an
 * update by its "state" member; in JSON text a quote inside a string is escaped, so a value cannot imitate
 * it. */
ReportItem *report_item_new(const char *json, size_t length, int64_t queued_ms);

/* Takes ownership of `item`. Makes room first: the oldest update goes (which may be `item` itself), without
 * any update the oldest item. What went is counted into *updates and *states. */
void report_queue_push(ReportQueue *queue, ReportItem *item, uint64_t *updates, uint64_t *states);

/* The oldest item, now the caller's, or NULL. */
ReportItem *report_queue_pop(ReportQueue *queue);

#endif
