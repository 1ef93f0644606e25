#!/usr/bin/python3
"""sipcnn-data pseudonymise, encrypt and decrypt from outside: nothing is left, verdicts agree, keys, errors.
Relies on: sipcnn-data, sipcnn-infer, h5py, data/samples, models.
Relied on by: ctest."""
import json
import os
import re
import subprocess
import sys

import fixtures
import h5py
from fixtures import assert_one_line, run

INFER, ROOT = sys.argv[2], sys.argv[3]
SAMPLE = "demo"
# Words of the protocol and of products, which stay wherever they stand.
IDENTIFIERS = [
    rb"(?i)sips?:([^@\s<>;\"]+)@", rb"(?i)sips?:(?:[^@\s<>\"]*@)?([^\s:;>\"@]+)", rb"(?im)^(?:call-id|i)\s*:\s*(\S+)",
    rb"(?i);tag=([^;\s>]+)", rb"branch=z9hG4bK([^;\s]+)", rb"(?i)username=\"([^\"]+)\"", rb"(?i)realm=\"([^\"]+)\"",
    rb"(?i)nonce=\"([^\"]+)\"", rb"(?i)response=\"([^\"]+)\"", rb"(?m)^(?:From|To|f|t)\s*:\s*\"([^\"\\]+)\"\s*<",
    rb"(?m)^o=(\S+) ", rb"(?m)^o=\S+ (\d+) ", rb"IN IP[46] (\S+)", rb"(?m)^c=IN IP[46] (\S+)"]


def messages(path):
    """All messages, and whether each is of a class whose odd text stays."""
    with h5py.File(path) as file:
        offset, data = file["messages/offset"][:], file["messages/bytes"][:].tobytes()
        names = [bytes(name).rstrip(b"\0").decode() for name in file["classes/name"][:]]
        kept = {i + 1 for i, name in enumerate(names) if name in ("injection", "malformed")}
        runs, primary = file["messages/run"][:], file["messages/primary"][:]
        of_run = [0] + file["runs/primary"][:].tolist()
        return [(data[offset[i]:offset[i + 1]], int(primary[i]) in kept or of_run[runs[i]] in kept)
                for i in range(len(offset) - 1)]


def identifiers(texts):
    found = set()
    for text in texts:
        for pattern in IDENTIFIERS:
            found.update(re.findall(pattern, text))
    return found


def nothing_is_left(before, after):
    """Identifiers of six characters or more are nowhere; shorter ones are not in their fields."""
    assert len(before) == len(after)
    plain = [(a, b) for (a, kept), (b, _) in zip(before, after) if not kept]
    text = b"\n".join(b for _, b in plain)
    long_ones = {word for word in identifiers(a for a, _ in plain) if len(word) >= 6}
    assert len(long_ones) > 300, len(long_ones)
    products = {b"asterisk"}  # a realm that is also a product's name
    # Among so many digits a short number stands by chance as a part of another one: such are looked for as words.
    words = set(re.findall(rb"[0-9A-Za-z]+", text))
    left = [word for word in sorted(long_ones - products)
            if word in (words if re.fullmatch(rb"[0-9a-fA-F]{6,9}", word) else text)]
    assert not left, left[:10]
    compared = 0
    for a, b in plain:
        for pattern in IDENTIFIERS:
            for old, new in zip(re.findall(pattern, a), re.findall(pattern, b)):
                if len(old) < 6 and re.search(rb"[1-9A-Za-z]", old):
                    assert old != new, (old, a)
                    compared += 1
    assert compared > 100, compared
    return len(long_ones), compared


def tables_name_nobody(before, after):
    with h5py.File(before) as a, h5py.File(after) as b:
        assert b.attrs["pseudonymised"] == 1 and a.attrs["pseudonymised"] == 0
        for column in ("time_ns", "frame", "primary", "classes", "run", "part", "capture", "transport"):
            assert (a["messages"][column][:] == b["messages"][column][:]).all(), column
        assert (a["messages/source"][:, 16:] == b["messages/source"][:, 16:]).all()
        old = {bytes(row[:16]) for column in ("source", "destination") for row in a["messages"][column][:]}
        new = {bytes(row[:16]) for column in ("source", "destination") for row in b["messages"][column][:]}
        assert len(old) == len(new) and not old & new
        assert (a["captures/sha256"][:] != b["captures/sha256"][:]).any()


def verdicts(folder, dataset):
    assert run("export", dataset, "--output", folder)[0] == 0
    subprocess.run([INFER, "--model", f"{ROOT}/models/first-light.sipcnn", "--read", f"{folder}/{SAMPLE}.pcap",
                    "--verdicts", f"{folder}/verdicts"], check=True, capture_output=True)
    with open(f"{folder}/verdicts", encoding="utf-8") as file:
        return [json.loads(line)["class"] for line in file]


