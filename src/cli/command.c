/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From a line to what it asks for, and no further: nothing is done here, so that it can be tried
 * with any line. What the Perl tool understood means what it meant there, down to words that run
 * into their arguments ("topfoo", "listbar"); everything else is for words that meant nothing.
 *
 *     top20 --cum -libc > file       name, number, arguments, where to
 *     nodecount=40                   an option and its value
 */
#include "cli/internal.h"

#define TOP_ROWS 10

const struct prompt_word prompt_words[] = {
    {"top", "[n]", "the n first rows of the table [10]; text is the same", COMMAND_REPORT},
    {"options", NULL, "all options and what they are set to", COMMAND_OPTIONS},
    {"o", NULL, NULL, COMMAND_OPTIONS},
    {"help", "[name]", "this listing, or more on a command or an option", COMMAND_HELP},
    {"quit", NULL, "leave; exit and ^D do the same", COMMAND_QUIT},
    {"exit", NULL, NULL, COMMAND_QUIT},
    {0},
};

/* What a line may begin with and be understood, whatever follows; longer ones before their
 * beginnings. */
static const char *const beginnings[] = {
    "quit", "help", "top", "text", "weblist", "list", "disasm", "callgrind", "gv", "web", "evince",
};

bool option_is_for_prompt(const struct option *option)
{
    return (option->doors & DOOR_PROMPT) && !(option->doors & DOOR_HIDDEN) &&
           option->kind != OPTION_OUTPUT && option->kind != OPTION_MODE;
}

