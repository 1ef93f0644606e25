/* The bounded queue between the step thread and the reporter: first in, first out, and when it is full the
 * oldest update goes first, so that openings and closings survive.
 * Relies on: libc.
 * Relied on by: infer/reporter. */
#include "infer/report_queue.h"

#include <stdlib.h>
#include <string.h>

static const char *skip_spaces(const char *at, const char *end) {
    while (at < end && *at == ' ')
        at++;
    return at;
}

static const char *find(const char *at, const char *end, const char *text, size_t length) {
    for (; (size_t)(end - at) >= length; at++) {
        at = memchr(at, text[0], (size_t)(end - at) - length + 1);
        if (at == NULL) return NULL;
        if (memcmp(at, text, length) == 0) return at;
    }
    return NULL;
}

static bool is_update(const char *json, size_t length) {
    static const char key[] = "\"state\"", value[] = "\"update\"";
    const char *end = json + length;
    for (const char *at = json; (at = find(at, end, key, sizeof key - 1)) != NULL;) {
        at = skip_spaces(at + sizeof key - 1, end);
        if (at == end || *at != ':') continue;
        at = skip_spaces(at + 1, end);
        return (size_t)(end - at) >= sizeof value - 1 && memcmp(at, value, sizeof value - 1) == 0;
    }
    return false;
}

ReportItem *report_item_new(const char *json, size_t length, int64_t queued_ms) {
    if (length > SIZE_MAX - sizeof(ReportItem)) return NULL;
    ReportItem *item = malloc(sizeof *item + length);
    if (item == NULL) return NULL;
    *item = (ReportItem){.queued_ms = queued_ms, .length = length, .update = is_update(json, length)};
    memcpy(item->json, json, length);
    return item;
}

/* Updates leave in the order in which they came, so the one that leaves is always the first of their list. */
static void unlink_item(ReportQueue *queue, ReportItem *item) {
    if (item->previous != NULL)
        item->previous->next = item->next;
    else
        queue->first = item->next;
    if (item->next != NULL)
        item->next->previous = item->previous;
    else
        queue->last = item->previous;
    if (item->update) {
        queue->first_update = item->next_update;
        if (queue->first_update == NULL) queue->last_update = NULL;
    }
    queue->count--;
    queue->bytes -= item->length;
}

static bool has_room(const ReportQueue *queue, const ReportItem *item) {
    return queue->count < queue->count_limit && queue->bytes + item->length <= queue->bytes_limit;
}

void report_queue_push(ReportQueue *queue, ReportItem *item, uint64_t *updates, uint64_t *states) {
    while (!has_room(queue, item) && queue->count > 0) {
        ReportItem *victim = queue->first_update;
        if (victim == NULL && item->update) {
            ++*updates;
            free(item);
            return;
        }
        if (victim == NULL) victim = queue->first;
        ++*(victim->update ? updates : states);
        unlink_item(queue, victim);
        free(victim);
    }
    item->previous = queue->last;
    item->next = NULL;
    if (queue->last != NULL)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    if (item->update) {
        if (queue->last_update != NULL)
            queue->last_update->next_update = item;
        else
            queue->first_update = item;
        queue->last_update = item;
    }
    queue->count++;
    queue->bytes += item->length;
}

ReportItem *report_queue_pop(ReportQueue *queue) {
    ReportItem *item = queue->first;
    if (item != NULL) unlink_item(queue, item);
    return item;
}
