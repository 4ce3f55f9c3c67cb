# SPDX-License-Identifier: BSD-3-Clause
"""What cprof and three independent symbolizers say of addresses: for each one a list of frames, innermost first.

A frame is (function, file, line): the function as c++filt reads it, without what compilers append to a part or a
copy of it and without Rust's hashes; the path without detours; "" and 0 where nothing is known.
"""
import gzip
import json
import os
import pathlib
import re
import struct
import subprocess

BASE = 0x555555554000  # where movable programs were loaded
PAGE = 4096
RUST_HASH = re.compile(r'(?<=\w)\[[0-9a-f]{8,16}\](?=::)|::h[0-9a-f]{16}$')
CLONE = re.compile(r'( \[clone [^\]]*\]|\.(cold|part|isra|constprop|lto_priv|llvm|localalias)(\.\d+)*)+$')


def run(command, given=b'', env=None, folder=None, may_fail=False):
    done = subprocess.run([os.fspath(word) for word in command], input=given, capture_output=True, cwd=folder,
                          env={'PATH': '/usr/bin:/bin', 'LC_ALL': 'C', 'HOME': '/dev/null', **(env or {})}, check=False,
                          timeout=100)
    if done.returncode != 0 and not may_fail:
        raise RuntimeError('%s: status %d: %s' % (' '.join(map(str, command)), done.returncode, done.stderr.decode()))
    return done.stdout, done.stderr.decode('utf-8', 'replace')


# ---- ELF: just enough to do what the kernel does

class Segment:
    def __init__(self, flags, offset, address, size):
        self.flags, self.offset, self.address, self.size = flags, offset, address, size
        self.is_code = bool(flags & 1)


def segments(path):
    """What is loaded of a 64-bit little-endian file, and whether it may lie anywhere."""
    head = path.read_bytes()
    kind = struct.unpack_from('<H', head, 16)[0]
    at, = struct.unpack_from('<Q', head, 32)
    size, n = struct.unpack_from('<HH', head, 54)
    found = []
    for i in range(n):
        row = struct.unpack_from('<IIQQQQQQ', head, at + i * size)
        if row[0] == 1:
            found.append(Segment(row[1], row[2], row[3], row[5]))
    return found, kind == 3


