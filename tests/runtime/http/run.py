#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The profiling pages of a program: asked by cprof, and by clients that mean no good.

Results are TAP.

usage: run.py CPROF LIBCPROF_HTTP.so LIBPROFILER.so LIBTCMALLOC_MINIMAL.so PROGRAM STATIC-PROGRAM ALLOCATOR.so EXAMPLE
       LIBTCMALLOC.so
"""
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import traceback

CPROF, LIBRARY, PROFILER, TCMALLOC, PROGRAM, STATIC, ALLOCATOR, EXAMPLE, TCMALLOC_FULL = (
    os.path.abspath(a) for a in sys.argv[1:10])
PATIENCE = 300  # seconds after which something hangs


def environment(**variables):
    env = {k: v for k, v in os.environ.items() if not re.match('CPU|HEAP|LD_|PERFTOOLS|TCMALLOC|CPROF|PPROF', k)}
    env.update(LD_LIBRARY_PATH=os.path.dirname(LIBRARY), NO_PROXY='*', LC_ALL='C', **variables)
    return env


class Server:
    """A program that serves, until the block is left."""

    def __init__(self, *arguments, program=PROGRAM, preload='', lines=3, before=None, **variables):
        if preload:
            variables['LD_PRELOAD'] = preload
        self.process = subprocess.Popen([program, *(arguments or ('serve',))], env=environment(**variables), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        preexec_fn=before)
        self.lines = [self.process.stdout.readline() for _ in range(lines)]
        self.port = int(self.lines[0]) if re.match(r'\d+$', self.lines[0]) else 0
        self.place = 'http://127.0.0.1:%d' % self.port

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
        self.out, self.err = self.process.communicate(timeout=PATIENCE)
        if not kind:
            assert self.process.returncode == 0, (self.process.returncode, self.out, self.err)

    def ask(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
        connection.request(method, target, body, headers or {})
        reply = connection.getresponse()
        reply.text = reply.read().decode('latin-1')
        connection.close()
        return reply

    def get(self, target):
        return self.ask('GET', target)

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), timeout=PATIENCE)

    def raw(self, request):
        """All that comes back for some bytes."""
        with self.connect() as s:
            try:
                s.sendall(request)
            except OSError:
                pass
            return read_all(s)

    def address(self, what):
        return int(re.search(what + r' 0x([0-9a-f]+)', self.lines[2])[1], 16)


def read_all(s):
    answer = b''
    try:
        while True:
            part = s.recv(65536)
            if not part:
                break
            answer += part
    except ConnectionResetError:
        pass
    return answer


def run(*arguments, status=0, **variables):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([CPROF, *arguments], capture_output=True, text=True, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, env=environment(PPROF_TMPDIR=folder, **variables))
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


def check_pages():
    """every page answers, under any prefix"""
    with Server() as s:
        for prefix in ('', '/debug', '/some/where'):
            r = s.get(prefix + '/pprof/symbol')
            assert r.status == 200 and re.fullmatch(r'num_symbols: [1-9]\d+\n', r.text), r.text
        assert s.get('/pprof/cmdline').text == PROGRAM + '\nserve\n'
        r = s.get('/pprof/')
        assert r.status == 200 and '/pprof/profile' in r.text, r.text
        assert r.getheader('Connection') == 'close' and r.getheader('Content-Type').startswith('text/plain')
        for target in ('/', '/pprof', '/pprof/wall', '/heap', '/pprof/heap/', '/pprof/contention'):
            assert s.get(target).status == 404, target
        r = s.ask('DELETE', '/pprof/heap')
        assert r.status == 405 and r.getheader('Allow') == 'GET, HEAD', r.getheaders()
        assert s.ask('PUT', '/pprof/symbol', b'').getheader('Allow') == 'GET, HEAD, POST'
        assert s.ask('POST', '/pprof/cmdline', b'').status == 405
        head, full = s.ask('HEAD', '/pprof/symbol'), s.get('/pprof/symbol')
        assert head.status == 200 and head.getheader('Content-Length') == str(len(full.text)) and head.text == ''
        assert s.lines[1] == 'again -114\n', s.lines
    assert s.out == 'stopped\n', s.out


def check_names():
    """addresses get the names of their functions"""
    with Server() as s:
        burn = s.address('burn')
        r = s.ask('POST', '/pprof/symbol', '0x%016x+0x%x+0x1+junk+0x%x' % (burn, burn + 3, s.address('main')))
        assert r.text == '0x%x\tburn_for_pages\n0x%x\tburn_for_pages\n0x%x\tserve\n' % (
            burn, burn + 3, s.address('main')), r.text
        assert s.ask('POST', '/pprof/symbol', '').text == ''
        r = s.get('/pprof/symbol?0x%x' % burn)
        assert re.fullmatch(r'num_symbols: \d+\n0x%x\tburn_for_pages\n' % burn, r.text), r.text
        many = '+'.join('0x%x' % (burn + i % 7) for i in range(50000))
        r = s.ask('POST', '/pprof/symbol', many)
        assert r.text.count('burn_for_pages') == 50000


def check_demangled():
    """names are readable where the program has a C++ library"""
    with Server(preload='libstdc++.so.6') as s:
        maps = pathlib.Path('/proc/%d/maps' % s.process.pid).read_text()
        start, path = re.search(r'^([0-9a-f]+)-\S+ r--p 00000000 .* (/\S*libstdc\+\+\S*)$', maps, re.M).groups()
        table = subprocess.run(['readelf', '--dyn-syms', '-W', path], capture_output=True, text=True, check=True).stdout
        value = re.search(r': ([0-9a-f]+) +\d+ FUNC .* _ZSt9terminatev@', table)[1]
        r = s.ask('POST', '/pprof/symbol', '0x%x' % (int(start, 16) + int(value, 16)))
        assert r.text.endswith('\tstd::terminate()\n'), r.text


def check_vdso():
    """the kernel's functions have names too"""
    with Server() as s:
        maps = pathlib.Path('/proc/%d/maps' % s.process.pid).read_text()
        low, high = (int(x, 16) for x in re.search(r'^(\w+)-(\w+) .*\[vdso\]$', maps, re.M).groups())
        r = s.ask('POST', '/pprof/symbol', '+'.join('0x%x' % a for a in range(low, high, 16)))
        assert 'clock_gettime' in r.text, r.text


