/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Runs while cprof is built and writes what is made from the option table: the options in the
 * manual, and completion for bash, zsh and fish. It links the table itself, so that none of them
 * can differ from what the program takes.
 *
 *     optgen man FILE.scd    the file, with the options in place of the line "@OPTIONS@" and the
 * formats in place of "@FORMATS@" optgen bash|zsh|fish */
#include "cli/internal.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

static bool is_shown(const struct option *option)
{
    return (option->doors & DOOR_CLI) && !(option->doors & DOOR_HIDDEN);
}

static bool takes_file(const struct option *option)
{
    return option->arg && span_starts(span_of(option->arg), "file");
}

static bool takes_folder(const struct option *option)
{
    return option->arg && span_starts(span_of(option->arg), "dir");
}

static bool takes_format(const struct option *option)
{
    return option->arg && span_is(span_of(option->arg), "format");
}

/* ---- manual -------------------------------------------------------------------------------------
 */

/* scdoc gives a meaning to these: "_" and "*" within words too. */
static void man_text(struct out *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '_' || *text == '*' || *text == '\\' || *text == '`' || *text == '#' ||
            *text == '[' || *text == ']')
            out_byte(out, '\\');
        out_byte(out, *text);
    }
}

/* What is between asterisks is bold. */
static void man_more(struct out *out, const char *text)
{
    struct span rest = span_of(text);
    for (;;) {
        const size_t at = span_find(rest, '*');
        char *part = span_copy(span_first(rest, at));
        man_text(out, part);
        base_free(part);
        if (at == SIZE_MAX)
            return;
        out_byte(out, '*');
        rest = span_skip(rest, at + 1);
    }
}

static void man_option(struct out *out, const struct option *option)
{
    if (option->also)
        out_printf(out, "*-%s*, ", option->also);
    out_text(out, "*--");
    man_text(out, option->name);
    out_byte(out, '*');
    if (option->arg) {
        out_text(out, "=_");
        man_text(out, option->arg);
        out_byte(out, '_');
    }
    out_text(out, "\n\t");
    const char first = option->help[0];
    out_byte(out, first >= 'a' && first <= 'z' ? (char)(first - 'a' + 'A') : first);
    man_text(out, option->help + 1);
    if (!span_ends(span_of(option->help), "."))
        out_byte(out, '.');
    if (option->more) {
        out_byte(out, ' ');
        man_more(out, option->more);
    }
    out_text(out, "\n\n");
}

static bool is_first_of_group(const struct options *options, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (is_shown(&options->rows[k]) &&
            span_is(span_of(options->rows[k].group), options->rows[i].group))
            return false;
    }
    return true;
}

static void man_options(struct out *out, const struct options *options)
{
    for (uint32_t i = 0; i < options->n; i++) {
        if (!is_shown(&options->rows[i]) || !is_first_of_group(options, i))
            continue;
        out_printf(out, "## %s\n\n", options->rows[i].group);
        for (uint32_t k = i; k < options->n; k++) {
            if (is_shown(&options->rows[k]) &&
                span_is(span_of(options->rows[k].group), options->rows[i].group))
                man_option(out, &options->rows[k]);
        }
    }
}

static void man_formats(struct out *out)
{
    for (uint32_t i = 0; readers[i]; i++) {
        out_text(out, "*");
        man_text(out, readers[i]->name);
        out_text(out, "*\n\t");
        man_text(out, readers[i]->help);
        out_text(out, "\n\n");
    }
}

static bool write_man(struct out *out, const struct options *options, const char *path,
                      struct error *err)
{
    struct file file CLEANUP(file_close) = {0};
    if (!file_open(&file, path, (uint64_t)1 << 24, err))
        return false;
    struct span rest = file.bytes, line;
    while (span_line(&rest, &line)) {
        if (span_is(line, "@OPTIONS@")) {
            man_options(out, options);
        } else if (span_is(line, "@FORMATS@")) {
            man_formats(out);
        } else {
            out_bytes(out, line);
            out_byte(out, '\n');
        }
    }
    return true;
}

/* ---- completion ---------------------------------------------------------------------------------
 */

static void write_formats(struct out *out)
{
    for (uint32_t i = 0; readers[i]; i++)
        out_printf(out, "%s%s", i ? " " : "", readers[i]->name);
}

