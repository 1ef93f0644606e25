#!/usr/bin/python3
"""Fails when an inner loop of a matrix product keeps sums in memory that belong into registers.

Usage: check_spills.py OBJDUMP OBJECT...
A loop is inner when no other is inside of it. A vector stored on the stack there is a spill: the tile has more rows
than the registers hold, or the compiler did not see that its array of sums is registers.
Relies on: objdump. Relied on by: ctest.
"""
import re
import subprocess
import sys

VECTOR = r'%[xyz]mm\d+'
# A sum that has no register is stored in each turn; %rbp may be a pointer like others, but not below itself.
SPILL = re.compile(rf'^v?mov[au]p[sd]\s+{VECTOR},(?:(?:0x[0-9a-f]+)?\(%rsp|-0x[0-9a-f]+\(%rbp)')
# AVX kernels fuse in their tiles and nowhere else.
PRODUCT = re.compile(rf'^(?:vfmadd\d+|mul)ps\s.*{VECTOR}')


def functions(path, objdump):
    """(name, [(address, instruction)]) of each function in an object file."""
    command = [objdump, '-d', '--no-show-raw-insn', path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    name, body = None, []
    for line in text.splitlines():
        head = re.match(r'^[0-9a-f]+ <(.+)>:$', line)
        code = re.match(r'^\s+([0-9a-f]+):\s+(.*?)\s*(?:#.*)?$', line)
        if head:
            if body:
                yield name, body
            name, body = head.group(1), []
        elif code:
            body.append((code.group(1), code.group(2)))
    if body:
        yield name, body


def inner_loops(body):
    """The instructions of each loop without a loop in it."""
    place = {address: i for i, (address, _) in enumerate(body)}
    jumps = ((re.match(r'^j\w+\s+([0-9a-f]+)', text), i) for i, (_, text) in enumerate(body))
    loops = [(place[jump.group(1)], i) for jump, i in jumps if jump and place.get(jump.group(1), i + 1) <= i]
    for begin, end in loops:
        if not any(begin <= b and e <= end and (b, e) != (begin, end) for b, e in loops):
            yield [text for _, text in body[begin : end + 1]]


def main():
    greatest, failed = 0, 0
    for path in sys.argv[2:]:
        for name, body in functions(path, sys.argv[1]):
            for loop in inner_loops(body):
                products = sum(bool(PRODUCT.match(text)) for text in loop)
                spills = [text for text in loop if SPILL.match(text)]
                greatest = max(greatest, products)
                if products >= 2 and spills:
                    failed += 1
                    print(f'{path}: {name}: {len(spills)} spills in a loop of {products} products: {spills[0]}')
    if greatest < 8:
        sys.exit('no loop over a tile was found: is this how objdump prints?')
    sys.exit(1 if failed else 0)


main()
