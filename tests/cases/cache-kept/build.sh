# Texts that cannot be packed well, so that it is worth to keep them unpacked.
cp "$PROGRAMS/prog.s" . &&
python3 -c 'import random; r = random.Random(1)
print(".section .debug_str,\"\",@progbits")
for i in range(12000): print(".asciz \"%064x\"" % r.getrandbits(256))' >> prog.s &&
as --64 -g --debug-prefix-map "$PWD"=. -o prog.o prog.s &&
ld -static -nostdlib -Ttext=0x401000 --build-id=0x0123abcd --compress-debug-sections=zlib -o prog prog.o
