# SPDX-License-Identifier: BSD-3-Clause
"""Profiles that are larger than they look, or say that they are."""
import array
import gzip
import itertools
import struct
import zlib

import make

CASES = []
MAPS = make.MAPS


def case(fn):
    CASES.append(fn)
    return fn


def packed(piece, times, first=b'', last=b''):
    """gzip of a piece, repeated, as one member behind the other: packed once."""
    member = gzip.compress(piece, 6, mtime=0)
    return [gzip.compress(first, mtime=0)] * bool(first) + [member] * times + [gzip.compress(last, mtime=0)] * bool(last)


def words(*numbers):
    return struct.pack('<%dQ' % len(numbers), *numbers)


HEADER = words(0, 3, 0, 10000, 0)
ONE_STACK = b'main;run 1\n' # by which a file is known for stacks in lines


# ---- packed ------------------------------------------------------------------------------------


@case
def gzip_zeros(b):
    """12 GB of zeros in 12 MB."""
    b.refused('unpacks to more than', '--text', b.keep('z', packed(bytes(64 << 20), 200)))


@case
def gzip_in_gzip(b):
    """The same, packed once more: what comes out is packed, and stays so."""
    inner = b''.join(packed(bytes(64 << 20), 200))
    b.refused('Did not specify profile', '--text', b.keep('z', gzip.compress(inner, 6, mtime=0)))


@case
def gzip_one_member(b):
    """4 GB in one member."""
    pack = zlib.compressobj(1, zlib.DEFLATED, 31)
    piece = b'main;run 1\n' * (1 << 18)
    out = [pack.compress(piece) for _ in range(1500)] + [pack.flush()]
    b.refused('unpacks to more than', '--text', b.keep('z', out))


@case
def gzip_lies_about_length(b):
    """The length at its end is 4 GB; so is nothing else."""
    whole = bytearray(gzip.compress(b'main;run 1\n', mtime=0))
    whole[-4:] = b'\xff\xff\xff\xff'
    b.shown('damaged', '--text', b.keep('z', bytes(whole)))


@case
def gzip_empty_members(b):
    """A million members that hold nothing."""
    b.refused('Did not specify profile', '--text', b.keep('z', gzip.compress(b'', mtime=0) * 1000000))


# ---- pipes -------------------------------------------------------------------------------------


@case
def pipe_of_lines(b):
    """Standard input that never ends, and is a profile all along."""
    b.refused('more than', '--text', '-', feed=itertools.repeat(b'main;run 1\n' * 6000))


@case
def pipe_of_zeros(b):
    """Standard input that never ends, and is nothing."""
    b.refused('more than', '--text', '-', feed=itertools.repeat(bytes(65536)))


@case
def device(b):
    """A device that never ends."""
    b.refused('more than', '--text', '/dev/zero')


# ---- counts and depths ---------------------------------------------------------------------------


@case
def cpu_depth(b):
    """A stack of 2^60 frames."""
    b.refused('depth|frames|cut short', '--text', b.keep('p', HEADER, words(1, 1 << 60, 0x401010)))


@case
def cpu_counts(b):
    """Counts of 2^63 that add up past every number."""
    one = words((1 << 64) - 1, 1, 0x401010) + words(1 << 63, 1, 0x402010)
    b.shown('', '--text', b.keep('p', HEADER, one * 3, words(0, 1, 0), MAPS))


@case
def cpu_deep(b):
    """One stack of thirty million frames."""
    b.refused('frames', '--text', b.keep('p', HEADER, words(1, 30000000),
                                         itertools.repeat(words(*range(0x400000, 0x402710)), 3000), words(0, 1, 0), MAPS))


@case
def cpu_stacks(b):
    """Ten million stacks, no two the same."""
    def records(n=100000):
        for first in range(1 << 40, (1 << 40) + 100 * n, n):
            some = array.array('Q', [1]) * (3 * n)
            some[2::3] = array.array('Q', range(first, first + n))
            yield some.tobytes()

    path = b.keep('p', HEADER, records(), words(0, 1, 0), MAPS)
    b.refused('more than 1000 distinct stacks', '--text', '--max-samples=1000', path)
    b.starved('--text', '--max-memory=100', path)
    b.starved('--text', '--addresses', path)


