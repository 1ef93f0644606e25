/* What sipcnn-infer does with each message, in capture order: verdict, incidents, lines, delivery.
 * Relies on: libsipcnn, infer/options.
 * Relied on by: infer/pipeline, infer/main. */
#ifndef SIPCNN_INFER_SENSOR_H
#define SIPCNN_INFER_SENSOR_H

#include <stdbool.h>

#include "engine/core/status.h"
#include "infer/incidents.h"
#include "infer/options.h"
#include "infer/reporter.h"
#include "infer/sipcnn.h"

/* One thread at a time. */
typedef struct Sensor Sensor;

/* Opens the outputs and starts the reporter. `model` may be NULL (rules only); it and `options` must outlive
 * the sensor. The caller frees *sensor. Errors name the file or the URL. */
CORE_NODISCARD CoreStatus sensor_new(const Options *options, const SipcnnModel *model, Sensor **sensor,
                                     CoreError *error);

/* Judges one message. After an output has failed it does nothing; the failure comes back from sensor_flush.
 */
void sensor_step(Sensor *sensor, const WireMessage *message, const FeatureEncoded *encoded);

/* The stream pauses, or a batch is done: when the source is live, hands on the lines that wait in buffers;
 * says once what hinders delivery. CORE_IO if an output has failed. */
CORE_NODISCARD CoreStatus sensor_flush(Sensor *sensor, CoreError *error);

/* The live source has been silent: closes incidents by the wall clock. */
void sensor_idle(Sensor *sensor);

/* The end of the traffic: closes open incidents and the outputs, delivers for at most drain_ms. CORE_IO names
 * an output that failed, CORE_UNAVAILABLE says that incidents were not delivered. To be called once. */
CORE_NODISCARD CoreStatus sensor_finish(Sensor *sensor, unsigned drain_ms, CoreError *error);

typedef struct SensorCounters {
    uint64_t messages; /* each with a verdict; with --rules-only, judged by the rules */
    uint64_t verdicts[SIPCNN_CLASSES_MAX + 2]; /* by class; then unknown, then benign */
    SipcnnIncidentCounters model, rules;
    uint64_t model_opened[SIPCNN_INCIDENT_CLASSES]; /* incidents by class; unknown behind the model's */
    uint64_t rules_opened[SIPCNN_INCIDENT_CLASSES];
    bool reports;
    SipcnnReporterCounters reporter;
} SensorCounters;

void sensor_counters(Sensor *sensor, SensorCounters *counters);

/* NULL is allowed. */
void sensor_free(Sensor *sensor);

#endif
