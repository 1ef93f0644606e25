/* Fuzz target: the bytes as one message, through the leak hunt's traits and masks.
 * Relies on: data/dataset (traits, near).
 * Relied on by: libFuzzer, or tests/fuzz_replay.c in the ordinary suite. */
#include "data/dataset/near.h"
#include "data/dataset/traits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static WireScan scan;
    static TraitValues values;
    static uint8_t masked[WIRE_MESSAGE_MAX];
    WireMessage message = {.bytes = data,
                           .length = (uint32_t)(size > WIRE_MESSAGE_MAX ? WIRE_MESSAGE_MAX : size)};
    wire_scan(message.bytes, message.length, false, &scan);
    traits_read(&message, &scan, 0, &values);
    for (int t = 0; t < TRAITS; t++)
        if (!memchr(values.text[t], 0, TRAIT_TEXT_SIZE)) abort();
    uint32_t kept = near_mask(&message, &scan, false, masked);
    if (kept > message.length || near_mask(&message, &scan, true, masked) > kept) abort();
    return 0;
}
