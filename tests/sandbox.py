#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The process that reads, seen from outside: what it gave up, and what becomes of it and its files when somebody dies.

What the sandbox refuses is tested in tests/unit/base_sandbox_test.c. Results are TAP.

usage: sandbox.py CPROF [--without-sandbox]
"""
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROFILES = HERE.parent / 'testdata' / 'profiles'
PROGRAM, HAS_SANDBOX = pathlib.Path(sys.argv[1]).resolve(), '--without-sandbox' not in sys.argv[2:]
PATIENCE = 60
TESTS = []


class Wrong(Exception):
    pass


def test(fn):
    TESTS.append(fn)
    return fn


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def wait_until(question, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.01)
    raise Wrong('waited in vain for %s' % what)


def children(pid):
    return [int(word) for word in pathlib.Path('/proc/%d/task/%d/children' % (pid, pid)).read_text().split()]


def status_of(pid):
    return dict(line.split(':\t', 1) for line in pathlib.Path('/proc/%d/status' % pid).read_text().splitlines())


def is_sleeping_in_read(pid):
    return status_of(pid)['State'].startswith('S')


class Run:
    """cprof, started in a folder of its own, its standard input a pipe. `by`: what starts it."""

    def __init__(self, folder, *args, by=(), **env):
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if k in ('PATH',) or k.endswith('SAN_OPTIONS')}
        self.told = open(os.path.join(folder, 'told'), 'w+', encoding='utf-8')
        self.process = subprocess.Popen([*by, PROGRAM, *map(str, args)], cwd=folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.told,
                                        env={**kept, 'LC_ALL': 'C', 'HOME': folder, **env})

    def worker(self):
        """The process that reads, once it waits for its input."""
        pid = wait_until(lambda: children(self.process.pid), 'the process that reads')[0]
        wait_until(lambda: is_sleeping_in_read(pid), 'its rest')
        return pid

    def say(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self, text=b''):
        shown, _ = self.process.communicate(text, timeout=PATIENCE)
        self.told.seek(0)
        return self.process.returncode, shown, self.told.read()


def filters(run, worker):
    return status_of(run.process.pid)['Seccomp'].strip(), status_of(worker)['Seccomp'].strip()


@test
def reading_is_shut_in(folder):
    """Without a word said, reports are written by a process with a filter; the one beside it has none."""
    run = Run(folder, '--text', '-')
    worker = run.worker()
    expect(filters(run, worker) == ('0', '2' if HAS_SANDBOX else '0'), 'filters: %s' % (filters(run, worker),))
    if HAS_SANDBOX:
        wait_until(lambda: status_of(worker)['NoNewPrivs'].strip() == '1', 'no new rights')
    status, shown, _ = run.end(b'main;leaf 3\n')
    expect(status == 0 and b'Total: 3 samples' in shown, 'status %d' % status)


@test
def no_home_is_made(folder):
    """The cache folder is made beforehand, for the one that reads cannot; but nobody's home is."""
    home = os.path.join(folder, 'nobody')
    for wanted in (False, True):
        if wanted:
            os.mkdir(home)
        run = Run(folder, '--text', '-', HOME=home)
        expect(run.end(b'main;leaf 3\n')[0] == 0, 'status')
        is_made = os.path.isdir(os.path.join(home, '.cache', 'cprof'))
        expect(is_made == (wanted and HAS_SANDBOX), 'the cache folder')


