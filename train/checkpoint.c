/* Checkpoints on disk: magic, version, fields in one order for reading and writing, SHA-256.
 * Relies on: engine/core (bytes, file), data/digest.
 * Relied on by: train, sipcnn-train. */
#include "train/checkpoint.h"

#include "data/digest/digest.h"
#include "engine/core/bytes.h"
#include "engine/core/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t magic[8] = {0x89, 'S', 'C', 'K', 'P', '\r', '\n', 0x1a};
enum { CHECKPOINT_VERSION = 3 };
#define CHECKPOINT_SIZE_MAX   ((size_t)1 << 30)
#define CHECKPOINT_FLOATS_MAX ((uint64_t)1 << 24) /* of an array; the network has about 60,000 */

TrainOptions train_options_defaults(void) {
    return (TrainOptions){
#define TRAIN_OPTION_DEFAULT(name, whole, standard, least, most, help) .name = (standard),
        TRAIN_OPTIONS(TRAIN_OPTION_DEFAULT)
#undef TRAIN_OPTION_DEFAULT
    };
}

CoreStatus train_checkpoint_allocate(TrainCheckpoint *checkpoint, uint64_t n, CoreError *error) {
    checkpoint->n = n;
    for (int a = 0; a < TRAIN_ARRAYS; a++) {
        checkpoint->arrays[a] = calloc(n + 1, sizeof(float));
        if (!checkpoint->arrays[a])
            return core_fail(error, CORE_MEMORY, "out of memory for %llu weights", (unsigned long long)n);
    }
    return CORE_OK;
}

void train_checkpoint_free(TrainCheckpoint *checkpoint) {
    for (int a = 0; a < TRAIN_ARRAYS; a++)
        free(checkpoint->arrays[a]);
    train_calibration_free(&checkpoint->calibration);
    *checkpoint = (TrainCheckpoint){0};
}

/* ---- one description for both directions ---- */

/* Reads when `reader` is set, else writes (or measures). */
typedef struct Codec {
    CoreReader *reader;
    CoreWriter *writer;
} Codec;

static void code_bytes(Codec *codec, void *bytes, size_t size) {
    if (codec->writer) {
        core_write_bytes(codec->writer, bytes, size);
        return;
    }
    const uint8_t *from = core_read_bytes(codec->reader, size);
    if (from) memcpy(bytes, from, size);
}

static void code_u32(Codec *codec, uint32_t *value) {
    if (codec->writer)
        core_write_u32(codec->writer, *value);
    else
        *value = core_read_u32(codec->reader);
}

static void code_u64(Codec *codec, uint64_t *value) {
    if (codec->writer)
        core_write_u64(codec->writer, *value);
    else
        *value = core_read_u64(codec->reader);
}

static void code_f64(Codec *codec, double *value) {
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    code_u64(codec, &bits);
    memcpy(value, &bits, sizeof bits);
}

static void code_floats(Codec *codec, float *values, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (codec->writer)
            core_write_f32(codec->writer, values[i]);
        else
            values[i] = core_read_f32(codec->reader);
}

/* A text field of fixed size; its end is put there whatever the file says. */
static void code_text(Codec *codec, char *text, size_t size) {
    code_bytes(codec, text, size);
    if (codec->reader) text[size - 1] = '\0';
}

/* A count that later loops rely on. */
static void code_count(Codec *codec, uint32_t *count, uint32_t most) {
    code_u32(codec, count);
    if (codec->reader && *count > most) {
        *count = 0;
        codec->reader->failed = true;
    }
}

static void code_setting(Codec *codec, TrainCheckpoint *c) {
#define TRAIN_OPTION_CODE(name, whole, standard, least, most, help) code_f64(codec, &c->options.name);
    TRAIN_OPTIONS(TRAIN_OPTION_CODE)
#undef TRAIN_OPTION_CODE
    code_text(codec, c->dataset_path, sizeof c->dataset_path);
    code_text(codec, c->split, sizeof c->split);
    code_bytes(codec, c->dataset_hash, sizeof c->dataset_hash);
    code_count(codec, &c->n_local, TRAIN_LOCAL_MAX);
    for (uint32_t i = 0; i < c->n_local; i++) {
        uint32_t prefix = c->local[i].prefix;
        code_bytes(codec, c->local[i].network.ip, sizeof c->local[i].network.ip);
        code_count(codec, &prefix, 128);
        c->local[i].prefix = (uint8_t)prefix;
    }
    code_count(codec, &c->n_drop_runs, TRAIN_DROP_RUNS_MAX);
    for (uint32_t i = 0; i < c->n_drop_runs; i++)
        code_u32(codec, &c->drop_runs[i]);
    code_text(codec, c->command, sizeof c->command);
    code_u32(codec, &c->spec_version);
    code_u64(codec, &c->spec_hash);
    code_count(codec, &c->n_classes, DATASET_CLASSES_MAX);
    for (uint32_t i = 0; i < c->n_classes; i++) {
        code_text(codec, c->classes[i].name, sizeof c->classes[i].name);
        code_u32(codec, &c->classes[i].onset);
    }
    code_floats(codec, c->norm.low, FEATURE_COUNTERS);
    code_floats(codec, c->norm.high, FEATURE_COUNTERS);
    code_floats(codec, c->norm.mean, FEATURE_COUNTERS);
    code_floats(codec, c->norm.scale, FEATURE_COUNTERS);
    code_floats(codec, c->positive_weights, DATASET_CLASSES_MAX);
}

