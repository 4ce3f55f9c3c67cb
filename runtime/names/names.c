/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From an address to the file that is mapped there, and on to its table. */
#include "names/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/pages.h"
#include "names/internal.h"

struct names_module {
    struct names_module *next;
    uint64_t inode;
    uintptr_t mapped; /* where its first bytes are */
    enum { TABLE_NEW, TABLE_READ, TABLE_NONE } state;
    bool is_mapped; /* at the last look */
    struct names_table table;
    char path[]; /* "" for the kernel's [vdso] */
};

struct names_area {
    uintptr_t start, end;
    uint64_t offset;
    struct names_module *module;
};

enum { FIRST_AREAS = 128 };

/* ---- what is mapped */

static struct names_module *module_for(struct names *names, const struct map_line *line)
{
    const bool is_vdso = strcmp(line->path, "[vdso]") == 0;
    const char *path = is_vdso ? "" : line->path;
    struct names_module *m = names->modules;
    if (!is_vdso && line->path[0] != '/')
        return NULL;
    while (m && strcmp(m->path, path) != 0)
        m = m->next;
    if (!m) {
        const size_t n = strlen(path) + 1;
        m = arena_take(sizeof *m + n);
        if (!m)
            return NULL;
        memcpy(m->path, path, n);
        m->inode = line->inode;
        m->next = names->modules;
        names->modules = m;
    } else if (m->inode != line->inode ||
               (!m->is_mapped && line->offset == 0 && m->mapped != line->start)) {
        table_free(&m->table); /* another file of this name, or mapped anew */
        m->state = TABLE_NEW;
        m->inode = line->inode;
    }
    if (line->offset == 0)
        m->mapped = line->start;
    m->is_mapped = true;
    return m;
}

static bool make_room(struct names *names)
{
    if (names->n_areas < names->most_areas)
        return true;
    const size_t most = names->most_areas ? 2 * names->most_areas : FIRST_AREAS;
    struct names_area *areas = pages_map(NULL, most * sizeof *areas, SYSTEM_PAGE);
    if (!areas)
        return false;
    if (names->n_areas > 0)
        memcpy(areas, names->areas, names->n_areas * sizeof *areas);
    if (names->areas)
        pages_unmap(names->areas, names->most_areas * sizeof *areas);
    names->areas = areas;
    names->most_areas = most;
    return true;
}

static void note_line(void *to, const struct map_line *line)
{
    struct names *names = to;
    const bool is_code = line->flags[2] == 'x';
    if (!is_code && line->offset != 0)
        return;
    struct names_module *m = module_for(names, line);
    if (m && is_code && make_room(names))
        names->areas[names->n_areas++] =
            (struct names_area){line->start, line->end, line->offset, m};
}

bool names_refresh(struct names *names)
{
    names->n_areas = 0;
    for (struct names_module *m = names->modules; m; m = m->next)
        m->is_mapped = false;
    return maps_each(&names->reader, -1, note_line, names);
}

/* ---- tables */

static bool has_table(struct names_module *m)
{
    if (m->state == TABLE_NEW) {
        const char *path = m->path[0] ? m->path : NULL;
        bool is_read = table_read(&m->table, path, m->mapped);
        /* What was replaced while it runs can still be read, if it is the program. */
        if (!is_read && path && strstr(path, " (deleted)"))
            is_read = table_read(&m->table, "/proc/self/exe", m->mapped);
        m->state = is_read ? TABLE_READ : TABLE_NONE;
    }
    return m->state == TABLE_READ;
}

static const struct names_area *area_of(const struct names *names, uintptr_t pc)
{
    size_t low = 0, high = names->n_areas;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (names->areas[middle].end <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low < names->n_areas && names->areas[low].start <= pc ? &names->areas[low] : NULL;
}

bool names_find(struct names *names, uintptr_t pc, struct name *out)
{
    const struct names_area *area = area_of(names, pc);
    uint64_t address;
    if (!area || !has_table(area->module) ||
        !table_address(&area->module->table, pc - area->start + area->offset, &address))
        return false;
    const struct names_table *table = &area->module->table;
    const struct names_symbol *s = table_find(table, address);
    if (!s)
        return false;
    out->text = table->strings + s->name;
    out->n = strcspn(out->text, "@");
    out->start = pc - (uintptr_t)(address - s->value);
    return out->n > 0;
}

size_t names_count(struct names *names)
{
    size_t n = 0;
    for (struct names_module *m = names->modules; m; m = m->next)
        if (m->is_mapped && has_table(m))
            n += m->table.n_symbols;
    return n;
}

/* ---- readable names */

extern char *demangle(const char *name, char *buffer, size_t *size,
                      int *status) __asm__("__cxa_demangle") __attribute__((weak));

size_t names_readable(const struct name *name, char *to, size_t size)
{
    enum { LONGEST = 4096 }; /* of those that are worth reading */
    char *made = NULL, mangled[LONGEST];
    if (demangle && name->n > 2 && name->n < sizeof mangled && memcmp(name->text, "_Z", 2) == 0) {
        memcpy(mangled, name->text, name->n);
        mangled[name->n] = '\0';
        int status;
        made = demangle(mangled, NULL, NULL, &status);
    }
    const char *from = made ? made : name->text;
    size_t n = made ? strlen(made) : name->n;
    n = n < size ? n : size - 1;
    memcpy(to, from, n);
    to[n] = '\0';
    free(made);
    return n;
}
