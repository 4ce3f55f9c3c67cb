/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the command line share. This is the one place that speaks with a person: notes
 * and errors go to standard error, reports and help to standard output. */
#pragma once

#include <signal.h>
#include <time.h>

#include "analysis/analysis.h"

/* ---- names.c: what we are called ----------------------------------------------------------------
 */

/* The name to show in messages: that of a tool whose place we take, if we were called by it. */
const char *names_shown(const char *argv0);
/* Whether the first word of a command line is one that says what to do ("doctor", "run"). A program
 * may be called so, and whoever called us by an old tool's name means that. */
bool names_is_word(const char *shown, const char *typed, const char *word);

/* ---- help.c -------------------------------------------------------------------------------------
 */

struct cli;

void help_write(struct out *out, const char *name, const struct options *options);
/* What the manual says more of something, for a screen: in lines, without the asterisks that make
 * words bold there. */
void help_more(struct out *out, const char *more);
/* What is said behind a complaint about the command line: the forms it can have, and where the rest
 * is. 1, the status to end with. */
int help_usage(const struct cli *cli);
void version_write(struct out *out);

/* ---- progress.c ---------------------------------------------------------------------------------
 */

/* One line at the bottom of a terminal, redrawn in place. Says nothing in the first second of the
 * program, and never where standard error is no terminal. */
struct progress_line {
    bool is_terminal, is_shown;
    int width;
    uint64_t started, drawn; /* milliseconds */
};

void progress_start(struct progress_line *line);
struct progress progress_of(struct progress_line *line);
void progress_erase(struct progress_line *line);

/* Whether it is time to draw. */
bool progress_is_due(const struct progress_line *line, uint64_t now);

/* ---- temps.c ------------------------------------------------------------------------------------
 */

/* Files that are ours to remove, whatever way we end. */
struct temps {
    char **paths;
    uint32_t n, cap;
};

const char *temps_folder(void); /* $TMPDIR or /tmp */

/* Creates a file there that others cannot read, with a name that cannot be guessed and
 * ends in "." and the extension. `path` is borrowed until it is removed or forgotten. */
bool temps_open(struct temps *temps, const char *extension, int *fd, const char **path,
                struct error *err) CHECKED;
void temps_note(struct temps *temps, const char *path);
void temps_forget(struct temps *temps, const char *path); /* it stays, or somebody else saw to it */
void temps_remove(struct temps *temps, const char *path);
void temps_remove_all(struct temps *temps);
/* Leaves all of them to a process that removes them in a while: for programs that hand a file to
 * another one, which may not have read it when they end. */
void temps_remove_later(struct temps *temps);
void temps_unlink(const struct temps *temps); /* all; nothing else, so that a handler may call it */
void temps_free(struct temps *temps);

/* ---- talk.c -------------------------------------------------------------------------------------
 */

/* One run of the program. */
struct cli {
    const char *name; /* in the usage text */
    struct analysis *analysis;
    const char *const *names; /* files on the command line */
    uint32_t n_names;
    struct progress_line progress;
    struct temps temps;
    bool is_worker; /* this is the process that reads: files are another's to name and show */
};

/* One line on standard error. Texts that came from files or arguments do not get to drive the
 * terminal. */
