/* The text channel: free text that an attacker chooses, where it is not plain.
 * Relies on: data/wire/scan.h.
 * Relied on by: data/features/encode. */
#ifndef SIPCNN_FEATURES_TEXT_H
#define SIPCNN_FEATURES_TEXT_H

#include "data/features/features.h"

/* Fills encoded->text, n_text, unusual_fields and unusual_bytes.
 *
 * Each field of the message (user parts, display names, hosts, parameters, header values, SDP lines) has a
 * set of bytes that deployed stacks write there. A field of such bytes alone is plain and leaves no trace: so
 * names, Call-IDs, tags and tool names never reach the model. A field with any other byte is unusual: a
 * marker of its kind and up to 64 bytes around the first unusual one, letters in lower case, control and
 * non-ASCII bytes as one symbol each, are appended. Fields come in the order of the message until
 * FEATURE_TEXT symbols are used. */
void feature_text(const uint8_t *bytes, const WireScan *scan, FeatureEncoded *encoded);

#endif