def maps_of(path, base=BASE, name=None):
    """Lines as in /proc/PID/maps, and what was added to link-time addresses."""
    loaded, is_movable = segments(path)
    bias = base if is_movable else 0
    lines = []
    for s in loaded:
        start = (s.address + bias) // PAGE * PAGE
        end = (s.address + s.size + bias + PAGE - 1) // PAGE * PAGE
        perms = ''.join(c if s.flags & bit else '-' for c, bit in (('r', 4), ('w', 2), ('x', 1)))
        lines.append('%x-%x %sp %08x 08:01 1 %s' % (start, end, perms, s.offset // PAGE * PAGE, name or path))
    return lines, bias


def functions(path, wanted=None):
    """Places of the functions that came from our sources: [(name, low, high)]."""
    ours = []
    for line in run(['nm', '-S', '--defined-only', path])[0].decode().splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[2] in 'tTwWi' and int(fields[1], 16):
            ours.append((fields[3], int(fields[0], 16), int(fields[0], 16) + int(fields[1], 16)))
    skip = {'_start', '_init', '_fini', '__libc_csu_init', '__libc_csu_fini', '_dl_relocate_static_pie'}
    return [f for f in ours if f[0] not in skip and (not wanted or wanted(f[0]))]


def addresses_of(path, step=3, wanted=None):
    found = {a for _, low, high in functions(path, wanted) for a in range(low, high, step)}
    if not found:
        raise RuntimeError('%s has no functions' % path)
    return sorted(found)


# ---- cprof

def write_profile(path, pcs, maps):
    """A CPU profile with one sample an address."""
    words = [0, 3, 0, 10000, 0]
    for pc in pcs:
        words += [1, 1, pc]
    words += [0, 1, 0]
    path.write_bytes(struct.pack('<%dQ' % len(words), *words) + ''.join(l + '\n' for l in maps).encode())


def field(number, value):
    """One field of a message: a number, text or bytes."""
    def varint(n):
        out = bytearray()
        while n > 127:
            out.append(n & 127 | 128)
            n >>= 7
        return bytes(out) + bytes([n])
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def write_proto(path, pcs, mappings):
    """The same as profile.proto, which knows build IDs. A mapping is (start, limit, offset, path, build ID)."""
    texts = ['', 'samples', 'count']
    out = field(1, field(1, 1) + field(2, 2))
    for i, pc in enumerate(pcs, 1):
        at = next((n for n, m in enumerate(mappings, 1) if m[0] <= pc < m[1]), 0)
        out += field(2, field(1, i) + field(2, 1)) + field(4, field(1, i) + field(2, at) + field(3, pc))
    for n, (start, limit, offset, name, build_id) in enumerate(mappings, 1):
        out += field(3, field(1, n) + field(2, start) + field(3, limit) + field(4, offset) +
                     field(5, len(texts)) + field(6, len(texts) + 1))
        texts += [name, build_id]
    path.write_bytes(gzip.compress(out + b''.join(field(6, t) for t in texts)))


def build_id(path):
    return re.search(r'Build ID: (\w+)', run(['readelf', '-n', path])[0].decode())[1]


def wire(data):
    """The fields of a message: [(number, value)]."""
    at, fields = 0, []

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            fields.append((tag >> 3, number()))
        elif tag & 7 == 2:
            size = number()
            fields.append((tag >> 3, data[at:at + size]))
            at += size
        else:
            raise RuntimeError('wire type %d' % (tag & 7))
    return fields


def read_proto(packed):
    """Address to frames as they were written."""
    fields = wire(gzip.decompress(packed))
    texts = [value.decode('utf-8', 'replace') for number, value in fields if number == 6]
    named = {}
    for number, value in fields:
        if number == 5:
            row = dict(wire(value))
            named[row[1]] = (texts[row.get(2, 0)], texts[row.get(4, 0)])
    answer = {}
    for number, value in fields:
        if number != 4:
            continue
        row = wire(value)
        frames = []
        for line in (dict(wire(v)) for n, v in row if n == 4):
            frames.append((*named[line[1]], line.get(2, 0)))
        answer[dict((n, v) for n, v in row if n != 4)[3]] = frames
    return answer


class Cprof:
    def __init__(self, program, scratch):
        self.program, self.scratch = program, scratch
        self.told = ''  # on standard error by the last run

    def ask(self, pcs, maps, arguments, env=None, build_id=None):
        """Frames by pc, as they are shown. With a build ID the profile says that all mappings are of it."""
        profile = self.scratch / 'asked.prof'
        if build_id is None:
            write_profile(profile, pcs, maps)
        else:
            rows = [re.fullmatch(r'(\w+)-(\w+) ..x. (\w+) \S+ \S+ (.*)', line) for line in maps]
            write_proto(profile, pcs, [(*(int(n, 16) for n in row.groups()[:3]), row[4], build_id) for row in rows if row])
        out, self.told = run([self.program, '--proto', *arguments, profile], env=env, folder=self.scratch)
        return read_proto(out)


# ---- the others

def ask_addr2line(path, addresses):
    given = ''.join('0x%x\n' % a for a in addresses).encode()
    out = run(['addr2line', '-a', '-i', '-f', '-e', path], given, may_fail=True)[0].decode('utf-8', 'replace').splitlines()
    return read_lines(out, addresses)


def ask_eu_addr2line(path, addresses, more=()):
    given = ''.join('0x%x\n' % a for a in addresses).encode()
    out = run(['eu-addr2line', '-a', '-i', '-f', *more, '-e', path], given, may_fail=True)[0].decode('utf-8', 'replace').splitlines()
    return read_lines([re.sub(r' inlined at .*', '', line) for line in out], addresses)


def read_lines(lines, addresses):
    """Three kinds of lines: an address, and then a function and a place for each frame."""
    answer, frames, function = {}, None, None
    waiting = iter(addresses)
    for line in lines:
        if re.fullmatch(r'0x[0-9a-f]+', line) and function is None:
            frames = answer[next(waiting)] = []
        elif function is None:
            function = line
        else:
            place = re.sub(r' \(discriminator \d+\)$', '', line)
            found = re.fullmatch(r'(.*?):(\d+|\?)(:\d+)?', place)
            frames.append((function, found[1], int(found[2]) if found[2] != '?' else 0))
            function = None
    return answer


def ask_llvm(path, addresses, more=()):
    given = ''.join('0x%x\n' % a for a in addresses).encode()
    out = run(['llvm-symbolizer-14', '--obj=%s' % path, '--output-style=JSON', '--functions=linkage', '--no-demangle',
               *more], given)[0].decode('utf-8', 'replace')
    answer = {}
    for address, line in zip(addresses, out.splitlines()):
        for row in json.loads(line) if line.startswith('[') else [json.loads(line)]:
            answer[address] = [(f['FunctionName'], f['FileName'], f['Line']) for f in row.get('Symbol', [])]
    return answer


PEERS = {'llvm-symbolizer': ask_llvm, 'addr2line': ask_addr2line, 'eu-addr2line': ask_eu_addr2line}


# ---- one form for all

class Names:
    def __init__(self):
        self.known = {}

    def learn(self, answers):
        new = sorted({f[0] for answer in answers for frames in answer.values() for f in frames} - self.known.keys())
        for style in ('auto', 'dlang'):
            some = [n for n in new if (style == 'dlang') == n.startswith('_D')]
            out = run(['c++filt', '-s', style], ''.join(n + '\n' for n in some).encode())[0]
            self.known.update(zip(some, out.decode('utf-8', 'replace').splitlines()))

    def frame(self, frame):
        function, path, line = frame
        function = RUST_HASH.sub('', CLONE.sub('', self.known.get(function, function)))
        if function in ('??', '', '<invalid>'):
            function = ''
        if path in ('??', '', '<invalid>') or not line:
            path, line = '', 0
        return function, os.path.normpath(path) if path else '', line

    def frames(self, frames):
        return [self.frame(f) for f in frames]
