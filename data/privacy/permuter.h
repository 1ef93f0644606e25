/* Keyed one-for-one replacements of words: same length, same class of every character.
 * Relies on: engine/core, libcrypto.
 * Relied on by: data/privacy/pseudonyms. */
#ifndef SIPCNN_PRIVACY_PERMUTER_H
#define SIPCNN_PRIVACY_PERMUTER_H

#include "engine/core/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { PERMUTER_KEY_SIZE = 32, PERMUTER_EXTENSION_DIGITS = 6 };

struct evp_cipher_ctx_st;

/* A Feistel network of ten rounds over the characters' values, each added modulo the size of its class, with
 * a CBC-MAC of AES-256 as round function: the construction of FF1 (NIST SP 800-38G) in mixed radix. So two
 * words never become the same one. Words below six characters never stay as they are. A domain as small as
 * three digits cannot hide what somebody knows that saw some of its pairs. One thread at a time. */
typedef struct Permuter {
    struct evp_cipher_ctx_st *cipher;
    uint32_t offsets[PERMUTER_EXTENSION_DIGITS + 1]; /* added to numbers of so many digits */
    uint32_t step;                                   /* that keeps short words from staying */
    struct PermuterEntry *known;                     /* what was asked lately */
    bool failed; /* libcrypto refused once: what came since means nothing */
} Permuter;

/* Free with permuter_free. CORE_UNAVAILABLE, CORE_MEMORY. */
CORE_NODISCARD CoreStatus permuter_init(Permuter *permuter, const uint8_t key[PERMUTER_KEY_SIZE],
                                        CoreError *error);
void permuter_free(Permuter *permuter);

/* A name: runs of letters, of digits and of UTF-8 characters beyond ASCII, each replaced by itself, so that
 * "Alice" and "alice7" keep what they have in common; letters without case. Runs of up to six digits have a
 * secret number added (the same for all of one length; leading zeros and the number of digits stay), so that
 * consecutive extensions stay consecutive, but for the place where the numbers wrap. Longer runs are
 * numbers to dial: trunk and country prefix stay, at most five digits (`plus`: a '+' stands before the text),
 * and the last seven digits are replaced by themselves, whatever stands in front of them. Other bytes stay,
 * and so do sixteen or more equal characters that are all there is. In place. */
void permuter_name(Permuter *permuter, uint8_t *text, uint32_t length, bool plus);

/* A token (letters and digits as they come): replaced as a whole; hexadecimal stays hexadecimal. Other bytes
 * stay, and are not looked at. In place. */
void permuter_token(Permuter *permuter, uint8_t *text, uint32_t length);

#endif
