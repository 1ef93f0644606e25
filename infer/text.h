/* What people read: incidents line by line, and the summary whose counters add up.
 * Relies on: infer/sensor, infer/verdict_json, data/wire/source.h.
 * Relied on by: infer/sensor, infer/main. */
#ifndef SIPCNN_INFER_TEXT_H
#define SIPCNN_INFER_TEXT_H

#include <stdio.h>

#include "data/wire/source.h"
#include "infer/sensor.h"
#include "infer/verdict_json.h"

/* One change of an incident as an aligned line with its newline; returns its length. `coloured`: with ANSI
 * colours by severity. Addresses and constant names only: nothing that a sender wrote. */
size_t text_incident(const SipcnnIncident *incident, const SipcnnIncidentLabels *labels, bool coloured,
                     char *line, size_t capacity);

/* The summary. `seconds` of running; `model` may be NULL. */
void text_summary(FILE *file, const SipcnnModel *model, const WireCounters *wire,
                  const SensorCounters *sensor, double seconds);

#endif
