/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Programs that show a report in a window. A row here is an option of the command line and a
 * command of the prompt. The invariant: what a program is to read is there until it has ended, and
 * longer where it hands the file to another one. */
#include "cli/internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/proc.h"

static bool kept(struct error *err, const char *path, const char *story)
{
    return error_set(err, ERROR_MISSING, "%s; what it was to show is kept in %s", story, path);
}

/* Runs it to its end; 0 to 255 as it said, or -1 where there is no such program. */
static int run(const char *const *argv, bool is_quiet)
{
    struct proc proc;
    int status;
    const struct proc_options options = {.is_quiet = is_quiet};
    if (!proc_start(&proc, argv, &options, NULL) || !proc_wait(&proc, &status, NULL))
        return -1;
    return status;
}

static bool show_plain(struct cli *cli, const struct viewer *viewer, const char *path,
                       struct error *err)
{
    (void)cli;
    int status = -1;
    char story[200];
    struct buf text = BUF_MAX(sizeof story);
    for (size_t i = 0; viewer->programs[i]; i++) {
        status = run((const char *const[]){viewer->programs[i], path, NULL}, false);
        if (status == 0)
            return true;
        buf_clear(&text);
        if (status < 0)
            buf_printf(&text, "%s: no such program", viewer->programs[i]);
        else
            buf_printf(&text, "%s ended with status %d", viewer->programs[i], status);
    }
    kept(err, path, buf_c(&text));
    buf_free(&text);
    return false;
}

static bool show_gv(struct cli *cli, const struct viewer *viewer, const char *path,
                    struct error *err)
{
    const int64_t scale = analysis_settings(cli->analysis)->scale;
    const char *gv = viewer->programs[0];
    struct buf text = BUF_MAX(64);
    int status;
    /* Only newer ones know --version, and have options with two dashes. */
    if (run((const char *const[]){gv, "--version", NULL}, true) == 0) {
        buf_printf(&text, "--scale=%lld", (long long)scale);
        status = run((const char *const[]){gv, buf_c(&text), "--noantialias", path, NULL}, false);
    } else {
        buf_printf(&text, "%lld", (long long)scale);
        talk_say(cli, "%s -scale %s", gv, buf_c(&text));
        status = run((const char *const[]){gv, "-scale", buf_c(&text), path, NULL}, false);
    }
    buf_free(&text);
    if (status == 0)
        return true;
    return kept(err, path, status < 0 ? "gv: no such program" : "gv failed");
}

static void announce_page(struct cli *cli, const char *path)
{
    /* The slash of the absolute path makes four of them. */
    char *absolute = realpath(path, NULL);
    talk_say(cli, "Loading web page file:///%s", absolute ? absolute : path);
    free(absolute);
}

static bool show_in_browser(struct cli *cli, const struct viewer *viewer, const char *path,
                            struct error *err)
{
    const char *chosen = getenv("BROWSER");
    if (chosen && *chosen && run((const char *const[]){chosen, path, NULL}, false) == 0)
        return true;
    for (size_t i = 0; viewer->programs[i]; i++) {
        if (run((const char *const[]){viewer->programs[i], path, NULL}, false) == 0)
            return true;
    }
    talk_say(cli, "Could not load web browser.");
    return kept(err, path, "no browser");
}

static const char *const browsers[] = {
    "/etc/alternatives/gnome-www-browser",
    "/etc/alternatives/x-www-browser",
    "google-chrome",
    "firefox",
    "xdg-open",
    NULL,
};