void talk_say(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
int talk_fail(struct cli *cli, const struct error *err); /* 1 */
const char *talk_signal(int signal);                     /* what a signal means: "Killed" */

/* ---- harvest.c ----------------------------------------------------------------------------------
 */

/* How much there is in a profile; 0: it has no samples. */
typedef double harvest_weigh(struct span bytes);
harvest_weigh harvest_cpu, harvest_heap;

/* What a run left. Starts zeroed; the first four are for the caller to set. */
struct harvest {
    char *folder, *name;   /* of the profile; processes that the program starts add "_PID". Owned */
    struct timespec since; /* files that were written earlier are of another run */
    harvest_weigh *weigh;
    struct harvest_profile {
        char *path, *program;
        double weight;
    } * profiles; /* those that have samples, by program; of one process: the fullest */
    uint32_t n, cap;
};

void harvest_collect(struct harvest *harvest);
void harvest_remove(const struct harvest *harvest); /* all files of the run */
void harvest_free(struct harvest *harvest);

/* ---- runner.c: cprof run ------------------------------------------------------------------------
 */

/* For help and completion. Ends with a row of zeroes. */
struct runner_option {
    const char *name, *arg, *help; /* arg: what stands for its value; NULL: it takes none */
};
extern const struct runner_option runner_options[];

/* `words` is what follows "run", and ends with NULL. To be called before anything watches signals:
 * the program gets those that come meanwhile. The exit status. */
int runner_main(struct cli *cli, char **words);

/* ---- doctor.c -----------------------------------------------------------------------------------
 */

/* Behind a report: names the doctor where many samples have no name. */
void doctor_hint(struct cli *cli);

/* ---- arguments.c --------------------------------------------------------------------------------
 */

/* Loads what the arguments name, in the order in which pprof reads profiles. */
bool arguments_load(struct analysis *analysis, const char *const *names, uint32_t n,
                    struct error *err) CHECKED;

/* ---- worker.c: the process that reads
 * -------------------------------------------------------------
 */

/* A report, and where it goes. */
struct task {
    const struct settings *settings;
    const struct emitter *emitter; /* NULL: as the settings have it */
    int out, heading;              /* descriptors; heading 0: none */
    const char *name;              /* of the output, in messages */
};

bool task_write(struct cli *cli, const struct task *task); /* says why not */

/* Limits, sandbox, and what the arguments name, all in this process; false: it was said why not. */
bool worker_load(struct cli *cli, bool may_fork);
/* As fork: the child forgets what is not its own to end. */
pid_t worker_fork(struct cli *cli);
int worker_wait(struct cli *cli, pid_t pid); /* its exit status */
/* All tasks, in a process of their own: an exit status, and how many were written. It returns there
 * as well, and cli->is_worker tells which one it is. */
int worker_run(struct cli *cli, const struct task *tasks, uint32_t n, uint32_t *n_written);

/* ---- outputs.c: -o FILE -------------------------------------------------------------------------
 */

/* What a file of this name gets: by its ending; text where it has none. NULL: no output has such an
 * ending. */
const struct emitter *outputs_by_name(const char *path);
/* Whether all files of --output can be written in some format, before anything is read. */
bool outputs_check(const struct settings *settings, struct error *err) CHECKED;
int outputs_write(struct cli *cli); /* an exit status */

/* ---- viewers.c ----------------------------------------------------------------------------------
 */

struct viewer {
    const char *name;
    const char *emitter; /* what it shows */
    const char *help, *more;
    bool is_option;   /* else a command of the prompt only */
    bool is_classic;  /* see struct option */
    bool has_heading; /* at the prompt, as the Perl tool had it */
    bool hands_over;  /* its program may end before the file was read */
    /* Says what is about to be shown, at once: programs run beside the prompt. NULL: nothing. */
    void (*announce)(struct cli *cli, const char *path);
    /* Runs the program and waits for it. */
    bool (*show)(struct cli *cli, const struct viewer *viewer, const char *path, struct error *err);
    const char *const *programs; /* tried in this order, until one ends with 0 */
};

extern const struct viewer viewers[]; /* ends with a row without a name */

const struct viewer *viewer_find(struct span name); /* NULL: none, or its emitter is not built in */

/* Options of the command line that are no outputs of the library: --interactive and the viewers.
 * Their bits in settings.modes: 1 for --interactive, 2 << i for viewers[i]. */
#define MODES_MAX        16
#define MODE_INTERACTIVE 0
uint32_t modes_list(struct option rows[MODES_MAX]);
const struct viewer *modes_viewer(const struct settings *settings); /* NULL: none was chosen */

/* Writes the report to a file of its own, and shows it. An exit status. */
int viewer_run(struct cli *cli, const struct viewer *viewer);

/* ---- command.c: a line at the prompt ------------------------------------------------------------
 */

enum command_kind {
    COMMAND_NOTHING,
    COMMAND_UNKNOWN,
    COMMAND_WRONG, /* `why` says what is wrong */
    COMMAND_QUIT,
    COMMAND_HELP,    /* on `name`, if it is not empty */
    COMMAND_OPTIONS, /* list them */
    COMMAND_SET,     /* option `name` to `value`; value.p NULL: on */
    COMMAND_SHOW,    /* option `name` */
    COMMAND_REPORT,  /* by `emitter`: to `file`, to `programs`, or to standard output */
    COMMAND_VIEW,    /* by `viewer` */
};

struct command {
    enum command_kind kind;
    const struct emitter *emitter; /* of reports and views */
    const struct viewer *viewer;
    struct span name, value;
    const char *why;
    const char *expression, *ignore;    /* several joined by "|"; NULL: none */
    const char *unused;                 /* an expression that the command has no use for; NULL */
    const char *file;                   /* NULL: none was said */
    const char *const *const *programs; /* argument lists, NULL-terminated; NULL: none */
    int64_t rows;                       /* the number behind the name; -1: none */
    bool cum;
    bool has_grain;
    enum granularity_kind grain;
};

/* The texts are the arena's or the line's. */
struct command command_parse(const struct options *options, struct span line, struct arena *arena);

/* Words of the prompt that are no outputs, viewers or options. */
struct prompt_word {
    const char *name, *arg, *help;
    enum command_kind kind;
};
extern const struct prompt_word prompt_words[]; /* ends with a row without a name */

bool option_is_for_prompt(const struct option *option);
bool emitter_is_for_prompt(const struct emitter *emitter);

/* ---- complete.c ---------------------------------------------------------------------------------
 */

/* What may stand in place of line[from..]: sorted, each once. */
struct completion {
    size_t from;
    const char **list;
    uint32_t n;
    bool is_open; /* something is to follow at once: no space behind it */
};

struct completion complete_line(const struct options *options, const struct name_list *names,
                                struct span line, struct arena *arena);
size_t complete_common(const struct completion *completion); /* bytes that all of them begin with */

/* ---- prompt_help.c ------------------------------------------------------------------------------
 */

void prompt_help(struct out *out);
/* False: there is nothing of that name. */
bool prompt_help_on(struct out *out, const struct options *options, struct span name) CHECKED;
void prompt_options(struct out *out, const struct options *options,
                    const struct settings *settings);

/* ---- signals.c ----------------------------------------------------------------------------------
 */

/* Signals that wait to be asked for, in place of handlers. */
struct signals {
    int fd; /* readable while there is one */
    sigset_t before;
};

bool signals_hold(struct signals *signals, struct error *err) CHECKED;
int signals_next(const struct signals *signals); /* 0: none */
bool signals_are_waiting(void); /* those that end things, and nobody has taken them yet */
bool signals_drop(const struct signals *signals, int signal); /* all; whether it was among them */
/* In a process of ours that runs nothing else: every signal does what it does by default. */
void signals_default(const struct signals *signals);
void signals_release(struct signals *signals);

/* ---- lines.c, editor.c: lines from a person or from a pipe --------------------------------------
 */

enum line_kind { LINE_GOT, LINE_END, LINE_INTERRUPTED /* by ^C */, LINE_ENDED /* by a signal */ };

/* Lines of standard input as they are. */
struct lines {
    const struct signals *signals;
    struct buf held; /* read and not yet given out */
    size_t given;    /* of it */
    bool is_at_end;
};

enum line_kind lines_next(struct lines *lines, struct span *line);
void lines_free(struct lines *lines);

/* Lines that are edited, with history and completion. */
struct editor;
struct editor *editor_open(const char *prompt, const struct signals *signals,
                           struct completion (*complete)(void *to, struct span line,
                                                         struct arena *arena),
                           void *to); /* NULL: no terminal, or no libedit */
enum line_kind editor_next(struct editor *editor,
                           struct span *line); /* valid until the next call */
void editor_close(struct editor *editor);      /* NULL is allowed */

/* ---- history.c ----------------------------------------------------------------------------------
 */

/* A file with one line a command in the person's state folder. Where that cannot be written there
 * is no history, and nobody is told. */
struct history {
    char *path; /* NULL: none */
};

void history_open(struct history *history, void (*add)(void *to, const char *line), void *to);
void history_add(struct history *history, struct span line);
void history_close(struct history *history);

/* ---- reporter.c: the prompt's other half, which holds what was read
 * --------------------------------------------------------------------
 */

struct reporter {
    struct cli *cli;
    pid_t pid;
    int line; /* between the two */
    bool is_gone;
};

/* Where the lines above a report go. */
enum heading { HEADING_NONE, HEADING_WITH_IT, HEADING_ON_SCREEN };

/* True where a prompt can begin. Else *status is for this process to end with: there was nothing to
 * read, or it is the reporter (cli->is_worker) and nobody asks any more. */
bool reporter_start(struct reporter *reporter, struct cli *cli, int *status);
/* Lines as they were typed. False: it was not done, and the person was told. */
bool reporter_set(struct reporter *reporter, struct span line);
bool reporter_prepare(struct reporter *reporter, struct span line);
bool reporter_write(struct reporter *reporter, struct span line, int fd, enum heading heading,
                    const char *name) CHECKED;
struct name_list reporter_names(struct reporter *reporter, struct arena *arena);
int reporter_end(struct reporter *reporter); /* its exit status */

/* ---- prompt.c -----------------------------------------------------------------------------------
 */

int prompt_run(struct cli *cli); /* the program's exit status */
