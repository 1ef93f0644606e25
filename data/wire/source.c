/* Messages from a capture file, standard input or a live interface.
 * Relies on: data/wire/decap.h, libpcap, libc (poll, eventfd).
 * Relied on by: as source.h. */
#include "data/wire/source.h"

#include "data/wire/decap.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SNAP_LENGTH = 262144, /* libpcap's own maximum: an IP packet and any link header */
    /* The kernel hands over a block when it is full or this old: a bound of latency, not of work. */
    BLOCK_MS = 20,
    /* The longest sleep in poll: kernels are known that do not wake it for the last, half-full block. */
    POLL_SLICE_MS = 50,
    BUFFER_DEFAULT = 16 << 20,
    /* The kernel's counters are 32 bits wide and wrap after 2^32 packets; they are read at least so often. */
    STATISTICS_SECONDS = 10,
};

struct WireSource {
    pcap_t *pcap;
    WireDecap *decap;
    char *name; /* of the file or interface, for errors */
    bool live;
    bool standard_input;
    int link_type;
    uint32_t time_unit_ns; /* of tv_usec in packet headers */
    uint64_t frames;
    uint64_t bytes;   /* consumed from a pipe */
    uint64_t size;    /* of a regular file, else 0 */
    CoreStatus ended; /* the end or the error that every further call repeats */
    char ended_text[256];
    int wake_fd;
    atomic_bool interrupted;
    struct pcap_stat last_statistics;
    time_t last_statistics_at;
    uint64_t kernel_received, kernel_dropped;
};

static WireSource *source_new(const char *name, CoreError *error) {
    WireSource *source = calloc(1, sizeof *source);
    if (source) {
        source->wake_fd = -1;
        atomic_init(&source->interrupted, false);
        source->name = strdup(name);
    }
    if (!source || !source->name) {
        core_fail(error, CORE_MEMORY, "%s: no memory for a capture source", name);
        wire_source_free(source);
        return NULL;
    }
    if (wire_decap_new(&source->decap, error) != CORE_OK) {
        wire_source_free(source);
        return NULL;
    }
    source->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (source->wake_fd < 0) {
        core_fail(error, CORE_IO, "%s: eventfd: %s", name, strerror(errno));
        wire_source_free(source);
        return NULL;
    }
    return source;
}

void wire_source_free(WireSource *source) {
    if (!source) return;
    if (source->pcap) pcap_close(source->pcap);
    if (source->wake_fd >= 0) close(source->wake_fd);
    wire_decap_free(source->decap);
    free(source->name);
    free(source);
}

static CoreStatus check_link(WireSource *source, CoreError *error) {
    source->link_type = pcap_datalink(source->pcap);
    if (wire_link_supported(source->link_type)) return CORE_OK;
    const char *link = pcap_datalink_val_to_name(source->link_type);
    return core_fail(error, CORE_FORMAT, "%s: link layer %s (%d) is not supported", source->name,
                     link ? link : "unknown", source->link_type);
}

/* Opens the file and looks at what can be told before libpcap reads it. */
static FILE *open_stream(WireSource *source, const char *path, CoreError *error) {
    source->standard_input = strcmp(path, "-") == 0;
    FILE *stream = source->standard_input ? stdin : fopen(path, "rb");
    struct stat about;
    if (!stream || fstat(fileno(stream), &about) != 0) {
        core_fail(error, errno == ENOENT ? CORE_NOT_FOUND : CORE_IO, "%s: %s", source->name, strerror(errno));
    } else if (S_ISDIR(about.st_mode)) {
        core_fail(error, CORE_ARGUMENT, "%s: is a directory, not a capture file", source->name);
    } else if (S_ISREG(about.st_mode) && about.st_size == 0) {
        core_fail(error, CORE_FORMAT, "%s: the file is empty", source->name);
    } else {
        if (S_ISREG(about.st_mode)) source->size = (uint64_t)about.st_size;
        return stream;
    }
    if (stream && !source->standard_input) fclose(stream);
    return NULL;
}

CoreStatus wire_source_open_file(const char *path, WireSource **source, CoreError *error) {
    CoreError local; /* so that there is a status to return when the caller wants no text */
    if (!error) error = &local;
    WireSource *made = source_new(strcmp(path, "-") == 0 ? "standard input" : path, error);
    if (!made) return error->status;
    FILE *stream = open_stream(made, path, error);
    if (!stream) goto failed;
    char reason[PCAP_ERRBUF_SIZE] = "";
    made->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, reason);
    if (!made->pcap) {
        core_fail(error, ferror(stream) ? CORE_IO : CORE_FORMAT, "%s: not a capture file: %s", made->name,
                  reason);
        if (!made->standard_input) fclose(stream);
        goto failed;
    }
    made->time_unit_ns = 1;
    if (check_link(made, error) != CORE_OK) goto failed;
    *source = made;
    return CORE_OK;
