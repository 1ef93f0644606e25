/* Incidents: verdicts of one class, client by client or against one target, from the first agreement to a
 * minute of silence.
 * Relies on: infer/table, xxHash (header only).
 * Relied on by: infer/verdict_json, sipcnn-infer, programs that embed libsipcnn. */
#include "infer/incidents.h"

#include "infer/table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

/* Bounds on memory. A history costs 16 bytes per message of the longest window, a crowd 1.1 KiB, an open
 * incident 0.9 KiB. */
enum {
    HISTORIES = 16384,   /* clients with a verdict other than benign in their window */
    CROWDS = 4096,       /* pairs of class and target */
    INCIDENTS = 4096,    /* open ones */
    CLIENT_BITS = 1024,  /* distinct clients of an incident are counted in a bitmap (linear counting) */
    MANY_MESSAGES = 100, /* raise the severity by one step */
};

enum { ROLE_CLIENT, ROLE_TARGET };

typedef struct Judged {
    int64_t time_ns;
    int32_t class_index;
} Judged;

/* The last messages of one client, a ring of `window` entries. */
typedef struct History {
    uint32_t next;  /* entry that is written next */
    uint32_t named; /* entries of some class */
    Judged last[];  /* class_index is one too large, so that zeroed memory means "no class" */
} History;

typedef struct Member {
    uint8_t ip[16];
    int64_t since_ns, last_ns; /* last_ns 0: free */
} Member;

/* Who caused verdicts of one class on one target lately. */
typedef struct Crowd {
    uint32_t class_index;
    uint64_t agreed; /* bit i: message i of the members on this target, newest first, was of the class */
    Member members[SIPCNN_SOURCES];
} Crowd;

typedef struct Open {
    SipcnnIncident incident;
    int64_t changed_ns; /* packet time of the latest change */
    uint8_t seen[CLIENT_BITS / 8];
} Open;

struct SipcnnIncidents {
    SipcnnIncidentClass classes[SIPCNN_INCIDENT_CLASSES];
    int n_classes;
    uint32_t window; /* the greatest n */
    int64_t now_ns;
    uint64_t frame;
    SipcnnTable histories, crowds, open;
    uint32_t crowds_of[SIPCNN_INCIDENT_CLASSES]; /* crowds by class: most classes have none */
    SipcnnIncidentCounters counters;
};

/* ---- classes ---- */

const char *sipcnn_severity_name(SipcnnSeverity severity) {
    static const char *const names[] = {"low", "medium", "high", "critical"};
    return names[severity];
}

SipcnnIncidentClass sipcnn_incident_class(const char *name, uint32_t k, uint32_t n) {
    static const struct {
        const char *name;
        bool by_target;
        SipcnnSeverity severity;
    } known[] = {
        {"flood", false, SIPCNN_HIGH},      {"distributed_flood", true, SIPCNN_HIGH},
        {"scan", false, SIPCNN_LOW},        {"enumeration", false, SIPCNN_MEDIUM},
        {"bruteforce", false, SIPCNN_HIGH}, {"teardown", false, SIPCNN_HIGH},
        {"hijack", false, SIPCNN_CRITICAL}, {"malformed", false, SIPCNN_MEDIUM},
        {"injection", false, SIPCNN_HIGH},  {"toll_fraud", false, SIPCNN_CRITICAL},
        {"spit", false, SIPCNN_MEDIUM},
    };
    SipcnnIncidentClass found = {.k = k, .n = n, .severity = SIPCNN_MEDIUM};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) != 0) continue;
        found.by_target = known[i].by_target;
        found.severity = known[i].severity;
    }
    return found;
}

static SipcnnSeverity severity_of(const SipcnnIncidentClass *class, uint64_t messages) {
    if (messages < MANY_MESSAGES || class->severity == SIPCNN_CRITICAL) return class->severity;
    return (SipcnnSeverity)(class->severity + 1);
}

/* ---- construction ---- */

