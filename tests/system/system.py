"""What the system tests share: where the commands are, samples, one-line failures.
Relies on: Python's standard library, the built commands (SIPCNN_BINARY_DIR), data/samples.
Relied on by: the scripts beside it."""
import contextlib
import glob
import lzma
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from sizes import test_size  # noqa: E402,F401  (for the scripts beside this one)

SKIPPED = 77
SOURCE = pathlib.Path(os.environ.get("SIPCNN_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("SIPCNN_BINARY_DIR") or SOURCE / "build" / "release")
DATA = BUILD / "tools/data/sipcnn-data"
TRAIN = BUILD / "train/sipcnn-train"
INFER = BUILD / "infer/sipcnn-infer"
BENCH = BUILD / "bench/sipcnn-bench"
COLLECTOR = BUILD / "tools/collector/sipcnn-collector"
COMMANDS = (DATA, TRAIN, INFER, BENCH, COLLECTOR)
# Trained for a moment on two samples by make_model.py, which ctest runs first.
QUICK_MODEL = BUILD / "tests/system/quick.sipcnn"


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


def samples():
    """The labelled sample captures (paths of .pcap.xz), the smallest first."""
    found = sorted(glob.glob(str(SOURCE / "data/samples/*.pcap.xz")), key=os.path.getsize)
    if not found:
        skip("no captures in data/samples")
    return [pathlib.Path(name) for name in found]


def sample_name(path):
    return path.name.removesuffix(".pcap.xz")


def unpack(path, folder):
    """The capture of a sample as a plain file in `folder`."""
    plain = pathlib.Path(folder) / path.name.removesuffix(".xz")
    with lzma.open(path) as packed:
        plain.write_bytes(packed.read())
    return plain


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory(prefix="sipcnn-system-") as name:
        yield pathlib.Path(name)


def run(command, *arguments, **options):
    options.setdefault("timeout", 120)
    return subprocess.run([command, *arguments], capture_output=True, text=True, errors="replace", **options)


def expect(condition, *what):
    if not condition:
        sys.exit("failed: " + " ".join(map(str, what)))


def expect_success(result):
    expect(result.returncode == 0, result.args, "exit code", result.returncode, result.stderr)
    return result


def expect_one_line(result, *words, code=1):
    """The command failed with `code` and said so in one line on stderr that begins with its name and holds all words."""
    name = pathlib.Path(result.args[0]).name
    lines = result.stderr.splitlines()
    expect(result.returncode == code, result.args, "exit code", result.returncode, "not", code, result.stderr)
    expect(len(lines) == 1, result.args, "wrote", len(lines), "lines:", result.stderr)
    lines = lines or [""]
    expect(lines[0].startswith(name), result.args, "does not say who speaks:", lines[0])
    for word in words:
        expect(str(word) in lines[0], result.args, "does not name", word, "but says", lines[0])


@contextlib.contextmanager
def collector(folder, *options):
    """A running collector with its database in `folder`; gives its URL."""
    process = subprocess.Popen([COLLECTOR, "--port", "0", "--database", folder / "incidents.db", *options],
                               stdout=subprocess.PIPE, text=True, start_new_session=True)  # Ctrl-C is for others
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"collector: (http://\S+)/\n", line)
        expect(found, "the collector said", repr(line))
        yield found[1]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def wait_until(condition, seconds, pause=0.01):
    """The first true value of condition(), or None after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value or None
        time.sleep(pause)
