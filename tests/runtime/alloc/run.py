#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The allocator from outside: what programs print that are linked with it, and real programs that are not.

Results are TAP.

usage: run.py SOURCE-ROOT LIBRARY.so LIBRARY.a SCENES OPERATORS THREADS STATIC
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import traceback

HANG_SECONDS = 600
ROOT, LIBRARY, ARCHIVE, SCENES, OPERATORS, THREADS, STATIC = (os.path.abspath(a) for a in sys.argv[1:8])

CLASSES = '''8 16 32 48 64 80 96 112 128 144 160 176
192 208 224 240 256 288 320 352 384 416 448 480
512 576 640 704 768 896 1024 1152 1280 1408 1536 1792
2048 2304 2560 2816 3072 3328 4096 4608 5120 6144 6656 8192
9216 10240 12288 13312 16384 20480 24576 26624 32768 40960 49152 57344
65536 73728 81920 90112 98304 106496 114688 122880 131072 139264 147456 155648
163840 172032 180224 188416 196608 204800 212992 221184 229376 237568 245760 253952
262144 
85 classes
'''
EDGES = '''malloc(SIZE_MAX-10)=(nil) errno=12
malloc(1<<47)=(nil) errno=12
calloc overflow=(nil) errno=12
posix_memalign bad align=22
posix_memalign=0 aligned=1
memalign(3)=1 errno=0
aligned_alloc(64,100)=1
valloc aligned=1
pvalloc(0) usable=4096
realloc(NULL,10)=1
realloc(p,0)=(nil)
malloc(0)=1 usable=8
mallopt=1 malloc_trim=1
tc_version=gperftools 2.18.1 2.18.1
tc_set_new_mode(1)=0 then 1
mallinfo2 arena>0=1 uordblks>0=1
'''
OPERATORS_SAY = '''new: std::bad_alloc
nothrow new: (nil)
handler 1
handler 2
new: std::bad_alloc
handler throws
nothrow new, throwing handler: (nil)
handler throws
aligned new[]: std::bad_alloc
handler throws
aligned nothrow new: (nil)
malloc with handler set: (nil)
malloc in new mode, no handler: (nil)
every form
containers 1
property 1
sample 1
free lists 1
ranges 1
ranges in order 1
owned 1 size 112
rate 5
heard 1
'''
STATS = re.compile(r'''------------------------------------------------
MALLOC:   [ \d]{12} \( {0,6}[\d]+\.\d MiB\) Bytes in use by application
MALLOC: \+ [ \d]{12} \([ \d]{5}\.\d MiB\) Bytes in page heap freelist
MALLOC: \+ [ \d]{12} \([ \d]{5}\.\d MiB\) Bytes in central cache freelist
MALLOC: \+ [ \d]{12} \([ \d]{5}\.\d MiB\) Bytes in transfer cache freelist
MALLOC: \+ [ \d]{12} \([ \d]{5}\.\d MiB\) Bytes in thread cache freelists
MALLOC: \+ [ \d]{12} \([ \d]{5}\.\d MiB\) Bytes in malloc metadata
MALLOC:   ------------
MALLOC: = [ \d]{12} \([ \d]{5}\.\d MiB\) Actual memory used \(physical \+ swap\)
MALLOC: \+ [ \d]{12} \([ \d]{5}\.\d MiB\) Bytes released to OS \(aka unmapped\)
MALLOC:   ------------
MALLOC: = [ \d]{12} \([ \d]{5}\.\d MiB\) Virtual address space used
MALLOC:
MALLOC:   [ \d]{12}              Spans in use
MALLOC:   [ \d]{12}              Thread heaps in use
MALLOC:   [ \d]{12}              Tcmalloc page size
------------------------------------------------
Call ReleaseFreeMemory\(\) to release freelist memory to the OS \(via madvise\(\)\)\.
Bytes released to the OS take up virtual address space but no physical memory\.
''')
STATS_2 = re.compile(STATS.pattern + r'''-{48}
Total size of freelists for per-thread caches,
transfer cache, and central cache, by size class
-{48}
(class [ \d]{3} \[ [ \d]{8} bytes \] : [ \d]{8} objs; [ \d]{3}\.\d MiB; [ \d]{3}\.\d cum MiB; [ \d]{4}\.\d{3} overhead MiB; [ \d]{4}\.\d{3} cum overhead MiB
)+-{48}
PageHeap: \d+ sizes; [ \d]{4}\.\d MiB free; [ \d]{4}\.\d MiB unmapped
-{48}
([ \d]{6} pages \* [ \d]{6} spans ~ [ \d]{4}\.\d MiB; [ \d]{4}\.\d MiB cum; unmapped: [ \d]{4}\.\d MiB; [ \d]{4}\.\d MiB cum
)*>128   large \* [ \d]{6} spans ~ [ \d]{4}\.\d MiB; [ \d]{4}\.\d MiB cum; unmapped: [ \d]{4}\.\d MiB; [ \d]{4}\.\d MiB cum
''')
INVALID = r'[^ ]*:\d+\] Attempt to free invalid pointer 0x[0-9a-f]+ '
ABORTED = -6

