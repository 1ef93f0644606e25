/* Labels that others have written already, as rules: an intrusion detection system's alerts and a capture's
 * packet comments. Relies on: tools/data/rulebook.h, data/dataset/comments.h, jansson. Relied on by:
 * tools/data/label. */
#ifndef SIPCNN_TOOLS_DATA_LABEL_SOURCES_H
#define SIPCNN_TOOLS_DATA_LABEL_SOURCES_H

#include "tools/data/rulebook.h"

typedef struct EveOptions {
    const char *map; /* CSV "match,class": a signature's number or a part of its text, then a class, or "-"
                        for alerts to pass over; NULL: none */
    double gap; /* seconds: alerts of one class from one client that are no further apart become one rule */
    double before, after; /* seconds by which a rule begins earlier and ends later */
} EveOptions;

/* What became of the lines of a source. */
typedef struct SourceReport {
    uint64_t read;     /* alerts, or comments that speak of labels */
    uint64_t skipped;  /* alerts whose signature says no class, or that the map passes over */
    char unknown[256]; /* the first signature that said no class */
} SourceReport;

/* Adds a rule with a run of its own for every series of alerts in `path`, Suricata's EVE JSON (one object a
 * line; event_type "alert"; the client is src_ip, of alerts on replies dest_ip). The class is the map's, else
 * the one whose name the signature or its category holds, with any separator. CORE_FORMAT names a bad line;
 * CORE_IO, CORE_MEMORY. */
CORE_NODISCARD CoreStatus eve_add_rules(const char *path, const EveOptions *options, RuleBook *book,
                                        SourceReport *report, CoreError *error);

/* Adds a rule for every packet comment of the pcapng file `path` that begins with "sipcnn:", then a class (or
 * benign), and as it needs them also=A,B run=N tool=TEXT scope=message|call|client. `dataset` holds the
 * capture's messages. CORE_FORMAT names frame and word of a comment that breaks these rules, or that stands
 * beside a frame without a SIP message. */
CORE_NODISCARD CoreStatus comments_add_rules(const char *path, const Dataset *dataset, RuleBook *book,
                                             SourceReport *report, CoreError *error);

#endif
