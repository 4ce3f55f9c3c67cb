        .globl  near
        .type   near, @function
near:   call    far@PLT
        call    _ZN2ns4workEi@PLT
        ret
        .size   near, .-near
