/* What the parts of a message's rewriting share: the text being written, words, addresses, URIs, parameters.
 * Relies on: data/privacy/cryptopan.h, data/privacy/permuter.h.
 * Relied on by: data/privacy (pseudonyms, rewriter, rewrite_headers, rewrite_body). Internal to data/privacy.
 */
#ifndef SIPCNN_PRIVACY_REWRITER_H
#define SIPCNN_PRIVACY_REWRITER_H

#include "data/privacy/cryptopan.h"
#include "data/privacy/permuter.h"
#include "data/wire/scan.h"

/* How the words between addresses are treated. */
typedef enum RewriteMode {
    REWRITE_NAMES,     /* permuter_name */
    REWRITE_TOKENS,    /* permuter_token */
    REWRITE_PROSE,     /* they stay, but for serial numbers */
    REWRITE_ADDRESSES, /* they stay */
} RewriteMode;

/* What stays of a byte's place. */
typedef enum RewriteKeep {
    REWRITE_CHANGES,     /* nothing but what the mode says */
    REWRITE_STAYS,       /* all */
    REWRITE_PUBLIC_STAY, /* of names, words that name nobody (rewrite_is_public) */
} RewriteKeep;

/* Ranges are [begin, end) of `in`; every function writes what becomes of its whole range. */
typedef struct Rewriter {
    CryptoPan *addresses;
    Permuter *words;
    const uint8_t *in;
    const uint8_t *keep; /* a RewriteKeep for each byte of `in`; NULL: REWRITE_CHANGES throughout */
    uint8_t *out;
    uint32_t length, room;
    bool full;   /* something did not fit */
    bool nested; /* inside a URI: no further one is looked for */
} Rewriter;

/* The range as it is. */
void rewrite_copy(Rewriter *r, uint32_t begin, uint32_t end);

/* Any text: addresses and sip:, sips: and tel: URIs are found in it, other words are treated as the mode
 * says. */
void rewrite_text(Rewriter *r, uint32_t begin, uint32_t end, RewriteMode mode);

/* A whole URI; of other schemes than sip, sips and tel the scheme stays. */
void rewrite_uri(Rewriter *r, uint32_t begin, uint32_t end);

/* host [":" port]. */
void rewrite_host_port(Rewriter *r, uint32_t begin, uint32_t end);

/* The parameters that start at `begin` (";" name ["=" value] ...), as far as they go; returns their end. */
uint32_t rewrite_parameters(Rewriter *r, uint32_t begin, uint32_t end);

/* name ["=" value] that starts at `begin` and ends at `separator` or the range's end; returns where. */
uint32_t rewrite_parameter(Rewriter *r, uint32_t begin, uint32_t end, uint8_t separator);

/* Header values, by the header's id. */
void rewrite_header(Rewriter *r, WireHeaderId id, uint32_t begin, uint32_t end);

/* A body of the content type `type` (a slice of in). */
void rewrite_body(Rewriter *r, WireSlice type, uint32_t begin, uint32_t end);

/* Whether the range is a word that names nobody: from a fixed list (places and posts of any site, small words
 * of English, keywords of SQL, shells and web pages), or a mark-up tag of one letter. */
bool rewrite_is_public(const Rewriter *r, uint32_t begin, uint32_t end);

/* The word that starts at `begin` (letters, digits, bytes beyond ASCII) ends here; `begin`: there is none. */
uint32_t rewrite_word_end(const Rewriter *r, uint32_t begin, uint32_t end);

/* First offset that holds `byte`, or `end`. */
uint32_t rewrite_find(const Rewriter *r, uint32_t begin, uint32_t end, uint8_t byte);
/* First offset that holds none of (one of) the bytes of `set`, or `end`. */
uint32_t rewrite_skip(const Rewriter *r, uint32_t begin, uint32_t end, const char *set);
uint32_t rewrite_until(const Rewriter *r, uint32_t begin, uint32_t end, const char *set);
/* Offset behind the quoted string that starts at `begin`, or `end`. */
uint32_t rewrite_quote_end(const Rewriter *r, uint32_t begin, uint32_t end);
/* Whether the range is one of the words of a list separated by blanks; letters without case. */
bool rewrite_is_one_of(const Rewriter *r, uint32_t begin, uint32_t end, const char *words);

#endif
