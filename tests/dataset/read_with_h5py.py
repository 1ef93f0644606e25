#!/usr/bin/python3
"""Ten lines of h5py read every column of a dataset: no other code is needed.
Relies on: python3-h5py, sipcnn-data.
Relied on by: ctest."""
import sys

import fixtures

try:
    import h5py
except ImportError:
    print("python3-h5py is not installed: skipped")
    sys.exit(77)


def read(path):
    with h5py.File(path, "r") as file:
        columns = {}
        file.visititems(lambda name, item: columns.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        attributes = {name: file.attrs[name] for name in file.attrs}
    offset, raw = columns["messages/offset"], columns["messages/bytes"].tobytes()
    messages = [raw[begin:end] for begin, end in zip(offset[:-1], offset[1:])]
    classes = [name.decode() for name in columns["classes/name"]]
    return attributes, columns, messages, classes


with fixtures.folder() as folder:
    dataset = fixtures.make_dataset(folder)
    assert fixtures.run("split", dataset, "--name", "first", "--by", "capture")[0] == 0
    attributes, columns, messages, classes = read(dataset)
    assert attributes["schema_version"] == 1 and attributes["pseudonymised"] == 0
    assert attributes["provenance"].startswith(b"sipcnn-data ")
    assert messages == [fixtures.sip_request(number) for number in range(100)]
    assert list(columns["messages/frame"]) == list(range(1, 101))
    assert columns["messages/time_ns"][51] == (fixtures.FIRST_SECOND + 1) * 10**9 + 20_000_000
    source = columns["messages/source"]
    assert source.shape == (100, 18) and bytes(source[0]) == bytes(10) + b"\xff\xff\x0a\0\0\x09\x13\xc4"
    flood = classes.index("flood")
    for number in range(100):
        attack = number % 5 == 0
        assert columns["messages/primary"][number] == (flood + 1 if attack else 0)
        assert columns["messages/classes"][number] == (1 << flood if attack else 0)
        assert columns["messages/run"][number] == (1 if attack else 0)
        assert columns["messages/part"][number] == (3 if attack and number < 25 else 0)
    assert columns["runs/tool"][0] == b"sipp" and columns["runs/client_ip"].shape == (1, 16)
    assert columns["captures/name"][0] == b"lab" and columns["captures/sha256"].shape == (1, 32)
    assert columns["splits/first/captures"].shape == columns["splits/first/runs"].shape == (1,)
    print(f"{len(columns)} columns read")
