#!/usr/bin/python3
"""Trains for a moment on the two smallest samples with attacks: a real model for the tests that need one.
usage: make_model.py      leaves quick.h5, quick.ckpt and quick.sipcnn beside QUICK_MODEL
Relies on: sipcnn-data, sipcnn-train, data/samples.
Relied on by: ctest, as a fixture of the other system tests."""
import system


def main():
    folder = system.QUICK_MODEL.parent
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("quick.*"):
        old.unlink()
    attacked = [c for c in system.samples() if list(c.parent.glob(system.sample_name(c) + ".labels.tsv*"))
                and len((c.parent / (system.sample_name(c) + ".runs.tsv")).read_text().splitlines()) > 20][:2]
    if len(attacked) < 2:
        system.skip("no two labelled samples in data/samples")
    dataset = folder / "quick.h5"
    system.expect_success(system.run(system.DATA, "import", "--output", dataset, *attacked))
    system.expect_success(system.run(
        system.DATA, "split", dataset, "--name", "first", "--by", "capture",
        "--assign", system.sample_name(attacked[0]) + "=train",
        "--assign", system.sample_name(attacked[1]) + "=validation"))
    system.expect_success(system.run(
        system.TRAIN, "fit", "--dataset", dataset, "--split", "first", "--refit", "0", "--output", folder / "quick.ckpt",
        "--export", system.QUICK_MODEL, "--epochs", "3", "--cap", "100", "--warm-every", "0", "--quiet", timeout=280))
    print("trained on", *map(system.sample_name, attacked))


main()
