/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one place where options are said. Everything that knows options by name walks this table: the
 * command line, help, the manual, completion, library calls. The invariant: names are lower case
 * and unique, negations included, so that one look-up rule serves all doors.
 *
 * Two rows have no name: they stand where the rows of `granularities` and `emitters` go. */
#include "analysis/internal.h"

#define ALL_DOORS  (DOOR_CLI | DOOR_LIBRARY | DOOR_PROMPT)
#define LOAD_DOORS (DOOR_CLI | DOOR_LIBRARY) /* of no use once profiles are loaded */
enum { CHOICE_HEAP = 1, CHOICE_CONTENTION = 2, CHOICE_GRAIN = 4, CHOICE_BASE = 8 };

#define AT(field) offsetof(struct settings, field)

static const char general[] = "General";
static const char grain[] = "What a row stands for";
static const char output[] = "Output";
static const char heap[] = "Heap profiles";
static const char contention[] = "Contention profiles";
static const char filter[] = "Which stacks and nodes";
static const char symbol[] = "Programs and names";
static const char other[] = "Other";

static const struct option written[] = {
    {.name = "help",
     .also = "h",
     .kind = OPTION_FLAG,
     .at = AT(help),
     .group = general,
     .help = "show this text",
     .doors = DOOR_CLI,
     .is_classic = true},
    {.name = "version",
     .kind = OPTION_FLAG,
     .at = AT(version),
     .group = general,
     .help = "show the version",
     .doors = DOOR_CLI,
     .is_classic = true},
    {.name = "base",
     .kind = OPTION_TEXT,
     .at = AT(base),
     .arg = "file",
     .group = general,
     .help = "subtract this profile",
     .more =
         "Stacks are compared by their places in the images they ran in, so that runs which were "
         "loaded at other addresses can be subtracted.",
     .doors = ALL_DOORS,
     .choice = CHOICE_BASE,
     .is_classic = true},
    {.name = "drop_negative",
     .kind = OPTION_FLAG,
     .at = AT(drop_negative),
     .group = general,
     .help = "with --base: differences below 0 become 0",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "diff_base",
     .kind = OPTION_TEXT,
     .at = AT(diff_base),
     .arg = "file",
     .group = general,
     .help = "subtract this profile; shares are of its total",
     .more = "As *--base*, but each share says how much a value changed, measured by the whole of "
             "the profile that is subtracted.",
     .doors = ALL_DOORS,
     .choice = CHOICE_BASE},
    {.name = "normalize",
     .kind = OPTION_FLAG,
     .at = AT(normalize),
     .group = general,
     .help = "make the total of the base that of the profile, first",
     .more = "The profile that is subtracted is multiplied so that both weigh the same. What is "
             "left are differences in kind, not in length.",
     .doors = ALL_DOORS},
    {.name = "seconds",
     .kind = OPTION_WHOLE,
     .at = AT(seconds),
     .arg = "n",
     .group = general,
     .help = "length of a CPU profile that a server is to take [30]",
     .more = "Accepted, and without use as long as profiles cannot be read from servers.",
     .doors = LOAD_DOORS,
     .is_classic = true},

    {.kind = OPTION_GRAIN, .group = grain},
    {.name = "granularity",
     .kind = OPTION_TEXT,
     .at = AT(granularity),
     .arg = "name",
     .group = grain,
     .help = "one of the above by its name",
     .doors = ALL_DOORS,
     .choice = CHOICE_GRAIN},
    {.name = "noinlines",
     .kind = OPTION_FLAG,
     .at = AT(noinlines),
     .group = grain,
     .help = "inlined functions are part of those they are in",
     .doors = ALL_DOORS},
    {.name = "sample_index",
     .kind = OPTION_TEXT,
     .at = AT(sample_index),
     .arg = "name",
     .group = grain,
     .help = "which of the values: a name or a number from 0",
     .more = "Names are those of the profile, such as *inuse_space* or *delay*. The samples of a "
             "CPU profile are *samples* and, as time, *cpu*.",
     .doors = ALL_DOORS,
     .choice = CHOICE_HEAP | CHOICE_CONTENTION},
    {.name = "unit",
     .kind = OPTION_TEXT,
     .at = AT(unit),
     .arg = "unit",
     .group = grain,
     .help = "how values are written: kB, MB, ms, s, auto, ...",
     .more = "Bytes: B, kB, MB, GB, TB, PB. Times: ns, us, ms, s, min, hours. With *auto* each "
             "value has the unit that suits it, with *minimum* all have the one that suits the "
             "smallest. Counts have no unit.",
     .doors = ALL_DOORS},

    {.kind = OPTION_OUTPUT, .group = output},
    {.name = "output",
     .also = "o",
     .kind = OPTION_LIST,
     .at = AT(output),
     .arg = "file",
     .group = output,
     .help = "write to this file, in the format of its ending",
     .more = "Several files are written from one reading. With an option that says what to write, "
             "that is what each of them gets. A file that was there before is replaced when the "
             "new one is complete. - is standard output.",
     .doors = DOOR_CLI},
    {.name = "stacks",
     .kind = OPTION_FLAG,
     .at = AT(stacks),
     .group = output,
     .help = "all stacks before the table of --text",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "cum",
     .kind = OPTION_FLAG,
     .at = AT(cum),
     .group = output,
     .help = "sort the table of --text by cumulative values",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "events",
     .kind = OPTION_TEXT,
     .at = AT(events),
     .arg = "name|all",
     .group = output,
     .help = "with --callgrind: these columns, functions with their images, inlined code",
     .more =
         "The name of one column, such as _alloc_space_, or *all*. Functions are as they are in "
         "the program; code that was inlined is shown as lines of theirs, in the files that it "
         "came from.",
     .doors = ALL_DOORS},
    {.name = "json",
     .kind = OPTION_FLAG,
     .at = AT(json),
     .group = output,
     .help = "with --doctor: for programs",
     .doors = ALL_DOORS},
    {.name = "show_addresses",
     .kind = OPTION_FLAG,
     .at = AT(show_addresses),
     .group = output,
     .help = "show the address after each name",
     .doors = ALL_DOORS,
     .is_classic = true},

    {.name = "inuse_space",
     .kind = OPTION_FLAG,
     .at = AT(inuse_space),
     .group = heap,
     .help = "bytes in use [default]",
     .doors = ALL_DOORS,
     .choice = CHOICE_HEAP,
     .is_classic = true},
    {.name = "inuse_objects",
     .kind = OPTION_FLAG,
     .at = AT(inuse_objects),
     .group = heap,
     .help = "objects in use",
     .doors = ALL_DOORS,
     .choice = CHOICE_HEAP,
     .is_classic = true},
    {.name = "alloc_space",
     .kind = OPTION_FLAG,
     .at = AT(alloc_space),
     .group = heap,
     .help = "bytes allocated since the start",
     .doors = ALL_DOORS,
     .choice = CHOICE_HEAP,
     .is_classic = true},
    {.name = "alloc_objects",
     .kind = OPTION_FLAG,
     .at = AT(alloc_objects),
     .group = heap,
     .help = "objects allocated since the start",
     .doors = ALL_DOORS,
     .choice = CHOICE_HEAP,
     .is_classic = true},
    {.name = "show_bytes",
     .kind = OPTION_FLAG,
     .at = AT(show_bytes),
     .group = heap,
     .help = "bytes rather than megabytes",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "heapcheck",
     .kind = OPTION_ON,
     .at = AT(heapcheck),
     .group = heap,
     .help = "make nodes that leak themselves stand out in graphs",
     .doors = ALL_DOORS,
     .is_classic = true},

    {.name = "total_delay",
     .kind = OPTION_FLAG,
     .at = AT(total_delay),
     .group = contention,
     .help = "time spent waiting [default]",
     .doors = ALL_DOORS,
     .choice = CHOICE_CONTENTION,
     .is_classic = true},
    {.name = "contentions",
     .kind = OPTION_FLAG,
     .at = AT(contentions),
     .group = contention,
     .help = "how often somebody waited",
     .doors = ALL_DOORS,
     .choice = CHOICE_CONTENTION,
     .is_classic = true},
    {.name = "mean_delay",
     .kind = OPTION_FLAG,
     .at = AT(mean_delay),
     .group = contention,
     .help = "mean time spent waiting",
     .doors = ALL_DOORS,
     .choice = CHOICE_CONTENTION,
     .is_classic = true},

    {.name = "focus",
     .kind = OPTION_TEXT,
     .at = AT(focus),
     .arg = "regex",
     .group = filter,
     .help = "only stacks with a frame that matches",
     .more =
         "A Perl regular expression, matched anywhere in the name, the place or the address of a "
         "frame.",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "ignore",
     .kind = OPTION_TEXT,
     .at = AT(ignore),
     .arg = "regex",
     .group = filter,
     .help = "no stacks with a frame that matches",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "hide",
     .kind = OPTION_TEXT,
     .at = AT(hide),
     .arg = "regex",
     .group = filter,
     .help = "leave out frames that match",
     .more = "This and the next three look at each frame by itself, inlined ones too, after stacks "
             "were chosen. The expression is matched in the short name, the full name and the file "
             "of a frame, and, but for *--prune_from*, in the path of the program or library "
             "that it is in.",
     .doors = ALL_DOORS},
    {.name = "show",
     .kind = OPTION_TEXT,
     .at = AT(show),
     .arg = "regex",
     .group = filter,
     .help = "leave out frames that do not match",
     .doors = ALL_DOORS},
    {.name = "show_from",
     .kind = OPTION_TEXT,
     .at = AT(show_from),
     .arg = "regex",
     .group = filter,
     .help = "leave out the callers of the outermost match",
     .more = "Stacks without a match are left out as a whole.",
     .doors = ALL_DOORS},
    {.name = "prune_from",
     .kind = OPTION_TEXT,
     .at = AT(prune_from),
     .arg = "regex",
     .group = filter,
     .help = "leave out what the innermost match called",
     .more = "What was spent there becomes the match's own.",
     .doors = ALL_DOORS},
    {.name = "retain",
     .kind = OPTION_TEXT,
     .at = AT(retain),
     .arg = "regex",
     .group = filter,
     .help = "keep only functions whose name matches",
     .more = "This and *--exclude* look at the name of the function at each address, with all "
             "that was inlined there, before *--focus*.",
     .doors = ALL_DOORS},
    {.name = "exclude",
     .kind = OPTION_TEXT,
     .at = AT(exclude),
     .arg = "regex",
     .group = filter,
     .help = "leave out functions whose name matches",
     .doors = ALL_DOORS},
    {.name = "thread",
     .kind = OPTION_TEXT,
     .at = AT(thread),
     .arg = "n",
     .group = filter,
     .help = "only what this thread did; * is each by turns",
     .more = "For heap profiles of jemalloc that tell threads apart.",
     .doors = ALL_DOORS},
    {.name = "trim",
     .kind = OPTION_FLAG,
     .at = AT(trim),
     .group = filter,
     .help = "leave out what is too small to matter [on]",
     .more = "*--notrim* or *--trim=false* keeps all nodes and edges of graphs, whatever "
             "*--nodecount* and its like say.",
     .doors = ALL_DOORS},
    {.name = "nodecount",
     .kind = OPTION_WHOLE,
     .at = AT(nodecount),
     .arg = "n",
     .group = filter,
     .help = "graphs: show at most so many nodes [80]",
     .said = AT(has_nodecount),
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "nodefraction",
     .kind = OPTION_REAL,
     .at = AT(nodefraction),
     .arg = "f",
     .group = filter,
     .help = "graphs: hide nodes below f * total [0.005]",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "edgefraction",
     .kind = OPTION_REAL,
     .at = AT(edgefraction),
     .arg = "f",
     .group = filter,
     .help = "graphs: hide edges below f * total [0.001]",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "maxdegree",
     .kind = OPTION_WHOLE,
     .at = AT(maxdegree),
     .arg = "n",
     .group = filter,
     .help = "graphs: most edges in or out of a node [8]",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "no-auto-signal-frm",
     .kind = OPTION_FLAG,
     .at = AT(no_auto_signal_frm),
     .group = filter,
     .help = "CPU: keep a second frame that all stacks share",
     .more = "Without it such a frame is taken for the trace of a signal handler and left out.",
     .doors = ALL_DOORS,
     .is_classic = true},

    {.name = "lib_prefix",
     .kind = OPTION_TEXT,
     .at = AT(lib_prefix),
     .arg = "dir,...",
     .group = symbol,
     .help = "folders to look for libraries in",
     .more = "Each library is looked for under each folder by its whole path, then by its path "
             "without its first folder, and so on.",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "add_lib",
     .kind = OPTION_TEXT,
     .at = AT(add_lib),
     .arg = "file",
     .group = symbol,
     .help = "names from this file too, at its link-time addresses",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "names",
     .kind = OPTION_TEXT,
     .at = AT(names),
     .arg = "style",
     .group = symbol,
     .help = "how much of names to show: short, class, full or mangled [short]",
     .more = "*short* leaves out arguments, template arguments and return types; *class* the outer "
             "scopes as well, so that _Class::method_ is left; *full* leaves out nothing, and "
             "*mangled* shows names as the linker knows them. Functions that are spelled alike "
             "are one row.",
     .doors = ALL_DOORS},
    {.name = "no_strip_temp",
     .kind = OPTION_FLAG,
     .at = AT(no_strip_temp),
     .group = symbol,
     .help = "keep template arguments in names",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "source_path",
     .kind = OPTION_TEXT,
     .at = AT(source_path),
     .arg = "dir,...",
     .group = symbol,
     .help = "folders to look for sources in that are not where they were",
     .more = "Each source is looked for under each folder by its whole path, then by its path "
             "without its first folder, and so on, and last under the current folder.",
     .doors = ALL_DOORS},
    {.name = "trim_path",
     .kind = OPTION_TEXT,
     .at = AT(trim_path),
     .arg = "prefix,...",
     .group = symbol,
     .help = "cut the first of these that fits off the paths of sources",
     .doors = ALL_DOORS},
    {.name = "tools",
     .kind = OPTION_TEXT,
     .at = AT(tools),
     .arg = "list",
     .group = symbol,
     .help = "accepted and ignored: no other program is run",
     .doors = LOAD_DOORS,
     .is_classic = true},

    {.name = "reader",
     .kind = OPTION_TEXT,
     .at = AT(reader),
     .arg = "format",
     .group = other,
     .help = "read profiles in this format, whatever they look like",
     .doors = LOAD_DOORS},
    {.name = "threads",
     .kind = OPTION_WHOLE,
     .at = AT(threads),
     .arg = "n",
     .group = other,
     .help = "use at most so many threads [one a processor]",
     .doors = LOAD_DOORS},
    {.name = "scale",
     .kind = OPTION_WHOLE,
     .at = AT(scale),
     .arg = "n",
     .group = other,
     .help = "passed on to the PostScript viewer gv [0]",
     .doors = ALL_DOORS,
     .is_classic = true},
    {.name = "debug",
     .kind = OPTION_FLAG,
     .at = AT(debug),
     .group = other,
     .help = "more in the output of --stacks",
     .doors = ALL_DOORS | DOOR_HIDDEN,
     .is_classic = true},
    {.name = "test",
     .kind = OPTION_FLAG,
     .at = AT(test),
     .group = other,
     .help = "accepted: the tests come with the source",
     .doors = DOOR_CLI | DOOR_HIDDEN,
     .is_classic = true},
    {.name = "test_stride",
     .kind = OPTION_WHOLE,
     .at = AT(test_stride),
     .arg = "n",
     .group = other,
     .help = "accepted and ignored",
     .doors = LOAD_DOORS | DOOR_HIDDEN,
     .is_classic = true},
};

