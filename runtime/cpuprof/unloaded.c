/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Code that is there when something is unloaded. What of it is gone at the end of the profile is
 * added to the list of mapped objects, so that its samples have names too. Where other code stands
 * there by then, that is what the list says. All under the profile's lock. */
#include "cpuprof/internal.h"

#include <string.h>

#include "base/pages.h"

enum { MOST = 1000, PATH_BYTES = 1 << 16 };

static struct {
    struct memory { /* mapped when it is needed first, and kept */
        struct code {
            uint64_t start, end, offset, inode;
            uint32_t path; /* in paths */
            bool is_there;
        } codes[MOST];
        char paths[PATH_BYTES];
    } * memory;
    uint32_t n, n_paths;
} unloaded;

static bool is_known(const struct map_line *line)
{
    for (uint32_t i = 0; i < unloaded.n; i++) {
        const struct code *code = &unloaded.memory->codes[i];
        if (code->start == line->start && code->end == line->end && code->offset == line->offset &&
            code->inode == line->inode &&
            strcmp(unloaded.memory->paths + code->path, line->path) == 0)
            return true;
    }
    return false;
}

static void note(void *unused, const struct map_line *line)
{
    (void)unused;
    const size_t size = strlen(line->path) + 1;
    if (line->flags[2] != 'x' || line->path[0] != '/' || is_known(line) || unloaded.n == MOST ||
        size > PATH_BYTES - unloaded.n_paths)
        return;
    unloaded.memory->codes[unloaded.n++] = (struct code){
        .start = line->start,
        .end = line->end,
        .offset = line->offset,
        .inode = line->inode,
        .path = unloaded.n_paths,
    };
    memcpy(unloaded.memory->paths + unloaded.n_paths, line->path, size);
    unloaded.n_paths += (uint32_t)size;
}

void unloaded_note(struct maps_reader *reader, int maps_fd)
{
    if (!unloaded.memory)
        unloaded.memory = pages_map(NULL, sizeof *unloaded.memory, SYSTEM_PAGE);
    if (unloaded.memory)
        (void)maps_each(reader, maps_fd, note, NULL);
}

void unloaded_forget(void)
{
    unloaded.n = unloaded.n_paths = 0;
}

static void write_and_mark(void *sink, const struct map_line *line)
{
    maps_write_line(sink, line);
    for (uint32_t i = 0; i < unloaded.n; i++) {
        struct code *code = &unloaded.memory->codes[i];
        code->is_there |= line->start < code->end && code->start < line->end;
    }
}

void unloaded_write_maps(struct maps_reader *reader, int maps_fd, const struct text_sink *sink)
{
    struct text_sink copy = *sink;
    for (uint32_t i = 0; i < unloaded.n; i++)
        unloaded.memory->codes[i].is_there = false;
    (void)maps_each(reader, maps_fd, write_and_mark, &copy);
    for (uint32_t i = 0; i < unloaded.n; i++) {
        const struct code *code = &unloaded.memory->codes[i];
        if (code->is_there)
            continue;
        reader->line = (struct map_line){
            .start = code->start,
            .end = code->end,
            .offset = code->offset,
            .inode = code->inode,
            .flags = {'r', '-', 'x', 'p'},
        };
        (void)text_print(reader->line.path, sizeof reader->line.path, "%s",
                         unloaded.memory->paths + code->path);
        maps_write_line(&copy, &reader->line);
    }
}
