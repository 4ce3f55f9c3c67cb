# SPDX-License-Identifier: BSD-3-Clause
"""Programs and debug files that are larger than they look, or say that they are."""
import lzma
import os
import struct
import zlib

import make

CASES = []
TEXT = 0x401000


def case(fn):
    CASES.append(fn)
    return fn


# ---- ELF -----------------------------------------------------------------------------------------

PROGBITS, SYMTAB, STRTAB, NOBITS = 1, 2, 3, 8
ALLOC_EXEC, COMPRESSED = 6, 0x800


def elf(sections=(), code=0x10000, claims=None, header=None):
    """An ELF file. Sections are (name, type, flags, address, bytes[, link, entry size]); `claims` maps a name to the
    (offset, size) that its header says instead of the truth; `header` changes fields of the file's."""
    claims = claims or {}
    rows = [('', 0, 0, 0, b''), ('.text', PROGBITS, ALLOC_EXEC, TEXT, b'\x90' * code), *sections]
    names = b'\0' + b''.join(row[0].encode() + b'\0' for row in rows[1:]) + b'.shstrtab\0'
    rows.append(('.shstrtab', STRTAB, 0, 0, names))
    body, heads, offset, name_at = [], [], 0x1000, 1
    for name, kind, flags, address, content, *more in rows:
        link, entry = (more + [0, 0])[:2]
        where, size = claims.get(name, (offset, len(content)))
        heads.append(struct.pack('<IIQQQQIIQQ', name_at if name else 0, kind, flags, address, where if kind else 0, size, link,
                                 0, 8, entry))
        name_at += len(name) + 1 if name else 0
        pad = -len(content) % 8
        body += [content, bytes(pad)]
        offset += len(content) + pad
    fields = {'shoff': offset, 'phnum': 1, 'shnum': len(rows), 'shstrndx': len(rows) - 1, **(header or {})}
    head = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\x02\x01\x01', 2, 62, 1, TEXT, 64, fields['shoff'], 0, 64, 56,
                       fields['phnum'], 64, fields['shnum'], fields['shstrndx'])
    load = struct.pack('<IIQQQQQQ', 1, 5, 0x1000, TEXT, TEXT, code, code, 0x1000)
    return [head, load, bytes(0x1000 - 120), *body, *heads]


def profile(b, addresses=None, path=None):
    addresses = addresses or range(TEXT + 1, TEXT + 0x10000, 16)
    maps = b'%x-%x r-xp 00001000 08:01 1 %s\n' % (TEXT, TEXT + 0x10000, os.fsencode(path or b.folder / 'prog'))
    return b.keep('prof', make.cpu('<Q', [(1, [address]) for address in addresses], maps))


def show(b, image, addresses=None):
    """A report on a program: what is wrong with it is a note, and the report is there."""
    path = b.keep('prog', *image)
    b.shown('', '--text', '--lines', path, profile(b, addresses))


def symbol(name, address, size, section=1):
    return struct.pack('<IBBHQQ', name, 0x12, 0, section, address, size)


def with_symbols(symbols, names):
    return [('.symtab', SYMTAB, 0, 0, bytes(24) + symbols, 3, 24), ('.strtab', STRTAB, 0, 0, names)]


# ---- sections ------------------------------------------------------------------------------------


@case
def elf_sizes(b):
    """Sections that begin and end beyond every file."""
    for claim in ((1 << 60, 1 << 40), (0x1000, 1 << 62), ((1 << 64) - 8, 1 << 20), (0, (1 << 64) - 1)):
        for name in ('.symtab', '.strtab', '.shstrtab', '.debug_info', '.debug_line'):
            sections = with_symbols(symbol(1, TEXT, 64), b'\0f\0') + [('.debug_info', PROGBITS, 0, 0, b'x' * 64),
                                                                      ('.debug_line', PROGBITS, 0, 0, b'x' * 64)]
            show(b, elf(sections, claims={name: claim}))


@case
def elf_counts(b):
    """Tables of headers that are said to have more rows than there are bytes."""
    for header in ({'shnum': 0xffff}, {'phnum': 0xffff}, {'shoff': (1 << 64) - 64}, {'shoff': 1 << 50}, {'shstrndx': 0xfffe},
                   {'shnum': 0}):
        show(b, elf(header=header))


@case
def elf_extended_count(b):
    """The first section says that there are 2^60 of them."""
    image = elf(header={'shnum': 0})
    image[-3] = struct.pack('<IIQQQQIIQQ', 0, 0, 0, 0, 0, 1 << 60, 0, 0, 0, 0)
    show(b, image)