bool emitter_is_for_prompt(const struct emitter *emitter)
{
    return !emitter->reader;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits that a word ends in, cut off it; false where there are none or nothing but digits. */
static bool cut_number(struct span *word, uint64_t *number)
{
    size_t n = word->n;
    while (n > 0 && is_digit(word->p[n - 1]))
        n--;
    struct span digits = span_skip(*word, n);
    if (n == 0 || digits.n == 0 || !span_take_u64(&digits, number))
        return false;
    word->n = n;
    return true;
}

static int64_t row_count(uint64_t number)
{
    /* The Perl tool showed the first row before it counted. */
    return number == 0 ? 1 : number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

/* ---- expressions --------------------------------------------------------------------------------
 */

/* Adds to "a|b". */
static void join(struct buf *to, struct span more)
{
    if (to->n)
        buf_byte(to, '|');
    buf_add(to, more);
}

/* --lines, -cum and their kin. */
static bool take_switch(struct span word, struct command *command)
{
    if (!span_take(&word, "--") && !span_take(&word, "-"))
        return false;
    if (span_is(word, "cum")) {
        command->cum = true;
        return true;
    }
    for (uint32_t i = 0; i < GRANULARITY_COUNT; i++) {
        if (!span_is(word, granularities[i].name))
            continue;
        command->has_grain = true;
        command->grain = (enum granularity_kind)i;
        return true;
    }
    return false;
}

/* Whether numbers among the arguments say how much to show: not where the Perl tool took them for
 * expressions. */
static bool counts_rows(const struct command *command)
{
    return command->kind == COMMAND_REPORT && !command->emitter->arg;
}

static void take_arguments(struct span rest, struct arena *arena, struct command *command)
{
    struct buf expression = BUF_MAX(rest.n + 1), ignore = BUF_MAX(rest.n + 1);
    struct span word;
    uint64_t number;
    while (span_word(&rest, &word)) {
        if (take_switch(word, command))
            continue;
        if (word.p[0] == '-' && word.n > 1)
            join(&ignore, span_skip(word, 1));
        else if (counts_rows(command) && span_u64(word, &number))
            command->rows = row_count(number);
        else
            join(&expression, word);
    }
    if (expression.n)
        command->expression = arena_text(arena, buf_span(&expression));
    if (ignore.n)
        command->ignore = arena_text(arena, buf_span(&ignore));
    buf_free(&expression);
    buf_free(&ignore);
}

/* ---- where to -----------------------------------------------------------------------------------
 */

/* One word of a program's arguments; quotes keep spaces, a backslash the next character. */
static char *take_quoted(struct span *rest, struct arena *arena)
{
    char *word = arena_alloc(arena, rest->n + 1, 1);
    size_t n = 0;
    char quote = 0;
    while (rest->n && (quote || !span_is_space(rest->p[0]))) {
        const char c = rest->p[0];
        *rest = span_skip(*rest, 1);
        if (quote ? c == quote : c == '\'' || c == '"')
            quote = quote ? '\0' : c;
        else if (c == '\\' && quote != '\'' && rest->n) {
            word[n++] = rest->p[0];
            *rest = span_skip(*rest, 1);
        } else
            word[n++] = c;
    }
    return word;
}

/* "a b | c" as lists of arguments, a list a program. False where one of them has no name. */
static bool take_programs(struct span rest, struct arena *arena, struct command *command)
{
    size_t most = 2;
    for (size_t i = 0; i < rest.n; i++)
        most += rest.p[i] == '|';
    const char *const **programs = arena_alloc(arena, most, sizeof *programs);
    size_t n = 0;
    for (;;) {
        const char **words = arena_alloc(arena, rest.n / 2 + 2, sizeof *words);
        uint32_t n_words = 0;
        bool is_last = true;
        while ((rest = span_trim_left(rest)).n) {
            if (rest.p[0] == '|') {
                rest = span_skip(rest, 1);
                is_last = false;
                break;
            }
            words[n_words++] = take_quoted(&rest, arena);
        }
        if (n_words == 0)
            return false;
        programs[n++] = words;
        if (is_last)
            break;
    }
    command->programs = programs;
    return true;
}

static void set_wrong(struct command *command, const char *why)
{
    command->kind = COMMAND_WRONG;
    command->why = why;
}

/* Cuts "> FILE" or "| PROGRAM" off: a word that begins so, since "a|b" is an expression. */
static bool take_target(struct span *rest, struct arena *arena, struct command *command)
{
    struct span after = *rest, word;
    while (span_word(&after, &word)) {
        if (word.p[0] != '>' && word.p[0] != '|')
            continue;
        const size_t at = (size_t)(word.p - rest->p);
        const struct span target = span_trim(span_skip(*rest, at + 1));
        rest->n = at;
        if (word.p[0] == '>') {
            command->file = arena_text(arena, target);
            if (target.n == 0)
                set_wrong(command, "a file is missing behind >");
        } else if (!take_programs(target, arena, command)) {
            set_wrong(command, "a program is missing behind |");
        }
        return command->kind != COMMAND_WRONG;
    }
    return true;
}

/* ---- commands -----------------------------------------------------------------------------------
 */

/* callgrind [FILE]: the file's name ends at the first space; without one it is shown. */
static void finish_callgrind(struct span rest, struct arena *arena, struct command *command)
{
    struct span word;
    if (!command->file && !command->programs && span_word(&rest, &word))
        command->file = arena_text(arena, word);
    if (command->file || command->programs)
        return;
    const struct viewer *viewer = viewer_find(span_of("kcachegrind"));
    if (viewer)
        *command = (struct command){
            .kind = COMMAND_VIEW, .viewer = viewer, .emitter = command->emitter, .rows = -1};
}

static struct command finish_report(struct command command, struct span rest, struct arena *arena)
{
    const bool is_text = span_is(span_of(command.emitter->name), "text");
    if (!take_target(&rest, arena, &command))
        return command;
    if (span_is(span_of(command.emitter->name), "callgrind") && command.kind == COMMAND_REPORT) {
        finish_callgrind(rest, arena, &command);
        return command;
    }
    if (command.file || command.programs)
        command.kind = COMMAND_REPORT; /* of what a viewer would have shown */
    take_arguments(rest, arena, &command);
    if (command.emitter->arg && !command.expression) {
        if (command.emitter->is_classic || command.viewer)
            command.kind = COMMAND_UNKNOWN; /* as ever */
        else
            set_wrong(&command,
                      arena_printf(arena, "%s needs an expression", command.emitter->name));
    }
    if (is_text) {
        command.unused = command.expression;
        command.expression = NULL;
        if (command.rows < 0)
            command.rows = TOP_ROWS;
    }
    return command;
}

/* A command by its whole name; COMMAND_UNKNOWN where there is none. */
static struct command find_command(struct span name)
{
    struct command command = {.kind = COMMAND_UNKNOWN, .rows = -1};
    const struct viewer *viewer = viewer_find(name);
    const struct emitter *emitter =
        span_is(name, "top") ? emitter_find(span_of("text")) : emitter_find(name);
    if (viewer) {
        command.kind = COMMAND_VIEW;
        command.viewer = viewer;
        command.emitter = emitter_find(span_of(viewer->emitter));
    } else if (emitter && emitter_is_for_prompt(emitter)) {
        command.kind = COMMAND_REPORT;
        command.emitter = emitter;
    } else {
        for (size_t i = 0; prompt_words[i].name; i++) {
            if (span_is(name, prompt_words[i].name))
                command.kind = prompt_words[i].kind;
        }
    }
    return command;
}

static struct command finish(struct command command, struct span rest, struct arena *arena)
{
    switch (command.kind) {
    case COMMAND_HELP:
        (void)span_word(&rest, &command.name);
        break;
    case COMMAND_REPORT:
    case COMMAND_VIEW:
        return finish_report(command, rest, arena);
    default:
        break;
    }
    return command;
}

/* A word that stands alone or before a space: "tree", "top20". */
static bool parse_whole(struct span line, struct arena *arena, struct command *out)
{
    struct span rest = line, word;
    uint64_t number = 0;
    if (!span_word(&rest, &word))
        return false;
    struct command command = find_command(word);
    if (command.kind == COMMAND_UNKNOWN && cut_number(&word, &number)) {
        command = find_command(word);
        if (command.kind != COMMAND_REPORT || !counts_rows(&command))
            return false;
        command.rows = row_count(number);
    }
    if (command.kind == COMMAND_UNKNOWN)
        return false;
    *out = finish(command, rest, arena);
    return true;
}

/* What a line begins with. */
static bool parse_beginning(struct span line, struct arena *arena, struct command *out)
{
    for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
        struct span rest = line;
        if (!span_take(&rest, beginnings[i]))
            continue;
        struct command command = find_command(span_of(beginnings[i]));
        uint64_t number;
        if (command.kind == COMMAND_UNKNOWN) /* its emitter is not built in */
            continue;
        if (command.kind == COMMAND_REPORT && counts_rows(&command) &&
            span_take_u64(&rest, &number))
            command.rows = row_count(number);
        *out = finish(command, rest, arena);
        return true;
    }
    return false;
}

/* ---- options ------------------------------------------------------------------------------------
 */

static size_t name_length(struct span line)
{
    size_t n = 0;
    while (n < line.n && ((line.p[n] >= 'a' && line.p[n] <= 'z') || line.p[n] == '_' ||
                          line.p[n] == '-' || (n > 0 && is_digit(line.p[n]))))
        n++;
    return n;
}

static const struct option *find_option(const struct options *options, struct span name,
                                        bool *is_off)
{
    struct option_use use;
    struct buf complaints = BUF_MAX(4096);
    const bool is_found = options_find(options, name, &use, &complaints);
    buf_free(&complaints);
    if (!is_found || !option_is_for_prompt(use.option))
        return NULL;
    *is_off = use.is_off;
    return use.option;
}

/* "name = value" */
static bool parse_setting(struct span line, struct span *name, struct span *value)
{
    *name = span_first(line, name_length(line));
    struct span rest = span_trim_left(span_skip(line, name->n));
    if (name->n == 0 || !span_take(&rest, "="))
        return false;
    *value = span_trim(rest);
    return true;
}

/* An option's name alone, in full: what can be on is on, of others the value is shown. */
static bool parse_name(const struct options *options, struct span line, struct command *out)
{
    bool is_off;
    const struct option *option = find_option(options, line, &is_off);
    const struct span named = option ? span_of(option->name) : (struct span){0};
    if (!option || !span_ends(line, option->name) || (line.n != named.n && !is_off))
        return false;
    *out = (struct command){
        .kind = option_is_switch(option) || option->kind == OPTION_ON ? COMMAND_SET : COMMAND_SHOW,
        .name = line,
        .rows = -1,
    };
    return true;
}

struct command command_parse(const struct options *options, struct span line, struct arena *arena)
{
    struct command command = {.rows = -1};
    struct span name, value;
    bool is_off;
    line = span_trim(line);
    if (line.n == 0)
        return command;
    const bool is_setting = parse_setting(line, &name, &value);
    const struct command set = {
        .kind = COMMAND_SET, .name = name, .value = is_setting ? value : name, .rows = -1};
    if (is_setting && find_option(options, name, &is_off))
        return set;
    if (parse_whole(line, arena, &command) || parse_name(options, line, &command) ||
        parse_beginning(line, arena, &command))
        return command;
    if (is_setting)
        return set;
    command.kind = COMMAND_UNKNOWN;
    return command;
}