def check_cpu():
    """cprof takes a CPU profile, with names from the server"""
    for program, preload in ((PROGRAM, PROFILER), (STATIC, '')):
        with Server(program=program, preload=preload) as s:
            out, err = run('--text', '--seconds=1', s.place)
            assert re.match(r'Total: [1-9]\d* samples\n', out) and 'burn_for_pages' in out, (out, err)
            out, _ = run('--text', s.place + '/debug/pprof/profile?seconds=1')
            assert 'burn_for_pages' in out, out
            for bad in ('0', 'x', '1.5', '86401', '-1', ''):
                r = s.get('/pprof/profile?seconds=' + bad)
                assert r.status == 400 and 'from 1 to 86400' in r.text, (bad, r.text)
            assert s.ask('HEAD', '/pprof/profile').status == 200


def check_one_profile():
    """one profile at a time: others are told, and served with other pages meanwhile"""
    with Server(preload=PROFILER) as s:
        first = s.connect()
        first.sendall(b'GET /pprof/profile?seconds=86400 HTTP/1.1\r\n\r\n')
        while s.get('/pprof/profile?seconds=1').status != 409:
            pass
        r = s.get('/pprof/profile?seconds=1')
        assert r.status == 409 and 'already' in r.text, r.text
        assert s.get('/pprof/symbol').status == 200
        first.close()  # who asked is gone: it ends
        while s.get('/pprof/profile?seconds=1').status != 200:
            pass
        # The server is stopped in the middle of one.
        second = s.connect()
        second.sendall(b'GET /pprof/profile?seconds=86400 HTTP/1.1\r\n\r\n')
        while s.get('/pprof/profile?seconds=1').status != 409:
            pass
    assert s.out == 'stopped\n', s.out
    assert read_all(second) == b''


def check_profiled_otherwise():
    """a profile that the program takes itself is left alone"""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'whole.prof')
        with Server(preload=PROFILER, CPUPROFILE=path) as s:
            r = s.get('/pprof/profile?seconds=1')
            assert r.status == 409, r.text
        assert s.err.startswith('PROFILE: interrupts/evictions/bytes = '), s.err
        assert os.path.getsize(path) > 64


def check_no_profiler():
    """without profiler and allocator the pages say what is missing"""
    with Server() as s:
        for page, what in (('profile?seconds=1', '-lprofiler'), ('heap', '-ltcmalloc'), ('growth', '-ltcmalloc')):
            r = s.get('/pprof/' + page)
            assert r.status == 501 and what in r.text, r.text
    with Server(preload=TCMALLOC) as s:
        for page in ('heap', 'growth'):
            r = s.get('/pprof/' + page)
            assert r.status == 501 and r.text.startswith('This malloc implementation does not support'), r.text


