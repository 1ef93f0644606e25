/* Prefix-preserving pseudonyms of addresses: Crypto-PAn (Xu, Fan, Ammar, Moon 2002) with AES-128.
 * Relies on: data/wire/message.h, libcrypto.
 * Relied on by: data/privacy/pseudonyms. */
#ifndef SIPCNN_PRIVACY_CRYPTOPAN_H
#define SIPCNN_PRIVACY_CRYPTOPAN_H

#include "data/wire/message.h"
#include "engine/core/status.h"

enum { CRYPTOPAN_KEY_SIZE = 32, CRYPTOPAN_BLOCK = 16 };

struct evp_cipher_ctx_st; /* libcrypto's EVP_CIPHER_CTX */

/* One thread at a time. */
typedef struct CryptoPan {
    struct evp_cipher_ctx_st *cipher;
    uint8_t pad[CRYPTOPAN_BLOCK];
    bool failed; /* libcrypto refused once: what came since means nothing */
} CryptoPan;

/* Key as the published scheme has it: 16 bytes for AES, 16 that are encrypted to the padding. Free with
 * cryptopan_free. CORE_UNAVAILABLE, CORE_MEMORY. */
CORE_NODISCARD CoreStatus cryptopan_init(CryptoPan *pan, const uint8_t key[CRYPTOPAN_KEY_SIZE],
                                         CoreError *error);
void cryptopan_free(CryptoPan *pan);

/* Replaces the first `bits` bits of `address` (at most 128, a multiple of 8): two addresses that share k
 * leading bits share k leading bits afterwards, and no more. */
void cryptopan_bits(CryptoPan *pan, uint8_t *address, uint32_t bits);

/* Replaces an IPv4 address (mapped) or IPv6 address; its port stays. 0.0.0.0 stays, because it has a meaning
 * (a call on hold); the one address in 2^32 that would have become it takes its place. Of IPv6, zeros in
 * front of each group of 16 bits and the first one behind them stay, so that text keeps its length ("::1" is
 * nobody's name) and an IPv6 address never becomes another kind of address; it is prefix-preserving all the
 * same. */
void cryptopan_address(CryptoPan *pan, WireAddress *address);

#endif
