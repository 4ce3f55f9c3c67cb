/* SPDX-License-Identifier: BSD-3-Clause
 *
 * graph/frames.c and its neighbours: frames left out one by one, within addresses too; stacks that
 * become equal; names alone, edges once, edges over what is not shown. */
#include "graph_unit.h"

/* main calls work; at one address of work, step is inlined with leaf in it. */
static void begin(struct fixture *f)
{
    fixture_begin(f, PROFILE_OTHER);
    SAMPLE(f, 5, 0x2010, 0x1000);
    SAMPLE(f, 3, 0x2000, 0x1000);
    SAMPLE(f, 2, 0x3000, 0x2010, 0x1000);
    SAMPLE(f, 1, 0x9000);
    fixture_seal(f);
    fixture_frame(f, 0x1000, (struct frame_text){.name = "main", .file = "/src/main.c", .line = 3});
    fixture_frame(f, 0x2010, (struct frame_text){.name = "leaf", .is_inlined = true});
    fixture_frame(f, 0x2010, (struct frame_text){.name = "step", .is_inlined = true});
    fixture_frame(f, 0x2010, (struct frame_text){.name = "work", .file = "work.c"});
    fixture_frame(f, 0x2000, (struct frame_text){.name = "work", .file = "work.c"});
    fixture_frame(f, 0x3000, (struct frame_text){.name = "get", .full = "ns::get(std::map)"});
}

/* The view's stacks in names, leaf first: "5:leaf+step+work,main". */
static const char *names(const struct fixture *f)
{
    const struct view *view = &f->view;
    struct buf text = BUF_MAX(1 << 16);
    char number[UNITS_TEXT], name[20];
    for (uint32_t s = 0; s < view->n_stacks; s++) {
        buf_printf(&text, "%s%s:", s ? " " : "", units_general(number, view->stack_value[s]));
        for (uint32_t k = view->stack_at[s]; k < view->stack_at[s + 1]; k++) {
            const addr_ix a = view->stack_addr[k];
            for (uint32_t i = 0; i < view_n_frames(view, a); i++)
                buf_printf(&text, "%s%s",
                           i                       ? "+"
                           : k > view->stack_at[s] ? ","
                                                   : "",
                           view_name_text(view, a, view_frame(view, a, i), name));
        }
    }
    const char *copy = arena_text(f->arena, buf_span(&text));
    buf_free(&text);
    return copy;
}

static struct regex *regex(const char *text)
{
    struct error err = {0};
    struct regex *made = regex_new("--hide", span_of(text), &err);
    assert_non_null(made);
    return made;
}

static void check(const char *hide, const char *show, const char *show_from, const char *prune_from,
                  bool no_inlines, const char *wanted)
{
    struct fixture f;
    begin(&f);
    struct regex *made[] = {hide ? regex(hide) : NULL, show ? regex(show) : NULL,
                            show_from ? regex(show_from) : NULL,
                            prune_from ? regex(prune_from) : NULL};
    fixture_view(&f, &(struct view_options){.hide = made[0],
                                            .show = made[1],
                                            .show_from = made[2],
                                            .prune_from = made[3],
                                            .no_inlines = no_inlines});
    assert_string_equal(names(&f), wanted);
    assert_true(f.view.total == 11); /* whatever is left out */
    for (size_t i = 0; i < COUNT_OF(made); i++)
        regex_free(made[i]);
    fixture_end(&f);
}

static void nothing_asked_nothing_changed(void **state)
{
    (void)state;
    check(NULL, NULL, NULL, NULL, false,
          "5:leaf+step+work,main 3:work,main 2:get,leaf+step+work,main 1:0000000000009000");
}

static void frames_are_hidden(void **state)
{
    (void)state;
    check("step", NULL, NULL, NULL, false,
          "5:leaf+work,main 3:work,main 2:get,leaf+work,main 1:0000000000009000");
    check("leaf|step", NULL, NULL, NULL, false,
          "5:work,main 3:work,main 2:get,work,main 1:0000000000009000");
    check("work|main|leaf|step", NULL, NULL, NULL, false, "2:get 1:0000000000009000");
    check("^work.c", NULL, NULL, NULL, false,
          "5:leaf+step,main 3:main 2:get,leaf+step,main 1:0000000000009000");
    check("std::map", NULL, NULL, NULL, false, /* a type of get's arguments: not shown */
          "5:leaf+step+work,main 3:work,main 2:get,leaf+step+work,main 1:0000000000009000");
    check(".", NULL, NULL, NULL, false, "1:0000000000009000"); /* which has no name to match */
}

