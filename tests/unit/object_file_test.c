/* SPDX-License-Identifier: BSD-3-Clause
 *
 * object/: opening files of all kinds, file offsets and addresses, code bytes, build IDs, sections
 * that are packed. */
#include "object_elf.h"

#include <errno.h>
#include <zlib.h>

#include "object/internal.h"

struct fixture {
    char folder[64], path[256];
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

static void open_maker(struct fixture *f, struct elf_maker *maker)
{
    struct error err;
    elf_write(maker, f->path);
    object_close(f->object);
    assert_true(object_open(f->path, NULL, NULL, &f->object, &err));
}

static void what_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct object *object = NULL;
    char wanted[512];
    assert_false(object_open(f->path, NULL, NULL, &object, &err));
    (void)snprintf(wanted, sizeof wanted, "%s: No such file or directory", f->path);
    assert_string_equal(err.text, wanted);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_int_equal(err.sys, ENOENT);
    assert_false(object_open(f->folder, NULL, NULL, &object, &err));
    assert_int_equal(err.sys, EISDIR);
    assert_int_equal(mkfifo(f->path, 0600), 0); /* nobody writes: do not wait */
    assert_false(object_open(f->path, NULL, NULL, &object, &err));
    assert_false(object_open("/dev/null", NULL, NULL, &object, &err));
    assert_null(object);
}

static void what_is_no_elf(void **state)
{
    struct fixture *f = *state;
    static const char *const contents[] = {"",
                                           "\x7f"
                                           "ELF",
                                           "#!/bin/sh\n", "!<arch>\n"};
    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        struct error err;
        write_file(f->path, contents[i], strlen(contents[i]));
        assert_true(object_open(f->path, NULL, NULL, &f->object, &err));
        uint64_t address;
        struct object_symbol symbol;
        bool a, b;
        uint8_t id[20];
        size_t n;
        assert_string_equal(object_path(f->object), f->path);
        assert_string_equal(object_debug_path(f->object), f->path);
        assert_false(object_is_elf(f->object));
        assert_false(object_is_movable(f->object));
        assert_false(object_has_symbols(f->object));
        assert_false(object_symbol(f->object, 0x1000, &symbol));
        assert_false(object_address_of(f->object, 0, &address));
        assert_false(object_covers(f->object, 0));
        assert_int_equal(object_code(f->object, 0, 10).n, 0);
        assert_int_equal(object_build_id(f->object).n, 0);
        assert_string_equal(object_machine(f->object, &a, &b), "unknown");
        assert_false(object_read_build_id(f->path, id, sizeof id, &n));
        const uint64_t sorted[] = {1, 2};
        struct object_answer answer;
        object_frames(f->object, sorted, 2, NULL, NULL, &answer);
        assert_int_equal(answer.at[0], 0);
        assert_int_equal(answer.at[2], 0);
        object_answer_free(&answer);
        object_close(f->object);
        f->object = NULL;
    }
}

static void addresses(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = elf_maker(ET_DYN);
    (void)elf_section(&m, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x5000,
                      "0123456789abcdef", 16);
    elf_segment(&m, PT_LOAD, PF_R, 0, 0x1000, 512);
    elf_segment(&m, PT_NOTE, PF_X, 0x4000, 0x4000, 512);
    elf_segment(&m, PT_LOAD, PF_R, 504, 0x3000, 64); /* the same bytes, but no code */
    elf_segment(&m, PT_LOAD, PF_R | PF_X, 512, 0x5000, 16);
    m.segments[3].size = 32;
    open_maker(f, &m);
    uint64_t address = 0;
    assert_true(object_is_elf(f->object));
    assert_true(object_is_movable(f->object));
    assert_true(object_address_of(f->object, 0, &address));
    assert_int_equal(address, 0x1000);
    assert_true(object_address_of(f->object, 513, &address));
    assert_int_equal(address, 0x5001);
    assert_true(object_address_of(f->object, 528, &address));
    assert_int_equal(address, 0x3018);
    assert_false(object_address_of(f->object, 568, &address));
    assert_false(object_address_of(f->object, 0x4000, &address));
    assert_false(object_address_of(f->object, UINT64_MAX, &address));

    assert_false(object_covers(f->object, 0x4fff));
    assert_true(object_covers(f->object, 0x5000));
    assert_true(object_covers(f->object, 0x501f));
    assert_false(object_covers(f->object, 0x5020));
    assert_false(object_covers(f->object, 0x1000));

    const struct span code = object_code(f->object, 0x5002, 0x5005);
    assert_int_equal(code.n, 3);
    assert_memory_equal(code.p, "234", 3);
    assert_int_equal(object_code(f->object, 0x500f, 0x6000).n, 1);
    assert_int_equal(object_code(f->object, 0x5010, 0x6000).n, 0);
    assert_int_equal(object_code(f->object, 0x5005, 0x5005).n, 0);
    assert_int_equal(object_code(f->object, 0x5005, 0x5001).n, 0);
}

