/* Attack runs: noting what they send, and judging them by their class's description (docs/labels.md).
 * Relies on: data/synth/runs.h.
 * Relied on by: data/synth. */
#include "data/synth/runs.h"

#include <stdio.h>
#include <stdlib.h>

const char *const synth_class_names[SYNTH_CLASSES] = {
    "flood",  "distributed_flood", "scan",      "enumeration", "bruteforce", "teardown",
    "hijack", "malformed",         "injection", "toll_fraud",  "spit"};
const uint8_t synth_class_onset[SYNTH_CLASSES] = {5, 20, 5, 5, 10, 0, 5, 0, 0, 10, 10};

/* ---- hashes -------------------------------------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

/* 0 only for no text. */
static uint64_t hash_slice(const SynthMessage *message, SynthSlice slice) {
    if (!slice.length) return 0;
    return hash_bytes(UINT64_C(0xcbf29ce484222325), message->pool + slice.at, slice.length) | 1;
}

uint64_t synth_hash_address(const WireAddress *address, bool with_port) {
    uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), address->ip, sizeof address->ip);
    if (with_port) hash = hash_bytes(hash, &address->port, sizeof address->port);
    return hash | 1;
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

/* prefix, then a digit that is not 0, then at least `digits` more, to the end. */
static bool number_behind(const char *text, size_t length, const char *prefix, size_t digits) {
    size_t skip = strlen(prefix);
    if (length < skip + 1 + digits || memcmp(text, prefix, skip) != 0) return false;
    if (text[skip] < '1' || text[skip] > '9') return false;
    for (size_t i = skip; i < length; i++)
        if (text[i] < '0' || text[i] > '9') return false;
    return true;
}

static bool is_international(const char *text, size_t length) {
    static const char *const prefixes[] = {"+", "00", "011", "0011", "900", "9011"};
    for (size_t i = 0; i < SYNTH_COUNT(prefixes); i++)
        if (number_behind(text, length, prefixes[i], 8)) return true;
    return false;
}

static bool is_prefix_probe(const char *text, size_t length) {
    static const char *const prefixes[] = {"",    "+",   "*",   "0",    "8",    "9",    "00",   "000",
                                           "011", "900", "810", "9011", "1100", "8800", "99900"};
    for (size_t i = 0; i < SYNTH_COUNT(prefixes); i++)
        if (number_behind(text, length, prefixes[i], 9)) return true;
    return false;
}

/* ---- noting -------------------------------------------------------------------------------------------- */

uint32_t synth_run_open(SynthRuns *runs, SynthClass class, const char *tool, const char *settings) {
    if (runs->count == runs->room) {
        uint32_t room = runs->room ? 2 * runs->room : 16;
        void *grown = realloc(runs->runs, room * sizeof *runs->runs);
        if (!grown) return 0;
        runs->runs = grown;
        runs->room = room;
    }
    SynthRun *run = &runs->runs[runs->count];
    memset(run, 0, sizeof *run);
    run->class = (uint8_t) class;
    snprintf(run->tool, sizeof run->tool, "%s", tool);
    snprintf(run->settings, sizeof run->settings, "%s", settings);
    for (char *at = run->settings; *at; at++)
        if ((unsigned char)*at < ' ') *at = ' ';
    run->start_ns = INT64_MAX;
    run->end_ns = INT64_MIN;
    return ++runs->count;
}

SynthAsk synth_ask(int64_t now_ns, const WireAddress *source, const WireAddress *destination,
                   const SynthMessage *m) {
    SynthAsk ask = {.time_ns = now_ns,
                    .from = *source,
                    .source = synth_hash_address(source, false),
                    .host = synth_hash_address(destination, false),
                    .port = synth_hash_address(destination, true),
                    .to_user = hash_slice(m, m->to.user),
                    .uri_user = hash_slice(m, m->uri_user),
                    .method = m->method,
                    .is_reply = m->status != 0,
                    .authorized = m->credentials.length != 0,
                    .to_tag = m->to.tag.length != 0};
    const char *number = m->pool + m->uri_user.at;
    uint64_t from = hash_slice(m, m->from.user);
    ask.account = m->account ? m->account : from;
    ask.call = hash_slice(m, m->call_id);
    ask.number = hash_bytes(hash_slice(m, m->call_id), &m->cseq, sizeof m->cseq) | 1;
    ask.transaction = hash_bytes(ask.number ^ hash_slice(m, m->branch), &m->method, 1) | 1;
    ask.what = m->method == WIRE_MESSAGE ? hash_slice(m, m->body) : from;
    ask.abroad = m->method == WIRE_INVITE && is_international(number, m->uri_user.length);
    ask.prefix = m->method == WIRE_INVITE && is_prefix_probe(number, m->uri_user.length);
    return ask;
}

