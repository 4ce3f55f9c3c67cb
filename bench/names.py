# SPDX-License-Identifier: BSD-3-Clause
"""Rows of the bench about names: addresses in, and for each one its frames out, with function (demangled), file and line,
inlined calls too; and a second report with what the first one kept."""
import bisect
import math
import os
import pathlib
import random
import re
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
PLACE = re.compile(r'(.*?)(?: (\S+):(\d+))?')  # a frame as --symbols --lines writes it
LLVM, SUM, TWO = 'llvm-symbolizer', 'summing the sections', 'cprof --threads=2'
RIVALS = ('addr2line in Rust', LLVM, 'addr2line', 'eu-addr2line')


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
    """Different addresses in functions of the file, the same each time, in no order: as (file of them, file of the
    memory map and of where they were loaded, list)."""
    spans = sorted({(low, high) for _, low, high in peers.functions(elf)})
    ends, total = [], 0
    for low, high in spans:
        total += high - low
        ends.append(total)
    chance, found = random.Random(1), set()
    while len(found) < min(n, total):
        at = chance.randrange(total)
        i = bisect.bisect(ends, at)
        found.add(spans[i][1] - (ends[i] - at))
    addresses = sorted(found)
    chance.shuffle(addresses)
    lines, bias = peers.maps_of(elf)
    wanted, loaded = b.folder / ('names-%d.txt' % n), b.folder / ('names-%d.maps' % n)
    wanted.write_text(''.join('%#x\n' % a for a in addresses))
    loaded.write_text(''.join(line + '\n' for line in lines) + ''.join('%#x\n' % (a + bias) for a in addresses))
    return wanted, loaded, addresses


def read_answer(line):
    """The frames in one line of --symbols --lines."""
    frames = []
    for frame in line.rstrip('\n').split('\t'):
        name, path, number = PLACE.fullmatch(frame).groups()
        frames.append((name, path or '', int(number or 0)))
    return frames


def is_same(ours, theirs):
    """llvm-symbolizer does not say in which scope a function is that has no linkage name."""
    return len(ours) == len(theirs) and all(a[1:] == b[1:] and (a[0] == b[0] or a[0].endswith('::' + b[0]))
                                            for a, b in zip(ours, theirs))


def judge(command, elf, addresses):
    """How many of the answers that were measured are llvm-symbolizer's too, and some that are not."""
    step = max(1, len(addresses) // JUDGED)
    some = addresses[::step]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as asked:
        answers = [read_answer(line) for i, line in enumerate(asked.stdout) if i % step == 0]
    if asked.returncode != 0 or len(answers) != len(some):
        raise Differs('%d answers to %d addresses' % (len(answers), len(some)))
    ours, theirs = dict(zip(some, answers)), peers.ask_llvm(elf, some)
    names = peers.Names()
    names.learn([theirs])
    differing = [a for a in some if not is_same(names.frames(ours[a]), names.frames(theirs.get(a, [])))]
    print('  %d of %d addresses as llvm-symbolizer' % (len(some) - len(differing), len(some)))
    if len(differing) > len(some) * EXCEPTIONS:
        raise Differs('%d answers are others than those of llvm-symbolizer' % len(differing))
    for a in differing[:3]:
        print('    %#x: %s; llvm-symbolizer: %s' % (a, names.frames(ours[a]), names.frames(theirs.get(a, []))))


def say_ratios(measured, ours='cprof'):
    """What is promised, from what was measured."""
    (wall, cpu, peak), rivals = measured[ours], {name: measured[name] for name in RIVALS if name in measured}
    said = []
    if rivals:
        fastest = min(rivals, key=lambda name: rivals[name][1])
        said.append('%.2f times as fast as %s' % (rivals[fastest][1] / cpu, fastest))
    if LLVM in rivals:
        said.append('%.2f times as fast as %s with %.2f of its memory' % (
            rivals[LLVM][1] / cpu, LLVM, peak / rivals[LLVM][2]))
    said.append('%.1f times what summing takes' % (cpu / measured[SUM][1]))
    if TWO in measured:
        said.append('on two cores %.1f times (wall), %.2f times as fast as on one' % (
            measured[TWO][0] / measured[SUM][0], wall / measured[TWO][0]))
    print('  = ' + '; '.join(said), flush=True)


def names_of(b, elf, n):
    """Measures one list of addresses; what it cost us: (CPU seconds, peak MB)."""
    wanted, loaded, addresses = draw(b, elf, n)
    asked = [b.program, '--no-cache', '--symbols', '--lines', '--names=full']

    def fed(file, *command):
        return ['sh', '-c', 'exec "$@" <"$0"', file, *command]

    def peer(name, *command):
        is_wanted = command[0] and shutil.which(command[0]) and n <= MOST.get(name, n)
        return name, fed(wanted, *command) if is_wanted else None

    print(' %d addresses' % len(addresses))
    ours = fed(loaded, *asked, '--threads=1', elf)
    measured = b.compare([('cprof', ours),
                          (TWO, fed(loaded, *asked, '--threads=2', elf)),
                          peer('addr2line in Rust', rust_addr2line(b), '-afiC', '-e', elf),
                          peer(LLVM, 'llvm-symbolizer-14', '--obj=%s' % elf, '-f', '-i', '-C'),
                          peer('addr2line', 'addr2line', '-afiC', '-e', elf),
                          peer('eu-addr2line', 'eu-addr2line', '-afiC', '-e', elf),
                          (SUM, [b.compiled('sum', 'sum.c'), elf])])
    say_ratios(measured)
    judge(ours, elf, addresses)
    loaded.unlink()
    wanted.unlink()
    return measured['cprof'][1:]


def row_names(b):
    """names of 10^2 to 10^6 addresses (quick: to 10^4) of a library with 370 MB of DWARF"""
    cost = {n: names_of(b, b.jvm(True), n) for n in (100, 1000, 10000) + (() if b.quick else (100000, 1000000))}
    print(' growth with addresses')
    before = None
    for n, (cpu, peak) in cost.items():
        slope = '   slope %.2f' % math.log10(cpu / before) if before else ''
        print('  %-28s %9.3f CPU %9.2f us an address %9.1f MB%s' % ('%d addresses' % n, cpu, cpu / n * 1e6, peak, slope))
        before = cpu


def row_names_c(b):
    """names of 10^4 addresses of a library in C of 7708 units"""
    names_of(b, b.joined('libpetsc.so', PETSC, 'libpetsc-real3.18', 'libpetsc-real3.18-dbg'), 10000)


def row_names_size(b):
    """names of 10^3 addresses where there is little DWARF, more, and much"""
    cost = []
    for elf in (b.toy(), b.joined('libpetsc.so', PETSC, 'libpetsc-real3.18', 'libpetsc-real3.18-dbg'), b.jvm(True)):
        cost.append((elf, *names_of(b, elf, 1000)))
    print(' growth with DWARF')
    for elf, cpu, peak in cost:
        sections = subprocess.run(['size', '-A', '-d', elf], capture_output=True, text=True, check=True).stdout
        size = sum(int(line.split()[1]) for line in sections.splitlines() if line.startswith('.debug_')) / 1e6
        print('  %-28s %9.3f CPU %9.1f MB   %9.2f MB of DWARF' % (elf.name, cpu, peak, size))


def row_names_packed(b):
    """names of 10^3 addresses where the DWARF is packed by zlib"""
    packed = b.folder / 'libjvm-packed.so'
    if not packed.exists():
        subprocess.run(['eu-elfcompress', '-q', '-t', 'zlib', '-o', packed, b.jvm(True)], check=True)
    names_of(b, packed, 1000)
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
