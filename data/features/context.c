/* The second stage: keys, counters and relations, in capture order, and the row that the model sees.
 * Relies on: data/features/table, counters, novelty, dialog.
 * Relied on by: data/dataset, infer, bench. */
#include "data/features/counters.h"
#include "data/features/dialog.h"
#include "data/features/features.h"
#include "data/features/novelty.h"
#include "data/features/table.h"
#include "data/wire/osip.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Table sizes belong to the feature spec: which key is forgotten first depends on them. About 99 MiB when
 * full. */
enum { DIALOGS = 65536, CLIENTS = 44000, TARGETS = 10000, ACCOUNTS = 44000, TEXTS = 4096 };

static const uint32_t answer_s = 2;  /* within which a broken request is refused */
static const uint32_t passing_s = 8; /* a back-to-back user agent may look up, queue or announce first */
static const int64_t ownership_ns = 600 * INT64_C(1000000000); /* how long an account's last success counts */

/* What is remembered of a client, a target or an account in FeatureNovelty, each kind by itself. */
typedef enum Seen {
    SEEN_TO_USER,
    SEEN_FROM_USER,
    SEEN_PEER,
    SEEN_HOST,
    SEEN_USERNAME,
    SEEN_AGENT,
    SEEN_BODY,
    SEEN_SUFFIX,
    SEEN_CLIENT,
    SEEN_SENDER,
} Seen;

typedef enum Role { ROLE_CLIENT, ROLE_TARGET, ROLE_ACCOUNT } Role;

/* A client's or a target's history. */
typedef struct Peer {
    int64_t first_ns, last_ns;
    float counters[FEATURE_PEER_COUNTERS * FEATURE_TAUS];
} Peer;

typedef struct Account {
    int64_t first_ns, last_ns;
    int64_t owned_ns; /* time of the last success, 0: none */
    uint64_t owner;   /* hash of the client that had it */
    uint64_t contact; /* of the last REGISTER */
    uint64_t call;    /* hash of the Call-ID of its owner's last REGISTER */
    float counters[FEATURE_ACCOUNT_COUNTERS * FEATURE_TAUS];
    uint32_t bindings, padding;
} Account;

/* The last unusual text of a dialog. */
typedef struct Text {
    uint8_t length, bytes[FEATURE_TEXT], padding[7];
} Text;
_Static_assert(sizeof(Text) % 8 == 0, "records of a FeatureTable");

struct FeatureContext {
    FeatureTable dialogs, clients, targets, accounts, texts;
    FeatureNovelty novelty;
    int64_t now_ns, first_ns, last_ns; /* packet time, non-decreasing; of the counters of all traffic */
    float all[FEATURE_ALL_COUNTERS * FEATURE_TAUS];
    FeatureSecret secret;
    size_t n_local;
    FeatureLocal *local;
};

/* What one step works on. */
typedef struct Step {
    FeatureContext *context;
    const WireMessage *message;
    const FeatureEncoded *encoded;
    FeatureKey dialog_key;
    Dialog *dialog;
    DialogRelation relation;
    Peer *client, *target; /* client is NULL for the operator's own hosts */
    const Peer *served;    /* the client's history as a target, and the target's as a client; NULL: none */
    const Peer *asking;
    Account *account; /* NULL if the message names none */
    int64_t client_step_ns, target_step_ns;
    uint64_t client_hash, target_hash, account_hash;
    uint32_t now_s;
    bool client_is_new;
} Step;

/* ---- life ---- */

static CoreStatus init_tables(FeatureContext *c, CoreError *error) {
    const struct {
        FeatureTable *table;
        uint32_t capacity;
        size_t record;
    } tables[] = {{&c->dialogs, DIALOGS, sizeof(Dialog)},
                  {&c->clients, CLIENTS, sizeof(Peer)},
                  {&c->targets, TARGETS, sizeof(Peer)},
                  {&c->accounts, ACCOUNTS, sizeof(Account)},
                  {&c->texts, TEXTS, sizeof(Text)}};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        CoreStatus status =
            feature_table_init(tables[i].table, tables[i].capacity, tables[i].record, &c->secret, error);
        if (status) return status;
    }
    return feature_novelty_init(&c->novelty, error);
}

