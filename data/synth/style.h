/* How a SIP stack writes: drawn from families of real user agents, the same pool whatever the sender is up
 * to. Relies on: message.h. Relied on by: data/synth. */
#ifndef SIPCNN_SYNTH_STYLE_H
#define SIPCNN_SYNTH_STYLE_H

#include "data/synth/message.h"

enum {
    SYNTH_ORDER = 40,     /* headers that an order names */
    SYNTH_NAMES = 1536,   /* bytes of all header names as the style writes them */
    SYNTH_STYLE_TEXT = 96 /* a text of a style, final zero included */
};

typedef enum SynthCallIdForm {
    SYNTH_CALL_ID_DIGITS,
    SYNTH_CALL_ID_HEX32,
    SYNTH_CALL_ID_HEX_PARTS, /* 8-8-8 */
    SYNTH_CALL_ID_DIGITS_PARTS,
    SYNTH_CALL_ID_SHORT,
    SYNTH_CALL_ID_UUID,
    SYNTH_CALL_ID_BASE64,
    SYNTH_CALL_ID_HEX16,
    SYNTH_CALL_ID_COUNTER, /* 3-2041@host */
    SYNTH_CALL_ID_ODD,     /* oddity.h: the style's call_id_odd */
    SYNTH_CALL_ID_FORMS
} SynthCallIdForm;

typedef enum SynthBranchForm {
    SYNTH_BRANCH_DIGITS,
    SYNTH_BRANCH_HEX,
    SYNTH_BRANCH_DASH_HEX,
    SYNTH_BRANCH_DASH_SHORT,
    SYNTH_BRANCH_DOT,
    SYNTH_BRANCH_LONG_HEX,
    SYNTH_BRANCH_PARTS,
    SYNTH_BRANCH_LETTERS,
    SYNTH_BRANCH_COUNTER,
    SYNTH_BRANCH_DASH_DIGITS,
    SYNTH_BRANCH_FORMS
} SynthBranchForm;

typedef enum SynthTagForm {
    SYNTH_TAG_DIGITS,
    SYNTH_TAG_HEX,
    SYNTH_TAG_HEX_PARTS,
    SYNTH_TAG_HEX_O,
    SYNTH_TAG_SHORT,
    SYNTH_TAG_LONG_HEX,
    SYNTH_TAG_AS,
    SYNTH_TAG_LETTERS,
    SYNTH_TAG_UUID,
    SYNTH_TAG_COUNTER,
    SYNTH_TAG_HEX_OF_DIGITS,
    SYNTH_TAG_FORMS
} SynthTagForm;

typedef enum SynthHost { SYNTH_HOST_NONE, SYNTH_HOST_IP, SYNTH_HOST_NAME } SynthHost;
typedef enum SynthNameForm {
    SYNTH_NAME_QUOTED,
    SYNTH_NAME_TOKEN,
    SYNTH_NAME_NONE,
    SYNTH_NAME_BARE
} SynthNameForm;
typedef enum SynthRport { SYNTH_RPORT_LAST, SYNTH_RPORT_FIRST, SYNTH_RPORT_NONE } SynthRport;

typedef struct SynthStyle {
    uint8_t family;             /* index, for tables */
    uint8_t order[SYNTH_ORDER]; /* WireHeaderId in the order written */
    uint8_t n_order;
    uint8_t place[WIRE_HEADER_COUNT]; /* each header's rank; 255: not named, before Content-Length */
    uint16_t name_at[WIRE_HEADER_COUNT + 1];
    char names[SYNTH_NAMES]; /* "Via: ", "v: " ... with colon and blanks; header i is [name_at[i], name_at[i +
                                1]) */
    char user_agent[SYNTH_STYLE_TEXT]; /* empty: none */
    char allow[SYNTH_STYLE_TEXT + 64], supported[SYNTH_STYLE_TEXT], accept[SYNTH_STYLE_TEXT];
    char contact_params[SYNTH_STYLE_TEXT];   /* inside the angle brackets */
    char contact_features[SYNTH_STYLE_TEXT]; /* behind them: +sip.instance and such */
    char codecs[32];
    char extra_name[32], extra_value[SYNTH_STYLE_TEXT]; /* a further header of its own; empty: none */
    char colon[8];
    uint8_t call_id_form, call_id_host, branch_form, tag_form, name_form, rport;
    uint8_t max_forwards, register_cseq_step;
    uint32_t first_cseq; /* 0: drawn for each call */
    bool compact, fold, odd_case, sent_by_port, domain_port, expires_in_contact, server_header,
        reliable /* 100rel */, session_timer, preauthorise /* reuses the last nonce */, qop_quoted, sends_100,
        acks_with_contact, ice;
    uint8_t sdp_form;                               /* names, order and lines of its SDP */
    char sdp_name[64], sdp_lines[SYNTH_STYLE_TEXT]; /* odd ones; empty: none */
    uint8_t call_id_odd;                            /* which odd form of Call-IDs */
    uint8_t odd_header, odd_share; /* which odd header, in how many of 256 requests; share 0: never */
} SynthStyle;

/* Number of families, and their names ("desk-a" ...) for tables. */
extern const uint32_t synth_families;
const char *synth_family_name(uint32_t family);

/* A family's style, some traits taken from others (firmware, operators' settings). ~1.5 KiB: share it. */
void synth_style_draw(SynthRandom *random, SynthStyle *style);

/* Identifiers in the style's forms, appended to `text`; `host` is the address or name that a Call-ID ends
 * with. */
void synth_draw_call_id(SynthText *text, SynthRandom *random, const SynthStyle *style, const char *host);
void synth_draw_branch(SynthText *text, SynthRandom *random, const SynthStyle *style); /* with z9hG4bK */
void synth_draw_tag(SynthText *text, SynthRandom *random, const SynthStyle *style);

/* A display name as people have them (apostrophes, accents, punctuation); a User-Agent of any family. */
void synth_draw_display(SynthText *text, SynthRandom *random);
const char *synth_draw_user_agent(SynthRandom *random);

/* SDP as the style writes it, for `host` ("10.0.0.1" or an IPv6 address); version counts up within a dialog.
 */
void synth_draw_sdp(SynthText *text, SynthRandom *random, const SynthStyle *style, const char *host,
                    bool ipv6, uint32_t session, uint32_t version, bool hold);

/* An international number in one of the forms that people dial (+49..., 0049..., 01149...). */
void synth_draw_number(SynthText *text, SynthRandom *random);

#endif
