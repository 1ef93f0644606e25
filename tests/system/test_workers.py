#!/usr/bin/python3
"""A trained model gives the same verdicts and incidents with 0, 1, 2 and 3 workers, on every sample (small: on four).
Relies on: sipcnn-infer, data/samples, the fixture's model.
Relied on by: ctest."""
import json

import system

# Which parts of an incident may differ between two runs: its id begins with the time when the sensor started.
RUN = ("id",)


def judge(capture, folder, workers):
    """(verdict bytes, incidents) of the sensor."""
    verdicts = folder / "verdicts.jsonl"
    result = system.run(system.INFER, "--model", system.QUICK_MODEL, "--read", capture, "--verdicts", verdicts,
                        "--json", "--quiet", "--workers", str(workers))
    system.expect_success(result)
    incidents = [json.loads(line) for line in result.stdout.splitlines()]
    return verdicts.read_bytes(), [{k: v for k, v in i.items() if k not in RUN} for i in incidents]


def main():
    messages = changes = 0
    with system.scratch() as folder:
        for sample in system.samples()[:system.test_size(None, 4)]:
            capture = system.unpack(sample, folder)
            verdicts, incidents = judge(capture, folder, 0)
            for workers in 1, 2, 3:
                again = judge(capture, folder, workers)
                system.expect(again[0] == verdicts, sample.name, "other verdicts with", workers, "workers")
                system.expect(again[1] == incidents, sample.name, "other incidents with", workers, "workers")
            messages += verdicts.count(b"\n")
            changes += len(incidents)
            system.expect(b'"class":"benign"' in verdicts, sample.name, "has no benign verdict")
            capture.unlink()
    system.expect(changes > 20, "the model opens no incidents:", changes)
    print(f"{messages} verdicts and {changes} changes of incidents are the same with 0, 1, 2 and 3 workers")


main()
