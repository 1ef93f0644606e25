/* Siblings of captures.
 * Relies on: data/dataset/disguise.h, data/dataset/restyle.h, data/dataset/random.h, data/dataset/merge.h.
 * Relied on by: tools/data/augment. */
#include "data/dataset/augment.h"

#include "data/dataset/disguise.h"
#include "data/dataset/merge.h"
#include "data/dataset/random.h"
#include "data/dataset/restyle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T1_NS INT64_C(500000000) /* a UDP request is sent again after T1 (RFC 3261 section 17.1.1.1) */
static const double slowest = 1.4, quickest = 0.7, jitter_most_ns = 3e6, loss_most = 0.03;

_Static_assert(DATASET_AUGMENT_ORDER == RESTYLE_ORDER << 1 && DATASET_AUGMENT_OPTIONAL == RESTYLE_OPTIONAL
                                                                                              << 1,
               "the parts of a style are the changes behind the first");

/* A packet that is sent again later. */
typedef struct Again {
    WireMessage message; /* bytes: owned */
    DatasetLabel label;
} Again;

/* How one sibling differs. */
typedef struct Sibling {
    uint64_t seed;
    uint32_t changes;
    Disguise disguise;
    double pace, jitter_ns, lost, repeated;
    int64_t begin_ns, last_ns;
    uint64_t random, frame;
    Again *queue; /* due in this order, from `head` to `tail` */
    size_t head, tail, room;
} Sibling;

typedef struct Augmenter {
    DatasetReader *from;
    DatasetWriter *to;
    const Dataset *source; /* tables of `from` */
    const DatasetAugmentOptions *options;
    uint32_t *captures; /* [siblings + 1][n_captures] their indices in `to` */
    uint32_t *runs;     /* [siblings + 1][n_runs] their ids in `to` */
    WireScan *scan;
    uint8_t *text, *styled; /* WIRE_MESSAGE_MAX each */
    uint64_t done;
    CoreError *error;
} Augmenter;

/* ---- drawing ---- */

static bool has_runs(const Dataset *source, uint32_t capture) {
    for (uint32_t r = 0; r < source->n_runs; r++)
        if (source->runs[r].capture == capture) return true;
    return false;
}

/* A share of captures keeps its time, and a share loses nothing. */
static void draw_sibling(const Augmenter *a, uint32_t capture, uint32_t number, Sibling *sibling) {
    uint64_t random = a->options->seed + ((uint64_t)number << 32 | capture) * UINT64_C(0x9e3779b97f4a7c15);
    memset(sibling, 0, sizeof *sibling);
    sibling->seed = random_next(&random);
    sibling->random = random_next(&random);
    sibling->changes = a->options->changes;
    disguise_draw(random_next(&random), &sibling->disguise);
    double high = has_runs(a->source, capture) ? 1 : slowest;
    double pace = quickest + random_unit(&random) * (high - quickest),
           jitter = random_unit(&random) * jitter_most_ns;
    double lost = random_unit(&random) * loss_most, repeated = random_unit(&random) * loss_most;
    bool lossy = random_unit(&random) < 0.5;
    bool timed = sibling->changes & DATASET_AUGMENT_TIME;
    sibling->pace = timed ? pace : 1;
    sibling->jitter_ns = timed ? jitter : 0;
    if (lossy && sibling->changes & DATASET_AUGMENT_LOSS) {
        sibling->lost = lost;
        sibling->repeated = repeated;
    }
}

/* Of who sent it: the same for all messages from one address. */
static Restyle style_of(const Sibling *sibling, const WireAddress *sender) {
    Restyle style;
    uint64_t seed = sibling->seed;
    for (size_t i = 0; i < sizeof sender->ip; i++)
        seed = (seed ^ sender->ip[i]) * UINT64_C(0x100000001b3);
    restyle_draw(random_next(&seed), sibling->changes >> 1 & RESTYLE_ALL, &style);
    return style;
}

/* ---- packets ---- */

static int64_t stretch(const Sibling *sibling, int64_t time_ns) {
    return sibling->begin_ns + (int64_t)((double)(time_ns - sibling->begin_ns) * sibling->pace);
}

