#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the completion for bash offers, word by word, without a terminal. Results are TAP.
#
# usage: completion.sh FILE
set -u
# shellcheck source=/dev/null
source "$1" || exit 1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
mkdir images
touch late.heap 'late second.heap'

n=0
bad=0
# expect WANTED WORD...: the words of a command line, of which the last one is to be completed.
expect() {
    local wanted=$1
    shift
    COMP_WORDS=(cprof "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _cprof 2>/dev/null
    local got
    got=$(printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"} | LC_ALL=C sort | paste -s -d '|')
    n=$((n + 1))
    if [ "$got" = "$wanted" ]; then
        echo "ok $n - $*"
    else
        echo "not ok $n - $*"
        echo "# wanted $wanted, got $got"
        bad=1
    fi
}

echo 1..10
expect '--inuse_objects|--inuse_space' --inu
expect '--focus=' --foc
expect '--version' --text --vers
expect 'late second.heap|late.heap' --base = late
expect 'images' --lib_prefix ''
expect 'heap' --reader = he
expect '' --focus = la
expect 'late second.heap' --text 'late s'
expect '--heap' run --he
expect 'late second.heap|late.heap' run -o late
exit $bad
