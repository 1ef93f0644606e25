/* One message under other names: addresses, hosts, users, display names, Call-IDs, tags, digest parameters.
 * Relies on: data/privacy/cryptopan.h, data/privacy/permuter.h, data/wire/message.h.
 * Relied on by: data/privacy/pseudonymise. */
#ifndef SIPCNN_PRIVACY_PSEUDONYMS_H
#define SIPCNN_PRIVACY_PSEUDONYMS_H

#include "data/privacy/keys.h"
#include "data/wire/message.h"

/* The same key gives the same pseudonyms, in every capture. One thread at a time. */
typedef struct Pseudonyms Pseudonyms;

/* Free with pseudonyms_free. CORE_MEMORY, CORE_UNAVAILABLE. */
CORE_NODISCARD CoreStatus pseudonyms_new(const uint8_t key[PRIVACY_KEY_SIZE], Pseudonyms **pseudonyms,
                                         CoreError *error);
void pseudonyms_free(Pseudonyms *pseudonyms);

/* CORE_OK as long as libcrypto did all that it was asked for; else nothing since then means anything. */
CORE_NODISCARD CoreStatus pseudonyms_status(const Pseudonyms *pseudonyms, CoreError *error);

/* Prefix-preserving (cryptopan.h). */
void pseudonyms_address(Pseudonyms *pseudonyms, WireAddress *address);

/* 32 bytes for 32 bytes: what a capture's hash becomes. */
void pseudonyms_hash(Pseudonyms *pseudonyms, uint8_t hash[32]);

/* Writes the message into `out` (WIRE_MESSAGE_MAX bytes) and returns its length.
 *
 * What is replaced is all that the grammar does not need: method, header names, parameter names, numbers of
 * the protocol (CSeq, ports, expiry, cause), lists of capabilities, product names, dates and media formats
 * stay; everything else is replaced, what is unknown included. An address is replaced wherever it stands,
 * prefix-preserving, in its shortest form; a name by permuter_name, a token by permuter_token. So every
 * relation between fields and messages stays, and but for addresses every length. Content-Length is changed
 * by as much as the body is, right or wrong. `*flags` gains WIRE_FLAG_TRUNCATED if longer addresses push the
 * message over WIRE_MESSAGE_MAX.
 *
 * In odd text that people write (display names of From, To and Contact, Subject, Organization, text bodies)
 * the words of a public list (rewrite_is_public) stay, but never all of a text.
 *
 * `keep_odd`: fields whose text is unusual (as the features see it) stay as they are, because they are what
 * an attack consists of, and the line of an anomaly that would be none under other names; their number is
 * added to *kept. The user name of credentials is replaced unless it is odd itself. All else of such a
 * message is replaced as ever, so that its sender, its call and its accounts are the same as in other
 * messages. */
uint32_t pseudonyms_message(Pseudonyms *pseudonyms, const WireMessage *message, bool keep_odd, uint8_t *out,
                            uint32_t *flags, uint32_t *kept);

/* Addresses and URIs in a run's settings, and, where they are JSON, the strings and numbers of keys that name
 * somebody ("user", "hosts", "range", ...). Zero-terminated; cut to `capacity`. In place. */
void pseudonyms_settings(Pseudonyms *pseudonyms, char *text, uint32_t capacity);

#endif
