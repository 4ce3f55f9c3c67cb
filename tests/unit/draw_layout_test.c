/* SPDX-License-Identifier: BSD-3-Clause
 *
 * draw_layout: what holds for every scene, whichever engine placed it. */
#include "draw_unit.h"

struct rect {
    double left, top, right, bottom;
};

static struct rect rect_at(double x, double y, double width, double height)
{
    return (struct rect){x - width / 2, y - height / 2, x + width / 2, y + height / 2};
}

static bool overlap(const struct rect *a, const struct rect *b)
{
    const double slack = 0.01;
    return a->left + slack < b->right && b->left + slack < a->right && a->top + slack < b->bottom &&
           b->top + slack < a->bottom;
}

static void inside(const struct scene *s, const struct rect *r)
{
    assert_true(r->left >= 0 && r->top >= 0);
    assert_true(r->right <= s->width && r->bottom <= s->height);
}

/* dot works in whole points, and a line has a width. */
static bool is_on_border(const struct rect *r, double x, double y)
{
    const double slack = 2;
    const bool is_within = x >= r->left - slack && x <= r->right + slack && y >= r->top - slack &&
                           y <= r->bottom + slack;
    const bool is_deep =
        x > r->left + slack && x < r->right - slack && y > r->top + slack && y < r->bottom - slack;
    return is_within && !is_deep;
}

static void check_lines(const struct rect *r, const struct scene_line *lines, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        assert_true(lines[i].x >= r->left && lines[i].x + lines[i].width <= r->right);
        assert_true(lines[i].y - 0.7 * lines[i].size >= r->top && lines[i].y <= r->bottom);
        if (i)
            assert_true(lines[i].y > lines[i - 1].y);
    }
}

static void check(const struct scene *s, const struct drawing *drawing)
{
    assert_true(isfinite(s->width) && isfinite(s->height) && s->width > 0 && s->height > 0);
    assert_int_equal(s->n_boxes, drawing->n_nodes);
    assert_int_equal(s->n_curves, drawing->n_edges);
    struct rect *boxes = base_alloc(s->n_boxes + 1, sizeof *boxes);
    for (uint32_t i = 0; i < s->n_boxes; i++) {
        const struct scene_box *b = &s->boxes[i];
        assert_ptr_equal(b->node, &drawing->nodes[i]);
        boxes[i] = rect_at(b->x, b->y, b->width, b->height);
        inside(s, &boxes[i]);
        check_lines(&boxes[i], b->lines, b->n_lines);
    }
    uint32_t n_things = s->n_boxes;
    if (s->n_legend) {
        boxes[n_things] = (struct rect){s->legend_x, s->legend_y, s->legend_x + s->legend_width,
                                        s->legend_y + s->legend_height};
        inside(s, &boxes[n_things]);
        check_lines(&boxes[n_things], s->legend, s->n_legend);
        n_things++;
    }
    for (uint32_t i = 0; i < n_things; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_false(overlap(&boxes[i], &boxes[k]));
    for (uint32_t i = 0; i < s->n_curves; i++) {
        const struct scene_curve *c = &s->curves[i];
        assert_ptr_equal(c->edge, &drawing->edges[i]);
        assert_true(c->n_points >= 4 && c->n_points % 3 == 1);
        for (uint32_t k = 0; k < c->n_points; k++) {
            const double x = c->points[k].x, y = c->points[k].y;
            assert_true(x >= 0 && y >= 0 && x <= s->width && y <= s->height);
        }
        assert_true(is_on_border(&boxes[c->edge->from], c->points[0].x, c->points[0].y));
        assert_true(is_on_border(&boxes[c->edge->to], c->tip_x, c->tip_y));
        if (!c->label.text)
            continue;
        const struct rect label = rect_at(c->label_x, c->label_y, c->label_width, c->label_height);
        inside(s, &label);
        for (uint32_t k = 0; k < n_things; k++)
            assert_false(overlap(&label, &boxes[k]));
    }
    base_free(boxes);
}

static uint32_t count_labels(const struct scene *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_curves; i++)
        n += s->curves[i].label.text != NULL;
    return n;
}

