/* The swap test: a model that judges behaviour does not mind whose User-Agent, Call-ID, branch or tag it
 * reads. Relies on: infer/sipcnn.h, data/dataset (reader, marks), data/wire (scan), xxHash. Relied on by:
 * tools/data/check. */
#include "tools/data/check.h"

#include "data/dataset/marks.h"
#include "infer/sipcnn.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

/* Each capture is read twice. First its texts are collected: the Call-IDs of attacks and those of benign
 * dialogs, and so on. Then it is replayed through a detector for each field, in which every text of one side
 * stands for one of the other, the same wherever it comes again; and through one that leaves all as it is. */

enum {
    TEXT_MAX = 128, /* longer texts are left alone */
    EDITS_MAX = 64, /* in one message */
    SIDES = 2,      /* benign, attack */
    DETECTORS = SWAP_FIELDS + 1,
};

typedef struct Text {
    char bytes[TEXT_MAX];
    uint8_t length;
} Text;

/* Different texts of one side. */
typedef struct Pool {
    Marks marks;
    Text *list;
    uint32_t room, taken; /* taken: how many the other side has used */
} Pool;

/* What a text became. */
typedef struct Changes {
    Marks marks;
    Text *list; /* length 0: left alone */
    uint32_t room;
} Changes;

typedef struct Edit {
    WireSlice slice;
    uint32_t number; /* of its text in the field's changes */
} Edit;

typedef struct Swap {
    SipcnnModel *model;
    SipcnnDetector *detectors[DETECTORS];
    Pool pools[SWAP_FIELDS][SIDES];
    Changes changes[SWAP_FIELDS];
    SwapReport *report;
    WireScan scan;
    FeatureEncoded plain, encoded;
    Edit edits[EDITS_MAX];
    uint32_t n_edits;
    uint8_t written[WIRE_MESSAGE_MAX];
} Swap;

static CoreStatus no_memory(CoreError *error) {
    return core_fail(error, CORE_MEMORY, "no memory to swap headers");
}

/* Benign 0, attack 1, else (ignored, unlabelled) -1. */
static int side_of(const Dataset *rows, uint64_t row) {
    if (rows->primary[row] == DATASET_BENIGN) return 0;
    return rows->primary[row] <= rows->n_classes ? 1 : -1;
}

/* ---- where the texts stand ----------------------------------------------------------------------------- */

/* Only text that any stack could write: what is odd may be the attack itself. */
static bool is_plain(const uint8_t *bytes, WireSlice slice) {
    static const char marks[] = " -_./@()[]:+~,";
    if (slice.length == 0 || slice.length >= TEXT_MAX) return false;
    for (uint32_t i = 0; i < slice.length; i++) {
        uint8_t c = bytes[slice.offset + i];
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && (c == 0 || !strchr(marks, c))) return false;
    }
    return true;
}

/* The next value of branch= in the slice from *at on. */
static bool next_branch(const uint8_t *bytes, WireSlice via, uint32_t *at, WireSlice *branch) {
    static const char name[] = "branch=";
    uint32_t end = via.offset + via.length, size = sizeof name - 1;
    for (; *at + size < end; (*at)++) {
        if (memcmp(bytes + *at, name, size) != 0) continue;
        branch->offset = *at += size;
        while (*at < end && !strchr(";, \t\r\n", bytes[*at]))
            (*at)++;
        branch->length = *at - branch->offset;
        return true;
    }
    return false;
}

/* All places of a field in the scanned message, as edits without text. */
static void find_places(Swap *s, const WireMessage *m, SwapField field) {
    WireSlice places[EDITS_MAX];
    uint32_t n = 0;
    if (field == SWAP_AGENT && s->scan.request) places[n++] = s->scan.user_agent;
    if (field == SWAP_CALL_ID) places[n++] = s->scan.call_id;
    if (field == SWAP_FROM_TAG) places[n++] = s->scan.from.tag;
    if (field == SWAP_FROM_TAG) places[n++] = s->scan.to.tag;
    for (uint16_t h = 0; field == SWAP_BRANCH && h < s->scan.header_count; h++) {
        const WireHeader *header = &s->scan.headers[h];
        uint32_t at = header->value.offset;
        if (header->id != WIRE_HEADER_VIA) continue;
        while (n < EDITS_MAX && next_branch(m->bytes, header->value, &at, &places[n]))
            n++;
    }
    s->n_edits = 0;
    for (uint32_t i = 0; i < n; i++)
        if (is_plain(m->bytes, places[i])) s->edits[s->n_edits++].slice = places[i];
}

/* Tags are told apart within a Call-ID; an agent belongs to its client's dialog; the others stand alone. */
static uint64_t text_hash(const Swap *s, const WireMessage *m, SwapField field, WireSlice slice) {
    bool in_dialog = field == SWAP_FROM_TAG || field == SWAP_AGENT;
    uint64_t seed = in_dialog ? XXH3_64bits(m->bytes + s->scan.call_id.offset, s->scan.call_id.length) : 0;
    return XXH3_64bits_withSeed(m->bytes + slice.offset, slice.length, seed);
}

