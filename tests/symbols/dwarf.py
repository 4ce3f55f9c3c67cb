# SPDX-License-Identifier: BSD-3-Clause
"""DWARF in all its shapes: versions, compilers, split, shared, packed."""
import peers

CASES = []
ALL = ('llvm-symbolizer', 'addr2line', 'eu-addr2line')


def case(fn):
    CASES.append(fn)
    return fn


def compiled(w, compiler, *options, sources=('shapes.c', 'other.c'), out='prog'):
    w.run(compiler, '-O2', *options, '-o', out, *w.source(*sources))
    return w.folder / out


def has_section(w, path, name):
    return ' %s ' % name in w.run('readelf', '-SW', path)[0].decode().replace('\t', ' ')


def version_of(w, path):
    return {line.split()[1] for line in w.run('readelf', '--debug-dump=info', path)[0].decode().splitlines()
            if line.strip().startswith('Version:')}


def versions(compiler, version, judges):
    def build(w):
        path = compiled(w, compiler, '-g', '-gdwarf-%d' % version)
        found = version_of(w, path)
        w.expect(found == {str(version)}, 'DWARF %s, wanted %d' % (found, version))
        if compiler == 'clang-14':
            w.expect(not has_section(w, path, '.debug_aranges'), 'has .debug_aranges')
        w.compare(path, judges)
    build.__name__ = '%s_dwarf_%d' % (compiler.replace('-14', ''), version)
    return build


for number in (2, 3, 4, 5):
    case(versions('gcc', number, ALL))
for number in (2, 3, 4, 5):
    case(versions('clang-14', number, ('llvm-symbolizer', 'addr2line')))


def splits(compiler, version, is_packed):
    def build(w):
        options = ['-g', '-gdwarf-%d' % version, '-gsplit-dwarf']
        objects = []
        for name in ('shapes.c', 'other.c'):
            objects.append(w.folder / (name + '.o'))
            w.run(compiler, '-O2', *options, '-c', '-o', objects[-1], *w.source(name))
        path = w.folder / 'prog'
        w.run(compiler, '-O2', *options, '-o', path, *objects)
        parts = sorted(w.folder.glob('*.dwo'))
        w.expect(len(parts) == 2, 'no .dwo files')
        if is_packed:
            # The packer of binutils knows version 4 only; that of LLVM 14 reads what clang writes.
            maker = ['dwp', '-o'] if version == 4 and compiler == 'gcc' else ['llvm-dwp-14', '-o']
            w.run(*maker, '%s.dwp' % path, *parts)
            for part in parts:
                part.unlink()
        w.compare(path, ('llvm-symbolizer',))  # the others do not look for inlined calls in split units
        if is_packed:
            (w.folder / 'prog.dwp').unlink()
        else:
            parts[0].unlink()
            parts[1].unlink()
        lost = w.answers(path)
        w.expect(all(len(frames) == 1 and frames[0][0] for frames in lost.values()), 'names without the split part')
    build.__name__ = '%s_split_%d_%s' % (compiler.replace('-14', ''), version, 'dwp' if is_packed else 'dwo')
    return build


for with_package in (False, True):
    for number in (4, 5):
        if (number, with_package) != (5, True):
            case(splits('gcc', number, with_package))
        case(splits('clang-14', number, with_package))


@case
def split_units_of_types(w):
    path = compiled(w, 'g++', '-g', '-gsplit-dwarf', '-fdebug-types-section', sources=('names.cpp',))
    part = next(w.folder.glob('*.dwo'))
    sections = w.run('readelf', '-SW', part)[0].decode()
    w.expect(sections.count(' .debug_info.dwo ') > 1, 'types are not in sections of their own')
    answers = w.compare(path, ('llvm-symbolizer',))
    w.expect(any(len(frames) > 1 for frames in answers.values()), 'no inlined calls')


@case
def type_units(w):
    for version in ('4', '5'):
        path = compiled(w, 'g++', '-g', '-gdwarf-' + version, '-fdebug-types-section', sources=('names.cpp',))
        if version == '4':
            w.expect(has_section(w, path, '.debug_types'), 'no .debug_types')
        # Without linkage names eu-addr2line leaves namespaces out; addr2line loses calls of what is in .debug_types.
        w.compare(path, ('llvm-symbolizer',))


@case
def partial_units(w):
    """dwz moves what units have in common to units of their own."""
    path = compiled(w, 'gcc', '-g', '-gdwarf-4')
    w.run('dwz', path)
    w.expect('DW_TAG_partial_unit' in w.run('readelf', '--debug-dump=info', path)[0].decode(), 'no partial units')
    w.compare(path, ('llvm-symbolizer', 'eu-addr2line'))  # addr2line loses calls whose function is in another unit


