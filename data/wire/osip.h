/* The second opinion: GNU oSIP's parser, bounded and guarded.
 * Relies on: data/wire/scan.h, libosip2 (only osip.c).
 * Relied on by: data/features/encode. */
#ifndef SIPCNN_WIRE_OSIP_H
#define SIPCNN_WIRE_OSIP_H

#include "data/wire/scan.h"
#include "engine/core/status.h"

typedef enum WireOsipAnswer {
    WIRE_OSIP_NOT_ASKED = 0,
    WIRE_OSIP_ACCEPTED = 1,
    WIRE_OSIP_REFUSED = 2,
    WIRE_OSIP_GUARDED =
        3, /* too many lines or separators to be parsed in bounded time, or its memory ran out */
} WireOsipAnswer;

/* Sets libosip2's process-wide hooks (allocators, no tracing, parser tables). Call once, before any thread
 * that calls wire_osip_answer; calling it again does nothing. CORE_MEMORY or CORE_OK. Not thread-safe. */
CORE_NODISCARD CoreStatus wire_osip_init(CoreError *error);

/* libosip2's opinion of a message, asked only when the scan raised an anomaly or it is a request without To
 * tag: a rule of the message alone, so that importer and sensor agree. Uses a thread-local arena of fixed
 * size; any number of threads. Before wire_osip_init the answer is WIRE_OSIP_GUARDED where one would be
 * asked. */
WireOsipAnswer wire_osip_answer(const uint8_t *bytes, uint32_t length, const WireScan *scan);

/* Allocation requests that came from outside a call above (they were refused); 0 in a correct process. */
unsigned long wire_osip_stray_allocations(void);

#endif
