/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The profiles that a run under a profiler left in a folder: which files are its own, how much is
 * in each, and which program wrote it. Only their first bytes are looked at here; reading them is
 * for those who report. */
#include "cli/internal.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* How much of a file's name is its process's: all, or what stands before ".0001.heap". */
static size_t process_length(const char *file)
{
    static const char ending[] = ".heap";
    const size_t n = strlen(file), ending_n = sizeof ending - 1;
    if (n <= ending_n || strcmp(file + n - ending_n, ending) != 0)
        return n;
    size_t digits = 0;
    while (digits < n - ending_n && strchr("0123456789", file[n - ending_n - digits - 1]))
        digits++;
    const size_t dot = n - ending_n - digits;
    return digits > 0 && dot > 1 && file[dot - 1] == '.' ? dot - 1 : n;
}

/* The process's own file, and those of processes that it started: the name, "_" and a number. */
static bool is_of_run(const struct harvest *harvest, const char *file)
{
    const size_t n = strlen(harvest->name), process_n = process_length(file);
    if (process_n < n || strncmp(file, harvest->name, n) != 0)
        return false;
    if (process_n == n)
        return true;
    return file[n] == '_' && process_n > n + 1 &&
           n + 1 + strspn(file + n + 1, "0123456789_") == process_n;
}

/* A header, and what follows it at least. */
enum { FIRST_COUNT_AT = 40, SMALLEST = 64 };

double harvest_cpu(struct span bytes)
{
    uint64_t count = 0;
    if (bytes.n > SMALLEST)
        memcpy(&count, bytes.p + FIRST_COUNT_AT, sizeof count);
    return (double)count;
}

/* The bytes in use, as the first line has them: heap profile: OBJECTS: BYTES [... */
double harvest_heap(struct span bytes)
{
    uint64_t objects, in_use;
    if (!span_take(&bytes, "heap profile:"))
        return 0;
    bytes = span_trim_left(bytes);
    if (!span_take_u64(&bytes, &objects) || !span_take(&bytes, ":"))
        return 0;
    bytes = span_trim_left(bytes);
    return span_take_u64(&bytes, &in_use) ? (double)in_use : 0;
}

/* The program that a profile is of: the first code that its map lists. */
static char *program_of(struct span bytes)
{
    static const char code[] = " r-xp ";
    const char *line = memmem(bytes.p, bytes.n, code, sizeof code - 1);
    const char *end = line ? memchr(line, '\n', bytes.n - (size_t)(line - bytes.p)) : NULL;
    const char *name = end ? memchr(line, '/', (size_t)(end - line)) : NULL;
    return span_copy(name ? span_make(name, (size_t)(end - name)) : span_of("?"));
}

/* False: it has no samples. */
static bool read_profile(harvest_weigh *weigh, const char *path, struct harvest_profile *profile)
{
    struct file file = {0};
    struct error err;
    if (!file_open(&file, path, (uint64_t)1 << 30, &err))
        return false;
    profile->weight = weigh(file.bytes);
    const bool is_wanted = profile->weight > 0;
    if (is_wanted) {
        profile->path = base_copy(path);
        profile->program = program_of(file.bytes);
    }
    file_close(&file);
    return is_wanted;
}

static int by_program(const void *a, const void *b)
{
    const struct harvest_profile *x = a, *y = b;
    const int order = strcmp(x->program, y->program);
    return order ? order : strcmp(x->path, y->path);
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static void add_profile(struct harvest *harvest, const struct harvest_profile *profile)
{
    const size_t n = process_length(profile->path);
    for (uint32_t i = 0; i < harvest->n; i++) {
        struct harvest_profile *other = &harvest->profiles[i];
        if (process_length(other->path) != n || strncmp(other->path, profile->path, n) != 0)
            continue;
        /* Of one process: the fullest is shown. */
        struct harvest_profile *less = profile->weight > other->weight ? other : NULL;
        base_free(less ? less->path : profile->path);
        base_free(less ? less->program : profile->program);
        if (less)
            *less = *profile;
        return;
    }
    harvest->profiles = base_grow(harvest->profiles, &harvest->cap, (size_t)harvest->n + 1,
                                  sizeof *harvest->profiles);
    harvest->profiles[harvest->n++] = *profile;
}

/* Files of an earlier run have the same names: ours are those that were written since. */
void harvest_collect(struct harvest *harvest)
{
    DIR *dir = opendir(harvest->folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        struct buf path = BUF_MAX((size_t)PATH_MAX * 2);
        buf_printf(&path, "%s/%s", harvest->folder, entry->d_name);
        struct stat about;
        struct harvest_profile profile;
        if (is_of_run(harvest, entry->d_name) && stat(buf_c(&path), &about) == 0 &&
            S_ISREG(about.st_mode) && !is_before(&about.st_mtim, &harvest->since) &&
            read_profile(harvest->weigh, buf_c(&path), &profile))
            add_profile(harvest, &profile);
        buf_free(&path);
    }
    if (dir)
        (void)closedir(dir);
    if (harvest->n > 1)
        qsort(harvest->profiles, harvest->n, sizeof *harvest->profiles, by_program);
}

void harvest_remove(const struct harvest *harvest)
{
    DIR *dir = opendir(harvest->folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        if (is_of_run(harvest, entry->d_name))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        (void)closedir(dir);
}

void harvest_free(struct harvest *harvest)
{
    for (uint32_t i = 0; i < harvest->n; i++) {
        base_free(harvest->profiles[i].path);
        base_free(harvest->profiles[i].program);
    }
    base_free(harvest->profiles);
    base_free(harvest->folder);
    base_free(harvest->name);
}
