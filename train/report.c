/* Tables, JSON and progress lines of sipcnn-train.
 * Relies on: train/evaluate.h, train/fit.h, jansson.
 * Relied on by: the command files. */
#include "train/report.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *said_name(const DatasetClass *classes, uint32_t n_classes, uint32_t said) {
    return said == TRAIN_SAID_BENIGN ? "benign" : said <= n_classes ? classes[said - 1].name : "unknown";
}

/* ---- evaluation ---- */

/* "flood 12, scan 3": the commonest wrong verdicts on a class. */
static void wrong_verdicts(const TrainTally *tally, const DatasetClass *classes, uint32_t n_classes,
                           uint32_t what, char *text, size_t capacity) {
    bool told[TRAIN_SAID_MAX] = {false};
    size_t used = 0;
    *text = '\0';
    for (int place = 0; place < 5; place++) {
        uint32_t most = what;
        for (uint32_t said = 0; said <= n_classes + 1; said++)
            if (said != what && !told[said] && tally->confusion[what][said] &&
                (most == what || tally->confusion[what][said] > tally->confusion[what][most]))
                most = said;
        if (most == what || used >= capacity) return;
        told[most] = true;
        used += (size_t)snprintf(text + used, capacity - used, "%s%s %llu", place ? ", " : "",
                                 said_name(classes, n_classes, most),
                                 (unsigned long long)tally->confusion[what][most]);
    }
}

static double per_million(const TrainEvaluation *e) {
    return 1e6 * (double)e->false_messages / (double)(e->benign ? e->benign : 1);
}

static double any_recall(const TrainEvaluation *e) {
    return e->attacks ? (double)e->attacks_seen / (double)e->attacks : 0;
}

void report_evaluation(FILE *stream, const TrainEvaluation *e, const DatasetClass *classes,
                       uint32_t n_classes) {
    const TrainTally *tally = &e->requests;
    uint32_t counted;
    double macro = train_tally_macro_f1(tally, TRAIN_MACRO_LEAST, &counted);
    fprintf(stream, "%-18s %9s %7s %9s %7s   %s\n", "requests", "n", "recall", "precision", "F1",
            "judged otherwise");
    for (uint32_t what = 0; what <= n_classes; what++) {
        char wrong[256];
        if (!tally->n[what]) continue;
        wrong_verdicts(tally, classes, n_classes, what, wrong, sizeof wrong);
        fprintf(stream, "%-18s %9llu %7.4f %9.4f %7.4f   %s\n", said_name(classes, n_classes, what),
                (unsigned long long)tally->n[what], train_tally_recall(tally, what),
                train_tally_precision(tally, what), train_tally_f1(tally, what), wrong);
    }
    fprintf(stream, "macro F1 %.4f over %u classes with %d requests or more; with onset %.4f; replies %.4f\n",
            macro, counted, TRAIN_MACRO_LEAST, train_tally_macro_f1(&e->with_onset, TRAIN_MACRO_LEAST, NULL),
            train_tally_macro_f1(&e->replies, TRAIN_MACRO_LEAST, NULL));
    fprintf(stream, "any attack %.4f of %llu; wrong class on onset %llu\n", any_recall(e),
            (unsigned long long)e->attacks, (unsigned long long)e->onset_wrong);
    fprintf(stream, "false messages %llu of %llu = %.0f per million, %llu benign clients\n",
            (unsigned long long)e->false_messages, (unsigned long long)e->benign, per_million(e),
            (unsigned long long)e->benign_clients);
}

static json_t *class_json(const TrainTally *tally, const DatasetClass *classes, uint32_t n_classes,
                          uint32_t what) {
    json_t *judged = json_object();
    for (uint32_t said = 0; said <= n_classes + 1; said++)
        if (tally->confusion[what][said])
            json_object_set_new(judged, said_name(classes, n_classes, said),
                                json_integer((json_int_t)tally->confusion[what][said]));
    return json_pack("{s:I, s:f, s:f, s:f, s:o}", "n", (json_int_t)tally->n[what], "recall",
                     train_tally_recall(tally, what), "precision", train_tally_precision(tally, what), "f1",
                     train_tally_f1(tally, what), "judged", judged);
}

json_t *report_evaluation_json(const TrainEvaluation *e, const DatasetClass *classes, uint32_t n_classes) {
    uint32_t counted;
    double macro = train_tally_macro_f1(&e->requests, TRAIN_MACRO_LEAST, &counted);
    json_t *per_class = json_object();
    for (uint32_t what = 0; what <= n_classes; what++)
        if (e->requests.n[what])
            json_object_set_new(per_class, said_name(classes, n_classes, what),
                                class_json(&e->requests, classes, n_classes, what));
    return json_pack(
        "{s:f, s:i, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:f, s:I, s:o}", "macro_f1", macro, "classes",
        (int)counted, "macro_f1_with_onset", train_tally_macro_f1(&e->with_onset, TRAIN_MACRO_LEAST, NULL),
        "macro_f1_replies", train_tally_macro_f1(&e->replies, TRAIN_MACRO_LEAST, NULL), "any_attack_recall",
        any_recall(e), "attacks", (json_int_t)e->attacks, "onset_wrong", (json_int_t)e->onset_wrong, "benign",
        (json_int_t)e->benign, "false_messages", (json_int_t)e->false_messages, "false_per_million",
        per_million(e), "benign_clients", (json_int_t)e->benign_clients, "per_class", per_class);
}

/* ---- calibration and provenance ---- */

