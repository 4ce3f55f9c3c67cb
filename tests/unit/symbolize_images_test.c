/* SPDX-License-Identifier: BSD-3-Clause
 *
 * symbolize/: which file an address is looked up in, what it is called then, and what becomes of
 * those that no file knows. Profiles are made of a few addresses and maps, files of a few symbols.
 */
#include "object_elf.h"

#include "symbolize/internal.h"

struct fixture {
    char folder[64], program[256];
    struct strings *strings;
    struct profile profile;
    struct symbols symbols;
    struct object_set *objects;
    struct notes notes;
    struct symbolize_options options;
    uint64_t pcs[16]; /* one stack, leaf first */
    uint32_t n_pcs;
    struct buf maps;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    make_folder(f->folder);
    path_in(f->folder, "prog", f->program);
    f->strings = strings_new();
    f->maps = BUF_MAX(1 << 16);
    *state = f;
    return 0;
}

static void forget(struct fixture *f)
{
    symbols_free(&f->symbols);
    object_set_free(f->objects);
    f->objects = NULL;
    profile_free(&f->profile);
    notes_free(&f->notes);
    f->notes = (struct notes){0};
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    forget(f);
    buf_free(&f->maps);
    strings_free(f->strings);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* A file with `name` at address + 0x10, 16 bytes long, in 256 bytes of code at file offset 512. */
static void write_object(struct fixture *f, const char *file, uint16_t type, uint64_t address,
                         const char *name, const char *build_id)
{
    char path[256];
    struct elf_maker m = elf_maker(type);
    const uint32_t text = elf_code(&m, ".text", address, 0x100);
    elf_segment(&m, PT_LOAD, PF_R | PF_X, 512, address, 0x100);
    if (name) {
        const uint32_t table = elf_symbols(&m, SHT_DYNSYM);
        elf_symbol(&m, table, name, address + 0x10, 16, STB_GLOBAL, STT_FUNC, text);
    }
    if (build_id)
        elf_note(&m, ".note.gnu.build-id", build_id, strlen(build_id));
    elf_write(&m, path_in(f->folder, file, path));
}

static void add_pc(struct fixture *f, uint64_t pc)
{
    f->pcs[f->n_pcs++] = pc;
}

static void add_map(struct fixture *f, uint64_t start, uint64_t offset, const char *file)
{
    buf_printf(&f->maps, "%llx-%llx r-xp %08llx 08:01 1 ", (unsigned long long)start,
               (unsigned long long)start + 0x1000, (unsigned long long)offset);
    if (file[0] == '/' || file[0] == '[')
        buf_printf(&f->maps, "%s\n", file);
    else
        buf_printf(&f->maps, "%s/%s\n", f->folder, file);
}

static void seal(struct fixture *f)
{
    const struct limits limits = limits_default();
    const double value = 1;
    struct error err;
    struct builder *builder = builder_new(f->strings, &limits);
    builder_column(builder, "samples", "count");
    builder_maps(builder, buf_span(&f->maps));
    builder_add(builder, builder_stack(builder, f->pcs, f->n_pcs), 0, &value);
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &f->profile, &err));
    builder_free(builder);
    f->n_pcs = 0;
    buf_clear(&f->maps);
}

static void name_all(struct fixture *f)
{
    struct error err;
    f->objects = object_set_new();
    assert_true(
        symbolize(&f->profile, &f->options, NULL, f->objects, &f->symbols, &f->notes, &err));
}

/* What the program was said to be, as the command line would. */
static void name_program(struct fixture *f, bool is_movable)
{
    const struct program program = {
        .path = f->program, .resolved = f->program, .is_movable = is_movable};
    f->options.program = f->program;
    profile_find_program(&f->profile, &program);
}