@case
def heap_counts(b):
    """Numbers of a thousand digits."""
    many = b'9' * 1000
    b.refused('too large', '--text', b.keep('p', b'heap profile: 1: 1 [1: 1] @ heapprofile\n', b'%s: %s [%s: %s] @ 0x10\n' %
                                  (many, many, many, many)))


@case
def heap_line(b):
    """One line of sixty million frames."""
    b.refused('frames', '--text', b.keep('p', packed(b' 0x401010' * 1000000, 60,
                                                      b'heap profile: 1: 1 [1: 1] @ heapprofile\n1: 1 [1: 1] @', b'\n')))


@case
def heap_line_without_end(b):
    """700 MB without an end of line."""
    b.shown('', '--text', b.keep('p', packed(b'7' * 1000000, 700, b'heap profile: 1: 1 [1: 1] @ heapprofile\n')))


@case
def contention_counts(b):
    """No cycles in a second, and more than there are in all."""
    for rate in (b'0', b'1', b'-1', b'1e308', b'18446744073709551615'):
        b.shown('', '--text', b.keep('p', b'--- contention\ncycles/second=' + rate +
                                      b'\nsampling period=18446744073709551615\n18446744073709551615 18446744073709551615 @ 0x10\n'))


@case
def collapsed_deep(b):
    """A line with a hundred million names."""
    b.refused_in_time('frames', '--text', b.keep('p', packed(b'a;' * 1000000, 100, ONE_STACK, b'b 1\n')))


@case
def collapsed_wide(b):
    """Stacks of a million frames, six hundred of them."""
    deep = b'a;' * 500000
    lines = b''.join(gzip.compress(deep, mtime=0) + gzip.compress(b'f%d 1\n' % i, mtime=0) for i in range(600))
    b.refused_in_time('memory|more than', '--text', b.keep('p', gzip.compress(ONE_STACK, mtime=0), lines))


@case
def collapsed_names(b):
    """Three million names."""
    b.starved('--svg', '--max-memory=200',
              b.keep('p', (b'function_%d;of_%d 1\n' % (i, i) for i in range(3000000))))


@case
def jemalloc_threads(b):
    """A million threads in one stack."""
    b.shown('', '--text', b.keep('p', b'heap_v2/524288\n  t*: 1: 1 [0: 0]\n@ 0x10\n',
                                  (b'  t%d: 1: 1 [0: 0]\n' % i for i in range(1000000))))


@case
def threadz(b):
    """A million threads without a stack, and one that never ends."""
    b.refused('', '--text', b.keep('p', b'--- threadz 1 ---\n', b'--- Thread 1 (name: x) stack: ---\n' * 1000000,
                                   b'  0x401010 main\n' * 3000000))


@case
def json_garbage(b):
    """Sixty megabytes of open brackets."""
    b.refused('Did not specify profile', '--text', b.keep('p', b'{"a":[' * 10000000))


# ---- maps and names ------------------------------------------------------------------------------


@case
def maps(b):
    """A million mappings, each of another file."""
    lines = (b'%x-%x r-xp 00000000 08:01 1 /srv/lib%d.so\n' % (i << 12, (i + 1) << 12, i) for i in range(1, 1000001))
    b.shown('', '--text', b.keep('p', HEADER, b''.join(words(1, 1, i << 22 | 16) for i in range(1, 1000)),
                                 words(0, 1, 0), lines))


@case
def maps_over_each_other(b):
    """Half a million mappings of everything."""
    lines = (b'%x-ffffffffffff r-xp 00000000 08:01 1 /srv/lib%d.so\n' % (i, i % 7) for i in range(500000))
    b.shown('', '--text', b.keep('p', HEADER, b''.join(words(1, 1, i << 10 | 16) for i in range(1, 1000)),
                                 words(0, 1, 0), lines))


@case
def symbols_without_end(b):
    """Two million names, and no profile behind them."""
    b.refused('', '--text', b.keep('p', b'--- symbol\nbinary=/srv/x\n',
                                   (b'0x%x name_%d\n' % (i, i) for i in range(2000000))))


