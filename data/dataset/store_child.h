/* What the reading child does: open a dataset file with HDF5, check everything, send its rows.
 * Relies on: data/dataset/stream.h, HDF5.
 * Relied on by: store_read.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_STORE_CHILD_H
#define SIPCNN_DATASET_STORE_CHILD_H

#include "data/dataset/stream.h"

/* Confines the process (sandbox_enter), opens `path`, a file of `size` bytes, with HDF5, checks that every
 * object it needs is what the schema says and sends the dataset, or a failure, through `writer`. Returns the
 * process's exit status. Only for a forked child. */
int store_child_run(const char *path, uint64_t size, StreamWriter *writer);

#endif
