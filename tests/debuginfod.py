#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Debug files from servers: a real debuginfod, and such as answer wrongly, slowly, endlessly or not at all.

All of them are on loopback. Results are TAP.

usage: debuginfod.py CPROF
"""
import contextlib
import os
import pathlib
import pty
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

import loopback

SOURCE = '''int inner(int n) { volatile int sum = 0; for (int i = 0; i < n; i++) sum += i; return sum; }
static int hidden(int n) { return inner(n) + 1; }
int (*volatile through)(int) = hidden;
int main(void) { return through(3) == 4; }
'''


class Handler(loopback.Handler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        answer = server.answers.get(self.path)
        if answer == 'never':
            server.stop.wait()
            self.close_connection = True
        elif answer == 'endless' or answer == 'dripping':
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not server.stop.wait(0.2 if answer == 'dripping' else 0):
                    self.wfile.write(b'\x7fELF' + bytes(1000 if answer == 'endless' else 1))
        elif answer is None or isinstance(answer, int):
            self.send_response(answer or 404)
            self.send_header('Content-Length', '0')
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header('Content-Length', str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)


class Server(loopback.Server):
    def __init__(self, answers):
        super().__init__(Handler)
        self.answers = answers


class Field:
    """A stripped program, its debug file apart, and a profile with one sample in `hidden`."""

    def __init__(self, program, folder, name='prog', source=SOURCE):
        self.program, self.folder, self.n = program, folder, 0
        self.prog, self.debug = folder / name, folder / 'apart' / (name + '.debug')
        self.debug.parent.mkdir(exist_ok=True)
        (folder / (name + '.c')).write_text(source)
        self.tool('gcc', '-O1', '-g', '-fno-inline', '-Wl,--build-id', '-o', self.prog, folder / (name + '.c'))
        self.id = self.tool('readelf', '-n', self.prog).split('Build ID:')[1].split()[0]
        symbols = {line.split()[2]: int(line.split()[0], 16) for line in self.tool('nm', self.prog).splitlines()
                   if len(line.split()) == 3}
        self.tool('objcopy', '--only-keep-debug', self.prog, self.debug)
        self.tool('strip', self.prog)
        for line in self.tool('readelf', '-lW', self.prog).splitlines():
            words = line.split()
            if words[:1] == ['LOAD'] and 'E' in words[6:-1]:
                self.offset, self.address, self.size = (int(words[i], 16) for i in (1, 2, 4))
        self.where = symbols['hidden'] + 1
        self.profile = self.make_profile(name + '.prof', self.prog)
        self.path = '/buildid/%s/debuginfo' % self.id

    def tool(self, *argv):
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def make_profile(self, name, path, also='', build_id=''):
        """Loaded at 0x7f0000000000; `build_id` goes into the map, `also` is more lines of it."""
        pc = 0x7f0000000000 + self.where - self.address
        words = struct.pack('<12Q', 0, 3, 0, 10000, 0, 5, 1, pc, 0, 1, 0, 0)[:-8]
        line = '7f0000000000-%x: r-xp %s (@%x) %s\n' % (
            0x7f0000000000 + (self.size + 4095 & ~4095), path, self.offset, build_id)
        (self.folder / name).write_bytes(words + (line + also).encode())
        return self.folder / name

    def __call__(self, urls, *arguments, status=0, cache=None, more=('--debuginfod',), env=()):
        """What is on standard output and standard error; with a new cache each time, unless one is named."""
        self.n += 1
        self.cache = self.folder / (cache or 'cache%d' % self.n)
        environment = {'PATH': '/usr/bin:/bin', 'HOME': str(self.folder / 'home'), 'NO_PROXY': '*', 'LC_ALL': 'C',
                       'DEBUGINFOD_CACHE_PATH': str(self.cache), **dict(env)}
        if urls is not None:
            environment['DEBUGINFOD_URLS'] = urls
        done = subprocess.run([self.program, *(arguments or ('--lines', '--text', self.prog, self.profile)), *more],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done.stdout, done.stderr


def wants(text, *parts):
    for part in parts:
        assert part in text, 'no %r in\n%s' % (part, text)


def named(output):
    return 'hidden' in output and 'prog.c:2' in output


def check_real(field):
    """a real server: fetched once, kept, and found by the next run"""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    log = (field.folder / 'debuginfod.log').open('w')
    server = subprocess.Popen(['debuginfod', '-p', str(port), '-d', ':memory:', '-F', field.debug.parent],
                              stdout=log, stderr=log, env={'PATH': '/usr/bin:/bin', 'HOME': str(field.folder)})
    url = 'http://127.0.0.1:%d' % port
    try:
        for _ in range(600):  # until it has looked through the folder
            try:
                urllib.request.urlopen(url + field.path, timeout=60).read()
                break
            except OSError:
                assert server.poll() is None, (field.folder / 'debuginfod.log').read_text()
                time.sleep(0.2)
        out, err = field(url, cache='real')
        assert named(out), (out, err)
    finally:
        server.terminate()
        server.wait()
        log.close()
    kept = field.cache / field.id / 'debuginfo'
    assert kept.read_bytes() == field.debug.read_bytes()
    assert [p.name for p in kept.parent.iterdir()] == ['debuginfo']
    out, err = field(url, cache='real')  # the server is gone
    assert named(out) and ': debuginfod: ' not in err, (out, err)
    wants(field(url, 'doctor', field.prog, field.profile, cache='real')[0], str(kept))


def check_asked_for(field):
    """nobody is asked unless DEBUGINFOD_URLS and --debuginfod both say so"""
    with Server({field.path: field.debug.read_bytes()}) as server:
        out, _ = field(server.url, more=())
        assert not named(out) and not server.asked, (out, server.asked)
        for nobody in (None, '', '  '):
            out, err = field(nobody)
            assert not named(out) and not server.asked
            wants(err, '--debuginfod: DEBUGINFOD_URLS names no server')
        wants(field(server.url, more=('--debuginfod',), env={'DEBUGINFOD_CACHE_PATH': '', 'HOME': ''})[1],
              '--debuginfod: there is no folder for what is fetched')
        assert not server.asked
        out, err = field(server.url)
        assert named(out) and server.asked == [field.path], (out, err, server.asked)


def check_folder(field):
    """without DEBUGINFOD_CACHE_PATH files go where other clients have them"""
    with Server({field.path: field.debug.read_bytes()}) as server:
        for env, where in (({'XDG_CACHE_HOME': str(field.folder / 'xdg')}, 'xdg/debuginfod_client'),
                           ({}, 'home/.cache/debuginfod_client')):
            assert named(field(server.url, env={'DEBUGINFOD_CACHE_PATH': '', **env})[0])
            assert (field.folder / where / field.id / 'debuginfo').exists()


def check_only_sampled(field):
    """modules without samples, and those with debug information, are not asked for"""
    other = Field(field.program, field.folder, 'other.so', SOURCE + '/* another */')
    also = '7f1000000000-7f1000001000 r-xp 00000000 00:00 2 %s\n' % other.prog
    profile = field.make_profile('both', field.prog, also)
    with Server({}) as server:
        out, err = field(server.url, '--text', field.prog, profile)
        assert server.asked == [field.path], server.asked
        wants(err, '%s: no debuginfod server has a file of its build (%s, debuginfo)' % (field.prog, field.id))
        del server.asked[:]
        field(server.url, '--text', other.prog, profile)  # the program that is named has no samples
        assert server.asked == [field.path], server.asked
        del server.asked[:]
        whole = field.folder / 'whole'
        field.tool('eu-unstrip', '-o', whole, field.prog, field.debug)
        out, _ = field(server.url, '--lines', '--text', whole, field.make_profile('of_whole', whole))
        assert named(out) and not server.asked, (out, server.asked)


def check_executable(field):
    """a program that is not here, or is another build, is fetched too"""
    gone = field.folder / 'gone' / 'prog'
    gone.parent.mkdir()
    shutil.copy(field.prog, gone)
    profile = field.make_profile('of_gone', gone, build_id=field.id)
    program = '/buildid/%s/executable' % field.id
    for is_there in (False, True):
        if is_there:
            field.tool('gcc', '-O0', '-Wl,--build-id', '-o', gone, field.folder / 'prog.c')
        else:
            gone.unlink()
        with Server({program: field.prog.read_bytes(), field.path: field.debug.read_bytes()}) as server:
            out, err = field(server.url, '--lines', '--text', profile)
            assert named(out) and server.asked == [program, field.path], (out, err, server.asked)


def check_absent(field):
    """404 is a note, and nobody is asked again for a while; the next server is"""
    with Server({}) as none, Server({field.path: field.debug.read_bytes()}) as other:
        for _ in range(2):
            out, err = field(none.url, cache='absent')
            assert not named(out) and 'Total: 5' in out
        assert none.asked == [field.path], none.asked
        assert (field.cache / field.id / 'debuginfo').stat().st_size == 0
        out, _ = field('%s  %s/' % (none.url, other.url))
        assert named(out) and len(none.asked) == 2 and other.asked == [field.path]
        wants(field(none.url, 'doctor', field.prog, field.profile, cache='absent', status=1)[0], 'debuginfod servers')


def check_failing(field):
    """a server that fails, is slow, drips, never ends or is not there costs a note, and is asked once"""
    with Server({}) as server:
        for answer, env in ((500, {}), ('never', {'DEBUGINFOD_MAXTIME': '1'}), ('dripping', {'DEBUGINFOD_TIMEOUT': '2'}),
                            ('endless', {'DEBUGINFOD_MAXSIZE': '100000'}), (b'', {}), (b'\x7fELF and so on', {})):
            server.answers[field.path] = answer
            out, err = field(server.url, env=env)
            assert not named(out) and 'Total: 5' in out, (out, err)
            wants(err, '%s: debuginfod: %s%s: ' % (field.prog, server.url, field.path))
            assert [p for p in (field.cache / field.id).iterdir()] == [], answer
        dead = server.url
    out, err = field(dead)
    assert not named(out) and 'Total: 5' in out
    wants(err, '%s: debuginfod: ' % field.prog)
    out, err = field('file:///etc http://')
    assert 'Total: 5' in out


def check_lost(field):
    """a server that failed is not asked for the next file"""
    other = Field(field.program, field.folder, 'second.so', SOURCE + '/* second */')
    also = '7f1000000000-7f1000001000 r-xp %08x 00:00 2 %s\n' % (other.offset, other.prog)
    profile = field.folder / 'two'
    pcs = [0x7f0000000000 + field.where - field.address, 0x7f1000000000 + other.where - other.address]
    words = struct.pack('<5Q', 0, 3, 0, 10000, 0) + b''.join(struct.pack('<3Q', 5, 1, pc) for pc in pcs)
    maps = field.profile.read_bytes()[88:]
    profile.write_bytes(words + struct.pack('<3Q', 0, 1, 0) + maps + also.encode())
    with Server({field.path: 500, other.path: other.debug.read_bytes()}) as server:
        field(server.url, '--text', field.prog, profile)
        assert len(server.asked) == 1, server.asked
        server.answers[field.path] = None
        out, _ = field(server.url, '--text', field.prog, profile)
        assert len(server.asked) == 3 and 'hidden' in out, (server.asked, out)


def check_wrong(field):
    """a file of another build is refused, from a server and from the folder"""
    other = Field(field.program, field.folder, 'wrong', SOURCE + 'int more = 1;')
    with Server({field.path: other.debug.read_bytes()}) as server:
        out, err = field(server.url, cache='cache')
        assert not named(out), out
        wants(err, 'what it sent has another build ID')
        kept = field.cache / field.id
        assert list(kept.iterdir()) == []
        shutil.copy(other.debug, kept / 'debuginfo')
        server.answers[field.path] = field.debug.read_bytes()
        out, _ = field(server.url, cache='cache')
        assert named(out) and (kept / 'debuginfo').read_bytes() == field.debug.read_bytes()


def check_unused(field):
    """who fetches something removes what was not used for a week, or as long as the folder says"""
    kept = field.folder / 'kept'
    week = 7 * 86400
    with Server({field.path: field.debug.read_bytes()}) as server:
        for told, stays, goes in (('', week - 3600, week + 3600), ('9000000\n', 8999000, 9001000), ('nonsense', 1000, week + 60)):
            (kept / field.id / 'debuginfo').unlink(missing_ok=True)
            for name, age, kind in (('aa', stays, 'debuginfo'), ('bb', goes, 'debuginfo'), ('cc', goes, 'executable'),
                                    ('dd', goes, 'source')):
                (kept / name).mkdir(parents=True, exist_ok=True)
                (kept / name / kind).write_bytes(b'x')
                os.utime(kept / name / kind, (time.time() - age,) * 2)
            (kept / 'max_unused_age_s').write_text(told)
            assert named(field(server.url, cache='kept')[0])
            there = sorted(p.name for p in kept.iterdir())
            assert there == sorted(['aa', 'dd', field.id, 'max_unused_age_s']), (told, there)
        debug = kept / field.id / 'debuginfo'
        os.utime(debug, (1000, 1000))
        assert named(field(server.url, cache='kept')[0])
        assert debug.stat().st_atime > 1000 and debug.stat().st_mtime == 1000


def check_shared(field):
    """what debug files share is fetched too"""
    twin = Field(field.program, field.folder, 'twin', SOURCE + 'int twin(int n) { return hidden(n); }')
    common = field.folder / 'common'
    debug = [field.folder / 'one.debug', field.folder / 'two.debug']
    shutil.copy(field.debug, debug[0])
    shutil.copy(twin.debug, debug[1])
    field.tool('dwz', '-m', common, '-M', '/nowhere/common', *debug)
    shared = field.tool('readelf', '-n', common).split('Build ID:')[1].split()[0]
    with Server({field.path: debug[0].read_bytes(), '/buildid/%s/debuginfo' % shared: common.read_bytes()}) as server:
        out, err = field(server.url)
        assert named(out) and len(server.asked) == 2, (out, err, server.asked)


def check_progress(field):
    """who waits at a terminal is told for what"""
    ours, theirs = pty.openpty()
    with Server({field.path: 'never'}) as server:
        process = subprocess.Popen(
            [field.program, '--debuginfod', '--text', field.prog, field.profile], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=theirs, env={
                'PATH': '/usr/bin:/bin', 'HOME': str(field.folder), 'NO_PROXY': '*', 'TERM': 'xterm', 'LC_ALL': 'C',
                'DEBUGINFOD_URLS': server.url, 'DEBUGINFOD_MAXTIME': '600'})
        os.close(theirs)
        said = b''
        while b'fetching debuginfo for prog' not in said:
            said += os.read(ours, 4096)  # an error once it has ended
        server.stop.set()
        with contextlib.suppress(OSError):
            while more := os.read(ours, 4096):
                said += more
        assert process.wait() == 0, said
        wants(said.decode(), '%s: debuginfod: %s' % (field.prog, server.url))
    os.close(ours)


def check_doctor(field):
    """the doctor sends people to the servers that they have"""
    out, _ = field('http://127.0.0.1:9', 'doctor', field.prog, field.profile, more=(), status=1)
    wants(out, 'cprof --debuginfod; or ')
    out, _ = field(None, 'doctor', field.prog, field.profile, more=(), status=1)
    assert '--debuginfod' not in out, out
    _, err = field('http://127.0.0.1:9')
    wants(err, 'cprof doctor --debuginfod ')


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    checks = [value for name, value in list(globals().items()) if name.startswith('check_')]
    print('1..%d' % len(checks))
    failed = False
    for number, check in enumerate(checks, 1):
        with tempfile.TemporaryDirectory(prefix='cprof-debuginfod-') as scratch:
            try:
                check(Field(program, pathlib.Path(scratch).resolve()))
                print('ok %d - %s' % (number, check.__doc__), flush=True)
            except Exception:
                failed = True
                print('not ok %d - %s' % (number, check.__doc__))
                print(''.join('# %s\n' % line for line in traceback.format_exc().splitlines()), end='', flush=True)
    return failed


if __name__ == '__main__':
    sys.exit(main())
