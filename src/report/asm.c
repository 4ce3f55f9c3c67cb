/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Machine code in words, by capstone: where one instruction ends, and what it says, spelled as
 * objdump does. Apart because nobody else may know capstone, which is opened by name when the first
 * instruction is asked for: a report without code should not pay for it, and a machine without it
 * still lists sources. The invariant: any bytes give a text, and each step is at least one byte. */
#include "report/asm.h"

#include <dlfcn.h>

#define LIBRARY_NAME_OF(major) "libcapstone.so." #major
#define LIBRARY_NAME(major)    LIBRARY_NAME_OF(major)
#define CAPSTONE               LIBRARY_NAME(CS_API_MAJOR)

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

static uint32_t step_over(const struct assembly *assembly, struct span code)
{
    const struct machine *machine = assembly->machine;
    const uint32_t vector = assembly->handle && machine->is_x86 ? x86_vector_length(code) : 0;
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

void assembly_add_label(struct assembly *assembly, uint64_t address, struct buf *out)
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
        assembly_add_label(assembly, target, out);
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
    if (!instruction || (assembly->machine->is_x86 && x86_is_misread(assembly, instruction)))
        add_bytes(assembly, code, out);
    else if (assembly->machine->is_x86)
        x86_text(assembly, instruction, out);
    else
        add_plain(assembly, instruction, out);
}