void report_calibration(FILE *stream, const TrainCheckpoint *checkpoint) {
    const TrainCalibration *calibration = &checkpoint->calibration;
    fprintf(stream, "%-18s %9s   %s\n", "class", "threshold", "incident at");
    for (uint32_t c = 0; c < checkpoint->n_classes; c++)
        fprintf(stream, "%-18s %9.3f   %u of %u\n", checkpoint->classes[c].name,
                (double)calibration->thresholds[c].value, calibration->thresholds[c].k,
                calibration->thresholds[c].n);
    fprintf(stream, "%-18s %9.4g   %u of %u\n", "unknown (novelty)", (double)calibration->unknown.value,
            calibration->unknown.k, calibration->unknown.n);
}

static json_t *threshold_json(const CoreModelThreshold *threshold) {
    return json_pack("{s:f, s:i, s:i}", "threshold", (double)threshold->value, "k", (int)threshold->k, "n",
                     (int)threshold->n);
}

json_t *report_calibration_json(const TrainCheckpoint *checkpoint) {
    json_t *all = json_object();
    for (uint32_t c = 0; c < checkpoint->n_classes; c++)
        json_object_set_new(all, checkpoint->classes[c].name,
                            threshold_json(&checkpoint->calibration.thresholds[c]));
    json_object_set_new(all, "unknown", threshold_json(&checkpoint->calibration.unknown));
    return all;
}

static json_t *history_json(const TrainCheckpoint *checkpoint) {
    json_t *history = json_array();
    for (uint32_t e = 0; e < checkpoint->epoch; e++)
        json_array_append_new(history,
                              json_pack("{s:f, s:f, s:f}", "loss", (double)checkpoint->history[e].loss,
                                        "validation_loss", (double)checkpoint->history[e].validation_loss,
                                        "macro_f1", (double)checkpoint->history[e].macro_f1));
    return history;
}

static json_t *options_json(const TrainOptions *options) {
    json_t *object = json_object();
#define OPTION_JSON(name, whole, standard, least, most, help)                                                \
    json_object_set_new(object, #name,                                                                       \
                        (whole) ? json_integer((json_int_t)options->name) : json_real(options->name));
    TRAIN_OPTIONS(OPTION_JSON)
#undef OPTION_JSON
    return object;
}

char *report_provenance(const TrainCheckpoint *checkpoint) {
    char hash[2 * DATASET_HASH_SIZE + 1];
    for (int i = 0; i < DATASET_HASH_SIZE; i++)
        snprintf(hash + 2 * i, 3, "%02x", checkpoint->dataset_hash[i]);
    const char *slash = strrchr(checkpoint->dataset_path, '/');
    json_t *metrics = json_loads(checkpoint->metrics, 0, NULL);
    json_t *provenance =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:I, s:o, s:i, s:i, s:o, s:o}", "program",
                  "sipcnn-train " SIPCNN_VERSION, "command", checkpoint->command, "dataset", "file",
                  slash ? slash + 1 : checkpoint->dataset_path, "sha256", hash, "split", checkpoint->split,
                  "seed", (json_int_t)checkpoint->options.seed, "options", options_json(&checkpoint->options),
                  "epochs", (int)checkpoint->epoch, "best_epoch", (int)checkpoint->best_epoch, "history",
                  history_json(checkpoint), "metrics", metrics ? metrics : json_null());
    char *text = provenance ? json_dumps(provenance, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(provenance);
    return text;
}

/* ---- progress ---- */

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number) {
    interrupted = 1;
    signal(number, SIG_DFL); /* the second Ctrl-C kills, should the first take too long */
}

void report_catch_interrupts(void) {
    struct sigaction action = {.sa_handler = note_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void report_line_start(ReportLine *line, const char *what, bool quiet) {
    *line = (ReportLine){
        .what = what, .quiet = quiet, .terminal = isatty(STDERR_FILENO), .started = now(), .work = -1};
}

/* Whether it is time for a line: four a second on a terminal; elsewhere only ends of epochs are told. */
static bool due(ReportLine *line, double time) {
    if (line->quiet || !line->terminal || time - line->printed < 0.25) return false;
    line->printed = time;
    line->shown = true;
    return true;
}

bool report_fit_progress(void *user, const TrainProgress *progress) {
    ReportLine *line = user;
    double time = now();
    /* Rows since the start, over epochs: what remains shrinks by what is done. */
    if (line->work < 0) line->work = (double)progress->remaining;
    double rate = (line->work - (double)progress->remaining) / (time - line->started + 1e-9);
    if (due(line, time))
        fprintf(stderr,
                "\r\033[Kepoch %u  %3.0f %%  loss %.4f  %.0f rows/s  idle %.1f %%  %.0f s left at most",
                progress->epoch, 100.0 * (double)progress->done / (double)progress->total, progress->loss,
                rate, 100 * progress->idle, rate > 0 ? (double)progress->remaining / rate : 0);
    return !interrupted;
}

bool report_progress_rows(void *user, uint64_t done, uint64_t total) {
    ReportLine *line = user;
    double time = now();
    double rate = (double)done / (time - line->started + 1e-9);
    if (time - line->started > 2 && due(line, time))
        fprintf(stderr, "\r\033[K%s  %3.0f %%  %.0f messages/s  %.0f s left", line->what,
                total ? 100.0 * (double)done / (double)total : 0, rate,
                rate > 0 && total > done ? (double)(total - done) / rate : 0);
    return !interrupted;
}

void report_line_end(ReportLine *line) {
    if (line->shown) fprintf(stderr, "\r\033[K");
    line->shown = false;
}
