/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The command line: words in, a report out, an exit status. Status 0 is a report, an empty one too;
 * 1 is everything else. SIGPIPE keeps its default: who reads only the head of a report ends us
 * quietly. */
#include "cli/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For the handler alone, which can be told nothing. */
static struct temps *to_remove;

static _Noreturn void end_by_signal(int signal)
{
    (void)signal;
    temps_unlink(to_remove);
    _exit(1);
}

/* What we made on the way does not stay when somebody stops us; who ignores a signal still does. */
static void watch_signals(struct temps *temps)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    to_remove = temps;
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            (void)sigaction(signals[i], &(struct sigaction){.sa_handler = end_by_signal}, NULL);
    }
}

static void tell(void *to, const char *line)
{
    talk_say(to, "%s", line);
}

static int show(struct cli *cli, bool is_help)
{
    struct error err;
    struct out *out = out_to_fd(STDOUT_FILENO, "standard output");
    if (is_help)
        help_write(out, cli->name, analysis_options(cli->analysis));
    else
        version_write(out);
    return out_close(out, &err) ? 0 : talk_fail(cli, &err);
}

/* On a terminal a person is asked what to show. Where standard input is a profile there is nobody
 * to ask. */
static bool wants_prompt(const struct settings *settings, const char *const *names, uint32_t n)
{
    if (settings->modes >> MODE_INTERACTIVE & 1)
        return true;
    if (settings->outputs || settings->modes || settings->output.n || !isatty(STDOUT_FILENO))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(names[i], "-") == 0)
            return false;
    }
    return true;
}

static int report(struct cli *cli)
{
    const struct settings *settings = analysis_settings(cli->analysis);
    const struct emitter *emitter = settings_emitter(settings);
    if (emitter && emitter->form == OUTPUT_BYTES && isatty(STDOUT_FILENO)) {
        talk_say(cli, "--%s is not text for a terminal: -o FILE.%s writes it to a file",
                 emitter->name, emitter->extension);
        return 1;
    }
    const struct task task = {
        .settings = settings,
        .out = STDOUT_FILENO,
        .name = "standard output",
    };
    uint32_t n_written;
    return worker_run(cli, &task, 1, &n_written);
}

/* Reproducible builds pin the date that documents carry: reproducible-builds.org's variable. */
static int64_t pinned_date(void)
{
    const char *text = getenv("SOURCE_DATE_EPOCH");
    int64_t date;
    return text && span_i64(span_of(text), &date) && date > 0 ? date : 0;
}

/* Where files are, as people keep it for all their runs. What was said goes first. */
static void take_places(struct settings *settings)
{
    const char *debug_dir = getenv("CPROF_DEBUG_DIR"), *store = getenv("PPROF_BINARY_PATH");
    if (!settings->debug_dir && debug_dir)
        settings->debug_dir = base_copy(debug_dir);
    if (!settings->binary_path && store)
        settings->binary_path = base_copy(store);
}

/* As the Perl tool has it, so that scripts find what they fetched. */
static void keep_fetched(struct analysis *analysis)
{
    const char *folder = getenv("PPROF_TMPDIR"), *home = getenv("HOME");
    struct buf text = BUF_MAX(4096);
    if (folder && *folder)
        buf_text(&text, folder);
    else if (home && *home)
        buf_printf(&text, "%s/pprof", home);
    analysis_keep_fetched(analysis, text.n ? buf_c(&text) : NULL);
    buf_free(&text);
}

static int run(struct cli *cli, const char *const *words, uint32_t n, const char **names)
{
    struct settings *settings = analysis_settings(cli->analysis);
    struct error err = {0};
    uint32_t n_names = 0;
    struct buf complaints = BUF_MAX((size_t)1 << 20);
    if (!options_parse(analysis_options(cli->analysis), words, n, settings, names, &n_names,
                       &complaints)) {
        struct span rest = buf_span(&complaints), line;
        while (span_line(&rest, &line))
            (void)fprintf(stderr, "%.*s\n", (int)line.n, line.p);
        buf_free(&complaints);
        talk_say(cli, "Invalid option(s)");
        return help_usage(cli);
    }
    buf_free(&complaints);

    if (settings->help || settings->version)
        return show(cli, settings->help);
    if (settings->test) {
        talk_say(cli, "--test: the tests of cprof come with its source");
        return 0;
    }
    settings->date = pinned_date();
    settings->checks_quietly = getenv("CPROF_SELFCHECK") != NULL;
    take_places(settings);
    if (!settings_check(settings, &err) || !outputs_check(settings, &err)) {
        talk_fail(cli, &err);
        return help_usage(cli);
    }
    if (settings->tools)
        notes_add(analysis_notes(cli->analysis),
                  "--tools is not needed: cprof runs no other program");
    if (!analysis_filters(cli->analysis, &err))
        return talk_fail(cli, &err);
    cli->names = names;
    cli->n_names = n_names;
    keep_fetched(cli->analysis);
    if (wants_prompt(settings, names, n_names))
        return prompt_run(cli);
    const struct viewer *viewer = modes_viewer(settings);
    if (viewer)
        return viewer_run(cli, viewer);
    return settings->output.n ? outputs_write(cli) : report(cli);
}

int main(int argc, char **argv)
{
    struct option modes[MODES_MAX];
    char doctor_option[] = "--doctor";
    const uint32_t n_modes = modes_list(modes);
    struct cli cli = {
        .name = names_shown(argc > 0 ? argv[0] : NULL),
        .analysis = analysis_new_with(modes, n_modes),
    };
    const uint32_t n = argc > 1 ? (uint32_t)argc - 1 : 0;
    const char **names = base_alloc(n + 1, sizeof *names);
    if (n && names_is_word(cli.name, argv[1], "doctor"))
        argv[1] = doctor_option;
    analysis_settings(cli.analysis)->cache = true;
    analysis_settings(cli.analysis)->sandbox = getenv("CPROF_NO_SANDBOX") == NULL;
    (void)signal(SIGCHLD, SIG_DFL); /* whoever started us may want to hear of nobody: we do */
    const bool is_run = n && names_is_word(cli.name, argv[1], "run");
    if (!is_run)
        watch_signals(&cli.temps);
    progress_start(&cli.progress);
    analysis_watch(cli.analysis, progress_of(&cli.progress));
    struct notes *notes = analysis_notes(cli.analysis);
    notes->tell = tell;
    notes->to = &cli;

    const int status =
        is_run ? runner_main(&cli, argv + 2) : run(&cli, (const char *const *)(argv + 1), n, names);

    progress_erase(&cli.progress);
    temps_remove_all(&cli.temps);
    temps_free(&cli.temps);
    base_free(names);
    analysis_free(cli.analysis);
    return status;
}
