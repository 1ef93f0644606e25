/* Fuzz target: a stream of datagrams through encode and context; rows must stay inside their vocabularies.
 * Relies on: data/features.
 * Relied on by: the fuzz preset, ctest (replay). */
#include "data/features/features.h"
#include "data/wire/osip.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
    if (!condition) __builtin_trap();
}

static void check_row(const FeatureRow *row) {
    require(row->n_tokens <= FEATURE_TOKENS && row->n_text <= FEATURE_TEXT &&
            row->n_events <= FEATURE_EVENTS);
    for (unsigned i = 0; i < FEATURE_TOKENS; i++)
        for (unsigned f = 0; f < FEATURE_TOKEN_FIELDS; f++)
            require(row->tokens[i][f] < feature_token_vocabulary[f]);
    for (unsigned i = 0; i < FEATURE_EVENTS; i++)
        for (unsigned f = 0; f < FEATURE_EVENT_FIELDS; f++)
            require(row->events[i][f] < feature_event_vocabulary[f]);
}

/* Each datagram: one byte of addresses, one of time, two of length, then the message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static FeatureContext *context;
    if (!context) {
        require(wire_osip_init(NULL) == CORE_OK);
        require(feature_context_new(NULL, 0, &context, NULL) == CORE_OK);
    }
    int64_t now = 0;
    uint64_t frame = 0;
    while (size > 4) {
        size_t length = (size_t)data[2] << 8 | data[3];
        if (length > size - 4) length = size - 4;
        now += (int64_t)(data[1] & 15) << (data[1] >> 3);
        WireMessage message = {
            .bytes = data + 4, .length = (uint32_t)length, .time_ns = now, .frame = ++frame};
        message.source.ip[15] = data[0] & 15;
        message.destination.ip[15] = data[0] >> 4;
        FeatureEncoded encoded;
        FeatureRow row;
        FeatureKeys keys;
        feature_encode(&message, &encoded);
        feature_context_step(context, &message, &encoded, &row, &keys);
        check_row(&row);
        data += 4 + length;
        size -= 4 + length;
    }
    return 0;
}
