as --64 -o other.o other.s && ld -shared -o libother.so other.o &&
as --64 -o near.o near.s &&
ld -pie -z separate-code -E -e near -I /lib64/ld.so -o prog near.o ./libother.so && objcopy -S prog prog
