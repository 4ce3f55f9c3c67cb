#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measure the CPU profiler beside gperftools' libprofiler, and both against what programs know of themselves.

Profilers are preloaded; rounds are interleaved, figures are medians. Where gperftools' library is not installed its
column is left out.

  tick    what one signal costs, by depth of the stack; "none" is the kernel's part, the least that can be
  slow    CPU time of a fixed computation over that without a profiler, of runs that follow each other
  rate    CPU time that a profile tells of over the time that was used, by rate asked for and mix of threads
  split   CPU time, in percent, that a profile gives to another function than it belongs to; of samples at the ticks
          of the kernel, some hundred a second, about one is chance

usage: cpu.py --ours LIBPROFILER.so --program CPROF [--folder FOLDER] [--rounds N] [ROW...]
"""
import argparse
import os
import pathlib
import re
import statistics
import struct
import subprocess
import sys

from run import figures_of, find_library

HERE = pathlib.Path(__file__).resolve().parent
SIGNALS = 50 * 200  # that the program sends itself
RATES = (1000, 4000, 10000)
MIXES = (('1',), ('2',), ('4',), ('4', 'blocked'), ('4', 'brief'))


class Bench:
    def __init__(self, options):
        self.cprof, self.rounds = options.program.resolve(), options.rounds
        self.folder = options.folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.profilers = {'none': None, 'gperftools': find_library('libprofiler.so.0'), 'ours': str(options.ours.resolve())}
        self.profilers = {name: library for name, library in self.profilers.items() if library or name == 'none'}
        for name in ('tick', 'split'):  # without -g: functions are those of the symbol table
            subprocess.run(['gcc', '-std=gnu17', '-O2', '-o', self.folder / name, HERE / (name + '.c'), '-pthread'], check=True)

    def run(self, profiler, rate, program, *words):
        """Figures of the program, and seconds by function as the profile tells."""
        profile = self.folder / 'cpu.prof'
        profile.unlink(missing_ok=True)
        env = {'PATH': os.defpath, 'CPUPROFILE': str(profile), 'CPUPROFILE_FREQUENCY': str(rate)}
        if self.profilers[profiler]:
            env['LD_PRELOAD'] = self.profilers[profiler]
        command = [str(self.folder / program), *map(str, words)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        if 'cannot be preloaded' in done.stderr:
            sys.exit('cpu.py: ' + done.stderr)
        figures = {name: value for name, (value, _) in figures_of(done.stdout).items()}
        if words[0] == 'signal' and int(re.search(r'^PROFILE: .* = (\d+)', done.stderr, re.M)[1]) < SIGNALS:
            sys.exit('cpu.py: %s did not take the signals' % profiler)
        if program != 'split':
            return figures, {}
        text = subprocess.run([self.cprof, '--text', '--no-auto-signal-frm', command[0], profile],
                              capture_output=True, text=True, check=True).stdout
        rows = re.findall(r'^ *(\d+) +[\d.]+% +[\d.]+% +\d+ +[\d.]+% (\S+)', text, re.M)
        period = struct.unpack('<4Q', profile.read_bytes()[:32])[3] / 1e6
        return figures, {name: int(flat) * period for flat, name in rows}

    def table(self, title, rows, figure, names, form):
        """figure(name, row): a number; all rounds of a row after each other."""
        print('\n%-28s%s' % (title, ''.join('%12s' % name for name in names)))
        for label, row in rows.items():
            got = {name: [] for name in names}
            for k in range(self.rounds):
                for name in names[k % len(names):] + names[:k % len(names)]:
                    got[name].append(figure(name, *row))
            print('%-28s%s' % (label, ''.join('%12s' % (form % statistics.median(got[name])) for name in names)), flush=True)

    def tested(self):
        return [name for name in self.profilers if name != 'none']


def tick(b):
    b.table('ns for one tick', {'depth %d' % depth: (depth,) for depth in (8, 64, 250)},
            lambda name, depth: b.run(name, 2, 'tick', 'none' if name == 'none' else 'signal', depth, 50)[0]['signal'],
            list(b.profilers), '%.0f')


def slow(b):
    def ratio(name, rate, depth):
        with_it, without = (b.run(n, rate, 'tick', 'work', depth, 1000)[0]['work'] for n in (name, 'none'))
        return with_it / without
    b.table('CPU time / without', {'%d Hz, depth %d' % (rate, depth): (rate, depth) for rate in RATES for depth in (8, 64)},
            ratio, b.tested(), '%.4f')


def rate(b):
    def told(name, hz, mix):
        figures, seconds = b.run(name, hz, 'split', 2, *mix)
        return sum(seconds.values()) / figures['all']
    b.table('time told / time used', {'%d Hz, threads: %s' % (hz, ' '.join(mix)): (hz, mix) for hz in RATES for mix in MIXES},
            told, b.tested(), '%.4f')


def split(b):
    def misplaced(name, hz, mix):
        figures, seconds = b.run(name, hz, 'split', 5, *mix)
        truth = {function: s for function, s in figures.items() if function != 'all'}
        used, told = sum(truth.values()), sum(seconds.get(function, 0) for function in truth)
        return 50 * sum(abs(s / used - seconds.get(function, 0) / told) for function, s in truth.items()) if told else 100
    b.table('% of the time misplaced', {'%d Hz, threads: %s' % (hz, ' '.join(mix)): (hz, mix)
                                        for hz in (100, 1000) for mix in MIXES}, misplaced, b.tested(), '%.2f')


ROWS = {f.__name__: f for f in (tick, slow, rate, split)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--ours', type=pathlib.Path, required=True, metavar='LIBPROFILER.so')
    p.add_argument('--program', type=pathlib.Path, required=True, metavar='CPROF', help='what reads the profiles')
    p.add_argument('--folder', type=pathlib.Path, default=pathlib.Path('build/bench/runtime'), help='for programs')
    p.add_argument('--rounds', type=int, default=5, metavar='N')
    p.add_argument('rows', nargs='*', choices=[*ROWS, []], metavar='ROW', help='all without')
    options = p.parse_args()
    for path in (options.ours, options.program):
        if not path.is_file():
            p.error('%s does not exist' % path)
    bench = Bench(options)
    for name in options.rows or ROWS:
        ROWS[name](bench)
    return 0


if __name__ == '__main__':
    sys.exit(main())
