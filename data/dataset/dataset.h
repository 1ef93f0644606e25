/* A dataset in memory: labelled messages in capture order, with their captures, runs, classes and splits.
 * Relies on: data/wire/message.h, engine/core.
 * Relied on by: every other file of data/dataset, train, tools/data, bench. */
#ifndef SIPCNN_DATASET_DATASET_H
#define SIPCNN_DATASET_DATASET_H

#include "data/wire/message.h"
#include "engine/core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of `primary`, as stored: class i of the dataset's class table is i + 1. */
enum {
    DATASET_BENIGN = 0,
    DATASET_UNLABELLED = 254, /* nobody said what it is: replayed, never sampled */
    DATASET_IGNORE = 255,     /* context only (relayed legs, failed runs): replayed, never sampled */
};

/* Values of `part`: the row's part in its run (docs/labels.md). */
typedef enum DatasetPart {
    DATASET_REQUEST = 0,
    DATASET_REPLY = 1,
    DATASET_RELAY = 2,
    DATASET_ONSET = 3, /* a run's first requests and their replies, while nobody could know */
    DATASET_PARTS
} DatasetPart;

/* Sides of a split. */
typedef enum DatasetSide {
    DATASET_TRAIN = 0,
    DATASET_VALIDATION = 1,
    DATASET_TEST = 2,
    DATASET_UNUSED = 3, /* replayed, never sampled */
    DATASET_SIDES
} DatasetSide;

/* Instead of a side, a split may hold DATASET_SIDE_BY_ROW + 10 * validation + test, both in tenths and
 * together below 10: each message has its own side. */
enum { DATASET_SIDE_BY_ROW = 0x80 };

/* Bounds. Sizes of names include the final zero. */
enum {
    DATASET_CLASSES_MAX = 32, /* a set of classes is a 32-bit mask */
    DATASET_CAPTURES_MAX = 1 << 16,
    DATASET_RUNS_MAX = 1 << 20,
    DATASET_SPLITS_MAX = 64,
    DATASET_NAME_SIZE = 64,      /* captures, sessions, tools, splits */
    DATASET_CLASS_SIZE = 32,     /* as in the model file */
    DATASET_SETTINGS_SIZE = 256, /* of a run; longer text is cut */
    DATASET_PROVENANCE_SIZE = 1024,
    DATASET_ADDRESS_SIZE = 18, /* 16 bytes IPv6 or mapped IPv4, then the port, big-endian */
    DATASET_IP_SIZE = 16,
    DATASET_HASH_SIZE = 32, /* SHA-256 */
};

/* `follows` of a capture that starts in an empty context. */
#define DATASET_NO_CAPTURE UINT32_MAX

typedef struct DatasetClass {
    char name[DATASET_CLASS_SIZE];
    uint32_t onset; /* requests of a run before anybody could know; 0: the first message decides */
} DatasetClass;

typedef struct DatasetCapture {
    char name[DATASET_NAME_SIZE];
    char session[DATASET_NAME_SIZE];
    uint8_t sha256[DATASET_HASH_SIZE]; /* of the capture file, decompressed */
    uint32_t follows; /* the earlier capture in whose context this one starts, or DATASET_NO_CAPTURE */
} DatasetCapture;

/* One launch of one attacker. Run r of a row is runs[r - 1]. */
typedef struct DatasetRun {
    uint32_t capture;
    uint32_t number;  /* its id in the capture's label file */
    uint32_t primary; /* class index + 1, DATASET_BENIGN or DATASET_IGNORE */
    char tool[DATASET_NAME_SIZE];
    char settings[DATASET_SETTINGS_SIZE];
    int64_t start_ns, end_ns;
    uint64_t client_end; /* its clients are client_ips[client_end of the run before (0) .. client_end) */
} DatasetRun;

/* A named split: a side for each capture and, overriding it for the run's own rows, for each run. */
typedef struct DatasetSplit {
    char name[DATASET_NAME_SIZE];
    uint8_t *captures; /* [n_captures] DatasetSide */
    uint8_t *runs;     /* [n_runs] DatasetSide */
} DatasetSplit;

/* Columns are plain arrays of `count` rows, owned by the dataset; read them freely, change them through the
 * functions below. A capture's rows are contiguous, in capture order. */
typedef struct Dataset {
    uint64_t count;
    uint8_t *bytes;    /* all messages, one behind the other: offset[count] bytes */
    uint64_t *offset;  /* [count + 1] of each message in `bytes` */
    int64_t *time_ns;  /* packet time, ns since the epoch */
    uint32_t *capture; /* index into captures; never decreases */
    uint64_t *frame;   /* 1-based capture frame that completed the message */
    uint32_t *index;   /* 0-based number of the message within that frame */
    uint8_t (*source)[DATASET_ADDRESS_SIZE];
    uint8_t (*destination)[DATASET_ADDRESS_SIZE];
    uint8_t *transport;   /* WireTransport */
    uint32_t *wire_flags; /* WIRE_FLAG_* */
    uint8_t *primary;     /* class index + 1, or one of the values above */
    uint32_t *classes;    /* {primary} and all that hold beside it, bit = class index; 0 = none */
    uint32_t *run;        /* index into runs + 1, unique in the file; 0: none */
    uint8_t *part;        /* DatasetPart */

    DatasetClass *class_list; /* [n_classes] */
    uint32_t n_classes;
    DatasetCapture *captures; /* [n_captures] */
    uint32_t n_captures;
    DatasetRun *runs; /* [n_runs] */
    uint32_t n_runs;
    uint8_t (*client_ips)[DATASET_IP_SIZE]; /* [n_client_ips] of all runs */
    uint64_t n_client_ips;
    DatasetSplit *splits; /* [n_splits] */
    uint32_t n_splits;

    uint32_t pseudonymised;                   /* 1: addresses and names were replaced */
    char provenance[DATASET_PROVENANCE_SIZE]; /* how it was made, for people */

    /* Room in the arrays; only dataset.c uses these. */
    uint64_t row_room, byte_room, client_room;
    uint32_t capture_room, run_room;
} Dataset;

