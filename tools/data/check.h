/* What sipcnn-data check found: shared by its parts.
 * Relies on: data/dataset (leaks, near, reader), tools/data/console.h, jansson.
 * Relied on by: tools/data (check, check_swap, check_text, check_json). */
#ifndef SIPCNN_TOOLS_DATA_CHECK_H
#define SIPCNN_TOOLS_DATA_CHECK_H

#include "data/dataset/leaks.h"
#include "data/dataset/near.h"
#include "data/dataset/reader.h"
#include "tools/data/console.h"

/* X(id, name): headers that are swapped between attack and benign. */
#define SWAP_MAP(X) X(AGENT, "User-Agent") X(CALL_ID, "Call-ID") X(BRANCH, "branch") X(FROM_TAG, "From tag")

typedef enum SwapField {
#define SWAP_ENUM(id, name) SWAP_##id,
    SWAP_MAP(SWAP_ENUM)
#undef SWAP_ENUM
        SWAP_FIELDS
} SwapField;

/* What a swap did to the model's verdicts, benign and attack. */
typedef struct SwapResult {
    uint64_t swapped[2]; /* messages that were written anew */
    uint64_t moved[2];   /* messages, written anew or not, with another verdict than before */
} SwapResult;

typedef struct SwapReport {
    uint64_t messages[2]; /* benign and attack, ignored and unlabelled ones left out */
    SwapResult fields[SWAP_FIELDS];
} SwapReport;

typedef struct CheckLimits {
    DatasetLeakOptions leaks;
    double messages;  /* share of the later sides' messages that an earlier side has */
    double templates; /* share of the later sides' attacks with a template that only attacks have */
    double swap;      /* share of either side's verdicts that a swap may move */
} CheckLimits;

typedef struct CheckResult {
    const char *path;
    char sha256[2 * DATASET_HASH_SIZE + 1];
    const Dataset *head; /* tables */
    uint64_t messages;
    CheckLimits limits;
    DatasetLeakReport leaks;
    const char *no_hunt;       /* why leaks were not looked for, or NULL */
    const DatasetSplit *split; /* NULL: near-duplicates were not looked for */
    NearReport near;
    DatasetLeakExample near_places[NEAR_KINDS][NEAR_EXAMPLES][2]; /* of near's examples */
    const char *model;                                            /* NULL: nothing was swapped */
    SwapReport swap;
} CheckResult;

/* Runs the model over all messages, as they are and with each field swapped. CORE_INTERRUPTED; else as
 * sipcnn_model_load, dataset_reader_next. */
CORE_NODISCARD CoreStatus check_swap(DatasetReader *reader, const char *model, Console *console,
                                     SwapReport *report, CoreError *error);

/* The name of a swapped field. */
const char *check_swap_name(SwapField field);

/* Whether each part lies within its limits. */
bool check_near_ok(const CheckResult *result, NearKind kind);
bool check_swap_ok(const CheckResult *result, SwapField field);
bool check_ok(const CheckResult *result);

/* Greatest share of verdicts, benign or attack, that the swap moved. */
double check_swap_share(const SwapReport *report, SwapField field);

/* What of it people want to see. */
typedef struct CheckView {
    bool all;
    int class_index; /* the table's; -1: all attacks */
    int trait;       /* whose values are shown; -1: none */
} CheckView;

void check_print(const CheckResult *result, const CheckView *view);
/* False: it could not be written. */
bool check_print_json(const CheckResult *result);

#endif
