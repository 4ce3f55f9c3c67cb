/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The line that sends people to the doctor: one on standard error behind a report that lacks many
 * names. Apart because a report itself says nothing of the kind: its bytes are a contract. */
#include "cli/internal.h"

/* Fewer than this go without names in the best of programs. */
#define HINT_SHARE 0.1

static bool is_plain(struct span word)
{
    for (size_t i = 0; i < word.n; i++) {
        const char c = word.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              strchr("_./,:=@%+-", c)))
            return false;
    }
    return word.n != 0;
}

/* As a shell takes it for one word. */
static void add_word(struct buf *line, const char *word)
{
    if (is_plain(span_of(word))) {
        buf_printf(line, " %s", word);
        return;
    }
    buf_text(line, " '");
    for (; *word; word++) {
        if (*word == '\'')
            buf_text(line, "'\\''");
        else
            buf_byte(line, *word);
    }
    buf_byte(line, '\'');
}

/* Those that say where files are: without them the doctor would see something else. */
static void add_options(struct buf *line, const struct settings *settings)
{
    const struct {
        const char *name, *value;
    } said[] = {
        {"--lib_prefix", settings->lib_prefix},
        {"--sysroot", settings->sysroot},
        {"--map", settings->map},
        {"--debug-dir", settings->debug_dir},
        {"--add_lib", settings->add_lib},
        {"--perf-map", settings->perf_map},
    };
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        if (!said[i].value || !*said[i].value)
            continue;
        buf_printf(line, " %s", said[i].name);
        add_word(line, said[i].value);
    }
    if (settings->force)
        buf_text(line, " --force");
    if (settings->debuginfod)
        buf_text(line, " --debuginfod");
}

void doctor_hint(struct cli *cli)
{
    const struct settings *settings = analysis_settings(cli->analysis);
    const struct emitter *emitter = settings_emitter(settings);
    const double share = analysis_unnamed(cli->analysis);
    if (share <= HINT_SHARE || (emitter && (emitter->reader || emitter->judges)))
        return;
    struct buf line = BUF_MAX(4096);
    bool is_again = true; /* what was standard input cannot be read a second time */
    for (uint32_t i = 0; i < cli->n_names; i++)
        is_again &= strcmp(cli->names[i], "-") != 0;
    add_options(&line, settings);
    for (uint32_t i = 0; i < cli->n_names && is_again; i++)
        add_word(&line, cli->names[i]);
    if (!is_again || line.is_full) {
        buf_clear(&line);
        buf_text(&line, " PROGRAM PROFILE");
    }
    talk_say(cli, "%.0f%% of the samples have no name. To know why: cprof doctor%s", 100 * share,
             buf_c(&line));
    buf_free(&line);
}
