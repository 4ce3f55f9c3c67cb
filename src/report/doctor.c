/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The doctor: which modules a profile has, where their names come from, how many samples stay
 * without one, and what is wrong with the profile itself. Apart from what writes it, since people
 * and programs read the same findings. The invariant: whatever is counted here is counted of the
 * stacks that reports show, so that the shares are those that people see. */
#include "report/doctor.h"

#include <math.h>
#include <stdlib.h>

double exam_share(const struct exam *exam, double value)
{
    return exam->total > 0 ? value / exam->total : 0;
}

/* ---- samples ------------------------------------------------------------------------------------
 */

/* The place in `modules` of an address. */
static uint32_t module_of(const struct exam *exam, addr_ix addr)
{
    const struct symbols *symbols = exam->report->view->symbols;
    const image_ix image = symbols ? symbols->addr_image[addr] : IMAGE_NONE;
    return symbols && image < symbols->n_images ? image : exam->n_modules - 1;
}

static bool is_named(const struct exam *exam, addr_ix addr)
{
    const struct symbols *symbols = exam->report->view->symbols;
    return symbols && symbols->addr_state[addr] == ADDRESS_NAMED;
}

enum { PASSED = 1, UNNAMED = 2 };

static void count_stack(struct exam *exam, uint32_t s, uint8_t *seen)
{
    const struct view *view = exam->report->view;
    const double value = fabs(view->stack_value[s]);
    const uint32_t begin = view->stack_at[s], end = view->stack_at[s + 1];
    bool is_first = true, has_unnamed = false;
    exam->total += value;
    for (uint32_t i = begin; i < end; i++) {
        const addr_ix addr = view->stack_addr[i];
        if (view_address_is_skipped(view, addr))
            continue;
        const uint32_t at = module_of(exam, addr);
        const bool named = is_named(exam, addr);
        struct exam_module *module = &exam->modules[at];
        if (is_first) {
            module->begin += value;
            module->unnamed_begin += named ? 0 : value;
            exam->unnamed_begin += named ? 0 : value;
        }
        is_first = false;
        if (!(seen[at] & PASSED))
            module->pass += value;
        if (!named && !(seen[at] & UNNAMED))
            module->unnamed_pass += value;
        has_unnamed |= !named;
        seen[at] |= PASSED | (named ? 0 : UNNAMED);
    }
    exam->unnamed_pass += has_unnamed ? value : 0;
    for (uint32_t i = begin; i < end; i++)
        seen[module_of(exam, view->stack_addr[i])] = 0;
}

/* Where modules were loaded: what a place in memory is more than the linker thought. */
static void find_biases(struct exam *exam)
{
    const struct view *view = exam->report->view;
    const struct symbols *symbols = view->symbols;
    for (addr_ix a = 0; symbols && a < view->profile->n_addrs - view->n_variants; a++) {
        const uint32_t at = module_of(exam, a);
        struct exam_module *module = &exam->modules[at];
        /* Without its file the place is one in the file, and says nothing of the linker's. */
        if (!module->image || !module->object)
            continue;
        const uint64_t bias = view->profile->addr_pc[a] - symbols->addr_place[a];
        /* A caller may be one less than it was recorded, and no page is that small. */
        if (module->has_bias && bias != module->bias)
            module->has_biases = true;
        module->bias = module->has_bias ? module->bias : bias;
        module->has_bias = true;
    }
}

/* ---- the profile --------------------------------------------------------------------------------
 */

static void add_finding(struct exam *exam, const char *key, bool is_ill, const char *what,
                        const char *mend)
{
    if (exam->n_findings < COUNT_OF(exam->findings))
        exam->findings[exam->n_findings++] =
            (struct exam_finding){.key = key, .is_ill = is_ill, .what = what, .mend = mend};
}

static const char *percent(const struct exam *exam, double value, double total)
{
    char text[UNITS_TEXT];
    return arena_text(exam->report->arena, span_of(units_percent(text, value, total)));
}

