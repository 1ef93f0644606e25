/* Encrypted files.
 * Relies on: data/privacy/keys.h, data/dataset/temporary.h, libcrypto.
 * Relied on by: tools/data. */
#include "data/privacy/sealed.h"

#include "data/dataset/temporary.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MAGIC = 8,
    SALT = 32,
    POINT = 32,
    TAG = 16,
    NONCE = 12,
    KIND_AT = 8,
    CHUNK_AT = 12,
    SALT_AT = 16,
    POINT_AT = 48
};

static const uint8_t magic[MAGIC] = {'S', 'I', 'P', 'C', 'N', 'N', 'E', '1'};

/* A file on its way through the cipher. */
typedef struct Stream {
    const char *from;
    FILE *in, *out;
    bool sealing;
    EVP_CIPHER_CTX *cipher;
    uint8_t header[SEALED_HEADER];
    uint8_t file_key[PRIVACY_KEY_SIZE];
    uint8_t *plain, *sealed; /* SEALED_CHUNK and as much with a tag */
    uint64_t number, done, size;
    const DatasetProgress *progress;
    CoreError *error;
} Stream;

/* ---- keys ---- */

/* Nobody is asked for a passphrase by a library. */
static int no_passphrase(char *text, int size, int writing, void *user) {
    (void)text, (void)size, (void)writing, (void)user;
    return -1;
}

static CoreStatus read_pem(const char *path, FILE *file, SealedKey *key, CoreError *error) {
    size_t size = POINT, secret = POINT;
    EVP_PKEY *pair = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
    key->can_open = pair != NULL;
    if (!pair) {
        rewind(file);
        pair = PEM_read_PUBKEY(file, NULL, no_passphrase, NULL);
    }
    bool fits = pair && EVP_PKEY_is_a(pair, "X25519") &&
                EVP_PKEY_get_raw_public_key(pair, key->recipient, &size) == 1 && size == POINT;
    if (fits && key->can_open)
        fits = EVP_PKEY_get_raw_private_key(pair, key->secret, &secret) == 1 && secret == POINT;
    EVP_PKEY_free(pair);
    key->kind = SEALED_X25519;
    if (fits) return CORE_OK;
    return core_fail(error, CORE_FORMAT, "%s: no X25519 key in PEM without a passphrase", path);
}

CoreStatus sealed_key_read(const char *path, SealedKey *key, CoreError *error) {
    static const char begin[] = "-----BEGIN";
    char start[sizeof begin] = "";
    *key = (SealedKey){.kind = SEALED_KEY_FILE, .can_open = true};
    FILE *file = fopen(path, "rb");
    if (!file) return core_fail(error, CORE_IO, "%s: cannot read: %s", path, strerror(errno));
    size_t got = fread(start, 1, sizeof begin - 1, file);
    rewind(file);
    bool pem = got == sizeof begin - 1 && memcmp(start, begin, got) == 0;
    CoreStatus status = pem ? read_pem(path, file, key, error) : privacy_key_read(path, key->secret, error);
    fclose(file);
    return status;
}

static CoreStatus unavailable(CoreError *error) {
    return core_fail(error, CORE_UNAVAILABLE, "libcrypto cannot do X25519 or AES-256-GCM");
}

/* The X25519 secret of a private and a public key. */
static bool agree(EVP_PKEY *own, const uint8_t other[POINT], uint8_t shared[POINT]) {
    size_t size = POINT;
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, other, POINT);
    EVP_PKEY_CTX *context = own && peer ? EVP_PKEY_CTX_new(own, NULL) : NULL;
    bool agreed = context && EVP_PKEY_derive_init(context) == 1 &&
                  EVP_PKEY_derive_set_peer(context, peer) == 1 &&
                  EVP_PKEY_derive(context, shared, &size) == 1 && size == POINT;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    return agreed;
}

/* The pair that agrees with the recipient's: made for this file, or the recipient's own. */
static bool share(Stream *s, const SealedKey *key, uint8_t shared[POINT]) {
    size_t size = POINT;
    EVP_PKEY *own = s->sealing ? EVP_PKEY_Q_keygen(NULL, NULL, "X25519")
                               : EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, key->secret, POINT);
    bool ready = own != NULL;
    if (ready && s->sealing)
        ready = EVP_PKEY_get_raw_public_key(own, s->header + POINT_AT, &size) == 1 && size == POINT;
    bool agreed = ready && agree(own, s->sealing ? key->recipient : s->header + POINT_AT, shared);
    EVP_PKEY_free(own);
    return agreed;
}

