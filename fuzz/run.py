#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run fuzz targets for so long, some at a time, and add up what they did.

A target that found something is started again for what is left of its time, with what it knows by then. What
counts as a finding: a crash, a check of a target or a sanitizer that fails, an input that takes more than 10 seconds,
and more than 2 GiB of memory (the 1 GiB that a run may have, and the sanitizers' own). The inputs, and what was
said of each, are left in the folder of findings. The exit status is 1 if there are any.

usage: run.py [--jobs N] [--findings FOLDER] --seconds N BUILD SEEDS CORPUS TARGET...
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time

SECONDS_OF_AN_INPUT = 10
MEGABYTES = 2048
FINDINGS_OF_A_TARGET = 10
INTERRUPTED = 72  # libFuzzer's exit status where somebody stopped it


class Target:
    def __init__(self, name):
        self.name = name
        self.runs = self.covered = self.findings = 0

    def take(self, log):
        """What libFuzzer says at the end, and on its way."""
        for runs in re.findall(r'^stat::number_of_executed_units:\s*(\d+)', log, re.MULTILINE):
            self.runs += int(runs)
        for covered in re.findall(r'\bcov: (\d+)', log):
            self.covered = max(self.covered, int(covered))

    def run(self, options, seconds):
        corpus = os.path.join(options.corpus, self.name)
        os.makedirs(corpus, exist_ok=True)
        end = time.monotonic() + seconds
        while self.findings < FINDINGS_OF_A_TARGET and (left := int(end - time.monotonic())) > 0:
            done = subprocess.run([
                os.path.join(options.build, self.name + '_fuzz'),
                '-max_total_time=%d' % left, '-timeout=%d' % SECONDS_OF_AN_INPUT, '-rss_limit_mb=%d' % MEGABYTES,
                '-print_final_stats=1', '-artifact_prefix=%s/%s-' % (options.findings, self.name),
                corpus, os.path.join(options.seeds, self.name),
            ], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            log = done.stderr.decode(errors='replace')
            self.take(log)
            if done.returncode in (0, INTERRUPTED):
                break
            self.findings += 1
            path = os.path.join(options.findings, '%s-%d.log' % (self.name, self.findings))
            with open(path, 'w') as out:
                out.write(log)
            reasons = [line for line in log.splitlines() if re.search(r'ERROR: |runtime error: |written to ', line)]
            say('%s found something, see %s\n%s' % (self.name, path, '\n'.join(reasons)))


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[-1][7:])
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--seconds', type=int, required=True, help='for each target')
    parser.add_argument('--findings', required=True)
    for name in 'build', 'seeds', 'corpus':
        parser.add_argument(name)
    parser.add_argument('targets', nargs='+')
    options = parser.parse_args()
    os.makedirs(options.findings, exist_ok=True)
    targets = [Target(name) for name in options.targets]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in [pool.submit(target.run, options, options.seconds) for target in targets]:
            done.result()
    for target in targets:
        say('%-16s %11d runs  %6d edges  %d findings' % (target.name, target.runs, target.covered, target.findings))
    found = sum(target.findings for target in targets)
    say('%d targets, %d runs, %s' % (len(targets), sum(target.runs for target in targets),
                                     '%d findings in %s' % (found, options.findings) if found else 'nothing found'))
    return found > 0


if __name__ == '__main__':
    sys.exit(main())
