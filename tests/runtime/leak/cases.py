#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the leak cases under the leak checker and compares each answer with the truth written in the case.

A case is a program under cases/, whose first comment has the lines
    truth: leak OBJECTS BYTES      or      truth: clean
    with: VARIABLE=VALUE ...       (if it needs options)
    mode: MODE                     (normal if not said)
    linked: leak OBJECTS BYTES     (if it is another one where the library is linked, not preloaded)
Each is built twice, as users build programs: without and with optimization; libraries are preloaded, archives linked.
Results are TAP.

usage: cases.py CC CXX LIBRARY ... [NAME ...]
"""
import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HANG_SECONDS = 600
FOLDER = pathlib.Path(__file__).resolve().parent / 'cases'
FLAGS = ['-g', '-pthread', '-w']


def read_case(source, is_linked):
    head = source.read_text()[:2000]
    truth = is_linked and re.search(r'linked: (?:clean|leak (\d+) (\d+))', head)
    truth = truth or re.search(r'truth: (?:clean|leak (\d+) (\d+))', head)
    options = re.search(r'with: (.*)', head)
    mode = re.search(r'mode: (\S+)', head)
    want = (int(truth.group(1)), int(truth.group(2))) if truth.group(1) else (0, 0)
    return want, options.group(1).split() if options else [], mode.group(1) if mode else 'normal'


def build(source, level, out, cc, cxx, include, archive):
    is_cxx = source.suffix == '.cpp'
    command = (cxx if is_cxx else cc).split() + FLAGS
    command += [level, '-std=gnu++17' if is_cxx else '-std=gnu11', '-I', include]
    command += ['-o', out, str(source)] + (['-Wl,-u,malloc', archive] if archive else [])
    subprocess.run(command + ['-ldl'], check=True)


def answer(text):
    """Objects and bytes of all reports; None: there is none."""
    found = re.findall(r'detected leaks of (\d+) bytes in (\d+) objects', text)
    if found:
        return sum(int(f[1]) for f in found), sum(int(f[0]) for f in found)
    return (0, 0) if 'No leaks found' in text else None


def ask(binary, library, mode, options, folder):
    env = dict(os.environ, HEAPCHECK=mode, HEAP_CHECK_DUMP_DIRECTORY=folder, PPROF_PATH='/proc/nothing')
    if library:
        env['LD_PRELOAD'] = library
    env.update(o.split('=', 1) for o in options)
    done = subprocess.run([binary], env=env, capture_output=True, text=True, timeout=HANG_SECONDS,
                          errors='replace')
    return answer(done.stderr), done


def main():
    cc, cxx = sys.argv[1:3]
    libraries = [os.path.abspath(a) for a in sys.argv[3:] if '/' in a]
    names = [a for a in sys.argv[3:] if '/' not in a]
    include = str(FOLDER.parents[3] / 'include')
    sources = [s for s in sorted(FOLDER.iterdir()) if s.suffix in ('.c', '.cpp')
               and (not names or s.stem in names)]
    print('1..%d' % (2 * len(sources) * len(libraries)))
    is_good = True
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        for source, level, library in itertools.product(sources, ('-O0', '-O2'), libraries):
            archive = library if library.endswith('.a') else ''
            want, options, mode = read_case(source, bool(archive))
            binary = os.path.join(folder, source.stem + level + '.a' * bool(archive))
            if archive or not os.path.exists(binary):
                build(source, level, binary, cc, cxx, include, archive)
            got, done = ask(binary, '' if archive else library, mode, options, folder)
            is_right = got == want
            is_good &= is_right
            number += 1
            print('%s %d - %s %s, %s' % ('ok' if is_right else 'not ok', number, source.stem, level,
                                         os.path.basename(library)), flush=True)
            if not is_right:
                print('# wanted %s, got %s, status %d' % (want, got, done.returncode))
                for line in done.stderr.split('\n'):
                    print('# ' + line)
    return not is_good


if __name__ == '__main__':
    sys.exit(main())