/* "PC STATE IMAGE:PLACE name@entry [full] file:line <- ..." one line an address. */
static const char *shown(struct fixture *f, struct buf *out)
{
    static const char *const states[] = {"named", "hex", "blank", "missing"};
    for (addr_ix a = 0; a < f->profile.n_addrs; a++) {
        const struct symbols *s = &f->symbols;
        buf_printf(out, "%llx %s", (unsigned long long)f->profile.addr_pc[a],
                   states[s->addr_state[a]]);
        if (s->addr_image[a] != IMAGE_NONE)
            buf_printf(out, " %s:%llx",
                       strrchr(strings_text(f->strings, s->images[s->addr_image[a]].path), '/') + 1,
                       (unsigned long long)s->addr_place[a]);
        for (uint32_t i = s->addr_at[a]; i < s->addr_at[a + 1]; i++) {
            const struct frame *frame = &s->frames[s->addr_frame[i]];
            buf_printf(out, " %s", strings_text(f->strings, frame->name));
            if (frame->has_entry)
                buf_printf(out, "@%llx", (unsigned long long)frame->entry);
            if (frame->full != frame->name)
                buf_printf(out, " [%s]", strings_text(f->strings, frame->full));
            if (frame->line == LINE_NONE)
                buf_printf(out, " %s", strings_text(f->strings, frame->file));
            else if (frame->line || strcmp(strings_text(f->strings, frame->file), "??") != 0)
                buf_printf(out, " %s:%u", strings_text(f->strings, frame->file), frame->line);
            if (frame->is_inlined)
                buf_text(out, " <-");
        }
        buf_text(out, "\n");
    }
    return buf_c(out);
}

#define assert_shown(f, wanted)                                                                    \
    do {                                                                                           \
        struct buf out_ = BUF_MAX(1 << 16);                                                        \
        assert_string_equal(shown((f), &out_), (wanted));                                          \
        buf_free(&out_);                                                                           \
    } while (0)

static void assert_note(const struct fixture *f, uint32_t i, const char *text)
{
    assert_true(i < f->notes.n);
    if (!strstr(f->notes.lines[i], text))
        fail_msg("note %u is: %s", i, f->notes.lines[i]);
}

static void fixed_program(void **state)
{
    struct fixture *f = *state;
    write_object(f, "prog", ET_EXEC, 0x401000, "_ZN2ns4overEi", NULL);
    add_map(f, 0x401000, 0x1000, "prog"); /* what the maps say does not matter */
    add_pc(f, 0x401012);
    add_pc(f, 0x401030);           /* its code, but nobody's */
    add_pc(f, 0x500000);           /* nobody's */
    add_pc(f, 0xffffffff81000000); /* the kernel's */
    seal(f);
    name_program(f, false);
    name_all(f);
    assert_shown(f, "401012 named prog:401012 ns::over@401010 [ns::over(int)]\n"
                    "401030 hex prog:401030 0x0000000000401030\n"
                    "500000 hex 0x0000000000500000\n"
                    "ffffffff81000000 hex 0xffffffff81000000\n");
    assert_int_equal(f->notes.n, 0);
    assert_int_equal(f->symbols.n_images, 1);
    assert_true(f->symbols.images[0].is_program);
    assert_non_null(object_set_at(f->objects, 0));
    assert_null(object_set_at(f->objects, 1));
}

static void renamed_fixed_program(void **state)
{
    struct fixture *f = *state;
    write_object(f, "prog", ET_EXEC, 0x401000, "func", NULL);
    add_map(f, 0x401000, 0x1000, "/nowhere/other");
    add_pc(f, 0x401012);
    add_pc(f, 0x401812); /* the mapping's, but not in the program */
    seal(f);
    name_program(f, false);
    name_all(f);
    assert_shown(f, "401012 named prog:401012 func@401010\n401812 hex 0x0000000000401812\n");
    assert_int_equal(f->notes.n, 0);
}

static void library_against_fixed_program(void **state)
{
    struct fixture *f = *state;
    write_object(f, "prog", ET_EXEC, 0x401000, "func", NULL);
    write_object(f, "libx.so", ET_DYN, 0x1000, "lib", NULL);
    for (int is_there = 0; is_there < 2; is_there++) {
        add_map(f, 0x401000, 512, is_there ? "libx.so" : "liby.so");
        add_pc(f, 0x401012);
        seal(f);
        name_program(f, false);
        name_all(f);
        assert_shown(f, is_there ? "401012 named libx.so:1012 lib@1010\n"
                                 : "401012 named prog:401012 func@401010\n");
        forget(f);
    }
}

