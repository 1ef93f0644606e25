#!/usr/bin/python3
"""Shows that check_architecture.py can fail: one planted fault at a time must be found, a clean tree must pass.

Relies on: Python's standard library, a C compiler, ar.
Relied on by: ctest (tests/architecture).
"""
import os
import subprocess
import sys
import tempfile

CHECKER, COMPILER = sys.argv[1], sys.argv[2]
HEAD = "/* A file.\n * Relies on: nothing.\n * Relied on by: nothing. */\n"

SOURCE_FAULTS = {
    "must not include engine/graph.h": ("infer/a.c", HEAD + '#include "engine/graph.h"\n'),
    "must not include data/wire/message.h": ("engine/core/a.c", HEAD + '#include "data/wire/message.h"\n'),
    "must not include tools/data/a.h": ("data/wire/a.c", HEAD + '#include "tools/data/a.h"\n'),
    "must not include <hdf5.h>": ("train/a.c", HEAD + "#include <hdf5.h>\n"),
    "must not include <pcap/pcap.h>": ("data/features/a.c", HEAD + "#include <pcap/pcap.h>\n"),
    "must not include <omp.h>": ("engine/kernels/a.c", HEAD + "#include <omp.h>\n"),
    "without the path": ("infer/a.c", HEAD + '#include "executor.h"\n'),
    "calls strcpy": ("tests/core/a.c", HEAD + "void f(char *a) { strcpy(a, \"\"); }\n"),
    "calls atoi": ("bench/a.c", HEAD + "int f(char *a) { return atoi (a); }\n"),
    "more than 900": ("train/a.c", HEAD + "\n" * 900),
    "does not begin with": ("train/a.c", "int a;\n"),
    "holds FIX" + "ME": ("train/a.c", HEAD + "/* FIX" + "ME */\n"),
}
CLEAN = ("infer/a.c", HEAD + '#include "engine/kernels/kernels.h"\n#include <stdio.h>\n'
         "/* strcpy(a, b) */ const char *text = \"atoi(1)\";\n")

SYMBOL_FAULTS = {
    "sipcnn_core uses printf": ("sipcnn_core", "#include <stdio.h>\nvoid f(int a) { printf(\"%d\", a); }\n"),
    "sipcnn uses stderr": ("sipcnn", "#include <stdio.h>\nvoid f(void) { fflush(stderr); }\n"),
    "sipcnn_wire uses abort": ("sipcnn_wire", "#include <stdlib.h>\nvoid f(void) { abort(); }\n"),
    "sipcnn_features uses exit": ("sipcnn_features", "#include <stdlib.h>\nvoid f(void) { exit(1); }\n"),
    "sipcnn uses H5open": ("sipcnn", "int H5open(void);\nint f(void) { return H5open(); }\n"),
    "sipcnn uses GOMP_parallel": ("sipcnn", "void GOMP_parallel(void);\nvoid f(void) { GOMP_parallel(); }\n"),
    "sipcnn_core uses sqrtf": ("sipcnn_core", "float sqrtf(float);\nfloat (*f)(float) = sqrtf;\n"),
    "sipcnn_kernels uses malloc": ("sipcnn_kernels", "#include <stdlib.h>\nvoid *f(void) { return malloc(9); }\n"),
}
QUIET = "#include <stdio.h>\nint f(char *a, int b) { return snprintf(a, 9, \"%d\", b); }\n"


def checker(*arguments):
    result = subprocess.run([CHECKER, *arguments], capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def check_source(path, text):
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, os.path.dirname(path)))
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)
        return checker("source", root)


def check_symbols(name, text):
    with tempfile.TemporaryDirectory() as root:
        source, code, archive = (os.path.join(root, file) for file in ("a.c", "a.o", "a.a"))
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run([COMPILER, "-O2", "-c", source, "-o", code], check=True)
        subprocess.run(["ar", "rc", archive, code], check=True)
        return checker("symbols", f"{name}={archive}")


def main():
    failures = []
    for check, faults in (check_source, SOURCE_FAULTS), (check_symbols, SYMBOL_FAULTS):
        for expected, fault in faults.items():
            status, output = check(*fault)
            if status != 1 or expected not in output:
                failures.append(f"not found: {expected}\n{output}")
    for check, clean in (check_source, CLEAN), (check_symbols, ("sipcnn_core", QUIET)):
        status, output = check(*clean)
        if status != 0:
            failures.append(f"clean, but refused:\n{output}")
    print("\n".join(failures) or f"{len(SOURCE_FAULTS) + len(SYMBOL_FAULTS)} faults found")
    sys.exit(1 if failures else 0)


main()
