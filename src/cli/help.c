/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The text of --help, made from the option table: groups under their headings in the order of the
 * table, in 80 columns. Nothing about an option is said here. */
#include "cli/internal.h"

#include <unistd.h>

#define WIDTH   80
#define HELP_AT 26 /* where the text for an option starts */

/* Writes words, broken before WIDTH; lines after the first start at `indent`. */
static void write_wrapped(struct out *out, const char *text, size_t indent)
{
    struct span rest = span_of(text), word;
    size_t at = indent;
    bool is_first = true;
    while (span_word(&rest, &word)) {
        if (!is_first && at + 1 + word.n > WIDTH - 1) {
            out_printf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!is_first) {
            out_byte(out, ' ');
            at++;
        }
        out_bytes(out, word);
        at += word.n;
        is_first = false;
    }
    out_byte(out, '\n');
}

void help_more(struct out *out, const char *more)
{
    char *plain = base_copy(more);
    size_t n = 0;
    for (const char *p = more; *p; p++) {
        if (*p != '*')
            plain[n++] = *p;
    }
    plain[n] = '\0';
    out_text(out, "  ");
    write_wrapped(out, plain, 2);
    base_free(plain);
}

static void write_option(struct out *out, const struct option *option)
{
    char name[64];
    struct buf left = BUF_MAX(sizeof name);
    if (option->also)
        buf_printf(&left, "-%s, ", option->also);
    buf_printf(&left, "--%s", option->name);
    if (option->arg)
        buf_printf(&left, "=<%s>", option->arg);
    out_printf(out, "  %-*s", HELP_AT - 3, buf_c(&left));
    if (left.n > HELP_AT - 3)
        out_printf(out, "\n%*s", HELP_AT - 1, "");
    out_byte(out, ' ');
    buf_free(&left);
    write_wrapped(out, option->help, HELP_AT);
}

/* Rows of one group need not stand together in the table. */
static bool is_first_of_group(const struct options *options, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (!(options->rows[k].doors & DOOR_HIDDEN) &&
            strcmp(options->rows[k].group, options->rows[i].group) == 0)
            return false;
    }
    return true;
}

static void write_group(struct out *out, const struct options *options, const char *group)
{
    out_printf(out, "\n%s:\n", group);
    for (uint32_t i = 0; i < options->n; i++) {
        const struct option *option = &options->rows[i];
        if ((option->doors & DOOR_CLI) && !(option->doors & DOOR_HIDDEN) &&
            strcmp(option->group, group) == 0)
            write_option(out, option);
    }
}

static void write_forms(struct out *out, const char *name)
{
    out_printf(out,
               "Usage: %s [options] PROGRAM PROFILE...\n"
               "       %s [options] PROFILE...\n"
               "       %s [options] --symbols PROGRAM\n"
               "       cprof doctor [options] [PROGRAM] PROFILE...\n"
               "       cprof run [--cpu | --heap | --leaks] [-F HZ] [-o FILE] [--]\n"
               "                 PROGRAM [ARGUMENT...]\n",
               name, name, name);
}

/* The whole text would push the complaint off the screen. */
int help_usage(const struct cli *cli)
{
    struct error err;
    struct out *out = out_to_fd(STDERR_FILENO, "standard error");
    out_byte(out, '\n');
    write_forms(out, cli->name);
    out_printf(out, "All options: %s --help\n", cli->name);
    (void)!out_close(out, &err);
    return 1;
}

void help_write(struct out *out, const char *name, const struct options *options)
{
    write_forms(out, name);
    out_text(out,
             "\n"
             "Reads profiles and tells what they mean. Several profiles are added up. Without\n"
             "PROGRAM, names come with the profile, or from the program that its memory map\n"
             "names. --symbols reads a memory map and addresses from standard input and names\n"
             "the addresses. doctor tells why names are missing, and what helps. run takes a\n"
             "CPU profile of a program, and reports on it; -o keeps the profile. As a PROFILE,\n"
             "- is standard input.\n"
             "\n"
             "Options may stand anywhere, with one dash or two, in any case, and be cut short\n"
             "as long as they are unambiguous. --no-NAME turns a switch off again.\n");
    for (uint32_t i = 0; i < options->n; i++) {
        if (!(options->rows[i].doors & DOOR_HIDDEN) && is_first_of_group(options, i))
            write_group(out, options, options->rows[i].group);
    }
    out_text(out, "\nProfile formats, by the names that --reader takes:\n");
    for (uint32_t i = 0; readers[i]; i++) {
        out_printf(out, "  %-*s ", HELP_AT - 3, readers[i]->name);
        write_wrapped(out, readers[i]->help, HELP_AT);
    }
    out_printf(out,
               "\nExamples:\n"
               "  %s --text ./server server.prof\n"
               "  %s --text --lines --focus=parse ./server server.prof\n"
               "  %s --text --base=early.heap ./server late.heap\n",
               name, name, name);
}

void version_write(struct out *out)
{
    out_text(out, "cprof " CPROF_VERSION "\n"
                  "(compatible with pprof of gperftools 2.0)\n");
}
