#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Put a sample of every format through every output.

Whatever goes in, nothing crashes, the same comes out twice (without a PATH the second time), and where an
output has a total, it is that of the others. Results are TAP.

usage: matrix.py CPROF [--jobs N] [SAMPLE ...]
"""
import argparse
import concurrent.futures
import gzip
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROFILES = pathlib.Path(__file__).resolve().parents[1] / 'testdata' / 'profiles'

# What outputs begin with. Those that are not here, or new, may begin with anything.
MAGIC = {
    'callgrind': b'events: Hits\n',
    'dot': b'digraph "',
    'pdf': b'%PDF-',
    'ps': b'%!PS',
    'svg': b'<?xml',
    'gif': b'GIF8',
    'png': b'\x89PNG',
    'weblist': b'<!DOCTYPE html>',
    'raw': b'--- symbol\n',
    'proto': b'\x1f\x8b',
    'events': b'# callgrind format\n',
}
# Under the heading of outputs in help, but no outputs; and those that read something else.
NO_OUTPUTS = {'output', 'stacks', 'cum', 'events', 'show_addresses', 'json', 'interactive', 'gv', 'evince', 'web',
              'kcachegrind', 'symbols'}
# Options that are outputs only together with others.
MORE = {'events': ['--callgrind', '--events=all'], 'stacks': ['--text', '--stacks'], 'json': ['--doctor', '--json']}

# Which samples each reader has: those whose names begin so.
SAMPLES_OF = {
    'symbolized': 'symbolized-', 'heap': 'heap', 'jemalloc': 'jemalloc', 'contention': 'contention',
    'cpu': 'cpu-', 'proto': 'proto-', 'counts': 'go-goroutine', 'threadz': 'threadz', 'java': 'java-',
    'collapsed': 'collapsed', 'addresses': None,  # standard input of --symbols
}

# Pictures take their time, and are drawn alike whatever it was that they came from.
PICTURES = ('pdf', 'ps', 'gif', 'png')
DRAWN = {'cpu-64-little.prof', 'heap.heap'}

# What status 1 may be about.
REFUSALS = re.compile(r'^No nodes to print$|without a (binary|program)|Profile is empty|empty file|'
                      r'no stack with a count|not a profile|Did not specify profile file|Cannot recognize profile section|'
                      r'no function matches', re.MULTILINE)
EPOCH = 981173106  # 2001-02-03 04:05:06 UTC


class Wrong(Exception):
    pass


class Runner:
    def __init__(self, program, scratch):
        self.program, self.scratch = program, scratch
        self.env = {k: v for k, v in os.environ.items() if k in ('PATH', 'TMPDIR') or k.endswith('SAN_OPTIONS')}
        self.env.update(LC_ALL='C', HOME=str(scratch), CPROF_SELFCHECK='1')
        self.outputs = find_outputs(self.once('--help')[1].decode())

    def once(self, *args, env=None, given=b''):
        done = subprocess.run([self.program, *map(str, args)], cwd=self.scratch, env={**self.env, **(env or {})},
                              input=given, capture_output=True, check=False, timeout=300)
        told = done.stderr.decode('utf-8', 'replace')
        if done.returncode not in (0, 1):
            raise Wrong('%s: status %d: %s' % (' '.join(map(str, args)), done.returncode, told))
        if '--doctor' in args and done.stdout:
            return 0, done.stdout, told  # 1 is its verdict
        if done.returncode == 1 and not REFUSALS.search(told):
            raise Wrong('%s: fails with %s' % (' '.join(map(str, args)), told[:400]))
        return done.returncode, done.stdout, told

    def answer(self, *args):
        """The output, or None where it was refused."""
        status, out, _ = self.once(*args)
        return None if status else out

    def twice(self, *args, given=b''):
        """The same, and the same again in other surroundings."""
        status, out, _ = self.once(*args, given=given)
        again = {'PATH': '/nonexistent', 'TZ': 'Asia/Tokyo', 'LC_ALL': 'C.UTF-8', 'COLUMNS': '20'}
        if (status, out) != self.once(*args, env=again, given=given)[:2]:
            raise Wrong('%s: not the same twice' % ' '.join(map(str, args)))
        return None if status else out

    def keep(self, name, content):
        path = self.scratch / name
        path.write_bytes(content)
        return path


def find_outputs(shown):
    """How each output is asked for, by what help says."""
    section = re.search(r'^Output:\n((?:  .*\n)+)', shown, re.MULTILINE)[1]
    found = re.findall(r'^  (?:-\w, )?--(\w+)(=?)', section, re.MULTILINE)
    outputs = {name: ['--%s=.' % name if value else '--' + name] for name, value in found if name not in NO_OUTPUTS}
    if not MAGIC.keys() - MORE.keys() <= outputs.keys():
        raise Wrong('help has no %s' % sorted(MAGIC.keys() - outputs.keys()))
    return {**outputs, **MORE}


def text_total(out):
    """The number of the Total: line; without one it is 0."""
    found = re.search(rb'^Total: (\S+)', out, re.MULTILINE)
    return float(found[1]) if found else 0.0


def collapsed_total(out):
    return sum(float(line.rpartition(b' ')[2]) for line in out.splitlines())


def callgrind_total(out):
    """Own costs of the first event, as callgrind_annotate adds them up."""
    total, is_call = 0.0, False
    for line in out.partition(b'\nevents:')[2].splitlines()[1:] if b'\nevents:' in out else out.splitlines()[1:]:
        if line.startswith(b'calls='):
            if not re.fullmatch(rb'calls=\d+ \d+', line):
                raise Wrong('no count of calls: %r' % line)
            is_call = True
        elif line[:1].isdigit():
            if not is_call:
                total += float(line.split()[1])
            is_call = False
        elif line and not re.match(rb'(ob|fl|fi|fe|fn|cob|cfi|cfl|cfn)=|summary:', line):
            raise Wrong('no line of callgrind: %r' % line)
    return total


def near(a, b, rows):
    """Whether totals agree: where values have fractions, each row may have lost one."""
    return abs(a - b) <= rows or abs(a - b) <= 1e-6 * abs(a)


def is_contention(text):
    return b' seconds\n' in text


def check_totals(runner, name, options, texts):
    """Holds the totals of outputs against that of --text."""
    out = texts.get('text')
    if out is None:
        return
    scale = 1e9 if is_contention(out) else 1  # seconds and nanoseconds
    rows = 16 + (1e6 if is_contention(out) else 0)  # in milliseconds
    total = text_total(out) * scale
    for kind, read in (('collapsed', collapsed_total), ('callgrind', callgrind_total), ('events', callgrind_total)):
        if texts.get(kind) is None:
            continue
        got = read(texts[kind])
        if kind == 'events':  # the first event of all
            chosen = runner.once('--callgrind', '--events=' + first_event(texts[kind]), *options)[1]
            if callgrind_total(chosen) != got:
                raise Wrong('events one by one: %g, all: %g' % (callgrind_total(chosen), got))
            continue
        if not near(total, got, rows):
            raise Wrong('total of %s is %g, of text %g' % (kind, got, total))
    for kind in ('raw', 'proto'):
        if texts.get(kind) is None or (kind == 'raw' and total < 0):
            continue
        back = runner.once('--text', '--show_bytes', runner.keep('%s.%s' % (name, kind), texts[kind]))
        got = text_total(back[1]) * (1e9 if is_contention(back[1]) else 1)
        if b' nanoseconds\n' in back[1] and b' nanoseconds\n' not in out:
            got /= 10000000  # time instead of samples: the period of these samples
        if not near(total, got, rows):
            raise Wrong('total of %s read back is %g, of text %g' % (kind, got, total))


def first_event(out):
    return re.search(rb'^events: (\S+)', out, re.MULTILINE)[1].decode()


def run_all(runner, name, options, twice=False, without=()):
    """Every output of one set of arguments; what is drawn is drawn twice only for some."""
    texts = {}
    for kind, asked in runner.outputs.items():
        if kind in without:
            continue
        words = [*asked, '--show_bytes', *options]
        is_twice = twice and (kind not in PICTURES or name in DRAWN)
        texts[kind] = runner.twice(*words) if is_twice else runner.answer(*words)
        if texts[kind] and not texts[kind].startswith(MAGIC.get(kind, b'')):
            raise Wrong('--%s: begins with %r' % (kind, texts[kind][:20]))
    for kind in ('text', 'collapsed', 'callgrind', 'raw', 'proto'):
        if texts[kind] is None:
            raise Wrong('%s: refused' % kind)
    check_totals(runner, name, options, texts)
    return texts


def try_sample(runner, sample):
    """A profile as it is, less than nothing, and nothing."""
    run_all(runner, sample.name, [sample], twice=True)
    double = runner.keep('double-' + sample.name, runner.once('--proto', sample, sample)[1])
    without = () if sample.name in DRAWN else PICTURES
    texts = run_all(runner, 'negative-' + sample.name, ['--base=%s' % double, sample], without=without)
    if text_total(texts['text']) >= 0:
        raise Wrong('--base with the double: %g' % text_total(texts['text']))
    dropped = ['--base=%s' % double, '--drop_negative', sample]
    if runner.answer('--text', *dropped) != b'' or runner.answer('--svg', *dropped) is not None:
        raise Wrong('--drop_negative leaves something')
    nothing = ['--focus=^no such function$', sample]
    if runner.answer('--collapsed', *nothing) != b'' or runner.answer('--dot', *nothing) is not None:
        raise Wrong('nothing in focus, and something comes out')


def try_single(runner):
    """One sample of one frame; and a deep stack of one function."""
    for name, content in (('single', b'main 1\n;main 2\n'), ('deep', b';'.join([b'f'] * 3000) + b' 4\n')):
        run_all(runner, name, [runner.keep(name + '.txt', content), '--reader=collapsed'], twice=True)


def try_empty(runner):
    """No samples at all, in formats that can say so."""
    empty = {
        'cpu': b''.join(w.to_bytes(8, 'little') for w in (0, 3, 0, 10000, 0, 0, 1, 0)),
        'heap': b'heap profile: 0: 0 [0: 0] @ heapprofile\n\nMAPPED_LIBRARIES:\n',
        'contention': b'--- contention\ncycles/second = 1000000000\n',
        'jemalloc': b'heap_v2/524288\n  t*: 0: 0 [0: 0]\n',
        'threadz': b'--- threadz 1 ---\n',
        'counts': b'goroutine profile: total 0\n',
        'java': b'--- heapz 1 ---\nformat = java\nresolution = bytes\n',
        'symbolized': b'--- symbol\nbinary=x\n---\n--- contention\ncycles/second = 1000000000\n',
        'proto': gzip.compress(b'\x0a\x04\x08\x01\x10\x02' + b'\x32\x00\x32\x01a\x32\x01b'),
        'nothing': b'', 'commands': b'%warn nothing\n', 'blank': b'\n\n',
    }
    for name, content in empty.items():
        path = runner.keep('empty-' + name, content)
        for kind, asked in runner.outputs.items():
            out = runner.answer(*asked, path)
            if kind == 'dot' and out is not None:
                raise Wrong('%s: a graph of nothing' % name)


def try_symbols(runner):
    given = b'70000000-70100000 r-xp 00000000 08:01 1234   /no/such/lib.so\n0x70000010\n0x70000020 x\nno address\n'
    out = runner.twice('--symbols', runner.program, given=given)
    if out != b'??\n??\n':
        raise Wrong('--symbols: %r' % out)


def try_date(runner):
    """Documents carry the date that was pinned, and none otherwise."""
    sample = PROFILES / 'symbolized-cpu.prof'
    for kind, wanted in (('pdf', b'20010203040506Z)'), ('ps', b'%%CreationDate: 2001-02-03T04:05:06Z')):
        pinned = runner.once('--' + kind, sample, env={'SOURCE_DATE_EPOCH': str(EPOCH)})[1]
        if wanted not in pinned:
            raise Wrong('%s: %r is not in it' % (kind, wanted))
        other = runner.once('--' + kind, sample, env={'SOURCE_DATE_EPOCH': str(EPOCH + 86400)})[1]
        free = runner.once('--' + kind, sample)[1]
        if len({pinned, other, free}) != 3:
            raise Wrong('%s: the date does not matter' % kind)
        if not re.search(rb'CreationDate[ :(]*1970', free):
            raise Wrong('%s: has a date of its own' % kind)
    proto = gzip.decompress(runner.once('--proto', sample, env={'SOURCE_DATE_EPOCH': str(EPOCH)})[1])
    nanoseconds = EPOCH * 10**9
    varint = bytes((nanoseconds >> 7 * i & 127) | (128 if nanoseconds >> 7 * (i + 1) else 0)
                   for i in range(9))
    if b'\x48' + varint not in proto:
        raise Wrong('proto: the date is not in it')


def try_readers(runner):
    """No reader is without a sample."""
    table = (PROFILES.parents[1] / 'src/reader/reader.c').read_text()
    readers = set(re.findall(r'&reader_(\w+),', table))
    if readers != set(SAMPLES_OF):
        raise Wrong('readers without samples: %s' % sorted(readers ^ set(SAMPLES_OF)))
    for reader, prefix in SAMPLES_OF.items():
        if prefix and not list(PROFILES.glob(prefix + '*')):
            raise Wrong('no sample for %s' % reader)


def samples():
    return sorted(p for p in PROFILES.iterdir() if p.is_file() and p.suffix not in ('.py', '.md') and not p.name.startswith('.'))


def run(number, title, work, program):
    with tempfile.TemporaryDirectory(prefix='cprof-matrix-') as scratch:
        try:
            work(Runner(program, pathlib.Path(scratch)))
        except Wrong as wrong:
            return 'not ok %d - %s\n%s' % (number, title, ''.join('# %s\n' % l for l in str(wrong).splitlines()))
    return 'ok %d - %s\n' % (number, title)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program', type=pathlib.Path)
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('samples', nargs='*')
    args = parser.parse_args()
    chosen = [s for s in samples() if not args.samples or s.name in args.samples]
    tests = [(s.name, lambda r, s=s: try_sample(r, s)) for s in chosen]
    if not args.samples:
        tests += [('a sample for each reader', try_readers), ('a single frame', try_single), ('empty profiles', try_empty),
                  ('addresses', try_symbols), ('dates', try_date)]
    print('1..%d' % len(tests))
    failed = False
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        jobs = [pool.submit(run, n, title, work, args.program.resolve()) for n, (title, work) in enumerate(tests, 1)]
        for job in jobs:
            line = job.result()
            failed |= line.startswith('not')
            print(line, end='', flush=True)
    return failed


if __name__ == '__main__':
    sys.exit(main())