static CoreStatus init_tables(SipcnnIncidents *incidents, CoreError *error) {
    size_t history = sizeof(History) + incidents->window * sizeof(Judged);
    CoreStatus status = sipcnn_table_init(&incidents->histories, HISTORIES, history, error);
    if (status == CORE_OK) status = sipcnn_table_init(&incidents->crowds, CROWDS, sizeof(Crowd), error);
    if (status == CORE_OK) status = sipcnn_table_init(&incidents->open, INCIDENTS, sizeof(Open), error);
    return status;
}

CoreStatus sipcnn_incidents_new(const SipcnnIncidentClass *classes, int n_classes,
                                SipcnnIncidents **incidents, CoreError *error) {
    if (n_classes < 1 || n_classes > SIPCNN_INCIDENT_CLASSES)
        return core_fail(error, CORE_ARGUMENT, "incidents of %d classes, possible are 1 to %d", n_classes,
                         SIPCNN_INCIDENT_CLASSES);
    SipcnnIncidents *made = calloc(1, sizeof *made);
    if (made == NULL) return core_fail(error, CORE_MEMORY, "no memory for incidents");
    made->n_classes = n_classes;
    CoreStatus status = CORE_OK;
    for (int i = 0; i < n_classes && status == CORE_OK; i++) {
        uint32_t k = classes[i].k, n = classes[i].n;
        if (k < 1 || k > n || n > SIPCNN_AGREEMENT_MAX)
            status = core_fail(error, CORE_ARGUMENT,
                               "class %d: %u of %u messages cannot agree (1 <= k <= n <= %d)", i, (unsigned)k,
                               (unsigned)n, SIPCNN_AGREEMENT_MAX);
        made->classes[i] = classes[i];
        if (n > made->window) made->window = n;
    }
    if (status == CORE_OK) status = init_tables(made, error);
    if (status == CORE_OK)
        *incidents = made;
    else
        sipcnn_incidents_free(made);
    return status;
}

void sipcnn_incidents_free(SipcnnIncidents *incidents) {
    if (incidents == NULL) return;
    sipcnn_table_free(&incidents->histories);
    sipcnn_table_free(&incidents->crowds);
    sipcnn_table_free(&incidents->open);
    free(incidents);
}

SipcnnIncidentCounters sipcnn_incidents_counters(const SipcnnIncidents *incidents) {
    SipcnnIncidentCounters counters = incidents->counters;
    counters.open = incidents->open.used;
    return counters;
}

static SipcnnKey key_of(int role, int class_index, const uint8_t *ip) {
    SipcnnKey key = {.role = (uint8_t)role, .class_index = (uint8_t)class_index};
    memcpy(key.ip, ip, sizeof key.ip);
    return key;
}

/* ---- histories: k of the last n messages of a client ---- */

/* Writes the message into the client's ring. A client without a record has a ring of "no class"; it gets one
 * with its first named verdict and loses it when the last one has left the ring. NULL: no record. */
static History *remember(SipcnnIncidents *incidents, const uint8_t *ip, int class_index) {
    SipcnnKey key = key_of(ROLE_CLIENT, 0, ip);
    History *history = sipcnn_table_find(&incidents->histories, &key);
    if (history == NULL && class_index < 0) return NULL;
    if (history == NULL) {
        if (sipcnn_table_full(&incidents->histories)) {
            sipcnn_table_remove(&incidents->histories, sipcnn_table_oldest(&incidents->histories));
            incidents->counters.forgotten_keys++;
        }
        history = sipcnn_table_add(&incidents->histories, &key);
    }
    sipcnn_table_use(&incidents->histories, history);
    Judged *entry = &history->last[history->next];
    history->named -= entry->class_index != 0;
    history->named += class_index >= 0;
    *entry = (Judged){incidents->now_ns, class_index + 1};
    history->next = (history->next + 1) % incidents->window;
    if (history->named > 0) return history;
    sipcnn_table_remove(&incidents->histories, history);
    return NULL;
}

/* How many of the client's last n messages are of the class, and when the first of them came. */
static uint32_t agreeing(const SipcnnIncidents *incidents, const History *history, int class_index,
                         int64_t *first_ns) {
    uint32_t agree = 0, n = incidents->classes[class_index].n;
    for (uint32_t back = 1; back <= n; back++) {
        uint32_t at = (history->next + incidents->window - back) % incidents->window;
        if (history->last[at].class_index != class_index + 1) continue;
        agree++;
        *first_ns = history->last[at].time_ns;
    }
    return agree;
}

