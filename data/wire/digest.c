/* Digest credentials and challenges (RFC 3261 section 22, RFC 2617, RFC 8760).
 * Relies on: data/wire/scanner.h.
 * Relied on by: data/wire/scan.c. */
#include "data/wire/scanner.h"

static void keep(const WireScanner *scanner, const WireParameter *parameter, WireDigest *digest) {
    if (wire_equals(scanner, parameter->name, "stale")) {
        digest->stale = wire_equals(scanner, parameter->value, "true");
        return;
    }
    struct {
        const char *name;
        WireSlice *slice;
    } const kept[] = {
        {"username", &digest->username}, {"realm", &digest->realm},       {"nonce", &digest->nonce},
        {"uri", &digest->uri},           {"response", &digest->response},
    };
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (kept[i].slice->length == 0 && wire_equals(scanner, parameter->name, kept[i].name))
            *kept[i].slice = parameter->value;
}

void wire_scan_credentials(WireScanner *scanner, WireSlice value, WireDigest *digest) {
    uint32_t end = value.offset + value.length;
    uint32_t scheme_end = wire_skip_in(scanner, value.offset, end, WIRE_SET_TOKEN);
    WireSlice scheme = {value.offset, scheme_end - value.offset};
    *digest = (WireDigest){.present = true};
    uint32_t at = wire_skip_in(scanner, scheme_end, end, WIRE_SET_BLANK);
    if (scheme.length == 0 || at == scheme_end || at == end) {
        wire_note(scanner, WIRE_ANOMALY_AUTH_INVALID, value.offset);
        return;
    }
    if (!wire_equals(scanner, scheme, "digest")) return; /* other schemes have grammars of their own */
    WireParameter parameter;
    while (wire_next_parameter(scanner, &at, end, ',', WIRE_SET_TOKEN, &parameter)) {
        if (!parameter.valid) wire_note(scanner, WIRE_ANOMALY_AUTH_INVALID, parameter.name.offset);
        keep(scanner, &parameter, digest);
    }
}
