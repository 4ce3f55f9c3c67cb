#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes seeds for dwarf_fuzz: the debug sections of small programs that the compilers at hand make.

usage: make_dwarf_seeds.py FOLDER

Needs gcc, clang, ld.lld and readelf; a package too where there is llvm-dwp.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

SECTIONS = ['info', 'types', 'abbrev', 'line', 'str', 'line_str', 'ranges', 'rnglists', 'loclists',
            'addr', 'str_offsets', 'aranges', 'cu_index', 'tu_index']
LEFT_OUT = {'loclists'}  # nobody reads them

C_SOURCE = '''
static inline int leaf(int x) { volatile int t = x * 5; return t + 3; }
static inline int twice(int x) { return leaf(x) + leaf(x + 1); }
__attribute__((noinline)) static int deep(int x) { return twice(x) * 3; }
int start(int x) { return deep(x) + twice(x); }
'''
CXX_SOURCE = '''
namespace ns { namespace {
struct Thing { int v; int get(int k) const { volatile int z = v + k; return z; }
    __attribute__((noinline)) static int run(int a); };
int Thing::run(int a) { Thing t{a}; auto f = [&](int u) { return t.get(u) * 2; }; return f(a); } } }
extern "C" int start(int x) { return ns::Thing::run(x); }
'''
FLAGS = '-O2 -ffreestanding -nostdlib -fno-asynchronous-unwind-tables'.split()

# name, compiler, source, flags, wants the .dwo
OBJECTS = [
    ('gcc-2', 'gcc', 'c', ['-gdwarf-2', '-gstrict-dwarf'], False),
    ('gcc-4', 'gcc', 'c', ['-gdwarf-4'], False),
    ('gcc-4-types', 'gcc', 'cc', ['-gdwarf-4', '-fdebug-types-section'], False),
    ('gcc-5', 'gcc', 'cc', ['-gdwarf-5'], False),
    ('gcc-5-64', 'gcc', 'c', ['-gdwarf-5', '-gdwarf64', '-ffunction-sections'], False),
    ('gcc-5-split', 'gcc', 'c', ['-gdwarf-5', '-gsplit-dwarf'], True),
    ('gcc-4-split', 'gcc', 'c', ['-gdwarf-4', '-gsplit-dwarf'], True),
    ('clang-4', 'clang', 'cc', ['-gdwarf-4'], False),
    ('clang-5', 'clang', 'cc', ['-gdwarf-5', '-ffunction-sections'], False),
    ('clang-5-split', 'clang', 'c', ['-gdwarf-5', '-gsplit-dwarf'], True),
    ('clang-mips', 'clang', 'c', ['-gdwarf-4', '--target=mips-linux'], False),
    ('clang-powerpc64', 'clang', 'c', ['-gdwarf-5', '--target=powerpc64-linux'], False),
]


def sections_of(path):
    """Name to bytes; nothing is compressed in what is made here."""
    listing = subprocess.run(['readelf', '-SW', path], check=True, capture_output=True, text=True)
    with open(path, 'rb') as f:
        content = f.read()
    found = {}
    for name, offset, size in re.findall(r'\] (\.debug\S*) +\S+ +\w+ (\w+) (\w+)', listing.stdout):
        found[name] = content[int(offset, 16):int(offset, 16) + int(size, 16)]
    return found


def records(path, first, suffix=''):
    found = sections_of(path)
    out = b''
    for number, name in enumerate(SECTIONS):
        data = found.get('.debug_' + name + ('' if 'index' in name else suffix), b'')
        if data and name not in LEFT_OUT:
            out += bytes([first + number]) + len(data).to_bytes(3, 'little') + data
    return out


def link(source, target, folder):
    subprocess.run(['ld.lld', '-e', 'start', source, '-o', target], check=True, cwd=folder)


def main():
    out = os.path.abspath(sys.argv[1])
    os.makedirs(out, exist_ok=True)
    for name, compiler, kind, flags, is_split in OBJECTS:
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, 'a.' + kind), 'w', encoding='ascii') as f:
                f.write(CXX_SOURCE if kind == 'cc' else C_SOURCE)
            subprocess.run([compiler, *FLAGS, *flags, '-fdebug-prefix-map=' + folder + '=/d', '-c',
                            'a.' + kind, '-o', 'a.o'], check=True, cwd=folder)
            path = os.path.join(folder, 'a')
            link('a.o', 'a', folder)
            is_big = 'mips' in name or 'powerpc' in name
            seed = records(path, 0)
            if is_split:
                seed += records(os.path.join(folder, 'a.dwo'), 16, '.dwo')
            with open(os.path.join(out, name), 'wb') as f:
                f.write(bytes([is_big]) + seed)
            if name == 'clang-5-split' and shutil.which('llvm-dwp'):
                subprocess.run(['llvm-dwp', os.path.join(folder, 'a.dwo'), '-o', 'a.dwp'], check=True, cwd=folder,
                               timeout=20)
                with open(os.path.join(out, 'clang-5-package'), 'wb') as f:
                    f.write(bytes([2]) + records(path, 0) +
                            records(os.path.join(folder, 'a.dwp'), 16, '.dwo'))


main()
