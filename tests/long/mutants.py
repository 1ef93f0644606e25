#!/usr/bin/python3
"""Mutation testing: changes one operator of a source file at a time; the room's tests should notice.

Relies on: the release preset's settings, cmake, ctest.
Relied on by: ./test.sh --long. Survivors are printed to be read: some are equivalent to the original.

  tests/long/mutants.py [--count N] [--seed N] [--least PERCENT] [SOURCE=TESTS ...]

TESTS is the name of a test program; several are separated by commas.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COPY, BUILD = os.path.join(ROOT, "build/mutants/source"), os.path.join(ROOT, "build/mutants/build")
SUBJECTS = ["engine/core/model.c=test_core", "engine/core/bytes.c=test_core", "infer/executor.c=test_executor"]
SWAPS = [(" != ", " == "), (" == ", " != "), (" > ", " >= "), (" < ", " <= "), (" <= ", " < "), (" >= ", " > "),
         (" && ", " || "), (" || ", " && "), (" + ", " - "), (" * ", " + "), (" 1", " 2"), ("true", "false")]


def sites(text):
    """Every place where a swap applies, outside comments, strings and preprocessor lines."""
    pattern = r'/\*.*?\*/|^#.*?$|"[^"\n]*"'
    code = re.sub(pattern, lambda match: "\0" * len(match.group()), text, flags=re.S | re.M)
    return [(match.start(), old, new) for old, new in SWAPS for match in re.finditer(re.escape(old), code)]


def noticed(tests):
    """None if it does not compile, else whether any test fails."""
    built = subprocess.run(["cmake", "--build", BUILD, "--target", *tests], capture_output=True, check=False)
    if built.returncode:
        return None
    pattern = "^(" + "|".join(tests) + ")$"
    ran = subprocess.run(["ctest", "--test-dir", BUILD, "--timeout", "60", "--tests-regex", pattern],
                         capture_output=True, check=False)
    return ran.returncode != 0


def campaign(source, tests, count, seed):
    path = os.path.join(COPY, source)
    with open(path, encoding="utf-8") as file:
        original = file.read()
    if noticed(tests) is not False:
        sys.exit(f"{source}: {', '.join(tests)} does not pass before any change")
    chosen = sites(original)
    random.Random(seed).shuffle(chosen)
    killed = survived = 0
    for at, old, new in chosen[:count]:
        with open(path, "w", encoding="utf-8") as file:
            file.write(original[:at] + new + original[at + len(old):])
        result = noticed(tests)
        if result is None:
            continue
        killed, survived = killed + result, survived + (not result)
        if not result:
            line = original.count("\n", 0, at)
            print(f"survived: {source}:{line + 1}: \"{old}\" to \"{new}\": {original.splitlines()[line].strip()}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(original)
    print(f"{source}: {killed} noticed, {survived} survived")
    return killed, survived


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=40, help="mutants of each source [40]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=int, default=60, help="percent that must be noticed [60]")
    parser.add_argument("subjects", nargs="*", metavar="SOURCE=TESTS", default=SUBJECTS)
    options = parser.parse_args()
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=shutil.ignore_patterns(".git", "build*", "demo-out"))
    subprocess.run(["cmake", "-S", COPY, "-B", BUILD, "-G", "Ninja"], check=True, capture_output=True)
    killed = survived = 0
    for subject in options.subjects:
        source, tests = subject.split("=")
        counts = campaign(source, tests.split(","), options.count, options.seed)
        killed, survived = killed + counts[0], survived + counts[1]
    percent = 100 * killed / max(1, killed + survived)
    print(f"noticed {killed} of {killed + survived} ({percent:.0f} %)")
    sys.exit(0 if percent >= options.least else 1)


main()
