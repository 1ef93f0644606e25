/* What the reading child does: open a dataset file with HDF5, check everything, send what is asked for.
 * Relies on: data/dataset/stream.h, HDF5.
 * Relied on by: reader.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_STORE_CHILD_H
#define SIPCNN_DATASET_STORE_CHILD_H

#include "data/dataset/stream.h"

/* Processor seconds that reading a file of `size` bytes once may take. */
uint64_t store_child_seconds(uint64_t size);

/* Confines the process (sandbox_enter), opens `path`, a file of `size` bytes, with HDF5, checks that every
 * object it needs is what the schema says, sends the head through `writer` and answers the StreamRequests
 * that come from `requests` until that ends; or sends a failure. Returns the process's exit status. Only for
 * a forked child. */
int store_child_run(const char *path, uint64_t size, int requests, StreamWriter *writer);

#endif
