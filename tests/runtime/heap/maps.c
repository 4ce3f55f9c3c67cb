/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Mappings that come, go in part, move and are laid over each other, so that it is known what is
 * left. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

static char *map(void *place, int pages, int flags)
{
    char *p = mmap(place, (size_t)pages * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

__attribute__((noinline)) static char *first(int pages)
{
    char *p = map(NULL, pages, 0);
    p[0] = 1;
    return p;
}

__attribute__((noinline)) static char *second(char *place, int pages)
{
    char *p = map(place, pages, MAP_FIXED);
    p[0] = 1;
    return p;
}

__attribute__((noinline)) static char *third(char *old)
{
    char *p = mremap(old, 10 * PAGE, 30 * PAGE, MREMAP_MAYMOVE);
    if (p == MAP_FAILED)
        abort();
    p[0] = 1;
    return p;
}

int main(void)
{
    char *p = first(100);
    munmap(p + 10 * PAGE, 20 * PAGE); /* 10 and 70 pages are left */
    second(p + 50 * PAGE, 5);         /* 10, 20 and 45 */
    munmap(p, PAGE);                  /* 9, 20 and 45 */
    char *q = third(first(10));       /* 30, moved or not */
    munmap(first(7), 7 * PAGE);
    if (sbrk(3 * PAGE) == (void *)-1)
        return 1;
    void *volatile block = malloc(100);
    free(block);
    if (mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        return 1;
    return q[0] != 1;
}