static void equal_stacks_are_one(void **state)
{
    (void)state;
    check("get", NULL, NULL, NULL, false, "7:leaf+step+work,main 3:work,main 1:0000000000009000");
}

static void frames_are_shown(void **state)
{
    (void)state;
    check(NULL, "step|main", NULL, NULL, false, "7:step,main 3:main");
    check(NULL, "bogus", NULL, NULL, false, "");
    check("main", "step|main", NULL, NULL, false, "7:step");
}

static void stacks_are_cut(void **state)
{
    (void)state;
    check(NULL, NULL, "step", NULL, false, "5:leaf+step 2:get,leaf+step");
    check(NULL, NULL, "work|step", NULL, false, "5:leaf+step+work 3:work 2:get,leaf+step+work");
    check(NULL, NULL, NULL, "step", false, "7:step+work,main 3:work,main 1:0000000000009000");
    check(NULL, NULL, NULL, "work", false, "7:work,main 3:work,main 1:0000000000009000");
    check(NULL, NULL, NULL, "work.c", false, /* pruning is by name */
          "5:leaf+step+work,main 3:work,main 2:get,leaf+step+work,main 1:0000000000009000");
    check(NULL, NULL, "step", "step", false, "7:step");
    check("step", NULL, "step", NULL, false, "");
}

static void an_address_is_its_function(void **state)
{
    (void)state;
    check(NULL, NULL, NULL, NULL, true,
          "5:work,main 3:work,main 2:get,work,main 1:0000000000009000");
    check(NULL, NULL, NULL, "step", true, "7:work,main 3:work,main 1:0000000000009000");
}

static void variants_have_all_that_addresses_have(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct regex *step = regex("step");
    fixture_view(&f, &(struct view_options){.hide = step});
    const struct view *view = &f.view;
    const addr_ix a = view->stack_addr[0];
    assert_true(a >= f.profile.n_addrs && a < view->profile->n_addrs);
    assert_true(view->profile->addr_pc[a] == 0x2010);
    assert_int_equal(view->profile->addr_map[a], MAP_NONE);
    assert_int_equal(view->symbols->addr_state[a], ADDRESS_NAMED);
    (void)view_stack_order(view);
    const double *columns = view_columns(view);
    assert_true(columns[0] == 5);
    regex_free(step);
    fixture_end(&f);
}

static void functions_are_retained_and_excluded(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct regex *work = regex("work"), *hex = regex("9000");
    fixture_view(&f, &(struct view_options){.exclude = work});
    assert_string_equal(names(&f), "8:main 2:get,main 1:0000000000009000");
    fixture_view(&f, &(struct view_options){.retain = work});
    assert_string_equal(names(&f), "7:leaf+step+work 3:work");
    fixture_view(&f, &(struct view_options){.retain = work, .exclude = work});
    assert_int_equal(f.view.n_stacks, 0);
    fixture_view(&f, &(struct view_options){.retain = hex});
    assert_string_equal(names(&f), "1:0000000000009000");
    regex_free(work);
    regex_free(hex);
    fixture_end(&f);
}

/* ---- folding ------------------------------------------------------------------------------------
 */

static const char *fold(struct fixture *f, const struct fold_options *options)
{
    struct graph graph;
    graph_fold(&f->view, options, &graph);
    struct buf text = BUF_MAX(1 << 16);
    for (node_ix i = 0; i < graph.n_nodes; i++)
        buf_printf(&text, "%s %g %g; ", strings_text(f->strings, graph.nodes[i].label),
                   graph.nodes[i].flat, graph.nodes[i].cum);
    for (uint32_t i = 0; i < graph.n_edges; i++) {
        const struct edge *e = &graph.edges[i];
        buf_printf(&text, "%s%s>%s%s %g; ", strings_text(f->strings, graph.nodes[e->from].label),
                   e->is_residual ? "." : "", e->is_inlined ? "i" : "",
                   strings_text(f->strings, graph.nodes[e->to].label), e->weight);
    }
    const char *copy = arena_text(f->arena, buf_span(&text));
    buf_free(&text);
    return copy;
}

