/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reads /proc/self/maps and prints it as profiles carry it. The reader is a small machine over
 * bytes, so that no line is too long and no read has to end where a line does. */
#include "base/maps.h"

#include <errno.h>
#include <string.h>

#include "base/syscall.h"

enum part { PART_START, PART_END, PART_FLAGS, PART_OFFSET, PART_DEVICE, PART_INODE, PART_PATH };

struct parser {
    enum part part;
    unsigned at; /* letters of the flags or of the path */
};

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

static void begin_line(struct parser *parser, struct map_line *line)
{
    *parser = (struct parser){0};
    line->start = line->end = line->offset = line->inode = 0;
    line->path[0] = '\0';
    memset(line->flags, '-', sizeof line->flags);
}

static void take(struct parser *parser, struct map_line *line, char c)
{
    switch (parser->part) {
    case PART_START:
        if (c == '-')
            parser->part = PART_END;
        else
            line->start = line->start << 4 | hex_digit(c);
        return;
    case PART_END:
        if (c == ' ')
            parser->part = PART_FLAGS;
        else
            line->end = line->end << 4 | hex_digit(c);
        return;
    case PART_FLAGS:
        if (c == ' ')
            parser->part = PART_OFFSET;
        else if (parser->at < sizeof line->flags)
            line->flags[parser->at++] = c;
        return;
    case PART_OFFSET:
        if (c == ' ')
            parser->part = PART_DEVICE;
        else
            line->offset = line->offset << 4 | hex_digit(c);
        return;
    case PART_DEVICE:
        if (c == ' ')
            parser->part = PART_INODE;
        return;
    case PART_INODE:
        if (c == ' ') {
            parser->part = PART_PATH;
            parser->at = 0;
        } else {
            line->inode = line->inode * 10 + (unsigned)(c - '0');
        }
        return;
    case PART_PATH:
        if ((c == ' ' && parser->at == 0) || parser->at + 1 >= sizeof line->path)
            return;
        line->path[parser->at++] = c;
        line->path[parser->at] = '\0';
    }
}

bool maps_each(struct maps_reader *reader, int maps_fd,
               void (*visit)(void *to, const struct map_line *line), void *to)
{
    const int fd = maps_fd >= 0 ? maps_fd : sys_open("/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct parser parser;
    begin_line(&parser, &reader->line);
    off_t at = 0;
    bool is_good = true;
    for (;;) {
        const ssize_t n = sys_pread(fd, reader->bytes, sizeof reader->bytes, at);
        if (n == -EINTR)
            continue;
        is_good = n == 0;
        if (n <= 0)
            break;
        at += n;
        for (ssize_t i = 0; i < n; i++) {
            if (reader->bytes[i] != '\n') {
                take(&parser, &reader->line, reader->bytes[i]);
                continue;
            }
            visit(to, &reader->line);
            begin_line(&parser, &reader->line);
        }
    }
    if (maps_fd < 0)
        (void)sys_close(fd);
    return is_good;
}

static char flag(const struct map_line *line, unsigned i, char letter)
{
    return line->flags[i] == letter ? letter : '-';
}

void maps_write_line(const struct text_sink *sink, const struct map_line *line)
{
    text_format(sink, "%08lx-%08lx %c%c%c%c %08lx 00:00 %-11ld %s\n", line->start, line->end,
                flag(line, 0, 'r'), flag(line, 1, 'w'), flag(line, 2, 'x'), flag(line, 3, 'p'),
                line->offset, (long)line->inode, line->path);
}

static void visit_line(void *to, const struct map_line *line)
{
    maps_write_line(to, line);
}

bool maps_write(struct maps_reader *reader, int maps_fd, const struct text_sink *sink)
{
    struct text_sink copy = *sink;
    return maps_each(reader, maps_fd, visit_line, &copy);
}
