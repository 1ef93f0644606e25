/* Malformed messages: broken grammar, overlong fields, random bytes, and a table of crafted cases.
 * Relies on: attack_run.h, attack_mutate.h, data/wire/scan.h.
 * Relied on by: attack.c. */
#include "data/synth/attack_builders.h"
#include "data/synth/attack_mutate.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 16384, TRIES = 12 };

typedef struct Malformed {
    AttackRun base;
    WireMethod methods[3];
    uint32_t n_methods;
    uint64_t faults;  /* those that this attacker knows */
    double lenient;   /* how often the server reads on as if all were well */
    bool fresh_style; /* as if from many stacks */
    bool at_phone, sequential;
    WireAddress target;
    uint32_t target_user, step;
} Malformed;

/* -- crafted cases
 * ------------------------------------------------------------------------------------------- */

/* ^M method, ^U user, ^D domain, ^H the attacker's host, ^F From, ^Q CSeq, ^B branch, ^T From tag, ^C
 * Call-ID; then ~rules~. */
#define VIA  "Via: SIP/2.0/UDP ^H;branch=^B\r\n"
#define FROM "From: ^F;tag=^T\r\n"
#define TO   "To: <sip:^U@^D>\r\n"
#define ID   "Call-ID: ^C\r\n"
#define CSEQ "CSeq: ^Q ^M\r\n"
#define MF   "Max-Forwards: 70\r\n"
#define CT   "Contact: <sip:~d4~@^H>\r\n"
#define L0   "Content-Length: 0\r\n\r\n"
#define LINE "^M sip:^U@^D SIP/2.0\r\n"
#define SDP  "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0\r\n"

