/* Status codes and error texts: how every room reports that something went wrong.
 * Relies on: libc.
 * Relied on by: everything. */
#ifndef SIPCNN_CORE_STATUS_H
#define SIPCNN_CORE_STATUS_H

#if defined(__GNUC__)
#define CORE_NODISCARD                         __attribute__((warn_unused_result))
#define CORE_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#else
#define CORE_NODISCARD
#define CORE_PRINTF(format_index, first_index)
#endif

/* One list yields the enum and the names. */
#define CORE_STATUS_MAP(X)                                                                                   \
    X(OK, "ok")                                                                                              \
    X(MEMORY, "out of memory")                                                                               \
    X(ARGUMENT, "invalid argument")                                                                          \
    X(IO, "input/output error")                                                                              \
    X(FORMAT, "malformed data")                                                                              \
    X(VERSION, "unsupported version")                                                                        \
    X(LIMIT, "limit exceeded")                                                                               \
    X(SHAPE, "shapes do not fit")                                                                            \
    X(NOT_FOUND, "not found")                                                                                \
    X(AGAIN, "nothing yet")                                                                                  \
    X(END, "end of data")                                                                                    \
    X(INTERRUPTED, "interrupted")                                                                            \
    X(UNAVAILABLE, "unavailable")

typedef enum CoreStatus {
#define CORE_STATUS_ENUM(name, text) CORE_##name,
    CORE_STATUS_MAP(CORE_STATUS_ENUM)
#undef CORE_STATUS_ENUM
} CoreStatus;

/* What went wrong, for people. `text` is one line without a newline; it names the thing (file, offset,
 * field). */
typedef struct CoreError {
    CoreStatus status;
    char text[512];
} CoreError;

/* The name of a status, a constant string; never NULL. Thread-safe. */
const char *core_status_text(CoreStatus status);

/* Fills *error (which may be NULL) with a printf-formatted text, cut to fit, and returns `status`, so that
 * `return core_fail(error, CORE_FORMAT, ...)` is one statement. Thread-safe. */
CoreStatus core_fail(CoreError *error, CoreStatus status, const char *format, ...) CORE_PRINTF(3, 4);

/* Puts a printf-formatted context and ": " in front of *error's text (NULL: does nothing) and returns the
 * error's status. For callers that know which file or step the lower room was working on. */
CoreStatus core_fail_context(CoreError *error, CoreStatus status, const char *format, ...) CORE_PRINTF(3, 4);

#endif
