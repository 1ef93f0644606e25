/* Fuzz target: the four files of a scored session, cut from one input at its first three zero bytes.
 * Relies on: bench/accuracy.h.
 * Relied on by: libFuzzer, or tests/fuzz_replay.c. */
#include "bench/accuracy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/sipcnn-fuzz-session-XXXXXX";
static const char *const ends[] = {"labels.tsv", "runs.tsv", "verdicts.jsonl", "incidents.jsonl"};
static const char *const starts[] = {"frame\tindex\tprimary\talso\trun\tpart\n",
                                     "run\tclass\ttool\tsettings\tstart\tend\tclients\n", "", ""};

static void clean_up(void) {
    for (int i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/s.%s", folder, ends[i]);
        unlink(path);
    }
    rmdir(folder);
}

static void write_part(int i, const uint8_t *data, size_t size) {
    char path[128];
    snprintf(path, sizeof path, "%s/s.%s", folder, ends[i]);
    FILE *file = fopen(path, "w");
    if (!file) return;
    fputs(starts[i], file);
    fwrite(data, 1, size, file);
    fclose(file);
}

static void score_session(void) {
    CoreError error;
    char name[128];
    BenchSession session;
    BenchScore *score = calloc(1, sizeof *score);
    if (!score) return;
    snprintf(name, sizeof name, "%s/s", folder);
    if (bench_classes_init(&score->classes, &error) == CORE_OK) {
        if (bench_session_read(name, false, &score->classes, &session, &error) == CORE_OK &&
            bench_score_add(score, &session, &error) == CORE_OK &&
            bench_score_finish(score, &error) == CORE_OK)
            json_decref(bench_score_json(score));
        bench_session_free(&session);
    }
    bench_score_free(score);
    free(score);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool ready;
    if (!ready && (!mkdtemp(folder) || atexit(clean_up))) return 0;
    ready = true;
    for (int i = 0; i < 4; i++) {
        const uint8_t *zero = i < 3 ? memchr(data, 0, size) : NULL;
        size_t part = zero ? (size_t)(zero - data) : size;
        write_part(i, data, part);
        data += zero ? part + 1 : part;
        size -= zero ? part + 1 : part;
    }
    score_session();
    return 0;
}
