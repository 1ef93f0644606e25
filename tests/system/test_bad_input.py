#!/usr/bin/python3
"""Bad input to every command: one clear line that names the thing, and a non-zero exit.
Relies on: the commands, data/samples, the fixture's model; python3-h5py for foreign HDF5 files.
Relied on by: ctest. What is special to one command stands in that room's own tests."""
import os
import random
import shutil
import socket
import struct
import subprocess

import system

FLIPS = system.test_size(1000, 200)


def packet(payload):
    udp = struct.pack(">HHHH", 5060, 5060, 8 + len(payload), 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton("10.0.0.9"),
                       socket.inet_aton("10.0.0.1")) + udp


def captures(capture, folder):
    """A capture cut in the middle of a record, an empty file, one without SIP, text, none at all."""
    whole = capture.read_bytes()
    cut, empty, deaf, text = (folder / name for name in ("cut.pcap", "empty.pcap", "deaf.pcap", "text.pcap"))
    cut.write_bytes(whole[:len(whole) // 2 + 7])
    empty.write_bytes(b"")
    dns = packet(b"\0\1\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1")
    deaf.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) +
                     50 * (struct.pack("<IIII", 1, 0, len(dns), len(dns)) + dns))
    text.write_text("this is no capture\n" * 100)
    for bad, word in (cut, "truncated"), (empty, "empty"), (deaf, "no SIP message"), (text, ""), (folder / "none.pcap", "No such"):
        system.expect_one_line(system.run(system.INFER, "--model", system.QUICK_MODEL, "--read", bad, "--quiet"), bad, word)
        system.expect_one_line(system.run(system.BENCH, "latency", "--model", system.QUICK_MODEL, "--read", bad,
                                          "--infer", ""), bad, word)
        output = folder / "bad.h5"
        system.expect_one_line(system.run(system.DATA, "import", "--output", output, bad), bad, word)
        system.expect(not output.exists(), "a dataset was made of", bad)


def labels(capture, folder):
    """A bad line of each kind of label file is named by its number."""
    rules, rows, runs = (folder / (capture.stem + end) for end in (".csv", ".labels.tsv", ".runs.tsv"))
    header = "start,end,client,target,call_id,class,also,run,tool,note\n"
    rules.write_text(header + ",,10.0.0.0/8,,,flood,,1,sipp,\n,,10.0.0.0/99,,,scan,,2,sipp,\n")
    output = folder / "bad.h5"
    bad = lambda *words, **more: system.expect_one_line(system.run(system.DATA, "import", "--output", output, *more.get("args", ()),
                                                                  capture), *words)
    bad(rules, "line 3", "10.0.0.0/99", args=("--labels", rules))
    head = "frame\tindex\tprimary\talso\trun\tpart\n"
    row = "1\t0\tbenign\t\t0\trequest\n"
    for broken, word in (("2\t0\tbenign\t\t0\tsideways\n", "sideways"), ("x\t0\tbenign\t\t0\trequest\n", "x"),
                         ("2\t0\tbenign\n", ""), ("2\t0\tflood\t\t77\trequest\n", "77")):
        rows.write_text(head + row + broken)
        runs.write_text("run\tclass\ttool\tsettings\tstart\tend\tclients\n")
        bad(rows, "line 3", word)
    rows.write_text(head + row)
    runs.write_text("run\tclass\ttool\tsettings\tstart\tend\tclients\n1\tflood\traw\t{}\tnow\t2\t10.0.0.9\n")
    bad(runs, "line 2", "now")
    rows.unlink()
    runs.unlink()
    system.expect(not output.exists(), "a dataset was made with bad labels")


def datasets(folder):
    """Text given as HDF5, HDF5 of another schema, a dataset cut short."""
    good = system.QUICK_MODEL.with_suffix(".h5")
    text, cut, foreign = folder / "text.h5", folder / "cut.h5", folder / "foreign.h5"
    text.write_text("class,client\n" * 100)
    cut.write_bytes(good.read_bytes()[:-5000])
    bad = [(text, "not an HDF5 file"), (cut, "")]
    try:
        import h5py
        with h5py.File(foreign, "w") as file:
            file["images"] = [1, 2, 3]
        bad.append((foreign, "schema"))
        later = folder / "later.h5"
        shutil.copy(good, later)
        with h5py.File(later, "a") as file:
            file.attrs["schema_version"] = file.attrs["schema_version"] + 1
        bad.append((later, "schema"))
    except ImportError:
        print("python3-h5py is not installed: no foreign HDF5 files")
    for path, word in bad:
        system.expect_one_line(system.run(system.DATA, "info", path), path, word)
        system.expect_one_line(system.run(system.DATA, "split", path, "--name", "x", "--by", "run"), path, word)
        system.expect_one_line(system.run(system.TRAIN, "fit", "--dataset", path, "--output", folder / "x.ckpt"), path, word)
        system.expect_one_line(system.run(system.TRAIN, "evaluate", "--model", system.QUICK_MODEL, "--dataset", path),
                               path, word)