/* ---- crowds: many clients, one target ---- */

static bool is_recent(const SipcnnIncidents *incidents, const Member *member, int64_t within_ns) {
    return member->last_ns != 0 && incidents->now_ns - member->last_ns <= within_ns;
}

static bool is_fresh(const SipcnnIncidents *incidents, const Member *member) {
    return is_recent(incidents, member, SIPCNN_CROWD_WINDOW_NS);
}

static Member *find_member(const SipcnnIncidents *incidents, Crowd *crowd, const uint8_t *ip) {
    for (int i = 0; i < SIPCNN_SOURCES; i++) {
        Member *member = &crowd->members[i];
        if (is_fresh(incidents, member) && memcmp(member->ip, ip, sizeof member->ip) == 0) return member;
    }
    return NULL;
}

static Crowd *crowd_of(SipcnnIncidents *incidents, const SipcnnKey *key) {
    Crowd *crowd = sipcnn_table_find(&incidents->crowds, key);
    if (crowd == NULL && sipcnn_table_full(&incidents->crowds)) {
        Crowd *oldest = sipcnn_table_oldest(&incidents->crowds);
        incidents->crowds_of[oldest->class_index]--;
        sipcnn_table_remove(&incidents->crowds, oldest);
        incidents->counters.forgotten_crowds++;
    }
    if (crowd == NULL) {
        crowd = sipcnn_table_add(&incidents->crowds, key);
        crowd->class_index = key->class_index;
        incidents->crowds_of[key->class_index]++;
    }
    sipcnn_table_use(&incidents->crowds, crowd);
    return crowd;
}

/* The client has sent (or caused) a message of the class to the crowd's target: it is a member from now on,
 * in place of whoever was silent for longest. */
static void join_crowd(SipcnnIncidents *incidents, Crowd *crowd, const uint8_t *ip) {
    Member *member = find_member(incidents, crowd, ip);
    if (member == NULL) {
        member = &crowd->members[0];
        for (int i = 1; i < SIPCNN_SOURCES; i++)
            if (crowd->members[i].last_ns < member->last_ns) member = &crowd->members[i];
        memcpy(member->ip, ip, sizeof member->ip);
        member->since_ns = incidents->now_ns;
    }
    /* Zero means free; a packet from 1970 is as good as one a nanosecond later. */
    member->last_ns = incidents->now_ns != 0 ? incidents->now_ns : 1;
    crowd->agreed = crowd->agreed << 1 | 1;
}

/* The other messages of the members on this target count against the crowds of the other classes: eight
 * honest clients with one odd message each are no crowd. */
static void disagree(SipcnnIncidents *incidents, const SipcnnIncidentEvent *event, const uint8_t *ip) {
    for (int i = 0; i < incidents->n_classes; i++) {
        if (i == event->class_index || incidents->crowds_of[i] == 0) continue;
        SipcnnKey key = key_of(ROLE_TARGET, i, event->keys.target.ip);
        Crowd *crowd = sipcnn_table_find(&incidents->crowds, &key);
        if (crowd != NULL && find_member(incidents, crowd, ip) != NULL) crowd->agreed <<= 1;
    }
}

static bool has_own_incident(const SipcnnIncidents *incidents, int class_index, const uint8_t *ip) {
    SipcnnKey key = key_of(ROLE_CLIENT, class_index, ip);
    return sipcnn_table_find(&incidents->open, &key) != NULL;
}

static bool is_address(const uint8_t *ip) {
    static const uint8_t nobody[16];
    return memcmp(ip, nobody, sizeof nobody) != 0;
}

/* Enough agreement, of enough clients. What is by its nature the work of many (by_target) is that within a
 * minute. */
