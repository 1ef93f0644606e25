/* What stacks draw anew for each call: Call-IDs, branches, tags, SDP; and people's names and numbers.
 * Relies on: data/synth/families.h, oddity.h.
 * Relied on by: data/synth. */
#include "data/synth/families.h"
#include "data/synth/oddity.h"

/* ---- identifiers --------------------------------------------------------------------------------------- */

void synth_draw_call_id(SynthText *text, SynthRandom *random, const SynthStyle *style, const char *host) {
    static const uint8_t lengths[] = {9, 10, 10, 24};
    switch (style->call_id_form) {
    case SYNTH_CALL_ID_DIGITS: synth_draw_digits(text, random, SYNTH_PICK(random, lengths)); break;
    case SYNTH_CALL_ID_HEX32: synth_draw_hex(text, random, 32); break;
    case SYNTH_CALL_ID_HEX_PARTS:
        synth_draw_hex(text, random, 8);
        synth_put_char(text, '-');
        synth_draw_hex(text, random, 8);
        synth_put_char(text, '-');
        synth_draw_hex(text, random, 8);
        break;
    case SYNTH_CALL_ID_DIGITS_PARTS:
        synth_draw_digits(text, random, 9);
        synth_put_text(text, "-5060-");
        synth_put_number(text, synth_between(random, 1, 39));
        break;
    case SYNTH_CALL_ID_SHORT: synth_draw_letters(text, random, 10, false); break;
    case SYNTH_CALL_ID_UUID: synth_draw_uuid(text, random); break;
    case SYNTH_CALL_ID_BASE64:
        synth_draw_letters(text, random, 22, false);
        synth_put_text(text, "..");
        break;
    case SYNTH_CALL_ID_HEX16: synth_draw_hex(text, random, 16); break;
    case SYNTH_CALL_ID_ODD: synth_odd_call_id(random, style->call_id_odd, text); break;
    default:
        synth_put_number(text, synth_between(random, 1, 4000));
        synth_put_char(text, '-');
        synth_put_number(text, synth_between(random, 300, 32000));
        break;
    }
    if (style->call_id_host == SYNTH_HOST_NONE) return;
    synth_put_char(text, '@');
    if (style->call_id_host == SYNTH_HOST_IP) {
        synth_put_text(text, host);
        return;
    }
    synth_draw_letters(text, random, 6, true);
    synth_put_text(text, ".local");
}

void synth_draw_branch(SynthText *text, SynthRandom *random, const SynthStyle *style) {
    synth_put_text(text, "z9hG4bK");
    switch (style->branch_form) {
    case SYNTH_BRANCH_DIGITS: synth_draw_digits(text, random, 10); break;
    case SYNTH_BRANCH_HEX: synth_draw_hex(text, random, synth_chance(random, 0.5) ? 8 : 16); break;
    case SYNTH_BRANCH_DASH_HEX:
        synth_put_char(text, '-');
        synth_draw_hex(text, random, 8);
        break;
    case SYNTH_BRANCH_DASH_SHORT:
        synth_put_char(text, '-');
        synth_draw_letters(text, random, 12, true);
        break;
    case SYNTH_BRANCH_DOT:
        synth_put_char(text, '.');
        synth_draw_letters(text, random, 9, false);
        break;
    case SYNTH_BRANCH_LONG_HEX:
        synth_put_text(text, "Pj");
        synth_draw_hex(text, random, 32);
        break;
    case SYNTH_BRANCH_PARTS:
        synth_put_text(text, "-524287-1---");
        synth_draw_hex(text, random, 16);
        break;
    case SYNTH_BRANCH_LETTERS: synth_draw_letters(text, random, 13, false); break;
    case SYNTH_BRANCH_COUNTER:
        synth_put_char(text, '-');
        synth_put_number(text, synth_between(random, 300, 32000));
        synth_put_char(text, '-');
        synth_put_number(text, synth_between(random, 1, 40000));
        synth_put_char(text, '-');
        synth_put_number(text, synth_below(random, 9));
        break;
    default:
        synth_put_char(text, '-');
        synth_put_number(text, synth_bits(random) >> 32);
        break;
    }
}

