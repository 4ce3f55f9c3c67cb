# SPDX-License-Identifier: BSD-3-Clause
"""Where files are: debug files apart, other roots and paths, programs that were moved, renamed, deleted or rebuilt."""
import shutil

import peers
from dwarf import ALL, compiled

CASES = []


def case(fn):
    CASES.append(fn)
    return fn


def parted(w, out='prog', link=True):
    """A stripped program, its debug file, and the same in one piece: (program, debug file, whole)."""
    whole = compiled(w, 'gcc', '-g', '-Wl,--build-id', out='whole')
    path, debug = w.folder / out, w.folder / (out + '.dbg')
    w.run('objcopy', '--only-keep-debug', whole, debug)
    w.run('strip', '-o', path, whole)
    if link:
        w.run('objcopy', '--add-gnu-debuglink=' + debug.name, path)
    return path, debug, whole


def move(path, to):
    to.parent.mkdir(parents=True, exist_ok=True)
    return path.rename(to)


def is_named(answers):
    """Whether the functions of our sources have their names."""
    return all(frames and frames[-1][0] and not frames[-1][0].startswith('0x') for frames in answers.values())


def store_by_id(w, folder, debug, path):
    identity = peers.build_id(path)
    return move(debug, folder / '.build-id' / identity[:2] / (identity[2:] + '.debug'))


@case
def debug_link(w):
    """Beside the program, and in .debug/; what has another checksum is refused."""
    path, debug, whole = parted(w)
    w.run('objcopy', '--remove-section=.note.gnu.build-id', path)
    w.compare(path, ALL, reference=whole)
    in_folder = move(debug, w.folder / '.debug' / debug.name)
    w.compare(path, ALL, reference=whole)
    w.run('objcopy', '--only-keep-debug', '--remove-section=.note.gnu.build-id', whole, debug)
    in_folder.unlink()
    answers = w.answers(path, places_of=whole)
    w.expect(not is_named(answers) and 'checksum differs' in w.cprof.told, 'took a file of another checksum')
    answers = w.answers(path, ['--force', path], places_of=whole)
    w.expect(is_named(answers) and 'names may be wrong' in w.cprof.told, '--force does not: %s' % w.cprof.told)
    debug.unlink()
    w.expect(not is_named(w.answers(path, places_of=whole)), 'names come from elsewhere')


@case
def debug_link_in_a_folder(w):
    path, debug, whole = parted(w)
    move(debug, w.folder / 'store' / debug.name)
    w.compare(path, ALL, reference=whole, arguments=['--debug-dir=/nowhere,store/', path])


@case
def debug_file_by_path(w):
    path, debug, whole = parted(w, link=False)
    move(debug, w.folder / ('store%s.debug' % path.resolve()))
    w.compare(path, ALL, reference=whole, arguments=['--debug_dir=store', path])
    move(w.folder / ('store%s.debug' % path.resolve()), w.folder / ('store%s' % path.resolve()))
    w.compare(path, ALL, reference=whole, arguments=['--debug-dir=store', path])


@case
def debug_file_by_build_id(w):
    path, debug, whole = parted(w, link=False)
    debug = store_by_id(w, w.folder / 'store', debug, path)
    w.compare(path, ALL, reference=whole, arguments=['--debug-dir', 'store', path])
    w.compare(path, ALL, reference=whole, env={'CPROF_DEBUG_DIR': '/nowhere,%s' % (w.folder / 'store')})
    w.expect(not is_named(w.answers(path, places_of=whole)), 'names come from elsewhere')
    answers = w.answers(path, ['--debug-dir=/nowhere', path], places_of=whole, env={'CPROF_DEBUG_DIR': 'store'})
    w.expect(not is_named(answers), 'the environment goes before the option')
    # One of another build in this place.
    w.run('gcc', '-g', '-O1', '-Wl,--build-id', '-o', debug, *w.source('shapes.c', 'other.c'))
    answers = w.answers(path, ['--debug-dir=store', path], places_of=whole)
    w.expect(not is_named(answers) and 'build ID differs' in w.cprof.told, 'took a debug file of another build')
    answers = w.answers(path, ['--debug-dir=store', '--force', path], places_of=whole)
    w.expect('names may be wrong' in w.cprof.told and is_named(answers), '--force does not')


