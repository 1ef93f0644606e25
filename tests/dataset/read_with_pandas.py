#!/usr/bin/python3
"""The ten lines of docs/datasets.md read every column of a dataset, with h5py and pandas and nothing else.
Relies on: python3-h5py, python3-pandas, sipcnn-data, docs/datasets.md.
Relied on by: ctest."""
import os
import pathlib
import re
import sys

import fixtures

try:
    import h5py
    import pandas  # noqa: F401  (the documented lines import it; without it this test is skipped)
except ImportError:
    print("python3-h5py or python3-pandas is not installed: skipped")
    sys.exit(77)

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "datasets.md"


def documented():
    """The page's two examples: reading, and counting classes."""
    section = PAGE.read_text(encoding="utf-8").split("## Reading a dataset without us")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, flags=re.S)[:2]


def check_columns(path, names):
    """Every dataset of the file is in what the lines made, with every value."""
    checked = 0
    with h5py.File(path) as file:
        for group in ("messages", "classes", "captures", "runs"):
            for name, column in file[group].items():
                if name in ("bytes", "offset", "client_ip"):
                    continue
                assert [*map(bytes_of, names[group][name].to_numpy())] == [*map(bytes_of, column[()])], (group, name)
                checked += 1
        assert b"".join(names["messages"]["text"]) == file["messages/bytes"][()].tobytes()
        assert [len(text) for text in names["messages"]["text"]] == list(file["messages/offset"][1:] -
                                                                           file["messages/offset"][:-1])
        assert [row.tobytes() for rows in names["runs"]["clients"] for row in rows] == [
            row.tobytes() for row in file["runs/client_ip"][()]]
        for name, split in file["splits"].items():
            for part in split:
                assert list(names["splits"][name][part]) == list(split[part][()])
                checked += 1
    return checked + 3


def bytes_of(value):
    return value.tobytes() if hasattr(value, "tobytes") else bytes(value)


with fixtures.folder() as folder:
    dataset = fixtures.make_dataset(folder)
    assert fixtures.run("split", dataset, "--name", "first", "--by", "capture")[0] == 0
    os.chdir(folder)  # where lab.h5 is
    reading, counting = documented()
    assert len(reading.strip().split("\n")) == 10, "more or fewer than ten lines"
    names = {}
    exec(reading, names)  # pylint: disable=exec-used
    columns = check_columns(dataset, names)
    exec(counting.replace("print(", "counts = ("), names)  # pylint: disable=exec-used
    assert dict(names["counts"]) == {"benign": 80, "flood": 20}, names["counts"]
    print(f"{columns} columns read in ten lines")
