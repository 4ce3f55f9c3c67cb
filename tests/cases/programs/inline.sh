# inline.c, as a compiler once wrote it down: inlined calls at addresses that stay.
cp -n "$PROGRAMS/inline.s" "$PROGRAMS/inline.c" . &&
as --64 -o inline.o inline.s &&
ld -static -nostdlib -Ttext=0x401000 -o inline inline.o
