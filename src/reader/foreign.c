/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a file is that no reader wants, as far as its first bytes tell. Apart because it is a table
 * that grows with what users get wrong. */
#include "reader/internal.h"

struct mark {
    const char *bytes;
    size_t n;
    const char *name;
};

#define MARK(text, is)                                                                             \
    {                                                                                              \
        .bytes = text, .n = sizeof text - 1, .name = is                                            \
    }

static const struct mark marks[] = {
    MARK("\x7f"
         "ELF",
         "an ELF program"),
    MARK("\x1f\x8b", "gzip"),
    MARK("BZh", "bzip2"),
    MARK("\xfd"
         "7zXZ",
         "xz"),
    MARK("\x28\xb5\x2f\xfd", "zstd"),
    MARK("PK\x03\x04", "a zip archive"),
    MARK("!<arch>", "an archive of objects"),
    MARK("PERFILE2", "data of perf record"),
    MARK("%PDF-", "a PDF document"),
    MARK("%!PS", "a PostScript document"),
    MARK("\x89PNG", "a PNG picture"),
    MARK("GIF8", "a GIF picture"),
    MARK("MZ", "a Windows program"),
    MARK("\xcf\xfa\xed\xfe", "a macOS program"),
    MARK("#!", "a script"),
    MARK("digraph", "a graph for dot"),
    MARK("# callgrind format", "a callgrind profile"),
    MARK("events:", "a callgrind profile"),
    MARK("<", "HTML, SVG or XML"),
    MARK("{", "JSON"),
    MARK("ROUTINE ====", "a report"),
    MARK("Total:", "a report"),
};

static bool is_text(struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        const unsigned char c = (unsigned char)bytes.p[i];
        if ((c < ' ' && !span_is_space((char)c)) || c == 0x7f)
            return false;
    }
    return true;
}

const char *foreign_name(struct span bytes)
{
    const struct span head = span_first(bytes, 512);
    const struct span text = span_trim_left(head);
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        const struct span mark = span_make(marks[i].bytes, marks[i].n);
        if (span_equal(span_first(head, mark.n), mark) ||
            span_equal(span_first(text, mark.n), mark))
            return marks[i].name;
    }
    if (span_is(text, "[]") || span_starts(text, "[{") || span_starts(text, "[\n"))
        return "JSON";
    return is_text(head) ? "text" : "binary data of an unknown kind";
}
