# SPDX-License-Identifier: BSD-3-Clause
"""How programs lie in their files and in memory: linkers, segments, copied text, code that is in no file."""
import os

import peers
from dwarf import ALL, compiled

CASES = []


def case(fn):
    CASES.append(fn)
    return fn


def code_segments(path):
    return [s for s in peers.segments(path)[0] if s.is_code]


@case
def linkers(w):
    """Where a segment lies in the file and where in memory: the same for one linker, not for another."""
    for options in (['-fuse-ld=bfd'], ['-fuse-ld=gold'], ['-fuse-ld=lld'], ['-Wl,-z,noseparate-code'], ['-Wl,-Ttext-segment=0x10000000'],
                    ['-fuse-ld=lld', '-Wl,-z,separate-loadable-segments'], ['-fuse-ld=lld', '-no-pie'], ['-fuse-ld=gold', '-no-pie'],
                    ['-Wl,-z,max-page-size=65536']):
        path = compiled(w, 'gcc', '-g', *options)
        differs = [s for s in code_segments(path) if s.offset != s.address]
        if options == ['-fuse-ld=lld']:
            w.expect(differs, 'lld puts code at the same place in the file and in memory')
        w.compare(path, ALL)


@case
def several_code_segments(w):
    """Two segments with code, and one that is at another place in memory than in the file."""
    (w.folder / 'script').write_text('''
        PHDRS { headers PT_PHDR PHDRS; first PT_LOAD FILEHDR PHDRS FLAGS(5); second PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); }
        SECTIONS {
            . = SIZEOF_HEADERS;
            .text : { *(.text .text.*) } :first
            .rodata : { *(.rodata .rodata.*) *(.eh_frame) } :first
            . = 0x30000000 + (. & 0xfff);
            .second : { *(.second) } :second
            . = 0x50000000 + (. & 0xfff);
            .data : { *(.data .data.*) *(.bss .bss.*) } :data
        }''')
    (w.folder / 'more.c').write_text('''
        extern volatile int sink;
        static inline __attribute__((always_inline)) int in_line(int x) { return sink * x; }
        __attribute__((section(".second"), noinline)) int far(int x) { return in_line(x) + in_line(x + 1); }''')
    path = w.folder / 'prog'
    w.run('gcc', '-O2', '-g', '-nostdlib', '-static', '-no-pie', '-fno-pic', '-Wl,-e,main', '-Wl,--build-id=none', '-T', 'script', '-o', path,
          'more.c', *w.source('shapes.c', 'other.c'))
    segments = code_segments(path)
    w.expect(len(segments) == 2 and segments[1].offset != segments[1].address, 'segments are not as wanted')
    answers = w.compare(path, ALL)
    w.expect(any(f[-1][0] == 'far' for f in answers.values()), 'nothing in the second segment')
    # The same code as a library, which lies anywhere.
    script = w.folder / 'script'
    w.run('gcc', '-O2', '-g', '-nostdlib', '-shared', '-fPIC', '-o', 'lib.so', 'more.c', *w.source('shapes.c', 'other.c'))
    w.compare(w.folder / 'lib.so', ALL, arguments=[script])


@case
def libraries(w):
    """A program and two libraries, one of a path with a space."""
    (w.folder / 'a lib').mkdir()
    libraries = [w.folder / 'a lib/liba.so.1', w.folder / 'libb.so']
    for name, path in zip(('shapes.c', 'other.c'), libraries):
        w.run('gcc', '-O2', '-g', '-fPIC', '-shared', '-o', path, *w.source(name), may_fail=False)
    program = compiled(w, 'gcc', '-g', '-no-pie')
    for at, path in enumerate(libraries):
        w.compare(path, ALL, arguments=[program], base=0x7ffff7000000 + at * 0x10000)


@case
def prelinked_libraries(w):
    """Linked to an address of its own, as prelink leaves libraries: loaded there, or elsewhere all the same."""
    program = compiled(w, 'gcc', '-g', '-no-pie', out='main')
    home = 0x3000000000
    for more in ([], ['-fuse-ld=lld', '-Wl,--image-base=%#x' % home]):
        path = w.folder / 'libhome.so'
        w.run('gcc', '-O2', '-g', '-fPIC', '-shared', *(more or ['-Wl,-Ttext-segment=%#x' % home]), '-o', path,
              *w.source('shapes.c', 'other.c'))
        code = code_segments(path)
        w.expect(code and all(s.address >= home and s.address != s.offset for s in code), 'it is not linked there')
        for bias in (0, 0x1000, 0x7ff000000000 - home):
            w.compare(path, ALL, arguments=[program], base=bias)


