#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measure cprof against what else can do the same job, in one run on one machine.

Inputs are generated (make_profile.c), so their sizes are known. Every figure is the median of several runs;
a peer that is slow is run less often, and the table says how often. The files stay in the folder for the
next time; without --keep-big those of 100 MB and more that can be made again in seconds are removed.

usage: run.py [--program CPROF] [--folder FOLDER] [--quick] [--runs N] [--list] [ROW...]
"""
import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import names

HERE = pathlib.Path(__file__).resolve().parent
JVM = pathlib.Path('/usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so')
PATIENCE = 40  # seconds for all runs of one tool on one input; one run there is always


class Missing(Exception):
    """Something this machine does not have."""


class Bench:
    def __init__(self, args):
        self.folder = args.folder.resolve()
        self.program = args.program.resolve()
        self.runs = args.runs
        self.quick = args.quick
        self.keep_big = args.keep_big
        self.folder.mkdir(parents=True, exist_ok=True)
        self.measure = self.compiled('measure', 'measure.c')
        self.maker = self.compiled('make_profile', 'make_profile.c')
        self.peers = [('google-pprof', self.perl_pprof()), ('pprof (Go)', self.go_pprof())]

    # Tools and inputs

    def compiled(self, name, source):
        out = self.folder / name
        subprocess.run(['gcc', '-std=gnu17', '-D_GNU_SOURCE', '-O2', '-o', out, HERE / source], check=True)
        return out

    def perl_pprof(self):
        found = shutil.which('google-pprof')
        return [found] if found else None

    def go_pprof(self):
        out = self.folder / 'pprof-go'
        if not out.exists():
            env = {'PATH': '/usr/bin:/bin', 'HOME': str(self.folder), 'GO111MODULE': 'off',
                   'GOPATH': '/usr/share/gocode', 'GOCACHE': str(self.folder / 'gocache')}
            try:
                subprocess.run(['go', 'build', '-o', out, 'github.com/google/pprof'], env=env, check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            except (OSError, subprocess.CalledProcessError):
                return None
        return [out, '-symbolize=local', '-output=/dev/null']

    def toy(self):
        """A program of one source file."""
        out = self.folder / 'shapes'
        subprocess.run(['g++', '-std=c++17', '-O2', '-g', '-o', out, HERE.parent / 'examples/shapes.cpp'], check=True)
        return out

    def jvm(self, with_dwarf):
        """A Java virtual machine with its 370 MB of debug information in it, or with symbols only."""
        bare = self.folder / 'libjvm-symbols.so'
        if not with_dwarf and bare.exists():
            return bare
        full = self.joined('libjvm.so', JVM, 'openjdk-17-jre-headless', 'openjdk-17-dbg')
        if not with_dwarf:
            # Without the ways to its debug file too, or every tool would find and read that.
            subprocess.run(['strip', '-g', '-R', '.note.gnu.build-id', '-R', '.gnu_debuglink', '-o', bare, full],
                           check=True)
        return full if with_dwarf else bare

    def joined(self, name, library, package, debug_package):
        """A library and its debug file in one, with nothing packed."""
        out, part = self.folder / name, self.folder / (name + '.part')
        if out.exists():
            return out
        if not library.exists():
            raise Missing(package)
        notes = subprocess.run(['readelf', '-n', library], capture_output=True, text=True, check=True).stdout
        build_id = notes.split('Build ID:')[1].split()[0]
        debug = pathlib.Path('/usr/lib/debug/.build-id', build_id[:2], build_id[2:] + '.debug')
        if not debug.exists():
            raise Missing(debug_package + ' (of the same version)')
        subprocess.run(['eu-unstrip', '-o', part, library, debug], check=True)
        subprocess.run(['eu-elfcompress', '-q', '-t', 'none', part], check=True)
        part.chmod(0o755)
        part.rename(out)
        return out

    def profile(self, name, elf, *options):
        out = self.folder / name
        subprocess.run([self.maker, *map(str, options), elf, out], check=True)
        return out

    def done_with(self, path):
        if not self.keep_big and path.stat().st_size >= 100e6:
            path.unlink()

    # Measuring

    def once(self, argv):
        with tempfile.NamedTemporaryFile('r') as result:
            subprocess.run([self.measure, result.name, *argv], check=True, stdin=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            wall, user, system, peak, status = result.read().split()
        if int(status):
            raise Missing('it ended with status %s' % status)
        return float(wall), float(user), float(system), float(peak) * 1024 / 1e6

    def medians(self, contenders):
        """By name (wall, user, system seconds, peak MB), and how many runs they are the medians of. In turn, so that
        what else the machine does falls on all of them."""
        runs = {name: [] for name, argv in contenders if argv}
        failed = {}
        for _ in range(self.runs):
            for name, argv in contenders:
                if not argv or name in failed or sum(r[0] for r in runs[name]) >= PATIENCE:
                    continue
                try:
                    runs[name].append(self.once(argv))
                except Missing as why:
                    failed[name] = why
        return {name: failed.get(name) or ([statistics.median(column) for column in zip(*rows)], len(rows))
                for name, rows in runs.items()}

    def median(self, argv):
        """The same of one."""
        found = self.medians([('it', argv)])['it']
        if isinstance(found, Missing):
            raise found
        return found

    def compare(self, contenders):
        """Measures and prints one line a contender; the first is what the others are held against. By name (wall, CPU
        seconds, peak MB)."""
        measured = {}
        found = self.medians(contenders)
        for name, argv in contenders:
            if argv is None:
                print('  %-28s was not run: it is not here, or too slow' % name)
                continue
            if isinstance(found[name], Missing):
                print('  %-28s failed: %s' % (name, found[name]), flush=True)
                continue
            (wall, user, system, peak), runs = found[name]
            line = '  %-28s %9.3f s %9.3f user %8.3f sys %9.1f MB  of %d' % (name, wall, user, system, peak, runs)
            if measured:
                first = next(iter(measured.values()))
                line += '   x%-7.2f wall x%-7.2f CPU x%-6.2f memory' % (
                    wall / first[0], (user + system) / max(first[1], 1e-3), peak / first[2])
            measured[name] = wall, user + system, peak
            print(line, flush=True)
        return measured

    def text_against_peers(self, elf, profile):
        ours = [self.program, '--no-cache', '--text', elf, profile]
        flags = {'google-pprof': '--text', 'pprof (Go)': '-text'}
        peers = [(name, peer and [*peer, flags[name], elf, profile]) for name, peer in self.peers]
        self.compare([('cprof', ours), *peers])


# Rows: what is measured

def row_start(b):
    """starting: /bin/true, --version, and --text of a small program"""
    elf = b.toy()
    profile = b.profile('toy.prof', elf, '-n', 10)
    b.compare([('/bin/true', ['/bin/true']), ('cprof --version', [b.program, '--version']),
               ('cprof --text', [b.program, '--no-cache', '--text', elf, profile])])


def row_toy(b):
    """--text, 1000 stacks of a small program"""
    elf = b.toy()
    b.text_against_peers(elf, b.profile('toy.prof', elf, '-n', 1000))


def row_dwarf(b):
    """--text, 10^4 and 10^5 stacks (quick: 10^3) of a library with 370 MB of DWARF"""
    elf = b.jvm(True)
    for stacks in (1e3,) if b.quick else (1e4, 1e5):
        print(' %d stacks' % stacks)
        b.text_against_peers(elf, b.profile('dwarf.prof', elf, '-n', stacks))


def row_symbols(b):
    """--text, 10^5 stacks (quick: 10^4) of the same library without DWARF"""
    elf = b.jvm(False)
    b.text_against_peers(elf, b.profile('symbols.prof', elf, '-n', 1e4 if b.quick else 1e5))


def row_heap(b):
    """--text, a heap profile of 10^5 stacks (quick: 10^4) of the same"""
    elf = b.jvm(False)
    b.text_against_peers(elf, b.profile('stacks.heap', elf, '-t', 'heap', '-n', 1e4 if b.quick else 1e5))


def row_jemalloc(b):
    """--text, jemalloc's heap profile of 10^5 stacks (quick: 10^4) of the same"""
    elf = b.jvm(False)
    profile = b.profile('stacks.jemalloc', elf, '-t', 'jemalloc', '-n', 1e4 if b.quick else 1e5)
    jeprof = shutil.which('jeprof')
    b.compare([('cprof', [b.program, '--text', elf, profile]),
               ('jeprof', jeprof and [jeprof, '--text', elf, profile])])


