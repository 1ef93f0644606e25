#!/usr/bin/python3
"""HDF5 files that are no dataset, or want more than to be read: each is refused with one clear line.
Relies on: python3-h5py, sipcnn-data.
Relied on by: ctest."""
import shutil
import sys

import fixtures

try:
    import h5py
    import numpy
except ImportError:
    print("python3-h5py is not installed: skipped")
    sys.exit(77)


def replace(file, path, **arguments):
    """Puts another dataset in the place of one."""
    del file[path]
    return file.create_dataset(path, **arguments)


def other_schema(file):
    del file.attrs["schema_version"]


def later_schema(file):
    file.attrs.modify("schema_version", numpy.uint32(2))


def text_version(file):
    file.attrs["schema_version"] = "1"


def missing_column(file):
    del file["messages/part"]


def missing_group(file):
    del file["splits"]


def group_for_column(file):
    del file["messages/part"]
    file.create_group("messages/part")


def wrong_type(file):
    replace(file, "messages/part", data=numpy.zeros(100, "u2"))


def wrong_sign(file):
    replace(file, "messages/run", data=numpy.zeros(100, "i4"))


def wrong_length(file):
    replace(file, "messages/part", data=numpy.zeros(99, "u1"))


def wrong_rank(file):
    replace(file, "messages/part", data=numpy.zeros((100, 1), "u1"))


def wrong_width(file):
    replace(file, "messages/source", data=numpy.zeros((100, 17), "u1"))


def variable_text(file):
    replace(file, "captures/name", data=["lab"], dtype=h5py.string_dtype())


def variable_rows(file):
    replace(file, "messages/part", shape=(100,), dtype=h5py.vlen_dtype("u1"))


def references(file):
    replace(file, "messages/part", shape=(100,), dtype=h5py.ref_dtype)


def external_storage(file):
    replace(file, "messages/part", shape=(100,), dtype="u1", external=[("/etc/passwd", 0, 100)])


def virtual_storage(file):
    layout = h5py.VirtualLayout(shape=(100,), dtype="u1")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", shape=(100,))
    del file["messages/part"]
    file.create_virtual_dataset("messages/part", layout)


def soft_link(file):
    file["part"] = file["messages/part"][()]
    del file["messages/part"]
    file["messages/part"] = h5py.SoftLink("/part")


def external_link(file):
    del file["messages/part"]
    file["messages/part"] = h5py.ExternalLink("/etc/passwd", "/part")


def external_group(file):
    del file["runs"]
    file["runs"] = h5py.ExternalLink("other.h5", "/runs")


def foreign_filter(file):
    replace(file, "messages/part", data=numpy.zeros(100, "u1"), chunks=(100,), compression="lzf")


def huge_extent(file):
    """Nothing is stored, and reading it would take a petabyte."""
    for name in ("time_ns", "capture"):
        replace(file, "messages/" + name, shape=(2**47,), dtype="i8" if name == "time_ns" else "u4", chunks=(1024,))


def huge_chunk(file):
    replace(file, "messages/part", shape=(100,), maxshape=(None,), dtype="u1", chunks=(2**30,))


def split_too_short(file):
    file.create_group("splits/first")
    file["splits/first/captures"] = numpy.zeros(1, "u1")
    file["splits/first/runs"] = numpy.zeros(5, "u1")


def split_named_oddly(file):
    file.create_group("splits/a b")
    file["splits/a b/captures"] = numpy.zeros(1, "u1")
    file["splits/a b/runs"] = numpy.zeros(1, "u1")


def label_out_of_range(file):
    file["messages/primary"][7] = 99


def offset_beyond_bytes(file):
    file["messages/offset"][100] += 1


def name_without_end(file):
    replace(file, "captures/name", data=numpy.array([b"x" * 64], "S64"))


CASES = {
    other_schema: ["not a sipcnn dataset", "schema_version"], later_schema: ["schema version 2", "version 1"],
    text_version: ["schema_version", "type"], missing_column: ["/messages/part", "missing"],
    missing_group: ["/splits", "missing"], group_for_column: ["/messages/part", "kind"],
    wrong_type: ["/messages/part", "type"], wrong_sign: ["/messages/run", "type"],
    wrong_length: ["/messages/part", "long"], wrong_rank: ["/messages/part", "shape"],
    wrong_width: ["/messages/source", "shape"], variable_text: ["/captures/name", "type"],
    variable_rows: ["/messages/part", "type"], references: ["/messages/part", "type"],
    external_storage: ["/messages/part", "another file"], virtual_storage: ["/messages/part", "not stored"],
    soft_link: ["/messages/part", "hard link"], external_link: ["/messages/part", "hard link"],
    external_group: ["/runs", "hard link"], foreign_filter: ["/messages/part", "filter"],
    huge_extent: ["/messages/time_ns", "longer than the file"], huge_chunk: ["/messages/part", "chunks"],
    split_too_short: ["/splits", "runs"], split_named_oddly: ["a b"],
    label_out_of_range: ["messages/primary[7]"], offset_beyond_bytes: ["messages/offset"],
    name_without_end: ["captures/name[0]"],
}

with fixtures.folder() as folder:
    original = fixtures.make_dataset(folder)
    for case, words in CASES.items():
        mutant = folder / "mutant.h5"
        shutil.copyfile(original, mutant)
        with h5py.File(mutant, "r+") as opened:
            case(opened)
        try:
            fixtures.assert_one_line(fixtures.run("info", mutant), "mutant.h5", *words)
        except AssertionError as failure:
            sys.exit(f"{case.__name__}: {failure}")
    foreign = folder / "foreign.h5"
    with h5py.File(foreign, "w") as opened:
        opened["x"] = [1, 2, 3]
    fixtures.assert_one_line(fixtures.run("info", foreign), "foreign.h5: HDF5, but not a sipcnn dataset")
    print(f"{len(CASES) + 1} files refused")
