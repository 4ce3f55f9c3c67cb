/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Machine code in words, by capstone: where one instruction ends, and what it says, spelled as
 * objdump does. Apart because nobody else may know capstone, which is opened by name when the first
 * instruction is asked for: a report without code should not pay for it, and a machine without it
 * still lists sources. The invariant: any bytes give a text, and each step is at least one byte. */
#include "report/internal.h"

#include <capstone/capstone.h>
#include <dlfcn.h>

#define LIBRARY_NAME_OF(major) "libcapstone.so." #major
#define LIBRARY_NAME(major)    LIBRARY_NAME_OF(major)
#define CAPSTONE               LIBRARY_NAME(CS_API_MAJOR)

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

static const struct machine machines[] = {
    /* clang-format off: a row each */
    {"x86-64", CS_ARCH_X86, CS_MODE_64, CS_MODE_64, 1, true},
    {"i386", CS_ARCH_X86, CS_MODE_32, CS_MODE_32, 1, true},
    {"AArch64", CS_ARCH_ARM64, CS_MODE_ARM, CS_MODE_ARM, 4, false},
    {"ARM", CS_ARCH_ARM, CS_MODE_ARM, CS_MODE_ARM, 4, false},
    {"PowerPC", CS_ARCH_PPC, CS_MODE_32, CS_MODE_64, 4, false},
    {"PowerPC64", CS_ARCH_PPC, CS_MODE_64, CS_MODE_64, 4, false},
    {"MIPS", CS_ARCH_MIPS, CS_MODE_MIPS32, CS_MODE_MIPS64, 4, false},
    {"S/390", CS_ARCH_SYSZ, CS_MODE_ARM, CS_MODE_ARM, 2, false},
    {"SPARC64", CS_ARCH_SPARC, CS_MODE_V9, CS_MODE_V9, 4, false},
    {"RISC-V", -1, 0, 0, 2, false},
    {"LoongArch", -1, 0, 0, 4, false},
    /* clang-format on */
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

/* ---- opening ------------------------------------------------------------------------------------
 */

static bool load(struct capstone_library *library)
{
    static const struct {
        const char *symbol;
        size_t at;
    } rows[] = {
#define ROW(name) {#name, offsetof(struct capstone_library, name)},
        CAPSTONE_FUNCTIONS(ROW)
#undef ROW
    };
    void *handle = dlopen(CAPSTONE, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; handle && i < COUNT_OF(rows); i++) {
        void *symbol = dlsym(handle, rows[i].symbol);
        if (!symbol)
            return false;
        memcpy((char *)library + rows[i].at, &symbol, sizeof symbol);
    }
    return handle != NULL;
}

static bool start(struct assembly *assembly, bool is_64, bool is_little)
{
    const struct machine *machine = assembly->machine;
    const int mode = (is_64 ? machine->mode_64 : machine->mode_32) |
                     (is_little ? CS_MODE_LITTLE_ENDIAN : (int)CS_MODE_BIG_ENDIAN);
    if (assembly->library.cs_open((cs_arch)machine->arch, (cs_mode)mode, &assembly->handle) !=
        CS_ERR_OK) {
        assembly->handle = 0;
        return false;
    }
    if (machine->is_x86)
        (void)assembly->library.cs_option(assembly->handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
    (void)assembly->library.cs_option(assembly->handle, CS_OPT_DETAIL, CS_OPT_ON);
    assembly->has_detail = true;
    assembly->instruction = assembly->library.cs_malloc(assembly->handle);
    return true;
}

struct assembly *assembly_open(struct object *object, struct strings *strings, struct notes *notes)
{
    struct assembly *assembly = base_alloc(1, sizeof *assembly);
    *assembly =
        (struct assembly){.object = object, .strings = strings, .scratch = BUF_MAX(WORDS_MAX)};
    bool is_64, is_little;
    const char *name = object_machine(object, &is_64, &is_little);
    for (size_t i = 0; i < COUNT_OF(machines) && !assembly->machine; i++) {
        if (span_is(span_of(name), machines[i].name))
            assembly->machine = &machines[i];
    }
    if (!object_is_elf(object))
        return assembly;
    if (!assembly->machine || assembly->machine->arch < 0)
        notes_add(notes, "%s: instructions of %s cannot be put into words: bytes are shown",
                  object_path(object), name);
    else if (!load(&assembly->library))
        notes_add(notes, "instructions need %s, which is not there: bytes are shown", CAPSTONE);
    else if (!start(assembly, is_64, is_little))
        notes_add(notes, "%s: this %s does not know the instructions of %s: bytes are shown",
                  object_path(object), CAPSTONE, name);
    return assembly;
}

void assembly_close(struct assembly *assembly)
{
    if (!assembly)
        return;
    if (assembly->instruction)
        assembly->library.cs_free(assembly->instruction, 1);
    if (assembly->handle)
        (void)assembly->library.cs_close(&assembly->handle);
    idmap_free(&assembly->labels);
    buf_free(&assembly->scratch);
    base_free(assembly);
}

/* ---- decoding -----------------------------------------------------------------------------------
 */

/* The instruction at the front; NULL: these bytes are none. */
static const cs_insn *decode(struct assembly *assembly, struct span code, uint64_t address,
                             bool with_detail)
{
    if (!assembly->handle)
        return NULL;
    if (assembly->has_detail != with_detail) {
        (void)assembly->library.cs_option(assembly->handle, CS_OPT_DETAIL,
                                          with_detail ? CS_OPT_ON : CS_OPT_OFF);
        assembly->has_detail = with_detail;
    }
    const uint8_t *bytes = (const uint8_t *)code.p;
    size_t n = code.n;
    const bool is_decoded = assembly->library.cs_disasm_iter(assembly->handle, &bytes, &n, &address,
                                                             assembly->instruction);
    return is_decoded && assembly->instruction->size ? assembly->instruction : NULL;
}

/* Bytes of a vector instruction in the forms that came with AVX (prefix c4 or c5) and AVX-512 (62),
 * many of which capstone does not know: stepping over all of it keeps what follows readable. 0: it
 * is none.
 *
 *     prefix  2 to 4 bytes, with the map that the opcode is in
 *     opcode, ModRM, then as ModRM says: SIB, 1 or 4 bytes of displacement; 1 byte immediate
 */
static uint32_t vector_length(struct span code)
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

static uint32_t step_over(const struct assembly *assembly, struct span code)
{
    const struct machine *machine = assembly->machine;
    const uint32_t vector = assembly->handle && machine->is_x86 ? vector_length(code) : 0;
    const uint32_t step = vector ? vector : machine ? machine->step : 1;
    return code.n < step ? (uint32_t)code.n : step;
}

uint32_t assembly_length(struct assembly *assembly, struct span code, uint64_t address)
{
    const cs_insn *instruction = decode(assembly, code, address, false);
    return instruction ? instruction->size : step_over(assembly, code);
}

/* ---- names for addresses ------------------------------------------------------------------------
 */

/* Names in code are shown without argument lists and template arguments. */
static const char *label_text(struct assembly *assembly, const char *raw)
{
    const uint64_t key = (uint64_t)(uintptr_t)raw;
    uint32_t id;
    if (!idmap_find(&assembly->labels, key, &id)) {
        const struct span name = span_of(raw);
        const size_t version = span_find(name, '@');
        str_id shown;
        if (version != SIZE_MAX && version > 0) {
            buf_clear(&assembly->scratch);
            buf_add(&assembly->scratch, span_first(name, version));
            shown = name_demangle(assembly->strings, buf_c(&assembly->scratch));
        } else {
            shown = name_demangle(assembly->strings, raw);
        }
        id = name_shorten(assembly->strings, shown, false);
        if (span_ends(name, "@plt"))
            id = strings_printf(assembly->strings, "%s@plt", strings_text(assembly->strings, id));
        (void)idmap_add(&assembly->labels, key, id, NULL);
    }
    return strings_text(assembly->strings, id);
}

/* " <bar+0x5>": of functions the name that reports show. */
static void add_label(struct assembly *assembly, uint64_t address, struct buf *out)
{
    struct object_symbol symbol;
    const char *name;
    uint64_t value;
    if (object_symbol(assembly->object, address, &symbol)) {
        name = symbol.name;
        value = symbol.value;
    } else if (!object_label(assembly->object, address, &name, &value)) {
        return;
    }
    buf_printf(out, " <%s", label_text(assembly, name));
    if (address != value)
        buf_printf(out, "+0x%llx", (unsigned long long)(address - value));
    buf_byte(out, '>');
}

/* ---- x86 ----------------------------------------------------------------------------------------
 */

static bool is_x86_jump(const cs_insn *instruction)
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
static struct span x86_mnemonic(const struct assembly *assembly, const cs_insn *instruction)
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

static void add_x86_memory(struct assembly *assembly, const cs_insn *instruction,
                           const x86_op_mem *mem, struct buf *out)
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
static unsigned x86_width(const cs_x86 *x86, unsigned i)
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
static bool is_misread(const struct assembly *assembly, const cs_insn *instruction)
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

static void add_x86(struct assembly *assembly, const cs_insn *instruction, struct buf *out)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    struct span mnemonic = span_trim(x86_mnemonic(assembly, instruction));
    const bool is_jump = is_x86_jump(instruction);
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
                add_label(assembly, (uint64_t)operand->imm, out);
            } else {
                const uint64_t value = cut_to((uint64_t)operand->imm, x86_width(x86, i));
                buf_printf(out, "$0x%llx", (unsigned long long)value);
            }
            break;
        case X86_OP_MEM:
            add_x86_memory(assembly, instruction, &operand->mem, out);
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
        add_label(assembly, target, out);
    }
}

