/* sipcnn-data encrypt and decrypt: files that only the owner of a key can read.
 * Relies on: data/privacy/sealed.h, tools/data/console.h.
 * Relied on by: tools/data/main. */
#include "data/privacy/sealed.h"
#include "tools/data/command.h"
#include "tools/data/console.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char encrypt_help[] =
    "usage: sipcnn-data encrypt FILE --output FILE --key KEY\n"
    "\n"
    "Encrypts any file with AES-256-GCM. Changes, cuts and other keys are found when it is decrypted.\n"
    "\n"
    "  --output FILE   the encrypted file; written whole or not at all\n"
    "  --key KEY       a file of 32 random bytes (sipcnn-data pseudonymise --new-key makes one; not the one "
    "that\n"
    "                  pseudonyms are made with, which nobody else should have), or a recipient's X25519 "
    "public\n"
    "                  key in PEM\n"
    "  --progress      a progress line even if stderr is no terminal\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data encrypt share.h5 --key transfer.key --output share.h5.enc\n"
    "  openssl genpkey -algorithm X25519 -out mine.pem; openssl pkey -in mine.pem -pubout -out "
    "mine-public.pem\n"
    "  sipcnn-data encrypt share.h5 --key mine-public.pem --output share.h5.enc\n";

static const char decrypt_help[] =
    "usage: sipcnn-data decrypt FILE --output FILE --key KEY\n"
    "\n"
    "Decrypts what sipcnn-data encrypt or pseudonymise --encrypt made. If it was changed or cut, or the key "
    "is\n"
    "another one, nothing is written.\n"
    "\n"
    "  --output FILE   the file; written whole or not at all\n"
    "  --key KEY       the key file, or the X25519 private key in PEM (without a passphrase)\n"
    "  --progress      a progress line even if stderr is no terminal\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  sipcnn-data decrypt share.h5.enc --key transfer.key --output share.h5\n"
    "  sipcnn-data decrypt share.h5.enc --key mine.pem --output share.h5\n";

typedef struct Arguments {
    const char *input, *output, *key;
    bool progress;
} Arguments;

/* -1: go on; else the exit status. */
static int parse(int count, char **words, const char *help, Arguments *a) {
    static const struct option known[] = {{"output", required_argument, NULL, 'o'},
                                          {"key", required_argument, NULL, 'k'},
                                          {"progress", no_argument, NULL, 'p'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    *a = (Arguments){0};
    while ((option = getopt_long(count, words, "h", known, NULL)) != -1) {
        switch (option) {
        case 'o': a->output = optarg; break;
        case 'k': a->key = optarg; break;
        case 'p': a->progress = true; break;
        case 'h': fputs(help, stdout); return EXIT_SUCCESS;
        default: return EXIT_USAGE;
        }
    }
    if (!a->output) return console_usage("%s: --output is missing", words[0]);
    if (!a->key) return console_usage("%s: --key is missing", words[0]);
    if (optind == count) return console_usage("%s: no file given", words[0]);
    if (optind + 1 < count)
        return console_usage("%s: one file at a time, not also '%s'", words[0], words[optind + 1]);
    a->input = words[optind];
    return -1;
}

static int run(int count, char **words, const char *help,
               CoreStatus (*pass)(const char *, const char *, const SealedKey *, const DatasetProgress *,
                                  CoreError *)) {
    Arguments a;
    Console console;
    DatasetProgress progress = {console_progress, &console};
    SealedKey key;
    CoreError error = {CORE_OK, ""};
    int answer = parse(count, words, help, &a);
    if (answer >= 0) return answer;
    if (sealed_key_read(a.key, &key, &error) != CORE_OK) return console_fail(&error);
    console_catch_signals();
    console_progress_begin(&console, a.input, a.progress);
    CoreStatus status = pass(a.input, a.output, &key, &progress, &error);
    console_progress_end(&console);
    return status == CORE_OK ? EXIT_SUCCESS : console_fail(&error);
}

int command_encrypt(int count, char **words) {
    return run(count, words, encrypt_help, sealed_write);
}

int command_decrypt(int count, char **words) {
    return run(count, words, decrypt_help, sealed_read);
}