static void edges_count_once_a_stack(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 5, 0x2000, 0x2000, 0x1000, 0x2000, 0x1000);
    fixture_seal(&f);
    fixture_name(&f, 0x1000, "a");
    fixture_name(&f, 0x2000, "b");
    fixture_view(&f, NULL);
    const struct fold_options once = {.with_edges = true, .rule = FOLD_ONCE, .is_plain = true};
    assert_string_equal(fold(&f, &once), "b 5 5; a 0 5; a>b 5; b>a 5; ");
    fixture_end(&f);
}

static void what_is_not_kept_leaves_residual_edges(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    fixture_view(&f, NULL);
    struct fold_options once = {.with_edges = true, .rule = FOLD_ONCE, .is_plain = true};
    assert_non_null(strstr(fold(&f, &once), "work>istep 7; step>ileaf 7; leaf>get 2; "));
    assert_non_null(strstr(fold(&f, &once), "<unknown> 1 1; "));
    struct idmap kept = {0};
    (void)idmap_add(&kept, strings_add_text(f.strings, "main"), 0, NULL);
    (void)idmap_add(&kept, strings_add_text(f.strings, "leaf"), 0, NULL);
    once.kept = &kept;
    const char *text = fold(&f, &once);
    assert_non_null(strstr(text, "leaf 5 7; "));
    assert_non_null(strstr(text, "main 0 10; "));
    assert_non_null(strstr(text, "main.>ileaf 7; "));
    idmap_free(&kept);
    fixture_end(&f);
}

static void a_page_gets_edges_over_what_it_dropped(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 90, 0x3000, 0x2000, 0x1000); /* a, small, c */
    SAMPLE(&f, 10, 0x3000, 0x4000, 0x1000); /* a, d, c: another way */
    SAMPLE(&f, 60, 0x5000, 0x2000, 0x1000);
    fixture_seal(&f);
    fixture_name(&f, 0x1000, "a");
    fixture_name(&f, 0x2000, "b");
    fixture_name(&f, 0x3000, "c");
    fixture_name(&f, 0x4000, "d");
    fixture_name(&f, 0x5000, "e");
    fixture_view(&f, NULL);
    const struct fold_options options = {.with_edges = true};
    struct graph graph;
    graph_fold(&f.view, &options, &graph);
    /* Without b: a, c, e and d are nodes; c is reached through d, e is not. */
    struct trimmed page = {.nodes = arena_alloc(f.arena, 4, sizeof *page.nodes)};
    for (node_ix i = 0; i < graph.n_nodes; i++) {
        if (strcmp(strings_text(f.strings, graph.nodes[i].label), "b") != 0)
            page.nodes[page.n_nodes++] = graph.nodes[i];
    }
    assert_int_equal(page.n_nodes, 4);
    page.edges = arena_alloc(f.arena, 2, sizeof *page.edges);
    node_ix at[5] = {0};
    for (node_ix i = 0; i < page.n_nodes; i++)
        at[strings_text(f.strings, page.nodes[i].label)[0] - 'a'] = i;
    page.edges[page.n_edges++] = (struct edge){.from = at[0], .to = at[3], .weight = 10};
    page.edges[page.n_edges++] = (struct edge){.from = at[3], .to = at[2], .weight = 10};
    graph_add_residual(&f.view, &options, &page);
    assert_int_equal(page.n_edges, 3);
    assert_int_equal(page.edges[2].from, at[0]);
    assert_int_equal(page.edges[2].to, at[4]);
    assert_true(page.edges[2].is_residual && page.edges[2].weight == 60);
    fixture_end(&f);
}

/* ---- entries by name alone ----------------------------------------------------------------------
 */

static void check_label(struct fixture *f, enum granularity_kind kind, uint64_t pc,
                        const char *wanted)
{
    struct buf scratch = BUF_MAX(1 << 10);
    const str_id label = view_plain_label(&f->view, kind, fixture_address(f, pc), 0, &scratch);
    assert_string_equal(strings_text(f->strings, label), wanted);
    buf_free(&scratch);
}