bool synth_run_add(SynthRun *run, const SynthAsk *ask) {
    if (run->n_asks == run->asks_room) {
        uint32_t room = run->asks_room ? 2 * run->asks_room : 64;
        void *grown = realloc(run->asks, room * sizeof *run->asks);
        if (!grown) return false;
        run->asks = grown;
        run->asks_room = room;
    }
    run->asks[run->n_asks++] = *ask;
    return true;
}

/* Whether the run has sent anything from there. A run may consist of replies alone. */
static bool sends_from(const SynthRun *run, const WireAddress *source) {
    uint64_t hash = synth_hash_address(source, false);
    for (uint32_t i = 0; i < run->n_asks; i++)
        if (run->asks[i].source == hash) return true;
    return run->requests == 0;
}

bool synth_run_note(SynthRuns *runs, int64_t now_ns, const WireAddress *source,
                    const WireAddress *destination, SynthMessage *message) {
    if (!message->run) return synth_client_note(runs, now_ns, source, destination, message);
    if (message->run > runs->count) return true;
    SynthRun *run = &runs->runs[message->run - 1];
    bool known = message->ask && message->ask <= run->n_asks;
    if (message->strays) return true;
    if (message->hop > 0) { /* a relayed leg: the request was delivered */
        if (known && !message->status && run->asks[message->ask - 1].method == message->method &&
            !wire_same_ip(destination, &runs->server))
            run->asks[message->ask - 1].reached = true;
        return true;
    }
    if (message->status && known) { /* what the server says */
        if (message->status >= 200) run->asks[message->ask - 1].final = message->status;
        return true;
    }
    if (message->status && !sends_from(run, source)) { /* passed on: somebody else's answer in its calls */
        message->strays = true;
        return true;
    }
    SynthAsk ask = synth_ask(now_ns, source, destination, message);
    if (!synth_run_add(run, &ask)) return false;
    if (now_ns < run->start_ns) run->start_ns = now_ns;
    if (now_ns > run->end_ns) run->end_ns = now_ns;
    if (message->status) return true;
    message->ask = run->n_asks;
    message->onset = run->requests++ < synth_class_onset[run->class];
    return true;
}

/* ---- facts --------------------------------------------------------------------------------------------- */

typedef struct Facts {
    uint32_t work;             /* requests that ask for something: neither ACK nor CANCEL */
    uint32_t complete;         /* answered 2xx (an INVITE: and acknowledged) */
    uint32_t users, users_ok;  /* user parts tried outside of dialogs, and those with success */
    uint32_t most_users;       /* of one client */
    uint32_t failed, accounts; /* digests refused, and of how many accounts */
    uint32_t probes, hosts, ports, methods;
    uint32_t clients, busiest_client;
    uint32_t outside;          /* without credentials and To tag */
    uint32_t abroad, prefixes; /* different numbers */
    uint32_t dialled;          /* calls abroad */
    uint32_t minute;           /* the most within 60 s */
    uint32_t taken;            /* accounts registered with success */
    uint32_t callees;          /* the most callees reached with one text or caller */
    uint32_t messages;
    double span;
} Facts;

/* Pairs for counting distinct values, alone or per group. */
typedef struct Pair {
    uint64_t group, value;
} Pair;

static int compare(const void *left, const void *right) {
    const Pair *a = left, *b = right;
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    return a->value < b->value ? -1 : a->value > b->value;
}

static uint32_t distinct(Pair *pairs, uint32_t count) {
    uint32_t found = 0;
    qsort(pairs, count, sizeof *pairs, compare);
    for (uint32_t i = 0; i < count; i++)
        found += i == 0 || compare(&pairs[i - 1], &pairs[i]) != 0;
    return found;
}

