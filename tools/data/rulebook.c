/* A rules file that grows.
 * Relies on: data/dataset/labels.h, engine/core/file.h.
 * Relied on by: tools/data/label. */
#include "tools/data/rulebook.h"

#include "engine/core/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char header[] = "start,end,client,target,call_id,class,also,run,tool,note\n";
enum { FILE_MAX = 1 << 26, TEXT_MAX = 1 << 12 };

static CoreStatus check(RuleBook *book, CoreError *error) {
    DatasetLabels labels;
    CoreStatus status =
        dataset_labels_parse(book->path, book->text, book->size, book->classes, &labels, error);
    if (status == CORE_OK && labels.form != DATASET_LABELS_RULES)
        status = core_fail(error, CORE_FORMAT, "%s: has a row per message, not rules", book->path);
    for (size_t i = 0; status == CORE_OK && i < labels.n_runs; i++)
        if (labels.runs[i].run.number > book->last_run) book->last_run = labels.runs[i].run.number;
    dataset_labels_free(&labels);
    return status;
}

static CoreStatus append(RuleBook *book, const char *text, size_t size, CoreError *error) {
    char *grown = realloc(book->text, book->size + size + 1);
    if (!grown) return core_fail(error, CORE_MEMORY, "%s: out of memory", book->path);
    memcpy(grown + book->size, text, size);
    book->text = grown;
    book->size += size;
    grown[book->size] = '\0';
    return CORE_OK;
}

CoreStatus rulebook_open(const char *path, const Dataset *classes, RuleBook *book, CoreError *error) {
    *book = (RuleBook){.path = path, .classes = classes};
    if (access(path, F_OK) != 0 && errno == ENOENT) return append(book, header, sizeof header - 1, error);
    uint8_t *bytes;
    CoreStatus status = core_file_read(path, FILE_MAX, &bytes, &book->size, error);
    if (status) return status;
    book->text = (char *)bytes;
    status = check(book, error);
    if (status == CORE_OK && book->text[book->size - 1] != '\n') status = append(book, "\n", 1, error);
    return status;
}

static void put_time(FILE *out, int64_t time_ns) {
    if (time_ns != INT64_MIN && time_ns != INT64_MAX)
        fprintf(out, "%" PRId64 ".%09" PRId64, time_ns / 1000000000, time_ns % 1000000000);
}

/* A field as RFC 4180 quotes it, with a comma behind it unless it is the last. */
static void put_field(FILE *out, const char *text, char behind) {
    if (text && strpbrk(text, ",\"")) {
        putc('"', out);
        for (; *text; text++) {
            if (*text == '"') putc('"', out);
            putc(*text, out);
        }
        putc('"', out);
    } else if (text) {
        fputs(text, out);
    }
    putc(behind, out);
}

static void put_rule(FILE *out, const RuleLine *line) {
    put_time(out, line->start_ns);
    putc(',', out);
    put_time(out, line->end_ns);
    putc(',', out);
    put_field(out, line->client, ',');
    put_field(out, line->target, ',');
    put_field(out, line->call_id, ',');
    put_field(out, line->class_name, ',');
    put_field(out, line->also, ',');
    if (line->run) fprintf(out, "%" PRIu32, line->run);
    putc(',', out);
    put_field(out, line->tool, ',');
    put_field(out, line->note, '\n');
}

static CoreStatus check_texts(const RuleLine *line, CoreError *error) {
    const char *texts[] = {line->client, line->target, line->call_id, line->class_name,
                           line->also,   line->tool,   line->note};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!texts[i]) continue;
        if (strlen(texts[i]) > TEXT_MAX || strpbrk(texts[i], "\r\n"))
            return core_fail(error, CORE_ARGUMENT,
                             "a rule cannot hold a text that is that long or has line breaks");
    }
    return CORE_OK;
}

CoreStatus rulebook_add(RuleBook *book, const RuleLine *line, CoreError *error) {
    CoreStatus status = check_texts(line, error);
    if (status) return status;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return core_fail(error, CORE_MEMORY, "%s: out of memory", book->path);
    put_rule(out, line);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        status = core_fail(error, CORE_MEMORY, "%s: out of memory", book->path);
    else
        status = append(book, text, size, error);
    free(text);
    if (status) return status;
    if (line->run > book->last_run) book->last_run = line->run;
    book->added++;
    return CORE_OK;
}

CoreStatus rulebook_save(RuleBook *book, CoreError *error) {
    if (!book->added) return CORE_OK;
    CoreStatus status = check(book, error);
    if (status) return status;
    return core_file_write(book->path, book->text, book->size, error);
}

void rulebook_free(RuleBook *book) {
    free(book->text);
    *book = (RuleBook){0};
}
