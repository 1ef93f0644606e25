#!/usr/bin/python3
"""sipcnn-data check, split --by group and row, and info --card from outside: what they find, print and exit with.
Relies on: sipcnn-data, the sample session demo and the model first-light.
Relied on by: ctest."""
import json
import pathlib
import sys

import fixtures
from fixtures import assert_one_line, run

SOURCE = pathlib.Path(sys.argv[2])


def usage_is_checked():
    for arguments in (["check"], ["check", "a", "b"], ["check", "a", "--limit", "2"], ["check", "a", "--seed", "-1"],
                      ["check", "a", "--nonsense"], ["check", "a", "--values", "nonsense"], ["info", "a", "--json", "--card"], ["info", "a", "--check", "b"],
                      ["split", "a", "--name", "n", "--by", "row"],
                      ["split", "a", "--name", "n", "--by", "group", "--prefix", "0"],
                      ["split", "a", "--name", "n", "--by", "group", "--prefix", "24,"]):
        status, output, errors = run(*arguments)
        assert status == 2 and output == "" and errors, arguments
    status, output, errors = run("check", "--help")
    assert status == 0 and "examples:" in output and errors == ""


def make_samples(folder):
    """The sample session demo, and a copy of it as another session."""
    samples = SOURCE / "data" / "samples"
    for name in ("demo", "again"):
        for suffix in (".pcap.xz", ".labels.tsv.xz", ".runs.tsv"):
            (folder / (name + suffix)).write_bytes((samples / ("demo" + suffix)).read_bytes())
    output = folder / "demo.h5"
    status, _, errors = run("import", "--output", output, folder / "demo.pcap.xz")
    assert status == 0, errors
    return output


def samples_pass(dataset):
    status, output, errors = run("check", dataset)
    assert status == 0 and "no leak above the limits" in output and not errors, (output, errors)
    assert "permuted labels" in output and "no --split" in output
    status, output, errors = run("check", dataset, "--json")
    found = json.loads(output)
    assert status == 0 and found["ok"] and found["hunt"]["trusted"] and found["split"] is None
    acks = [f for f in found["hunt"]["fields"] if f["field"] == "client ever ACKs" and f["class"] is None]
    assert len(acks) == 1 and acks[0]["behaviour"] and not acks[0]["leak"]
    status, output, _ = run("check", dataset, "--values", "Call-ID form", "--all")
    assert status == 0 and output.count("Call-ID form") >= 1 and "    attack " in output, output
    status, output, _ = run("check", dataset, "--class", "scan")
    assert status == 0 and "\nscan: too few runs\n" in output, output
    assert_one_line(run("check", dataset, "--class", "nonsense"), "no class is called nonsense")
    # A limit that any field exceeds: the exit status says so, and the text names fields and frames.
    status, output, _ = run("check", dataset, "--limit", "0.3", "--pure", "0")
    assert status == 1 and "LEAK: " in output and "see capture demo, frame " in output


def two_sides_are_compared(folder):
    dataset = folder / "twice.h5"
    status, _, errors = run("import", "--output", dataset, folder / "demo.pcap.xz", folder / "again.pcap.xz")
    if status != 0:  # an import that takes no capture twice needs no check for that
        assert "demo" in errors or "again" in errors, errors
        return
    status, _, errors = run("split", dataset, "--name", "first", "--by", "capture", "--assign", "again=test",
                            "--assign", "demo=train")
    assert status == 0, errors
    status, output, _ = run("check", dataset, "--json")
    found = json.loads(output)
    assert status == 1 and not found["ok"]
    for kind in ("dialogs", "messages"):
        assert found["split"][kind]["leak"] and found["split"][kind]["shared"] == found["split"][kind]["of"], found["split"]
        example = found["split"][kind]["examples"][0]
        assert example["train"]["capture"] == "demo" and example["test"]["capture"] == "again"
        assert example["train"]["frame"] == example["test"]["frame"]
    status, output, _ = run("check", dataset, "--split", "first")
    assert status == 1 and "dialogs on two sides" in output
    assert_one_line(run("check", dataset, "--split", "second"), "no split is called second")
    assert_one_line(run("split", dataset, "--name", "g", "--by", "group"), "1 source groups for 2 sides")


