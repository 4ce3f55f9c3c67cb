/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which file an address belongs to, and where in it. Apart because profiles, command lines and this
 * machine's disk each have a say; docs/symbols.md has the rules. The invariant after images_plan:
 * an address that is still open has an image, unless no source but the profile itself may name it.
 */
#include "symbolize/internal.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"

struct object_set {
    struct object **objects;
    uint32_t n, cap;
    struct debuginfod *debuginfod; /* NULL: nobody is asked */
    struct object_fetcher fetcher;
};

struct object_set *object_set_new(void)
{
    return base_alloc(1, sizeof(struct object_set));
}

void object_set_free(struct object_set *set)
{
    if (!set)
        return;
    for (uint32_t i = 0; i < set->n; i++)
        object_close(set->objects[i]);
    base_free(set->objects);
    debuginfod_free(set->debuginfod);
    base_free(set);
}

struct object *object_set_at(const struct object_set *set, image_ix image)
{
    return image < set->n ? set->objects[image] : NULL;
}

void object_set_put(struct object_set *set, struct object *object)
{
    set->objects = base_grow(set->objects, &set->cap, (size_t)set->n + 1, sizeof *set->objects);
    set->objects[set->n++] = object;
}

static const char *fetch_debug(void *to, struct span build_id, const char *of, struct notes *notes)
{
    struct buf hex = BUF_MAX(256);
    buf_hex(&hex, build_id);
    const char *path = debuginfod_find(to, buf_span(&hex), "debuginfo", of, notes);
    buf_free(&hex);
    return path;
}

void object_set_ask(struct object_set *set, struct debuginfod *debuginfod)
{
    set->debuginfod = debuginfod;
    set->fetcher = (struct object_fetcher){
        .fetch = fetch_debug, .to = debuginfod, .name = "debuginfod servers"};
}

/* ---- files --------------------------------------------------------------------------------------
 */

static void note_place(struct resolver *r, const char *path, struct planned_image *image)
{
    r->places = base_grow(r->places, &r->places_cap, (size_t)r->n_places + 1, sizeof *r->places);
    if (image->n_places == 0)
        image->place = r->n_places;
    image->n_places++;
    r->places[r->n_places++] =
        strings_clean(r->profile->strings, strings_add_text(r->profile->strings, path));
}

struct noting {
    struct resolver *r;
    struct planned_image *image;
};

static void note_tried(void *to, const char *path)
{
    const struct noting *noting = to;
    note_place(noting->r, path, noting->image);
}

/* Sets the path of an image that a mapping is of. */
static void find_image(struct resolver *r, const struct mapping *map, struct planned_image *image)
{
    struct noting noting = {.r = r, .image = image};
    const struct strings *strings = r->profile->strings;
    image->path = symbolize_locate(r->options, r->arena, strings_text(strings, map->path),
                                   strings_span(strings, map->build_id), note_tried, &noting);
}

/* In hex; "" where there is none. */
static str_id id_text(struct strings *strings, struct span id)
{
    struct buf hex = BUF_MAX(256);
    buf_hex(&hex, id);
    const str_id text = strings_add(strings, buf_span(&hex));
    buf_free(&hex);
    return text;
}

/* Whether the file at the image's path is there, and not known to be another build. */
static bool is_on_disk(const struct resolver *r, const struct planned_image *image)
{
    uint8_t id[64];
    size_t n;
    if (!object_read_build_id(image->path, id, sizeof id, &n))
        return file_exists(image->path);
    return r->options->force ||
           span_is_hex_of(strings_span(r->profile->strings, image->build_id), span_make(id, n));
}

