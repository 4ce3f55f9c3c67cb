#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run the cases: a command line, its inputs and what must come out, one folder each (README.md has the files).

Each case runs in a fresh copy of its folder, so cases neither see nor disturb each other. Results come in
the order of names whatever the number of jobs.

usage: run.py [--program CPROF] [--tap] [--list] [--jobs N] [NAME or PATTERN ...]
"""
import argparse
import concurrent.futures
import difflib
import fnmatch
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import mkcpu

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = HERE / 'programs'
HANG_SECONDS = 300
DIFF_LINES = 60


def cases():
    return sorted(p.parent.name for p in HERE.glob('*/cmd'))


def environment(program, home):
    kept = {k: v for k, v in os.environ.items()
            if k in ('PATH', 'TMPDIR') or k.endswith('SAN_OPTIONS')}
    # Every report of every case proves that it accounts for its whole profile.
    return {**kept, 'CPROF_SELFCHECK': '1', 'HOME': str(home), 'LC_ALL': 'C', 'CPROF': str(program), 'PROGRAMS': str(PROGRAMS)}


def prepare(folder, env):
    """Makes what the command needs; returns what went wrong, or ''."""
    for text in sorted(folder.glob('*.cpu.txt')):
        with open(text) as lines:
            binary = mkcpu.assemble(lines)
        (folder / (text.name[:-len('.cpu.txt')] + '.prof')).write_bytes(binary)
    if not (folder / 'build.sh').exists():
        return ''
    made = subprocess.run(['sh', './build.sh'], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return '' if made.returncode == 0 else 'build.sh failed:\n' + made.stdout.decode('utf-8', 'replace')


def compare(what, wanted, got):
    if wanted == got:
        return ''
    lines = [side.decode('utf-8', 'backslashreplace').splitlines() for side in (wanted, got)]
    diff = list(difflib.unified_diff(*lines, 'wanted ' + what, 'got ' + what, lineterm='', n=2))
    if not diff:
        diff = ['%s differs in line ends only' % what]
    return '\n'.join(diff[:DIFF_LINES]) + '\n'


def first_of(folder, *names):
    return next((folder / name for name in names if (folder / name).exists()), None)


def run(name, program):
    """Runs one case; returns what is wrong with it, or ''."""
    with tempfile.TemporaryDirectory(prefix='cprof-case-') as scratch:
        folder = pathlib.Path(scratch) / name
        shutil.copytree(HERE / name, folder)
        env = environment(program, scratch)
        wrong = prepare(folder, env)
        if wrong:
            return wrong
        try:
            done = subprocess.run(['sh', './cmd'], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=HANG_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return 'does not end\n'
        wanted = first_of(folder, 'want', 'stdout')
        wrong = compare('standard output', wanted.read_bytes() if wanted else b'', done.stdout)
        status = first_of(folder, 'rc.want', 'rc')
        wanted_rc = int(status.read_text()) if status else 0
        if done.returncode != wanted_rc:
            wrong += 'exit status %d, wanted %d\n' % (done.returncode, wanted_rc)
        told = folder / 'stderr.want'
        if told.exists():
            wrong += compare('standard error', told.read_bytes(), done.stderr)
        elif wrong and done.stderr:
            wrong += 'on standard error:\n' + done.stderr.decode('utf-8', 'replace')
        return wrong


def chosen(patterns):
    known = cases()
    for pattern in patterns:
        if not fnmatch.filter(known, pattern):
            sys.exit('run.py: no case is called %s' % pattern)
    return [c for c in known if not patterns or any(fnmatch.fnmatch(c, p) for p in patterns)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--program', default=HERE.parents[1] / 'build/src/cli/cprof', type=pathlib.Path)
    parser.add_argument('--tap', action='store_true', help='results as TAP, for meson')
    parser.add_argument('--list', action='store_true', help='only name the cases')
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('names', nargs='*', help='cases or patterns; all without')
    args = parser.parse_args()
    names = chosen(args.names)
    if args.list:
        print('\n'.join(names))
        return 0
    program = args.program.resolve()
    if not os.access(program, os.X_OK):
        sys.exit('run.py: %s: no such program' % program)
    if args.tap:
        print('1..%d' % len(names))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = pool.map(lambda name: run(name, program), names)
        for number, (name, wrong) in enumerate(zip(names, results), 1):
            failed += bool(wrong)
            if args.tap:
                print('%s %d - %s' % ('not ok' if wrong else 'ok', number, name))
                print(''.join('# %s\n' % line for line in wrong.splitlines()), end='', flush=True)
            elif wrong:
                print('FAIL %s\n%s' % (name, wrong), flush=True)
    if not args.tap:
        print('%d cases, %d failed' % (len(names), failed))
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
