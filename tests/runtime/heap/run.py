#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The heap profiler from outside: files that programs write whose heap is known, and real programs.

Results are TAP.

usage: run.py CPROF LIBRARY.so GROW API STORM MAPS GROW-STATIC BOTH BOTH-STATIC SAMPLES
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import traceback

HANG_SECONDS = 600
CPROF, LIBRARY, GROW, API, STORM, MAPS, STATIC, BOTH, BOTH_STATIC, SAMPLES = map(os.path.abspath, sys.argv[1:11])
NOTICE = 'Starting tracking the heap\n'


class Heap:
    """A file, read strictly: each line has to be what the format says."""

    TALLIES = r'( *\d+): ( *\d+) \[( *\d+): ( *\d+)\] @'

    def __init__(self, text):
        head, self.maps = text.split('\nMAPPED_LIBRARIES:\n')
        lines = head.rstrip('\n').split('\n')
        first = re.fullmatch(r'heap profile: ' + self.TALLIES + ' heapprofile', lines[0])
        assert first, lines[0]
        self.totals = self.numbers(first)
        self.rows = []
        for line in lines[1:]:
            m = re.fullmatch(self.TALLIES + r'((?: 0x[0-9a-f]{8,16})*)', line)
            assert m, line
            self.rows.append((self.numbers(m), m.group(5).split()))
        assert re.fullmatch(r'([0-9a-f]{8,}-[0-9a-f]{8,} [r-][w-][x-][p-] [0-9a-f]{8,} 00:00 \d+ +[^\n]*\n)+', self.maps)
        for i, total in enumerate(self.totals):
            assert total == sum(row[0][i] for row in self.rows), (i, text[:1000])
        bytes_live = [row[0][1] for row in self.rows]
        assert bytes_live == sorted(bytes_live, reverse=True)
        assert all(row[0][0] <= row[0][2] and row[0][1] <= row[0][3] for row in self.rows)
        assert all(len(row[1]) <= 32 for row in self.rows)
        stacks = [tuple(row[1]) for row in self.rows]
        assert len(stacks) == len(set(stacks))

    @staticmethod
    def numbers(m):
        for text, width in zip(m.groups(), (6, 8, 6, 8)):
            assert len(text) == width or (len(text) > width and text[0] != ' '), m.group()
        return tuple(int(m.group(i)) for i in (1, 2, 3, 4))


def run(argv, env=None, preload=False, stdin='', **more):
    env = dict({k: v for k, v in os.environ.items() if not k.startswith('HEAP')}, **(env or {}))
    if preload:
        env['LD_PRELOAD'] = LIBRARY
    return subprocess.run(argv, env=env, input=stdin, capture_output=True, text=True, errors='replace',
                          timeout=HANG_SECONDS, **more)


def dumps(*lines):
    return ''.join('Dumping heap profile to h.%04d.heap (%s)\n' % (i, text) for i, text in enumerate(lines, 1))


def files(pattern='*.heap'):
    return sorted(p.name for p in pathlib.Path('.').glob(pattern))


def read(name):
    return Heap(pathlib.Path(name).read_text())


def check_grow(megabytes, env, *reasons):
    r = run([GROW, str(megabytes)], dict(env, HEAPPROFILE='h'))
    assert r.returncode == 0, r
    assert r.stderr == NOTICE + dumps(*reasons), r.stderr
    assert files() == ['h.%04d.heap' % i for i in range(1, len(reasons) + 1)]
    last = read(files()[-1])
    assert last.totals == (megabytes, megabytes << 20, 2 * megabytes, 2 * megabytes << 20), last.totals
    assert [row[0] for row in last.rows] == [(megabytes, megabytes << 20) * 2, (0, 0, megabytes, megabytes << 20)]


