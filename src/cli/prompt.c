/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Interactive mode: reads commands and does them. What was read is another process's (reporter.c);
 * this one opens files and starts programs for reports, and talks with the person. */
#include "cli/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/save.h"

static const char prompt_text[] = "(pprof) ";

/* A viewer that was started, with the file that it reads. */
struct viewing {
    pid_t pid;
    const char *path; /* as in cli->temps */
    bool hands_over;
};

struct prompt {
    struct cli *cli;
    struct reporter reporter;
    struct signals signals;
    struct editor *editor; /* NULL: lines as they are */
    struct lines lines;
    bool is_terminal; /* a person types */
    struct arena *names_arena;
    struct name_list names;
    bool has_names;
    struct viewing *viewings;
    uint32_t n_viewings, cap_viewings;
};

/* ---- where reports go ---------------------------------------------------------------------------
 */

/* A report that was asked for in this line. */
struct asked {
    struct span line;
    const struct command *command;
    bool has_heading;
};

static bool write_to(struct prompt *p, const struct asked *asked, int fd, enum heading heading,
                     const char *name)
{
    return reporter_write(&p->reporter, asked->line, fd,
                          asked->has_heading ? heading : HEADING_NONE, name);
}

static bool run_to_file(struct prompt *p, const struct asked *asked, const char *path)
{
    struct error err = {0};
    struct save save;
    if (!save_open(&save, path, &err)) {
        talk_fail(p->cli, &err);
        return false;
    }
    char *temporary = base_copy(save.temporary);
    if (temporary)
        temps_note(&p->cli->temps, temporary);
    bool is_fine = write_to(p, asked, save.fd, HEADING_WITH_IT, path);
    if (!is_fine) {
        save_drop(&save);
    } else if (!save_keep(&save, &err)) {
        talk_fail(p->cli, &err);
        is_fine = false;
    }
    if (temporary)
        temps_forget(&p->cli->temps, temporary);
    base_free(temporary);
    return is_fine;
}

/* Starts the programs from the last to the first; *in is where the first one reads. */
static bool start_programs(struct prompt *p, const char *const *const *programs, uint32_t n,
                           struct proc *procs, int *in)
{
    struct error err = {0};
    int out = 0;
    bool is_fine = true;
    for (uint32_t i = n; i-- > 0 && is_fine;) {
        int ends[2];
        is_fine = proc_pipe(ends, &err);
        if (!is_fine)
            break;
        const struct proc_options options = {.in = ends[0], .out = out};
        is_fine = proc_start(&procs[i], programs[i], &options, &err);
        (void)close(ends[0]);
        if (out)
            (void)close(out);
        out = ends[1];
    }
    if (is_fine) {
        *in = out;
        return true;
    }
    if (out)
        (void)close(out);
    talk_fail(p->cli, &err);
    return false;
}

static void run_to_programs(struct prompt *p, const struct asked *asked)
{
    const char *const *const *programs = asked->command->programs;
    uint32_t n = 0;
    while (programs[n])
        n++;
    struct proc *procs = base_alloc(n, sizeof *procs);
    int in = -1;
    if (start_programs(p, programs, n, procs, &in)) {
        (void)write_to(p, asked, in, HEADING_WITH_IT, programs[0][0]);
        (void)close(in);
    }
    for (uint32_t i = 0; i < n; i++) {
        int status;
        if (procs[i].pid)
            (void)!proc_wait(&procs[i], &status, NULL);
    }
    base_free(procs);
}

/* A name that is not taken yet. */
static void run_to_new_file(struct prompt *p, struct asked *asked)
{
    char path[64];
    for (int i = 1; i < 1000; i++) {
        (void)snprintf(path, sizeof path, "profile%03d.%s", i, asked->command->emitter->extension);
        if (access(path, F_OK) != 0)
            break;
    }
    asked->has_heading = false;
    if (run_to_file(p, asked, path))
        talk_say(p->cli, "The report is in %s", path);
}

static void run_report(struct prompt *p, const struct command *command, struct span line)
{
    const bool is_callgrind = span_is(span_of(command->emitter->name), "callgrind");
    struct asked asked = {
        .line = line, .command = command, .has_heading = command->emitter->wants_heading};
    if (command->file) {
        if (is_callgrind)
            talk_say(p->cli, "Writing callgrind file to '%s'.", command->file);
        (void)run_to_file(p, &asked, command->file);
    } else if (command->programs) {
        run_to_programs(p, &asked);
    } else if (command->emitter->form != OUTPUT_LINES && isatty(STDOUT_FILENO)) {
        run_to_new_file(p, &asked);
    } else {
        (void)write_to(p, &asked, STDOUT_FILENO, HEADING_WITH_IT, "standard output");
    }
}

