/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Asks another program for the names of addresses: the one that PPROF_PATH names, or our own cprof
 * where it is found beside this library. It gets the list of mapped objects and the addresses on
 * its standard input and answers a line for each. It is started in a way that runs none of the
 * program's fork handlers, since we hold locks. */
#include "heapcheck/internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"
#include "base/message.h"
#include "base/pages.h"
#include "base/syscall.h"

enum {
    STACK_SIZE = 64 << 10,
    PATIENCE_MS = 300 * 1000, /* it may have to fetch debug information */
    ANSWER_LONGEST = 4096,    /* an address, on average */
    PATH_ROOM = 4096,
};

/* From the folder of this library: where both are installed, and where they are built. */
static const char *const places[] = {"../../bin/cprof", "../../src/cli/cprof"};

/* ---- addresses --------------------------------------------------------------------------------
 */

static int by_pc(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    return x->pc < y->pc ? -1 : x->pc > y->pc;
}

bool symbols_collect(struct symbols *symbols, const struct leaks *leaks, size_t n)
{
    const struct site *site = leaks->sites.p;
    for (size_t i = 0; i < n; i++, site++) {
        size_t depth;
        const uintptr_t *pcs = stack_pcs(site->stack, &depth);
        for (size_t k = 0; k < depth; k++) {
            struct symbol *symbol = pile_next(&symbols->list, sizeof *symbol);
            if (!symbol)
                return false;
            *symbol = (struct symbol){pcs[k], NULL};
            symbols->list.n++;
        }
    }
    struct symbol *list = symbols->list.p;
    sort_items(list, symbols->list.n, sizeof *list, by_pc);
    size_t kept = 0;
    for (size_t i = 0; i < symbols->list.n; i++) {
        if (kept == 0 || list[kept - 1].pc != list[i].pc)
            list[kept++] = list[i];
    }
    symbols->list.n = kept;
    return true;
}

const char *symbols_text(const struct symbols *symbols, uintptr_t pc)
{
    const struct symbol *list = symbols->list.p;
    size_t low = 0, high = symbols->list.n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (list[middle].pc < pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low < symbols->list.n && list[low].pc == pc && list[low].text ? list[low].text : "";
}

void symbols_free(struct symbols *symbols)
{
    pile_free(&symbols->list);
    if (symbols->answer)
        pages_unmap(symbols->answer, symbols->answer_room);
    *symbols = (struct symbols){0};
}

/* ---- which program ----------------------------------------------------------------------------
 */

const char *program_path(void)
{
    static char path[PATH_ROOM];
    if (strchr(program_invocation_name, '/') && access(program_invocation_name, R_OK) == 0)
        return program_invocation_name;
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return access(path, R_OK) == 0 ? path : program_invocation_name;
}

struct command {
    char path[PATH_ROOM];
    const char *words[5];
    uintptr_t less; /* than an address to return to: our own is asked where the call is */
};

static bool is_beside(char *path, const char *folder, size_t n, const char *place)
{
    (void)text_print(path, PATH_ROOM, "%.*s/%s", (int)n, folder, place);
    return access(path, X_OK) == 0;
}

static bool find_own(struct command *command)
{
    static const char here;
    Dl_info info;
    if (!dladdr(&here, &info) || !info.dli_fname)
        return false;
    const char *slash = strrchr(info.dli_fname, '/');
    const size_t n = slash ? (size_t)(slash - info.dli_fname) : 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (n > 0 && is_beside(command->path, info.dli_fname, n, places[i]))
            return true;
    }
    return false;
}

static bool find_command(struct command *command)
{
    const char *asked = env_get("PPROF_PATH");
    if (env_is_untrusted())
        return false;
    size_t n = 1;
    command->less = 0;
    if (asked) {
        (void)text_print(command->path, PATH_ROOM, "%s", asked);
        command->words[n++] = "--symbols";
        if (access(asked, R_OK) != 0)
            return false;
    } else {
        if (!find_own(command))
            return false;
        command->words[n++] = "--symbols";
        command->words[n++] = "--lines";
        command->less = 1;
    }
    command->words[0] = command->path;
    command->words[n++] = program_path();
    command->words[n] = NULL;
    return true;
}

/* ---- running it -------------------------------------------------------------------------------
 */

struct child {
    const struct command *command;
    const char *const *environment;
    int in, out; /* its ends */
    volatile long error;
};

/* The child shares our memory until it is another program. */
static int become(void *to)
{
    struct child *child = to;
    const uint64_t none = 0;
    (void)sys_call(SYS_dup3, child->in, 0, 0, 0, 0, 0);
    (void)sys_call(SYS_dup3, child->out, 1, 0, 0, 0, 0);
    (void)sys_call(SYS_close_range, 3, ~0U, 0, 0, 0, 0);
    (void)sys_sigprocmask(SIG_SETMASK, &none, NULL);
    child->error = sys_call(SYS_execve, (long)child->command->path, (long)child->command->words,
                            (long)child->environment, 0, 0, 0);
    return 127;
}

