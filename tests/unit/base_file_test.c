/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/file.h: files of all kinds as spans, and gzip, whole and damaged. */
#include "base_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <zlib.h>

#include "base/file.h"

#define NO_LIMIT UINT64_MAX

static char folder[64];

static int enter(void **state)
{
    (void)state;
    make_folder(folder);
    return chdir(folder);
}

static int leave(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b.gz", "link", "fifo"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        (void)unlink(names[i]);
    (void)rmdir("folder");
    return rmdir(folder);
}

#define assert_bytes(file, text)                                                                   \
    do {                                                                                           \
        assert_non_null((file)->bytes.p);                                                          \
        assert_int_equal((file)->bytes.n, strlen(text));                                           \
        assert_memory_equal((file)->bytes.p, text, strlen(text));                                  \
    } while (0)

static void a_regular_file_is_mapped(void **state)
{
    (void)state;
    write_file("a", "hello\n", 6);
    struct file file;
    struct error err = {0};
    assert_true(file_open(&file, "a", 1, &err)); /* the limit is for pipes */
    assert_bytes(&file, "hello\n");
    assert_string_equal(file.name, "a");
    assert_true(file.is_mapped);
    file_close(&file);
    assert_null(file.bytes.p);
    file_close(&file);
    struct file zero = {0};
    file_close(&zero);
}

static void an_empty_file_is_fine(void **state)
{
    (void)state;
    write_file("a", "", 0);
    struct file file;
    assert_true(file_open(&file, "a", NO_LIMIT, NULL));
    assert_bytes(&file, "");
    assert_true(file_unpack(&file, NO_LIMIT, NULL, NULL));
    assert_bytes(&file, "");
    file_close(&file);
    assert_true(file_open(&file, "/dev/null", 0, NULL));
    assert_bytes(&file, "");
    file_close(&file);
}

static void a_file_that_hides_its_size_is_read(void **state)
{
    (void)state;
    struct file file;
    assert_true(file_open(&file, "/proc/self/maps", NO_LIMIT, NULL));
    assert_true(file.bytes.n > 100);
    file_close(&file);
}

static void errors_name_the_file_and_the_reason(void **state)
{
    (void)state;
    struct file file;
    struct error err = {0};
    assert_false(file_open(&file, "missing", NO_LIMIT, &err));
    assert_string_equal(err.text, "missing: No such file or directory");
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_int_equal(err.sys, ENOENT);
    file_close(&file); /* harmless after a failure */
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_false(file_open(&file, "folder", NO_LIMIT, &err));
    assert_string_equal(err.text, "folder: Is a directory");
    assert_int_equal(err.sys, EISDIR);
    file_close(&file);
    write_file("a", "x", 1);
    assert_false(file_open(&file, "a/b", NO_LIMIT, &err));
    assert_string_equal(err.text, "a/b: Not a directory");
    assert_false(file_open(&file, "", NO_LIMIT, &err));
    assert_string_equal(err.text, "No such file or directory");
    assert_false(file_read_fd(&file, -1, "name", NO_LIMIT, &err));
    assert_string_equal(err.text, "name: Bad file descriptor");
    assert_false(file_open(&file, "missing", NO_LIMIT, NULL));
    const int fd = open("a", O_WRONLY); /* cannot be mapped, nor read */
    assert_false(file_read_fd(&file, fd, "a", NO_LIMIT, &err));
    assert_string_equal(err.text, "a: Bad file descriptor");
    assert_int_equal(close(fd), 0);
}

/* A pipe with n bytes 'a', 'b', ... in it, written by a child; its reading end. */
static int pipe_of(size_t n, pid_t *pid)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *pid = fork();
    assert_true(*pid >= 0);
    if (*pid == 0) {
        (void)close(ends[0]);
        char bytes[777]; /* odd pieces */
        for (size_t done = 0; done < n;) {
            const size_t left = n - done < sizeof bytes ? n - done : sizeof bytes;
            for (size_t i = 0; i < left; i++)
                bytes[i] = (char)('a' + (done + i) % 26);
            const ssize_t written = write(ends[1], bytes, left);
            if (written < 0)
                _exit(1);
            done += (size_t)written;
        }
        _exit(0);
    }
    (void)close(ends[1]);
    return ends[0];
}

