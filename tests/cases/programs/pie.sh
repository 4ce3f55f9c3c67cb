# The same program as prog.sh makes, but for any address; and a copy under another name.
cp -n "$PROGRAMS/prog.s" . &&
as --64 -g --debug-prefix-map "$PWD"=. -o prog.o prog.s &&
ld -pie -static -z separate-code -o prog prog.o && cp prog moved