/* Returns how many labels found room. */
static uint32_t lay_out(struct shape shape, struct notes *notes)
{
    struct arena *arena = arena_new();
    struct scene scene, again;
    struct error err = {0};
    const struct drawing *drawing = unit_drawing(&shape, arena);
    if (!draw_layout(drawing, arena, notes, &scene, &err))
        fail_msg("%s", err.text);
    check(&scene, drawing);
    assert_true(draw_layout(drawing, arena, NULL, &again, &err));
    for (uint32_t i = 0; i < scene.n_boxes; i++) {
        assert_true(scene.boxes[i].x == again.boxes[i].x);
        assert_true(scene.boxes[i].y == again.boxes[i].y);
    }
    const uint32_t n = count_labels(&scene);
    arena_free(arena);
    return n;
}

static void nothing_but_a_legend(void **state)
{
    (void)state;
    lay_out((struct shape){0}, NULL);
    struct arena *arena = arena_new();
    struct scene scene;
    const struct drawing nothing = {0};
    assert_true(draw_layout(&nothing, arena, NULL, &scene, NULL));
    check(&scene, &nothing);
    arena_free(arena);
}

static void boxes_without_edges(void **state)
{
    (void)state;
    lay_out((struct shape){.n_nodes = 1}, NULL);
    lay_out((struct shape){.n_nodes = 200}, NULL);
    static const uint32_t one[][2] = {{3, 9}};
    lay_out((struct shape){.n_nodes = 40, .n_edges = 1, .edges = one}, NULL);
}

#define SHAPED(n, list) ((struct shape){.n_nodes = (n), .n_edges = COUNT_OF(list), .edges = (list)})

static void odd_edges(void **state)
{
    (void)state;
    static const uint32_t self[][2] = {{0, 0}};
    static const uint32_t selves[][2] = {{0, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}};
    static const uint32_t pair[][2] = {{0, 1}, {1, 0}};
    static const uint32_t same[][2] = {{0, 1}, {0, 1}, {0, 1}, {1, 0}, {1, 0}};
    static const uint32_t ring[][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 0}, {2, 0}, {0, 2}};
    assert_int_equal(lay_out(SHAPED(1, self), NULL), COUNT_OF(self));
    assert_int_equal(lay_out(SHAPED(2, selves), NULL), COUNT_OF(selves));
    assert_int_equal(lay_out(SHAPED(2, pair), NULL), COUNT_OF(pair));
    assert_int_equal(lay_out(SHAPED(2, same), NULL), COUNT_OF(same));
    assert_int_equal(lay_out(SHAPED(4, ring), NULL), COUNT_OF(ring));
}

static void call_graphs_of_many_seeds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct notes notes = {0};
        const struct shape shape = {.n_nodes = 10 + 5 * (uint32_t)seed,
                                    .n_edges = 15 + 10 * (uint32_t)seed,
                                    .seed = seed,
                                    .nearness = 8};
        assert_int_equal(lay_out(shape, &notes), shape.n_edges);
        assert_int_equal(notes.n, 0);
        notes_free(&notes);
    }
}

/* Dot without its labels, then our own tiers: each says that it took less care. */
static void large_graphs_come_with_a_note(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        {.n_nodes = 80, .n_edges = 220, .seed = 3},
        {.n_nodes = 200, .n_edges = 1100, .seed = 4},
        {.n_nodes = 200, .n_edges = 1100, .seed = 5, .nearness = 30},
    };
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        struct notes notes = {0};
        assert_true(lay_out(shapes[i], &notes) > shapes[i].n_edges / 3);
        assert_int_equal(notes.n, 1);
        assert_non_null(strstr(notes.lines[0], "is large or wide"));
        notes_free(&notes);
    }
}

/* Dot would put four hundred callees side by side, 70 times as wide as high. */
static void a_star_is_no_ribbon(void **state)
{
    (void)state;
    static uint32_t edges[400][2];
    for (uint32_t i = 0; i < COUNT_OF(edges); i++)
        edges[i][1] = i + 1;
    const struct shape shape = {
        .n_nodes = COUNT_OF(edges) + 1, .n_edges = COUNT_OF(edges), .edges = edges};
    struct arena *arena = arena_new();
    struct scene scene;
    const struct drawing *drawing = unit_drawing(&shape, arena);
    assert_true(draw_layout(drawing, arena, NULL, &scene, NULL));
    check(&scene, drawing);
    assert_true(scene.width < 8 * scene.height);
    arena_free(arena);
}

