/* Times as people and other programs write them.
 * Relies on: libc.
 * Relied on by: tools/data/label. */
#include "tools/data/time_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECONDS_MAX INT64_C(9000000000)

/* Digits behind a '.', if there is one, as ns. */
static const char *read_fraction(const char *at, int64_t *ns) {
    int64_t unit = 1000000000;
    *ns = 0;
    if (*at != '.') return at;
    for (at++; *at >= '0' && *at <= '9'; at++)
        if (unit > 1) {
            unit /= 10;
            *ns += (*at - '0') * unit;
        }
    return at;
}

/* "Z", "", "+01:00" or "-0130" to seconds east of UTC. */
static bool read_zone(const char *at, int64_t *seconds) {
    unsigned hours, minutes;
    int used = 0;
    *seconds = 0;
    if (!*at || strcmp(at, "Z") == 0) return true;
    if (*at != '+' && *at != '-') return false;
    if ((sscanf(at + 1, "%2u:%2u%n", &hours, &minutes, &used) != 2 || at[1 + used]) &&
        (sscanf(at + 1, "%2u%2u%n", &hours, &minutes, &used) != 2 || at[1 + used]))
        return false;
    *seconds = (*at == '-' ? -1 : 1) * (hours * INT64_C(3600) + minutes * INT64_C(60));
    return true;
}

static bool read_iso(const char *text, int64_t *time_ns) {
    struct tm fields = {0};
    int64_t fraction, zone;
    int used = 0;
    char between;
    if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &fields.tm_year, &fields.tm_mon, &fields.tm_mday, &between,
               &fields.tm_hour, &fields.tm_min, &fields.tm_sec, &used) != 7)
        return false;
    if (between != 'T' && between != ' ') return false;
    if (!read_zone(read_fraction(text + used, &fraction), &zone)) return false;
    fields.tm_year -= 1900;
    fields.tm_mon -= 1;
    int64_t seconds = (int64_t)timegm(&fields) - zone;
    *time_ns = seconds * 1000000000 + fraction;
    return seconds >= 0 && seconds < SECONDS_MAX;
}

static bool read_epoch(const char *text, int64_t *time_ns) {
    int64_t seconds = 0, fraction;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && seconds < SECONDS_MAX; at++)
        seconds = 10 * seconds + (*at - '0');
    if (at == text || seconds >= SECONDS_MAX || *read_fraction(at, &fraction)) return false;
    *time_ns = seconds * 1000000000 + fraction;
    return true;
}

bool time_text_parse(const char *text, int64_t *time_ns) {
    return read_epoch(text, time_ns) || read_iso(text, time_ns);
}

char *time_text_format(int64_t time_ns, char *text, size_t capacity) {
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm fields;
    if (!gmtime_r(&seconds, &fields) || !strftime(text, capacity, "%Y-%m-%d %H:%M:%S", &fields))
        snprintf(text, capacity, "-");
    return text;
}
