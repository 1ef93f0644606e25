/* Other names for the same parties.
 * Relies on: data/dataset/random.h.
 * Relied on by: augment.c. */
#include "data/dataset/disguise.h"

#include "data/dataset/random.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { USER_MAX = 64, NUMBER_DIGITS_CHANGED = 4, GROUP_DIGITS = 4 };

/* ---- maps ---- */

/* A random order of map[low .. high]. */
static void shuffle(uint64_t *random, uint8_t *map, uint32_t low, uint32_t high) {
    for (uint32_t i = high; i > low; i--) {
        uint32_t other = low + (uint32_t)(random_unit(random) * (i - low + 1));
        uint8_t value = map[i];
        map[i] = map[other];
        map[other] = value;
    }
}

static void identity(uint8_t *map, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        map[i] = (uint8_t)i;
}

void disguise_draw(uint64_t seed, Disguise *disguise) {
    uint64_t random = seed;
    for (int octet = 0; octet < 4; octet++) {
        identity(disguise->octets[octet], 256);
        shuffle(&random, disguise->octets[octet], 1, 9);
        shuffle(&random, disguise->octets[octet], 10, 99);
        shuffle(&random, disguise->octets[octet], 100, 255);
    }
    identity(disguise->nibbles, 16);
    shuffle(&random, disguise->nibbles, 1, 15);
    identity(disguise->letters, 26);
    shuffle(&random, disguise->letters, 0, 25);
    identity(disguise->digits, 10);
    shuffle(&random, disguise->digits, 0, 9);
}

/* ---- addresses ---- */

