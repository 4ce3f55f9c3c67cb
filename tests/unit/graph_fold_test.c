/* SPDX-License-Identifier: BSD-3-Clause
 *
 * graph/graph.h, from view to graph: flat, cumulative, edges, and the text of entries. */
#include "graph_unit.h"

/* The graph as text, nodes and edges sorted: "bar 5 5; foo 0 5; foo>bar 5". The arena's. */
static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *fold(struct fixture *f, const struct fold_options *options)
{
    struct graph graph;
    graph_fold(&f->view, options, &graph);
    const uint32_t n = graph.n_nodes + graph.n_edges;
    char **lines = arena_alloc(f->arena, n, sizeof *lines);
    char flat[UNITS_TEXT], cum[UNITS_TEXT];
    for (node_ix i = 0; i < graph.n_nodes; i++) {
        const struct node *node = &graph.nodes[i];
        const char *label = strings_text(f->strings, node->label);
        assert_int_equal(node->is_inlined, strstr(label, "(inline)") != NULL);
        lines[i] = arena_printf(f->arena, "%s %s %s", label, units_general(flat, node->flat),
                                units_general(cum, node->cum));
    }
    for (uint32_t i = 0; i < graph.n_edges; i++) {
        const struct edge *edge = &graph.edges[i];
        lines[graph.n_nodes + i] = arena_printf(
            f->arena, "%s>%s %s", strings_text(f->strings, graph.nodes[edge->from].label),
            strings_text(f->strings, graph.nodes[edge->to].label),
            units_general(flat, edge->weight));
    }
    if (n)
        qsort(lines, n, sizeof *lines, compare_texts);
    struct buf text = BUF_MAX(1 << 16);
    for (uint32_t i = 0; i < n; i++)
        buf_printf(&text, "%s%s", i ? "; " : "", lines[i]);
    const char *copy = arena_text(f->arena, buf_span(&text));
    buf_free(&text);
    return copy;
}

static const char *fold_by(struct fixture *f, enum granularity_kind granularity, bool show)
{
    fixture_view(f, NULL);
    return fold(f, &(struct fold_options){.granularity = granularity, .show_addresses = show});
}

static void granularities_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"functions", "lines",         "addresses",
                                        "files",     "filefunctions", "dso"};
    for (int i = 0; i < GRANULARITY_COUNT; i++) {
        assert_string_equal(granularities[i].name, names[i]);
        assert_non_null(granularities[i].help);
    }
}

static void flat_cum_and_edges(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 5, 0x2000, 0x1000);
    SAMPLE(&f, 3, 0x3000, 0x2000, 0x1000);
    SAMPLE(&f, 2, 0x3000, 0x1000);
    fixture_sample(&f, 9, NULL, (const uint64_t[]){0});
    fixture_seal(&f);
    fixture_name(&f, 0x1000, "main");
    fixture_name(&f, 0x2000, "foo");
    fixture_name(&f, 0x3000, "bar");
    fixture_view(&f, NULL);
    assert_string_equal(fold(&f, &(struct fold_options){.with_edges = true}),
                        "bar 5 5; foo 5 8; foo>bar 3; main 0 10; main>bar 2; main>foo 8");
    struct graph graph;
    graph_fold(&f.view, &(struct fold_options){.with_edges = false}, &graph);
    assert_int_equal(graph.n_edges, 0);
    assert_true(graph.flat_total == 10);
    fixture_end(&f);
}

static void recursion_counts_once_but_each_call(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 4, 0x3000, 0x3001, 0x3002, 0x1000);
    SAMPLE(&f, -1, 0x3000, 0x1000, 0x3001, 0x1000);
    fixture_seal(&f);
    for (uint64_t pc = 0x3000; pc <= 0x3002; pc++)
        fixture_name(&f, pc, "rec");
    fixture_name(&f, 0x1000, "main");
    fixture_view(&f, NULL);
    assert_string_equal(fold(&f, &(struct fold_options){.with_edges = true}),
                        "main 0 3; main>rec 2; rec 3 3; rec>main -1; rec>rec 8");
    fixture_end(&f);
}

static void skipped_addresses_pass_their_samples_on(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 4, 0xffffffff80000000, 0x3000, 0xffffffffffffffff, 0x1000);
    SAMPLE(&f, 2, 0xffffffff80000000);
    fixture_seal(&f);
    fixture_view(&f, NULL);
    assert_string_equal(fold(&f, &(struct fold_options){.with_edges = true}),
                        "0000000000001000 0 4; 0000000000001000>0000000000003000 4; "
                        "0000000000003000 4 4");
    fixture_end(&f);
}

