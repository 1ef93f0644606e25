#!/usr/bin/python3
"""sipcnn-data from outside: what it prints, how it fails, what it exits with.
Relies on: sipcnn-data.
Relied on by: ctest."""
import json

import fixtures
from fixtures import assert_one_line, run


def usage_is_checked():
    for arguments in ([], ["nonsense"], ["import"], ["import", "x.pcap"], ["import", "--output", "x"], ["info"],
                      ["info", "a", "b"], ["info", "--nonsense", "a"], ["split", "a"], ["split", "a", "--name", "n"],
                      ["split", "--name", "n", "--by", "capture"], ["split", "a", "--name", "n", "--by", "message"],
                      ["split", "a", "--name", "n", "--by", "capture", "--validation", "x"],
                      ["split", "a", "--name", "n", "--by", "capture", "--assign", "x=nowhere"],
                      ["import", "--output", "x", "--label-default", "evil", "x.pcap"]):
        status, output, errors = run(*arguments)
        assert status == 2 and output == "" and errors, arguments
    for arguments in (["--help"], ["import", "--help"], ["info", "--help"], ["split", "--help"]):
        status, output, errors = run(*arguments)
        assert status == 0 and "examples:" in output and errors == "", arguments
    assert run("--version")[0] == 0


def failures_are_one_line(folder):
    text, output = folder / "text.h5", folder / "out.h5"
    text.write_text("class,client\n")
    assert_one_line(run("info", text), "text.h5", "not an HDF5 file")
    assert_one_line(run("info", folder / "none.h5"), "none.h5", "No such file")
    assert_one_line(run("split", text, "--name", "n", "--by", "time"), "text.h5", "not an HDF5 file")
    capture = folder / "cap.pcap"
    fixtures.write_capture(capture, 10)
    (folder / "cap.labels.tsv").write_text("frame\tindex\tprimary\talso\trun\tpart\n1\t0\tbad\t\t0\trequest\n")
    assert_one_line(run("import", "--output", output, capture), "cap.labels.tsv line 2, primary", "'bad'")
    assert_one_line(run("import", "--output", output, folder / "none.pcap"), "none.pcap", "No such file")
    (folder / "cap.labels.tsv").unlink()
    assert_one_line(run("import", "--output", folder / "no" / "x.h5", capture), "No such file")
    assert not output.exists()


def split_is_written_and_shown(folder):
    dataset = fixtures.make_dataset(folder)
    before = dataset.read_bytes()
    status, output, errors = run("split", dataset, "--name", "first", "--by", "run", "--assign", "lab=validation")
    assert status == 0 and "validation" in output and not errors, (output, errors)
    assert_one_line(run("split", dataset, "--name", "a b", "--by", "run"), "a b")
    assert_one_line(run("split", dataset, "--name", "x", "--by", "tool", "--assign", "lab=test"), "no tool is called lab")
    status, output, errors = run("info", dataset, "--json")
    info = json.loads(output)
    assert info["messages"] == 100 and info["classes"]["flood"]["messages"] == 20
    assert info["splits"]["first"]["validation"]["benign"]["messages"] == 80
    assert info["runs"][0]["clients"] == ["10.0.0.9"] and info["tools"]["sipp"]["runs"] == 1
    status, output, errors = run("info", dataset)
    assert status == 0 and "flood" in output and "split first" in output and not errors
    assert dataset.read_bytes() != before


usage_is_checked()
with fixtures.folder() as scratch:
    failures_are_one_line(scratch)
    split_is_written_and_shown(scratch)
print("usage, failures and splits behave")