/* Opens the image's file, or says why not, if there are addresses that wait for it. */
static void open_image(struct resolver *r, struct planned_image *image, bool is_awaited)
{
    struct notes *notes = is_awaited ? r->notes : NULL;
    struct object_options options = r->options->object;
    if (!options.threads)
        options.threads = r->options->threads;
    if (image->is_sampled && r->objects->debuginfod) {
        options.fetcher = &r->objects->fetcher;
        const char *fetched =
            image->build_id && !is_on_disk(r, image)
                ? debuginfod_find(r->objects->debuginfod,
                                  strings_span(r->profile->strings, image->build_id), "executable",
                                  image->path, notes)
                : NULL;
        if (fetched) {
            note_place(r, fetched, image);
            image->path = fetched;
        }
    }
    struct error err;
    struct object *object;
    if (!object_open(image->path, &options, notes, &object, &err)) {
        notes_add(notes, "%s", err.text);
        image->trouble = strings_add_text(r->profile->strings,
                                          err.kind == ERROR_SYSTEM ? strerror(err.sys) : err.text);
        return;
    }
    image->found_id = id_text(r->profile->strings, object_build_id(object));
    const str_id wanted_id = r->options->force ? image->told_id : image->build_id;
    if (wanted_id && image->found_id && wanted_id != image->found_id) {
        image->trouble = strings_add_text(r->profile->strings, "it is another build");
        notes_add(notes,
                  "%s: build ID differs from the profile's: another build of it was profiled%s",
                  image->path, r->options->force ? "; names may be wrong" : "");
        if (!r->options->force) {
            object_close(object);
            return;
        }
    }
    if (image->is_deleted && !image->build_id)
        notes_add(notes,
                  "%s: was deleted or replaced while the profile was taken; names are those of "
                  "the file that is there now",
                  image->path);
    image->object = object;
    image->has_symbols = object_has_symbols(object);
}

/* ---- the plan -----------------------------------------------------------------------------------
 */

struct plan {
    struct resolver *r;
    bool *is_used;           /* by mapping */
    bool *is_awaited;        /* by mapping: some address in it has no name yet */
    bool is_program_awaited; /* people want to hear of it */
    bool is_program_sampled;
    bool *is_program;    /* by mapping */
    image_ix *map_image; /* by mapping */
    struct planned_image program, add_lib;
    bool has_program, has_add_lib;
};

static void find_used(struct plan *plan)
{
    const struct profile *profile = plan->r->profile;
    plan->is_program_awaited = plan->r->options->program || profile->n_carried == 0;
    for (addr_ix a = 0; a < profile->n_addrs; a++) {
        const map_ix m = profile->addr_map[a];
        const bool is_open = plan->r->addr_state[a] == STATE_OPEN;
        if (m == MAP_NONE) {
            plan->is_program_sampled |= is_open;
        } else {
            plan->is_used[m] = true;
            plan->is_awaited[m] |= is_open;
        }
    }
}

/* The program that was named has no mapping: maybe since one of its name is of another build. Where
 * that one is still there, whoever opens it will tell. */
static void tell_other_build(struct resolver *r, const struct planned_image *program)
{
    const struct profile *profile = r->profile;
    for (map_ix m = 0; program->found_id && m < profile->n_maps; m++) {
        const struct mapping *map = &profile->maps[m];
        const char *path = strings_text(profile->strings, map->path);
        if (map->build_id && map->build_id != program->found_id && !file_exists(path) &&
            span_equal(span_file_name(span_of(path)), span_file_name(span_of(program->path))))
            notes_add(r->notes,
                      "%s: build ID differs from the profile's: another build of it was profiled",
                      program->path);
    }
}