def check_heap():
    """heap and growth come from the allocator that is there, and from the heap profiler where it runs"""
    with Server(preload=ALLOCATOR) as s:
        assert s.get('/pprof/heap').text.startswith('heap profile:      1:    70000'), s.get('/pprof/heap').text
        out, _ = run('--text', '--show_bytes', s.place + '/pprof/growth')
        assert out.startswith('Total: 1048576 B\n'), out
        run('--text', s.place + '/pprof/heap')
    with Server(preload=ALLOCATOR, HEAP_IS_PROFILED='1') as s:
        out, _ = run('--text', '--show_bytes', s.place + '/pprof/heap')
        assert out.startswith('Total: 300 B\n'), out


def check_real_heap():
    """the pages of a program with libtcmalloc: its heap profile, its samples, its growth"""
    with tempfile.TemporaryDirectory() as folder, \
            Server(preload=TCMALLOC_FULL, HEAPPROFILE=folder + '/h', PERFTOOLS_VERBOSE='-1') as s:
        assert re.match(r'heap profile: +\d+: +[1-9]\d* \[ *\d+: +\d+\] @ heapprofile\n', s.get('/pprof/heap').text)
        out, _ = run('--text', s.place + '/pprof/heap')
        assert re.match(r'Total: \d', out) and '_IO_file_doallocate' in out, out
        out, _ = run('--text', s.place + '/pprof/growth')
        assert re.match(r'Total: [1-9]', out), out
    with Server(preload=TCMALLOC_FULL, TCMALLOC_SAMPLE_PARAMETER='1') as s:
        assert re.match(r'heap profile: +[1-9]\d*: .* @ heap_v2/1\n', s.get('/pprof/heap').text)
    with Server(preload=TCMALLOC_FULL) as s:
        assert s.get('/pprof/heap').text.startswith('%warn')


HOSTILE = [
    (b'GET /pprof/cmdline\r\n\r\n', 400),
    (b'GET /pprof/cmdline HTTP/1.1\r\nA b\r\n\r\n', 400),
    (b'GET /pprof/cmdline HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n', 400),
    (b'GET /pprof/\0cmdline HTTP/1.1\r\n\r\n', 400),
    (b'GET /pprof/%s HTTP/1.1\r\n\r\n' % (b'a' * 9000), 414),
    (b'GET /pprof/cmdline HTTP/1.1\r\n' + b'X: y\r\n' * 4000 + b'\r\n', 431),
    (b'a' * 100000, 431),
    (b'\x16\x03\x01\x02\0\1\0\1\xfc\x03\x03' + bytes(range(256)) * 3 + b'\n\n', 400),
    (b'POST /pprof/symbol HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n', 413),
    (b'POST /pprof/symbol HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n' + b'0x1+' * 500000, 413),
    (b'POST /pprof/symbol HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12', 400),
    (b'POST /pprof/symbol HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n0x1\r\n0\r\n\r\n', 411),
    (b'POST /pprof/symbol HTTP/1.1\r\n\r\n', 411),
    (b'GET /pprof/cmdline HTTP/3.0\r\n\r\n', 505),
    (b'GET /../../pprof/../etc/passwd HTTP/1.1\r\n\r\n', 404),
    (b'GET /pprof/%2e%2e/heap HTTP/1.1\r\n\r\n', 404),
    (b'GET /pprof/cmdline HTTP/1.1\r\nHost: evil.example\r\n\r\n', 403),
    (b'GET /pprof/cmdline HTTP/1.1\r\nHost: localhost\r\n\r\n', 200),
    (b'GET /pprof/cmdline HTTP/1.0\n\n', 200),
    (b'\r\nGET http://127.0.0.1/pprof/cmdline HTTP/1.1\r\n\r\n', 200),
    (b'GET /pprof/cmdline HTTP/1.1\r\n\r\nGET /pprof/cmdline HTTP/1.1\r\n\r\n' + b'x' * 100000, 200),
    (b'POST /pprof/symbol HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n' + b'+' * 1048576, 200),
]


