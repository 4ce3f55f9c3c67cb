# A program and a shared library, which also lies under root/lib/. A case may bring a lib.s of its own.
cp -n "$PROGRAMS/lib.s" "$PROGRAMS/main.s" . &&
as --64 -g --debug-prefix-map "$PWD"=. -o lib.o lib.s &&
ld -shared -z separate-code -o libdemo.so.1 lib.o &&
as --64 -o main.o main.s && ld -static -nostdlib -Ttext=0x401000 -o main main.o &&
mkdir -p root/lib && cp libdemo.so.1 root/lib/
