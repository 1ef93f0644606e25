#!/usr/bin/python3
"""An independent reader of .sipcnn files, written from docs/model-format.md alone: prints every value, one a line.

Relies on: Python's standard library.
Relied on by: compare_readers.sh; of use to anybody who wants to see what is in a model.
"""
import hashlib
import struct
import sys

MAGIC = b"\x89SIP\r\n\x1a\n"
SECTIONS = ["DIMS", "CLSS", "SPEC", "NORM", "WGHT", "THRS", "NOVL", "CALB", "PROV"]
DIMS = """token_positions token_fields token_embedding token_channels token_features
          text_bytes text_embedding text_channels text_features
          event_positions event_fields event_embedding dialog_features
          counters client_features account_features target_features all_features
          hidden classes""".split()


class Cursor:
    """Takes little-endian values from the front of some bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def u32(self, count=1):
        return self.take(f"{count}I") if count > 1 else self.take("I")[0]

    def floats(self, name, count):
        """Floats are printed as their bits, so that nothing is lost."""
        for i, bits in enumerate(self.take(f"{count}I")):
            print(f"{name}[{i}] {bits:08x}")

    def done(self):
        if self.at != len(self.data):
            sys.exit(f"{len(self.data) - self.at} bytes too many in a section")


def shapes(d, token_vocabulary, event_vocabulary, groups):
    """Weight tensors in the file's order."""
    tokens, text, dialog = d["token_channels"], d["text_channels"], d["dialog_features"]
    branches = [("client", 1), ("account", 2), ("target", 3), ("all", 4)]
    concat = (d["token_features"] + d["text_features"] + dialog + groups[0][1]
              + sum(d[name + "_features"] for name, _ in branches))
    yield "token_table", (3, sum(token_vocabulary), tokens)
    yield "token_bias", (tokens,)
    yield "token_depthwise", (3, tokens)
    yield "token_depthwise_bias", (tokens,)
    yield "token_pointwise", (tokens, d["token_features"])
    yield "token_pointwise_bias", (d["token_features"],)
    yield "text_table", (5, 256, text)
    yield "text_bias", (text,)
    yield "text_conv2", (3, text, d["text_features"])
    yield "text_conv2_bias", (d["text_features"],)
    yield "dialog_table", (3, sum(event_vocabulary), dialog)
    yield "dialog_bias", (dialog,)
    for name in "dialog_conv2", "dialog_conv3":
        yield name, (3, dialog, dialog)
        yield name + "_bias", (dialog,)
    for name, group in branches:
        yield name, (groups[group][1], d[name + "_features"])
        yield name + "_bias", (d[name + "_features"],)
    yield "hidden", (concat, d["hidden"])
    yield "hidden_bias", (d["hidden"],)
    yield "output", (d["hidden"], d["classes"])
    yield "output_bias", (d["classes"],)


def sections(data):
    """Checks header, table and digest; gives each section's bytes by name."""
    magic, major, minor, endian, size, count, features = struct.unpack_from("<8sHHIQII", data)
    if magic != MAGIC or (major, minor, endian, size, features) != (1, 0, 0x01020304, len(data), 0):
        sys.exit("not a model of format 1.0, or cut short")
    if hashlib.sha256(data[:-32]).digest() != data[-32:]:
        sys.exit("damaged: its digest does not match")
    found, end = {}, (64 + 24 * count + 63) // 64 * 64
    for i in range(count):
        name, flags, offset, length = struct.unpack_from("<4sIQQ", data, 64 + 24 * i)
        if offset != end or offset + length > len(data) - 32:
            sys.exit(f"section {name} is out of place")
        if flags == 0:
            found[name.decode()] = data[offset:offset + length]
        end = (offset + length + 63) // 64 * 64
    if list(found) != SECTIONS or end != len(data) - 32:
        sys.exit(f"sections {list(found)}, not {SECTIONS}")
    return found


def read_dims(cursor):
    dims = {name: cursor.u32() for name in DIMS}
    for name, value in dims.items():
        print(name, value)
    vocabularies = {}
    for name in "token_vocabulary", "event_vocabulary":
        vocabularies[name] = cursor.u32(8)
        for i, value in enumerate(vocabularies[name]):
            print(f"{name}[{i}] {value}")
    groups = [cursor.u32(2) for _ in range(5)]
    for i, (begin, count) in enumerate(groups):
        print(f"groups[{i}] {begin} {count}")
    cursor.done()
    return dims, vocabularies["token_vocabulary"], vocabularies["event_vocabulary"], groups


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: read_model.py FILE")
    sys.stdout.reconfigure(encoding="utf-8")
    with open(sys.argv[1], "rb") as file:
        found = {name: Cursor(data) for name, data in sections(file.read()).items()}
    dims, token_vocabulary, event_vocabulary, groups = read_dims(found["DIMS"])
    classes, hidden, counters = dims["classes"], dims["hidden"], dims["counters"]
    for i in range(classes):
        print(f"class[{i}] {found['CLSS'].take('32s')[0].rstrip(bytes(1)).decode()}")
    version, _, spec_hash = found["SPEC"].take("IIQ")
    print(f"spec {version} {spec_hash:016x}")
    for name in "low", "high", "mean", "scale":
        found["NORM"].floats(name, counters)
    for name, shape in shapes(dims, token_vocabulary, event_vocabulary, groups):
        elements = 1
        for extent in shape:
            elements *= extent
        print("shape of", name, *shape)
        found["WGHT"].floats(name, elements)
    for _ in range(classes + 1):
        found["THRS"].floats("threshold", 1)
        print("k of n", *found["THRS"].u32(2))
    for i in range(classes + 1):
        print(f"centre_known[{i}] {found['NOVL'].u32()}")
    found["NOVL"].floats("centres", (classes + 1) * hidden)
    found["NOVL"].floats("inverse_variance", hidden)
    found["CALB"].floats("temperature", classes)
    found["CALB"].floats("calibration_bias", classes)
    print("provenance", found["PROV"].take(f"{found['PROV'].u32()}s")[0].decode())
    for cursor in found.values():
        cursor.done()


main()
