#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The debugging allocator from outside: what it says of programs that misuse memory, and that it lets others be.

Results are TAP.

usage: debug.py LIBRARY.so ARCHIVE.a PLAIN-LIBRARY.so SCENES STATIC-SCENES THREADS
"""
import os
import re
import subprocess
import sys
import tempfile
import traceback

HANG_SECONDS = 600
LIBRARY, ARCHIVE, PLAIN, SCENES, STATIC, THREADS = (os.path.abspath(a) for a in sys.argv[1:7])
ABORTED, CRASHED = -6, -11
AT = '0x[0-9a-f]+'
END = 'reached end\n'
OF_SHARED = {'dlclose', 'mmap', 'mmap64', 'mremap', 'munmap', 'sbrk'}  # which a static program has from libc alone

AGAIN = 'memory allocation bug: object at %s has been already deallocated; or else a word before the object has been ' \
    r'corrupted \(memory stomping bug\)' % AT
GONE = r'memory allocation bug: object at %s has been already deallocated \(it was allocated with malloc\)' % AT
NEVER = 'memory allocation bug: object at %s has never been allocated' % AT
MISMATCH = 'memory allocation/deallocation mismatch at %s: allocated with %%s being deallocated with %%s' % AT
AFTER = 'memory stomping bug: a word after object at %s has been corrupted' % AT
BEFORE = 'memory stomping bug: a word before object at %s has been corrupted' % AT
SIZE = 'Check failed: 100, the size of the object at %s, is not 50: right size must be passed to sized delete' % AT


def written(index, size, total, lines, names=True):
    """What is said of a block that was written to after its end."""
    stack = r'(    @ %s .*\n)*    @ %s gives_back\(void\*\)\n(    @ %s .*\n)*    @ %s main\n(    @ %s .*\n)*' % ((AT,) * 5)
    return (r'Found a corrupted memory buffer in MallocBlock \(may be offset from user ptr\): buffer index: %d, '
            r'buffer ptr: %s, size of buffer: %d\n' % (index, AT, size) +
            ''.join(r'Buffer byte %d is 0x%02x \(should be 0xcd\)\.\n' % l for l in lines) +
            r'Deleted by thread %s\n' % AT + (stack if names else r'(    @ %s \n){2,}' % AT) +
            r'Memory was written to after being freed\.  MallocBlock: %s, user ptr: %s, size: %d\.  If you can\'t find '
            r'the source of the error, try using ASan \(http://code\.google\.com/p/address-sanitizer/\), Valgrind, or '
            r'Purify, or study the output of the deleter\'s stack printed above\.' % (AT, AT, total))


def row(name, out='', err='', status=None, **env):
    return name, out, err, status if status is not None else ABORTED if err else 0, env


USED = written(0, 148, 148, [(37, 1)])
FENCE = {'TCMALLOC_PAGE_FENCE': '1'}
KEEP = {'TCMALLOC_PAGE_FENCE_NEVER_RECLAIM': '1'}
READ = {'TCMALLOC_PAGE_FENCE_READABLE': '1'}

ROWS = [
    row('double-free', err=AGAIN),
    row('double-free-later', err=GONE),
    row('double-free-aligned', err=AGAIN),
    row('malloc-delete', err=MISMATCH % ('malloc', 'delete')),
    row('new-array-delete', err=MISMATCH % (r'new \[\]', 'delete')),
    row('new-free', err=MISMATCH % ('new', 'free')),
    row('new-realloc', err=MISMATCH % ('new', 'free')),
    row('aligned-new-delete-array', err=MISMATCH % ('new', r'delete \[\]')),
    row('overrun', err=AFTER),
    row('overrun-last', err=AFTER),
    row('overrun-aligned', err=AFTER),
    row('overrun-realloc', err=AFTER),
    row('overrun-large', err=AFTER),
    row('underrun', err=BEFORE),
    row('underrun-far', err=BEFORE),
    row('underrun-filled', err=BEFORE + '; or else the object has been already deallocated and our memory map has been '
        'corrupted'),
    row('use-after-free', END, USED),
    row('use-after-free', END, written(0, 148, 148, [(37, 1)], False), TCMALLOC_SYMBOLIZE_STACKTRACE='0'),
    row('use-after-free-long', END, written(1, 1024, 5048, [(1008, 1), (1009, 2)])),
    row('use-after-free-found-early', '', written(0, 148, 148, [(131, 0)])),
    row('use-after-free-pushed-out', '', written(0, 148, 148, [(131, 0)]), TCMALLOC_MAX_FREE_QUEUE_SIZE='1000000'),
    row('use-after-free-pushed-out', 'not found\n' + END, written(0, 148, 148, [(131, 0)])),
    row('use-after-free', END, TCMALLOC_RECLAIM_MEMORY='0'),
    row('never-allocated', err=NEVER),
    row('never-mapped', err=NEVER),
    row('inside', err=NEVER),
    row('usable-inside', err=NEVER),
    row('fill', 'new: ab freed: cd\n' + END),
    row('verify', '1\n', AFTER),
    row('verify-kind', '1\n1\n1\n', MISMATCH % ('malloc', 'delete')),
    row('stats', '6 1010: 0*1 1*1 2*2 3*1 10*1\n' + END),
    row('stats', '6 1010: 0*1 1*1 2*2 3*1 10*1\n' + END, **FENCE),
    row('usable', 'usable: 13 13 0, for 100: 100, aligned 1\nowned: 1 2\n' + END),
    row('usable', 'usable: 13 13 0, for 100: 100, aligned 1\nowned: 1 2\n' + END, **FENCE),
    row('sized', 'right\n', SIZE),
    row('moves', 'moved 1 kept 1\nold cd\nzeroes 1\nnone 1 1\n' + END),
    row('current', 'less: 1\n' + END),
    row('hooks', 'heard 1 1, from asks 1\n' + END),
    row('threads', 'verified 1\n' + END),
    row('threads', 'verified 1\n' + END, **FENCE),
    row('write-behind', 'before\nafter\n' + END),
    row('overrun', END, **FENCE),  # between the block's end and a multiple of its alignment
    row('write-behind', 'before\n', status=CRASHED, **FENCE),
    row('write-behind', 'before\n', status=CRASHED, **FENCE, **READ),
    row('read-behind', '', status=CRASHED, **FENCE),
    row('read-behind', 'before 0\n' + END, **FENCE, **READ),
    row('write-freed', 'before\n', status=CRASHED, **FENCE),
    row('write-freed', 'before\n', status=CRASHED, **FENCE, **KEEP),
    row('underrun', err=BEFORE, **FENCE),
    row('double-free', err=GONE, **FENCE),
    row('double-free', err=GONE, **FENCE, **KEEP),
    row('malloc-delete', err=MISMATCH % ('malloc', 'delete'), **FENCE),
    row('calls', END, r"Can't open /nonexistent/trace\.  Logging disabled\.", 0,
        TCMALLOC_TRACE='1', TCMALLOC_TRACE_FILE='/nonexistent/trace'),
]

PYTHON = '''
import json, os, threading, zlib
def work():
    for i in range(50):
        json.loads(json.dumps([{"a": list(range(100)), "b": "x" * i}] * 5))
        zlib.decompress(zlib.compress(b"abc" * 1000))
threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads: t.start()
for i in range(10):
    pid = os.fork()
    if pid == 0:
        blocks = [bytes(1000) for _ in range(1000)]
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
for t in threads: t.join()
print("done")
'''
SQL = '''create table t(a integer primary key, b text);
with recursive c(x) as (select 1 union all select x+1 from c where x<5000) insert into t select x, hex(x*x) from c;
select count(*), sum(length(b)) from t where b > '5';
'''
CPP_SOURCE = '#include <map>\n#include <string>\nint f(std::map<std::string, int> &m) { return m["a"] + m["b"]; }\n'
PROGRAMS = [
    (['bash', '-c', 'for i in $(seq 50); do x=$(echo $i | tr 1 2); a[i]=$x; done; echo ${a[*]} | md5sum'], ''),
    (['python3', '-c', PYTHON], ''),
    (['perl', '-e', 'my %h; $h{$_ % 500} .= "x" x ($_ % 77) for 1..20000; my $n; $n += length for values %h; '
      'print "$n\n"'], ''),
    (['sqlite3', '-batch', ':memory:'], SQL),
    (['g++', '-O1', '-S', '-x', 'c++', '-o', '-', '-'], CPP_SOURCE),
]


def run(argv, env=None, stdin='', preload='', cwd=None):
    environment = {k: v for k, v in os.environ.items() if not re.match('TCMALLOC|PERFTOOLS|LD_', k)}
    environment.update(env or {}, LC_ALL='C', LD_LIBRARY_PATH=os.path.dirname(LIBRARY))
    if preload:
        environment['LD_PRELOAD'] = preload
    return subprocess.run(argv, env=environment, input=stdin, capture_output=True, text=True, cwd=cwd,
                          timeout=HANG_SECONDS)


def check_scene(name, out, err, status, env):
    for program in (SCENES, STATIC):
        if program == STATIC and name == 'hooks':
            continue
        r = run([program, name], env)
        assert r.returncode == status, 'ended with %d: %s %s' % (r.returncode, r.stdout, r.stderr)
        assert r.stdout == out, r.stdout
        assert re.fullmatch(err + '\n' if err else '', r.stderr), r.stderr


def check_trace():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'trace')
        r = run([SCENES, 'calls'], {'TCMALLOC_TRACE': '1', 'TCMALLOC_TRACE_FILE': path})
        assert (r.returncode, r.stdout, r.stderr) == (0, END, ''), r
        with open(path) as file:
            lines = file.read().split('\n')
    assert re.fullmatch(r'Trace started: \d+', lines[0]), lines[0]
    assert lines[1] == 'func\tsize\tptr\tthread_id\tstack pcs for tools/symbolize', lines[1]
    assert lines[-1] == ''
    rows = [l.split('\t') for l in lines[2:-1]]
    for r in rows:
        assert re.fullmatch(r'(malloc|free|realloc)\t\d+\t%s\t\d+(\t%s)+' % (AT, AT), '\t'.join(r)), r
    said = [tuple(r[:3]) for r in rows]
    last = said[-5:]
    assert [(l[0], l[1]) for l in last] == [('malloc', '10'), ('realloc', '20'), ('free', '20'), ('malloc', '4'),
                                           ('free', '4')], said
    assert last[1][2] == last[2][2] != last[0][2] and last[3][2] == last[4][2], last


def check_program(argv, stdin):
    results = []
    for preload in ('', LIBRARY):
        with tempfile.TemporaryDirectory() as folder:
            r = run(argv, stdin=stdin, preload=preload, cwd=folder)
            results.append((r.returncode, r.stdout, r.stderr))
    assert results[0][0] == 0, results[0]
    assert results[0] == results[1], results[1]


def check_fenced_program():
    r = run(['perl', '-e', 'my @a = map { "x" x $_ } 1..1000; print scalar(@a), "\n"'], FENCE, preload=LIBRARY)
    assert (r.returncode, r.stdout, r.stderr) == (0, '1000\n', ''), r


def check_threads():
    r = run([THREADS], preload=LIBRARY)
    assert (r.returncode, r.stdout, r.stderr) == (0, '', ''), (r.returncode, r.stderr)


def offered(option, file):
    table = subprocess.run(['readelf', option, '-W', file], capture_output=True, text=True, check=True).stdout
    rows = [l.split() for l in table.splitlines()]
    return {r[7].split('@')[0] for r in rows if len(r) > 7 and r[4] in ('GLOBAL', 'WEAK') and r[6] != 'UND'}


def check_symbols():
    """The same names as those of the plain library."""
    names, plain = offered('--dyn-syms', LIBRARY), offered('--dyn-syms', PLAIN)
    assert names == plain and len(plain) > 120, names ^ plain
    of_libc = {n for n in names if n.startswith(('__libc_', '__posix_'))} | names & OF_SHARED
    assert offered('-s', ARCHIVE) == names - of_libc, offered('-s', ARCHIVE) ^ names
    dynamic = subprocess.run(['readelf', '-d', '-W', LIBRARY], capture_output=True, text=True, check=True).stdout
    assert re.findall(r'NEEDED.*\[(.*)\]', dynamic) == ['libc.so.6'], dynamic
    assert re.findall(r'SONAME.*\[(.*)\]', dynamic) == [os.path.basename(LIBRARY)], dynamic


def main():
    checks = [('scene %s%s' % (r[0], ''.join(' %s=%s' % e for e in r[4].items())), check_scene, r) for r in ROWS]
    checks += [('trace', check_trace, ()), ('threads', check_threads, ()), ('symbols', check_symbols, ()),
               ('fenced program', check_fenced_program, ())]
    checks += [('program %s' % argv[0], check_program, (argv, stdin)) for argv, stdin in PROGRAMS]
    bad = 0
    print('1..%d' % len(checks))
    for number, (name, check, arguments) in enumerate(checks, 1):
        try:
            check(*arguments)
            print('ok %d - %s' % (number, name), flush=True)
        except Exception:
            bad = 1
            print('not ok %d - %s' % (number, name))
            print(''.join('# %s\n' % l for l in traceback.format_exc().splitlines()), end='', flush=True)
    return bad


sys.exit(main())
