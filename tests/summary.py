#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Add up what a run of `meson test` found: every single check of TAP tests, not just every program.

A program that died, or failed after its last check, counts as one more failure. What failed is shown with
the remarks that tests make on it. A run that ended with a STATUS other than 0 without a word of what failed
(somebody stopped it, and the log is cut short) is a failure too.

usage: summary.py testlog.json STATUS
"""
import json
import re
import sys


def count(test):
    results = re.findall(r'^(not )?ok\b', test.get('stdout', ''), re.MULTILINE)
    failed = sum(1 for r in results if r)
    if test['result'] not in ('OK', 'EXPECTEDFAIL') and not failed:
        failed = 1
    return (len(results) - failed if results else test['result'] == 'OK'), failed


def failures(test):
    """The lines of failed checks, each with the remarks below it."""
    shown = False
    for line in test.get('stdout', '').splitlines():
        if not line.startswith('#'):
            shown = line.startswith('not ok')
        if shown:
            yield line


def main():
    passed = failed = 0
    with open(sys.argv[1]) as log:
        for line in log:
            test = json.loads(line)
            p, f = count(test)
            passed += p
            failed += f
            if f:
                print('\n'.join(['%s:' % test['name'], *failures(test)]))
    status = int(sys.argv[2])
    if status and not failed:
        print('the run ended with status %d before all tests had a result' % status)
        failed = 1
    print('%d passed, %d failed' % (passed, failed))
    return failed > 0 or passed == 0


if __name__ == '__main__':
    sys.exit(main())