CoreStatus feature_context_new(const FeatureLocal *local, size_t n_local, FeatureContext **context,
                               CoreError *error) {
    *context = NULL;
    FeatureContext *c = calloc(1, sizeof *c);
    FeatureLocal *copy = calloc(n_local ? n_local : 1, sizeof *copy);
    if (!c || !copy) {
        free(c);
        free(copy);
        return core_fail(error, CORE_MEMORY, "no memory for the feature context");
    }
    if (n_local) memcpy(copy, local, n_local * sizeof *copy);
    c->local = copy;
    c->n_local = n_local;
    CoreStatus status = CORE_OK;
    if (getrandom(c->secret.bytes, sizeof c->secret.bytes, 0) != (ssize_t)sizeof c->secret.bytes)
        status = core_fail(error, CORE_UNAVAILABLE, "the system gives no random bytes for the hash tables");
    if (!status) status = init_tables(c, error);
    if (status)
        feature_context_free(c);
    else
        *context = c;
    return status;
}

void feature_context_free(FeatureContext *context) {
    if (!context) return;
    feature_table_free(&context->dialogs);
    feature_table_free(&context->clients);
    feature_table_free(&context->targets);
    feature_table_free(&context->accounts);
    feature_table_free(&context->texts);
    feature_novelty_free(&context->novelty);
    free(context->local);
    free(context);
}

/* ---- what is new ---- */

/* Two roles of one address and the kinds of what is seen are owners of their own. */
static uint64_t owner_of(uint64_t hash, Role role, Seen kind) {
    return hash + (uint64_t)role * 0x10001u + (uint64_t)kind * 0x100000001u;
}

/* `value` (0: none) is new to the client, target or account with this hash. */
static bool is_new(const Step *step, uint64_t hash, Role role, Seen kind, uint64_t value) {
    return feature_novelty_is_new(&step->context->novelty, owner_of(hash, role, kind), value, step->now_s);
}

static bool knows(const Step *step, uint64_t hash, Role role, Seen kind, uint64_t value, uint32_t most_s) {
    return feature_novelty_knows(&step->context->novelty, owner_of(hash, role, kind), value, step->now_s,
                                 most_s);
}

/* ---- finding what a message belongs to ---- */

static bool is_local(const FeatureContext *context, const WireAddress *address) {
    for (size_t i = 0; i < context->n_local; i++)
        if (feature_local_contains(&context->local[i], address)) return true;
    return false;
}

static FeatureKey key_of(const WireAddress *address) {
    FeatureKey key;
    memcpy(key.bytes, address->ip, sizeof key.bytes);
    return key;
}

static Peer *find_peer(FeatureTable *table, const WireAddress *address, int64_t now_ns, int64_t *step_ns,
                       bool *created) {
    const FeatureKey key = key_of(address);
    Peer *peer = feature_table_touch(table, &key, created);
    *step_ns = *created ? -1 : now_ns - peer->last_ns;
    if (*created)
        peer->first_ns = now_ns;
    else
        feature_decay(peer->counters, FEATURE_PEER_COUNTERS, now_ns - peer->last_ns);
    peer->last_ns = now_ns;
    return peer;
}

/* user@host in lower case, as registrars compare it. */
static Account *find_account(FeatureContext *context, const uint8_t *bytes, const FeatureEncoded *encoded,
                             int64_t now_ns, uint64_t *hash) {
    uint8_t text[256];
    size_t n = 0;
    const WireSlice parts[] = {encoded->account_user, encoded->account_host};
    if (parts[0].length == 0) return NULL;
    for (unsigned part = 0; part < 2; part++) {
        for (uint32_t i = 0; i < parts[part].length && n < sizeof text - 1; i++)
            text[n++] = feature_lower(bytes[parts[part].offset + i]);
        if (part == 0) text[n++] = '@';
    }
    *hash = feature_hash(text, n, 0);
    FeatureKey key = feature_hash_key(text, n, &context->secret);
    bool created;
    Account *account = feature_table_touch(&context->accounts, &key, &created);
    if (created)
        account->first_ns = now_ns;
    else
        feature_decay(account->counters, FEATURE_ACCOUNT_COUNTERS, now_ns - account->last_ns);
    account->last_ns = now_ns;
    return account;
}