@case
def symbols_inline_deep(b):
    """One address, and a million functions inlined there."""
    b.shown('', '--text', b.keep('p', b'--- symbol\nbinary=/srv/x\n0x401010 ', b'a--' * 1000000, b'b\n---\n--- profile\n',
                                  HEADER, words(1, 1, 0x401010), words(0, 1, 0)))


@case
def symbols_mangled(b):
    """A mangled name of a few hundred bytes that says 2^90 characters."""
    name = b'_Z1f' + b'St4pairIiiE' + b''.join(b'St4pairIS%s_S%s_E' % (s, s) for s in
                                                [b''] + [b'%d' % i for i in range(10)] +
                                                [b'%c' % c for c in range(65, 91)])
    symbols = b'--- symbol\nbinary=/srv/x\n0x401010 ' + name + b'\n---\n--- profile\n'
    b.shown('', '--text', b.keep('p', symbols, HEADER, words(1, 1, 0x401010), words(0, 1, 0)))


# ---- profile.proto -------------------------------------------------------------------------------

TYPE = make.field(1, make.field(1, 1) + make.field(2, 2))
TEXTS = b''.join(make.field(6, t) for t in (b'', b'samples', b'count'))


@case
def proto_texts(b):
    """Three hundred million empty texts."""
    b.refused('memory|more than|twice', '--text', b.keep('p', packed(b'\x32\x00' * 1000000, 300, TYPE + TEXTS)))


@case
def proto_samples(b):
    """Three hundred million samples of nothing."""
    b.refused('memory|more than|twice', '--text', b.keep('p', packed(b'\x12\x00' * 1000000, 300, TYPE + TEXTS)))


@case
def proto_samples_alike(b):
    """Sixty million samples of the same stack, and thirty million."""
    sample = make.field(2, make.field(1, b'\x01') + make.field(2, b'\x01'))
    location = make.field(4, make.field(1, 1))
    b.refused('more than 33554432 messages', '--text', b.keep('p', packed(sample * 1000000, 60, TYPE + TEXTS + location)))
    b.shown('', '--text', b.keep('p', packed(sample * 1000000, 30, TYPE + TEXTS + location)))


@case
def proto_tables(b):
    """Mappings, locations and functions without end."""
    for number in (3, 4, 5):
        b.refused('memory|more than|twice', '--text', b.keep('p', packed(make.field(number, b'') * 1000000, 250, TYPE + TEXTS)))


@case
def proto_locations(b):
    """Ten million locations, each with an id of its own."""
    ids = b''.join(make.field(4, make.field(1, i) + make.field(3, i)) for i in range(1, 3000001))
    b.starved('--text', '--max-memory=100', b.keep('p', TYPE, TEXTS, ids))


@case
def proto_packed(b):
    """A sample with a field of three hundred million locations."""
    n = 300000000
    inner = make.varint(1 << 3 | 2) + make.varint(n)
    first = TYPE + TEXTS + make.field(4, make.field(1, 1)) + make.varint(2 << 3 | 2) + make.varint(n + len(inner)) + inner
    b.refused('locations', '--text', b.keep('p', packed(b'\x01' * 1000000, 300, first)))


@case
def proto_lengths(b):
    """Fields that say they are 2^63 bytes long."""
    for number in (2, 3, 4, 5, 6):
        b.refused('damaged|cut short', '--text', b.keep('p', TYPE, TEXTS, make.field(6, b'x' * 1000000),
                                                        make.varint(number << 3 | 2), make.varint(1 << 63)))


@case
def proto_lines(b):
    """A location with twenty million inlined functions."""
    line = make.field(4, make.field(1, 1))
    n = 20 * 1000000 * len(line)
    first = (TYPE + TEXTS + make.field(6, b'f') + make.field(5, make.field(1, 1) + make.field(2, 3)) +
             make.varint(4 << 3 | 2) + make.varint(n + 2) + make.field(1, 1))
    sample = make.field(2, make.field(1, b'\x01') + make.field(2, b'\x01'))
    b.shown('', '--text', b.keep('p', packed(line * 1000000, 20, first, sample)))