/* ---- first reading: what each side writes -------------------------------------------------------------- */

static bool collect(Swap *s, const WireMessage *m, int side) {
    for (int field = 0; field < SWAP_FIELDS; field++) {
        Pool *pool = &s->pools[field][side];
        bool fresh;
        find_places(s, m, (SwapField)field);
        if (s->n_edits == 0) continue;
        /* The sender's own: the top Via, the From tag. An agent counts once for each client. */
        WireSlice slice = s->edits[0].slice;
        uint64_t seed = field == SWAP_AGENT ? XXH3_64bits(m->source.ip, sizeof m->source.ip) : 0;
        uint64_t hash = XXH3_64bits_withSeed(m->bytes + slice.offset, slice.length, seed);
        uint32_t number = marks_number(&pool->marks, hash, &fresh);
        if (number == UINT32_MAX || !marks_reserve(&pool->list, &pool->room, number + 1, sizeof *pool->list))
            return false;
        if (!fresh) continue;
        memcpy(pool->list[number].bytes, m->bytes + slice.offset, slice.length);
        pool->list[number].length = (uint8_t)slice.length;
    }
    return true;
}

/* ---- second reading: each text for one of the other side ----------------------------------------------- */

/* Other letters and digits in the same places, so that a text that serves twice stays two texts. */
static void vary(Text *text, uint64_t seed) {
    static const char cookie[] = "z9hG4bK";
    uint8_t begin = text->length > 7 && memcmp(text->bytes, cookie, 7) == 0 ? 7 : 0;
    for (uint8_t i = begin; i < text->length; i++) {
        char c = text->bytes[i];
        uint64_t draw = XXH3_64bits_withSeed(&i, 1, seed);
        if (c >= '0' && c <= '9') text->bytes[i] = (char)('0' + draw % 10);
        if (c >= 'a' && c <= 'f') text->bytes[i] = (char)('a' + draw % 6);
        if (c >= 'A' && c <= 'F') text->bytes[i] = (char)('A' + draw % 6);
        if (c >= 'g' && c <= 'z') text->bytes[i] = (char)('g' + draw % 20);
        if (c >= 'G' && c <= 'Z') text->bytes[i] = (char)('G' + draw % 20);
    }
}

/* The other side's text for a new one. Agents go by client, so that a client keeps one. */
static void choose(Swap *s, const WireMessage *m, SwapField field, int side, uint64_t hash, Text *text) {
    Pool *other = &s->pools[field][!side];
    if (other->marks.count == 0) return;
    if (field == SWAP_AGENT) {
        *text = other->list[XXH3_64bits(m->source.ip, sizeof m->source.ip) % other->marks.count];
        return;
    }
    uint32_t number = other->taken++;
    *text = other->list[number % other->marks.count];
    if (number >= other->marks.count) vary(text, hash);
}

/* Gives the edits of a field their texts; those without are dropped. */
static bool choose_texts(Swap *s, const WireMessage *m, SwapField field, int side) {
    Changes *changes = &s->changes[field];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->n_edits; i++) {
        bool fresh;
        uint64_t hash = text_hash(s, m, field, s->edits[i].slice);
        uint32_t number = marks_number(&changes->marks, hash, &fresh);
        if (number == UINT32_MAX ||
            !marks_reserve(&changes->list, &changes->room, number + 1, sizeof *changes->list))
            return false;
        if (fresh) changes->list[number].length = 0;
        if (fresh && side >= 0) choose(s, m, field, side, hash, &changes->list[number]);
        if (changes->list[number].length == 0) continue;
        s->edits[kept++] = (Edit){s->edits[i].slice, number};
    }
    s->n_edits = kept;
    return true;
}

static int compare_edits(const void *a, const void *b) {
    const Edit *x = a, *y = b;
    return (x->slice.offset > y->slice.offset) - (x->slice.offset < y->slice.offset);
}

/* The message with its edits, in s->written; false: nothing to change, or too long. */
static bool rewrite(Swap *s, const WireMessage *m, SwapField field, WireMessage *out) {
    uint32_t at = 0, length = 0;
    qsort(s->edits, s->n_edits, sizeof *s->edits, compare_edits);
    *out = *m;
    for (uint32_t i = 0; i <= s->n_edits; i++) {
        bool last = i == s->n_edits;
        const Text *text = last ? NULL : &s->changes[field].list[s->edits[i].number];
        uint32_t end = last ? m->length : s->edits[i].slice.offset, more = last ? 0 : text->length;
        if (end < at || length + (end - at) + more > WIRE_MESSAGE_MAX) return false;
        memcpy(s->written + length, m->bytes + at, end - at);
        length += end - at;
        if (last) break;
        memcpy(s->written + length, text->bytes, more);
        length += more;
        at = end + s->edits[i].slice.length;
    }
    out->bytes = s->written;
    out->length = length;
    return s->n_edits > 0;
}