static void a_graph_beyond_reason_still_ends(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct scene scene;
    const struct shape shape = {.n_nodes = 1000, .n_edges = 7000, .seed = 9};
    assert_true(draw_layout(unit_drawing(&shape, arena), arena, NULL, &scene, NULL));
    assert_true(isfinite(scene.width) && isfinite(scene.height));
    arena_free(arena);
}

static void odd_numbers_do_no_harm(void **state)
{
    (void)state;
    static const double odd[] = {NAN, INFINITY, -INFINITY, -1, 0, 1e300, 58};
    static const uint32_t edges[][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}, {6, 0}};
    const struct shape shape = SHAPED(COUNT_OF(odd), edges);
    struct arena *arena = arena_new();
    struct drawing *drawing = unit_drawing(&shape, arena);
    for (uint32_t i = 0; i < COUNT_OF(odd); i++) {
        drawing->nodes[i].font_size = drawing->nodes[i].heat = odd[i];
        drawing->nodes[i].peripheries = (int)i - 2;
        drawing->edges[i].width = drawing->edges[i].heat = odd[i];
        drawing->edges[i].weight = i % 2 ? INT32_MIN : INT32_MAX;
    }
    struct scene scene;
    assert_true(draw_layout(drawing, arena, NULL, &scene, NULL));
    check(&scene, drawing);
    for (int kind = 0; kind < PICTURE_COUNT; kind++) {
        struct buf buf = BUF_MAX(100u << 20);
        struct out *out = out_to_buf(&buf);
        assert_true(draw_paint(&scene, kind, 0, out, NULL));
        assert_true(out_close(out, NULL));
        assert_true(buf.n > 100);
        buf_free(&buf);
    }
    arena_free(arena);
}

static void a_long_name_is_cut_and_stays_in_the_hint(void **state)
{
    (void)state;
    char name[10001];
    memset(name, 'x', 10000);
    memcpy(name + 9990, "THE_END::f", 10);
    name[10000] = '\0';
    struct drawing_node nodes[] = {
        {.text = name, .numbers = name, .hint = name, .font_size = 8, .peripheries = 1},
        {.text = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", .font_size = 50},
        {.text = "", .font_size = 8},
        {.text = NULL, .font_size = 8},
    };
    struct drawing_edge edge = {.from = 0, .to = 1, .label = name, .hint = name};
    const char *legend[] = {name};
    const struct drawing drawing = {.title = name,
                                    .legend = legend,
                                    .n_legend = 1,
                                    .nodes = nodes,
                                    .n_nodes = COUNT_OF(nodes),
                                    .edges = &edge,
                                    .n_edges = 1};
    struct arena *arena = arena_new();
    struct scene scene;
    assert_true(draw_layout(&drawing, arena, NULL, &scene, NULL));
    check(&scene, &drawing);
    assert_true(scene.width < 1500 && scene.height < 1500);
    const char *shown = scene.boxes[0].lines[0].text;
    assert_non_null(strstr(shown, "\xe2\x80\xa6"));
    assert_non_null(strstr(shown, "THE_END::f"));
    struct buf buf = BUF_MAX(1u << 20);
    struct out *out = out_to_buf(&buf);
    assert_true(draw_paint(&scene, PICTURE_SVG, 0, out, NULL));
    assert_true(out_close(out, NULL));
    assert_non_null(strstr(buf_c(&buf), name));
    buf_free(&buf);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_a_legend),
        cmocka_unit_test(boxes_without_edges),
        cmocka_unit_test(odd_edges),
        cmocka_unit_test(call_graphs_of_many_seeds),
        cmocka_unit_test(large_graphs_come_with_a_note),
        cmocka_unit_test(a_star_is_no_ribbon),
        cmocka_unit_test(a_graph_beyond_reason_still_ends),
        cmocka_unit_test(odd_numbers_do_no_harm),
        cmocka_unit_test(a_long_name_is_cut_and_stays_in_the_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
