#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What is loaded when: libraries of pictures, disassembly, line editing and servers come in with the first that needs them.

Results are TAP.

usage: start.py CPROF
"""
import pathlib
import struct
import subprocess
import sys
import tempfile

HEAVY = ('libcurl', 'libgvc', 'libcgraph', 'libcairo', 'libgif', 'libcapstone', 'libedit', 'libdw', 'libgnutls')
PROFILE = struct.pack('<5Q', 0, 3, 0, 10000, 0) + struct.pack('<3Q', 4, 1, 0x401001) + struct.pack('<3Q', 0, 1, 0)


def loaded(*command, folder):
    """Names of the libraries that the loader was asked for; what it says goes to a file of its own."""
    log = folder / 'loaded'
    done = subprocess.run([*map(str, command)], capture_output=True, cwd=folder, stdin=subprocess.DEVNULL, check=False, env={
        'PATH': '/usr/bin:/bin', 'HOME': str(folder), 'LD_DEBUG': 'files', 'LD_DEBUG_OUTPUT': str(log)})
    names = set()
    for file in folder.glob('loaded.*'):
        for line in file.read_text(errors='replace').splitlines():
            if 'calling init:' in line:
                names.add(pathlib.Path(line.split('calling init:')[1].strip()).name)
        file.unlink()
    if not any(name.startswith('libc.so') for name in names):
        raise RuntimeError('the loader says nothing: %s, %s' % (names, done.stderr))
    return {name for name in names if name.startswith(HEAVY)}, done


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    checks = [
        ('--version', ['--version'], None),
        ('--help', ['--help'], None),
        ('a table', ['--text', program, 'prof'], None),
        ('lines', ['--text', '--lines', program, 'prof'], None),
        ('the doctor', ['doctor', program, 'prof'], None),
        ('a graph as text', ['--dot', program, 'prof'], None),
        ('a picture needs its library', ['--svg', program, 'prof'], 'libcairo'),
        ('a server needs its library', ['--text', 'http://127.0.0.1:1/pprof/heap'], 'libcurl'),
    ]
    print('1..%d' % len(checks))
    failed = False
    with tempfile.TemporaryDirectory(prefix='cprof-start-') as scratch:
        folder = pathlib.Path(scratch)
        (folder / 'prof').write_bytes(PROFILE)
        for number, (name, arguments, needed) in enumerate(checks, 1):
            found, done = loaded(program, *arguments, folder=folder)
            if needed:
                is_well = any(library.startswith(needed) for library in found)
            else:
                is_well = not found and done.stdout
            failed |= not is_well
            print('%sok %d - %s' % ('' if is_well else 'not ', number, name))
            if not is_well:
                print('# loaded: %s; status %d; %s' % (sorted(found), done.returncode, done.stderr.decode().replace('\n', '\n# ')))
    return failed


if __name__ == '__main__':
    sys.exit(main())
