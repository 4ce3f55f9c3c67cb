/* SPDX-License-Identifier: BSD-3-Clause
 *
 * draw_paint: each kind of picture is what it claims to be, is the same twice, and no stranger's
 * text gets a meaning in it. */
#include "draw_unit.h"

#include <errno.h>
#include <fcntl.h>

#define MOST ((size_t)200 << 20)

static const struct shape small = {.n_nodes = 12, .n_edges = 20, .seed = 7, .nearness = 5};

static void paint(const struct drawing *drawing, enum picture_kind kind, int64_t date,
                  struct buf *buf)
{
    struct arena *arena = arena_new();
    struct scene scene;
    struct error err = {0};
    *buf = BUF_MAX(MOST);
    if (!draw_layout(drawing, arena, NULL, &scene, &err))
        fail_msg("%s", err.text);
    struct out *out = out_to_buf(buf);
    if (!draw_paint(&scene, kind, date, out, &err) || !out_close(out, &err))
        fail_msg("%s", err.text);
    arena_free(arena);
}

static bool has(const struct buf *buf, const char *text)
{
    return span_find_text(buf_span(buf), text) != SIZE_MAX;
}

static uint32_t count(const struct buf *buf, const char *text)
{
    uint32_t n = 0;
    struct span rest = buf_span(buf);
    for (size_t at; (at = span_find_text(rest, text)) != SIZE_MAX; n++)
        rest = span_skip(rest, at + strlen(text));
    return n;
}