/* What is about the program that was checked. Nor is the allocator preloaded once more. */
static bool is_dropped(const char *pair)
{
    static const char *const names[] = {
        "CPUPROFILE=", "HEAPPROFILE=", "HEAPCHECK=", "PERFTOOLS_VERBOSE=", "LD_PRELOAD="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(pair, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static bool copy_environment(struct pile *to)
{
    for (char **pair = environ; pair && *pair; pair++) {
        const char **next = is_dropped(*pair) ? NULL : pile_next(to, sizeof *next);
        if (next) {
            *next = *pair;
            to->n++;
        }
    }
    const char **end = pile_next(to, sizeof *end);
    if (end)
        *end = NULL;
    return end != NULL;
}

static pid_t start(struct child *child)
{
    struct pile environment = {0};
    char *stack = pages_map(NULL, STACK_SIZE, SYSTEM_PAGE);
    pid_t pid = -1;
    if (stack && copy_environment(&environment)) {
        child->environment = environment.p;
        pid = clone(become, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, child);
    }
    if (stack)
        pages_unmap(stack, STACK_SIZE);
    pile_free(&environment);
    return pid;
}

/* Both ends above standard error, whatever the program has closed. */
static bool make_pair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        if (ends[i] > 2)
            continue;
        const int low = ends[i];
        ends[i] = sys_fcntl(low, F_DUPFD_CLOEXEC, 3);
        (void)sys_close(low);
    }
    return ends[0] > 2 && ends[1] > 2;
}

/* ---- talking ----------------------------------------------------------------------------------
 */

static void put(void *to, const char *piece, size_t n)
{
    struct pile *text = to;
    for (size_t i = 0; i < n; i++) {
        char *next = pile_next(text, 1);
        if (!next)
            return;
        *next = piece[i];
        text->n++;
    }
}

static void write_question(struct pile *text, const struct symbols *symbols, uintptr_t less)
{
    static struct maps_reader reader;
    const struct text_sink sink = {put, text};
    const struct symbol *list = symbols->list.p;
    (void)maps_write(&reader, -1, &sink);
    for (size_t i = 0; i < symbols->list.n; i++)
        text_format(&sink, "0x%lx\n", list[i].pc - less);
}

/* Says all and hears all at once, since neither side need wait for the other. The length of the
 * answer; 0: there is none. */
static size_t talk(int *to, int from, const struct pile *question, char *answer, size_t room)
{
    size_t said = 0, heard = 0;
    for (;;) {
        struct pollfd ends[] = {{.fd = from, .events = POLLIN}, {.fd = *to, .events = POLLOUT}};
        const int ready = poll(ends, *to >= 0 ? 2 : 1, PATIENCE_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return 0;
        if (*to >= 0 && ends[1].revents) {
            const ssize_t n = send(*to, (const char *)question->p + said, question->n - said,
                                   MSG_NOSIGNAL | MSG_DONTWAIT);
            said += n > 0 ? (size_t)n : 0;
            if (said == question->n || (n < 0 && errno != EAGAIN && errno != EINTR)) {
                (void)sys_close(*to);
                *to = -1;
            }
        }
        if (ends[0].revents) {
            const ssize_t n = recv(from, answer + heard, room - heard, MSG_DONTWAIT);
            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || heard == room)
                return heard;
            heard += n > 0 ? (size_t)n : 0;
        }
    }
}

/* A line each, in their order; inlined calls are parts of a line. */
static void take_answer(struct symbols *symbols, size_t n)
{
    struct symbol *list = symbols->list.p;
    char *at = symbols->answer, *const end = at + n;
    for (size_t i = 0; i < symbols->list.n && at < end; i++) {
        char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end)
            return;
        *line_end = '\0';
        for (char *tab = at; (tab = strchr(tab, '\t'));)
            *tab = '\n';
        if (strcmp(at, "??") != 0 && strncmp(at, "0x", 2) != 0)
            list[i].text = at;
        at = line_end + 1;
    }
}

static void wait_for(pid_t pid, bool is_heard)
{
    int status;
    if (!is_heard)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
}

static const char *talk_with(const struct command *command, struct symbols *symbols, int in[2],
                             int out[2])
{
    struct child child = {.command = command, .in = in[0], .out = out[1]};
    const pid_t pid = start(&child);
    if (pid < 0)
        return "Unknown error calling fork()";
    (void)sys_close(in[0]);
    (void)sys_close(out[1]);
    in[0] = out[1] = -1;
    if (child.error) {
        wait_for(pid, true);
        return "Cannot run 'pprof' (is PPROF_PATH set correctly?)";
    }
    struct pile question = {0};
    write_question(&question, symbols, command->less);
    symbols->answer_room = (symbols->list.n + 1) * ANSWER_LONGEST;
    symbols->answer = pages_map(NULL, symbols->answer_room, SYSTEM_PAGE);
    const size_t n =
        symbols->answer ? talk(&in[1], out[0], &question, symbols->answer, symbols->answer_room - 1)
                        : 0;
    pile_free(&question);
    wait_for(pid, n > 0);
    if (n == 0 || symbols->answer[n - 1] != '\n')
        return "Cannot read data from pprof";
    take_answer(symbols, n);
    return NULL;
}

static const char *ask(struct symbols *symbols)
{
    struct command command;
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    if (!program_invocation_name || !*program_invocation_name)
        return "Cannot figure out the name of this executable (argv0)";
    if (!find_command(&command))
        return "Cannot find 'pprof' (is PPROF_PATH set correctly?)";
    const char *wrong = make_pair(in) && make_pair(out) ? talk_with(&command, symbols, in, out)
                                                        : "Cannot create a socket pair";
    for (int i = 0; i < 2; i++) {
        if (in[i] >= 0)
            (void)sys_close(in[i]);
        if (out[i] >= 0)
            (void)sys_close(out[i]);
    }
    return wrong;
}

bool symbols_ask(struct symbols *symbols, bool is_quiet)
{
    const char *wrong = ask(symbols);
    if (wrong && !is_quiet)
        message_say(MESSAGE_ERROR,
                    "*** WARNING: Cannot convert addresses to symbols in output below.\n"
                    "*** Reason: %s\n"
                    "*** If you cannot fix this, try running pprof directly.",
                    wrong);
    return !wrong;
}