static CoreStatus write_message(Augmenter *a, Sibling *sibling, WireMessage *message,
                                const DatasetLabel *label) {
    if (message->time_ns < sibling->last_ns) message->time_ns = sibling->last_ns;
    sibling->last_ns = message->time_ns;
    /* Messages of one frame stay together. */
    if (message->index == 0) sibling->frame++;
    message->frame = sibling->frame;
    return dataset_writer_add_message(a->to, message, label, a->error);
}

static CoreStatus write_due(Augmenter *a, Sibling *sibling, int64_t until_ns) {
    CoreStatus status = CORE_OK;
    while (status == CORE_OK && sibling->head < sibling->tail &&
           sibling->queue[sibling->head].message.time_ns <= until_ns) {
        Again *again = &sibling->queue[sibling->head++];
        status = write_message(a, sibling, &again->message, &again->label);
        free((void *)again->message.bytes);
    }
    return status;
}

/* Copies the packet to be sent again T1 later. */
static CoreStatus send_again(Augmenter *a, Sibling *sibling, const WireMessage *message,
                             const DatasetLabel *label) {
    if (sibling->head && sibling->tail == sibling->room) {
        memmove(sibling->queue, sibling->queue + sibling->head,
                (sibling->tail - sibling->head) * sizeof *sibling->queue);
        sibling->tail -= sibling->head;
        sibling->head = 0;
    }
    if (sibling->tail == sibling->room) {
        size_t room = sibling->room ? 2 * sibling->room : 64;
        Again *queue = realloc(sibling->queue, room * sizeof *queue);
        if (!queue) return core_fail(a->error, CORE_MEMORY, "out of memory for packets in flight");
        sibling->queue = queue;
        sibling->room = room;
    }
    uint8_t *bytes = malloc(message->length ? message->length : 1);
    if (!bytes) return core_fail(a->error, CORE_MEMORY, "out of memory for packets in flight");
    memcpy(bytes, message->bytes, message->length);
    Again *again = &sibling->queue[sibling->tail++];
    *again = (Again){*message, *label};
    again->message.bytes = bytes;
    again->message.index = 0;
    /* Never before what is in the queue, whatever the jitter. */
    again->message.time_ns += T1_NS;
    if (sibling->tail - sibling->head > 1 && again->message.time_ns < again[-1].message.time_ns)
        again->message.time_ns = again[-1].message.time_ns;
    return CORE_OK;
}

/* Requests but ACK are sent again until they are answered; over UDP only. */
static bool is_sent_again(const WireMessage *message) {
    bool reply = message->length >= 4 && memcmp(message->bytes, "SIP/", 4) == 0;
    bool ack = message->length >= 4 && memcmp(message->bytes, "ACK ", 4) == 0;
    return message->transport == WIRE_UDP && message->index == 0 && !reply && !ack;
}

/* The message in the sibling's words. message->bytes is then scratch of the augmenter. */
static void rewrite(Augmenter *a, const Sibling *sibling, WireMessage *message) {
    Restyle style = style_of(sibling, &message->source);
    memcpy(a->text, message->bytes, message->length);
    if (sibling->changes & DATASET_AUGMENT_IDENTITIES) {
        disguise_text(&sibling->disguise, a->text, message->length);
        disguise_address(&sibling->disguise, &message->source);
        disguise_address(&sibling->disguise, &message->destination);
    }
    message->bytes = a->text;
    if (message->flags & WIRE_FLAG_TRUNCATED || !(sibling->changes >> 1 & RESTYLE_ALL)) return;
    uint32_t length = restyle_message(&style, a->text, message->length, a->scan, a->styled);
    if (!length) return;
    message->bytes = a->styled;
    message->length = length;
}