/* The address that all stacks have second; false: there is none, or one stack alone. */
static bool find_common_second(const struct profile *profile, addr_ix *second)
{
    bool has_several = false;
    for (stack_ix s = 0; s < profile->n_stacks; s++) {
        const uint32_t at = profile->stack_at[s];
        if (profile->stack_at[s + 1] - at < 2 ||
            profile->stack_addr[at + 1] != profile->stack_addr[profile->stack_at[0] + 1])
            return false;
        has_several |= profile->stack_addr[at] != profile->stack_addr[profile->stack_at[0]];
        *second = profile->stack_addr[at + 1];
    }
    return has_several;
}

static void examine_stacks(struct exam *exam)
{
    const struct view *view = exam->report->view;
    const struct profile *profile = view->profile;
    struct arena *arena = exam->report->arena;
    double all = 0, single = 0;
    for (uint32_t i = 0; i < profile->n_samples; i++) {
        const stack_ix s = profile->sample_stack[i];
        const double value =
            fabs(profile->sample_value[(size_t)view->column * profile->n_samples + i]);
        all += value;
        single += profile->stack_at[s + 1] - profile->stack_at[s] == 1 ? value : 0;
    }
    if (all > 0 && single >= all / 10)
        add_finding(exam, "one_frame_stacks", false,
                    arena_printf(arena,
                                 "%s of the samples have stacks of one frame: nobody knows who "
                                 "called them",
                                 percent(exam, single, all)),
                    "rebuild with -fno-omit-frame-pointer, and run again");
    addr_ix second;
    if (profile->kind == PROFILE_CPU && !profile->signals_left_out &&
        find_common_second(profile, &second)) {
        char text[20];
        const struct frame *frame = view_physical(view, second);
        const char *name = frame == view->blank ? profile_address_text(profile, second, text)
                                                : view_name_text(view, second, frame, text);
        add_finding(exam, "second_frame", false,
                    arena_printf(arena,
                                 "all stacks have the same second frame, %s: the profiler's own "
                                 "trace; reports leave it out",
                                 name),
                    NULL);
    }
    if (profile->kind == PROFILE_CPU && all > 0 && all < 100)
        add_finding(
            exam, "few_samples", false,
            arena_printf(arena, "there are %.0f samples only: shares are rough guesses", all),
            "let the program run longer, or raise CPUPROFILE_FREQUENCY");
}

static void examine_deleted(struct exam *exam)
{
    const struct symbols *symbols = exam->report->view->symbols;
    struct buf names = BUF_MAX(WORDS_MAX);
    for (image_ix i = 0; symbols && i < symbols->n_images; i++) {
        const struct image *image = &symbols->images[i];
        if (image->is_deleted)
            buf_printf(&names, "%s%s", names.n ? ", " : "",
                       strings_text(exam->report->view->profile->strings,
                                    image->wanted ? image->wanted : image->path));
    }
    if (names.n)
        add_finding(exam, "deleted", false,
                    arena_printf(exam->report->arena,
                                 "deleted or replaced while the program ran: %s", buf_c(&names)),
                    "start the program again, and run again");
    buf_free(&names);
}

static void examine_profile(struct exam *exam)
{
    const struct profile *profile = exam->report->view->profile;
    if (profile->is_cut_short)
        add_finding(exam, "cut_short", false,
                    "its file is cut short: the end is missing, and with it the map of the memory "
                    "or a part",
                    "let the program end by itself (exit, not a signal), and run again");
    if (profile->n_samples == 0 || exam->total == 0) {
        const bool is_cpu = profile->kind == PROFILE_CPU;
        add_finding(exam, "no_samples", true,
                    is_cpu ? "there are no samples: the program used too little processor time, "
                             "or waited"
                           : "there are no samples: nothing was recorded",
                    is_cpu ? "let the program run longer, or raise CPUPROFILE_FREQUENCY"
                           : "write the profile later, or record more often");
    }
    examine_stacks(exam);
    examine_deleted(exam);
}

