/* Packet comments as rules.
 * Relies on: data/dataset/comments.h, data/wire/scan.h, tools/data/census.h, tools/data/rulebook.h.
 * Relied on by: tools/data/label. */
#include "data/dataset/comments.h"
#include "tools/data/census.h"
#include "tools/data/console.h"
#include "tools/data/label_sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char mark[] = "sipcnn:";

typedef enum Scope { SCOPE_MESSAGE, SCOPE_CALL, SCOPE_CLIENT } Scope;

/* A comment taken apart, in place. */
typedef struct Note {
    uint64_t frame;
    const char *class_name, *also, *tool;
    uint32_t run;
    Scope scope;
} Note;

static CoreStatus fail_note(const char *path, uint64_t frame, const char *what, const char *word,
                            CoreError *error) {
    return core_fail(error, CORE_FORMAT, "%s frame %llu, comment: %s '%.40s'", path,
                     (unsigned long long)frame, what, word);
}

static bool read_run(const char *text, uint32_t *run) {
    uint64_t value;
    bool read = console_count(text, UINT32_MAX, &value);
    *run = (uint32_t)value;
    return read && value > 0;
}

static bool read_scope(const char *text, Scope *scope) {
    static const char *const names[] = {"message", "call", "client"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *scope = (Scope)i;
            return true;
        }
    return false;
}

/* Whether `word` is "NAME=value"; *value is then behind the '='. */
static bool is_setting(const char *word, const char *name, const char **value) {
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0 || word[length] != '=') return false;
    *value = word + length + 1;
    return true;
}

static CoreStatus parse_note(const char *path, const DatasetComment *comment, Note *note, CoreError *error) {
    static const char blanks[] = " \t\r\n;";
    char *state;
    *note = (Note){.frame = comment->frame};
    for (char *word = strtok_r(comment->text + sizeof mark - 1, blanks, &state); word;
         word = strtok_r(NULL, blanks, &state)) {
        const char *value;
        bool known = true;
        if (is_setting(word, "also", &value))
            note->also = value;
        else if (is_setting(word, "tool", &value))
            note->tool = value;
        else if (is_setting(word, "run", &value))
            known = read_run(value, &note->run);
        else if (is_setting(word, "scope", &value))
            known = read_scope(value, &note->scope);
        else if (!note->class_name)
            note->class_name = word;
        else
            known = false;
        if (!known) return fail_note(path, comment->frame, "cannot read", word, error);
    }
    return note->class_name ? CORE_OK : fail_note(path, comment->frame, "no class in", mark, error);
}

/* The first message of a frame, by bisection: rows stand in capture order. */
static bool find_row(const Dataset *dataset, uint64_t frame, uint64_t *row) {
    uint64_t low = 0, high = dataset->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (dataset->frame[middle] < frame)
            low = middle + 1;
        else
            high = middle;
    }
    *row = low;
    return low < dataset->count && dataset->frame[low] == frame;
}

static CoreStatus add_rule(const Note *note, const Dataset *dataset, uint64_t row, RuleBook *book,
                           CoreError *error) {
    char client[WIRE_ADDRESS_TEXT_MAX], call_id[1024] = "";
    WireMessage message;
    WireScan scan;
    dataset_message_view(dataset, row, &message);
    wire_scan(message.bytes, message.length, message.flags & WIRE_FLAG_TRUNCATED, &scan);
    WireAddress address = census_client(dataset, row);
    wire_address_text(&address, false, client, sizeof client);
    if (scan.call_id.length < sizeof call_id)
        snprintf(call_id, sizeof call_id, "%.*s", (int)scan.call_id.length,
                 (const char *)message.bytes + scan.call_id.offset);
    bool whole_call = note->scope == SCOPE_CALL && call_id[0], whole_client = note->scope == SCOPE_CLIENT;
    RuleLine line = {.start_ns = whole_call || whole_client ? INT64_MIN : message.time_ns,
                     .end_ns = whole_call || whole_client ? INT64_MAX : message.time_ns,
                     .client = whole_call ? NULL : client,
                     .call_id = whole_client ? NULL : call_id,
                     .class_name = note->class_name,
                     .also = note->also,
                     .run = note->run,
                     .tool = note->tool,
                     .note = "packet comment"};
    return rulebook_add(book, &line, error);
}

CoreStatus comments_add_rules(const char *path, const Dataset *dataset, RuleBook *book, SourceReport *report,
                              CoreError *error) {
    DatasetComments comments;
    memset(report, 0, sizeof *report);
    CoreStatus status = dataset_comments_read(path, &comments, error);
    for (size_t i = 0; status == CORE_OK && i < comments.n; i++) {
        Note note;
        uint64_t row;
        if (strncmp(comments.items[i].text, mark, sizeof mark - 1) != 0) continue;
        report->read++;
        status = parse_note(path, &comments.items[i], &note, error);
        if (status) break;
        if (!find_row(dataset, note.frame, &row))
            status = fail_note(path, note.frame, "no SIP message in the frame of", mark, error);
        else
            status = add_rule(&note, dataset, row, book, error);
    }
    dataset_comments_free(&comments);
    return status;
}