/* The most distinct values of one group. */
static uint32_t widest(Pair *pairs, uint32_t count) {
    uint32_t best = 0, here = 0;
    qsort(pairs, count, sizeof *pairs, compare);
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || pairs[i - 1].group != pairs[i].group)
            here = 1;
        else
            here += pairs[i - 1].value != pairs[i].value;
        if (here > best) best = here;
    }
    return best;
}

static bool is_work(const SynthAsk *ask) {
    return !ask->is_reply && ask->method != WIRE_ACK && ask->method != WIRE_CANCEL;
}

static uint64_t asked_user(const SynthAsk *ask) {
    if (ask->method == WIRE_REGISTER) return ask->to_user;
    return ask->uri_user ? ask->uri_user : ask->to_user;
}

static bool refused(const SynthAsk *ask) {
    return ask->authorized && (ask->final == 401 || ask->final == 403 || ask->final == 407);
}

static bool succeeded(const SynthAsk *ask) {
    return ask->final >= 200 && ask->final < 300;
}

/* What a copy of a request was answered counts for all its copies. */
static void share_finals(SynthAsk *asks, uint32_t count, Pair *pairs) {
    for (uint32_t i = 0; i < count; i++)
        pairs[i] = (Pair){asks[i].transaction, i};
    qsort(pairs, count, sizeof *pairs, compare);
    for (uint32_t i = 0, next; i < count; i = next) {
        uint16_t final = 0;
        for (next = i; next < count && pairs[next].group == pairs[i].group; next++)
            if (asks[pairs[next].value].final) final = asks[pairs[next].value].final;
        for (uint32_t k = i; k < next; k++)
            asks[pairs[k].value].final = final;
    }
}

typedef bool Chooser(const SynthAsk *ask, Pair *pair);

static bool choose_user(const SynthAsk *a, Pair *p) {
    p->value = asked_user(a);
    return is_work(a) && !a->to_tag && p->value;
}

static bool choose_user_ok(const SynthAsk *a, Pair *p) {
    return choose_user(a, p) && succeeded(a);
}

static bool choose_client_user(const SynthAsk *a, Pair *p) {
    p->group = a->source;
    return choose_user(a, p);
}

static bool choose_account(const SynthAsk *a, Pair *p) {
    p->value = a->account;
    return is_work(a) && refused(a);
}

static bool choose_probe(const SynthAsk *a, Pair *p) {
    p->group = a->port;
    p->value = a->method;
    return is_work(a);
}

static bool choose_host(const SynthAsk *a, Pair *p) {
    p->value = a->host;
    return is_work(a);
}

static bool choose_port(const SynthAsk *a, Pair *p) {
    p->value = a->port;
    return is_work(a);
}

static bool choose_method(const SynthAsk *a, Pair *p) {
    p->value = a->method;
    return is_work(a);
}

static bool choose_client(const SynthAsk *a, Pair *p) {
    p->value = a->source;
    return is_work(a);
}

static bool choose_abroad(const SynthAsk *a, Pair *p) {
    p->value = a->uri_user;
    return is_work(a) && a->abroad;
}

static bool choose_prefix(const SynthAsk *a, Pair *p) {
    p->value = a->uri_user;
    return is_work(a) && a->prefix;
}

static bool choose_taken(const SynthAsk *a, Pair *p) {
    p->value = a->to_user;
    return is_work(a) && a->method == WIRE_REGISTER && succeeded(a);
}

static bool choose_reached(const SynthAsk *a, Pair *p) {
    p->group = a->what;
    p->value = a->to_user;
    return a->reached && (a->method == WIRE_INVITE || a->method == WIRE_MESSAGE);
}

static uint32_t gather(const SynthRun *run, Chooser *choose, Pair *pairs) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->n_asks; i++) {
        Pair pair = {0, 0};
        if (choose(&run->asks[i], &pair)) pairs[count++] = pair;
    }
    return count;
}

static uint32_t count_of(const SynthRun *run, Chooser *choose, Pair *pairs) {
    return distinct(pairs, gather(run, choose, pairs));
}

static uint32_t busiest_minute(const SynthRun *run) {
    uint32_t best = 0, first = 0, inside = 0;
    for (uint32_t i = 0; i < run->n_asks; i++) { /* in order of time */
        if (!is_work(&run->asks[i])) continue;
        inside++;
        for (; run->asks[i].time_ns - run->asks[first].time_ns > INT64_C(60000000000); first++)
            inside -= is_work(&run->asks[first]);
        if (inside > best) best = inside;
    }
    return best;
}