@case
def symbols_many(b):
    """Two million symbols over each other."""
    symbols = b''.join(symbol(1, TEXT + i % 0x1000, 0x10000 - i % 0x800) for i in range(2000000))
    show(b, elf(with_symbols(symbols, b'\0f\0')))


@case
def symbols_long(b):
    """Sixty-four thousand symbols, each with most of a name of twenty megabytes."""
    symbols = b''.join(symbol(1 + i, TEXT + i, 1) for i in range(0x10000))
    show(b, elf(with_symbols(symbols, b'\0' + b'A' * (20 << 20))), addresses=range(TEXT + 1, TEXT + 0x10000))


@case
def symbols_mangled(b):
    """Mangled names that grow with each letter when they are read."""
    grown = b'_Z1fI' + b'St4pairIiiE' + b''.join(b'St4pairIS%s_S%s_E' % (s, s) for s in
                                                  [b''] + [b'%d' % i for i in range(10)] + [b'%c' % c for c in range(65, 91)]) + b'Evv'
    nested = b'_Z1f' + b'N1a' * 300 + b'P' * 400
    symbols = symbol(1, TEXT, 64) + symbol(len(grown) + 2, TEXT + 64, 64)
    show(b, elf(with_symbols(symbols, b'\0' + grown + b'\0' + nested + b'\0')))


@case
def strings_without_end(b):
    """Names in a table that has no end, at its last byte."""
    show(b, elf(with_symbols(symbol(7, TEXT, 64) + symbol(1 << 31, TEXT + 64, 64), b'\0' + b'A' * 7)))


# ---- compressed ----------------------------------------------------------------------------------


def compressed(stream, size, kind=1):
    return struct.pack('<IIQQ', kind, 0, size, 1) + stream


@case
def compressed_lies(b):
    """Compressed sections that say they are larger or smaller than they are."""
    stream = zlib.compress(bytes(1 << 20))
    for size in (0, 1, (1 << 20) - 1, (1 << 20) + 1, 1 << 32, 1 << 63, (1 << 64) - 1):
        show(b, elf([('.debug_info', PROGBITS, COMPRESSED, 0, compressed(stream, size))]))
        show(b, elf([('.zdebug_info', PROGBITS, 0, 0, b'ZLIB' + size.to_bytes(8, 'big') + stream)]))


@case
def compressed_large(b):
    """Three gigabytes of zeros, truly in there."""
    pack = zlib.compressobj(9)
    stream = b''.join([pack.compress(bytes(64 << 20)) for _ in range(48)] + [pack.flush()])
    sections = [(name, PROGBITS, COMPRESSED, 0, compressed(stream, 3 << 30))
                for name in ('.debug_info', '.debug_abbrev', '.debug_line', '.debug_str')]
    path = b.keep('prog', *elf(sections))
    b.starved('--text', '--lines', path, profile(b))


@case
def xz_large(b):
    """An ELF file of two gigabytes in .gnu_debugdata."""
    pack = lzma.LZMACompressor(preset=0)
    stream = b''.join([pack.compress(b''.join(elf()))] + [pack.compress(bytes(64 << 20)) for _ in range(32)] + [pack.flush()])
    show(b, elf([('.gnu_debugdata', PROGBITS, 0, 0, stream)]))


@case
def xz_nested(b):
    """.gnu_debugdata in .gnu_debugdata in .gnu_debugdata, a hundred deep."""
    inner = b''.join(elf())
    for _ in range(100):
        inner = b''.join(elf([('.gnu_debugdata', PROGBITS, 0, 0, lzma.compress(inner, preset=0))], code=16))
    show(b, [inner])


# ---- DWARF ---------------------------------------------------------------------------------------

COMPILE_UNIT, SUBPROGRAM, INLINED, BLOCK = 0x11, 0x2e, 0x1d, 0x0b
NAME, LOW, HIGH, LINES, ORIGIN, SPECIFICATION, RANGES = 0x03, 0x11, 0x12, 0x10, 0x31, 0x47, 0x55
ADDR, DATA4, DATA8, STRING, REF4, SEC_OFFSET, STRP, EXPRLOC = 0x01, 0x06, 0x07, 0x08, 0x13, 0x17, 0x0e, 0x18


def leb(n):
    return make.varint(n)


def abbrevs(*rows):
    """Rows are (tag, has children, (attribute, form), ...), numbered from 1."""
    out = b''
    for number, (tag, children, *attributes) in enumerate(rows, 1):
        out += leb(number) + leb(tag) + bytes([children]) + b''.join(leb(a) + leb(f) for a, f in attributes) + b'\0\0'
    return out + b'\0'


