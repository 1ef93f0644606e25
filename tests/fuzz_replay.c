/* A main for fuzz targets where libFuzzer is absent: replays files, then seeded mutations of them.
 * Relies on: libc, the target's LLVMFuzzerTestOneInput.
 * Relied on by: every fuzz target's ordinary test (sipcnn_add_fuzzer). */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20, NEW_INPUT = 512 };

typedef struct Input {
    uint8_t *data;
    size_t size;
} Input;

/* SplitMix64 (Steele, Lea, Flood 2014): a run is repeated by its seed. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static size_t below(uint64_t *state, size_t limit) {
    return limit ? (size_t)(next_random(state) % limit) : 0;
}

static bool load(const char *path, Input *input) {
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    input->data = malloc(INPUT_MAX);
    if (input->data) input->size = fread(input->data, 1, INPUT_MAX, file);
    bool good = input->data && !ferror(file);
    fclose(file);
    return good;
}

/* Runs the target on memory of exactly this size, so that AddressSanitizer sees the first byte beyond it. */
static bool run(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) return false;
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return true;
}

/* One edit in place of data[0..size), which has room for INPUT_MAX; returns the new size. */
static size_t mutate(uint8_t *data, size_t size, const Input *other, uint64_t *state) {
    static const uint8_t interesting[] = {0x00, 0x01, 0x0a, 0x0d, 0x20, 0x22, 0x3a, 0x3b, 0x7f, 0x80, 0xff};
    size_t at = below(state, size), count = 1 + below(state, 16);
    if (count > size - at) count = size - at;
    switch (below(state, 7)) {
    case 0: /* flip a bit */
        if (size) data[at] ^= (uint8_t)(1u << below(state, 8));
        return size;
    case 1: /* a random byte */
        if (size) data[at] = (uint8_t)next_random(state);
        return size;
    case 2: /* a byte that parsers care about */
        if (size) data[at] = interesting[below(state, sizeof interesting)];
        return size;
    case 3: /* cut short */ return at;
    case 4: /* delete */ memmove(data + at, data + at + count, size - at - count); return size - count;
    case 5: /* repeat a piece */
        if (size + count > INPUT_MAX) return size;
        memmove(data + at + count, data + at, size - at);
        return size + count;
    default: { /* overwrite with a piece of another input */
        size_t from = below(state, other->size), length = 1 + below(state, 64);
        if (length > other->size - from) length = other->size - from;
        if (length > size - at) length = size - at;
        memcpy(data + at, other->data + from, length);
        return size;
    }
    }
}

static bool run_mutations(const Input *inputs, size_t n_inputs, unsigned long mutations, uint64_t seed) {
    uint8_t *data = malloc(INPUT_MAX);
    bool good = data != NULL;
    for (unsigned long i = 0; i < mutations && good; i++) {
        uint64_t state = seed + i * 0x632be59bd9b4e019u;
        const Input *base = &inputs[below(&state, n_inputs)], *other = &inputs[below(&state, n_inputs)];
        size_t size = base->size;
        memcpy(data, base->data, size);
        for (size_t edits = 1 + below(&state, 8); edits > 0; edits--)
            size = mutate(data, size, other, &state);
        good = run(data, size);
    }
    free(data);
    return good;
}

/* With no seed file there is one random input to start from. */
static bool random_input(Input *input, uint64_t seed) {
    input->data = malloc(INPUT_MAX);
    if (!input->data) return false;
    input->size = NEW_INPUT;
    for (size_t i = 0; i < input->size; i++)
        input->data[i] = (uint8_t)next_random(&seed);
    return true;
}

static bool replay(char **paths, int n_paths, unsigned long mutations, uint64_t seed) {
    Input *inputs = calloc((size_t)n_paths + 1, sizeof *inputs);
    if (!inputs) return false;
    size_t loaded = 0;
    bool good = true;
    for (int i = 0; i < n_paths && good; i++) {
        good = load(paths[i], &inputs[loaded]);
        if (good) good = run(inputs[loaded].data, inputs[loaded].size);
        if (!good) fprintf(stderr, "cannot replay %s\n", paths[i]);
        loaded++;
    }
    if (good && loaded == 0) good = random_input(&inputs[loaded++], seed);
    if (good) good = run_mutations(inputs, loaded, mutations, seed);
    for (size_t i = 0; i < loaded; i++)
        free(inputs[i].data);
    free(inputs);
    return good;
}

int main(int argc, char **argv) {
    unsigned long mutations = 0;
    uint64_t seed = 1;
    int first = 1;
    for (; first + 1 < argc && strncmp(argv[first], "--", 2) == 0; first += 2) {
        if (strcmp(argv[first], "--mutations") == 0)
            mutations = strtoul(argv[first + 1], NULL, 10);
        else if (strcmp(argv[first], "--seed") == 0)
            seed = strtoull(argv[first + 1], NULL, 10);
        else
            break;
    }
    if (first < argc && strncmp(argv[first], "--", 2) == 0) {
        fprintf(stderr, "usage: %s [--mutations N] [--seed N] [FILE...]\n", argv[0]);
        return 2;
    }
    if (!replay(argv + first, argc - first, mutations, seed)) return 1;
    printf("%d files and %lu mutations (seed %" PRIu64 ") replayed\n", argc - first, mutations, seed);
    return 0;
}
