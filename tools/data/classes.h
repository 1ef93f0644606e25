/* The default class list of new datasets; it then travels in the dataset and in the model file.
 * Relies on: data/dataset/dataset.h.
 * Relied on by: tools/data/import. */
#ifndef SIPCNN_TOOLS_DATA_CLASSES_H
#define SIPCNN_TOOLS_DATA_CLASSES_H

#include "data/dataset/dataset.h"

extern const DatasetClass default_classes[];
extern const uint32_t default_class_count;

#endif