def check_hostile():
    """requests that are none get one answer and no more"""
    with Server() as s:
        for request, status in HOSTILE:
            answer = s.raw(request)
            assert answer.startswith(b'HTTP/1.1 %d ' % status), (request[:80], answer[:200])
            assert answer.count(b'HTTP/1.1 ') == 1, answer[:400]
            head, _, body = answer.partition(b'\r\n\r\n')
            assert int(re.search(rb'Content-Length: (\d+)', head)[1]) == len(body), answer[:400]
        # Gone before, in and after the head, in the body; without waiting for the answer.
        for request in (b'', b'GET', b'GET /pprof/symbol HTTP/1.1\r\n\r\n',
                        b'POST /pprof/symbol HTTP/1.1\r\nContent-Length: 9\r\n\r\n0x1'):
            for _ in range(20):
                with s.connect() as c:
                    c.sendall(request)
        # A byte at a time; and only this direction closed.
        with s.connect() as c:
            for byte in b'GET /pprof/cmdline HTTP/1.1\r\nHost: localhost\r\n\r\n':
                c.sendall(bytes((byte,)))
            assert read_all(c).startswith(b'HTTP/1.1 200 ')
        with s.connect() as c:
            c.sendall(b'GET /pprof/cmdline HTTP/1.1\r\n\r\n')
            c.shutdown(socket.SHUT_WR)
            assert read_all(c).startswith(b'HTTP/1.1 200 ')
        with s.connect() as c:  # asks before it sends a body
            c.sendall(b'POST /pprof/symbol HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n')
            assert c.recv(100) == b'HTTP/1.1 100 Continue\r\n\r\n'
            c.sendall(b'0x1+1')
            assert read_all(c).startswith(b'HTTP/1.1 200 ')
        assert s.get('/pprof/cmdline').status == 200


def check_slow():
    """clients that say nothing are told to go, and keep nobody out for good"""
    with Server() as s:
        idle = [s.connect() for _ in range(20)]
        idle[0].sendall(b'GET /pprof/')
        assert s.get('/pprof/cmdline').status == 200
        for c in idle:
            assert read_all(c).startswith(b'HTTP/1.1 408 ')
            c.close()


def check_descriptors():
    """a program without free descriptors serves again when it has some"""
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))
    with Server(before=limit) as s:
        many = [s.connect() for _ in range(12)]
        for c in many:
            c.close()
        assert s.get('/pprof/cmdline').status == 200


