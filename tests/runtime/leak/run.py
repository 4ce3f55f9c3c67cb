#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The leak checker from outside: what it says, in each mode, of each mistake, with and without a symbolizer.

Results are TAP.

usage: run.py CPROF LIBRARY.so LIBRARY.a BOTH.so CC CXX
"""
import glob
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import traceback

HANG_SECONDS = 900
CPROF, LIBRARY, ARCHIVE, BOTH = (os.path.abspath(a) for a in sys.argv[1:5])
CC, CXX = sys.argv[5].split(), sys.argv[6].split()
HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = str(HERE.parents[2] / 'include')
ACTIVE = 'WARNING: Perftools heap leak checker is active -- Performance may suffer\n'
CLEAN = ('No leaks found for check "%s" (but no 100%% guarantee that there aren\'t any): '
         'found N reachable heap objects of N bytes\n')
UNNAMED = '''*** WARNING: Cannot convert addresses to symbols in output below.
*** Reason: %s
*** If you cannot fix this, try running pprof directly.
'''
HINT = '''

If the preceding stack traces are not enough to find the leaks, try running THIS shell command:

pprof %s "%s" --inuse_objects --lines --heapcheck  --edgefraction=1e-10 --nodefraction=1e-10 --gv

If you are still puzzled about why the leaks are there, try rerunning this program with \
HEAP_CHECK_TEST_POINTER_ALIGNMENT=1 and/or with HEAP_CHECK_MAX_POINTER_OFFSET=-1
If the leak report occurs in a small fraction of runs, try running with TCMALLOC_MAX_FREE_QUEUE_SIZE of few \
hundred MB or with TCMALLOC_RECLAIM_MEMORY=false, it might help find leaks more repeatably
'''
ENDS = 'Exiting with error code (instead of crashing) because of whole-program memory leaks\n'
CANNOT_FIND = UNNAMED % "Cannot find 'pprof' (is PPROF_PATH set correctly?)"


class Failure(Exception):
    pass


def require(condition, what):
    if not condition:
        raise Failure(what)


def same(got, want):
    require(got == want, 'wanted:\n%s\ngot:\n%s' % (want, got))


class Place:
    """A folder with the programs."""

    def __init__(self, folder):
        self.folder = folder
        self.build('scenes', 'scenes.cpp', linked=True)
        self.build('modes', 'modes.cpp')
        self.build('sites', 'sites.cpp')
        self.build('storm', 'storm.c', linked=True)

    def build(self, name, source, linked=False, library=LIBRARY):
        compiler = CXX if source.endswith('.cpp') else CC
        command = compiler + ['-g', '-O0', '-pthread', '-w', '-I', INCLUDE, '-o', os.path.join(self.folder, name),
                              str(HERE / source)]
        if linked:
            command += ['-Wl,--no-as-needed', library, '-Wl,-rpath,' + os.path.dirname(library), '-ldl']
        subprocess.run(command, check=True)

    def run(self, words, preload=None, **variables):
        env = {k: v for k, v in os.environ.items() if not k.startswith(('HEAP', 'PPROF', 'PERFTOOLS'))}
        env.update(HEAP_CHECK_DUMP_DIRECTORY=self.folder, PPROF_PATH='/proc/nothing')
        env.update(variables)
        env = {k: v for k, v in env.items() if v is not None}
        if preload:
            env['LD_PRELOAD'] = preload
        return subprocess.run(words, cwd=self.folder, env=env, capture_output=True, text=True,
                              timeout=HANG_SECONDS, errors='replace')

    def masked(self, text):
        text = re.sub(r'\b[0-9a-f]{12}\b', 'ADDR', text)
        text = re.sub(r'0x[0-9a-f]{6,16}', '0xADDR', text)
        text = re.sub(r'found \d+ reachable heap objects of \d+', 'found N reachable heap objects of N', text)
        return re.sub(r'\.\d+(\.\w+-end)', r'.PID\1', text.replace(self.folder, 'FOLDER'))


def totals(text):
    return [(int(b), int(a)) for a, b in re.findall(r'detected leaks of (\d+) bytes in (\d+) objects', text)]


def report(name, nbytes, objects, sites, program):
    """What is said of leaks with so many sites, frames left out."""
    return ('Leak check %s detected leaks of %d bytes in %d objects\nThe %d largest leaks:\n'
            % (name, nbytes, objects, len(sites))
            + ''.join('Leak of %d bytes in %d objects allocated from:\n' % s for s in sites)
            + HINT % (program, 'FOLDER/%s.PID.%s-end.heap' % (os.path.basename(program), name)))


def without_frames(text):
    return re.sub(r'\t@ ADDR.*\n', '', text)


def check_whole_report(place):
    done = place.run(['./scenes', 'lose'], HEAPCHECK='normal')
    want = report('_main_', 77, 1, [(77, 1)], './scenes').replace('leaks:\n', 'leaks:\n' + CANNOT_FIND)
    same(without_frames(place.masked(done.stderr)), ACTIVE + want + ENDS)
    require(re.search(r'allocated from:\n(\t@ [0-9a-f]+ \n)+\n\n', done.stderr), done.stderr)
    same(done.returncode, 1)
    same(done.stdout, 'end of main\n')


def check_names(place):
    """Our own cprof, which is found beside the library: names, places and inlined calls."""
    done = place.run(['./scenes', 'lose'], HEAPCHECK='normal', PPROF_PATH=None)
    require(re.search(r'\t@ [0-9a-f]+ lose \S+scenes.cpp:\d+\n\t@ [0-9a-f]+ whole \S+scenes.cpp:\d+\n', done.stderr),
            done.stderr)
    done = place.run(['./scenes', 'lose'], HEAPCHECK='normal', PPROF_PATH=CPROF)
    require(re.search(r'\t@ [0-9a-f]+ lose\n\t@ [0-9a-f]+ whole\n', done.stderr), done.stderr)


def check_calls(place):
    """A call that does not return is the last thing in its function: it is named, not what comes behind it."""
    source = os.path.join(place.folder, 'calls.c')
    pathlib.Path(source).write_text('''#include <stdlib.h>
__attribute__((noinline, noreturn)) void lose(void) { char *volatile p = malloc(77); p = NULL; exit(0); }
__attribute__((noinline, noreturn)) void calls(void)
{
    lose();
}
void after(void) {}
int main(void) { calls(); }
''')
    subprocess.run(CC + ['-g', '-Os', '-falign-functions=1', '-fno-toplevel-reorder', '-o', place.folder + '/calls', source],
                   check=True)
    done = place.run(['./calls'], LIBRARY, HEAPCHECK='normal', PPROF_PATH=None)
    require(re.search(r' lose \S+calls.c:2\n\t@ [0-9a-f]+ calls \S+calls.c:5\n\t@ [0-9a-f]+ main \S+calls.c:8\n', done.stderr),
            done.stderr)


def check_program_of_path(place):
    """A program that was not started by its place, or that went elsewhere, is found all the same."""
    tell = r'\t@ [0-9a-f]+ lose \S+scenes.cpp:\d+\n'
    path = place.folder + '/scenes'
    done = place.run(['scenes', 'lose'], HEAPCHECK='normal', PPROF_PATH=None, PATH=place.folder + ':' + os.environ['PATH'])
    require(re.search(tell, done.stderr) and '\npprof %s "' % path in done.stderr, done.stderr)
    done = place.run(['./scenes', 'elsewhere'], HEAPCHECK='normal', PPROF_PATH=None)
    require(re.search(tell, done.stderr) and '\npprof %s "' % path in done.stderr, done.stderr)


def check_symbolizer(place):
    """Any program that answers a line for each address; and those that do not."""
    path = os.path.join(place.folder, 'stub')
    with open(path, 'w') as f:
        f.write('#!/bin/sh\necho "$@" > stub.words\nenv | grep "HEAPCHECK\\|CPUPROFILE" > stub.env\n'
                'cat > stub.in\ngrep "^0x" stub.in | sed "s/^/name_of_/"\n')
    os.chmod(path, 0o755)
    done = place.run(['./scenes', 'lose'], HEAPCHECK='normal', PPROF_PATH=path, CPUPROFILE_FREQUENCY='100')
    names = re.findall(r'\t@ ([0-9a-f]+) name_of_0x([0-9a-f]+)\n', done.stderr)
    require(names and all(a == b for a, b in names), done.stderr)
    same(open(os.path.join(place.folder, 'stub.words')).read(), '--symbols ./scenes\n')
    require('HEAPCHECK' not in open(os.path.join(place.folder, 'stub.env')).read(), 'HEAPCHECK is handed on')
    asked = [l for l in open(os.path.join(place.folder, 'stub.in')) if l.startswith('0x')]
    same(asked, sorted(asked))
    for text, mode, reason in (('echo', 0o644, "Cannot run 'pprof' (is PPROF_PATH set correctly?)"),
                               ('#!/bin/sh\nprintf x\n', 0o755, 'Cannot read data from pprof'),
                               ('#!/bin/sh\nexit 0\n', 0o755, 'Cannot read data from pprof')):
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, mode)
        done = place.run(['./scenes', 'lose'], HEAPCHECK='normal', PPROF_PATH=path)
        require(UNNAMED % reason in done.stderr, done.stderr)
        require('allocated from:' in done.stderr and done.returncode == 1, done.stderr)


def check_modes(place):
    """24 bytes are lost before main, 40 in it, 56 by a destructor; 72 and 88 are kept."""
    for mode, want in (('minimal', [(1, 40)]), ('normal', [(2, 64)]), ('strict', [(3, 120)]),
                       ('draconian', [(5, 280)]), ('as-is', [(2, 64)]), ('local', [])):
        done = place.run(['./modes'], LIBRARY, HEAPCHECK=mode)
        same((mode, totals(done.stderr)), (mode, want))
        same(done.returncode, 1 if want else 0)
        same(done.stdout, 'running\n')
    done = place.run(['./modes'], LIBRARY, HEAPCHECK='as-is', HEAP_CHECK_AFTER_DESTRUCTORS='1')
    same(totals(done.stderr), [(3, 120)])
    done = place.run(['./modes'], LIBRARY, HEAPCHECK='as-is', HEAP_CHECK_IGNORE_GLOBAL_LIVE='0')
    same(totals(done.stderr), [(4, 192)])
    done = place.run(['./modes'], LIBRARY, HEAPCHECK='as-is', HEAP_CHECK_IGNORE_THREAD_LIVE='0')
    same(totals(done.stderr), [(3, 152)])
    require('Not looking for thread stacks; objects reachable only from there will be reported as leaks\n'
            in done.stderr, done.stderr)


def check_off(place):
    for value, want, status in (('', 'Turning perftools heap leak checking off\n', 0),
                                ('bogus', 'Unsupported heap_check flag: bogus\n', -6), (None, '', 0)):
        done = place.run(['./modes'], LIBRARY, HEAPCHECK=value)
        same(done.stderr, want)
        same(done.returncode, status)
    done = place.run(['./modes'], LIBRARY, HEAPCHECK='normal', RUNNING_ON_VALGRIND='1')
    same(done.stderr, "Can't run under Valgrind; will turn itself off\nTurning perftools heap leak checking off\n")


def check_traced(place):
    """Under a debugger: off, unless it is wanted; then threads are stopped by signals."""
    done = place.run(['./scenes', 'traced', 'normal', 'lose'])
    same(done.stderr, 'Someone is ptrace()ing us; will turn itself off\nTurning perftools heap leak checking off\n')
    done = place.run(['./scenes', 'traced', 'normal', 'end-reader'], HEAP_CHECK_RUN_UNDER_GDB='1')
    same((totals(done.stderr), done.returncode), ([(1, 77)], 1))


def check_static(place):
    """Linked from the archive, with the C library and without."""
    for flags in ([], ['-static']):
        for case, want in (('direct', [(1, 40)]), ('chain', [(3, 72)]), ('tls_thread', []), ('stack_thread', [])):
            program = os.path.join(place.folder, 'static')
            subprocess.run(CC + flags + ['-O1', '-g', '-w', '-pthread', '-o', program, str(HERE / 'cases' / (case + '.c')),
                                         ARCHIVE], check=True)
            done = place.run([program], HEAPCHECK='normal')
            same((flags, case, totals(done.stderr)), (flags, case, want))
            require(want or 'No leaks found' in done.stderr, done.stderr)


def check_two_copies(place):
    """One is linked in, another is preloaded: one of them works, the other says that it does not."""
    place.build('archived', 'scenes.cpp', linked=True, library=ARCHIVE)
    for program in ('./scenes', './archived'):
        done = place.run([program, 'lose'], BOTH, HEAPCHECK='normal')
        same((program, done.stderr.count(ACTIVE), totals(done.stderr)), (program, 1, [(1, 77)]))
        same(re.findall(r'HEAPCHECK: malloc is not that of (\S+), which does nothing\n', done.stderr),
             [LIBRARY if program == './scenes' else BOTH])
        done = place.run([program, 'lose'], BOTH, HEAPPROFILE='two')
        same((program, glob.glob(place.folder + '/two*')), (program, [place.folder + '/two.0001.heap']))
        require(' 77 [' in pathlib.Path(place.folder, 'two.0001.heap').read_text(), program)
        os.remove(place.folder + '/two.0001.heap')


def check_foreign_malloc(place):
    """The program has its own: nothing is looked at, and that is said."""
    source = os.path.join(place.folder, 'foreign.c')
    pathlib.Path(source).write_text('''#include <stddef.h>
static char room[1 << 20];
static size_t used;
void *malloc(size_t n) { char *p = room + used; used += (n + 31) / 16 * 16; return used < sizeof room ? p : NULL; }
void *calloc(size_t n, size_t size) { return malloc(n * size); }
void *realloc(void *p, size_t n) { (void)p; return malloc(n); }
void free(void *p) { (void)p; }
int main(void) { return malloc(77) == NULL; }
''')
    subprocess.run(CC + ['-O0', '-fno-builtin', '-o', place.folder + '/foreign', source], check=True)
    for variable, value in ('HEAPCHECK', 'normal'), ('HEAPPROFILE', 'foreign'):
        done = place.run(['./foreign'], LIBRARY, **{variable: value})
        same((done.returncode, done.stderr), (0, '%s: malloc is not that of %s, which does nothing\n' % (variable, LIBRARY)))


def check_fences(place):
    """Where each block is in pages of its own, in a library that has such."""
    for case, want in (('lose', [(1, 77)]), ('keep', [])):
        done = place.run(['./scenes', case], HEAPCHECK='normal', TCMALLOC_PAGE_FENCE='1')
        same((case, totals(done.stderr)), (case, want))


def check_levels(place):
    done = place.run(['./scenes', 'lose'], HEAPCHECK='normal', PERFTOOLS_VERBOSE='-1')
    require(not done.stderr.startswith('WARNING') and 'If the preceding' in done.stderr, done.stderr)
    done = place.run(['./scenes', 'lose'], HEAPCHECK='normal', PERFTOOLS_VERBOSE='-3')
    require('If the preceding' not in done.stderr and 'Leak of 77' in done.stderr, done.stderr)
    done = place.run(['./scenes', 'lose'], HEAPCHECK='normal', PERFTOOLS_VERBOSE='-4')
    same(done.stderr, '')
    done = place.run(['./scenes', 'keep'], HEAPCHECK='normal', PERFTOOLS_VERBOSE='14')
    require('Starting tracking the heap\n' in done.stderr, done.stderr)
    require(re.search(r'Found pointer to 0x\w+ of 99 bytes at 0x\w+ inside global data\n', done.stderr), done.stderr)


def scene(place, name, mode, stderr, stdout, status=0, **variables):
    done = place.run(['./scenes', name], HEAPCHECK=mode, **variables)
    same(without_frames(place.masked(done.stderr)), stderr)
    same(done.stdout, stdout)
    same(done.returncode, status)


def check_parts(place):
    end = 'end of main\n'
    scene(place, 'part', 'local', ACTIVE + report('part', 300, 2, [(200, 1), (100, 1)], './scenes'),
          'clean 0 bytes 300 objects 2\n' + end)
    scene(place, 'part-clean', 'local', ACTIVE + CLEAN % 'part', 'clean 1 bytes 0 objects 0\n' + end)
    scene(place, 'disabler', 'local', ACTIVE + CLEAN % 'part', 'clean 1 bytes 0 objects 0\n' + end)
    scene(place, 'ignore', 'local', ACTIVE + CLEAN % 'part', 'clean 1 bytes 0 objects 0\n' + end)
    scene(place, 'unignore', 'local', ACTIVE + report('part', 64, 2, [(64, 2)], './scenes'),
          'clean 0 bytes 64 objects 2\n' + end)
    scene(place, 'region', 'local', ACTIVE + CLEAN % 'part', 'clean 1 bytes 0 objects 0\n' + end)
    scene(place, 'hidden', 'local', ACTIVE + report('part', 32, 1, [(32, 1)], './scenes'),
          'clean 0 bytes 32 objects 1\n' + end)
    done = place.run(['./scenes', 'many'], HEAPCHECK='local')
    same(done.stdout, '650 550 450 350 250 150 50 \nend of main\n')
    scene(place, 'part', None, 'Heap checker is not active, hence checker "part" will do nothing!\n'
          'To activate set the HEAPCHECK environment variable.\n', 'clean 1 bytes 0 objects 0\n' + end)
    scene(place, 'disabler', 'normal', ACTIVE + CLEAN % 'part' + CLEAN % '_main_',
          'clean 1 bytes 0 objects 0\n' + end)


def check_old_programs(place):
    """The names of C++ functions that programs were compiled to call."""
    place.build('abi', 'abi.cpp', linked=True)
    done = place.run(['./abi'], HEAPCHECK='normal')
    same(done.stdout, 'active 1 clean 0 bytes 100 objects 1\nall clean 0 bytes 100\n')
    same((totals(done.stderr), done.returncode), ([(1, 100)] * 3, 1))
    require('cleanup runs\nLeak check _main_' in done.stderr, done.stderr)


def check_mistakes(place):
    scene(place, 'unchecked', 'local',
          ACTIVE + 'Some *NoLeaks|SameHeap method must be called on any created HeapLeakChecker\n', '', -6)
    scene(place, 'too-early', 'local', ACTIVE + '*NoLeaks|SameHeap must execute before this call\n', '', -6)
    scene(place, 'unignore-unknown', 'local', ACTIVE + 'Object at 0xADDR has not been ignored\n', '', -6)
    scene(place, 'unignore-nothing', 'local', ACTIVE + 'No live heap object at 0xADDR to un-ignore\n', '', -6)
    scene(place, 'ignore-stack', 'local', ACTIVE + 'No live heap object at 0xADDR to ignore\n', 'end of main\n')
    scene(place, 'ignore-twice', 'local', ACTIVE + 'Object at 0xADDR is already being ignored\n', 'end of main\n')
    scene(place, 'free-ignored', 'normal',
          ACTIVE + 'Object at 0xADDR of 32 bytes from an IgnoreObject() has disappeared\n', 'end of main\n', -6)
    scene(place, 'name', 'local', ACTIVE + 'HeapLeakChecker: "a/b" cannot be the name of a checker\n', '', -6)


def check_global(place):
    scene(place, 'cancel', 'normal',
          ACTIVE + 'Canceling the automatic at-exit whole-program memory leak check\n', 'end of main\n')
    done = place.run(['./scenes', 'global-now'], HEAPCHECK='normal')
    same(totals(done.stderr), [(1, 77)] * 3)
    same(done.stdout, 'global 0 bytes 77 objects 1\nagain 0\nend of main\n')
    done = place.run(['./scenes', 'global-now'], HEAPCHECK='local')
    same(done.stdout, 'no global, 1\nend of main\n')
    done = place.run(['./scenes', 'cleanup'], HEAPCHECK='normal')
    require('cleanup runs\nNo leaks' in done.stderr, done.stderr)
    for mode in ('local', None):
        done = place.run(['./scenes', 'cleanup'], HEAPCHECK=mode)
        require('cleanup runs' not in done.stderr, done.stderr)


def check_ends(place):
    """How the program ends."""
    for how, status, leaks in (('return', 1, 1), ('exit', 1, 1), ('_exit', 3, 0), ('quick_exit', 3, 0), ('abort', -6, 0),
                               ('close', 1, 1), ('close-first', 1, 0), ('unflushed', 1, 1), ('reader', 1, 1)):
        done = place.run(['./scenes', 'end-' + how], HEAPCHECK='normal')
        same((how, done.returncode, len(totals(done.stderr))), (how, status, leaks))
        if how == 'unflushed':
            same(done.stdout, 'not yet written')
    done = place.run(['./scenes', 'end-no-files'], HEAPCHECK='normal')
    same(done.returncode, 3)
    require('Could not find thread stacks. Will likely report false leak positives.\nLeak check _main_: '
            '/proc/self/maps cannot be read, nothing is known\n' in done.stderr, done.stderr)
    done = place.run(['./scenes', 'end-fork'], HEAPCHECK='normal')
    same(totals(done.stderr), [(1, 77)])
    same(done.stdout, 'child 0\n')
    done = place.run(['./scenes', 'end-fork'], LIBRARY, HEAPCHECK='normal')
    same(totals(done.stderr), [(1, 88), (1, 77)])
    same(done.stdout, 'child 1\n')


def check_sites(place):
    """25 sites; how many are printed, and all objects."""
    for most, shown in ((None, 20), ('2', 2), ('0', 25), ('-1', 25), ('100', 25)):
        done = place.run(['./sites'], LIBRARY, HEAPCHECK='normal', HEAP_CHECK_MAX_LEAKS=most)
        same(done.stderr.count('\nLeak of '), shown)
        skipped = re.findall(r'Skipping leaks numbered (\S+)\n', done.stderr)
        same(skipped, ['%d..24' % shown] if shown < 25 else [])
        sizes = [int(s) for s in re.findall(r'\nLeak of (\d+)', done.stderr)]
        same(sizes, sorted(sizes, reverse=True))
    done = place.run(['./sites'], LIBRARY, HEAPCHECK='normal', HEAP_CHECK_IDENTIFY_LEAKS='1')
    same(done.stderr.count('\nleaked '), 50)
    require(done.stderr.endswith('\nWhole-program memory leaks found.\n') and done.returncode == -6, done.stderr)


def site_ids(text):
    return re.findall(r'\tsite ([0-9a-f]{16}): (\d+) bytes in (\d+) objects direct, (\d+) bytes', text)


def check_dump(place):
    """The file, its ids, and what cprof says of it."""
    for f in glob.glob(place.folder + '/*.heap'):
        os.unlink(f)
    first = place.run(['./scenes', 'chain'], HEAPCHECK='normal', PERFTOOLS_VERBOSE='1')
    ids = site_ids(first.stderr)
    same([i[1:] for i in ids], [('32', '1', '64')])
    same(site_ids(place.run(['./scenes', 'chain'], HEAPCHECK='normal', PERFTOOLS_VERBOSE='1').stderr), ids)
    command = re.search(r'\npprof (\S+) "(\S+)" (.*) --gv\n', first.stderr)
    text = open(command.group(2)).read()
    require(text.startswith('heap profile:      3:       96 [     3:       96] @ heapprofile\n'
                            '# direct leaks, site %s\n     1:       32 [     1:       32] @ 0x' % ids[0][0]), text[:300])
    require('\n# indirect leaks, site %s\n' % ids[0][0] in text and '\n\nMAPPED_LIBRARIES:\n' in text, text[:900])
    done = subprocess.run([CPROF, '--text'] + command.group(3).split() + [command.group(1), command.group(2)],
                          cwd=place.folder, capture_output=True, text=True)
    require(done.stdout.startswith('Total: 3 objects\nLeaks: 1 objects direct, 2 objects indirect\n'), done.stdout)
    require('scenes.cpp' in done.stdout, done.stdout)
    require(not stat.S_IMODE(os.stat(command.group(2)).st_mode) & 0o111, 'executable')


def check_dump_fails(place):
    done = place.run(['./scenes', 'lose'], HEAPCHECK='normal', HEAP_CHECK_DUMP_DIRECTORY='/proc/nothing')
    require(re.search(r'Failed dumping filtered heap profile to /proc/nothing/scenes\.\d+\._main_-end\.heap\n'
                      r'Could not write pprof profile to /proc/nothing/scenes\.\d+\._main_-end\.heap\n\n\nIf the',
                      done.stderr), done.stderr)
    same(done.returncode, 1)


def check_dump_link(place):
    """Who put a link under the name gets nothing."""
    victim = os.path.join(place.folder, 'victim')
    with open(victim, 'w') as f:
        f.write('precious')
    done = place.run(['sh', '-c', 'ln -s victim scenes.$$._main_-end.heap; exec ./scenes lose'], HEAPCHECK='normal')
    require('Failed dumping filtered heap profile' in done.stderr, done.stderr)
    same(open(victim).read(), 'precious')


def check_alignment(place):
    options = dict(HEAPCHECK='normal', HEAP_CHECK_TEST_POINTER_ALIGNMENT='1')
    done = place.run(['./scenes', 'unaligned'], **options)
    require('Found no leaks without pointer alignment: something might be placing pointers at unaligned addresses! '
            'This needs to be fixed.\n' in done.stderr, done.stderr)
    done = place.run(['./scenes', 'lose'], **options)
    require('Found leaks without pointer alignment as well: unaligned pointers must not be the cause of leaks.\n'
            '--heap_check_test_pointer_alignment did not help to diagnose the leaks.\n' in done.stderr, done.stderr)
    done = place.run(['./scenes', 'lose'], HEAP_CHECK_POINTER_SOURCE_ALIGNMENT='1', **options)
    require('--heap_check_test_pointer_alignment has no effect: --heap_check_pointer_source_alignment was already set '
            'to 1\n' in done.stderr, done.stderr)
    done = place.run(['./scenes', 'keep'], HEAPCHECK='normal', HEAP_CHECK_MAX_POINTER_OFFSET='-1')
    require("Found no leaks without max_pointer_offset restriction: it's possible that" in done.stderr, done.stderr)


def check_suppressions(place):
    rules = os.path.join(place.folder, 'rules')

    def leaks(text, program='chain', **more):
        with open(rules, 'w') as f:
            f.write(text)
        done = place.run(['./scenes', program], HEAPCHECK='normal', HEAP_CHECK_SUPPRESSIONS=rules, **more)
        return sum(t[0] for t in totals(done.stderr)), done
    for text, want in (('', 3), ('# leak:lose_chain\n', 3), ('leak:lose_chain\n', 0), ('leak:^lose_chain$', 0),
                       ('leak:lose_c*n\r\n', 0), ('leak:^hain\n', 3), ('leak:lose_chai$\n', 3), ('leak:*/scenes$\n', 0),
                       ('leak:no\nleak: lose_chain \n', 0), ('race:lose_chain\n', 3)):
        got, done = leaks(text)
        same((text, got), (text, want))
        same('Suppressed leaks of 96 bytes in 3 objects\n' in done.stderr, want == 0)
        same('rules:1 is neither leak:PATTERN nor site:ID\n' in done.stderr, text.startswith('race'))
    same(leaks('leak:scenes.cpp\n')[0], 3)
    got, done = leaks('leak:scenes.cpp\n', PPROF_PATH=None)
    same((got, done.stderr.count('Using local file')), (0, 1))
    got, done = leaks('leak:nothing\n', PPROF_PATH=None)
    same((got, done.stderr.count('Using local file'), done.stderr.count('scenes.cpp:')), (3, 1, 4))
    number = site_ids(place.run(['./scenes', 'chain'], HEAPCHECK='normal', PERFTOOLS_VERBOSE='1').stderr)[0][0]
    same(leaks('site:%s\n' % number)[0], 0)
    done = place.run(['./scenes', 'chain'], HEAPCHECK='normal', HEAP_CHECK_SUPPRESSIONS='/proc/nothing')
    require('HEAP_CHECK_SUPPRESSIONS: cannot read /proc/nothing' in done.stderr and done.returncode == 1, done.stderr)


def check_storms(place):
    """64 threads that come and go while checks run: never a leak too many. What a stack has in a place that its function
    does not use may keep the lost block; not in three processes."""
    for what in ('', 'fork', 'refuse', 'load'):
        for attempt in range(3):
            done = place.run(['./storm', '10', what], HEAPCHECK='normal', PERFTOOLS_VERBOSE='-4')
            found = done.stdout.split('\n')[:-1]
            same((what, len(found)), (what, 10))
            require(set(found) <= {'1 7777', '0 0'}, found)
            if found == ['1 7777'] * 10 and done.returncode == 1:
                break
        else:
            raise Failure('%s: the lost block is not found: %s' % (what, found))


def check_all_tools(place):
    """The order at the end, with a leak and without."""
    place.build('all', 'scenes.cpp', linked=True, library=BOTH)
    for mode in ('normal', 'strict'):
        done = place.run(['./all', 'lose'], HEAPCHECK=mode, HEAPPROFILE='all', CPUPROFILE='all.prof', MALLOCSTATS='1')
        order = re.findall(r'Dumping heap profile to all.0001.heap \(Exiting|PROFILE: interrupts|Leak check _main_|'
                           r'Exiting with error|Actual memory', done.stderr)
        same(order, ['Dumping heap profile to all.0001.heap (Exiting', 'PROFILE: interrupts', 'Leak check _main_',
                     'Exiting with error'])
        done = place.run(['./all', 'keep'], HEAPCHECK=mode, HEAPPROFILE='all', CPUPROFILE='all.prof', MALLOCSTATS='1')
        order = re.findall(r'Dumping heap|PROFILE:|No leaks|Actual memory', done.stderr)
        same(order, ['Dumping heap', 'PROFILE:', 'No leaks', 'Actual memory'])


def check_run_command(place):
    """cprof run --leaks: the preload, the mode, names, where dumps go, the exit status."""
    kept = os.path.join(place.folder, 'kept')
    os.mkdir(kept)
    for words, status, found in ((['-o', kept, './modes'], 1, [(2, 64)]), (['sh', '-c', 'exit 5'], 5, []),
                                 (['--', './nosuch'], 1, [])):
        done = place.run([CPROF, 'run', '--leaks'] + words)
        same((words, done.returncode, totals(done.stderr)), (words, status, found))
    done = place.run([CPROF, 'run', '--leaks', '-o', kept, './modes'], HEAPCHECK='strict')
    same(totals(done.stderr), [(3, 120)])
    require(re.search(r'\t@ [0-9a-f]+ lose \S+modes.cpp:\d+\n', done.stderr), done.stderr)
    same(len(glob.glob(kept + '/modes.*._main_-end.heap')), 2)
    done = place.run([CPROF, 'run', '-F', '100', '--leaks', './modes'])
    require('-F does not go with --leaks' in done.stderr and done.returncode == 1, done.stderr)


def check_programs(place):
    """Real programs that lose nothing."""
    makefile = os.path.join(place.folder, 'makefile')
    pathlib.Path(makefile).write_text('all: one two\none two: FORCE\n\techo $@ | sed s/o/0/\nFORCE:\n')
    for words in (['bash', '-c', 'for i in 1 2 3; do x=$(echo $i | sed s/1/2/); done'], ['sed', 's/a/b/', '/etc/passwd'],
                  ['git', '--version'], ['git', '-C', str(HERE), 'log', '-2'], ['make', '-j2', '-f', makefile],
                  ['sqlite3', ':memory:', 'create table t(a); insert into t values (2), (1); select a from t order by a'],
                  ['python3', '-S', '-c', 'print(sum(range(1000)))']):
        for library in (LIBRARY, BOTH):
            done = place.run(words, library, HEAPCHECK='normal')
            same((words, totals(done.stderr)), (words, []))
            require('No leaks found' in done.stderr, done.stderr)


CHECKS = [(name[6:].replace('_', ' '), function) for name, function in list(globals().items())
          if name.startswith('check_')]


def main():
    print('1..%d' % len(CHECKS))
    is_good = True
    with tempfile.TemporaryDirectory() as folder:
        place = Place(os.path.realpath(folder))
        for number, (name, check) in enumerate(CHECKS, 1):
            what = ''
            try:
                check(place)
            except Failure as failure:
                what = str(failure)
            except Exception:
                what = traceback.format_exc()
            is_good &= not what
            print('%s %d - %s' % ('not ok' if what else 'ok', number, name), flush=True)
            for line in what.split('\n') if what else []:
                print('# ' + line)
    return not is_good


if __name__ == '__main__':
    sys.exit(main())