void disguise_address(const Disguise *disguise, WireAddress *address) {
    if (wire_is_ipv4(address)) {
        for (int i = 0; i < 4; i++)
            address->ip[12 + i] = disguise->octets[i][address->ip[12 + i]];
        return;
    }
    for (int i = 0; i < 16; i++)
        address->ip[i] =
            (uint8_t)(disguise->nibbles[address->ip[i] >> 4] << 4 | disguise->nibbles[address->ip[i] & 15]);
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

/* A decimal octet at bytes[*at] without leading zeros; moves *at behind it. */
static bool read_octet(const uint8_t *bytes, uint32_t length, uint32_t *at, uint32_t *value) {
    uint32_t begin = *at;
    *value = 0;
    while (*at < length && is_digit(bytes[*at]) && *at - begin < 4)
        *value = 10 * *value + (uint32_t)(bytes[(*at)++] - '0');
    uint32_t digits = *at - begin;
    return digits > 0 && digits < 4 && *value < 256 && (digits == 1 || bytes[begin] != '0');
}

static void write_octet(uint8_t *bytes, uint32_t end, uint32_t value) {
    do {
        bytes[--end] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value);
}

/* An IPv4 address that begins at `at` is replaced; returns the position behind it, or `at` if there is none.
 */
static uint32_t disguise_ipv4(const Disguise *disguise, uint8_t *bytes, uint32_t length, uint32_t at) {
    uint32_t values[4], ends[4], position = at;
    for (int i = 0; i < 4; i++) {
        if (i && (position >= length || bytes[position++] != '.')) return at;
        if (!read_octet(bytes, length, &position, &values[i])) return at;
        ends[i] = position;
    }
    if (position < length && is_digit(bytes[position])) return at;
    if (position + 1 < length && bytes[position] == '.' && is_digit(bytes[position + 1])) return at;
    for (int i = 0; i < 4; i++)
        write_octet(bytes, ends[i], disguise->octets[i][values[i]]);
    return position;
}

static int nibble_of(uint8_t byte) {
    if (is_digit(byte)) return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
    return -1;
}

/* Length of what may be an IPv6 address at `at`: groups of at most four hexadecimal digits and two colons or
 * more; 0: it is none. */
static uint32_t ipv6_length(const uint8_t *bytes, uint32_t length, uint32_t at) {
    uint32_t end = at, colons = 0, group = 0;
    bool pair = false;
    for (; end < length && (bytes[end] == ':' || nibble_of(bytes[end]) >= 0); end++) {
        bool colon = bytes[end] == ':';
        pair |= colon && end > at && bytes[end - 1] == ':';
        colons += colon;
        group = colon ? 0 : group + 1;
        if (group > GROUP_DIGITS) return 0;
    }
    bool bracket = at && bytes[at - 1] == '[', sdp = at >= 4 && memcmp(bytes + at - 4, "IP6 ", 4) == 0;
    return colons >= 2 && (pair || bracket || sdp) ? end - at : 0;
}

static uint32_t disguise_ipv6(const Disguise *disguise, uint8_t *bytes, uint32_t length, uint32_t at) {
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    uint32_t end = at + ipv6_length(bytes, length, at);
    bool capitals = false;
    for (uint32_t i = at; i < end; i++)
        capitals |= bytes[i] >= 'A' && bytes[i] <= 'F';
    for (uint32_t i = at; i < end; i++)
        if (bytes[i] != ':')
            bytes[i] = (uint8_t)(capitals ? upper : lower)[disguise->nibbles[nibble_of(bytes[i])]];
    return end;
}

/* ---- users ---- */

/* Length of the user part at `at`, or 0 if it holds other bytes than a plain name or number, or is too long.
 */
static uint32_t user_length(const uint8_t *bytes, uint32_t length, uint32_t at, char end) {
    uint32_t n = 0;
    while (at + n < length && n <= USER_MAX && bytes[at + n] &&
           (isalnum(bytes[at + n]) || strchr("._+-", bytes[at + n])))
        n++;
    if (n > USER_MAX) return 0;
    if (end && (at + n >= length || bytes[at + n] != (uint8_t)end)) return 0;
    return n;
}

/* The same text gives the same text. */
static void disguise_user(const Disguise *disguise, uint8_t *user, uint32_t length) {
    uint32_t digits = 0, letters = 0;
    for (uint32_t i = 0; i < length; i++) {
        digits += is_digit(user[i]);
        letters += isalpha(user[i]) != 0;
    }
    uint32_t changed = letters                          ? digits
                       : digits > NUMBER_DIGITS_CHANGED ? NUMBER_DIGITS_CHANGED
                       : digits                         ? digits - 1
                                                        : 0;
    uint32_t kept = digits - changed;
    for (uint32_t i = 0; i < length; i++) {
        if (is_digit(user[i])) {
            if (kept)
                kept--;
            else
                user[i] = (uint8_t)('0' + disguise->digits[user[i] - '0']);
        } else if (isalpha(user[i])) {
            uint8_t first = isupper(user[i]) ? 'A' : 'a';
            user[i] = (uint8_t)(first + disguise->letters[user[i] - first]);
        }
    }
}

/* A user part that a URI scheme or username=" at `at` announces; returns the position behind what was read.
 */
static uint32_t disguise_announced_user(const Disguise *disguise, uint8_t *bytes, uint32_t length,
                                        uint32_t at) {
    static const struct {
        const char *text;
        char end; /* 0: the number ends where it ends */
    } marks[] = {{"sip:", '@'}, {"sips:", '@'}, {"tel:", 0}, {"username=\"", '"'}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        uint32_t n = (uint32_t)strlen(marks[i].text);
        if (n > length - at || strncasecmp((const char *)bytes + at, marks[i].text, n) != 0) continue;
        uint32_t user = user_length(bytes, length, at + n, marks[i].end);
        disguise_user(disguise, bytes + at + n, user);
        return at + n + user;
    }
    return at;
}

void disguise_text(const Disguise *disguise, uint8_t *bytes, uint32_t length) {
    uint32_t at = 0;
    while (at < length) {
        uint8_t byte = bytes[at];
        bool begins = !at || !(isalnum(bytes[at - 1]) || bytes[at - 1] == '.');
        uint32_t next = at;
        if (byte == 's' || byte == 't' || byte == 'u' || byte == 'S' || byte == 'T' || byte == 'U')
            next = disguise_announced_user(disguise, bytes, length, at);
        else if (is_digit(byte) && (!at || (!is_digit(bytes[at - 1]) && bytes[at - 1] != '.')))
            next = disguise_ipv4(disguise, bytes, length, at);
        if (next == at && begins && (byte == ':' || nibble_of(byte) >= 0) && (!at || bytes[at - 1] != ':'))
            next = disguise_ipv6(disguise, bytes, length, at);
        at = next > at ? next : at + 1;
    }
}
