/* SPDX-License-Identifier: BSD-3-Clause
 *
 * report/asm.c: how long instructions are and what they say, on x86 as objdump says it, and that
 * any bytes of any machine can be shown. */
#include "object_elf.h"

#include "report/internal.h"

/* At 0x1000 the code, at 0x1080 the function `ns::f(int)`, at 0x2000 the variable `sink`. */
struct fixture {
    char folder[64], path[256];
    struct object *object;
    struct strings *strings;
    struct assembly *assembly;
    struct notes notes;
    struct buf text;
};

static void begin(struct fixture *f, uint16_t machine, bool is_32, bool is_big)
{
    struct error err;
    *f = (struct fixture){.strings = strings_new(), .text = BUF_MAX(1 << 16)};
    make_folder(f->folder);
    struct elf_maker m = elf_maker(ET_EXEC);
    m.machine = machine;
    m.is_32 = is_32;
    m.is_big = is_big;
    const uint32_t text = elf_code(&m, ".text", 0x1000, 0x100);
    const uint32_t data =
        elf_section(&m, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0x2000, "0123456789", 10);
    elf_segment(&m, PT_LOAD, PF_R | PF_X, 512, 0x1000, 0x100);
    const uint32_t table = elf_symbols(&m, SHT_SYMTAB);
    elf_symbol(&m, table, "_ZN2ns1fEi", 0x1080, 16, STB_GLOBAL, STT_FUNC, text);
    elf_symbol(&m, table, "__data_start", 0x2000, 0, STB_GLOBAL, STT_NOTYPE, data);
    elf_symbol(&m, table, "sink", 0x2000, 4, STB_LOCAL, STT_OBJECT, data);
    elf_symbol(&m, table, "later@@V1", 0x2004, 4, STB_LOCAL, STT_OBJECT, data);
    elf_write(&m, path_in(f->folder, "prog", f->path));
    assert_true(object_open(f->path, NULL, NULL, &f->object, &err));
    f->assembly = assembly_open(f->object, f->strings, &f->notes);
}

static void end(struct fixture *f)
{
    assembly_close(f->assembly);
    object_close(f->object);
    notes_free(&f->notes);
    buf_free(&f->text);
    strings_free(f->strings);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(rmdir(f->folder), 0);
}

/* The instruction is as long as its bytes and reads as it should. */
static void expect(struct fixture *f, const char *bytes, size_t n, const char *wanted)
{
    char more[64];
    memcpy(more, bytes, n);
    memset(more + n, 0x90, sizeof more - n);
    const struct span code = span_make(more, n + 16);
    assert_int_equal(assembly_length(f->assembly, code, 0x1000), n);
    buf_clear(&f->text);
    assembly_text(f->assembly, code, 0x1000, &f->text);
    assert_string_equal(buf_c(&f->text), wanted);
}
#define EXPECT(f, bytes, wanted) expect(f, bytes, sizeof bytes - 1, wanted)

static void x86_reads_as_objdump_has_it(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, EM_X86_64, false, false);
    EXPECT(&f, "\xc3", "ret");
    EXPECT(&f, "\x8d\x04\x3f", "lea    (%rdi,%rdi,1),%eax");
    EXPECT(&f, "\x83\xc0\x04", "add    $0x4,%eax");
    EXPECT(&f, "\x48\x83\xe4\xf0", "and    $0xfffffffffffffff0,%rsp");
    EXPECT(&f, "\x83\xc8\xff", "or     $0xffffffff,%eax");
    EXPECT(&f, "\x8b\x45\xf8", "mov    -0x8(%rbp),%eax");
    EXPECT(&f, "\xc7\x00\x09\x00\x00\x00", "movl   $0x9,(%rax)");
    EXPECT(&f, "\x0f\xb6\x07", "movzbl (%rdi),%eax");
    EXPECT(&f, "\xd1\xe8", "shr    %eax");
    EXPECT(&f, "\xd3\x20", "shll   %cl,(%rax)");
    EXPECT(&f, "\xff\x50\x08", "call   *0x8(%rax)");
    EXPECT(&f, "\xff\xe0", "jmp    *%rax");
    EXPECT(&f, "\x64\x48\x8b\x04\x25\x28\x00\x00\x00", "mov    %fs:0x28,%rax");
    EXPECT(&f, "\x66\x90", "xchg   %ax,%ax");
    EXPECT(&f, "\x66\x48\x0f\x6e\xc0", "movq   %rax,%xmm0");
    EXPECT(&f, "\x66\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", "data16 cs nopw   0x0(%rax,%rax,1)");
    end(&f);
}

