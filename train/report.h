/* What sipcnn-train tells people and programs: evaluations, calibrations, provenance, progress.
 * Relies on: train/evaluate.h, train/fit.h, jansson.
 * Relied on by: the command files. */
#ifndef SIPCNN_TRAIN_REPORT_H
#define SIPCNN_TRAIN_REPORT_H

#include "train/evaluate.h"
#include "train/fit.h"

#include <jansson.h>
#include <stdio.h>

/* An evaluation as a table, and as JSON (json_decref; NULL: no memory). `classes` are the dataset's. */
void report_evaluation(FILE *stream, const TrainEvaluation *evaluation, const DatasetClass *classes,
                       uint32_t n_classes);
json_t *report_evaluation_json(const TrainEvaluation *evaluation, const DatasetClass *classes,
                               uint32_t n_classes);

/* Thresholds and incident rules. */
void report_calibration(FILE *stream, const TrainCheckpoint *checkpoint);
json_t *report_calibration_json(const TrainCheckpoint *checkpoint);

/* The model file's provenance: dataset, command, options, history, metrics. free(); NULL: no memory. */
char *report_provenance(const TrainCheckpoint *checkpoint);

/* Ctrl-C and SIGTERM, and a line on a terminal that is written over and over. A second Ctrl-C kills. */
typedef struct ReportLine {
    const char *what;
    bool quiet;
    bool terminal;
    bool shown;                    /* a line without its end stands there */
    double started, printed, work; /* seconds; `work`: rows done when it started */
} ReportLine;

void report_line_start(ReportLine *line, const char *what, bool quiet);
/* TrainFitReport and TrainReport for it; false after Ctrl-C. */
bool report_fit_progress(void *line, const TrainProgress *progress);
bool report_progress_rows(void *line, uint64_t done, uint64_t total);
/* Wipes the line, so that ordinary text can follow. */
void report_line_end(ReportLine *line);

/* From now on Ctrl-C and SIGTERM are noted; the progress functions above then return false. */
void report_catch_interrupts(void);

#endif