failed:
    wire_source_free(made);
    return error->status;
}

/* The reason of a failed activation, with what to do about the usual one. */
static CoreStatus activation_failed(const WireSource *source, int code, CoreError *error) {
    const char *detail = pcap_geterr(source->pcap);
    CoreStatus status = code == PCAP_ERROR_NO_SUCH_DEVICE ? CORE_NOT_FOUND : CORE_UNAVAILABLE;
    if (code == PCAP_ERROR_PERM_DENIED)
        return core_fail(error, status, "%s: no permission to capture (run as root or grant CAP_NET_RAW)%s%s",
                         source->name, *detail ? ": " : "", detail);
    return core_fail(error, status, "%s: %s%s%s", source->name, pcap_statustostr(code), *detail ? ": " : "",
                     detail);
}

static CoreStatus apply_filter(WireSource *source, const char *expression, CoreError *error) {
    struct bpf_program program;
    if (!expression) return CORE_OK;
    if (pcap_compile(source->pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return core_fail(error, CORE_ARGUMENT, "%s: filter \"%s\": %s", source->name, expression,
                         pcap_geterr(source->pcap));
    int code = pcap_setfilter(source->pcap, &program);
    pcap_freecode(&program);
    if (code == 0) return CORE_OK;
    return core_fail(error, CORE_ARGUMENT, "%s: filter \"%s\": %s", source->name, expression,
                     pcap_geterr(source->pcap));
}

static CoreStatus activate(WireSource *source, const WireLiveOptions *options, CoreError *error) {
    char reason[PCAP_ERRBUF_SIZE] = "";
    uint32_t buffer = options->buffer_bytes ? options->buffer_bytes : BUFFER_DEFAULT;
    source->live = true;
    source->pcap = pcap_create(options->interface, reason);
    if (!source->pcap) return core_fail(error, CORE_UNAVAILABLE, "%s: %s", source->name, reason);
    pcap_set_snaplen(source->pcap, SNAP_LENGTH);
    pcap_set_promisc(source->pcap, options->promiscuous);
    pcap_set_timeout(source->pcap, BLOCK_MS);
    pcap_set_buffer_size(source->pcap, (int)(buffer > INT32_MAX ? INT32_MAX : buffer));
    bool nano = pcap_set_tstamp_precision(source->pcap, PCAP_TSTAMP_PRECISION_NANO) == 0;
    int code = pcap_activate(source->pcap); /* > 0 is a warning, as of promiscuous mode */
    if (code < 0) return activation_failed(source, code, error);
    if (nano) nano = pcap_get_tstamp_precision(source->pcap) == PCAP_TSTAMP_PRECISION_NANO;
    source->time_unit_ns = nano ? 1 : 1000;
    CoreStatus status = check_link(source, error);
    if (!status) status = apply_filter(source, options->filter, error);
    if (!status &&
        (pcap_setnonblock(source->pcap, 1, reason) != 0 || pcap_get_selectable_fd(source->pcap) < 0))
        status = core_fail(error, CORE_UNAVAILABLE, "%s: cannot be read without blocking: %s", source->name,
                           reason);
    return status;
}

CoreStatus wire_source_open_live(const WireLiveOptions *options, WireSource **source, CoreError *error) {
    CoreError local;
    if (!error) error = &local;
    WireSource *made = source_new(options->interface, error);
    if (!made) return error->status;
    CoreStatus status = activate(made, options, error);
    if (status) {
        wire_source_free(made);
        return status;
    }
    *source = made;
    return CORE_OK;
}

/* Remembers an end, so that asking again gives the same answer. What waited behind lost bytes comes first. */
static void end_with(WireSource *source, CoreStatus status, const char *text) {
    source->ended = status;
    snprintf(source->ended_text, sizeof source->ended_text, "%s", text);
    wire_decap_finish(source->decap);
}

/* What pcap_next_ex's -1 means, with the number of the frame that could not be read. */
static void read_failed(WireSource *source) {
    char text[sizeof source->ended_text];
    const char *reason = pcap_geterr(source->pcap);
    const char *hint =
        strstr(reason, "different from the type of the first interface")
            ? " (libpcap reads a pcapng file of one link layer only; split the capture by interface)"
            : "";
    unsigned long long frame = source->frames + 1;
    if (source->live) {
        end_with(source, CORE_IO, reason);
        return;
    }
    snprintf(text, sizeof text, "frame %llu: %s%s", frame, reason, hint);
    end_with(source, ferror(pcap_file(source->pcap)) ? CORE_IO : CORE_FORMAT, text);
}

static int64_t packet_time(const WireSource *source, const struct pcap_pkthdr *header) {
    const int64_t latest = INT64_C(4611686018); /* 2^62 ns: the year 2116, and what a broken file may claim */
    int64_t seconds = header->ts.tv_sec;
    if (seconds < 0) seconds = 0;
    if (seconds > latest) seconds = latest;
    int64_t fraction = (int64_t)header->ts.tv_usec % INT64_C(1000000000) * source->time_unit_ns;
    return seconds * INT64_C(1000000000) + (fraction < 0 ? 0 : fraction);
}

/* Adds what the kernel counted since the last look. */
static void read_statistics(WireSource *source) {
    struct pcap_stat now;
    if (!source->live || pcap_stats(source->pcap, &now) != 0) return;
    source->kernel_received += (uint32_t)(now.ps_recv - source->last_statistics.ps_recv);
    source->kernel_dropped += (uint32_t)(now.ps_drop - source->last_statistics.ps_drop);
    source->last_statistics = now;
}

/* One packet, if there is one now, or the end. False: neither. */
static bool read_packet(WireSource *source) {
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    errno = 0;
    int code = pcap_next_ex(source->pcap, &header, &bytes);
    if (code == 0) return false;
    if (code == PCAP_ERROR_BREAK) {
        end_with(source, CORE_END, "end of capture");
        return true;
    }
    if (code < 0 && errno == EINTR && atomic_load(&source->interrupted)) return false;
    if (code < 0) {
        read_failed(source);
        return true;
    }
    source->bytes += header->caplen + 16u; /* a pcap record; pipes have no other measure */
    WireFrame frame = {
        .bytes = bytes,
        .captured = header->caplen,
        .link_type = source->link_type,
        .time_ns = packet_time(source, header),
        .number = ++source->frames,
    };
    if (source->live && header->ts.tv_sec - source->last_statistics_at >= STATISTICS_SECONDS) {
        source->last_statistics_at = header->ts.tv_sec;
        read_statistics(source);
    }
    wire_decap_frame(source->decap, &frame);
    return true;
}

static int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Sleeps until there may be packets, an interrupt, or the deadline (< 0: none) is near. */
static void wait_for_packets(const WireSource *source, int64_t left_ms) {
    struct pollfd fds[2] = {
        {.fd = pcap_get_selectable_fd(source->pcap), .events = POLLIN},
        {.fd = source->wake_fd, .events = POLLIN},
    };
    poll(fds, 2, left_ms >= 0 && left_ms < POLL_SLICE_MS ? (int)left_ms : POLL_SLICE_MS);
}

static bool take_interrupt(WireSource *source) {
    uint64_t count;
    if (!atomic_exchange(&source->interrupted, false)) return false;
    while (read(source->wake_fd, &count, sizeof count) > 0)
        continue;
    return true;
}

CoreStatus wire_source_next(WireSource *source, int timeout_ms, WireMessage *message, CoreError *error) {
    int64_t deadline = source->live && timeout_ms >= 0 ? monotonic_ms() + timeout_ms : -1;
    for (;;) {
        if (wire_decap_next(source->decap, message)) return CORE_OK;
        if (source->ended) return core_fail(error, source->ended, "%s: %s", source->name, source->ended_text);
        if (atomic_load_explicit(&source->interrupted, memory_order_relaxed) && take_interrupt(source))
            return core_fail(error, CORE_INTERRUPTED, "%s: interrupted", source->name);
        bool packet = read_packet(source);
        if (!source->live || source->ended) continue;
        int64_t left = deadline < 0 ? -1 : deadline - monotonic_ms();
        if (deadline >= 0 && left <= 0) return core_fail(error, CORE_AGAIN, "%s: no message", source->name);
        if (!packet) wait_for_packets(source, left);
    }
}

void wire_source_interrupt(WireSource *source) {
    const uint64_t one = 1;
    atomic_store(&source->interrupted, true);
    ssize_t written = write(source->wake_fd, &one, sizeof one);
    (void)written; /* a full counter wakes as well */
}

WireCounters wire_source_counters(WireSource *source) {
    WireCounters counters = wire_decap_counters(source->decap);
    read_statistics(source);
    counters.kernel_received = source->kernel_received;
    counters.kernel_dropped = source->kernel_dropped;
    return counters;
}

void wire_source_progress(const WireSource *source, uint64_t *done, uint64_t *total) {
    off_t at = source->live || source->size == 0 ? -1 : ftello(pcap_file(source->pcap));
    *done = at >= 0 ? (uint64_t)at : source->bytes;
    *total = source->size;
}