static void operands_have_names(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, EM_X86_64, false, false);
    EXPECT(&f, "\xe8\x7b\x00\x00\x00", "call   1080 <ns::f>");
    EXPECT(&f, "\xeb\x7f", "jmp    1081 <ns::f+0x1>");
    EXPECT(&f, "\xeb\x00", "jmp    1002"); /* before the first function */
    EXPECT(&f, "\x89\x3d\xfa\x0f\x00\x00", "mov    %edi,0xffa(%rip)        # 2000 <sink>");
    EXPECT(&f, "\x89\x3d\xfc\x0f\x00\x00", "mov    %edi,0xffc(%rip)        # 2002 <sink+0x2>");
    EXPECT(&f, "\x89\x3d\xfe\x0f\x00\x00", "mov    %edi,0xffe(%rip)        # 2004 <later>");
    EXPECT(&f, "\x89\x3d\xfa\x1f\x00\x00", "mov    %edi,0x1ffa(%rip)        # 3000");
    end(&f);
}

/* Stepped over as a whole, so that the next one is read from its beginning. */
static void unknown_vectors_are_one_step(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, EM_X86_64, false, false);
    EXPECT(&f, "\x62\xf2\x7d\x08\x26\xd0", ".byte 0x62,0xf2,0x7d,0x08,0x26,0xd0");
    EXPECT(&f, "\x62\xf3\x7d\x20\x3f\x47\x02\x00", ".byte 0x62,0xf3,0x7d,0x20,0x3f,0x47,0x02,0x00");
    EXPECT(&f, "\xc5\xfb\x93\xc0", ".byte 0xc5,0xfb,0x93,0xc0");
    EXPECT(&f, "\x06", "(bad)");
    end(&f);
}

static void other_machines_are_read(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, EM_AARCH64, false, false);
    EXPECT(&f, "\x20\x00\x00\x94", "bl     1080 <ns::f>");
    EXPECT(&f, "\xc0\x03\x5f\xd6", "ret");
    end(&f);
    begin(&f, EM_ARM, true, false);
    EXPECT(&f, "\x1e\x00\x00\xeb", "bl     1080 <ns::f>");
    end(&f);
    begin(&f, EM_PPC64, false, true);
    EXPECT(&f, "\x4e\x80\x00\x20", "blr");
    end(&f);
    begin(&f, EM_MIPS, true, true);
    EXPECT(&f, "\x03\xe0\x00\x08", "jr     $ra");
    end(&f);
    begin(&f, EM_386, true, false);
    EXPECT(&f, "\x40", "inc    %eax");
    end(&f);
}

static void machines_without_words_show_bytes(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, EM_RISCV, false, false);
    EXPECT(&f, "\x82\x80", ".byte 0x82,0x80");
    assert_int_equal(f.notes.n, 1);
    assert_non_null(strstr(f.notes.lines[0], "RISC-V"));
    end(&f);
    begin(&f, 0x1234, false, false);
    EXPECT(&f, "\x82", ".byte 0x82");
    assert_int_equal(f.notes.n, 1);
    end(&f);
}

/* Whatever the bytes: a length within them, and some text. */
static void any_bytes_have_a_length_and_a_text(void **state)
{
    (void)state;
    static const uint16_t machines[] = {EM_X86_64, EM_386,  EM_AARCH64, EM_ARM,   EM_PPC64,
                                        EM_MIPS,   EM_S390, EM_SPARCV9, EM_RISCV, 0};
    for (size_t k = 0; k < COUNT_OF(machines); k++) {
        struct fixture f;
        begin(&f, machines[k], machines[k] == EM_386 || machines[k] == EM_ARM, false);
        uint32_t random = 1;
        for (unsigned i = 0; i < 5000; i++) {
            char bytes[16];
            const size_t n = 1 + i % sizeof bytes;
            for (size_t b = 0; b < n; b++) {
                random = random * 1664525 + 1013904223;
                bytes[b] = (char)(random >> 24);
            }
            char *exact = malloc(n); /* a sanitizer sees a step too far */
            memcpy(exact, bytes, n);
            const uint32_t length = assembly_length(f.assembly, span_make(exact, n), 0x1000);
            assert_true(length >= 1 && length <= n);
            buf_clear(&f.text);
            assembly_text(f.assembly, span_make(exact, n), 0x1000, &f.text);
            assert_true(f.text.n > 0);
            free(exact);
        }
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x86_reads_as_objdump_has_it),
        cmocka_unit_test(operands_have_names),
        cmocka_unit_test(unknown_vectors_are_one_step),
        cmocka_unit_test(other_machines_are_read),
        cmocka_unit_test(machines_without_words_show_bytes),
        cmocka_unit_test(any_bytes_have_a_length_and_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