static const char *const cases[] = {
    /* separators that separate nothing */
    LINE "Via: SIP/2.0/UDP ^H;;branch=^B;,;,\r\nFrom: <sip:~d4~@^D>;tag=^T;;;\r\n" TO ID CSEQ MF
         "Contact: ,<sip:~d4~@^H>,,\r\n" L0,
    /* a body shorter and longer than promised, negative, twice, of another base */
    LINE VIA FROM TO ID CSEQ MF "Content-Type: application/sdp\r\nContent-Length: 9~d3~\r\n\r\n" SDP,
    LINE VIA FROM TO ID CSEQ MF "Content-Type: application/sdp\r\nContent-Length: ~d1~\r\n\r\n" SDP,
    LINE VIA FROM TO ID CSEQ MF CT "Content-Length: -999\r\n\r\n",
    LINE VIA FROM TO ID CSEQ MF CT "Content-Length: 5\r\nContent-Length: 0\r\n\r\n",
    LINE VIA FROM TO ID CSEQ MF CT "Content-Length: 0x10\r\n\r\n",
    /* numbers too large for their fields */
    LINE VIA FROM TO ID "CSeq: 36893488147419103232 ^M\r\n"
                        "Max-Forwards: 300\r\nExpires: 10000000000000000\r\n" L0,
    LINE VIA FROM TO ID CSEQ MF "Contact: <sip:~d4~@^H>;expires=280297596632815\r\n" L0,
    "SIP/2.0 4294967301 better not break the receiver\r\n" VIA FROM TO ID "CSeq: 8 ^M\r\n" L0,
    /* quotes and brackets left open */
    LINE VIA "From: \"~a6~ <sip:~d4~@^D>;tag=^T\r\n" TO ID CSEQ MF L0,
    LINE VIA FROM "To: \"Mr. ~a5~ <sip:^U@^D>\r\n" ID CSEQ MF L0,
    LINE VIA FROM "To: <sip:^U@^D\r\n" ID CSEQ MF CT L0,
    "^M <sip:^U@^D> SIP/2.0\r\n" VIA FROM TO ID CSEQ MF L0,
    /* blanks where none may be */
    "^M sip:^U@^D; lr SIP/2.0\r\n" VIA FROM TO ID CSEQ MF L0,
    "^M  sip:^U@^D  SIP/2.0\r\n" VIA FROM TO ID CSEQ MF L0,
    "^M sip:^U@^D SIP/2.0  \r\n" VIA FROM TO ID CSEQ MF L0,
    LINE VIA "From: < sip:~d4~@^D >;tag=^T\r\n"
             "To: sip: ^U @^D\r\n" ID CSEQ MF L0,
    /* URIs with what belongs elsewhere */
    "^M sip:^U@^D?Route=%3Csip:~host~%3E SIP/2.0\r\n" VIA FROM TO ID CSEQ MF L0,
    "^M name@^D SIP/2.0\r\n" VIA FROM TO ID CSEQ MF CT L0,
    "^M ~a6~:^U@^D:port SIP/2.0\r\n" VIA FROM "To: ~a5~://^U\r\n" ID CSEQ MF L0,
    LINE VIA FROM TO ID CSEQ MF "Contact: sip:~d4~@^H?Route=%3Csip:x%3E, \"~a4~\" <>\r\n" L0,
    LINE VIA "From: Bell, ~a5~ <sip:~d4~@^D>;tag=^T\r\n"
             "To: Watson, ~a5~ <sip:^U@^D>\r\n" ID CSEQ MF L0,
    /* dates, versions, methods that do not fit */
    LINE VIA FROM TO ID CSEQ MF "Date: Fri, 01 Jan 2010 ~d2~:99:99 EST\r\n" L0,
    "^M sip:^U@^D SIP/7.0\r\n"
    "Via: SIP/7.0/UDP ^H;branch=^B\r\n" FROM TO ID CSEQ MF L0,
    LINE VIA FROM TO ID "CSeq: 8 NOT^M\r\n" MF CT L0,
    "~a8~ sip:^U@^D SIP/2.0\r\n" VIA FROM TO ID "CSeq: 9 INVITE\r\n" MF L0,
    "SIP/2.0 ~d1~ What\r\n" VIA FROM TO ID CSEQ L0,
    /* headers that must be there and are not */
    LINE "Max-Forwards: 70\r\nSubject: ~a8~\r\n" L0,
    LINE VIA FROM MF CT L0,
    LINE FROM TO ID CSEQ MF L0,
    LINE VIA ID CSEQ "l: 0\r\n\r\n",
    /* one of a kind, several times */
    LINE VIA FROM FROM TO TO ID "Call-ID: ~a9~@~host~\r\n" CSEQ "CSeq: 4 OPTIONS\r\n" MF
                                "Max-Forwards: 5\r\n" L0,
    /* bytes that no text has */
    LINE VIA "From: \"\x01\x02\x7f~a4~\" <sip:~d4~@^D>;tag=^T\r\n" TO ID CSEQ MF L0,
    LINE VIA FROM "To: \"\xc0\xaf\xfe\xff\" <sip:^U@^D>\r\n" ID CSEQ MF L0,
    LINE VIA FROM TO ID CSEQ MF "Subject: \xe2\x28\xa1 \xff\xff\r\n\x80\x81: ~a4~\r\n" L0,
    "^M sip:^U%00%ZZ@^D SIP/2.0\r\n" VIA FROM TO ID CSEQ MF L0,
    /* lines that are no headers */
    LINE VIA FROM TO ID CSEQ MF "This is no header\r\n:\r\n~a4~\r\n=\r\n" L0,
    LINE VIA FROM TO ID CSEQ "  Max-Forwards\r\n : 70\r\n\tX\r\n"
                             "<a>: b\r\n" L0,
    LINE " Via: SIP/2.0/UDP ^H;branch=^B\r\n" FROM TO ID CSEQ MF L0,
    /* an end too early, or never */
    LINE VIA FROM "To: <sip:^U@",
    LINE VIA FROM TO ID CSEQ MF "Content-Length",
    LINE VIA FROM TO "Call-ID",
    /* sessions and bodies */
    LINE VIA FROM TO ID CSEQ MF "Content-Type: application/sdp\r\nContent-Length: "
                                "35\r\n\r\nv=0\r\n=\r\no\r\nm=audio\r\nc=IN IP4 ~d3~\r\n..",
    LINE VIA FROM TO ID CSEQ MF
    "Content-Type: multipart/mixed;boundary=\r\nContent-Length: 21\r\n\r\n--~a5~\r\n\r\n--\r\n----~a4~",
    LINE VIA FROM TO ID CSEQ MF "Content-Type: ;;/\r\nContent-Length: 8\r\n\r\n~a8~",
    /* Vias that lead nowhere */
    LINE "Via: SIP/2.0/UDP 0.0.0.0:0;branch=^B;maddr=;ttl=-1\r\n" FROM TO ID CSEQ MF L0,
    LINE "Via: SIP/2.0/ ^H;branch=^B, SIP/2.0/UDP , \r\nVia: ,\r\n" FROM TO ID CSEQ MF L0,
    LINE "Via: SIP//UDP ^H;branch=\r\n" FROM TO ID CSEQ MF L0,
    /* credentials */
    LINE VIA FROM TO ID CSEQ MF "Authorization: ~a5~ realm=, ,=\"x\r\n" L0,
    LINE VIA FROM TO ID CSEQ MF "Proxy-Authorization: Digest username=\"~d4~, nonce=~h8~, response=\r\n" L0,
    /* contacts */
    "REGISTER sip:^D SIP/2.0\r\n" VIA "From: <sip:^U@^D>;tag=^T\r\n" TO ID "CSeq: 2 REGISTER\r\n" MF
    "Contact: *, <sip:^U@^H>;expires=-5\r\n" L0,
    "REGISTER sip:^D SIP/2.0\r\n" VIA "From: <sip:^U@^D>;tag=^T\r\n" TO ID "CSeq: 2 REGISTER\r\n" MF
    "Contact: <sip:^U@^H;expires=1;>;;q=9.9.9\r\nExpires: soon\r\n" L0,
};

