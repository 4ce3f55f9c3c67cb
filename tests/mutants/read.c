/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reads many inputs in one process and says of each what became of it, for run.py to judge. A file
 * holds them one behind the other, each after its length in 8 bytes of this machine's order. Each
 * answer is a line: fields with tabs between, of which the first says how it went.
 *
 *     profile   READER  COLUMN=SUM|...  NOTE|NOTE...     what its samples add up to, and
 *               MESSAGE                                  why the table could not be written
 *     image     first line of the table  NOTE|NOTE...
 *     refused   READER  MESSAGE  NOTE|NOTE...
 *     ended     status or signal of a process that did not live to say more
 *
 * A process does the reading, and another one takes its place where it ends: neither a crash nor an
 * endless loop, which a timer ends, stops the rest.
 *
 * usage: read INPUTS           each is a profile
 *        read INPUTS PROFILE   each is the program of that profile */
#include "analysis/analysis.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of processor time for one input; a sanitizer takes some times the time. */
enum { SECONDS_MAX = 100 };

struct inputs {
    struct span bytes;
    struct span profile; /* p NULL: the inputs are profiles */
};

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static struct file map(const char *path)
{
    struct file file;
    struct error err;
    if (!file_open(&file, path, UINT64_MAX, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    return file;
}

/* Part of a field; what would end that is a question mark. */
static void put(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)putchar((unsigned char)text[i] < 0x20 || text[i] == '|' ? '?' : text[i]);
}

static void put_notes(const struct notes *notes)
{
    (void)putchar('\t');
    for (uint32_t i = 0; i < notes->n; i++) {
        put(notes->lines[i], strlen(notes->lines[i]));
        (void)putchar('|');
    }
}

/* ---- profiles -----------------------------------------------------------------------------------
 */

static const struct reader *find_surest(struct span bytes)
{
    const struct reader *surest = NULL;
    int best = 0;
    for (size_t i = 0; readers[i]; i++) {
        const int sure = readers[i]->sniff(bytes);
        if (sure > best) {
            best = sure;
            surest = readers[i];
        }
    }
    return surest;
}

/* Of samples without a label, which is what reports show. */
static void put_sums(const struct profile *profile, struct strings *strings)
{
    (void)putchar('\t');
    for (uint32_t c = 0; c < profile->n_columns; c++) {
        const char *name = strings_text(strings, profile->columns[c].name);
        double sum = 0;
        for (uint32_t i = 0; i < profile->n_samples; i++) {
            if (profile->sample_label[i] == 0)
                sum += profile->sample_value[(size_t)c * profile->n_samples + i];
        }
        put(name, strlen(name));
        (void)printf("=%.17g|", sum);
    }
}

/* Every sum of the table is held against the samples. */
static void try_table(struct span bytes, struct error *err)
{
    struct analysis *analysis = analysis_new();
    struct buf text = BUF_MAX((size_t)1 << 28);
    struct error close_err;
    analysis_settings(analysis)->checks_quietly = true;
    *err = (struct error){0};
    if (analysis_load_bytes(analysis, bytes, "input", LOAD_PROFILE, err)) {
        struct out *out = out_to_buf(&text);
        (void)!analysis_report(analysis, NULL, out, err);
        if (!out_close(out, &close_err))
            *err = close_err;
    }
    buf_free(&text);
    analysis_free(analysis);
}

static void try_profile(struct span bytes)
{
    struct file file = {.bytes = bytes, .name = base_copy("input")};
    struct strings *strings = strings_new();
    struct notes notes = {0};
    struct error err = {0};
    struct profile profile;
    const struct reader *reader = NULL;
    bool is_read = file_unpack(&file, (uint64_t)1 << 30, &notes, &err);
    if (is_read) {
        const struct read_job job = {
            .strings = strings, .limits = limits_default(), .name = "input", .notes = &notes};
        reader = find_surest(file.bytes);
        is_read = reader_read(file.bytes, NULL, &job, &profile, &err);
    }
    (void)printf("%s\t%s", is_read ? "profile" : "refused", reader ? reader->name : "none");
    if (is_read) {
        put_sums(&profile, strings);
        put_notes(&notes);
        profile_free(&profile);
        try_table(bytes, &err);
    }
    (void)putchar('\t');
    put(err.text, strlen(err.text));
    if (!is_read)
        put_notes(&notes);
    notes_free(&notes);
    strings_free(strings);
    file_close(&file);
}

/* ---- programs -----------------------------------------------------------------------------------
 */

static void try_image(struct span bytes, struct span profile)
{
    char path[64];
    struct error err = {0}, close_err;
    const int fd = memfd_create("image", MFD_CLOEXEC);
    if (fd < 0 || !fd_write(fd, bytes))
        die("memfd_create");
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct analysis *analysis = analysis_new();
    struct buf text = BUF_MAX((size_t)1 << 28);
    struct settings *settings = analysis_settings(analysis);
    settings->checks_quietly = true;
    settings->grains = (uint64_t)1 << GRANULARITY_LINES;
    bool is_shown = analysis_load(analysis, path, LOAD_PROGRAM, &err) &&
                    analysis_load_bytes(analysis, profile, "profile", LOAD_PROFILE, &err);
    if (is_shown) {
        struct out *out = out_to_buf(&text);
        is_shown = analysis_report(analysis, NULL, out, &err);
        is_shown = out_close(out, &close_err) && is_shown;
    }
    const struct span line = span_first(buf_span(&text), span_find(buf_span(&text), '\n'));
    (void)printf("%s\t", is_shown ? "image" : "refused\tnone");
    put(is_shown ? line.p : err.text, is_shown ? line.n : strlen(err.text));
    put_notes(analysis_notes(analysis));
    buf_free(&text);
    analysis_free(analysis);
    (void)close(fd);
}

/* ---- one after the other ------------------------------------------------------------------------
 */

static void try_all(const struct inputs *inputs, size_t *next)
{
    const struct itimerval patience = {.it_value = {.tv_sec = SECONDS_MAX}};
    while (inputs->bytes.n - *next >= sizeof(uint64_t)) {
        uint64_t n;
        memcpy(&n, inputs->bytes.p + *next, sizeof n);
        const struct span input = span_first(span_skip(inputs->bytes, *next + sizeof n), n);
        *next += sizeof n + input.n;
        if (setitimer(ITIMER_VIRTUAL, &patience, NULL) != 0)
            die("setitimer");
        /* An exact copy, so that a sanitizer sees the first byte read past the end. */
        char *copy = base_alloc(input.n, 1);
        memcpy(copy, input.p, input.n);
        if (inputs->profile.p)
            try_image(span_make(copy, input.n), inputs->profile);
        else
            try_profile(span_make(copy, input.n));
        (void)putchar('\n');
        (void)fflush(stdout);
        base_free(copy);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3)
        return 2;
    struct file bytes = map(argv[1]), profile = argc == 3 ? map(argv[2]) : (struct file){0};
    const struct inputs inputs = {.bytes = bytes.bytes, .profile = profile.bytes};
    const struct rlimit none = {0};
    (void)setrlimit(RLIMIT_CORE, &none);
    size_t *next =
        mmap(NULL, sizeof *next, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (next == MAP_FAILED)
        die("mmap");
    while (*next < inputs.bytes.n) {
        (void)fflush(NULL);
        const pid_t pid = fork();
        if (pid < 0)
            die("fork");
        if (pid == 0) {
            if (!limits_hold_memory(LIMIT_MEGABYTES, NULL))
                die("setrlimit");
            try_all(&inputs, next);
            break;
        }
        int how;
        if (waitpid(pid, &how, 0) != pid)
            die("waitpid");
        if (WIFSIGNALED(how))
            (void)printf("\nended\tby signal %d\n", WTERMSIG(how));
        else if (WEXITSTATUS(how))
            (void)printf("\nended\twith status %d\n", WEXITSTATUS(how));
    }
    file_close(&bytes);
    file_close(&profile);
    return 0;
}
