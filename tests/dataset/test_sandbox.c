/* The confined process: what it may still do, and what not.
 * Relies on: data/dataset/sandbox.h.
 * Relied on by: tests/dataset/test_dataset.c. */
#include "data/dataset/sandbox.h"

#include "tests/dataset/suites.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Sanitizers need what the sandbox takes away; there only the gentle limits hold. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STRICT false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STRICT false
#endif
#endif
#ifndef STRICT
#define STRICT true
#endif

enum { MEMORY = 64 << 20 };

static bool denied(long result) {
    return result == -1 && errno == EPERM;
}

static bool may_read(void) {
    char byte;
    int fd = open("/proc/self/statm", O_RDONLY);
    return fd >= 0 && read(fd, &byte, 1) == 1 && close(fd) == 0;
}
static bool may_allocate(void) {
    char *volatile block = malloc(MEMORY / 2);
    if (block) block[MEMORY / 4] = 1;
    free(block);
    return block != NULL;
}
static bool cannot_allocate_more(void) {
    char *volatile block = malloc(2 * (size_t)MEMORY);
    free(block);
    return block == NULL;
}
static bool cannot_write_files(void) {
    return denied(open("/tmp/sipcnn-test-escaped", O_WRONLY | O_CREAT, 0600)) &&
           denied(open("/dev/null", O_RDWR));
}
static bool cannot_connect(void) {
    return denied(socket(AF_INET, SOCK_STREAM, 0)) && denied(socket(AF_UNIX, SOCK_STREAM, 0));
}
static bool cannot_execute(void) {
    char path[] = "/bin/true", *words[] = {path, NULL};
    return denied(execv(words[0], words));
}
static bool cannot_fork(void) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    return denied(child);
}
static bool cannot_signal(void) {
    return denied(kill(getppid(), 0));
}
static bool cannot_make_code(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
           errno == EPERM;
}
static bool cannot_unlink(void) {
    return denied(unlink("/tmp/sipcnn-test-escaped"));
}

typedef struct Attempt {
    const char *name;
    bool (*holds)(void);
} Attempt;

static const Attempt attempts[] = {
    {"may read", may_read},
    {"may allocate", may_allocate},
    {"cannot allocate more", cannot_allocate_more},
    {"cannot write files", cannot_write_files},
    {"cannot connect", cannot_connect},
    {"cannot execute", cannot_execute},
    {"cannot fork", cannot_fork},
    {"cannot signal", cannot_signal},
    {"cannot make code", cannot_make_code},
    {"cannot unlink", cannot_unlink},
};

START_TEST(confinement_holds) {
    const Attempt *attempt = &attempts[_i];
    int state;
    pid_t child = fork();
    if (child == 0) {
        CoreError error;
        if (sandbox_enter(MEMORY, 5, &error) != CORE_OK) _exit(2);
        _exit(attempt->holds() ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert_msg(WIFEXITED(state) && WEXITSTATUS(state) == 0, "%s: status %d", attempt->name, state);
}
END_TEST

START_TEST(processor_time_is_limited) {
    int state;
    pid_t child = fork();
    if (child == 0) {
        CoreError error;
        if (sandbox_enter(MEMORY, 1, &error) != CORE_OK) _exit(2);
        for (volatile unsigned spin = 0;; spin++)
            continue;
    }
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFSIGNALED(state));
}
END_TEST

/* Uses a second and a half of processor time after it has said that it is confined. */
static void work_for_long(int said) {
    CoreError error;
    if (sandbox_enter(MEMORY, 1, &error) != CORE_OK || write(said, "x", 1) != 1) _exit(2);
    while (clock() < CLOCKS_PER_SEC * 3 / 2)
        continue;
    _exit(0);
}

START_TEST(its_parent_can_allow_more_time) {
    int state, said[2];
    char byte;
    ck_assert_int_eq(pipe(said), 0);
    pid_t child = fork();
    if (child == 0) work_for_long(said[1]);
    ck_assert_int_eq(read(said[0], &byte, 1), 1);
    sandbox_allow(child, 20);
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert_msg(WIFEXITED(state) && WEXITSTATUS(state) == 0, "status %d", state);
}
END_TEST

Suite *sandbox_suite(void) {
    Suite *suite = suite_create("sandbox");
    TCase *cases = tcase_create("limits");
    tcase_set_timeout(cases, 100);
    tcase_add_loop_test(cases, confinement_holds, 0, STRICT ? (int)(sizeof attempts / sizeof *attempts) : 1);
    tcase_add_test(cases, processor_time_is_limited);
    tcase_add_test(cases, its_parent_can_allow_more_time);
    suite_add_tcase(suite, cases);
    return suite;
}