static void put_mark(AttackText *out, char mark, const SynthMessage *m, const SynthAgent *agent,
                     const SynthWorld *world, const char *user) {
    SynthSlice slice = {0, 0};
    switch (mark) {
    case 'M': attack_append(out, "%s", wire_method_name((WireMethod)m->method)); return;
    case 'U': attack_append(out, "%s", user); return;
    case 'D': attack_append(out, "%s", world->server.domain); return;
    case 'H': attack_append(out, "%s:%u", agent->host, agent->host_port); return;
    case 'Q': attack_append(out, "%u", m->cseq); return;
    case 'F': slice = m->from.value; break;
    case 'B': slice = m->branch; break;
    case 'T': slice = m->from.tag; break;
    default: slice = m->call_id; break;
    }
    attack_append(out, "%.*s", (int)slice.length, synth_slice(m, slice));
}

static void craft(SynthWorld *world, SynthActor *actor, const SynthMessage *m, const char *user,
                  AttackBytes *bytes) {
    Malformed *state = actor->state;
    uint32_t index = state->sequential ? state->step++ % (uint32_t)SYNTH_COUNT(cases)
                                       : synth_below(&actor->random, (uint32_t)SYNTH_COUNT(cases));
    AttackText rule = {.length = 0}, out = {.length = 0};
    for (const char *at = cases[index]; *at; at++)
        if (*at == '^' && at[1])
            put_mark(&rule, *++at, m, &state->base.agents[0], world, user);
        else
            attack_append(&rule, "%c", *at);
    attack_expand(&actor->random, rule.bytes, &out);
    bytes->length = 0;
    attack_splice(bytes, 0, 0, out.bytes, out.length);
}

/* -- sending
 * --------------------------------------------------------------------------------------------------- */

typedef enum Way { WAY_GRAMMAR, WAY_LENGTHS, WAY_BYTES, WAY_CASES } Way;

