/* Keyed one-for-one replacements of words.
 * Relies on: libcrypto.
 * Relied on by: data/privacy/pseudonyms. */
#include "data/privacy/permuter.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 10,
    BLOCK = 16,
    PIECE = 128,     /* longer words are replaced piece by piece */
    PADDING = 16,    /* as many equal characters and no others name nobody */
    SHORT = 6,       /* shorter ones never stay as they are */
    HEXADECIMAL = 8, /* digits and a .. f of at least this length are taken for hexadecimal */
    ENTRIES = 1 << 12,
    ENTRY_BYTES = 40,
    SUFFIX_DIGITS = 7, /* what prefix probing keeps (data/features/encode) */
    PREFIX_MAX = 5,
    E164_DIGITS = 10, /* as long as this and no zero in front: an international number without its "+" */
};

/* Which permutation: bound to what is replaced. */
typedef enum Domain { DOMAIN_OFFSET, DOMAIN_LETTERS, DOMAIN_DIGITS, DOMAIN_UTF8, DOMAIN_TOKEN } Domain;

typedef struct PermuterEntry {
    uint8_t domain, length; /* 0: unused */
    uint8_t from[ENTRY_BYTES], to[ENTRY_BYTES];
} PermuterEntry;

/* A word as numbers: value[i] < radix[i]. */
typedef struct Word {
    uint32_t length;
    uint8_t value[PIECE], radix[PIECE];
} Word;

/* ---- the network ---- */

static void encrypt(Permuter *p, uint8_t block[BLOCK]) {
    int written = 0;
    if (EVP_EncryptUpdate(p->cipher, block, &written, block, BLOCK) != 1 || written != BLOCK)
        p->failed = true;
}

/* Two bytes of key stream for each of `need` characters, from the values of the other half. */
static void round_stream(Permuter *p, Domain domain, uint32_t round, const uint8_t *values, uint32_t length,
                         uint32_t need, uint8_t stream[2 * PIECE + BLOCK]) {
    uint8_t mac[BLOCK] = {(uint8_t)domain, (uint8_t)round, (uint8_t)length, (uint8_t)need};
    encrypt(p, mac);
    for (uint32_t at = 0; at < length; at++) {
        mac[at % BLOCK] ^= values[at];
        if (at % BLOCK == BLOCK - 1 || at + 1 == length) encrypt(p, mac);
    }
    for (uint32_t part = 0; part * BLOCK < 2 * need; part++) {
        uint8_t block[BLOCK];
        memcpy(block, mac, BLOCK);
        block[0] ^= (uint8_t)part;
        if (part) encrypt(p, block);
        memcpy(stream + (size_t)part * BLOCK, block, BLOCK);
    }
}

static void network(Permuter *p, Domain domain, Word *word, bool backwards) {
    uint8_t stream[2 * PIECE + BLOCK];
    uint32_t half = word->length / 2;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t round = backwards ? ROUNDS - 1 - i : i;
        bool left = round % 2 == 0;
        uint32_t begin = left ? 0 : half, end = left ? half : word->length;
        uint32_t other = left ? half : 0, other_length = word->length - (end - begin);
        round_stream(p, domain, round, word->value + other, other_length, end - begin, stream);
        for (uint32_t c = begin; c < end; c++) {
            uint32_t radix = word->radix[c];
            uint32_t step = ((uint32_t)stream[2 * (c - begin)] << 8 | stream[2 * (c - begin) + 1]) % radix;
            word->value[c] = (uint8_t)((word->value[c] + (backwards ? radix - step : step)) % radix);
        }
    }
}

/* A step between a permutation and its inverse leaves nothing in place. */
static void permute(Permuter *p, Domain domain, Word *word) {
    if (word->length == 0) return;
    network(p, domain, word, false);
    if (word->length >= SHORT) return;
    word->value[0] = (uint8_t)((word->value[0] + 1 + p->step % (word->radix[0] - 1u)) % word->radix[0]);
    network(p, domain, word, true);
}

/* ---- life ---- */

static uint32_t power_of_ten(uint32_t digits) {
    uint32_t power = 1;
    while (digits--)
        power *= 10;
    return power;
}