@case
def copied_text(w):
    """Code on large pages: in the middle of the program's text there is a piece that is no file's."""
    path = compiled(w, 'gcc', '-g', '-static-pie', '-fPIE')
    lines, bias = peers.maps_of(path)
    code = next(line for line in lines if ' r-xp ' in line)
    start, end = (int(n, 16) for n in code.split()[0].split('-'))
    offset = int(code.split()[2], 16)
    ours = peers.addresses_of(path, wanted=lambda name: name in ('main', 'work', 'helper', 'other', 'complain'))
    low, high = (min(ours) + bias) // 4096 * 4096, (max(ours) + bias + 4096) // 4096 * 4096
    w.expect(start <= low and high < end, 'no room')
    rows = []
    if start < low:
        rows.append('%x-%x r-xp %08x 08:01 1 %s' % (start, low, offset, path))
    rows += ['%x-%x r-xp 00000000 00:00 0 ' % (low, high),
             '%x-%x r-xp %08x 08:01 1 %s' % (high, end, offset + high - start, path)]
    maps = [row for line in lines for row in (rows if line == code else [line])]
    for arguments in ([path], []):
        w.compare(path, ALL, arguments=arguments, maps=maps, wanted=lambda name: name in ('main', 'work', 'helper', 'other', 'complain'))
    # Without the piece behind it nobody can know.
    answers = w.answers(path, maps=[m for m in maps if not m.startswith('%x-' % high)],
                        wanted=lambda name: name in ('main', 'work'))
    w.expect(not any(answers.values()), 'names of nobody')


@case
def code_of_the_kernel(w):
    path = compiled(w, 'gcc', '-g')
    maps = peers.maps_of(path)[0] + ['7ffff7fc1000-7ffff7fc3000 r-xp 00000000 00:00 0 [vdso]',
                                     'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]']
    answers = w.cprof.ask([0x7ffff7fc1a00, 0x7ffff7fc1a10, 0xffffffffff600010, 0xffffffff81000000], maps, [path])
    w.expect([[f[0] for f in answers[pc]] for pc in sorted(answers)] == [['[vdso]'], ['[vdso]'], [], ['[vsyscall]']], str(answers))
    w.expect('vdso' not in w.cprof.told, w.cprof.told)


@case
def code_made_at_run_time(w):
    path = compiled(w, 'gcc', '-g')
    maps = peers.maps_of(path)[0] + ['7f0000000000-7f0000100000 rwxp 00000000 00:00 0 ']
    jit = w.folder / 'perf-7.map'
    jit.write_text('7f0000000000 40 Lcom/example/Old;::gone(I)V\n'
                   '7f0000000100 80 LazyCompile:*run /srv/app with space.js:12:3\n'
                   'no line at all\n7f00000002zz 10 x\n7f0000000300\n'
                   '0x7f0000000000 0x20 Lcom/example/Sort;::<init>(II)V\n'
                   '7f00000001c0 20 \u00fcber\x1b[31m')
    pcs = [0x7f0000000000, 0x7f000000001f, 0x7f0000000020, 0x7f000000003f, 0x7f0000000040, 0x7f0000000100, 0x7f000000017f,
           0x7f0000000180, 0x7f00000001c5, 0x7f0000000301]
    wanted = ['Lcom/example/Sort;::<init>(II)V'] * 2 + ['Lcom/example/Old;::gone(I)V'] * 2 + [None] + \
        ['LazyCompile:*run /srv/app with space.js:12:3'] * 2 + [None, '\u00fcber?[31m', None]

    def check(*arguments):
        answers = w.cprof.ask(pcs, maps, [*arguments, path])
        for pc, name in zip(pcs, wanted):
            w.expect([f[0] for f in answers[pc]] == ([name] if name else []), '%#x: %s, wanted %s' % (pc, answers[pc], name))
    check('--perf-map=/nowhere,%s' % jit)
    w.expect('/nowhere: No such file' in w.cprof.told, w.cprof.told)
    # By the number of a process; this one has no map of its own.
    usual = peers.pathlib.Path('/tmp/perf-%d.map' % os.getpid())
    usual.write_bytes(jit.read_bytes())
    try:
        check('--perf_map=%d' % os.getpid())
    finally:
        usual.unlink()
    w.expect(w.answers(path) == w.answers(path, ['--perf-map=%s' % jit, path]), 'names in files differ')


