# SPDX-License-Identifier: BSD-3-Clause
"""What the samples of a profile add up to, worked out from docs/formats.md alone.

These parsers are strict where the readers are not: each gives the sum of every column by its name, or raises Unclear
where the bytes are not plainly in the format. They know nothing of addresses, names and mappings.
"""
import math
import re
import struct

COUNT = rb'(-?\d+)'
HEAP = COUNT + rb':\s+' + COUNT + rb'\s+\[\s*' + COUNT + rb':\s+' + COUNT + rb'\]'
HEAP_COLUMNS = ('inuse_objects', 'inuse_space', 'alloc_objects', 'alloc_space')
CONTENTION_COLUMNS = ('contentions', 'delay')  # means are not added up
SPACE = b' \t\v\f'


class Unclear(Exception):
    pass


def number(text):
    return float(int(text))


def lines_of(data):
    return data.replace(b'\r', b'').split(b'\n')


def is_nothing(line):
    """Blank, or a comment."""
    line = line.strip(SPACE)
    return not line or line[:1] == b'#'


def starts_maps(line):
    return line.startswith((b'MAPPED_LIBRARIES:', b'--- Memory map:'))


def without_profile_line(data):
    return data.split(b'\n', 1)[1] if re.match(rb'--- *profile[^\n]*\n', data) else data


# ---- binary --------------------------------------------------------------------------------------


def cpu(data):
    data = without_profile_line(data)
    if len(data) < 16 or any(data[:4]):
        raise Unclear
    if not any(data[4:8]):
        word, order = 8, '<' if not any(data[12:16]) else '>' if not any(data[8:12]) else None
    else:
        word, order = 4, '<' if not any(data[6:8]) else '>' if not any(data[4:6]) else None
    if not order:
        raise Unclear
    n = len(data) // word
    words = struct.unpack('%s%d%s' % (order, n, 'qi'[word == 4].upper()), data[:n * word])
    at, total = 2 + words[1], 0.0
    while True:
        if at + 3 > n:
            raise Unclear
        count, depth = words[at:at + 2]
        if words[at + 2] == 0:
            if (count, depth) != (0, 1):
                raise Unclear
            return {'samples': total}
        if at + 2 + depth > n:
            raise Unclear
        total += count - (1 << 64) if word == 8 and count >> 63 else count
        at += 2 + depth


def varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Unclear
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value & (1 << 64) - 1, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind, key = key & 7, key >> 3
        if kind == 0:
            value, at = varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = None, at + size
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise Unclear
        if at > len(data) or key == 0:
            raise Unclear
        yield key, value


def packed(value):
    if isinstance(value, int):
        return [value]
    if value is None:
        raise Unclear
    at, out = 0, []
    while at < len(value):
        one, at = varint(value, at)
        out.append(one)
    return out


def proto(data):
    types, texts, rows = [], [], []
    for key, value in fields(data):
        if key == 1:
            types.append(dict(fields(value)))
        elif key == 2:
            rows.append([v for k, f in fields(value) if k == 2 for v in packed(f)])
        elif key == 6:
            texts.append(value)
    names = [texts[t.get(1, 0)] if t.get(1, 0) < len(texts) else b'' for t in types]
    if len(names) > 8 or any(len(row) != len(types) for row in rows):
        raise Unclear
    # A zero byte ends a name.
    return [(re.sub(rb'[\x00-\x1f\x7f]', b'?', name.partition(b'\0')[0]).decode('utf-8', 'replace'),
             sum(float(row[i] - (1 << 64) if row[i] >> 63 else row[i]) for row in rows)) for i, name in enumerate(names)]


# ---- text ----------------------------------------------------------------------------------------


class Sums(dict):
    def add(self, columns, values):
        for column, value in zip(columns, values):
            self[column] = self.get(column, 0.0) + value


def unsampled(pair, version, rate):
    n, s = pair
    if n == 0 or s == 0 or version == 0:
        return n, s
    ratio = s / n / rate
    if version == 1:
        return (n / ratio, s / ratio) if 0 < ratio < 1 else (n, s)
    try:
        rest = 1 - math.exp(-ratio)
    except OverflowError:
        return n, s
    return (n / rest, s / rest) if rest else (n, s)


def unsample(values, version, rate):
    rate = rate or 131072
    return unsampled(values[:2], version, rate) + unsampled(values[2:], version, rate)


def sampling_of(header):
    found = re.match(rb'heap profile:\s*' + HEAP + rb'\s*(@(.*))?$', header)
    if not found:
        if re.match(rb'heap profile:\s*' + HEAP, header):
            return exact_or_guessed(header)
        raise Unclear
    if any(v.startswith(b'-') for v in found.groups()[:4]):
        return 0, 0
    if not found[5]:
        return exact_or_guessed(header)
    kind, _, period = found[6].partition(b'/')
    kind = kind.strip(SPACE)
    digits = re.match(rb'\d+', period)
    period = number(digits[0]) if digits else 0
    if kind == b'heapprofile' or b'heap' not in kind:
        return 0, 0
    return (2, period) if b'_v2' in kind else (1, period / 2)


def exact_or_guessed(header):
    """A header without "@"."""
    values = re.match(rb'heap profile:\s*' + HEAP, header).groups()
    if any(v.startswith(b'-') for v in values):
        return 0, 0
    n1, s1, n2, s2 = map(number, values)
    return (1, 0) if (n1, s1) == (n2, s2) else (0, 0)


def heap(data):
    lines = lines_of(without_profile_line(data))
    version, rate = sampling_of(lines[0])
    sums = Sums({c: 0.0 for c in HEAP_COLUMNS})
    for line in lines[1:]:
        if starts_maps(line):
            break
        found = re.match(HEAP + rb'\s+@\s+\S', line.strip(SPACE))
        if found:
            sums.add(HEAP_COLUMNS, unsample(tuple(map(number, found.groups())), version, rate))
        elif not is_nothing(line):
            raise Unclear
    return sums


