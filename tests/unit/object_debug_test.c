/* SPDX-License-Identifier: BSD-3-Clause
 *
 * object/: where separate debug files are looked for, and which of them are refused. */
#include "object_elf.h"

#include <zlib.h>

#include "object/internal.h"

struct fixture {
    char folder[64];
    char path[256]; /* FOLDER/bin/prog, which has no symbols */
    char dir[256];  /* FOLDER/debug, in the place of /usr/lib/debug */
    const char *dirs[2];
    struct notes notes;
    struct object *object;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    make_folder(f->folder);
    make_folder_in(f->folder, "bin");
    make_folder_in(f->folder, "bin/.debug");
    make_folder_in(f->folder, "debug");
    path_in(f->folder, "bin/prog", f->path);
    f->dirs[0] = path_in(f->folder, "debug", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    object_close(f->object);
    notes_free(&f->notes);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static struct elf_maker stripped(const char *build_id)
{
    struct elf_maker m = elf_maker(ET_EXEC);
    (void)elf_code(&m, ".text", 0x1000, 0x100);
    if (build_id)
        elf_note(&m, ".note.gnu.build-id", build_id, strlen(build_id));
    return m;
}

/* A debug file in which the code at 0x1010 is called `name`. */
static struct buf debug_bytes(const char *build_id, const char *name)
{
    struct elf_maker m = stripped(build_id);
    m.parts[1].type = SHT_NOBITS;
    const uint32_t table = elf_symbols(&m, SHT_SYMTAB);
    elf_symbol(&m, table, name, 0x1010, 8, STB_LOCAL, STT_FUNC, 1);
    (void)elf_section(&m, ".debug_info", SHT_PROGBITS, 0, 0, "", 1);
    return elf_bytes(&m);
}

static void write_debug(struct fixture *f, const char *place, const char *build_id)
{
    char path[256];
    struct buf bytes = debug_bytes(build_id, place);
    write_file(path_in(f->folder, place, path), bytes.p, bytes.n);
    buf_free(&bytes);
}

static void add_link(struct elf_maker *m, const char *name, const char *debug_build_id,
                     const char *place)
{
    struct buf bytes = debug_bytes(debug_build_id, place);
    const uint32_t at =
        elf_section(m, ".gnu_debuglink", SHT_PROGBITS, 0, 0, name, strlen(name) + 1);
    struct buf *to = &m->parts[at].data;
    while (to->n % 4)
        buf_byte(to, 0);
    elf_put(m, to, crc32(0, (const unsigned char *)bytes.p, (unsigned)bytes.n), 4);
    buf_free(&bytes);
}

/* Opens the program; which file named its code. */
static const char *open_program(struct fixture *f)
{
    const struct object_options options = {.debug_dirs = f->dirs};
    struct error err;
    object_close(f->object);
    assert_true(object_open(f->path, &options, &f->notes, &f->object, &err));
    struct object_symbol symbol;
    const bool is_named = object_symbol(f->object, 0x1010, &symbol);
    assert_int_equal(is_named, object_has_symbols(f->object));
    if (is_named) {
        char path[256];
        assert_string_equal(object_debug_path(f->object), path_in(f->folder, symbol.name, path));
    } else {
        assert_string_equal(object_debug_path(f->object), f->path);
    }
    assert_string_equal(object_path(f->object), f->path);
    return is_named ? symbol.name : "none";
}

static void nowhere(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = stripped("0123456789");
    add_link(&m, "prog.debug", NULL, "x");
    elf_write(&m, f->path);
    assert_string_equal(open_program(f), "none");
    assert_int_equal(f->notes.n, 0);
}

/* What a person hears of where names were looked for. */
static void told(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = stripped("0123456789");
    elf_write(&m, f->path);
    make_folder_in(f->folder, "debug/.build-id");
    make_folder_in(f->folder, "debug/.build-id/30");
    struct object_facts facts;
    char wanted[512];
    assert_string_equal(open_program(f), "none");
    object_describe(f->object, &facts);
    assert_false(facts.has_symtab || facts.has_dynsym);
    assert_null(facts.dwarf_path);
    assert_null(facts.refused);
    (void)snprintf(wanted, sizeof wanted, "%s%s", f->dir, f->path);
    assert_string_equal(object_place(f->object, 0), wanted);
    (void)snprintf(wanted, sizeof wanted, "%s/.build-id/30/313233343536373839.debug", f->dir);
    assert_string_equal(object_place(f->object, 2), wanted);
    assert_null(object_place(f->object, 3));

    write_debug(f, "debug/.build-id/30/313233343536373839.debug", "another");
    assert_string_equal(open_program(f), "none");
    object_describe(f->object, &facts);
    assert_string_equal(facts.refused, wanted);
    write_debug(f, "debug/.build-id/30/313233343536373839.debug", "0123456789");
    assert_string_equal(open_program(f), "debug/.build-id/30/313233343536373839.debug");
    object_describe(f->object, &facts);
    assert_true(facts.has_symtab);
    assert_null(facts.refused);
    assert_string_equal(facts.dwarf_path, wanted);
    assert_int_equal(facts.n_split, 0);
    assert_null(facts.packed);
}

static void by_path(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = stripped(NULL);
    elf_write(&m, f->path);
    make_folder_in(f->folder, "debug/tmp");
    const char *base = strrchr(f->folder, '/') + 1;
    char name[128], with_debug[140];
    (void)snprintf(name, sizeof name, "debug/tmp/%s", base);
    make_folder_in(f->folder, name);
    (void)snprintf(name, sizeof name, "debug/tmp/%s/bin", base);
    make_folder_in(f->folder, name);
    (void)snprintf(name, sizeof name, "debug/tmp/%s/bin/prog", base);
    (void)snprintf(with_debug, sizeof with_debug, "%s.debug", name);
    write_debug(f, with_debug, NULL);
    assert_string_equal(open_program(f), with_debug);
    write_debug(f, name, NULL);
    assert_string_equal(open_program(f), name);
    assert_int_equal(f->notes.n, 0);
    /* Code is never that of the debug file. */
    assert_int_equal(object_code(f->object, 0x1000, 0x1010).n, 0);
}

static void by_link(void **state)
{
    struct fixture *f = *state;
    const char *base = strrchr(f->folder, '/') + 1;
    char last[128];
    (void)snprintf(last, sizeof last, "debug/tmp/%s/bin/prog.dbg", base);
    const char *const places[] = {last, "bin/.debug/prog.dbg", "bin/prog.dbg"};
    make_folder_in(f->folder, "debug/tmp");
    char name[128];
    (void)snprintf(name, sizeof name, "debug/tmp/%s", base);
    make_folder_in(f->folder, name);
    (void)snprintf(name, sizeof name, "debug/tmp/%s/bin", base);
    make_folder_in(f->folder, name);
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        char path[256];
        if (i) /* out of the way of the next, which may fail its checksum */
            (void)unlink(path_in(f->folder, places[i - 1], path));
        struct elf_maker m = stripped(NULL);
        add_link(&m, "prog.dbg", NULL, places[i]);
        elf_write(&m, f->path);
        write_debug(f, places[i], NULL);
        assert_string_equal(open_program(f), places[i]);
        assert_int_equal(f->notes.n, 0);
    }
}

static void wrong_checksum(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = stripped(NULL);
    add_link(&m, "prog.dbg", NULL, "something else");
    elf_write(&m, f->path);
    write_debug(f, "bin/prog.dbg", NULL);
    assert_string_equal(open_program(f), "none");
    assert_int_equal(f->notes.n, 1);
    assert_non_null(strstr(f->notes.lines[0], "/bin/prog.dbg: checksum differs"));
}

static void links_that_lie(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = stripped(NULL);
    add_link(&m, "../bin/prog.dbg", NULL, "bin/prog.dbg"); /* a name, not a path */
    elf_write(&m, f->path);
    write_debug(f, "bin/prog.dbg", NULL);
    assert_string_equal(open_program(f), "none");
    m = stripped(NULL);
    add_link(&m, "prog", NULL, "x"); /* itself */
    elf_write(&m, f->path);
    assert_string_equal(open_program(f), "none");
    m = stripped(NULL);
    (void)elf_section(&m, ".gnu_debuglink", SHT_PROGBITS, 0, 0, "prog.dbg", 8);
    elf_write(&m, f->path);
    assert_string_equal(open_program(f), "none");
    assert_int_equal(f->notes.n, 0);
}

static void by_build_id(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = stripped("\xab\xcd\xef");
    elf_write(&m, f->path);
    make_folder_in(f->folder, "debug/.build-id");
    make_folder_in(f->folder, "debug/.build-id/ab");
    write_debug(f, "debug/.build-id/ab/cdef.debug", "\xab\xcd\xef");
    assert_string_equal(open_program(f), "debug/.build-id/ab/cdef.debug");
    assert_int_equal(f->notes.n, 0);
    write_debug(f, "debug/.build-id/ab/cdef.debug", "\xab\xcd\x01");
    assert_string_equal(open_program(f), "none");
    assert_int_equal(f->notes.n, 1);
    assert_non_null(strstr(f->notes.lines[0], "cdef.debug: build ID differs from that of "));
    char path[256];
    write_file(path_in(f->folder, "debug/.build-id/ab/cdef.debug", path), "text", 4);
    assert_string_equal(open_program(f), "none");
    assert_int_equal(f->notes.n, 2);
}

/* Equal build IDs say more than a checksum, which tools that rewrite debug files forget. */
static void build_id_before_checksum(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = stripped("\xab\xcd\xef");
    add_link(&m, "prog.dbg", NULL, "something else");
    elf_write(&m, f->path);
    write_debug(f, "bin/prog.dbg", "\xab\xcd\xef");
    assert_string_equal(open_program(f), "bin/prog.dbg");
    write_debug(f, "bin/prog.dbg", "\xab\xcd\x01");
    assert_string_equal(open_program(f), "none");
    assert_int_equal(f->notes.n, 1);
}

static void alternate(void **state)
{
    struct fixture *f = *state;
    struct elf_maker m = stripped(NULL);
    const char link[] = "../debug/shared\0\1\2\3";
    (void)elf_section(&m, ".gnu_debugaltlink", SHT_PROGBITS, 0, 0, link, sizeof link - 1);
    elf_write(&m, f->path);
    const struct object_options options = {.debug_dirs = f->dirs};
    struct elf_file file, alt;
    struct error err;
    assert_true(elf_file_open(f->path, &file, &err));
    assert_false(debug_file_find_alt(&file, &options, &f->notes, &alt));
    assert_int_equal(f->notes.n, 1);
    write_debug(f, "debug/shared", "\1\2\3");
    assert_true(debug_file_find_alt(&file, &options, &f->notes, &alt));
    elf_file_close(&alt);
    write_debug(f, "debug/shared", "\1\2\4");
    assert_false(debug_file_find_alt(&file, &options, &f->notes, &alt));
    make_folder_in(f->folder, "debug/.build-id");
    make_folder_in(f->folder, "debug/.build-id/01");
    write_debug(f, "debug/.build-id/01/0203.debug", "\1\2\3");
    assert_true(debug_file_find_alt(&file, &options, &f->notes, &alt));
    assert_non_null(strstr(alt.path, "/.build-id/01/0203.debug"));
    elf_file_close(&alt);
    elf_file_close(&file);
}

static void split(void **state)
{
    struct fixture *f = *state;
    struct elf_file found;
    assert_false(debug_file_find_split(f->path, f->dir, "unit.dwo", &found));
    assert_false(debug_file_find_split(f->path, NULL, "unit.dwo", &found));
    write_debug(f, "bin/unit.dwo", NULL);
    assert_true(debug_file_find_split(f->path, f->dir, "unit.dwo", &found));
    assert_non_null(strstr(found.path, "/bin/unit.dwo"));
    elf_file_close(&found);
    assert_true(debug_file_find_split(f->path, f->dir, "/elsewhere/unit.dwo", &found));
    assert_non_null(strstr(found.path, "/bin/unit.dwo"));
    elf_file_close(&found);
    write_debug(f, "debug/unit.dwo", NULL);
    assert_true(debug_file_find_split(f->path, f->dir, "unit.dwo", &found));
    assert_non_null(strstr(found.path, "/debug/unit.dwo"));
    elf_file_close(&found);
    char path[256];
    write_file(path_in(f->folder, "debug/unit.dwo", path), "text", 4);
    assert_true(debug_file_find_split(f->path, f->dir, "unit.dwo", &found));
    assert_non_null(strstr(found.path, "/bin/unit.dwo"));
    elf_file_close(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(told, setup, teardown),
        cmocka_unit_test_setup_teardown(by_path, setup, teardown),
        cmocka_unit_test_setup_teardown(by_link, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_checksum, setup, teardown),
        cmocka_unit_test_setup_teardown(links_that_lie, setup, teardown),
        cmocka_unit_test_setup_teardown(by_build_id, setup, teardown),
        cmocka_unit_test_setup_teardown(build_id_before_checksum, setup, teardown),
        cmocka_unit_test_setup_teardown(alternate, setup, teardown),
        cmocka_unit_test_setup_teardown(split, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