static void bash_case(struct out *out, const struct options *options,
                      bool (*takes)(const struct option *), const char *action)
{
    bool is_first = true;
    for (uint32_t i = 0; i < options->n; i++) {
        if (is_shown(&options->rows[i]) && takes(&options->rows[i])) {
            out_printf(out, "%s--%s", is_first ? "    " : "|", options->rows[i].name);
            is_first = false;
        }
    }
    if (is_first)
        return;
    out_printf(out, ")\n        %s\n        return ;;\n", action);
}

static bool takes_other(const struct option *option)
{
    return option->arg && !takes_file(option) && !takes_folder(option) && !takes_format(option);
}

static void write_bash(struct out *out, const struct options *options)
{
    out_text(out, "# bash completion for cprof, made from its option table\n"
                  "_cprof()\n"
                  "{\n"
                  "    local cur prev words=()\n"
                  "    COMPREPLY=()\n"
                  "    cur=${COMP_WORDS[COMP_CWORD]}\n"
                  "    prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                  "    # bash cuts --option=value into three words\n"
                  "    if [[ $cur == '=' ]]; then\n"
                  "        cur=\n"
                  "    elif [[ $prev == '=' && $COMP_CWORD -gt 1 ]]; then\n"
                  "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
                  "    fi\n"
                  "    if [[ ${COMP_WORDS[1]} == run && $COMP_CWORD -gt 1 ]]; then\n"
                  "        if [[ $cur == -* ]]; then\n"
                  "            COMPREPLY=($(compgen -W '");
    for (const struct runner_option *o = runner_options; o->name; o++)
        out_printf(out, "%s%s", o == runner_options ? "" : " ", o->name);
    out_text(
        out,
        "' -- \"$cur\"))\n"
        "        else\n"
        "            mapfile -t COMPREPLY < <(compgen -c -- \"$cur\"; compgen -f -- \"$cur\")\n"
        "            compopt -o filenames 2>/dev/null\n"
        "        fi\n"
        "        return\n"
        "    fi\n"
        "    case $prev in\n");
    bash_case(out, options, takes_file, "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")");
    bash_case(out, options, takes_folder, "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")");
    struct buf formats = BUF_MAX(4096);
    buf_text(&formats, "COMPREPLY=($(compgen -W '");
    for (uint32_t i = 0; readers[i]; i++)
        buf_printf(&formats, "%s%s", i ? " " : "", readers[i]->name);
    buf_text(&formats, "' -- \"$cur\"))");
    bash_case(out, options, takes_format, buf_c(&formats));
    buf_free(&formats);
    bash_case(out, options, takes_other, ":");
    out_text(out, "    esac\n"
                  "    if [[ $cur == -* ]]; then\n"
                  "        COMPREPLY=($(compgen -W '");
    bool is_first = true;
    for (uint32_t i = 0; i < options->n; i++) {
        if (!is_shown(&options->rows[i]))
            continue;
        out_printf(out, "%s--%s%s", is_first ? "" : " ", options->rows[i].name,
                   options->rows[i].arg ? "=" : "");
        is_first = false;
    }
    out_text(out,
             "' -- \"$cur\"))\n"
             "        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null\n"
             "    else\n"
             "        [[ $COMP_CWORD -eq 1 ]] && words=($(compgen -W 'doctor run' -- \"$cur\"))\n"
             "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
             "        COMPREPLY+=(\"${words[@]}\")\n"
             "        compopt -o filenames 2>/dev/null\n"
             "    fi\n"
             "}\n"
             "complete -F _cprof cprof\n");
}

/* Text between single quotes: zsh wants "[", "]" and ":" spared as well. */
static void quote_zsh(struct out *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            out_text(out, "'\\''");
        else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
            out_printf(out, "\\%c", *text);
        else
            out_byte(out, *text);
    }
}

