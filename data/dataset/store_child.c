/* What the reading child does: open a dataset file with HDF5, check everything, send what is asked for.
 * Relies on: data/dataset/stream.h, data/dataset/sandbox.h, HDF5.
 * Relied on by: reader.c. */
#include "data/dataset/store_child.h"

#include "data/dataset/hdf5_types.h"
#include "data/dataset/sandbox.h"
#include "data/dataset/store.h"
#include "engine/core/checked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MEMORY = 1 << 30,         /* of the child, beyond what it was born with */
    SECONDS = 10,             /* of processor time, and one more for each … */
    BYTES_A_SECOND = 4 << 20, /* … of these in the file: a tenth of what inflating does */
    CHUNK_MAX = 16 << 20,     /* bytes of one HDF5 chunk; the writer's are 1 MiB at most */
    BLOCK = 1 << 20,          /* bytes read at once */
    EXPANSION = 1100,         /* deflate cannot do better than 1,032 to 1 */
};

typedef struct Child {
    hid_t file;
    uint64_t file_size;
    StreamWriter *out;
    uint8_t *block;
    SchemaSizes sizes;
    uint64_t *ends; /* [captures] the row behind each one's last */
    hid_t
        *columns; /* [schema_column_count] the columns of /messages stay open: HDF5 keeps their last chunk */
    uint8_t **window; /* [schema_column_count] their elements of a window */
    CoreError *error;
} Child;

static CoreStatus wrong(Child *c, const char *group, const char *name, const char *what) {
    return core_fail(c->error, CORE_FORMAT, "/%s%s%s %s", group, name[0] ? "/" : "", name, what);
}

/* ---- checks before anything is read -------------------------------------------------------------------- */

/* The object behind a hard link; soft and external links could lead anywhere. */
static CoreStatus open_object(Child *c, hid_t at, const char *group, const char *name, const char *link,
                              H5O_type_t type, hid_t *object) {
    H5L_info_t link_info;
    H5O_info_t info;
    if (H5Lexists(at, link, H5P_DEFAULT) <= 0) return wrong(c, group, name, "is missing");
    if (H5Lget_info(at, link, &link_info, H5P_DEFAULT) < 0 || link_info.type != H5L_TYPE_HARD)
        return wrong(c, group, name, "is not a hard link");
    *object = H5Oopen(at, link, H5P_DEFAULT);
    if (*object < 0) return wrong(c, group, name, "cannot be opened");
    if (H5Oget_info2(*object, &info, H5O_INFO_BASIC) < 0 || info.type != type) {
        H5Oclose(*object);
        return wrong(c, group, name, "is not of the schema's kind");
    }
    return CORE_OK;
}

static bool type_fits(hid_t type, SchemaType wanted, size_t width) {
    hid_t expected = hdf5_file_type(wanted, width);
    bool fits = type >= 0 && expected >= 0 && H5Tequal(type, expected) > 0;
    if (expected >= 0) H5Tclose(expected);
    return fits;
}

/* Stored in the file itself, in sane pieces, through filters that ship with HDF5. */
static const char *layout_fault(hid_t plist, size_t type_size) {
    H5D_layout_t layout = H5Pget_layout(plist);
    if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)
        return "is not stored in the file";
    if (H5Pget_external_count(plist) != 0) return "is stored in another file";
    int filters = H5Pget_nfilters(plist);
    if (filters < 0 || filters > 3) return "has too many filters";
    for (int i = 0; i < filters; i++) {
        size_t values = 0;
        unsigned flags, config;
        H5Z_filter_t filter = H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
        if (filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_FLETCHER32)
            return "has a filter that the schema does not allow";
    }
    if (layout == H5D_CHUNKED) {
        hsize_t chunk[H5S_MAX_RANK];
        int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
        uint64_t bytes = type_size;
        if (rank < 1 || rank > 2) return "has chunks of another rank";
        for (int i = 0; i < rank; i++)
            if (!core_mul_u64(bytes, chunk[i], &bytes)) return "has huge chunks";
        if (bytes == 0 || bytes > CHUNK_MAX) return "has huge chunks";
    }
    return NULL;
}

