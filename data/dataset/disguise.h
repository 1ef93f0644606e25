/* Other names for the same parties: addresses and user parts of a capture replaced one for one, length for
 * length, the same wherever they stand, so that every relation between messages stays.
 * Relies on: data/wire/message.h.
 * Relied on by: augment.c. Internal to data/dataset. For privacy this is far too weak: pseudonymise is for
 * that. */
#ifndef SIPCNN_DATASET_DISGUISE_H
#define SIPCNN_DATASET_DISGUISE_H

#include "data/wire/message.h"

/* One-for-one maps: of each octet of an IPv4 address among those with as many digits, of hexadecimal digits
 * (0 stays) for IPv6, of letters and of digits in user parts. */
typedef struct Disguise {
    uint8_t octets[4][256];
    uint8_t nibbles[16];
    uint8_t letters[26];
    uint8_t digits[10];
} Disguise;

/* Draws the maps. Pure. */
void disguise_draw(uint64_t seed, Disguise *disguise);

/* Replaces the address; the port and 0.0.0.0 stay. */
void disguise_address(const Disguise *disguise, WireAddress *address);

/* Replaces, in place, IPv4 addresses, IPv6 addresses in brackets, behind "IP6 " or with "::", user parts of
 * sip:, sips: and tel: URIs, and digest user names. User parts with other bytes than letters, digits and ._+-
 * stay (they may be an attack), as do the first digits of numbers: all but the last four, and at least one.
 */
void disguise_text(const Disguise *disguise, uint8_t *bytes, uint32_t length);

#endif
