# SPDX-License-Identifier: BSD-3-Clause
"""Rows of the bench about names: function, file and line, inlined calls too, of any number of addresses in large libraries,
demangled, on one core; and a second report with what the first one kept."""
import bisect
import os
import pathlib
import random
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'tests/symbols'))
import peers  # noqa: E402

PETSC = pathlib.Path('/usr/lib/x86_64-linux-gnu/libpetsc_real.so.3.18')
CRATES = pathlib.Path('/usr/share/cargo/registry')
# Beyond these some tools take minutes.
MOST = {'eu-addr2line': 1e3, 'addr2line': 1e4}
JUDGED = 2000  # of the addresses, to hold our answers against llvm-symbolizer's
EXCEPTIONS = 0.005  # of them may differ: where two units or two copies claim a place, each takes another


class Differs(Exception):
    """Our answers are not those of others."""


def rust_addr2line(b):
    """The example program of the crate addr2line, as Debian has it; None where that cannot be built."""
    out, folder = b.folder / 'addr2line-rust', b.folder / 'rust'
    example = next(CRATES.glob('addr2line-*/examples/addr2line.rs'), None)
    if out.exists() or not example:
        return out if out.exists() else None
    shutil.rmtree(folder, ignore_errors=True)
    (folder / '.cargo').mkdir(parents=True)
    (folder / 'main.rs').write_bytes(example.read_bytes())
    (folder / '.cargo/config.toml').write_text(
        '[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "%s"\n' % CRATES)
    (folder / 'Cargo.toml').write_text(
        '[package]\nname = "addr2line-rust"\nversion = "0.0.0"\nedition = "2018"\n'
        '[[bin]]\nname = "addr2line-rust"\npath = "main.rs"\n[dependencies]\n'
        + ''.join('%s = "%s"\n' % row for row in (('addr2line', '*'), ('clap', '3'), ('fallible-iterator', '*'), ('gimli', '*'),
                                                ('memmap2', '*'), ('object', '*'), ('typed-arena', '*'))))
    done = subprocess.run(['cargo', 'build', '--release', '--offline'], cwd=folder, capture_output=True,
                          env={'PATH': '/usr/bin:/bin', 'HOME': str(folder), 'CARGO_HOME': str(folder / 'home')})
    if done.returncode != 0:
        return None
    shutil.copy(folder / 'target/release/addr2line-rust', out)
    return out


def draw(b, elf, n):
    """A list and a profile of n different addresses in functions of the file, the same each time: (list, profile, addresses)."""
    wanted, profile = b.folder / ('names-%d.txt' % n), b.folder / ('names-%d.prof' % n)
    spans = sorted({(low, high) for _, low, high in peers.functions(elf)})
    ends, total = [], 0
    for low, high in spans:
        total += high - low
        ends.append(total)
    chance, found = random.Random(1), set()
    while len(found) < n:
        at = chance.randrange(total)
        i = bisect.bisect(ends, at)
        found.add(spans[i][1] - (ends[i] - at))
    addresses = sorted(found)
    wanted.write_text(''.join('%#x\n' % a for a in addresses))
    lines, bias = peers.maps_of(elf)
    peers.write_profile(profile, [a + bias for a in addresses], lines)
    return wanted, profile, addresses


def judge(b, elf, addresses):
    """How many of our answers are llvm-symbolizer's too, and one that is not."""
    some = addresses[::max(1, len(addresses) // JUDGED)]
    lines, bias = peers.maps_of(elf)
    ours = {pc - bias: frames for pc, frames in
            peers.Cprof(b.program, b.folder).ask([a + bias for a in some], lines, ['--no-cache', elf]).items()}
    theirs = peers.ask_llvm(elf, some)
    names = peers.Names()
    names.learn([ours, theirs])
    differing = [a for a in some if names.frames(ours.get(a, [])) != names.frames(theirs.get(a, []))]
    print('  %d of %d addresses as llvm-symbolizer' % (len(some) - len(differing), len(some)))
    if len(differing) > len(some) * EXCEPTIONS:
        raise Differs('%d answers are others than those of llvm-symbolizer' % len(differing))
    for a in differing[:3]:
        print('    %#x: %s; llvm-symbolizer: %s' % (a, names.frames(ours.get(a, [])), names.frames(theirs.get(a, []))))


def names_of(b, elf, n, threads=1):
    wanted, profile, addresses = draw(b, elf, n)

    def peer(name, *command):
        is_wanted = command[0] and shutil.which(command[0]) and n <= MOST.get(name, n)
        return name, ['sh', '-c', '"$@" <"$0"', wanted, *command] if is_wanted else None

    print(' %d addresses' % n)
    b.compare([('cprof', [b.program, '--no-cache', '--threads=%d' % threads, '--traces', '--lines', elf, profile]),
               peer('addr2line in Rust', rust_addr2line(b), '-afiC', '-e', elf),
               peer('llvm-symbolizer', 'llvm-symbolizer-14', '--obj=%s' % elf, '-f', '-i', '-C'),
               peer('addr2line', 'addr2line', '-afiC', '-e', elf),
               peer('eu-addr2line', 'eu-addr2line', '-afiC', '-e', elf),
               ('summing the sections', [b.compiled('sum', 'sum.c'), elf])])
    judge(b, elf, addresses)
    profile.unlink()
    wanted.unlink()


def row_names(b):
    """names of 10^2 to 10^6 addresses (quick: to 10^4) of a library with 370 MB of DWARF"""
    for n in (1e2, 1e3, 1e4) if b.quick else (1e2, 1e3, 1e4, 1e5, 1e6):
        names_of(b, b.jvm(True), int(n))


def row_names_c(b):
    """names of 10^4 addresses of a library in C of 7708 units"""
    names_of(b, b.joined('libpetsc.so', PETSC, 'libpetsc-real3.18', 'libpetsc-real3.18-dbg'), 10000)


def row_names_packed(b):
    """names of 10^3 addresses where the DWARF is packed by zlib, on one core and on two"""
    packed = b.folder / 'libjvm-packed.so'
    if not packed.exists():
        subprocess.run(['eu-elfcompress', '-q', '-t', 'zlib', '-o', packed, b.jvm(True)], check=True)
    for threads in (1, 2):
        names_of(b, packed, 1000, threads)
    b.done_with(packed)


def row_kept(b):
    """a second --text with what the first one kept, 10^4 and 10^5 stacks (quick: 10^4) of the same"""
    elf, cache = b.jvm(True), b.folder / 'cache'
    os.environ['XDG_CACHE_HOME'] = str(cache)
    for stacks in (1e4,) if b.quick else (1e4, 1e5):
        profile = b.profile('kept.prof', elf, '-n', stacks)
        shutil.rmtree(cache, ignore_errors=True)
        command = [b.program, '--text', elf, profile]
        print(' %d stacks' % stacks)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        b.compare([('cprof, for the second time', command), ('cprof --no-cache', [*command, '--no-cache'])])
    shutil.rmtree(cache, ignore_errors=True)