@test
def servers_are_asked_from_inside(folder):
    """What strangers' servers send is read in the sandbox, too; one that does not answer shows it."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        run = Run(folder, '--text', 'http://127.0.0.1:%d/pprof/heap' % server.getsockname()[1])
        asking, _ = server.accept()
        worker = children(run.process.pid)[0]
        expect(filters(run, worker) == ('0', '2' if HAS_SANDBOX else '0'), 'filters: %s' % (filters(run, worker),))
        asking.close()
        expect(run.end()[0] == 1, 'status')


@test
def not_where_it_is_unwanted(folder):
    """--no-sandbox, and the variable."""
    for args, env in ((['--no-sandbox'], {}), ([], {'CPROF_NO_SANDBOX': '1'})):
        run = Run(folder, *args, '--text', '-', **env)
        expect(filters(run, run.worker()) == ('0', '0'), 'a filter')
        expect(run.end(b'main;leaf 3\n')[0] == 0, 'status')


@test
def the_prompt_is_outside(folder):
    """The prompt starts programs and writes files; what holds the profile has a filter."""
    run = Run(folder, '--interactive', PROFILES / 'collapsed.txt')
    worker = run.worker()
    expect(filters(run, worker) == ('0', '2' if HAS_SANDBOX else '0'), 'filters')
    status, shown, _ = run.end(b'top1 | wc -l\ntop > file\n')
    expect(status == 0 and shown.strip() == b'2', 'status %d: %s' % (status, shown))
    expect('Total: 18' in pathlib.Path(folder, 'file').read_text(encoding='utf-8'), 'the file')


@test
def the_prompt_survives_a_dead_report_but_not_its_reader(folder):
    """Where the process that holds the profile dies, the prompt says so and ends."""
    run = Run(folder, '--interactive', PROFILES / 'collapsed.txt')
    wait_until(lambda: 'Welcome' in pathlib.Path(folder, 'told').read_text(encoding='utf-8'), 'a prompt')
    os.kill(run.worker(), signal.SIGKILL)
    status, _, told = run.end(b'top\ntop\n')
    expect(status == 1 and told.count('ended by signal 9') == 1, 'status %d: %s' % (status, told))


@test
def a_dead_reader_leaves_no_file(folder):
    """What was to be written is not there, in part or under another name."""
    run = Run(folder, '-o', 'report.txt', '-')
    os.kill(run.worker(), signal.SIGKILL)
    status, _, told = run.end()
    expect(status == 1 and 'ended by signal 9' in told, 'status %d: %s' % (status, told))
    expect(sorted(os.listdir(folder)) == ['told'] or set(os.listdir(folder)) == {'told', '.cache'},
           'left: %s' % os.listdir(folder))


@test
def nobody_reads_alone(folder):
    """Whoever ends the program ends what it started, and takes away what it began."""
    run = Run(folder, '-o', 'report.txt', '-')
    worker = run.worker()
    run.process.terminate()
    status, _, _ = run.end()
    expect(status == 1, 'status %d' % status)
    wait_until(lambda: not os.path.exists('/proc/%d' % worker) or status_of(worker)['State'].startswith('Z'), 'its end')
    expect(not [name for name in os.listdir(folder) if name not in ('told', '.cache')], 'left: %s' % os.listdir(folder))


def without(what):
    return sys.executable, HERE / 'without.py', what


def make_program(folder):
    """A program with so much debug information that what is found there is kept, and a profile of it."""
    source, path, filler = (pathlib.Path(folder, name) for name in ('prog.c', 'prog', 'filler'))
    source.write_text('int main(void)\n{\n    return 0;\n}\n', encoding='utf-8')
    filler.write_bytes(bytes(1 << 20))
    subprocess.run(['gcc', '-g', '-no-pie', '-Wl,--build-id', '-o', path, source], check=True)
    subprocess.run(['objcopy', '--add-section=.debug_filler=%s' % filler, path], check=True)
    symbols = subprocess.run(['nm', path], stdout=subprocess.PIPE, check=True).stdout.decode()
    place = next(int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(' T main'))
    profile = pathlib.Path(folder, 'prof')
    profile.write_bytes(struct.pack('<11Q', 0, 3, 0, 10000, 0, 5, 1, place, 0, 1, 0))
    return path, profile


def lose_places(path):
    """Of the program's lines, so that nobody sees it from outside."""
    before, shown = path.stat(), subprocess.run(['readelf', '-SW', path], stdout=subprocess.PIPE, check=True).stdout.decode()
    row = next(line.replace('[ ', '[').split() for line in shown.splitlines() if ' .debug_line ' in line)
    with open(path, 'r+b') as file:
        file.seek(int(row[4], 16))
        file.write(bytes(int(row[5], 16)))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@test
def the_cache_without_landlock(folder):
    """Where nobody keeps it to the cache folder, the process that reads takes what is kept there and keeps nothing."""
    if not HAS_SANDBOX:
        return
    path, profile = make_program(folder)
    kept = pathlib.Path(folder, '.cache', 'cprof')

    def ask(*by):
        status, shown, told = Run(folder, '--text', '--lines', path, profile, by=by).end()
        expect(status == 0, 'status %d: %s' % (status, told))
        return b'prog.c:2' in shown, len(list(kept.iterdir()))

    for by, wanted in ((without('landlock'), (True, 0)), ((), (True, 1))):
        expect(ask(*by) == wanted, '%s: %s' % (by, ask(*by)))
    lose_places(path)
    expect(ask(*without('landlock')) == (True, 1), 'what was kept is not used')
    for file in kept.iterdir():
        file.unlink()
    expect(ask(*without('landlock')) == (False, 0), 'the places were not lost')


@test
def it_is_told_where_there_are_no_filters(folder):
    """Files are read all the same, and a line says what is missing."""
    status, shown, told = Run(folder, '--text', PROFILES / 'collapsed.txt', by=without('filters')).end()
    expect(status == 0 and b'Total: 18' in shown, 'status %d: %s' % (status, told))
    expect(('There is no sandbox here: ' in told) == HAS_SANDBOX, told)


@test
def children_that_nobody_waits_for(folder):
    """Who starts the program may have said that ended processes are of no interest: ours is."""
    status, shown, told = Run(folder, '--text', PROFILES / 'collapsed.txt',
                              by=('env', '--ignore-signal=CHLD')).end()
    expect(status == 0 and b'Total: 18' in shown, 'status %d: %s' % (status, told))


@test
def out_of_memory_leaves_no_file(folder):
    """The limit on memory is the reading process's, and the other one tidies up."""
    if not HAS_SANDBOX:
        return
    path = pathlib.Path(folder, 'input')
    with open(path, 'wb') as file:
        for i in range(400000):
            file.write(b'a_function_%d;of_%d 1\n' % (i, i))
    status, _, told = Run(folder, '--max-memory=30', '--text', '-o', 'report.txt', path).end()
    expect(status == 1 and '--max-memory' in told, 'status %d: %s' % (status, told))
    expect(not [name for name in os.listdir(folder) if name not in ('told', '.cache', 'input')], 'left: %s' % os.listdir(folder))


def main():
    print('1..%d' % len(TESTS))
    failed = 0
    for number, fn in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                fn(folder)
                print('ok %d - %s' % (number, fn.__doc__.rstrip('.')), flush=True)
            except Wrong as wrong:
                failed += 1
                print('not ok %d - %s\n# %s' % (number, fn.__doc__.rstrip('.'), str(wrong).replace('\n', '\n# ')), flush=True)
    return failed != 0


sys.exit(main())