static void a_pipe_is_read_to_its_end_or_limit(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        uint64_t limit;
        bool is_fine;
    } cases[] = {
        {0, 0, true},
        {0, 10, true},
        {1, 0, false},
        {5, 5, true},
        {6, 5, false},
        {65536, 65536, true},
        {65537, 65536, false},
        {1000000, 1000000, true},
        {1000000, 999999, false},
        {1000000, UINT64_MAX, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pid_t pid;
        const int fd = pipe_of(cases[i].n, &pid);
        struct file file;
        struct error err = {0};
        assert_int_equal(file_read_fd(&file, fd, "pipe", cases[i].limit, &err), cases[i].is_fine);
        if (cases[i].is_fine) {
            assert_non_null(file.bytes.p);
            assert_int_equal(file.bytes.n, cases[i].n);
            for (size_t k = 0; k < cases[i].n; k++)
                assert_int_equal(file.bytes.p[k], 'a' + k % 26);
        } else {
            char want[64];
            (void)snprintf(want, sizeof want, "pipe: more than %ju bytes",
                           (uintmax_t)cases[i].limit);
            assert_string_equal(err.text, want);
            assert_int_equal(err.kind, ERROR_LIMIT);
        }
        file_close(&file);
        assert_int_equal(close(fd), 0); /* it stayed ours */
        (void)waitpid(pid, NULL, 0);
    }
}

static void a_dash_is_standard_input(void **state)
{
    (void)state;
    const int before = dup(STDIN_FILENO);
    pid_t pid;
    const int fd = pipe_of(3, &pid);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    (void)close(fd);
    struct file file;
    assert_true(file_open(&file, "-", NO_LIMIT, NULL));
    assert_bytes(&file, "abc");
    assert_string_equal(file.name, "-");
    file_close(&file);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
    (void)dup2(before, STDIN_FILENO);
    (void)close(before);
    (void)waitpid(pid, NULL, 0);
}

static void a_descriptor_is_read_from_where_it_stands(void **state)
{
    (void)state;
    write_file("a", "hello world", 11);
    const int fd = open("a", O_RDONLY);
    char head[6];
    assert_int_equal(read(fd, head, 6), 6);
    struct file file;
    assert_true(file_read_fd(&file, fd, "a", NO_LIMIT, NULL));
    assert_bytes(&file, "world");
    file_close(&file);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 11);
    assert_true(file_read_fd(&file, fd, "a", NO_LIMIT, NULL));
    assert_bytes(&file, "");
    file_close(&file);
    assert_int_equal(close(fd), 0);
}

/* bytes packed as one gzip member behind *packed. */
static void pack(struct span bytes, unsigned char *packed, size_t *n, size_t cap)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (z_const Bytef *)bytes.p;
    z.avail_in = (uInt)bytes.n;
    z.next_out = packed + *n;
    z.avail_out = (uInt)(cap - *n);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *n = cap - z.avail_out;
    (void)deflateEnd(&z);
}

#define PACKED_CAP ((size_t)4 << 20)

/* A file of n bytes that is mapped, opened. */
static struct file open_of(const void *bytes, size_t n)
{
    write_file("b.gz", bytes, n);
    struct file file;
    assert_true(file_open(&file, "b.gz", NO_LIMIT, NULL));
    return file;
}

static void what_is_not_gzip_is_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *p;
        size_t n;
    } cases[] = {{"x", 1},
                 {"\x1f", 1},
                 {"\x1f\x8b", 2},
                 {"\x1f\x8b\x07xxxxxxxxxxxxxxx", 18},
                 {"heap profile:", 13}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct file file = open_of(cases[i].p, cases[i].n);
        struct notes notes = {0};
        assert_true(file_unpack(&file, 0, &notes, NULL));
        assert_true(file.is_mapped);
        assert_int_equal(file.bytes.n, cases[i].n);
        assert_int_equal(notes.n, 0);
        file_close(&file);
    }
}

