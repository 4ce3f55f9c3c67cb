#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Small files that ask for the world: each ends in a message, within 10 seconds of processor time and 1 GiB.

A case says with which status the program has to end, and what it has to say on standard error. Memory is the most that
the system counted, mapped files included, and no less than this script had when it started the program. Results are
TAP.

usage: run.py CPROF [--sanitized] [NAME...]
"""
import argparse
import pathlib
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent),
                str(pathlib.Path(__file__).resolve().parents[2] / 'testdata' / 'profiles')]
import images  # noqa: E402
import profiles  # noqa: E402

# The promise is for a machine that does nothing else; a busy one takes its time, processor time as well.
SECONDS, KILOBYTES = 10, 1 << 20
BUSY = 3
# A hang is no slow machine: this is far more than ten seconds of a processor can take.
PATIENCE = 600


class Wrong(Exception):
    pass


class Bench:
    """Where one case puts its files and runs the program."""

    def __init__(self, program, folder, is_sanitized):
        self.program, self.folder, self.is_sanitized = program, folder, is_sanitized
        # Sanitizers take some times the time, and keep what was freed for a while.
        self.seconds = SECONDS * BUSY * (8 if is_sanitized else 1)
        self.kilobytes = KILOBYTES * (5 if is_sanitized else 1)
        self.env = {k: v for k, v in os.environ.items() if k in ('PATH', 'TMPDIR') or k.endswith('SAN_OPTIONS')}
        self.env.update(LC_ALL='C', HOME=str(folder))
        if is_sanitized:
            self.env['ASAN_OPTIONS'] = self.env.get('ASAN_OPTIONS', '')
            # The sanitizer's own limit stands in for the system's, which would count what it keeps beside.
            self.env['ASAN_OPTIONS'] += ':allocator_may_return_null=1:soft_rss_limit_mb=%d' % (2 * KILOBYTES >> 10)

    def keep(self, name, *parts):
        """Parts are bytes, or yield them: what is never here at once is not counted as the program's memory either."""
        path = self.folder / name
        with open(path, 'wb') as file:
            for part in parts:
                for piece in [part] if isinstance(part, bytes) else part:
                    file.write(piece)
        return path

    def refused(self, pattern, *args, **more):
        self.run(1, pattern, *args, **more)

    def starved(self, *args, **more):
        """Ends for want of memory. Under a sanitizer there is no limit to try: it would take what it asks for."""
        if not self.is_sanitized:
            self.run(1, 'out of memory.*--max-memory', *args, **more)

    def refused_in_time(self, pattern, *args):
        """Where each search to the left costs a sanitizer a look at all that lies there, it would take hours."""
        if not self.is_sanitized:
            self.run(1, pattern, *args)

    def shown(self, pattern, *args, **more):
        self.run(0, pattern, *args, **more)

    def run(self, status, pattern, *args, feed=None):
        """`feed` yields pieces of standard input as long as somebody reads them."""
        with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as shown:
            process = subprocess.Popen([self.program, *map(str, args)], cwd=self.folder, env=self.env, stdout=shown,
                                       stdin=subprocess.PIPE if feed else subprocess.DEVNULL, stderr=told)
            alarm = threading.Timer(PATIENCE, process.kill)
            alarm.start()
            if feed:
                self.pour(process.stdin, feed)
            _, how, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(how)
            alarm.cancel()
            told.seek(0)
            text = told.read(1 << 16).decode('utf-8', 'replace')
        self.judge(process.returncode, status, pattern, text, used)

    @staticmethod
    def pour(pipe, feed):
        try:
            for piece in feed:
                pipe.write(piece)
            pipe.close()
        except BrokenPipeError:
            try:
                pipe.close()
            except BrokenPipeError:
                pass

    def judge(self, code, status, pattern, text, used):
        seconds = used.ru_utime + used.ru_stime
        facts = '%.1f s, %d MB' % (seconds, used.ru_maxrss >> 10)
        print('#   %s: status %d: %s' % (facts, code, (text.splitlines() or ['says nothing'])[-1][:150]), flush=True)
        if code != status:
            raise Wrong('status %d, not %s: %s' % (code, status, text[-600:]))
        if not re.search(pattern, text):
            raise Wrong('says nothing like "%s": %s' % (pattern, text[-600:]))
        if 'Did not specify profile' in text and not pattern.startswith('Did not'):
            raise Wrong('was not taken for a profile, so nothing was tried')
        if re.search(r'ERROR: .*Sanitizer|runtime error|Assertion', text):
            raise Wrong(text[-600:])
        if seconds > self.seconds or used.ru_maxrss > self.kilobytes:
            raise Wrong('took %s' % facts)


def main():
    words = argparse.ArgumentParser()
    words.add_argument('program', type=pathlib.Path)
    words.add_argument('--sanitized', action='store_true')
    words.add_argument('names', nargs='*')
    asked = words.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cases = [case for case in profiles.CASES + images.CASES if not asked.names or case.__name__ in asked.names]
    print('1..%d' % len(cases))
    failed = 0
    for number, case in enumerate(cases, 1):
        title = '%s: %s' % (case.__name__, case.__doc__.rstrip('.'))
        with tempfile.TemporaryDirectory(prefix='cprof-bombs-') as folder:
            try:
                case(Bench(asked.program.resolve(), pathlib.Path(folder), asked.sanitized))
                print('ok %d - %s' % (number, title), flush=True)
            except Wrong as wrong:
                failed += 1
                print('not ok %d - %s\n# %s' % (number, title, str(wrong).replace('\n', '\n# ')), flush=True)
    return failed != 0


sys.exit(main())