static void movable_program(void **state)
{
    struct fixture *f = *state;
    write_object(f, "prog", ET_DYN, 0x1000, "func", NULL);
    add_map(f, 0x555555555000, 512, "prog");
    add_pc(f, 0x555555555012);
    add_pc(f, 0x555555555500); /* beyond its code */
    add_pc(f, 0x1012);         /* no mapping: by chance where it was linked to */
    seal(f);
    name_program(f, true);
    name_all(f);
    assert_shown(f, "555555555012 named prog:1012 func@1010\n"
                    "555555555500 hex prog:700 0x0000555555555500\n"
                    "1012 hex 0x0000000000001012\n");
    forget(f);

    add_pc(f, 0x1012); /* nobody says where it lay */
    seal(f);
    name_program(f, true);
    name_all(f);
    assert_shown(f, "1012 named prog:1012 func@1010\n");
}

static void guessed_program(void **state)
{
    struct fixture *f = *state;
    write_object(f, "prog", ET_DYN, 0x1000, "func", NULL);
    write_object(f, "libx.so", ET_DYN, 0x2000, "lib", NULL);
    add_map(f, 0x555555555000, 512, "prog");
    add_map(f, 0x7f0000000000, 512, "libx.so");
    add_pc(f, 0x7f0000000012);
    add_pc(f, 0x555555555012);
    seal(f);
    name_all(f);
    assert_shown(f, "7f0000000012 named libx.so:2012 lib@2010\n"
                    "555555555012 named prog:1012 func@1010\n");
    assert_int_equal(f->symbols.n_images, 2);
    assert_false(f->symbols.images[0].is_program);
    assert_true(f->symbols.images[1].is_program); /* the program is last */
    forget(f);

    add_pc(f, 0x1012);
    seal(f);
    f->options.program = NULL;
    name_all(f);
    assert_shown(f, "1012 missing\n"); /* no maps, no program */
    assert_int_equal(f->symbols.n_images, 0);
}

static void without_symbols(void **state)
{
    struct fixture *f = *state;
    write_object(f, "prog", ET_EXEC, 0x401000, NULL, NULL);
    write_object(f, "libx.so", ET_DYN, 0x1000, NULL, NULL);
    add_map(f, 0x7f0000000000, 512, "libx.so");
    add_pc(f, 0x401012);
    add_pc(f, 0x500000);
    add_pc(f, 0x7f0000000012);
    seal(f);
    name_program(f, false);
    name_all(f);
    assert_shown(f, "401012 blank prog:401012\n500000 blank\n7f0000000012 blank libx.so:1012\n");
    forget(f);

    write_file(f->program, "", 0);
    add_pc(f, 0x401012);
    seal(f);
    name_program(f, false);
    name_all(f);
    assert_shown(f, "401012 blank\n");
    assert_int_equal(f->notes.n, 0);
}

static void missing(void **state)
{
    struct fixture *f = *state;
    write_object(f, "prog", ET_EXEC, 0x401000, "func", NULL);
    add_map(f, 0x7f0000000000, 0, "liby.so");
    add_map(f, 0x7f0000001000, 0x1000, "liby.so");
    add_map(f, 0x7f0000003000, 0x1000, "libunused.so");
    add_map(f, 0x7f0000004000, 0, "[vdso]");
    add_pc(f, 0x7f0000000012);
    add_pc(f, 0x7f0000001012);
    add_pc(f, 0x7f0000004012);
    seal(f);
    name_program(f, false);
    name_all(f);
    assert_shown(f, "7f0000000012 missing liby.so:12\n7f0000001012 missing liby.so:1012\n"
                    "7f0000004012 named [vdso]\n");
    assert_int_equal(f->notes.n, 1);
    assert_note(f, 0, "/liby.so: No such file or directory");
    assert_null(object_set_at(f->objects, 0));
    assert_non_null(object_set_at(f->objects, 1));
    forget(f);

    add_pc(f, 0x401012);
    seal(f);
    f->options.program = "/nowhere/prog";
    name_all(f);
    assert_shown(f, "401012 missing\n");
    assert_note(f, 0, "/nowhere/prog: No such file or directory");
}

static void keep_tried(void *to, const char *path)
{
    (void)snprintf(to, 300, "%s", path);
}

/* Where a library is found: the last place where it was looked for. */
static const char *found_with(const struct symbolize_options *options, const char *path,
                              const char *build_id)
{
    static char found[300], tried[300];
    struct arena *arena = arena_new();
    (void)snprintf(found, sizeof found, "%s",
                   symbolize_locate(options, arena, path, span_of(build_id), keep_tried, tried));
    arena_free(arena);
    return found;
}

