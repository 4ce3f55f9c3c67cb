#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run programs under the CPU profiler and hold what it wrote against what they did.

Programs are built here against the library as users would do it, linked or preloaded. Nothing is timed: programs
measure their own CPU time, and profiles have to agree with that. Tests run two at a time, each in a folder and a
process of its own. Results are TAP.

usage: run.py CPROF LIBPROFILER.so LIBPROFILER.a INCLUDE SOURCES CC CXX UNWIND.a BASE.a ALLOCATOR.so [TEST...]
"""
import collections
import fcntl
import functools
import multiprocessing
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

CPROF, SHARED, STATIC, INCLUDE, SOURCES = map(os.path.abspath, sys.argv[1:6])
CC, CXX = sys.argv[6:8]
UNWIND, BASE, ALLOCATOR = map(os.path.abspath, sys.argv[8:11])
SOURCES = pathlib.Path(SOURCES)
PROGRAMS = tempfile.TemporaryDirectory()
LINE = re.compile(r'^PROFILE: interrupts/evictions/bytes = (\d+)/(\d+)/(\d+)$', re.M)


class Wrong(Exception):
    pass


def expect(is_so, *what):
    if not is_so:
        raise Wrong(' '.join(str(w) for w in what))


@functools.cache
def functions_of(program):
    """Address, size and name of each; and whether it is loaded where it says."""
    rows = re.findall(r'^([0-9a-f]+) ([0-9a-f]+) [tTwW] ([^\s.]+)', output(['nm', '-S', '--defined-only', program]), re.M)
    return [(int(low, 16), int(size, 16), name) for low, size, name in rows], 'EXEC (' in output(['readelf', '-h', program])


class Profile:
    """A profile, read strictly: every byte has to be what the format says."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        self.bytes = len(data)
        words = struct.unpack('<%dQ' % (len(data) // 8), data[:len(data) // 8 * 8])
        expect(words[:3] == (0, 3, 0) and words[4] == 0, path, 'header is', words[:5])
        self.period, at, self.records = words[3], 5, []
        while True:
            expect(at + 3 <= len(words), path, 'has no trailer')
            count, depth = words[at:at + 2]
            if count == 0:
                expect(words[at:at + 3] == (0, 1, 0), path, 'trailer is', words[at:at + 3])
                break
            expect(1 <= depth <= 254, path, 'depth', depth)
            self.records.append((count, words[at + 2:at + 2 + depth]))
            at += 2 + depth
        self.binary = 8 * (at + 3)
        maps = data[self.binary:].decode()
        expect(re.match(r'^([0-9a-f]{8,}-[0-9a-f]{8,} [r-][w-][x-][p-] [0-9a-f]{8,} 00:00 \d+ +[^\n]*\n)+$', maps),
               path, 'map is', maps[:400])
        self.maps = maps
        self.total = sum(count for count, _ in self.records)

    def functions(self, program):
        """Samples by function of the program: innermost, and anywhere in the stack."""
        base = next(int(m[1], 16) for m in re.finditer(r'^(\S+)-\S+ \S+ 00000000 .* (\S*)$', self.maps, re.M)
                    if os.path.realpath(m[2]) == os.path.realpath(program))
        table, is_fixed = functions_of(program)
        if is_fixed:
            base = 0

        def name(pc):
            return next((n for low, size, n in table if low <= pc - base < low + size), None)
        own, within = collections.Counter(), collections.Counter()
        for count, pcs in self.records:
            names = [name(pc - (i > 0)) for i, pc in enumerate(pcs)]
            own[names[0]] += count
            for n in set(names):
                within[n] += count
        return own, within


def output(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def build(source, *options, to=None, linked=True, cxx=False):
    """Once for all tests that want it."""
    to = os.path.join(PROGRAMS.name, to or pathlib.Path(source).stem + ('' if linked else '_plain'))
    if not os.path.exists(to):
        folder = os.path.dirname(SHARED)
        library = ['-Wl,--no-as-needed', SHARED, '-Wl,-rpath,' + folder, '-Wl,--as-needed'] if linked is True else linked
        unfinished = '%s.%d' % (to, os.getpid())
        subprocess.run([*(CXX if cxx else CC).split(), '-O2', '-g', '-I' + INCLUDE, '-o', unfinished, str(SOURCES / source),
                        *(library or []), '-pthread', '-ldl', *options], check=True)
        os.rename(unfinished, to)
    return to


class Run:
    def __init__(self, command, status=0, stdin=None, shell_before=None, **variables):
        env = {k: v for k, v in os.environ.items()
               if not re.match(r'(CPU|HEAP)PROFILE|LD_PRELOAD|PERFTOOLS|TCMALLOC|MALLOC_', k)}
        env.update(variables)
        done = subprocess.run(command, env=env, capture_output=True, text=True, stdin=stdin, timeout=600, check=False,
                              preexec_fn=shell_before)
        self.out, self.err, self.status = done.stdout, done.stderr, done.returncode
        expect(status is None or done.returncode == status, command, 'ended with', done.returncode, done.stdout[-500:],
               done.stderr[-1000:])
        self.lines = [tuple(map(int, m)) for m in LINE.findall(self.err)]


def checked(path, run, n=0):
    """The profile, which has to be what the run said of it."""
    profile = Profile(path)
    interrupts, _, size = run.lines[n]
    expect(profile.total == interrupts, path, 'has', profile.total, 'samples, said', interrupts)
    expect(profile.binary == size, path, 'has', profile.binary, 'bytes, said', size)
    return profile


def near(got, wanted, part, slack=0):
    return abs(got - wanted) <= part * wanted + slack


# ---- tests ----------------------------------------------------------------------------------------------------

def depends_on_libc_alone():
    needed = re.findall(r'NEEDED.*\[(.*)\]', output(['readelf', '-d', SHARED]))
    expect(needed == ['libc.so.6'], needed)
    expect('[libprofiler.so.0]' in output(['readelf', '-d', SHARED]), 'soname')


def linked():
    program = build('spin.c')
    run = Run([program, '1'], CPUPROFILE='e.prof')
    expect(run.out == 'CPUPROFILE=e.prof CPUPROFILE_USE_PID=1\n', run.out)
    profile = checked('e.prof', run)
    expect(profile.period == 10000, profile.period)
    expect(near(profile.total, 100, 0.1), profile.total)
    own, within = profile.functions(program)
    expect(own['in_parent'] >= 0.8 * profile.total and within['main'] >= 0.9 * profile.total, own, within)
    text = output([CPROF, '--text', program, 'e.prof'])
    expect(re.search(r'\d+ +[\d.]+% +[\d.]+% +\d+ +[\d.]+% in_parent$', text, re.M), text)
    expect(os.stat('e.prof').st_mode & 0o777 == 0o666 & ~os.umask(0o22), 'mode')


def preloaded():
    run = Run([build('spin.c', linked=False), '0.5'], CPUPROFILE='pre.prof', LD_PRELOAD=SHARED)
    expect(near(checked('pre.prof', run).total, 50, 0.1, 2), run.lines)


def static_archive():
    program = build('spin.c', to='spin_a', linked=[STATIC])
    run = Run([program, '0.5'], CPUPROFILE='a.prof')
    expect(run.lines == [], 'nothing of the library is used, and nothing is linked')
    program = build('threads.c', to='threads_a', linked=[STATIC])
    run = Run([program, 'split', '1'], CPUPROFILE='a.prof', CPUPROFILE_FREQUENCY='1000')
    expect(near(checked('a.prof', run).total, 1000 * float(run.out), 0.08), run.lines, run.out)
    program = build('threads.c', '-static', to='threads_static', linked=[STATIC])
    run = Run([program, 'split', '1'], CPUPROFILE='a.prof', CPUPROFILE_FREQUENCY='1000')
    expect(near(checked('a.prof', run).total, 1000 * float(run.out), 0.08), run.lines, run.out)


def every_call():
    run = Run([build('api.c')])
    expect(run.out == '''sizeof(ProfilerState)=1048 sizeof(ProfilerOptions)=16
idle: enabled=0 start_time_set=0 name='' samples>0=0
start bad path=0 errno=2
start=1
second start=0
other.prof exists=0
size right after start=0
running: enabled=1 start_time_set=1 name='api.prof' samples>0=1
enabled=1
size before flush=0
size grew by flush=1
still enabled=1
stopped: enabled=0 start_time_set=0 name='' samples>0=0
filtered start=1
filter called=1
filter asked=0
stack trace depth>1=1
''', run.out)
    expect(checked('api.prof', run).total > 40, run.lines)
    expect(checked('filtered.prof', run, 1).binary == 64 and run.lines[1] == (0, 0, 64), run.lines)


def toggled_by_a_signal():
    process = subprocess.Popen([build('toggle.c')], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def send(number, *wanted):
        process.send_signal(number)
        for line in wanted:
            got = process.stdout.readline()
            expect(got == line + '\n', 'said', repr(got), 'not', line)
    expect(process.stdout.readline() == 'ready\n', 'not ready')
    for _ in range(2):
        send(signal.SIGUSR1, 'start')
        wait_for_cpu(process.pid, 0.3)
        send(signal.SIGUSR1, 'stop')
    send(signal.SIGUSR1, 'start')  # still open at the end
    wait_for_cpu(process.pid, 0.3)
    send(signal.SIGUSR2, 'bye')
    _, err = process.communicate()
    lines = LINE.findall(err)
    expect(process.returncode == 0 and len(lines) == 3, process.returncode, err)
    for i in range(3):
        profile = Profile('toggle.%d.prof' % (i + 1))
        expect(profile.total == int(lines[i][0]) >= 20, profile.total, lines[i])


def wait_for_cpu(pid, seconds):
    """Until the process has used so much more."""
    def used():
        fields = pathlib.Path('/proc/%d/stat' % pid).read_text().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
    end = used() + seconds
    while used() < end:
        os.sched_yield()


def frequencies():
    program = build('spin.c')
    for asked, period in (('250', 4000), ('1000000', 250), ('250x', 10000), ('-5', 10000), ('0', 10000), ('', 10000),
                          ('7', 142857), ('1', 1000000), ('4001', 250)):
        run = Run([program, '0.1'], CPUPROFILE='f.prof', CPUPROFILE_FREQUENCY=asked)
        expect(checked('f.prof', run).period == period, asked, Profile('f.prof').period)
    for asked in (1000, 4000):
        run = Run([program, '1'], CPUPROFILE='f.prof', CPUPROFILE_FREQUENCY=str(asked))
        expect(near(checked('f.prof', run).total, asked, 0.03), asked, run.lines)


def other_timers():
    program = build('spin.c')
    for variables in ({'CPUPROFILE_REALTIME': ''}, {'CPUPROFILE_PER_THREAD_TIMERS': '1'},
                      {'CPUPROFILE_REALTIME': '1', 'CPUPROFILE_PER_THREAD_TIMERS': '1'},
                      {'CPUPROFILE_TIMER_SIGNAL': '40'}, {'CPUPROFILE_TIMER_SIGNAL': '0x28'}):
        run = Run([program, '0.5'], CPUPROFILE='t.prof', **variables)
        profile = checked('t.prof', run)
        expect(profile.total >= 35, variables, profile.total)  # less where the machine itself waits
        expect('CPUPROFILE_REALTIME' in variables or profile.total <= 53, variables, profile.total)


def no_file():
    program = build('spin.c')
    before = set(os.listdir('.'))
    expect(Run([program, '0.1'], CPUPROFILE='').err == '', 'said something')
    expect(set(os.listdir('.')) == before, 'made a file')
    run = Run([program, '0.1'], status=-signal.SIGABRT, CPUPROFILE='no/such/x.prof')
    expect(run.err == "Can't turn on cpu profiling for 'no/such/x.prof': No such file or directory\n", run.err)
    run = Run([program, '0.1'], status=-signal.SIGABRT, CPUPROFILE='no/such/x', PERFTOOLS_VERBOSE='-5')
    expect(run.err == '', run.err)


def names():
    program = build('spin.c')
    for variables, name in (({'CPUPROFILE_USE_PID': '1'}, r'n\.prof_\d+'),
                            ({'CPUPROFILE_USE_PID': ''}, r'n\.prof_\d+'),
                            ({'CPUPROFILE_USE_PID': '0'}, r'n\.prof'),
                            ({'PMIX_RANK': '3'}, r'n\.prof\.rank-3'),
                            ({'PMI_RANK': '4', 'PMIX_RANK': ''}, r'n\.prof\.rank-4'),
                            ({'SLURM_JOB_ID': '1', 'SLURM_PROCID': '5'}, r'n\.prof\.slurmid-5'),
                            ({'SLURM_JOB_ID': '1'}, r'n\.prof_\d+'), ({'OMPI_HOME': '/'}, r'n\.prof_\d+')):
        Run([program, '0.05'], CPUPROFILE='n.prof', **variables)
        found = [f for f in os.listdir('.') if f.startswith('n.prof')]
        expect(len(found) == 1 and re.fullmatch(name, found[0]), variables, found)
        os.unlink(found[0])
    env = dict(os.environb)  # as a parent with another library leaves it
    env[b'CPUPROFILE'] = b'\xeemarked.prof'
    subprocess.run([program, '0.05'], env=env, check=True, capture_output=True)
    expect([f for f in os.listdir('.') if re.fullmatch(r'nmarked\.prof_\d+', f)], os.listdir('.'))


def forked():
    program = build('spin.c')
    run = Run([program, '0.5', 'fork'], CPUPROFILE='f.prof')
    found = sorted(f for f in os.listdir('.') if f.startswith('f.prof'))
    expect(len(found) == 2 and re.fullmatch(r'f\.prof_\d+', found[1]), found)
    expect(len(run.lines) == 2, run.lines)
    _, parent = checked(found[0], run, 1).functions(program)
    _, child = checked(found[1], run, 0).functions(program)
    expect(parent['in_parent'] >= 40 and parent['in_child'] == 0, parent)
    expect(child['in_child'] >= 40 and child['in_parent'] == 0, child)
    Run([program, '0.3', 'daemon'], CPUPROFILE='d.prof')
    while not [f for f in os.listdir('.') if re.fullmatch(r'd\.prof_\d+', f) and os.path.getsize(f)]:
        os.sched_yield()
    expect(os.path.getsize('d.prof') == 0, 'the parent left by _exit')


def profiles_of(name):
    """The first process's profile, and those of its children that have samples."""
    return Profile(name), [Profile(f) for f in os.listdir('.') if re.fullmatch(re.escape(name) + r'_[\d_]+', f)]


def around_a_loop():
    program = build('blocks.c')
    for preload, blocks in (('', '100000'), (ALLOCATOR, '3000000')):
        run = Run([program, blocks], LD_PRELOAD=preload, CPUPROFILE_FREQUENCY='1000')
        profile = checked('blocks.prof', run)
        _, within = profile.functions(program)
        expect(profile.total > 0 and within['take_and_give'] >= 0.95 * profile.total, within)
        expect(within['before_and_after'] == 0, within)
        # The option: a few samples may all have one caller, which would pass for the frame of a signal.
        text = output([CPROF, '--text', '--cum', '--no-auto-signal-frm', program, 'blocks.prof'])
        expect(re.search(r'^Total: %d samples$' % profile.total, text, re.M), text)
        expect(re.search(r'\d+ +[\d.]+% take_and_give$', text, re.M), text)


def children_that_do_nothing():
    run = Run([build('spin.c'), '0.3', 'vfork'], CPUPROFILE='v.prof')
    expect(len(run.lines) == 1 and checked('v.prof', run).total >= 25, run.err)
    script = 'for ((i = 0; i < 300; i++)); do (:); done; :'
    run = Run(['bash', '-c', script], CPUPROFILE='s.prof', LD_PRELOAD=SHARED)
    checked('s.prof', run, -1)
    run = Run([build('children.c'), 'short', '1000'], CPUPROFILE='c.prof', CPUPROFILE_FREQUENCY='1000')
    checked('c.prof', run, -1)
    parent, children = profiles_of('c.prof')
    expect(parent.total >= 600 and len(children) == len(run.lines) - 1, parent.total, len(children), run.lines)


def children_in_a_storm():
    """Forked by four threads at one time: all of them write a profile of their own, and nothing but their own.

    A tick is the kernel's, which looks at who runs 250 times a second. Of 50 ms of a child it sees some twelve on an
    idle machine, and five on one with six processes for each processor, where a child is put aside between two looks
    most times; all its time goes to where it was seen, and a child that was not seen at all has no profile."""
    program = build('children.c')
    run = Run([program, 'storm', '80'], CPUPROFILE='c.prof', CPUPROFILE_FREQUENCY='1000')
    parent, children = profiles_of('c.prof')
    expect(len(children) == len(run.lines) - 1 and sorted(p.total for p in [parent, *children]) ==
           sorted(line[0] for line in run.lines), len(children), run.lines)
    expect(0.8 * 80 < len(children) <= 80, len(children))
    worked = 0
    for profile in children:
        expect(45 <= profile.total <= 70, profile.total)
        _, within = profile.functions(program)
        expect(within['in_parent'] == 0, within)
        worked += within['in_child']
    expect(worked >= 0.7 * sum(p.total for p in children), worked, 'the rest is copies of pages', len(children))


def children_behind_our_back():
    for what, n in (('spawn', 300), ('clone', 30)):
        program = build('children.c')
        run = Run([program, what, str(n)], CPUPROFILE='%s.prof' % what, CPUPROFILE_FREQUENCY='1000')
        _, within = checked(what + '.prof', run).functions(program)
        expect(len(run.lines) == 1 and within['in_parent'] >= 200 and within['in_child'] == 0, what, run.lines, within)
        expect(profiles_of(what + '.prof')[1] == [], os.listdir('.'))


def executed():
    program = build('spin.c')
    run = Run([program, '0.3', 'exec'], CPUPROFILE='f.prof')
    found = sorted(f for f in os.listdir('.') if f.startswith('f.prof'))
    expect(len(found) == 2 and len(run.lines) == 2, found, run.lines)
    for f in found:
        expect(Profile(f).total >= 25, f)
    run = Run([build('exec.c'), build('spin.c', linked=False)])
    expect(run.out.startswith('start=1\n'), run.out)  # and it was not ended by a timer
    run = Run([program, '0.1', 'exec'], CPUPROFILE='alone.prof', CPUPROFILE_NO_CHILDREN='1')
    expect(len(run.lines) == 1, run.lines)


def switched():
    program = build('spin.c')

    def start(*variables):
        env = dict(os.environ, CPUPROFILE='sw.prof', CPUPROFILESIGNAL='12')
        process = subprocess.Popen([program, '60'], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdout.readline()
        return process
    process = start()
    for i in range(4):
        process.send_signal(12)
        wait_for_cpu(process.pid, 0.2)
    Profile('sw.prof.0')
    Profile('sw.prof.1')
    process.kill()
    _, err = process.communicate()
    expect(err.startswith('Using signal 12 as cpu profiling switch\n') and len(LINE.findall(err)) == 2, err)
    run = Run([program, '0.1'], status=-signal.SIGABRT, CPUPROFILE='x', CPUPROFILESIGNAL='99')
    expect(run.err == 'Signal number 99 is invalid\n', run.err)
    run = Run([program, '0.1'], status=-signal.SIGABRT, CPUPROFILE='x', CPUPROFILESIGNAL='9')
    expect(run.err == 'Signal 9 cannot be used as cpu profiling switch\n', run.err)
    run = Run([program, '0.1'], CPUPROFILE='x', CPUPROFILESIGNAL='12', PERFTOOLS_VERBOSE='-4')
    expect(run.err == '' and not os.path.exists('x.0'), run.err)


def signal_of_the_program():
    run = Run([build('odd.c'), 'taken'])
    expect(run.out == 'start=0 enabled=0\n', run.out)
    expect(run.err == 'Disabling profiler because signal 27 handler is already in use.\n', run.err)
    run = Run([build('odd.c'), 'replaced'])
    expect('profiling signal handler was replaced\n' in run.err and len(run.lines) == 1, run.err)
    run = Run([build('odd.c'), 'shared'], CPUPROFILE='shared.prof', CPUPROFILE_FREQUENCY='1000')
    expect(run.out == 'first=1 none=0 raised=1 timer=1 own=1\nstatus=7\n', run.out)
    expect(near(checked('shared.prof', run).total, 600, 0.2), run.lines)
    # Programs that tidy up when a signal ends them, and programs that reset all signals for those that they start.
    work = 'for i in 1 2 3 4 5; do seq 20000 | sort -n | tail -n 1 && git init -q a$i; done'
    run = Run(['bash', '-c', work], LD_PRELOAD=SHARED, CPUPROFILE='sh.prof', CPUPROFILE_FREQUENCY='4000', HOME='/')
    expect(run.out == '20000\n' * 5 and LINE.sub('', run.err).strip() == '', run.out, run.err)
    run = Run([build('spin.c'), '0.3'], CPUPROFILE='ign.prof',
              shell_before=lambda: signal.signal(signal.SIGPROF, signal.SIG_IGN))
    expect(checked('ign.prof', run).total >= 28, run.lines)


def set_user_id():
    """What names a file or a signal is not for a program that has rights of its own; nor is what makes it fail."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() != 0 or os.statvfs(folder).f_flag & os.ST_NOSUID:
            return  # only root can make such a program for somebody else
        os.chmod(folder, 0o777)
        for library, name in ((SHARED, 'libprofiler.so.0'), (ALLOCATOR, 'libtcmalloc_minimal.so.4')):
            shutil.copy(library, os.path.join(folder, name))
        program = build('secure.c', '-Wl,--no-as-needed', SHARED, ALLOCATOR, '-Wl,-rpath,' + folder,
                        to=os.path.join(folder, 'secure'), linked=None)
        variables = {'CPUPROFILE': 'suid.prof', 'CPUPROFILE_FREQUENCY': '1000', 'TCMALLOC_HEAP_LIMIT_MB': '20'}

        def drop():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

        def run(**more):
            return subprocess.run([program], cwd=folder, preexec_fn=drop, capture_output=True, text=True, check=False,
                                  env={**variables, **more})
        done = run()
        expect(done.stdout == 'secure=0 block=0 handler=0\n' and LINE.search(done.stderr), done)
        expect(run(CPUPROFILESIGNAL='12').stdout == 'secure=0 block=0 handler=1\n')
        expect('suid.prof' in os.listdir(folder), os.listdir(folder))
        os.unlink(os.path.join(folder, 'suid.prof'))
        os.chmod(program, 0o4755)
        for more in ({}, {'CPUPROFILESIGNAL': '12'}, {'CPUPROFILE_TIMER_SIGNAL': '12'}, {'CPUPROFILE_USE_PID': '1'}):
            done = run(**more)
            expect((done.stdout, done.stderr, done.returncode) == ('secure=1 block=1 handler=0\n', '', 0), more, done)
            expect(not [f for f in os.listdir(folder) if 'prof' in f and '.so' not in f], os.listdir(folder))


def killed():
    program = build('spin.c')
    for what in ('kill', '_exit'):
        env = dict(os.environ, CPUPROFILE='k.prof', CPUPROFILE_FLUSH_SECONDS='1')
        if what == 'kill':
            process = subprocess.Popen([program, '60'], env=env, stdout=subprocess.DEVNULL)
            wait_for_cpu(process.pid, 1.5)
            process.kill()
            process.wait()
        else:
            subprocess.run([program, '1.5', '_exit'], env=env, stdout=subprocess.DEVNULL, check=False)
        profile = Profile('k.prof')
        expect(profile.total >= 80, what, profile.total)
        expect(profile.functions(program)[0]['in_parent'] > 70, what)
        os.unlink('k.prof')
    env = dict(os.environ, CPUPROFILE='k.prof', CPUPROFILE_FLUSH_SECONDS='0')
    subprocess.run([program, '1.2', '_exit'], env=env, stdout=subprocess.DEVNULL, check=False)
    expect(os.path.getsize('k.prof') == 0, 'written without being asked')


def functions_by_their_share():
    """A signal says where the thread is, and not where it was since the last one: that much is chance."""
    program = build('threads.c')
    run = Run([program, 'turns', '4'], CPUPROFILE_FREQUENCY='1000')
    own, _ = checked('turns.prof', run).functions(program)
    *used, squares, _ = map(float, run.out.split())
    total = sum(own[n] for n in ('one', 'two', 'three'))
    for name, seconds in zip(('one', 'two', 'three'), used):
        share = seconds / sum(used)
        chance = (share * (1 - share) * squares) ** 0.5 / sum(used)
        expect(abs(own[name] / total - share) < 0.02 + 3 * chance, name, own[name] / total, 'instead of', share, chance)


def rates_and_shares_of_threads():
    """What was asked for, or the highest there is: samples are worth the CPU time, on any mix of threads."""
    program = build('threads.c')
    for asked, *what in ((1000,), (1000, 'blocked'), (4000,), (4000, 'blocked'), (10000,)):
        run = Run([program, 'split', '2', *what], CPUPROFILE='r.prof', CPUPROFILE_FREQUENCY=str(asked))
        profile = checked('r.prof', run)
        expect(profile.period == 1000000 // min(asked, 4000), profile.period)
        got, wanted = profile.total * profile.period / 1e6, float(run.out)
        expect(near(got, wanted, 0.01), asked, what, got, 'seconds instead of', wanted)
        own, within = profile.functions(program)
        total = sum(within[n] for n in ('one', 'two', 'three', 'first'))
        for name, share in (('one', 1 / 8), ('two', 2 / 8), ('three', 3 / 8), ('first', 2 / 8)):
            expect(abs(within[name] / total - share) < 0.02, name, within[name] / total, 'instead of', share)
        expect(within['run_one'] >= own['one'], within)


def short_threads():
    program = build('threads.c')
    run = Run([program, 'many', '1000'], CPUPROFILE='m.prof', CPUPROFILE_FREQUENCY='1000')
    profile = checked('m.prof', run)
    expect(near(profile.total, 1000 * float(run.out), 0.15), profile.total, run.out)


def threads_that_linger():
    """All that a thread does while its keys are destroyed counts, and nothing counts twice."""
    run = Run([build('threads.c'), 'lingers'], CPUPROFILE='l.prof', CPUPROFILE_FREQUENCY='1000')
    total = checked('l.prof', run).total
    expect(near(total, 1000 * float(run.out), 0.03), total, run.out)


def threads_and_switches():
    run = Run([build('threads.c'), 'churn', '1.5'], CPUPROFILE_FREQUENCY='4000')
    expect(len(run.lines) > 5, run.err)
    checked('churn.prof', run, -1)
    run = Run([build('threads.c'), 'exits'], CPUPROFILE='x.prof')
    checked('x.prof', run)


def plugins():
    """Code that was unloaded has its names all the same, and is in the list once."""
    program = build('plugins.c')
    plugin = build('plugin.c', '-shared', '-fPIC', to='plugin.so', linked=None)
    for n, seconds in ((1, '0.3'), (300, '0.001')):
        run = Run([program, plugin, str(n), seconds], CPUPROFILE='p.prof', CPUPROFILE_FREQUENCY='1000')
        profile = checked('p.prof', run)
        expect(len(re.findall(r' r-xp .*/plugin\.so$', profile.maps, re.M)) == 1, profile.maps)
        text = output([CPROF, '--text', '--functions', '--no-auto-signal-frm', program, 'p.prof'])
        m = re.search(r'(\d+) +[\d.]+% in_plugin$', re.sub(r' \(inline\)', '', text), re.M)
        expect(m, text)


def strange_stacks():
    program = build('odd.c')
    for what, name in (('altstack', 'on_alternate'), ('coroutine', 'on_coroutine'), ('smallstack', 'on_small')):
        run = Run([program, what], CPUPROFILE='o.prof', CPUPROFILE_FREQUENCY='1000')
        own, within = checked('o.prof', run).functions(program)
        total = sum(own.values())
        expect(own[name] + 20 > 0.7 * total, what, own)
        if what == 'altstack':
            expect(within['main'] >= 0.9 * total, within)
    for what in ('nullcall', 'nullcall_by_rbx'):
        expect(Run([program, what]).out == 'deep=1\n', 'the caller of a null pointer was not found', what)


def exceptions():
    run = Run([build('stacks.cpp', cxx=True), '1.5'], CPUPROFILE='x.prof', CPUPROFILE_FREQUENCY='4000')
    expect(run.out == 'trace=1\n', run.out)
    profile = checked('x.prof', run)
    expect(near(profile.total, 6000, 0.1), profile.total)
    deep = sum(c for c, pcs in profile.records if len(pcs) > 2)
    expect(deep > 0.97 * profile.total, 'stacks that end at once:', profile.total - deep)


def bad_files():
    program = build('spin.c')
    run = Run([program, '0.2'], CPUPROFILE='/dev/full')
    expect("cpu profile '/dev/full' is incomplete: No space left on device" in run.err and len(run.lines) == 1, run.err)
    run = Run([program, '0.3', 'nofds'], CPUPROFILE='nofds.prof')
    expect(checked('nofds.prof', run).total >= 25, run.lines)
    run = Run([program, '0.3', 'closes'], CPUPROFILE='closes.prof')
    expect('closed its descriptor' in run.err, run.err)
    expect(os.path.getsize('own.txt') == 0, 'wrote into a file of the program')
    with open('pipe.prof', 'wb') as f:
        reader = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=f)
        run = subprocess.run([program, '0.3'], env=dict(os.environ, CPUPROFILE='/proc/self/fd/%d' % reader.stdin.fileno()),
                             pass_fds=[reader.stdin.fileno()], capture_output=True, text=True, check=True)
        reader.stdin.close()
        reader.wait()
    expect(Profile('pipe.prof').total == int(LINE.findall(run.stderr)[0][0]), run.stderr)


def closed_stderr():
    program = build('odd.c')
    run = Run([program, 'onexit'])
    expect(len(run.lines) == 1, 'the line was lost:', run.err)
    Run([build('spin.c'), '0.1'], CPUPROFILE='c.prof', shell_before=lambda: os.close(2))
    Profile('c.prof')


def methods():
    program = build('spin.c')
    for method in ('generic_fp', 'libgcc', 'libunwind', 'tables'):
        run = Run([program, '0.2'], CPUPROFILE='m.prof', TCMALLOC_STACKTRACE_METHOD=method)
        expect(checked('m.prof', run).functions(program)[0]['in_parent'] > 10, method)
    run = Run([program, '0.1'], TCMALLOC_STACKTRACE_METHOD='bogus')
    expect(run.err == 'Unknown or unsupported stacktrace method requested: bogus. Ignoring it\n', run.err)
    run = Run([program, '0.1'], TCMALLOC_STACKTRACE_METHOD_VERBOSE='1')
    expect(run.err.startswith('Chosen stacktrace method is tables\nSupported methods:\n* tables\n'), run.err)
    expect('CPUPROFILE_FREQUENCY ' in Run([program, '0.1'], CPROF_RUNTIME_HELP='1').err, 'no help')


def many_stacks():
    """More of them than a table holds: some are written on the way, none is lost."""
    run = Run(['perl', '-e', '''
        sub f { my ($n, $x) = @_; return $x if $n <= 0; return $x & 1 ? f($n - 1, $x >> 1) + 1 : g($n - 1, $x >> 1) }
        sub g { my ($n, $x) = @_; return $x if $n <= 0; return $x & 1 ? g($n - 1, $x >> 1) + 2 : f($n - 1, $x >> 1) }
        my $s = 0; $s += f(25, $_ * 2654435761 % 4294967296) for 1 .. 40000; print "$s\n"'''],
              CPUPROFILE='p.prof', LD_PRELOAD=SHARED, CPUPROFILE_FREQUENCY='4000')
    checked('p.prof', run)


def unwinder_agrees_with_libgcc():
    program = build('unwind_random.cpp', cxx=True, linked=[UNWIND, BASE])
    run = Run([program, '30000'])
    m = re.match(r'(\d+) captures, 0 differ, (\d+) went on', run.out)
    expect(m and int(m[1]) >= 30000, run.out, run.err)


def run_command():
    """cprof run: the preload, the report, the exit status, signals, and nothing left behind."""
    program = build('spin.c', linked=False)
    os.mkdir('tmp')
    here = {'TMPDIR': os.path.abspath('tmp')}
    run = Run([CPROF, 'run', '-F', '1000', '--', program, '0.4'], **here)
    m = re.search(r'^Total: (\d+) samples\n', run.out, re.M)
    expect(m and near(int(m[1]), 400, 0.2) and ' main\n' in run.out, run.out)
    expect(run.out.startswith('CPUPROFILE=') and not LINE.search(run.err), run.out, run.err)
    run = Run([CPROF, 'run', '-o', 'keep.prof', 'bash', '-c', '%s 0.3; %s 0.2; exit 7' % (program, program)], status=7, **here)
    expect(len([f for f in os.listdir('.') if f.startswith('keep.prof')]) == 3, os.listdir('.'))
    totals = [int(t) for t in re.findall(r'^Total: (\d+) samples$', run.out, re.M)]
    expect(any(near(t, 50, 0.2) for t in totals), run.out)
    run = Run([CPROF, 'run', program, '0.1', '_exit'], status=3, **here)
    expect('left no samples' in run.err, run.err)
    run = Run([CPROF, 'run', 'sh', '-c', 'kill -9 $$'], status=137, **here)
    expect(run.err == 'sh was ended by signal 9 (Killed) before its profile was written\n', run.err)
    run = Run([CPROF, 'run', program], status=1, TMPDIR='/nowhere')
    expect(re.fullmatch(r'making the folder /nowhere/cprof-\w+: No such file or directory\n', run.err), run.err)
    open('plain', 'w').close()
    for words, message in (([], 'run: which program?\nUsage: '), (['-F', '0', program], 'run: -F 0: not a number'),
                           (['-x', program], 'run: unknown option -x'), (['nosuch'], 'nosuch: no such program\n'),
                           (['./nosuch'], './nosuch: No such file or directory\n'), (['./plain'], './plain: Permission denied\n'),
                           (['/tmp'], '/tmp: Is a directory\n'), (['--cpu', '--heap', program], 'run: one of --cpu and --heap'),
                           (['-o', 'nowhere/kept', program], 'nowhere: No such file or directory\n'),
                           (['-o', '/tmp', program], '/tmp: Is a directory\n'), (['-o', './', program], './: Is a directory\n'),
                           (['--leaks', '-o', 'nowhere', program], 'nowhere: No such file or directory\n')):
        run = Run([CPROF, 'run', *words], status=1, **here)
        expect(run.err.startswith(message) and run.out == '', words, run.err, run.out)
    expect(Run([CPROF, 'run', '--help']).out.startswith('Usage: cprof run '), 'no help')
    with open('script', 'w') as f:
        f.write('%s 0.3\n' % program)
    os.chmod('script', 0o755)  # no "#!"
    expect(' main\n' in Run([CPROF, 'run', './script'], **here).out, 'not by the shell')
    run = Run([CPROF, 'run', build('spin.c', '-static', to='spin_static', linked=False), '0.1'], **here)
    expect('is linked statically: only programs that it starts' in run.err and 'left no' not in run.err, run.err)
    process = subprocess.Popen([CPROF, 'run', 'bash', '-c', 'trap "echo got; exit 5" TERM; echo ready; while :; do :; done'],
                               env=dict(os.environ, **here), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    expect(process.stdout.readline() == 'ready\n', 'not ready')
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    expect(process.returncode == 5 and out.startswith('got\n'), process.returncode, out, err)
    expect(os.listdir('tmp') == [], os.listdir('tmp'))
    # Ended while the report is being written, which a full pipe holds up.
    reader, writer = os.pipe()
    os.write(writer, bytes(fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)))
    process = subprocess.Popen([CPROF, 'run', 'sh', '-c', 'exec %s 0.3 >&2' % program], env=dict(os.environ, **here),
                               stdout=writer, stderr=subprocess.DEVNULL)
    os.close(writer)
    while '--text' not in subprocess.run(['ps', '-o', 'args=', '--ppid', str(process.pid)], capture_output=True, text=True,
                                         check=False).stdout:
        os.sched_yield()
    process.send_signal(signal.SIGTERM)
    with os.fdopen(reader, 'rb') as f:
        f.read()
    expect(process.wait() == -signal.SIGTERM and os.listdir('tmp') == [], process.returncode, os.listdir('tmp'))


TESTS = [depends_on_libc_alone, linked, preloaded, static_archive, every_call, around_a_loop, toggled_by_a_signal, frequencies,
         other_timers, no_file, names, forked, children_that_do_nothing, children_in_a_storm, children_behind_our_back,
         executed, switched, signal_of_the_program, set_user_id, killed, functions_by_their_share,
         rates_and_shares_of_threads, short_threads, threads_that_linger, threads_and_switches, plugins, strange_stacks,
         exceptions, bad_files, closed_stderr, methods, many_stacks, run_command, unwinder_agrees_with_libgcc]


def attempt(test):
    """What is wrong, or None."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            test()
        except (Wrong, subprocess.SubprocessError, OSError, StopIteration, IndexError) as error:
            return '%s: %s' % (type(error).__name__, error)
        finally:
            os.chdir('/')
    return None


def main():
    failed = 0
    only = sys.argv[11:]
    tests = [t for t in TESTS if not only or t.__name__ in only]
    print('1..%d' % len(tests), flush=True)
    with multiprocessing.Pool(2) as pool:
        for number, (test, message) in enumerate(zip(tests, pool.imap(attempt, tests)), 1):
            failed += message is not None
            print('%s %d - %s' % ('not ok' if message else 'ok', number, test.__name__.replace('_', ' ')), flush=True)
            for line in (message or '').splitlines():
                print('# ' + line)
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
