/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Private to object/: our own DWARF 2 to 5 reader. It knows sections, not files: whoever opens
 * files hands it spans, and a way to ask for the sections of a split unit. A unit is read once,
 * when the first address in it is asked for: one walk over its DIEs into sorted ranges, one run of
 * its line program. */
#pragma once

#include "base/arena.h"
#include "base/cursor.h"
#include "object/object.h"

/* Sections of one file; those that are absent are empty. Uncompressed; they outlive the dwarf. */
struct dwarf_sections {
    struct span info, types, abbrev, line, str, line_str, ranges, rnglists, loclists, addr,
        str_offsets, aranges, cu_index, tu_index; /* for a .dwo or .dwp the ".dwo" variants */
    enum cursor_order order;
    const char *path; /* for messages */
};

/* How the dwarf asks for files it knows by name only. Each may be NULL. Answers outlive the dwarf.
 * Called on the thread that called dwarf_frames. */
struct dwarf_files {
    /* The split unit of a skeleton unit: `name` and `comp_dir` as in the skeleton; false: not found
     * (the dwarf then answers from the skeleton's symbols alone). *is_package: a .dwp, with
     * cu_index. */
    bool (*split)(void *to, const char *comp_dir, const char *name, uint64_t dwo_id,
                  struct dwarf_sections *out, bool *is_package);
    void *to;
};

struct dwarf;

/* `alt`: sections of the file that .gnu_debugaltlink names (dwz), or NULL. */
struct dwarf *dwarf_new(const struct dwarf_sections *sections, const struct dwarf_sections *alt,
                        const struct dwarf_files *files) CHECKED;
void dwarf_free(struct dwarf *dwarf);

/* What its units are: see struct object_facts. */
void dwarf_describe(struct dwarf *dwarf, struct object_facts *out);

/* object_frames, for the addresses that units claim; `threads` workers, a unit a job. */
void dwarf_frames(struct dwarf *dwarf, const uint64_t *sorted, uint32_t n, unsigned threads,
                  const struct progress *progress, struct notes *notes, struct object_answer *out);
