#!/usr/bin/python3
"""sipcnn-data merge and export from outside: round trips, filters, and how they fail.
Relies on: sipcnn-data.
Relied on by: ctest."""
import json

import fixtures
from fixtures import assert_one_line, run


def info(dataset):
    status, output, errors = run("info", dataset, "--json")
    assert status == 0, errors
    return json.loads(output)


def usage_is_checked():
    for arguments in (["merge"], ["merge", "a.h5"], ["merge", "--output", "x.h5"], ["merge", "--nonsense", "a"],
                      ["export"], ["export", "a.h5"], ["export", "--output", "x"], ["export", "a", "b", "--output", "x"],
                      ["export", "a", "--output", "x", "--nonsense"]):
        status, output, errors = run(*arguments)
        assert status == 2 and output == "" and errors, arguments
    for command in ("merge", "export"):
        status, output, errors = run(command, "--help")
        assert status == 0 and "examples:" in output and errors == "", command


def captures_come_back(folder, dataset):
    """Export, import again: the same bytes of messages and labels, in every column but the capture's hash."""
    exported, again, twice = folder / "exported", folder / "again.h5", folder / "twice"
    status, output, errors = run("export", dataset, "--output", exported)
    assert status == 0 and "100 messages in 100 frames, 1 runs" in output and not errors, (output, errors)
    assert sorted(path.name for path in exported.iterdir()) == ["lab.labels.tsv", "lab.pcap", "lab.runs.tsv"]
    status, output, errors = run("import", "--output", again, exported / "lab.pcap")
    assert status == 0 and not errors, errors
    before, after = info(dataset), info(again)
    for key in ("messages", "classes", "tools"):
        assert before[key] == after[key], (key, before[key], after[key])
    assert run("export", again, "--output", twice)[0] == 0
    for name in ("lab.pcap", "lab.labels.tsv", "lab.runs.tsv"):
        assert (exported / name).read_bytes() == (twice / name).read_bytes(), name


def filters_are_obeyed(folder, dataset):
    some = folder / "some"
    status, output, errors = run("export", dataset, "--output", some, "--class", "flood", "--capture", "lab")
    assert status == 0 and "20 messages" in output, (output, errors)
    status, output, errors = run("export", dataset, "--output", some, "--run", "1", "--class", "benign")
    assert_one_line((status, output, errors), "lab.h5", "no message")
    assert_one_line(run("export", dataset, "--output", some, "--class", "evil"), "lab.h5", "evil")
    assert_one_line(run("export", dataset, "--output", some, "--capture", "none"), "lab.h5", "none")
    for run_number in ("0", "2", "x", "-1"):
        assert_one_line(run("export", dataset, "--output", some, "--run=" + run_number), "lab.h5", "runs 1 to 1")
    assert_one_line(run("export", dataset, "--output", folder / "no" / "folder"), "No such file")
    assert_one_line(run("export", folder / "none.h5", "--output", some), "none.h5", "No such file")


def datasets_are_merged(folder, dataset):
    other, both = folder / "other.h5", folder / "both.h5"
    fixtures.write_capture(folder / "other.pcap", 40)
    (folder / "other.labels.csv").write_text(fixtures.RULES + ",,10.0.0.9,,,scan,,1,nmap,x\n,,,,,benign,,,,\n")
    assert run("import", "--output", other, folder / "other.pcap")[0] == 0
    for name, path in (("first", dataset), ("first", other), ("second", other)):
        assert run("split", path, "--name", name, "--by", "run")[0] == 0
    status, output, errors = run("merge", "--output", both, dataset, other)
    assert status == 0 and "140 messages, 2 captures, 2 runs" in output and not errors, (output, errors)
    merged = info(both)
    assert merged["messages"] == 140 and set(merged["splits"]) == {"first", "second"}
    assert merged["tools"]["sipp"]["messages"] == 20 and merged["tools"]["nmap"]["messages"] == 8
    assert_one_line(run("merge", "--output", folder / "x.h5", dataset, both), "both.h5", "a capture named lab")
    assert not (folder / "x.h5").exists()
    status, output, errors = run("merge", "--output", dataset, dataset, other)  # one of the inputs
    assert status == 0, errors
    assert dataset.read_bytes() == both.read_bytes()
    assert_one_line(run("merge", "--output", both, folder / "none.h5"), "none.h5", "No such file")
    assert_one_line(run("merge", "--output", folder / "no" / "x.h5", other), "No such file")
    assert info(both)["messages"] == 140


usage_is_checked()
with fixtures.folder() as scratch:
    made = fixtures.make_dataset(scratch)
    captures_come_back(scratch, made)
    filters_are_obeyed(scratch, made)
    datasets_are_merged(scratch, made)
print("merge and export behave")