def verdicts_agree(folder, before, after):
    """Odd text of honest messages gets other letters, which may move a verdict."""
    a, b = verdicts(folder / "a", before), verdicts(folder / "b", after)
    assert len(a) == len(b)
    agree = sum(x == y for x, y in zip(a, b)) / len(a)
    assert agree >= 0.999, agree
    return agree


def keys_and_errors(folder, before, after, key):
    again, other, same = folder / "again.h5", folder / "other.h5", folder / "other.key"
    assert_one_line(run("pseudonymise", "--new-key", key), "site.key", "exists")
    assert run("pseudonymise", before, "--key", key, "--output", again)[0] == 0
    assert again.read_bytes() == after.read_bytes()
    assert run("pseudonymise", "--new-key", same)[0] == 0 and os.stat(same).st_mode & 0o777 == 0o600
    assert run("pseudonymise", before, "--key", same, "--output", other)[0] == 0
    assert other.read_bytes() != after.read_bytes()
    assert_one_line(run("pseudonymise", after, "--key", key, "--output", folder / "x.h5"), "pseudonymised already")
    assert_one_line(run("pseudonymise", before, "--key", before, "--output", folder / "x.h5"), "no key")
    assert_one_line(run("pseudonymise", before, "--key", key, "--output", folder / "x.h5", "--keep", "evil"), "evil")
    assert_one_line(run("pseudonymise", folder / "none.h5", "--key", key, "--output", folder / "x.h5"), "none.h5")
    assert not (folder / "x.h5").exists()


def files_are_encrypted(folder, before, after, key):
    sealed, back, pem, public = folder / "s.enc", folder / "back.h5", folder / "p.pem", folder / "pub.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "X25519", "-out", pem], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-out", public], check=True, capture_output=True)
    assert run("pseudonymise", before, "--key", key, "--encrypt", public, "--output", sealed)[0] == 0
    assert not (folder / "s.enc.plain").exists() and b"HDF" not in sealed.read_bytes()[:64]
    assert run("decrypt", sealed, "--key", pem, "--output", back)[0] == 0
    assert back.read_bytes() == after.read_bytes()
    assert_one_line(run("decrypt", sealed, "--key", public, "--output", back), "public key")
    assert_one_line(run("decrypt", sealed, "--key", key, "--output", back), "an X25519 key")
    assert_one_line(run("decrypt", before, "--key", key, "--output", folder / "x"), "not a file that sipcnn-data encrypted")
    assert run("encrypt", before, "--key", key, "--output", sealed)[0] == 0
    damaged = bytearray(sealed.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    sealed.write_bytes(damaged)
    assert_one_line(run("decrypt", sealed, "--key", key, "--output", folder / "x"), "damaged")
    assert not (folder / "x").exists()


def usage_is_checked():
    for arguments in (["pseudonymise"], ["pseudonymise", "a"], ["pseudonymise", "a", "--output", "b"],
                      ["pseudonymise", "a", "b", "--output", "c", "--key", "d"],
                      ["pseudonymise", "--new-key", "k", "--output", "x"], ["encrypt"], ["decrypt", "a"],
                      ["encrypt", "a", "--key", "k"], ["decrypt", "a", "b", "--key", "k", "--output", "c"],
                      ["encrypt", "--nonsense"]):
        status, output, errors = run(*arguments)
        assert status == 2 and output == "" and errors, arguments
    for command in ("pseudonymise", "encrypt", "decrypt"):
        status, output, errors = run(command, "--help")
        assert status == 0 and "examples:" in output and errors == "", command


usage_is_checked()
with fixtures.folder() as scratch:
    original, changed, secret = scratch / "a.h5", scratch / "b.h5", scratch / "site.key"
    assert run("import", "--output", original, f"{ROOT}/data/samples/{SAMPLE}.pcap.xz")[0] == 0
    secret.write_bytes(bytes(range(100, 132)))
    secret.chmod(0o600)
    code, _, complaint = run("pseudonymise", original, "--key", secret, "--output", changed)
    assert code == 0, complaint
    words, fields = nothing_is_left(messages(original), messages(changed))
    tables_name_nobody(original, changed)
    share = verdicts_agree(scratch, original, changed)
    keys_and_errors(scratch, original, changed, secret)
    files_are_encrypted(scratch, original, changed, secret)
print(f"{words} identifiers are gone, {fields} short fields differ, {100 * share:.2f} % of verdicts agree")
