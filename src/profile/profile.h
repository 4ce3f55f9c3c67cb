/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What every format becomes: distinct stacks of addresses with values, the mappings that the
 * addresses fell in, and names where the file carried its own. A reader fills a builder; sealing it
 * makes a profile, which nobody writes to afterwards. Profiles are added and subtracted by stacks
 * of places in images, so that runs which were loaded at other addresses still meet.
 *
 *     stack s:   stack_addr[stack_at[s]] .. stack_addr[stack_at[s + 1] - 1], leaf first
 *     sample i:  sample_stack[i], value of column c at sample_value[c * n_samples + i]
 *     address a: addr_pc[a], in mapping addr_map[a] (or MAP_NONE)
 */
#pragma once

#include "base/error.h"
#include "base/limits.h"
#include "base/strings.h"

typedef uint32_t map_ix, addr_ix, stack_ix, frame_ix, image_ix, column_ix;

#define MAP_NONE    UINT32_MAX /* no mapping: looked up in the program at its link-time addresses */
#define STACK_NONE  UINT32_MAX
#define COLUMNS_MAX 8

/* From here to the address that reports begin to skip no program has code: such a pc stands for a
 * place that came with names and no address, the same for the same names in every profile. */
#define PC_MADE_UP ((uint64_t)1 << 62)

enum profile_kind {
    PROFILE_CPU,        /* samples */
    PROFILE_HEAP,       /* inuse_objects, inuse_space, alloc_objects, alloc_space */
    PROFILE_GROWTH,     /* the same four */
    PROFILE_CONTENTION, /* contentions, delay (ns), mean_delay (ns) */
    PROFILE_OTHER,      /* what its columns say */
    PROFILE_ADDRESSES, /* one stack: the addresses that were asked for, in order, repeats and all */
};

/* One executable range of the profiled process. */
struct mapping {
    uint64_t start, limit, offset; /* offset: of `start` in the file */
    str_id path;                   /* without " (deleted)" */
    str_id build_id;               /* lower-case hex, or "" */
    bool is_program, is_library, is_deleted;
    bool is_vdso; /* code that the kernel brings along, in no file: `path` is its name */
};

/* Whether a mapping is code that no file has, by the name that the kernel gives it. */
bool path_is_vdso(struct span path);

struct column {
    str_id name, unit; /* "inuse_space", "bytes" */
};

/* A frame that came with the profile. line 0: unknown. */
struct carried_frame {
    str_id name, file;
    uint32_t line;
};

/* One sample line of a heap profile as it stood in the file, for the "Leak of" blocks. */
struct record {
    stack_ix stack;
    uint32_t digits;  /* hex digits the first address was spelled with; 0: no address */
    double values[4]; /* in the order of the columns */
};

/* What a sample says of itself: "bytes: 512", "request: search". */
struct label {
    str_id key, text; /* text: of those that are no numbers */
    str_id unit;      /* of numbers, or "" */
    int64_t number;
    bool is_number;
};
enum { LABELS_MAX = 64 }; /* of one sample */
/* The key under which samples of leaks say "direct" or "indirect". */
#define PROFILE_LEAK_LABEL "leak"

/* Shares of samples by the labels that they came with; the values of a part are among those of its
 * sample. Value of column c of part i at value[i * n_columns + c]. */
struct parts {
    stack_ix *stack;
    str_id *labels; /* for labels_at */
    double *value;
    uint32_t n; /* distinct (stack, labels), in order of first reading */
};

struct profile {
    struct strings *strings; /* borrowed: of the analysis, common to all its profiles */
    enum profile_kind kind;
    unsigned address_digits;     /* 16, or 8 for a 32-bit CPU profile: how addresses are printed */
    str_id program;              /* what the profile says it is of ("binary=..."), or "" */
    bool is_symbolized;          /* names came with it: no program is looked at */
    bool is_cut_short;           /* its file ends before it says so, or could not be read whole */
    bool allocator_is_innermost; /* heap: whatever is inside the outermost allocator frame goes */
    bool signals_left_out;       /* CPU: its stacks have no frames of the profiler's own any more */
    int64_t period;              /* of sampling, in the format's own unit; 0 unknown */
    int64_t time_ns;             /* when it was taken, since 1970; 0 unknown */
    int64_t duration_ns;         /* for how long; 0 unknown */

    struct column columns[COLUMNS_MAX];
    uint32_t n_columns;
    column_ix default_column;