/* What two hosts send each other without a Call-ID is taken for one dialog, so that the answer to such a
 * message is known as its answer. */
static FeatureKey key_of_pair(const FeatureContext *context, const WireMessage *message) {
    const uint8_t *ip[2] = {message->source.ip, message->destination.ip};
    uint8_t pair[2 * sizeof message->source.ip];
    const bool swap = memcmp(ip[0], ip[1], sizeof message->source.ip) > 0;
    memcpy(pair, ip[swap], sizeof message->source.ip);
    memcpy(pair + sizeof message->source.ip, ip[!swap], sizeof message->source.ip);
    return feature_hash_key(pair, sizeof pair, &context->secret);
}

static void find_dialog(Step *step) {
    FeatureContext *c = step->context;
    const WireSlice id = step->encoded->call_id;
    step->dialog_key = id.length ? feature_hash_key(step->message->bytes + id.offset, id.length, &c->secret)
                                 : key_of_pair(c, step->message);
    bool created;
    step->dialog = feature_table_touch(&c->dialogs, &step->dialog_key, &created);
}

/* Whether who gets this reply has just sent a request to who sends it; of a request, notes that. */
static bool was_asked(const Step *step) {
    const WireMessage *m = step->message;
    const uint64_t source = feature_hash(m->source.ip, sizeof m->source.ip, 0);
    const uint64_t destination = feature_hash(m->destination.ip, sizeof m->destination.ip, 0);
    if (!step->encoded->request) return knows(step, source, ROLE_TARGET, SEEN_SENDER, destination, answer_s);
    is_new(step, destination, ROLE_TARGET, SEEN_SENDER, source);
    return false;
}

static void find(Step *step, FeatureKeys *keys) {
    FeatureContext *c = step->context;
    const FeatureEncoded *encoded = step->encoded;
    const WireMessage *message = step->message;
    find_dialog(step);
    dialog_step(step->dialog, message, encoded, c->now_ns, was_asked(step), &step->relation);
    const DialogRelation *r = &step->relation;
    /* The other side: where a request goes, where an answer comes from; who forges a reply aims at its
     * receiver. */
    bool own = encoded->request || wire_same_ip(&r->client, &message->source);
    *keys = (FeatureKeys){.has_client = !is_local(c, &r->client),
                          .relayed = r->relayed,
                          .matched = r->matched,
                          .client = r->client,
                          .target = own ? message->destination : message->source};
    keys->client.port = keys->target.port = 0;
    step->client_hash = feature_hash(keys->client.ip, sizeof keys->client.ip, 0);
    step->target_hash = feature_hash(keys->target.ip, sizeof keys->target.ip, 0);
    step->client_step_ns = -1;
    bool created;
    if (keys->has_client)
        step->client =
            find_peer(&c->clients, &keys->client, c->now_ns, &step->client_step_ns, &step->client_is_new);
    step->target = find_peer(&c->targets, &keys->target, c->now_ns, &step->target_step_ns, &created);
    const FeatureKey client = key_of(&keys->client), target = key_of(&keys->target);
    step->served = keys->has_client ? feature_table_find(&c->targets, &client) : NULL;
    step->asking = feature_table_find(&c->clients, &target);
    step->account = find_account(c, message->bytes, encoded, c->now_ns, &step->account_hash);
    if (c->last_ns)
        feature_decay(c->all, FEATURE_ALL_COUNTERS, c->now_ns - c->last_ns);
    else
        c->first_ns = c->now_ns;
    c->last_ns = c->now_ns;
}

/* ---- what it follows from ---- */

/* Whether the target has sent requests to the client lately. */
static bool is_asked_back(const Step *step) {
    return step->client &&
           knows(step, step->client_hash, ROLE_TARGET, SEEN_HOST, step->target_hash, NOVELTY_AGE_S);
}

/* A back-to-back user agent (RFC 7092) makes a request of its own, with another Call-ID, of each that it
 * gets. What it keeps is who calls, who is called, or both: a dialog that begins with a user whose request
 * has just arrived at its client is passed on. */