def jemalloc(data):
    lines = lines_of(without_profile_line(data))
    found = re.match(rb'heap_v2/(-?\d+)', lines[0])
    if not found or number(found[1]) < 0:
        raise Unclear
    rate, sums, has_stack = number(found[1]), Sums({c: 0.0 for c in HEAP_COLUMNS}), False
    for line in lines[1:]:
        if starts_maps(line):
            break
        line = line.strip(SPACE)
        found = re.match(rb't(\*|\d+):\s+' + HEAP, line)
        if line.startswith(b'@'):
            has_stack = True
        elif has_stack and found:
            if found[1] == b'*':
                sums.add(HEAP_COLUMNS, unsample(tuple(map(number, found.groups()[1:])), 2, rate))
        elif has_stack and not is_nothing(line):
            raise Unclear
    return sums


def real(text):
    if not re.fullmatch(rb'[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?', text.strip(SPACE)):
        raise Unclear
    return float(text)


def contention(data):
    clock, period, sums = 2.8, 1.0, Sums({c: 0.0 for c in CONTENTION_COLUMNS})
    for line in lines_of(without_profile_line(data))[1:]:
        if starts_maps(line):
            break
        found = re.match(rb'\s*' + COUNT + rb'(?:\s+' + COUNT + rb')? @', line)
        variable = re.match(rb'([a-z][^=]*)=(.*)', line)
        is_map = re.match(rb'(.*?\] )?\s*(0x)?[0-9a-fA-F]+-(0x)?[0-9a-fA-F]+|\s*\w+=', line, re.ASCII)
        if found:
            delay = number(found[1]) / clock * period
            sums.add(CONTENTION_COLUMNS, (number(found[2]) * period if found[2] else delay, delay))
        elif variable:
            name = variable[1].strip(SPACE)
            if name == b'cycles/second':
                clock = real(variable[2]) / 1e9
                if clock <= 0:
                    raise Unclear
            elif name == b'sampling period':
                period = real(variable[2])
            elif name not in (b'ms since reset', b'discarded samples'):
                raise Unclear
        elif not is_map and not is_nothing(line):
            raise Unclear
    return sums


def counts(data):
    lines = lines_of(without_profile_line(data))
    found = re.match(rb'([\w/.-]+) profile: total -?\d+\s*$', lines[0], re.ASCII)
    if not found:
        raise Unclear
    total = 0.0
    for line in lines[1:]:
        if starts_maps(line):
            break
        sample = re.match(COUNT + rb'\s+@', line.strip(SPACE))
        if sample:
            total += number(sample[1])
        elif not is_nothing(line):
            raise Unclear
    return {found[1].decode(): total}


def threadz(data):
    total = 0.0
    for line in lines_of(without_profile_line(data)):
        if starts_maps(line):
            break
        total += re.match(rb'--- *Thread ', line) is not None
    return {'threads': total}


def java(data):
    lines = lines_of(without_profile_line(data))
    is_heap = re.match(rb'--- *heapz', lines[0]) is not None
    columns = HEAP_COLUMNS if is_heap else CONTENTION_COLUMNS
    unit, period, sums = 1.0, 1.0, Sums({c: 0.0 for c in columns})
    units = {b'nanoseconds': 1.0, b'microseconds': 1e3, b'milliseconds': 1e6, b'seconds': 1e9, b'bytes': 1.0}
    for line in lines[1:]:
        sample = re.match(COUNT + rb'\s+' + COUNT + rb'\s+@', line.strip(SPACE))
        if sample:
            n, value = map(number, sample.groups())
            if is_heap:
                sums.add(HEAP_COLUMNS, unsampled((n, value), 2, 524288))
            else:
                sums.add(CONTENTION_COLUMNS, (n * period, value * period * unit))
        elif re.match(rb'0x[0-9a-fA-F]+\s+\S', line.strip(SPACE)):
            continue
        elif b'=' in line:
            name, value = (part.strip(SPACE) for part in line.split(b'=', 1))
            if name == b'resolution' and value in units:
                unit = units[value]
            elif name == b'sampling period' and real(value) > 0:
                period = real(value)
            elif name not in (b'format', b'ms since reset', b'discarded samples'):
                raise Unclear
        elif not is_nothing(line):
            raise Unclear
    return sums


def collapsed(data):
    total = 0.0
    for line in lines_of(data):
        if not line.strip(SPACE):
            continue
        names, _, count = line.strip(SPACE).rpartition(b' ')
        if not names.strip(SPACE):
            raise Unclear
        total += real(count)
    return {'samples': total}


def symbolized(data):
    """The section ends with the first line that begins with dashes; another profile follows, or begins with that line."""
    rest = data.partition(b'\n')[2]
    while not rest.startswith(b'---'):
        rest = rest.partition(b'\n')[2]
        if not rest:
            raise Unclear
    if not re.match(rb'--- *(profile|contention|Stacks:)', rest):
        rest = rest.partition(b'\n')[2]
    for header, oracle in ((rb'--- *profile', cpu), (rb'heap profile:', heap), (rb'--- *(contention|Stacks:|mutex:)', contention),
                           (rb'heap_v2/', jemalloc), (rb'[\w/.-]+ profile: total ', counts), (rb'--- *[tT]hread', threadz)):
        if re.match(header, rest):
            return oracle(rest)
    raise Unclear


BY_READER = {'cpu': cpu, 'proto': proto, 'heap': heap, 'jemalloc': jemalloc, 'contention': contention, 'counts': counts,
             'threadz': threadz, 'java': java, 'collapsed': collapsed, 'symbolized': symbolized}
