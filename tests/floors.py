#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hold the sources against the floor plan: who may include whom, which calls are not made, what is not global.

There are two houses, the analyzer in src/ and beside it the runtime, which lives in other people's programs. Results
are TAP. The rules are first tried on lines that break them, so that a rule which has gone blind fails.

usage: floors.py SRC [LIBRARY.a ...]
"""
import pathlib
import re
import subprocess
import sys

# Module: what it may include besides itself and base. Arrows point down; there is no way up or sideways.
FLOORS = {
    'base': '',
    'profile': '',
    'object': '',
    'net': '',
    'reader': 'profile',
    'symbolize': 'profile object net',
    'graph': 'profile',
    'draw': 'graph',
    'report': 'draw graph symbolize object profile',
    'analysis': 'report draw graph symbolize reader net object profile',
    'web': 'analysis report',
    'cli': 'analysis web report',
}

# The same for runtime/.
RUNTIME_FLOORS = {
    'base': '',
    'unwind': '',
    'names': '',
    'hooks': 'unwind',
    'alloc': 'hooks unwind names',
    'cpuprof': 'unwind',
    'heapprof': 'alloc hooks unwind',
    'heapcheck': 'heapprof alloc hooks unwind names',
    'http': 'names',
}

# Third parties live in one place each, so that swapping one is a folder's work.
THIRD_PARTIES = [
    (r'(elf|libelf|gelf|dwarf|libdw|libdwfl|libdeflate|lzma|zstd)\.h|elfutils/.*', 'object/'),
    (r'(libiberty/)?demangle\.h', 'symbolize/'),
    (r'pcre2\.h', 'base/regex.c'),
    (r'(zlib|zstd)\.h', 'base/'),
    (r'(graphviz/)?(gvc|cgraph|types)\.h|cairo.*\.h|gif_lib\.h', 'draw/'),
    (r'curl/.*', 'net/'),
    (r'capstone/.*', 'report/asm*'),
    (r'microhttpd\.h', 'web/'),
    (r'histedit\.h|editline/.*', 'cli/'),
    (r'linux/.*|sys/syscall\.h', 'base/sandbox.c'),
]
C_LIBRARY = set('''
    assert ctype dirent dlfcn errno fcntl float fnmatch glob inttypes limits link locale malloc math poll pthread
    sched setjmp signal spawn stdarg stdatomic stdbool stddef stdint stdio stdlib string strings termios time unistd
    wchar sys/ioctl sys/mman sys/prctl sys/resource sys/signalfd sys/socket sys/stat sys/types sys/wait'''.split())

# Calls that are not made, with where they are made after all.
BANNED = [
    (r'strtok|strtok_r|strsep', 'span_ functions take text apart', ()),
    (r'v?f?s?scanf', 'span_ functions read numbers', ()),
    (r'ato[filq]|atoll|strtol|strtoll|strtoul|strtoull|strto[ui]max', 'span_u64, span_hex', ()),
    (r'strtod|strtof|strtold', 'span_ functions read numbers, in no locale', ('base/span.c',)),
    (r'strcpy|strncpy|stpcpy|strcat|strncat|gets|v?sprintf|alloca', 'has no bound', ()),
    (r'system|popen|mktemp|tmpnam|tempnam', 'no shell, no guessable names', ()),
    (r'setlocale|uselocale', 'output is the same in every locale', ('cli/', 'base/out.c')),
    (r'rand|random|srand|drand48', 'same input, same bytes out', ()),
    (r'exit|_exit|abort|quick_exit', 'only the doors end the program', ('cli/', 'base/base.c')),
    (r'v?printf|puts|putchar', 'output goes to a struct out', ('cli/',)),
]
# The runtime's: it may run in a signal handler, under any lock, before the program's own libraries are there.
RUNTIME_BANNED = [
    (r'v?[fs]?n?printf|f?puts|fputc|putchar|fopen|fdopen|fwrite|fread|perror', 'stdio allocates and locks: base/message.h',
     ('alloc/stats.c',)),  # which writes to the FILE that it is given
    (r'v?f?s?scanf|strtok|strtok_r|ato[filq]|strto[lud]\w*', 'base/env.h reads numbers', ('base/env.c',)),
    (r'strcpy|strncpy|stpcpy|strcat|gets|alloca', 'has no bound', ()),
    (r'malloc|calloc|realloc|strdup|free', 'memory is from base/arena.h and base/pages.h',
     ('alloc/', 'heapprof/profile.c', 'http/pages.c', 'names/names.c')),  # what goes to or comes from others
    (r'getenv|secure_getenv|setenv|putenv|unsetenv', 'base/env.h', ('alloc/stats.c',)),
    (r'exit|quick_exit|system|popen|rand|random|setlocale|strerror|sleep', 'belongs to the program', ()),
    (r'pthread_mutex_\w+|pthread_once|call_once', 'base/lock.h', ()),
]
STANDARD_OUTPUT = re.compile(r'\bstdout\b')
MARKS = re.compile(r'\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b')  # brackets: a search for marks should not end here

# Sections that hold what can change while the program runs.
WRITABLE = re.compile(r'^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)(?!\.rel\.ro)')
INSTRUMENTS = re.compile(r'^(\.L|__?_?gcov|__odr_asan|__asan|___asan|__sancov|__llvm|llvm_|\.?_?asan)')


def is_at(path, places):
    return any(path == p or (p[-1] in '/*' and path.startswith(p.rstrip('*'))) for p in places)


def bare(text):
    """The code without comments and without what is in quotes; lines keep their numbers."""
    def blank(m):
        s = m.group(0)
        return re.sub(r'[^\n]', ' ', s) if s[0] == '/' else s[0] + s[0]
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def includes(text):
    text = re.sub(r'/\*.*?\*/', lambda m: re.sub(r'[^\n]', ' ', m.group(0)), text, flags=re.S)
    for number, line in enumerate(text.split('\n'), 1):
        m = re.match(r'\s*#\s*include\s*(<([^>]+)>|"([^"]+)")', line)
        if m:
            yield number, m.group(2) or m.group(3), bool(m.group(2))


def check_ours(path, text, floors=None):
    """Includes between our modules."""
    floors = FLOORS if floors is None else floors
    module = path.split('/')[0]
    if module not in floors:
        yield 0, '%s/ is not in the floor plan' % module
        return
    for number, name, is_system in includes(text):
        if is_system or name.startswith(('cprof/', 'gperftools/')):
            continue
        other = name.split('/')[0]
        if '/' not in name:
            yield number, 'includes are written from the house\'s folder: %s' % name
        elif other not in floors:
            if not is_third_party(name):
                yield number, '%s is no module of ours' % name
        elif other != module:
            if other != 'base' and other not in floors[module].split():
                yield number, '%s may not include %s' % (module, name)
            elif name.endswith('/internal.h') or (other != 'base' and name != '%s/%s.h' % (other, other)):
                yield number, '%s is private to %s' % (name, other)


def is_third_party(name):
    return any(re.fullmatch(pattern, name) for pattern, _ in THIRD_PARTIES)


def check_third_parties(path, text):
    for number, name, is_system in includes(text):
        place = next((p for pattern, p in THIRD_PARTIES if re.fullmatch(pattern, name)), None)
        if place is not None and (is_system or name.split('/')[0] not in FLOORS):
            if not is_at(path, (place,)):
                yield number, '<%s> belongs to %s' % (name, place)
        elif is_system and name[:-2] not in C_LIBRARY:
            yield number, '<%s> is in nobody\'s care: give it a row in floors.py' % name


def calls_in(banned, path, line):
    for names, why, places in banned:
        m = re.search(r'(?<![\w.>])(%s)\s*\(' % names, line)
        if m and not is_at(path, places):
            yield '%s(): %s' % (m.group(1), why)


def check_calls(path, text):
    for number, line in enumerate(bare(text).split('\n'), 1):
        for what in calls_in(BANNED, path, line):
            yield number, what
        if STANDARD_OUTPUT.search(line) and not is_at(path, ('cli/',)):
            yield number, 'stdout: output goes to a struct out'


def check_runtime(path, text):
    return check_ours(path, text, RUNTIME_FLOORS)


def check_runtime_calls(path, text):
    for number, line in enumerate(bare(text).split('\n'), 1):
        for what in calls_in(RUNTIME_BANNED, path, line):
            yield number, what


def check_openings(path, text):
    first = '/* SPDX-License-Identifier: BSD-3-Clause\n *\n * '
    if not text.startswith(first):
        yield 1, 'does not open with the licence line and a paragraph on what lives here'
    if path.endswith('.h') and '#pragma once' not in text:
        yield 1, 'no #pragma once'
    for number, line in enumerate(text.split('\n'), 1):
        if MARKS.search(line):
            yield number, 'a known gap is a comment that starts with "Later:"'
        if '\t' in line:
            yield number, 'a tab'
        if len(line) > 120:
            yield number, 'a line of %d columns' % len(line)


RULES = [
    ('modules include only what is below them', check_ours),
    ('third parties stay in their places', check_third_parties),
    ('no banned calls', check_calls),
    ('files open as they should', check_openings),
]
RUNTIME_RULES = [
    ('runtime: modules include only what is below them', check_runtime),
    ('runtime: no banned calls', check_runtime_calls),
    ('runtime: files open as they should', check_openings),
]

# Lines that must be found: rule, path, text.
BROKEN = [
    (check_ours, 'profile/a.c', '#include "graph/graph.h"'),
    (check_ours, 'graph/a.c', '#include "profile/internal.h"'),
    (check_ours, 'cli/a.c', '#include "base/internal.h"'),
    (check_ours, 'symbolize/a.c', '#include "object/dwarf.h"'),
    (check_ours, 'reader/a.c', '#include "reader.h"'),
    (check_ours, 'attic/a.c', ''),
    (check_third_parties, 'graph/a.c', '#include <gelf.h>'),
    (check_third_parties, 'base/a.c', '#include <pcre2.h>'),
    (check_third_parties, 'base/a.c', '#include <glib.h>'),
    (check_calls, 'base/a.c', 'n = atoi(s);'),
    (check_calls, 'base/a.c', 'x = "\\""; strcpy (a, b); /* " */'),
    (check_calls, 'reader/a.c', 'exit(1);'),
    (check_calls, 'report/a.c', 'fputs("", stdout);'),
    (check_openings, 'base/a.c', '/* a file */'),
    (check_runtime, 'unwind/a.c', '#include "alloc/alloc.h"'),
    (check_runtime, 'heapprof/a.c', '#include "alloc/internal.h"'),
    (check_runtime, 'base/a.c', '#include "object/object.h"'),
    (check_runtime_calls, 'cpuprof/a.c', 'snprintf(a, 3, "x");'),
    (check_runtime_calls, 'cpuprof/a.c', 'p = malloc(3);'),
    (check_runtime_calls, 'heapcheck/a.c', 'strtoul(a, NULL, 0);'),
]
SOUND = [
    (check_ours, 'object/a.c', '#include "object/dwarf.h"\n#include "base/span.h"'),
    (check_third_parties, 'object/a.c', '#include <gelf.h>\n#include <stdio.h>'),
    (check_runtime, 'http/a.c', '#include "cprof/http.h"\n#include "names/names.h"\n#include "base/lock.h"'),
    (check_runtime_calls, 'alloc/a.c', 'p = malloc(3); text_print(to, 3, "x"); tc_free(p); /* exit(1) */'),
    (check_calls, 'base/a.c', '/* atoi(s) */ char *s = "gets()"; out_puts(o); o->exit(1); snprintf(a, b);'),
]


def check_self():
    for rule, path, text in BROKEN:
        if not list(rule(path, text)):
            yield '%s is blind to: %s' % (rule.__name__, text)
    for rule, path, text in SOUND:
        for _, what in rule(path, text):
            yield '%s sees in sound code: %s' % (rule.__name__, what)
    for section in ('.data', '.bss', '.bss.name', '.data.rel.local', '*COM*'):
        if not WRITABLE.match(section):
            yield '%s would pass as constant' % section
    for section in ('.data.rel.ro', '.data.rel.ro.local', '.rodata', '.text'):
        if WRITABLE.match(section):
            yield '%s would pass as writable' % section


def check_globals(library):
    table = subprocess.run(['objdump', '-t', library], capture_output=True, text=True, check=True).stdout
    member = ''
    for line in table.split('\n'):
        if re.match(r'\S+\.o:\s', line):
            member = line.split(':')[0]
        m = re.match(r'[0-9a-f]{8,}\s.{7}\s(\S+)\s+([0-9a-f]+)\s+(?:\.hidden )?(.+)$', line)
        if m and WRITABLE.match(m.group(1)) and m.group(3) != m.group(1) and int(m.group(2), 16) \
                and not INSTRUMENTS.match(m.group(3)):
            yield '%s: %s in %s can be written' % (member, m.group(3), m.group(1))


def main():
    src, libraries = pathlib.Path(sys.argv[1]), sys.argv[2:]
    results = [('the rules see what breaks them', list(check_self()))]
    for folder, rules in ((src, RULES), (src.resolve().parent / 'runtime', RUNTIME_RULES)):
        sources = {str(p.relative_to(folder)): p.read_text()
                   for kind in ('*.c', '*.h') for p in sorted(folder.rglob(kind))}
        for title, rule in rules:
            found = ['%s/%s:%d: %s' % (folder.name, path, number, what)
                     for path, text in sources.items() for number, what in rule(path, text)]
            results.append((title, found if sources else ['no sources in %s' % folder]))
    results.append(('no writable globals', [what for library in libraries for what in check_globals(library)]))
    print('1..%d' % len(results))
    for number, (title, found) in enumerate(results, 1):
        print('%s %d - %s' % ('not ok' if found else 'ok', number, title))
        for what in found:
            print('# ' + what)
    return any(found for _, found in results)


if __name__ == '__main__':
    sys.exit(main())
