/* What the capture point saw, as pcap with label files, or as rows of a dataset.
 * Relies on: data/wire/message.h, runs.h, data/dataset.
 * Relied on by: world.h, tools/data. */
#ifndef SIPCNN_SYNTH_OUTPUT_H
#define SIPCNN_SYNTH_OUTPUT_H

#include "data/dataset/writer.h"
#include "data/synth/random.h"
#include "data/synth/runs.h"
#include "data/wire/message.h"

typedef enum SynthLink { SYNTH_ETHERNET, SYNTH_VLAN, SYNTH_COOKED, SYNTH_RAW_IP, SYNTH_LINKS } SynthLink;

/* What is known of one message's label while it is written; the rest follows when its run has been judged. */
typedef struct SynthMark {
    uint32_t run;    /* index + 1 */
    uint32_t client; /* of an honest message: its number in SynthRuns, 0: none */
    uint8_t part;    /* DatasetPart */
} SynthMark;

typedef struct SynthOutput SynthOutput;

/* A capture file `path` (NAME.pcap; it appears at synth_output_close), or none (NULL): all messages are kept
 * in memory for synth_output_rows. */
CORE_NODISCARD CoreStatus synth_output_open(const char *path, SynthOutput **output, CoreError *error);

/* Before the first packet: how frames look. */
CORE_NODISCARD CoreStatus synth_output_begin(SynthOutput *output, SynthLink link, SynthRandom random,
                                             CoreError *error);

/* One UDP datagram at `time_ns`, which is cut to microseconds. `mark` NULL: it carries no SIP message and
 * gets no label. */
CORE_NODISCARD CoreStatus synth_output_packet(SynthOutput *output, int64_t time_ns, const WireAddress *source,
                                              const WireAddress *destination, const uint8_t *bytes,
                                              uint32_t length, const SynthMark *mark, CoreError *error);

/* Messages and bytes of SIP written so far. */
uint64_t synth_output_messages(const SynthOutput *output);
uint64_t synth_output_bytes(const SynthOutput *output);
/* Honest messages that are labelled `ignore`, because nobody could tell; after synth_runs_judge. */
uint64_t synth_output_in_doubt(const SynthOutput *output, const SynthRuns *runs);

/* Writes NAME.labels.tsv and NAME.runs.tsv by what the runs were judged to be, then puts all three in place,
 * the capture last. */
CORE_NODISCARD CoreStatus synth_output_close(SynthOutput *output, const SynthRuns *runs, CoreError *error);

/* Appends what was kept to a dataset of the default classes, as one capture `name` of a session of that name.
 */
CORE_NODISCARD CoreStatus synth_output_rows(SynthOutput *output, const SynthRuns *runs, const char *name,
                                            DatasetWriter *writer, CoreError *error);

/* Gives everything back; a capture that was not closed is removed. */
void synth_output_free(SynthOutput *output);

/* ---- between output.c and output_rows.c ---- */

typedef struct SynthRow {
    int64_t time_ns;
    uint64_t frame, offset; /* of its bytes in what is kept */
    uint32_t length;
    SynthMark mark;
    bool fragmented;
    WireAddress source, destination;
} SynthRow;

/* What was kept: rows and their bytes, in order. Borrowed. */
const SynthRow *synth_output_kept(const SynthOutput *output, uint64_t *count, const uint8_t **bytes);

#endif