static void only_what_some_stack_has_is_a_node(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 1, 0x2000, 0x1000);
    SAMPLE(&f, 2, 0x3000);
    fixture_seal(&f);
    fixture_name(&f, 0x1000, "main");
    fixture_name(&f, 0x2000, "foo");
    fixture_name(&f, 0x3000, "bar");
    struct error err = {0};
    struct regex *bar = regex_new("--ignore", span_of("bar"), &err);
    fixture_view(&f, &(struct view_options){.ignore = bar});
    assert_string_equal(fold(&f, &(struct fold_options){0}), "foo 1 1; main 0 1");
    regex_free(bar);
    fixture_end(&f);
}

/* ---- texts --------------------------------------------------------------------------------------
 */

/* One address of each state, one with an inlined function, one without a line. */
static void make_states(struct fixture *f)
{
    fixture_begin(f, PROFILE_OTHER);
    SAMPLE(f, 1, 0x1000);
    SAMPLE(f, 2, 0x2000);
    SAMPLE(f, 4, 0x3000);
    SAMPLE(f, 8, 0x4000);
    SAMPLE(f, 16, 0x5000);
    fixture_seal(f);
    fixture_frame(
        f, 0x1000,
        (struct frame_text){.name = "leaf", .file = "./a.c", .line = 3, .is_inlined = true});
    fixture_frame(f, 0x1000, (struct frame_text){.name = "top", .file = "./a.c", .line = 12});
    fixture_frame(f, 0x2000, (struct frame_text){.name = "asm"});
    fixture_frame(
        f, 0x3000,
        (struct frame_text){.name = "0x0000000000003000", .file = "?", .line = LINE_NONE});
    fixture_state(f, 0x3000, ADDRESS_HEX);
    fixture_state(f, 0x4000, ADDRESS_BLANK);
}

static void functions(void **state)
{
    (void)state;
    struct fixture f;
    make_states(&f);
    assert_string_equal(fold_by(&f, GRANULARITY_FUNCTIONS, false),
                        "0000000000004000 8 8; 0000000000005000 16 16; 0x0000000000003000 4 4; "
                        "asm 2 2; leaf (inline) 1 1; top 0 1");
    assert_string_equal(fold_by(&f, GRANULARITY_FUNCTIONS, true),
                        "0000000000004000 8 8; 0000000000005000 16 16; "
                        "0x0000000000003000 (0000000000003000) 4 4; asm (0000000000002000) 2 2; "
                        "leaf (inline) (0000000000001000) 1 1; top (0000000000001000) 0 1");
    fixture_end(&f);
}

static void lines(void **state)
{
    (void)state;
    struct fixture f;
    make_states(&f);
    assert_string_equal(fold_by(&f, GRANULARITY_LINES, false),
                        "0000000000004000 8 8; 0000000000005000  16 16; 0x0000000000003000 ? 4 4; "
                        "asm ??:0 2 2; leaf (inline) ./a.c:3 1 1; top ./a.c:12 0 1");
    assert_string_equal(fold_by(&f, GRANULARITY_LINES, true),
                        "0000000000004000 8 8; 0000000000005000  16 16; "
                        "0x0000000000003000 ? (0000000000003000) 4 4; "
                        "asm ??:0 (0000000000002000) 2 2; "
                        "leaf (inline) ./a.c:3 (0000000000001000) 1 1; "
                        "top ./a.c:12 (0000000000001000) 0 1");
    fixture_end(&f);
}

static void addresses(void **state)
{
    (void)state;
    struct fixture f;
    make_states(&f);
    for (int show = 0; show < 2; show++)
        assert_string_equal(fold_by(&f, GRANULARITY_ADDRESSES, show != 0),
                            "0000000000001000 leaf (inline) ./a.c:3 1 1; "
                            "0000000000001000 top ./a.c:12 0 1; 0000000000002000 asm ??:0 2 2; "
                            "0000000000003000 0x0000000000003000 ? 4 4; "
                            "0000000000004000 ?? ??:0 8 8; "
                            "0000000000005000 0000000000005000  16 16");
    f.profile.address_digits = 8;
    assert_string_equal(fold_by(&f, GRANULARITY_FUNCTIONS, false),
                        "00004000 8 8; 00005000 16 16; 0x0000000000003000 4 4; asm 2 2; "
                        "leaf (inline) 1 1; top 0 1");
    fixture_end(&f);
}

static void files(void **state)
{
    (void)state;
    struct fixture f;
    make_states(&f);
    for (int show = 0; show < 2; show++)
        assert_string_equal(fold_by(&f, GRANULARITY_FILES, show != 0),
                            "./a.c 1 1; 0000000000002000 2 2; 0000000000004000 8 8; "
                            "0000000000005000 16 16; ? 4 4");
    fixture_end(&f);
}

