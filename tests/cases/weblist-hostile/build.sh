# Markup in the names of file and function and in the source.
mkdir '<b>' && cat >'<b>/"&.s' <<'END'
        .globl  _start
        .type   _start, @function
_start: nop     # <script>alert(1)</script> & </pre>
        call    "<img src=x&"
        .size   _start, .-_start
        .type   "<img src=x&", @function
"<img src=x&":
        nop
        ret
        .size   "<img src=x&", .-"<img src=x&"
END
as --64 -g --debug-prefix-map "$PWD"=. -o prog.o '<b>/"&.s' &&
ld -static -nostdlib -Ttext=0x401000 -o '<i>prog' prog.o