UNIT = (COMPILE_UNIT, 1, (NAME, STRING), (LOW, ADDR), (HIGH, DATA8), (LINES, SEC_OFFSET))
FUNCTION = (SUBPROGRAM, 1, (NAME, STRING), (LOW, ADDR), (HIGH, DATA8))
CALL = (INLINED, 1, (ORIGIN, REF4), (LOW, ADDR), (HIGH, DATA8))
FIRST_DIE = 11


def unit(dies, version=4):
    body = struct.pack('<HIB', version, 0, 8) + dies
    return struct.pack('<I', len(body)) + body


def unit_die():
    return leb(1) + b'u.c\0' + struct.pack('<QQI', TEXT, 0x10000, 0)


def function_die(name=b'f', low=TEXT, size=0x10000):
    return leb(2) + name + b'\0' + struct.pack('<QQ', low, size)


def call_die(origin, low=TEXT, size=0x10000):
    return leb(3) + struct.pack('<IQQ', origin, low, size)


def line_table(program, files=b'u.c\0\0\0\0\0', lengths=bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]), base=13, range_=14):
    head = struct.pack('<BBBbBB', 1, 1, 1, -5, range_, base) + lengths + b'\0' + files
    body = struct.pack('<HI', 4, len(head)) + head + program
    return struct.pack('<I', len(body)) + body


SET_ADDRESS = b'\0\x09\x02' + struct.pack('<Q', TEXT)
PLAIN = line_table(SET_ADDRESS + b'\x20\x02\x80\x80\x04\0\x01\x01')


def with_debug(info, abbrev, lines=PLAIN, **more):
    sections = [('.debug_info', PROGBITS, 0, 0, info), ('.debug_abbrev', PROGBITS, 0, 0, abbrev),
                ('.debug_line', PROGBITS, 0, 0, lines)]
    sections += [('.debug_' + name, PROGBITS, 0, 0, content) for name, content in more.items()]
    return [*with_symbols(symbol(1, TEXT, 0x10000), b'\0f\0'), *sections]


@case
def dwarf_deep(b):
    """A million blocks, each in the one before it, and nothing closes them."""
    dies = unit_die() + function_die() + leb(4) * 1000000
    show(b, elf(with_debug(unit(dies), abbrevs(UNIT, FUNCTION, CALL, (BLOCK, 1)))))


@case
def dwarf_deep_calls(b):
    """Two hundred thousand inlined calls, each in the one before it."""
    first = unit_die() + function_die()
    show(b, elf(with_debug(unit(first + call_die(FIRST_DIE + len(unit_die())) * 200000), abbrevs(UNIT, FUNCTION, CALL))))


@case
def dwarf_origin_loop(b):
    """Calls whose function is a call whose function is that call."""
    here = FIRST_DIE + len(unit_die()) + len(function_die())
    size = len(call_die(0))
    dies = unit_die() + function_die() + call_die(here + size) + b'\0' + call_die(here) + b'\0'
    show(b, elf(with_debug(unit(dies), abbrevs(UNIT, FUNCTION, CALL))))


@case
def dwarf_origin_chain(b):
    """A chain of two hundred thousand functions that are each declared by the next, and all called."""
    declared = (SUBPROGRAM, 0, (SPECIFICATION, REF4), (LOW, ADDR), (HIGH, DATA8))
    start, size, n = FIRST_DIE + len(unit_die()), 21, 200000
    dies = unit_die() + b''.join(leb(2) + struct.pack('<IQQ', start + size * (i + 1), TEXT + i % 0x10000, 1) for i in range(n))
    show(b, elf(with_debug(unit(dies + b'\0'), abbrevs(UNIT, declared))))


@case
def dwarf_abbreviations(b):
    """Half a million abbreviations, the last one with half a million attributes."""
    many = b''.join(leb(n) + b'\x34\0\0\0' for n in range(2, 500000))
    last = leb(500000) + b'\x34\0' + (leb(NAME) + leb(0x19)) * 500000 + b'\0\0\0'
    first = abbrevs(UNIT)[:-1]
    dies = unit_die() + leb(500000) * 1000000
    show(b, elf(with_debug(unit(dies), first + many + last)))


@case
def dwarf_implicit(b):
    """DIEs that take no bytes: children without end of an abbreviation that has no attributes."""
    many = [unit(unit_die())] * 200000
    show(b, elf(with_debug(b''.join(many), abbrevs(UNIT))))


@case
def dwarf_unit_sizes(b):
    """Units that are 0, 4 GB and 2^63 bytes long, and of versions that do not exist."""
    for head in (bytes(64), b'\xf0\xff\xff\xff' + bytes(60), b'\xff\xff\xff\xff' + (1 << 63).to_bytes(8, 'little') + bytes(50),
                 b'\x00\x10\0\0\xff\xff' + bytes(90)):
        show(b, elf(with_debug(head * 3, abbrevs(UNIT))))