static const char *space_fault(hid_t space, SchemaType type, uint32_t width, uint64_t *length) {
    hsize_t extent[2] = {0, 0};
    int rank = hdf5_rank(type, width);
    if (H5Sget_simple_extent_type(space) != H5S_SIMPLE || H5Sget_simple_extent_ndims(space) != rank ||
        H5Sget_simple_extent_dims(space, extent, NULL) != rank || (rank == 2 && extent[1] != width))
        return "has another shape";
    *length = extent[0];
    return NULL;
}

/* All that can be known without reading a value: NULL, or what is wrong. *length gets the rows. */
static const char *dataset_fault(const Child *c, hid_t dataset, SchemaType type, uint32_t width,
                                 size_t element, uint64_t *length) {
    hid_t plist = H5Dget_create_plist(dataset), stored = H5Dget_type(dataset), space = H5Dget_space(dataset);
    const char *fault = NULL;
    uint64_t bytes;
    if (plist < 0 || stored < 0 || space < 0) fault = "cannot be read";
    if (!fault && !type_fits(stored, type, width)) fault = "has another type";
    if (!fault) fault = space_fault(space, type, width, length);
    if (!fault) fault = layout_fault(plist, H5Tget_size(stored));
    if (!fault && (!core_mul_u64(*length, element, &bytes) || bytes / EXPANSION > c->file_size))
        fault = "is longer than the file can hold";
    if (plist >= 0) H5Pclose(plist);
    if (stored >= 0) H5Tclose(stored);
    if (space >= 0) H5Sclose(space);
    return fault;
}

/* ---- columns ------------------------------------------------------------------------------------------- */

static CoreStatus open_column(Child *c, const char *group, const char *name, SchemaType type, uint32_t width,
                              size_t element, hid_t *dataset, uint64_t *length) {
    hid_t folder = -1;
    CoreStatus status = open_object(c, c->file, group, "", group, H5O_TYPE_GROUP, &folder);
    if (status != CORE_OK) return status;
    status = open_object(c, folder, group, name, name, H5O_TYPE_DATASET, dataset);
    H5Oclose(folder);
    if (status != CORE_OK) return status;
    const char *fault = dataset_fault(c, *dataset, type, width, element, length);
    if (!fault) return CORE_OK;
    H5Oclose(*dataset);
    return wrong(c, group, name, fault);
}

static bool read_block(hid_t dataset, hid_t type, int rank, uint64_t begin, uint64_t count, uint32_t width,
                       uint8_t *block) {
    hsize_t start[2] = {begin, 0}, extent[2] = {count, width};
    hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(rank, extent, NULL);
    bool read = space >= 0 && memory >= 0 &&
                H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL) >= 0 &&
                H5Dread(dataset, type, memory, space, H5P_DEFAULT, block) >= 0;
    if (space >= 0) H5Sclose(space);
    if (memory >= 0) H5Sclose(memory);
    return read;
}

/* Sends the values of an opened dataset, block by block. */
static CoreStatus send_values(Child *c, hid_t dataset, const char *group, const char *name, SchemaType type,
                              uint32_t width, size_t element, uint64_t length) {
    hid_t memory = hdf5_memory_type(type, width);
    int rank = hdf5_rank(type, width);
    uint64_t step = BLOCK / element;
    CoreStatus status = memory < 0 ? wrong(c, group, name, "cannot be read") : CORE_OK;
    for (uint64_t at = 0; at < length && status == CORE_OK; at += step) {
        uint64_t part = length - at < step ? length - at : step;
        if (read_block(dataset, memory, rank, at, part, width, c->block))
            stream_write(c->out, c->block, (size_t)part * element);
        else
            status = wrong(c, group, name, "is damaged");
    }
    if (memory >= 0) H5Tclose(memory);
    return status;
}

static bool is_of_messages(const SchemaColumn *column) {
    return column->extent == SCHEMA_BYTES || column->extent == SCHEMA_OFFSETS ||
           column->extent == SCHEMA_MESSAGES;
}