@case
def packed_debug_file(w):
    path, debug, whole = parted(w)
    w.run('objcopy', '--compress-debug-sections=zlib', debug)
    debug.unlink()
    w.run('objcopy', '--only-keep-debug', '--compress-debug-sections=zlib', whole, debug)
    w.run('objcopy', '--remove-section=.gnu_debuglink', path)
    w.run('objcopy', '--add-gnu-debuglink=' + debug.name, path)
    w.compare(path, ALL, reference=whole)


@case
def shared_debug_file_in_a_store(w):
    """As distributions have it: debug files by build ID that share a file in .dwz/."""
    path, debug, whole = parted(w)
    twin = w.folder / 'twin.dbg'
    shutil.copy(debug, twin)
    debug = store_by_id(w, w.folder / 'usr/lib/debug', debug, path)
    (w.folder / 'usr/lib/debug/.dwz').mkdir()
    w.run('dwz', '-m', w.folder / 'usr/lib/debug/.dwz/both.debug', '-M', '/usr/lib/debug/.dwz/both.debug', debug, twin)
    w.compare(path, ALL, reference=whole, arguments=['--sysroot=%s' % w.folder, path])


@case
def sysroot(w):
    path, debug, whole = parted(w)
    move(path, w.folder / 'root/opt/prog')
    move(debug, w.folder / 'root/usr/lib/debug/opt' / debug.name)
    path = w.folder / 'root/opt/prog'
    w.compare(path, ALL, reference=whole, arguments=['--sysroot=root/'], name='/opt/prog')
    w.expect(not is_named(w.answers(path, [], name='/opt/prog', places_of=whole)), 'is named without a root')
    # A library there is not that of this machine.
    w.expect(not is_named(w.answers(whole, ['--sysroot=root'])), 'looks beside the root')


@case
def moved_paths(w):
    path = compiled(w, 'gcc', '-g')
    w.compare(path, ALL, arguments=['--map=/build=/nowhere,/old/home=%s' % w.folder], name='/old/home/prog')
    w.expect(not is_named(w.answers(path, ['--map=/old/ho=%s' % w.folder], name='/old/home/prog')), 'half a name')
    w.expect(peers.run([w.program, '--text', '--map=no', path, path], may_fail=True)[1].startswith(
        '--map=no: OLD=NEW is expected'), 'a row without =')


@case
def folder_of_programs(w):
    path = compiled(w, 'gcc', '-g', '-Wl,--build-id')
    identity = peers.build_id(path)
    kept = w.folder / 'store' / identity / 'prog'
    kept.parent.mkdir(parents=True)
    path.rename(kept)
    # Of another build, so that it is passed over.
    w.run('gcc', '-O1', '-Wl,--build-id', '-o', path, *w.source('shapes.c', 'other.c'))
    w.compare(kept, ALL, arguments=[], name=str(path), build_id=identity, env={'PPROF_BINARY_PATH': '/nowhere:store'})
    w.expect(not is_named(w.answers(kept, [], name=str(path), build_id=identity)), 'is named from another build')
    w.expect('build ID differs' in w.cprof.told, 'nobody tells: %s' % w.cprof.told)


