#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Type at the prompt over a pseudo-terminal: editing, completion, history, ^C, ^D, another size, ^Z.

Each check starts the program anew and waits for what is to appear; nothing depends on how long that takes.
Results are TAP.

usage: prompt.py CPROF
"""
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback

HANG_SECONDS = 120
PROMPT = '(pprof) '
PROFILE = '''--- symbol
binary=/bin/demo
0x0000000000401101 foo
0x0000000000401201 barrel
0x0000000000401251 barricade
0x0000000000401301 main
0x0000000000401401 ns::worker::run(int)
---
heap profile: 0: 0 [0: 0] @ heapprofile
2: 200 [7: 700] @ 0x401101 0x401301
1: 50 [3: 60] @ 0x401201 0x401301
1: 40 [3: 60] @ 0x401251 0x401301
1: 10 [1: 10] @ 0x401401 0x401301
'''


class Screen:
    """The program on a terminal, and what can be read there."""

    def __init__(self, program, folder, arguments=(), env=(), columns=100):
        self.lines, self.row, self.column, self.rest = [''], 0, 0, ''
        self.seen = 0  # the row where the next thing is looked for
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder)
                resize(0, columns)
                base = {k: v for k, v in os.environ.items() if k == 'PATH' or k.endswith('SAN_OPTIONS')}
                os.execve(program, ['cprof', *(arguments or ['--show_bytes', 'in.heap'])],
                          {**base, 'HOME': str(folder), 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8', **dict(env)})
            finally:
                os._exit(127)

    @property
    def text(self):
        return '\n'.join(self.lines)

    def put(self, character):
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
        self.column += 1

    def control(self, number, letter):
        """What editors of lines use of an xterm."""
        line, n = self.lines[self.row], max(number, 1)
        if letter == 'C':
            self.column += n
        elif letter == 'D':
            self.column = max(self.column - n, 0)
        elif letter == 'A':
            self.row = max(self.row - n, 0)
        elif letter == 'G':
            self.column = n - 1
        elif letter == 'X':
            self.lines[self.row] = line[:self.column] + ' ' * n + line[self.column + n:]
        elif letter in 'KJ':
            self.lines[self.row] = line[:self.column]
        elif letter == 'P':
            self.lines[self.row] = line[:self.column] + line[self.column + n:]
        elif letter == '@':
            self.lines[self.row] = line[:self.column] + ' ' * n + line[self.column:]
        elif letter not in 'mhlr':
            raise AssertionError('the terminal does not know ESC [ %s' % letter)

    def show(self, text):
        self.rest += text
        while self.rest:
            c = self.rest[0]
            if c == '\x1b':
                found = re.match(r'\x1b(?:\[[?>]?([0-9]*)[0-9;]*([A-Za-z@])|[=>78]|\([A-Z0-9])', self.rest)
                if not found:
                    return  # the rest of it comes later
                if found[2]:
                    self.control(int(found[1] or 0), found[2])
                self.rest = self.rest[found.end():]
                continue
            self.rest = self.rest[1:]
            if c == '\r':
                self.column = 0
            elif c == '\n':
                self.row += 1
                if self.row == len(self.lines):
                    self.lines.append('')
            elif c == '\b':
                self.column = max(self.column - 1, 0)
            elif c == '\t':
                self.column = self.column // 8 * 8 + 8
            elif c >= ' ':
                self.put(c)

    def read(self):
        """More of it; False at the end."""
        ready, _, _ = select.select([self.fd], [], [], HANG_SECONDS)
        if not ready:
            raise AssertionError('nothing more came after:\n' + self.text)
        try:
            got = os.read(self.fd, 65536)
        except OSError:
            return False
        self.show(got.decode('utf-8', 'replace'))
        return bool(got)

    def expect(self, wanted):
        """Waits until it can be read, in the row where the last thing ended or below."""
        while True:
            rows = '\n'.join(self.lines[self.seen:])
            found = re.search(wanted, rows)
            if found:
                self.seen += rows[:found.end()].count('\n')
                return found
            if not self.read():
                raise AssertionError('%r did not appear in:\n%s' % (wanted, rows))

    def prompt(self):
        """Waits for one with nothing typed behind it."""
        self.expect(r'(?m)^' + re.escape(PROMPT.rstrip()) + ' ?$')

    def type(self, text):
        os.write(self.fd, text.encode())

    def run(self, line):
        self.type(line + '\n')

    def end(self):
        """Its exit status."""
        while self.read():
            pass
        _, how = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.WEXITSTATUS(how) if os.WIFEXITED(how) else -os.WTERMSIG(how)


def resize(fd, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 30, columns, 0, 0))


def start(program, folder, **kwargs):
    screen = Screen(program, folder, **kwargs)
    screen.expect(r"Welcome to pprof!  For help, type 'help'\.\n")
    screen.prompt()
    return screen


def history_of(folder):
    return (folder / '.local/state/cprof/history').read_text()


def commands_and_an_end(program, folder):
    screen = start(program, folder)
    screen.run('top1')
    screen.expect(r'Total: 300 B\n +200 +66\.7% +66\.7% +200 +66\.7% foo\n')
    screen.prompt()
    screen.run('nonsense')
    screen.expect(r"Unknown command: try 'help'\.")
    screen.prompt()
    screen.type('\x04')
    assert screen.end() == 0
    screen = start(program, folder)
    screen.run('quit')
    assert screen.end() == 0


def the_line_can_be_edited(program, folder):
    screen = start(program, folder)
    screen.type('op1\x01t\x05 -fooo\x7f')  # ^A, t, ^E, erase
    screen.run('')
    screen.expect(r"match 'foo'\n.*\nAfter ignoring 'foo': 100 B of 300 \(33\.3%\)\n +50 +50\.0%")
    screen.run('quit')
    assert screen.end() == 0


def words_are_completed(program, folder):
    screen = start(program, folder)
    screen.type('colla\t')
    screen.expect('collapsed ')
    screen.run('')
    screen.expect(r'main;foo 200\n')
    screen.prompt()
    screen.type('nodec\t')
    screen.expect('nodecount=')
    screen.run('7')
    screen.prompt()
    screen.run('nodecount')
    screen.expect(r'nodecount = 7\n')
    screen.prompt()
    # What all of them begin with comes first, then the choice.
    screen.type('collapsed bar\t')
    screen.expect('barr')
    screen.type('\t')
    screen.expect(r'barrel +barricade|barricade +barrel')
    screen.expect(re.escape(PROMPT + 'collapsed barr'))
    screen.type('e\t')
    screen.expect('barrel ')
    screen.run('')
    screen.expect(r'main;barrel 50\n')
    screen.prompt()
    # A part of a qualified name finds the whole one.
    screen.type('collapsed wor\t')
    screen.expect('ns::worker::run')
    screen.run('')
    screen.expect(r'main;ns::worker::run\(int\) 10\n')
    screen.prompt()
    screen.type('top -fo\t')
    screen.expect('-foo ')
    screen.run('--cu\t')
    screen.expect(r'After ignoring .foo.: 100 B.*\n +0 +0\.0% +0\.0% +100 +100\.0% main\n')
    screen.run('quit')
    assert screen.end() == 0


def earlier_commands_come_back(program, folder):
    screen = start(program, folder)
    screen.run('top1')
    screen.expect(r'foo\n')
    screen.prompt()
    screen.run('top2 --cum')
    screen.expect(r'foo\n')
    screen.prompt()
    screen.type('\x1b[A')  # up
    screen.expect('top2 --cum')
    screen.type('\x1b[A')
    screen.expect('top1')
    screen.run('')
    screen.expect(r'Total: 300 B\n +200')
    screen.prompt()
    screen.type('\x04')
    assert screen.end() == 0
    assert history_of(folder) == 'top1\ntop2 --cum\ntop1\n', history_of(folder)
    assert (folder / '.local/state/cprof/history').stat().st_mode & 0o777 == 0o600

    # In the next run too, also by searching.
    screen = start(program, folder)
    screen.type('\x1b[A')
    screen.expect('top1')
    screen.type('\x15\x12cum')  # ^U, ^R
    screen.expect('top2 --cum')
    screen.run('')
    screen.expect(r'main\n')
    screen.prompt()
    screen.run('quit')
    assert screen.end() == 0
    assert history_of(folder).splitlines()[-2:] == ['top2 --cum', 'quit']


def history_is_cut_when_it_is_long(program, folder):
    state = folder / 'state'
    (state / 'cprof').mkdir(parents=True)
    path = state / 'cprof/history'
    path.write_text(''.join('top%d\n' % i for i in range(1, 2102)))
    screen = start(program, folder, env={'XDG_STATE_HOME': str(state)})
    screen.run('quit')
    assert screen.end() == 0
    lines = path.read_text().splitlines()
    assert len(lines) == 1001 and lines[0] == 'top1102' and lines[-1] == 'quit', (len(lines), lines[0])


def without_a_place_for_history(program, folder):
    (folder / 'file').write_text('')
    screen = start(program, folder, env={'XDG_STATE_HOME': str(folder / 'file')})
    screen.run('top1')
    screen.expect(r'foo\n')
    screen.prompt()
    screen.type('\x1b[A')
    screen.expect('top1')
    screen.run('')
    screen.expect(r'foo\n')
    screen.run('quit')
    assert screen.end() == 0


def interrupt_clears_the_line(program, folder):
    screen = start(program, folder)
    for _ in range(3):
        screen.type('top -nothing')
        screen.expect('top -nothing')
        screen.type('\x03')
        screen.expect(r'\n')
        screen.prompt()
    screen.run('top1')
    screen.expect(r'Total: 300 B\n')
    screen.prompt()
    screen.run('quit')
    assert screen.end() == 0


def interrupt_stops_a_report(program, folder):
    # The report waits for a program that does not read.
    big = folder / 'big.heap'
    with open(big, 'w') as f:
        f.write('heap profile: 0: 0 [0: 0] @ heapprofile\n')
        for i in range(20000):
            f.write('1: 10 [1: 10] @ 0x%x 0x2000\n' % (0x10000 + i))
    screen = start(program, folder, arguments=['--show_bytes', 'big.heap'])
    screen.run('text1000000 | sleep 1000')
    screen.expect(r'sleep 1000\n')
    while not subprocess.run(['pgrep', '-P', str(screen.pid), 'sleep'], stdout=subprocess.DEVNULL,
                             check=False).returncode == 0:
        time.sleep(0.05)
    screen.type('\x03')
    screen.prompt()
    screen.run('top1')
    screen.expect(r'Total: 200000 B\n')
    screen.prompt()
    screen.type('\x04')
    assert screen.end() == 0


def another_size(program, folder):
    screen = start(program, folder, columns=100)
    screen.type('top1')
    screen.expect('top1')
    resize(screen.fd, 40)
    screen.run('')
    screen.expect(r'Total: 300 B\n')
    screen.prompt()
    # Columns of completions follow the size.
    resize(screen.fd, 20)
    screen.type('list bar\t\t')
    screen.expect(r'barrel *\n+barricade *\n|barricade *\n+barrel *\n')
    screen.type('\x03')
    screen.prompt()
    screen.run('quit')
    assert screen.end() == 0


def stopped_and_continued(program, folder):
    """Under a shell that knows jobs: the terminal is its own while we are stopped."""
    screen = Screen('/bin/bash', folder, arguments=['--norc', '--noprofile', '-i'],
                    env={'PS1': 'shell> ', 'CPROF': program})
    screen.expect('shell> ')
    screen.run('"$CPROF" --show_bytes in.heap; echo status $?')
    screen.prompt()
    screen.type('top')
    screen.expect('top')
    screen.type('\x1a')
    screen.expect(r'Stopped')
    screen.expect('shell> ')
    screen.run('echo he""re')
    screen.expect(r'here\n')
    screen.run('fg')
    screen.expect(re.escape(PROMPT + 'top'))
    screen.run('1')
    screen.expect(r'Total: 300 B\n')
    screen.prompt()
    screen.run('quit')
    screen.expect('shell> ')
    screen.run('exit')
    screen.end()


def ended_from_outside(program, folder):
    screen = start(program, folder)
    os.kill(screen.pid, signal.SIGTERM)
    assert screen.end() == 1


def without_a_terminal_that_can_do_things(program, folder):
    screen = start(program, folder, env={'TERM': 'dumb'})
    screen.run('top1')
    screen.expect(r'Total: 300 B\n')
    screen.prompt()
    screen.type('\x04')
    assert screen.end() == 0


def pictures_go_to_files(program, folder):
    screen = start(program, folder)
    for number in (1, 2):
        screen.run('svg')
        screen.expect(r'The report is in profile00%d\.svg\n' % number)
        screen.prompt()
        assert (folder / ('profile00%d.svg' % number)).read_text().startswith('<?xml')
    screen.run('quit')
    assert screen.end() == 0


def an_output_or_a_profile_from_input_needs_no_prompt(program, folder):
    screen = Screen(program, folder, arguments=['--text', 'in.heap'])
    assert screen.end() == 0 and PROMPT not in screen.text and 'Total:' in screen.text
    screen = Screen('/bin/sh', folder, arguments=['-c', '"$CPROF" - <in.heap'], env={'CPROF': program})
    assert screen.end() == 0 and PROMPT not in screen.text and 'Total:' in screen.text
    screen = Screen(program, folder, arguments=['-o', 'out.txt', 'in.heap'])
    assert screen.end() == 0 and PROMPT not in screen.text and (folder / 'out.txt').exists()


def bytes_are_kept_off_the_terminal(program, folder):
    for output in ('pdf', 'png', 'gif', 'proto', 'raw'):
        screen = Screen(program, folder, arguments=['--' + output, 'in.heap'])
        assert screen.end() == 1
        assert re.search(r'--%s is not text for a terminal: -o FILE\.\w' % output, screen.text), screen.text
    screen = Screen(program, folder, arguments=['--svg', 'in.heap'])
    assert screen.end() == 0 and '<svg' in screen.text


CHECKS = [
    commands_and_an_end, the_line_can_be_edited, words_are_completed, earlier_commands_come_back,
    history_is_cut_when_it_is_long, without_a_place_for_history, interrupt_clears_the_line,
    interrupt_stops_a_report, another_size, stopped_and_continued, ended_from_outside,
    without_a_terminal_that_can_do_things, pictures_go_to_files,
    an_output_or_a_profile_from_input_needs_no_prompt, bytes_are_kept_off_the_terminal,
]


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    chosen = [c for c in CHECKS if len(sys.argv) < 3 or c.__name__ in sys.argv[2:]]
    bad = 0
    print('1..%d' % len(chosen))
    for number, check in enumerate(chosen, 1):
        folder = pathlib.Path(tempfile.mkdtemp(prefix='cprof-prompt-'))
        (folder / 'in.heap').write_text(PROFILE)
        try:
            check(program, folder)
            print('ok %d - %s' % (number, check.__name__.replace('_', ' ')))
        except Exception:  # whatever it is: the next check is tried
            bad += 1
            print('not ok %d - %s' % (number, check.__name__.replace('_', ' ')))
            for line in traceback.format_exc().splitlines():
                print('# ' + line)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        sys.stdout.flush()
    return bad != 0


if __name__ == '__main__':
    sys.exit(main())
