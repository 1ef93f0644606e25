/* A process that gives up what it does not need before it touches a hostile file.
 * Relies on: POSIX limits; on Linux, no_new_privs and seccomp.
 * Relied on by: store_child.c, reader.c. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* prlimit */
#endif
#include "data/dataset/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#define HAVE_FILTER 1
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#else
#define HAVE_FILTER 0
#endif

static CoreStatus refused(CoreError *error, const char *what) {
    return core_fail(error, CORE_UNAVAILABLE, "the reader cannot be confined: %s: %s", what, strerror(errno));
}

static bool set_limit(int resource, uint64_t value) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return false;
    rlim_t wanted = (rlim_t)value;
    if (limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max) wanted = limit.rlim_max;
    limit.rlim_cur = limit.rlim_max = wanted;
    return setrlimit(resource, &limit) == 0;
}

/* Processor time: the soft limit alone ends the process, and only its parent can raise it. */
static bool set_time(uint64_t seconds) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_CPU, &limit) != 0) return false;
    limit.rlim_cur = (rlim_t)seconds;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_CPU, &limit) == 0;
}

/* Bytes of address space in use; 0 where the system does not tell. */
static uint64_t address_space(void) {
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    if (fscanf(file, "%llu", &pages) != 1) pages = 0;
    fclose(file);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static CoreStatus enter_limits(uint64_t memory, uint64_t seconds, CoreError *error) {
    /* A parent's handlers mean nothing here. Ctrl-C is for the parent, which then closes the pipes. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXCPU, SIG_DFL);
    if (!set_time(seconds)) return refused(error, "RLIMIT_CPU");
    if (!set_limit(RLIMIT_CORE, 0)) return refused(error, "RLIMIT_CORE");
    if (!set_limit(RLIMIT_FSIZE, 0)) return refused(error, "RLIMIT_FSIZE");
#ifdef RLIMIT_NPROC
    if (!set_limit(RLIMIT_NPROC, 0)) return refused(error, "RLIMIT_NPROC");
#endif
    if (!UNDER_SANITIZER && !set_limit(RLIMIT_AS, address_space() + memory))
        return refused(error, "RLIMIT_AS");
    return CORE_OK;
}

#if HAVE_FILTER
#if defined(__x86_64__)
#define FILTER_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define FILTER_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define LOAD(field)    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define DENY           (SECCOMP_RET_ERRNO | EPERM)
/* Allows a call by number. */
#define ALLOW(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), ANSWER(SECCOMP_RET_ALLOW)
/* Allows a call by number if none of `bits` is set in the low half of argument `n`. */
#define ALLOW_WITHOUT(number, n, bits)                                                                       \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 4), LOAD(args[n]),                                      \
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1), ANSWER(DENY), ANSWER(SECCOMP_RET_ALLOW)

/* Opening is for reading only, memory never becomes code, the rest has no arguments that matter. */
static CoreStatus enter_filter(CoreError *error) {
    static struct sock_filter program[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCHITECTURE, 1, 0),
        ANSWER(DENY),
        LOAD(nr),
        ALLOW(__NR_read),
        ALLOW(__NR_pread64),
        ALLOW(__NR_write),
        ALLOW(__NR_lseek),
        ALLOW(__NR_close),
        ALLOW(__NR_fstat),
        ALLOW(__NR_newfstatat),
        /* H5Fopen resolves the name and locks the file. */
        ALLOW(__NR_readlinkat),
#ifdef __NR_readlink
        ALLOW(__NR_readlink),
#endif
        ALLOW(__NR_flock),
        ALLOW(__NR_brk),
        ALLOW(__NR_munmap),
        ALLOW(__NR_mremap),
        ALLOW(__NR_madvise),
        ALLOW(__NR_futex),
        ALLOW(__NR_getpid),
        ALLOW(__NR_getuid),
        ALLOW(__NR_clock_gettime),
        ALLOW(__NR_gettimeofday),
        ALLOW(__NR_rt_sigprocmask),
        ALLOW(__NR_rt_sigreturn),
        ALLOW(__NR_exit),
        ALLOW(__NR_exit_group),
        ALLOW_WITHOUT(__NR_mmap, 2, PROT_EXEC),
        ALLOW_WITHOUT(__NR_mprotect, 2, PROT_EXEC),
        ALLOW_WITHOUT(__NR_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND),
        ANSWER(DENY),
    };
    static const struct sock_fprog filter = {sizeof program / sizeof *program, program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused(error, "no_new_privs");
    /* A kernel without seccomp keeps the limits; the file is still read in a process of its own. */
    if (!UNDER_SANITIZER && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0 && errno != EINVAL)
        return refused(error, "seccomp");
    return CORE_OK;
}
#else
static CoreStatus enter_filter(CoreError *error) {
    (void)error;
    return CORE_OK;
}
#endif

CoreStatus sandbox_enter(uint64_t memory, uint64_t seconds, CoreError *error) {
    CoreStatus status = enter_limits(memory, seconds, error);
    return status == CORE_OK ? enter_filter(error) : status;
}

void sandbox_allow(pid_t child, uint64_t seconds) {
#if defined(__linux__)
    struct rlimit limit;
    if (prlimit(child, RLIMIT_CPU, NULL, &limit) != 0) return;
    limit.rlim_cur = (rlim_t)seconds;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    (void)prlimit(child, RLIMIT_CPU, &limit, NULL);
#else
    (void)child;
    (void)seconds;
#endif
}