@case
def dwarf_ranges(b):
    """Fifty thousand functions that all have the same million ranges."""
    ranged = (SUBPROGRAM, 0, (NAME, STRING), (RANGES, SEC_OFFSET))
    ranges = b''.join(struct.pack('<QQ', i % 0xfff0, i % 0xfff0 + 1) for i in range(1, 1000001))
    dies = unit_die() + (leb(2) + b'f\0' + bytes(4)) * 50000
    show(b, elf(with_debug(unit(dies), abbrevs(UNIT, ranged), ranges=ranges)))


@case
def dwarf_strings(b):
    """A hundred thousand functions with names in a table that has no end."""
    named = (SUBPROGRAM, 0, (NAME, STRP), (LOW, ADDR), (HIGH, DATA8))
    dies = unit_die() + b''.join(leb(2) + struct.pack('<IQQ', i, TEXT + i % 0x10000, 1) for i in range(100000))
    show(b, elf(with_debug(unit(dies), abbrevs(UNIT, named), str=b'A' * (8 << 20))), addresses=range(TEXT, TEXT + 0x10000))


DIES = unit_die() + function_die() + b'\0\0'


@case
def lines_many(b):
    """A line table of sixty million rows."""
    show(b, elf(with_debug(unit(DIES), abbrevs(UNIT, FUNCTION), line_table(SET_ADDRESS + b'\x20' * 60000000 + b'\0\x01\x01'))))


@case
def lines_sequences(b):
    """Three million sequences over each other."""
    one = SET_ADDRESS + b'\x20\x20\0\x01\x01'
    show(b, elf(with_debug(unit(DIES), abbrevs(UNIT, FUNCTION), line_table(one * 3000000))))


@case
def lines_files(b):
    """Five million files."""
    files = b'f\0\0\0\0' * 5000000 + b'\0'
    show(b, elf(with_debug(unit(DIES), abbrevs(UNIT, FUNCTION), line_table(SET_ADDRESS + b'\x20\0\x01\x01', files))))


@case
def lines_zero(b):
    """A line table that divides by zero and has operations without end."""
    for range_, base in ((0, 13), (14, 0), (0, 0), (255, 255)):
        show(b, elf(with_debug(unit(DIES), abbrevs(UNIT, FUNCTION),
                               line_table(SET_ADDRESS + b'\x20\xff\x08' * 100 + b'\0\xff\xff\xff\xff\x7f', range_=range_, base=base))))


@case
def units_share_lines(b):
    """Forty thousand units, each with the same line table of two hundred thousand rows."""
    table = line_table(SET_ADDRESS + b'\x20' * 200000 + b'\0\x01\x01')
    show(b, elf(with_debug(unit(DIES) * 40000, abbrevs(UNIT, FUNCTION), table)))


# ---- what is no file ----------------------------------------------------------------------------


@case
def maps_name_devices(b):
    """Mappings of what is no file, or never ends."""
    fifo = b.folder / 'fifo'
    os.mkfifo(fifo)
    for path in (fifo, '/dev/zero', '/dev/stdin', '/proc/self/mem', '/proc/kmsg', '/', '/dev/tty'):
        b.shown('', '--text', '--lines', profile(b, path=path))
        b.shown('', '--text', '--lines', profile(b, path=b.folder / '..' / '..' / path))
    b.refused('more than', '--text', '--lines', '/dev/zero', profile(b))


@case
def source_is_no_file(b):
    """Sources that never end, or that nobody writes."""
    fifo = b.folder / 'fifo'
    os.mkfifo(fifo)
    for name in (os.fsencode(fifo), b'/dev/zero', b'/proc/self/mem'):
        table = line_table(SET_ADDRESS + b'\x20' * 100 + b'\0\x01\x01', files=name + b'\0\0\0\0\0')
        b.shown('', '--list=f', b.keep('prog', *elf(with_debug(unit(DIES), abbrevs(UNIT, FUNCTION), table))), profile(b))


@case
def debug_link_is_itself(b):
    """A debug link that names the program itself."""
    show(b, elf([('.gnu_debuglink', PROGBITS, 0, 0, b'prog\0\0\0\0' + bytes(4))]))


@case
def perf_map(b):
    """Three million names of code made at run time, over each other."""
    path = b.keep('perf.map', (b'%x 10000 f%d\n' % (TEXT + i % 0x10000, i) for i in range(3000000)))
    b.shown('', '--text', '--perf-map=%s' % path, profile(b, path='/srv/none'))