static void find_origin(Step *step) {
    const FeatureEncoded *e = step->encoded;
    if (!e->request || step->relation.known) return;
    const bool caller = knows(step, step->client_hash, ROLE_TARGET, SEEN_FROM_USER, e->from_user, passing_s);
    const bool callee = knows(step, step->client_hash, ROLE_TARGET, SEEN_TO_USER, e->to_user, passing_s);
    step->dialog->passed_caller = caller;
    step->dialog->passed_callee = callee;
}

static bool is_passed_on(const Step *step) {
    return step->dialog->passed_caller || step->dialog->passed_callee;
}

/* ---- accounts ---- */

static bool is_owned(const Step *step) {
    const Account *account = step->account;
    return account && account->owned_ns && step->context->now_ns - account->owned_ns <= ownership_ns;
}

static bool is_foreign(const Step *step) {
    return is_owned(step) && step->client && step->account->owner != step->client_hash;
}

static uint64_t agent_of(const FeatureEncoded *encoded) {
    return encoded->agent ? encoded->agent : 1; /* no User-Agent is a habit too */
}

/* Whether the account is used as before: with a User-Agent that it had, or, which is surer, registering with
 * the Call-ID of its last registration (RFC 3261 section 10.2). A phone whose address changes goes on so. */
static bool has_known_agent(const Step *step) {
    return step->account &&
           knows(step, step->account_hash, ROLE_ACCOUNT, SEEN_AGENT, agent_of(step->encoded), NOVELTY_AGE_S);
}

static uint64_t hash_of_call(const Step *step) {
    const WireSlice id = step->encoded->call_id;
    return id.length ? feature_hash(step->message->bytes + id.offset, id.length, 0) : 0;
}

static bool has_known_call(const Step *step) {
    return step->account && step->encoded->method == WIRE_REGISTER && step->account->call &&
           step->account->call == hash_of_call(step);
}

/* Only what its owner does makes the habits of an account. */
static void remember_habits(Step *step) {
    if (is_foreign(step)) return;
    if (step->encoded->method == WIRE_REGISTER) step->account->call = hash_of_call(step);
    is_new(step, step->account_hash, ROLE_ACCOUNT, SEEN_AGENT, agent_of(step->encoded));
}

/* A refusal of credentials that were sent: a fresh challenge because the nonce was stale is none. */
static bool is_auth_failure(const Step *step) {
    uint16_t status = step->encoded->status;
    return step->relation.request_had_credentials && !step->encoded->stale &&
           (status == 401 || status == 407 || status == 403);
}

static void count_account_request(Step *step) {
    Account *account = step->account;
    const FeatureEncoded *encoded = step->encoded;
    float *c = account->counters;
    if (encoded->method == WIRE_REGISTER) {
        feature_count(c, FEATURE_ACCOUNT_REGISTER);
        if (encoded->contact && account->contact && encoded->contact != account->contact)
            feature_count(c, FEATURE_ACCOUNT_REBOUND);
        if (encoded->contact) account->contact = encoded->contact;
    } else if (encoded->method == WIRE_INVITE)
        feature_count(c, FEATURE_ACCOUNT_INVITE);
    else if (encoded->method == WIRE_MESSAGE)
        feature_count(c, FEATURE_ACCOUNT_MESSAGE);
    else
        feature_count(c, FEATURE_ACCOUNT_OTHER);
    if (encoded->method == WIRE_INVITE && !encoded->to_tag && encoded->long_number)
        feature_count(c, FEATURE_ACCOUNT_LONG_NUMBER);
    if (is_new(step, step->account_hash, ROLE_ACCOUNT, SEEN_CLIENT, step->client_hash))
        feature_count(c, FEATURE_ACCOUNT_NEW_CLIENT);
    remember_habits(step);
}

