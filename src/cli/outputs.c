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

/* One file on its way. */
struct file_out {
    struct save save; /* path NULL: standard output */
    char *temporary;  /* as in cli->temps */
};

static bool open_file(struct cli *cli, const char *path, struct file_out *file, struct error *err)
{
    if (strcmp(path, "-") == 0)
        return true;
    if (!save_open(&file->save, path, err))
        return false;
    file->temporary = base_copy(file->save.temporary);
    if (file->temporary)
        temps_note(&cli->temps, file->temporary);
    return true;
}

static bool close_file(struct cli *cli, struct file_out *file, bool is_kept, struct error *err)
{
    bool is_fine = true;
    if (!file->save.path)
        return true;
    if (cli->is_worker)
        save_leave(&file->save);
    else if (is_kept)
        is_fine = save_keep(&file->save, err);
    else
        save_drop(&file->save);
    if (file->temporary)
        temps_forget(&cli->temps, file->temporary);
    base_free(file->temporary);
    return is_fine;
}

/* An output that needs an expression shows everything where none was said. */
static void settle_expression(struct settings *settings)
{
    for (uint32_t i = 0; i < settings->output.n; i++) {
        if (choose(settings, settings->output.list[i])->arg && !settings->expression)
            settings->expression = base_copy(".");
    }
}

int outputs_write(struct cli *cli)
{
    struct error err = {0};
    struct settings settings;
    settings_copy(&settings, analysis_settings(cli->analysis));
    settle_expression(&settings);
    const uint32_t n = settings.output.n;
    struct file_out *files = base_alloc(n, sizeof *files);
    struct task *tasks = base_alloc(n, sizeof *tasks);
    uint32_t n_open = 0, n_written = 0;
    for (; n_open < n; n_open++) {
        const char *path = settings.output.list[n_open];
        if (!open_file(cli, path, &files[n_open], &err))
            break;
        tasks[n_open] = (struct task){
            .settings = &settings,
            .emitter = choose(&settings, path),
            .out = files[n_open].save.path ? files[n_open].save.fd : STDOUT_FILENO,
            .name = files[n_open].save.path ? path : "standard output",
        };
    }
    int status = n_open == n ? worker_run(cli, tasks, n, &n_written) : talk_fail(cli, &err);
    for (uint32_t i = 0; i < n_open; i++) {
        if (!close_file(cli, &files[i], i < n_written, &err))
            status = talk_fail(cli, &err);
    }
    base_free(files);
    base_free(tasks);
    settings_free(&settings);
    return status;
}
