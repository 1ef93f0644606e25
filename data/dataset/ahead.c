/* Work done ahead: a thread fills slots of a ring, the caller takes them in the same order.
 * Relies on: POSIX threads.
 * Relied on by: data/dataset/replay, train. */
#include "data/dataset/ahead.h"

#include "engine/core/checked.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct Ahead {
    AheadFill *fill;
    void *user;
    unsigned char *memory; /* [slots][size] */
    size_t size;
    uint32_t slots;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. Slot number i of the work is slot i % slots; filled - given <= slots. */
    uint64_t filled, given; /* given back by the caller, who holds slot number `given` between two calls */
    bool ended, stopped;
    CoreStatus status; /* of the end */
    CoreError error;
    /* The caller's own. */
    bool holds;
    double waited;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- the thread ---- */

static void *fill_slots(void *argument) {
    Ahead *a = argument;
    pthread_mutex_lock(&a->lock);
    while (!a->ended) {
        while (a->filled - a->given == a->slots && !a->stopped)
            pthread_cond_wait(&a->changed, &a->lock);
        if (a->stopped) break;
        void *slot = a->memory + (size_t)(a->filled % a->slots) * a->size;
        CoreError error = {0};
        pthread_mutex_unlock(&a->lock);
        CoreStatus status = a->fill(a->user, slot, &error);
        pthread_mutex_lock(&a->lock);
        if (status == CORE_OK) {
            a->filled++;
        } else {
            a->ended = true;
            a->status = status;
            a->error = error;
        }
        pthread_cond_broadcast(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* Signals are for the threads that were there before: they know what to do about them. */
static int start_thread(Ahead *a) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failure = pthread_create(&a->thread, NULL, fill_slots, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

CoreStatus ahead_new(AheadFill *fill, void *user, size_t size, uint32_t slots, Ahead **ahead,
                     CoreError *error) {
    size_t all;
    Ahead *a = calloc(1, sizeof *a);
    if (a && core_align_size(size, sizeof(max_align_t), &size) && core_mul_size(size, slots, &all))
        a->memory = calloc(1, all);
    if (!a || !a->memory) {
        free(a);
        return core_fail(error, CORE_MEMORY, "no memory to work ahead");
    }
    a->fill = fill;
    a->user = user;
    a->size = size;
    a->slots = slots;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    int failure = start_thread(a);
    if (failure == 0) {
        *ahead = a;
        return CORE_OK;
    }
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a->memory);
    free(a);
    return core_fail(error, CORE_UNAVAILABLE, "cannot start a thread: %s", strerror(failure));
}

/* ---- the caller ---- */

CoreStatus ahead_next(Ahead *a, void **slot, CoreError *error) {
    CoreStatus status = CORE_OK;
    pthread_mutex_lock(&a->lock);
    if (a->holds) {
        a->given++;
        a->holds = false;
        pthread_cond_broadcast(&a->changed);
    }
    if (a->filled == a->given && !a->ended) {
        double began = now();
        while (a->filled == a->given && !a->ended)
            pthread_cond_wait(&a->changed, &a->lock);
        a->waited += now() - began;
    }
    if (a->filled > a->given) {
        *slot = a->memory + (size_t)(a->given % a->slots) * a->size;
        a->holds = true;
    } else {
        status = a->status;
        if (error) *error = a->error;
    }
    pthread_mutex_unlock(&a->lock);
    return status;
}

double ahead_waited(const Ahead *a) {
    return a->waited;
}

void ahead_free(Ahead *a) {
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->stopped = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a->memory);
    free(a);
}
