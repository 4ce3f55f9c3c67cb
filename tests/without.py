#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run a program where the system has no Landlock, or no filters of system calls, as old kernels and containers answer.

usage: without.py landlock|filters PROGRAM [ARGUMENT...]
"""
import ctypes
import errno
import os
import platform
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
RETURN_ERROR, RETURN_ALLOW = 0x00050000, 0x7fff0000
LANDLOCK_CREATE_RULESET = 444
PRCTL = 157 if platform.machine() == 'x86_64' else 167
# Instructions of the filter, and where it looks.
LOAD, SKIP_UNLESS_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, FIRST_ARGUMENT = 0, 16


def rows_for(what):
    if what == 'landlock':
        return [(LOAD, 0, 0, NUMBER), (SKIP_UNLESS_EQUAL, 0, 1, LANDLOCK_CREATE_RULESET),
                (RETURN, 0, 0, RETURN_ERROR | errno.ENOSYS), (RETURN, 0, 0, RETURN_ALLOW)]
    return [(LOAD, 0, 0, NUMBER), (SKIP_UNLESS_EQUAL, 0, 3, PRCTL), (LOAD, 0, 0, FIRST_ARGUMENT),
            (SKIP_UNLESS_EQUAL, 0, 1, PR_SET_SECCOMP), (RETURN, 0, 0, RETURN_ERROR | errno.EINVAL),
            (RETURN, 0, 0, RETURN_ALLOW)]


def main():
    rows = rows_for(sys.argv[1])
    code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *row) for row in rows))
    program = ctypes.create_string_buffer(struct.pack('HP', len(rows), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, MODE_FILTER, program, 0, 0)):
        if libc.prctl(*(word if word is program else ctypes.c_ulong(word) for word in words)) != 0:
            sys.exit('without.py: %s' % os.strerror(ctypes.get_errno()))
    os.execv(sys.argv[2], sys.argv[2:])


main()