static const char *found_at(struct fixture *f, const char *const *prefixes, const char *path)
{
    (void)f;
    const struct symbolize_options options = {.prefixes = prefixes};
    return found_with(&options, path, "");
}

static void elsewhere(void **state)
{
    struct fixture *f = *state;
    char root[256], in_root[300], store[256], by_id[300], by_name[300], lines[300], plain[256];
    make_folder_in(f->folder, "root");
    make_folder_in(f->folder, "root/lib");
    make_folder_in(f->folder, "store");
    make_folder_in(f->folder, "store/616263");
    write_object(f, "root/lib/libx.so", ET_DYN, 0x1000, "lib", "abc");
    write_object(f, "libx.so", ET_DYN, 0x1000, "lib", "abd");
    write_object(f, "store/libx.so", ET_DYN, 0x1000, "lib", "abe");
    write_object(f, "store/616263/libx.so", ET_DYN, 0x1000, "lib", "abc");
    write_object(f, "two\nlines", ET_DYN, 0x1000, "lib", NULL);
    path_in(f->folder, "libx.so", plain);
    path_in(f->folder, "root", root);
    path_in(f->folder, "root/lib/libx.so", in_root);
    path_in(f->folder, "store", store);
    path_in(f->folder, "store/616263/libx.so", by_id);
    path_in(f->folder, "store/libx.so", by_name);
    path_in(f->folder, "two\nlines", lines);

    /* Below a root, and nowhere else. */
    struct symbolize_options options = {.object.sysroot = root};
    assert_string_equal(found_with(&options, "/lib/libx.so", ""), in_root);
    assert_string_equal(found_with(&options, plain, "") + strlen(root), plain);

    /* Moved; only whole names of folders are replaced, and the first row that fits counts. */
    const struct path_map maps[] = {
        {"/opt/lib", "/nowhere/"}, {"/opt/", f->folder}, {"/opt/libx.so", "/"}, {0}};
    options = (struct symbolize_options){.path_maps = maps};
    assert_string_equal(found_with(&options, "/opt/libx.so", ""), plain);
    assert_string_equal(found_with(&options, "/opt/lib/libx.so", ""), "/nowhere/libx.so");
    assert_string_equal(found_with(&options, "/optional/libx.so", ""), "/optional/libx.so");
    options.object.sysroot = root; /* of what was moved by hand it says nothing */
    assert_string_equal(found_with(&options, "/opt/libx.so", ""), plain);
    assert_string_equal(found_with(&options, "/lib/libx.so", ""), in_root);

    /* Kept by build ID; what is of another build gives way. */
    const char *const stores[] = {"/nowhere", store, NULL};
    options = (struct symbolize_options){.stores = stores};
    assert_string_equal(found_with(&options, "/lib/libx.so", "616263"), by_id);
    assert_string_equal(found_with(&options, "/lib/libx.so", "616265"), by_name);
    assert_string_equal(found_with(&options, "/lib/libx.so", ""), by_name);
    assert_string_equal(found_with(&options, plain, "616264"), plain);
    assert_string_equal(found_with(&options, plain, "616200"), by_name); /* as good as any */
    options.force = true;
    assert_string_equal(found_with(&options, plain, "616264"), by_name);

    /* As the kernel writes it. */
    options = (struct symbolize_options){0};
    char told[300];
    (void)snprintf(told, sizeof told, "%s/two\\012lines", f->folder);
    assert_string_equal(found_with(&options, told, ""), lines);
}