def rows_need_knowing(folder):
    dataset = folder / "rows.h5"
    dataset.write_bytes((folder / "demo.h5").read_bytes())
    status, output, errors = run("split", dataset, "--name", "rows", "--by", "row")
    assert status == 2 and "--i-know" in errors and dataset.read_bytes() == (folder / "demo.h5").read_bytes()
    assert_one_line(run("split", dataset, "--name", "rows", "--by", "row", "--i-know", "--validation", "0.25"), "tenths")
    status, output, errors = run("split", dataset, "--name", "rows", "--by", "row", "--i-know", "--test", "0.3")
    assert status == 0 and "by row" in output, (output, errors)
    sides = json.loads(run("info", dataset, "--json")[1])["splits"]["rows"]
    total = sum(sides[side]["benign"]["messages"] for side in sides)
    for side, share in (("train", 0.5), ("validation", 0.2), ("test", 0.3), ("unused", 0)):
        assert abs(sides[side]["benign"]["messages"] / total - share) < 0.05, sides
    status, output, _ = run("check", dataset, "--json")
    split = json.loads(output)["split"]
    assert status == 1 and split["dialogs"]["leak"] and split["sessions"] == 1, split
    assert split["dialogs"]["benign"][0] > split["dialogs"]["benign"][1] / 3, split


def headers_are_swapped(dataset):
    model = SOURCE / "models" / "first-light.sipcnn"
    status, output, errors = run("check", dataset, "--model", model, "--json")
    swap = json.loads(output)["swap"]
    assert not errors and swap["benign"] > 2000 and swap["attack"] > 500, (swap, errors)
    moved = 0
    for name in ("User-Agent", "Call-ID", "branch", "From tag"):
        benign, attack = swap[name]["swapped"]
        assert benign > swap["benign"] / 4 and attack > swap["attack"] / 4, (name, swap)
        moved += sum(swap[name]["moved"])
        assert max(m / n for m, n in zip(swap[name]["moved"], (swap["benign"], swap["attack"]))) < 0.1, swap
    status, output, _ = run("check", dataset, "--model", model, "--swap", "0")
    assert status == (1 if moved else 0) and "swapped" in output
    assert_one_line(run("check", dataset, "--model", dataset), "demo.h5")


def cards_tell(folder, dataset):
    status, output, errors = run("info", dataset, "--card")
    assert status == 0 and "Not checked." in output and "| licence | not stated |" in output and not errors
    check = folder / "check.json"
    check.write_text(run("check", dataset, "--json")[1])
    status, output, errors = run("info", dataset, "--card", "--check", check, "--licence", "CC|BY", "--origin", "the lab")
    assert status == 0 and not errors, errors
    for text in ("# Dataset demo.h5", "| licence | CC\\|BY |", "the lab", "**no leak above the limits**", "## Pseudonymisation",
                 json.loads(check.read_text())["sha256"], "## Splits"):
        assert text in output, text
    check.write_text("{}")
    assert_one_line(run("info", dataset, "--card", "--check", check), "check.json", "another SHA-256")
    check.write_text("{")
    assert_one_line(run("info", dataset, "--card", "--check", check), "check.json line 1")
    assert_one_line(run("info", dataset, "--card", "--check", folder / "none"), "none")


usage_is_checked()
with fixtures.folder() as scratch:
    demo = make_samples(scratch)
    samples_pass(demo)
    two_sides_are_compared(scratch)
    rows_need_knowing(scratch)
    headers_are_swapped(demo)
    cards_tell(scratch, demo)
    unlabelled = scratch / "plain.pcap"
    fixtures.write_capture(unlabelled, 10)
    assert run("import", "--output", scratch / "plain.h5", unlabelled)[0] == 0
    status, output, errors = run("check", scratch / "plain.h5")
    assert status == 0 and "not looked at" in output, (output, errors)
print("leaks, sides, swaps and cards behave")