static void one_and_several_members(void **state)
{
    (void)state;
    unsigned char *packed = malloc(PACKED_CAP);
    size_t n = 0;
    pack(span_of("hello "), packed, &n, PACKED_CAP);
    struct file file = open_of(packed, n);
    struct notes notes = {0};
    assert_true(file_unpack(&file, NO_LIMIT, &notes, NULL));
    assert_bytes(&file, "hello ");
    assert_string_equal(file.name, "b.gz");
    assert_false(file.is_mapped);
    assert_true(file_unpack(&file, NO_LIMIT, &notes, NULL)); /* plain now */
    assert_bytes(&file, "hello ");
    file_close(&file);

    pack(span_of(""), packed, &n, PACKED_CAP);
    pack(span_of("world"), packed, &n, PACKED_CAP);
    file = open_of(packed, n);
    assert_true(file_unpack(&file, 11, &notes, NULL));
    assert_bytes(&file, "hello world");
    file_close(&file);
    file = open_of(packed, n);
    struct error err = {0};
    assert_false(file_unpack(&file, 10, &notes, &err));
    assert_string_equal(err.text, "b.gz: unpacks to more than 10 bytes");
    file_close(&file);

    memset(packed + n, 0, 100); /* padding */
    file = open_of(packed, n + 100);
    assert_true(file_unpack(&file, NO_LIMIT, &notes, NULL));
    assert_bytes(&file, "hello world");
    assert_int_equal(notes.n, 0);
    file_close(&file);
    packed[n + 50] = 'x'; /* rubbish */
    file = open_of(packed, n + 100);
    assert_true(file_unpack(&file, NO_LIMIT, &notes, NULL));
    assert_bytes(&file, "hello world");
    assert_int_equal(notes.n, 1);
    assert_string_equal(notes.lines[0], "b.gz: 100 bytes behind the gzip data ignored");
    file_close(&file);
    notes_free(&notes);

    n = 0;
    pack(span_of(""), packed, &n, PACKED_CAP);
    file = open_of(packed, n);
    assert_true(file_unpack(&file, 0, NULL, NULL));
    assert_bytes(&file, "");
    file_close(&file);
    free(packed);
}

/* Text that packs to about a quarter, so that a cut is somewhere inside. */
static char *make_text(size_t n)
{
    char *text = malloc(n);
    uint32_t random = 1;
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525u + 1013904223u;
        text[i] = "0123456789abcdef"[random >> 30];
    }
    return text;
}

static void a_piped_gzip_is_unpacked_too(void **state)
{
    (void)state;
    const size_t size = 300000;
    char *text = make_text(size);
    unsigned char *packed = malloc(PACKED_CAP);
    size_t n = 0;
    pack(span_make(text, size), packed, &n, PACKED_CAP);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        for (size_t done = 0; done < n;) {
            const ssize_t written = write(ends[1], packed + done, n - done);
            if (written < 0)
                _exit(1);
            done += (size_t)written;
        }
        _exit(0);
    }
    (void)close(ends[1]);
    struct file file;
    assert_true(file_read_fd(&file, ends[0], "-", NO_LIMIT, NULL));
    assert_int_equal(file.bytes.n, n);
    assert_true(file_unpack(&file, size, NULL, NULL));
    assert_int_equal(file.bytes.n, size);
    assert_memory_equal(file.bytes.p, text, size);
    file_close(&file);
    (void)close(ends[0]);
    (void)waitpid(pid, NULL, 0);
    free(packed);
    free(text);
}

/* Every byte at the ends, fewer between. */
static size_t next_step(size_t cut, size_t n)
{
    return cut < 40 || cut + 32 > n ? 1 : cut + 8000 > n ? 16 : 7919;
}

