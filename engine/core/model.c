/* The model file (.sipcnn): one description of its sections, walked by the reader and by the writer alike.
 * Relies on: status, checked, bytes.
 * Relied on by: train (export), infer (executor, detector), tests. */
#include "engine/core/model.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/bytes.h"
#include "engine/core/checked.h"

#define HEADER_SIZE      64u
#define ENTRY_SIZE       24u
#define ALIGNMENT        64u
#define ENDIAN_TAG       0x01020304u
#define SECTION_OPTIONAL 1u

/* As PNG's: the first byte catches 7-bit transports, the line ends catch conversion, ^Z stops a DOS `type`.
 */
static const uint8_t MAGIC[8] = {0x89, 'S', 'I', 'P', '\r', '\n', 0x1a, '\n'};

/* ---- dimensions ---- */

static uint32_t sum_of(const uint32_t *values, uint32_t count) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

uint32_t core_model_token_rows(const CoreModelDims *dims) {
    return sum_of(dims->token_vocabulary, dims->token_fields);
}

uint32_t core_model_event_rows(const CoreModelDims *dims) {
    return sum_of(dims->event_vocabulary, dims->event_fields);
}

uint32_t core_model_concat_width(const CoreModelDims *dims) {
    return dims->token_features + dims->text_features + dims->dialog_features +
           dims->groups[CORE_GROUP_MESSAGE].count + dims->client_features + dims->account_features +
           dims->target_features + dims->all_features;
}

CoreModelShape core_model_shape(const CoreModelDims *d, CoreModelTensor tensor) {
    switch (tensor) {
#define TENSOR_CASE(NAME, name, rank, d0, d1, d2)                                                            \
    case CORE_TENSOR_##NAME: return (CoreModelShape){rank, {d0, d1, d2}};
        CORE_MODEL_TENSORS(TENSOR_CASE)
#undef TENSOR_CASE
    case CORE_TENSORS: break;
    }
    return (CoreModelShape){0, {0, 0, 0}};
}

size_t core_model_elements(const CoreModelDims *dims, CoreModelTensor tensor) {
    CoreModelShape shape = core_model_shape(dims, tensor);
    size_t count = 1;
    for (size_t i = 0; i < 3; i++)
        if (!core_mul_size(count, shape.dims[i], &count)) return SIZE_MAX;
    return count;
}

const char *core_model_tensor_name(CoreModelTensor tensor) {
    static const char *const names[] = {
#define TENSOR_NAME(NAME, name, rank, d0, d1, d2) #name,
        CORE_MODEL_TENSORS(TENSOR_NAME)
#undef TENSOR_NAME
    };
    return (size_t)tensor < CORE_TENSORS ? names[tensor] : "unknown";
}

static CoreStatus check_vocabulary(const char *name, const uint32_t *sizes, uint32_t fields,
                                   CoreError *error) {
    for (uint32_t i = 0; i < CORE_MODEL_FIELDS_MAX; i++) {
        uint32_t least = i < fields ? 1 : 0, most = i < fields ? 256 : 0;
        if (sizes[i] < least || sizes[i] > most)
            return core_fail(error, CORE_LIMIT, "%s[%u] is %u, not %u to %u", name, i, sizes[i], least, most);
    }
    return CORE_OK;
}

static CoreStatus check_groups(const CoreModelDims *dims, CoreError *error) {
    uint64_t total = 0;
    for (size_t i = 0; i < CORE_GROUPS; i++) {
        CoreModelRange a = dims->groups[i];
        if (a.begin > dims->counters || a.count > dims->counters - a.begin)
            return core_fail(error, CORE_LIMIT, "groups[%zu] is %u inputs from %u on, of %u", i, a.count,
                             a.begin, dims->counters);
        total += a.count;
        for (size_t j = 0; j < i; j++) {
            CoreModelRange b = dims->groups[j];
            if (a.count && b.count && a.begin < b.begin + b.count && b.begin < a.begin + a.count)
                return core_fail(error, CORE_FORMAT, "groups[%zu] and groups[%zu] overlap", j, i);
        }
    }
    if (total != dims->counters)
        return core_fail(error, CORE_FORMAT, "groups cover %u of %u counters", (unsigned)total,
                         dims->counters);
    return CORE_OK;
}

