#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measure the allocator beside those of glibc, gperftools, jemalloc and mimalloc, in one run on one machine.

Each row is a program that does the same work every time. Allocators are preloaded; each round runs every row once
under each of them, in an order that turns, and the table shows medians. Times are CPU time unless a row says wall,
for a machine with other work disturbs that little; wall times of a busy machine say nothing. The last column is ours
over the best of the others, and the last lines are the geometric means of that. Allocators and programs that the
machine does not have are left out.

usage: run.py --ours LIBRARY.so [--folder FOLDER] [--rows REGEX] [--allocators REGEX] [--rounds N] [--instructions]
"""
import argparse
import math
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PEERS = {'tcmalloc': 'libtcmalloc_minimal.so.4', 'jemalloc': 'libjemalloc.so.2', 'mimalloc': 'libmimalloc.so.2'}
PROGRAMS = ('pair.c', 'mix.c', 'big.c', 'grow.c', 'mt.c', 'phases.c', 'threads.c', 'start.c', 'stl.cpp')
REDIS_PORT = '7391'

# Name: program and arguments, the usual {n} of operations, figures to show.
ROWS = {
    'pair16': ('pair pair 16 {n}', 4000000, ['time']),
    'pair64': ('pair pair 64 {n}', 4000000, ['time']),
    'pair1024': ('pair pair 1024 {n}', 4000000, ['time']),
    'pair16K': ('pair pair 16384 {n}', 1000000, ['time']),
    'pair256K': ('pair pair 262144 {n}', 200000, ['time']),
    'lifo64': ('pair lifo 64 {n}', 2000000, ['time']),
    'fifo64': ('pair fifo 64 {n}', 2000000, ['time']),
    'rand64': ('pair rand 64 {n}', 2000000, ['time']),
    'lifo1024': ('pair lifo 1024 {n}', 2000000, ['time']),
    'mix10k': ('mix 10000 {n}', 2000000, ['time', 'peak']),
    'mix500k': ('mix 500000 {n}', 1000000, ['time', 'peak']),
    'big120M': ('big 125829120 {n} 0', 20000, ['time']),
    'big1M': ('big 1048576 {n} 1048576', 3000, ['time']),
    'big40M': ('big 41943040 {n} 4194304', 100, ['time']),
    'rstep': ('grow step {n}', 100, ['time']),
    'rhalf': ('grow half {n}', 500, ['time']),
    'rhuge': ('grow huge {n}', 1, ['time']),
    'calloc64': ('grow calloc 64 {n}', 2000000, ['time']),
    'calloc64K': ('grow calloc 65536 {n}', 20000, ['time']),
    'align64': ('grow align 64 200 {n}', 1000000, ['time']),
    'align4K': ('grow align0 4096 4096 {n}', 20000, ['time']),
    'stl': ('stl {n}', 200000, ['time', 'peak']),
    'threadtest1': ('mt threadtest 1 {n}', 4000000, ['cpu']),
    'threadtest2': ('mt threadtest 2 {n}', 4000000, ['cpu', 'wall']),
    'threadtest4': ('mt threadtest 4 {n}', 4000000, ['cpu', 'wall']),
    'larson1': ('mt larson 1 {n}', 2000000, ['cpu', 'peak']),
    'larson2': ('mt larson 2 {n}', 2000000, ['cpu', 'wall', 'peak']),
    'larson4': ('mt larson 4 {n}', 2000000, ['cpu', 'wall', 'peak']),
    'remote1': ('mt remote 1 {n}', 2000000, ['cpu']),
    'remote2': ('mt remote 2 {n}', 2000000, ['cpu', 'wall', 'peak']),
    'remote4': ('mt remote 4 {n}', 2000000, ['cpu', 'wall', 'peak']),
    'active2': ('mt active 2 {n}', 200000, ['cpu']),
    'passive2': ('mt passive 2 {n}', 200000, ['cpu']),
    'phases': ('phases', None, ['fill', 'thin', 'shift', 'wide', 'peak', 'freed', 'idle', 'released', 'time']),
    'threads100': ('threads 100', None, ['waiting', 'ended']),
    'start': ('start', None, ['cpu', 'peak', 'anon']),
    'python': ('{python} {real}/objects.py', None, ['cpu', 'peak']),
    'perl': ('perl {real}/words.pl', None, ['cpu', 'peak']),
    'sqlite': ('sqlite3 -init /dev/null :memory: <{real}/memdb.sql', None, ['cpu', 'peak']),
    'gcc': ('gcc -O1 -S -o /dev/null {folder}/manyfuncs.c', None, ['cpu', 'peak']),
    'redis': ('redis-server', None, ['cpu', 'peak']),
}

# Rows summed up by a geometric mean, with the figure that counts; the first one if none is said.
GROUPS = {
    'small': 'pair16,pair64,pair1024,lifo64,fifo64,rand64,lifo1024,mix10k,mix500k,calloc64,align64,stl',
    'large': 'pair16K,pair256K,big120M,big1M,big40M,rstep,rhalf,rhuge,calloc64K,align4K',
    'threads': 'threadtest1,threadtest2,threadtest4,larson1,larson2,larson4,remote1,remote2,remote4',
    'programs': 'python,perl,sqlite,gcc,redis',
    'memory': 'mix10k peak,mix500k peak,stl peak,larson4 peak,remote4 peak,phases shift,phases wide,'
              'threads100 waiting,start peak,python peak,perl peak,sqlite peak,gcc peak,redis peak',
}


def find_library(soname):
    listed = subprocess.run(['ldconfig', '-p'], capture_output=True, text=True, check=True).stdout
    m = re.search(r'^\s+%s .*=> (\S+)$' % re.escape(soname), listed, re.M)
    return m and m[1]


def figures_of(text):
    """Lines of a name, a value and a unit."""
    fields = (line.split('\t') for line in text.splitlines() if line.count('\t') == 2)
    return {name: (float(value), unit) for name, value, unit in fields}


class Bench:
    def __init__(self, folder):
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        for source in PROGRAMS:
            compiler = ['g++'] if source.endswith('.cpp') else ['gcc', '-std=gnu17', '-fno-builtin-malloc']
            subprocess.run([*compiler, '-O2', '-o', self.folder / source.split('.')[0], HERE / source, '-pthread', '-ldl'],
                           check=True)
        subprocess.run(['gcc', '-std=gnu17', '-O2', '-o', self.folder / 'measure', HERE.parent / 'measure.c'], check=True)
        with open(self.folder / 'manyfuncs.c', 'w', encoding='ascii') as f:
            subprocess.run([sys.executable, HERE / 'real/manyfuncs.py', '150'], stdout=f, check=True)

    def environment(self, library):
        env = dict(os.environ, PYTHONMALLOC='malloc', PYTHONHASHSEED='0', LC_ALL='C')
        env.pop('LD_PRELOAD', None)
        if library:
            env['LD_PRELOAD'] = library
        return env

    def command(self, row, n):
        """Its words, and what it reads."""
        words, _, stdin = ROWS[row][0].format(n=n, real=HERE / 'real', folder=self.folder,
                                              python=sys.executable).partition(' <')
        words = words.split()
        if (self.folder / words[0]).exists():
            words[0] = str(self.folder / words[0])
        return words, stdin or os.devnull

    def run(self, row, library):
        words, stdin = self.command(row, ROWS[row][1])
        env = self.environment(library)
        if row == 'redis':
            return self.run_redis(words[0], env)
        with open(stdin, 'rb') as f:
            if words[0].startswith(str(self.folder)):
                return figures_of(subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout)
            result = self.folder / 'measured'
            preload = ['LD_PRELOAD=' + library] if library else []
            subprocess.run([self.folder / 'measure', result, 'env', *preload, *words], env=self.environment(None),
                           stdin=f, stderr=subprocess.DEVNULL, check=True)
        _, user, system, peak, status = map(float, result.read_text().split())
        if status != 0:
            raise subprocess.CalledProcessError(int(status), words)
        return {'cpu': ((user + system) * 1000, 'ms'), 'peak': (peak / 1024, 'MiB')}

    def run_redis(self, server, env):
        """What the server takes for a fixed load; the client is not preloaded."""
        process = subprocess.Popen([server, '--port', REDIS_PORT, '--bind', '127.0.0.1', '--save', '',
                                    '--appendonly', 'no', '--dir', self.folder], env=env, stdout=subprocess.DEVNULL)
        try:
            for _ in range(200):
                said = subprocess.run(['redis-cli', '-p', REDIS_PORT, 'ping'], capture_output=True, text=True, check=False)
                if said.stdout.strip() == 'PONG':
                    break
                time.sleep(0.05)
            subprocess.run(['redis-benchmark', '-p', REDIS_PORT, '-q', '-n', '100000', '-P', '16', '-d', '100', '-r', '50000',
                            '-t', 'set,get,lpush,rpop,hset,zadd'], stdout=subprocess.DEVNULL, check=True)
            stat = pathlib.Path('/proc/%d/stat' % process.pid).read_text().rsplit(')', 1)[1].split()
            status = pathlib.Path('/proc/%d/status' % process.pid).read_text()
            ticks = int(stat[11]) + int(stat[12])
            return {'cpu': (ticks * 1000 / os.sysconf('SC_CLK_TCK'), 'ms'),
                    'peak': (int(re.search(r'VmHWM:\s+(\d+)', status)[1]) / 1024, 'MiB')}
        finally:
            process.terminate()
            process.wait()

    def callgrind(self, words, env):
        done = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', *words], env=env,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        m = re.search(r'Collected : (\d+)', done.stderr)
        return int(m[1]) if m else None

    def instructions(self, row, library):
        """Of one operation: what two runs of different length differ by. Exact, whatever else the machine does."""
        program, n, _ = ROWS[row]
        if n is None or (program.startswith('mt ') and ' 1 ' not in program):
            return None
        few = max(1, min(n // 10, 20000))
        counts = []
        for k in (few, 3 * few):
            words, _ = self.command(row, k)
            once = ['1'] if program.split()[0] in ('pair', 'mix', 'big', 'stl') else []
            counts.append(self.callgrind(words + once, dict(self.environment(library), REPS='1')))
        if None in counts:
            return None
        calls = {'rstep': 4096, 'rhalf': 31, 'rhuge': 9}.get(row, 1)
        return (counts[1] - counts[0]) / (2 * few * calls) or None


def show(label, values, unit):
    known = {a: v for a, v in values.items() if v is not None and a != 'ours'}
    best = min(known, key=known.get) if known else None
    cells = ''.join('%11s%s' % ('-' if v is None else '%.4g' % v, '*' if a == best else ' ') for a, v in values.items())
    ours = values['ours']
    ratio = '%8.2fx' % (ours / known[best]) if best and ours is not None and known[best] > 0 else ''
    print('%-22s%s %-10s%s' % (label, cells, unit, ratio), flush=True)


def measure(bench, libraries, rows, rounds):
    names = list(libraries)
    got, units = {}, {}
    for k in range(rounds):
        for row in rows:
            for name in names[k % len(names):] + names[:k % len(names)]:
                try:
                    figures = bench.run(row, libraries[name])
                except subprocess.CalledProcessError as error:
                    print('%s under %s: %s' % (row, name, error), file=sys.stderr)
                    continue
                for figure, (value, unit) in figures.items():
                    units[row, figure] = unit
                    got.setdefault((row, figure, name), []).append(value)
    medians = {}
    for row in rows:
        for figure in ROWS[row][2]:
            values = {a: statistics.median(got[row, figure, a]) if (row, figure, a) in got else None for a in names}
            medians[row, figure] = values
            show('%s %s' % (row, figure), values, units.get((row, figure), '?'))
    return medians


def sum_up(medians, names):
    print('\ngeometric means of the ratio to the best that is not ours')
    for group, members in GROUPS.items():
        logs = {a: [] for a in names}
        for member in members.split(','):
            row, _, figure = member.partition(' ')
            values = medians.get((row, figure or ROWS[row][2][0]))
            if values and None not in values.values() and min(values.values()) > 0:
                best = min(v for a, v in values.items() if a != 'ours')
                for a, v in values.items():
                    logs[a].append(math.log(v / best))
        if logs['ours']:
            means = ''.join('%11.3f ' % math.exp(statistics.mean(logs[a])) for a in names)
            print('%-22s%s' % ('%s (%d rows)' % (group, len(logs['ours'])), means))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--ours', required=True, metavar='LIBRARY.so', help='the allocator of this tree')
    p.add_argument('--folder', type=pathlib.Path, default=pathlib.Path('build/bench/runtime'), help='for programs')
    p.add_argument('--rows', default='.', metavar='REGEX')
    p.add_argument('--allocators', default='.', metavar='REGEX')
    p.add_argument('--rounds', type=int, default=7, metavar='N')
    p.add_argument('--instructions', action='store_true', help='instead of time, by valgrind: exact, and slow')
    o = p.parse_args()
    if not os.path.isfile(o.ours):  # the loader would go on without it
        p.error('%s does not exist' % o.ours)
    libraries = {'glibc': None, **{name: find_library(soname) for name, soname in PEERS.items()}}
    libraries = {a: l for a, l in libraries.items() if (l or a == 'glibc') and re.search(o.allocators, a)}
    libraries['ours'] = os.path.abspath(o.ours)
    bench = Bench(o.folder)
    rows = [r for r in ROWS if re.search(o.rows, r) and shutil.which(bench.command(r, 0)[0][0])]
    print('%-22s%s' % ('row', ''.join('%11s ' % a for a in libraries)) + (' instructions' if o.instructions else ''))
    if o.instructions:
        for row in rows:
            show(row, {a: bench.instructions(row, l) for a, l in libraries.items()}, '')
        return 0
    sum_up(measure(bench, libraries, rows, o.rounds), list(libraries))
    return 0


if __name__ == '__main__':
    sys.exit(main())