void synth_draw_tag(SynthText *text, SynthRandom *random, const SynthStyle *style) {
    switch (style->tag_form) {
    case SYNTH_TAG_DIGITS: synth_draw_digits(text, random, synth_between(random, 9, 10)); break;
    case SYNTH_TAG_HEX: synth_draw_hex(text, random, 8); break;
    case SYNTH_TAG_HEX_PARTS:
        synth_draw_hex(text, random, 8);
        synth_put_char(text, '-');
        synth_draw_hex(text, random, 8);
        break;
    case SYNTH_TAG_HEX_O:
        synth_draw_hex(text, random, 16);
        synth_put_text(text, "o0");
        break;
    case SYNTH_TAG_SHORT: synth_draw_letters(text, random, 10, true); break;
    case SYNTH_TAG_LONG_HEX: synth_draw_hex(text, random, 32); break;
    case SYNTH_TAG_AS:
        synth_put_text(text, "as");
        synth_draw_hex(text, random, 8);
        break;
    case SYNTH_TAG_LETTERS: synth_draw_letters(text, random, 13, false); break;
    case SYNTH_TAG_UUID: synth_draw_uuid(text, random); break;
    case SYNTH_TAG_COUNTER:
        synth_put_number(text, synth_between(random, 300, 32000));
        synth_put_text(text, "SIPpTag00");
        synth_put_number(text, synth_between(random, 1, 40000));
        break;
    default:
        for (unsigned i = 0, n = synth_between(random, 8, 20); i < n; i++) {
            synth_put_char(text, '3');
            synth_put_char(text, (char)('0' + synth_below(random, 10)));
        }
        break;
    }
}

/* ---- people -------------------------------------------------------------------------------------------- */

void synth_draw_display(SynthText *text, SynthRandom *random) {
    if (synth_chance(random, 0.03)) {
        synth_oddity(random, SYNTH_ODD_NAME, text);
        return;
    }
    double kind = synth_uniform(random, 0, 1);
    if (kind < 0.22) {
        synth_put_text(text, family_pick(random, family_words));
    } else if (kind < 0.32) {
        synth_put_number(text, synth_between(random, 100, 9999));
    } else if (kind < 0.4) {
        synth_put_text(text, family_pick(random, family_last));
        synth_put_text(text, ", ");
        synth_put_text(text, family_pick(random, family_first));
    } else {
        synth_put_text(text, family_pick(random, family_first));
        synth_put_char(text, ' ');
        synth_put_text(text, family_pick(random, family_last));
    }
}

void synth_draw_number(SynthText *text, SynthRandom *random) {
    static const char *const prefixes[] = {"+", "+", "00", "00", "011", "900", "0011"};
    static const char *const countries[] = {"44",  "49", "33",  "1",   "972", "882", "53",  "216", "960",
                                            "371", "39", "34",  "48",  "31",  "41",  "43",  "90",  "91",
                                            "86",  "81", "55",  "52",  "234", "27",  "380", "40",  "46",
                                            "47",  "45", "358", "353", "61",  "675"};
    synth_put_text(text, SYNTH_PICK(random, prefixes));
    synth_put_text(text, SYNTH_PICK(random, countries));
    synth_draw_digits(text, random, synth_between(random, 8, 10));
}

/* ---- SDP ----------------------------------------------------------------------------------------------- */

static const char *codec_name(unsigned number) {
    static const struct {
        unsigned number;
        const char *name;
    } known[] = {{0, "PCMU/8000"},   {8, "PCMA/8000"}, {9, "G722/8000"},
                 {18, "G729/8000"},  {3, "GSM/8000"},  {96, "opus/48000/2"},
                 {97, "SILK/16000"}, {13, "CN/8000"},  {101, "telephone-event/8000"}};
    for (size_t i = 0; i < SYNTH_COUNT(known); i++)
        if (known[i].number == number) return known[i].name;
    return "PCMU/8000";
}

