/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/out.h: output in order, and the first error. */
#include "base_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "base/out.h"

#define MEGABYTE ((size_t)1 << 20)

static void every_way_of_writing(void **state)
{
    (void)state;
    struct buf buf = BUF_MAX(MEGABYTE);
    struct out *out = out_to_buf(&buf);
    out_bytes(out, span_make("abc", 2));
    out_bytes(out, (struct span){0});
    out_byte(out, '\0');
    out_text(out, "text");
    out_text(out, "");
    out_printf(out, "%5d|%-4s|%.1f%%", 42, "x", 2.25);
    out_byte(out, ' ');
    out_u64(out, 0);
    out_byte(out, ' ');
    out_u64(out, UINT64_MAX);
    assert_false(out_failed(out));
    assert_true(out_flush(out, NULL));
    static const char want[] = "ab\0text   42|x   |2.2% 0 18446744073709551615";
    assert_int_equal(buf.n, sizeof want - 1);
    assert_memory_equal(buf.p, want, sizeof want - 1);
    assert_true(out_close(out, NULL));
    buf_free(&buf);
}

static void nothing_is_fine(void **state)
{
    (void)state;
    struct buf buf = BUF_MAX(0);
    assert_true(out_close(out_to_buf(&buf), NULL));
    assert_int_equal(buf.n, 0);
}

/* The same bytes through every door, in pieces around the buffer's size. */
static void pieces_of_all_sizes_come_in_order(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 65534, 1, 1, 65535, 65536, 65537, 3, 200000, 0, 65536, 7};
    struct buf want = BUF_MAX(100 * MEGABYTE), got = BUF_MAX(100 * MEGABYTE);
    struct out *out = out_to_buf(&got);
    char *piece = malloc(200001);
    for (size_t i = 0; i < COUNT_OF(sizes) * 3; i++) {
        const size_t n = sizes[i % COUNT_OF(sizes)];
        for (size_t k = 0; k < n; k++)
            piece[k] = (char)('a' + (i + k) % 26);
        piece[n] = '\0';
        buf_text(&want, piece);
        if (i / COUNT_OF(sizes) == 0)
            out_bytes(out, span_make(piece, n));
        else if (i / COUNT_OF(sizes) == 1)
            out_printf(out, "%s", piece);
        else
            for (size_t k = 0; k < n; k++)
                out_byte(out, piece[k]);
    }
    assert_true(out_close(out, NULL));
    assert_int_equal(got.n, want.n);
    assert_true(memcmp(got.p, want.p, want.n) == 0);
    free(piece);
    buf_free(&want);
    buf_free(&got);
}

static void numbers_have_a_point_in_every_locale(void **state)
{
    (void)state;
    use_comma_locale();
    struct buf buf = BUF_MAX(MEGABYTE);
    struct out *out = out_to_buf(&buf);
    out_printf(out, "%.2f %g", 1.25, 0.5);
    assert_true(out_close(out, NULL));
    assert_string_equal(buf_c(&buf), "1.25 0.5");
    char text[8]; /* and the locale is as it was */
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5");
    assert_non_null(setlocale(LC_ALL, "C"));
    buf_free(&buf);
}

struct sink {
    size_t n;
    unsigned calls;
    int answer;
};

static int count(void *to, const void *bytes, size_t n)
{
    struct sink *sink = to;
    (void)bytes;
    sink->n += n;
    sink->calls++;
    return sink->answer;
}

static void a_function_gets_the_bytes_and_its_error_sticks(void **state)
{
    (void)state;
    struct sink sink = {0};
    struct out *out = out_to_function(count, &sink);
    for (int i = 0; i < 200000; i++)
        out_byte(out, 'x');
    assert_true(out_flush(out, NULL));
    assert_int_equal(sink.n, 200000);
    assert_true(sink.calls <= 4);
    assert_true(out_flush(out, NULL)); /* nothing to write: no call */
    assert_true(sink.calls <= 4);

    sink = (struct sink){.answer = ENOSPC};
    out_text(out, "x");
    assert_false(out_failed(out)); /* not yet known */
    struct error err = {0};
    assert_false(out_flush(out, &err));
    assert_true(out_failed(out));
    assert_int_equal(err.sys, ENOSPC);
    assert_string_equal(err.text, "writing output: No space left on device");
    sink.answer = EIO;
    for (int i = 0; i < 200000; i++)
        out_byte(out, 'x');
    out_printf(out, "%d", 1);
    assert_int_equal(sink.calls, 1); /* no more is written */
    err = (struct error){0};
    assert_false(out_close(out, &err));
    assert_int_equal(err.sys, ENOSPC);
    assert_int_equal(sink.calls, 1);
}

