#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run the examples of a man page, so that it cannot lie.

An example is a block that follows a comment saying which case, or which sample profile, lends its files, and
under which names:

    ; case heap-base: a.heap is late.heap, b.heap is early.heap
    ; sample heap.heap: heap.heap is server.heap

Its first line is the command, after "$ "; the others are what the command must print. Results are TAP.

usage: manual.py CPROF PAGE.scd
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / 'cases'))
import run as cases  # noqa: E402 (the path comes first)

SAMPLES = pathlib.Path(__file__).resolve().parents[1] / 'testdata' / 'profiles'
EXAMPLE = re.compile(r'^; (case|sample) (\S+): (.+)\n\n```\n\$ (.*)\n((?:.*\n)*?)```$', re.MULTILINE)
MARKS = re.compile(r'\\\*[\w\\./=-]+\\\*')
LENT = re.compile(r'(\S+) is (\S+?)(?:, |$)')


def try_example(program, kind, lender, lent, command, wanted):
    """Returns what is wrong with an example, or ''."""
    if not ((SAMPLES / lender).is_file() if kind == 'sample' else lender in cases.cases()):
        return 'no %s is called %s\n' % (kind, lender)
    with tempfile.TemporaryDirectory(prefix='cprof-manual-') as scratch:
        folder = pathlib.Path(scratch) / lender.replace('.', '-')
        if kind == 'sample':
            folder.mkdir()
            cases.shutil.copy(SAMPLES / lender, folder)
        else:
            cases.shutil.copytree(cases.HERE / lender, folder)
        env = cases.environment(program, scratch)
        wrong = cases.prepare(folder, env)
        if wrong:
            return wrong
        for name, shown in LENT.findall(lent):
            os.rename(folder / name, folder / shown)
        done = subprocess.run(['sh', '-c', 'cprof() { "$CPROF" "$@"; }\n' + command], cwd=folder, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        wrong = cases.compare('standard output', wanted.encode(), done.stdout)
        if done.returncode:
            wrong += 'exit status %d: %s\n' % (done.returncode, done.stderr.decode('utf-8', 'replace'))
        return wrong


def main():
    program, page = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).read_text()
    examples = EXAMPLE.findall(page)
    shown = len(re.findall(r'^\$ ', page, re.MULTILINE))
    print('1..%d' % (len(examples) + 2))
    failed = len(examples) != shown or not shown
    print('%s 1 - each example says where its files are from' % ('not ok' if failed else 'ok'))
    marks = MARKS.findall(page)
    failed |= bool(marks)
    print('%s 2 - what the option table makes bold is bold %s' % ('not ok' if marks else 'ok', ' '.join(marks)))
    for number, (kind, lender, lent, command, wanted) in enumerate(examples, 3):
        wrong = try_example(program, kind, lender, lent, command, wanted)
        failed |= bool(wrong)
        print('%s %d - %s' % ('not ok' if wrong else 'ok', number, command))
        print(''.join('# %s\n' % line for line in wrong.splitlines()), end='')
    return failed


if __name__ == '__main__':
    sys.exit(main())