/* What a label says of one message. */
typedef struct DatasetLabel {
    uint32_t classes; /* mask */
    uint32_t run;     /* index + 1 in the dataset, 0: none */
    uint8_t primary;
    uint8_t part;
} DatasetLabel;

/* An empty dataset with these classes (copied; at most DATASET_CLASSES_MAX with distinct non-empty names).
 * Free with dataset_free. CORE_ARGUMENT, CORE_MEMORY. */
CORE_NODISCARD CoreStatus dataset_init(Dataset *dataset, const DatasetClass *classes, uint32_t n_classes,
                                       CoreError *error);

/* Gives all memory back and zeroes *dataset. Safe on a zeroed one and twice. */
void dataset_free(Dataset *dataset);

/* Gives a dataset without captures and runs the tables of another: classes, captures, runs with their
 * clients, splits, provenance; no rows. CORE_MEMORY. */
CORE_NODISCARD CoreStatus dataset_copy_tables(Dataset *dataset, const Dataset *from, CoreError *error);

/* Takes all rows away and keeps their room and the tables. */
void dataset_clear_rows(Dataset *dataset);

/* Appends a capture; rows appended from now on are its rows. Strings are cut to fit. */
CORE_NODISCARD CoreStatus dataset_add_capture(Dataset *dataset, const DatasetCapture *capture,
                                              CoreError *error);

/* Appends a run of the latest capture with its clients (ports are ignored); client_end is set here. The run's
 * id for rows is n_runs afterwards. */
CORE_NODISCARD CoreStatus dataset_add_run(Dataset *dataset, const DatasetRun *run, const WireAddress *clients,
                                          size_t n_clients, CoreError *error);

/* Appends a message (copied) of the latest capture with its label. */
CORE_NODISCARD CoreStatus dataset_add_message(Dataset *dataset, const WireMessage *message,
                                              const DatasetLabel *label, CoreError *error);

/* Appends a split, or replaces the one of that name, with every capture and run on DATASET_UNUSED. *split is
 * valid until the next call of this function. CORE_ARGUMENT: a name with bytes other than letters, digits,
 * '-' and '_'. */
CORE_NODISCARD CoreStatus dataset_add_split(Dataset *dataset, const char *name, DatasetSplit **split,
                                            CoreError *error);

/* Row `row` as the message that the wire room delivered; *message borrows the dataset's bytes. Pure. */
void dataset_message_view(const Dataset *dataset, uint64_t row, WireMessage *message);

/* First row of a capture, and the first behind it (equal: it has none). Pure. */
void dataset_capture_rows(const Dataset *dataset, uint32_t capture, uint64_t *begin, uint64_t *end);

/* Clients of runs[run] (an index): client_ips[*begin .. *end). Pure. */
void dataset_run_clients(const Dataset *dataset, uint32_t run, uint64_t *begin, uint64_t *end);

/* The split of that name, or NULL. Borrowed. */
const DatasetSplit *dataset_find_split(const Dataset *dataset, const char *name);

/* The side of row `row` of the dataset, of `capture` and `run` (0: none). Relayed legs and unlabelled rows
 * have a side too; their primary keeps them from being sampled. A split by row gives each message a side by
 * itself, drawn from its number; such splits exist to show what they do to a score (sipcnn-data split
 * --i-know). */
DatasetSide dataset_row_side(const DatasetSplit *split, uint64_t row, uint32_t capture, uint32_t run);

/* Index of the class of that name (`length` bytes), or -1. */
int dataset_class_index(const Dataset *dataset, const char *name, size_t length);

/* Name of a value of `primary`: "benign", "unlabelled", "ignore", or the class. Never NULL. */
const char *dataset_primary_name(const Dataset *dataset, uint32_t primary);

/* "train", "validation", "test", "unused". Never NULL. */
const char *dataset_side_name(DatasetSide side);

/* Checks every invariant that the fields above state: indices in range, offsets that never decrease, messages
 * within WIRE_MESSAGE_MAX, rows of a capture contiguous, `follows` an earlier capture that no other follows,
 * texts that end. CORE_FORMAT names the column and row. */
CORE_NODISCARD CoreStatus dataset_check(const Dataset *dataset, CoreError *error);

/* The two halves of it: all but the rows; and the rows, where row 0 of *dataset is called `first` in errors.
 */
CORE_NODISCARD CoreStatus dataset_check_tables(const Dataset *dataset, CoreError *error);
CORE_NODISCARD CoreStatus dataset_check_rows(const Dataset *dataset, uint64_t first, CoreError *error);

/* The column ("primary", "classes" or "part") whose value dataset_check would refuse in a row with this
 * label, or NULL; its run is not looked at. Pure. */
const char *dataset_label_fault(const Dataset *dataset, const DatasetLabel *label);

#endif
