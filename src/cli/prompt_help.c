/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the prompt says about itself, from the tables that it works by. */
#include "cli/internal.h"

#define HELP_AT 28 /* where the text for a command starts */

static void write_row(struct out *out, const char *name, const char *arg, const char *help)
{
    struct buf left = BUF_MAX(256);
    buf_printf(&left, "%s%s%s", name, arg ? " " : "", arg ? arg : "");
    out_printf(out, "  %-*s %s\n", HELP_AT - 3, buf_c(&left), help);
    buf_free(&left);
}

static bool is_word(const char *name)
{
    for (size_t i = 0; prompt_words[i].name; i++) {
        if (span_is(span_of(name), prompt_words[i].name))
            return true;
    }
    return false;
}

void prompt_help(struct out *out)
{
    out_text(out, "Commands:\n");
    for (size_t i = 0; prompt_words[i].name; i++) {
        if (prompt_words[i].kind == COMMAND_REPORT)
            write_row(out, prompt_words[i].name, prompt_words[i].arg, prompt_words[i].help);
    }
    for (size_t i = 0; emitters[i]; i++) {
        const char *name = emitters[i]->name; /* text is top here */
        if (emitter_is_for_prompt(emitters[i]) && !span_is(span_of(name), "text") &&
            !is_word(name) && !viewer_find(span_of(name)))
            write_row(out, emitters[i]->name, emitters[i]->arg, emitters[i]->help);
    }
    for (size_t i = 0; viewers[i].name; i++) {
        const struct viewer *viewer = viewer_find(span_of(viewers[i].name));
        if (viewer)
            write_row(out, viewer->name, emitter_find(span_of(viewer->emitter))->arg, viewer->help);
    }
    for (size_t i = 0; prompt_words[i].name; i++) {
        if (prompt_words[i].kind != COMMAND_REPORT && prompt_words[i].help)
            write_row(out, prompt_words[i].name, prompt_words[i].arg, prompt_words[i].help);
    }
    out_text(
        out,
        "\nArguments:\n"
        "  regex                     what is shown: list, disasm and weblist take functions by\n"
        "                            it, other commands only stacks with a frame that matches\n"
        "  -regex                    leave out stacks with a frame that matches\n"
        "  n                         show so many rows or nodes: top20, dot 20\n"
        "  --cum                     sort by cumulative values\n"
        "  --lines                   a row a line; also --functions, --addresses, --files\n"
        "  > file                    write to the file\n"
        "  | program                 give it to the program, which is run without a shell\n"
        "\nOptions hold until they are changed: nodecount=40, focus=main, focus= for none, lines,\n"
        "nocum. A name that takes a value shows it when it stands alone.\n");
}

static bool help_on_option(struct out *out, const struct options *options, struct span name)
{
    for (uint32_t i = 0; i < options->n; i++) {
        const struct option *option = &options->rows[i];
        if (!option_is_for_prompt(option) || !span_is(name, option->name))
            continue;
        out_printf(out, "%s%s%s\n", option->name, option->arg ? "=" : "",
                   option->arg ? option->arg : "");
        out_printf(out, "  %s\n", option->help);
        if (option->more)
            help_more(out, option->more);
        return true;
    }
    return false;
}

bool prompt_help_on(struct out *out, const struct options *options, struct span name)
{
    for (size_t i = 0; prompt_words[i].name; i++) {
        if (span_is(name, prompt_words[i].name) && prompt_words[i].help) {
            write_row(out, prompt_words[i].name, prompt_words[i].arg, prompt_words[i].help);
            return true;
        }
    }
    const struct viewer *viewer = viewer_find(name);
    const struct emitter *emitter =
        viewer ? emitter_find(span_of(viewer->emitter)) : emitter_find(name);
    if (!emitter || !emitter_is_for_prompt(emitter))
        return help_on_option(out, options, name);
    write_row(out, viewer ? viewer->name : emitter->name, emitter->arg,
              viewer ? viewer->help : emitter->help);
    const char *more = viewer ? viewer->more : emitter->more;
    if (more)
        help_more(out, more);
    return true;
}

void prompt_options(struct out *out, const struct options *options, const struct settings *settings)
{
    struct buf value = BUF_MAX((size_t)1 << 16);
    for (uint32_t i = 0; i < options->n; i++) {
        const struct option *option = &options->rows[i];
        if (!option_is_for_prompt(option))
            continue;
        buf_clear(&value);
        option_value(option, settings, &value);
        out_printf(out, "  %-20s = %-16s # %s\n", option->name, buf_c(&value), option->help);
    }
    buf_free(&value);
}