/* s->file_key of the header and the key; in sealing, the header's own key too. */
static CoreStatus derive_key(Stream *s, const SealedKey *key) {
    uint8_t shared[POINT], salt[SALT + 2 * POINT];
    if (key->kind == SEALED_KEY_FILE)
        return privacy_key_derive(key->secret, s->header + SALT_AT, SALT, "sipcnn sealed key file 1",
                                  s->file_key, sizeof s->file_key, s->error);
    if (!share(s, key, shared)) {
        if (s->sealing) return unavailable(s->error);
        return core_fail(s->error, CORE_FORMAT, "%s: damaged: no X25519 key in its header", s->from);
    }
    memcpy(salt, s->header + SALT_AT, SALT);
    memcpy(salt + SALT, s->header + POINT_AT, POINT);
    memcpy(salt + SALT + POINT, key->recipient, POINT);
    CoreStatus status = privacy_key_derive(shared, salt, sizeof salt, "sipcnn sealed x25519 1", s->file_key,
                                           sizeof s->file_key, s->error);
    OPENSSL_cleanse(shared, sizeof shared);
    return status;
}

/* ---- chunks ---- */

static bool start_chunk(Stream *s, bool last) {
    uint8_t nonce[NONCE] = {0};
    int ignored;
    for (int i = 0; i < 8; i++)
        nonce[3 + i] = (uint8_t)(s->number >> (56 - 8 * i));
    nonce[NONCE - 1] = last;
    s->number++;
    return EVP_CipherInit_ex(s->cipher, EVP_aes_256_gcm(), NULL, s->file_key, nonce, s->sealing) == 1 &&
           EVP_CipherUpdate(s->cipher, NULL, &ignored, s->header, SEALED_HEADER) == 1;
}

/* `size` plain bytes to as many and a tag. */
static bool seal_chunk(Stream *s, size_t size, bool last) {
    int written = 0, rest = 0;
    return start_chunk(s, last) &&
           EVP_EncryptUpdate(s->cipher, s->sealed, &written, s->plain, (int)size) == 1 &&
           (size_t)written == size && EVP_EncryptFinal_ex(s->cipher, s->sealed + written, &rest) == 1 &&
           EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_GCM_GET_TAG, TAG, s->sealed + size) == 1;
}

static bool open_chunk(Stream *s, size_t size, bool last) {
    int written = 0, rest = 0;
    return start_chunk(s, last) &&
           EVP_DecryptUpdate(s->cipher, s->plain, &written, s->sealed, (int)size) == 1 &&
           (size_t)written == size &&
           EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_GCM_SET_TAG, TAG, s->sealed + size) == 1 &&
           EVP_DecryptFinal_ex(s->cipher, s->plain + written, &rest) == 1;
}

static CoreStatus cannot_open(const Stream *s) {
    if (s->number <= 1)
        return core_fail(s->error, CORE_FORMAT, "%s: another key, or damaged near its begin", s->from);
    return core_fail(s->error, CORE_FORMAT, "%s: damaged or cut behind byte %llu", s->from,
                     (unsigned long long)(SEALED_HEADER + (s->number - 1) * (SEALED_CHUNK + TAG)));
}

/* One chunk from in to out; *last: it was the last. */
static CoreStatus pass_chunk(Stream *s, bool *last) {
    size_t extra = s->sealing ? 0 : TAG, room = SEALED_CHUNK + extra;
    size_t got = fread(s->sealing ? s->plain : s->sealed, 1, room, s->in);
    int next = got == room ? getc(s->in) : EOF;
    *last = next == EOF;
    if (next != EOF) ungetc(next, s->in);
    if (ferror(s->in)) return core_fail(s->error, CORE_IO, "%s: cannot read: %s", s->from, strerror(errno));
    if (got < extra) {
        s->number++;
        return cannot_open(s);
    }
    if (s->sealing && !seal_chunk(s, got, *last)) return unavailable(s->error);
    if (!s->sealing && !open_chunk(s, got - extra, *last)) return cannot_open(s);
    size_t size = s->sealing ? got + TAG : got - extra;
    if (fwrite(s->sealing ? s->sealed : s->plain, 1, size, s->out) != size)
        return core_fail(s->error, CORE_IO, "cannot write: %s", strerror(errno));
    s->done += got;
    if (dataset_progress(s->progress, s->done, s->size)) return CORE_OK;
    return core_fail(s->error, CORE_INTERRUPTED, "interrupted");
}

/* ---- the header ---- */