static void a_full_buffer_is_an_error(void **state)
{
    (void)state;
    struct buf buf = BUF_MAX(4);
    struct out *out = out_to_buf(&buf);
    out_text(out, "1234");
    assert_true(out_flush(out, NULL));
    out_text(out, "5");
    struct error err = {0};
    assert_false(out_close(out, &err));
    assert_int_equal(err.sys, EFBIG);
    assert_string_equal(buf_c(&buf), "1234");
    buf_free(&buf);
}

static void a_full_device_is_an_error(void **state)
{
    (void)state;
    const int fd = open("/dev/full", O_WRONLY);
    assert_true(fd >= 0);
    struct out *out = out_to_fd(fd, "standard output");
    out_text(out, "x");
    assert_false(out_failed(out));
    struct error err = {0};
    assert_false(out_close(out, &err));
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_int_equal(err.sys, ENOSPC);
    assert_string_equal(err.text, "writing standard output: No space left on device");
    assert_int_equal(close(fd), 0); /* it stayed ours */

    out = out_to_fd(-1, "nowhere");
    out_text(out, "x");
    assert_false(out_close(out, &err));
    assert_int_equal(err.sys, EBADF);
}

static void a_closed_pipe_is_an_error(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct out *out = out_to_fd(ends[1], "pipe");
    out_text(out, "x");
    assert_true(out_flush(out, NULL));
    assert_int_equal(close(ends[0]), 0);
    for (int i = 0; i < 100000 && !out_failed(out); i++)
        out_printf(out, "%d\n", i);
    assert_true(out_failed(out));
    struct error err = {0};
    assert_false(out_close(out, &err));
    assert_int_equal(err.sys, EPIPE);
    assert_string_equal(err.text, "writing pipe: Broken pipe");
    assert_int_equal(close(ends[1]), 0);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

struct reader {
    int fd;
    pthread_t writer;
    bool is_slow;
    size_t n, wrong;
};

/* Reads in small bits and sends the writer signals meanwhile: short writes and EINTR. */
static void *read_slowly(void *arg)
{
    struct reader *reader = arg;
    char bytes[5000];
    for (ssize_t got; (got = read(reader->fd, bytes, sizeof bytes)) > 0;) {
        for (ssize_t i = 0; i < got; i++, reader->n++)
            reader->wrong += bytes[i] != (char)('a' + reader->n % 26);
        if (reader->is_slow)
            (void)pthread_kill(reader->writer, SIGUSR1);
    }
    return NULL;
}

static void short_writes_and_signals_lose_nothing(void **state)
{
    (void)state;
    const struct sigaction on = {.sa_handler = on_alarm}; /* no SA_RESTART */
    assert_int_equal(sigaction(SIGUSR1, &on, NULL), 0);
    for (int is_nonblocking = 0; is_nonblocking < 2; is_nonblocking++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        if (is_nonblocking)
            assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
        struct reader reader = {.fd = ends[0], .writer = pthread_self(), .is_slow = true};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
        const size_t n = 3 * MEGABYTE;
        char *bytes = malloc(n);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)('a' + i % 26);
        struct out *out = out_to_fd(ends[1], "pipe");
        out_bytes(out, span_make(bytes, n));
        assert_true(out_close(out, NULL));
        free(bytes);
        assert_int_equal(close(ends[1]), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(reader.n, n);
        assert_int_equal(reader.wrong, 0);
        assert_int_equal(close(ends[0]), 0);
    }
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_of_writing),
        cmocka_unit_test(nothing_is_fine),
        cmocka_unit_test(pieces_of_all_sizes_come_in_order),
        cmocka_unit_test(numbers_have_a_point_in_every_locale),
        cmocka_unit_test(a_function_gets_the_bytes_and_its_error_sticks),
        cmocka_unit_test(a_full_buffer_is_an_error),
        cmocka_unit_test(a_full_device_is_an_error),
        cmocka_unit_test(a_closed_pipe_is_an_error),
        cmocka_unit_test(short_writes_and_signals_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
