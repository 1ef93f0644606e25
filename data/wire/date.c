/* The Date header (RFC 3261 section 20.17, RFC 1123 dates in GMT).
 * Relies on: data/wire/scanner.h.
 * Relied on by: data/wire/scan.c. */
#include "data/wire/scanner.h"

/* Which of the three-letter `names` (one string) the text at `at` is, -1 for none. */
static int name_index(const uint8_t *at, const char *names) {
    for (int i = 0; names[3 * i]; i++)
        if (memcmp(at, names + 3 * i, 3) == 0) return i;
    return -1;
}

/* "Sat, 13 Nov 2010 23:29:00 GMT" */
void wire_scan_date(WireScanner *scanner, WireSlice value) {
    static const char pattern[] = "???, 00 ??? 0000 00:00:00 GMT";
    const uint8_t *text = scanner->bytes + value.offset;
    bool valid = value.length == sizeof pattern - 1;
    for (uint32_t i = 0; valid && i < value.length; i++) {
        if (pattern[i] == '0')
            valid = wire_in(WIRE_SET_DIGIT, text[i]);
        else if (pattern[i] != '?')
            valid = text[i] == (uint8_t)pattern[i];
    }
    valid = valid && name_index(text, "MonTueWedThuFriSatSun") >= 0 &&
            name_index(text + 8, "JanFebMarAprMayJunJulAugSepOctNovDec") >= 0;
    if (!valid) wire_note(scanner, WIRE_ANOMALY_DATE_INVALID, value.offset);
}