static uint32_t busiest_client(Pair *pairs, uint32_t count) {
    uint32_t best = 0, here = 0;
    qsort(pairs, count, sizeof *pairs, compare);
    for (uint32_t i = 0; i < count; i++) {
        here = i && pairs[i].value == pairs[i - 1].value ? here + 1 : 1;
        if (here > best) best = here;
    }
    return best;
}

static bool has_key(const Pair *pairs, uint32_t count, uint64_t value) {
    Pair key = {0, value};
    return bsearch(&key, pairs, count, sizeof *pairs, compare) != NULL;
}

/* Whether a request was answered 2xx and, an INVITE, acknowledged; `acks` are sorted. */
static bool is_done(const SynthAsk *ask, const Pair *acks, uint32_t n_acks) {
    if (!is_work(ask) || !succeeded(ask)) return false;
    return ask->method != WIRE_INVITE || has_key(acks, n_acks, ask->number);
}

/* A challenge that was answered rightly is no failure: it counts once its call went on. */
static uint32_t count_complete(const SynthRun *run, Pair *pairs) {
    Pair *calls = pairs + run->n_asks;
    uint32_t acks = 0, complete = 0, n_calls = 0;
    for (uint32_t i = 0; i < run->n_asks; i++)
        if (run->asks[i].method == WIRE_ACK) pairs[acks++] = (Pair){0, run->asks[i].number};
    qsort(pairs, acks, sizeof *pairs, compare);
    for (uint32_t i = 0; i < run->n_asks; i++)
        if (is_done(&run->asks[i], pairs, acks)) calls[n_calls++] = (Pair){0, run->asks[i].call};
    complete = n_calls;
    qsort(calls, n_calls, sizeof *calls, compare);
    for (uint32_t i = 0; i < run->n_asks; i++) {
        const SynthAsk *ask = &run->asks[i];
        bool challenged = is_work(ask) && !ask->authorized && (ask->final == 401 || ask->final == 407);
        complete += challenged && has_key(calls, n_calls, ask->call);
    }
    return complete;
}

static void facts_of(const SynthRun *run, Pair *pairs, Facts *f) {
    int64_t first = 0, last = 0;
    memset(f, 0, sizeof *f);
    f->messages = run->n_asks;
    for (uint32_t i = 0; i < run->n_asks; i++) {
        const SynthAsk *ask = &run->asks[i];
        if (!is_work(ask)) continue;
        if (!f->work) first = ask->time_ns;
        last = ask->time_ns;
        f->work++;
        f->failed += refused(ask);
        f->outside += !ask->authorized && !ask->to_tag;
        f->dialled += run->class == SYNTH_TOLL_FRAUD ? ask->prefix : ask->abroad;
    }
    f->span = f->work > 1 ? (double)(last - first) / 1e9 : 1;
    if (f->span < 1e-3) f->span = 1e-3;
    f->complete = count_complete(run, pairs);
    f->users = count_of(run, choose_user, pairs);
    f->users_ok = count_of(run, choose_user_ok, pairs);
    f->most_users = widest(pairs, gather(run, choose_client_user, pairs));
    f->accounts = count_of(run, choose_account, pairs);
    f->probes = count_of(run, choose_probe, pairs);
    f->hosts = count_of(run, choose_host, pairs);
    f->ports = count_of(run, choose_port, pairs);
    f->methods = count_of(run, choose_method, pairs);
    f->busiest_client = busiest_client(pairs, gather(run, choose_client, pairs));
    f->clients = count_of(run, choose_client, pairs);
    f->abroad = count_of(run, choose_abroad, pairs);
    f->prefixes = count_of(run, choose_prefix, pairs);
    f->taken = count_of(run, choose_taken, pairs);
    f->callees = widest(pairs, gather(run, choose_reached, pairs));
    f->minute = busiest_minute(run);
}

/* ---- judging ------------------------------------------------------------------------------------------- */

