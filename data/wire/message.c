/* Addresses as text and back.
 * Relies on: data/wire/message.h, libc.
 * Relied on by: as message.h. */
#include "data/wire/message.h"

#include <arpa/inet.h>
#include <stdio.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

char *wire_address_text(const WireAddress *address, bool with_port, char *text, uint32_t capacity) {
    bool mapped = memcmp(address->ip, mapped_prefix, sizeof mapped_prefix) == 0;
    char ip[INET6_ADDRSTRLEN] = "";
    if (capacity == 0) return text;
    inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? address->ip + 12 : address->ip, ip, sizeof ip);
    if (!with_port)
        snprintf(text, capacity, "%s", ip);
    else
        snprintf(text, capacity, mapped ? "%s:%u" : "[%s]:%u", ip, (unsigned)address->port);
    return text;
}

bool wire_address_parse(const char *text, WireAddress *address) {
    WireAddress parsed = {0};
    if (inet_pton(AF_INET, text, parsed.ip + 12) == 1)
        memcpy(parsed.ip, mapped_prefix, sizeof mapped_prefix);
    else if (inet_pton(AF_INET6, text, parsed.ip) != 1)
        return false;
    *address = parsed;
    return true;
}
