#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Joins static libraries into an archive of one object, in which what is hidden is local.
#   archive.sh LD OBJCOPY AR ARCHIVE FOLDER LIBRARY...
set -eu
ld=$1 objcopy=$2 ar=$3 archive=$4 folder=$5
shift 5
mkdir -p "$folder"
object=$folder/$(basename "$archive" .a).o
"$ld" -r -o "$object" --whole-archive "$@"
"$objcopy" --localize-hidden "$object"
rm -f "$archive"
"$ar" rcsD "$archive" "$object"
