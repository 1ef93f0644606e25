/* Steps that several commands of sipcnn-train share.
 * Relies on: train/options.h, train/report.h.
 * Relied on by: fit_command.c, score_commands.c, export_command.c. */
#ifndef SIPCNN_TRAIN_JOB_H
#define SIPCNN_TRAIN_JOB_H

#include "train/options.h"
#include "train/report.h"

/* Prints "sipcnn-train: TEXT" for a failure and returns EXIT_FAILED. */
int job_failed(const CoreError *error);

/* Opens dataset and split as the checkpoint names them, with a progress line; `train`: with the feature
 * cache, which is built if there is none. The source borrows the checkpoint. */
CORE_NODISCARD CoreStatus job_open(const TrainCheckpoint *checkpoint, const char *split, bool train,
                                   const Arguments *arguments, TrainSource *source, CoreError *error);

/* Scores one epoch's draw of the training side, for the novelty centres. */
CORE_NODISCARD CoreStatus job_score_training(TrainModel *model, const TrainData *data,
                                             const TrainOptions *options, const Arguments *arguments,
                                             TrainScores *scores, CoreError *error);

/* Calibrates the run on the validation side and notes there how that side is judged then. */
CORE_NODISCARD CoreStatus job_calibrate(TrainCheckpoint *checkpoint, TrainSource *source,
                                        const Arguments *arguments, CoreError *error);

/* The model file's bytes (free()) of a calibrated run. */
CORE_NODISCARD CoreStatus job_model(const TrainCheckpoint *checkpoint, uint8_t **bytes, size_t *size,
                                    CoreError *error);

/* Writes the model file. */
CORE_NODISCARD CoreStatus job_export(const TrainCheckpoint *checkpoint, const char *path, CoreError *error);

#endif
