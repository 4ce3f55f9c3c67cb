#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Open what is meant for browsers in one: the SVG pans and zooms, a page of --weblist opens its lines, and no
script from a profile runs.

`./dev browser` installs a browser and runs this; the ordinary test run does without. Results are TAP.

usage: CPROF_BROWSER_TESTS=1 browser.py CPROF [CHROMIUM]
"""
import json
import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'testdata' / 'profiles'))
import hostile  # noqa: E402
import make  # noqa: E402
import matrix  # noqa: E402
from matrix import Wrong  # noqa: E402

PATIENCE = 120  # seconds: only a browser that hangs waits so long
SCRIPTS = [b'<img src=x onerror=ran=1>', b'<script>ran=1</script>', b']]></script><script>ran=1</script>', b'"/><script>ran=1</script>',
           b"' onload='ran=1", b'</title><script>ran=1</script>', b'&lt;script&gt;ran=1&lt;/script&gt;', b'javascript:ran=1',
           b'<a xlink:href="javascript:ran=1">', b'<!--', b'<foreignObject><body onload="ran=1"></foreignObject>']


class Browser:
    """Chromium without a window, driven through a pair of pipes."""

    def __init__(self, program, scratch):
        there, self.into = os.pipe()
        self.out_of, back = os.pipe()
        words = [program, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
                 '--disable-background-networking', '--remote-debugging-pipe', '--window-size=800,600',
                 '--user-data-dir=%s' % (scratch / 'browser')]

        def connect():  # the browser's side of the pipes is 3 and 4
            copies = [os.dup(there), os.dup(back)]
            high = [os.dup2(copy, 30 + i) for i, copy in enumerate(copies)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i, inheritable=True)

        self.process = subprocess.Popen(words, preexec_fn=connect, close_fds=False, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env={**os.environ, 'HOME': str(scratch)})
        os.close(there)
        os.close(back)
        self.number, self.rest, self.events, self.session = 0, b'', [], None
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Network', 'Log'):
            self.call(domain + '.enable')

    def read(self):
        end = time.monotonic() + PATIENCE
        while b'\0' not in self.rest:
            if not select.select([self.out_of], [], [], max(0, end - time.monotonic()))[0]:
                raise Wrong('the browser does not answer')
            piece = os.read(self.out_of, 1 << 16)
            if not piece:
                raise Wrong('the browser is gone')
            self.rest += piece
        message, self.rest = self.rest.split(b'\0', 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': parameters}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.into, json.dumps(message).encode() + b'\0')
        while True:
            answer = self.read()
            if answer.get('id') == self.number:
                if 'error' in answer:
                    raise Wrong('%s: %s' % (method, answer['error']))
                return answer['result']
            self.events.append(answer)

    def open(self, path):
        self.events.clear()
        self.call('Page.navigate', url=path.as_uri())
        while not any(e.get('method') == 'Page.loadEventFired' for e in self.events):
            self.events.append(self.read())

    def ask(self, expression):
        answer = self.call('Runtime.evaluate', expression=expression, returnByValue=True)
        if 'exceptionDetails' in answer:
            raise Wrong('%s: %s' % (expression, answer['exceptionDetails']))
        return answer['result'].get('value')

    def mouse(self, kind, x, y, **more):
        self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, **more)

    def seen(self, method):
        return [e['params'] for e in self.events if e.get('method') == method]

    def close(self):
        try:
            self.session = None
            self.call('Browser.close')
        except (Wrong, OSError):
            self.process.kill()
        self.process.wait()
        os.close(self.into)
        os.close(self.out_of)


def check_page(browser, path):
    """Nothing of the profile ran, and nothing was fetched."""
    if browser.ask('typeof ran') != 'undefined':
        raise Wrong('a name was run')
    if browser.seen('Page.javascriptDialogOpening'):
        raise Wrong('a name opened a dialog')
    wanted = [p['request']['url'] for p in browser.seen('Network.requestWillBeSent')]
    if [url for url in wanted if url != path.as_uri()]:
        raise Wrong('was fetched: %s' % wanted)
    told = [p['entry']['text'] for p in browser.seen('Log.entryAdded')] + browser.seen('Runtime.exceptionThrown')
    if told:
        raise Wrong('the browser complains: %s' % told)


def place(browser):
    """Where the drawing is and how large."""
    text = browser.ask("document.getElementById('viewport').getAttribute('transform')")
    found = re.fullmatch(r'translate\(([-\d.e]+),([-\d.e]+)\) scale\(([-\d.e]+)\)', text)
    if not found:
        raise Wrong('transform: %s' % text)
    return tuple(map(float, found.groups()))


def try_pan_and_zoom(runner, browser):
    path = runner.keep('graph.svg', runner.answer('--svg', matrix.PROFILES / 'symbolized-cpu.prof'))
    browser.open(path)
    x, y, scale = before = place(browser)
    if scale <= 0:
        raise Wrong('scale %g' % scale)
    browser.mouse('mousePressed', 300, 300, button='left', buttons=1, clickCount=1)
    browser.mouse('mouseMoved', 340, 280, button='left', buttons=1)
    browser.mouse('mouseMoved', 350, 270, button='left', buttons=1)
    browser.mouse('mouseReleased', 350, 270, button='left', clickCount=1)
    moved = place(browser)
    if max(abs(moved[0] - x - 50), abs(moved[1] - y + 30), abs(moved[2] - scale)) > 1e-6:
        raise Wrong('dragged from %s to %s' % (before, moved))
    browser.mouse('mouseMoved', 500, 500)
    if place(browser) != moved:
        raise Wrong('it moves without a button')
    browser.mouse('mouseWheel', 400, 200, deltaX=0, deltaY=-200)
    nearer = place(browser)
    if nearer[2] <= moved[2]:
        raise Wrong('no nearer: %s, %s' % (moved, nearer))
    for axis, at in ((0, 400), (1, 200)):  # what is under the pointer stays there
        if abs((at - moved[axis]) / moved[2] - (at - nearer[axis]) / nearer[2]) > 1e-6:
            raise Wrong('zoomed elsewhere: %s, %s' % (moved, nearer))
    browser.mouse('mouseWheel', 400, 200, deltaX=0, deltaY=400)
    if place(browser)[2] >= nearer[2]:
        raise Wrong('no farther')
    for count in (1, 2):
        browser.mouse('mousePressed', 300, 300, button='left', buttons=1, clickCount=count)
        browser.mouse('mouseReleased', 300, 300, button='left', clickCount=count)
    if place(browser) != before:
        raise Wrong('a double click does not show all: %s, %s' % (before, place(browser)))
    check_page(browser, path)


def try_svg_names(runner, browser):
    p = make.Proto([('samples', 'count')])
    ids = [p.location(0x1000 + 16 * i, (name, name, 1)) for i, name in enumerate(SCRIPTS + hostile.NAMES)]
    for i, name in enumerate(ids):
        p.sample([name, ids[i // 2]], [i + 1])
    path = runner.keep('names.svg', runner.answer('--svg', '--nodecount=1000', '--nodefraction=0', '--no_strip_temp',
                                                  runner.keep('names.pb.gz', p.packed())))
    browser.open(path)
    if browser.ask("document.querySelectorAll('script').length") != 1:
        raise Wrong('scripts')
    shown = browser.ask("Array.from(document.querySelectorAll('title'), t => t.textContent).join('\\n')")
    for name in ('<img src=x onerror=ran=1>', ']]></script><script>ran=1</script>', '&lt;script&gt;ran=1&lt;/script&gt;'):
        if name not in shown:
            raise Wrong('not shown: %s' % name)
    place(browser)
    check_page(browser, path)


def try_weblist(runner, browser):
    name = '<img src=x onerror=ran=1>'
    source = runner.scratch / 'source.s'
    source.write_text('start: # <script>ran=1</script>\n nop # </pre><img src=x onerror=ran=1>\n ret\n')
    (runner.scratch / 'p.s').write_text('.text\n.file 1 "%s"\n"%s":\n.globl "%s"\n.type "%s",@function\n.loc 1 1 0\nnop\n'
                                        '.loc 1 2 0\nnop\nret\n.size "%s", .-"%s"\n' % (source, name, name, name, name, name))
    for words in (['as', '-o', 'p.o', 'p.s'], ['ld', '-Ttext=0x401000', '-e', '0x401000', '-o', 'p', 'p.o']):
        subprocess.run(words, cwd=runner.scratch, check=True, capture_output=True)
    cpu = runner.keep('p.prof', make.cpu('<Q', [(3, [0x401000]), (2, [0x401001])], b''))
    path = runner.keep('page.html', runner.answer('--weblist=.', '--no_strip_temp', 'p', cpu))
    browser.open(path)
    if browser.ask("document.querySelectorAll('img').length") != 0:
        raise Wrong('a name became an element')
    shown = "Array.from(document.querySelectorAll('.asm')).filter(e => getComputedStyle(e).display != 'none').length"
    if browser.ask(shown) != 0:
        raise Wrong('instructions are shown before anybody asks')
    at = browser.ask("(r => [r.x + r.width / 2, r.y + r.height / 2])"
                     "(document.querySelector('.livesrc:not(.bar .livesrc)').getBoundingClientRect())")
    for kind in ('mousePressed', 'mouseReleased'):
        browser.mouse(kind, *at, button='left', clickCount=1)
    if browser.ask(shown) != 1:
        raise Wrong('a click opens %s lines' % browser.ask(shown))
    check_page(browser, path)


def main():
    if os.environ.get('CPROF_BROWSER_TESTS') != '1':
        sys.exit('browser.py: run this by ./dev browser')
    program = pathlib.Path(sys.argv[1]).resolve()
    chromium = sys.argv[2] if len(sys.argv) > 2 else 'chromium'
    tests = [('pan and zoom', try_pan_and_zoom), ('names in SVG', try_svg_names), ('names in a page', try_weblist)]
    print('1..%d' % len(tests))
    failed = False
    with tempfile.TemporaryDirectory(prefix='cprof-browser-', ignore_cleanup_errors=True) as scratch:
        browser = Browser(chromium, pathlib.Path(scratch))
        try:
            for number, (title, work) in enumerate(tests, 1):
                line = matrix.run(number, title, lambda r, w=work: w(r, browser), program)
                failed |= line.startswith('not')
                print(line, end='', flush=True)
        finally:
            browser.close()
    return failed


if __name__ == '__main__':
    sys.exit(main())