CoreStatus permuter_init(Permuter *p, const uint8_t key[PERMUTER_KEY_SIZE], CoreError *error) {
    *p = (Permuter){.cipher = EVP_CIPHER_CTX_new(), .known = calloc(ENTRIES, sizeof *p->known)};
    if (!p->cipher || !p->known) {
        permuter_free(p);
        return core_fail(error, CORE_MEMORY, "no memory for a cipher");
    }
    if (EVP_EncryptInit_ex(p->cipher, EVP_aes_256_ecb(), NULL, key, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(p->cipher, 0) != 1)
        p->failed = true;
    uint8_t first[BLOCK] = {DOMAIN_OFFSET};
    if (!p->failed) encrypt(p, first);
    memcpy(&p->step, first, sizeof p->step);
    for (uint32_t digits = 1; !p->failed && digits <= PERMUTER_EXTENSION_DIGITS; digits++) {
        uint8_t block[BLOCK] = {DOMAIN_OFFSET, (uint8_t)digits};
        uint32_t size = 9 * power_of_ten(digits - 1), random;
        encrypt(p, block);
        memcpy(&random, block, sizeof random);
        p->offsets[digits] = 1 + random % (size - 1);
    }
    if (!p->failed) return CORE_OK;
    permuter_free(p);
    return core_fail(error, CORE_UNAVAILABLE, "libcrypto cannot encrypt with AES-256");
}

void permuter_free(Permuter *p) {
    EVP_CIPHER_CTX_free(p->cipher);
    free(p->known);
    p->cipher = NULL;
    p->known = NULL;
}

/* ---- characters ---- */

static bool is_digit(uint8_t c) {
    return (uint8_t)(c - '0') < 10;
}

static bool is_letter(uint8_t c) {
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool is_hexadecimal(const uint8_t *text, uint32_t length) {
    uint32_t letters = 0, digits = 0;
    for (uint32_t i = 0; i < length; i++) {
        if (is_digit(text[i]))
            digits++;
        else if ((uint8_t)((text[i] | 0x20) - 'a') < 6)
            letters++;
        else
            return false;
    }
    return letters && digits && length >= HEXADECIMAL;
}

/* Letters and digits of a word as numbers, and back; the case of each letter stays. */
static void load(const uint8_t *text, uint32_t length, uint8_t letters, Word *word) {
    word->length = length;
    for (uint32_t i = 0; i < length; i++) {
        bool digit = is_digit(text[i]);
        word->value[i] = (uint8_t)(digit ? text[i] - '0' : (text[i] | 0x20) - 'a');
        word->radix[i] = digit ? 10 : letters;
    }
}

static void store(const Word *word, uint8_t *text) {
    for (uint32_t i = 0; i < word->length; i++)
        text[i] =
            (uint8_t)(is_digit(text[i]) ? '0' + word->value[i] : (text[i] & 0x20) + 'A' + word->value[i]);
}

/* ---- what is known ---- */

static PermuterEntry *find_entry(Permuter *p, Domain domain, const uint8_t *text, uint32_t length) {
    uint32_t hash = 2166136261u ^ (uint32_t)domain;
    for (uint32_t i = 0; i < length; i++)
        hash = (hash ^ text[i]) * 16777619u;
    return &p->known[(hash ^ hash >> 15) % ENTRIES];
}

static bool is_entry(const PermuterEntry *entry, Domain domain, const uint8_t *text, uint32_t length) {
    return entry->length == length && entry->domain == domain && memcmp(entry->from, text, length) == 0;
}

/* A piece: once more while something else than hexadecimal has become hexadecimal, so that nothing else
 * becomes the same. */
static void replace_piece(Permuter *p, Domain domain, uint8_t *text, uint32_t length) {
    Word word;
    bool token = domain == DOMAIN_TOKEN, hexadecimal = token && is_hexadecimal(text, length);
    PermuterEntry *entry = length <= ENTRY_BYTES ? find_entry(p, domain, text, length) : NULL;
    if (entry && is_entry(entry, domain, text, length)) {
        memcpy(text, entry->to, length);
        return;
    }
    if (entry) {
        entry->domain = (uint8_t)domain;
        entry->length = (uint8_t)length;
        memcpy(entry->from, text, length);
    }
    load(text, length, hexadecimal ? 6 : 26, &word);
    do {
        permute(p, domain, &word);
        store(&word, text);
    } while (token && !p->failed && is_hexadecimal(text, length) != hexadecimal);
    if (entry) memcpy(entry->to, text, length);
}

static bool is_padding(const uint8_t *text, uint32_t length) {
    return length >= PADDING && memcmp(text, text + 1, length - 1) == 0;
}

static void replace(Permuter *p, Domain domain, uint8_t *text, uint32_t length) {
    if (is_padding(text, length)) return;
    for (uint32_t at = 0; at < length; at += PIECE)
        replace_piece(p, domain, text + at, length - at < PIECE ? length - at : PIECE);
}

/* Of hexadecimal what stays hexadecimal: a piece without letters or digits has its own permutation. */
void permuter_token(Permuter *p, uint8_t *text, uint32_t length) {
    for (uint32_t at = 0, end; at < length; at = end + (end == at)) {
        end = at;
        while (end < length && (is_digit(text[end]) || is_letter(text[end])))
            end++;
        replace(p, DOMAIN_TOKEN, text + at, end - at);
    }
}

/* ---- numbers ---- */

/* Up to six digits: leading zeros stay, the rest is moved along among the numbers of its length. */
static void move_extension(const Permuter *p, uint8_t *digits, uint32_t n) {
    uint32_t number = 0;
    while (n && *digits == '0') {
        digits++;
        n--;
    }
    if (!n) return;
    for (uint32_t i = 0; i < n; i++)
        number = 10 * number + (uint32_t)(digits[i] - '0');
    uint32_t base = power_of_ten(n - 1);
    number = base + (number - base + p->offsets[n]) % (9 * base);
    for (uint32_t i = n; i--; number /= 10)
        digits[i] = (uint8_t)('0' + number % 10);
}

/* Digits of the country code at the begin of an international number (ITU-T E.164, list of assigned codes).
 */
static uint32_t country_digits(const uint8_t *digits, uint32_t n) {
    static const char two[] =
        "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 "
        "61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98";
    if (n < 3) return 0;
    if (digits[0] == '1' || digits[0] == '7') return 1;
    for (const char *code = two; code < two + sizeof two - 1; code += 3)
        if (memcmp(code, digits, 2) == 0) return 2;
    return 3;
}

static bool starts(const uint8_t *digits, uint32_t n, const char *prefix) {
    size_t length = strlen(prefix);
    return n >= length && memcmp(digits, prefix, length) == 0;
}

/* Trunk and country prefix; at least the first digit, and a second one behind a zero, so that no number
 * becomes an international one. */
static uint32_t prefix_digits(const uint8_t *digits, uint32_t n, bool plus) {
    uint32_t outside = digits[0] == '9' && (starts(digits + 1, n - 1, "0")) ? 1 : 0;
    const uint8_t *behind = digits + outside;
    uint32_t left = n - outside, access = starts(behind, left, "011")  ? 3
                                          : starts(behind, left, "00") ? 2
                                                                       : 0;
    uint32_t kept = 1;
    if (plus || access)
        kept = outside + access + country_digits(behind + access, left - access);
    else if (behind[0] == '0')
        kept = outside + 2;
    else if (n >= E164_DIGITS)
        kept = country_digits(digits, n);
    return kept < 1 ? 1 : kept > PREFIX_MAX ? PREFIX_MAX : kept;
}

static void replace_number(Permuter *p, uint8_t *digits, uint32_t n, bool plus) {
    uint32_t kept = prefix_digits(digits, n, plus), rest = n - kept;
    uint32_t middle = rest > SUFFIX_DIGITS ? rest - SUFFIX_DIGITS : 0;
    replace(p, DOMAIN_DIGITS, digits + kept, middle);
    replace(p, DOMAIN_DIGITS, digits + kept + middle, rest - middle);
}

/* ---- names ---- */

/* Length of the UTF-8 sequence (RFC 3629), or 0: none beyond ASCII. */
static uint32_t utf8_length(const uint8_t *text, uint32_t length) {
    uint8_t first = text[0];
    uint32_t n = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (n > length) return 0;
    for (uint32_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    return n;
}

/* Continuation bytes but for the second one of those leads that do not allow all of them there. */
static bool is_free(const uint8_t *sequence, uint32_t i) {
    return i > 1 || (i == 1 && sequence[0] != 0xe0 && sequence[0] != 0xed && sequence[0] != 0xf0 &&
                     sequence[0] != 0xf4);
}

static uint32_t replace_utf8(Permuter *p, uint8_t *text, uint32_t length) {
    Word word = {0};
    uint8_t *places[PIECE];
    uint32_t end = 0, n;
    while (end < length && (n = utf8_length(text + end, length - end)) > 0 && word.length + 4 < PIECE) {
        for (uint32_t i = 1; i < n; i++) {
            if (!is_free(text + end, i)) continue;
            places[word.length] = text + end + i;
            word.value[word.length] = text[end + i] & 0x3f;
            word.radix[word.length++] = 64;
        }
        end += n;
    }
    permute(p, DOMAIN_UTF8, &word);
    for (uint32_t i = 0; i < word.length; i++)
        *places[i] = (uint8_t)(0x80 | word.value[i]);
    return end;
}

/* Letters are replaced without case, so that what differs in case alone still does. */
static void replace_letters(Permuter *p, uint8_t *text, uint32_t length) {
    uint8_t lower[PIECE];
    if (is_padding(text, length)) return;
    for (uint32_t at = 0; at < length; at += PIECE) {
        uint32_t n = length - at < PIECE ? length - at : PIECE;
        for (uint32_t i = 0; i < n; i++)
            lower[i] = text[at + i] | 0x20;
        replace_piece(p, DOMAIN_LETTERS, lower, n);
        for (uint32_t i = 0; i < n; i++)
            text[at + i] = (uint8_t)((lower[i] & ~0x20u) | (text[at + i] & 0x20u));
    }
}

void permuter_name(Permuter *p, uint8_t *text, uint32_t length, bool plus) {
    for (uint32_t at = 0, end; at < length; at = end) {
        end = at + 1;
        if (is_digit(text[at])) {
            while (end < length && is_digit(text[end]))
                end++;
            if (end - at <= PERMUTER_EXTENSION_DIGITS)
                move_extension(p, text + at, end - at);
            else
                replace_number(p, text + at, end - at, at ? text[at - 1] == '+' : plus);
        } else if (is_letter(text[at])) {
            while (end < length && is_letter(text[end]))
                end++;
            replace_letters(p, text + at, end - at);
        } else if (text[at] >= 0x80) {
            uint32_t n = replace_utf8(p, text + at, length - at);
            end = n ? at + n : end;
        }
    }
}
