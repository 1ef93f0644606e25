#!/usr/bin/python3
"""Golden values from PyTorch in double precision, for tests/engine/test_golden.c, which needs no PyTorch.

    tests/golden/make.py        writes ops.inc and runs.inc beside itself

It shares nothing with the engine but the definitions; what PyTorch lacks (masks, our padding) is composed from what it
has. The values were made with Debian 12's python3-torch 1.13.
Relies on: ops.py, runs.py.
Relied on by: nobody at build time; the outputs are committed.
"""
import os

import ops
import runs

FOLDER = os.path.dirname(os.path.abspath(__file__))


def write(name, what, relies_on, writer):
    with open(os.path.join(FOLDER, name), 'w') as file:
        file.write(f'/* Written by make.py: {what}.\n * Relies on: {relies_on}.\n'
                   ' * Relied on by: tests/engine/test_golden.c. */\n/* clang-format off */\n')
        writer(file)


write('ops.inc', 'every op with data, its value and its gradients', 'tests/golden/golden.h', ops.write)
write('runs.inc', 'trainings of a small network', 'tests/golden/golden.h, tests/engine/network.h', runs.write)
