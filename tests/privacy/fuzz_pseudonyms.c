/* Fuzz target: the bytes as one message, through the pseudonyms, with and without the attack's text kept.
 * Relies on: data/privacy/pseudonyms.h.
 * Relied on by: libFuzzer, or tests/fuzz_replay.c in the ordinary suite. */
#include "data/privacy/pseudonyms.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Only addresses change lengths: without digits and colons there are none. */
static bool may_hold_addresses(const uint8_t *data, uint32_t length) {
    for (uint32_t i = 0; i < length; i++)
        if (data[i] == ':' || data[i] == '.') return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Pseudonyms *pseudonyms;
    static uint8_t first[WIRE_MESSAGE_MAX], second[WIRE_MESSAGE_MAX];
    static const uint8_t key[PRIVACY_KEY_SIZE] = {3, 1, 4, 1, 5};
    if (!pseudonyms && pseudonyms_new(key, &pseudonyms, NULL) != CORE_OK) abort();
    WireMessage message = {.bytes = data,
                           .length = (uint32_t)(size > WIRE_MESSAGE_MAX ? WIRE_MESSAGE_MAX : size)};
    for (int keep = 0; keep < 2; keep++) {
        uint32_t flags = 0, kept = 0,
                 length = pseudonyms_message(pseudonyms, &message, keep, first, &flags, &kept);
        uint32_t again = pseudonyms_message(pseudonyms, &message, keep, second, &flags, &kept);
        if (length != again || memcmp(first, second, length) != 0) abort();
        if (!may_hold_addresses(data, message.length) && length != message.length) abort();
    }
    char settings[256] = {0};
    memcpy(settings, data, size < sizeof settings ? size : sizeof settings - 1);
    pseudonyms_settings(pseudonyms, settings, sizeof settings);
    if (!memchr(settings, 0, sizeof settings)) abort();
    return 0;
}
