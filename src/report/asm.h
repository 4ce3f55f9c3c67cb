/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files that put machine code in words share. Nobody but asm*.c looks in here: nobody else
 * knows capstone. */
#pragma once

#include "report/internal.h"

#include <capstone/capstone.h>

#define CAPSTONE_FUNCTIONS(X)                                                                      \
    X(cs_open)                                                                                     \
    X(cs_close)                                                                                    \
    X(cs_option)                                                                                   \
    X(cs_malloc)                                                                                   \
    X(cs_free)                                                                                     \
    X(cs_disasm_iter)                                                                              \
    X(cs_reg_name)                                                                                 \
    X(cs_insn_name)

struct capstone_library {
#define MEMBER(name) __typeof__(&name) name;
    CAPSTONE_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* How a machine's code is read. `step`: the shortest instruction, which is also how far a byte that
 * is none takes us. */
struct machine {
    const char *name; /* object_machine's */
    int arch, mode_32, mode_64;
    uint32_t step;
    bool is_x86;
};

struct assembly {
    struct object *object;
    struct strings *strings;
    const struct machine *machine; /* NULL: unknown */
    struct capstone_library library;
    csh handle; /* 0: bytes are shown as they are */
    cs_insn *instruction;
    bool has_detail;     /* what the handle is set to */
    struct idmap labels; /* raw name, by its address, to its text as shown */
    struct buf scratch;
};

/* Adds " <bar+0x5>": of functions the name that reports show. */
void assembly_add_label(struct assembly *assembly, uint64_t address, struct buf *out);

/* ---- asm_x86.c --------------------------------------------------------------------------------
 */

/* Bytes of a vector instruction in the forms that came with AVX (prefix c4 or c5) and AVX-512 (62),
 * many of which capstone does not know: stepping over all of it keeps what follows readable. 0: it
 * is none. */
uint32_t x86_vector_length(struct span code);
/* Whether capstone takes a register for another: what it says would be wrong. */
bool x86_is_misread(const struct assembly *assembly, const cs_insn *instruction);
void x86_text(struct assembly *assembly, const cs_insn *instruction, struct buf *out);