CoreStatus core_model_dims_check(const CoreModelDims *dims, CoreError *error) {
    /* The unsigned difference makes one comparison of both bounds. */
#define CHECK_DIM(field, least, most)                                                                        \
    if (dims->field - (least) > (most) - (least))                                                            \
        return core_fail(error, CORE_LIMIT, #field " is %u, not %u to %u", dims->field, (unsigned)(least),   \
                         (unsigned)(most));
    CORE_MODEL_DIMS(CHECK_DIM)
#undef CHECK_DIM
    CoreStatus status =
        check_vocabulary("token_vocabulary", dims->token_vocabulary, dims->token_fields, error);
    if (status == CORE_OK)
        status = check_vocabulary("event_vocabulary", dims->event_vocabulary, dims->event_fields, error);
    return status == CORE_OK ? check_groups(dims, error) : status;
}

/* ---- codec: each function below reads its value from the file, or writes it there, and checks it ---- */

typedef struct Codec {
    bool reading;
    CoreReader in;
    CoreWriter out;
    const char *section;
    size_t origin; /* of the section in the file */
    CoreStatus status;
    CoreError *error;
} Codec;

typedef enum FloatRule { FINITE, NOT_NEGATIVE } FloatRule;

static void codec_fail(Codec *codec, CoreStatus status, const char *format, ...) CORE_PRINTF(3, 4);

/* Keeps the first failure; whatever is coded after it does nothing. */
static void codec_fail(Codec *codec, CoreStatus status, const char *format, ...) {
    if (codec->status != CORE_OK) return;
    codec->status = status;
    char text[192];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0) text[0] = '\0';
    va_end(arguments);
    size_t offset = codec->origin + (codec->reading ? codec->in.offset : codec->out.offset);
    core_fail(codec->error, status, "%s, before offset %zu: %s", codec->section, offset, text);
}

/* False, with a failure noted, if the reader or writer has run out of bytes. */
static bool codec_alive(Codec *codec, const char *name) {
    if (codec->status == CORE_OK && codec->reading && codec->in.failed)
        codec_fail(codec, CORE_FORMAT, "ends inside %s", name);
    if (codec->status == CORE_OK && !codec->reading && codec->out.failed)
        codec_fail(codec, CORE_LIMIT, "%s does not fit", name);
    return codec->status == CORE_OK;
}

static void code_u16(Codec *codec, uint16_t *value, const char *name) {
    if (codec->status != CORE_OK) return;
    if (codec->reading)
        *value = core_read_u16(&codec->in);
    else
        core_write_u16(&codec->out, *value);
    codec_alive(codec, name);
}

static void code_u32(Codec *codec, uint32_t *value, const char *name) {
    if (codec->status != CORE_OK) return;
    if (codec->reading)
        *value = core_read_u32(&codec->in);
    else
        core_write_u32(&codec->out, *value);
    codec_alive(codec, name);
}

static void code_u64(Codec *codec, uint64_t *value, const char *name) {
    if (codec->status != CORE_OK) return;
    if (codec->reading)
        *value = core_read_u64(&codec->in);
    else
        core_write_u64(&codec->out, *value);
    codec_alive(codec, name);
}

/* Bytes that are copied into `bytes`. */
static void code_bytes(Codec *codec, void *bytes, size_t size, const char *name) {
    if (codec->status != CORE_OK) return;
    if (codec->reading) {
        const uint8_t *view = core_read_bytes(&codec->in, size);
        if (view) memcpy(bytes, view, size);
    } else {
        core_write_bytes(&codec->out, bytes, size);
    }
    codec_alive(codec, name);
}

/* Floats that stay where they are: *view points into the file. */
static void code_floats(Codec *codec, const float **view, size_t count, FloatRule rule, const char *name) {
    if (codec->status != CORE_OK) return;
    size_t size;
    if (!core_mul_size(count, sizeof(float), &size)) {
        codec_fail(codec, CORE_LIMIT, "%s is larger than memory", name);
        return;
    }
    if (codec->reading) *view = (const float *)(const void *)core_read_bytes(&codec->in, size);
    if (!codec_alive(codec, name)) return;
    if (!*view && count > 0) {
        codec_fail(codec, CORE_ARGUMENT, "%s is missing", name);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float value = (*view)[i];
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        if ((bits & 0x7f800000u) == 0x7f800000u)
            codec_fail(codec, CORE_FORMAT, "%s[%zu] is not finite", name, i);
        else if (rule == NOT_NEGATIVE && value < 0)
            codec_fail(codec, CORE_FORMAT, "%s[%zu] is negative", name, i);
        if (!codec->reading) core_write_f32(&codec->out, value);
    }
    codec_alive(codec, name);
}