static void labels_are_what_is_known(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    const struct mapping map = {.start = 0x8000,
                                .limit = 0x9000,
                                .path = strings_add_text(f.strings, "/lib/x86/libc.so.6")};
    builder_mapping(f.builder, &map);
    SAMPLE(&f, 1, 0x1000, 0x2000, 0x3000, 0x8010, 0x9fff);
    fixture_seal(&f);
    fixture_frame(&f, 0x1000, (struct frame_text){.name = "f", .file = "./a/../b//c.c", .line = 7});
    fixture_frame(
        &f, 0x2000,
        (struct frame_text){.name = "ns::::g", .full = "ns::(anonymous namespace)::g(int)"});
    fixture_carried(&f, 0x3000, "h");
    fixture_view(&f, NULL);
    check_label(&f, GRANULARITY_FUNCTIONS, 0x1000, "f");
    check_label(&f, GRANULARITY_FILEFUNCTIONS, 0x1000, "f b/c.c");
    check_label(&f, GRANULARITY_LINES, 0x1000, "f b/c.c:7");
    check_label(&f, GRANULARITY_FILES, 0x1000, "b/c.c");
    check_label(&f, GRANULARITY_ADDRESSES, 0x1000, "0000000000001000 f b/c.c:7");
    check_label(&f, GRANULARITY_DSO, 0x1000, "<unknown>");
    check_label(&f, GRANULARITY_FUNCTIONS, 0x2000, "ns::(anonymous namespace)::g");
    check_label(&f, GRANULARITY_LINES, 0x3000, "h");
    check_label(&f, GRANULARITY_FILES, 0x3000, "<unknown>");
    check_label(&f, GRANULARITY_FUNCTIONS, 0x8010, "[libc.so.6]");
    check_label(&f, GRANULARITY_DSO, 0x8010, "/lib/x86/libc.so.6");
    check_label(&f, GRANULARITY_ADDRESSES, 0x9fff, "0000000000009fff <unknown>");
    fixture_end(&f);
}

/* ---- columns ------------------------------------------------------------------------------------
 */

static void columns_are_chosen_as_google_pprof_does(void **state)
{
    (void)state;
    static const struct {
        const char *index, *type;
    } rows[] = {{"1", "inuse_space"}, {"alloc_objects", "alloc_objects"}, {"0", "inuse_objects"}};
    struct fixture f;
    fixture_begin(&f, PROFILE_HEAP);
    SAMPLE(&f, 1, 0x1000);
    fixture_seal(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        fixture_view(&f, &(struct view_options){.sample_index = rows[i].index});
        assert_string_equal(f.view.measure.type, rows[i].type);
    }
    struct error err = {0};
    assert_false(view_make(&f.profile, &f.symbols, &(struct view_options){.sample_index = "4"},
                           f.arena, &f.notes, &f.view, &err));
    assert_string_equal(err.text, "the profile has no column '4', but: inuse_objects, "
                                  "inuse_space, alloc_objects, alloc_space");
    fixture_view(&f, &(struct view_options){.unit = "kB"});
    char text[UNITS_TEXT];
    assert_string_equal(view_value_text(&f.view, 1536, text), "1.50");
    assert_string_equal(f.view.format.unit, "kB");
    fixture_end(&f);
}

static void samples_of_a_cpu_measure_time(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_CPU);
    builder_period(f.builder, 10000);
    SAMPLE(&f, 3, 0x1000);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_string_equal(f.view.measure.type, "cpu");
    assert_true(f.view.measure.factor == 1e7);
    assert_string_equal(f.view.format.unit, "samples"); /* as ever */
    fixture_view(&f, &(struct view_options){.sample_index = "samples"});
    assert_string_equal(f.view.measure.type, "samples");
    assert_true(f.view.measure.factor == 1);
    fixture_view(&f, &(struct view_options){.sample_index = "cpu", .unit = "ms"});
    char text[UNITS_TEXT];
    assert_string_equal(view_value_text(&f.view, 3, text), "30.00");
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_nothing_changed),
        cmocka_unit_test(frames_are_hidden),
        cmocka_unit_test(equal_stacks_are_one),
        cmocka_unit_test(frames_are_shown),
        cmocka_unit_test(stacks_are_cut),
        cmocka_unit_test(an_address_is_its_function),
        cmocka_unit_test(variants_have_all_that_addresses_have),
        cmocka_unit_test(functions_are_retained_and_excluded),
        cmocka_unit_test(edges_count_once_a_stack),
        cmocka_unit_test(what_is_not_kept_leaves_residual_edges),
        cmocka_unit_test(a_page_gets_edges_over_what_it_dropped),
        cmocka_unit_test(labels_are_what_is_known),
        cmocka_unit_test(columns_are_chosen_as_google_pprof_does),
        cmocka_unit_test(samples_of_a_cpu_measure_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