# Scene: what it prints, on standard output and on standard error (regular expressions), how it ends, environment.
SCENE_ROWS = [
    ('classes', re.escape(CLASSES), '', 0, {}),
    ('edges', re.escape(EDGES), '', 0, {}),
    ('bad-free', '', INVALID + '\n', ABORTED, {}),
    ('bad-free-inside', '', INVALID + '\n', ABORTED, {}),
    ('bad-free-again', '', INVALID + ': it is free already\n', ABORTED, {}),
    ('bad-free-large-again', '', INVALID + '\n', ABORTED, {}),
    ('bad-free-later', '', INVALID + '.*\n', ABORTED, {}),
    ('bad-free-in-small', '', INVALID + '\n', ABORTED, {}),
    ('bad-realloc', '', INVALID + '\n', ABORTED, {}),
    ('bad-usable', '', r'[^ ]*:\d+\] Attempt to get the size of an invalid pointer 0x[0-9a-f]+ \n', ABORTED, {}),
    ('large-report', '', '', 0, {}),
    ('large-report', '', r'tcmalloc: large alloc 2147483648 bytes == 0x[0-9a-f]+ @ ( 0x[0-9a-f]+){3,}\n'
     r'tcmalloc: large alloc 3221225472 bytes == 0x[0-9a-f]+ @ ( 0x[0-9a-f]+){3,}\n', 0,
     {'TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD': '1073741824'}),
    ('heap-limit', re.escape('stopped between 40 and 50 MB: 1 errno=12\n'), '', 0, {'TCMALLOC_HEAP_LIMIT_MB': '50'}),
    ('release', 'before: free>=60M 1 unmapped>=60M 0\nafter: free>=60M 0 unmapped>=60M 1\n', '', 0, {}),
    ('release', 'before: free>=60M 0 unmapped>=60M 1\nafter: free>=60M 0 unmapped>=60M 1\n', '', 0,
     {'TCMALLOC_AGGRESSIVE_DECOMMIT': 't'}),
    ('release', 'before: free>=60M 1 unmapped>=60M 0\nafter: free>=60M 1 unmapped>=60M 0\n', '', 0,
     {'TCMALLOC_DISABLE_MEMORY_RELEASE': '1'}),
    ('stats', '', STATS.pattern, 0, {}),
    ('none', '', '', 0, {}),
    ('none', '', STATS.pattern, 0, {'MALLOCSTATS': '1'}),
    ('none', '', STATS_2.pattern, 0, {'MALLOCSTATS': '2'}),
    ('info', r'<malloc version="1">.*</malloc>\n', '', 0, {}),
    ('classes', re.escape(CLASSES), '', 0, {'TCMALLOC_TRANSFER_NUM_OBJ': '2',
                                            'TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES': '0'}),
]