static struct option from_granularity(uint32_t kind, const char *group)
{
    return (struct option){
        .name = granularities[kind].name,
        .kind = OPTION_GRAIN,
        .at = kind,
        .group = group,
        .help = granularities[kind].help,
        .doors = ALL_DOORS,
        .choice = CHOICE_GRAIN,
        .is_classic = kind <= GRANULARITY_FILES,
    };
}

static struct option from_emitter(uint32_t i, const char *group)
{
    const struct emitter *emitter = emitters[i];
    return (struct option){
        .name = emitter->name,
        .kind = OPTION_OUTPUT,
        .at = i,
        .arg = emitter->arg,
        .group = group,
        .help = emitter->help,
        .more = emitter->more,
        .doors = ALL_DOORS,
        .is_classic = emitter->is_classic,
    };
}

struct options options_all(struct arena *arena)
{
    return options_with(arena, NULL, 0);
}

struct options options_with(struct arena *arena, const struct option *more, uint32_t n_more)
{
    uint32_t n_emitters = 0;
    while (emitters[n_emitters])
        n_emitters++;
    _Static_assert(GRANULARITY_COUNT <= 64, "settings.grains has a bit for each");
    if (n_emitters > 64)
        n_emitters = 64; /* settings.outputs has a bit for each */

    struct option *rows = arena_alloc(
        arena, COUNT_OF(written) + GRANULARITY_COUNT + n_emitters + n_more, sizeof *rows);
    uint32_t n = 0;
    for (size_t i = 0; i < COUNT_OF(written); i++) {
        if (written[i].name) {
            rows[n++] = written[i];
        } else if (written[i].kind == OPTION_GRAIN) {
            for (uint32_t kind = 0; kind < GRANULARITY_COUNT; kind++)
                rows[n++] = from_granularity(kind, written[i].group);
        } else {
            for (uint32_t k = 0; k < n_emitters; k++)
                rows[n++] = from_emitter(k, written[i].group);
        }
    }
    for (uint32_t i = 0; i < n_more; i++)
        rows[n++] = more[i];
    return (struct options){.rows = rows, .n = n};
}

bool option_is_switch(const struct option *option)
{
    return option->kind == OPTION_FLAG || option->kind == OPTION_GRAIN ||
           option->kind == OPTION_MODE || (option->kind == OPTION_OUTPUT && !option->arg);
}
