#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Joins static libraries into an archive of one object, in which what is hidden is local. What can be written is in
# sections of our own, so that the leak checker can tell it from the program's data (heapcheck/modules.c).
#   archive.sh LD OBJCOPY AR ARCHIVE FOLDER LIBRARY...
set -eu
ld=$1 objcopy=$2 ar=$3 archive=$4 folder=$5
shift 5
mkdir -p "$folder"
object=$folder/$(basename "$archive" .a).o
"$ld" -r -o "$object" --whole-archive "$@"
"$objcopy" --localize-hidden --rename-section .data=cprof_data --rename-section .data.rel.local=cprof_data \
    --rename-section .bss=cprof_bss "$object"
rm -f "$archive"
"$ar" rcsD "$archive" "$object"