    struct mapping *maps; /* sorted by start within each profile that was merged */
    uint32_t n_maps;
    uint64_t *addr_pc;
    map_ix *addr_map;
    uint32_t n_addrs; /* distinct (mapping, pc) */
    uint32_t *stack_at;
    addr_ix *stack_addr;
    uint32_t n_stacks; /* distinct, in order of first reading */
    stack_ix *sample_stack;
    str_id *sample_label; /* what else tells samples apart ("t12" for a thread), "" mostly */
    double *sample_value;
    uint32_t n_samples; /* distinct (stack, label), in order of first reading */
    struct parts parts; /* profile.proto, and dumps of our leak checker */
    str_id *comments;   /* what somebody noted down with it */
    uint32_t n_comments;

    struct record *records; /* heap and growth text formats only */
    uint32_t n_records;

    uint64_t *carried_pc; /* sorted; frames of carried_pc[i]: carried_frames[carried_at[i]..],
                             innermost first */
    uint32_t *carried_at;
    struct carried_frame *carried_frames;
    uint32_t n_carried;
};

/* The values of a column, by sample; NULL where there are no samples. */
static inline const double *profile_values(const struct profile *profile, column_ix column)
{
    return profile->sample_value ? profile->sample_value + (size_t)column * profile->n_samples
                                 : NULL;
}

void profile_free(struct profile *profile); /* frees what it holds, not the struct */

/* ---- building ----------------------------------------------------------------------------------
 */

struct builder;

struct builder *builder_new(struct strings *strings, const struct limits *limits) CHECKED;
void builder_free(struct builder *builder); /* NULL is allowed */

void builder_kind(struct builder *builder, enum profile_kind kind);
column_ix builder_column(struct builder *builder, const char *name, const char *unit);
void builder_default_column(struct builder *builder, column_ix column);
void builder_digits(struct builder *builder, unsigned address_digits);
void builder_program(struct builder *builder, struct span name);
void builder_period(struct builder *builder, int64_t period);
void builder_time(struct builder *builder, int64_t time_ns);
void builder_duration(struct builder *builder, int64_t duration_ns);
/* Heap stacks hold the allocator's own frames at their leaf end and nowhere else: reports leave out
 * all of them at once, not by name one by one. */
void builder_allocator_is_innermost(struct builder *builder);
/* CPU stacks begin in the program: reports look for no frames of a signal handler. */
void builder_signals_left_out(struct builder *builder);
/* Names come with the profile, even if it turns out that there are none. builder_carried says so
 * too. */
void builder_symbolized(struct builder *builder);

void builder_cut_short(struct builder *builder); /* the file ends before it says so */

/* The stack with these words, leaf first, new or known. Whole stacks are interned as raw words;
 * nothing is allocated for one that is known. STACK_NONE past a limit: the builder remembers, seal
 * tells. */
stack_ix builder_stack(struct builder *builder, const uint64_t *pcs, uint32_t depth);

/* Adds one value a column to the sample (stack, label). */
void builder_add(struct builder *builder, stack_ix stack, str_id label, const double *values);

/* Says that these values, which builder_add has heard of, are those of samples with these labels.
 * Labels are a text of their own kind, equal ones are one; n of them are at 0 .. n - 1. */
void builder_part(struct builder *builder, stack_ix stack, str_id labels, const double *values);
str_id labels_make(struct strings *strings, const struct label *labels, uint32_t n);
uint32_t labels_count(const struct strings *strings, str_id labels);
struct label labels_at(const struct strings *strings, str_id labels, uint32_t i);

void builder_comment(struct builder *builder, str_id text);

/* builder_stack and builder_add for each in turn, without labels, for profiles of one column. Many
 * at a time are several times faster than one by one where there are many distinct stacks. */
struct raw_sample {
    const uint64_t *pcs; /* borrowed for the call */
    uint32_t depth;
    double value;
};
void builder_add_raw(struct builder *builder, const struct raw_sample *samples, uint32_t n);

/* Keeps a heap sample line as it stood in the file. */
void builder_record(struct builder *builder, stack_ix stack, uint32_t digits,
                    const double values[4]);

/* Mapping lines, in any of the forms of docs/formats.md: /proc/PID/maps lines, "H-H: PATH", lines
 * with build IDs, NAME=VALUE with $NAME in later paths. Lines in no such form are skipped. Only
 * executable ranges are kept. */
void builder_maps(struct builder *builder, struct span text);
/* A build ID as mappings keep it; 0 for texts that no linker makes (Go has IDs of its own). */
str_id profile_build_id(struct strings *strings, struct span text);
void builder_mapping(struct builder *builder, const struct mapping *mapping);

/* Names for a pc, innermost first; a second call for the same pc wins. */
void builder_carried(struct builder *builder, uint64_t pc, const struct carried_frame *frames,
                     uint32_t n);
/* The same, but only these addresses have names: all others are looked up in files as ever. */
void builder_names(struct builder *builder, uint64_t pc, const struct carried_frame *frames,
                   uint32_t n);

