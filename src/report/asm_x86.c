/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Instructions of x86 as objdump spells them. Apart because capstone's own text is another
 * spelling: suffixes, prefixes, masks and targets are put together here from its operands. */
#include "report/asm.h"

/* ---- what capstone does not decode --------------------------------------------------------------
 */

/*     prefix  2 to 4 bytes, with the map that the opcode is in
 *     opcode, ModRM, then as ModRM says: SIB, 1 or 4 bytes of displacement; 1 byte immediate
 */
uint32_t x86_vector_length(struct span code)
{
    const uint8_t *p = (const uint8_t *)code.p;
    const uint32_t prefix = p[0] == 0x62 ? 4 : p[0] == 0xc4 ? 3 : p[0] == 0xc5 ? 2 : 0;
    if (!prefix || code.n < prefix + 2)
        return 0;
    const unsigned map = p[0] == 0xc5 ? 1 : p[0] == 0xc4 ? p[1] & 0x1f : p[1] & 7;
    const unsigned opcode = p[prefix], mod = p[prefix + 1] >> 6, rm = p[prefix + 1] & 7;
    if (map < 1 || map > 6)
        return 0;
    uint32_t n = prefix + 2;
    if (mod != 3 && rm == 4) {
        if (code.n < n + 1)
            return 0;
        n += 1 + (mod == 0 && (p[n] & 7) == 5 ? 4 : 0);
    }
    n += mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == 5) ? 4 : 0;
    const bool has_immediate =
        map == 3 || (map == 1 && ((opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 ||
                                  (opcode >= 0xc4 && opcode <= 0xc6)));
    n += has_immediate;
    return n <= code.n ? n : 0;
}

static bool is_jump_or_call(const cs_insn *instruction)
{
    for (unsigned i = 0; i < instruction->detail->groups_count; i++) {
        const unsigned group = instruction->detail->groups[i];
        if (group == CS_GRP_JUMP || group == CS_GRP_CALL)
            return true;
    }
    return instruction->id == X86_INS_XBEGIN;
}

static bool is_general(x86_reg reg, const char *name)
{
    if (!name || reg == X86_REG_INVALID)
        return false;
    const struct span s = span_of(name);
    static const char *const others[] = {"xmm", "ymm", "zmm", "mm", "st", "k", "cr", "dr", "bnd"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        const size_t n = strlen(others[i]);
        if (span_starts(s, others[i]) && s.n > n && s.p[n] >= '0' && s.p[n] <= '9')
            return false;
    }
    return !span_starts(s, "st(") && !span_is(s, "st");
}

static bool is_shift(const cs_insn *instruction)
{
    switch (instruction->id) {
    case X86_INS_SHL:
    case X86_INS_SHR:
    case X86_INS_SAR:
    case X86_INS_SAL:
    case X86_INS_ROL:
    case X86_INS_ROR:
    case X86_INS_RCL:
    case X86_INS_RCR:
        return true;
    default:
        return false;
    }
}

/* Of a shift in memory by %cl capstone leaves out the %cl. */
static bool is_shift_by_cl(const cs_insn *instruction)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    return is_shift(instruction) && x86->op_count == 1 && (x86->opcode[0] & 0xfe) == 0xd2;
}

static bool is_shift_by_one(const cs_insn *instruction)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    return is_shift(instruction) && x86->op_count == 2 && (x86->opcode[0] & 0xfe) == 0xd0;
}

/* Capstone ends every mnemonic in the size of its operands; objdump only where no register tells.
 */
static struct span choose_mnemonic(const struct assembly *assembly, const cs_insn *instruction)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    struct span mnemonic = span_of(instruction->mnemonic);
    const size_t space = span_find_last(span_trim(mnemonic), ' '); /* "lock cmpxchgl" */
    const struct span last = space == SIZE_MAX ? mnemonic : span_skip(mnemonic, space + 1);
    const struct span name =
        span_of(assembly->library.cs_insn_name(assembly->handle, instruction->id));
    const bool has_suffix = last.n == name.n + 1 && span_equal(span_first(last, name.n), name) &&
                            last.p[last.n - 1] != ' ' && memchr("bwlq", last.p[last.n - 1], 4);
    if (!has_suffix)
        return mnemonic;
    switch (instruction->id) {
    case X86_INS_CALL:
    case X86_INS_JMP:
    case X86_INS_RET:
    case X86_INS_LEAVE:
    case X86_INS_PUSH:
    case X86_INS_POP:
        mnemonic.n--;
        return mnemonic;
    default:
        break;
    }
    for (unsigned i = is_shift(instruction) && x86->op_count > 1 ? 1 : 0; i < x86->op_count; i++) {
        const cs_x86_op *operand = &x86->operands[i];
        if (operand->type == X86_OP_REG &&
            is_general(operand->reg,
                       assembly->library.cs_reg_name(assembly->handle, operand->reg))) {
            mnemonic.n--;
            return mnemonic;
        }
    }
    return mnemonic;
}

static void add_register(struct assembly *assembly, unsigned reg, struct buf *out)
{
    const char *name = assembly->library.cs_reg_name(assembly->handle, reg);
    buf_printf(out, "%%%s", name ? name : "?");
}

static void add_signed(int64_t value, struct buf *out)
{
    if (value < 0)
        buf_printf(out, "-0x%llx", (unsigned long long)(0 - (uint64_t)value));
    else
        buf_printf(out, "0x%llx", (unsigned long long)value);
}