/* A float that is copied into *value. */
static void code_f32(Codec *codec, float *value, FloatRule rule, const char *name) {
    const float *view = value;
    code_floats(codec, &view, 1, rule, name);
    if (codec->status == CORE_OK) *value = *view;
}

/* Bytes of the UTF-8 sequence at text[0..size), 0 if it is not a valid one (RFC 3629: shortest form, no
 * surrogates, at most U+10FFFF). */
static size_t utf8_length(const uint8_t *text, size_t size) {
    uint8_t lead = text[0];
    if (lead < 0x80) return 1;
    size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                    : (lead & 0xf0) == 0xe0       ? 3
                    : lead >= 0xf0 && lead < 0xf5 ? 4
                                                  : 0;
    if (length == 0 || length > size) return 0;
    uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < least || text[1] > most) return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    return length;
}

static bool utf8_valid(const char *text, size_t size, uint8_t least) {
    const uint8_t *bytes = (const uint8_t *)text;
    for (size_t i = 0, length; i < size; i += length) {
        length = utf8_length(bytes + i, size - i);
        if (length == 0 || bytes[i] < least || bytes[i] == 0x7f) return false;
    }
    return true;
}

/* ---- the sections ---- */

static void code_dims(Codec *codec, CoreModel *model) {
    CoreModelDims *dims = &model->dims;
#define CODE_DIM(field, least, most) code_u32(codec, &dims->field, #field);
    CORE_MODEL_DIMS(CODE_DIM)
#undef CODE_DIM
    for (size_t i = 0; i < CORE_MODEL_FIELDS_MAX; i++)
        code_u32(codec, &dims->token_vocabulary[i], "token_vocabulary");
    for (size_t i = 0; i < CORE_MODEL_FIELDS_MAX; i++)
        code_u32(codec, &dims->event_vocabulary[i], "event_vocabulary");
    for (size_t i = 0; i < CORE_GROUPS; i++) {
        code_u32(codec, &dims->groups[i].begin, "groups");
        code_u32(codec, &dims->groups[i].count, "groups");
    }
    if (codec->status != CORE_OK) return;
    CoreError reason = {0};
    CoreStatus status = core_model_dims_check(dims, &reason);
    if (status != CORE_OK) codec_fail(codec, status, "%s", reason.text);
}

/* Why a class name is refused, NULL if it is not. */
static const char *name_fault(const CoreModel *model, size_t index) {
    const char *name = model->class_names[index];
    size_t length = strnlen(name, CORE_MODEL_NAME_SIZE);
    if (length == 0) return "is empty";
    if (length == CORE_MODEL_NAME_SIZE) return "is not terminated";
    for (size_t i = length; i < CORE_MODEL_NAME_SIZE; i++)
        if (name[i] != '\0') return "is not padded with zeros";
    if (!utf8_valid(name, length, 0x20)) return "is not UTF-8 text on one line";
    if (strcmp(name, "benign") == 0 || strcmp(name, "unknown") == 0) return "is a reserved word";
    for (size_t i = 0; i < index; i++)
        if (strcmp(name, model->class_names[i]) == 0) return "occurs twice";
    return NULL;
}

static void code_classes(Codec *codec, CoreModel *model) {
    for (size_t i = 0; i < model->dims.classes && codec->status == CORE_OK; i++) {
        code_bytes(codec, model->class_names[i], CORE_MODEL_NAME_SIZE, "class names");
        if (codec->status != CORE_OK) return;
        const char *fault = name_fault(model, i);
        if (fault) codec_fail(codec, CORE_FORMAT, "the name of class %zu %s", i, fault);
    }
}