def labels_of(w, path, section):
    """What objdump calls the places in a section: {address: name}, for every byte."""
    names, current = {}, None
    for line in w.run('objdump', '-d', '--section=' + section, path, may_fail=True)[0].decode().splitlines():
        label = peers.re.fullmatch(r'([0-9a-f]+) <(.*)>:', line)
        place = peers.re.match(r' +([0-9a-f]+):\t((?:[0-9a-f]{2} )+)', line)
        if label:
            current = label[2]
        elif place:
            names.update({int(place[1], 16) + i: current for i in range(len(place[2].split()))})
    return names


PLT_SOURCE = '''
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int twice(int x) { return x * 2; }
static int (*choose(void))(int) { return twice; }
int chosen(int) __attribute__((ifunc("choose")));
int (*volatile keep)(const char *) = puts;
int main(int argc, char **argv) { puts(argv[0]); free(malloc(argc)); return chosen(argc) + (int)strlen(argv[0]) + keep("x"); }
'''


@case
def slots_of_calls(w):
    """malloc@plt, in every shape that linkers give to slots; objdump is the judge."""
    (w.folder / 'calls.c').write_text(PLT_SOURCE)
    for options in ([], ['-fcf-protection=full', '-Wl,-z,ibtplt'], ['-fcf-protection=none', '-fuse-ld=lld'], ['-fuse-ld=gold'],
                    ['-Wl,-z,lazy'], ['-Wl,-z,now'], ['-no-pie'], ['-no-pie', '-fuse-ld=lld', '-fcf-protection=full', '-Wl,-z,force-ibt'],
                    ['-static']):
        path = w.folder / 'prog'
        w.run('gcc', '-O1', '-fno-builtin', '-fplt', *options, '-o', path, 'calls.c')
        wanted = {}
        for section in ('.plt', '.plt.sec', '.plt.got', '.iplt'):
            wanted.update(labels_of(w, path, section))
        choosers = {line.split()[2].partition('@')[0] for line in w.run('nm', path)[0].decode().splitlines() if ' i ' in line}
        slots = {a: name for a, name in wanted.items() if name.endswith('@plt')}
        w.expect(options == ['-static'] or {'puts@plt', 'malloc@plt', 'free@plt', 'strlen@plt'} <= set(slots.values()),
                 '%s: slots of %s' % (options, sorted(set(slots.values()))))
        maps, bias = peers.maps_of(path)
        answers = w.cprof.ask([a + bias for a in wanted], maps, [path])
        n = 0
        w.expect(options == ['-static'] or any(f and f[0][0] == 'chosen@plt' for f in answers.values()), 'no chosen@plt')
        for a, name in wanted.items():
            ours = answers[a + bias][-1][0] if answers[a + bias] else None
            if name.startswith('*ABS*'):  # objdump has no name, but the address of the code that decides
                w.expect(ours and ours.endswith('@plt') and ours != '@plt', '%#x: %s, wanted a slot' % (a, ours))
            elif name.endswith('@plt'):
                w.expect(ours == name, '%s: %#x: %s, wanted %s' % (options, a, ours, name))
            else:
                # Nothing by objdump, if it is not a slot of what is decided at run time.
                w.expect(ours is None or ours[:-4] in choosers, '%s: %#x: %s, wanted nothing' % (options, a, ours))
                continue
            n += 1
        w.remark('%s: %d bytes in slots as objdump, %d that are in none' % (' '.join(options), n, len(wanted) - n))


@case
def functions_chosen_at_run_time(w):
    (w.folder / 'calls.c').write_text(PLT_SOURCE)
    path = w.folder / 'prog'
    w.run('gcc', '-O1', '-g', '-fno-inline', '-o', path, 'calls.c')
    answers = w.compare(path, ('addr2line',), wanted=lambda name: name in ('main', 'twice', 'choose', 'chosen'))
    w.expect({'twice', 'choose'} <= {f[-1][0] for f in answers.values()}, 'names: %s' % {f[-1][0] for f in answers.values()})
    w.run('strip', '-g', path)
    answers = w.answers(path, wanted=lambda name: name in ('main', 'twice', 'chosen'))
    # Two names for one address: the one that nm shows, as with all others.
    w.expect({f[-1][0] for f in answers.values()} == {'main', 'twice', 'choose'}, str({f[-1][0] for f in answers.values()}))
