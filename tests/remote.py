#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ask servers for profiles: good ones, and such as answer wrongly, slowly, endlessly or from elsewhere.

The servers are threads of this program, and a program in Go, on loopback. Results are TAP.

usage: remote.py CPROF [--without-sandbox]
"""
import gzip
import pathlib
import ssl
import struct
import subprocess
import sys
import tempfile
import traceback

import loopback

HAS_SANDBOX = '--without-sandbox' not in sys.argv[2:]
PROFILES = pathlib.Path(__file__).resolve().parents[1] / 'testdata' / 'profiles'
GO = '''package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
)

var kept [][]byte

//go:noinline
func keep() {
	for i := 0; i < 64; i++ {
		kept = append(kept, make([]byte, 1<<20))
	}
}

//go:noinline
func burn(n int) int {
	for i := 0; i < 1<<24; i++ {
		n = n*31 + i
	}
	return n
}

func main() {
	keep()
	go func() {
		for n := 0; ; {
			n = burn(n)
		}
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, nil))
}
'''
HEAP = b'''heap profile: 3: 300 [3: 300] @ heapprofile
1: 100 [1: 100] @ 0x401101 0x401202
2: 200 [2: 200] @ 0x401301 0x401202
'''
NAMES = {0x401101: '_ZN2ns3fooEi', 0x401201: 'main', 0x401301: 'bar--inlined', 0x401005: 'start'}
CPU = struct.pack('<5Q', 0, 3, 0, 10000, 0) + struct.pack('<5Q', 4, 3, 0x401101, 0x401202, 0x401006) + struct.pack(
    '<3Q', 0, 1, 0)


class Handler(loopback.Handler):
    def answer(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        server = self.server
        server.asked.append('GET ' + self.path)
        path, _, _ = self.path.partition('?')
        if path.startswith('/debug'):  # the same under a prefix
            path = path[len('/debug'):]
        if path == '/pprof/symbol':
            self.answer(server.symbols)
        elif path == '/pprof/cmdline':
            self.answer(b'/opt/bin/server\0--port\0' b'80')
        elif path in server.pages:
            body, status, headers = server.pages[path]
            self.answer(body, status, **headers)
        elif path == '/pprof/growth':  # never
            server.stop.wait()
        elif path == '/pprof/contention':  # without an end
            self.send_response(200)
            self.end_headers()
            try:
                while not server.stop.wait(0.01):  # the patience ends before the limit on bytes does
                    self.wfile.write(b'1 2 @ 0x1\n' * 1000)
            except OSError:
                pass
        else:
            self.answer(b'\n  <h1>not here</h1>\n', 404)

    def do_POST(self):
        addresses = self.rfile.read(int(self.headers['Content-Length'])).decode()
        self.server.asked.append('POST %s %s' % (self.path, addresses))
        if self.path == '/pprof/symbol':
            self.answer(b'', 307, Location='/elsewhere')
            return
        lines = ['%s\t%s\n' % (a, NAMES[int(a, 16)]) for a in addresses.split('+') if int(a, 16) in NAMES]
        self.answer(''.join(lines).encode())


class Server(loopback.Server):
    def __init__(self, context=None):
        super().__init__(Handler, context)
        self.symbols = b'num_symbols: 4\n'
        self.pages = {'/pprof/heap': (HEAP, 200, {}), '/pprof/profile': (CPU, 200, {})}


class Run:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.fetched = folder / 'fetched'

    def __call__(self, *arguments, status=0, env=()):
        """What is on standard output and standard error."""
        done = subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, errors='surrogateescape',
                              env={'PATH': '/usr/bin:/bin', 'PPROF_TMPDIR': str(self.fetched), 'NO_PROXY': '*',
                                   **dict(env)})
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        if status:
            assert done.stdout == '', done.stdout
        return done.stdout, done.stderr


def wants(text, *parts):
    for part in parts:
        assert part in text, 'no %r in\n%s' % (part, text)


def check_names(run):
    """names come from the server that is named first"""
    with Server() as server:
        out, err = run('--text', '--show_bytes', 'localhost:%d/pprof/heap' % server.port)
        assert out == '''Total: 300 B
     200  66.7%  66.7%      200  66.7% inlined (inline)
     100  33.3% 100.0%      100  33.3% ns::foo
       0   0.0% 100.0%      200  66.7% bar
       0   0.0% 100.0%      300 100.0% main
''', out
        files = list(run.fetched.iterdir())
        assert len(files) == 1 and files[0].read_bytes() == HEAP, files
        assert files[0].name.startswith('server.') and files[0].name.endswith(
            '.localhost.%d.pprof.heap' % server.port), files
        wants(err, 'Using remote profile at localhost:%d/pprof/heap.\n' % server.port,
              'Fetching /pprof/heap profile from http://localhost:%d/pprof/heap to\n  %s\n' % (server.port, files[0]),
              'Wrote profile to %s\n' % files[0],
              'If you want to investigate this profile further, you can do:\n\n  cprof \\\n    /opt/bin/server \\\n'
              '    %s\n\n' % files[0])
        assert server.asked[:3] == ['GET /pprof/symbol', 'GET /pprof/cmdline', 'GET /pprof/heap'], server.asked
        wanted = '+'.join('0x%016x' % a for a in (0x401101, 0x401201, 0x401301))
        assert server.asked[3:] == ['POST /pprof/symbol ' + wanted, 'POST /elsewhere ' + wanted], server.asked


def check_cpu(run):
    """without a service a CPU profile is taken, for as long as --seconds or the address says"""
    with Server() as server:
        place = 'http://localhost:%d' % server.port
        out, err = run('--text', '--seconds=7', place)
        wants(out, 'Total: 4 samples\n', '4 100.0% 100.0%        4 100.0% ns::foo\n', ' main\n', ' start\n')
        wants(err, 'Gathering CPU profile from %s/pprof/profile?seconds=7 for 7 seconds to\n' % place, 'Be patient...\n')
        run('--text', '--seconds=7', place + '/debug/pprof/profile?seconds=3')
        wants('\n'.join(server.asked), 'GET /pprof/profile?seconds=7', 'GET /debug/pprof/profile?seconds=3',
              'GET /debug/pprof/symbol')


def check_program(run):
    """with a program nobody is asked for names"""
    (run.folder / 'program').write_bytes(b'no ELF file')
    with Server() as server:
        out, _ = run('--text', 'program', 'localhost:%d/pprof/heap' % server.port)
        wants(out, ' 0000000000401101\n')
        assert server.asked == ['GET /pprof/heap'], server.asked
        assert [f for f in run.fetched.iterdir() if f.name.startswith('program.')]


def check_several(run):
    """several servers are added up, also as NAME@N, and one is subtracted from another"""
    with Server() as one, Server() as two:
        places = ['localhost:%d/pprof/heap' % s.port for s in (one, two)]
        wants(run('--text', '--show_bytes', *places)[0], 'Total: 600 B')
        wants(run('--text', '--show_bytes', 'localhost:%d@3/pprof/heap' % one.port)[0], 'Total: 900 B', 'ns::foo')
        one.pages['/pprof/heap'] = (HEAP.replace(b'2: 200', b'3: 301'), 200, {})
        wants(run('--text', '--show_bytes', '--base=' + places[1], places[0])[0], 'Total: 101 B')
        names = [f.name for f in run.fetched.iterdir()]
        assert len(names) == len(set(names)) and len(names) >= 7, names
        wants(run('--text', 'localhost:1@0/pprof/heap', status=1)[1], 'the number of servers goes from 1 to 1000')


def check_raw(run):
    """what --raw makes of a server is read back anywhere"""
    with Server() as server:
        raw, _ = run('--raw', 'localhost:%d/pprof/heap' % server.port)
        live, _ = run('--text', 'localhost:%d/pprof/heap' % server.port)
    (run.folder / 'kept.raw').write_text(raw, errors='surrogateescape')
    assert run('--text', 'kept.raw')[0] == live


def check_packed(run):
    """packed profiles are unpacked"""
    with Server() as server:
        server.pages['/pprof/heap'] = (gzip.compress(HEAP), 200, {})
        wants(run('--text', '--show_bytes', 'localhost:%d/pprof/heap' % server.port)[0], 'Total: 300 B', 'ns::foo')


def check_jemalloc(run):
    """what jemalloc says of a heap is read with names as well, whatever prefix the server has"""
    with Server() as server:
        server.pages['/pprof/heap'] = ((PROFILES / 'jemalloc.heap').read_bytes(), 200, {})
        out, _ = run('--text', '--show_bytes', 'http://localhost:%d/debug/pprof/heap' % server.port)
        assert out.splitlines()[0] == run('--text', '--show_bytes', PROFILES / 'jemalloc.heap')[0].splitlines()[0], out
        wants('\n'.join(server.asked), 'GET /debug/pprof/symbol', 'POST /debug/pprof/symbol 0x')


def check_bomb(run):
    """a packed profile that is gigabytes long ends at the limit"""
    with Server() as server:
        server.pages['/pprof/heap'] = (256 * gzip.compress(bytes(16 << 20)), 200, {})
        wants(run('--text', '--max-memory=64', 'localhost:%d/pprof/heap' % server.port, status=1)[1], '--max-memory')


def check_go(run):
    """a program in Go is asked for each profile that net/http/pprof has"""
    (run.folder / 'server.go').write_text(GO)
    subprocess.run(['go', 'build', '-o', 'server', 'server.go'], cwd=run.folder, check=True,
                   env={'PATH': '/usr/bin:/bin', 'HOME': str(run.folder), 'GOFLAGS': '-mod=mod', 'GO111MODULE': 'off'})
    with subprocess.Popen([run.folder / 'server'], stdout=subprocess.PIPE, text=True) as server:
        try:
            place = 'http://127.0.0.1:%d/debug/pprof/' % int(server.stdout.readline())
            wants(run('--text', '--seconds=1', place + 'profile')[0], ' main.burn\n', ' main.main.func1\n')
            wants(run('--text', '--lines', place + 'heap')[0], ' main.keep %s/server.go:15\n' % run.folder)
            wants(run('--text', place + 'goroutine')[0], ' net/http.(*Server).Serve\n')
            wants(run('--text', place + 'allocs')[0], ' main.keep\n')
            wants(run('--text', place + 'threadcreate')[0], 'Total: ')
            for service in ('block', 'mutex'):  # of which there is none
                assert run('--text', place + service)[0] == ''
        finally:
            server.kill()


def check_errors(run):
    """pages with an error are none"""
    with Server() as server:
        place = 'http://localhost:%d' % server.port
        wants(run('--text', place + '/pprof/wall', status=1)[1],
              'Failed to get profile: %s/pprof/wall: the server answered with status 404: <h1>not here</h1>' % place)
        server.pages['/pprof/heap'] = (b'', 500, {})
        wants(run('--text', place + '/pprof/heap', status=1)[1], 'the server answered with status 500\n')
        server.pages['/pprof/heap'] = (b'<html>sign in</html>', 200, {})
        wants(run('--text', place + '/pprof/heap', status=1)[1], '/pprof/heap: ')
        server.pages['/pprof/heap'] = (b'', 200, {})
        run('--text', place + '/pprof/heap', status=1)
        for symbols, why in ((b'num_symbols: 0\n', 'Stripped binary. No symbols available.'),
                             (b'hello\n', 'Failed to get the number of symbols from'), (b'', "doesn't exist")):
            server.symbols = symbols
            wants(run('--text', place + '/pprof/heap', status=1)[1], why)
    wants(run('--text', place + '/pprof/heap', status=1)[1], place + '/pprof/symbol: ')  # nobody is there


def check_redirects(run):
    """redirects are followed, but not out of HTTP, and not for ever"""
    with Server() as server:
        place = 'localhost:%d/pprof/heap' % server.port
        server.pages['/pprof/heap'] = (b'', 302, {'Location': '/pprof/profile'})
        wants(run('--text', place)[0], 'Total: 4 samples')
        for target in ('file:///etc/passwd', 'ftp://localhost/x', '/pprof/heap'):
            server.pages['/pprof/heap'] = (b'', 302, {'Location': target})
            wants(run('--text', place, status=1)[1], 'Failed to get profile: ')


def check_patience(run):
    """who does not answer in time, or never ends, is left"""
    with Server() as server:
        for service in ('growth', 'contention'):
            out = run('--text', '--timeout=1', 'localhost:%d/pprof/%s' % (server.port, service), status=1)[1]
            wants(out, 'Failed to get profile: ', 'timed out')
        assert not [f for f in run.fetched.iterdir() if 'growth' in f.name or 'contention' in f.name]


def check_names_of_servers(run):
    """what is no server is no server"""
    for name, why in (('prgo', 'prgo: No such file or directory'), ('ftp://localhost/pprof/heap', 'only http and https'),
                      ('http:///pprof/heap', 'no server is named'), ('http://a b/pprof/heap', 'is a space')):
        wants(run('--text', name, status=1)[1], why)
    (run.folder / 'x@2').write_bytes(HEAP)
    wants(run('--text', 'x@2')[1], 'Using local file x@2.')


def check_folder(run):
    """a folder that cannot be made is an error"""
    with Server() as server:
        (run.folder / 'file').write_text('')
        err = run('--text', 'localhost:%d/pprof/heap' % server.port, status=1, env={'PPROF_TMPDIR': 'file/folder'})[1]
        wants(err, 'Unable to create profile directory file/folder: Not a directory')


def check_prompt(run):
    """the prompt asks a server that is named when it begins; later only without a sandbox, and says so"""
    with Server() as server:
        place = 'localhost:%d/pprof/heap' % server.port
        for begin, option in ((place, ''), (str(PROFILES / 'heap.heap'), ''), (place, '--no-sandbox')):
            done = subprocess.run([run.program, '--interactive', *filter(None, [option]), begin], cwd=run.folder,
                                  input='top\nbase=%s\ntop\n' % place, capture_output=True, text=True,
                                  env={'PATH': '/usr/bin:/bin', 'PPROF_TMPDIR': str(run.fetched), 'NO_PROXY': '*'})
            is_refused = place + ': servers are asked before the first report, or with --no-sandbox\n' in done.stderr
            assert done.returncode == 0 and is_refused == (not option and HAS_SANDBOX), (option, done.stdout, done.stderr)
            assert ('ns::foo' in done.stdout) == (begin == place), done.stdout


def check_memory(run):
    """who has no home, and no folder for what is fetched, has it in memory"""
    with Server() as server:
        out, err = run('--text', 'localhost:%d/pprof/heap' % server.port, env={'PPROF_TMPDIR': ''})
        wants(out, 'ns::foo')
        assert 'Wrote profile' not in err and 'investigate' not in err, err
        server.pages['/pprof/heap'] = (HEAP + bytes(80 << 20), 200, {})
        wants(run('--text', '--max-memory=64', 'localhost:%d/pprof/heap' % server.port, status=1, env={'PPROF_TMPDIR': ''})[1],
              '--max-memory')


def check_https(run):
    """https, with a certificate that is trusted by --cacert, or not looked at"""
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
                    '-addext', 'subjectAltName=DNS:localhost', '-keyout', 'key', '-out', 'cert'],
                   cwd=run.folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(run.folder / 'cert', run.folder / 'key')
    with Server(context) as server:
        place = 'https://localhost:%d/pprof/heap' % server.port
        wants(run('--text', '--cacert=cert', place)[0], 'ns::foo')
        wants(run('--text', '--insecure', place)[0], 'ns::foo')
        wants(run('--text', place, status=1)[1].lower(), 'certificate')


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    checks = [f for name, f in globals().items() if name.startswith('check_')]
    print('1..%d' % len(checks))
    failed = 0
    for i, check in enumerate(checks, 1):
        why = ''
        with tempfile.TemporaryDirectory(prefix='cprof-remote-') as folder:
            try:
                check(Run(program, pathlib.Path(folder)))
            except Exception:
                why = traceback.format_exc()
        failed += bool(why)
        print('%sok %d - %s' % ('not ' if why else '', i, check.__doc__), flush=True)
        for line in why.splitlines():
            print('# ' + line, flush=True)
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
