"""Small captures for the tests that run sipcnn-data from outside.
Relies on: Python's standard library.
Relied on by: the scripts beside it."""
import contextlib
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile

SIPCNN_DATA = sys.argv[1]
RULES = "start,end,client,target,call_id,class,also,run,tool,note\n"
FIRST_SECOND = 1795524750


def sip_request(number, method="OPTIONS"):
    return (f"{method} sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK{number}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=a{number}\r\nTo: <sip:bob@example.com>\r\n"
            f"Call-ID: {number}@10.0.0.2\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n").encode()


def udp_packet(payload, source="10.0.0.2", destination="10.0.0.1"):
    udp = struct.pack(">HHHH", 5060, 5060, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    return ip + socket.inet_aton(source) + socket.inet_aton(destination) + udp


def write_capture(path, messages):
    """A raw-IP pcap with one request every 20 ms; every fifth comes from 10.0.0.9."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
        for number in range(messages):
            source = "10.0.0.9" if number % 5 == 0 else "10.0.0.2"
            packet = udp_packet(sip_request(number), source)
            seconds, twentieths = divmod(number, 50)
            file.write(struct.pack("<IIII", FIRST_SECOND + seconds, twentieths * 20000, len(packet), len(packet)))
            file.write(packet)


def run(*arguments):
    """(exit status, stdout, stderr) of sipcnn-data."""
    done = subprocess.run([SIPCNN_DATA, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def make_dataset(folder, messages=100):
    """A dataset with a rule-labelled capture; returns its path."""
    capture, output = folder / "lab.pcap", folder / "lab.h5"
    write_capture(capture, messages)
    (folder / "lab.labels.csv").write_text(RULES + ",,10.0.0.9,,,flood,,1,sipp,fast\n,,,,,benign,,,,\n")
    status, _, errors = run("import", "--output", output, capture)
    assert status == 0, errors
    return output


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="sipcnn-test-") as name:
        yield pathlib.Path(name)


def assert_one_line(result, *words):
    """The command failed with one clear line on stderr that holds these words."""
    status, output, errors = result
    assert status == 1, result
    assert output == "" and errors.count("\n") == 1 and errors.startswith("sipcnn-data: "), result
    for word in words:
        assert word in errors, (word, errors)