static bool step_field(Swap *s, const WireMessage *m, SwapField field, int side, int verdict) {
    SwapResult *result = &s->report->fields[field];
    WireMessage changed;
    SipcnnVerdict now;
    find_places(s, m, field);
    if (!choose_texts(s, m, field, side)) return false;
    bool is_changed = rewrite(s, m, field, &changed);
    if (is_changed) feature_encode(&changed, &s->encoded);
    sipcnn_detector_step(s->detectors[field], is_changed ? &changed : m, is_changed ? &s->encoded : &s->plain,
                         &now);
    if (side < 0) return true;
    result->swapped[side] += is_changed;
    result->moved[side] += now.class_index != verdict;
    return true;
}

static bool step(Swap *s, const WireMessage *m, int side) {
    SipcnnVerdict verdict;
    feature_encode(m, &s->plain);
    sipcnn_detector_step(s->detectors[SWAP_FIELDS], m, &s->plain, &verdict);
    if (side >= 0) s->report->messages[side]++;
    for (int field = 0; field < SWAP_FIELDS; field++)
        if (!step_field(s, m, (SwapField)field, side, verdict.class_index)) return false;
    return true;
}

/* ---- captures ------------------------------------------------------------------------------------------ */

static void clear(Swap *s) {
    for (int field = 0; field < SWAP_FIELDS; field++) {
        marks_clear(&s->changes[field].marks);
        for (int side = 0; side < SIDES; side++) {
            marks_clear(&s->pools[field][side].marks);
            s->pools[field][side].taken = 0;
        }
    }
}

static CoreStatus fresh_detectors(Swap *s, CoreError *error) {
    CoreStatus status = CORE_OK;
    for (int i = 0; i < DETECTORS && status == CORE_OK; i++) {
        sipcnn_detector_free(s->detectors[i]);
        s->detectors[i] = NULL;
        status = sipcnn_detector_new(s->model, NULL, &s->detectors[i], error);
    }
    return status;
}

static CoreStatus read_window(Swap *s, const Dataset *rows, bool second, CoreError *error) {
    for (uint64_t row = 0; row < rows->count; row++) {
        WireMessage message;
        int side = side_of(rows, row);
        dataset_message_view(rows, row, &message);
        wire_scan(message.bytes, message.length, (message.flags & WIRE_FLAG_TRUNCATED) != 0, &s->scan);
        if (second ? !step(s, &message, side) : side >= 0 && !collect(s, &message, side))
            return no_memory(error);
    }
    return CORE_OK;
}

static CoreStatus read_capture(Swap *s, DatasetReader *reader, uint32_t capture, bool second,
                               Console *console, CoreError *error) {
    uint64_t begin, end, first, total = dataset_reader_count(reader);
    const Dataset *rows;
    dataset_reader_capture_rows(reader, capture, &begin, &end);
    CoreStatus status = dataset_reader_seek(reader, begin, end, error);
    while (status == CORE_OK) {
        status = dataset_reader_next(reader, &rows, &first, error);
        if (status == CORE_OK) status = read_window(s, rows, second, error);
        if (status == CORE_OK && !console_progress(console, second ? first + rows->count : first, total))
            status = core_fail(error, CORE_INTERRUPTED, "interrupted");
    }
    return status == CORE_END ? CORE_OK : status;
}

static void free_swap(Swap *s) {
    for (int field = 0; field < SWAP_FIELDS; field++) {
        marks_free(&s->changes[field].marks);
        free(s->changes[field].list);
        for (int side = 0; side < SIDES; side++) {
            marks_free(&s->pools[field][side].marks);
            free(s->pools[field][side].list);
        }
    }
    for (int i = 0; i < DETECTORS; i++)
        sipcnn_detector_free(s->detectors[i]);
    sipcnn_model_free(s->model);
    free(s);
}

CoreStatus check_swap(DatasetReader *reader, const char *model, Console *console, SwapReport *report,
                      CoreError *error) {
    const Dataset *head = dataset_reader_head(reader);
    Swap *s = calloc(1, sizeof *s);
    if (!s) return no_memory(error);
    s->report = report;
    memset(report, 0, sizeof *report);
    CoreStatus status = sipcnn_init(error);
    if (status == CORE_OK) status = sipcnn_model_load(model, &s->model, error);
    for (uint32_t c = 0; c < head->n_captures && status == CORE_OK; c++) {
        if (c == 0 || head->captures[c].follows != c - 1) {
            clear(s);
            status = fresh_detectors(s, error);
        }
        if (status == CORE_OK) status = read_capture(s, reader, c, false, console, error);
        if (status == CORE_OK) status = read_capture(s, reader, c, true, console, error);
    }
    free_swap(s);
    return status;
}

const char *check_swap_name(SwapField field) {
    static const char *const names[] = {
#define SWAP_NAME(id, name) name,
        SWAP_MAP(SWAP_NAME)
#undef SWAP_NAME
    };
    return names[field];
}