static void code_spec(Codec *codec, CoreModel *model) {
    uint32_t reserved = 0;
    code_u32(codec, &model->spec_version, "feature-spec version");
    code_u32(codec, &reserved, "reserved field");
    code_u64(codec, &model->spec_hash, "feature-spec hash");
    if (reserved != 0) codec_fail(codec, CORE_FORMAT, "the reserved field is not zero");
}

static void code_norm(Codec *codec, CoreModel *model) {
    size_t count = model->dims.counters;
    code_floats(codec, &model->low, count, FINITE, "low");
    code_floats(codec, &model->high, count, FINITE, "high");
    code_floats(codec, &model->mean, count, FINITE, "mean");
    code_floats(codec, &model->scale, count, NOT_NEGATIVE, "scale");
    for (size_t i = 0; i < count && codec->status == CORE_OK; i++)
        if (model->low[i] > model->high[i])
            codec_fail(codec, CORE_FORMAT, "low[%zu] is greater than high[%zu]", i, i);
}

static void code_weights(Codec *codec, CoreModel *model) {
    for (size_t i = 0; i < CORE_TENSORS; i++)
        code_floats(codec, &model->weights[i], core_model_elements(&model->dims, (CoreModelTensor)i), FINITE,
                    core_model_tensor_name((CoreModelTensor)i));
}

static void code_threshold(Codec *codec, CoreModelThreshold *threshold) {
    code_f32(codec, &threshold->value, FINITE, "threshold");
    code_u32(codec, &threshold->k, "k");
    code_u32(codec, &threshold->n, "n");
    if (codec->status != CORE_OK) return;
    if (threshold->k < 1 || threshold->k > threshold->n || threshold->n > CORE_MODEL_WINDOW_MAX)
        codec_fail(codec, CORE_LIMIT, "k of n is %u of %u, not 1 <= k <= n <= %u", threshold->k, threshold->n,
                   CORE_MODEL_WINDOW_MAX);
}

static void code_thresholds(Codec *codec, CoreModel *model) {
    for (size_t i = 0; i < model->dims.classes; i++)
        code_threshold(codec, &model->thresholds[i]);
    code_threshold(codec, &model->unknown);
}

static void code_novelty(Codec *codec, CoreModel *model) {
    size_t centres = (size_t)model->dims.classes + 1;
    for (size_t i = 0; i < centres; i++) {
        code_u32(codec, &model->centre_known[i], "known centres");
        if (codec->status == CORE_OK && model->centre_known[i] > 1)
            codec_fail(codec, CORE_FORMAT, "the flag of centre %zu is neither 0 nor 1", i);
    }
    code_floats(codec, &model->centres, centres * model->dims.hidden, FINITE, "centres");
    code_floats(codec, &model->inverse_variance, model->dims.hidden, NOT_NEGATIVE, "inverse_variance");
}

static void code_calibration(Codec *codec, CoreModel *model) {
    for (size_t i = 0; i < model->dims.classes; i++)
        code_f32(codec, &model->temperature[i], NOT_NEGATIVE, "temperature");
    for (size_t i = 0; i < model->dims.classes; i++)
        code_f32(codec, &model->calibration_bias[i], FINITE, "calibration bias");
}

static void code_provenance(Codec *codec, CoreModel *model) {
    code_u32(codec, &model->provenance_size, "length of the text");
    if (codec->status != CORE_OK) return;
    size_t size = model->provenance_size;
    if (size > CORE_MODEL_PROVENANCE_MAX) {
        codec_fail(codec, CORE_LIMIT, "a text of %zu bytes, more than %u", size, CORE_MODEL_PROVENANCE_MAX);
        return;
    }
    if (codec->reading)
        model->provenance = (const char *)core_read_bytes(&codec->in, size);
    else
        core_write_bytes(&codec->out, model->provenance, size);
    if (!codec_alive(codec, "the text")) return;
    if (!utf8_valid(model->provenance, size, 0x01)) codec_fail(codec, CORE_FORMAT, "the text is not UTF-8");
}

