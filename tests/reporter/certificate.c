/* Certificates for the TLS tests, made afresh for each run.
 * Relies on: libcrypto.
 * Relied on by: tests/reporter. */
#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tests/reporter/fake_collector.h"

static X509 *sign_certificate(EVP_PKEY *key, const char *name) {
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);
    ck_assert_ptr_nonnull(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    return certificate;
}

static char *take_text(BIO *memory) {
    char *bytes = NULL;
    long length = BIO_get_mem_data(memory, &bytes);
    char *text = strndup(bytes, (size_t)length);
    BIO_free(memory);
    return text;
}

void make_certificate(const char *name, const char *path, char **certificate, char **key) {
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *made = sign_certificate(pair, name);
    BIO *certificate_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_X509(certificate_text, made), 1);
    ck_assert_int_eq(PEM_write_bio_PrivateKey(key_text, pair, NULL, NULL, 0, NULL, NULL), 1);
    *certificate = take_text(certificate_text);
    *key = take_text(key_text);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(*certificate, file);
    fclose(file);
    X509_free(made);
    EVP_PKEY_free(pair);
}