static bool is_crowd(const SipcnnIncidents *incidents, int class_index, const Crowd *crowd) {
    const SipcnnIncidentClass *class = &incidents->classes[class_index];
    int64_t within_ns = class->by_target ? SIPCNN_INCIDENT_SILENCE_NS : SIPCNN_CROWD_WINDOW_NS;
    uint32_t agree = 0, clients = 0;
    for (uint32_t i = 0; i < class->n; i++)
        agree += crowd->agreed >> i & 1;
    if (agree < class->k) return false;
    for (int i = 0; i < SIPCNN_SOURCES; i++) {
        const Member *member = &crowd->members[i];
        clients += is_recent(incidents, member, within_ns) && is_address(member->ip) &&
                   !has_own_incident(incidents, class_index, member->ip);
    }
    return clients >= SIPCNN_CROWD;
}

/* ---- incidents ---- */

static void change_state(SipcnnIncidents *incidents, Open *open, SipcnnIncidentState state,
                         SipcnnIncident *change) {
    SipcnnIncident *incident = &open->incident;
    incident->state = state;
    incident->change++;
    incident->time_ns = incidents->now_ns;
    incident->frame = incidents->frame;
    incident->severity = severity_of(&incidents->classes[incident->class_index], incident->messages);
    open->changed_ns = incidents->now_ns;
    *change = *incident;
}

static void list_source(Open *open, const uint8_t *ip) {
    SipcnnIncident *incident = &open->incident;
    if (!is_address(ip)) return;
    for (uint32_t i = 0; i < incident->n_sources; i++)
        if (memcmp(incident->sources[i].ip, ip, sizeof incident->sources[i].ip) == 0) return;
    uint32_t bit = (uint32_t)XXH3_64bits(ip, 16) % CLIENT_BITS;
    bool is_new = (open->seen[bit / 8] >> bit % 8 & 1) == 0;
    open->seen[bit / 8] |= (uint8_t)(1u << bit % 8);
    incident->clients += is_new;
    uint32_t at =
        incident->n_sources < SIPCNN_SOURCES ? incident->n_sources++ : incident->clients % SIPCNN_SOURCES;
    incident->sources[at] = (WireAddress){0};
    memcpy(incident->sources[at].ip, ip, sizeof incident->sources[at].ip);
}

static void count_message(SipcnnIncidents *incidents, Open *open, const SipcnnIncidentEvent *event,
                          const uint8_t *ip) {
    SipcnnIncident *incident = &open->incident;
    incident->last_ns = incidents->now_ns;
    incident->target = event->keys.target;
    if (event->p > incident->p) incident->p = event->p;
    if (incident->by_target) list_source(open, ip);
    sipcnn_table_use(&incidents->open, open);
}

static Open *open_incident(SipcnnIncidents *incidents, const SipcnnKey *key, const SipcnnIncidentEvent *event,
                           int64_t first_ns, uint64_t messages) {
    if (sipcnn_table_full(&incidents->open)) return NULL; /* the caller did not call _expire */
    Open *open = sipcnn_table_add(&incidents->open, key);
    open->incident = (SipcnnIncident){
        .number = ++incidents->counters.opened,
        .class_index = event->class_index,
        .by_target = key->role == ROLE_TARGET,
        .first_ns = first_ns,
        .messages = messages,
    };
    if (key->role == ROLE_CLIENT) open->incident.client = event->keys.client;
    return open;
}

static bool update_incident(SipcnnIncidents *incidents, Open *open, const SipcnnIncidentEvent *event,
                            const uint8_t *ip, SipcnnIncident *change) {
    open->incident.messages++;
    count_message(incidents, open, event, ip);
    if (incidents->now_ns - open->changed_ns < SIPCNN_INCIDENT_UPDATE_NS) return false;
    change_state(incidents, open, SIPCNN_UPDATE, change);
    return true;
}

static bool add_to_client(SipcnnIncidents *incidents, const SipcnnIncidentEvent *event,
                          const History *history, bool *taken, SipcnnIncident *change) {
    SipcnnKey key = key_of(ROLE_CLIENT, event->class_index, event->keys.client.ip);
    Open *open = sipcnn_table_find(&incidents->open, &key);
    *taken = open != NULL;
    if (open != NULL) return update_incident(incidents, open, event, key.ip, change);
    int64_t first_ns = incidents->now_ns;
    uint32_t agree = agreeing(incidents, history, event->class_index, &first_ns);
    if (agree < incidents->classes[event->class_index].k) return false;
    open = open_incident(incidents, &key, event, first_ns, agree);
    *taken = open != NULL;
    if (open == NULL) return false;
    count_message(incidents, open, event, key.ip);
    change_state(incidents, open, SIPCNN_OPEN, change);
    return true;
}