static CoreStatus copy_message(Augmenter *a, Sibling *sibling, const Dataset *rows, uint64_t row,
                               const uint32_t *run_map) {
    WireMessage message;
    dataset_message_view(rows, row, &message);
    DatasetLabel label = {.classes = rows->classes[row],
                          .run = rows->run[row] ? run_map[rows->run[row] - 1] : 0,
                          .primary = rows->primary[row],
                          .part = rows->part[row]};
    message.time_ns =
        stretch(sibling, message.time_ns) + (int64_t)(random_unit(&sibling->random) * sibling->jitter_ns);
    double lot = random_unit(&sibling->random);
    /* Not between messages of one frame. */
    CoreStatus status = message.index == 0 ? write_due(a, sibling, message.time_ns) : CORE_OK;
    if (status) return status;
    rewrite(a, sibling, &message);
    bool again = is_sent_again(&message), lost = again && lot < sibling->lost;
    bool repeated = again && !lost && lot < sibling->lost + sibling->repeated;
    if (!lost) status = write_message(a, sibling, &message, &label);
    if (status == CORE_OK && (lost || repeated)) status = send_again(a, sibling, &message, &label);
    return status;
}

/* ---- captures ---- */

static CoreStatus add_runs(Augmenter *a, const Sibling *sibling, uint32_t capture, uint32_t *run_map) {
    CoreStatus status = CORE_OK;
    for (uint32_t r = 0; status == CORE_OK && r < a->source->n_runs; r++) {
        if (a->source->runs[r].capture != capture) continue;
        uint64_t begin, end;
        dataset_run_clients(a->source, r, &begin, &end);
        WireAddress *clients = calloc(end - begin + 1, sizeof *clients);
        if (!clients) return core_fail(a->error, CORE_MEMORY, "out of memory for a run's clients");
        for (uint64_t i = begin; i < end; i++) {
            memcpy(clients[i - begin].ip, a->source->client_ips[i], DATASET_IP_SIZE);
            if (sibling->changes & DATASET_AUGMENT_IDENTITIES)
                disguise_address(&sibling->disguise, &clients[i - begin]);
        }
        DatasetRun run = a->source->runs[r];
        run.start_ns = stretch(sibling, run.start_ns);
        run.end_ns =
            stretch(sibling, run.end_ns) + (int64_t)sibling->jitter_ns + (sibling->lost > 0 ? T1_NS : 0);
        status = dataset_writer_add_run(a->to, &run, clients, end - begin, a->error);
        run_map[r] = dataset_writer_head(a->to)->n_runs;
        free(clients);
    }
    return status;
}

/* A name and a hash of its own: nobody takes it for the capture itself. */
static CoreStatus name_sibling(const Augmenter *a, const Sibling *sibling, uint32_t number,
                               DatasetCapture *capture) {
    char name[DATASET_NAME_SIZE + 16];
    int length = snprintf(name, sizeof name, "%s.%u", capture->name, (unsigned)number);
    if (length < 0 || (size_t)length >= sizeof capture->name)
        return core_fail(a->error, CORE_LIMIT, "capture %s: its siblings' names would be too long",
                         capture->name);
    memcpy(capture->name, name, (size_t)length + 1);
    uint64_t random = sibling->seed;
    for (size_t i = 0; i < sizeof capture->sha256; i++)
        capture->sha256[i] ^= (uint8_t)random_next(&random);
    return CORE_OK;
}

static CoreStatus copy_rows(Augmenter *a, Sibling *sibling, uint32_t capture, const uint32_t *run_map) {
    const Dataset *rows;
    uint64_t begin, end, first, total = dataset_reader_count(a->from) * (a->options->siblings + 1);
    dataset_reader_capture_rows(a->from, capture, &begin, &end);
    CoreStatus status = dataset_reader_seek(a->from, begin, end, a->error);
    while (status == CORE_OK && (status = dataset_reader_next(a->from, &rows, &first, a->error)) == CORE_OK) {
        for (uint64_t row = 0; status == CORE_OK && row < rows->count; row++)
            status = copy_message(a, sibling, rows, row, run_map);
        a->done += rows->count;
        if (status == CORE_OK && !dataset_progress(a->options->progress, a->done, total))
            status = core_fail(a->error, CORE_INTERRUPTED, "interrupted");
    }
    return status == CORE_END ? write_due(a, sibling, INT64_MAX) : status;
}