static const struct form {
    const char *begins, *ends;
} forms[PICTURE_COUNT] = {
    [PICTURE_PDF] = {"%PDF-1.", "%%EOF\n"},
    [PICTURE_PS] = {"%!PS-Adobe-3.0", "%%EOF\n"},
    [PICTURE_SVG] = {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg ", "</svg>\n"},
    [PICTURE_PNG] = {"\x89PNG\r\n\x1a\n", "IEND\xae\x42\x60\x82"},
    [PICTURE_GIF] = {"GIF8", "\x3b"},
};
_Static_assert(COUNT_OF(forms) == PICTURE_COUNT, "a row for each kind");

static void each_kind_has_its_form_and_is_the_same_twice(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct drawing *drawing = unit_drawing(&small, arena);
    for (int kind = 0; kind < PICTURE_COUNT; kind++) {
        struct buf one, two;
        paint(drawing, kind, 0, &one);
        /* The clock must not show: it moves on between the two. */
        if (kind == PICTURE_PDF)
            (void)sleep(1);
        paint(drawing, kind, 0, &two);
        assert_true(span_starts(buf_span(&one), forms[kind].begins));
        assert_true(span_ends(buf_span(&one), forms[kind].ends));
        assert_int_equal(one.n, two.n);
        assert_memory_equal(one.p, two.p, one.n);
        buf_free(&one);
        buf_free(&two);
    }
    arena_free(arena);
}

static void dates_are_those_given(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct drawing *drawing = unit_drawing(&small, arena);
    struct buf buf;
    paint(drawing, PICTURE_PDF, 1000000000, &buf);
    assert_true(has(&buf, "/CreationDate (20010909014640Z)"));
    assert_int_equal(count(&buf, "Date ("), 1);
    buf_free(&buf);
    paint(drawing, PICTURE_PS, 1000000000, &buf);
    assert_true(has(&buf, "\n%%CreationDate: 2001-09-09T01:46:40Z\n"));
    assert_int_equal(count(&buf, "CreationDate"), 1);
    assert_true(has(&buf, "\n%%Title: program; 100 samples\n"));
    buf_free(&buf);
    paint(drawing, PICTURE_PDF, INT64_MAX, &buf);
    buf_free(&buf);
    paint(drawing, PICTURE_PS, INT64_MIN, &buf);
    buf_free(&buf);
    arena_free(arena);
}

static void a_page_is_as_large_as_its_scene(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct drawing *drawing = unit_drawing(&small, arena);
    struct scene scene;
    assert_true(draw_layout(drawing, arena, NULL, &scene, NULL));
    struct buf buf;
    char box[128];
    paint(drawing, PICTURE_PDF, 0, &buf);
    (void)snprintf(box, sizeof box, "/MediaBox [ 0 0 %.0f %.0f ]", scene.width, scene.height);
    assert_true(has(&buf, box));
    assert_true(has(&buf, "/FontFile2")); /* the font is in it */
    buf_free(&buf);
    paint(drawing, PICTURE_PS, 0, &buf);
    (void)snprintf(box, sizeof box, "%%%%BoundingBox: 0 0 %.0f %.0f\n", scene.width, scene.height);
    assert_true(has(&buf, box) || has(&buf, "%%BoundingBox: "));
    buf_free(&buf);

    /* Acrobat's largest page is 14400 points. */
    scene.width *= 100;
    scene.height *= 100;
    buf = BUF_MAX(MOST);
    struct out *out = out_to_buf(&buf);
    assert_true(draw_paint(&scene, PICTURE_PDF, 0, out, NULL) && out_close(out, NULL));
    assert_true(has(&buf, " 14400"));
    buf_free(&buf);
    buf = BUF_MAX(MOST);
    out = out_to_buf(&buf);
    assert_true(draw_paint(&scene, PICTURE_PNG, 0, out, NULL) && out_close(out, NULL));
    const unsigned char *p = (const unsigned char *)buf.p + 16;
    const double width = p[0] * 16777216.0 + p[1] * 65536.0 + p[2] * 256.0 + p[3];
    const double height = p[4] * 16777216.0 + p[5] * 65536.0 + p[6] * 256.0 + p[7];
    assert_true(width * height > 1e6 && width * height < 30e6);
    buf_free(&buf);
    arena_free(arena);
}

static void svg_keeps_its_frame(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct buf buf;
    paint(unit_drawing(&small, arena), PICTURE_SVG, 0, &buf);
    assert_true(has(&buf, "width=\"100%\" height=\"100%\""));
    assert_false(has(&buf, "viewBox"));
    assert_int_equal(count(&buf, "id=\"viewport\""), 1);
    assert_int_equal(count(&buf, "<script"), 1);
    assert_int_equal(count(&buf, "<g "), count(&buf, "</g>"));
    assert_int_equal(count(&buf, "class=\"node\""), small.n_nodes);
    assert_int_equal(count(&buf, "class=\"edge\""), small.n_edges);
    assert_int_equal(count(&buf, "http"), 1); /* the name space; nothing is fetched */
    buf_free(&buf);
    arena_free(arena);
}

static const char *const hostile[] = {
    "<img src=x onerror=alert(1)>",
    "</title></g></svg><script>alert(1)</script>",
    "]]></script><script>alert(1)</script>",
    "\" onload=\"alert(1)",
    "' onload='alert(1)",
    "operator\"\" _s\\",
    "(unbalanced \\( ) ) %s %n %%",
    "&lt;&amp;&#x41;&nosuch;",
    "\xff\xfe\xc0\xaf\x01\x02\x7f",
    "\r\n%%EOF\n%%Page: 9 9\n",
};

static void strangers_text_stays_text(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct drawing_node nodes[COUNT_OF(hostile)];
    struct drawing_edge edges[COUNT_OF(hostile)];
    for (uint32_t i = 0; i < COUNT_OF(hostile); i++) {
        nodes[i] = (struct drawing_node){
            .text = hostile[i], .numbers = hostile[i], .hint = hostile[i], .font_size = 8};
        edges[i] = (struct drawing_edge){
            .from = i, .to = (i + 1) % COUNT_OF(hostile), .label = hostile[i], .hint = hostile[i]};
    }
    for (uint32_t i = 0; i < COUNT_OF(hostile); i++) {
        const struct drawing drawing = {.title = hostile[i],
                                        .legend = hostile,
                                        .n_legend = COUNT_OF(hostile),
                                        .nodes = nodes,
                                        .n_nodes = COUNT_OF(nodes),
                                        .edges = edges,
                                        .n_edges = COUNT_OF(edges)};
        struct buf buf;
        paint(&drawing, PICTURE_SVG, 0, &buf);
        assert_int_equal(count(&buf, "<script"), 1);
        assert_int_equal(count(&buf, "</svg>"), 1);
        assert_int_equal(count(&buf, "<img"), 0);
        assert_int_equal(count(&buf, "&nosuch;"), 0);
        assert_int_equal(count(&buf, "onload=\""), 0);
        assert_int_equal(count(&buf, "onload='"), 0);
        assert_int_equal(count(&buf, "<g "), count(&buf, "</g>"));
        for (size_t k = 0; k < buf.n; k++)
            assert_true((unsigned char)buf.p[k] >= 0x20 || buf.p[k] == '\n');
        buf_free(&buf);
        paint(&drawing, PICTURE_PS, 0, &buf);
        assert_int_equal(count(&buf, "\n%%EOF"), 1);
        assert_int_equal(count(&buf, "\n%%Page:"), 1);
        buf_free(&buf);
        paint(&drawing, PICTURE_PDF, 0, &buf);
        assert_true(span_ends(buf_span(&buf), "%%EOF\n"));
        buf_free(&buf);
    }
    arena_free(arena);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct scene scene;
    assert_true(draw_layout(unit_drawing(&small, arena), arena, NULL, &scene, NULL));
    for (int kind = 0; kind < PICTURE_COUNT; kind++) {
        const int fd = open("/dev/full", O_WRONLY);
        struct out *out = out_to_fd(fd, "/dev/full");
        struct error err = {0};
        /* Whether painting or only closing tells is not promised. */
        if (!draw_paint(&scene, kind, 0, out, &err))
            err = (struct error){0};
        assert_false(out_close(out, &err));
        assert_int_equal(err.sys, ENOSPC);
        (void)close(fd);
    }
    arena_free(arena);
}

static void a_comma_for_a_point_changes_nothing(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct drawing *drawing = unit_drawing(&small, arena);
    struct buf before[PICTURE_COUNT], after;
    for (int kind = 0; kind < PICTURE_COUNT; kind++)
        paint(drawing, kind, 0, &before[kind]);
    use_comma_locale();
    for (int kind = 0; kind < PICTURE_COUNT; kind++) {
        paint(drawing, kind, 0, &after);
        assert_int_equal(before[kind].n, after.n);
        assert_memory_equal(before[kind].p, after.p, after.n);
        buf_free(&after);
        buf_free(&before[kind]);
    }
    (void)setlocale(LC_ALL, "C");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_form_and_is_the_same_twice),
        cmocka_unit_test(dates_are_those_given),
        cmocka_unit_test(a_page_is_as_large_as_its_scene),
        cmocka_unit_test(svg_keeps_its_frame),
        cmocka_unit_test(strangers_text_stays_text),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(a_comma_for_a_point_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
