/* Guarded memory, files, the corpus, checks of a scan.
 * Relies on: tests/wire/support.h.
 * Relied on by: tests/wire. */
#include "tests/wire/support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GUARDED_BYTES = 128 << 10 };

uint8_t *guarded_copy(const void *bytes, size_t length, bool at_end) {
    static uint8_t *region;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!region) {
        region =
            mmap(NULL, GUARDED_BYTES + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (region == MAP_FAILED || mprotect(region, page, PROT_NONE) != 0 ||
            mprotect(region + page + GUARDED_BYTES, page, PROT_NONE) != 0)
            _exit(99);
    }
    uint8_t *copy = at_end ? region + page + GUARDED_BYTES - length : region + page;
    memcpy(copy, bytes, length);
    return copy;
}

uint8_t *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    uint8_t *bytes = NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        long size = ftell(file);
        rewind(file);
        bytes = size >= 0 ? malloc((size_t)size + 1) : NULL;
        if (bytes) *length = fread(bytes, 1, (size_t)size, file);
    }
    fclose(file);
    return bytes;
}

const char *corpus_path(const char *name) {
    static char path[4096];
    const char *root = getenv("SIPCNN_CORPUS");
    if (root)
        snprintf(path, sizeof path, "%s", root);
    else
        snprintf(path, sizeof path, "%s/../shared/corpus", SIPCNN_SOURCE_DIR);
    if (access(path, R_OK) != 0) return NULL;
    size_t used = strlen(path);
    snprintf(path + used, sizeof path - used, "/%s", name);
    return path;
}

const char *fixture_path(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/tests/wire/%s", SIPCNN_SOURCE_DIR, name);
    return path;
}

const char *temporary_file(const void *bytes, size_t length) {
    static char path[] = "/tmp/sipcnn-wire-XXXXXX";
    memcpy(path, "/tmp/sipcnn-wire-XXXXXX", sizeof path);
    int descriptor = mkstemp(path);
    if (descriptor < 0 || write(descriptor, bytes, length) != (ssize_t)length) _exit(99);
    close(descriptor);
    return path;
}

const char *anomalies_text(const WireScan *scan) {
    static char text[4096];
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < scan->located; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%s@%" PRIu32, i > 0 ? "," : "",
                             wire_anomaly_name((WireAnomaly)scan->anomaly_id[i]), scan->anomaly_offset[i]);
    return text;
}

bool slice_is(const uint8_t *message, WireSlice slice, const char *text) {
    return slice.length == strlen(text) && memcmp(message + slice.offset, text, slice.length) == 0;
}

static bool outside(WireSlice slice, uint32_t length) {
    return slice.offset > length || slice.length > length - slice.offset;
}

static bool uri_outside(const WireUri *uri, uint32_t length) {
    return outside(uri->whole, length) || outside(uri->scheme, length) || outside(uri->user, length) ||
           outside(uri->password, length) || outside(uri->host, length) || outside(uri->params, length) ||
           outside(uri->headers, length);
}

static bool address_outside(const WireNameAddr *address, uint32_t length) {
    return uri_outside(&address->uri, length) || outside(address->display, length) ||
           outside(address->tag, length) || outside(address->params, length);
}

static bool digest_outside(const WireDigest *digest, uint32_t length) {
    return outside(digest->username, length) || outside(digest->realm, length) ||
           outside(digest->nonce, length) || outside(digest->uri, length) ||
           outside(digest->response, length);
}

static const char *header_fault(const WireScan *scan, uint32_t length) {
    uint32_t counted = 0, seen[WIRE_HEADER_COUNT] = {0};
    if ((int)scan->header_count > (int)WIRE_HEADERS_MAX + (int)WIRE_HEADER_COUNT) return "too many headers";
    for (uint32_t i = 0; i < scan->header_count; i++) {
        const WireHeader *header = &scan->headers[i];
        if (header->id >= WIRE_HEADER_COUNT) return "header id";
        if (outside(header->name, length) || outside(header->value, length)) return "header slice";
        if (seen[header->id]++ == 0 && scan->first[header->id] != (int16_t)i) return "first header of an id";
    }
    for (int id = 0; id < WIRE_HEADER_COUNT; id++) {
        counted += scan->count[id];
        if (scan->count[id] != seen[id] || (seen[id] == 0 && scan->first[id] != -1)) return "header count";
    }
    return counted == scan->header_count ? NULL : "sum of header counts";
}

const char *scan_fault(const WireScan *scan, uint32_t length) {
    if (length > WIRE_MESSAGE_MAX) length = WIRE_MESSAGE_MAX;
    if (scan->method >= WIRE_METHOD_COUNT) return "method";
    if (outside(scan->method_text, length) || outside(scan->reason, length) ||
        outside(scan->call_id, length) || outside(scan->branch, length) || outside(scan->sent_by, length) ||
        outside(scan->user_agent, length) || outside(scan->body, length))
        return "slice of the message";
    if (uri_outside(&scan->uri, length)) return "request URI";
    if (address_outside(&scan->from, length) || address_outside(&scan->to, length) ||
        address_outside(&scan->contact, length))
        return "address";
    if (digest_outside(&scan->credentials, length) || digest_outside(&scan->challenge, length))
        return "digest";
    if (outside(scan->sdp.connection, length) || outside(scan->sdp.origin, length)) return "SDP";
    if (scan->anomalies >> WIRE_ANOMALY_COUNT) return "anomaly bits";
    if (scan->located > WIRE_ANOMALIES_LOCATED) return "located anomalies";
    for (int i = 0; i < scan->located; i++)
        if (!(scan->anomalies >> scan->anomaly_id[i] & 1) || scan->anomaly_offset[i] > length)
            return "offset of an anomaly";
    if (scan->max_forwards < -1 || scan->max_forwards > 255 || scan->expires < -1 ||
        scan->content_length < -1)
        return "number";
    if (scan->request && scan->status != 0) return "status of a request";
    return header_fault(scan, length);
}