static bool meets(const SynthRun *run, const Facts *f, SynthClass class) {
    bool mostly_open = f->complete < 0.5 * (f->work ? f->work : 1);
    double rate = f->work / f->span, of_one = f->busiest_client / f->span;
    double share =
        class == run->class ? 0 : 0.3 * f->work; /* of a run of another class a good part must do it */
    switch (class) {
    case SYNTH_FLOOD:
        return f->clients == 1 && ((f->work >= 20 && rate >= 10) || f->minute >= 60) && mostly_open;
    case SYNTH_DISTRIBUTED_FLOOD:
        return f->clients >= 8 && (rate >= 10 || f->minute >= 60) && mostly_open && f->busiest_client < 60 &&
               of_one < 10;
    case SYNTH_SCAN:
        return f->outside == f->work && f->work >= 3 && f->work <= 5 * f->probes &&
               (f->hosts >= 3 || f->ports >= 3 || f->methods >= 3);
    case SYNTH_ENUMERATION: return f->most_users >= 5 && f->users_ok <= 0.3 * f->users && !f->failed;
    case SYNTH_BRUTEFORCE: return f->failed >= 5 && f->failed >= share && f->accounts <= 3;
    case SYNTH_TOLL_FRAUD:
        return (run->class == SYNTH_TOLL_FRAUD ? f->prefixes : f->abroad) >= 3 && f->dialled >= share;
    case SYNTH_SPIT: return f->callees >= 10;
    case SYNTH_HIJACK:
        return run->class == SYNTH_HIJACK && f->messages && (!run->takes_accounts || f->taken >= 3);
    default: return run->class == class && f->messages; /* what was built: malformed, injection, teardown */
    }
}

static bool list_clients(SynthRun *run, Pair *pairs) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->n_asks; i++)
        pairs[i] = (Pair){run->asks[i].source, i};
    qsort(pairs, run->n_asks, sizeof *pairs, compare);
    free(run->clients);
    run->clients = malloc((run->n_asks + 1u) * sizeof *run->clients);
    if (!run->clients) return false;
    for (uint32_t i = 0; i < run->n_asks; i++) {
        if (i && pairs[i - 1].group == pairs[i].group) continue;
        run->clients[count] = run->asks[pairs[i].value].from;
        run->clients[count++].port = 0;
    }
    run->n_clients = count;
    return true;
}

bool synth_run_judge(SynthRun *run) {
    static const SynthClass others[] = {SYNTH_FLOOD,       SYNTH_DISTRIBUTED_FLOOD, SYNTH_SCAN,
                                        SYNTH_ENUMERATION, SYNTH_BRUTEFORCE,        SYNTH_TOLL_FRAUD,
                                        SYNTH_SPIT};
    Pair *pairs = malloc((2u * run->n_asks + 1u) * sizeof *pairs);
    Facts facts;
    run->valid = false;
    run->also = 0;
    if (!pairs) return false;
    share_finals(run->asks, run->n_asks, pairs);
    facts_of(run, pairs, &facts);
    bool listed = list_clients(run, pairs);
    free(pairs);
    if (!listed) return false;
    run->valid = run->n_asks > 0 && meets(run, &facts, run->class);
    for (size_t i = 0; i < SYNTH_COUNT(others); i++)
        if (others[i] != run->class && facts.work && meets(run, &facts, others[i]))
            run->also |= 1u << others[i];
    /* The gateway answers fraudulent calls; no person is called. */
    if (run->class == SYNTH_TOLL_FRAUD) run->also &= ~(1u << SYNTH_SPIT);
    return true;
}

bool synth_runs_judge(SynthRuns *runs) {
    uint32_t number = 0;
    bool good = true;
    for (uint32_t i = 0; i < runs->count && good; i++) {
        good = synth_run_judge(&runs->runs[i]);
        runs->runs[i].number = runs->runs[i].valid ? ++number : 0;
    }
    return good && synth_clients_judge(runs);
}

bool synth_run_holds(const SynthRun *run, SynthClass class) {
    Facts facts;
    Pair *pairs = malloc((2u * run->n_asks + 1u) * sizeof *pairs);
    if (!pairs) return false;
    facts_of(run, pairs, &facts);
    free(pairs);
    return run->n_asks > 0 && meets(run, &facts, class);
}

void synth_runs_free(SynthRuns *runs) {
    for (uint32_t i = 0; i < runs->count; i++) {
        free(runs->runs[i].asks);
        free(runs->runs[i].clients);
    }
    free(runs->runs);
    synth_clients_free(runs);
    memset(runs, 0, sizeof *runs);
}
