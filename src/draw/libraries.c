/* SPDX-License-Identifier: BSD-3-Clause
 *
 * graphviz, cairo and giflib bring forty libraries with them; a text report should not pay for them
 * and a machine without them should still print text. So they are opened by name when a picture is
 * asked for. The pointers have the types of the functions in the headers: a call that does not fit
 * does not compile. */
#include "draw/internal.h"

#include <dlfcn.h>

#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined __SANITIZE_ADDRESS__ || HAS_FEATURE(address_sanitizer)
/* What these libraries keep for good (or, graphviz, an edge it turned around) is not our leak. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libgvc\nleak:libcgraph\nleak:libgvplugin\nleak:libfontconfig\nleak:libcairo\n";
}

/* And nothing is said about it among the messages that tests compare. */
const char *__lsan_default_options(void);
__attribute__((visibility("default"))) const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#endif

struct row {
    const char *library, *symbol;
    size_t at;
};

#define CAIRO  "libcairo.so.2"
#define CGRAPH "libcgraph.so.6"
#define GVC    "libgvc.so.6"
#define DOT    "graphviz/libgvplugin_dot_layout.so.6"
#define GIF    "libgif.so.7"

#define CAIRO_ROW(name)  {CAIRO, #name, offsetof(struct cairo_library, name)},
#define CGRAPH_ROW(name) {CGRAPH, #name, offsetof(struct graph_library, name)},
#define GVC_ROW(name)    {GVC, #name, offsetof(struct graph_library, name)},
#define GIF_ROW(name)    {GIF, #name, offsetof(struct gif_library, name)},

static const struct row cairo_rows[] = {CAIRO_FUNCTIONS(CAIRO_ROW)};
static const struct row graph_rows[] = {CGRAPH_FUNCTIONS(CGRAPH_ROW) GVC_FUNCTIONS(GVC_ROW)
                                            CGRAPH_ROW(Agdirected)};
static const struct row gif_rows[] = {GIF_FUNCTIONS(GIF_ROW)};

static bool missing(const char *library, struct error *err)
{
    const char *reason = dlerror();
    return error_set(err, ERROR_MISSING, "pictures need %s: %s", library,
                     reason ? reason : "not found");
}

static bool load(const struct row *rows, size_t n, void *out, struct error *err)
{
    void *handle = NULL;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(rows[i].library, rows[i - 1].library) != 0)
            handle = dlopen(rows[i].library, RTLD_NOW | RTLD_LOCAL);
        if (!handle)
            return missing(rows[i].library, err);
        void *symbol = dlsym(handle, rows[i].symbol);
        if (!symbol)
            return missing(rows[i].library, err);
        memcpy((char *)out + rows[i].at, &symbol, sizeof symbol);
    }
    return true;
}

bool load_cairo(struct cairo_library *out, struct error *err)
{
    return load(cairo_rows, COUNT_OF(cairo_rows), out, err);
}

bool load_gif(struct gif_library *out, struct error *err)
{
    return load(gif_rows, COUNT_OF(gif_rows), out, err);
}

/* The plugin stands beside libgvc, in a folder where the loader does not look. */
bool load_graphviz(struct graph_library *out, struct error *err)
{
    if (!load(graph_rows, COUNT_OF(graph_rows), out, err))
        return false;
    Dl_info info;
    void *at;
    memcpy(&at, &out->gvContextPlugins, sizeof at);
    if (dladdr(at, &info) == 0)
        return missing(DOT, err);
    const struct span libgvc = span_of(info.dli_fname);
    const size_t slash = span_find_last(libgvc, '/');
    struct buf path = BUF_MAX(4096);
    if (slash != SIZE_MAX)
        buf_add(&path, span_first(libgvc, slash + 1));
    buf_text(&path, DOT);
    void *handle = dlopen(buf_c(&path), RTLD_NOW | RTLD_LOCAL);
    buf_free(&path);
    if (!handle)
        return missing(DOT, err);
    out->dot_layout = dlsym(handle, "gvplugin_dot_layout_LTX_library");
    return out->dot_layout ? true : missing(DOT, err);
}