/* Opens and checks a column of a table; sends it if `send`. *length gets its rows. */
static CoreStatus visit_column(Child *c, const SchemaColumn *column, bool send, uint64_t *length) {
    hid_t dataset = -1;
    size_t element = schema_element_size(column);
    CoreStatus status =
        open_column(c, column->group, column->name, column->type, column->width, element, &dataset, length);
    if (status != CORE_OK) return status;
    if (send)
        status = send_values(c, dataset, column->group, column->name, column->type, column->width, element,
                             *length);
    H5Oclose(dataset);
    return status;
}

/* The same for a column of /messages, which stays open. */
static CoreStatus keep_column(Child *c, size_t number, uint64_t *length) {
    const SchemaColumn *column = &schema_columns[number];
    return open_column(c, column->group, column->name, column->type, column->width,
                       schema_element_size(column), &c->columns[number], length);
}

static CoreStatus measure_columns(Child *c) {
    bool known[SCHEMA_EXTENTS] = {false};
    for (size_t i = 0; i < schema_column_count; i++) {
        const SchemaColumn *column = &schema_columns[i];
        uint64_t length = 0;
        CoreStatus status =
            is_of_messages(column) ? keep_column(c, i, &length) : visit_column(c, column, false, &length);
        if (status != CORE_OK) return status;
        if (known[column->extent] && c->sizes.of[column->extent] != length)
            return wrong(c, column->group, column->name, "is not as long as the columns beside it");
        known[column->extent] = true;
        c->sizes.of[column->extent] = length;
    }
    if (c->sizes.of[SCHEMA_OFFSETS] == 0 || c->sizes.of[SCHEMA_OFFSETS] - 1 != c->sizes.of[SCHEMA_MESSAGES])
        return wrong(c, "messages", "offset", "is not one longer than the columns beside it");
    if (c->sizes.of[SCHEMA_CAPTURES] > DATASET_CAPTURES_MAX)
        return core_fail(c->error, CORE_LIMIT, "more than %d captures", DATASET_CAPTURES_MAX);
    return CORE_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

static CoreStatus read_rows(Child *c, size_t number, uint64_t begin, uint64_t count, void *to) {
    const SchemaColumn *column = &schema_columns[number];
    hid_t memory = hdf5_memory_type(column->type, column->width);
    bool read = count == 0 ||
                (memory >= 0 && read_block(c->columns[number], memory, hdf5_rank(column->type, column->width),
                                           begin, count, column->width, to));
    if (memory >= 0) H5Tclose(memory);
    return read ? CORE_OK : wrong(c, column->group, column->name, "is damaged");
}

static size_t column_of(const char *name) {
    size_t i = 0;
    while (strcmp(schema_columns[i].name, name) != 0)
        i++;
    return i;
}

static CoreStatus out_of_range(Child *c, const char *column, uint64_t row) {
    return core_fail(c->error, CORE_FORMAT, "messages/%s[%llu] is out of range", column,
                     (unsigned long long)row);
}

/* The rows of each capture, from the one column that says it. */
static CoreStatus find_captures(Child *c) {
    const uint32_t *captures = (const uint32_t *)(const void *)c->block;
    uint64_t step = BLOCK / sizeof *captures, count = c->sizes.of[SCHEMA_MESSAGES];
    uint32_t last = 0;
    for (uint64_t at = 0; at < count; at += step) {
        uint64_t part = count - at < step ? count - at : step;
        CoreStatus status = read_rows(c, column_of("capture"), at, part, c->block);
        if (status != CORE_OK) return status;
        for (uint64_t i = 0; i < part; i++) {
            if (captures[i] < last || captures[i] >= c->sizes.of[SCHEMA_CAPTURES])
                return out_of_range(c, "capture", at + i);
            last = captures[i];
            c->ends[last] = at + i + 1;
        }
    }
    for (uint64_t i = 1; i < c->sizes.of[SCHEMA_CAPTURES]; i++)
        if (c->ends[i] == 0) c->ends[i] = c->ends[i - 1];
    return CORE_OK;
}

/* The first offset and the last; those between are checked as they are read. */
static CoreStatus check_ends(Child *c) {
    uint64_t first = 0, last = 0, offsets = c->sizes.of[SCHEMA_OFFSETS];
    CoreStatus status = read_rows(c, column_of("offset"), 0, 1, &first);
    if (status == CORE_OK) status = read_rows(c, column_of("offset"), offsets - 1, 1, &last);
    if (status != CORE_OK) return status;
    if (first != 0) return out_of_range(c, "offset", 0);
    if (last == c->sizes.of[SCHEMA_BYTES]) return CORE_OK;
    return core_fail(c->error, CORE_FORMAT, "messages/offset does not end where messages/bytes does");
}

static CoreStatus allocate(Child *c) {
    c->block = malloc(BLOCK);
    c->ends = calloc(DATASET_CAPTURES_MAX, sizeof *c->ends);
    c->columns = calloc(schema_column_count, sizeof *c->columns);
    c->window = calloc(schema_column_count, sizeof *c->window);
    bool all = c->block && c->ends && c->columns && c->window;
    for (size_t i = 0; i < schema_column_count && all; i++) {
        const SchemaColumn *column = &schema_columns[i];
        if (!is_of_messages(column)) continue;
        c->window[i] =
            malloc(column->extent == SCHEMA_BYTES ? (size_t)DATASET_WINDOW_BYTES
                                                  : (DATASET_WINDOW_ROWS + 1) * schema_element_size(column));
        all = c->window[i] != NULL;
    }
    return all ? CORE_OK : core_fail(c->error, CORE_MEMORY, "no memory for the reader");
}

/* How many of `most` rows, whose offsets are read, fit one window; the offsets are made relative. */
static CoreStatus fit_window(Child *c, uint64_t first, uint64_t most, uint64_t *offsets,
                             StreamWindow *window) {
    uint64_t begin = offsets[0], rows = 0;
    if (begin > c->sizes.of[SCHEMA_BYTES]) return out_of_range(c, "offset", first);
    for (; rows < most; rows++) {
        uint64_t end = offsets[rows + 1];
        if (end < offsets[rows] || end - offsets[rows] > WIRE_MESSAGE_MAX || end > c->sizes.of[SCHEMA_BYTES])
            return out_of_range(c, "offset", first + rows + 1);
        if (end - begin > DATASET_WINDOW_BYTES) break;
    }
    *window = (StreamWindow){STREAM_MAGIC, first, rows, offsets[rows] - begin};
    for (uint64_t i = 0; i <= rows; i++)
        offsets[i] -= begin;
    return CORE_OK;
}

/* Elements of a column in a window. */
static uint64_t elements(const SchemaColumn *column, const StreamWindow *window) {
    return column->extent == SCHEMA_BYTES ? window->bytes : window->rows + (column->extent == SCHEMA_OFFSETS);
}

/* All columns are read before the first is sent: the other end works on the window before meanwhile. */
static CoreStatus send_window(Child *c, uint64_t first) {
    uint64_t left = c->sizes.of[SCHEMA_MESSAGES] - first, begin;
    uint64_t most = left < DATASET_WINDOW_ROWS ? left : DATASET_WINDOW_ROWS;
    size_t offset = column_of("offset");
    uint64_t *offsets = (uint64_t *)(void *)c->window[offset];
    StreamWindow window;
    CoreStatus status = read_rows(c, offset, first, most + 1, offsets);
    begin = offsets[0];
    if (status == CORE_OK) status = fit_window(c, first, most, offsets, &window);
    for (size_t i = 0; i < schema_column_count && status == CORE_OK; i++) {
        if (!c->window[i] || i == offset) continue;
        bool bytes = schema_columns[i].extent == SCHEMA_BYTES;
        status = read_rows(c, i, bytes ? begin : first, elements(&schema_columns[i], &window), c->window[i]);
    }
    if (status != CORE_OK) return status;
    stream_write(c->out, &window, sizeof window);
    for (size_t i = 0; i < schema_column_count; i++)
        if (c->window[i])
            stream_write(c->out, c->window[i],
                         (size_t)elements(&schema_columns[i], &window) *
                             schema_element_size(&schema_columns[i]));
    stream_flush(c->out);
    return CORE_OK;
}

/* The next request; false behind the last. */
static bool next_request(int fd, StreamRequest *request) {
    uint8_t *at = (uint8_t *)request;
    size_t left = sizeof *request;
    while (left > 0) {
        ssize_t got = read(fd, at, left);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        left -= (size_t)got;
    }
    return true;
}

static CoreStatus serve(Child *c, int requests) {
    StreamRequest request;
    CoreStatus status = CORE_OK;
    while (status == CORE_OK && !c->out->failed && next_request(requests, &request))
        status = request.first < c->sizes.of[SCHEMA_MESSAGES]
                     ? send_window(c, request.first)
                     : core_fail(c->error, CORE_FORMAT, "row %llu was asked for",
                                 (unsigned long long)request.first);
    return status;
}

/* ---- attributes ---------------------------------------------------------------------------------------- */

static CoreStatus read_attribute(Child *c, const char *name, SchemaType type, size_t width, void *value) {
    CoreStatus status = CORE_OK;
    if (H5Aexists(c->file, name) <= 0)
        return core_fail(c->error, CORE_FORMAT, "HDF5, but not a sipcnn dataset: no attribute %s at its root",
                         name);
    hid_t attribute = H5Aopen(c->file, name, H5P_DEFAULT);
    if (attribute < 0) return core_fail(c->error, CORE_FORMAT, "attribute %s cannot be opened", name);
    hid_t stored = H5Aget_type(attribute), space = H5Aget_space(attribute),
          memory = hdf5_memory_type(type, width);
    if (space < 0 || H5Sget_simple_extent_type(space) != H5S_SCALAR || !type_fits(stored, type, width))
        status = core_fail(c->error, CORE_FORMAT, "attribute %s has another type", name);
    else if (memory < 0 || H5Aread(attribute, memory, value) < 0)
        status = core_fail(c->error, CORE_FORMAT, "attribute %s is damaged", name);
    if (stored >= 0) H5Tclose(stored);
    if (space >= 0) H5Sclose(space);
    if (memory >= 0) H5Tclose(memory);
    H5Aclose(attribute);
    return status;
}

static CoreStatus read_head(Child *c, StreamHead *head) {
    uint32_t version = 0;
    CoreStatus status = read_attribute(c, "schema_version", SCHEMA_U32, 1, &version);
    if (status == CORE_OK && version != DATASET_SCHEMA_VERSION)
        status = core_fail(c->error, CORE_VERSION, "schema version %u, this program reads version %d",
                           version, DATASET_SCHEMA_VERSION);
    if (status == CORE_OK) status = read_attribute(c, "pseudonymised", SCHEMA_U32, 1, &head->pseudonymised);
    if (status == CORE_OK)
        status = read_attribute(c, "provenance", SCHEMA_TEXT, sizeof head->provenance, head->provenance);
    head->provenance[sizeof head->provenance - 1] = '\0';
    return status;
}

/* ---- splits -------------------------------------------------------------------------------------------- */

static CoreStatus count_splits(Child *c, uint32_t *count) {
    hid_t splits = -1;
    H5G_info_t info;
    CoreStatus status = open_object(c, c->file, "splits", "", "splits", H5O_TYPE_GROUP, &splits);
    if (status != CORE_OK) return status;
    if (H5Gget_info(splits, &info) < 0 || info.nlinks > DATASET_SPLITS_MAX)
        status = wrong(c, "splits", "", "has too many members");
    else
        *count = (uint32_t)info.nlinks;
    H5Oclose(splits);
    return status;
}

static CoreStatus send_side(Child *c, hid_t split, const char *path, const char *name, uint64_t length) {
    hid_t dataset = -1;
    uint64_t stored = 0;
    CoreStatus status = open_object(c, split, path, name, name, H5O_TYPE_DATASET, &dataset);
    if (status != CORE_OK) return status;
    const char *fault = dataset_fault(c, dataset, SCHEMA_U8, 1, 1, &stored);
    if (!fault && stored != length) fault = "does not fit the table it belongs to";
    status =
        fault ? wrong(c, path, name, fault) : send_values(c, dataset, path, name, SCHEMA_U8, 1, 1, length);
    H5Oclose(dataset);
    return status;
}

static CoreStatus send_split(Child *c, hid_t splits, uint32_t number, const SchemaSizes *sizes) {
    char name[DATASET_NAME_SIZE] = {0};
    hid_t split = -1;
    ssize_t length =
        H5Lget_name_by_idx(splits, ".", H5_INDEX_NAME, H5_ITER_INC, number, name, sizeof name, H5P_DEFAULT);
    if (length <= 0 || (size_t)length >= sizeof name) return wrong(c, "splits", "", "has a bad name");
    CoreStatus status = open_object(c, splits, "splits", name, name, H5O_TYPE_GROUP, &split);
    if (status != CORE_OK) return status;
    stream_write(c->out, name, sizeof name);
    status = send_side(c, split, "splits", "captures", sizes->of[SCHEMA_CAPTURES]);
    if (status == CORE_OK) status = send_side(c, split, "splits", "runs", sizes->of[SCHEMA_RUNS]);
    H5Oclose(split);
    return status;
}

static CoreStatus send_splits(Child *c, uint32_t count, const SchemaSizes *sizes) {
    hid_t splits = -1;
    CoreStatus status = open_object(c, c->file, "splits", "", "splits", H5O_TYPE_GROUP, &splits);
    if (status != CORE_OK) return status;
    for (uint32_t i = 0; i < count && status == CORE_OK; i++)
        status = send_split(c, splits, i, sizes);
    H5Oclose(splits);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static CoreStatus send_head(Child *c) {
    StreamHead head;
    uint64_t length;
    memset(&head, 0, sizeof head);
    head.magic = STREAM_MAGIC;
    CoreStatus status = read_head(c, &head);
    if (status == CORE_OK) status = measure_columns(c);
    if (status == CORE_OK) status = find_captures(c);
    if (status == CORE_OK) status = check_ends(c);
    if (status == CORE_OK) status = count_splits(c, &head.n_splits);
    if (status != CORE_OK) return status;
    head.sizes = c->sizes;
    stream_write(c->out, &head, sizeof head);
    for (size_t i = 0; i < schema_column_count && status == CORE_OK; i++)
        if (!is_of_messages(&schema_columns[i])) status = visit_column(c, &schema_columns[i], true, &length);
    stream_write(c->out, c->ends, (size_t)c->sizes.of[SCHEMA_CAPTURES] * sizeof *c->ends);
    if (status == CORE_OK) status = send_splits(c, head.n_splits, &c->sizes);
    if (status == CORE_OK) stream_write(c->out, &head.magic, sizeof head.magic);
    if (status == CORE_OK) stream_flush(c->out);
    return status;
}

uint64_t store_child_seconds(uint64_t size) {
    return SECONDS + size / BYTES_A_SECOND;
}

static CoreStatus read_file(Child *c, const char *path, int requests) {
    CoreStatus status = sandbox_enter(MEMORY, store_child_seconds(c->file_size), c->error);
    if (status == CORE_OK) status = allocate(c);
    if (status != CORE_OK) return status;
    c->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (c->file < 0) return core_fail(c->error, CORE_FORMAT, "damaged or no HDF5 file");
    status = send_head(c);
    return status == CORE_OK ? serve(c, requests) : status;
}

int store_child_run(const char *path, uint64_t size, int requests, StreamWriter *writer) {
    CoreError error = {CORE_OK, ""};
    Child child = {.file = -1, .file_size = size, .out = writer, .error = &error};
    CoreStatus status = hdf5_start() ? read_file(&child, path, requests)
                                     : core_fail(&error, CORE_UNAVAILABLE, "libhdf5 does not start");
    if (status != CORE_OK) stream_write_failure(writer, &error);
    /* No closing: the process ends here, and a damaged file could make it crash on the way. */
    return stream_flush(writer) ? 0 : 1;
}
