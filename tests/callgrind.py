#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Read what --callgrind writes with valgrind's own reader.

callgrind_annotate must take both forms without a complaint, and find the total of --text and the costs of its
functions. Results are TAP.

usage: callgrind.py CPROF CALLGRIND_ANNOTATE
"""
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'testdata' / 'profiles'))
import make  # noqa: E402
import matrix  # noqa: E402

NEEDED = ('fl=', 'fi=', 'fe=', 'ob=', 'fn=', 'cob=', 'cfi=', 'cfn=')
NEGATIVE = {'cpu-64-little.prof', 'heap.heap', 'contention.txt', 'proto-heap.pb.gz'}  # less than nothing, too
ODD_NAMES = ['(3)', '(1', '', ' ', '7 8', '+1', '-1', '*', 'fn=(1) x', 'a\nfn=(1) y', 'b\r\n7 8', 'calls=1 2', '#', 'é',
             '\x1b[31m', 'f(int)::{lambda()#1}', 'q"\'\\`$(id)', 'T<' * 2000]


def annotate(reader, path, *options, event=None):
    """The total, and the own costs by function, of an event, by default the first."""
    event = event or re.search(r'^events: (\S+)', path.read_text(errors='replace'), re.MULTILINE)[1]
    done = subprocess.run([reader, '--threshold=100', '--auto=no', '--show-percs=no', '--show=' + event, *options, path],
                          capture_output=True, check=False, env={'PATH': '/usr/bin:/bin', 'LC_ALL': 'C'})
    if done.returncode or done.stderr:
        raise matrix.Wrong('%s: status %d: %s' % (path.name, done.returncode, done.stderr.decode()[:500]))
    total = re.search(rb'^ *(-?[\d,]+) +PROGRAM TOTALS', done.stdout, re.MULTILINE)
    functions = re.findall(rb'^ *(-?[\d,]+)  (\S.*)$', done.stdout[total.end():] if total else b'', re.MULTILINE)
    number = lambda text: float(text.replace(b',', b''))  # noqa: E731
    return number(total[1]) if total else 0.0, [(number(value), name) for value, name in functions]


def check(runner, reader, name, options):
    text = runner.answer('--text', '--show_bytes', *options)
    wanted = matrix.text_total(text) * (1e9 if matrix.is_contention(text) else 1)
    slack = 16 + (1e6 if matrix.is_contention(text) else 0)
    plain = runner.answer('--callgrind', *options)
    full = runner.answer('--callgrind', '--events=all', *options)
    for form, out, event in (('plain', plain, None), ('full', full, shown_event(full, plain))):
        path = runner.keep('%s.%s' % (name, form), out)
        total, _ = annotate(reader, path, *['--inclusive=no', '--tree=both'][:2 if form == 'full' else 0], event=event)
        if not matrix.near(wanted, total, slack):
            raise matrix.Wrong('%s, %s: total %g, of text %g' % (name, form, total, wanted))


def shown_event(full, plain):
    """The name of the event that the plain form has: the one with its total."""
    names = re.search(r'^events: (.*)$', full.decode(), re.MULTILINE)[1].split()
    sums = re.search(r'^summary: (.*)$', full.decode(), re.MULTILINE)[1].split()
    total = matrix.callgrind_total(plain)
    return next((n for n, s in zip(names, sums) if abs(float(s) - total) <= 16), names[0])


def try_sample(runner, reader, sample):
    check(runner, reader, sample.name, [sample])
    if sample.name not in NEGATIVE:
        return
    double = runner.keep('double-' + sample.name, runner.once('--proto', sample, sample)[1])
    check(runner, reader, 'negative-' + sample.name, ['--base=%s' % double, sample])


def try_inlined(runner, reader):
    """What is inlined is a cost of the physical function, in the file it came from."""
    p = make.Proto([('samples', 'count')])
    p.mapping(0x400000, 0x500000, '/srv/server')
    main = p.location(0x401000, ('main', 'main.c', 40))
    leaf = p.location(0x402000, ('min', 'min.h', 7), ('leaf', 'leaf.c', 20))
    call = p.location(0x402010, ('leaf', 'leaf.c', 21))
    inlined_call = p.location(0x402020, ('walk', 'walk.h', 8), ('leaf', 'leaf.c', 22))
    other = p.location(0x403000, ('other', 'other.c', 50))
    for stack, value in (([leaf, main], 7), ([other, call, main], 5), ([other, inlined_call, main], 3), ([main], 1)):
        p.sample(stack, [value])
    path = runner.keep('inlined', runner.answer('--callgrind', '--events=all', runner.keep('in.pb.gz', p.packed())))
    wanted = [(1, b'main.c:main'), (7, b'min.h:leaf'), (8, b'other.c:other')]
    got = sorted((value, name.split(b' [')[0]) for value, name in annotate(reader, path)[1])
    if [g for g in got if g[0]] != wanted:
        raise matrix.Wrong('functions: %s' % got)
    inclusive = {name.split(b' [')[0]: value for value, name in annotate(reader, path, '--inclusive=yes')[1]}
    if (inclusive.get(b'main.c:main'), inclusive.get(b'leaf.c:leaf')) != (16, 15):
        raise matrix.Wrong('inclusive: %s' % inclusive)
    lines = path.read_text().splitlines()
    for key in NEEDED:
        if not any(line.startswith(key) for line in lines):
            raise matrix.Wrong('no line begins with ' + key)
    names = {line.rpartition(' ')[2] for line in lines if 'fn=' in line and ' ' in line}
    if names != {'main', 'leaf', 'other'}:
        raise matrix.Wrong('functions: %s' % names)


def try_recursion(runner, reader):
    """A function that calls itself does not cost more than there is."""
    sample = runner.keep('recursion.txt', b'main;fib;fib;fib;fib 9\nmain;fib;fib 3\nmain 1\n')
    path = runner.keep('recursion', runner.answer('--callgrind', '--events=all', sample))
    calls = re.findall(r'^calls=(\d+) ', path.read_text(), re.MULTILINE)
    if sorted(calls) != ['12', '12']:
        raise matrix.Wrong('calls: %s' % calls)
    if annotate(reader, path)[0] != 13:
        raise matrix.Wrong('total: %g' % annotate(reader, path)[0])


def try_names(runner, reader):
    """Names that look like the format's own words are names."""
    p = make.Proto([('samples', 'count')])
    p.mapping(0x400000, 0x500000, '/srv/a\nfl=b')
    for i, name in enumerate(ODD_NAMES):
        p.sample([p.location(0x401000 + 16 * i, ('in' + name, name + '.h', 1), (name, name, 2)),
                  p.location(0x402000 + 16 * i, ('main', 'main.c', 3))], [i + 1])
    check(runner, reader, 'names', [runner.keep('names.pb.gz', p.packed())])


