/* The operator's own hosts: address ranges that are never a client.
 * Relies on: data/wire/message.h.
 * Relied on by: data/features/context, infer. */
#include "data/features/features.h"

#include <stdlib.h>
#include <string.h>

CoreStatus feature_local_parse(const char *text, FeatureLocal *local, CoreError *error) {
    char address[WIRE_ADDRESS_TEXT_MAX];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    long prefix = -1;
    if (length < sizeof address) {
        memcpy(address, text, length);
        address[length] = '\0';
        if (!wire_address_parse(address, &local->network)) length = sizeof address;
    }
    if (length >= sizeof address)
        return core_fail(error, CORE_FORMAT, "'%s' is no address or CIDR range", text);
    bool v4 = strchr(address, ':') == NULL;
    long bits = v4 ? 32 : 128;
    if (slash) {
        char *end;
        prefix = strtol(slash + 1, &end, 10);
        if (end == slash + 1 || *end || prefix < 0 || prefix > bits)
            return core_fail(error, CORE_FORMAT, "'%s': the prefix length is no number of 0..%ld", text,
                             bits);
    }
    local->prefix = (uint8_t)((prefix < 0 ? bits : prefix) + 128 - bits);
    return CORE_OK;
}

bool feature_local_contains(const FeatureLocal *local, const WireAddress *address) {
    unsigned whole = local->prefix / 8, rest = local->prefix % 8;
    if (memcmp(local->network.ip, address->ip, whole) != 0) return false;
    return rest == 0 || ((local->network.ip[whole] ^ address->ip[whole]) >> (8 - rest)) == 0;
}