PYTHON = '''
import json, os, subprocess, sys, threading, zlib
def work():
    for i in range(200):
        json.loads(json.dumps([{"a": list(range(100)), "b": "x" * i}] * 5))
        zlib.decompress(zlib.compress(b"abc" * 1000))
threads = [threading.Thread(target=work) for _ in range(6)]
for t in threads: t.start()
for i in range(20):
    pid = os.fork()
    if pid == 0:
        blocks = [bytes(1000) for _ in range(1000)]
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
for t in threads: t.join()
print(subprocess.run(["/bin/echo", "done"], capture_output=True, text=True).stdout.strip())
'''
SQL = '''create table t(a integer primary key, b text);
with recursive c(x) as (select 1 union all select x+1 from c where x<20000) insert into t select x, hex(x*x) from c;
create index i on t(b);
select count(*), sum(length(b)) from t where b > '5';
delete from t where a % 3 = 0;
select count(*) from t join t u on t.b = u.b;
'''
C_SOURCE = ''.join('int f%d(int a, int b) { for (int i = 0; i < a; i++) b += a * %d ^ b >> 3; return b; }\n' % (i, i)
                   for i in range(300))
CPP_SOURCE = '#include <map>\n#include <string>\nint f(std::map<std::string, int> &m) { return m["a"] + m["b"]; }\n'

# Real programs: words of the command line, standard input. Run in an empty folder; what they print must be what
# they print without us.
PROGRAMS = [
    (['bash', '-c', 'for i in $(seq 200); do x=$(echo $i | tr 1 2); a[i]=$x; done; echo ${a[*]} | md5sum'], ''),
    (['python3', '-c', PYTHON], ''),
    (['perl', '-e', 'my %h; $h{$_ % 5000} .= "x" x ($_ % 77) for 1..100000; my $n; $n += length for values %h; '
      'print "$n\n"; for (1..20) { my $p = fork; exit 0 unless $p; waitpid $p, 0; die if $? }'], ''),
    (['sqlite3', '-batch', ':memory:'], SQL),
    (['gcc', '-O1', '-S', '-x', 'c', '-o', '-', '-'], C_SOURCE),
    (['g++', '-O1', '-S', '-x', 'c++', '-o', '-', '-'], CPP_SOURCE),
    (['sh', '-c', 'git init -q a && cd a && seq 2000 >f && git add f && git -c user.name=a -c user.email=b '
      'commit -q -m one && cd .. && git clone -q a b && git -C b log --format=%s && wc -l <b/f'], ''),
    (['sort', '-rn'], ''.join('%d\n' % (i * 7919 % 100003) for i in range(100000))),
]


def run(argv, env=None, stdin='', preload=True, cwd=None):
    environment = dict(os.environ, LC_ALL='C', **(env or {}))
    environment['LD_LIBRARY_PATH'] = os.path.dirname(LIBRARY)
    if preload:
        environment['LD_PRELOAD'] = LIBRARY
    return subprocess.run(argv, env=environment, input=stdin, capture_output=True, text=True, cwd=cwd,
                          timeout=HANG_SECONDS)


def check_scene(name, out, err, status, env):
    for preload in (False, True):
        r = run([SCENES, name], env, preload=preload)
        assert r.returncode == status, 'ended with %d: %s' % (r.returncode, r.stderr)
        assert re.fullmatch(out, r.stdout), r.stdout
        assert re.fullmatch(err, r.stderr), r.stderr


def check_operators():
    r = run([OPERATORS], preload=False)
    assert r.returncode == 0, r.stderr
    assert r.stdout == OPERATORS_SAY, r.stdout
    assert r.stderr == '', r.stderr


def check_wrong_size():
    r = run([OPERATORS, 'wrong-size'], preload=False)
    assert r.returncode == ABORTED
    assert re.fullmatch(r'[^ ]*:\d+\] Attempt to free pointer 0x[0-9a-f]+ as a block of 1000 bytes, but it has 112\n',
                        r.stderr), r.stderr


def check_threads(env):
    r = run([THREADS], env)
    assert (r.returncode, r.stdout, r.stderr) == (0, '', ''), (r.returncode, r.stderr)


def check_program(argv, stdin):
    results = []
    for preload in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            r = run(argv, stdin=stdin, preload=preload, cwd=folder)
            results.append((r.returncode, r.stdout, r.stderr))
    assert results[0][0] == 0, results[0]
    assert results[0] == results[1], results[1]


def check_address_space():
    r = run(['bash', '-c', 'ulimit -v 200000; exec perl -e \'my $x = "y" x 300000000; print length $x\''])
    assert r.returncode != 0 and 'emory' in r.stderr, r.stderr
    r = run(['bash', '-c', 'ulimit -v 200000; exec perl -e \'my $x = "y" x 30000000; print length $x\''])
    assert r.stdout == '30000000', r.stderr


