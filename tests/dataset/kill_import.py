#!/usr/bin/python3
"""An import that is killed at any moment leaves the old dataset or the new one, whole; Ctrl-C leaves no litter.
Relies on: sipcnn-data.
Relied on by: ctest."""
import json
import random
import signal
import subprocess
import time

import fixtures

KILLS = 15


def start(output, capture):
    return subprocess.Popen([fixtures.SIPCNN_DATA, "import", "--output", output, capture], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def messages_in(dataset):
    status, output, errors = fixtures.run("info", dataset, "--json")
    assert status == 0, errors
    return json.loads(output)["messages"]


with fixtures.folder() as folder:
    output, capture = folder / "lab.h5", folder / "large.pcap"
    small = fixtures.make_dataset(folder)
    fixtures.write_capture(capture, 60000)
    began = time.monotonic()
    assert start(output, capture).wait() == 0
    whole = time.monotonic() - began
    assert messages_in(output) == 60000
    fixtures.run("import", "--output", output, folder / "lab.pcap")
    rng, survivors = random.Random(1), 0
    for number in range(KILLS):
        process = start(output, capture)
        time.sleep(whole * (0.05 + 0.9 * number / KILLS + 0.05 * rng.random()))
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = messages_in(output)
        assert found in (100, 60000), found
        if found == 60000:
            survivors += 1
            fixtures.run("import", "--output", output, folder / "lab.pcap")
    for litter in folder.glob("lab.h5.*"):
        litter.unlink()
    for number in range(4):
        process = start(output, capture)
        time.sleep(whole * (0.05 + 0.1 * number))
        process.send_signal(signal.SIGINT)
        assert process.wait() in (0, 1, -signal.SIGINT)  # -SIGINT: before the handler was in place
        assert messages_in(output) in (100, 60000)
        assert not list(folder.glob("lab.h5.*")), "litter"
    print(f"{KILLS} kills, {survivors} of them too late")
