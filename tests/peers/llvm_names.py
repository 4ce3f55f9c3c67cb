#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hold the names of `cprof --text --addresses` against llvm-symbolizer's, address by address.

usage: llvm_names.py [--cprof PATH] [--symbolizer PATH] PROGRAM PROFILE...

For each 64-bit little-endian CPU profile: addresses and maps are read here, independently of cprof; every
address that falls into a file is given to llvm-symbolizer, and the chain of short names (innermost first) is
compared with the rows that cprof prints. Prints, for each profile, how many addresses llvm can name, on how many
both agree, and each disagreement. Exit status 1 if there is one that no listed reason explains.
"""
import argparse
import collections
import os
import re
import struct
import subprocess
import sys


def shorten(name):
    """docs/symbols.md, the rules for short names, written a second time on purpose."""
    while True:
        cut = re.sub(r'(?<!operator)\([^()]*\)(\s*const)?', '', name)
        if cut == name:
            break
        name = cut
    while True:
        cut = re.sub(r'<[^<>]*>', '', name)
        if cut == name:
            break
        name = cut
    return re.sub(r'^.*\s+(\w+::)', r'\1', name)


def read_profile(path):
    data = open(path, 'rb').read()
    words = struct.unpack('<%dQ' % (len(data) // 8), data[:len(data) // 8 * 8])
    at, pcs = 2 + words[1], set()
    while at + 2 < len(words):
        depth, stack = words[at + 1], words[at + 2:at + 2 + words[at + 1]]
        at += 2 + depth
        if stack[0] == 0:
            break
        pcs.add(stack[0])
        pcs.update(pc - 1 for pc in stack[1:])
    maps = []
    for line in data[at * 8:].decode('utf-8', 'replace').splitlines():
        m = re.match(r'([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ \d+\s+(/.*)', line)
        if m:
            maps.append((int(m[1], 16), int(m[2], 16), int(m[3], 16), m[4]))
    return sorted(pcs), maps


def load_address(path, offset):
    """Link-time address of a file offset, by the program headers."""
    with open(path, 'rb') as f:
        head = f.read(64)
        phoff, phentsize, phnum = struct.unpack_from('<Q', head, 32)[0], *struct.unpack_from('<HH', head, 54)
        f.seek(phoff)
        for _ in range(phnum):
            p = f.read(phentsize)
            kind, off, vaddr, filesz = *struct.unpack_from('<I', p), *struct.unpack_from('<QQ', p, 8), \
                struct.unpack_from('<Q', p, 32)[0]
            if kind == 1 and off <= offset < off + filesz:
                return offset - off + vaddr
    return None


def ask_llvm(tool, path, addresses):
    """address -> chain of names, innermost first; only those that it can name."""
    run = subprocess.run([tool, '--obj=' + path, '--inlines', '--demangle', '--functions=linkage'],
                         input=''.join('0x%x\n' % a for a in addresses), capture_output=True, text=True)
    answers = run.stdout.split('\n\n')
    out = {}
    for address, answer in zip(addresses, answers):
        names = answer.split('\n')[0::2]
        if names and names[0] != '??':
            out[address] = [n for n in names if n]
    return out


def ask_cprof(cprof, program, profile):
    run = subprocess.run([cprof, '--text', '--addresses', program, profile], capture_output=True, text=True,
                         errors='replace')
    rows = collections.defaultdict(list)
    for line in run.stdout.splitlines()[1:]:
        entry = line[39:]
        m = re.match(r'([0-9a-f]{16}) (.*) (\S+)$', entry)
        if m:
            rows[int(m[1], 16)].append(m[2])
    return rows


def bare(name):
    return re.sub(r'@[0-9a-f]+$', '', name.replace(' (inline)', '')).strip()


def main():
    args = argparse.ArgumentParser()
    args.add_argument('--cprof', default='cprof')
    args.add_argument('--symbolizer', default='llvm-symbolizer-14')
    args.add_argument('--show', type=int, default=20)
    args.add_argument('program')
    args.add_argument('profiles', nargs='+')
    args = args.parse_args()
    bad = 0
    for profile in args.profiles:
        pcs, maps = read_profile(profile)
        by_file = collections.defaultdict(dict)
        for pc in pcs:
            for start, limit, offset, path in maps:
                if start <= pc < limit and os.path.exists(path):
                    address = load_address(path, pc - start + offset)
                    if address is not None:
                        by_file[path][address] = pc
        rows = ask_cprof(args.cprof, args.program, profile)
        named = agree = 0
        differ = []
        for path, places in by_file.items():
            for address, names in ask_llvm(args.symbolizer, path, sorted(places)).items():
                named += 1
                want = sorted(shorten(n).strip() for n in names)
                got = sorted(bare(n) for n in rows.get(places[address], []))
                if sorted(set(want)) == sorted(set(got)):
                    agree += 1
                else:
                    differ.append((path, address, places[address], want, got))
        print('%s: %d addresses, llvm names %d, agree on %d' %
              (os.path.basename(profile), len(pcs), named, agree))
        for path, address, pc, want, got in differ[:args.show]:
            print('  %s 0x%x (pc %x)\n    llvm  %s\n    cprof %s' % (path, address, pc, want, got))
        bad += len(differ)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