def row_outputs(b):
    """other outputs against --text, 10^4 stacks (quick: 10^3) of a library with 370 MB of DWARF"""
    elf = b.jvm(True)
    profile = b.profile('dwarf.prof', elf, '-n', 1e3 if b.quick else 1e4)
    b.compare([('cprof ' + output, [b.program, '--no-cache', output, elf, profile])
               for output in ('--text', '--callgrind', '--dot', '--lines', '--proto', '--svg')])


def row_pdf(b):
    """--pdf of a graph of 80 functions, against what draws the same --dot"""
    elf = b.jvm(False)
    profile = b.profile('pdf.prof', elf, '-n', 1e4)
    raw, dot = b.folder / 'pdf.raw', b.folder / 'pdf.dot'
    for out, argv in ((raw, ['--raw', elf, profile]), (dot, ['--dot', raw])):
        with out.open('wb') as file:
            subprocess.run([b.program, *argv], stdout=file, stderr=subprocess.DEVNULL, check=True)
    has_both = shutil.which('dot') and shutil.which('ps2pdf')
    b.compare([('cprof --pdf', [b.program, '--pdf', raw]),
               ('dot -Tps2 | ps2pdf', has_both and ['sh', '-c', 'dot -Tps2 "$0" | ps2pdf - -', dot])])


