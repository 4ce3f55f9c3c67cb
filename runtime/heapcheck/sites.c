/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a site is called in every run: a number made from the places of its frames in their files,
 * which do not depend on where these were loaded. */
#include "heapcheck/internal.h"

#include <string.h>

enum { PATH_ROOM = 512 };

struct code {
    uintptr_t start, end;
    uint64_t offset;
    char path[PATH_ROOM];
};

static struct {
    struct maps_reader reader;
    struct pile code; /* struct code, by address */
} sites;

static void see(void *to, const struct map_line *line)
{
    (void)to;
    struct code *code;
    if (line->flags[2] != 'x' || !(code = pile_next(&sites.code, sizeof *code)))
        return;
    *code = (struct code){.start = line->start, .end = line->end, .offset = line->offset};
    const size_t n = strnlen(line->path, PATH_ROOM - 1);
    memcpy(code->path, line->path, n);
    code->path[n] = '\0';
    sites.code.n++;
}

bool sites_refresh(void)
{
    sites.code.n = 0;
    return maps_each(&sites.reader, -1, see, NULL);
}

static const struct code *find(uintptr_t pc)
{
    const struct code *code = sites.code.p;
    for (size_t i = 0; i < sites.code.n; i++, code++) {
        if (pc - code->start < code->end - code->start)
            return code;
    }
    return NULL;
}

const char *sites_file(uintptr_t pc)
{
    const struct code *code = find(pc);
    return code ? code->path : "";
}

static uint64_t add(uint64_t hash, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t site_id(stack_ix stack)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    size_t n;
    const uintptr_t *pcs = stack_pcs(stack, &n);
    for (size_t i = 0; i < n; i++) {
        const struct code *code = find(pcs[i] - 1);
        const uint64_t place = code ? pcs[i] - code->start + code->offset : pcs[i];
        const char *path = code ? code->path : "", *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        hash = add(hash, name, strlen(name) + 1);
        hash = add(hash, &place, sizeof place);
    }
    return hash;
}
