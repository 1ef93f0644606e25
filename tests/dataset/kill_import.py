#!/usr/bin/python3
"""An import that is killed at any moment leaves the old dataset or the new one, whole; one with --resume goes on
after what is finished and gives the same bytes; Ctrl-C leaves no litter.
Relies on: sipcnn-data; SIPCNN_KILLS for more kills than ctest's.
Relied on by: ctest, tests/long/dataset.sh."""
import json
import os
import random
import re
import signal
import subprocess
import time

import fixtures

KILLS = int(os.environ.get("SIPCNN_KILLS", "5"))
MESSAGES = 60000
CAPTURES = 4


def start(*arguments):
    return subprocess.Popen([fixtures.SIPCNN_DATA, "import", *map(str, arguments)], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def seconds_of(*arguments):
    began = time.monotonic()
    assert start(*arguments).wait() == 0
    return time.monotonic() - began


def messages_in(dataset):
    status, output, errors = fixtures.run("info", dataset, "--json")
    assert status == 0, errors
    return json.loads(output)["messages"]


def kill_at(process, seconds):
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process.wait() == 0


def old_or_new(folder, rng):
    """One capture over an old dataset; returns how many kills came too late."""
    output, capture = folder / "lab.h5", folder / "large.pcap"
    small = fixtures.make_dataset(folder).read_bytes()
    fixtures.write_capture(capture, MESSAGES)
    whole, late = seconds_of("--output", output, capture), 0
    large = output.read_bytes()
    assert messages_in(output) == MESSAGES
    for number in range(KILLS):
        output.write_bytes(small)
        late += kill_at(start("--output", output, capture), whole * (number + rng.random()) / KILLS)
        assert output.read_bytes() in (small, large)
    for litter in folder.glob("lab.h5.*"):
        litter.unlink()
    return late, whole


def interrupted(folder, whole):
    output, capture = folder / "lab.h5", folder / "large.pcap"
    for number in range(4):
        process = start("--output", output, capture)
        time.sleep(whole * (0.05 + 0.1 * number))
        process.send_signal(signal.SIGINT)
        assert process.wait() in (0, 1, -signal.SIGINT)  # -SIGINT: before the handler was in place
        assert messages_in(output) in (100, MESSAGES)
        assert not list(folder.glob("lab.h5.*")), "litter"


def check_parts(parts):
    """Every part that has its name is a whole dataset."""
    for part in parts.glob("*") if parts.exists() else []:
        if re.fullmatch(r"[0-9a-f]{32}\.h5", part.name):
            assert messages_in(part) > 0, part


def resumed(folder, rng):
    """Kills on kills until the import is through, again and again; returns (kills, imports brought to their end)."""
    captures = [folder / f"part{number}.pcap" for number in range(CAPTURES)]
    for number, capture in enumerate(captures):
        fixtures.write_capture(capture, 3000 + 4000 * number)
        capture.with_suffix(".labels.csv").write_text(fixtures.RULES + ",,10.0.0.9,,,flood,,1,sipp,x\n,,,,,benign,,,,\n")
    straight, output, parts = folder / "straight.h5", folder / "out.h5", folder / "out.h5.parts"
    assert start("--output", straight, "--consecutive", *captures).wait() == 0
    arguments = ["--output", output, "--consecutive", "--resume", *captures]
    whole, kills, done = seconds_of(*arguments), 0, 0
    assert output.read_bytes() == straight.read_bytes() and not parts.exists()
    while kills < KILLS:
        output.unlink(missing_ok=True)
        for _ in range(rng.randrange(1, 4)):
            kills += 1
            finished = kill_at(start(*arguments), whole * rng.random())
            assert not output.exists() or output.read_bytes() == straight.read_bytes()
            check_parts(parts)
            if finished:
                break
        assert start(*arguments).wait() == 0
        assert output.read_bytes() == straight.read_bytes(), "resumed import gives other rows"
        assert not parts.exists() and not list(folder.glob("out.h5.*")), "litter"
        done += 1
    return kills, done


def changed_inputs_are_imported_again(folder):
    """What an import depends on is looked at, not its name or date."""
    output, capture = folder / "out.h5", folder / "part0.pcap"
    process = start("--output", output, "--resume", capture, folder / "large.pcap")
    parts = folder / "out.h5.parts"
    while process.poll() is None and not list(parts.glob("*.h5")):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    capture.with_suffix(".labels.csv").write_text(fixtures.RULES + ",,,,,benign,,,,\n")
    assert start("--output", output, "--resume", capture).wait() == 0
    status, text, _ = fixtures.run("info", output, "--json")
    assert status == 0 and json.loads(text)["runs"] == []
    assert not parts.exists()


with fixtures.folder() as scratch:
    random_numbers = random.Random(1)
    too_late, seconds = old_or_new(scratch, random_numbers)
    print(f"{KILLS} kills, {too_late} of them too late: the old file or the new one each time")
    interrupted(scratch, seconds)
    killed, imports = resumed(scratch, random_numbers)
    print(f"{killed} kills of {imports} imports that were resumed: the same bytes each time")
    changed_inputs_are_imported_again(scratch)
