/* Live capture on the loopback interface of a network namespace of its own: nothing lost, little latency,
 * time-outs, interrupts, an interface that goes away.
 * Relies on: data/wire/source.h, Linux namespaces (no privilege needed; skipped where they are forbidden),
 * Check. Relied on by: ctest. */
#define _GNU_SOURCE /* unshare */
#include "data/wire/source.h"

#include "tests/wire/frames.h"
#include "tests/wire/suites.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static WireSource *source;
static WireMessage message;
static CoreError error;
static int sender = -1;

static bool write_text(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    bool written = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);
    if (file >= 0) close(file);
    return written;
}

/* A network namespace, in which this process is root; a real root needs no user namespace for that. */
static bool enter_namespace(void) {
    char map[64];
    unsigned uid = getuid(), gid = getgid();
    if (unshare(CLONE_NEWNET) == 0) return true;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (!write_text("/proc/self/uid_map", map)) return false;
    snprintf(map, sizeof map, "0 %u 1", gid);
    return write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/gid_map", map);
}

/* Packets sent into wire0 arrive at wire1, and nothing else does. */
static bool make_interfaces(void) {
    return enter_namespace() &&
           system("ip link add wire0 type veth peer name wire1 && ip link set wire0 arp off up &&"
                  " ip link set wire1 arp off up && ip address add 10.9.0.1/24 dev wire0") == 0;
}

static void set_up(void) {
    source = NULL;
    if (!make_interfaces()) {
        fprintf(stderr, "wire: no namespace or no ip(8), live capture skipped\n");
        return;
    }
    sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(sender, 0);
    WireLiveOptions options = {.interface = "wire1", .filter = "udp port 5060", .promiscuous = true};
    CoreStatus status = wire_source_open_live(&options, &source, &error);
    ck_assert_msg(status == CORE_OK, "%s", error.text);
}

static void tear_down(void) {
    wire_source_free(source);
    if (sender >= 0) close(sender);
}

static void send_text(const char *text) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(5060)};
    to.sin_addr.s_addr = htonl(0x0a090002);
    ck_assert_int_eq(sendto(sender, text, strlen(text), 0, (const struct sockaddr *)&to, sizeof to),
                     (ssize_t)strlen(text));
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Sent = received by the kernel = delivered + dropped by the kernel, and each delivered packet has one fate.
 */
START_TEST(nothing_is_lost_or_counted_twice) {
    enum { BURSTS = 40, BURST = 50 };
    char call_id[32];
    uint64_t received = 0;
    if (!source) return;
    for (int burst = 0; burst < BURSTS; burst++) {
        for (int i = 0; i < BURST; i++) {
            snprintf(call_id, sizeof call_id, "live-%d-%d", burst, i);
            send_text(i % 5 ? request_with_call_id(call_id) : "no SIP");
        }
        while (wire_source_next(source, 0, &message, &error) == CORE_OK)
            received++;
    }
    while (wire_source_next(source, 300, &message, &error) == CORE_OK)
        received++;
    WireCounters counters = wire_source_counters(source);
    ck_assert_uint_eq(counters.kernel_received, BURSTS * BURST);
    ck_assert_uint_eq(counters.kernel_received, counters.packets + counters.kernel_dropped);
    ck_assert_uint_eq(counters.messages, received);
    ck_assert_uint_eq(counters.fate[WIRE_PACKET_SIP] + counters.fate[WIRE_PACKET_OTHER], counters.packets);
    if (counters.kernel_dropped == 0) ck_assert_uint_eq(received, BURSTS * BURST / 5 * 4);
}
END_TEST

/* A lone message comes within 100 ms (least of several: the machine may be busy). */
START_TEST(latency_is_small) {
    double least = 10;
    if (!source) return;
    for (int i = 0; i < 10; i++) {
        double begin = seconds();
        char call_id[32];
        snprintf(call_id, sizeof call_id, "latency-%d", i);
        send_text(request_with_call_id(call_id));
        ck_assert_int_eq(wire_source_next(source, 5000, &message, &error), CORE_OK);
        if (seconds() - begin < least) least = seconds() - begin;
    }
    ck_assert_msg(least < 0.1, "%.1f ms", 1e3 * least);
}
END_TEST

START_TEST(time_outs) {
    if (!source) return;
    double begin = seconds();
    ck_assert_int_eq(wire_source_next(source, 120, &message, &error), CORE_AGAIN);
    ck_assert(seconds() - begin >= 0.119);
    ck_assert_int_eq(wire_source_next(source, 0, &message, &error), CORE_AGAIN);
}
END_TEST

static void *interrupt_soon(void *argument) {
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    wire_source_interrupt(source);
    return argument;
}

START_TEST(interrupts) {
    pthread_t thread;
    if (!source) return;
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
    ck_assert_int_eq(wire_source_next(source, -1, &message, &error), CORE_INTERRUPTED);
    pthread_join(thread, NULL);
    ck_assert_int_eq(wire_source_next(source, 10, &message, &error),
                     CORE_AGAIN); /* an interrupt counts once */
}
END_TEST

/* An interface that is down may come up again; one that is gone is an error. */
START_TEST(interface_goes_down_and_away) {
    if (!source) return;
    send_text(request_with_call_id("first"));
    ck_assert_int_eq(wire_source_next(source, 5000, &message, &error), CORE_OK);
    ck_assert_int_eq(system("ip link set wire1 down"), 0);
    ck_assert_int_eq(wire_source_next(source, 200, &message, &error), CORE_AGAIN);
    ck_assert_int_eq(system("ip link set wire1 up"), 0);
    send_text(request_with_call_id("second"));
    ck_assert_int_eq(wire_source_next(source, 5000, &message, &error), CORE_OK);
    ck_assert_int_eq(system("ip link delete wire0"), 0);
    CoreStatus status = CORE_AGAIN;
    for (int i = 0; i < 20 && status == CORE_AGAIN; i++)
        status = wire_source_next(source, 100, &message, &error);
    ck_assert_int_eq(status, CORE_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "wire1: "));
}
END_TEST

Suite *live_suite(void) {
    Suite *suite = suite_create("live");
    TCase *live = tcase_create("live");
    tcase_add_checked_fixture(live, set_up, tear_down);
    tcase_set_timeout(live, 60);
    tcase_add_test(live, nothing_is_lost_or_counted_twice);
    tcase_add_test(live, latency_is_small);
    tcase_add_test(live, time_outs);
    tcase_add_test(live, interrupts);
    tcase_add_test(live, interface_goes_down_and_away);
    suite_add_tcase(suite, live);
    return suite;
}