def models(capture, folder):
    """Cut, foreign and flipped model files; the flips are refused each."""
    good, bad = system.QUICK_MODEL.read_bytes(), folder / "bad.sipcnn"
    dataset = system.QUICK_MODEL.with_suffix(".h5")
    readers = [(system.INFER, "--read", capture, "--quiet", "--model", bad),
               (system.BENCH, "latency", "--read", capture, "--infer", "", "--model", bad),
               (system.TRAIN, "evaluate", "--dataset", dataset, "--model", bad)]
    for data in good[:len(good) // 2], good[:-1], good[:40], b"", b"not a model\n" * 999:
        bad.write_bytes(data)
        for reader in readers:
            system.expect_one_line(system.run(*reader), bad)
    rng = random.Random(8)
    for flip in range(FLIPS):
        at = rng.randrange(len(good))
        bad.write_bytes(good[:at] + bytes([good[at] ^ rng.randrange(1, 256)]) + good[at + 1:])
        system.expect_one_line(system.run(*readers[0]), bad)
        if flip % 50 == 0:
            for reader in readers[1:]:
                system.expect_one_line(system.run(*reader), bad)
    print(FLIPS, "flipped bytes were refused")


def delivery(capture, folder):
    """A collector that is down, and one that wants another token; real ones."""
    sensor = [system.INFER, "--model", system.QUICK_MODEL, "--read", capture, "--quiet", "--json"]
    mine, theirs = folder / "mine", folder / "theirs"
    for token, text in (mine, "right-token-0123456789"), (theirs, "wrong-token-0123456789"):
        token.write_text(text + "\n")
        token.chmod(0o600)
    with system.collector(folder, "--token-file", mine) as url:
        system.expect_success(system.run(*sensor, "--report", url, "--token-file", mine))
        refused = system.run(*sensor, "--report", url, "--token-file", theirs)
        system.expect_one_line(refused, url, "token")
        system.expect("wrong-token" not in refused.stderr, "the token was printed")
        system.expect_one_line(system.run(*sensor, "--report", url), url, "token")
    down = system.run(*sensor, "--report", url)
    system.expect_one_line(down, url)
    system.expect(len(down.stdout.splitlines()) > 0, "no incident on standard output while the collector was down")


def outputs(capture, folder):
    """Folders that are not there, a full disk, a folder in the file's place."""
    nowhere, dataset = folder / "no" / "where", system.QUICK_MODEL.with_suffix(".h5")
    checkpoint = system.QUICK_MODEL.with_suffix(".ckpt")
    for bad in nowhere, folder:
        system.expect_one_line(system.run(system.INFER, "--model", system.QUICK_MODEL, "--read", capture, "--quiet",
                                          "--verdicts", bad), bad)
        system.expect_one_line(system.run(system.DATA, "import", "--output", bad, capture), bad)
        system.expect_one_line(system.run(system.TRAIN, "export", "--checkpoint", checkpoint, "--output", bad), bad)
        system.expect_one_line(system.run(system.COLLECTOR, "--port", "0", "--database", bad), bad)
    system.expect_one_line(system.run(system.TRAIN, "fit", "--dataset", dataset, "--output", nowhere, "--epochs", "1",
                                      "--cap", "5", "--warm-every", "0", "--quiet"), nowhere)
    with open("/dev/full", "wb") as full:
        for command in ((system.INFER, "--model", system.QUICK_MODEL, "--read", capture, "--quiet", "--json"),
                        (system.DATA, "info", dataset), (system.DATA, "info", dataset, "--json"),
                        (system.TRAIN, "evaluate", "--checkpoint", checkpoint, "--side", "validation", "--quiet"),
                        (system.TRAIN, "evaluate", "--checkpoint", checkpoint, "--side", "validation", "--quiet", "--json"),
                        (system.BENCH, "latency", "--model", system.QUICK_MODEL, "--read", capture, "--repeat", "1",
                         "--limit", "100", "--infer", "")):
            result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
            system.expect_one_line(result, "standard output")
    system.expect_one_line(system.run(system.INFER, "--model", system.QUICK_MODEL, "--read", capture, "--quiet",
                                      "--verdicts", "/dev/full"), "/dev/full")


def main():
    with system.scratch() as folder:
        capture = system.unpack(system.samples()[0], folder)
        for part in captures, labels, models, delivery, outputs:
            part(capture, folder)
        datasets(folder)
    print("every bad input was refused with one line")


main()
