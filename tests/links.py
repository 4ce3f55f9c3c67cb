#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the linker made: the names that the libraries of the runtime give to programs, and what hardens all of it.

A name that goes is a program that does not start any more; one that comes is there for good. So each library has a list
in tests/runtime/symbols/, and `links.py --write ...` writes it anew. Results are TAP.

usage: links.py [--write] [--without-checks] PROGRAM [LIBRARY...]
"""
import argparse
import pathlib
import re
import subprocess
import sys

LISTS = pathlib.Path(__file__).resolve().parent / 'runtime' / 'symbols'


class Wrong(Exception):
    pass


def out_of(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def names_of(library):
    return sorted({line.split()[0] for line in out_of('nm', '-D', '--defined-only', '-P', library).splitlines()})


def try_names(library):
    listed = (LISTS / (library.name + '.txt')).read_text(encoding='ascii').split()
    names = names_of(library)
    gone, new = sorted(set(listed) - set(names)), sorted(set(names) - set(listed))
    if gone or new or not names:
        raise Wrong('gone: %s; new: %s' % (' '.join(gone) or 'none', ' '.join(new) or 'none'))


def try_links(path):
    """Addresses that change, tables that are read only from the start, no code on the stack."""
    told = out_of('readelf', '-hldW', path)
    for what, pattern in (('position independent', r'Type: +DYN'), ('RELRO', r'GNU_RELRO'), ('bound at once', r'\bNOW\b'),
                          ('stack without code', r'GNU_STACK .* RW ')):
        if not re.search(pattern, told):
            raise Wrong('not %s' % what)
    if re.search(r'^ +LOAD .* RWE ', told, re.MULTILINE):
        raise Wrong('memory that is written and run')
    if re.search(r'TEXTREL|R(UN)?PATH\).*(?<!\$ORIGIN)\]$', told, re.MULTILINE) and path.suffix == '.so':
        raise Wrong('text relocations, or a path to look for libraries')


def try_checks(program):
    """The stack protector, and the calls of the C library that know how large a buffer is."""
    wanted = out_of('nm', '-D', '--undefined-only', '-P', program)
    for name in (r'__stack_chk_fail', r'__\w+_chk'):
        if not re.search(r'^%s\b' % name, wanted, re.MULTILINE):
            raise Wrong('no %s' % name)


def try_no_checks(library):
    """The runtime has neither: see meson.build."""
    wanted = re.findall(r'^__\w+_chk(?:_fail)?\b', out_of('nm', '-D', '--undefined-only', '-P', library), re.MULTILINE)
    if wanted:
        raise Wrong('calls %s' % ' '.join(wanted))


def main():
    words = argparse.ArgumentParser()
    words.add_argument('--write', action='store_true')
    words.add_argument('--without-checks', action='store_true')
    words.add_argument('program', type=pathlib.Path)
    words.add_argument('libraries', type=pathlib.Path, nargs='*')
    asked = words.parse_args()
    if asked.write:
        for library in asked.libraries:
            (LISTS / (library.name + '.txt')).write_text(''.join(name + '\n' for name in names_of(library)), encoding='ascii')
        return 0
    tests = [(asked.program.name, 'links', try_links, asked.program)]
    if not asked.without_checks:
        tests.append((asked.program.name, 'checks', try_checks, asked.program))
    for library in asked.libraries:
        tests += [(library.name, 'names', try_names, library), (library.name, 'links', try_links, library),
                  (library.name, 'no checks', try_no_checks, library)]
    print('1..%d' % len(tests))
    failed = 0
    for number, (name, what, fn, path) in enumerate(tests, 1):
        try:
            fn(path)
            print('ok %d - %s: %s' % (number, name, what))
        except (Wrong, OSError) as wrong:
            failed += 1
            print('not ok %d - %s: %s\n# %s' % (number, name, what, wrong))
    return failed != 0


sys.exit(main())