static void prefixes(void **state)
{
    struct fixture *f = *state;
    make_folder_in(f->folder, "root");
    make_folder_in(f->folder, "root/lib");
    write_object(f, "root/lib/libx.so", ET_DYN, 0x1000, "lib", NULL);
    char root[256], wanted[300];
    (void)snprintf(root, sizeof root, "%s/root//", f->folder);
    (void)snprintf(wanted, sizeof wanted, "%s/root/lib/libx.so", f->folder);
    const char *const list[] = {"/nowhere", root, NULL};
    assert_string_equal(found_at(f, list, "/lib/libx.so"), wanted);
    assert_string_equal(found_at(f, list, "/a b/c/lib/libx.so"), wanted);
    assert_string_equal(found_at(f, list, "lib/libx.so"), wanted);
    assert_string_equal(found_at(f, list, "/a/libx.so"), "/a/libx.so");
    assert_string_equal(found_at(f, list, "a/lib/libx.so"), "a/lib/libx.so");
    assert_string_equal(found_at(f, list, "/a/lib/"), "/a/lib/"); /* a folder */
    assert_string_equal(found_at(f, list, "/"), "/");
    assert_string_equal(found_at(f, list, ""), "");
    assert_string_equal(found_at(f, NULL, "/lib/libx.so"), "/lib/libx.so");

    add_map(f, 0x7f0000000000, 512, "/usr/lib/libx.so");
    add_pc(f, 0x7f0000000012);
    seal(f);
    f->options.prefixes = list;
    name_all(f);
    assert_shown(f, "7f0000000012 named libx.so:1012 lib@1010\n");
    assert_string_equal(strings_text(f->strings, f->symbols.images[0].path), wanted);
}

static void added_library(void **state)
{
    struct fixture *f = *state;
    char path[256];
    write_object(f, "prog", ET_EXEC, 0x401000, "func", NULL);
    write_object(f, "libx.so", ET_DYN, 0x1000, "lib", NULL);
    f->options.add_lib = path_in(f->folder, "libx.so", path);
    add_pc(f, 0x1012);
    add_pc(f, 0x401012);
    add_pc(f, 0x2012);
    seal(f);
    name_program(f, false);
    name_all(f);
    assert_shown(f, "1012 named libx.so:1012 lib@1010\n401012 named prog:401012 func@401010\n"
                    "2012 hex 0x0000000000002012\n");
    forget(f);
    add_pc(f, 0x1012);
    seal(f);
    f->options.add_lib = "/nowhere/lib.so";
    name_all(f);
    assert_shown(f, "1012 hex 0x0000000000001012\n");
    assert_note(f, 0, "/nowhere/lib.so: No such file or directory");
}

static void other_builds(void **state)
{
    struct fixture *f = *state;
    write_object(f, "libx.so", ET_DYN, 0x1000, "lib", "\xab\xcd");
    for (int is_same = 0; is_same < 2; is_same++) {
        const struct limits limits = limits_default();
        const double value = 1;
        struct error err;
        char path[256];
        struct builder *builder = builder_new(f->strings, &limits);
        builder_column(builder, "samples", "count");
        const struct mapping map = {
            .start = 0x7f0000000000,
            .limit = 0x7f0000001000,
            .offset = 512,
            .path = strings_add_text(f->strings, path_in(f->folder, "libx.so", path)),
            .build_id = strings_add_text(f->strings, is_same ? "abcd" : "abce"),
            .is_library = true,
        };
        builder_mapping(builder, &map);
        const uint64_t pc = 0x7f0000000012;
        builder_add(builder, builder_stack(builder, &pc, 1), 0, &value);
        assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &f->profile, &err));
        builder_free(builder);
        name_all(f);
        assert_shown(f, is_same ? "7f0000000012 named libx.so:1012 lib@1010\n"
                                : "7f0000000012 missing libx.so:212\n");
        assert_int_equal(f->notes.n, !is_same);
        if (!is_same)
            assert_note(f, 0, "/libx.so: build ID differs from the profile's");
        forget(f);
    }
}

static void deleted(void **state)
{
    struct fixture *f = *state;
    write_object(f, "libx.so", ET_DYN, 0x1000, "lib", NULL);
    add_map(f, 0x7f0000000000, 512, "libx.so (deleted)");
    add_pc(f, 0x7f0000000012);
    seal(f);
    name_all(f);
    assert_shown(f, "7f0000000012 named libx.so:1012 lib@1010\n");
    assert_note(f, 0, "/libx.so: was deleted or replaced");
}

static void carry(struct builder *builder, struct strings *strings, uint64_t pc, const char *inner,
                  const char *outer)
{
    const struct carried_frame frames[] = {
        {.name = strings_add_text(strings, inner),
         .file = strings_add_text(strings, "?"),
         .line = LINE_NONE},
        {.name = strings_add_text(strings, outer ? outer : ""),
         .file = strings_add_text(strings, "a.c"),
         .line = 7},
    };
    builder_carried(builder, pc, frames, outer ? 2 : 1);
}