static void add_memory(struct assembly *assembly, const cs_insn *instruction, const x86_op_mem *mem,
                       struct buf *out)
{
    if (mem->segment != X86_REG_INVALID && instruction->id != X86_INS_NOP) {
        add_register(assembly, mem->segment, out);
        buf_byte(out, ':');
    }
    const bool is_absolute = mem->base == X86_REG_INVALID && mem->index == X86_REG_INVALID;
    if (is_absolute)
        buf_printf(out, "0x%llx", (unsigned long long)mem->disp);
    else if (mem->disp != 0 || instruction->detail->x86.encoding.disp_size != 0)
        add_signed(mem->disp, out);
    if (is_absolute)
        return;
    buf_byte(out, '(');
    if (mem->base != X86_REG_INVALID)
        add_register(assembly, mem->base, out);
    if (mem->index != X86_REG_INVALID) {
        buf_byte(out, ',');
        add_register(assembly, mem->index, out);
        buf_printf(out, ",%d", mem->scale);
    }
    buf_byte(out, ')');
}

static uint64_t cut_to(uint64_t value, unsigned size)
{
    return size && size < 8 ? value & (((uint64_t)1 << size * 8) - 1) : value;
}

/* The width that an immediate is shown in: that of the other operand. */
static unsigned width_of(const cs_x86 *x86, unsigned i)
{
    unsigned width = x86->operands[i].size;
    for (unsigned k = 0; k < x86->op_count; k++) {
        if (k != i && x86->operands[k].size > width && x86->operands[k].size <= 8)
            width = x86->operands[k].size;
    }
    return width;
}

/* Masks stand among capstone's operands as if they were any; its text has them right. */
static bool is_masked(const cs_insn *instruction)
{
    return instruction->bytes[0] == 0x62 && strchr(instruction->op_str, '{');
}

/* Capstone 4 takes the index of such operands for a vector where it is none. */
bool x86_is_misread(const struct assembly *assembly, const cs_insn *instruction)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    if (instruction->bytes[0] != 0x62 || strstr(instruction->mnemonic, "gather") ||
        strstr(instruction->mnemonic, "scatter"))
        return false;
    for (unsigned i = 0; i < x86->op_count; i++) {
        if (x86->operands[i].type != X86_OP_MEM || x86->operands[i].mem.index == X86_REG_INVALID)
            continue;
        const char *name =
            assembly->library.cs_reg_name(assembly->handle, x86->operands[i].mem.index);
        if (name && strstr(name, "mm"))
            return true;
    }
    return false;
}

static void add_without_spaces(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != ' ')
            buf_byte(out, text.p[i]);
    }
}

/* Prefixes that only make an instruction longer: "data16 cs nopw". */
static void add_padding(const cs_insn *instruction, struct buf *out)
{
    if (instruction->id != X86_INS_NOP)
        return;
    unsigned wides = 0, segments = 0;
    for (unsigned i = 0; i < instruction->size; i++) {
        wides += instruction->bytes[i] == 0x66;
        segments += instruction->bytes[i] == 0x2e;
        if (instruction->bytes[i] != 0x66 && instruction->bytes[i] != 0x2e)
            break;
    }
    for (; wides > 1; wides--)
        buf_text(out, "data16 ");
    if (segments)
        buf_text(out, "cs ");
}

void x86_text(struct assembly *assembly, const cs_insn *instruction, struct buf *out)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    struct span mnemonic = span_trim(choose_mnemonic(assembly, instruction));
    const bool is_jump = is_jump_or_call(instruction);
    uint64_t target = 0;
    bool has_target = false;
    if (instruction->id == X86_INS_NOP && instruction->size == 2 && instruction->bytes[0] == 0x66) {
        buf_text(out, "xchg   %ax,%ax");
        return;
    }
    if (x86->op_count == 0) {
        buf_add(out, mnemonic);
        if (*instruction->op_str) /* implied operands, which only the text has */
            buf_printf(out, " %s", instruction->op_str);
        return;
    }
    if (span_is(mnemonic, "movd") && (x86->rex & 8))
        mnemonic = span_of("movq");
    add_padding(instruction, out);
    buf_printf(out, "%-6.*s ", (int)mnemonic.n, mnemonic.p);
    if (is_masked(instruction)) {
        add_without_spaces(span_of(instruction->op_str), out);
        return;
    }
    if (is_shift_by_cl(instruction))
        buf_text(out, "%cl,");
    for (unsigned i = 0; i < x86->op_count; i++) {
        const cs_x86_op *operand = &x86->operands[i];
        if (i == 0 && is_shift_by_one(instruction))
            continue;
        if (i && out->n && out->p[out->n - 1] != ' ')
            buf_byte(out, ',');
        if (is_jump && operand->type != X86_OP_IMM)
            buf_byte(out, '*');
        switch (operand->type) {
        case X86_OP_REG:
            add_register(assembly, operand->reg, out);
            break;
        case X86_OP_IMM:
            if (is_jump) {
                buf_printf(out, "%llx", (unsigned long long)operand->imm);
                assembly_add_label(assembly, (uint64_t)operand->imm, out);
            } else {
                const uint64_t value = cut_to((uint64_t)operand->imm, width_of(x86, i));
                buf_printf(out, "$0x%llx", (unsigned long long)value);
            }
            break;
        case X86_OP_MEM:
            add_memory(assembly, instruction, &operand->mem, out);
            if (operand->mem.base == X86_REG_RIP) {
                has_target = true;
                target = instruction->address + instruction->size + (uint64_t)operand->mem.disp;
            }
            break;
        default:
            buf_byte(out, '?');
            break;
        }
    }
    if (has_target) {
        buf_printf(out, "        # %llx", (unsigned long long)target);
        assembly_add_label(assembly, target, out);
    }
}
