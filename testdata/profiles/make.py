#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make the binary samples of this folder, byte for byte the same each time. The text ones are written by hand.

usage: make.py
"""
import gzip
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
MAPS = b'00400000-00500000 r-xp 00000000 08:01 1234   /srv/demo/server\n'
LEAF, MIDDLE, MAIN, OTHER = 0x401010, 0x402020, 0x403030, 0x404040
STACKS = [(7, [LEAF, MIDDLE, MAIN]), (5, [OTHER, MAIN]), (3, [LEAF, OTHER, MAIN]), (1, [MAIN])]


def cpu(word, stacks=STACKS, trailer=MAPS, version=0):
    """A CPU profile in words of this shape; struct's code for one. Version 1 is Java's."""
    words = [0, 3, version, 10000, 0]
    for count, pcs in stacks:
        words += [count, len(pcs)] + pcs
    words += [0, 1, 0]
    return b''.join(struct.pack(word, w) for w in words) + trailer


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


class Proto:
    """profile.proto, as far as samples here need it."""

    def __init__(self, types):
        self.texts, self.body, self.n_functions, self.n_locations = {'': 0}, b'', 0, 0
        for name, unit in types:
            self.body += field(1, field(1, self.text(name)) + field(2, self.text(unit)))

    def text(self, text):
        return self.texts.setdefault(text, len(self.texts))

    def location(self, address, *lines):
        """Lines are (name, file, line), innermost first; returns the id."""
        body = field(2, 1) + field(3, address)
        for name, file, line in lines:
            self.n_functions += 1
            self.body += field(5, field(1, self.n_functions) + field(2, self.text(name)) +
                               field(4, self.text(file)))
            body += field(4, field(1, self.n_functions) + field(2, line))
        self.n_locations += 1
        self.body += field(4, field(1, self.n_locations) + body)
        return self.n_locations

    def mapping(self, start, limit, path):
        self.body += field(3, field(1, 1) + field(2, start) + field(3, limit) + field(5, self.text(path)))

    def sample(self, locations, values):
        self.body += field(2, field(1, b''.join(map(varint, locations))) +
                           field(2, b''.join(map(varint, values))))

    def packed(self):
        tables = b''.join(field(6, text if isinstance(text, bytes) else text.encode())
                          for text in self.texts)
        return gzip.compress(self.body + tables, 9, mtime=0)


def proto(types, *values):
    """The stacks above with names; code of two more files is inlined at the leaf."""
    p = Proto(types)
    p.mapping(0x400000, 0x500000, '/srv/demo/server')
    ids = {
        LEAF: p.location(LEAF, ('min', '/srv/demo/min.h', 7), ('clamp', '/srv/demo/clamp.h', 11),
                         ('leaf', '/srv/demo/leaf.c', 20)),
        MIDDLE: p.location(MIDDLE, ('middle', '/srv/demo/middle.c', 30)),
        MAIN: p.location(MAIN, ('main', '/srv/demo/main.c', 40)),
        OTHER: p.location(OTHER, ('clamp', '/srv/demo/clamp.h', 12), ('other', '/srv/demo/leaf.c', 50)),
    }
    for (_, pcs), sample in zip(STACKS, values):
        p.sample([ids[pc] for pc in pcs], sample)
    return p.packed()


JAVA = b'0x401010 com.example.Leaf.run (Leaf.java:42)\n0x403030 com.example.Main.main (Main.java:7)\n'
SYMBOLS = (b'--- symbol\nbinary=/srv/demo/server\n0x0000000000401010 leaf(int)--clamp(int)--min<int>(int)\n'
           b'0x0000000000402020 middle(int)\n0x0000000000403030 main\n0x0000000000404040 other(char*)\n---\n')
SAMPLES = {
    'cpu-64-little.prof': cpu('<Q'),
    'cpu-64-big.prof': cpu('>Q'),
    'cpu-32-little.prof': cpu('<I'),
    'cpu-32-big.prof': cpu('>I'),
    'java-cpu.prof': cpu('<Q', [(4, [LEAF, MAIN]), (2, [MAIN])], JAVA, 1),
    'symbolized-cpu.prof': SYMBOLS + b'--- profile\n' + cpu('<Q', trailer=b''),
    'proto-cpu.pb.gz': proto([('samples', 'count'), ('cpu', 'nanoseconds')],
                             (7, 70000000), (5, 50000000), (3, 30000000), (1, 10000000)),
    'proto-heap.pb.gz': proto([('alloc_objects', 'count'), ('alloc_space', 'bytes'),
                               ('inuse_objects', 'count'), ('inuse_space', 'bytes')],
                              (8, 8192, 4, 4096), (2, 2000000, 1, 1000000), (3, 96, 3, 96), (9, 900, 0, 0)),
}

if __name__ == '__main__':
    for name, content in SAMPLES.items():
        (HERE / name).write_bytes(content)
