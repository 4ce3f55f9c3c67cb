#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Names and paths that want to be more than text, through every output, read by a real parser of each.

Profiles come from strangers. A name may hold markup, quotes, ends of lines, escape sequences, bytes that are no
UTF-8, or ten thousand bytes of template; it stays a name. Results are TAP.

usage: hostile.py CPROF CALLGRIND_ANNOTATE DOT PDFTOTEXT
"""
import gzip
import html.parser
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'testdata' / 'profiles'))
import callgrind  # noqa: E402
import make  # noqa: E402
import matrix  # noqa: E402
from matrix import Wrong  # noqa: E402

LONG = b'std::map<' + b'std::pair<int, char>, ' * 460 + b'int>::find'
NAMES = [
    b'operator"" _s', b'operator--', b'operator-->', b'It::operator--', b'<img src=x onerror=alert(1)>',
    b'</text><script>alert(1)</script>', b'</script><script>alert(2)</script>', b'<!-- x', b'-->', b'a--b', b'a---b', b'--',
    b']]>', b'<![CDATA[', b'&lt;', b'&#60;script&#62;', b'"', b"'", b'"];}\ndigraph', b'\\', b'\\"', b'\\N\\G\\l', b'a\\', b'a\nb',
    b'a\r\nb', b'a\tb', b'tab\tand\tnewline\n', b'\x1b[31mred\x1b]0;title\x07', b'\x01\x02\x7f', b'\xff\xfe', b'caf\xe9', b'\xc3',
    b'\xed\xa0\x80', b'\xf4\x90\x80\x80', 'größe::naïve'.encode(), '函数'.encode(), '\u202egnp.exe'.encode(), b'\xc2\x9b31m', LONG,
    b'a;b', b';', b'(Ljava/lang/String;)V', b'12', b'x 12', b'fn=(1) x', b'calls=1 1', b'%s%n%d', b'$(touch x)', b'`touch x`',
    b'%warn x', b'--- profile', b'0x1000 y', b'=cmd()', b'{{7*7}}', b'javascript:alert(1)', b'../../etc/passwd', b'#', b'C:\\x\\y',
]
PROGRAM = b'/srv/<b>"q"\\\n--</title>\x1b[1m]]>'


def clean(name):
    """What is left of a name: each control byte is a question mark."""
    return re.sub(rb'[\x00-\x1f\x7f]', b'?', name)


def profile(column=(b'samples', b'count')):
    """Every name is a function, in a file of the same name, called by the one before it and inlining another."""
    p = make.Proto([])
    p.body += make.field(1, make.field(1, p.text(column[0])) + make.field(2, p.text(column[1])))
    p.mapping(0x400000, 0x500000, PROGRAM)
    before = p.location(0x400010, (b'main', b'main.c', 1))
    for i, name in enumerate(NAMES):
        here = p.location(0x401000 + 64 * i, (b'in ' + name, name + b'.h', 1), (name, name, 2))
        p.sample([here, before], [1000 + i])
        before = here
    return p.packed()


TOTAL = sum(1000 + i for i in range(len(NAMES)))


def no_controls(out, what):
    found = re.search(rb'[\x00-\x09\x0b-\x1f\x7f]', out)
    if found:
        raise Wrong('%s: byte %r in %r' % (what, found[0], out[max(0, found.start() - 40):found.end() + 40]))


def write(runner, *options):
    out = runner.answer(*options, '--nodecount=1000', '--nodefraction=0', '--edgefraction=0', '--maxdegree=1000',
                        runner.keep('hostile.pb.gz', profile()))
    if out is None:
        raise Wrong('%s: refused' % options[0])
    return out


def try_text(runner):
    for more in ([], ['--lines'], ['--files'], ['--addresses'], ['--filefunctions'], ['--dso'], ['--stacks'], ['--no_strip_temp']):
        out = write(runner, '--text', *more)
        no_controls(out, '--text')
        if matrix.text_total(out) != TOTAL:
            raise Wrong('--text %s: %s' % (more, out[:80]))
    rows = [line for line in write(runner, '--text', '--files').splitlines()[1:]]
    for row in rows:
        if not re.match(rb' *\d+ +\d+\.\d% +\d+\.\d% +\d+ +\d+\.\d%( |$)', row):
            raise Wrong('no row: %r' % row)
    shown = b'\n'.join(rows)
    for name in NAMES:
        if clean(name).strip() not in shown:
            raise Wrong('not shown: %r' % name)


def try_collapsed(runner):
    out = write(runner, '--collapsed')
    no_controls(out, '--collapsed')
    lines = out.splitlines()
    if len(lines) != len(NAMES) or matrix.collapsed_total(out) != TOTAL:
        raise Wrong('%d lines, total %g' % (len(lines), matrix.collapsed_total(out)))
    for line in lines:
        if line.rpartition(b' ')[0].count(b';') not in (2, 3):
            raise Wrong('a name came apart: %r' % line)
    back = runner.answer('--text', '--reader=collapsed', runner.keep('back', out))
    if matrix.text_total(back) != TOTAL:
        raise Wrong('read back: %s' % back[:60])


def try_callgrind(runner, reader):
    for form in ([], ['--events=all']):
        out = write(runner, '--callgrind', *form)
        no_controls(out, '--callgrind')
        if matrix.callgrind_total(out) != TOTAL:
            raise Wrong('--callgrind %s: %g' % (form, matrix.callgrind_total(out)))
        total, _ = callgrind.annotate(reader, runner.keep('callgrind', out))
        if total != TOTAL:
            raise Wrong('callgrind_annotate: %g' % total)


def try_raw(runner):
    out = write(runner, '--raw')
    head, _, binary = out.partition(b'\n---\n')
    no_controls(head, '--raw')
    path = runner.keep('raw', out)
    back = runner.answer('--text', '--nodecount=0', path)
    if matrix.text_total(back) != TOTAL:
        raise Wrong('read back: %s' % back[:60])
    depths = {line.rpartition(b' ')[0].count(b';') for line in runner.answer('--collapsed', path).splitlines()}
    if not depths <= {2, 3}:
        raise Wrong('names came apart: %s' % depths)
    for name in (b'operator--', b'It::operator--', b'a- -b', b'&lt;'):
        if b' ' + name + b'--in ' not in head:
            raise Wrong('%r is not in it' % name)


def strings_of(message):
    """The string table of a profile.proto message."""
    found, at = [], 0
    while at < len(message):
        key, at = number(message, at)
        if key & 7 == 0:
            _, at = number(message, at)
        elif key & 7 == 2:
            size, at = number(message, at)
            if key >> 3 == 6:
                found.append(message[at:at + size])
            at += size
        else:
            raise Wrong('field %d of type %d' % (key >> 3, key & 7))
    return found


def number(message, at):
    value = shift = 0
    while True:
        value |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 128:
            return value, at


def try_proto(runner):
    out = write(runner, '--proto')
    texts = strings_of(gzip.decompress(out))
    for text in texts:
        text.decode('utf-8')
        no_controls(text, '--proto')
    for name in NAMES:
        if clean(name).decode('utf-8', 'replace').encode() not in texts and name.isascii():
            raise Wrong('not in it: %r' % name)
    back = runner.answer('--text', runner.keep('proto', out))
    if matrix.text_total(back) != TOTAL:
        raise Wrong('read back: %s' % back[:60])


def try_dot(runner, dot):
    out = write(runner, '--dot')
    path = runner.keep('graph.dot', out)
    if re.search(rb'[\x00-\x08\x0b-\x1f\x7f]', out):
        raise Wrong('control bytes')
    plain = subprocess.run([dot, '-Tplain', '-Gsplines=false', '-Gnslimit=1', '-Gcharset=latin1', path],
                           capture_output=True, check=False)
    if plain.returncode or plain.stderr:
        raise Wrong('dot: %s' % plain.stderr.decode('utf-8', 'replace')[:400])
    nodes = re.findall(rb'^node ', plain.stdout, re.MULTILINE)
    statements = re.findall(rb'^N\d+ \[label=', out, re.MULTILINE)
    if len(nodes) != len(statements) + 1:
        raise Wrong('%d nodes, %d statements' % (len(nodes), len(statements)))


SVG = '{http://www.w3.org/2000/svg}'


def try_svg(runner):
    out = write(runner, '--svg', '--no_strip_temp')
    root = xml.etree.ElementTree.fromstring(out)
    tags = {element.tag for element in root.iter()}
    known = {SVG + t for t in ('svg', 'title', 'style', 'rect', 'g', 'script', 'text', 'path', 'polygon', 'tspan')}
    if tags - known:
        raise Wrong('elements: %s' % (tags - known))
    scripts = list(root.iter(SVG + 'script'))
    if len(scripts) != 1 or 'alert' in scripts[0].text:
        raise Wrong('%d scripts' % len(scripts))
    for element in root.iter():
        for name in element.attrib:
            if name.startswith('on') or 'href' in name:
                raise Wrong('attribute %s of %s' % (name, element.tag))
    titles = {element.text for element in root.iter(SVG + 'title')}
    for name in (b'<img src=x onerror=alert>', b']]>', b'&lt;', b'a--b', '函数'.encode(), b'operator"" _s'):
        if name.decode() not in titles and name.decode() + ' (inline)' not in titles:
            raise Wrong('no title: %r' % name)


class Page(html.parser.HTMLParser):
    """Elements, attributes and scripts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.names, self.scripts, self.open = set(), set(), [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names.update(name for name, _ in attrs)
        self.open = tag
        if tag == 'script':
            self.scripts.append('')

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open == 'script':
            self.scripts[-1] += data


def try_weblist(runner):
    """A function and a source with markup in their names and lines."""
    folder = runner.scratch / '<b>"q"'
    folder.mkdir()
    source = folder / "a&'<i>.s"
    source.write_text('.text\n.globl _start\n.type _start,@function\n.file "%s"\n.loc 1 6 0\n_start: nop # <script>alert(3)'
                      '</script>&amp;\n nop\n ret\n.size _start, .-_start\n.globl "<img src=x>"\n' % 'x')
    asm = ('.text\n.globl _start\n.file 1 "%s"\n"<img src=x onerror=alert(1)>":\n.globl "<img src=x onerror=alert(1)>"\n'
           '.type "<img src=x onerror=alert(1)>",@function\n.loc 1 6 0\nnop\n.loc 1 7 0\nnop\nret\n'
           '.size "<img src=x onerror=alert(1)>", .-"<img src=x onerror=alert(1)>"\n' % str(source).replace('"', '\\"'))
    (runner.scratch / 'p.s').write_text(asm)
    for words in (['as', '-o', 'p.o', 'p.s'], ['ld', '-Ttext=0x401000', '-e', '0x401000', '-o', 'p', 'p.o']):
        made = subprocess.run(words, cwd=runner.scratch, capture_output=True, check=False)
        if made.returncode:
            raise Wrong('%s: %s' % (words[0], made.stderr.decode()))
    cpu = runner.keep('p.prof', make.cpu('<Q', [(3, [0x401000]), (2, [0x401001])], b''))
    out = runner.answer('--weblist=img', '--no_strip_temp', 'p', cpu)
    page = Page(out.decode('utf-8'))
    allowed = {'html', 'head', 'meta', 'title', 'style', 'script', 'body', 'div', 'h1', 'h2', 'h3', 'p', 'pre', 'span', 'br', 'b', 'button'}
    if page.tags - allowed or 'alert' in ''.join(page.scripts):
        raise Wrong('elements: %s' % (page.tags - allowed))
    if any(name.startswith('on') and name != 'onclick' for name in page.names) or 'href' in page.names or 'src' in page.names:
        raise Wrong('attributes: %s' % page.names)
    if b'&lt;img src=x onerror=alert&gt;' not in out or b'&lt;script&gt;alert(3)&lt;/script&gt;&amp;amp;' not in out:
        raise Wrong('the name or its source is not shown: %s' % re.sub(rb'(?s)<(style|script)>.*?<.\1>', b'', out)[:900])
    for kind in ('--list=img', '--disasm=img'):
        if b'<img src=x onerror=alert>' not in runner.answer(kind, '--no_strip_temp', 'p', cpu):
            raise Wrong('%s shows nothing' % kind)


def try_pdf(runner, pdftotext):
    out = write(runner, '--pdf', '--no_strip_temp')
    done = subprocess.run([pdftotext, '-enc', 'UTF-8', runner.keep('graph.pdf', out), '-'], capture_output=True, check=False)
    text = done.stdout.decode('utf-8', 'replace')
    if done.returncode or done.stderr:
        raise Wrong('pdftotext: %s' % done.stderr.decode()[:300])
    for word in ('onerror=alert>', ']]>', 'operator""', 'naïve', 'a--b', '&lt;'):
        if word not in text:
            raise Wrong('%r is not in it' % word)
    if re.search(rb'/(JavaScript|JS|OpenAction|AA|URI)\b', out):
        raise Wrong('it does something')


def try_pictures(runner):
    for kind in ('ps', 'gif', 'png'):
        if not write(runner, '--' + kind).startswith(matrix.MAGIC[kind]):
            raise Wrong(kind)


def try_readers(runner):
    """Formats that carry names as text: a name has no way out of its line there."""
    names = [n for n in NAMES if not re.search(rb'[\n\r]', n) and n.strip()]
    symbols = b''.join(b'0x%016x %s\n' % (0x401000 + 64 * i, n) for i, n in enumerate(names) if not n.startswith(b'---'))
    stacks = [(1, [0x401000 + 64 * i]) for i in range(len(names))]
    lines = b''.join(b'main;%s 1\n' % n for n in names)
    for name, content in (('symbolized', b'--- symbol\nbinary=' + PROGRAM.replace(b'\n', b'') + b'\n' + symbols + b'---\n--- profile\n' +
                           make.cpu('<Q', stacks, b'')), ('collapsed', lines)):
        path = runner.keep(name, content)
        for kind, asked in runner.outputs.items():
            out = runner.answer(*asked, '--reader=' + name, path)
            if kind in ('text', 'stacks', 'collapsed', 'callgrind', 'events'):
                no_controls(out, kind)
            if kind == 'svg':
                xml.etree.ElementTree.fromstring(out)
        if matrix.text_total(runner.answer('--text', '--reader=' + name, path)) != len(names):
            raise Wrong('%s: total' % name)


def try_columns(runner):
    """Names of columns and units are names, too."""
    path = runner.keep('column.pb.gz', profile((b'<b>\n"x"\x1b', b'\x1b[1m\ny<i>')))
    for kind, asked in runner.outputs.items():
        out = runner.answer(*asked, path)
        if kind in ('text', 'stacks', 'collapsed', 'callgrind', 'events'):
            no_controls(out, kind)
        if kind == 'svg':
            xml.etree.ElementTree.fromstring(out)


def try_notes(runner):
    """What is told on the way does not drive the terminal either."""
    for content in (b'%warn \x1b[31mred\n' + b'--- contention\nx\x1b = y\x07\n', b'--- symbol\n\x1b=\x07\n---\n\x1bnothing\n'):
        told = runner.once('--text', runner.keep('\x1b[1mnote', content))[2]
        if re.search(r'[\x00-\x09\x0b-\x1f\x7f]', told):
            raise Wrong('told: %r' % told)


def main():
    program, reader, dot, pdftotext = pathlib.Path(sys.argv[1]).resolve(), *sys.argv[2:5]
    tests = [('text', try_text), ('collapsed', try_collapsed), ('callgrind', lambda r: try_callgrind(r, reader)),
             ('raw', try_raw), ('proto', try_proto), ('dot', lambda r: try_dot(r, dot)), ('svg', try_svg),
             ('weblist', try_weblist), ('pdf', lambda r: try_pdf(r, pdftotext)), ('pictures', try_pictures),
             ('readers', try_readers), ('columns', try_columns), ('notes', try_notes)]
    print('1..%d' % len(tests))
    lines = [matrix.run(n, title, work, program) for n, (title, work) in enumerate(tests, 1)]
    print(''.join(lines), end='')
    return any(line.startswith('not') for line in lines)


if __name__ == '__main__':
    sys.exit(main())