static void damage_keeps_the_beginning(void **state)
{
    (void)state;
    const size_t size = 300000;
    char *text = make_text(size);
    unsigned char *packed = malloc(PACKED_CAP);
    size_t n = 0;
    pack(span_make(text, size), packed, &n, PACKED_CAP);

    /* Cut at any point: an error where nothing comes out, else the beginning and a note. */
    size_t last = 0;
    for (size_t cut = 3; cut < n; cut += next_step(cut, n)) {
        struct file file = open_of(packed, cut);
        struct notes notes = {0};
        struct error err = {0};
        if (file_unpack(&file, NO_LIMIT, &notes, &err)) {
            assert_true(file.bytes.n >= last && file.bytes.n <= size && file.bytes.n);
            last = file.bytes.n;
            assert_memory_equal(file.bytes.p, text, last);
            assert_int_equal(notes.n, 1);
            char want[128];
            (void)snprintf(want, sizeof want,
                           "b.gz: gzip data damaged (unexpected end); only its first %zu unpacked "
                           "bytes are used",
                           last);
            assert_string_equal(notes.lines[0], want);
        } else {
            assert_int_equal(last, 0);
            assert_int_equal(err.kind, ERROR_FORMAT);
            assert_string_equal(err.text, "b.gz: gzip data damaged (unexpected end)");
            assert_int_equal(file.bytes.n, cut); /* as it was */
        }
        file_close(&file);
        notes_free(&notes);
    }
    assert_int_equal(last, size); /* only the trailer was missing */

    packed[n - 8] ^= 1; /* the checksum */
    struct file file = open_of(packed, n);
    struct notes notes = {0};
    assert_true(file_unpack(&file, NO_LIMIT, &notes, NULL));
    assert_int_equal(file.bytes.n, size);
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.lines[0], "incorrect data check"));
    file_close(&file);
    notes_free(&notes);
    packed[n - 8] ^= 1;

    /* The second of two members is rubbish. */
    const size_t first = n;
    pack(span_of("second"), packed, &n, PACKED_CAP);
    packed[first + 3] = 0xff; /* reserved flags */
    file = open_of(packed, n);
    assert_true(file_unpack(&file, NO_LIMIT, &notes, NULL));
    assert_int_equal(file.bytes.n, size);
    assert_int_equal(notes.n, 1);
    file_close(&file);
    notes_free(&notes);
    packed[3] = 0xff;
    file = open_of(packed, n);
    struct error err = {0};
    assert_false(file_unpack(&file, NO_LIMIT, NULL, &err));
    assert_string_equal(err.text, "b.gz: gzip data damaged (unknown header flags set)");
    file_close(&file);
    free(packed);
    free(text);
}

static void a_bomb_meets_the_limit(void **state)
{
    (void)state;
    unsigned char *packed = malloc(PACKED_CAP);
    char *zeros = calloc(1, (size_t)16 << 20);
    size_t n = 0;
    pack(span_make(zeros, (size_t)16 << 20), packed, &n, PACKED_CAP);
    for (int i = 0; i < 2; i++, n *= 2) /* 64 MiB in 64 KiB */
        memcpy(packed + n, packed, n);
    static const uint64_t limits[] = {0, 1, 65535, 65536, 1000000, (64 << 20) - 1};
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct file file = open_of(packed, n);
        struct notes notes = {0};
        struct error err = {0};
        assert_false(file_unpack(&file, limits[i], &notes, &err));
        assert_int_equal(err.kind, ERROR_LIMIT);
        char want[64];
        (void)snprintf(want, sizeof want, "b.gz: unpacks to more than %ju bytes",
                       (uintmax_t)limits[i]);
        assert_string_equal(err.text, want);
        assert_int_equal(notes.n, 0);
        assert_int_equal(file.bytes.n, n); /* as it was */
        file_close(&file);
    }
    struct file file = open_of(packed, n);
    assert_true(file_unpack(&file, 64 << 20, NULL, NULL));
    assert_int_equal(file.bytes.n, 64 << 20);
    file_close(&file);
    free(zeros);
    free(packed);
}

