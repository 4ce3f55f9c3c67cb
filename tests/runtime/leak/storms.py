#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs storm.c many times, which the tests do a few times: 64 threads allocate, free, start threads and end while they
are checked, once on demand and once at the end of the program. Each check has to find the one block that is lost, and
nothing else; none may hang or crash. Where the block was missed, says what pointed to it.

usage: storms.py [--runs N] LIBRARY.so...
"""
import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HANG_SECONDS = 120
SOURCE = pathlib.Path(__file__).resolve().with_name('storm.c')
WAYS = ('', 'fork', 'refuse', 'load')


def build(library, out):
    subprocess.run(['cc', '-g', '-O0', '-pthread', '-w', '-I', str(SOURCE.parents[3] / 'include'), '-o', out, str(SOURCE),
                    '-Wl,--no-as-needed', library, '-Wl,-rpath,' + os.path.dirname(library), '-ldl'], check=True)


def one(program, way, folder):
    """What became of the two checks of a run, each 'found' or something worse; and what pointed to the block."""
    env = dict(os.environ, HEAPCHECK='normal', HEAP_CHECK_DUMP_DIRECTORY=folder, PPROF_PATH='/proc/nothing',
               PERFTOOLS_VERBOSE='14')
    try:
        done = subprocess.run([program, '1', way], env=env, capture_output=True, text=True, timeout=HANG_SECONDS,
                              errors='replace')
    except subprocess.TimeoutExpired:
        return ['hang'], []
    if done.returncode not in (0, 1):
        return ['status %d' % done.returncode], done.stderr.splitlines()[-5:]
    on_demand = done.stdout.strip()
    reports = re.findall(r'detected leaks of (\d+) bytes in (\d+) objects', done.stderr)[on_demand != '0 0':]
    at_end = '%s %s' % reports[0][::-1] if reports else '0 0'
    answers = {'1 7777': 'found', '0 0': 'missed'}
    verdicts = [answers.get(said, 'wrong: ' + said) for said in (on_demand, at_end)]
    return verdicts, re.findall(r'Found pointer to \S+ of 7777 bytes.*', done.stderr) if 'missed' in verdicts else []


def main():
    words = argparse.ArgumentParser()
    words.add_argument('--runs', type=int, default=1000)
    words.add_argument('libraries', nargs='+', type=os.path.abspath)
    asked = words.parse_args()
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        programs = [os.path.join(folder, 'storm%d' % i) for i in range(len(asked.libraries))]
        for library, program in zip(asked.libraries, programs):
            build(library, program)
        for run in range(asked.runs):
            way = WAYS[run // len(programs) % len(WAYS)]
            verdicts, why = one(programs[run % len(programs)], way, folder)
            counts.update(verdicts)
            if verdicts != ['found', 'found']:
                print('run %d %s: %s' % (run, way, ', '.join(verdicts)), *why, sep='\n    ', flush=True)
    print('%d runs, checks: %s' % (asked.runs, ', '.join('%s %d' % pair for pair in sorted(counts.items()))))
    return bool(set(counts) - {'found', 'missed'})


if __name__ == '__main__':
    sys.exit(main())
