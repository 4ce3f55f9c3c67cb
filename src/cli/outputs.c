/* SPDX-License-Identifier: BSD-3-Clause
 *
 * -o FILE: what a file gets, by its name, and writing several files from one reading. The
 * invariant: a file that was there is replaced when the new one is complete, or not at all. */
#include "cli/internal.h"

#include <unistd.h>

#include "base/save.h"

/* Names that files of a format go by, beside the extension that its row says. */
static const struct {
    const char *ending, *emitter;
} endings[] = {
    {".txt", "text"},
    {".folded", "collapsed"},
    {".collapsed", "collapsed"},
    {".callgrind", "callgrind"},
    {".gv", "dot"},
    {".pb.gz", "proto"},
    {".pb", "proto"},
    {".html", "weblist"},
    {".htm", "weblist"},
};

static bool has_extension(struct span name, const struct emitter *emitter)
{
    const size_t n = strlen(emitter->extension);
    return name.n > n && span_ends(name, emitter->extension) && name.p[name.n - n - 1] == '.';
}

static bool can_write_files(const struct emitter *emitter)
{
    return !emitter->reader && emitter->extension;
}

/* An output that needs an expression comes after those that need none: it shows everything. */
static const struct emitter *find_by_extension(struct span name, bool with_arg)
{
    for (size_t i = 0; emitters[i]; i++) {
        if (can_write_files(emitters[i]) && (emitters[i]->arg != NULL) == with_arg &&
            has_extension(name, emitters[i]))
            return emitters[i];
    }
    return NULL;
}

const struct emitter *outputs_by_name(const char *path)
{
    const struct span whole = span_of(path);
    const size_t slash = span_find_last(whole, '/');
    const struct span name = slash == SIZE_MAX ? whole : span_skip(whole, slash + 1);
    const struct emitter *emitter = NULL;
    /* What kcachegrind looks for: callgrind.out.PID. */
    if (span_starts(name, "callgrind.out"))
        emitter = emitter_find(span_of("callgrind"));
    for (size_t i = 0; i < COUNT_OF(endings) && !emitter; i++) {
        if (span_ends(name, endings[i].ending))
            emitter = emitter_find(span_of(endings[i].emitter));
    }
    if (!emitter)
        emitter = find_by_extension(name, false);
    if (!emitter)
        emitter = find_by_extension(name, true);
    if (!emitter && span_find(span_skip(name, 1), '.') == SIZE_MAX)
        emitter = emitter_find(span_of("text"));
    return emitter;
}

/* One option that says what to write says it for all files. */
static const struct emitter *choose(const struct settings *settings, const char *path)
{
    return settings->outputs ? settings_emitter(settings) : outputs_by_name(path);
}

bool outputs_check(const struct settings *settings, struct error *err)
{
    if (settings->output.n && settings->modes)
        return error_set(err, ERROR_USAGE, "Only specify one output mode");
    for (uint32_t i = 0; i < settings->output.n; i++) {
        if (!*settings->output.list[i])
            return error_set(err, ERROR_USAGE, "Option output requires an argument");
        if (!choose(settings, settings->output.list[i]))
            return error_set(err, ERROR_USAGE,
                             "%s: no output has this ending; an option such as --text says what "
                             "to write",
                             settings->output.list[i]);
    }
    return true;
}

static bool write_to(struct cli *cli, const struct settings *settings,
                     const struct emitter *emitter, int fd, const char *name, struct error *err)
{
    struct error close_err = {0};
    struct out *out = out_to_fd(fd, name);
    const bool is_written = analysis_report_as(cli->analysis, settings, emitter, NULL, out, err);
    const bool is_closed = out_close(out, &close_err);
    if (is_written && !is_closed)
        *err = close_err;
    return is_written && is_closed;
}

static bool write_file(struct cli *cli, const struct settings *settings,
                       const struct emitter *emitter, const char *path, struct error *err)
{
    if (strcmp(path, "-") == 0)
        return write_to(cli, settings, emitter, STDOUT_FILENO, "standard output", err);
    struct save save;
    if (!save_open(&save, path, err))
        return false;
    char *temporary = base_copy(save.temporary);
    if (temporary)
        temps_note(&cli->temps, temporary);
    bool is_written = write_to(cli, settings, emitter, save.fd, path, err);
    if (is_written)
        is_written = save_keep(&save, err);
    else
        save_drop(&save);
    if (temporary)
        temps_forget(&cli->temps, temporary);
    base_free(temporary);
    return is_written;
}

bool outputs_write(struct cli *cli, struct error *err)
{
    struct settings settings;
    settings_copy(&settings, analysis_settings(cli->analysis));
    bool is_fine = true;
    for (uint32_t i = 0; i < settings.output.n && is_fine; i++) {
        const char *path = settings.output.list[i];
        const struct emitter *emitter = choose(&settings, path);
        if (emitter->arg && !settings.expression)
            settings.expression = base_copy("."); /* everything */
        is_fine = write_file(cli, &settings, emitter, path, err);
    }
    settings_free(&settings);
    return is_fine;
}
