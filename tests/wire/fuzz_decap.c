/* Fuzz target: the bytes as a series of frames, through link layer, IP, fragments, tunnels and duplicates.
 * Relies on: data/wire/decap.h.
 * Relied on by: libFuzzer, or tests/fuzz_replay.c in the ordinary suite.
 *
 * Input: one byte chooses the link layer; then frames, each a length (two bytes) and a time step (two bytes,
 * signed milliseconds), or what is left. */
#include "data/wire/decap.h"

#include <pcap/dlt.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int links[] = {DLT_RAW,  DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2,
                                DLT_NULL, DLT_LOOP,   DLT_IPV4,      DLT_IPV6};
    static WireDecap *decap; /* kept, for speed; the clock moves on so far that nothing of an input is left */
    static uint64_t clock_ns;
    WireMessage message;
    if (size < 1) return 0;
    if (!decap && wire_decap_new(&decap, NULL) != CORE_OK) abort();
    WireCounters before = wire_decap_counters(decap);
    WireFrame frame = {.link_type = links[data[0] % (sizeof links / sizeof links[0])]};
    clock_ns += UINT64_C(100000000000000);
    uint64_t now_ns = clock_ns;
    uint64_t messages = 0;
    for (size_t at = 1; size - at >= 4;) {
        size_t length = (size_t)(data[at] << 8 | data[at + 1]);
        now_ns += (uint64_t)((int16_t)(data[at + 2] << 8 | data[at + 3]) * INT64_C(1000000));
        frame.time_ns = (int64_t)now_ns;
        at += 4;
        if (length > size - at) length = size - at;
        uint8_t *copy = malloc(length ? length : 1); /* of its own size, so that reads behind it are seen */
        if (!copy) break;
        memcpy(copy, data + at, length);
        frame.bytes = copy;
        frame.captured = (uint32_t)length;
        frame.number++;
        wire_decap_frame(decap, &frame);
        while (wire_decap_next(decap, &message)) {
            messages++;
            for (uint32_t i = 0; i < message.length; i++)
                sink ^= message.bytes[i];
        }
        free(copy);
        at += length;
    }
    wire_decap_finish(decap);
    while (wire_decap_next(decap, &message))
        messages++;
    WireCounters counters = wire_decap_counters(decap);
    uint64_t sum = 0;
    for (int i = 0; i < WIRE_PACKET_FATES; i++)
        sum += counters.fate[i];
    if (sum != counters.packets || counters.packets - before.packets != frame.number ||
        counters.messages - before.messages != messages || counters.fate[WIRE_PACKET_HELD] > counters.packets)
        abort();
    return 0;
}