static CoreStatus write_header(Stream *s, const SealedKey *key) {
    memcpy(s->header, magic, MAGIC);
    s->header[KIND_AT] = (uint8_t)key->kind;
    for (int i = 0; i < 4; i++)
        s->header[CHUNK_AT + i] = (uint8_t)((uint32_t)SEALED_CHUNK >> 8 * i);
    if (RAND_bytes(s->header + SALT_AT, SALT) != 1) return unavailable(s->error);
    CoreStatus status = derive_key(s, key);
    if (status == CORE_OK && fwrite(s->header, 1, SEALED_HEADER, s->out) != SEALED_HEADER)
        status = core_fail(s->error, CORE_IO, "cannot write: %s", strerror(errno));
    return status;
}

static CoreStatus read_header(Stream *s, const SealedKey *key) {
    static const char *const kinds[] = {"", "a key file", "an X25519 key"};
    static const uint8_t rest[] = {0, 0, 0, 0, 0, SEALED_CHUNK >> 16, 0};
    size_t got = fread(s->header, 1, SEALED_HEADER, s->in);
    uint8_t kind = s->header[KIND_AT];
    if (got < MAGIC || memcmp(s->header, magic, MAGIC) != 0)
        return core_fail(s->error, CORE_FORMAT, "%s: not a file that sipcnn-data encrypted", s->from);
    if (got < SEALED_HEADER || (kind != SEALED_KEY_FILE && kind != SEALED_X25519) ||
        memcmp(s->header + KIND_AT + 1, rest, sizeof rest) != 0)
        return core_fail(s->error, CORE_FORMAT, "%s: damaged or cut within its header", s->from);
    if (kind != key->kind)
        return core_fail(s->error, CORE_ARGUMENT, "%s: it was encrypted with %s, this is %s", s->from,
                         kinds[kind], kinds[key->kind]);
    if (!key->can_open)
        return core_fail(s->error, CORE_ARGUMENT, "%s: a public key cannot decrypt it", s->from);
    return derive_key(s, key);
}

/* ---- files ---- */

static CoreStatus pass(Stream *s, const SealedKey *key) {
    bool last = false;
    CoreStatus status = s->sealing ? write_header(s, key) : read_header(s, key);
    while (status == CORE_OK && !last)
        status = pass_chunk(s, &last);
    return status;
}

static CoreStatus pass_files(Stream *s, const char *from, const char *to, const SealedKey *key) {
    char *temporary;
    struct stat info;
    s->in = fopen(from, "rb");
    if (!s->in) return core_fail(s->error, CORE_IO, "%s: cannot read: %s", from, strerror(errno));
    if (fstat(fileno(s->in), &info) == 0 && info.st_size > 0) s->size = (uint64_t)info.st_size;
    CoreStatus status = temporary_create(to, &temporary, s->error);
    if (status != CORE_OK) return status;
    s->out = fopen(temporary, "wb");
    status = s->out ? pass(s, key) : core_fail(s->error, CORE_IO, "cannot write: %s", strerror(errno));
    if (s->out && fclose(s->out) != 0 && status == CORE_OK)
        status = core_fail(s->error, CORE_IO, "cannot write: %s", strerror(errno));
    s->out = NULL;
    if (status == CORE_OK) return temporary_commit(temporary, to, true, s->error);
    temporary_discard(temporary);
    if (status == CORE_IO && s->in && !ferror(s->in)) core_fail_context(s->error, status, "%s", to);
    return status;
}

static CoreStatus run(const char *from, const char *to, const SealedKey *key, bool sealing,
                      const DatasetProgress *progress, CoreError *error) {
    Stream s = {.from = from, .sealing = sealing, .progress = progress, .error = error};
    s.cipher = EVP_CIPHER_CTX_new();
    s.plain = malloc(SEALED_CHUNK);
    s.sealed = malloc(SEALED_CHUNK + TAG);
    CoreStatus status = s.cipher && s.plain && s.sealed
                            ? pass_files(&s, from, to, key)
                            : core_fail(error, CORE_MEMORY, "no memory for a chunk of a file");
    if (s.in) fclose(s.in);
    if (s.plain) OPENSSL_cleanse(s.plain, SEALED_CHUNK);
    OPENSSL_cleanse(s.file_key, sizeof s.file_key);
    free(s.plain);
    free(s.sealed);
    EVP_CIPHER_CTX_free(s.cipher);
    return status;
}

CoreStatus sealed_write(const char *from, const char *to, const SealedKey *key,
                        const DatasetProgress *progress, CoreError *error) {
    return run(from, to, key, true, progress, error);
}

CoreStatus sealed_read(const char *from, const char *to, const SealedKey *key,
                       const DatasetProgress *progress, CoreError *error) {
    return run(from, to, key, false, progress, error);
}
