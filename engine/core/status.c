/* Status codes and error texts.
 * Relies on: libc.
 * Relied on by: everything. */
#include "engine/core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *core_status_text(CoreStatus status) {
    static const char *const texts[] = {
#define CORE_STATUS_TEXT(name, text) text,
        CORE_STATUS_MAP(CORE_STATUS_TEXT)
#undef CORE_STATUS_TEXT
    };
    size_t index = (size_t)status;
    return index < sizeof texts / sizeof texts[0] ? texts[index] : "unknown status";
}

CoreStatus core_fail(CoreError *error, CoreStatus status, const char *format, ...) {
    if (!error) return status;
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(error->text, sizeof error->text, format, arguments) < 0) error->text[0] = '\0';
    va_end(arguments);
    return status;
}

CoreStatus core_fail_context(CoreError *error, CoreStatus status, const char *format, ...) {
    if (!error) return status;
    char context[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(context, sizeof context - 2, format, arguments);
    va_end(arguments);
    if (length < 0) return status;
    size_t used = strlen(context);
    memcpy(context + used, ": ", 3);
    used += 2;
    size_t room = sizeof context - 1 - used, tail = strlen(error->text);
    if (tail > room) tail = room;
    memcpy(context + used, error->text, tail);
    context[used + tail] = '\0';
    memcpy(error->text, context, used + tail + 1);
    error->status = status;
    return status;
}