static void carried(void **state)
{
    struct fixture *f = *state;
    const struct limits limits = limits_default();
    const double value = 1;
    struct error err;
    struct builder *builder = builder_new(f->strings, &limits);
    builder_column(builder, "samples", "count");
    carry(builder, f->strings, 0x1000, "_ZN2ns4overEi", NULL); /* names are as they are */
    carry(builder, f->strings, 0x2000, "ns::tmpl<int>(int)", "outer(int)");
    carry(builder, f->strings, 0x3000, "fn()<00000000004012a0>", NULL);
    carry(builder, f->strings, 0x4000, "tmpl<12>", NULL);
    carry(builder, f->strings, 0x5000, "fn<123456789>", NULL);
    const uint64_t one[] = {0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x2001, 0x6000};
    const uint64_t two[] = {0x3001};
    builder_add(builder, builder_stack(builder, one, COUNT_OF(one)), 0, &value);
    builder_add(builder, builder_stack(builder, two, COUNT_OF(two)), 0, &value);
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &f->profile, &err));
    builder_free(builder);
    f->options.program = "/nowhere/prog"; /* nobody looks */
    name_all(f);
    assert_shown(f, "1000 named _ZN2ns4overEi ?\n"
                    "2000 named ns::tmpl [ns::tmpl<int>(int)] ? <- outer [outer(int)] a.c:7\n"
                    "3000 named fn@4012a0 [fn()] ?\n"
                    "4000 named tmpl [tmpl<12>] ?\n"
                    "5000 named fn [fn<123456789>] ?\n"
                    "2001 named ns::tmpl [ns::tmpl<int>(int)] ? <- outer [outer(int)] a.c:7\n"
                    "6000 hex 0x0000000000006000 ?\n"
                    "3001 hex 0x0000000000003001 ?\n");
    assert_int_equal(f->notes.n, 0);
    assert_int_equal(f->symbols.n_images, 0);
    assert_int_equal(f->symbols.n_frames, 8); /* equal ones are there once */
}

/* Names for some addresses: files are asked for the others, and missed only where one of those is
 * in them. */
static void carried_for_some(void **state)
{
    struct fixture *f = *state;
    write_object(f, "libx.so", ET_DYN, 0x1000, "lib", NULL);
    add_map(f, 0x7f0000000000, 512, "libx.so");
    add_map(f, 0x7f0000001000, 0, "liby.so");
    add_map(f, 0x7f0000002000, 0, "prog");
    const struct limits limits = limits_default();
    const double value = 1;
    struct error err;
    struct builder *builder = builder_new(f->strings, &limits);
    builder_column(builder, "samples", "count");
    builder_maps(builder, buf_span(&f->maps));
    buf_clear(&f->maps);
    const struct {
        uint64_t pc;
        const char *name;
    } given[] = {
        {0x7f0000000014, "given(int)"},
        {0x7f0000001014, "y"},
        {0x7f0000002014, "pkg.(*T).Method"},
        {PC_MADE_UP + 5, "script"},
    };
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        const struct carried_frame frame = {.name = strings_add_text(f->strings, given[i].name),
                                            .file = strings_add_text(f->strings, "a.c"),
                                            .line = 7};
        builder_names(builder, given[i].pc, &frame, 1);
    }
    const uint64_t pcs[] = {0x7f0000000012, 0x7f0000000014, 0x7f0000000015,
                            0x7f0000001014, 0x7f0000002014, PC_MADE_UP + 5};
    builder_add(builder, builder_stack(builder, pcs, COUNT_OF(pcs)), 0, &value);
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &f->profile, &err));
    builder_free(builder);
    name_all(f);
    assert_shown(f, "7f0000000012 named libx.so:1012 lib@1010\n"
                    "7f0000000014 named libx.so:1014 given [given(int)] a.c:7\n"
                    "7f0000000015 named libx.so:1015 lib@1010\n"
                    "7f0000001014 named liby.so:14 y a.c:7\n"
                    "7f0000002014 named prog:14 pkg.(*T).Method a.c:7\n"
                    "4000000000000005 named script a.c:7\n");
    assert_int_equal(f->notes.n, 0);
    forget(f);

    add_map(f, 0x7f0000002000, 0, "prog");
    builder = builder_new(f->strings, &limits);
    builder_column(builder, "samples", "count");
    builder_maps(builder, buf_span(&f->maps));
    const struct carried_frame frame = {.name = strings_add_text(f->strings, "given")};
    builder_names(builder, 0x7f0000002014, &frame, 1);
    const uint64_t two[] = {0x7f0000002014, 0x7f0000002015};
    builder_add(builder, builder_stack(builder, two, COUNT_OF(two)), 0, &value);
    assert_true(builder_seal(builder, CALLERS_AS_GIVEN, &f->profile, &err));
    builder_free(builder);
    name_all(f);
    assert_shown(f, "7f0000002014 named prog:14 given\n7f0000002015 missing prog:15\n");
    assert_int_equal(f->notes.n, 1);
    assert_note(f, 0, "/prog: No such file or directory");
}

