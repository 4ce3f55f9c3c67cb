#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hold the names, places and inlined calls that cprof gives against three other symbolizers.

Programs are made in the run, in each shape that distributions and build systems give them; every third byte of
their functions is asked for. For each case the output says how many addresses agree with each peer, and where
one differs, which. A case names its judges: the peers that can read its shape, and with which we must agree
everywhere. Results are TAP.

usage: run.py [--list] [--keep FOLDER] CPROF [CASE...]
"""
import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import sys
import tempfile
import traceback

import dwarf
import files
import kept
import layout
import names
import peers

GROUPS = [dwarf, files, kept, layout, names]


class Wrong(Exception):
    pass


class Workshop:
    """Where one case builds and asks."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.sources = pathlib.Path(__file__).resolve().parent / 'src'
        self.cprof = peers.Cprof(program, folder)
        self.remarks = []

    def run(self, *command, **more):
        return peers.run(command, folder=more.pop('folder', self.folder), **more)

    def source(self, *names):
        return [self.sources / name for name in names]

    def expect(self, is_so, what):
        if not is_so:
            raise Wrong(what)

    def remark(self, text):
        self.remarks.append(text)

    def answers(self, path, arguments=None, env=None, step=3, wanted=None, base=peers.BASE, name=None, places_of=None, maps=None,
                build_id=None):
        """What cprof says of each place in a file: by link-time address."""
        addresses = peers.addresses_of(places_of or path, step, wanted)
        lines, bias = peers.maps_of(path, base, name)
        by_pc = self.cprof.ask([a + bias for a in addresses], lines if maps is None else maps,
                               [path] if arguments is None else arguments, env, build_id)
        return {a: by_pc.get(a + bias, []) for a in addresses}

    def compare(self, path, judges, reference=None, peer_options=None, **more):
        """Asks everybody, and holds the answers against each other. `reference`: the file that others read."""
        reference = reference or path
        ours = self.answers(path, places_of=reference, **more)
        theirs = {}
        for name, ask in peers.PEERS.items():
            theirs[name] = ask(reference, list(ours), *([peer_options[name]] if name in (peer_options or {}) else []))
        names = peers.Names()
        names.learn([ours, *theirs.values()])
        counts, wrong = [], []
        for name, answers in theirs.items():
            differing = [a for a in ours if names.frames(ours[a]) != names.frames(answers.get(a, []))]
            counts.append('%s %d' % (name, len(ours) - len(differing)))
            shown = {}
            for a in differing:
                pair = (str(names.frames(ours[a])), str(names.frames(answers.get(a, []))))
                shown.setdefault(pair, []).append(a)
            for pair, where in list(shown.items())[:6 if name in judges else 1]:
                self.remark('%#x and %d more: we say %s' % (where[0], len(where) - 1, pair[0]))
                self.remark('    %s: %s %s' % (name, pair[1], '(right)' if name in judges else '(wrong or silent)'))
            if differing and name in judges:
                wrong.append('%d of %d differ from %s' % (len(differing), len(ours), name))
        self.remark('%d addresses; as %s' % (len(ours), ', '.join(counts)))
        n_inlined = sum(len(frames) > 1 for frames in ours.values())
        n_named = sum(bool(frames) and not frames[-1][0].startswith('0x') for frames in ours.values())
        self.remark('%d with inlined calls, %d named' % (n_inlined, n_named))
        if wrong:
            raise Wrong('; '.join(wrong))
        if not any(j in theirs for j in judges):
            raise Wrong('nobody judges')
        return ours


def run_case(case, program, keep):
    with tempfile.TemporaryDirectory(prefix='cprof-symbols-') as scratch:
        folder = pathlib.Path(keep) / case.__name__ if keep else pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        workshop = Workshop(program, folder.resolve())
        try:
            case(workshop)
        except Wrong as wrong:
            return False, [*workshop.remarks, str(wrong)]
        except Exception:  # whatever it is, the other cases are run
            return False, [*workshop.remarks, *traceback.format_exc().splitlines(), workshop.cprof.told]
        return True, workshop.remarks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--keep', help='build in folders of this one, and leave them')
    parser.add_argument('program', type=pathlib.Path)
    parser.add_argument('cases', nargs='*')
    args = parser.parse_args()
    chosen = [c for group in GROUPS for c in group.CASES
              if not args.cases or any(fnmatch.fnmatch(c.__name__, p) for p in args.cases)]
    if args.list:
        print('\n'.join(c.__name__ for c in chosen))
        return 0
    print('1..%d' % len(chosen))
    failed = not chosen
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(run_case, case, args.program.resolve(), args.keep) for case in chosen]
        for number, (case, job) in enumerate(zip(chosen, jobs), 1):
            is_well, remarks = job.result()
            failed |= not is_well
            print('%sok %d - %s' % ('' if is_well else 'not ', number, case.__name__))
            print(''.join('# %s\n' % line for remark in remarks for line in remark.splitlines()), end='', flush=True)
    return failed


if __name__ == '__main__':
    sys.exit(main())