def row_prompt(b):
    """from one prompt to the next, 10^5 stacks (quick: 10^4)"""
    elf = b.jvm(False)
    profile = b.profile('symbols.prof', elf, '-n', 1e4 if b.quick else 1e5)
    with subprocess.Popen([b.program, '--interactive', elf, profile], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as prompt:

        def answer(command):
            start = time.monotonic()
            prompt.stdin.write(command.encode())
            text = b''
            while not text.endswith(b'(pprof) '):
                more = prompt.stdout.read(1 << 16)
                if not more:
                    raise Missing('the prompt ended')
                text += more
            return time.monotonic() - start

        print('  %-28s %9.3f s' % ('(loading)', answer('')))
        for command in ('top', 'top20 -Klass', 'text --cum', 'tree', 'peek Klass', 'dot > /dev/null'):
            first = answer(command + '\n')
            times = [answer(command + '\n') for _ in range(b.runs)]
            print('  %-28s %9.3f s  of %d, the first %.3f s' % (command, statistics.median(times), b.runs, first),
                  flush=True)
        prompt.stdin.write(b'quit\n')


def reading(b, stacks):
    samples = 1e5 if b.quick else 1e7
    profile = b.profile('reading.prof', b.toy(), '-m', '-d', 22, '-n', min(stacks, samples), '-r', samples)
    nothing = b.folder / 'nothing'
    nothing.touch()
    b.compare([('cat FILE >/dev/null', ['cat', profile]),
               ('cprof', [b.program, '--text', nothing, profile])])
    b.done_with(profile)


def row_read_few(b):
    """reading 10^7 samples, 2 GB (quick: 10^5) with 10^3 distinct stacks"""
    reading(b, 1e3)


def row_read_many(b):
    """reading 10^7 samples, 2 GB (quick: 10^5) with 10^5 distinct stacks"""
    reading(b, 1e5)


def row_growth(b):
    """time a stack as distinct stacks grow tenfold and tenfold again, addresses only"""
    nothing = b.folder / 'nothing'
    nothing.touch()
    elf = b.jvm(False) if JVM.exists() else b.toy()
    first = None
    for stacks in (1e3, 1e4, 1e5) if b.quick else (1e4, 1e5, 1e6):
        profile = b.profile('growth.prof', elf, '-m', '-n', stacks)
        (wall, _, _, peak), runs = b.median([b.program, '--text', nothing, profile])
        each = wall / stacks
        first = first or each
        print('  %-28s %9.3f s %9.3f us a stack %9.1f MB  of %d   x%.2f' %
              ('%d stacks' % stacks, wall, each * 1e6, peak, runs, each / first), flush=True)
        b.done_with(profile)


ROWS = {name[len('row_'):].replace('_', '-'): row
        for module in (vars(), vars(names)) for name, row in list(module.items()) if name.startswith('row_')}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--program', type=pathlib.Path, default=HERE.parent / 'build/release/src/cli/cprof')
    parser.add_argument('--folder', type=pathlib.Path, default=HERE.parent / 'build/bench')
    parser.add_argument('--quick', action='store_true', help='smaller inputs')
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--keep-big', action='store_true')
    parser.add_argument('--list', action='store_true', help='only name the rows')
    parser.add_argument('rows', nargs='*', help='all without')
    args = parser.parse_args()
    unknown = [name for name in args.rows if name not in ROWS]
    if unknown:
        parser.error('no row is called %s' % ', '.join(unknown))
    if args.list:
        for name, row in ROWS.items():
            print('%-10s %s' % (name, row.__doc__))
        return 0
    bench = Bench(args)
    failed = False
    for name in args.rows or ROWS:
        print('%s: %s' % (name, ROWS[name].__doc__), flush=True)
        try:
            ROWS[name](bench)
        except (Missing, names.Differs) as what:
            failed = True
            print('  not measured: %s' % what)
    return failed


if __name__ == '__main__':
    sys.exit(main())
