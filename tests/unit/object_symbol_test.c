/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which symbol an address belongs to, and by which of its names: small symbol tables, each with one
 * thing in it. */
#include "object_elf.h"

#include "object/object.h"

struct fixture {
    char folder[64], path[256];
    struct elf_maker maker;
    uint32_t text, other, data; /* .text 0x1000-0x1100, .other 0x2000-0x2040, .data 0x3000 */
    uint32_t symtab, dynsym;
    struct object *object;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    make_folder(f->folder);
    path_in(f->folder, "object", f->path);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    object_close(f->object);
    (void)unlink(f->path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static void start(struct fixture *f)
{
    f->maker = elf_maker(ET_EXEC);
    f->text = elf_code(&f->maker, ".text", 0x1000, 0x100);
    f->other = elf_code(&f->maker, ".other", 0x2000, 0x40);
    f->data =
        elf_section(&f->maker, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0x3000, "0123456", 8);
}

static void symbols(struct fixture *f)
{
    start(f);
    f->symtab = elf_symbols(&f->maker, SHT_SYMTAB);
}

static void add(struct fixture *f, const char *name, uint64_t value, uint64_t size,
                unsigned binding, unsigned type)
{
    elf_symbol(&f->maker, f->symtab, name, value, size, binding, type,
               value < 0x2000   ? f->text
               : value < 0x3000 ? f->other
                                : f->data);
}

static void finish(struct fixture *f)
{
    struct error err;
    elf_write(&f->maker, f->path);
    object_close(f->object);
    assert_true(object_open(f->path, NULL, NULL, &f->object, &err));
}

/* "name", "name = alias", with "*" behind an alias that nm would have shown without its address. */
static const char *at(struct fixture *f, uint64_t address, char text[128])
{
    struct object_symbol symbol;
    if (!object_symbol(f->object, address, &symbol))
        return "none";
    (void)snprintf(
        text, 128, "%s%s%s%s", symbol.name, strcmp(symbol.name, symbol.alias) ? " = " : "",
        strcmp(symbol.name, symbol.alias) ? symbol.alias : "", symbol.alias_is_tagged ? "" : "*");
    return text;
}

#define assert_at(f, address, wanted)                                                              \
    do {                                                                                           \
        char text_[128];                                                                           \
        assert_string_equal(at((f), (address), text_), (wanted));                                  \
    } while (0)

static void covering(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    add(f, "second", 0x1020, 0x10, STB_GLOBAL, STT_FUNC);
    add(f, "first", 0x1010, 0x8, STB_LOCAL, STT_FUNC);
    add(f, "unsized", 0x1040, 0, STB_GLOBAL, STT_NOTYPE);
    add(f, "elsewhere", 0x2010, 0x10, STB_WEAK, STT_FUNC);
    finish(f);
    assert_true(object_has_symbols(f->object));
    assert_at(f, 0x100f, "none");
    assert_at(f, 0x1010, "first");
    assert_at(f, 0x1017, "first");
    assert_at(f, 0x1018, "first"); /* padding belongs to what is before */
    assert_at(f, 0x1020, "second");
    assert_at(f, 0x103f, "second");
    assert_at(f, 0x1040, "unsized");
    assert_at(f, 0x10ff, "unsized");
    assert_at(f, 0x1100, "none"); /* no section */
    assert_at(f, 0x2000, "none"); /* another section than the nearest symbol's */
    assert_at(f, 0x2010, "elsewhere");
    assert_at(f, 0x203f, "elsewhere");
    assert_at(f, 0x2040, "none");
    assert_at(f, 0, "none");
    assert_at(f, UINT64_MAX, "none");
    struct object_symbol symbol;
    assert_true(object_symbol(f->object, 0x1025, &symbol));
    assert_int_equal(symbol.value, 0x1020);
    assert_int_equal(symbol.size, 0x10);
}

static void overlapping(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    add(f, "outer", 0x1000, 0x80, STB_GLOBAL, STT_FUNC);
    add(f, "label", 0x1008, 0, STB_LOCAL, STT_NOTYPE);
    add(f, "inner", 0x1010, 0x20, STB_LOCAL, STT_FUNC);
    add(f, "untyped", 0x1018, 0x4, STB_GLOBAL, STT_NOTYPE);
    add(f, "innermost", 0x1020, 0x8, STB_WEAK, STT_FUNC);
    finish(f);
    assert_at(f, 0x1001, "outer");
    assert_at(f, 0x1009, "outer"); /* a label does not cover */
    assert_at(f, 0x1019, "inner"); /* a function rather than what has no type */
    assert_at(f, 0x1024, "innermost");
    assert_at(f, 0x1028, "inner");
    assert_at(f, 0x1030, "outer");
    assert_at(f, 0x1080, "innermost"); /* the nearest one before */
}

static void one_value(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    /* Function before untyped, smaller, first in the table whatever its binding. */
    add(f, "a_untyped", 0x1000, 4, STB_GLOBAL, STT_NOTYPE);
    add(f, "function", 0x1000, 8, STB_LOCAL, STT_FUNC);
    add(f, "large", 0x1010, 16, STB_GLOBAL, STT_FUNC);
    add(f, "small", 0x1010, 8, STB_LOCAL, STT_FUNC);
    add(f, "local", 0x1020, 8, STB_LOCAL, STT_FUNC);
    add(f, "weak", 0x1020, 8, STB_WEAK, STT_FUNC);
    add(f, "global", 0x1020, 8, STB_GLOBAL, STT_FUNC);
    add(f, "z", 0x1030, 8, STB_GLOBAL, STT_FUNC);
    add(f, "y", 0x1030, 8, STB_GLOBAL, STT_FUNC);
    finish(f);
    assert_at(f, 0x1001, "function*");
    assert_at(f, 0x1011, "small*");
    assert_at(f, 0x1018, "large = small*");
    assert_at(f, 0x1021, "local*"); /* 'weak' comes last, but nm says W */
    assert_at(f, 0x1031, "z*");
}

static void aliases(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    add(f, "alone", 0x1000, 8, STB_GLOBAL, STT_FUNC);
    add(f, "b_weak", 0x1010, 8, STB_WEAK, STT_FUNC);
    add(f, "a_weak", 0x1010, 8, STB_WEAK, STT_FUNC);
    add(f, "b_text", 0x1020, 8, STB_GLOBAL, STT_FUNC);
    add(f, "a_weak", 0x1020, 8, STB_WEAK, STT_FUNC);
    add(f, "a_text", 0x1030, 8, STB_GLOBAL, STT_FUNC);
    add(f, "b_weak", 0x1030, 8, STB_WEAK, STT_FUNC);
    add(f, "a_text", 0x1040, 8, STB_GLOBAL, STT_FUNC);
    add(f, "b_ifunc", 0x1040, 8, STB_GLOBAL, STT_GNU_IFUNC);
    add(f, "twin", 0x1050, 8, STB_LOCAL, STT_FUNC);
    add(f, "twin", 0x1050, 8, STB_LOCAL, STT_FUNC);
    finish(f);
    assert_at(f, 0x1000, "alone");
    assert_at(f, 0x1010, "b_weak = a_weak");
    assert_at(f, 0x1020, "b_text*");
    assert_at(f, 0x1030, "a_text");
    assert_at(f, 0x1040, "a_text");
    assert_at(f, 0x1050, "twin*");
}

static void versions(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    add(f, "malloc@@GLIBC_2.2.5", 0x1000, 8, STB_GLOBAL, STT_FUNC);
    add(f, "fwd@OLD", 0x1010, 8, STB_GLOBAL, STT_FUNC);
    add(f, "@odd", 0x1020, 8, STB_GLOBAL, STT_FUNC);
    finish(f);
    assert_at(f, 0x1000, "malloc");
    assert_at(f, 0x1010, "fwd");
    assert_at(f, 0x1020, "@odd");
    struct object_symbol a, b;
    assert_true(object_symbol(f->object, 0x1000, &a) && object_symbol(f->object, 0x1001, &b));
    assert_ptr_equal(a.name, b.name); /* a name stays where it is */
}

static void what_does_not_count(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    const uint32_t t = f->symtab;
    elf_symbol(&f->maker, t, "", 0x1000, 8, STB_GLOBAL, STT_FUNC, f->text);
    elf_symbol(&f->maker, t, "zero", 0, 0x2000, STB_GLOBAL, STT_FUNC, f->text);
    elf_symbol(&f->maker, t, "object", 0x1000, 8, STB_GLOBAL, STT_OBJECT, f->text);
    elf_symbol(&f->maker, t, "tls", 0x1000, 8, STB_GLOBAL, STT_TLS, f->text);
    elf_symbol(&f->maker, t, "section", 0x1000, 0, STB_LOCAL, STT_SECTION, f->text);
    elf_symbol(&f->maker, t, "file", 0x1000, 0, STB_LOCAL, STT_FILE, SHN_ABS);
    elf_symbol(&f->maker, t, "absolute", 0x1000, 8, STB_GLOBAL, STT_NOTYPE, SHN_ABS);
    elf_symbol(&f->maker, t, "common", 0x1000, 8, STB_GLOBAL, STT_NOTYPE, SHN_COMMON);
    elf_symbol(&f->maker, t, "undefined", 0x1000, 8, STB_GLOBAL, STT_FUNC, SHN_UNDEF);
    elf_symbol(&f->maker, t, "in_data", 0x3000, 8, STB_GLOBAL, STT_FUNC, f->data);
    elf_symbol(&f->maker, t, "no_section", 0x1000, 8, STB_GLOBAL, STT_FUNC, 99);
    finish(f);
    assert_false(object_has_symbols(f->object));
    assert_at(f, 0x1000, "none");
    assert_at(f, 0x3000, "none");
}

static void marks(void **state)
{
    struct fixture *f = *state;
    static const uint16_t machines[] = {EM_X86_64, EM_AARCH64, EM_RISCV, EM_ARM};
    for (size_t i = 0; i < COUNT_OF(machines); i++) {
        symbols(f);
        f->maker.machine = machines[i];
        add(f, "$x", 0x1000, 0, STB_LOCAL, STT_NOTYPE);
        add(f, "$d.7", 0x1010, 0, STB_LOCAL, STT_NOTYPE);
        add(f, "$xrv64gc", 0x1020, 0, STB_LOCAL, STT_NOTYPE);
        add(f, "$dollar", 0x1031, 2, STB_GLOBAL, STT_FUNC);
        add(f, ".Local", 0x1040, 0, STB_LOCAL, STT_NOTYPE);
        finish(f);
        const bool is_x86 = machines[i] == EM_X86_64;
        assert_at(f, 0x1000, is_x86 ? "$x" : "none");
        assert_at(f, 0x1010, is_x86 ? "$d.7" : "none");
        assert_at(f, 0x1020, machines[i] == EM_RISCV ? "none" : "$xrv64gc");
        assert_at(f, 0x1032, "$dollar");
        struct object_symbol symbol;
        assert_true(object_symbol(f->object, 0x1031, &symbol));
        assert_int_equal(symbol.value, machines[i] == EM_ARM ? 0x1030 : 0x1031); /* Thumb */
        assert_at(f, 0x1040, machines[i] == EM_RISCV ? "$dollar" : ".Local");
    }
}

static void dynamic_only(void **state)
{
    struct fixture *f = *state;
    start(f);
    f->symtab = elf_symbols(&f->maker, SHT_DYNSYM);
    add(f, "exported", 0x1010, 8, STB_GLOBAL, STT_FUNC);
    add(f, "unsized", 0x1040, 0, STB_GLOBAL, STT_FUNC);
    finish(f);
    assert_true(object_has_symbols(f->object));
    assert_at(f, 0x1017, "exported");
    assert_at(f, 0x1018, "none"); /* code of a function whose name was stripped */
    assert_at(f, 0x1050, "unsized");
}

static void both_tables(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    const uint32_t dynsym = elf_symbols(&f->maker, SHT_DYNSYM);
    add(f, "same", 0x1010, 8, STB_GLOBAL, STT_FUNC);
    add(f, "static", 0x1020, 8, STB_LOCAL, STT_FUNC);
    elf_symbol(&f->maker, dynsym, "same", 0x1010, 8, STB_GLOBAL, STT_FUNC, f->text);
    elf_symbol(&f->maker, dynsym, "zz", 0x1020, 8, STB_GLOBAL, STT_FUNC, f->text);
    elf_symbol(&f->maker, dynsym, "dynamic", 0x1030, 8, STB_GLOBAL, STT_FUNC, f->text);
    finish(f);
    assert_at(f, 0x1010, "same"); /* and tagged: it is there once */
    assert_at(f, 0x1020, "static");
    assert_at(f, 0x1030, "dynamic");
    assert_at(f, 0x103f, "dynamic");
}

static void other_shapes(void **state)
{
    struct fixture *f = *state;
    for (int shape = 0; shape < 4; shape++) {
        f->maker = elf_maker(ET_DYN);
        f->maker.is_32 = shape & 1;
        f->maker.is_big = shape & 2;
        f->maker.machine = EM_PPC;
        f->text = elf_code(&f->maker, ".text", 0x1000, 0x100);
        f->symtab = elf_symbols(&f->maker, SHT_SYMTAB);
        add(f, "here", 0x1010, 8, STB_GLOBAL, STT_FUNC);
        finish(f);
        assert_at(f, 0x1011, "here");
        bool is_64, is_little;
        assert_string_equal(object_machine(f->object, &is_64, &is_little), "PowerPC");
        assert_int_equal(is_64, !(shape & 1));
        assert_int_equal(is_little, !(shape & 2));
    }
}

/* Section numbers beyond 16 bits stand in a table of their own. */
static void wide_sections(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    elf_symbol(&f->maker, f->symtab, "wide", 0x1010, 8, STB_GLOBAL, STT_FUNC, SHN_XINDEX);
    elf_symbol(&f->maker, f->symtab, "beyond", 0x1020, 8, STB_GLOBAL, STT_FUNC, SHN_XINDEX);
    const uint32_t wide[] = {0, f->text};
    const uint32_t table =
        elf_section(&f->maker, ".symtab_shndx", SHT_SYMTAB_SHNDX, 0, 0, wide, sizeof wide);
    f->maker.parts[table].link = f->symtab;
    finish(f);
    assert_at(f, 0x1010, "wide");
    assert_at(f, 0x1020, "wide");
}

struct listing {
    char text[512];
    uint32_t limit;
};

static bool list(void *payload, const struct object_symbol *symbol, uint64_t low, uint64_t high)
{
    struct listing *l = payload;
    const size_t n = strlen(l->text);
    (void)snprintf(l->text + n, sizeof l->text - n, "%s %llx-%llx\n", symbol->name,
                   (unsigned long long)low, (unsigned long long)high);
    return --l->limit > 0;
}

static void functions(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    add(f, "last_of_text", 0x1080, 0, STB_GLOBAL, STT_FUNC);
    add(f, "sized", 0x1010, 8, STB_GLOBAL, STT_FUNC);
    add(f, "alias", 0x1010, 8, STB_WEAK, STT_FUNC);
    add(f, "unsized", 0x1020, 0, STB_GLOBAL, STT_FUNC);
    add(f, "next", 0x1030, 8, STB_GLOBAL, STT_FUNC);
    add(f, "other", 0x2000, 0, STB_GLOBAL, STT_NOTYPE);
    finish(f);
    struct listing l = {.limit = 99};
    object_functions(f->object, list, &l);
    assert_string_equal(l.text, "sized 1010-1018\nunsized 1020-1030\nnext 1030-1038\n"
                                "last_of_text 1080-1100\nother 2000-2040\n");
    l = (struct listing){.limit = 2};
    object_functions(f->object, list, &l);
    assert_string_equal(l.text, "sized 1010-1018\nunsized 1020-1030\n");
}

static void lies(void **state)
{
    struct fixture *f = *state;
    /* Names without an end, beyond the end, in no section; a size that wraps. */
    symbols(f);
    add(f, "first", 0x1010, 8, STB_GLOBAL, STT_FUNC);
    add(f, "cut", 0x1020, UINT64_MAX, STB_GLOBAL, STT_FUNC);
    f->maker.parts[f->maker.parts[f->symtab].link].data.n -= 2; /* "cu" */
    finish(f);
    assert_at(f, 0x1010, "first");
    assert_at(f, 0x1020, "first");

    symbols(f);
    add(f, "wraps", 0x1010, UINT64_MAX - 4, STB_GLOBAL, STT_FUNC);
    finish(f);
    assert_at(f, 0x1011, "wraps");
    assert_at(f, UINT64_MAX - 1, "wraps");

    symbols(f);
    add(f, "first", 0x1010, 8, STB_GLOBAL, STT_FUNC);
    f->maker.parts[f->symtab].link = 77;
    finish(f);
    assert_at(f, 0x1010, "none");

    symbols(f);
    add(f, "first", 0x1010, 8, STB_GLOBAL, STT_FUNC);
    f->maker.parts[f->symtab].claimed_size = (uint64_t)1 << 60;
    finish(f);
    assert_at(f, 0x1010, "none");

    symbols(f);
    add(f, "first", 0x1010, 8, STB_GLOBAL, STT_FUNC);
    f->maker.parts[f->symtab].claimed_entry = 3;
    finish(f);
    (void)object_has_symbols(f->object);
}

/* An endless name is no name, and many of them take no time. */
static void endless_names(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    add(f, "sound", 0x1080, 8, STB_GLOBAL, STT_FUNC);
    struct elf_part *names = &f->maker.parts[f->maker.parts[f->symtab].link];
    const uint32_t first = (uint32_t)names->data.n;
    for (int i = 0; i < 200000; i++)
        buf_byte(&names->data, 'x');
    buf_byte(&names->data, 0);
    struct buf *to = &f->maker.parts[f->symtab].data;
    for (uint32_t i = 0; i < 1000; i++) {
        elf_put(&f->maker, to, first + i, 4);
        elf_put(&f->maker, to, STB_GLOBAL << 4 | STT_FUNC, 1);
        elf_put(&f->maker, to, 0, 1);
        elf_put(&f->maker, to, f->text, 2);
        elf_put(&f->maker, to, 0x1010, 8);
        elf_put(&f->maker, to, 8, 8);
    }
    finish(f);
    assert_at(f, 0x1010, "none");
    assert_at(f, 0x1080, "sound");
}

/* Puts bytes in hex into a section. */
static void put_code(struct fixture *f, uint32_t section, const char *hex)
{
    struct buf *to = &f->maker.parts[section].data;
    buf_clear(to);
    for (; hex[0] && hex[1]; hex += 2) {
        uint64_t byte;
        struct span digits = span_make(hex, 2);
        assert_true(span_take_hex(&digits, &byte));
        buf_byte(to, (char)byte);
    }
}

static void add_relocation(struct fixture *f, uint32_t section, uint64_t at, uint32_t symbol,
                           uint32_t type, uint64_t addend)
{
    struct buf *to = &f->maker.parts[section].data;
    elf_put(&f->maker, to, at, 8);
    elf_put(&f->maker, to, (uint64_t)symbol << 32 | type, 8);
    elf_put(&f->maker, to, addend, 8);
}

/* The program, .plt at 0x4000 with this code, and relocations of the words at 0x5000, 0x5008 ... to
 * "malloc" and "free@V", then one that is decided at run time. */
static void slots(struct fixture *f, unsigned machine, const char *hex, uint64_t slot_size,
                  const uint32_t types[2])
{
    symbols(f);
    f->maker.machine = (uint16_t)machine;
    add(f, "resolve", 0x1080, 16, STB_LOCAL, STT_FUNC);
    add(f, "chosen", 0x1080, 16, STB_GLOBAL, STT_GNU_IFUNC);
    const uint32_t plt = elf_code(&f->maker, ".plt", 0x4000, 0);
    f->maker.parts[plt].claimed_entry = slot_size;
    put_code(f, plt, hex);
    f->dynsym = elf_symbols(&f->maker, SHT_DYNSYM);
    elf_symbol(&f->maker, f->dynsym, "malloc", 0, 0, STB_GLOBAL, STT_FUNC, 0);
    elf_symbol(&f->maker, f->dynsym, "free@V", 0, 0, STB_GLOBAL, STT_FUNC, 0);
    const uint32_t words = elf_section(&f->maker, ".rela.plt", SHT_RELA, SHF_ALLOC, 0, NULL, 0);
    f->maker.parts[words].link = f->dynsym;
    add_relocation(f, words, 0x5000, 1, types[0], 0);
    add_relocation(f, words, 0x5008, 2, types[0], 0);
    add_relocation(f, words, 0x5010, 0, types[1], 0x1080);
    add_relocation(f, words, 0x5018, 0, types[1], 0x1081); /* nothing is there */
    add_relocation(f, words, 0x5018, 99, types[0], 0);     /* no such symbol */
    finish(f);
}

static void slots_of_x86_64(void **state)
{
    struct fixture *f = *state;
    slots(f, EM_X86_64,
          "ff35fa0f0000"
          "ff2514100000"
          "90909090" /* the first one: 0x5000, 0x5020 */
          "ff25ea0f0000"
          "6800000000"
          "e900000000" /* 0x5000 */
          "f30f1efa"
          "f2ff25dd0f0000"
          "0f1f440000" /* 0x5008 */
          "ff25da0f0000"
          "6800000000"
          "e900000000" /* 0x5010 */
          "ff25d20f0000"
          "6800000000"
          "e900000000" /* 0x5018 */
          "ff25aaaaaaaa"
          "6800000000"
          "e900000000"
          "ff25", /* anywhere; cut short */
          16, (const uint32_t[]){R_X86_64_JUMP_SLOT, R_X86_64_IRELATIVE});
    assert_at(f, 0x4010, "malloc@plt");
    assert_at(f, 0x401f, "malloc@plt");
    assert_at(f, 0x4020, "free@plt");
    assert_at(f, 0x4030, "chosen@plt");
    assert_at(f, 0x4008, "none");
    assert_at(f, 0x4040, "none"); /* not that of the slot before it */
    assert_at(f, 0x4050, "none");
}

static void slots_of_aarch64(void **state)
{
    struct fixture *f = *state;
    slots(f, EM_AARCH64,
          "10000090"
          "110240f9"
          "10020091"
          "20021fd6" /* adrp x16, 0x4000: nothing is at 0x4000 */
          "100000b0"
          "110240f9"
          "10020091"
          "20021fd6" /* 0x5000 */
          "5f2403d5"
          "100000b0"
          "110640f9"
          "10220091"
          "20021fd6" /* bti c; 0x5008 */
          "100000b0"
          "110a40f9"
          "10420091"
          "20021fd6" /* 0x5010 */
          "100000b0"
          "110a40f9", /* cut short */
          16, (const uint32_t[]){R_AARCH64_JUMP_SLOT, R_AARCH64_IRELATIVE});
    assert_at(f, 0x4010, "malloc@plt");
    assert_at(f, 0x4020, "free@plt");
    assert_at(f, 0x4033, "free@plt");
    assert_at(f, 0x4034, "chosen@plt");
    assert_at(f, 0x4000, "none");
    assert_at(f, 0x4044, "none");
}

/* Cut short anywhere, or with a byte turned over, a file costs its names at
 * most. */
static void damage(void **state)
{
    struct fixture *f = *state;
    symbols(f);
    f->maker.parts[f->text].data.n = 16;
    add(f, "first", 0x1010, 8, STB_GLOBAL, STT_FUNC);
    elf_note(&f->maker, ".note", "12345678", 8);
    elf_segment(&f->maker, PT_LOAD, PF_R | PF_X, 512, 0x1000, 16);
    elf_segment(&f->maker, PT_NOTE, PF_R, 512, 0x1000, 64);
    struct buf bytes = elf_bytes(&f->maker);
    struct error err;
    char text[128];
    uint32_t n_named = 0;
    for (size_t i = 0; i < 2 * bytes.n; i += 3) {
        if (i < bytes.n) {
            write_file(f->path, bytes.p, i);
        } else {
            bytes.p[i - bytes.n] ^= (char)(i % 7 ? 0xff : 0x01);
            write_file(f->path, bytes.p, bytes.n);
            bytes.p[i - bytes.n] ^= (char)(i % 7 ? 0xff : 0x01);
        }
        struct object *object;
        assert_true(object_open(f->path, NULL, NULL, &object, &err));
        f->object = object;
        n_named += strcmp(at(f, 0x1010, text), "first") == 0;
        uint64_t address;
        (void)object_address_of(object, 512, &address);
        (void)object_code(object, 0x1000, 0x1010);
        (void)object_build_id(object);
        object_close(object);
        f->object = NULL;
    }
    assert_true(n_named > 0 && n_named < 2 * bytes.n);
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(covering, setup, teardown),
        cmocka_unit_test_setup_teardown(overlapping, setup, teardown),
        cmocka_unit_test_setup_teardown(one_value, setup, teardown),
        cmocka_unit_test_setup_teardown(aliases, setup, teardown),
        cmocka_unit_test_setup_teardown(versions, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(marks, setup, teardown),
        cmocka_unit_test_setup_teardown(dynamic_only, setup, teardown),
        cmocka_unit_test_setup_teardown(both_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(other_shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(wide_sections, setup, teardown),
        cmocka_unit_test_setup_teardown(functions, setup, teardown),
        cmocka_unit_test_setup_teardown(lies, setup, teardown),
        cmocka_unit_test_setup_teardown(endless_names, setup, teardown),
        cmocka_unit_test_setup_teardown(slots_of_x86_64, setup, teardown),
        cmocka_unit_test_setup_teardown(slots_of_aarch64, setup, teardown),
        cmocka_unit_test_setup_teardown(damage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
