/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is the matter with a module, in words, and the one command that would mend it. Apart because
 * it is all custom: of compilers, of linkers, of Debian's packages. The invariant: a module that is
 * ill has words, and a command wherever one is known to help. */
#include "report/doctor.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base/file.h"

#define PACKAGE_LISTS "/var/lib/dpkg/info"
#define ASK           "cprof --debuginfod"
#define LIST_MAX      ((uint64_t)64 << 20)

/* ---- packages -----------------------------------------------------------------------------------
 */

/* Whether a list of files, one a line, has this one. */
static bool has_line(struct span list, struct span line)
{
    for (struct span rest = list; rest.n;) {
        const size_t at = span_find_text(rest, line.p);
        if (at == SIZE_MAX)
            return false;
        const bool is_start = rest.p + at == list.p || rest.p[at - 1] == '\n';
        rest = span_skip(rest, at + line.n);
        if (is_start && (rest.n == 0 || rest.p[0] == '\n'))
            return true;
    }
    return false;
}

static bool list_has(const char *folder, const char *name, const char *const *paths)
{
    char path[512];
    struct file file CLEANUP(file_close) = {0};
    const int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n <= 0 || (size_t)n >= sizeof path || !file_is_regular(path) ||
        !file_open(&file, path, LIST_MAX, NULL))
        return false;
    for (; *paths; paths++) {
        if (has_line(file.bytes, span_of(*paths)))
            return true;
    }
    return false;
}

const char *package_of(const char *folder, const char *path, struct arena *arena)
{
    char *resolved = realpath(path, NULL);
    if (!resolved)
        return NULL;
    /* Lists may still say where files were before /lib became a link to /usr/lib. */
    const bool is_in_usr = span_starts(span_of(resolved), "/usr/");
    const char *const paths[] = {resolved, is_in_usr ? resolved + 4 : NULL, NULL};
    const char *package = NULL;
    DIR *lists = opendir(folder);
    for (struct dirent *entry; !package && lists && (entry = readdir(lists));) {
        const struct span name = span_of(entry->d_name);
        if (span_ends(name, ".list") && list_has(folder, entry->d_name, paths))
            package = arena_text(arena, span_first(name, name.n - (sizeof ".list" - 1)));
    }
    if (lists)
        (void)closedir(lists);
    free(resolved);
    return package;
}

const char *package_debug(const char *package, struct arena *arena)
{
    /* Those few that have it beside them in the archive itself. The last word goes. */
    static const char *const beside[] = {"libc6", "libpetsc-real", "libpetsc-complex"};
    const struct span whole = span_of(package);
    const struct span name = span_first(whole, span_find(whole, ':'));
    const struct span machine = span_skip(whole, name.n);
    const char *ending = "-dbgsym";
    struct span core = name;
    for (size_t i = 0; i < COUNT_OF(beside); i++) {
        const struct span rest = span_skip(name, strlen(beside[i]));
        if (span_starts(name, beside[i]) && (i > 0 || rest.n == 0))
            ending = "-dbg";
    }
    const size_t java = span_find_text(name, "-jre"), kit = span_find_text(name, "-jdk");
    if (span_starts(name, "openjdk-") && (java != SIZE_MAX || kit != SIZE_MAX)) {
        core = span_first(name, java < kit ? java : kit);
        ending = "-dbg";
    }
    return arena_printf(arena, "%.*s%s%.*s", (int)core.n, core.p, ending, (int)machine.n,
                        machine.p ? machine.p : "");
}

/* ---- advice -------------------------------------------------------------------------------------
 */

static const char *text_of(const struct exam *exam, str_id id)
{
    return strings_text(exam->report->view->profile->strings, id);
}

static void advise_missing(const struct exam *exam, struct exam_module *module)
{
    struct arena *arena = exam->report->arena;
    const char *trouble = text_of(exam, module->image->trouble);
    if (module->path[0] == '[' || strcmp(module->path, "//anon") == 0) {
        module->what = "memory that no file was mapped to: the kernel's own code, or code that "
                       "was made while the program ran";
        module->mend = "cprof --perf-map=PID, if it was a virtual machine's";
        return;
    }
    if (module->image->found_id && module->image->build_id &&
        module->image->found_id != module->image->build_id) {
        module->what = "another build of it was profiled than the one that is here";
        module->mend =
            exam->report->options->can_ask ? ASK
            : module->image->is_program
                ? "run again, with this build; or name the program that was profiled"
                : "run again; or cprof --sysroot=DIR, where the build lies that was profiled";
        return;
    }
    module->what =
        arena_printf(arena, "the file cannot be read: %s", *trouble ? trouble : "nobody says why");
    module->mend =
        exam->report->options->can_ask && module->image->build_id ? ASK
        : module->image->is_program
            ? "cprof doctor PROGRAM PROFILE, with the path where the program is"
            : "cprof --sysroot=DIR with a copy of that machine, --lib_prefix=DIR with the "
              "file alone";
}