/* In the file's order. A section that needs dimensions stands after DIMS. */
static const struct {
    char fourcc[5];
    void (*code)(Codec *codec, CoreModel *model);
} SECTIONS[] = {
    {"DIMS", code_dims},    {"CLSS", code_classes},     {"SPEC", code_spec},
    {"NORM", code_norm},    {"WGHT", code_weights},     {"THRS", code_thresholds},
    {"NOVL", code_novelty}, {"CALB", code_calibration}, {"PROV", code_provenance},
};
#define SECTION_COUNT (sizeof SECTIONS / sizeof SECTIONS[0])

/* ---- header and section table ---- */

typedef struct Header {
    uint8_t magic[sizeof MAGIC];
    uint16_t major, minor;
    uint32_t endian_tag;
    uint64_t file_size;
    uint32_t section_count, required_features;
    uint8_t reserved[HEADER_SIZE - 32];
} Header;

typedef struct Entry {
    char fourcc[4];
    uint32_t flags;
    uint64_t offset, length;
} Entry;

static void code_header(Codec *codec, Header *header) {
    code_bytes(codec, header->magic, sizeof header->magic, "magic");
    code_u16(codec, &header->major, "major version");
    code_u16(codec, &header->minor, "minor version");
    code_u32(codec, &header->endian_tag, "endian tag");
    code_u64(codec, &header->file_size, "file size");
    code_u32(codec, &header->section_count, "section count");
    code_u32(codec, &header->required_features, "required features");
    code_bytes(codec, header->reserved, sizeof header->reserved, "reserved bytes");
}

static void code_entry(Codec *codec, Entry *entry) {
    code_bytes(codec, entry->fourcc, sizeof entry->fourcc, "section name");
    code_u32(codec, &entry->flags, "section flags");
    code_u64(codec, &entry->offset, "section offset");
    code_u64(codec, &entry->length, "section length");
}

/* ---- reader ---- */

static bool host_is_little_endian(void) {
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

static bool all_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0) return false;
    return true;
}

static Codec reading_codec(const uint8_t *data, size_t size, size_t origin, const char *section,
                           CoreError *error) {
    return (Codec){.reading = true,
                   .in = core_reader_view(data, size),
                   .section = section,
                   .origin = origin,
                   .error = error};
}

static CoreStatus read_header(const uint8_t *data, size_t size, Header *header, CoreError *error) {
    Codec codec = reading_codec(data, size, 0, "header", error);
    code_header(&codec, header);
    if (size < sizeof MAGIC || memcmp(data, MAGIC, sizeof MAGIC) != 0)
        return core_fail(error, CORE_FORMAT,
                         "not a sipcnn model (%zu bytes, the first ones are not its mark)", size);
    if (codec.status != CORE_OK) return codec.status;
    if (header->endian_tag != ENDIAN_TAG)
        return core_fail(error, CORE_FORMAT, "the endian tag at offset 12 is 0x%08x, not 0x%08x",
                         header->endian_tag, ENDIAN_TAG);
    if (header->major != CORE_MODEL_VERSION_MAJOR || header->minor > CORE_MODEL_VERSION_MINOR)
        return core_fail(error, CORE_VERSION, "model format %u.%u; this program reads %u.0 to %u.%u",
                         header->major, header->minor, CORE_MODEL_VERSION_MAJOR, CORE_MODEL_VERSION_MAJOR,
                         CORE_MODEL_VERSION_MINOR);
    if (header->file_size != size)
        return core_fail(error, CORE_FORMAT, "has %zu bytes where its header says %ju", size,
                         (uintmax_t)header->file_size);
    if (header->required_features != 0)
        return core_fail(error, CORE_VERSION, "needs features 0x%x that this program does not have",
                         header->required_features);
    if (!all_zero(header->reserved, sizeof header->reserved))
        return core_fail(error, CORE_FORMAT, "reserved bytes of the header are not zero");
    if (header->section_count < SECTION_COUNT || header->section_count > CORE_MODEL_SECTIONS_MAX)
        return core_fail(error, CORE_LIMIT, "%u sections, not %zu to %u", header->section_count,
                         SECTION_COUNT, CORE_MODEL_SECTIONS_MAX);
    return CORE_OK;
}