/* ---- others -------------------------------------------------------------------------------------
 */

/* Capstone's own text, with the last operand of a branch named. */
static void add_plain(struct assembly *assembly, const cs_insn *instruction, struct buf *out)
{
    const struct span operands = span_of(instruction->op_str);
    if (operands.n == 0) {
        buf_text(out, instruction->mnemonic);
        return;
    }
    buf_printf(out, "%-6s ", instruction->mnemonic);
    bool is_branch = false;
    for (unsigned i = 0; i < instruction->detail->groups_count; i++) {
        const unsigned group = instruction->detail->groups[i];
        is_branch |=
            group == CS_GRP_JUMP || group == CS_GRP_CALL || group == CS_GRP_BRANCH_RELATIVE;
    }
    size_t at = span_find_last(operands, ' ');
    at = at == SIZE_MAX ? 0 : at + 1;
    struct span last = span_skip(operands, at);
    (void)span_take(&last, "#");
    uint64_t target;
    if (is_branch && span_starts(last, "0x") && span_hex(last, &target)) {
        buf_add(out, span_first(operands, at));
        buf_printf(out, "%llx", (unsigned long long)target);
        add_label(assembly, target, out);
        return;
    }
    buf_add(out, operands);
}

static void add_bytes(const struct assembly *assembly, struct span code, struct buf *out)
{
    const uint32_t n = step_over(assembly, code);
    if (n == 1 && assembly->handle && assembly->machine->is_x86) {
        buf_text(out, "(bad)");
        return;
    }
    buf_text(out, ".byte ");
    for (uint32_t i = 0; i < n; i++)
        buf_printf(out, i ? ",0x%02x" : "0x%02x", (unsigned char)code.p[i]);
}

void assembly_text(struct assembly *assembly, struct span code, uint64_t address, struct buf *out)
{
    const cs_insn *instruction = decode(assembly, code, address, true);
    if (!instruction || (assembly->machine->is_x86 && is_misread(assembly, instruction)))
        add_bytes(assembly, code, out);
    else if (assembly->machine->is_x86)
        add_x86(assembly, instruction, out);
    else
        add_plain(assembly, instruction, out);
}