static void put_line(SynthText *text, const char *line) {
    synth_put_text(text, line);
    synth_put_text(text, "\r\n");
}

static void put_codecs(SynthText *text, const SynthStyle *style) {
    bool all = style->sdp_form & 1;
    for (const char *at = style->codecs; *at;) {
        unsigned number = 0;
        while (*at >= '0' && *at <= '9')
            number = number * 10 + (unsigned)(*at++ - '0');
        at += *at == ' ';
        if (!all && (number == 0 || number == 8)) continue;
        synth_put_text(text, "a=rtpmap:");
        synth_put_number(text, number);
        synth_put_char(text, ' ');
        put_line(text, codec_name(number));
        if (number == 101) put_line(text, style->sdp_form & 2 ? "a=fmtp:101 0-16" : "a=fmtp:101 0-15");
        if (number == 18 && style->sdp_form & 4) put_line(text, "a=fmtp:18 annexb=no");
    }
}

static void put_candidates(SynthText *text, SynthRandom *random, const char *host, uint32_t port) {
    synth_put_text(text, "a=ice-ufrag:");
    synth_draw_letters(text, random, 4, false);
    synth_put_text(text, "\r\na=ice-pwd:");
    synth_draw_letters(text, random, 24, false);
    synth_put_text(text, "\r\na=candidate:1 1 UDP 2130706431 ");
    synth_put_text(text, host);
    synth_put_char(text, ' ');
    synth_put_number(text, port);
    synth_put_text(text, " typ host\r\n");
}

void synth_draw_sdp(SynthText *text, SynthRandom *random, const SynthStyle *style, const char *host,
                    bool ipv6, uint32_t session, uint32_t version, bool hold) {
    static const char *const owners[] = {"-", "user", "root", "MxSIP", "FreeSWITCH", "8000", "-", "sip"};
    static const char *const names[] = {"-",    "SIP Call",       "session", "Talk", "SIP Media Capabilities",
                                        "call", "A conversation", "-"};
    const char *kind = ipv6 ? " IN IP6 " : " IN IP4 ";
    uint32_t port = 8000 + 2 * synth_below(random, 26000);
    synth_put_text(text, "v=0\r\no=");
    synth_put_text(text, owners[style->sdp_form >> 3 & 7]);
    synth_put_char(text, ' ');
    synth_put_number(text, session);
    synth_put_char(text, ' ');
    synth_put_number(text, session + version);
    synth_put_text(text, kind);
    synth_put_text(text, host);
    synth_put_text(text, "\r\ns=");
    put_line(text, *style->sdp_name ? style->sdp_name : names[style->sdp_form >> 5]);
    synth_put_text(text, style->sdp_lines);
    synth_put_text(text, "c=IN IP");
    synth_put_char(text, ipv6 ? '6' : '4');
    synth_put_char(text, ' ');
    synth_put_text(text, hold && style->family % 7 == 3 && !ipv6 ? "0.0.0.0" : host);
    synth_put_text(text, "\r\n");
    if (style->family % 5 == 1) put_line(text, "b=AS:84");
    synth_put_text(text, "t=0 0\r\nm=audio ");
    synth_put_number(text, port);
    synth_put_text(text, " RTP/AVP ");
    put_line(text, style->codecs);
    put_codecs(text, style);
    if (style->sdp_form & 16) put_line(text, style->family % 3 ? "a=ptime:20" : "a=maxptime:40");
    if (style->ice) put_candidates(text, random, host, port);
    if (style->family % 6 == 2) {
        synth_put_text(text, "a=rtcp:");
        synth_put_number(text, port + 1);
        synth_put_text(text, "\r\n");
    }
    put_line(text, hold ? "a=sendonly" : "a=sendrecv");
}
