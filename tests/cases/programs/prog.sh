# A program at fixed addresses, with line information.
cp -n "$PROGRAMS/prog.s" . &&
as --64 -g --debug-prefix-map "$PWD"=. -o prog.o prog.s &&
ld -static -nostdlib -Ttext=0x401000 -o prog prog.o