/* The program as named; else what the profile says; else what looks like it. */
static void find_program(struct plan *plan)
{
    struct resolver *r = plan->r;
    const struct profile *profile = r->profile;
    map_ix marked = MAP_NONE;
    for (map_ix m = 0; m < profile->n_maps; m++) {
        plan->is_program[m] = profile->maps[m].is_program;
        if (plan->is_program[m] && marked == MAP_NONE)
            marked = m;
    }
    if (marked == MAP_NONE && !r->options->program) {
        marked = profile_guess_program(profile);
        for (map_ix m = 0; marked != MAP_NONE && m < profile->n_maps; m++)
            plan->is_program[m] = profile->maps[m].path == profile->maps[marked].path;
    }
    for (map_ix m = 0; m < profile->n_maps; m++)
        plan->is_program_sampled |= plan->is_program[m] && plan->is_awaited[m];
    plan->program.is_program = true;
    plan->program.is_sampled = plan->is_program_sampled;
    if (r->options->program) {
        plan->program.path = r->options->program;
        note_place(r, plan->program.path, &plan->program);
        if (marked != MAP_NONE) {
            plan->program.wanted = profile->maps[marked].path;
            plan->program.told_id = profile->maps[marked].build_id;
            plan->program.is_deleted =
                profile->maps[marked].is_deleted &&
                span_is(strings_span(profile->strings, plan->program.wanted), plan->program.path);
        }
        plan->has_program = true;
    } else if (marked != MAP_NONE) {
        const struct mapping *map = &profile->maps[marked];
        find_image(r, map, &plan->program);
        plan->program.wanted = map->path;
        plan->program.build_id = plan->program.told_id = map->build_id;
        plan->program.is_deleted = map->is_deleted;
        plan->has_program = true;
    }
    if (plan->has_program)
        open_image(r, &plan->program, plan->is_program_awaited || plan->is_program_sampled);
    if (r->options->program && marked == MAP_NONE)
        tell_other_build(r, &plan->program);
}

static bool is_fixed_program(const struct plan *plan)
{
    return plan->has_program && plan->program.object && object_is_elf(plan->program.object) &&
           !object_is_movable(plan->program.object);
}

/* Whether an address is the program's, at the place where it was linked to. */
static bool is_in_program(const struct plan *plan, uint64_t pc)
{
    if (!plan->has_program || !plan->program.object || !object_covers(plan->program.object, pc))
        return false;
    /* A movable program lies there by chance, unless nobody says where it lies. */
    return is_fixed_program(plan) || plan->r->profile->n_maps == 0;
}

/* A program that cannot be moved is where it was linked to, also under another name: what else is
 * mapped there by a name that is no library's is the program itself, renamed. A library that is not
 * there cannot have a better claim. */
static bool is_program_after_all(const struct plan *plan, map_ix m, uint64_t pc)
{
    const struct resolver *r = plan->r;
    if (!is_fixed_program(plan) || !is_in_program(plan, pc))
        return false;
    const image_ix image = plan->map_image[m];
    return !r->profile->maps[m].is_library || image == IMAGE_NONE || !r->images[image].object;
}

static image_ix add_image(struct resolver *r, const struct planned_image *image)
{
    r->images = base_grow(r->images, &r->images_cap, (size_t)r->n_images + 1, sizeof *r->images);
    r->images[r->n_images] = *image;
    object_set_put(r->objects, image->object);
    return r->n_images++;
}

static void add_libraries(struct plan *plan)
{
    struct resolver *r = plan->r;
    const struct profile *profile = r->profile;
    struct idmap image_of = {0};
    for (map_ix m = 0; m < profile->n_maps; m++) {
        const struct mapping *map = &profile->maps[m];
        plan->map_image[m] = IMAGE_NONE;
        if (!plan->is_used[m] || plan->is_program[m] || map->is_vdso ||
            (!map->is_library && is_program_after_all(plan, m, map->start)))
            continue;
        const uint64_t key = (uint64_t)map->path << 32 | map->build_id;
        if (!idmap_find(&image_of, key, &plan->map_image[m])) {
            struct planned_image image = {
                .wanted = map->path,
                .build_id = map->build_id,
                .told_id = map->build_id,
                .is_deleted = map->is_deleted,
                .is_sampled = plan->is_awaited[m],
            };
            find_image(r, map, &image);
            open_image(r, &image, plan->is_awaited[m]);
            plan->map_image[m] = idmap_add(&image_of, key, add_image(r, &image), NULL);
        }
    }
    idmap_free(&image_of);
}

