/* Fuzz target: the bytes as one message, through shape, scan and second opinion.
 * Relies on: data/wire/scan.h, data/wire/osip.h, tests/wire/support.h.
 * Relied on by: libFuzzer, or tests/fuzz_replay.c in the ordinary suite. */
#include "data/wire/osip.h"
#include "tests/wire/support.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static WireScan scan;
    uint32_t length = (uint32_t)(size > 2 * WIRE_MESSAGE_MAX ? 2 * WIRE_MESSAGE_MAX : size);
    if (wire_osip_init(NULL) != CORE_OK) abort();
    (void)wire_is_sip(data, length);
    for (int truncated = 0; truncated < 2; truncated++) {
        wire_scan(data, length, truncated, &scan);
        if (scan_fault(&scan, length)) abort();
        WireOsipAnswer answer = wire_osip_answer(data, length, &scan);
        bool asked = scan.anomalies != 0 || (scan.request && scan.to.tag.length == 0);
        if (asked != (answer != WIRE_OSIP_NOT_ASKED)) abort();
    }
    if (wire_osip_stray_allocations() != 0) abort();
    return 0;
}
