# SPDX-License-Identifier: BSD-3-Clause
"""Answers that are kept from one run to the next: the same as without, whatever became of the files meanwhile."""
import concurrent.futures
import os

import peers
from files import is_named

CASES = []


def case(fn):
    CASES.append(fn)
    return fn


class Kept:
    """A program with debug information that is worth it, and the folder where answers are kept."""

    def __init__(self, w, *options):
        self.w, self.path, self.folder = w, w.folder / 'prog', w.folder / 'cache' / 'cprof'
        self.places_of = None  # another file whose functions are asked for
        self.build(*options)

    def build(self, *options):
        self.w.run('g++', '-O2', '-g', '-Wl,--build-id', *options, '-o', self.path, *self.w.source('names.cpp'))
        self.fill()

    def fill(self):
        """Answers of less than a megabyte are not worth a file."""
        filler = self.w.folder / 'filler'
        filler.write_bytes(bytes(1 << 20))
        self.w.run('objcopy', '--add-section=.debug_filler=%s' % filler, self.path)

    def file(self):
        return self.folder / ('%s-answers.kept' % peers.build_id(self.path))

    def made(self):
        """Which file it is; another one each time that it is written."""
        st = self.file().stat()
        return st.st_ino, st.st_mtime_ns

    def ask(self, *options, step=5):
        return self.w.answers(self.path, [*options, self.path], env={'XDG_CACHE_HOME': str(self.folder.parent)}, step=step,
                              places_of=self.places_of)

    def check(self, *options, step=5):
        """The same as without."""
        answers = self.ask(*options, step=step)
        self.w.expect(answers == self.ask('--no-cache', *options, step=step), 'differs: %s, step %d' % (options, step))
        self.w.expect(is_named(answers), 'has no names')
        return answers