static void note_share(void *to, const char *doing, double share)
{
    struct buf *said = to;
    buf_printf(said, "%s %.1f\n", doing, share);
}

static void progress(void **state)
{
    struct fixture *f = *state;
    write_object(f, "prog", ET_EXEC, 0x401000, "func", NULL);
    write_object(f, "libx.so", ET_DYN, 0x1000, "lib", NULL);
    add_map(f, 0x7f0000000000, 512, "libx.so");
    add_pc(f, 0x401012);
    add_pc(f, 0x7f0000000012);
    seal(f);
    name_program(f, false);
    struct buf said = BUF_MAX(4096);
    const struct progress watcher = {.step = note_share, .to = &said};
    struct error err;
    f->objects = object_set_new();
    assert_true(
        symbolize(&f->profile, &f->options, &watcher, f->objects, &f->symbols, &f->notes, &err));
    assert_string_equal(buf_c(&said), "libx.so 0.0\nprog 0.5\n");
    buf_free(&said);
}

static bool is_out_of_patience(void *to)
{
    int *left = to;
    return --*left < 0;
}

/* Whenever somebody stops it: nothing is left behind, and the next time all is named. */
static void stopped(void **state)
{
    struct fixture *f = *state;
    write_object(f, "prog", ET_EXEC, 0x401000, "func", NULL);
    write_object(f, "libx.so", ET_DYN, 0x1000, "lib", NULL);
    add_map(f, 0x7f0000000000, 512, "libx.so");
    add_pc(f, 0x401012);
    add_pc(f, 0x7f0000000012);
    seal(f);
    name_program(f, false);
    int times = 0;
    for (;; times++) {
        int left = times;
        struct error err = {0};
        struct object_set *objects = object_set_new();
        const struct progress watcher = {.is_stopped = is_out_of_patience, .to = &left};
        const bool is_named =
            symbolize(&f->profile, &f->options, &watcher, objects, &f->symbols, &f->notes, &err);
        object_set_free(objects);
        symbols_free(&f->symbols);
        f->symbols = (struct symbols){0};
        if (is_named)
            break;
        assert_int_equal(err.kind, ERROR_STOPPED);
    }
    assert_in_range(times, 3, 100); /* before each image, and at the end */
    name_all(f);
    assert_int_equal(f->symbols.n_frames, 2);
}

static void nothing(void **state)
{
    struct fixture *f = *state;
    seal(f);
    name_all(f);
    assert_int_equal(f->profile.n_addrs, 0);
    assert_int_equal(f->symbols.addr_at[0], 0);
    assert_int_equal(f->symbols.n_frames, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fixed_program, setup, teardown),
        cmocka_unit_test_setup_teardown(renamed_fixed_program, setup, teardown),
        cmocka_unit_test_setup_teardown(library_against_fixed_program, setup, teardown),
        cmocka_unit_test_setup_teardown(movable_program, setup, teardown),
        cmocka_unit_test_setup_teardown(guessed_program, setup, teardown),
        cmocka_unit_test_setup_teardown(without_symbols, setup, teardown),
        cmocka_unit_test_setup_teardown(missing, setup, teardown),
        cmocka_unit_test_setup_teardown(prefixes, setup, teardown),
        cmocka_unit_test_setup_teardown(elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(added_library, setup, teardown),
        cmocka_unit_test_setup_teardown(other_builds, setup, teardown),
        cmocka_unit_test_setup_teardown(deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(carried, setup, teardown),
        cmocka_unit_test_setup_teardown(carried_for_some, setup, teardown),
        cmocka_unit_test_setup_teardown(progress, setup, teardown),
        cmocka_unit_test_setup_teardown(stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
