/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drawings to test with, made from a few numbers. */
#pragma once

#include "base_unit.h"

#include <math.h>

#include "draw/draw.h"

struct shape {
    uint32_t n_nodes, n_edges;
    const uint32_t (*edges)[2]; /* NULL: random ones */
    uint64_t seed;
    uint32_t nearness; /* of random edges; 0: anywhere */
};

static inline uint32_t unit_random(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*seed >> 33) % below);
}

static inline struct drawing *unit_drawing(const struct shape *shape, struct arena *arena)
{
    static const char *const legend[] = {"program", "Total samples: 100", "Focusing on: 100"};
    uint64_t seed = shape->seed;
    struct drawing_node *nodes = arena_alloc(arena, shape->n_nodes, sizeof *nodes);
    struct drawing_edge *edges = arena_alloc(arena, shape->n_edges, sizeof *edges);
    for (uint32_t i = 0; i < shape->n_nodes; i++)
        nodes[i] = (struct drawing_node){
            .text = arena_printf(arena, "space\nfunction_%u", i),
            .numbers = "5 (5.0%)\nof 10 (10.0%)",
            .hint = arena_printf(arena, "space::function_%u", i),
            .font_size = 8 + unit_random(&seed, 30),
            .heat = unit_random(&seed, 200) / 100.0 - 1,
            .peripheries = i % 7 == 3 ? 3 : 1,
        };
    for (uint32_t i = 0; i < shape->n_edges; i++) {
        uint32_t from, to;
        if (shape->edges) {
            from = shape->edges[i][0];
            to = shape->edges[i][1];
        } else {
            from = unit_random(&seed, shape->n_nodes);
            to = unit_random(&seed, shape->n_nodes);
            if (shape->nearness)
                to = (from + unit_random(&seed, shape->nearness)) % shape->n_nodes;
        }
        edges[i] = (struct drawing_edge){
            .from = from,
            .to = to,
            .label = arena_printf(arena, "%u", unit_random(&seed, 100000)),
            .hint = "a hint",
            .weight = (int)unit_random(&seed, 100000),
            .width = 1 + unit_random(&seed, 20) / 10.0,
            .heat = unit_random(&seed, 100) / 100.0,
            .is_dashed = i % 5 == 0,
        };
    }
    struct drawing *drawing = arena_alloc(arena, 1, sizeof *drawing);
    *drawing = (struct drawing){
        .title = "program; 100 samples",
        .legend = legend,
        .n_legend = COUNT_OF(legend),
        .nodes = nodes,
        .n_nodes = shape->n_nodes,
        .edges = edges,
        .n_edges = shape->n_edges,
    };
    return drawing;
}