/* ---- all together -------------------------------------------------------------------------------
 */

static int compare_modules(const void *a, const void *b)
{
    const struct exam_module *x = a, *y = b;
    if (x->unnamed_pass != y->unnamed_pass)
        return x->unnamed_pass > y->unnamed_pass ? -1 : 1;
    if (x->begin != y->begin)
        return x->begin > y->begin ? -1 : 1;
    if (x->pass != y->pass)
        return x->pass > y->pass ? -1 : 1;
    const int order = strcmp(x->path, y->path);
    return order ? order : (x->image > y->image) - (x->image < y->image);
}

static void open_modules(struct exam *exam)
{
    const struct view *view = exam->report->view;
    const struct symbols *symbols = view->symbols;
    const uint32_t n_images = symbols ? symbols->n_images : 0;
    exam->n_modules = n_images + 1;
    exam->modules = arena_alloc(exam->report->arena, exam->n_modules, sizeof *exam->modules);
    for (uint32_t i = 0; i < n_images; i++) {
        const struct image *image = &symbols->images[i];
        exam->modules[i].image = image;
        exam->modules[i].path =
            strings_text(view->profile->strings,
                         image->is_program || !image->wanted ? image->path : image->wanted);
        if (exam->report->objects && !image->trouble)
            exam->modules[i].object = object_set_at(exam->report->objects, i);
    }
    exam->modules[n_images].path = view->profile->is_symbolized
                                       ? "(names that came with the profile)"
                                       : "(in no program or library)";
}

/* Images that no stack passes through are not the profile's. */
static void drop_unused(struct exam *exam)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < exam->n_modules; i++) {
        if (exam->modules[i].pass > 0)
            exam->modules[n++] = exam->modules[i];
    }
    exam->n_modules = n;
}

void exam_make(const struct report *report, struct exam *exam)
{
    const struct view *view = report->view;
    *exam = (struct exam){.report = report};
    open_modules(exam);
    uint8_t *seen = base_alloc(exam->n_modules, 1);
    for (uint32_t s = 0; s < view->n_stacks; s++)
        count_stack(exam, s, seen);
    base_free(seen);
    find_biases(exam);
    drop_unused(exam);
    for (uint32_t i = 0; i < exam->n_modules; i++) {
        struct exam_module *module = &exam->modules[i];
        if (module->object)
            object_describe(module->object, &module->facts);
        module->is_ill = exam_share(exam, module->unnamed_pass) >= EXAM_LEAST_SHARE;
        exam->is_ill |= module->is_ill;
        exam_advise(exam, module);
    }
    if (exam->n_modules > 1)
        qsort(exam->modules, exam->n_modules, sizeof *exam->modules, compare_modules);
    examine_profile(exam);
    for (uint32_t i = 0; i < exam->n_findings; i++)
        exam->is_ill |= exam->findings[i].is_ill;
}

static bool emit(const struct report *report, struct out *out, struct error *err)
{
    (void)err;
    struct exam exam;
    exam_make(report, &exam);
    if (report->is_ill)
        *report->is_ill = exam.is_ill;
    if (report->options->json)
        exam_write_json(&exam, out);
    else
        exam_write_text(&exam, out);
    return true;
}

const struct emitter doctor_emitter = {
    .name = "doctor",
    .help = "why names are missing, and what would mend it",
    .extension = "txt",
    .more = "The same as the word *doctor* before all others. For each program and library of "
            "the profile: which file was looked for and found, whether it is the build that was "
            "profiled, where its names come from, how many samples have none, and the command "
            "that would mend that. The exit status is 1 where names are missing.",
    .grain = GRANULARITY_FUNCTIONS,
    .has_fixed_grain = true,
    .judges = true,
    .has_no_values = true,
    .emit = emit,
};
