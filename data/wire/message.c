/* Addresses as text and back.
 * Relies on: data/wire/message.h, libc.
 * Relied on by: as message.h. */
#include "data/wire/message.h"

#include <arpa/inet.h>
#include <string.h>

static char *put_decimal(char *at, unsigned value) {
    if (value >= 10) at = put_decimal(at, value / 10);
    *at = (char)('0' + value % 10);
    return at + 1;
}

/* Every verdict has two addresses, most of them these: snprintf would cost a twentieth of the whole path. */
static char *put_ipv4(char *at, const uint8_t *ip) {
    for (int i = 0; i < 4; i++) {
        if (i > 0) *at++ = '.';
        at = put_decimal(at, ip[i]);
    }
    return at;
}

char *wire_address_text(const WireAddress *address, bool with_port, char *text, uint32_t capacity) {
    bool mapped = wire_is_ipv4(address);
    bool bracketed = with_port && !mapped;
    char whole[INET6_ADDRSTRLEN + sizeof "[]:65535"], *at = whole;
    if (capacity == 0) return text;
    if (bracketed) *at++ = '[';
    if (mapped) {
        at = put_ipv4(at, address->ip + 12);
    } else {
        inet_ntop(AF_INET6, address->ip, at, INET6_ADDRSTRLEN);
        at += strlen(at);
    }
    if (bracketed) *at++ = ']';
    if (with_port) {
        *at++ = ':';
        at = put_decimal(at, address->port);
    }
    size_t length = (size_t)(at - whole);
    if (length >= capacity) length = capacity - 1;
    memcpy(text, whole, length);
    text[length] = '\0';
    return text;
}

bool wire_address_parse(const char *text, WireAddress *address) {
    WireAddress parsed = {0};
    if (inet_pton(AF_INET, text, parsed.ip + 12) == 1)
        parsed.ip[10] = parsed.ip[11] = 0xff;
    else if (inet_pton(AF_INET6, text, parsed.ip) != 1)
        return false;
    *address = parsed;
    return true;
}
