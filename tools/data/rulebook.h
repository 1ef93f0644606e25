/* A rules file (docs/labels.md) that grows: read, checked, appended to, replaced as a whole.
 * Relies on: data/dataset/labels.h, engine/core/file.h.
 * Relied on by: tools/data/label. */
#ifndef SIPCNN_TOOLS_DATA_RULEBOOK_H
#define SIPCNN_TOOLS_DATA_RULEBOOK_H

#include "data/dataset/labels.h"

/* One rule to be written. Texts are borrowed; NULL: empty, which matches anything. */
typedef struct RuleLine {
    int64_t start_ns, end_ns; /* inclusive; INT64_MIN and INT64_MAX: empty */
    const char *client, *target, *call_id;
    const char *class_name, *also;
    uint32_t run; /* 0: none */
    const char *tool, *note;
} RuleLine;

typedef struct RuleBook {
    const char *path;       /* borrowed */
    const Dataset *classes; /* borrowed; only its class names are asked for */
    char *text;             /* the file as it will be */
    size_t size;
    uint32_t last_run; /* the greatest run number in it */
    uint32_t added;
} RuleBook;

/* Reads the rules of `path`; a file that is not there is an empty book. CORE_FORMAT names a bad line. Free
 * with rulebook_free, also after a failure. */
CORE_NODISCARD CoreStatus rulebook_open(const char *path, const Dataset *classes, RuleBook *book,
                                        CoreError *error);

/* Appends a rule: those before it win where both match. CORE_ARGUMENT: a text with a line break or over 64
 * KiB; CORE_MEMORY. */
CORE_NODISCARD CoreStatus rulebook_add(RuleBook *book, const RuleLine *line, CoreError *error);

/* Checks the whole text as an import would and writes it, whole or not at all. Nothing happens if nothing was
 * added. CORE_FORMAT: an added rule is none (an unknown class, no address); CORE_IO. */
CORE_NODISCARD CoreStatus rulebook_save(RuleBook *book, CoreError *error);

void rulebook_free(RuleBook *book);

#endif
