#!/usr/bin/python3
"""Enforces the table of rooms in docs/architecture.md: what each may include, link and call.

Relies on: Python's standard library, nm, ldd, strip, ldconfig.
Relied on by: ctest (tests/architecture).

  check_architecture.py source FOLDER            includes, banned functions, file headers and sizes
  check_architecture.py symbols NAME=ARCHIVE...  undefined symbols of each room's archive
  check_architecture.py runtime PROGRAM          shared libraries and stripped size of sipcnn-infer
"""
import os
import re
import subprocess
import sys
import tempfile

LINES_MAX = 900
RUNTIME_BYTES_MAX = 512 * 1024

# Room: folders that it may include from (its own is implied).
INCLUDES = {
    "engine/core": [],
    "engine/kernels": ["engine/core"],
    "engine": ["engine/core", "engine/kernels"],
    "data/digest": ["engine/core"],
    "data/wire": ["engine/core"],
    "data/features": ["engine/core", "data/wire"],
    "data/dataset": ["engine/core", "data/wire", "data/features", "data/digest"],
    "data/privacy": ["engine/core", "data/wire", "data/features", "data/dataset"],
    "data/synth": ["engine/core", "data/wire", "data/dataset", "data/digest"],
    "train": ["engine", "engine/core", "engine/kernels", "data/wire", "data/features", "data/dataset", "data/digest"],
    "infer": ["engine/core", "engine/kernels", "data/wire", "data/features", "data/digest"],
}
# Headers of other people's libraries, and the rooms that may see them; folders of commands may see all.
FOREIGN = {
    r"pcap": ["data/wire"],
    r"osip": ["data/wire"],
    r"hdf5|H5": ["data/dataset"],
    r"lzma": ["data/dataset"],
    r"libdeflate": ["data/dataset"],
    r"omp\.h": ["engine"],
    r"curl/": ["infer"],
    r"jansson": ["data/dataset", "train", "infer"],
    r"openssl/": ["data/digest", "data/dataset", "data/privacy", "infer"],
    r"xxhash": ["data/dataset", "data/features", "data/wire", "infer"],
    r"sqlite3": [],
    r"microhttpd": [],
}
COMMANDS = ["tools", "bench", "tests"]

# Archive: archives and shared libraries that may define what it calls. libc is implied.
LINKS = {
    "sipcnn_core": ([], []),
    "sipcnn_kernels": (["sipcnn_core"], ["libm"]),
    "sipcnn_engine": (["sipcnn_core", "sipcnn_kernels"], ["libm", "libgomp", "libomp"]),
    "sipcnn_digest": (["sipcnn_core"], ["libcrypto"]),
    "sipcnn_wire": (["sipcnn_core"], ["libpcap", "libosip2", "libosipparser2"]),
    "sipcnn_features": (["sipcnn_core", "sipcnn_wire"], []),
    "sipcnn_dataset": (["sipcnn_core", "sipcnn_wire", "sipcnn_features", "sipcnn_digest"],
                       ["libm", "libhdf5_serial", "libdeflate", "liblzma", "libcrypto", "libjansson"]),
    "sipcnn_privacy": (["sipcnn_core", "sipcnn_wire", "sipcnn_features", "sipcnn_dataset"], ["libcrypto"]),
    "sipcnn_synth": (["sipcnn_core", "sipcnn_wire", "sipcnn_dataset", "sipcnn_digest"], []),
    "sipcnn_train": (["sipcnn_core", "sipcnn_kernels", "sipcnn_engine", "sipcnn_wire", "sipcnn_features",
                      "sipcnn_dataset", "sipcnn_digest"], ["libm", "libjansson"]),
    "sipcnn": (["sipcnn_core", "sipcnn_kernels", "sipcnn_wire", "sipcnn_features", "sipcnn_digest"],
               ["libm", "libcurl", "libjansson", "libcrypto"]),
}
# libsipcnn and what it links: a library never ends the process and never prints.
QUIET = ["sipcnn_core", "sipcnn_kernels", "sipcnn_digest", "sipcnn_wire", "sipcnn_features", "sipcnn"]
LOUD = re.compile(r"^(_?exit|_Exit|quick_exit|abort|__assert_fail|stdout|stderr|v?printf|__v?printf_chk|v?fprintf"
                  r"|__v?fprintf_chk|v?dprintf|__v?dprintf_chk|puts|putchar|putc|perror|psignal|syslog|v?warnx?|v?errx?)$")
# Compute tiles neither allocate nor do input and output.
ALLOCATING = re.compile(r"^(malloc|calloc|realloc|free|aligned_alloc|posix_memalign|strdup|mmap|f?open|f?read|f?write)$")

BANNED_CALLS = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|atoi|atol|atoll|atof|gets|strtok|alloca)\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")


class Findings:
    """Collects what is wrong; the exit status is whether anything was."""

    def __init__(self):
        self.count = 0

    def add(self, text):
        print(text)
        self.count += 1

    def finish(self, checked):
        print(f"{checked} checked, {self.count} findings")
        sys.exit(1 if self.count or not checked else 0)


# ---- source ----

def source_files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith((".", "build")) and f != "demo-out"]
        for name in sorted(names):
            if name.endswith((".c", ".h", ".inc", ".def")):
                yield os.path.relpath(os.path.join(folder, name), root)


