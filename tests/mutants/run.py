#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Change profiles and programs in a few places, thousands of times, and hold what is read against what is there.

The same seed gives the same mutants. For each of them
- nothing crashes, hangs or runs out of memory;
- a table, where there is one, accounts for all samples that were read (--selfcheck);
- a profile is refused, or something about it is told, or its samples add up to what a parser of its own (oracles.py)
  finds in the same bytes. A mutant that this parser cannot make out must not be read in silence;
- a program may lose its names, but not one sample of the profile.

Results are TAP. To see one mutant: --keep FOLDER writes those that failed.

usage: run.py READ ELF-FOLDER [--count N] [--seed N] [--keep FOLDER] [KIND...]
"""
import argparse
import gzip
import pathlib
import random
import re
import subprocess
import struct
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
PROFILES = pathlib.Path(__file__).resolve().parents[2] / 'testdata' / 'profiles'
sys.path.insert(0, str(PROFILES))
import make  # noqa: E402
import oracles  # noqa: E402

KINDS = {
    'cpu': ['cpu-*.prof'], 'heap': ['heap.heap'], 'heap-sampled': ['heap-sampled.heap'], 'growth': ['growth.heap'],
    'contention': ['contention.txt'], 'symbolized': ['symbolized-*'], 'jemalloc': ['jemalloc.heap'],
    'go': ['go-*.txt'], 'java': ['java-*'], 'threadz': ['threadz.txt'], 'proto': ['proto-*'], 'collapsed': ['collapsed.txt'],
}
# What readers say of profiles that nothing is wrong with.
HARMLESS = re.compile(r'Adjusting heap profiles for|Heap version 2$|$')
# A table that cannot be written for a reason that is not the sums.
NO_TABLE = re.compile(r'No nodes to print|$')
TOKENS = [b'-', b'0', b'9', b'99999999999999999999', b'18446744073709551615', b'@', b':', b' ', b'\n', b'\r', b'\0', b';', b'%',
          b'%warn x\n', b'#', b'=', b'0x', b'---', b'--- ', b'[', b']', b'/', b'\n\n', b'1e9', b'.', b'\xff', b'\xff' * 8, bytes(8),
          b'\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01', b'MAPPED_LIBRARIES:\n']


class Wrong(Exception):
    pass


# ---- mutants -------------------------------------------------------------------------------------


def flip(r, data):
    at = r.randrange(len(data))
    data[at] ^= 1 << r.randrange(8)


def set_byte(r, data):
    data[r.randrange(len(data))] = r.choice((0, 1, 0x7f, 0x80, 0xff, r.randrange(256)))


def set_word(r, data):
    at = r.randrange(len(data)) & ~3
    word = r.choice((0, 1, 2, 0xff, 0xffff, 1 << 31, (1 << 32) - 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, r.getrandbits(16)))
    size = r.choice((2, 4, 8))
    data[at:at + size] = (word & (1 << 8 * size) - 1).to_bytes(size, r.choice(('little', 'big')))


def some_range(r, data):
    at = r.randrange(len(data))
    return at, min(len(data), at + r.choice((1, 1, 2, 4, 8, 16, r.randrange(1, 65))))


def remove(r, data):
    first, last = some_range(r, data)
    del data[first:last]


def repeat(r, data):
    first, last = some_range(r, data)
    at = r.randrange(len(data))
    data[at:at] = data[first:last]


def insert(r, data):
    at = r.randrange(len(data) + 1)
    data[at:at] = r.choice(TOKENS)


def cut(r, data):
    del data[r.randrange(len(data)):]


def change_number(r, data):
    numbers = [m.span() for m in re.finditer(rb'\d+', bytes(data))]
    if numbers:
        first, last = r.choice(numbers)
        data[first:last] = r.choice((b'0', b'1', b'-1', b'', b'x', b'%d' % r.getrandbits(r.randrange(1, 65)), b'9' * 40))


def swap_lines(r, data):
    lines = bytes(data).split(b'\n')
    i, k = r.randrange(len(lines)), r.randrange(len(lines))
    lines[i], lines[k] = lines[k], lines[i]
    data[:] = b'\n'.join(lines)


WAYS = [flip, flip, set_byte, set_word, remove, repeat, insert, insert, cut, change_number, change_number, swap_lines]


def mutant(r, original):
    data = bytearray(original)
    for _ in range(r.choice((1, 1, 1, 2, 3, 6))):
        if data:
            r.choice(WAYS)(r, data)
    return bytes(data)


def profiles_of(kind):
    """What proto files hold is changed half of the time, and how they are packed in the other half."""
    for pattern in KINDS[kind]:
        for path in sorted(PROFILES.glob(pattern)):
            content = path.read_bytes()
            yield content
            if content.startswith(b'\x1f\x8b'):
                yield gzip.decompress(content)


# ---- reading them --------------------------------------------------------------------------------


def answers(read, folder, mutants, *args):
    path = folder / 'inputs'
    with open(path, 'wb') as file:
        for data in mutants:
            file.write(struct.pack('=Q', len(data)) + data)
    done = subprocess.run([read, path, *args], capture_output=True, check=False)
    lines = [line for line in done.stdout.decode('utf-8', 'replace').split('\n') if line]
    found = []
    for line in lines:
        if line.startswith('ended') and done.stderr:
            raise Wrong('%s after %d answers: %s' % (line, len(found), done.stderr.decode('utf-8', 'replace')[-800:]))
        if line.startswith('ended'):
            raise Wrong('%s after %d answers' % (line, len(found)))
        found.append(line.split('\t'))
    if done.returncode or len(found) != len(mutants):
        raise Wrong('status %d, %d answers to %d: %s' % (done.returncode, len(found), len(mutants), done.stderr[-400:]))
    return found


def unpacked(data):
    """What a reader gets to see: None where what is packed is damaged, which is told."""
    if not data.startswith(b'\x1f\x8b\x08'):
        return data
    out = b''
    while data.startswith(b'\x1f\x8b\x08'):
        pack = zlib.decompressobj(31)
        try:
            out += pack.decompress(data)
        except zlib.error:
            return None
        if not pack.eof:
            return None
        data = pack.unused_data
    return out


def is_close(x, y):
    return abs(x - y) <= 1e-9 * max(abs(x), abs(y))


def same(found, wanted):
    """Each wanted (column, sum) is among those found, once."""
    left = list(found)
    for name, value in wanted:
        match = next((one for one in left if one[0] == name.replace('|', '?') and is_close(one[1], value)), None)
        if not match:
            return False
        left.remove(match)
    return True


def judge(data, answer):
    """How it went: 'refused', 'told' or 'right'."""
    if answer[0] == 'refused':
        if not answer[2]:
            raise Wrong('refused without a word')
        return 'refused'
    reader, sums, notes, message = answer[1:5]
    if not NO_TABLE.match(message):
        raise Wrong('read, but no table: %s' % message)
    if not all(HARMLESS.match(note) for note in notes.split('|')):
        return 'told'
    try:
        wanted = oracles.BY_READER[reader](unpacked(data))
    except oracles.Unclear:
        raise Wrong('read as %s without a word: %s' % (reader, sums)) from None
    found = [(name, float(value)) for name, _, value in (one.rpartition('=') for one in sums.split('|')[:-1])]
    if not same(found, wanted.items() if isinstance(wanted, dict) else wanted):
        raise Wrong('read as %s without a word: %s, not %s' % (reader, sums, wanted))
    return 'right'


def try_profiles(kind, asked, folder):
    r = random.Random('%s %d' % (kind, asked.seed))
    originals = list(profiles_of(kind))
    mutants = originals + [mutant(r, r.choice(originals)) for _ in range(asked.count)]
    tally, wrong = {}, []
    for i, (data, answer) in enumerate(zip(mutants, answers(asked.read, folder, mutants))):
        try:
            how = judge(data, answer)
            tally[how] = tally.get(how, 0) + 1
        except Wrong as reason:
            wrong.append(str(reason))
            if asked.keep:
                (asked.keep / ('%s-%d' % (kind, i))).write_bytes(data)
        if i < len(originals) and how != 'right':
            raise Wrong('what was not changed is %s: %s' % (how, answer))
    if wrong:
        raise Wrong('%d of %d: %s' % (len(wrong), len(mutants), '\n'.join(wrong[:8])))
    if any(tally.get(how, 0) < asked.count // 100 for how in ('right',)) or tally.get('refused', 0) + tally.get('told', 0) == 0:
        raise Wrong('all alike: %s' % tally)
    return ', '.join('%d %s' % (n, how) for how, n in sorted(tally.items()))


# Where the code of the four programs is; each address is taken three times.
CODE = [0x1000, 0x401000, 0x8048000, 0x10000]
ADDRESSES = [base + offset for base in CODE for offset in range(0, 0x400, 7)]


def try_images(asked, folder):
    originals = [path.read_bytes() for path in sorted(asked.images.iterdir())]
    profile = folder / 'profile'
    profile.write_bytes(make.cpu('<Q', [(3, [address]) for address in ADDRESSES], b''))
    r = random.Random('elf %d' % asked.seed)
    mutants = originals + [mutant(r, r.choice(originals)) for _ in range(asked.count)]
    named = 0
    for data, answer in zip(mutants, answers(asked.read, folder, mutants, profile)):
        if answer[0] == 'image' and answer[1] != 'Total: %d samples' % (3 * len(ADDRESSES)):
            raise Wrong('%s' % answer)
        if answer[0] == 'refused':
            raise Wrong('no table: %s' % answer)
        named += '|' in answer[2]
    if not named:
        raise Wrong('nothing was ever told')
    return '%d of %d with something told' % (named, len(mutants))


def main():
    words = argparse.ArgumentParser()
    words.add_argument('read', type=pathlib.Path)
    words.add_argument('images', type=pathlib.Path)
    words.add_argument('--count', type=int, default=5000)
    words.add_argument('--seed', type=int, default=1)
    words.add_argument('--keep', type=pathlib.Path)
    words.add_argument('kinds', nargs='*')
    asked = words.parse_args()
    asked.read = asked.read.resolve()
    kinds = asked.kinds or [*KINDS, 'elf']
    print('1..%d' % len(kinds), flush=True)
    failed = 0
    for number, kind in enumerate(kinds, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                told = (try_images(asked, pathlib.Path(folder)) if kind == 'elf' else
                        try_profiles(kind, asked, pathlib.Path(folder)))
                print('ok %d - %s: %s' % (number, kind, told), flush=True)
            except Wrong as wrong:
                failed += 1
                print('not ok %d - %s\n# %s' % (number, kind, str(wrong).replace('\n', '\n# ')), flush=True)
    return failed != 0


sys.exit(main())