/* The sibling's first packet time, which its runs' times are stretched from. */
static CoreStatus find_begin(Augmenter *a, Sibling *sibling, uint32_t capture) {
    const Dataset *rows;
    uint64_t begin, end, first;
    dataset_reader_capture_rows(a->from, capture, &begin, &end);
    if (begin == end) return CORE_OK;
    CoreStatus status = dataset_reader_seek(a->from, begin, begin + 1, a->error);
    if (status == CORE_OK) status = dataset_reader_next(a->from, &rows, &first, a->error);
    if (status == CORE_OK) sibling->begin_ns = sibling->last_ns = rows->time_ns[0];
    return status;
}

static CoreStatus add_sibling(Augmenter *a, uint32_t capture, uint32_t number) {
    Sibling sibling;
    DatasetCapture copy = a->source->captures[capture];
    uint32_t *captures = a->captures + (size_t)number * a->source->n_captures;
    uint32_t *run_map = a->runs + (size_t)number * a->source->n_runs;
    draw_sibling(a, capture, number, &sibling);
    if (copy.follows != DATASET_NO_CAPTURE) copy.follows = captures[copy.follows];
    CoreStatus status = name_sibling(a, &sibling, number, &copy);
    if (status == CORE_OK) status = find_begin(a, &sibling, capture);
    if (status == CORE_OK) status = dataset_writer_add_capture(a->to, &copy, a->error);
    if (status == CORE_OK) {
        captures[capture] = dataset_writer_head(a->to)->n_captures - 1;
        status = add_runs(a, &sibling, capture, run_map);
    }
    if (status == CORE_OK) status = copy_rows(a, &sibling, capture, run_map);
    while (sibling.head < sibling.tail)
        free((void *)sibling.queue[sibling.head++].message.bytes);
    free(sibling.queue);
    return status;
}

/* ---- splits ---- */

static CoreStatus copy_sides(Augmenter *a, const DatasetSplit *split) {
    DatasetSplit *to;
    CoreStatus status = dataset_writer_split(a->to, split->name, &to, a->error);
    for (uint32_t n = 1; status == CORE_OK && n <= a->options->siblings; n++) {
        for (uint32_t c = 0; c < a->source->n_captures; c++)
            to->captures[a->captures[(size_t)n * a->source->n_captures + c]] = split->captures[c];
        for (uint32_t r = 0; r < a->source->n_runs; r++)
            to->runs[a->runs[(size_t)n * a->source->n_runs + r] - 1] = split->runs[r];
    }
    return status;
}

/* ---- all of it ---- */

static CoreStatus augment(Augmenter *a) {
    DatasetMergeOptions merge = {.progress = a->options->progress};
    CoreStatus status = dataset_merge_into(a->from, a->to, &merge, a->error);
    a->done = dataset_reader_count(a->from);
    for (uint32_t n = 1; status == CORE_OK && n <= a->options->siblings; n++)
        for (uint32_t c = 0; status == CORE_OK && c < a->source->n_captures; c++)
            status = add_sibling(a, c, n);
    for (uint32_t s = 0; status == CORE_OK && s < a->source->n_splits; s++)
        status = copy_sides(a, &a->source->splits[s]);
    return status;
}

CoreStatus dataset_augment(DatasetReader *from, DatasetWriter *to, const DatasetAugmentOptions *options,
                           CoreError *error) {
    if (!options->siblings || options->siblings > DATASET_SIBLINGS_MAX)
        return core_fail(error, CORE_ARGUMENT, "siblings: 1 to %d", DATASET_SIBLINGS_MAX);
    Augmenter a = {
        .from = from, .to = to, .source = dataset_reader_head(from), .options = options, .error = error};
    size_t copies = options->siblings + (size_t)1;
    a.captures = calloc(copies * a.source->n_captures + 1, sizeof *a.captures);
    a.runs = calloc(copies * a.source->n_runs + 1, sizeof *a.runs);
    a.scan = malloc(sizeof *a.scan);
    a.text = malloc(WIRE_MESSAGE_MAX);
    a.styled = malloc(WIRE_MESSAGE_MAX);
    CoreStatus status = a.captures && a.runs && a.scan && a.text && a.styled
                            ? augment(&a)
                            : core_fail(error, CORE_MEMORY, "out of memory for augmentation");
    free(a.captures);
    free(a.runs);
    free(a.scan);
    free(a.text);
    free(a.styled);
    return status;
}
