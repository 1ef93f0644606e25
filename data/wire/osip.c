/* The second opinion, in the only file that knows libosip2.
 * Relies on: data/wire/osip.h, data/wire/scanner.h (byte sets, census), libosip2's parser.
 * Relied on by: as osip.h.
 *
 * How it is kept in bounds: a message is looked at line by line first and refused an opinion if it has more
 * lines or separators than the parser can take in bounded time. What is handed over is a copy: the body is
 * cut, and the headers that would make the parser read one are renamed, so that neither MIME nor SDP is
 * parsed. All memory comes from a thread-local arena that is reset for each message: nothing leaks, nothing
 * grows, reads behind a block find zeros. Failed allocations are seen by the arena, whatever the parser says.
 */
#include "data/wire/osip.h"

#include "data/wire/scanner.h"

#include <osipparser2/osip_parser.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    ARENA_BYTES = 1 << 20, /* 50 times the most that an ordinary message took */
    BLOCK_ALIGN = 16,
    BLOCK_HEADER = 16, /* holds the block's size, for realloc */
    BLOCK_SLACK = 16,  /* zero bytes behind each block */
    /* The parser is quadratic in them and in separators; at these bounds the worst message costs about 60
       microseconds. */
    LINES_MAX = 128,
};

/* One per thread, made at its first parse and freed when it ends. */
typedef struct Arena {
    uint8_t *bytes; /* ARENA_BYTES of them */
    size_t used;
    bool armed;  /* a parse is going on */
    bool failed; /* an allocation could not be served */
} Arena;

static _Thread_local Arena arena;
static pthread_key_t arena_key; /* for its destructor only */
static atomic_ulong stray_allocations;
static bool initialised;

static void *arena_malloc(size_t size) {
    if (!arena.armed) {
        atomic_fetch_add(&stray_allocations, 1);
        return NULL;
    }
    size_t room = ARENA_BYTES - arena.used; /* a multiple of BLOCK_ALIGN */
    if (size > room || size + BLOCK_HEADER + BLOCK_SLACK > room) {
        arena.failed = true;
        return NULL;
    }
    uint8_t *block = arena.bytes + arena.used;
    size_t whole = (BLOCK_HEADER + size + BLOCK_SLACK + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
    memcpy(block, &size, sizeof size);
    memset(block + BLOCK_HEADER + size, 0, whole - BLOCK_HEADER - size);
    arena.used += whole;
    return block + BLOCK_HEADER;
}

static void arena_free(void *block) {
    (void)block; /* the next message takes it all back at once */
}

static void *arena_realloc(void *block, size_t size) {
    size_t old = 0;
    if (block) memcpy(&old, (uint8_t *)block - BLOCK_HEADER, sizeof old);
    if (block && size <= old) return block;
    void *grown = arena_malloc(size);
    if (grown && old > 0) memcpy(grown, block, old);
    return grown;
}

CoreStatus wire_osip_init(CoreError *error) {
    if (initialised) return CORE_OK;
    if (pthread_key_create(&arena_key, free) != 0)
        return core_fail(error, CORE_MEMORY, "libosip2: no thread-specific key left");
    osip_set_allocators(arena_malloc, arena_realloc, arena_free);
    osip_trace_initialize(TRACE_LEVEL0, NULL); /* else the first error sends traces to stdout */
    if (parser_init() != 0) return core_fail(error, CORE_MEMORY, "libosip2: the parser cannot be set up");
    initialised = true;
    return CORE_OK;
}

unsigned long wire_osip_stray_allocations(void) {
    return atomic_load(&stray_allocations);
}

/* Readies the thread's arena for one message; false without memory. */
static bool arm(void) {
    if (!arena.bytes) {
        arena.bytes = malloc(ARENA_BYTES);
        if (!arena.bytes) return false;
        if (pthread_setspecific(arena_key, arena.bytes) != 0) {
            free(arena.bytes);
            arena.bytes = NULL;
            return false;
        }
    }
    arena.used = 0;
    arena.failed = false;
    arena.armed = true;
    return true;
}

/* A CR LF is one end of a line, and either alone is one too. */
static uint32_t count_lines(const uint8_t *bytes, uint32_t length) {
    uint32_t lines = 0;
    for (uint32_t i = 0; i < length; i++)
        lines += bytes[i] == '\n' || (bytes[i] == '\r' && !(i + 1 < length && bytes[i + 1] == '\n'));
    return lines;
}

static bool within_bounds(const uint8_t *bytes, uint32_t length) {
    const WireCensus census = wire_census(bytes, length);
    if (census.separators > WIRE_SEPARATORS_MAX) return false;
    return census.line_ends <= LINES_MAX || count_lines(bytes, length) <= LINES_MAX;
}

/* True if the text at [at, end) starts with the header name `name` (lower case) and nothing that continues
 * it. */
static bool names(const uint8_t *text, const uint8_t *end, const char *name) {
    for (; *name; name++, text++)
        if (text == end || wire_lower(*text) != (uint8_t)*name) return false;
    return text == end || !wire_in(WIRE_SET_SCHEME, *text);
}

/* Renames Content-Type and Content-Length at whatever the parser may take for the begin of a line. */
static void mask_body_headers(uint8_t *bytes, uint32_t length) {
    static const char *const masked[] = {"content-type", "content-length", "c", "l"};
    const uint8_t *end = bytes + length;
    for (uint8_t *at = bytes; at < end;) {
        if (*at <= ' ') { /* blanks, and the end of a line */
            at++;
            continue;
        }
        for (size_t i = 0; i < sizeof masked / sizeof masked[0]; i++)
            if (names(at, end, masked[i])) *at = 'z';
        while (at < end && *at != '\r' && *at != '\n')
            at++;
    }
}

static WireOsipAnswer ask(const uint8_t *bytes, uint32_t length) {
    char *copy = arena_malloc(length);
    osip_message_t *message = NULL;
    if (!copy) return WIRE_OSIP_GUARDED;
    memcpy(copy, bytes, length);
    mask_body_headers((uint8_t *)copy, length);
    int code = osip_message_init(&message);
    if (code == 0) code = osip_message_parse(message, copy, length);
    if (arena.failed) return WIRE_OSIP_GUARDED;
    return code == 0 ? WIRE_OSIP_ACCEPTED : WIRE_OSIP_REFUSED;
}

WireOsipAnswer wire_osip_answer(const uint8_t *bytes, uint32_t length, const WireScan *scan) {
    bool opens = scan->request && scan->to.tag.length == 0;
    uint32_t header_length = scan->body.offset < length ? scan->body.offset : length;
    if (scan->anomalies == 0 && !opens) return WIRE_OSIP_NOT_ASKED;
    if (!initialised || !within_bounds(bytes, header_length) || !arm()) return WIRE_OSIP_GUARDED;
    WireOsipAnswer answer = ask(bytes, header_length);
    arena.armed = false;
    return answer;
}
