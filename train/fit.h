/* The training loop; the same bits for a seed on any number of threads, interrupted or not.
 * Relies on: train/checkpoint.h, train/sampler.h, train/model.h, engine.
 * Relied on by: sipcnn-train, tests. */
#ifndef SIPCNN_TRAIN_FIT_H
#define SIPCNN_TRAIN_FIT_H

#include "engine/optimiser.h"
#include "train/checkpoint.h"
#include "train/sampler.h"

/* Where a run stands, for a progress line. */
typedef struct TrainProgress {
    uint32_t epoch;       /* the current one, from 1 */
    uint64_t done, total; /* rows of this epoch */
    double loss;          /* mean of this epoch so far */
    uint64_t remaining;   /* rows to go until the last epoch, if it is not stopped early */
    double idle;          /* train_fit_idle */
} TrainProgress;

/* Called at every batch boundary; false stops the run there (CORE_INTERRUPTED). May be NULL. */
typedef bool TrainFitReport(void *user, const TrainProgress *progress);

/* A run in progress. Borrows data and state. One caller at a time. */
typedef struct TrainFit {
    const TrainData *data;
    TrainCheckpoint *state;
    TrainModel model;
    Optimiser *optimiser;
    TrainSampler training, validation; /* validation.n_rows 0: there is no validation side */
    uint32_t *scratch;
    TrainDraw *draws;     /* of the current epoch, or of the validation */
    double waited, spent; /* seconds that the trainer waited for batches, and that its epochs took */
    double began;         /* the current epoch; 0: between two */
} TrainFit;

/* Prepares a run. A *state with n == 0 is fresh: its options, classes and dataset stand, the rest is begun
 * here (normalisation from the training side, initial weights). Else the run goes on where the state stands.
 * `threads` 0: OpenMP's choice. Free with train_fit_free, also after a failure. CORE_NOT_FOUND: no training
 * row; CORE_SHAPE: the state is of another network; CORE_ARGUMENT, CORE_MEMORY. */
CORE_NODISCARD CoreStatus train_fit_new(const TrainData *data, TrainCheckpoint *state, int threads,
                                        TrainFit *fit, CoreError *error);
void train_fit_free(TrainFit *fit);

/* Trains to the end of the current epoch and validates. CORE_OK: the epoch is done; CORE_END: the run was at
 * its end already (last epoch, or patience); CORE_INTERRUPTED: the report said stop. *state is whole after
 * each of these and can be written. CORE_FORMAT: the loss is no longer finite (rate too high). */
CORE_NODISCARD CoreStatus train_fit_epoch(TrainFit *fit, TrainFitReport *report, void *user,
                                          CoreError *error);

/* Share of the time since train_fit_new that the network did not compute because the next batch was not there
 * yet. */
double train_fit_idle(const TrainFit *fit);

/* Caps and budget of the run's epochs. */
TrainSamplerOptions train_sampler_options(const TrainOptions *options);

/* A network for scoring (no dropout) with one of the state's arrays as its weights. Free with
 * train_model_free. */
CORE_NODISCARD CoreStatus train_fit_network(const TrainCheckpoint *state, TrainArray weights, int threads,
                                            TrainModel *model, CoreError *error);

#endif