static void code_position(Codec *codec, TrainCheckpoint *c) {
    code_count(codec, &c->epoch, TRAIN_EPOCHS_MAX);
    code_u32(codec, &c->batch);
    code_f64(codec, &c->loss_sum);
    code_f64(codec, &c->best_f1);
    code_f64(codec, &c->best_loss);
    code_u32(codec, &c->best_epoch);
    for (uint32_t e = 0; e < c->epoch; e++) {
        code_floats(codec, &c->history[e].loss, 1);
        code_floats(codec, &c->history[e].validation_loss, 1);
        code_floats(codec, &c->history[e].macro_f1, 1);
    }
    code_u64(codec, &c->step);
    code_u64(codec, &c->counter);
}

static void code_threshold(Codec *codec, CoreModelThreshold *threshold) {
    code_floats(codec, &threshold->value, 1);
    code_u32(codec, &threshold->k);
    code_u32(codec, &threshold->n);
}

static void code_calibration(Codec *codec, TrainCheckpoint *c, uint32_t hidden) {
    for (uint32_t i = 0; i < c->n_classes; i++)
        code_threshold(codec, &c->calibration.thresholds[i]);
    code_threshold(codec, &c->calibration.unknown);
    for (uint32_t i = 0; i < c->n_classes; i++) {
        code_floats(codec, &c->calibration.platt[i].temperature, 1);
        code_floats(codec, &c->calibration.platt[i].bias, 1);
    }
    for (uint32_t i = 0; i <= c->n_classes; i++)
        code_count(codec, &c->calibration.centre_known[i], 1);
    code_floats(codec, c->calibration.centres, (c->n_classes + (size_t)1) * hidden);
    code_floats(codec, c->calibration.inverse_variance, hidden);
    code_text(codec, c->metrics, sizeof c->metrics);
}

/* ---- writing ---- */

static void encode(TrainCheckpoint *checkpoint, CoreWriter *writer) {
    Codec codec = {.writer = writer};
    core_write_bytes(writer, magic, sizeof magic);
    core_write_u32(writer, CHECKPOINT_VERSION);
    core_write_u32(writer, FEATURE_COUNTERS);
    code_setting(&codec, checkpoint);
    code_position(&codec, checkpoint);
    core_write_u64(writer, checkpoint->n);
    for (int a = 0; a < TRAIN_ARRAYS; a++)
        code_floats(&codec, checkpoint->arrays[a], checkpoint->n);
    core_write_u32(writer, checkpoint->calibrated);
    if (checkpoint->calibrated)
        code_calibration(&codec, checkpoint, train_model_dims(checkpoint->n_classes).hidden);
}

CoreStatus train_checkpoint_write(const TrainCheckpoint *checkpoint, const char *path, CoreError *error) {
    TrainCheckpoint view = *checkpoint; /* the codec of both directions takes a writable one */
    CoreWriter writer = core_writer_measure();
    encode(&view, &writer);
    size_t body = writer.offset;
    uint8_t *bytes = malloc(body + DIGEST_SHA256_SIZE);
    if (!bytes) return core_fail(error, CORE_MEMORY, "%s: out of memory for a checkpoint", path);
    writer = core_writer_view(bytes, body);
    encode(&view, &writer);
    CoreStatus status = digest_sha256(bytes, body, bytes + body);
    if (status == CORE_OK)
        status = core_file_write(path, bytes, body + DIGEST_SHA256_SIZE, error);
    else
        core_fail(error, status, "%s: no SHA-256 from libcrypto", path);
    free(bytes);
    return status;
}