const struct viewer viewers[] = {
    {.name = "gv",
     .emitter = "ps",
     .help = "show the call graph with gv, a PostScript viewer",
     .is_option = true,
     .is_classic = true,
     .has_heading = true,
     .show = show_gv,
     .programs = (const char *const[]){"gv", NULL}},
    {.name = "evince",
     .emitter = "pdf",
     .help = "show the call graph with evince, a PDF viewer",
     .is_option = true,
     .is_classic = true,
     .has_heading = true,
     .show = show_plain,
     .programs = (const char *const[]){"evince", NULL}},
    {.name = "web",
     .emitter = "svg",
     .help = "show the call graph in a browser",
     .more = "The program that the variable BROWSER names is tried first, then those that the "
             "system calls its "
             "browser.",
     .is_option = true,
     .is_classic = true,
     .has_heading = true,
     .hands_over = true,
     .announce = announce_page,
     .show = show_in_browser,
     .programs = browsers},
    {.name = "weblist",
     .emitter = "weblist",
     .help = "show annotated source in a browser",
     .has_heading = true,
     .hands_over = true,
     .announce = announce_page,
     .show = show_in_browser,
     .programs = browsers},
    {.name = "kcachegrind",
     .emitter = "callgrind",
     .help = "show the profile with kcachegrind",
     .is_option = true,
     .show = show_plain,
     .programs = (const char *const[]){"kcachegrind", "qcachegrind", NULL}},
    {0},
};

const struct viewer *viewer_find(struct span name)
{
    for (size_t i = 0; viewers[i].name; i++) {
        if (span_is(name, viewers[i].name))
            return emitter_find(span_of(viewers[i].emitter)) ? &viewers[i] : NULL;
    }
    return NULL;
}

/* ---- as options ---------------------------------------------------------------------------------
 */

static const char group[] = "Output";

_Static_assert(COUNT_OF(viewers) <= MODES_MAX, "each viewer has a bit, and so has the prompt");

uint32_t modes_list(struct option rows[MODES_MAX])
{
    uint32_t n = 0;
    rows[n++] = (struct option){
        .name = "interactive",
        .kind = OPTION_MODE,
        .at = MODE_INTERACTIVE,
        .group = group,
        .help = "a prompt for commands (the default on a terminal)",
        .doors = DOOR_CLI,
        .is_classic = true,
    };
    for (size_t i = 0; viewers[i].name; i++) {
        const struct viewer *viewer = &viewers[i];
        if (!viewer->is_option || !viewer_find(span_of(viewer->name)))
            continue;
        rows[n++] = (struct option){
            .name = viewer->name,
            .kind = OPTION_MODE,
            .at = 1 + i,
            .group = group,
            .help = viewer->help,
            .more = viewer->more,
            .doors = DOOR_CLI,
            .is_classic = viewer->is_classic,
        };
    }
    return n;
}

const struct viewer *modes_viewer(const struct settings *settings)
{
    for (size_t i = 0; viewers[i].name; i++) {
        if (settings->modes >> (1 + i) & 1)
            return &viewers[i];
    }
    return NULL;
}

/* ---- in one run --------------------------------------------------------------------------------
 */

int viewer_run(struct cli *cli, const struct viewer *viewer)
{
    struct error err = {0};
    const struct emitter *emitter = emitter_find(span_of(viewer->emitter));
    const char *path;
    int fd;
    uint32_t n_written = 0;
    if (!temps_open(&cli->temps, emitter->extension, &fd, &path, &err))
        return talk_fail(cli, &err);
    char *name = base_copy(path);
    const struct task task = {
        .settings = analysis_settings(cli->analysis), .emitter = emitter, .out = fd, .name = name};
    const int status = worker_run(cli, &task, 1, &n_written);
    base_free(name);
    (void)close(fd);
    if (cli->is_worker)
        return status;
    if (n_written == 0) {
        temps_remove(&cli->temps, path);
        return status;
    }
    if (viewer->announce)
        viewer->announce(cli, path);
    if (!viewer->show(cli, viewer, path, &err)) {
        temps_forget(&cli->temps, path);
        return talk_fail(cli, &err);
    }
    if (viewer->hands_over)
        temps_remove_later(&cli->temps);
    else
        temps_remove(&cli->temps, path);
    return status;
}
