/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Unpacked sections that are kept: found again, never believed when they are damaged, cut, of
 * another file or not ours, bounded, and whole whoever else writes at the same time. */
#include "object_elf.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "object/internal.h"

enum { INFO = 300000, TEXTS = 1001 };
#define KEPT "cache/sub/0123abcd-sections.kept"

struct fixture {
    char folder[64], path[256], cache[256], kept[256];
    char info[INFO], texts[TEXTS];
};

static void add_packed(struct elf_maker *m, const char *name, const char *bytes, size_t n)
{
    uLongf size = compressBound(n);
    unsigned char *packed = malloc(size + 12);
    assert_non_null(packed);
    memcpy(packed, "ZLIB", 4);
    for (unsigned i = 0; i < 8; i++)
        packed[4 + i] = (unsigned char)((uint64_t)n >> 8 * (7 - i));
    assert_int_equal(compress2(packed + 12, &size, (const Bytef *)bytes, n, 1), Z_OK);
    (void)elf_section(m, name, SHT_PROGBITS, 0, 0, packed, size + 12);
    free(packed);
}

static void write_program(struct fixture *f, const char *id, size_t n)
{
    struct elf_maker m = elf_maker(ET_EXEC);
    if (n)
        elf_note(&m, ".note.gnu.build-id", id, n);
    add_packed(&m, ".zdebug_info", f->info, INFO);
    add_packed(&m, ".zdebug_str", f->texts, TEXTS);
    elf_write(&m, f->path);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint64_t random = 1;
    for (size_t i = 0; i < INFO; i++) { /* nothing that could be packed: it must be worth a file */
        random = random * 6364136223846793005u + 1442695040888963407u;
        f->info[i] = (char)(random >> 56);
    }
    for (size_t i = 0; i < TEXTS; i++)
        f->texts[i] = (char)(i % 7);
    make_folder(f->folder);
    path_in(f->folder, "prog", f->path);
    path_in(f->folder, "cache/sub", f->cache);
    path_in(f->folder, KEPT, f->kept);
    write_program(f, "\x01\x23\xab\xcd", 4);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* Opens the file and asks for its sections, which are right in any case; whether they were kept. */
static bool is_kept(struct fixture *f)
{
    struct elf_file file;
    struct dwarf_sections sections;
    assert_true(elf_file_open(f->path, &file, NULL));
    file.cache = f->cache;
    elf_file_dwarf_sections(&file, false, &sections);
    assert_int_equal(sections.info.n, INFO);
    assert_memory_equal(sections.info.p, f->info, INFO);
    assert_int_equal(sections.str.n, TEXTS);
    assert_memory_equal(sections.str.p, f->texts, TEXTS);
    const bool was_kept = file.kept.mapped != NULL;
    elf_file_close(&file);
    return was_kept;
}

static off_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void found_again(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_false(is_kept(f));
    assert_int_equal(stat(f->kept, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(f->cache, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_true(is_kept(f));
    assert_true(is_kept(f));
}

static void change_byte(const char *path, off_t at)
{
    const int fd = open(path, O_RDWR);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte = (char)(byte ^ 0x10);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

/* Any byte that was changed is found out, and the file is made anew. */
static void damaged(void **state)
{
    struct fixture *f = *state;
    assert_false(is_kept(f));
    const off_t size = size_of(f->kept), header = 64 + 128;
    assert_int_equal(size, header + 300032 + 1024);
    for (off_t at = 0; at < header + INFO; at += at < header ? 1 : 9973) {
        change_byte(f->kept, at);
        assert_false(is_kept(f));
        assert_true(is_kept(f));
    }
    change_byte(f->kept, size - 30); /* the last text */
    assert_false(is_kept(f));
    for (off_t n = 0; n < size - 8; n = n < 200 ? n + 7 : n + 99991) {
        assert_int_equal(truncate(f->kept, n), 0);
        assert_false(is_kept(f));
        assert_true(is_kept(f));
    }
}

static void of_another_file(void **state)
{
    struct fixture *f = *state;
    assert_false(is_kept(f));
    /* The same build ID and other contents, as after dwz or a packer. */
    f->info[5] ^= 1;
    write_program(f, "\x01\x23\xab\xcd", 4);
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, f->path, times, 0), 0);
    assert_false(is_kept(f));
    assert_true(is_kept(f));
    /* None that it could be known by. */
    write_program(f, NULL, 0);
    assert_false(is_kept(f));
    assert_false(is_kept(f));
}

static void not_ours(void **state)
{
    struct fixture *f = *state;
    char other[256];
    assert_false(is_kept(f));
    assert_int_equal(chmod(f->kept, 0620), 0);
    assert_false(is_kept(f)); /* and is replaced */
    assert_true(is_kept(f));
    path_in(f->folder, "other", other);
    assert_int_equal(rename(f->kept, other), 0);
    assert_int_equal(symlink(other, f->kept), 0);
    assert_false(is_kept(f));
    assert_int_equal(unlink(other), 0);
    assert_true(is_kept(f)); /* the link was replaced, not followed */
    assert_int_equal(chmod(f->cache, 0702), 0);
    assert_false(is_kept(f));
    assert_int_equal(unlink(f->kept), 0);
    assert_false(is_kept(f));
    assert_int_equal(size_of(f->kept), -1);
    assert_int_equal(chmod(f->cache, 0700), 0);
    assert_false(is_kept(f));
    assert_true(is_kept(f));
    if (geteuid() == 0) { /* somebody else's */
        assert_int_equal(chown(f->kept, 1, 1), 0);
        assert_false(is_kept(f));
    }
}

static void write_aged(struct fixture *f, const char *name, size_t n, time_t age)
{
    char path[512], *bytes = calloc(n, 1);
    (void)snprintf(path, sizeof path, "%s/%s", f->cache, name);
    write_file(path, bytes, n);
    free(bytes);
    const struct timespec times[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool is_there(struct fixture *f, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", f->cache, name);
    return size_of(path) >= 0;
}

static void bounded(void **state)
{
    struct fixture *f = *state;
    make_folder_in(f->folder, "cache");
    make_folder_in(f->folder, "cache/sub");
    assert_int_equal(chmod(f->cache, 0700), 0);
    write_aged(f, "aa-answers.kept", 400000, 3000);
    write_aged(f, "bb-answers.kept", 400000, 5000);
    write_aged(f, "cc-answers.kept", 400000, 1000);
    write_aged(f, ".new-1-1", 10, 100000);
    write_aged(f, ".new-2-2", 10, 10);
    write_aged(f, "notes", 400000, 9000);

    struct elf_file file;
    struct dwarf_sections sections;
    assert_true(elf_file_open(f->path, &file, NULL));
    elf_file_dwarf_sections(&file, false, &sections);
    file.cache = f->cache;
    section_cache_store(&file, 200000); /* it alone is more */
    assert_int_equal(size_of(f->kept), -1);
    section_cache_store(&file, 800000);
    elf_file_close(&file);
    assert_true(size_of(f->kept) > 0);
    assert_false(is_there(f, "bb-answers.kept"));
    assert_false(is_there(f, "aa-answers.kept"));
    assert_true(is_there(f, "cc-answers.kept"));
    assert_false(is_there(f, ".new-1-1"));
    assert_true(is_there(f, ".new-2-2"));
    assert_true(is_there(f, "notes"));
    assert_true(is_kept(f));
}

/* Whoever reads meanwhile finds nothing or all of it. */
static void at_once(void **state)
{
    struct fixture *f = *state;
    enum { N = 6 };
    pid_t pids[N];
    for (int i = 0; i < N; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            for (int k = 0; k < 40; k++) {
                if (i == 0 && k % 3 == 0)
                    (void)unlink(f->kept);
                (void)is_kept(f); /* a wrong byte aborts */
            }
            _exit(0);
        }
    }
    for (int i = 0; i < N; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    (void)is_kept(f);
    assert_true(is_kept(f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(found_again, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(of_another_file, setup, teardown),
        cmocka_unit_test_setup_teardown(not_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