def room_of(path):
    """The room that owns a file: the longest folder of the table that holds it."""
    rooms = [room for room in INCLUDES if path.startswith(room + "/")]
    return max(rooms, key=len, default=None)


def without_comments_and_strings(text):
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda match: "\n" * match.group().count("\n"), text, flags=re.S)


def check_include(path, room, kind, header, findings):
    if kind == '"':
        owner = room_of(header)
        if "/" not in header:
            findings.add(f"{path}: includes \"{header}\" without the path from the project's root")
        elif room and header.startswith(tuple(c + "/" for c in COMMANDS)):
            findings.add(f"{path}: {room} must not include {header}")
        elif room and owner and owner != room and owner not in INCLUDES[room]:
            findings.add(f"{path}: {room} must not include {header} of {owner}")
        return
    for pattern, rooms in FOREIGN.items():
        if re.match(pattern, header) and room and room not in rooms:
            findings.add(f"{path}: {room} must not include <{header}>")


def check_file(root, path, findings):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    lines = text.count("\n")
    generated = path.endswith(".inc") and text.startswith("/* Written by ")
    if lines > LINES_MAX and not generated:
        findings.add(f"{path}: {lines} lines, more than {LINES_MAX}")
    head = re.sub(r"[\s*#]+", " ", "\n".join(text.split("\n")[:8]))
    if not re.search(r"Relies on:.*Relied on by:", head):
        findings.add(f"{path}: does not begin with what it is, what it relies on and what relies on it")
    if UNFINISHED.search(text):
        findings.add(f"{path}: holds {UNFINISHED.search(text).group()}")
    code = without_comments_and_strings(text)
    for match in BANNED_CALLS.finditer(code):
        findings.add(f"{path}:{code.count(chr(10), 0, match.start()) + 1}: calls {match.group(1)}")
    for kind, header in re.findall(r'^\s*#\s*include\s*(["<])([^">]+)[">]', text, re.M):
        check_include(path, room_of(path), kind, header, findings)


def check_source(root):
    findings, checked = Findings(), 0
    for path in source_files(root):
        check_file(root, path, findings)
        checked += 1
    findings.finish(checked)


# ---- symbols ----

def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def names(output):
    """Symbol names of nm -P, without the version."""
    return {line.split()[0].split("@")[0] for line in output.splitlines() if line and not line.endswith(":")}


def shared_library(name):
    """Path of a shared library, as the dynamic linker knows it, else as the compiler does; None if there is none."""
    match = re.search(rf"^\s*{re.escape(name)}\.so\S* .*=> (\S+)$", run("/sbin/ldconfig", "-p"), re.M)
    if match:
        return match.group(1)
    found = run("cc", f"-print-file-name={name}.so").strip()
    return found if os.path.isabs(found) else None


def exported_by(library):
    path = shared_library(library)
    return names(run("nm", "-P", "-D", "--defined-only", path)) if path else set()


def check_archive(name, undefined, defined, findings):
    archives, libraries = LINKS[name]
    allowed = set().union(exported_by("libc"), {"_GLOBAL_OFFSET_TABLE_", "__tls_get_addr", "__dso_handle"})
    for library in libraries:
        allowed |= exported_by(library)
    for other in archives:
        allowed |= defined.get(other, set())
    for symbol in sorted(undefined[name] - defined[name] - allowed):
        findings.add(f"{name} uses {symbol}, which nothing that it may link defines")
    if name in QUIET:
        for symbol in sorted(filter(LOUD.match, undefined[name])):
            findings.add(f"{name} uses {symbol}: libraries neither print nor end the process")
    if name == "sipcnn_kernels":
        for symbol in sorted(filter(ALLOCATING.match, undefined[name])):
            findings.add(f"{name} uses {symbol}: kernels neither allocate nor do input and output")


def check_symbols(arguments):
    paths = dict(argument.split("=", 1) for argument in arguments)
    undefined = {name: names(run("nm", "-P", "-u", path)) for name, path in paths.items()}
    defined = {name: names(run("nm", "-P", "--defined-only", path)) for name, path in paths.items()}
    findings = Findings()
    for name in paths:
        check_archive(name, undefined, defined, findings)
    findings.finish(len(paths))


# ---- runtime ----

def check_runtime(program):
    findings = Findings()
    for line in run("ldd", program).splitlines():
        if re.search(r"hdf5|gomp|libomp", line):
            findings.add(f"{program} is linked with {line.strip()}")
    with tempfile.NamedTemporaryFile() as stripped:
        run("strip", "-o", stripped.name, program)
        size = os.path.getsize(stripped.name)
    print(f"stripped: {size} bytes of {RUNTIME_BYTES_MAX}")
    if size > RUNTIME_BYTES_MAX:
        findings.add(f"{program} is {size} bytes when stripped, more than {RUNTIME_BYTES_MAX}")
    findings.finish(1)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "source":
        check_source(sys.argv[2])
    elif len(sys.argv) > 2 and sys.argv[1] == "symbols":
        check_symbols(sys.argv[2:])
    elif len(sys.argv) == 3 and sys.argv[1] == "runtime":
        check_runtime(sys.argv[2])
    else:
        sys.exit(__doc__)


main()