static void folders_that_are_not_there(void **state)
{
    (void)state;
    struct stat st;
    write_file("file", "x", 1);
    for (int times = 0; times < 2; times++) {
        file_make_folders("new/of//more/");
        assert_int_equal(stat("new/of/more", &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
    }
    file_make_folders("file/none");
    file_make_folders("");
    assert_true(file_is_regular("file"));
    assert_int_equal(unlink("file"), 0);
    char *absolute = realpath("new", NULL), path[4096];
    (void)snprintf(path, sizeof path, "%s/by/root", absolute);
    file_make_folders(path);
    static const char *const made[] = {"new/of/more", "new/of", "new/by/root", "new/by", "new"};
    for (size_t i = 0; i < COUNT_OF(made); i++)
        assert_int_equal(rmdir(made[i]), 0);
    free(absolute);
}

static void kinds_of_paths(void **state)
{
    (void)state;
    write_file("a", "x", 1);
    (void)mkdir("folder", 0700);
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_true(file_exists("a"));
    assert_true(file_exists("link"));
    assert_true(file_exists("fifo"));
    assert_true(file_exists("/dev/null"));
    assert_false(file_exists("folder"));
    assert_false(file_exists("missing"));
    assert_false(file_exists(""));
    assert_true(file_is_regular("a"));
    assert_true(file_is_regular("link"));
    assert_false(file_is_regular("fifo"));
    assert_false(file_is_regular("folder"));
    assert_false(file_is_regular("/dev/null"));
    assert_false(file_is_regular("missing"));
}

static void closing_a_descriptor(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY);
    const int number = fd;
    errno = 77;
    fd_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(errno, 77);
    assert_int_equal(fcntl(number, F_GETFD), -1);
    fd_close(&fd);
    assert_int_equal(fd, -1);
}

/* The same bytes by reading a mapped file, an offset of its own included, and from memory. */
static void copies_pieces(void **state)
{
    (void)state;
    char own_folder[64], path[128], piece[16] = "";
    make_folder(own_folder);
    (void)snprintf(path, sizeof path, "%s/file", own_folder);
    write_file(path, "0123456789", 10);
    int fd CLEANUP(fd_close) = open(path, O_RDONLY);
    assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
    struct file file;
    assert_true(file_read_fd(&file, fd, path, 1 << 20, NULL));
    fd_close(&fd);
    assert_true(file.is_mapped);
    assert_int_equal(file_copy(&file, 1, piece, 4), 4);
    assert_memory_equal(piece, "3456", 4);
    assert_int_equal(file_copy(&file, 6, piece, 16), 2);
    assert_memory_equal(piece, "89", 2);
    assert_int_equal(file_copy(&file, 8, piece, 16), 0);
    assert_int_equal(file_copy(&file, 99, piece, 16), 0);
    file_close(&file);

    const struct file memory = {.bytes = span_of("abcdef")};
    assert_int_equal(file_copy(&memory, 4, piece, 16), 2);
    assert_memory_equal(piece, "ef", 2);
    (void)unlink(path);
    (void)rmdir(own_folder);
}

static void writes_all(void **state)
{
    int ends[2];
    char got[8];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_true(fd_write(ends[1], span_of("bytes")));
    assert_int_equal(read(ends[0], got, sizeof got), 5);
    assert_memory_equal(got, "bytes", 5);
    assert_true(fd_write(ends[1], span_make("", 0)));
    close(ends[0]);
    close(ends[1]);
    assert_false(fd_write(ends[1], span_of("x")));
    assert_int_equal(errno, EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_regular_file_is_mapped),
        cmocka_unit_test(an_empty_file_is_fine),
        cmocka_unit_test(a_file_that_hides_its_size_is_read),
        cmocka_unit_test(errors_name_the_file_and_the_reason),
        cmocka_unit_test(a_pipe_is_read_to_its_end_or_limit),
        cmocka_unit_test(a_dash_is_standard_input),
        cmocka_unit_test(a_descriptor_is_read_from_where_it_stands),
        cmocka_unit_test(what_is_not_gzip_is_left_alone),
        cmocka_unit_test(one_and_several_members),
        cmocka_unit_test(a_piped_gzip_is_unpacked_too),
        cmocka_unit_test(damage_keeps_the_beginning),
        cmocka_unit_test(a_bomb_meets_the_limit),
        cmocka_unit_test(folders_that_are_not_there),
        cmocka_unit_test(kinds_of_paths),
        cmocka_unit_test(closing_a_descriptor),
        cmocka_unit_test(copies_pieces),
        cmocka_unit_test(writes_all),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