static void compose(SynthWorld *world, SynthActor *actor, SynthMessage *m, char *user, size_t room) {
    Malformed *state = actor->state;
    WireMethod method = state->methods[synth_below(&actor->random, state->n_methods)];
    char host[SYNTH_HOST_SIZE + 8];
    SynthText text = synth_text(user, (uint32_t)room - 1);
    if (state->fresh_style) {
        const SynthStyle *style = synth_some_style(world, &actor->random, false);
        state->base.agents[0].style = style;
    }
    if (state->at_phone && method != WIRE_REGISTER) {
        uint32_t length = synth_host_text(&state->target, host);
        snprintf(host + length, sizeof host - length, ":%u", state->target.port);
        synth_put(&text, world->users[state->target_user].name, world->users[state->target_user].length);
        attack_request(world, actor, 0, method, user, text.length, host, &state->target, m);
    } else {
        attack_victim(world, actor, &text);
        attack_request(world, actor, 0, method, user, text.length, NULL, NULL, m);
    }
    synth_text_end(&text);
}

static void break_once(SynthWorld *world, SynthActor *actor, Way way, const SynthMessage *m, const char *user,
                       AttackBytes *bytes) {
    Malformed *state = actor->state;
    SynthRandom *random = &actor->random;
    if (way == WAY_CASES) {
        craft(world, actor, m, user, bytes);
        return;
    }
    bytes->length = synth_render(m, bytes->bytes, SYNTH_BYTES);
    if (bytes->length > ROOM / 2) bytes->length = ROOM / 2;
    if (way == WAY_GRAMMAR) attack_break_grammar(random, state->faults, bytes);
    if (way == WAY_LENGTHS)
        attack_overflow(random, state->sequential ? state->step++ : synth_below(random, 6), bytes);
    if (way == WAY_BYTES) attack_fuzz_bytes(random, synth_between(random, 2, 24), bytes);
}

/* Whether it still looks like SIP, and is wrong in a way that can be seen. */
static bool is_broken(const AttackBytes *bytes, bool must_show) {
    WireScan scan;
    if (!wire_is_sip(bytes->bytes, bytes->length)) return false;
    if (!must_show) return true;
    wire_scan(bytes->bytes, bytes->length, false, &scan);
    return scan.anomalies != 0;
}

static bool is_slice(const uint8_t *bytes, WireSlice slice, const SynthMessage *m, SynthSlice same) {
    return slice.length == same.length &&
           memcmp(bytes + slice.offset, synth_slice(m, same), slice.length) == 0;
}

/* Whether a server could answer it: what a reply repeats is still as it was. */
static bool is_answerable(const AttackBytes *bytes, const SynthMessage *m) {
    WireScan scan;
    wire_scan(bytes->bytes, bytes->length, false, &scan);
    return scan.request && scan.cseq == m->cseq && is_slice(bytes->bytes, scan.call_id, m, m->call_id) &&
           is_slice(bytes->bytes, scan.branch, m, m->branch) && scan.first[WIRE_HEADER_FROM] >= 0 &&
           scan.first[WIRE_HEADER_TO] >= 0;
}

static bool send_broken(SynthWorld *world, SynthActor *actor, Way way) {
    Malformed *state = actor->state;
    AttackBytes bytes = {state->base.owned, 0, ROOM};
    SynthMessage m;
    char user[SYNTH_USER_SIZE];
    compose(world, actor, &m, user, sizeof user);
    unsigned tries = 0;
    do
        break_once(world, actor, way, &m, user, &bytes);
    while (++tries < TRIES && !is_broken(&bytes, tries < TRIES / 2));
    if (!is_broken(&bytes, false)) { /* a fault that always leaves the shape */
        bytes.length = synth_render(&m, bytes.bytes, SYNTH_BYTES);
        attack_set_header(&bytes, "Content-Length", "-1");
    }
    if (bytes.length > 9000) bytes.length = 9000;
    bool read = is_answerable(&bytes, &m);
    m.broken = !synth_chance(&actor->random, state->lenient);
    const WireAddress *to =
        state->at_phone && m.method != WIRE_REGISTER ? &state->target : attack_entry(world);
    synth_send_bytes(world, &state->base.agents[0].address, to, bytes.bytes, bytes.length, read ? &m : NULL,
                     state->base.run);
    return true;
}

