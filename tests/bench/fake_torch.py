#!/usr/bin/python3
"""A peer that is not PyTorch: answers sipcnn-bench peers as bench/peer_pytorch.py does, from definitions in plain Python.

Relies on: Python's standard library.
Relied on by: tests/bench/test_speed.py, which lets sipcnn-bench start it in PyTorch's place.

FAKE says how it behaves: honest, wrong (an output is 1 % off), nan, silent (ends at once), leaving (ends when told to
run), missing (says so) or babbling (answers nonsense). Forward passes only; a run takes a millisecond, it says.
"""
import array
import os
import sys

FAKE = os.environ["FAKE"]


def answer(line, content=b""):
    sys.stdout.buffer.write(line.encode() + b"\n" + content)
    sys.stdout.buffer.flush()


class Numbers:
    """The bytes that came with "new", from the front."""

    def __init__(self, content):
        self.content = content

    def floats(self, count):
        taken, self.content = self.content[:4 * count], self.content[4 * count:]
        return array.array("f", taken)


def conv(rows, weights, bias, channels, taps, stride, padding):
    """[L][C] -> [L'][channels], ReLU; weights [taps][C][channels]."""
    ins = len(rows[0])
    rows = [[0.0] * ins] * padding + rows + [[0.0] * ins] * padding
    result = []
    for start in range(0, len(rows) - taps + 1, stride):
        sums = list(bias)
        for tap in range(taps):
            for i, x in enumerate(rows[start + tap]):
                if x:
                    base = (tap * ins + i) * channels
                    for o in range(channels):
                        sums[o] += x * weights[base + o]
        result.append([max(value, 0.0) for value in sums])
    return result


def dense(x, weights, bias):
    return [b + sum(x[i] * weights[i * len(bias) + o] for i in range(len(x))) for o, b in enumerate(bias)]


def maximum(rows):
    return [max(column) for column in zip(*rows)]


def net_a(numbers, batch):
    table = numbers.floats(256 * 8)
    layers = [(numbers.floats(taps * i * o), numbers.floats(o), o, taps, 2, 0)
              for taps, i, o in ((7, 8, 16), (5, 16, 32), (3, 32, 64))]
    output = numbers.floats(64 * 12), numbers.floats(12)
    for sample in range(batch):
        rows = [list(table[8 * byte:8 * byte + 8]) for byte in numbers.content[512 * sample:512 * (sample + 1)]]
        for layer in layers:
            rows = conv(rows, *layer)
        yield from dense(maximum(rows), *output)


def net_b(numbers, batch):
    first, second, third = [(numbers.floats(3 * i * o), numbers.floats(o), o, 3, 1, 1)
                            for i, o in ((32, 64), (64, 64), (64, 128))]
    hidden, output = [(numbers.floats(i * o), numbers.floats(o)) for i, o in ((128, 64), (64, 12))]
    for _ in range(batch):
        values = numbers.floats(64 * 32)
        rows = [list(values[32 * t:32 * t + 32]) for t in range(64)]
        rows = conv(conv(rows, *first), *second)
        rows = [maximum(rows[t:t + 2]) for t in range(0, 64, 2)]
        x = dense(maximum(conv(rows, *third)), *hidden)
        yield from dense([max(value, 0.0) for value in x], *output)


def main():
    if FAKE in ("silent", "missing"):
        return FAKE == "silent" or answer("missing No module named torch")
    answer("ready 0.0")
    jobs = []
    for line in sys.stdin.buffer:
        command, *arguments = line.decode().split()
        if command == "new":
            net, work, batch, _, _, size = arguments
            assert work == "infer"
            numbers = Numbers(sys.stdin.buffer.read(int(size)))
            logits = array.array("f", {"A": net_a, "B": net_b}[net](numbers, int(batch)))
            if FAKE == "wrong":
                logits[5] += 0.01 * max(map(abs, logits))
            if FAKE == "nan":
                logits[5] = float("nan")
            jobs.append(logits.tobytes())
            answer(f"ok {len(jobs) - 1}" if FAKE != "babbling" else "maybe")
        elif command == "run":
            if FAKE == "leaving":
                return None
            answer(f"ok {int(arguments[1]) / 1000}")
        else:
            answer(f"ok {len(jobs[int(arguments[0])])}", jobs[int(arguments[0])])
    return None


main()