def damage_abbreviations(w, path):
    """So that nothing can be read any more; nobody sees it from outside."""
    before = path.stat()
    for line in w.run('readelf', '-SW', path)[0].decode().splitlines():
        words = line.replace('[ ', '[').split()
        if '.debug_abbrev' in words:
            at, size = (int(words[i], 16) for i in (4, 5))
    with path.open('r+b') as file:
        file.seek(at)
        file.write(bytes(size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@case
def kept_for_the_next_run(w):
    k = Kept(w)
    first = k.check()
    made = k.made()
    w.expect(k.file().stat().st_mode & 0o777 == 0o600, 'others may read it')
    w.expect(k.check() == first and k.made() == made, 'written again')
    damage_abbreviations(w, k.path)
    w.expect(k.ask() == first, 'nobody looked')
    w.expect(k.ask('--no-cache') != first, 'looked in spite of --no-cache')
    # What is damaged is told each time, and not kept.
    k.ask(step=3)
    told = w.cprof.told
    w.expect(k.made() == made, 'answers without names are kept')
    k.ask(step=3)
    w.expect(w.cprof.told == told, 'told once: %s' % told)


@case
def kept_and_added_to(w):
    """Places that were not asked for before are added."""
    k = Kept(w)
    for step in (7, 5, 11):
        before = k.file().stat().st_size if k.file().exists() else 0
        k.check(step=step)
        w.expect(k.file().stat().st_size > before, 'nothing was added')
    made = k.made()
    for step in (7, 5, 11):
        k.check(step=step)
        w.expect(k.made() == made, 'forgot what was there')


@case
def kept_in_each_style(w):
    k = Kept(w)
    for _ in range(2):
        for style in ('short', 'class', 'full', 'mangled'):
            k.check('--names=' + style)
        k.check('--no_strip_temp')


@case
def kept_of_another_build(w):
    """The program was rebuilt at the same place, with and without telling so by its build ID."""
    k = Kept(w)
    first = k.check()
    k.build('-O1')
    w.expect(k.check() != first, 'looks the same')
    for options in (['-O2', '-Wl,--build-id=0x1234'], ['-O0', '-Wl,--build-id=0x1234']):
        k.build(*options)
        k.check()
    w.expect(len(list(k.folder.iterdir())) == 3, 'a file for each build')
    k.build('-Wl,--build-id=none')
    k.check()
    w.expect(len(list(k.folder.iterdir())) == 3, 'kept without a build ID')


@case
def kept_debug_file(w):
    """The names are from a debug file that comes, changes and goes."""
    k = Kept(w)
    debug, k.places_of = w.folder / 'prog.debug', w.folder / 'whole'
    k.places_of.write_bytes(k.path.read_bytes())
    w.run('objcopy', '--only-keep-debug', k.path, debug)
    w.run('strip', k.path)
    bare = k.ask()
    w.expect(not is_named(bare) and not (k.folder.exists() and any(k.folder.iterdir())), 'kept what is soon read')
    w.run('objcopy', '--add-gnu-debuglink=' + debug.name, k.path)
    whole = k.check()
    made = k.made()
    w.expect(k.check() == whole and k.made() == made, 'written again')
    debug.rename(w.folder / 'elsewhere')
    w.expect(k.ask() == bare, 'names without the debug file')


@case
def kept_and_damaged(w):
    k = Kept(w)
    right = k.check()
    size = k.file().stat().st_size
    for at in [*range(0, 200, 9), *range(200, size, size // 20)]:
        with k.file().open('r+b') as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 0x20]))
        w.expect(k.ask() == right, 'byte %d changed' % at)
    for length in (0, 1, 63, 64, 500, size // 2, size - 1):
        os.truncate(k.file(), length)
        w.expect(k.ask() == right, 'cut at %d' % length)
    w.expect(k.file().stat().st_size == size, 'not made again')


@case
def kept_by_several_at_once(w):
    k = Kept(w)
    steps = [3, 4, 5, 7, 9, 11, 13] * 3
    right = {step: k.ask('--no-cache', step=step) for step in set(steps)}

    def work(number):
        step = steps[number]
        folder = w.folder / ('at%d' % number)
        folder.mkdir()
        asker = peers.Cprof(w.program, folder)
        lines, bias = peers.maps_of(k.path)
        by_pc = asker.ask([a + bias for a in peers.addresses_of(k.path, step)], lines, [k.path],
                          {'XDG_CACHE_HOME': str(k.folder.parent)}, None)
        return step, {pc - bias: frames for pc, frames in by_pc.items()}

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for step, answers in pool.map(work, range(len(steps))):
            w.expect(all(answers.get(a, []) == frames for a, frames in right[step].items()), 'differs: step %d' % step)
    w.expect([p.name for p in k.folder.iterdir()] == [k.file().name], 'left something behind')


@case
def kept_reports_are_the_same(w):
    k = Kept(w)
    lines, bias = peers.maps_of(k.path)
    places = peers.addresses_of(k.path, 5)
    peers.write_profile(w.folder / 'prof', [a + bias for a in places], lines)
    for output in ('--text', '--lines', '--addresses', '--dot', '--callgrind', '--raw', '--collapsed', '--traces', '--list=main',
                   '--disasm=main', '--doctor', '--proto', '--tree'):
        kinds = ['--text', output] if output in ('--lines', '--addresses') else [output]
        command = [w.program, *kinds, k.path, 'prof']
        wanted = w.run(*command, '--no-cache', may_fail=True)
        for _ in range(2):
            found = w.run(*command, env={'XDG_CACHE_HOME': str(k.folder.parent)}, may_fail=True)
            w.expect(found == wanted, output + ' differs')


@case
def not_kept_of_several_files(w):
    """What lies in files that nobody knows before they are read is read each time."""
    for options in (['-gsplit-dwarf'], ['-gsplit-dwarf', '-gdwarf-4']):
        k = Kept(w, *options)
        k.check()
        w.expect(not k.file().exists(), 'kept')
    k = Kept(w)
    twin = w.folder / 'twin'
    w.run('objcopy', '-R', '.debug_filler', k.path)
    twin.write_bytes(k.path.read_bytes())
    w.run('dwz', '-m', 'common.debug', '-r', k.path.name, twin.name)
    k.fill()
    k.check()
    w.expect(not k.file().exists(), 'kept')