enum caller_fix {
    CALLERS_AS_GIVEN,
    CALLERS_LESS_ONE, /* every address but the leaf becomes one less: inside the call instruction */
};

/* Gives each distinct address its id and mapping and hands everything over; the builder is empty
 * afterwards and still to be freed. In a symbolized profile nothing is made less by one, but, with
 * CALLERS_LESS_ONE, a caller that has no name while the address before it has one becomes that one.
 * An address belongs to the mapping with the greatest start at or below it, its limit included. */
bool builder_seal(struct builder *builder, enum caller_fix fix, struct profile *out,
                  struct error *err) CHECKED;

/* ---- the program, adding up --------------------------------------------------------------------
 */

/* What is known of the program that was named on the command line. */
struct program {
    const char *path;     /* as given */
    const char *resolved; /* absolute, links followed; NULL where that failed */
    struct span build_id; /* raw bytes; empty where there is none */
    bool is_movable; /* position independent: served by its mapping, not by link-time addresses */
};

/* Marks the mappings of the program: same build ID, else same resolved path, else the same with
 * " (deleted)", else the same base name, else (movable programs only) the first executable mapping
 * of a file that is no library. For a program at fixed addresses the addresses in its mappings
 * become MAP_NONE. Before the profile is shared with anyone; once a profile. */
void profile_find_program(struct profile *profile, const struct program *program);

/* The mapping that looks like the program's own where nobody named one: the first executable
 * mapping of a file that is no library; MAP_NONE where there is none. */
map_ix profile_guess_program(const struct profile *profile);

/* out = sum of sign[i] * in[i], in this order; signs are +1 or -1 and in[0] is +1. Stacks meet by
 * (image, place in image); an address is shown as it was in the first profile that had its image. A
 * subtracted stack that only the base has is kept, negated. `drop_negative`: what becomes negative
 * is 0, and stacks that only a subtracted profile has are left out. Where names came with any of
 * them, addresses meet as they are. Columns meet by name, or, if none does, the default column goes
 * to all; kinds are not compared: the result has the kind of in[n - 1], the columns of in[0].
 * Records come from the added profiles only. */
bool profile_merge(const struct profile *const *in, const int *sign, uint32_t n, bool drop_negative,
                   struct profile *out, struct error *err) CHECKED;

/* ---- names for addresses: filled by symbolize, read by everyone ---------------------------------
 */

#define LINE_NONE UINT32_MAX /* the place is just the file text: "?" in symbolized profiles */

struct frame {
    str_id name;    /* as reports show it: short, unless another form is wanted */
    str_id full;    /* demangled, with arguments */
    str_id brief;   /* the short form where `name` is another one; 0: `name` is it */
    str_id file;    /* "??" where unknown */
    uint32_t line;  /* 0 unknown */
    uint64_t entry; /* link-time address of the symbol that gave the name, if has_entry */
    bool has_entry; /* the name came from a symbol: equal short names are told apart by it */
    bool is_inlined;
};

enum address_state {
    ADDRESS_NAMED,   /* has frames */
    ADDRESS_HEX,     /* its image has symbols but none fits: has one frame, named 0x... */
    ADDRESS_BLANK,   /* its image has no symbols at all: no frames */
    ADDRESS_MISSING, /* its image is missing or unreadable: no frames */
};

/* A file that addresses were looked up in, or were to be. */
struct image {
    str_id path; /* as opened */
    bool is_program, is_deleted;
    str_id wanted;            /* the path that the profile has, or "" */
    str_id build_id;          /* the build that was profiled, in hex, or "" where nobody says */
    str_id found_id;          /* the build that is there, likewise */
    str_id trouble;           /* why it could not be used, or "" */
    uint32_t place, n_places; /* where it was looked for: places[place] and on */
};

#define IMAGE_NONE UINT32_MAX

struct symbols {
    struct frame *frames; /* distinct */
    uint32_t n_frames;
    uint32_t
        *addr_at; /* frames of address a: addr_frame[addr_at[a]..addr_at[a + 1]), innermost first */
    frame_ix *addr_frame;
    uint8_t *addr_state;  /* enum address_state */
    image_ix *addr_image; /* IMAGE_NONE where it was not looked up in a file */
    uint64_t *addr_place; /* link-time address in that image */
    struct image *images; /* libraries by the order of maps, the program last */
    uint32_t n_images;
    str_id *places; /* of all images */
};

void symbols_free(struct symbols *symbols);

/* The padded address, as all reports print it: text holds at least 17 bytes and is returned. */
const char *profile_address_text(const struct profile *profile, addr_ix addr, char text[20]);
