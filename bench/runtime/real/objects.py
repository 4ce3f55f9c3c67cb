# SPDX-License-Identifier: BSD-3-Clause
#
# Run with PYTHONMALLOC=malloc: every object of the interpreter
# comes from malloc.  Builds and drops dicts, lists, strings and JSON text.
import json
import random


class Node:
    def __init__(self, key, left=None, right=None):
        self.key, self.left, self.right = key, left, right


def insert(root, key):
    if root is None:
        return Node(key)
    at = root
    while True:
        side = "left" if key < at.key else "right"
        below = getattr(at, side)
        if below is None:
            setattr(at, side, Node(key))
            return root
        at = below


def main():
    r = random.Random(1)
    words = {}
    for _ in range(400000):
        w = "w%d" % int(r.paretovariate(0.8))
        words.setdefault(w, []).append(len(w))
    root = None
    for _ in range(40000):
        root = insert(root, r.random())
    text = json.dumps({w: v for w, v in words.items() if len(v) < 50})
    for _ in range(3):
        back = json.loads(text)
    rows = [tuple(str(i * k) for k in range(6)) for i in range(80000)]
    rows.sort(key=lambda t: t[3])
    print(len(words), len(back), len(text), rows[0][1])


main()