def check_names():
    """Names that cprof finds: the innermost one is who called malloc, linked, static and preloaded."""
    for program, preload in (GROW, False), (STATIC, False):
        run([program, '3'], {'HEAPPROFILE': 'h'})
        for option, text in ('--inuse_space', r'grow$'), ('--alloc_space', r'(grow|churn)$'):
            r = run([CPROF, '--text', option, program, 'h.0001.heap'])
            rows = [l.split(None, 5) for l in r.stdout.split('\n')[1:] if l]
            assert rows and all(re.search(text, row[5]) for row in rows if float(row[0]) > 0.5), r.stdout
            assert any(row[5] == 'main' and float(row[3]) > 2.9 for row in rows), r.stdout


def check_signal():
    with subprocess.Popen([GROW, '3', 'wait'], env=dict(os.environ, HEAPPROFILE='h', HEAPPROFILESIGNAL='12'),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        assert p.stdout.readline() == 'ready\n'
        p.send_signal(signal.SIGUSR2)
        said = [p.stderr.readline() for _ in range(3)]
        assert said[2] == 'Dumping heap profile to h.0001.heap (signal)\n', said
        _, rest = p.communicate('')
    assert p.returncode == 0
    assert ''.join(said[:2]) == 'Using signal 12 as heap profiling switch\n' + NOTICE, said
    assert rest == 'Dumping heap profile to h.0002.heap (Exiting, 3 MB in use)\n', rest
    assert read('h.0001.heap').totals[0] == read('h.0002.heap').totals[0] == 3


def check_bad_signals():
    r = run([GROW, '3'], {'HEAPPROFILE': 'h', 'HEAPPROFILESIGNAL': '9'})
    assert r.returncode == -signal.SIGABRT
    assert r.stderr == 'Failed to set signal. Perhaps signal number 9 is invalid\n', r.stderr
    r = run([GROW, '3'], {'HEAPPROFILE': 'h', 'HEAPPROFILESIGNAL': '12'},
            preexec_fn=lambda: signal.signal(signal.SIGUSR2, signal.SIG_IGN))
    assert r.returncode == -signal.SIGABRT
    assert r.stderr == 'Signal 12 already in use\n', r.stderr


def check_cleanup():
    for name in 'h.old.heap', 'h.9999.heap', 'h.x', 'hh.old.heap', 'h.heap':
        pathlib.Path(name).touch()
    run([GROW, '1'], {'HEAPPROFILE': 'h', 'HEAP_PROFILE_CLEANUP': '0'})
    assert files('h*') == ['h.0001.heap', 'h.9999.heap', 'h.heap', 'h.old.heap', 'h.x', 'hh.old.heap'], files('h*')
    run([GROW, '1'], {'HEAPPROFILE': os.path.abspath('h')})
    assert files('h*') == ['h.0001.heap', 'h.heap', 'h.x', 'hh.old.heap'], files('h*')


def check_bad_folder():
    r = run([GROW, '1'], {'HEAPPROFILE': 'missing/h'})
    assert r.returncode == 0
    assert r.stderr == NOTICE + ('Dumping heap profile to missing/h.0001.heap (Exiting, 1 MB in use)\n'
                                 'Failed dumping heap profile to missing/h.0001.heap\n'), r.stderr
    os.symlink('/dev/full', 'h.0001.heap')
    r = run([GROW, '1'], {'HEAPPROFILE': 'h', 'HEAP_PROFILE_CLEANUP': '0'})
    assert r.returncode == 0 and r.stderr.endswith('Failed dumping heap profile to h.0001.heap\n'), r.stderr


def check_children(how):
    """A child has files of its own, whatever it does after fork."""
    r = run([GROW, '2', how], {'HEAPPROFILE': 'h'})
    assert r.returncode == 0
    said = re.sub(r'h_\d+', 'h_PID', r.stderr)
    assert said == NOTICE * (2 if how == 'exec' else 1) + (
        'Dumping heap profile to h_PID.0001.heap (Exiting, 2 MB in use)\n'
        'Dumping heap profile to h.0001.heap (Exiting, 2 MB in use)\n'), r.stderr
    assert len(files('h_*.0001.heap')) == 1 and len(files()) == 2
    assert all(read(name).totals[:2] == (2, 2 << 20) for name in files())
    run([GROW, '2', how], {'HEAPPROFILE': 'n', 'HEAPPROFILE_NO_CHILDREN': '1'})
    assert len(files('n*')) == (1 if how == 'exec' else 2), files('n*')


def check_closed():
    """Programs of the coreutils close standard error before they end."""
    r = run([GROW, '2', 'close'], {'HEAPPROFILE': 'h'})
    assert r.stderr == NOTICE + dumps('Exiting, 2 MB in use'), r.stderr


def check_verbosity():
    r = run([GROW, '2'], {'HEAPPROFILE': 'h', 'PERFTOOLS_VERBOSE': '-1'})
    assert r.stderr == '' and files() == ['h.0001.heap'], r.stderr
    assert run([GROW, '2'], {'HEAPPROFILE': ''}).stderr == ''


def check_rights():
    """A program with rights of its own writes no file that its caller names."""
    program = pathlib.Path('program')
    program.write_bytes(pathlib.Path(STATIC).read_bytes()) # its library is not looked for where its caller says
    os.chown(program, 1, 1)
    os.chmod(program, 0o6755)
    os.chmod('.', 0o777)
    r = run(['./program', '2'], {'HEAPPROFILE': 'h'})
    if os.geteuid() == 0:
        assert r.returncode == 0
        assert r.stderr == 'HeapProfiler: ignoring HEAPPROFILE because program seems to be setuid\n', r.stderr
        assert files() == []


def check_api():
    r = run([API])
    assert r.returncode == 0
    assert r.stdout == '''off: ''
running 0
running 1
one block: 'heap profile:      1:     2222 '
whole: 1
changed in place: 'heap profile:      1:     2200 '
whole: 1
freed: 'heap profile:      0:        0 '
whole: 1
running 0
off again: ''
''', r.stdout
    assert r.stderr == NOTICE + 'Dumping heap profile to api.0001.heap (by hand)\n' + \
        NOTICE + 'Dumping heap profile to api.0002.heap (second session)\n', r.stderr
    assert [read(name).totals for name in files()] == [(1, 2222, 1, 2222), (1, 2222, 2, 4444)]


STORM_ENV = {'HEAPPROFILE': 'h', 'HEAPPROFILESIGNAL': '12', 'HEAP_PROFILE_ALLOCATION_INTERVAL': '1000000'}


def check_all_tools(program, is_told_of_threads):
    """Heap profile, CPU profile, leak check, statistics, in this order at the end, under threads and signals."""
    r = run([program], dict(STORM_ENV, CPUPROFILE='p', CPUPROFILE_FREQUENCY='4000', MALLOCSTATS='1', HEAPCHECK='normal'))
    assert r.returncode == 0, r.stderr[-1000:]
    ends = re.search(r'\(Exiting, \d+ kB in use\)\nPROFILE: interrupts/evictions/bytes = \d+/\d+/\d+\n'
                     r'No leaks found for check "_main_"[^\n]*\n-+\nMALLOC: ', r.stderr)
    assert ends, r.stderr[-3000:]
    assert read(files()[-1]).totals[1] >= 8 * 20 * 5 * 777
    r = run([CPROF, '--text', program, 'p'])
    # In a static program threads as short as these may end before they are found: only some are.
    assert r.returncode == 0 and re.search(r' work$' if is_told_of_threads else r' (work|main)$', r.stdout, re.M), r


def check_storm(is_handled):
    env = {k: v for k, v in STORM_ENV.items() if not (is_handled and k == 'HEAPPROFILESIGNAL')}
    r = run([STORM] + ['handler'] * is_handled, env)
    assert r.returncode == 0, r.stderr[-1000:]
    reasons = re.findall(r'\((signal|in a handler|in the storm|\d+ MB alloc|Exiting)', r.stderr)
    # Who finds that another file is being written lets it be: not each of the calls is seen.
    assert set(reasons) & {'in a handler', 'signal'} and 'Exiting' in reasons and len(set(reasons)) > 2, set(reasons)
    assert len(files()) == len(reasons) and 'Failed' not in r.stderr
    for name in files():
        heap = read(name)
    kept = [row[0] for row in heap.rows if row[0][1] == 8 * 20 * 5 * 777]
    assert kept == [(800, 800 * 777) * 2], heap.rows[:5]


def check_samples(how, env):
    """Samples, scaled up by the reader, are what was made: 40 MB at each place, 6 standard deviations off at most."""
    r = run([SAMPLES, how], env)
    assert r.returncode == 0 and r.stderr.startswith('period 32768\n'), r.stderr
    head = re.match(r'heap profile: ( *\d+): ( *\d+) \[\1: \2\] @ heap_v2/32768\n', r.stdout)
    assert head, r.stdout[:500]
    assert re.search(r'^heap profile: +\d+: +\d+ \[ *\d+: +\d+\] @ heap_v2/0$', r.stderr, re.M), r.stderr[:500]
    left = re.search(r'^heap profile: +(\d+):', r.stderr, re.M)
    assert int(left.group(1)) < 10, r.stderr[:500]  # all but this very text is free
    pathlib.Path('s.heap').write_text(r.stdout)
    r = run([CPROF, '--text', SAMPLES, 's.heap'])
    found = {l.split()[-1]: float(l.split()[0]) for l in r.stdout.split('\n')[1:] if l}
    for place in 'small', 'middle', 'large', 'aligned':
        assert 30 < found.get(place, 0) < 50, r.stdout
    assert found.get('churned', 0) < 1, r.stdout


def check_no_samples():
    r = run([SAMPLES, 'cxx'])
    assert re.match(r'(%warn[^\n]*\n){7}heap profile:      0:        0 \[     0:        0\] @ heap_v2/0\n', r.stdout)
    assert 'SAMPLE_PARAMETER' in r.stdout and '\nMAPPED_LIBRARIES:\n' in r.stdout


def check_growth():
    r = run([SAMPLES, 'growth'])
    head = re.match(r'heap profile: ( *\d+): ( *\d+) \[\1: \2\] @ growth\n', r.stdout)
    assert head and int(head.group(2)) > 160 << 20, r.stdout[:500]
    pathlib.Path('g.heap').write_text(r.stdout)
    r = run([CPROF, '--text', SAMPLES, 'g.heap'])
    found = {l.split()[-1] for l in r.stdout.split('\n')[1:] if l}
    assert {'middle', 'large', 'aligned', 'main'} <= found, r.stdout
    assert not any('malloc' in name for name in found), r.stdout


def check_run():
    """One command: the profile of the moment when most was in use, a table for each program."""
    os.mkdir('tmp')
    env = {'TMPDIR': os.path.abspath('tmp')}
    r = run([CPROF, 'run', '--heap', GROW, '40'], env)
    assert r.returncode == 0 and 'Dumping' not in r.stderr, r
    assert re.match(r'Total: 40.0 MB\n +40.0 +100.0%.* grow\n', r.stdout), r.stdout
    r = run([CPROF, 'run', '--heap', '-o', 'kept', '--', 'sh', '-c', GROW + ' 7 fork; exit 3'], env)
    assert r.returncode == 3, r
    assert r.stdout.count('Total:') == 1 and re.search(r'^Total: 14.0 MB\n', r.stdout, re.M), r.stdout
    assert len(files('kept*.0001.heap')) >= 2, files('kept*')
    r = run([CPROF, 'run', '--heap', 'true'], env)
    assert r.returncode == 0 and ('left nothing on its heap' in r.stderr or 'Total' in r.stdout), r
    for words in ['-F', '100', GROW], ['--heap']:
        r = run([CPROF, 'run', '--heap'] + words, env)
        assert r.returncode == 1 and 'Usage: cprof run' in r.stderr, r
    assert os.listdir('tmp') == []


def check_mappings(variable):
    """Rows of mappings come first and are not in the totals; what was unmapped in part is counted in part."""
    r = run([MAPS], {'HEAPPROFILE': 'h', variable: '1'})
    assert r.returncode == 0, r
    rows = pathlib.Path('h.0001.heap').read_text().split('\n')
    rows = rows[:rows.index('')]
    found = [tuple(map(int, re.match(Heap.TALLIES, row).groups())) for row in rows[1:]]
    page = 4096
    mapped = [(3, 74 * page, 1, 100 * page), (1, 30 * page, 1, 30 * page), (1, 5 * page, 1, 5 * page),
              (1, 3 * page, 1, 3 * page), (0, 0, 1, 10 * page), (0, 0, 1, 7 * page)]
    assert found[:6] == mapped, rows
    is_only = variable == 'HEAP_PROFILE_ONLY_MMAP'
    assert found[6:] == ([] if is_only else [(0, 0, 1, 100)]), rows
    assert rows[0].startswith('heap profile:      0:        0 [     %d:' % (not is_only)), rows[0]
    r = run([CPROF, '--text', '--show_bytes', MAPS, 'h.0001.heap'])
    names = {l.split()[-1]: int(l.split()[3]) for l in r.stdout.split('\n')[1:] if l}
    assert names['first'] == 74 * page and names['second'] == 5 * page and names['third'] == 30 * page, r.stdout


def check_mappings_log():
    r = run([MAPS], {'HEAPPROFILE': 'h', 'HEAP_PROFILE_MMAP_LOG': '1'})
    lines = [re.sub(r'0x[0-9a-f]{6,}', 'PLACE', l) for l in r.stderr.split('\n')]
    assert lines[1] == 'mmap(start=0x0, len=409600, prot=0x3, flags=0x22, fd=-1, offset=0x0) = PLACE', lines
    assert lines[2] == 'munmap(start=PLACE, len=81920)', lines
    assert 'mremap(old_addr=PLACE, old_size=40960, new_size=122880, flags=0x1, new_addr=0x0) = PLACE' in lines, lines
    assert 'sbrk(inc=12288) = PLACE' in lines, lines


def check_help():
    r = run([GROW, '1'], {'CPROF_RUNTIME_HELP': '1'})
    for name in 'HEAPPROFILE', 'HEAP_PROFILE_CLEANUP', 'HEAPPROFILESIGNAL', 'HEAPCHECK', 'TCMALLOC_RELEASE_RATE':
        assert re.search(r'^  %s  ' % name, r.stderr, re.M), r.stderr


PYTHON = 'd = {i: str(i) * (i %% 9) for i in range(30000)}; print(sum(map(len, d.values())))'.replace('%%', '%')
PROGRAMS = [
    (['python3', '-c', PYTHON], 'PYTHONMALLOC'),
    (['bash', '-c', 'for i in $(seq 300); do a[i]=$(echo $i | tr 1 2); done; echo ${a[*]} | md5sum'], ''),
    (['perl', '-e', 'my %h; $h{$_ % 5000} .= "x" x ($_ % 77) for 1..50000; my $n; $n += length for values %h; '
      'print "$n\n"'], ''),
    (['sh', '-c', 'git init -q a && cd a && seq 2000 >f && git add f && git -c user.name=a -c user.email=b '
      'commit -q -m one && git log --format=%s && git fsck'], ''),
    (['sort', '-rn'], ''),
]


def check_program(argv, raw):
    stdin = ''.join('%d\n' % (i * 7919 % 100003) for i in range(20000))
    env = {raw: 'malloc'} if raw else {}
    plain = run(argv, env, stdin=stdin, cwd=tempfile.mkdtemp(dir='.'))
    folder = os.path.abspath('.')
    r = run(argv, dict(env, HEAPPROFILE=folder + '/h'), preload=True, stdin=stdin, cwd=tempfile.mkdtemp(dir='.'))
    assert (r.returncode, r.stdout) == (plain.returncode, plain.stdout), r
    assert files()
    for name in files():
        heap = read(name)
        assert all(row[1] for row in heap.rows), name
        assert len(heap.rows) > 10
    r = run([CPROF, '--text', files()[0]])
    assert r.returncode == 0 and r.stdout.startswith('Total: '), r


def main():
    checks = [
        ('names', check_names, ()),
        ('a small heap', check_grow, (5, {}, 'Exiting, 5 MB in use')),
        ('in use', check_grow, (250, {}, '101 MB currently in use', '202 MB currently in use',
                                'Exiting, 250 MB in use')),
        ('allocation interval', check_grow, (15, {'HEAP_PROFILE_ALLOCATION_INTERVAL': '10485760'},
                                             '10 MB allocated cumulatively, 6 MB currently in use',
                                             '20 MB allocated cumulatively, 11 MB currently in use',
                                             '30 MB allocated cumulatively, 16 MB currently in use',
                                             'Exiting, 15 MB in use')),
        ('deallocation interval', check_grow, (12, {'HEAP_PROFILE_DEALLOCATION_INTERVAL': '5242880'},
                                               '5 MB freed cumulatively, 5 MB currently in use',
                                               '10 MB freed cumulatively, 10 MB currently in use',
                                               'Exiting, 12 MB in use')),
        ('in-use interval', check_grow, (12, {'HEAP_PROFILE_INUSE_INTERVAL': '4194304'},
                                         '5 MB currently in use', '10 MB currently in use', 'Exiting, 12 MB in use')),
        ('time interval', check_grow, (3, {'HEAP_PROFILE_TIME_INTERVAL': '1000'}, 'Exiting, 3 MB in use')),
        ('intervals off', check_grow, (110, {'HEAP_PROFILE_INUSE_INTERVAL': '0'}, 'Exiting, 110 MB in use')),
        ('signal', check_signal, ()),
        ('bad signals', check_bad_signals, ()),
        ('cleanup', check_cleanup, ()),
        ('bad folder', check_bad_folder, ()),
        ('fork', check_children, ('fork',)),
        ('exec', check_children, ('exec',)),
        ('standard error is closed', check_closed, ()),
        ('verbosity', check_verbosity, ()),
        ('rights', check_rights, ()),
        ('calls', check_api, ()),
        ('storm', check_storm, (False,)),
        ('storm, with a handler that calls', check_storm, (True,)),
        ('all tools', check_all_tools, (BOTH, True)),
        ('all tools, static', check_all_tools, (BOTH_STATIC, False)),
        ('samples by the environment, from C', check_samples, ('c', {'TCMALLOC_SAMPLE_PARAMETER': '32768'})),
        ('samples by the environment, from C++', check_samples, ('cxx', {'TCMALLOC_SAMPLE_PARAMETER': '32768'})),
        ('samples by the property', check_samples, ('set', {})),
        ('no samples', check_no_samples, ()),
        ('growth', check_growth, ()),
        ('cprof run --heap', check_run, ()),
        ('mappings', check_mappings, ('HEAP_PROFILE_MMAP',)),
        ('mappings alone', check_mappings, ('HEAP_PROFILE_ONLY_MMAP',)),
        ('mappings are logged', check_mappings_log, ()),
        ('help', check_help, ()),
    ]
    checks += [('program %s' % argv[0], check_program, (argv, raw)) for argv, raw in PROGRAMS]
    bad = 0
    print('1..%d' % len(checks))
    for number, (name, check, arguments) in enumerate(checks, 1):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                check(*arguments)
                print('ok %d - %s' % (number, name), flush=True)
            except Exception:
                bad = 1
                print('not ok %d - %s' % (number, name))
                print(''.join('# %s\n' % l for l in traceback.format_exc().splitlines()), end='', flush=True)
            os.chdir('/')
    return bad


sys.exit(main())