/* ---- reading ---- */

static CoreStatus check_frame(const char *name, const uint8_t *bytes, size_t size, CoreError *error) {
    if (size < sizeof magic + 8 + DIGEST_SHA256_SIZE || memcmp(bytes, magic, sizeof magic) != 0)
        return core_fail(error, CORE_FORMAT, "%s: not a checkpoint of sipcnn-train", name);
    uint8_t digest[DIGEST_SHA256_SIZE];
    CoreStatus status = digest_sha256(bytes, size - sizeof digest, digest);
    if (status) return core_fail(error, status, "%s: no SHA-256 from libcrypto", name);
    if (memcmp(digest, bytes + size - sizeof digest, sizeof digest) != 0)
        return core_fail(error, CORE_FORMAT, "%s: damaged or cut short (SHA-256 differs)", name);
    return CORE_OK;
}

static CoreStatus check_versions(const char *name, uint32_t version, const TrainCheckpoint *checkpoint,
                                 uint32_t counters, CoreError *error) {
    if (version != CHECKPOINT_VERSION)
        return core_fail(error, CORE_VERSION, "%s: checkpoint format %u, this program reads %u", name,
                         version, CHECKPOINT_VERSION);
    if (counters != FEATURE_COUNTERS)
        return core_fail(error, CORE_VERSION,
                         "%s: made for a feature spec with %u counters, this program has %d", name, counters,
                         FEATURE_COUNTERS);
    if (checkpoint->spec_version != FEATURE_SPEC_VERSION || checkpoint->spec_hash != feature_spec_hash())
        return core_fail(error, CORE_VERSION, "%s: feature spec %u (%016llx), this program has %u (%016llx)",
                         name, checkpoint->spec_version, (unsigned long long)checkpoint->spec_hash,
                         FEATURE_SPEC_VERSION, (unsigned long long)feature_spec_hash());
    return CORE_OK;
}

static CoreStatus decode(const char *name, CoreReader *reader, TrainCheckpoint *checkpoint,
                         CoreError *error) {
    Codec codec = {.reader = reader};
    core_read_bytes(reader, sizeof magic);
    uint32_t version = core_read_u32(reader), counters = core_read_u32(reader);
    if (version == CHECKPOINT_VERSION && counters == FEATURE_COUNTERS) code_setting(&codec, checkpoint);
    CoreStatus status = check_versions(name, version, checkpoint, counters, error);
    if (status) return status;
    code_position(&codec, checkpoint);
    uint64_t n = core_read_u64(reader);
    if (n > CHECKPOINT_FLOATS_MAX || !checkpoint->n_classes) reader->failed = true;
    if (!reader->failed) status = train_checkpoint_allocate(checkpoint, n, error);
    for (int a = 0; status == CORE_OK && !reader->failed && a < TRAIN_ARRAYS; a++)
        code_floats(&codec, checkpoint->arrays[a], n);
    checkpoint->calibrated = core_read_u32(reader) != 0;
    if (status == CORE_OK && !reader->failed && checkpoint->calibrated) {
        uint32_t hidden = train_model_dims(checkpoint->n_classes).hidden;
        status = train_calibration_new(checkpoint->n_classes, hidden, &checkpoint->calibration, error);
        if (status == CORE_OK) code_calibration(&codec, checkpoint, hidden);
    }
    if (status) return status;
    if (reader->failed || core_reader_left(reader))
        return core_fail(error, CORE_FORMAT, "%s: damaged checkpoint near offset %zu", name, reader->offset);
    return CORE_OK;
}

CoreStatus train_checkpoint_parse(const char *name, const uint8_t *bytes, size_t size,
                                  TrainCheckpoint *checkpoint, CoreError *error) {
    *checkpoint = (TrainCheckpoint){0};
    CoreStatus status = check_frame(name, bytes, size, error);
    if (status) return status;
    CoreReader reader = core_reader_view(bytes, size - DIGEST_SHA256_SIZE);
    status = decode(name, &reader, checkpoint, error);
    if (status) train_checkpoint_free(checkpoint);
    return status;
}

CoreStatus train_checkpoint_read(const char *path, TrainCheckpoint *checkpoint, CoreError *error) {
    *checkpoint = (TrainCheckpoint){0};
    uint8_t *bytes;
    size_t size;
    CoreStatus status = core_file_read(path, CHECKPOINT_SIZE_MAX, &bytes, &size, error);
    if (status) return status;
    status = train_checkpoint_parse(path, bytes, size, checkpoint, error);
    free(bytes);
    return status;
}
