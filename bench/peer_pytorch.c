/* PyTorch as a peer: a child process that holds the networks and is told what to run through a pipe.
 * Relies on: bench/peer_pytorch.py (compiled in), /usr/bin/python3 or SIPCNN_PYTHON, POSIX.
 * Relied on by: bench/peers.c. */
#include "bench/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char program[] = {
#include "bench/peer_pytorch.inc"
};

typedef struct Pytorch {
    pid_t child;
    FILE *to, *from;
} Pytorch;

typedef struct PytorchJob {
    Pytorch *pytorch;
    unsigned number; /* in the child */
    size_t logits, gradients;
} PytorchJob;

/* ---- talking to the child ---- */

static CoreStatus gone(CoreError *error) {
    return core_fail(error, CORE_IO, "pytorch: its process has ended (its own words are above)");
}

/* Sends what was written and reads the answer, "ok" and a number. */
static CoreStatus ask(const Pytorch *pytorch, double *number, CoreError *error) {
    char line[256], *end;
    if (fflush(pytorch->to) != 0 || !fgets(line, sizeof line, pytorch->from)) return gone(error);
    line[strcspn(line, "\n")] = '\0';
    const char *text = strncmp(line, "ok ", 3) == 0 ? line + 3 : "";
    *number = strtod(text, &end);
    return end != text && !*end && *number >= 0 ? CORE_OK
                                                : core_fail(error, CORE_FORMAT, "pytorch: \"%s\"", line);
}

/* ---- the child ---- */

extern char **environ;

static int start(const char *python, int in, int out, pid_t *child) {
    const char *const argv[] = {python, "-c", program, NULL};
    posix_spawn_file_actions_t actions;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure) return failure;
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    failure = posix_spawnp(child, python, &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* A pipe that other children do not inherit. */
static bool make_pipe(int ends[2]) {
    if (pipe(ends)) return false;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return true;
}

static CoreStatus start_with_pipes(Pytorch *pytorch, const char *python, CoreError *error) {
    int to[2] = {-1, -1}, from[2] = {-1, -1};
    int failure = make_pipe(to) && make_pipe(from) ? 0 : errno;
    if (!failure) failure = start(python, to[0], from[1], &pytorch->child);
    if (failure) pytorch->child = 0;
    if (!failure && !(pytorch->to = fdopen(to[1], "w"))) failure = errno;
    if (!failure && !(pytorch->from = fdopen(from[0], "r"))) failure = errno;
    if (to[0] >= 0) close(to[0]);
    if (from[1] >= 0) close(from[1]);
    if (to[1] >= 0 && !pytorch->to) close(to[1]);
    if (from[0] >= 0 && !pytorch->from) close(from[0]);
    return failure ? core_fail(error, CORE_UNAVAILABLE, "pytorch: %s: %s", python, strerror(failure))
                   : CORE_OK;
}

static void pytorch_close(void *peer) {
    Pytorch *pytorch = peer;
    if (pytorch->to) fclose(pytorch->to); /* the child's input ends, and with it the child */
    if (pytorch->from) fclose(pytorch->from);
    while (pytorch->child > 0 && waitpid(pytorch->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(pytorch);
}

static CoreStatus read_greeting(const Pytorch *pytorch, const char *python, CoreError *error) {
    char line[256];
    if (!fgets(line, sizeof line, pytorch->from))
        return core_fail(error, CORE_UNAVAILABLE, "pytorch: %s ended at once", python);
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "missing ", 8) == 0)
        return core_fail(error, CORE_UNAVAILABLE, "pytorch: %s: %s", python, line + 8);
    return strncmp(line, "ready ", 6) == 0
               ? CORE_OK
               : core_fail(error, CORE_UNAVAILABLE, "pytorch: %s said \"%s\"", python, line);
}

static CoreStatus pytorch_open(void **peer, CoreError *error) {
    const char *python = getenv("SIPCNN_PYTHON");
    if (!python) python = "/usr/bin/python3";
    Pytorch *pytorch = calloc(1, sizeof *pytorch);
    if (!pytorch) return core_fail(error, CORE_MEMORY, "out of memory");
    CoreStatus status = start_with_pipes(pytorch, python, error);
    if (status == CORE_OK) status = read_greeting(pytorch, python, error);
    if (status)
        pytorch_close(pytorch);
    else
        *peer = pytorch;
    return status;
}

/* ---- jobs ---- */

static void send_net(const Pytorch *pytorch, const BenchNet *net, size_t parameters) {
    const size_t targets = (size_t)net->task.batch * BENCH_NET_CLASSES;
    const size_t bytes = (parameters + targets) * sizeof(float) + net->input_bytes;
    fprintf(pytorch->to, "new %s %s %d %d %g %zu\n", bench_net_name(net->task.kind),
            net->task.training ? "train" : "infer", (int)net->task.batch, (int)net->task.threads,
            (double)BENCH_NET_RATE, bytes);
    for (int32_t i = 0; i < graph_parameters(net->graph); i++) {
        const GraphParameter parameter = graph_parameter_at(net->graph, i);
        fwrite(parameter.values, sizeof(float), parameter.count, pytorch->to);
    }
    fwrite(net->batch_input, 1, net->input_bytes, pytorch->to);
    fwrite(net->targets, sizeof(float), targets, pytorch->to);
}

static CoreStatus pytorch_prepare(void *peer, const BenchNet *net, void **job, CoreError *error) {
    PytorchJob *made = calloc(1, sizeof *made);
    if (!made) return core_fail(error, CORE_MEMORY, "out of memory");
    const size_t parameters = bench_net_parameters(net);
    *made = (PytorchJob){.pytorch = peer,
                         .logits = (size_t)net->task.batch * BENCH_NET_CLASSES,
                         .gradients = net->task.training ? parameters : 0};
    send_net(made->pytorch, net, parameters);
    double number;
    CoreStatus status = ask(made->pytorch, &number, error);
    if (status) {
        free(made);
        return status;
    }
    made->number = (unsigned)number;
    *job = made;
    return CORE_OK;
}

static CoreStatus pytorch_run(void *job, uint32_t count, double *seconds, CoreError *error) {
    const PytorchJob *my = job;
    fprintf(my->pytorch->to, "run %u %u\n", my->number, (unsigned)count);
    return ask(my->pytorch, seconds, error);
}

static CoreStatus pytorch_read(void *job, float *logits, float *gradients, CoreError *error) {
    const PytorchJob *my = job;
    double bytes;
    fprintf(my->pytorch->to, "read %u\n", my->number);
    CoreStatus status = ask(my->pytorch, &bytes, error);
    if (status) return status;
    if ((size_t)bytes != (my->logits + my->gradients) * sizeof(float))
        return core_fail(error, CORE_FORMAT, "pytorch: %.0f bytes of results are not %zu", bytes,
                         (my->logits + my->gradients) * sizeof(float));
    if (fread(logits, sizeof(float), my->logits, my->pytorch->from) != my->logits ||
        fread(gradients, sizeof(float), my->gradients, my->pytorch->from) != my->gradients)
        return gone(error);
    return CORE_OK;
}

const BenchPeer bench_peer_pytorch = {
    .name = "pytorch",
    .trains = true,
    .open = pytorch_open,
    .close = pytorch_close,
    .prepare = pytorch_prepare,
    .release = free,
    .run = pytorch_run,
    .read = pytorch_read,
};
