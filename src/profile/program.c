/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which mappings are the program's. Apart because users move, rename and rebuild programs between
 * the run and the report, so this is a chain of guesses, each weaker than the one before. */
#include "profile/internal.h"

static struct span map_path(const struct profile *profile, map_ix m)
{
    return strings_span(profile->strings, profile->maps[m].path);
}

static bool has_build_id(const struct profile *profile, map_ix m, const struct program *program)
{
    return span_is_hex_of(strings_span(profile->strings, profile->maps[m].build_id),
                          program->build_id);
}

/* By another build ID it is certainly another file. */
static bool is_other_build(const struct profile *profile, map_ix m, const struct program *program)
{
    return profile->maps[m].build_id != 0 && program->build_id.n != 0 &&
           !has_build_id(profile, m, program);
}

static bool has_path(const struct profile *profile, map_ix m, const struct program *program)
{
    const char *path = program->resolved ? program->resolved : program->path;
    return !profile->maps[m].is_deleted && span_is(map_path(profile, m), path) &&
           !is_other_build(profile, m, program);
}

static bool has_deleted_path(const struct profile *profile, map_ix m, const struct program *program)
{
    const char *path = program->resolved ? program->resolved : program->path;
    return profile->maps[m].is_deleted && span_is(map_path(profile, m), path) &&
           !is_other_build(profile, m, program);
}

static bool has_base_name(const struct profile *profile, map_ix m, const struct program *program)
{
    const char *path = program->resolved ? program->resolved : program->path;
    return span_equal(span_file_name(map_path(profile, m)), span_file_name(span_of(path))) &&
           !is_other_build(profile, m, program);
}

/* The first mapping that is the program by the strongest sign there is, or MAP_NONE. */
static map_ix find_by_signs(const struct profile *profile, const struct program *program)
{
    static bool (*const signs[])(const struct profile *, map_ix, const struct program *) = {
        has_build_id,
        has_path,
        has_deleted_path,
        has_base_name,
    };
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        for (map_ix m = 0; m < profile->n_maps; m++) {
            if (signs[i](profile, m, program))
                return m;
        }
    }
    const map_ix guess = program->is_movable ? profile_guess_program(profile) : MAP_NONE;
    return guess != MAP_NONE && is_other_build(profile, guess, program) ? MAP_NONE : guess;
}

/* Such a program lies where it was linked to, whatever its mappings say. */
static void unmap_program(struct profile *profile)
{
    for (addr_ix a = 0; a < profile->n_addrs; a++) {
        const map_ix m = profile->addr_map[a];
        if (m != MAP_NONE && profile->maps[m].is_program)
            profile->addr_map[a] = MAP_NONE;
    }
}

void profile_find_program(struct profile *profile, const struct program *program)
{
    const map_ix found = find_by_signs(profile, program);
    if (found == MAP_NONE)
        return;
    const str_id path = profile->maps[found].path;
    for (map_ix m = 0; m < profile->n_maps; m++)
        profile->maps[m].is_program = profile->maps[m].path == path;
    if (!program->is_movable)
        unmap_program(profile);
}

map_ix profile_guess_program(const struct profile *profile)
{
    for (map_ix m = 0; m < profile->n_maps; m++) {
        if (!profile->maps[m].is_library && !profile->maps[m].is_vdso)
            return m;
    }
    return MAP_NONE;
}