static void equal_texts_are_one_node(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 1, 0x1000, 0x2000);
    SAMPLE(&f, 2, 0x2000, 0x1000);
    fixture_seal(&f);
    fixture_frame(&f, 0x1000, (struct frame_text){.name = "f", .full = "f(int)", .line = 1});
    fixture_frame(&f, 0x2000, (struct frame_text){.name = "f", .full = "f(char)", .line = 2});
    assert_string_equal(fold_by(&f, GRANULARITY_FUNCTIONS, false), "f 3 3");
    fixture_end(&f);
}

static void equal_names_are_told_apart(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 1, 0x1000);
    SAMPLE(&f, 2, 0x2000);
    SAMPLE(&f, 4, 0x2005);
    SAMPLE(&f, 8, 0x3000);
    SAMPLE(&f, 16, 0x4000);
    SAMPLE(&f, 32, 0x5000);
    fixture_seal(&f);
    fixture_frame(&f, 0x1000,
                  (struct frame_text){.name = "over", .full = "over(int)", .entry = 0x401020});
    for (uint64_t pc = 0x2000; pc <= 0x2005; pc += 5)
        fixture_frame(
            &f, pc,
            (struct frame_text){
                .name = "over", .full = "over(char)", .line = (uint32_t)pc, .entry = 0x401040});
    fixture_frame(&f, 0x3000,
                  (struct frame_text){.name = "over", .full = "over<int>"}); /* no entry */
    fixture_frame(&f, 0x4000,
                  (struct frame_text){.name = "alone", .full = "alone()", .entry = 0x401060});
    fixture_frame(&f, 0x5000, (struct frame_text){.name = "over", .is_inlined = true});
    fixture_frame(&f, 0x5000, (struct frame_text){.name = "inline_alone"});
    assert_string_equal(fold_by(&f, GRANULARITY_FUNCTIONS, false),
                        "alone 16 16; inline_alone 0 32; over (inline) 32 32; over 8 8; "
                        "over@401020 1 1; over@401040 6 6");

    /* Also where filters leave only one of them. */
    struct error err = {0};
    struct regex *focus = regex_new("--focus", span_of("1000$"), &err);
    fixture_view(&f, &(struct view_options){.focus = focus});
    assert_string_equal(fold(&f, &(struct fold_options){.granularity = GRANULARITY_LINES}),
                        "over@401020 ??:0 1 1");
    regex_free(focus);
    fixture_end(&f);
}

static void one_name_in_two_images_is_told_apart(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 1, 0x1000);
    SAMPLE(&f, 2, 0x2000);
    fixture_seal(&f);
    fixture_frame(&f, 0x1000, (struct frame_text){.name = "init", .entry = 0x500});
    fixture_frame(&f, 0x2000, (struct frame_text){.name = "init", .entry = 0x600});
    assert_string_equal(fold_by(&f, GRANULARITY_FUNCTIONS, false), "init@500 1 1; init@600 2 2");
    fixture_end(&f);
}

static void callbacks_are_told_apart_by_what_they_called(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 5, 0x3000, 0x2000, 0x1000);
    SAMPLE(&f, 3, 0x3100, 0x2000, 0x1000);
    SAMPLE(&f, 2, 0x2000, 0x1000);
    SAMPLE(&f, 1, 0x3000, 0x2100, 0x1000);
    SAMPLE(&f, 8, 0x3000, 0x4000, 0x1000);
    SAMPLE(&f, 16, 0x6000);
    fixture_seal(&f);
    fixture_name(&f, 0x1000, "main");
    fixture_frame(&f, 0x2000,
                  (struct frame_text){.name = "MyCallback1::Run", .file = "c.c", .line = 1});
    fixture_frame(&f, 0x2100,
                  (struct frame_text){.name = "Callbacks::Run", .file = "c.c", .line = 1});
    fixture_name(&f, 0x3000, "foo");
    fixture_name(&f, 0x3100, "foo");
    fixture_frame(&f, 0x4000, (struct frame_text){.name = "MyCallback::Run", .is_inlined = true});
    fixture_name(&f, 0x4000, "Outer");
    fixture_name(&f, 0x6000, "Callback");
    fixture_view(&f, NULL);
    assert_string_equal(fold(&f, &(struct fold_options){.with_edges = true}),
                        "Callback 16 16; MyCallback::Run (inline) 0 8; "
                        "MyCallback::Run (inline)>foo 8; Outer 0 8; "
                        "Outer>MyCallback::Run (inline) 8; Run#1 0 6; Run#1>foo 6; Run#2 0 3; "
                        "Run#2>foo 3; Run#3 2 2; foo 17 17; main 0 19; main>Outer 8; main>Run#1 6; "
                        "main>Run#2 3; main>Run#3 2");
    assert_string_equal(fold_by(&f, GRANULARITY_LINES, false),
                        "Callback ??:0 16 16; MyCallback::Run (inline) ??:0 0 8; Outer ??:0 0 8; "
                        "Run#1 c.c:1 0 6; Run#2 c.c:1 0 3; Run#3 c.c:1 2 2; foo ??:0 17 17; "
                        "main ??:0 0 19");
    fixture_end(&f);
}