static void count_account_reply(Step *step) {
    Account *account = step->account;
    const FeatureEncoded *encoded = step->encoded;
    bool with_credentials = step->relation.request_had_credentials;
    float *c = account->counters;
    unsigned class = encoded->status / 100u;
    if (class == 2) feature_count(c, FEATURE_ACCOUNT_SUCCESS);
    if (class == 2 && with_credentials) feature_count(c, FEATURE_ACCOUNT_AUTH_SUCCESS);
    if (encoded->status == 401 || encoded->status == 407) feature_count(c, FEATURE_ACCOUNT_CHALLENGE);
    if (encoded->status == 404) feature_count(c, FEATURE_ACCOUNT_NOT_FOUND);
    if (is_auth_failure(step)) feature_count(c, FEATURE_ACCOUNT_AUTH_FAILURE);
    if (class != 2 || (!with_credentials && encoded->method != WIRE_REGISTER)) return;
    account->owner = step->client_hash;
    account->owned_ns = step->context->now_ns;
    if (encoded->method == WIRE_REGISTER) account->bindings = encoded->contacts;
}

/* ---- clients and targets ---- */

static FeaturePeerCounter method_counter(uint8_t method) {
    switch (method) {
    case WIRE_INVITE: return FEATURE_PEER_INVITE;
    case WIRE_ACK: return FEATURE_PEER_ACK;
    case WIRE_BYE: return FEATURE_PEER_BYE;
    case WIRE_CANCEL: return FEATURE_PEER_CANCEL;
    case WIRE_REGISTER: return FEATURE_PEER_REGISTER;
    case WIRE_OPTIONS: return FEATURE_PEER_OPTIONS;
    case WIRE_MESSAGE: return FEATURE_PEER_MESSAGE;
    case WIRE_SUBSCRIBE:
    case WIRE_NOTIFY:
    case WIRE_PUBLISH: return FEATURE_PEER_EVENT;
    default: return FEATURE_PEER_OTHER_REQUEST;
    }
}

static FeaturePeerCounter status_counter(uint16_t status) {
    switch (status) {
    case 401:
    case 407: return FEATURE_PEER_CHALLENGE;
    case 403: return FEATURE_PEER_FORBIDDEN;
    case 404:
    case 410:
    case 416:
    case 484:
    case 485:
    case 604: return FEATURE_PEER_NOT_FOUND;
    case 408:
    case 480:
    case 487: return FEATURE_PEER_UNAVAILABLE;
    case 486:
    case 600:
    case 603: return FEATURE_PEER_BUSY;
    case 481: return FEATURE_PEER_NO_DIALOG;
    default: break;
    }
    switch (status / 100) {
    case 1: return FEATURE_PEER_PROVISIONAL;
    case 2: return FEATURE_PEER_SUCCESS;
    case 3: return FEATURE_PEER_REDIRECT;
    case 4: return FEATURE_PEER_CLIENT_ERROR;
    default: return FEATURE_PEER_SERVER_ERROR;
    }
}

static bool is_initial(const FeatureEncoded *encoded) {
    return !encoded->to_tag && encoded->method != WIRE_ACK && encoded->method != WIRE_CANCEL;
}

static void count_if(Peer *peer, FeaturePeerCounter counter, bool condition) {
    if (condition) feature_count(peer->counters, counter);
}

/* What is new to this peer. `other` is the other side's address and port. */
static void count_novelties(Peer *peer, const Step *step, Role role, const WireAddress *other) {
    const FeatureEncoded *e = step->encoded;
    const DialogRelation *r = &step->relation;
    const uint64_t hash = role == ROLE_CLIENT ? step->client_hash : step->target_hash;
    const uint64_t host = role == ROLE_CLIENT ? step->target_hash : step->client_hash;
    const uint64_t address = feature_hash(other->ip, sizeof other->ip, other->port);
    const bool new_user = is_new(step, hash, role, SEEN_TO_USER, e->to_user);
    const bool old_suffix = e->suffix && !is_new(step, hash, role, SEEN_SUFFIX, e->suffix);
    const bool old_body = e->body_hash && !is_new(step, hash, role, SEEN_BODY, e->body_hash);
    count_if(peer, FEATURE_PEER_NEW_TO_USER, new_user);
    count_if(peer, FEATURE_PEER_NEW_PREFIX, new_user && old_suffix);
    count_if(peer, FEATURE_PEER_REPEATED_BODY, new_user && old_body);
    count_if(peer, FEATURE_PEER_NEW_CALL, e->call_id.length && (!r->known || !r->source_is_party));
    count_if(peer, FEATURE_PEER_PASSED_ON, !r->known && is_passed_on(step));
    count_if(peer, FEATURE_PEER_NEW_FROM_USER, is_new(step, hash, role, SEEN_FROM_USER, e->from_user));
    count_if(peer, FEATURE_PEER_NEW_PEER, is_new(step, hash, role, SEEN_PEER, address));
    count_if(peer, FEATURE_PEER_NEW_HOST, is_new(step, hash, role, SEEN_HOST, host));
    count_if(peer, FEATURE_PEER_NEW_USERNAME, is_new(step, hash, role, SEEN_USERNAME, e->username));
    count_if(peer, FEATURE_PEER_NEW_AGENT, is_new(step, hash, role, SEEN_AGENT, e->agent));
}