static void lying_segments(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = elf_maker(ET_EXEC);
    (void)elf_code(&m, ".text", 0x5000, 16);
    elf_segment(&m, PT_LOAD, PF_X, 512, 0x5000, (uint64_t)1 << 40);
    elf_segment(&m, PT_LOAD, PF_X, UINT64_MAX - 4, 0x9000, 16);
    elf_segment(&m, PT_LOAD, PF_X, (uint64_t)1 << 50, (uint64_t)1 << 50, 16);
    open_maker(f, &m);
    assert_false(object_is_movable(f->object));
    assert_true(object_code(f->object, 0x5000, (uint64_t)1 << 30).n < 4096);
    assert_int_equal(object_code(f->object, 0x9000, 0x9004).n, 0);
    assert_int_equal(object_code(f->object, (uint64_t)1 << 50, ((uint64_t)1 << 50) + 4).n, 0);
}

static void build_ids(void **state)
{
    struct fixture *f = *state;
    uint8_t id[20];
    size_t n = 0;
    struct elf_maker m = elf_maker(ET_DYN);
    const char other[] = "\4\0\0\0\4\0\0\0\3\0\0\0GNX\0abcd";
    (void)elf_section(&m, ".note.other", SHT_NOTE, SHF_ALLOC, 0, other, sizeof other - 1);
    elf_note(&m, ".note.gnu.build-id", "12345678901234567890", 20);
    open_maker(f, &m);
    assert_int_equal(object_build_id(f->object).n, 20);
    assert_memory_equal(object_build_id(f->object).p, "12345678901234567890", 20);
    assert_true(object_read_build_id(f->path, id, sizeof id, &n));
    assert_int_equal(n, 20);
    assert_memory_equal(id, "12345678901234567890", 20);
    assert_false(object_read_build_id(f->path, id, 19, &n));
    assert_false(object_read_build_id("/nowhere/at/all", id, sizeof id, &n));

    /* A segment will do, too. */
    m = elf_maker(ET_DYN);
    const char note[] = "\4\0\0\0\2\0\0\0\3\0\0\0GNU\0xy";
    (void)elf_section(&m, ".hidden", SHT_PROGBITS, 0, 0, note, sizeof note - 1);
    elf_segment(&m, PT_NOTE, PF_R, 512, 0, sizeof note - 1);
    open_maker(f, &m);
    assert_int_equal(object_build_id(f->object).n, 2);
    assert_memory_equal(object_build_id(f->object).p, "xy", 2);

    /* Notes that run out of their section, or are longer than any hash. */
    const char *const bad[] = {"\4\0\0\0\xff\0\0\0\3\0\0\0GNU\0xy",
                               "\xff\xff\xff\xff\2\0\0\0\3\0\0\0GNU\0xy",
                               "\4\0\0\0\0\0\0\0\3\0\0\0GNU\0xy"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        m = elf_maker(ET_DYN);
        (void)elf_section(&m, ".note", SHT_NOTE, 0, 0, bad[i], 18);
        open_maker(f, &m);
        assert_int_equal(object_build_id(f->object).n, 0);
    }
}