static void a_callback_may_call_nothing_known(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 1, 0xffffffff80000000, 0x2000);
    SAMPLE(&f, 2, 0x2000);
    fixture_seal(&f);
    fixture_name(&f, 0x2000, "Callback::Run");
    assert_string_equal(fold_by(&f, GRANULARITY_FUNCTIONS, false), "Run#1 1 1; Run#2 2 2");
    assert_string_equal(fold_by(&f, GRANULARITY_FILES, false), "0000000000002000 3 3");
    fixture_end(&f);
}

/* Each stack has its own leaf and shares callers: counts by hand. */
static void many_stacks(void **state)
{
    (void)state;
    enum { N = 20000, DEPTH = 12 };
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    for (uint64_t i = 0; i < N; i++) {
        uint64_t pcs[DEPTH + 1] = {0x100000 + i};
        for (uint64_t k = 1; k < DEPTH; k++)
            pcs[k] = 0x1000 * (k % 5 + 1) + (i >> k) % 16;
        fixture_sample(&f, 1, NULL, pcs);
    }
    fixture_seal(&f);
    fixture_view(&f, NULL);
    struct graph graph;
    graph_fold(&f.view, &(struct fold_options){.with_edges = true}, &graph);
    assert_int_equal(graph.n_nodes, f.profile.n_addrs);
    assert_true(graph.flat_total == N);
    double flat = 0, weight = 0;
    for (node_ix i = 0; i < graph.n_nodes; i++)
        flat += graph.nodes[i].flat;
    for (uint32_t i = 0; i < graph.n_edges; i++)
        weight += graph.edges[i].weight;
    assert_true(flat == N);
    assert_true(weight == (double)N * (DEPTH - 1));
    fixture_end(&f);
}

static void a_kept_graph_answers_for_those_of_its_kind(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, PROFILE_OTHER);
    SAMPLE(&f, 5, 0x2000, 0x1000);
    SAMPLE(&f, 3, 0x1000, 0x2000, 0x1000);
    fixture_seal(&f);
    fixture_name(&f, 0x1000, "main");
    fixture_name(&f, 0x2000, "foo");
    fixture_view(&f, NULL);
    const struct fold_options with_edges = {.with_edges = true}, without = {0};
    const struct fold_options once = {.with_edges = true, .rule = FOLD_ONCE};
    const char *text = fold(&f, &with_edges), *nodes = fold(&f, &without);
    const char *text_once = fold(&f, &once);
    assert_string_not_equal(text, nodes);
    graph_keep(&f.view, &with_edges);
    graph_keep(&f.view, &without);
    graph_keep(&f.view, &once);
    const struct kept_graph *kept = f.view.kept;
    graph_keep(&f.view, &once);
    assert_ptr_equal(f.view.kept, kept);

    struct graph first, second, less;
    graph_fold(&f.view, &with_edges, &first);
    graph_fold(&f.view, &with_edges, &second);
    graph_fold(&f.view, &without, &less);
    assert_ptr_equal(first.nodes, second.nodes);
    assert_ptr_equal(first.nodes, less.nodes);
    assert_string_equal(fold(&f, &with_edges), text);
    assert_string_equal(fold(&f, &without), nodes);
    assert_string_equal(fold(&f, &once), text_once);

    /* Which nodes are wanted is the question's own. */
    struct idmap wanted = {0};
    (void)idmap_add(&wanted, strings_add_text(f.strings, "foo"), 0, NULL);
    const struct fold_options some = {.rule = FOLD_ONCE, .kept = &wanted};
    assert_string_equal(fold(&f, &some), "foo 5 8; main 0 0");
    idmap_free(&wanted);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(granularities_have_names),
        cmocka_unit_test(flat_cum_and_edges),
        cmocka_unit_test(recursion_counts_once_but_each_call),
        cmocka_unit_test(skipped_addresses_pass_their_samples_on),
        cmocka_unit_test(only_what_some_stack_has_is_a_node),
        cmocka_unit_test(functions),
        cmocka_unit_test(lines),
        cmocka_unit_test(addresses),
        cmocka_unit_test(files),
        cmocka_unit_test(equal_texts_are_one_node),
        cmocka_unit_test(equal_names_are_told_apart),
        cmocka_unit_test(one_name_in_two_images_is_told_apart),
        cmocka_unit_test(callbacks_are_told_apart_by_what_they_called),
        cmocka_unit_test(a_callback_may_call_nothing_known),
        cmocka_unit_test(many_stacks),
        cmocka_unit_test(a_kept_graph_answers_for_those_of_its_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