static void count_request(Peer *peer, const Step *step, Role role, const WireAddress *other) {
    const FeatureEncoded *encoded = step->encoded;
    const DialogRelation *r = &step->relation;
    feature_count(peer->counters, method_counter(encoded->method));
    count_if(peer, FEATURE_PEER_RETRANSMISSION, r->retransmission);
    count_if(peer, FEATURE_PEER_CREDENTIALS, encoded->username != 0);
    count_if(peer, FEATURE_PEER_ESTABLISHED, r->established);
    count_if(peer, FEATURE_PEER_INITIAL, is_initial(encoded));
    count_if(peer, FEATURE_PEER_STRAY, r->stray);
    count_if(peer, FEATURE_PEER_FOREIGN_DIALOG, r->known && !r->source_is_party);
    count_if(peer, FEATURE_PEER_FOREIGN_ACCOUNT, is_foreign(step));
    count_if(peer, FEATURE_PEER_FOREIGN_AGENT, is_foreign(step) && !has_known_agent(step));
    count_if(peer, FEATURE_PEER_LONG_NUMBER,
             encoded->method == WIRE_INVITE && !encoded->to_tag && encoded->long_number);
    count_novelties(peer, step, role, other);
}

static void count_reply(Peer *peer, const Step *step) {
    const DialogRelation *r = &step->relation;
    feature_count(peer->counters, status_counter(step->encoded->status));
    count_if(peer, FEATURE_PEER_AUTH_FAILURE, is_auth_failure(step));
    count_if(peer, FEATURE_PEER_AUTH_SUCCESS, r->request_had_credentials && step->encoded->status / 100 == 2);
    count_if(peer, FEATURE_PEER_FOREIGN_DIALOG, r->known && !r->source_is_party);
}

static void count_all(const Step *step) {
    float *all = step->context->all;
    const FeatureEncoded *encoded = step->encoded;
    if (encoded->request) {
        feature_count(all, FEATURE_ALL_REQUEST);
        if (is_initial(encoded)) feature_count(all, FEATURE_ALL_INITIAL);
    } else if (encoded->status >= 200) {
        feature_count(all, encoded->status < 300 ? FEATURE_ALL_SUCCESS : FEATURE_ALL_FAILURE);
        if (is_auth_failure(step)) feature_count(all, FEATURE_ALL_AUTH_FAILURE);
    }
    if (step->client_is_new) feature_count(all, FEATURE_ALL_NEW_CLIENT);
}

/* Requests count on their first leg, replies there too and once per class of status. */
static void count(Step *step) {
    const DialogRelation *r = &step->relation;
    if (r->relayed) return;
    if (step->encoded->request) {
        if (step->client) count_request(step->client, step, ROLE_CLIENT, &step->message->destination);
        count_request(step->target, step, ROLE_TARGET, &step->message->source);
        if (step->account) count_account_request(step);
    } else if (!r->matched || r->first_status) {
        if (step->client) count_reply(step->client, step);
        count_reply(step->target, step);
        if (step->account && r->matched && r->source_is_party) count_account_reply(step);
    }
    count_all(step);
}

/* ---- the row ---- */

static uint8_t at_most_255(uint32_t value) {
    return value < 255 ? (uint8_t)value : 255;
}

static uint8_t bits_set(uint64_t bits) {
    uint8_t n = 0;
    for (; bits; bits &= bits - 1)
        n++;
    return n;
}