static void packed_sections(void **state)
{
    struct fixture *f = *state;
    char text[1000];
    memset(text, 'q', sizeof text);
    unsigned char packed[1100];
    uLongf n = sizeof packed;
    assert_int_equal(compress(packed, &n, (const unsigned char *)text, sizeof text), Z_OK);

    struct elf_maker m = elf_maker(ET_DYN);
    uint32_t at = elf_section(&m, ".debug_str", SHT_PROGBITS, SHF_COMPRESSED, 0, NULL, 0);
    elf_put(&m, &m.parts[at].data, ELFCOMPRESS_ZLIB, 4);
    elf_put(&m, &m.parts[at].data, 0, 4);
    elf_put(&m, &m.parts[at].data, sizeof text, 8);
    elf_put(&m, &m.parts[at].data, 1, 8);
    buf_add(&m.parts[at].data, span_make(packed, n));
    at = elf_section(&m, ".zdebug_line", SHT_PROGBITS, 0, 0, "ZLIB\0\0\0\0\0\0\3\xe8", 12);
    buf_add(&m.parts[at].data, span_make(packed, n));
    at = elf_section(&m, ".debug_abbrev", SHT_PROGBITS, SHF_COMPRESSED, 0, "\1\0\0", 3);
    at = elf_section(&m, ".debug_ranges", SHT_PROGBITS, SHF_COMPRESSED, 0, NULL, 0);
    elf_put(&m, &m.parts[at].data, ELFCOMPRESS_ZLIB, 8);
    elf_put(&m, &m.parts[at].data, (uint64_t)1 << 60, 8); /* it would not fit anywhere */
    elf_put(&m, &m.parts[at].data, 1, 8);
    buf_add(&m.parts[at].data, span_make(packed, n));
    (void)elf_section(&m, ".debug_addr", SHT_PROGBITS, 0, 0, "plain", 5);
    (void)elf_section(&m, ".debug_info", SHT_NOBITS, 0, 0, "none", 4);
    elf_write(&m, f->path);

    struct elf_file file;
    struct error err;
    assert_true(elf_file_open(f->path, &file, &err));
    struct dwarf_sections s;
    elf_file_dwarf_sections(&file, false, &s);
    assert_int_equal(s.str.n, sizeof text);
    assert_memory_equal(s.str.p, text, sizeof text);
    assert_int_equal(s.line.n, sizeof text);
    assert_memory_equal(s.line.p, text, sizeof text);
    assert_int_equal(s.abbrev.n, 0);
    assert_int_equal(s.ranges.n, 0);
    assert_int_equal(s.addr.n, 5);
    assert_int_equal(s.info.n, 0);
    assert_int_equal(s.types.n, 0);
    assert_false(elf_file_has_dwarf(&file));
    /* Asked again it is unpacked still. */
    assert_int_equal(elf_file_section(&file, ".debug_str").n, sizeof text);
    assert_int_equal(elf_file_section(&file, ".debug_line").n, sizeof text);
    elf_file_close(&file);
}

static void split_sections(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = elf_maker(ET_REL);
    (void)elf_section(&m, ".debug_info.dwo", SHT_PROGBITS, 0, 0, "split", 5);
    (void)elf_section(&m, ".debug_info", SHT_PROGBITS, 0, 0, "whole one", 9);
    (void)elf_section(&m, ".debug_cu_index", SHT_PROGBITS, 0, 0, "ix", 2);
    elf_write(&m, f->path);
    struct elf_file file;
    struct error err;
    assert_true(elf_file_open(f->path, &file, &err));
    struct dwarf_sections s;
    elf_file_dwarf_sections(&file, true, &s);
    assert_int_equal(s.info.n, 5);
    assert_int_equal(s.cu_index.n, 2);
    assert_int_equal(s.order, CURSOR_LITTLE);
    assert_string_equal(s.path, f->path);
    elf_file_dwarf_sections(&file, false, &s);
    assert_int_equal(s.info.n, 9);
    elf_file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_cannot_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_elf, setup, teardown),
        cmocka_unit_test_setup_teardown(addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(lying_segments, setup, teardown),
        cmocka_unit_test_setup_teardown(build_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(packed_sections, setup, teardown),
        cmocka_unit_test_setup_teardown(split_sections, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