static void write_zsh(struct out *out, const struct options *options)
{
    out_text(out, "#compdef cprof\n"
                  "# made from the option table of cprof\n"
                  "if (( CURRENT > 2 )) && [[ $words[2] == run ]]; then\n"
                  "    shift words\n"
                  "    (( CURRENT-- ))\n"
                  "    _arguments \\\n");
    for (const struct runner_option *o = runner_options; o->name; o++) {
        out_printf(out, "        '%s[", o->name);
        quote_zsh(out, o->help);
        if (o->arg)
            out_printf(out, "]:%s:%s' \\\n", o->arg, strcmp(o->arg, "FILE") == 0 ? "_files" : " ");
        else
            out_text(out, "]' \\\n");
    }
    out_text(out, "        '*::program:_normal'\n"
                  "    return\n"
                  "fi\n"
                  "_arguments -S \\\n");
    for (uint32_t i = 0; i < options->n; i++) {
        const struct option *option = &options->rows[i];
        if (!is_shown(option))
            continue;
        out_printf(out, "    '--%s%s[", option->name, option->arg ? "=" : "");
        quote_zsh(out, option->help);
        out_byte(out, ']');
        if (option->arg) {
            out_byte(out, ':');
            quote_zsh(out, option->arg);
            out_byte(out, ':');
            if (takes_file(option))
                out_text(out, "_files");
            else if (takes_folder(option))
                out_text(out, "_files -/");
            else if (takes_format(option)) {
                out_byte(out, '(');
                write_formats(out);
                out_byte(out, ')');
            }
        }
        out_text(out, "' \\\n");
    }
    out_text(out,
             "    '1:file:{_alternative \"words:command:(doctor run)\" \"files:file:_files\"}' \\\n"
             "    '*:file:_files'\n");
}

static void quote_fish(struct out *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            out_byte(out, '\\');
        out_byte(out, *text);
    }
}

static void write_fish(struct out *out, const struct options *options)
{
    out_text(out, "# fish completion for cprof, made from its option table\n"
                  "complete -c cprof -n __fish_use_subcommand -a doctor"
                  " -d 'why names are missing, and what helps'\n"
                  "complete -c cprof -n __fish_use_subcommand -a run"
                  " -d 'profile a program and report on it'\n");
    for (const struct runner_option *o = runner_options; o->name; o++) {
        const bool is_long = span_starts(span_of(o->name), "--");
        out_printf(out, "complete -c cprof -n '__fish_seen_subcommand_from run' -%c %s%s -d '",
                   is_long ? 'l' : 's', o->name + (is_long ? 2 : 1), o->arg ? " -r" : "");
        quote_fish(out, o->help);
        out_text(out, "'\n");
    }
    for (uint32_t i = 0; i < options->n; i++) {
        const struct option *option = &options->rows[i];
        if (!is_shown(option))
            continue;
        out_printf(out, "complete -c cprof -n 'not __fish_seen_subcommand_from run' -l %s",
                   option->name);
        if (option->also)
            out_printf(out, " -s %s", option->also);
        if (takes_file(option)) {
            out_text(out, " -r -F");
        } else if (takes_folder(option)) {
            out_text(out, " -x -a '(__fish_complete_directories)'");
        } else if (takes_format(option)) {
            out_text(out, " -x -a '");
            write_formats(out);
            out_byte(out, '\'');
        } else if (option->arg) {
            out_text(out, " -x");
        }
        out_text(out, " -d '");
        quote_fish(out, option->help);
        out_text(out, "'\n");
    }
}

int main(int argc, char **argv)
{
    struct error err = {0};
    struct arena *arena = arena_new();
    struct option modes[MODES_MAX];
    const uint32_t n_modes = modes_list(modes);
    const struct options options = options_with(arena, modes, n_modes);
    struct out *out = out_to_fd(STDOUT_FILENO, "standard output");
    const struct span what = span_of(argc > 1 ? argv[1] : "");
    bool is_fine = true;
    if (span_is(what, "man") && argc > 2)
        is_fine = write_man(out, &options, argv[2], &err);
    else if (span_is(what, "bash"))
        write_bash(out, &options);
    else if (span_is(what, "zsh"))
        write_zsh(out, &options);
    else if (span_is(what, "fish"))
        write_fish(out, &options);
    else
        is_fine = error_set(&err, ERROR_USAGE, "usage: optgen man FILE | bash | zsh | fish");
    if (!out_close(out, is_fine ? &err : NULL))
        is_fine = false;
    arena_free(arena);
    if (!is_fine)
        (void)fprintf(stderr, "optgen: %s\n", err.text);
    return is_fine ? 0 : 1;
}
