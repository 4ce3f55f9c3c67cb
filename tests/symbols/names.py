# SPDX-License-Identifier: BSD-3-Clause
"""Names as languages and compilers make them, and how reports show them."""
import peers
from dwarf import ALL, compiled

CASES = []


def case(fn):
    CASES.append(fn)
    return fn


def shown(w, path, wanted=None):
    """The short names in --text, and the addresses that were asked for."""
    addresses = peers.addresses_of(path, 1, wanted)
    maps, bias = peers.maps_of(path)
    profile = w.folder / 'shown.prof'
    peers.write_profile(profile, [a + bias for a in addresses], maps)
    out = w.run(w.program, '--text', path, profile)[0].decode()
    return {line.split(None, 5)[5] for line in out.splitlines()[1:]}


def expect_shown(w, path, names, wanted=None):
    found = shown(w, path, wanted)
    w.expect(names <= found, 'not there: %s; there: %s' % (sorted(names - found), sorted(found)))


CXX = {
    'outer::::hidden', 'outer::v2::Functor::operator()', 'outer::v2::Functor::operator<', 'outer::v2::Functor::operator int',
    'outer::v2::Functor::operator--', 'outer::Box::sum', 'outer::apply', 'outer::tagged[abi:cxx42]', 'outer::Derived::Derived',
    'outer::Derived::~Derived', 'outer::Derived::act', 'outer::Derived::react', 'operator"" _deg', 'operator"" _km',
}


@case
def names_of_cxx(w):
    """Namespaces, templates, lambdas, functors, literals, ABI tags; overloads are told apart by their addresses."""
    for compiler in ('g++', 'clang++-14'):
        for standard in ('-gdwarf-4', '-gdwarf-5'):
            path = compiled(w, compiler, '-g', standard, '-std=c++17', sources=('names.cpp',))
            w.compare(path, ('llvm-symbolizer', 'addr2line'))
        found = shown(w, path)
        lambdas = {name for name in found if '{lambda' in name or '$_' in name}
        overs = {name for name in found if name.startswith('outer::over@')}
        w.expect(lambdas and len(overs) == 2, '%s, %s' % (sorted(lambdas), sorted(overs)))
        bare = {name.partition('@')[0].partition(' [clone')[0] for name in found}
        w.expect(CXX <= bare, 'not there: %s; there: %s' % (sorted(CXX - bare), sorted(found)))


@case
def names_of_cxx_without_debug_information(w):
    path = compiled(w, 'g++', '-std=c++17', sources=('names.cpp',))
    w.compare(path, ALL)
    bare = {name.partition('@')[0].partition(' [clone')[0] for name in shown(w, path)}
    w.expect(CXX <= bare, 'not there: %s' % sorted(CXX - bare))


@case
def parts_and_copies_of_functions(w):
    """What compilers cut off (.cold, .part) or made for some callers (.isra, .constprop) says so."""
    path = compiled(w, 'gcc', '-g')
    symbols = {name for name, _, _ in peers.functions(path)}
    cut_off = {name for name in symbols if name.endswith('.cold')}
    w.expect(cut_off, str(symbols))
    w.compare(path, ALL)
    expect_shown(w, path, cut_off)
    (w.folder / 'parts.c').write_text('''
        volatile int sink;
        struct big { int a, b; };
        static __attribute__((noinline)) int scaled(struct big *p, int scale, int unused)
        { for (int i = 0; i < p->a; i++) sink += scale; return p->a * scale; }
        static int rare(int x)
        { if (__builtin_expect(x < 1000, 1)) return x; for (int i = 0; i < x; i++) { sink += i; sink -= x * i; sink ^= i; sink += 3; } return sink; }
        int main(int argc, char **argv)
        { struct big b = {argc, 2}; (void)argv;
          return scaled(&b, 7, 1) + scaled(&b, 7, argc) + rare(argc) + rare(argc + 1) + rare(sink) + rare(sink * 2); }''')
    w.run('gcc', '-O2', '-g', '-o', 'parts', 'parts.c')
    path = w.folder / 'parts'
    symbols = {name for name, _, _ in peers.functions(path)}
    copies = {name for name in symbols if '.' in name}
    w.expect(any('.isra' in n or '.constprop' in n for n in copies) and any('.part' in n for n in copies), str(symbols))
    w.compare(path, ALL)
    expect_shown(w, path, copies)


def rust(mangling):
    def build(w):
        path = w.folder / 'prog'
        w.run('/usr/bin/rustc', '-g', '-O', *(['-C', 'symbol-mangling-version=v0'] if mangling == 'v0' else []), '-o', path, *w.source('names.rs'))
        ours = lambda name: '5names' in name or '5shapes' in name
        symbols = {name for name, _, _ in peers.functions(path, ours)}
        w.expect(any(n.startswith('_R' if mangling == 'v0' else '_ZN') for n in symbols), str(symbols))
        w.compare(path, ('llvm-symbolizer', 'addr2line'), wanted=ours)
        found = shown(w, path, ours)
        w.expect(any('shapes::generic' in n for n in found) and not any('::h' in n and len(n.rpartition('::h')[2]) == 16 for n in found),
                 str(found))
    build.__name__ = 'names_of_rust_' + mangling
    return build


case(rust('v0'))
case(rust('legacy'))


@case
def names_of_go(w):
    path = w.folder / 'prog'
    w.run('/usr/bin/go', 'build', '-o', path, *w.source('names.go'),
          env={'GOCACHE': str(w.folder / 'cache'), 'GO111MODULE': 'off', 'GOTOOLCHAIN': 'local', 'CGO_ENABLED': '0'})
    ours = lambda name: name.startswith('main.')
    symbols = {name for name, _, _ in peers.functions(path, ours)}
    w.expect({'main.main', 'main.(*counter).add'} <= symbols, str(symbols))
    w.compare(path, ('llvm-symbolizer',), wanted=ours)


@case
def names_of_d(w):
    path = w.folder / 'prog'
    w.run('gdc', '-O1', '-fno-inline', '-g', '-o', path, *w.source('names.d'))
    ours = lambda name: '5names' in name or name == '_Dmain'
    w.compare(path, ('addr2line',), wanted=ours)
    expect_shown(w, path, {'names.Counter.add', 'names.twice!.twice', 'names.main.inside', 'D main'}, ours)


@case
def names_of_fortran(w):
    path = w.folder / 'prog'
    w.run('gfortran', '-O1', '-fno-inline', '-g', '-o', path, *w.source('names.f90'))
    ours = lambda name: 'shapes' in name or 'square' in name or name in ('MAIN__', 'main')
    w.compare(path, ('llvm-symbolizer', 'addr2line'), wanted=ours)
    expect_shown(w, path, {'__shapes_MOD_area', 'MAIN__', 'main'}, ours)