def try_columns(runner, _):
    sample = matrix.PROFILES / 'heap.heap'
    wrong = subprocess.run([runner.program, '--callgrind', '--events=nothing', sample], capture_output=True, check=False)
    if wrong.returncode != 1 or b'--events=nothing: the profile has no such column, but: inuse_objects, ' not in wrong.stderr:
        raise matrix.Wrong('--events=nothing: %d %s' % (wrong.returncode, wrong.stderr))
    out = runner.answer('--callgrind', '--events=alloc_space', sample)
    if b'\nevents: alloc_space\nsummary: 8390656\n' not in out:
        raise matrix.Wrong('--events=alloc_space: %s' % out[:300])
    out = runner.answer('--callgrind', '--events=all', sample)
    if b'\nevents: inuse_objects inuse_space alloc_objects alloc_space\nsummary: 7 3146752 21 8390656\n' not in out:
        raise matrix.Wrong('--events=all: %s' % out[:300])
    p = make.Proto([('a b', 'count'), ('a:b', 'bytes'), ('', ''), ('9', 'x\ny'), ('samples', 'count')])
    p.sample([p.location(1, ('f', '', 0))], [1, 2, 3, 4, 5])
    out = runner.answer('--callgrind', '--events=all', runner.keep('columns.pb.gz', p.packed()))
    if b'\nevents: a_b a_b_2 samples _9 samples_5\nsummary: 1 2 3 4 5\n' not in out:
        raise matrix.Wrong('odd columns: %s' % out)


def main():
    program, reader = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    tests = [(s.name, lambda r, s=s: try_sample(r, reader, s)) for s in matrix.samples()]
    tests += [(f.__name__[4:], lambda r, f=f: f(r, reader))
              for f in (try_inlined, try_recursion, try_names, try_columns)]
    print('1..%d' % len(tests))
    lines = [matrix.run(n, title, work, program) for n, (title, work) in enumerate(tests, 1)]
    print(''.join(lines), end='')
    return any(line.startswith('not') for line in lines)


if __name__ == '__main__':
    sys.exit(main())
