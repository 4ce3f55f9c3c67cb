/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The loaded objects, as far as a check needs them: their data, how far thread-local storage
 * reaches, and the code whose blocks are left alone. Our own data and storage are left out: they
 * hold nothing of the program's. */
#include "heapcheck/internal.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "base/pages.h"
#include "hooks/hooks.h"

/* Names of libraries, followed by a point or a minus. */
static const struct {
    const char *name;
    unsigned depth;
} exempt_names[] = {
    {"libpthread", 1}, {"libdl", 1}, {"libjvm", 1}, {"libzip", 1}, {"ld", 2},
};

enum { STATIC_TLS_MOST = 1 << 20 };

static unsigned exempt_depth(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    for (size_t i = 0; i < sizeof exempt_names / sizeof *exempt_names; i++) {
        const size_t n = strlen(exempt_names[i].name);
        if (strncmp(base, exempt_names[i].name, n) == 0 && (base[n] == '.' || base[n] == '-'))
            return exempt_names[i].depth;
    }
    return 0;
}

static bool is_ours(const struct dl_phdr_info *info)
{
    static char here;
    if (!*info->dlpi_name) /* the program, and we are part of it */
        return false;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD &&
            (uintptr_t)&here - (info->dlpi_addr + part->p_vaddr) < part->p_memsz)
            return true;
    }
    return false;
}

static uintptr_t whole_pages(uintptr_t end)
{
    return (end + SYSTEM_PAGE - 1) & ~(uintptr_t)(SYSTEM_PAGE - 1);
}

static void add_data(struct modules *modules, uintptr_t start, uintptr_t end)
{
    struct range *range = pile_next(&modules->data, sizeof *range);
    if (!range) {
        modules->is_complete = false;
        return;
    }
    *range = (struct range){start, whole_pages(end)};
    modules->data.n++;
}

static void add_exempt(struct modules *modules, uintptr_t start, uintptr_t end, unsigned depth)
{
    struct exempt *exempt = pile_next(&modules->exempt, sizeof *exempt);
    if (!exempt) {
        modules->is_complete = false;
        return;
    }
    *exempt = (struct exempt){{start, end}, depth};
    modules->exempt.n++;
}

/* Storage of the calling thread that lies below its thread pointer lies so in every thread. */
static void see_tls(struct modules *modules, const struct dl_phdr_info *info, size_t size,
                    bool is_own)
{
    const uintptr_t below = (uintptr_t)__builtin_thread_pointer() - (uintptr_t)info->dlpi_tls_data;
    if (!info->dlpi_tls_data || below > STATIC_TLS_MOST)
        return;
    if (below > modules->tls_below)
        modules->tls_below = below;
    if (is_own) {
        modules->own_below = below;
        modules->own_size = size;
    }
}

static int see(struct dl_phdr_info *info, size_t size, void *to)
{
    struct modules *modules = to;
    (void)size;
    modules->loads = info->dlpi_adds;
    modules->unloads = info->dlpi_subs;
    const unsigned depth = exempt_depth(info->dlpi_name);
    const bool is_own = is_ours(info);
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + part->p_vaddr, end = start + part->p_memsz;
        if (part->p_type == PT_TLS)
            see_tls(modules, info, part->p_memsz, is_own);
        if (part->p_type != PT_LOAD)
            continue;
        if (part->p_flags & PF_W)
            add_data(modules, start, end);
        if ((part->p_flags & PF_X) && depth > 0)
            add_exempt(modules, start, end, depth);
    }
    return 0;
}

/* Our data where we are part of the program: see archive.sh. */
extern char data_start __asm__("__start_cprof_data") __attribute__((weak, visibility("hidden")));
extern char data_end __asm__("__stop_cprof_data") __attribute__((weak, visibility("hidden")));
extern char bss_start __asm__("__start_cprof_bss") __attribute__((weak, visibility("hidden")));
extern char bss_end __asm__("__stop_cprof_bss") __attribute__((weak, visibility("hidden")));

static int note_own(struct dl_phdr_info *info, size_t size, void *to)
{
    (void)size;
    (void)to;
    if (!is_ours(info))
        return 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + part->p_vaddr;
        const uintptr_t storage = (uintptr_t)info->dlpi_tls_data;
        if (part->p_type == PT_LOAD && (part->p_flags & PF_W))
            pages_note_own(start, whole_pages(start + part->p_memsz));
        if (part->p_type == PT_TLS && storage)
            pages_note_own(storage, storage + part->p_memsz);
    }
    return 1;
}

void modules_note_own(void)
{
    if (&data_start) {
        pages_note_own((uintptr_t)&data_start, (uintptr_t)&data_end);
        pages_note_own((uintptr_t)&bss_start, (uintptr_t)&bss_end);
        pages_note_own((uintptr_t)&hooks_caller, (uintptr_t)(&hooks_caller + 1));
    } else {
        (void)dl_iterate_phdr(note_own, NULL);
    }
}

void modules_list(struct modules *modules)
{
    *modules = (struct modules){.is_complete = true};
    (void)dl_iterate_phdr(see, modules);
    if (&data_start) { /* of our storage, what has registers of the program's */
        modules->own_below = (uintptr_t)__builtin_thread_pointer() - (uintptr_t)&hooks_caller;
        modules->own_size = sizeof hooks_caller;
    }
}

static int see_counts(struct dl_phdr_info *info, size_t size, void *to)
{
    const struct modules *modules = to;
    (void)size;
    return info->dlpi_adds == modules->loads && info->dlpi_subs == modules->unloads ? 1 : 2;
}

bool modules_are_same(const struct modules *modules)
{
    struct modules copy = *modules;
    return dl_iterate_phdr(see_counts, &copy) != 2;
}

void modules_free(struct modules *modules)
{
    pile_free(&modules->data);
    pile_free(&modules->exempt);
}

bool modules_exempt(const struct modules *modules, stack_ix stack)
{
    size_t n;
    const uintptr_t *pcs = stack_pcs(stack, &n);
    const struct exempt *exempt = modules->exempt.p;
    for (size_t i = 0; i < modules->exempt.n; i++, exempt++) {
        for (size_t k = 0; k < n && k < exempt->depth; k++) {
            if (pcs[k] - exempt->code.start < exempt->code.end - exempt->code.start)
                return true;
        }
    }
    return false;
}
