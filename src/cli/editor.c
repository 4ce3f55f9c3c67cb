/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lines with editing, history and completion, by libedit. The library is opened when a prompt
 * starts and not with the program, so that reports do not pay for it. The invariant: signals are
 * read and not handled (signals.c), so the terminal is put right before anything happens. */
#include "cli/internal.h"

#ifdef WITH_EDIT

#include <dlfcn.h>
#include <errno.h>
#include <histedit.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_SIZE 1000
#define MOST_SHOWN   200 /* completions: beyond that a number says more */

struct editor {
    void *library;
    struct {
        __typeof__(&el_init) init;
        __typeof__(&el_end) end;
        __typeof__(&el_gets) gets;
        __typeof__(&el_set) set;
        __typeof__(&el_wset) set_wide;
        __typeof__(&el_get) get;
        __typeof__(&el_source) source;
        __typeof__(&el_resize) resize;
        __typeof__(&el_line) line;
        __typeof__(&el_insertstr) insert;
        __typeof__(&el_deletestr) erase;
        __typeof__(&history_init) history_init;
        __typeof__(&history_end) history_end;
        __typeof__(&history) history;
    } call;
    EditLine *edit;
    History *past;
    struct history file;
    const char *prompt;
    const struct signals *signals;
    enum line_kind why; /* reading ended without a line */
    struct completion (*complete)(void *to, struct span line, struct arena *arena);
    void *to;
};

static bool find_call(void *library, const char *name, void *to)
{
    void *found = dlsym(library, name);
    memcpy(to, &found, sizeof found); /* an object pointer becomes one to a function */
    return found != NULL;
}

static bool find_calls(struct editor *e)
{
    static const char *const names[] = {"libedit.so.2", "libedit.so.0", "libedit.so"};
    for (size_t i = 0; i < COUNT_OF(names) && !e->library; i++)
        e->library = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
    return e->library && find_call(e->library, "el_init", &e->call.init) &&
           find_call(e->library, "el_end", &e->call.end) &&
           find_call(e->library, "el_gets", &e->call.gets) &&
           find_call(e->library, "el_set", &e->call.set) &&
           find_call(e->library, "el_wset", &e->call.set_wide) &&
           find_call(e->library, "el_get", &e->call.get) &&
           find_call(e->library, "el_source", &e->call.source) &&
           find_call(e->library, "el_resize", &e->call.resize) &&
           find_call(e->library, "el_line", &e->call.line) &&
           find_call(e->library, "el_insertstr", &e->call.insert) &&
           find_call(e->library, "el_deletestr", &e->call.erase) &&
           find_call(e->library, "history_init", &e->call.history_init) &&
           find_call(e->library, "history_end", &e->call.history_end) &&
           find_call(e->library, "history", &e->call.history);
}

/* The terminal is the shell's while we are stopped. */
static void stop(struct editor *e)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTSTP);
    (void)e->call.set(e->edit, EL_PREP_TERM, 0);
    (void)raise(SIGTSTP);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL); /* here we stop, and go on */
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)e->call.set(e->edit, EL_PREP_TERM, 1);
    e->call.resize(e->edit);
    (void)e->call.set(e->edit, EL_REFRESH);
}

/* Whether reading goes on. */
static bool follow_signals(struct editor *e)
{
    int signal;
    while ((signal = signals_next(e->signals)) != 0) {
        if (signal == SIGWINCH) {
            e->call.resize(e->edit);
        } else if (signal == SIGTSTP) {
            stop(e);
        } else {
            e->why = signal == SIGINT ? LINE_INTERRUPTED : LINE_ENDED;
            return false;
        }
    }
    return true;
}

/* Waits for one byte; as read() does. */
static ssize_t read_byte(struct editor *e, char *byte)
{
    for (;;) {
        struct pollfd wait[] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = e->signals->fd, .events = POLLIN},
        };
        if (poll(wait, 2, -1) < 0 && errno != EINTR)
            return -1;
        if (wait[1].revents && !follow_signals(e)) {
            errno = EINTR;
            return -1;
        }
        if (!wait[0].revents)
            continue;
        const ssize_t got = read(STDIN_FILENO, byte, 1);
        if (got >= 0 || errno != EINTR)
            return got;
    }
}

/* libedit hands its callbacks nothing but itself; what it keeps for us is asked for by a call that
 * has to be found first. */
static struct editor *editor_of(EditLine *edit)
{
    __typeof__(&el_get) get;
    struct editor *editor = NULL;
    if (!find_call(RTLD_DEFAULT, "el_get", &get) || get(edit, EL_CLIENTDATA, (void **)&editor) != 0)
        return NULL;
    return editor;
}

/* 1 with a character, 0 at the end, -1 with errno. */
static int read_character(EditLine *edit, wchar_t *to)
{
    struct editor *e = editor_of(edit);
    mbstate_t state = {0};
    if (!e)
        return 0;
    for (int n = 0; n < (int)MB_LEN_MAX; n++) {
        char byte;
        const ssize_t got = read_byte(e, &byte);
        if (got <= 0)
            return (int)got;
        const size_t used = mbrtowc(to, &byte, 1, &state);
        if (used == (size_t)-2) /* there is more of it to come */
            continue;
        if (used == (size_t)-1)
            *to = (wchar_t)(unsigned char)byte;
        return 1;
    }
    return 0;
}

static char *show_prompt(EditLine *edit)
{
    struct editor *e = editor_of(edit);
    return e ? (char *)e->prompt : ""; /* it is only read */
}