@case
def another_build(w):
    """The program was rebuilt since: refused, unless forced."""
    path, other = compiled(w, 'gcc', '-g', '-Wl,--build-id'), compiled(w, 'gcc', '-g', '-O1', '-Wl,--build-id', out='other')
    identity = peers.build_id(other)
    for arguments in ([], [path]):
        answers = w.answers(path, arguments, build_id=identity)
        w.expect(not is_named(answers), 'named from another build')
        w.expect('build ID differs from the profile' in w.cprof.told, 'nobody tells: %s' % w.cprof.told)
        w.compare(path, ALL, arguments=['--force', *arguments], build_id=identity)
        w.expect('names may be wrong' in w.cprof.told, 'nobody warns: %s' % w.cprof.told)
        w.compare(path, ALL, arguments=arguments, build_id=peers.build_id(path))
        w.expect('build ID' not in w.cprof.told, w.cprof.told)
    answers = w.answers(path, [path], build_id=identity, name='/gone/prog')
    w.expect('build ID differs from the profile' in w.cprof.told, 'nobody tells of the one named: %s' % w.cprof.told)


@case
def deleted_and_moved(w):
    path = compiled(w, 'gcc', '-g')
    w.compare(path, ALL, name='%s (deleted)' % path)
    w.compare(path, ALL, arguments=[], name='%s (deleted)' % path)
    w.expect('was deleted or replaced' in w.cprof.told, 'nobody tells')
    for elsewhere in ('/gone/prog', '/gone/prog (deleted)', '/gone/another name'):
        w.compare(path, ALL, name=elsewhere)


@case
def odd_paths(w):
    for name, written in (('with a space', None), ('two\nlines', 'two\\012lines'), (' (deleted)', None), ('back\\slash', None),
                          ("it's;$HOME", None), ('\u00fcber', None)):
        path = compiled(w, 'gcc', '-g', out=name)
        told = str(w.folder / (written or name))
        for arguments in ([path], []):
            if name == ' (deleted)' and not arguments:
                continue  # nobody can know
            w.compare(path, ALL, arguments=arguments, name=told)


@case
def run_by_the_loader(w):
    """ld.so ./prog: the loader comes first in no map, but it is no library of the program's."""
    path = compiled(w, 'gcc', '-g', '-fPIC')
    loader, _ = peers.maps_of(peers.pathlib.Path('/lib64/ld-linux-x86-64.so.2').resolve(), peers.BASE,
                              '/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2')
    own, _ = peers.maps_of(path, 0x7ffff7fb0000)
    for arguments in ([path], []):
        w.compare(path, ALL, arguments=arguments, base=0x7ffff7fb0000, maps=loader + own)


@case
def packed_symbols(w):
    """A stripped program that carries a packed table of its functions (.gnu_debugdata)."""
    whole = compiled(w, 'gcc', '-rdynamic')
    names = w.folder / 'keep'
    dynamic = {line.split()[-1] for line in w.run('nm', '-D', '--defined-only', whole)[0].decode().splitlines()}
    functions = {line.split()[-1] for line in w.run('nm', '--defined-only', whole)[0].decode().splitlines()
                 if line.split()[-2] in 'tT'}
    names.write_text(''.join(name + '\n' for name in sorted(functions - dynamic)))
    w.run('objcopy', '--only-keep-debug', whole, 'debug')
    w.run('objcopy', '-S', '--remove-section=.gdb_index', '--remove-section=.comment', '--keep-symbols=keep', 'debug', 'mini')
    w.run('xz', 'mini')
    path = w.folder / 'stripped'
    w.run('strip', '--strip-all', '-R', '.comment', '-o', path, whole)
    before = w.answers(path, places_of=whole)
    w.expect(not is_named(before), 'named without the table')
    w.run('objcopy', '--add-section', '.gnu_debugdata=mini.xz', path)
    w.expect({'helper'} <= functions - dynamic, 'no function is only in the packed table')
    w.compare(path, ALL, reference=whole)
    # Damaged: no names, no harm.
    content = bytearray((w.folder / 'mini.xz').read_bytes())
    content[len(content) // 2] ^= 0xff
    (w.folder / 'mini.xz').write_bytes(content)
    w.run('objcopy', '--update-section', '.gnu_debugdata=mini.xz', path)
    w.expect(w.answers(path, places_of=whole) == before, 'names from a damaged table')
