/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GIF: cairo's pixels brought to 256 colours (median cut) and packed by giflib. Our pictures are
 * few colours and their blends with paper at the rims of letters, so no dithering. */
#include "draw/internal.h"

#include <errno.h>
#include <stdlib.h>

#define COLOURS 256
#define BITS    5 /* of each of red, green, blue that are told apart */
#define CELLS   (1u << (3 * BITS))

static uint32_t cell_of(uint32_t pixel)
{
    const uint32_t keep = (1u << BITS) - 1, drop = 8 - BITS;
    return (pixel >> (16 + drop) & keep) << (2 * BITS) | (pixel >> (8 + drop) & keep) << BITS |
           (pixel >> drop & keep);
}

/* Pixels that fall into one cell: how many, and the sum of their colours. */
struct cell {
    uint64_t n, sum[3];
};

struct part { /* a run of `used` */
    uint32_t begin, end;
    uint64_t n;
};

struct used {
    uint32_t cell;
    int along; /* the sort key */
};

static int by_along(const void *a, const void *b)
{
    const struct used *x = a, *y = b;
    if (x->along != y->along)
        return x->along < y->along ? -1 : 1;
    return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static int axis_of(uint32_t cell, int axis)
{
    return (int)(cell >> (BITS * (2 - axis)) & ((1u << BITS) - 1));
}

/* Cuts the part in two at the middle of its pixels, across its longest axis. */
static bool cut(const struct cell *cells, struct used *used, struct part *part, struct part *other)
{
    int longest = -1, axis = 0;
    for (int i = 0; i < 3; i++) {
        int low = 1 << BITS, high = -1;
        for (uint32_t k = part->begin; k < part->end; k++) {
            const int at = axis_of(used[k].cell, i);
            low = at < low ? at : low;
            high = at > high ? at : high;
        }
        if (high - low > longest) {
            longest = high - low;
            axis = i;
        }
    }
    if (part->end - part->begin < 2)
        return false;
    for (uint32_t k = part->begin; k < part->end; k++)
        used[k].along = axis_of(used[k].cell, axis);
    qsort(used + part->begin, part->end - part->begin, sizeof *used, by_along);
    uint64_t n = 0;
    uint32_t at = part->begin;
    do
        n += cells[used[at++].cell].n;
    while (at < part->end - 1 && n < part->n / 2);
    *other = (struct part){.begin = at, .end = part->end, .n = part->n - n};
    part->end = at;
    part->n = n;
    return true;
}

/* Fills the palette and says for each cell which entry it is. Returns how many entries. */
static uint32_t choose(const struct pixels *pixels, GifColorType palette[COLOURS],
                       unsigned char *entry_of)
{
    struct cell *cells = base_alloc(CELLS, sizeof *cells);
    struct used *used = base_alloc(CELLS, sizeof *used);
    const size_t n_pixels = (size_t)pixels->width * pixels->height;
    for (uint32_t y = 0; y < pixels->height; y++) {
        for (uint32_t x = 0; x < pixels->width; x++) {
            const uint32_t pixel = pixel_at(pixels, x, y);
            struct cell *cell = &cells[cell_of(pixel)];
            cell->n++;
            for (int k = 0; k < 3; k++)
                cell->sum[k] += pixel >> (16 - 8 * k) & 0xff;
        }
    }
    struct part parts[COLOURS] = {{.n = n_pixels}};
    for (uint32_t i = 0; i < CELLS; i++)
        if (cells[i].n)
            used[parts[0].end++].cell = i;
    uint32_t n = 1;
    while (n < COLOURS) {
        /* The part with the most pixels for its number of cells is cut next; single cells are done.
         */
        uint32_t next = COLOURS;
        for (uint32_t i = 0; i < n; i++)
            if (parts[i].end - parts[i].begin > 1 &&
                (next == COLOURS || parts[i].n > parts[next].n))
                next = i;
        if (next == COLOURS || !cut(cells, used, &parts[next], &parts[n]))
            break;
        n++;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t sum[3] = {0}, total = 0;
        for (uint32_t k = parts[i].begin; k < parts[i].end; k++) {
            const struct cell *cell = &cells[used[k].cell];
            entry_of[used[k].cell] = (unsigned char)i;
            total += cell->n;
            for (int c = 0; c < 3; c++)
                sum[c] += cell->sum[c];
        }
        palette[i] = (GifColorType){.Red = (GifByteType)((sum[0] + total / 2) / total),
                                    .Green = (GifByteType)((sum[1] + total / 2) / total),
                                    .Blue = (GifByteType)((sum[2] + total / 2) / total)};
    }
    base_free(cells);
    base_free(used);
    return n;
}

static int write_out(GifFileType *gif, const GifByteType *bytes, int n)
{
    out_bytes(gif->UserData, span_make(bytes, (size_t)n));
    return n;
}

struct job {
    const struct gif_library *lib;
    struct out *out;
};

static bool pack(const struct pixels *pixels, void *to, struct error *err)
{
    const struct gif_library *lib = ((struct job *)to)->lib;
    struct out *out = ((struct job *)to)->out;
    GifColorType palette[COLOURS] = {{0}};
    unsigned char *entry_of = base_alloc(CELLS, 1);
    (void)choose(pixels, palette, entry_of);
    const int width = (int)pixels->width, height = (int)pixels->height;
    int code = 0;
    ColorMapObject *map = lib->GifMakeMapObject(COLOURS, palette);
    GifPixelType *line = base_alloc(pixels->width, sizeof *line);
    GifFileType *gif = lib->EGifOpen(out, write_out, &code);
    bool is_fine = map && gif && lib->EGifPutScreenDesc(gif, width, height, 8, 0, map) == GIF_OK &&
                   lib->EGifPutImageDesc(gif, 0, 0, width, height, false, NULL) == GIF_OK;
    for (uint32_t y = 0; is_fine && y < pixels->height && !out_failed(out); y++) {
        for (uint32_t x = 0; x < pixels->width; x++)
            line[x] = entry_of[cell_of(pixel_at(pixels, x, y))];
        is_fine = lib->EGifPutLine(gif, line, width) == GIF_OK;
    }
    if (gif && !is_fine)
        code = gif->Error;
    /* Half a picture cannot be closed as it should be; that is no second error. */
    const bool is_closed = !gif || lib->EGifCloseFile(gif, is_fine ? &code : NULL) == GIF_OK;
    if (map)
        lib->GifFreeMapObject(map);
    base_free(line);
    base_free(entry_of);
    if (out_failed(out) || (is_fine && is_closed))
        return true; /* out_close tells what failed in writing */
    const char *reason = lib->GifErrorString(code);
    return error_set(err, ERROR_SYSTEM, "packing the picture: %s", reason ? reason : "unknown");
}

bool paint_gif(const struct scene *scene, struct out *out, struct error *err)
{
    struct gif_library lib;
    struct job job = {.lib = &lib, .out = out};
    return load_gif(&lib, err) && paint_pixels(scene, pack, &job, err);
}
