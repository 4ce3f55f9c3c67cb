/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One behaviour of the allocator per argument, as a program sees it that knows nothing of it but
 * the public headers. run.py holds what is printed against what is wanted. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gperftools/malloc_extension_c.h>
#include <gperftools/nallocx.h>
#include <gperftools/tcmalloc.h>

static void classes(void)
{
    size_t last = 0;
    int n = 0;
    for (size_t s = 1; s <= 262144; s++) {
        const size_t usable = nallocx(s, 0);
        if (usable != last)
            printf("%zu%s", usable, ++n % 12 ? " " : "\n");
        last = usable;
    }
    printf("\n%d classes\n", n);
}

static void bad_free(void)
{
    int x = 0;
    free(&x);
}

static void bad_free_inside(void)
{
    char *p = malloc(300000);
    free(p + 100000);
}

static void bad_free_again(void)
{
    void *p = malloc(100);
    free(p);
    free(p);
}

static void bad_free_large_again(void)
{
    void *p = malloc(300000);
    free(p);
    free(p);
}

/* Freed twice with other blocks between: found when the thread's blocks go back. */
static void bad_free_later(void)
{
    void *p[40];
    for (int i = 0; i < 40; i++)
        p[i] = malloc(8000);
    for (int i = 0; i < 40; i++)
        free(p[i]);
    MallocExtension_ReleaseFreeMemory();
    free(p[3]);
}

static void bad_free_in_small(void)
{
    char *p = malloc(1000);
    free(p + 16);
    MallocExtension_MarkThreadIdle();
    MallocExtension_ReleaseFreeMemory();
}

static void bad_realloc(void)
{
    int x = 0;
    (void)!realloc(&x, 100);
}

static void bad_usable(void)
{
    int x = 0;
    printf("%zu\n", malloc_usable_size(&x));
}

static void edges(void)
{
    errno = 0;
    void *volatile p = malloc(SIZE_MAX - 10);
    printf("malloc(SIZE_MAX-10)=%p errno=%d\n", p, errno);
    errno = 0;
    p = malloc((size_t)1 << 47);
    printf("malloc(1<<47)=%p errno=%d\n", p, errno);
    errno = 0;
    p = calloc((size_t)1 << 40, (size_t)1 << 40);
    printf("calloc overflow=%p errno=%d\n", p, errno);
    void *q = NULL;
    printf("posix_memalign bad align=%d\n", posix_memalign(&q, 3, 10));
    const int r = posix_memalign(&q, 4096, 10);
    printf("posix_memalign=%d aligned=%d\n", r, ((uintptr_t)q & 4095) == 0);
    errno = 0;
    p = memalign(3, 10);
    printf("memalign(3)=%d errno=%d\n", p != NULL, errno);
    p = aligned_alloc(64, 100);
    printf("aligned_alloc(64,100)=%d\n", p && ((uintptr_t)p & 63) == 0);
    p = valloc(10);
    printf("valloc aligned=%d\n", ((uintptr_t)p & 4095) == 0);
    p = pvalloc(0);
    printf("pvalloc(0) usable=%zu\n", malloc_usable_size(p));
    p = realloc(NULL, 10);
    printf("realloc(NULL,10)=%d\n", p != NULL);
    p = realloc(p, 0);
    printf("realloc(p,0)=%p\n", p);
    p = malloc(0);
    printf("malloc(0)=%d usable=%zu\n", p != NULL, malloc_usable_size(p));
    const int trimmed = malloc_trim(0);
    printf("mallopt=%d malloc_trim=%d\n", mallopt(M_MMAP_THRESHOLD, 1),
           trimmed == 0 || trimmed == 1);
    int major, minor;
    const char *patch;
    const char *version = tc_version(&major, &minor, &patch);
    printf("tc_version=%s %d.%d%s\n", version, major, minor, patch);
    const int mode = tc_set_new_mode(1);
    printf("tc_set_new_mode(1)=%d then %d\n", mode, tc_set_new_mode(0));
    const struct mallinfo2 m = mallinfo2();
    printf("mallinfo2 arena>0=%d uordblks>0=%d\n", m.arena > 0, m.uordblks > 0);
}

static void large_report(void)
{
    for (int i = 0; i < 2; i++) {
        void *volatile p = malloc((size_t)(2 + i) << 30);
        free(p);
    }
}

static void heap_limit(void)
{
    int i = 0;
    while (i < 100 && malloc(1 << 20))
        i++;
    printf("stopped between 40 and 50 MB: %d errno=%d\n", i >= 40 && i <= 50, errno);
}

static void say_free(const char *when)
{
    size_t a, b;
    MallocExtension_GetNumericProperty("tcmalloc.pageheap_free_bytes", &a);
    MallocExtension_GetNumericProperty("tcmalloc.pageheap_unmapped_bytes", &b);
    printf("%s: free>=60M %d unmapped>=60M %d\n", when, a >= 60 << 20, b >= 60 << 20);
}

static void release(void)
{
    void *v[64];
    for (int i = 0; i < 64; i++) {
        v[i] = malloc(1 << 20);
        memset(v[i], 1, 1 << 20);
    }
    for (int i = 0; i < 64; i++)
        free(v[i]);
    say_free("before");
    MallocExtension_ReleaseFreeMemory();
    say_free("after");
}

static void stats(void)
{
    free(malloc(1));
    malloc_stats();
}

static void info(void)
{
    malloc_info(0, stdout);
}

static void none(void)
{
    free(malloc(1));
}

static const struct scene {
    const char *name;
    void (*play)(void);
} scenes[] = {
    {"classes", classes},
    {"bad-free", bad_free},
    {"bad-free-inside", bad_free_inside},
    {"bad-free-again", bad_free_again},
    {"bad-free-large-again", bad_free_large_again},
    {"bad-free-later", bad_free_later},
    {"bad-free-in-small", bad_free_in_small},
    {"bad-realloc", bad_realloc},
    {"bad-usable", bad_usable},
    {"edges", edges},
    {"large-report", large_report},
    {"heap-limit", heap_limit},
    {"release", release},
    {"stats", stats},
    {"info", info},
    {"none", none},
};

int main(int argc, char **argv)
{
    setbuf(stdout, NULL);
    for (size_t i = 0; argc > 1 && i < sizeof scenes / sizeof *scenes; i++)
        if (strcmp(scenes[i].name, argv[1]) == 0) {
            scenes[i].play();
            return 0;
        }
    return 2;
}
