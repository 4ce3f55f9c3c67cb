#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make a binary CPU profile out of a text that says what is in it, so that cases can be read and edited.

usage: mkcpu.py in.cpu.txt > in.prof

A line is one of
    # ...                 a comment; also at the end of the lines below
    bits 32|64            size of the words that follow (64)
    endian little|big     their byte order (little)
    words N ...           these words: header, trailer, anything
    COUNT PC ...          one record: COUNT, how many PCs, the PCs
    |TEXT                 a line of text before the words
    >TEXT                 a line of text after them
"""
import struct
import sys

CODES = {(32, 'little'): '<I', (64, 'little'): '<Q', (32, 'big'): '>I', (64, 'big'): '>Q'}


def assemble(lines):
    before, words, after = bytearray(), bytearray(), bytearray()
    bits, order = 64, 'little'
    for line in lines:
        line = line.rstrip('\n')
        if line[:1] in ('|', '>'):
            (before if line[0] == '|' else after).extend(line[1:].encode() + b'\n')
            continue
        fields = line.partition('#')[0].split()
        if not fields:
            continue
        if fields[0] == 'bits':
            bits = int(fields[1])
        elif fields[0] == 'endian':
            order = fields[1]
        else:
            if fields[0] == 'words':
                numbers = [int(f, 0) for f in fields[1:]]
            else:
                numbers = [int(f, 0) for f in fields]
                numbers.insert(1, len(numbers) - 1)
            for number in numbers:
                words += struct.pack(CODES[bits, order], number)
    return bytes(before + words + after)


if __name__ == '__main__':
    with open(sys.argv[1]) as text:
        sys.stdout.buffer.write(assemble(text))