/* ---- viewers ------------------------------------------------------------------------------------
 */

/* In a process and a group of its own, without our input: it stays when ^C is typed. */
static _Noreturn void show(struct prompt *p, const struct viewer *viewer, const char *path)
{
    struct error err = {0};
    (void)setpgid(0, 0);
    signals_default(&p->signals);
    (void)signal(SIGTTOU, SIG_IGN);
    const int nowhere = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nowhere >= 0)
        (void)dup2(nowhere, STDIN_FILENO);
    if (viewer->show(p->cli, viewer, path, &err))
        _exit(0);
    talk_fail(p->cli, &err);
    _exit(1);
}

static void run_view(struct prompt *p, const struct command *command, struct span line)
{
    struct error err = {0};
    const struct viewer *viewer = command->viewer;
    const char *path;
    int fd;
    if (!temps_open(&p->cli->temps, command->emitter->extension, &fd, &path, &err)) {
        talk_fail(p->cli, &err);
        return;
    }
    const bool is_callgrind = span_is(span_of(command->emitter->name), "callgrind");
    if (is_callgrind)
        talk_say(p->cli, "Writing callgrind file to '%s'.", path);
    const struct asked asked = {
        .line = line, .command = command, .has_heading = viewer->has_heading};
    const bool is_written = write_to(p, &asked, fd, HEADING_ON_SCREEN, path);
    (void)close(fd);
    if (!is_written) {
        temps_remove(&p->cli->temps, path);
        return;
    }
    if (is_callgrind)
        talk_say(p->cli, "Starting 'kcachegrind %s & '", path);
    if (viewer->announce)
        viewer->announce(p->cli, path);
    (void)fflush(stderr);
    const pid_t pid = fork();
    if (pid == 0)
        show(p, viewer, path);
    p->viewings =
        base_grow(p->viewings, &p->cap_viewings, (size_t)p->n_viewings + 1, sizeof *p->viewings);
    p->viewings[p->n_viewings++] =
        (struct viewing){.pid = pid, .path = path, .hands_over = viewer->hands_over};
}

/* Takes note of viewers that have ended. One that failed said where the file is: it stays. */
static void reap(struct prompt *p)
{
    for (uint32_t i = 0; i < p->n_viewings; i++) {
        int how;
        struct viewing *v = &p->viewings[i];
        if (v->pid <= 0 || waitpid(v->pid, &how, WNOHANG) != v->pid)
            continue;
        v->pid = 0;
        if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
            continue;
        temps_forget(&p->cli->temps, v->path);
        p->viewings[i--] = p->viewings[--p->n_viewings];
    }
}

/* Files of viewers that have ended go now; what is still looked at, or was handed to a browser, in
 * a while. */
static void clean_up(struct prompt *p)
{
    reap(p);
    for (uint32_t i = 0; i < p->n_viewings; i++) {
        if (p->viewings[i].pid == 0 && !p->viewings[i].hands_over)
            temps_remove(&p->cli->temps, p->viewings[i].path);
    }
    temps_remove_later(&p->cli->temps);
    base_free(p->viewings);
}

/* ---- commands -----------------------------------------------------------------------------------
 */

static void report(struct prompt *p, const struct command *command, struct span line)
{
    if (command->ignore)
        talk_say(p->cli, "Ignoring samples in call stacks that match '%s'", command->ignore);
    if (command->unused)
        talk_say(p->cli, "The table takes no expression; 'focus=%s' would hold for it",
                 command->unused);
    if (!reporter_prepare(&p->reporter, line))
        return;
    if (command->kind == COMMAND_VIEW)
        run_view(p, command, line);
    else
        run_report(p, command, line);
}

static void show_option(struct prompt *p, struct span name, struct out *out)
{
    struct option_use use;
    struct buf text = BUF_MAX((size_t)1 << 16);
    if (options_find(analysis_options(p->cli->analysis), name, &use, &text)) {
        option_value(use.option, analysis_settings(p->cli->analysis), &text);
        out_printf(out, "%s = %s\n", use.option->name, buf_c(&text));
    }
    buf_free(&text);
}

static void set_option(struct prompt *p, struct span name, struct span value, struct span line)
{
    struct error err = {0};
    struct analysis *analysis = p->cli->analysis;
    struct settings before;
    settings_copy(&before, analysis_settings(analysis));
    if (options_change(analysis_options(analysis), name, value, analysis_settings(analysis),
                       &err) &&
        analysis_filters(analysis, &err)) {
        settings_free(&before);
        (void)reporter_set(&p->reporter, line);
        return;
    }
    talk_fail(p->cli, &err);
    settings_free(analysis_settings(analysis));
    *analysis_settings(analysis) = before;
}