/* What becomes of an address that no file can name. */
static void leave(struct resolver *r, addr_ix addr, const struct planned_image *image)
{
    if (!image || !image->object)
        resolver_end(r, addr, ADDRESS_MISSING);
    else if (!image->has_symbols)
        resolver_end(r, addr, ADDRESS_BLANK);
    else
        resolver_unnamed(r, addr, strings_add_text(r->profile->strings, "??"), 0);
}

/* Code of the kernel's is called by its name as a whole.
 * Later: a profile that carries the build ID of its vdso could be held against ours. */
static void name_vdso(struct resolver *r, addr_ix addr, const struct mapping *map)
{
    const struct frame frame = {
        .name = map->path,
        .full = map->path,
        .file = strings_add_text(r->profile->strings, "??"),
    };
    resolver_begin(r, addr);
    resolver_add(r, addr, &frame);
    resolver_end(r, addr, ADDRESS_NAMED);
}

static void place_address(struct plan *plan, addr_ix addr, image_ix add_lib, image_ix program)
{
    struct resolver *r = plan->r;
    const struct profile *profile = r->profile;
    const map_ix m = profile->addr_map[addr];
    const uint64_t pc = profile->addr_pc[addr];
    image_ix image = IMAGE_NONE;
    uint64_t place = pc;
    bool is_placed = true;
    if (m == MAP_NONE) {
        if (add_lib != IMAGE_NONE && r->images[add_lib].object &&
            object_covers(r->images[add_lib].object, pc))
            image = add_lib;
        else if (is_in_program(plan, pc))
            image = program;
    } else if (!plan->is_program[m] && is_program_after_all(plan, m, pc)) {
        image = program;
    } else {
        const struct mapping *map = &profile->maps[m];
        image = plan->is_program[m] ? program : plan->map_image[m];
        place = pc - map->start + map->offset;
        is_placed = image != IMAGE_NONE && r->images[image].object &&
                    object_address_of(r->images[image].object, place, &place);
    }
    r->addr_image[addr] = image;
    r->addr_place[addr] = place;
    if (r->addr_state[addr] != STATE_OPEN)
        return;
    if (m != MAP_NONE && profile->maps[m].is_vdso)
        name_vdso(r, addr, &profile->maps[m]);
    else if (image == IMAGE_NONE)
        leave(r, addr, program == IMAGE_NONE ? NULL : &r->images[program]);
    else if (!is_placed || !r->images[image].has_symbols)
        leave(r, addr, &r->images[image]);
}

void images_plan(struct resolver *r)
{
    const struct profile *profile = r->profile;
    struct plan plan = {
        .r = r,
        .is_used = base_alloc(profile->n_maps, sizeof *plan.is_used),
        .is_awaited = base_alloc(profile->n_maps, sizeof *plan.is_awaited),
        .is_program = base_alloc(profile->n_maps, sizeof *plan.is_program),
        .map_image = base_alloc(profile->n_maps, sizeof *plan.map_image),
    };
    find_used(&plan);
    find_program(&plan);
    add_libraries(&plan);
    image_ix add_lib = IMAGE_NONE, program = IMAGE_NONE;
    if (r->options->add_lib) {
        plan.add_lib = (struct planned_image){.path = r->options->add_lib};
        note_place(r, plan.add_lib.path, &plan.add_lib);
        open_image(r, &plan.add_lib, true);
        add_lib = add_image(r, &plan.add_lib);
    }
    if (plan.has_program)
        program = add_image(r, &plan.program);
    for (addr_ix a = 0; a < profile->n_addrs; a++)
        place_address(&plan, a, add_lib, program);
    base_free(plan.is_used);
    base_free(plan.is_awaited);
    base_free(plan.is_program);
    base_free(plan.map_image);
}