static void write_message_facts(const Step *step, uint8_t *fact) {
    const FeatureEncoded *e = step->encoded;
    fact[FEATURE_FACT_REQUEST] = e->request;
    fact[FEATURE_FACT_OSIP_ACCEPTED] = e->osip == WIRE_OSIP_ACCEPTED;
    fact[FEATURE_FACT_OSIP_REFUSED] = e->osip == WIRE_OSIP_REFUSED;
    fact[FEATURE_FACT_OSIP_GUARDED] = e->osip == WIRE_OSIP_GUARDED;
    fact[FEATURE_FACT_TRUNCATED] = (step->message->flags & WIRE_FLAG_TRUNCATED) != 0;
    fact[FEATURE_FACT_FRAGMENTED] = (step->message->flags & WIRE_FLAG_FRAGMENTED) != 0;
    fact[FEATURE_FACT_ANOMALIES] = bits_set(e->anomalies);
    fact[FEATURE_FACT_UNUSUAL_FIELDS] = e->unusual_fields;
    fact[FEATURE_FACT_UNUSUAL_BYTES] =
        at_most_255((uint32_t)(16.0f * feature_log1p((float)e->unusual_bytes) + 0.5f));
    fact[FEATURE_FACT_TO_TAG] = e->to_tag;
    fact[FEATURE_FACT_CREDENTIALS] = e->username != 0;
    fact[FEATURE_FACT_EXPIRES_ZERO] = e->expires_zero;
    fact[FEATURE_FACT_CONTACTS] = e->contacts;
    fact[FEATURE_FACT_CONTACT_IS_SOURCE] = e->contact_is_source;
    fact[FEATURE_FACT_VIAS] = e->vias;
    fact[FEATURE_FACT_HAS_BODY] = e->body;
    fact[FEATURE_FACT_HAS_SDP] = e->media != 0;
    fact[FEATURE_FACT_HOLD] = e->hold;
    fact[FEATURE_FACT_NUMBER] = e->digits;
    fact[FEATURE_FACT_LONG_NUMBER] = e->long_number;
    fact[FEATURE_METHODS_AT + e->method] = 1;
    if (e->status >= 100 && e->status <= 699) fact[FEATURE_STATUS_AT + e->status / 100 - 1] = 1;
    for (unsigned i = 0; i < WIRE_ANOMALY_COUNT; i++)
        fact[FEATURE_ANOMALIES_AT + i] = (step->relation.anomalies >> i) & 1;
}

static void write_relation_facts(const Step *step, uint8_t *fact) {
    const DialogRelation *r = &step->relation;
    fact[FEATURE_FACT_RELAYED] = r->relayed;
    fact[FEATURE_FACT_MATCHED] = r->matched;
    fact[FEATURE_FACT_HAS_CLIENT] = step->client != NULL;
    fact[FEATURE_FACT_RETRANSMISSION] = r->retransmission;
    fact[FEATURE_FACT_DIALOG_KNOWN] = r->known;
    fact[FEATURE_FACT_DIALOG_CONFIRMED] = r->confirmed;
    fact[FEATURE_FACT_DIALOG_ENDED] = r->ended;
    fact[FEATURE_FACT_SOURCE_IS_PARTY] = r->source_is_party;
    fact[FEATURE_FACT_FROM_TAG_KNOWN] = r->from_tag_known;
    fact[FEATURE_FACT_TO_TAG_KNOWN] = r->to_tag_known;
    fact[FEATURE_FACT_CONTACT_CHANGED] = r->contact_changed;
    fact[FEATURE_FACT_MEDIA_CHANGED] = r->media_changed;
    fact[FEATURE_FACT_DIALOG_FAULT] = r->fault;
    fact[FEATURE_FACT_DIALOG_UNUSUAL] = r->unusual;
    fact[FEATURE_FACT_PASSED_CALLER] = step->dialog->passed_caller;
    fact[FEATURE_FACT_PASSED_CALLEE] = step->dialog->passed_callee;
    fact[FEATURE_FACT_CSEQ_BACK] = r->cseq_step == DIALOG_CSEQ_BACK;
    fact[FEATURE_FACT_ACCOUNT_OWNED] = is_owned(step);
    fact[FEATURE_FACT_ACCOUNT_FOREIGN] = is_foreign(step);
    fact[FEATURE_FACT_ACCOUNT_AGE] =
        is_owned(step) ? feature_log_time(step->context->now_ns - step->account->owned_ns) : 0;
    fact[FEATURE_FACT_ACCOUNT_AGENT] = has_known_agent(step);
    fact[FEATURE_FACT_ACCOUNT_CALL] = has_known_call(step);
    fact[FEATURE_FACT_BINDINGS] = step->account ? at_most_255(step->account->bindings) : 0;
    fact[FEATURE_FACT_ASKED_BACK] = is_asked_back(step);
    fact[FEATURE_FACT_CLIENT_STEP] = feature_log_time(step->client_step_ns);
    fact[FEATURE_FACT_TARGET_STEP] = feature_log_time(step->target_step_ns);
}

