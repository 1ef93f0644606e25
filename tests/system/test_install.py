#!/usr/bin/python3
"""Installed into a folder: every command runs from there, tells its version and its use, has a manual page, and the
sensor finds the model that came with it.
Relies on: cmake, the built commands, data/samples; mandoc, if it is there.
Relied on by: ctest."""
import json
import os
import re
import shutil

import system

SUBCOMMANDS = {"sipcnn-data": ("import", "merge", "export", "check", "augment", "label", "pseudonymise", "encrypt",
                               "decrypt", "info", "split", "synth"),
               "sipcnn-train": ("fit", "resume", "evaluate", "calibrate", "export"),
               "sipcnn-infer": (), "sipcnn-bench": ("accuracy", "latency", "kernels", "peers"), "sipcnn-collector": ()}
SHOWN = re.compile(r"--([a-z][a-z-]+)")  # flags in a help text
MARKED = re.compile(r"(?:Fl|,|\|) -([a-z][a-z-]+)")  # in a manual page


def commands(prefix):
    version = re.search(r"project\(sipcnn VERSION ([\d.]+)", (system.SOURCE / "CMakeLists.txt").read_text())[1]
    for name, parts in SUBCOMMANDS.items():
        program, page = prefix / "bin" / name, prefix / "share/man/man1" / (name + ".1")
        told = system.expect_success(system.run(program, "--version"))
        system.expect(told.stdout == f"{name} {version}\n", name, "--version says", told.stdout)
        help_text = option_text = ""
        for part in ((),) + tuple((p,) for p in parts):
            told = system.expect_success(system.run(program, *part, "--help"))
            system.expect(re.search("examples?:", told.stdout, re.I), name, *part, "--help shows no example")
            system.expect(told.stderr == "", name, *part, "--help writes to stderr")
            help_text += told.stdout
            option_text += re.split("examples?:", told.stdout, flags=re.I)[0]
        system.expect(page.exists(), name, "has no manual page")
        manual, known = set(MARKED.findall(page.read_text())), set(SHOWN.findall(help_text)) | {"help", "version"}
        system.expect(manual <= known, page.name, "has flags that --help does not know:", manual - known)
        if name != "sipcnn-train":  # its page leaves the many settings of a fit to --help
            missing = set(SHOWN.findall(option_text)) - manual - {"help", "version"}
            system.expect(not missing, page.name, "lacks flags that --help knows:", missing)
        wrong = system.run(program, "--no-such-flag")
        system.expect(wrong.returncode == 2 and wrong.stderr, name, "takes --no-such-flag")
        if shutil.which("mandoc"):
            lint = system.run("mandoc", "-T", "lint", "-W", "warning", page)
            system.expect(lint.returncode == 0, lint.stdout)


def sensor(prefix, folder):
    """Without --model: the model in the folder's own share/, and a clear line if there is none."""
    capture = system.unpack(system.samples()[0], folder)
    model = prefix / "share/sipcnn/sipcnn-base.sipcnn"
    words = [prefix / "bin/sipcnn-infer", "--read", capture, "--quiet", "--verdicts", "-"]
    if model.exists():
        system.expect_success(system.run(*words))  # the shipped model fits this build
        model.unlink()
    if not os.path.exists("/usr/local/share/sipcnn/sipcnn-base.sipcnn"):
        system.expect_one_line(system.run(*words), "sipcnn-base.sipcnn", "--model")
    model.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(system.QUICK_MODEL, model)
    told = system.expect_success(system.run(*words))
    explicit = system.expect_success(system.run(*words, "--model", model))
    system.expect(told.stdout and told.stdout == explicit.stdout, "another model than the installed one was used")


def main():
    with system.scratch() as folder:
        prefix = folder / "prefix"
        system.expect_success(system.run("cmake", "--install", system.BUILD, "--prefix", prefix))
        shipped = system.SOURCE / "models/sipcnn-base.sipcnn"
        system.expect(not shipped.exists() or (prefix / "share/sipcnn" / shipped.name).exists(), "the model is not installed")
        commands(prefix)
        told = system.expect_success(system.run(prefix / "bin/sipcnn-data", "info", "--json",
                                                system.QUICK_MODEL.with_suffix(".h5")))
        system.expect(json.loads(told.stdout)["messages"] > 0, "info --json:", told.stdout[:200])
        sensor(prefix, folder)
    print("installed commands work")


main()
