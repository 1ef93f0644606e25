/* Encrypted files: there and back, and every way of not being what was encrypted.
 * Relies on: data/privacy (keys, sealed), libcrypto, Check.
 * Relied on by: test_privacy.c. */
#include "data/privacy/sealed.h"
#include "tests/privacy/suites.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_AND_TAG = SEALED_CHUNK + 16 };

static CoreError error;
static char folder[64], plain[96], sealed[96], back[96], key_path[96], public_path[96], private_path[96];
static SealedKey key;

static void set_up(void) {
    snprintf(folder, sizeof folder, "/tmp/sipcnn-sealed-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(plain, sizeof plain, "%s/plain", folder);
    snprintf(sealed, sizeof sealed, "%s/sealed", folder);
    snprintf(back, sizeof back, "%s/back", folder);
    snprintf(key_path, sizeof key_path, "%s/key", folder);
    snprintf(public_path, sizeof public_path, "%s/public.pem", folder);
    snprintf(private_path, sizeof private_path, "%s/private.pem", folder);
    ck_assert_int_eq(privacy_key_new(key_path, &error), CORE_OK);
    ck_assert_int_eq(sealed_key_read(key_path, &key, &error), CORE_OK);
}

static void tear_down(void) {
    const char *const paths[] = {plain, sealed, back, key_path, public_path, private_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        unlink(paths[i]);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left */
}

static void write_file(const char *path, const uint8_t *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* The caller frees it. */
static uint8_t *read_file(const char *path, size_t *size) {
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    *size = (size_t)info.st_size;
    uint8_t *bytes = malloc(*size + 1);
    FILE *file = fopen(path, "rb");
    ck_assert(bytes && file);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void make_plain(size_t size) {
    uint8_t *bytes = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    write_file(plain, bytes, size);
    free(bytes);
}

static void make_pair(const char *type) {
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, type);
    FILE *file = fopen(private_path, "w");
    ck_assert(pair && file && PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
    file = fopen(public_path, "w");
    ck_assert(file && PEM_write_PUBKEY(file, pair) == 1);
    fclose(file);
    EVP_PKEY_free(pair);
}

static void check_round_trip(const SealedKey *closing, const SealedKey *opening) {
    size_t a, b;
    ck_assert_msg(sealed_write(plain, sealed, closing, NULL, &error) == CORE_OK, "%s", error.text);
    ck_assert_msg(sealed_read(sealed, back, opening, NULL, &error) == CORE_OK, "%s", error.text);
    uint8_t *before = read_file(plain, &a), *after = read_file(back, &b);
    ck_assert_uint_eq(a, b);
    ck_assert_int_eq(memcmp(before, after, a), 0);
    free(before);
    free(after);
    unlink(back);
}

START_TEST(files_come_back) {
    static const size_t sizes[] = {
        0, 1, 1000, SEALED_CHUNK - 1, SEALED_CHUNK, SEALED_CHUNK + 1, 3 * SEALED_CHUNK};
    make_plain(sizes[_i]);
    check_round_trip(&key, &key);
}
END_TEST

START_TEST(a_recipient_opens_with_the_private_key) {
    SealedKey closing, opening;
    make_pair("X25519");
    ck_assert_int_eq(sealed_key_read(public_path, &closing, &error), CORE_OK);
    ck_assert_int_eq(sealed_key_read(private_path, &opening, &error), CORE_OK);
    make_plain(100000);
    check_round_trip(&closing, &opening);
    ck_assert_int_eq(sealed_read(sealed, back, &closing, NULL, &error), CORE_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "public key"));
    ck_assert_int_eq(sealed_read(sealed, back, &key, NULL, &error), CORE_ARGUMENT);
    make_pair("X25519");
    ck_assert_int_eq(sealed_key_read(private_path, &opening, &error), CORE_OK);
    ck_assert_int_eq(sealed_read(sealed, back, &opening, NULL, &error), CORE_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "another key"));
    make_pair("ED25519");
    ck_assert_int_eq(sealed_key_read(public_path, &closing, &error), CORE_FORMAT);
}
END_TEST

static void must_fail(const uint8_t *bytes, size_t size) {
    write_file(sealed, bytes, size);
    ck_assert_int_ne(sealed_read(sealed, back, &key, NULL, &error), CORE_OK);
    ck_assert_int_ne(error.text[0], 0);
    ck_assert_int_ne(access(back, F_OK), 0);
}

START_TEST(every_flipped_bit_is_found) {
    size_t size;
    make_plain(300);
    ck_assert_int_eq(sealed_write(plain, sealed, &key, NULL, &error), CORE_OK);
    uint8_t *bytes = read_file(sealed, &size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= (uint8_t)(1u << i % 8);
        must_fail(bytes, size);
        bytes[i] ^= (uint8_t)(1u << i % 8);
        must_fail(bytes, i); /* and every cut */
    }
    free(bytes);
}
END_TEST

START_TEST(chunks_cannot_be_moved_or_left_out) {
    size_t size;
    make_plain(3 * (size_t)SEALED_CHUNK);
    ck_assert_int_eq(sealed_write(plain, sealed, &key, NULL, &error), CORE_OK);
    uint8_t *bytes = read_file(sealed, &size);
    ck_assert_uint_eq(size, SEALED_HEADER + 3 * (size_t)CHUNK_AND_TAG);
    must_fail(bytes, SEALED_HEADER + CHUNK_AND_TAG);
    ck_assert_ptr_nonnull(strstr(error.text, "another key, or damaged"));
    must_fail(bytes, SEALED_HEADER + 2 * (size_t)CHUNK_AND_TAG);
    ck_assert_ptr_nonnull(strstr(error.text, "damaged or cut behind byte"));
    uint8_t *moved = malloc(size);
    memcpy(moved, bytes, size);
    memcpy(moved + SEALED_HEADER, bytes + SEALED_HEADER + CHUNK_AND_TAG, CHUNK_AND_TAG);
    memcpy(moved + SEALED_HEADER + CHUNK_AND_TAG, bytes + SEALED_HEADER, CHUNK_AND_TAG);
    must_fail(moved, size);
    free(moved);
    free(bytes);
}
END_TEST

START_TEST(keys_are_private_and_whole) {
    struct stat info;
    uint8_t bytes[PRIVACY_KEY_SIZE + 1] = {0}, read[PRIVACY_KEY_SIZE];
    ck_assert_int_eq(stat(key_path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    ck_assert_int_eq(info.st_size, PRIVACY_KEY_SIZE);
    ck_assert_int_eq(privacy_key_new(key_path, &error), CORE_IO); /* never overwritten */
    write_file(plain, bytes, PRIVACY_KEY_SIZE - 1);
    ck_assert_int_eq(privacy_key_read(plain, read, &error), CORE_FORMAT);
    write_file(plain, bytes, PRIVACY_KEY_SIZE + 1);
    ck_assert_int_eq(privacy_key_read(plain, read, &error), CORE_FORMAT);
    ck_assert_int_eq(privacy_key_read(back, read, &error), CORE_IO);
    ck_assert_int_eq(sealed_write(back, sealed, &key, NULL, &error), CORE_IO);
}
END_TEST

/* RFC 5869, appendix A.1, has a secret of 22 bytes; ours have 32, so: A.3's form, by another implementation
 * (Python's hmac): HKDF-SHA256, 32 bytes of 0x0b, no salt, info "x". */
START_TEST(derivation_is_hkdf) {
    static const uint8_t expected[8] = {0xa9, 0x24, 0x8a, 0x82, 0xa9, 0xdd, 0x22, 0x00};
    uint8_t secret[PRIVACY_KEY_SIZE], derived[42];
    memset(secret, 0x0b, sizeof secret);
    ck_assert_int_eq(privacy_key_derive(secret, NULL, 0, "x", derived, sizeof derived, &error), CORE_OK);
    ck_assert_int_eq(memcmp(derived, expected, sizeof expected), 0);
}
END_TEST

Suite *sealed_suite(void) {
    Suite *suite = suite_create("sealed");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, files_come_back, 0, 7);
    tcase_add_test(tests, a_recipient_opens_with_the_private_key);
    tcase_add_test(tests, every_flipped_bit_is_found);
    tcase_add_test(tests, chunks_cannot_be_moved_or_left_out);
    tcase_add_test(tests, keys_are_private_and_whole);
    tcase_add_test(tests, derivation_is_hkdf);
    suite_add_tcase(suite, tests);
    return suite;
}