static CoreStatus check_digest(const uint8_t *data, size_t size, CoreDigest digest, CoreError *error) {
    uint8_t actual[CORE_MODEL_DIGEST_SIZE];
    size_t covered = size - sizeof actual;
    CoreStatus status = digest(data, covered, actual);
    if (status != CORE_OK) return core_fail(error, status, "cannot compute the SHA-256 digest");
    if (memcmp(actual, data + covered, sizeof actual) != 0)
        return core_fail(error, CORE_FORMAT, "damaged: its SHA-256 digest does not match");
    return CORE_OK;
}

static CoreStatus read_section(const Entry *entry, size_t index, const uint8_t *data, CoreModel *model,
                               CoreError *error) {
    Codec codec = reading_codec(data + entry->offset, (size_t)entry->length, (size_t)entry->offset,
                                SECTIONS[index].fourcc, error);
    SECTIONS[index].code(&codec, model);
    if (codec.status == CORE_OK && core_reader_left(&codec.in) > 0)
        codec_fail(&codec, CORE_FORMAT, "%zu bytes too many", core_reader_left(&codec.in));
    return codec.status;
}

/* Where sections must start and end is not told by the file but computed: one after the other, each on the
 * next multiple of 64, zeros between. So none can overlap, hide or be misaligned. On success *end is where
 * the next one must start. */
static CoreStatus check_place(const Entry *entry, const uint8_t *data, size_t covered, size_t *end,
                              CoreError *error) {
    size_t stop, next;
    if (entry->offset != *end)
        return core_fail(error, CORE_FORMAT, "section %.4s starts at %ju, not at %zu", entry->fourcc,
                         (uintmax_t)entry->offset, *end);
    if (entry->length > covered || !core_add_size(*end, (size_t)entry->length, &stop) ||
        !core_align_size(stop, ALIGNMENT, &next) || next > covered)
        return core_fail(error, CORE_FORMAT, "section %.4s at %zu of %ju bytes reaches past the end",
                         entry->fourcc, *end, (uintmax_t)entry->length);
    if (!all_zero(data + stop, next - stop))
        return core_fail(error, CORE_FORMAT, "padding after section %.4s is not zero", entry->fourcc);
    *end = next;
    return CORE_OK;
}

/* A fourcc is printed in errors, so it has to be printable. */
static bool fourcc_valid(const char fourcc[4]) {
    for (size_t i = 0; i < 4; i++)
        if (fourcc[i] < 'A' || fourcc[i] > 'Z') return false;
    return true;
}

static bool fourcc_known(const char fourcc[4]) {
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (memcmp(fourcc, SECTIONS[i].fourcc, 4) == 0) return true;
    return false;
}

static CoreStatus read_sections(const Header *header, const uint8_t *data, size_t covered, CoreModel *model,
                                CoreError *error) {
    size_t table = HEADER_SIZE + (size_t)header->section_count * ENTRY_SIZE, end, known = 0;
    if (!core_align_size(table, ALIGNMENT, &end) || end > covered || !all_zero(data + table, end - table))
        return core_fail(error, CORE_FORMAT, "the section table is cut short or not padded with zeros");
    Codec codec = reading_codec(data + HEADER_SIZE, table - HEADER_SIZE, HEADER_SIZE, "section table", error);
    for (uint32_t i = 0; i < header->section_count; i++) {
        Entry entry = {.flags = 0};
        code_entry(&codec, &entry);
        if (codec.status != CORE_OK) return codec.status;
        if (!fourcc_valid(entry.fourcc))
            return core_fail(error, CORE_FORMAT, "the name of section %u is not four capital letters", i);
        CoreStatus status = check_place(&entry, data, covered, &end, error);
        if (status != CORE_OK) return status;
        if (known < SECTION_COUNT && memcmp(entry.fourcc, SECTIONS[known].fourcc, 4) == 0 && entry.flags == 0)
            status = read_section(&entry, known++, data, model, error);
        else if (fourcc_known(entry.fourcc) || entry.flags != SECTION_OPTIONAL)
            status = core_fail(error, CORE_VERSION, "section %.4s (flags 0x%x) is unknown or out of order",
                               entry.fourcc, entry.flags);
        if (status != CORE_OK) return status;
    }
    if (known < SECTION_COUNT)
        return core_fail(error, CORE_FORMAT, "section %s is missing", SECTIONS[known].fourcc);
    if (end != covered)
        return core_fail(error, CORE_FORMAT, "%zu bytes between the last section and the digest",
                         covered - end);
    return CORE_OK;
}