/* In columns, going down. */
static void show_list(const struct completion *c)
{
    struct winsize size = {0};
    size_t widest = 0;
    const size_t width =
        ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    const uint32_t n = c->n < MOST_SHOWN ? c->n : MOST_SHOWN;
    for (uint32_t i = 0; i < n; i++)
        widest = strlen(c->list[i]) > widest ? strlen(c->list[i]) : widest;
    const uint32_t columns = widest + 2 > width ? 1 : (uint32_t)(width / (widest + 2));
    const uint32_t rows = (n + columns - 1) / columns;
    (void)fputc('\n', stderr);
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = row; i < n; i += rows)
            (void)fprintf(stderr, "%-*s", i + rows < n ? (int)widest + 2 : 0, c->list[i]);
        (void)fputc('\n', stderr);
    }
    if (c->n > n)
        (void)fprintf(stderr, "and %u more\n", c->n - n);
    (void)fflush(stderr);
}

/* Replaces line[from..] by the beginning that all have, or shows what there is. */
static unsigned char complete(EditLine *edit, int key)
{
    (void)key;
    struct editor *e = editor_of(edit);
    if (!e)
        return CC_ERROR;
    const LineInfo *line = e->call.line(edit);
    const struct span typed = span_make(line->buffer, (size_t)(line->cursor - line->buffer));
    struct arena *arena = arena_new();
    const struct completion c = e->complete(e->to, typed, arena);
    unsigned char what = CC_ERROR;
    if (c.n > 0) {
        const size_t common = complete_common(&c);
        const struct span now = span_skip(typed, c.from), then = span_make(c.list[0], common);
        const bool is_begun = common >= now.n && span_equal(span_first(then, now.n), now);
        if (c.n == 1 || common > now.n) {
            const size_t kept = is_begun ? now.n : 0;
            if (now.n > kept)
                e->call.erase(edit, (int)(now.n - kept));
            const char *text = arena_printf(arena, "%.*s%s", (int)(common - kept), then.p + kept,
                                            c.n == 1 && !c.is_open ? " " : "");
            what = e->call.insert(edit, text) == 0 ? CC_REFRESH : CC_ERROR;
        } else {
            show_list(&c);
            what = CC_REDISPLAY;
        }
    }
    arena_free(arena);
    return what;
}

static void add_past(void *to, const char *line)
{
    struct editor *e = to;
    HistEvent event;
    (void)e->call.history(e->past, &event, H_ENTER, line);
}

static bool start(struct editor *e)
{
    HistEvent event;
    e->edit = e->call.init("cprof", stdin, stderr, stderr);
    e->past = e->call.history_init();
    if (!e->edit || !e->past)
        return false;
    (void)e->call.history(e->past, &event, H_SETSIZE, HISTORY_SIZE);
    (void)e->call.history(e->past, &event, H_SETUNIQUE, 1);
    (void)e->call.set(e->edit, EL_CLIENTDATA, (void *)e);
    (void)e->call.set(e->edit, EL_EDITOR, "emacs");
    (void)e->call.set(e->edit, EL_SIGNAL, 0);
    (void)e->call.set(e->edit, EL_PROMPT, show_prompt);
    (void)e->call.set(e->edit, EL_GETCFN, read_character);
    (void)e->call.set(e->edit, EL_HIST, e->call.history, e->past);
    /* By the wide call: the other one never frees the copies that it makes of the names. */
    (void)e->call.set_wide(e->edit, EL_ADDFN, L"cprof-complete", L"complete commands and names",
                           complete);
    (void)e->call.source(e->edit, NULL); /* the person's ~/.editrc */
    (void)e->call.set(e->edit, EL_BIND, "^I", "cprof-complete", NULL);
    (void)e->call.set(e->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    history_open(&e->file, add_past, e);
    return true;
}

struct editor *editor_open(const char *prompt, const struct signals *signals,
                           struct completion (*completer)(void *to, struct span line,
                                                          struct arena *arena),
                           void *to)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return NULL;
    struct editor *e = base_alloc(1, sizeof *e);
    e->prompt = prompt;
    e->signals = signals;
    e->complete = completer;
    e->to = to;
    /* How wide characters are is up to the person's locale; how numbers look is not. */
    (void)setlocale(LC_CTYPE, "");
    if (find_calls(e) && start(e))
        return e;
    editor_close(e);
    return NULL;
}

enum line_kind editor_next(struct editor *e, struct span *line)
{
    int n = 0;
    e->why = LINE_END;
    e->call.resize(e->edit);
    /* Before the prompt can be seen: what is typed as soon as it is there is for the editor too. */
    (void)e->call.set(e->edit, EL_PREP_TERM, 1);
    const char *text = e->call.gets(e->edit, &n);
    if (!text || n <= 0) {
        (void)fputc('\n', stderr);
        (void)fflush(stderr);
        return e->why;
    }
    *line = span_trim(span_make(text, (size_t)n));
    if (line->n) {
        struct buf copy = BUF_MAX((size_t)1 << 16);
        buf_add(&copy, *line);
        if (!copy.is_full) {
            add_past(e, buf_c(&copy));
            history_add(&e->file, *line);
        }
        buf_free(&copy);
    }
    return LINE_GOT;
}

void editor_close(struct editor *e)
{
    if (!e)
        return;
    if (e->past)
        e->call.history_end(e->past);
    if (e->edit)
        e->call.end(e->edit);
    history_close(&e->file);
    /* The library stays open: it is gone with the program, and what it left in the C library too.
     */
    base_free(e);
}

#else

struct editor *editor_open(const char *prompt, const struct signals *signals,
                           struct completion (*completer)(void *to, struct span line,
                                                          struct arena *arena),
                           void *to)
{
    (void)prompt, (void)signals, (void)completer, (void)to;
    return NULL;
}

enum line_kind editor_next(struct editor *e, struct span *line)
{
    (void)e, (void)line;
    return LINE_END;
}

void editor_close(struct editor *e)
{
    (void)e;
}

#endif