def check_static():
    r = run([STATIC, 'edges'], preload=False)
    assert (r.returncode, r.stdout, r.stderr) == (0, EDGES, ''), (r.returncode, r.stdout, r.stderr)
    r = run([STATIC, 'none'], {'MALLOCSTATS': '1'}, preload=False)
    assert STATS.fullmatch(r.stderr), r.stderr


def readelf(option, file=LIBRARY):
    return subprocess.run(['readelf', option, '-W', file], capture_output=True, text=True, check=True).stdout


def offered(table):
    """Names that others can link with: symbols that are defined and not local."""
    rows = [l.split() for l in table.splitlines()]
    return {r[7].split('@')[0] for r in rows if len(r) > 7 and r[4] in ('GLOBAL', 'WEAK') and r[6] != 'UND'}


def check_dependencies():
    needed = re.findall(r'NEEDED.*\[(.*)\]', readelf('-d'))
    assert needed == ['libc.so.6'], needed
    assert re.search(r'SONAME.*\[libtcmalloc\w*\.so\.4\]', readelf('-d'))


def check_symbols():
    """All of the names are there, and none that is not meant for others."""
    names = offered(readelf('--dyn-syms'))
    wanted = set('''malloc free calloc realloc cfree memalign aligned_alloc posix_memalign valloc pvalloc reallocarray
        malloc_usable_size malloc_size malloc_stats mallopt mallinfo mallinfo2 nallocx free_sized free_aligned_sized
        malloc_trim malloc_info __libc_malloc __libc_free __libc_realloc __libc_calloc __libc_cfree __libc_memalign
        __libc_valloc __libc_pvalloc __posix_memalign
        _Znwm _Znam _ZnwmRKSt9nothrow_t _ZnamRKSt9nothrow_t _ZnwmSt11align_val_t _ZnamSt11align_val_t
        _ZnwmSt11align_val_tRKSt9nothrow_t _ZnamSt11align_val_tRKSt9nothrow_t _ZdlPv _ZdaPv _ZdlPvRKSt9nothrow_t
        _ZdaPvRKSt9nothrow_t _ZdlPvm _ZdaPvm _ZdlPvSt11align_val_t _ZdaPvSt11align_val_t _ZdlPvmSt11align_val_t
        _ZdaPvmSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t _ZdaPvSt11align_val_tRKSt9nothrow_t
        _ZN15MallocExtension8instanceEv _ZN15MallocExtension10InitializeEv'''.split())
    for header in sorted(pathlib.Path(ROOT, 'include/gperftools').glob('*.h')):
        if header.name in ('tcmalloc.h', 'malloc_extension_c.h', 'malloc_hook_c.h', 'nallocx.h'):
            text = re.sub(r'/\*.*?\*/', '', header.read_text(), flags=re.S)
            wanted |= set(re.findall(r'\b(tc_\w+|MallocExtension_[A-Z]\w+|MallocHook_(?:Add|Remove|Set|Get)\w+)\(', text))
    assert len(wanted) > 120
    assert not wanted - names, wanted - names
    others = [n for n in names - wanted if not n.startswith(('tc_', 'Malloc', '_ZN10MallocHook', '_ZN15Malloc'))]
    assert not others, others
    of_libc = {n for n in names if n.startswith(('__libc_', '__posix_'))}
    assert offered(readelf('-s', ARCHIVE)) == names - of_libc, offered(readelf('-s', ARCHIVE)) ^ names


def main():
    checks = [('scene %s%s' % (row[0], ''.join(' %s=%s' % e for e in row[4].items())), check_scene, row)
              for row in SCENE_ROWS]
    checks += [
        ('operators', check_operators, ()),
        ('wrong size', check_wrong_size, ()),
        ('threads', check_threads, ({},)),
        ('threads with small caches', check_threads, ({'TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES': '0'},)),
        ('threads, giving back at once', check_threads, ({'TCMALLOC_AGGRESSIVE_DECOMMIT': '1'},)),
        ('little address space', check_address_space, ()),
        ('static archive', check_static, ()),
        ('dependencies', check_dependencies, ()),
        ('symbols', check_symbols, ()),
    ]
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
