/* Learning again from training and validation side together, once the validation side has chosen the number
 * of epochs and the thresholds: attack runs are few, and a fifth of them more is worth more than any setting.
 * Relies on: train/job.h, train/fit.h.
 * Relied on by: fit_command.c. */
#ifndef SIPCNN_TRAIN_REFIT_H
#define SIPCNN_TRAIN_REFIT_H

#include "train/job.h"

/* A new run in *again (zeroed before; the caller frees it) with the options of the calibrated run `first`, as
 * many epochs as were best there, and all rows of both sides, whose sides in *source become training.
 * Thresholds, k of n and metrics are those of `first`; novelty centres are the new network's. Nothing is
 * saved on the way. CORE_INTERRUPTED after Ctrl-C. */
CORE_NODISCARD CoreStatus train_refit(const TrainCheckpoint *first, TrainSource *source,
                                      const Arguments *arguments, TrainCheckpoint *again, CoreError *error);

#endif