static void help(struct prompt *p, struct span name)
{
    struct out *out = out_to_fd(STDERR_FILENO, "standard error");
    if (name.n == 0)
        prompt_help(out);
    else if (!prompt_help_on(out, analysis_options(p->cli->analysis), name))
        talk_say(p->cli, "There is nothing called '%.*s'", (int)name.n, name.p);
    (void)!out_close(out, NULL);
}

static void answer(struct prompt *p, const struct command *command)
{
    struct error err = {0};
    struct out *out = out_to_fd(STDOUT_FILENO, "standard output");
    if (command->kind == COMMAND_SHOW)
        show_option(p, command->name, out);
    else
        prompt_options(out, analysis_options(p->cli->analysis),
                       analysis_settings(p->cli->analysis));
    if (!out_close(out, &err))
        talk_fail(p->cli, &err);
}

/* False at the end. */
static bool do_line(struct prompt *p, struct span line)
{
    struct arena *arena = arena_new();
    const struct command command = command_parse(analysis_options(p->cli->analysis), line, arena);
    switch (command.kind) {
    case COMMAND_NOTHING:
    case COMMAND_QUIT:
        break;
    case COMMAND_UNKNOWN:
        talk_say(p->cli, "Unknown command: try 'help'.");
        break;
    case COMMAND_WRONG:
        talk_say(p->cli, "%s", command.why);
        break;
    case COMMAND_HELP:
        help(p, command.name);
        break;
    case COMMAND_OPTIONS:
    case COMMAND_SHOW:
        answer(p, &command);
        break;
    case COMMAND_SET:
        set_option(p, command.name, command.value, line);
        break;
    case COMMAND_REPORT:
    case COMMAND_VIEW:
        report(p, &command, line);
        break;
    }
    arena_free(arena);
    return command.kind != COMMAND_QUIT;
}

/* ---- the loop -----------------------------------------------------------------------------------
 */

static struct completion complete(void *to, struct span line, struct arena *arena)
{
    struct prompt *p = to;
    if (!p->has_names) {
        p->names = reporter_names(&p->reporter, p->names_arena);
        p->has_names = true;
    }
    return complete_line(analysis_options(p->cli->analysis), &p->names, line, arena);
}

static enum line_kind next_line(struct prompt *p, struct span *line)
{
    if (p->editor)
        return editor_next(p->editor, line);
    (void)fputs(prompt_text, stderr);
    (void)fflush(stderr);
    return lines_next(&p->lines, line);
}

/* Whether ^C, or worse, came while a command ran. */
static enum line_kind check_signals(struct prompt *p)
{
    enum line_kind kind = LINE_GOT;
    int signal;
    while ((signal = signals_next(&p->signals)) != 0) {
        if (signal == SIGTERM || signal == SIGHUP)
            return LINE_ENDED;
        if (signal == SIGINT)
            kind = LINE_INTERRUPTED;
    }
    return kind;
}

static int loop(struct prompt *p)
{
    for (;;) {
        struct span line;
        reap(p);
        enum line_kind kind = next_line(p, &line);
        if (kind == LINE_GOT) {
            if (!do_line(p, line))
                return 0;
            if (p->reporter.is_gone)
                return 1;
            kind = check_signals(p);
        }
        if (kind == LINE_END)
            return 0;
        if (kind == LINE_ENDED || (kind == LINE_INTERRUPTED && !p->is_terminal))
            return 1;
    }
}

int prompt_run(struct cli *cli)
{
    struct error err = {0};
    struct prompt p = {.cli = cli, .is_terminal = isatty(STDIN_FILENO)};
    int status;
    if (!reporter_start(&p.reporter, cli, &status))
        return status;
    if (!signals_hold(&p.signals, &err)) {
        (void)reporter_end(&p.reporter);
        return talk_fail(cli, &err);
    }
    p.lines.signals = &p.signals;
    p.names_arena = arena_new();
    (void)fputs("Welcome to pprof!  For help, type 'help'.\n", stderr);
    p.editor = editor_open(prompt_text, &p.signals, complete, &p);
    status = loop(&p);
    editor_close(p.editor);
    clean_up(&p);
    lines_free(&p.lines);
    arena_free(p.names_arena);
    const int ended = reporter_end(&p.reporter);
    signals_release(&p.signals);
    return p.reporter.is_gone && ended == 0 ? 1 : status;
}