/* Where to get what a file has not. `what` is for programs that one builds oneself. */
static const char *advise_debug(const struct exam *exam, const struct exam_module *module,
                                const char *what)
{
    struct arena *arena = exam->report->arena;
    const bool can_ask = exam->report->options->can_ask && object_build_id(module->object).n;
    const char *package = package_of(PACKAGE_LISTS, object_path(module->object), arena);
    if (package)
        return arena_printf(arena, "apt install %s%s", package_debug(package, arena),
                            can_ask ? "; or " ASK : "");
    return can_ask ? arena_printf(arena, ASK "; or %s", what) : what;
}

static void advise_ill(const struct exam *exam, struct exam_module *module)
{
    const struct object_facts *facts = &module->facts;
    struct arena *arena = exam->report->arena;
    if (!object_is_elf(module->object)) {
        module->what = "the file is no program: ELF files have names";
        module->mend = "cprof doctor PROGRAM PROFILE, with the program that a script runs";
    } else if (!facts->has_symtab && !facts->dwarf_path && facts->refused) {
        module->what =
            arena_printf(arena, "its debug file is of another build: %s", facts->refused);
        module->mend =
            advise_debug(exam, module, "cprof --debug-dir=DIR, with the debug file of this build");
    } else if (!facts->has_symtab && !facts->dwarf_path) {
        module->what = facts->has_dynsym
                           ? "it was stripped: only functions that others may call have names"
                           : "it was stripped: there are no names in it";
        module->mend = advise_debug(
            exam, module, "rebuild with -g, and without -s or strip; or cprof --debug-dir=DIR");
    } else if (facts->n_split_missing) {
        module->what =
            arena_printf(arena, "files with its debug information are not there: %u, such as %s",
                         facts->n_split_missing, facts->split_missing);
        module->mend = arena_printf(arena, "keep them, or make one: dwp -e %s -o %s.dwp",
                                    object_path(module->object), object_path(module->object));
    } else if (facts->lacks_shared) {
        module->what = "a file that its debug information shares with others is not there";
        module->mend = advise_debug(exam, module, "put it where .gnu_debugaltlink says");
    } else {
        module->what = "these places are in no function that it knows: code without symbols, or "
                       "stacks that went astray";
        module->mend = advise_debug(exam, module, "rebuild with -g -fno-omit-frame-pointer");
    }
}

static void remark(const struct exam *exam, struct exam_module *module)
{
    const struct object_facts *facts = &module->facts;
    struct arena *arena = exam->report->arena;
    if (!facts->dwarf_path && !module->is_ill)
        module->remark =
            arena_printf(arena, "functions have names, but no lines; for lines: %s",
                         advise_debug(exam, module, "rebuild with -g, or cprof --debug-dir=DIR"));
    else if (facts->n_split_missing && !module->is_ill)
        module->remark = arena_printf(arena,
                                      "no lines from files that are not there, such as %s; "
                                      "keep them, or make one: dwp -e %s",
                                      facts->split_missing, object_path(module->object));
    else if (facts->lacks_shared && !module->is_ill)
        module->remark = "a file that its debug information shares with others is not there";
}

void exam_advise(const struct exam *exam, struct exam_module *module)
{
    const struct profile *profile = exam->report->view->profile;
    if (!module->image) {
        if (!module->is_ill)
            return;
        if (profile->is_symbolized) {
            module->what = "the profile came with names, but not for these";
            module->mend = "cprof --raw PROGRAM PROFILE where the program is, for a new one";
        } else if (profile->n_maps == 0) {
            module->what = "the profile has no map of the memory: nobody knows what lay there";
            module->mend = profile->is_cut_short
                               ? "let the program end by itself (exit, not a signal), and run again"
                               : "cprof doctor PROGRAM PROFILE, with the program that was profiled";
        } else {
            module->what = "code that was made while the program ran, or stacks that went astray";
            module->mend = "cprof --perf-map=PID, if it was a virtual machine's; else rebuild with "
                           "-fno-omit-frame-pointer";
        }
        return;
    }
    if (!module->object) {
        if (module->is_ill)
            advise_missing(exam, module);
        return;
    }
    if (module->is_ill)
        advise_ill(exam, module);
    if (object_is_elf(module->object) && (module->facts.has_symtab || module->facts.has_dynsym))
        remark(exam, module);
}