/* A message without unusual text answers or goes on with one that had some: what it was is still to be seen.
 */
static void write_text(const Step *step, FeatureRow *row) {
    FeatureTable *texts = &step->context->texts;
    const FeatureEncoded *e = step->encoded;
    if (e->n_text) {
        bool created;
        Text *text = feature_table_touch(texts, &step->dialog_key, &created);
        text->length = e->n_text;
        memcpy(text->bytes, e->text, sizeof text->bytes);
    }
    const Text *text = step->relation.unusual ? feature_table_find(texts, &step->dialog_key) : NULL;
    if (!text) return;
    memcpy(row->text, text->bytes, sizeof row->text);
    row->n_text = text->length;
}

/* Some of a peer's counters as they are now, `which` of n names them; nobody's are empty. */
static void write_some(const Peer *peer, const uint8_t *which, unsigned n, int64_t now_ns, uint8_t *row) {
    float values[FEATURE_PEER_COUNTERS * FEATURE_TAUS] = {0};
    for (unsigned i = 0; peer && i < n; i++)
        memcpy(values + i * FEATURE_TAUS, peer->counters + which[i] * FEATURE_TAUS,
               FEATURE_TAUS * sizeof *values);
    if (peer) feature_decay(values, n, now_ns - peer->last_ns);
    feature_quantise(values, n, peer ? now_ns - peer->first_ns : 0, row);
}

static void write_counters(const Step *step, uint8_t *row) {
    const FeatureContext *c = step->context;
    const Peer *client = step->client, *target = step->target;
    const Account *account = step->account;
    if (client)
        feature_quantise(client->counters, FEATURE_PEER_COUNTERS, c->now_ns - client->first_ns,
                         row + FEATURE_CLIENT_AT);
    write_some(step->served, feature_served_counters, FEATURE_SERVED_COUNTERS, c->now_ns,
               row + FEATURE_SERVED_AT);
    if (account)
        feature_quantise(account->counters, FEATURE_ACCOUNT_COUNTERS, c->now_ns - account->first_ns,
                         row + FEATURE_ACCOUNT_AT);
    feature_quantise(target->counters, FEATURE_PEER_COUNTERS, c->now_ns - target->first_ns,
                     row + FEATURE_TARGET_AT);
    write_some(step->asking, feature_asking_counters, FEATURE_ASKING_COUNTERS, c->now_ns,
               row + FEATURE_ASKING_AT);
    feature_quantise(c->all, FEATURE_ALL_COUNTERS, c->now_ns - c->first_ns, row + FEATURE_ALL_AT);
}

void feature_context_step(FeatureContext *context, const WireMessage *message, const FeatureEncoded *encoded,
                          FeatureRow *row, FeatureKeys *keys) {
    if (message->time_ns > context->now_ns) context->now_ns = message->time_ns;
    Step step = {.context = context,
                 .message = message,
                 .encoded = encoded,
                 .now_s = (uint32_t)(context->now_ns / INT64_C(1000000000))};
    find(&step, keys);
    find_origin(&step);
    memset(row, 0, sizeof *row);
    write_relation_facts(&step, row->counters);
    count(&step);
    write_message_facts(&step, row->counters);
    write_counters(&step, row->counters);
    memcpy(row->tokens, encoded->tokens, sizeof row->tokens);
    write_text(&step, row);
    row->n_tokens = encoded->n_tokens;
    row->n_events = dialog_events(step.dialog, row->events);
}