def check_thread():
    """one thread, which takes no signals"""
    with Server(preload=PROFILER) as s:
        assert s.get('/pprof/cmdline').status == 200
        tasks = pathlib.Path('/proc/%d/task' % s.process.pid)
        ours = [t for t in tasks.iterdir() if (t / 'comm').read_text() == 'cprof-http\n']
        assert len(ours) == 1, ours
        blocked = int(re.search(r'SigBlk:\s*(\w+)', (ours[0] / 'status').read_text())[1], 16)
        for number in (signal.SIGPROF, signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
            assert blocked >> (number - 1) & 1, (number, blocked)


def check_addresses():
    """other addresses, and such as are none"""
    with Server('serve', '::1') as s:
        s.place = 'http://[::1]:%d' % s.port
        with socket.create_connection(('::1', s.port), timeout=PATIENCE) as c:
            c.sendall(b'GET /pprof/cmdline HTTP/1.1\r\nHost: [::1]\r\n\r\n')
            assert read_all(c).startswith(b'HTTP/1.1 200 ')
    with Server('serve', '0.0.0.0') as s:  # who lets others in may be called by any name
        assert s.ask('GET', '/pprof/cmdline', headers={'Host': 'some.where'}).status == 200
    for bad in ('localhost', '1.2.3', '', '127.0.0.1:80'):
        r = subprocess.run([PROGRAM, 'serve', bad], env=environment(), capture_output=True, text=True, timeout=PATIENCE)
        assert (r.returncode, r.stdout) == (1, '-22\n'), r
    r = subprocess.run([PROGRAM, 'serve', '203.0.113.7'], env=environment(), capture_output=True, text=True,
                       timeout=PATIENCE)
    assert (r.returncode, r.stdout) == (1, '-99\n'), r


def check_fork():
    """a child does not serve for its parent, but may for itself"""
    with Server('fork', lines=2) as s:
        child = int(s.lines[1])
        assert child != s.port
        parents = s.get('/pprof/cmdline')
        assert parents.status == 200
        s.port = child
        assert s.get('/pprof/cmdline').status == 200
    r = subprocess.run([PROGRAM, 'restart'], env=environment(), capture_output=True, text=True, timeout=PATIENCE)
    assert (r.returncode, r.stdout) == (0, 'restarted\n'), r


def handled(method, target, body='', preload=''):
    r = subprocess.run([PROGRAM, 'handle', method, target, body], env=environment(LD_PRELOAD=preload),
                       capture_output=True, timeout=PATIENCE)
    assert r.returncode == 0, r
    head, _, rest = r.stdout.partition(b'\n')
    is_ours, status, kind, n = head.decode().rsplit(' ', 1)[0].split(' ', 2) + [head.decode().rsplit(' ', 1)[1]]
    assert int(n) == len(rest)
    return int(is_ours), int(status), kind, rest


def check_handler():
    """the handler answers without a server"""
    assert handled('GET', '/index.html')[:2] == (0, 404)
    assert handled('GET', '/x/pprof/cmdline')[:2] == (1, 200)
    is_ours, status, _, rest = handled('GET', '/pprof/symbol')
    assert (is_ours, status) == (1, 200) and rest.startswith(b'num_symbols: '), rest
    assert handled('POST', '/pprof/symbol', '0x1')[1:] == (200, 'text/plain; charset=utf-8', b'')
    assert handled('POST', '/pprof/heap')[1] == 405
    assert handled('GET', '/pprof/profile?seconds=1')[1] == 501
    is_ours, status, kind, rest = handled('GET', '/pprof/profile?seconds=1', preload=PROFILER)
    assert (is_ours, status, kind) == (1, 200, 'application/octet-stream')
    assert rest.startswith(bytes(8) + b'\x03' + bytes(7)) and b'r-xp' in rest, rest[:100]


def check_environment():
    """CPROF_HTTP makes any program serve"""
    def told(value):
        return subprocess.Popen(['sleep', '1000'], env=environment(LD_PRELOAD=LIBRARY, CPROF_HTTP=value), text=True,
                                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for value in ('0', '127.0.0.1:0', '[127.0.0.1]:0', '[::1]:0'):
        process = told(value)
        line = process.stderr.readline()
        port = int(re.fullmatch(r'cprof_http: profiles are at port (\d+), /pprof/\n', line)[1])
        with socket.create_connection(('::1' if ':1]' in value else '127.0.0.1', port), timeout=PATIENCE) as c:
            c.sendall(b'GET /pprof/cmdline HTTP/1.1\r\n\r\n')
            assert read_all(c).endswith(b'\r\n\r\nsleep\n1000\n')
        process.kill()
        process.communicate()
    for value in ('x', '127.0.0.1', '80x', ':', '127.0.0.1:', '1.2.3:80', '65536', '-1'):
        process = told(value)
        line = process.stderr.readline()
        process.kill()
        process.communicate()
        assert line == 'cprof_http: CPROF_HTTP=%s: cannot listen: Invalid argument\n' % value, line


def check_example():
    """the example can be profiled while it works"""
    process = subprocess.Popen([EXAMPLE, '0'], env=environment(LD_PRELOAD=PROFILER), text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    place = re.fullmatch(r'(http://localhost:\d+)/pprof/\n', process.stdout.readline())[1]
    out, _ = run('--text', '--seconds=1', place)
    assert ' work\n' in out, out
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and re.fullmatch(r'\d+ texts\n', out), (process.returncode, out)


def check_symbols():
    """the library offers what its header has, and needs nothing but libc"""
    def read(option):
        return subprocess.run(['readelf', option, '-W', LIBRARY], capture_output=True, text=True, check=True).stdout
    rows = [l.split() for l in read('--dyn-syms').splitlines()]
    names = {r[7].split('@')[0] for r in rows if len(r) > 7 and r[4] in ('GLOBAL', 'WEAK') and r[6] != 'UND'}
    assert names == {'cprof_http_handle', 'cprof_http_release', 'cprof_http_start', 'cprof_http_stop'}, names
    assert re.findall(r'NEEDED.*\[(.*)\]', read('-d')) == ['libc.so.6'], read('-d')
    assert 'Library soname: [libcprof_http.so.0]' in read('-d')


def main():
    checks = [f for name, f in globals().items() if name.startswith('check_')]
    print('1..%d' % len(checks))
    failed = 0
    for i, check in enumerate(checks, 1):
        why = ''
        try:
            check()
        except Exception:
            why = traceback.format_exc()
        failed += bool(why)
        print('%sok %d - %s' % ('not ' if why else '', i, check.__doc__), flush=True)
        for line in why.splitlines():
            print('# ' + line, flush=True)
    return failed > 0


sys.exit(main())
