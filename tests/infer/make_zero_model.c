/* Writes a model with zero weights: make_zero_model FILE [LOUD_CLASS [K N]].
 * Relies on: tests/infer/zero_model.
 * Relied on by: tests/infer/test_command.py; handy with sipcnn-infer. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/infer/zero_model.h"

int main(int argc, char **argv) {
    if (argc != 2 && argc != 3 && argc != 5) {
        fputs("usage: make_zero_model FILE [CLASS|unknown [K N]]\n", stderr);
        return 2;
    }
    uint32_t k = argc == 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1;
    uint32_t n = argc == 5 ? (uint32_t)strtoul(argv[4], NULL, 10) : 1;
    ZeroModel model = argc == 2 ? zero_model() : zero_model_loud(argv[2], k, n);
    zero_model_write(&model, argv[1]);
    return 0;
}
