/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The list of mapped objects with which every profile ends. Read and written through fixed memory,
 * so that it can be made in a signal handler; a line may be of any length. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/message.h"

struct map_line {
    uint64_t start, end, offset, inode;
    char flags[4];
    char path[4096]; /* cut where it is longer */
};

/* Too large for the stack of a handler: each tool has one, and a lock for it. */
struct maps_reader {
    char bytes[4096];
    struct map_line line;
};

/* Writes the list, from a descriptor of /proc/self/maps, or -1: it is opened here. False: it could
 * not be read. */
bool maps_write(struct maps_reader *reader, int maps_fd, const struct text_sink *sink);

/* One line, as the list has it. */
void maps_write_line(const struct text_sink *sink, const struct map_line *line);

/* Each mapping, in order of addresses. */
bool maps_each(struct maps_reader *reader, int maps_fd,
               void (*visit)(void *to, const struct map_line *line), void *to);