static void start(SynthWorld *world, SynthActor *actor, const SynthAttackBuilder *builder,
                  const SynthWish *wish, double slow, double fast) {
    static const WireMethod methods[] = {WIRE_INVITE, WIRE_OPTIONS, WIRE_REGISTER,
                                         WIRE_INVITE, WIRE_MESSAGE, WIRE_SUBSCRIBE};
    Malformed *state = actor->state;
    AttackRun *run = &state->base;
    SynthRandom *random = &actor->random;
    run->owned = malloc(SYNTH_BYTES);
    if (!run->owned) {
        synth_fail(world, CORE_MEMORY, "no memory for the bytes of an attack");
        return;
    }
    state->n_methods = synth_chance(random, 0.5) ? 1 : 3;
    for (uint32_t i = 0; i < state->n_methods; i++)
        state->methods[i] = SYNTH_PICK(random, methods);
    run->victims = (uint8_t)synth_below(random, ATTACK_VICTIMS);
    run->from = (uint8_t)synth_below(random, ATTACK_FROMS);
    run->acks = synth_chance(random, 0.4);
    state->fresh_style = synth_chance(random, 0.4);
    state->sequential = synth_chance(random, 0.5);
    state->lenient = synth_uniform(random, 0, 0.7);
    state->at_phone =
        synth_chance(random, 0.2) && attack_find_phone(world, random, &state->target, &state->target_user);
    run->pace = attack_pace(random, wish, slow, fast, 12, 300);
    double needed = 8 / wish->seconds;
    if (run->pace.rate < needed) run->pace.rate = needed;
    attack_begin(world, actor, builder, wish, 1, false, state->at_phone ? "direct=1" : "");
}

static bool grammar_tick(SynthWorld *world, SynthActor *actor) {
    return send_broken(world, actor, WAY_GRAMMAR);
}

static void grammar_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Malformed *state = actor->state;
    state->base.tick = grammar_tick;
    if (synth_chance(&actor->random, 0.5))
        state->faults = synth_bits(&actor->random) | synth_bits(&actor->random);
    start(world, actor, &attack_malformed_grammar, wish, 0.05, 40);
}

const SynthAttackBuilder attack_malformed_grammar = {
    .tool = "synth-malformed-grammar",
    .class = SYNTH_MALFORMED,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-malformed-grammar"),
    .size = sizeof(Malformed),
    .start = grammar_start,
};

static bool lengths_tick(SynthWorld *world, SynthActor *actor) {
    return send_broken(world, actor, WAY_LENGTHS);
}

static void lengths_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Malformed *state = actor->state;
    state->base.tick = lengths_tick;
    start(world, actor, &attack_malformed_lengths, wish, 0.1, 20);
}

const SynthAttackBuilder attack_malformed_lengths = {
    .tool = "synth-malformed-lengths",
    .class = SYNTH_MALFORMED,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-malformed-lengths"),
    .size = sizeof(Malformed),
    .start = lengths_start,
};

static bool bytes_tick(SynthWorld *world, SynthActor *actor) {
    return send_broken(world, actor, WAY_BYTES);
}

static void bytes_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Malformed *state = actor->state;
    state->base.tick = bytes_tick;
    start(world, actor, &attack_malformed_bytes, wish, 0.1, 80);
}

const SynthAttackBuilder attack_malformed_bytes = {
    .tool = "synth-malformed-bytes",
    .class = SYNTH_MALFORMED,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-malformed-bytes"),
    .size = sizeof(Malformed),
    .start = bytes_start,
};

static bool torture_tick(SynthWorld *world, SynthActor *actor) {
    return send_broken(world, actor, WAY_CASES);
}

static void torture_start(SynthWorld *world, SynthActor *actor, const SynthWish *wish) {
    Malformed *state = actor->state;
    state->base.tick = torture_tick;
    start(world, actor, &attack_malformed_torture, wish, 0.02, 10);
}

const SynthAttackBuilder attack_malformed_torture = {
    .tool = "synth-malformed-torture",
    .class = SYNTH_MALFORMED,
    .seconds = 30,
    .kind = ATTACK_KIND("synth-malformed-torture"),
    .size = sizeof(Malformed),
    .start = torture_start,
};
