#!/usr/bin/python3
"""The documents are true: links lead somewhere, named files exist, commands and flags shown are those of --help.
Relies on: the built commands, /usr/bin/python3 for the lab's scripts.
Relied on by: ctest."""
import functools
import json
import re
import shlex

import system

LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")
NAMED = re.compile(r"`((?:docs|tools|tests|data|engine|infer|train|bench|models)/[\w./-]+)`")
QUOTE = re.compile(r"<!-- ([\w./-]+) -->\n```\w*\n(.*?)```", re.S)  # what a file has word for word
FLAG = re.compile(r"--[a-z][a-z-]*")
PROGRAMS = {command.name: command for command in system.COMMANDS}
SCRIPT = re.compile(r"(?:\./)?((?:tools/[\w./-]*|demo|test)\.(?:py|sh))$")


def documents():
    return sorted(p for p in [*system.SOURCE.glob("*.md"), *system.SOURCE.glob("docs/*.md"), *system.SOURCE.glob("data/samples/*.md"),
                              *system.SOURCE.glob("models/*.md")])


@functools.cache
def flags(program, subcommand):
    """What --help of a command shows."""
    told = system.run(program, *([subcommand] if subcommand else []), "--help")
    system.expect(told.returncode == 0, program, subcommand, "has no --help:", told.stderr)
    return set(FLAG.findall(told.stdout)) | {"--help", "--version"}


def shell_words(line):
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # a part of a longer quotation
        return line.split()


def check_words(where, words):
    """Every command of ours among the words, with what follows it up to the next pipe."""
    for at, word in enumerate(words):
        name, script = word.rsplit("/", 1)[-1], SCRIPT.match(word)
        program = PROGRAMS.get(name)
        if script and (system.SOURCE / script[1]).exists():
            program = system.SOURCE / script[1]
        elif script and script[1].startswith("tools/"):
            system.expect(False, where, "runs", word, "which is not there")
        if not program:
            continue
        rest = words[at + 1:]
        end = next((i for i, w in enumerate(rest) if w in ("|", "&&", ";", "&", "--") or w.endswith(";")), len(rest))
        rest = rest[:end]
        first = rest[0] if rest else ""
        known = flags(program, None)
        if program in (system.DATA, system.TRAIN, system.BENCH) and re.fullmatch("[a-z]+", first):
            known = flags(program, first)
        unknown = {f for w in rest for f in FLAG.findall(w.split("=")[0]) if w.startswith("--")} - known
        system.expect(not unknown, where, "shows", name, first, "with", unknown)


def check_commands(where, text):
    joined = re.sub(r"\\e?\n\s*", " ", text)
    count = 0
    for line in joined.splitlines():
        if any(name in line for name in PROGRAMS) or SCRIPT.search(line.split("#")[0].strip() or " ") or ".py " in line or ".sh " in line:
            inner = re.findall(r"sh -c '([^']*)", line)
            for part in [line, *inner]:
                check_words(where, shell_words(re.sub(r"^\s*[$#] ", "", part)))
            count += 1
    return count


def check_page(path):
    text, where = path.read_text(), path.relative_to(system.SOURCE)
    for target, _ in LINK.findall(text):
        if not re.match(r"[a-z]+:", target):
            system.expect((path.parent / target).exists(), where, "links to", target, "which is not there")
    for name in NAMED.findall(text):
        if not re.search(r"<|NAME|\.\.\.|\*", name):
            known = (system.SOURCE / name).exists() or list(system.SOURCE.glob(name + ".*"))
            system.expect(known, where, "names", name, "which is not there")
    for name, quoted in QUOTE.findall(text):
        system.expect(quoted in (system.SOURCE / name).read_text(), where, "quotes", name, "wrongly:", quoted.splitlines()[0])
    system.expect(not re.findall(r"@[A-Z]+@", text), where, "is not finished:", re.findall(r"@[A-Z]+@", text))
    presets = json.loads((system.SOURCE / "CMakePresets.json").read_text())
    names = {p["name"] for kind in presets.values() if isinstance(kind, list) for p in kind}
    for preset in re.findall(r"(?:cmake|ctest)(?: --build)? --preset (\w+)", text):
        system.expect(preset in names, where, "names the preset", preset)
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.S) + re.findall(r"(?:^    \S.*\n)+", text, re.M) + re.findall(r"`([^`\n]+)`", text)
    return sum(check_commands(where, block) for block in blocks)


def main():
    count = sum(check_page(path) for path in documents())
    for page in sorted(system.SOURCE.glob("docs/man/*.1")):
        for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page.read_text(), re.M | re.S):
            count += check_commands(page.name, block)
    for command in system.COMMANDS:  # the examples of --help
        count += check_commands(command.name + " --help", system.run(command, "--help").stdout.split("xamples", 1)[-1])
    system.expect(QUOTE.search((system.SOURCE / "docs/engine.md").read_text()), "docs/engine.md quotes no file")
    image = system.SOURCE / "docs/images/collector.png"
    system.expect(image.exists() and image.stat().st_size <= 200 * 1024, image, "is missing or too large")
    system.expect(count > 30, "only", count, "commands were found")
    print(len(documents()), "documents and", count, "commands are as they say")


main()
