/* Names of methods, headers and anomalies, and how they are looked up.
 * Relies on: data/wire/scanner.h.
 * Relied on by: the parts of wire_scan; tools that print names. */
#include "data/wire/scanner.h"

static const char *const method_names[WIRE_METHOD_COUNT] = {"OTHER",
#define METHOD_NAME(name) #name,
                                                            WIRE_METHOD_MAP(METHOD_NAME)
#undef METHOD_NAME
};

static const uint8_t method_lengths[WIRE_METHOD_COUNT] = {0,
#define METHOD_LENGTH(name) sizeof #name - 1,
                                                          WIRE_METHOD_MAP(METHOD_LENGTH)
#undef METHOD_LENGTH
};

static const char *const header_names[WIRE_HEADER_COUNT] = {"other",
#define HEADER_NAME(name, text, compact, once) text,
                                                            WIRE_HEADER_MAP(HEADER_NAME)
#undef HEADER_NAME
};

/* Looked up by memchr: first the few names of equal length, then the name itself. */
static const uint8_t header_lengths[WIRE_HEADER_COUNT] = {0,
#define HEADER_LENGTH(name, text, compact, once) sizeof text - 1,
                                                          WIRE_HEADER_MAP(HEADER_LENGTH)
#undef HEADER_LENGTH
};

static const uint8_t header_compacts[WIRE_HEADER_COUNT] = {0,
#define HEADER_COMPACT(name, text, compact, once) compact,
                                                           WIRE_HEADER_MAP(HEADER_COMPACT)
#undef HEADER_COMPACT
};

static const bool header_once[WIRE_HEADER_COUNT] = {0,
#define HEADER_ONCE(name, text, compact, once) once,
                                                    WIRE_HEADER_MAP(HEADER_ONCE)
#undef HEADER_ONCE
};

static const char *const anomaly_names[WIRE_ANOMALY_COUNT] = {
#define ANOMALY_NAME(name) #name,
    WIRE_ANOMALY_MAP(ANOMALY_NAME)
#undef ANOMALY_NAME
};

_Static_assert(WIRE_ANOMALY_COUNT <= 64, "anomalies are bits of a uint64_t");

const char *wire_method_name(WireMethod method) {
    return (unsigned)method < WIRE_METHOD_COUNT ? method_names[method] : method_names[0];
}

const char *wire_header_name(WireHeaderId id) {
    return (unsigned)id < WIRE_HEADER_COUNT ? header_names[id] : header_names[0];
}

const char *wire_anomaly_name(WireAnomaly anomaly) {
    return (unsigned)anomaly < WIRE_ANOMALY_COUNT ? anomaly_names[anomaly] : "unknown";
}

bool wire_header_once(WireHeaderId id) {
    return header_once[id];
}

WireMethod wire_method_of(const uint8_t *text, uint32_t length) {
    for (int id = 1; id < WIRE_METHOD_COUNT; id++)
        if (method_lengths[id] == length && memcmp(method_names[id], text, length) == 0)
            return (WireMethod)id;
    return WIRE_METHOD_OTHER;
}

static bool same_letters(const uint8_t *text, const char *name, uint32_t length) {
    for (uint32_t i = 0; i < length; i++)
        if (wire_lower(text[i]) != wire_lower((uint8_t)name[i])) return false;
    return true;
}

WireHeaderId wire_header_of(const uint8_t *text, uint32_t length, uint8_t *flags) {
    *flags = 0;
    if (length == 1) {
        uint8_t letter = wire_lower(text[0]);
        const uint8_t *found = letter ? memchr(header_compacts, letter, sizeof header_compacts) : NULL;
        if (!found) return WIRE_HEADER_OTHER;
        *flags = (uint8_t)(WIRE_HEADER_COMPACT | (letter != text[0] ? WIRE_HEADER_ODD_CASE : 0));
        return (WireHeaderId)(found - header_compacts);
    }
    if (length == 0 || length > UINT8_MAX) return WIRE_HEADER_OTHER;
    for (uint32_t id = 1; id < WIRE_HEADER_COUNT; id++) {
        const uint8_t *found = memchr(header_lengths + id, (int)length, WIRE_HEADER_COUNT - id);
        if (!found) break;
        id = (uint32_t)(found - header_lengths);
        if (memcmp(text, header_names[id], length) == 0) return (WireHeaderId)id;
        if (!same_letters(text, header_names[id], length)) continue;
        *flags = WIRE_HEADER_ODD_CASE;
        return (WireHeaderId)id;
    }
    return WIRE_HEADER_OTHER;
}
