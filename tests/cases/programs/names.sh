# Functions that are all name: mangled, cloned, local.
cp -n "$PROGRAMS/names.s" . &&
as --64 -o names.o names.s &&
ld -static -nostdlib -Ttext=0x401000 -o names names.o
