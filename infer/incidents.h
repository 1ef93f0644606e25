/* Incidents: verdicts of one class, client by client or against one target, from the first agreement to a
 * minute of silence.
 * Relies on: data/features/features.h, infer/table.
 * Relied on by: infer/verdict_json, sipcnn-infer, programs that embed libsipcnn.
 *
 * An incident's key is (class, client). When verdicts of one class on one target within ten minutes come from
 * at least SIPCNN_CROWD clients without an open incident of their own, and always for a class with
 * `by_target`, the key is (class, target) and the sources are listed. An incident opens when k of the last n
 * messages of its key were judged to be of its class: of the client's messages, or of those that the clients
 * with a verdict of the class sent to the target in these ten minutes. A class with `by_target` is the work
 * of many: it wants SIPCNN_CROWD clients within the last minute too. While messages of its class arrive it
 * changes at most every ten seconds; it closes after a minute without. Time is packet time and never runs
 * backwards. One thread at a time; memory is bounded, everything that had to be forgotten is counted. */
#ifndef SIPCNN_INFER_INCIDENTS_H
#define SIPCNN_INFER_INCIDENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/features/features.h"
#include "data/wire/message.h"
#include "engine/core/status.h"

enum {
    SIPCNN_INCIDENT_CLASSES = 33, /* a model's 32 and "unknown" */
    SIPCNN_AGREEMENT_MAX = 64,    /* n of k-of-n */
    SIPCNN_CROWD = 8,             /* clients that make an incident of their target */
    SIPCNN_SOURCES = 32,          /* addresses listed in such an incident; at least SIPCNN_CROWD */
};
#define SIPCNN_INCIDENT_SILENCE_NS INT64_C(60000000000)  /* closes after this */
#define SIPCNN_INCIDENT_UPDATE_NS  INT64_C(10000000000)  /* between two updates */
#define SIPCNN_CROWD_WINDOW_NS     INT64_C(600000000000) /* in which a crowd's clients count */

typedef enum SipcnnSeverity {
    SIPCNN_LOW,
    SIPCNN_MEDIUM,
    SIPCNN_HIGH,
    SIPCNN_CRITICAL,
} SipcnnSeverity;
/* "low" .. "critical", constant strings. */
const char *sipcnn_severity_name(SipcnnSeverity severity);

/* How incidents of one class behave. */
typedef struct SipcnnIncidentClass {
    uint32_t k, n;           /* 1 <= k <= n <= SIPCNN_AGREEMENT_MAX */
    bool by_target;          /* always (class, target) */
    SipcnnSeverity severity; /* of a small incident; a hundred messages raise it by one step */
} SipcnnIncidentClass;

/* What operators are used to for a class of this name: severity, and whether it is counted by target. k and n
 * stay with the caller. A name that is not known is of medium severity and counted by client. */
SipcnnIncidentClass sipcnn_incident_class(const char *name, uint32_t k, uint32_t n);

typedef enum SipcnnIncidentState {
    SIPCNN_OPEN,
    SIPCNN_UPDATE,
    SIPCNN_CLOSED,
} SipcnnIncidentState;

/* One change of state of one incident. */
typedef struct SipcnnIncident {
    uint64_t number; /* 1, 2, ... in order of opening */
    uint32_t change; /* 1 for the opening, one more with each change */
    SipcnnIncidentState state;
    int class_index;    /* index into the classes */
    bool by_target;     /* client is not set, sources are */
    WireAddress client; /* unless by_target; port 0 */
    WireAddress target; /* of the latest message of the class; port 0 */
    int64_t first_ns;   /* packet time of the first of the messages that agreed */
    int64_t last_ns;    /* and of the latest message of the class */
    int64_t time_ns;    /* of the message that caused the change */
    uint64_t frame;     /* and its frame */
    uint64_t messages;  /* messages of the class, those before the opening included */
    float p;            /* greatest probability among them, since the opening */
    SipcnnSeverity severity;
    uint32_t n_sources;                  /* by_target: addresses in `sources` */
    uint32_t clients;                    /* by_target: distinct clients; a lower bound beyond about 100 */
    WireAddress sources[SIPCNN_SOURCES]; /* by_target: the latest ones, port 0 */
} SipcnnIncident;

/* One judged message. class_index: index into the classes, or negative for none of them. */
typedef struct SipcnnIncidentEvent {
    int64_t time_ns;
    uint64_t frame;
    int class_index;
    float p;
    FeatureKeys keys;
} SipcnnIncidentEvent;

typedef struct SipcnnIncidentCounters {
    uint64_t opened, closed;
    uint64_t open;             /* now */
    uint64_t forgotten_keys;   /* histories of clients or targets that made room for newer ones */
    uint64_t forgotten_crowds; /* lists of a target's clients that did */
    uint64_t closed_early;     /* incidents that were closed to make room */
} SipcnnIncidentCounters;

typedef struct SipcnnIncidents SipcnnIncidents;

/* Empty tables for `n_classes` (1 .. SIPCNN_INCIDENT_CLASSES) classes (copied); 11 MiB with n up to 10, 25
 * MiB with the greatest n, touched as they are used. The caller frees *incidents. CORE_ARGUMENT (numbers out
 * of range), CORE_MEMORY. */
CORE_NODISCARD CoreStatus sipcnn_incidents_new(const SipcnnIncidentClass *classes, int n_classes,
                                               SipcnnIncidents **incidents, CoreError *error);

/* Closes one incident that has been silent for a minute at `time_ns` (or that must make room): true and
 * *change if there was one. Call it until it returns false, before every _add, with that message's time and
 * frame; and with the clock's time when a live interface is silent. */
bool sipcnn_incidents_expire(SipcnnIncidents *incidents, int64_t time_ns, uint64_t frame,
                             SipcnnIncident *change);

/* Adds one judged message: true and *change if an incident opened or its update is due. Messages of a client
 * or target, of every class and of none, are what "the last n" means, so all are to be added. */
bool sipcnn_incidents_add(SipcnnIncidents *incidents, const SipcnnIncidentEvent *event,
                          SipcnnIncident *change);

/* Closes one of the incidents that are still open, as of the last message's time and frame: true and *change.
 * Call it until it returns false, at the end of the traffic. */
bool sipcnn_incidents_finish(SipcnnIncidents *incidents, SipcnnIncident *change);

SipcnnIncidentCounters sipcnn_incidents_counters(const SipcnnIncidents *incidents);

/* NULL is allowed. */
void sipcnn_incidents_free(SipcnnIncidents *incidents);

#endif