CoreStatus core_model_read(const uint8_t *data, size_t size, CoreDigest digest, CoreModel *model,
                           CoreError *error) {
    *model = (CoreModel){.provenance = NULL};
    if (!host_is_little_endian())
        return core_fail(error, CORE_UNAVAILABLE, "models can only be used on little-endian machines");
    if ((uintptr_t)data % _Alignof(float) != 0)
        return core_fail(error, CORE_ARGUMENT, "the model's bytes are not aligned for float");
    if (size > CORE_MODEL_SIZE_MAX)
        return core_fail(error, CORE_LIMIT, "a model of %zu bytes, more than %u", size, CORE_MODEL_SIZE_MAX);
    Header header;
    CoreStatus status = read_header(data, size, &header, error);
    if (status != CORE_OK) return status;
    if (size < HEADER_SIZE + CORE_MODEL_DIGEST_SIZE)
        return core_fail(error, CORE_FORMAT, "ends after %zu bytes, before its digest", size);
    status = check_digest(data, size, digest, error);
    if (status != CORE_OK) return status;
    return read_sections(&header, data, size - CORE_MODEL_DIGEST_SIZE, model, error);
}

/* ---- writer ---- */

static CoreStatus write_section(size_t index, CoreModel *model, CoreWriter *out, CoreError *error) {
    Codec codec = {.reading = false, .out = *out, .section = SECTIONS[index].fourcc, .error = error};
    SECTIONS[index].code(&codec, model);
    *out = codec.out;
    return codec.status;
}

static void write_padding(CoreWriter *out) {
    core_write_zeros(out, (ALIGNMENT - out->offset % ALIGNMENT) % ALIGNMENT);
}

/* The whole file but its digest. Fills in `entries` as it goes; the table that it writes is what they were
 * when it began, so the first pass measures and the second is right. */
static CoreStatus write_file(CoreModel *model, Entry *entries, size_t file_size, CoreWriter *out,
                             CoreError *error) {
    Codec codec = {.reading = false, .out = *out, .section = "header", .error = error};
    Header header = {.major = CORE_MODEL_VERSION_MAJOR,
                     .minor = CORE_MODEL_VERSION_MINOR,
                     .endian_tag = ENDIAN_TAG,
                     .file_size = file_size,
                     .section_count = SECTION_COUNT};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    code_header(&codec, &header);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        code_entry(&codec, &entries[i]);
    *out = codec.out;
    CoreStatus status = codec.status;
    for (size_t i = 0; i < SECTION_COUNT && status == CORE_OK; i++) {
        write_padding(out);
        size_t start = out->offset;
        status = write_section(i, model, out, error);
        memcpy(entries[i].fourcc, SECTIONS[i].fourcc, 4);
        entries[i].offset = start;
        entries[i].length = out->offset - start;
    }
    write_padding(out);
    return status;
}

CoreStatus core_model_write(const CoreModel *model, CoreDigest digest, uint8_t **out, size_t *size,
                            CoreError *error) {
    CoreModel copy = *model; /* the codec's functions take a model that they may fill */
    Entry entries[SECTION_COUNT] = {{.flags = 0}};
    CoreWriter writer = core_writer_measure();
    CoreStatus status = write_file(&copy, entries, 0, &writer, error);
    if (status != CORE_OK) return status;
    size_t covered = writer.offset, total = covered + CORE_MODEL_DIGEST_SIZE;
    if (total > CORE_MODEL_SIZE_MAX)
        return core_fail(error, CORE_LIMIT, "a model of %zu bytes, more than %u", total, CORE_MODEL_SIZE_MAX);
    uint8_t *data = malloc(total);
    if (!data) return core_fail(error, CORE_MEMORY, "no memory for a model of %zu bytes", total);
    writer = core_writer_view(data, covered);
    status = write_file(&copy, entries, total, &writer, error);
    if (status == CORE_OK) {
        status = digest(data, covered, data + covered);
        if (status != CORE_OK) core_fail(error, status, "cannot compute the SHA-256 digest");
    }
    if (status != CORE_OK) {
        free(data);
        return status;
    }
    *out = data;
    *size = total;
    return CORE_OK;
}