static bool open_for_crowd(SipcnnIncidents *incidents, const SipcnnKey *key, const SipcnnIncidentEvent *event,
                           const Crowd *crowd, const uint8_t *ip, SipcnnIncident *change) {
    int64_t first_ns = incidents->now_ns;
    uint64_t messages = 0;
    for (uint64_t agreed = crowd->agreed; agreed != 0; agreed &= agreed - 1)
        messages++;
    Open *open = open_incident(incidents, key, event, first_ns, messages);
    if (open == NULL) return false;
    for (int i = 0; i < SIPCNN_SOURCES; i++) {
        const Member *member = &crowd->members[i];
        if (!is_fresh(incidents, member) || has_own_incident(incidents, event->class_index, member->ip))
            continue;
        list_source(open, member->ip);
        if (member->since_ns < open->incident.first_ns) open->incident.first_ns = member->since_ns;
    }
    count_message(incidents, open, event, ip);
    change_state(incidents, open, SIPCNN_OPEN, change);
    return true;
}

static bool add_to_target(SipcnnIncidents *incidents, const SipcnnIncidentEvent *event, const uint8_t *ip,
                          SipcnnIncident *change) {
    SipcnnKey key = key_of(ROLE_TARGET, event->class_index, event->keys.target.ip);
    Crowd *crowd = crowd_of(incidents, &key);
    join_crowd(incidents, crowd, ip);
    Open *open = sipcnn_table_find(&incidents->open, &key);
    if (open != NULL) return update_incident(incidents, open, event, ip, change);
    if (!is_crowd(incidents, event->class_index, crowd)) return false;
    return open_for_crowd(incidents, &key, event, crowd, ip, change);
}

static void advance(SipcnnIncidents *incidents, int64_t time_ns, uint64_t frame) {
    if (time_ns > incidents->now_ns) incidents->now_ns = time_ns;
    incidents->frame = frame;
}

bool sipcnn_incidents_add(SipcnnIncidents *incidents, const SipcnnIncidentEvent *event,
                          SipcnnIncident *change) {
    static const uint8_t nobody[16]; /* stands for a message without client */
    SipcnnIncidentEvent own = *event;
    if (own.class_index >= incidents->n_classes) own.class_index = -1;
    advance(incidents, own.time_ns, own.frame);
    const uint8_t *ip = own.keys.has_client ? own.keys.client.ip : nobody;
    const History *history = remember(incidents, ip, own.class_index);
    if (history == NULL) return false; /* neither this message nor the ones before it are of any class */
    disagree(incidents, &own, ip);
    if (own.class_index < 0) return false;
    if (own.keys.has_client && !incidents->classes[own.class_index].by_target) {
        bool taken, changed = add_to_client(incidents, &own, history, &taken, change);
        if (taken) return changed;
    }
    return add_to_target(incidents, &own, ip, change);
}

static void close_incident(SipcnnIncidents *incidents, Open *open, SipcnnIncident *change) {
    change_state(incidents, open, SIPCNN_CLOSED, change);
    sipcnn_table_remove(&incidents->open, open);
    incidents->counters.closed++;
}

bool sipcnn_incidents_expire(SipcnnIncidents *incidents, int64_t time_ns, uint64_t frame,
                             SipcnnIncident *change) {
    Open *oldest = sipcnn_table_oldest(&incidents->open);
    advance(incidents, time_ns, frame);
    if (oldest == NULL) return false;
    bool silent = incidents->now_ns - oldest->incident.last_ns >= SIPCNN_INCIDENT_SILENCE_NS;
    if (!silent && !sipcnn_table_full(&incidents->open)) return false;
    incidents->counters.closed_early += !silent;
    close_incident(incidents, oldest, change);
    return true;
}

bool sipcnn_incidents_finish(SipcnnIncidents *incidents, SipcnnIncident *change) {
    Open *oldest = sipcnn_table_oldest(&incidents->open);
    if (oldest == NULL) return false;
    close_incident(incidents, oldest, change);
    return true;
}