def shared(version):
    """dwz moves what programs have in common to a file of its own, which llvm-symbolizer 14 cannot follow."""
    def build(w):
        options = ['-g', '-gdwarf-%d' % version]
        path, twin = compiled(w, 'gcc', *options), compiled(w, 'gcc', '-DTWIN', *options, out='twin')
        w.run('dwz', '-m', 'common.debug', '-r', path.name, twin.name)
        w.expect(has_section(w, path, '.gnu_debugaltlink'), 'nothing shared')
        w.compare(path, ('eu-addr2line',))  # addr2line calls some inlined functions as the one around them
        common = w.folder / 'common.debug'
        common.rename(w.folder / 'elsewhere')
        w.answers(path)
        w.expect('common.debug' in w.cprof.told, 'nobody told that the shared file is gone: %s' % w.cprof.told)
        w.run('gcc', '-g', '-o', 'common.debug', *w.source('shapes.c', 'other.c'))
        w.answers(path)
        w.expect('build ID differs' in w.cprof.told, 'took a foreign shared file: %s' % w.cprof.told)
    build.__name__ = 'dwz_shared_%d' % version
    return build


case(shared(4))
case(shared(5))


def packed(kind):
    def build(w):
        path, plain = compiled(w, 'gcc', '-g'), compiled(w, 'gcc', '-g', out='plain')
        w.run('objcopy', '--compress-debug-sections=' + kind, path)
        if kind == 'zlib-gnu':
            w.expect(has_section(w, path, '.zdebug_info'), 'not packed')
        else:
            w.expect('ZSTD' in w.run('readelf', '-tW', path)[0].decode() or kind != 'zstd', 'not packed')
        w.compare(path, ALL, reference=plain)
    build.__name__ = 'packed_' + kind.replace('-', '_')
    return build


for packing in ('zlib', 'zlib-gnu', 'zstd'):
    case(packed(packing))


@case
def packed_split_package(w):
    path = compiled(w, 'gcc', '-g', '-gdwarf-4', '-gsplit-dwarf', '-gz')
    w.run('dwp', '-e', path, '-o', 'prog.dwp')
    plain = compiled(w, 'gcc', '-g', '-gdwarf-4', out='plain')
    w.compare(path, ALL, reference=plain)


@case
def link_time_optimization(w):
    """Whole-program copies of functions, units that refer to each other."""
    path = compiled(w, 'gcc', '-g', '-flto', '-flto-partition=one')
    w.compare(path, ('llvm-symbolizer',))  # addr2line takes the name of the unit for that of its first file


@case
def link_time_optimization_of_clang(w):
    path = compiled(w, 'clang-14', '-g', '-flto', '-fuse-ld=lld')
    w.compare(path, ('llvm-symbolizer',))  # addr2line loses calls whose function is in another unit


@case
def link_time_copies(w):
    """Functions of one name that were private to two files get names of their own."""
    for name in ('one', 'two'):
        (w.folder / (name + '.c')).write_text('''
            extern volatile int sink;
            static __attribute__((noinline)) int twin(int x) { for (int i = 0; i < x; i++) sink += i * %d; return sink; }
            int (*%s(void))(int) { return twin; }''' % (len(name) + ord(name[0]), name))
    (w.folder / 'main.c').write_text('''
        volatile int sink;
        extern int (*one(void))(int), (*two(void))(int);
        int main(int argc, char **argv) { (void)argv; return one()(argc) + two()(argc + 1) + (one() != two()); }''')
    w.run('gcc', '-O2', '-g', '-flto', '-o', 'prog', 'one.c', 'two.c', 'main.c')
    path = w.folder / 'prog'
    twins = {name for name, _, _ in peers.functions(path) if name.startswith('twin')}
    w.expect(len(twins) == 2 and any('.lto_priv' in name for name in twins), str(sorted(twins)))
    answers = w.compare(path, ('llvm-symbolizer',))
    found = {frames[-1][0].partition('@')[0] for frames in answers.values() if frames}
    w.expect(len({name for name in found if name.startswith('twin')}) == 2, str(sorted(found)))


@case
def sections_of_their_own(w):
    """Each function in its own section, some of them thrown away: their ranges begin at 0."""
    path = compiled(w, 'gcc', '-g', '-ffunction-sections', '-Wl,--gc-sections', '-DUNUSED')
    w.compare(path, ALL)


@case
def without_optimization(w):
    path = w.folder / 'prog'
    w.run('gcc', '-O0', '-g3', '-o', path, *w.source('shapes.c', 'other.c'))
    w.compare(path, ALL)


@case
def line_tables_only(w):
    path = compiled(w, 'clang-14', '-gline-tables-only')
    w.compare(path, ('llvm-symbolizer', 'addr2line'))


@case
def lines_without_functions(w):
    path = compiled(w, 'gcc', '-g1')
    w.compare(path, ALL)


@case
def at_a_fixed_address(w):
    for options in (['-no-pie'], ['-no-pie', '-static']):
        path = compiled(w, 'gcc', '-g', *options)
        w.compare(path, ALL, wanted=lambda name: name in ('main', 'work', 'helper', 'other', 'helper.cold', 'complain'))


@case
def relative_paths(w):
    """Sources named relative to the folder of compilation."""
    (w.folder / 'in' / 'deep').mkdir(parents=True)
    for name in ('shapes.c', 'other.c', 'shared.h'):
        (w.folder / 'in' / name).write_bytes(w.source(name)[0].read_bytes())
    for version in ('4', '5'):
        w.run('gcc', '-O2', '-g', '-gdwarf-' + version, '-I..', '-o', '../../prog', '../shapes.c', './../other.c',
              folder=w.folder / 'in' / 'deep')
        w.compare(w.folder / 'prog', ALL)
