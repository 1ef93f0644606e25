/* Prefix-preserving pseudonyms of addresses.
 * Relies on: libcrypto.
 * Relied on by: data/privacy/pseudonyms. */
#include "data/privacy/cryptopan.h"

#include <openssl/evp.h>

enum { BITS_MAX = 128 };

static void encrypt(CryptoPan *pan, uint8_t *blocks, int size) {
    int written = 0;
    if (EVP_EncryptUpdate(pan->cipher, blocks, &written, blocks, size) != 1 || written != size)
        pan->failed = true;
}

CoreStatus cryptopan_init(CryptoPan *pan, const uint8_t key[CRYPTOPAN_KEY_SIZE], CoreError *error) {
    *pan = (CryptoPan){.cipher = EVP_CIPHER_CTX_new()};
    if (!pan->cipher) return core_fail(error, CORE_MEMORY, "no memory for a cipher");
    if (EVP_EncryptInit_ex(pan->cipher, EVP_aes_128_ecb(), NULL, key, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(pan->cipher, 0) != 1)
        pan->failed = true;
    memcpy(pan->pad, key + CRYPTOPAN_BLOCK, CRYPTOPAN_BLOCK);
    if (!pan->failed) encrypt(pan, pan->pad, CRYPTOPAN_BLOCK);
    if (!pan->failed) return CORE_OK;
    cryptopan_free(pan);
    return core_fail(error, CORE_UNAVAILABLE, "libcrypto cannot encrypt with AES-128");
}

void cryptopan_free(CryptoPan *pan) {
    EVP_CIPHER_CTX_free(pan->cipher);
    pan->cipher = NULL;
}

/* Bits that are flipped by what stands before them. */
static void flips(CryptoPan *pan, const uint8_t *address, uint32_t bits, uint8_t *flipped) {
    uint8_t blocks[BITS_MAX][CRYPTOPAN_BLOCK];
    for (uint32_t bit = 0; bit < bits; bit++) {
        uint32_t whole = bit / 8, rest = bit % 8;
        memcpy(blocks[bit], pan->pad, CRYPTOPAN_BLOCK);
        memcpy(blocks[bit], address, whole);
        uint8_t mask = (uint8_t)(0xff00u >> rest);
        blocks[bit][whole] = (uint8_t)((address[whole] & mask) | (pan->pad[whole] & (uint8_t)~mask));
    }
    encrypt(pan, blocks[0], (int)(bits * CRYPTOPAN_BLOCK));
    memset(flipped, 0, bits / 8);
    for (uint32_t bit = 0; bit < bits; bit++)
        flipped[bit / 8] |= (uint8_t)((blocks[bit][0] >> 7) << (7 - bit % 8));
}

void cryptopan_bits(CryptoPan *pan, uint8_t *address, uint32_t bits) {
    uint8_t flipped[BITS_MAX / 8];
    flips(pan, address, bits, flipped);
    for (uint32_t i = 0; i < bits / 8; i++)
        address[i] ^= flipped[i];
}

/* In each group of 16 bits only what stands behind the first one: whether a bit is flipped still depends on
 * the bits before it alone, so it is prefix-preserving, and a group has as many digits as before. */
static void change_v6(CryptoPan *pan, uint8_t ip[16]) {
    uint8_t flipped[16];
    flips(pan, ip, BITS_MAX, flipped);
    for (uint32_t i = 0; i < 16; i += 2) {
        uint32_t group = (uint32_t)ip[i] << 8 | ip[i + 1], behind = group;
        for (uint32_t shift = 1; shift < 16; shift *= 2)
            behind |= behind >> shift;
        group ^= ((uint32_t)flipped[i] << 8 | flipped[i + 1]) & (behind >> 1);
        ip[i] = (uint8_t)(group >> 8);
        ip[i + 1] = (uint8_t)group;
    }
}

void cryptopan_address(CryptoPan *pan, WireAddress *address) {
    static const uint8_t none[4] = {0};
    uint8_t *v4 = address->ip + 12;
    if (!wire_is_ipv4(address)) {
        change_v6(pan, address->ip);
        return;
    }
    if (memcmp(v4, none, sizeof none) == 0) return;
    cryptopan_bits(pan, v4, 32);
    if (memcmp(v4, none, sizeof none) == 0) cryptopan_bits(pan, v4, 32);
}
