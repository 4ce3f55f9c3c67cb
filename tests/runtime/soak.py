#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Real programs at work for minutes, under each library of the runtime.

Each workload runs as it is, and then with each library preloaded, again and again until the time is over; what it
prints and how it ends must be the same. Where a library has the CPU profiler it samples at 4000 Hz; where it
has the heap profiler that is on and writes a file each 10 MB. Every profile that is left must be whole.

Not among the tests, for it takes minutes and large packages: `./dev soak`.

usage: soak.py [--minutes N] [--only WORKLOAD] [--libraries GLOB] BUILD-FOLDER
"""
import argparse
import fnmatch
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

HANG_SECONDS = 900

BASH = r'''
declare -A seen
for i in {1..400}; do
    x=$(printf '%d\n' $((i * 7919 % 1009)) | tr 1 2)
    seen[$x]=$i
    (exit $((i % 3))) || true
done
for k in "${!seen[@]}"; do echo "$k ${seen[$k]}"; done | sort | md5sum
f() { local n=$1; [ "$n" -le 0 ] && return; local a=("${@:2}"); f $((n - 1)) "${a[@]}" "$n"; }
f 60
coproc cat; echo through >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"
trap 'echo trapped' USR1; kill -USR1 $$
cat < <(seq 10000) | tail -1
'''
PERL = r'''
use strict; my %h; srand 7;
for my $i (1 .. 150000) { my $k = int rand 9000; $h{$k} .= chr(97 + $i % 26) x ($i % 61); delete $h{$k} if length $h{$k} > 2000 }
my $n = 0; $n += length for values %h; print "$n\n";
my @a = sort { $a->[1] cmp $b->[1] } map { [$_, join ',', map { $_ * 3 } $_ % 7 .. $_ % 7 + 9] } 1 .. 20000;
print "$a[0][0] $a[-1][0]\n";
my $t = join ' ', map { "word$_" } 1 .. 20000; my $m = 0; $m++ while $t =~ /\bword\d*[05]\b/g; print "$m\n";
for (1 .. 60) { my $p = fork; unless ($p) { my @x = map { 'y' x $_ } 1 .. 300; exit 0 } waitpid $p, 0; die if $? }
print scalar(`echo from a shell`);
'''
SQL = '''create table t(a integer primary key, b text, c real);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 60000)
  insert into t select x, hex(x * x), x / 7.0 from c;
create index i on t(b);
create index j on t(c);
select count(*), sum(length(b)), avg(c) from t where b > '5';
select substr(b, 1, 2) k, count(*), group_concat(a) from t group by k order by 2 desc, 1 limit 3;
delete from t where a % 3 = 0;
update t set b = b || 'x' where a % 5 = 1;
select count(*) from t u join t v on u.b = v.b;
with recursive f(n, a, b) as (select 0, 0, 1 union all select n + 1, b, a + b from f where n < 60) select max(a) from f;
vacuum;
pragma integrity_check;
'''
NODE = r'''
const {Worker, isMainThread, parentPort} = require('worker_threads');
const zlib = require('zlib'), crypto = require('crypto'), {execFileSync} = require('child_process');
function work(seed) {
    const m = new Map();
    for (let i = 0; i < 60000; i++) {
        seed = (seed * 1664525 + 1013904223) >>> 0;
        m.set('k' + seed % 5000, {seed, list: [seed, i, String(seed)], text: 'x'.repeat(seed % 200)});
    }
    const packed = zlib.gzipSync(JSON.stringify([...m]));
    const buffers = [];
    for (let i = 0; i < 200; i++) buffers.push(Buffer.allocUnsafeSlow(1 + (seed + i * 7919) % 100000).fill(i));
    return crypto.createHash('md5').update(zlib.gunzipSync(packed)).update(Buffer.concat(buffers)).digest('hex');
}
if (isMainThread) {
    const seen = [];
    let left = 4;
    for (let i = 0; i < 4; i++) {
        const w = new Worker(__filename);
        w.once('message', x => { seen.push(x); w.terminate().then(() => { if (--left === 0) console.log(seen.sort().join('\n')); }); });
        w.postMessage(i);
    }
    console.log(work(99));
    console.log(execFileSync('/bin/echo', ['child']).toString().trim());
} else parentPort.on('message', n => parentPort.postMessage(work(n)));
'''
PYTHON_TESTS = '''test_bytes test_dict test_set test_list test_gc test_json test_memoryview test_array test_re test_pickle
    test_zlib test_bz2 test_deque test_unicode test_ctypes test_thread test_queue test_fork1 test_signal test_weakref
    test_generators test_exceptions test_long test_itertools'''.split()
C_SOURCE = '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n' + ''.join(
    'static int f%d(int a, int b) { char t[64]; for (int i = 0; i < a; i++) { b += a * %d ^ b >> 3; switch (b %% 5) { case 0: '
    'b += snprintf(t, sizeof t, "%%d", b); break; case 1: b ^= (int)strlen(t); break; default: b--; } } return b; }\n'
    % (i, i) for i in range(400)) + 'int main(void) { return %s; }\n' % ' + '.join('f%d(%d, 3)' % (i, i) for i in range(400))
CXX_SOURCE = '''#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>
template <int N> struct S { std::map<std::string, S<N - 1>> m; std::vector<std::function<int(int)>> f; };
template <> struct S<0> { int x; };
int main() {
    S<12> s; std::regex r("(a+)(b|c)*");
    std::vector<std::string> v{"a", "ab"};
    std::sort(v.begin(), v.end(), [](auto &a, auto &b) { return a > b; });
    std::cout << std::regex_match(v[0], r) << s.m.size() << std::endl;
}
'''
GIT = r'''
export GIT_CONFIG_NOSYSTEM=1 HOME=$PWD GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z'
git init -q -b main one && cd one
for i in $(seq 25); do
    mkdir -p d$((i % 7)); seq $i $((i * 400)) >d$((i % 7))/f$i; echo $i >>same
    git add . && git commit -q -m "number $i"
done
git checkout -q -b side HEAD~5 && echo side >s && git add s && git commit -q -m side && git checkout -q main
git merge -q -m merged side && git gc -q && cd ..
git clone -q --no-local one two && git -C two log --format='%H %s' --stat | md5sum && git -C two fsck --strict
git -C two grep -c 777 | md5sum; git -C two diff --stat HEAD~9 | tail -1
'''


class Wrong(Exception):
    pass


def run(command, env, cwd, stdin='', wanted=0):
    done = subprocess.run(command, env=env, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=HANG_SECONDS,
                          check=False)
    if done.returncode != wanted:
        raise Wrong('%s ended with %d\n%s%s' % (command[0], done.returncode, done.stdout[-2000:], done.stderr[-2000:]))
    return done.stdout, done.stderr


def simple(*command, stdin=''):
    return lambda env, cwd: run(command, env, cwd, stdin)


def with_file(name, text, *command):
    def work(env, cwd):
        pathlib.Path(cwd, name).write_text(text, encoding='ascii')
        return run(command, env, cwd)
    return work


def python_tests(env, cwd):
    """Its own test suite judges; times and addresses in what it prints are of no interest."""
    run(['/usr/bin/python3', '-m', 'test', '-q', *PYTHON_TESTS], dict(env, PYTHONMALLOC='malloc', TMPDIR=cwd), cwd)
    return ''


def redis(env, cwd):
    """The server is what is tested; its clients go without us."""
    plain = {k: v for k, v in env.items() if k != 'LD_PRELOAD'}
    with open(os.path.join(cwd, 'redis.log'), 'w', encoding='ascii') as log, subprocess.Popen(
            ['redis-server', '--port', '0', '--unixsocket', 'socket', '--save', '', '--appendonly', 'yes', '--dir', cwd,
             '--maxmemory', '200mb', '--io-threads', '3'], env=env, cwd=cwd, stdout=log, stderr=log) as server:
        try:
            client = ['redis-cli', '-s', 'socket']
            for _ in range(600):
                if subprocess.run([*client, 'ping'], cwd=cwd, env=plain, capture_output=True, text=True,
                                  check=False).stdout == 'PONG\n':
                    break
                time.sleep(0.1)
            run(['redis-benchmark', '-s', 'socket', '-q', '-n', '40000', '-P', '16', '-c', '40', '-d', '200', '-r', '20000',
                 '-t', 'set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100,mset'], plain, cwd)
            run([*client, 'bgrewriteaof'], plain, cwd) # forks
            run([*client, 'eval', 'for i=1,20000 do redis.call("set", "n" .. i, string.rep("x", i % 500)) end return 1',
                 '0'], plain, cwd)
            out = [run([*client, *words], plain, cwd)[0] for words in (
                ['bgsave'], ['strlen', 'n499'], ['memory', 'malloc-stats'], ['get', 'n3'])]
            for _ in range(600):
                if 'rdb_bgsave_in_progress:0' in run([*client, 'info', 'persistence'], plain, cwd)[0]:
                    break
                time.sleep(0.1)
            run([*client, 'flushall'], plain, cwd)
            subprocess.run([*client, 'shutdown', 'nosave'], cwd=cwd, env=plain, capture_output=True, check=False)
            if server.wait(HANG_SECONDS) != 0:
                raise Wrong('redis-server ended with %d' % server.returncode)
            return out[1] + out[3]
        finally:
            if server.poll() is None:
                server.kill()
            if server.returncode != 0:
                print(pathlib.Path(cwd, 'redis.log').read_text(encoding='utf-8', errors='replace')[-3000:])


def compile_cxx(env, cwd):
    pathlib.Path(cwd, 'a.cpp').write_text(CXX_SOURCE, encoding='ascii')
    cc1plus, folder = (subprocess.run(['g++', '-print-' + what], capture_output=True, text=True, check=True).stdout.strip()
                       for what in ('prog-name=cc1plus', 'multiarch'))
    out = run([cc1plus, '-quiet', '-imultiarch', folder, '-D_GNU_SOURCE', '-O2', '-o', 'a.s', 'a.cpp'], env, cwd)
    return out + (pathlib.Path(cwd, 'a.s').read_text(encoding='ascii').replace(cwd, ''),)


WORKLOADS = {
    'bash': simple('bash', '-c', BASH),
    'perl': simple('perl', '-e', PERL),
    'sqlite3': simple('sqlite3', '-batch', 'file.db', stdin=SQL),
    'gcc': with_file('a.c', C_SOURCE, 'gcc', '-O2', '-g0', '-S', '-o', '-', 'a.c'),
    'cc1plus': compile_cxx,
    'git': simple('bash', '-c', GIT),
    'node': with_file('a.js', NODE, 'node', 'a.js'),
    'redis': redis,
    'python': python_tests,
}
NEEDS = {'redis': 'redis-server', 'cc1plus': 'g++', 'python': '/usr/bin/python3'}


def check_profile(path):
    """Header, records and trailer: nothing was cut off, and nothing is in between. Returns the ticks."""
    data = path.read_bytes()
    if not data:
        return 0 # a child that was killed, or ended by _exit
    words = struct.unpack('<%dQ' % (len(data) // 8), data[:len(data) // 8 * 8])
    if len(words) < 8 or words[:3] != (0, 3, 0):
        raise Wrong('%s: header %s' % (path, words[:5]))
    at, total = 5, 0
    while at + 2 < len(words) and words[at] != 0:
        if not 1 <= words[at + 1] <= 254:
            raise Wrong('%s: depth %d' % (path, words[at + 1]))
        total += words[at]
        at += 2 + words[at + 1]
    if words[at:at + 3] != (0, 1, 0):
        raise Wrong('%s: trailer %s' % (path, words[at:at + 3]))
    return total


def check_heap(path):
    """A heap profile: its rows add up to its first line, and its map is there to the end."""
    rows, _, maps = path.read_text(errors='replace').partition('\nMAPPED_LIBRARIES:\n')
    tallies = [list(map(int, re.findall(r'\d+', line.split('@')[0])[:4])) for line in rows.strip().split('\n')]
    if [sum(column) for column in zip(*tallies[1:])] != (tallies[0] if len(tallies) > 1 else []):
        raise Wrong('%s: rows do not add up' % path)
    if not maps.endswith('\n') or ' r-xp ' not in maps:
        raise Wrong('%s: map %r' % (path, maps[-200:]))


def environment(library, cwd):
    env = {k: v for k, v in os.environ.items()
           if not re.match(r'(CPU|HEAP)PROFILE|HEAPCHECK|LD_|PERFTOOLS|TCMALLOC|MALLOC|PYTHON|REDIS', k)}
    env.update(LC_ALL='C.UTF-8', TMPDIR=cwd)
    if library:
        env['LD_PRELOAD'] = str(library)
        os.mkdir(cwd + '/profiles')
        if library.name.startswith('libtcmalloc') and 'minimal' not in library.name:
            env.update(HEAPPROFILE=cwd + '/profiles/h', HEAP_PROFILE_ALLOCATION_INTERVAL='10000000', PERFTOOLS_VERBOSE='-1')
        if 'profiler' in library.name:
            env.update(CPUPROFILE=cwd + '/profiles/p', CPUPROFILE_FREQUENCY='4000', CPUPROFILE_QUIET='1')
    return env


def one(name, library):
    """What the workload says, and the ticks that were taken."""
    with tempfile.TemporaryDirectory(prefix='soak-', ignore_cleanup_errors=True) as cwd:
        said = WORKLOADS[name](environment(library, cwd), cwd)
        ticks = sum(map(check_profile, pathlib.Path(cwd).glob('profiles/p*')))
        for path in pathlib.Path(cwd).glob('profiles/h*'):
            check_heap(path)
        text = ''.join(said) if isinstance(said, tuple) else said
        return text.replace(cwd, ''), ticks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--minutes', type=float, default=20)
    parser.add_argument('--only', action='append', choices=list(WORKLOADS))
    parser.add_argument('--libraries', default='*', help='pattern of library names')
    parser.add_argument('build')
    options = parser.parse_args()
    libraries = sorted(p for p in pathlib.Path(options.build).resolve().glob('runtime/*/*.so.[04]')
                       if fnmatch.fnmatch(p.name, options.libraries))
    names = [n for n in options.only or WORKLOADS if shutil.which(NEEDS.get(n, n))]
    end, bad, runs, ticks, wanted = time.monotonic() + options.minutes * 60, 0, 0, 0, {}
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    for name in names:
        wanted[name] = one(name, None)[0]
        print('%-8s runs, and says %d bytes' % (name, len(wanted[name])), flush=True)
    while True:
        for name in names:
            for library in libraries:
                started = time.monotonic()
                try:
                    said, taken = one(name, library)
                    if said != wanted[name]:
                        raise Wrong('says\n%s\ninstead of\n%s' % (said[-1500:], wanted[name][-1500:]))
                    ticks += taken
                    verdict = 'ok %d ticks' % taken if taken else 'ok'
                except (Wrong, subprocess.SubprocessError, OSError) as error:
                    bad += 1
                    verdict = 'BAD ' + str(error)
                runs += 1
                print('%-8s %-32s %5.1f s  %s' % (name, library.name, time.monotonic() - started, verdict), flush=True)
        if time.monotonic() >= end:
            break
    print('%d runs, %d bad; %.1f minutes of CPU time sampled at 4000 Hz' % (runs, bad, ticks / 4000 / 60))
    return bad > 0


if __name__ == '__main__':
    sys.exit(main())
