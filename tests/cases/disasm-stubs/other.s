        .globl  far, _ZN2ns4workEi
        .type   far, @function
        .type   _ZN2ns4workEi, @function
far:    ret
        .size   far, .-far
_ZN2ns4workEi:
        ret
        .size   _ZN2ns4workEi, .-_ZN2ns4workEi
