/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The prompt's other half: a process in the sandbox that holds profile and symbols, made once, and
 * writes reports where it is told to. Each report is written by a process of its own, so that ^C
 * ends the report and not what it was made of, whatever library it is in just then. Here are both
 * ends of the line between the two. The invariant: both have heard the same lines that change
 * options, so that a command means the same to both, and each request has one answer.
 *
 *     request   kind, heading, sizes of line and name; the descriptor with it; line; name
 *     answer    one byte: 1, it was done; 0, it was not, and the person knows why */
#include "cli/internal.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum request_kind { REQUEST_SET, REQUEST_PREPARE, REQUEST_WRITE, REQUEST_NAMES };

struct request {
    uint32_t kind, heading, line_n, name_n;
};

/* ---- the line between them ------------------------------------------------------------------ */

static bool send_head(int line, const struct request *request, int fd)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)request, .iov_len = sizeof *request};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof fd)];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    ssize_t sent;
    do
        sent = sendmsg(line, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof *request;
}

static bool receive_head(int line, struct request *request, int *fd)
{
    struct iovec part = {.iov_base = request, .iov_len = sizeof *request};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof *fd)];
    } control = {0};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof control.room};
    ssize_t got;
    do
        got = recvmsg(line, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    while (got < 0 && errno == EINTR);
    const struct cmsghdr *head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    *fd = -1;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(head), sizeof *fd);
    return got == (ssize_t)sizeof *request;
}

static bool read_all(int line, void *to, size_t n)
{
    for (size_t done = 0; done < n;) {
        const ssize_t got = read(line, (char *)to + done, n - done);
        if (got > 0)
            done += (size_t)got;
        else if (got == 0 || errno != EINTR)
            return false;
    }
    return true;
}

/* ---- the half that writes reports ----------------------------------------------------------- */

struct writer {
    struct cli *cli;
    int line;
    struct signals signals;
    bool is_terminal; /* a person types */
};

/* What was stopped needs a line of its own for the next prompt, and no words. */
static void fail(struct writer *w, const struct error *err)
{
    progress_erase(&w->cli->progress);
    if (err->kind != ERROR_STOPPED)
        talk_fail(w->cli, err);
    else if (w->is_terminal)
        (void)fputc('\n', stderr);
}

/* Waits; true if it ended with 0. */
static bool wait_for(struct writer *w, pid_t pid)
{
    int how = 0;
    while (waitpid(pid, &how, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    if (!WIFSIGNALED(how))
        return WEXITSTATUS(how) == 0;
    w->cli->progress.is_shown = w->is_terminal; /* what it left on the line is not seen from here */
    progress_erase(&w->cli->progress);
    const int signal = WTERMSIG(how);
    if (signal == SIGINT && w->is_terminal)
        (void)fputc('\n', stderr);
    else if (signal != SIGINT && signal != SIGPIPE) /* nobody wanted the rest */
        talk_say(w->cli, "the report was ended by signal %d (%s)", signal, talk_signal(signal));
    return false;
}

static bool write_apart(struct writer *w, const struct task *task)
{
    (void)fflush(stderr);
    progress_start(&w->cli->progress);
    const pid_t pid = fork();
    if (pid == 0) {
        signals_default(&w->signals);
        (void)close(w->line);
        _exit(task_write(w->cli, task) ? 0 : 1);
    }
    if (pid < 0) {
        talk_say(w->cli, "starting a report: %s", strerror(errno));
        return false;
    }
    return wait_for(w, pid);
}

static void set_text(char **text, const char *value)
{
    base_free(*text);
    *text = base_copy(value);
}

/* The settings as this command alone has them. */
static void settings_for(const struct command *command, struct settings *settings)
{
    settings->cum |= command->cum;
    if (command->has_grain) {
        settings->grains = (uint64_t)1 << command->grain;
        set_text(&settings->granularity, NULL);
    }
    if (command->rows >= 0 && span_is(span_of(command->emitter->name), "text")) {
        settings->max_rows = command->rows;
    } else if (command->rows >= 0) {
        settings->nodecount = command->rows;
        settings->has_nodecount = true;
    }
    set_text(command->emitter->arg ? &settings->expression : &settings->then_focus,
             command->expression);
    set_text(&settings->then_ignore, command->ignore);
}

/* In this process and not in the report's: what it takes long to make is kept. */
static bool prepare(struct writer *w, const struct command *command,
                    const struct settings *settings)
{
    struct error err = {0};
    if (!analysis_prepare(w->cli->analysis, &err)) {
        fail(w, &err);
        return false;
    }
    analysis_prepare_for(w->cli->analysis, settings, command->emitter);
    return true;
}

static bool write_names(struct writer *w, int fd)
{
    struct arena *arena = arena_new();
    const struct name_list names = analysis_names(w->cli->analysis, arena);
    struct out *out = out_to_fd(fd, "names");
    for (uint32_t i = 0; i < names.n; i++)
        out_printf(out, "%s\n", names.list[i]);
    arena_free(arena);
    return out_close(out, NULL);
}

static bool answer(struct writer *w, const struct request *request, const char *line,
                   const char *name, int fd)
{
    struct analysis *analysis = w->cli->analysis;
    if (request->kind == REQUEST_NAMES)
        return write_names(w, fd);
    struct arena *arena = arena_new();
    const struct command command =
        command_parse(analysis_options(analysis), span_make(line, request->line_n), arena);
    bool is_fine = false;
    if (command.kind == COMMAND_SET) {
        is_fine = options_change(analysis_options(analysis), command.name, command.value,
                                 analysis_settings(analysis), NULL) &&
                  analysis_filters(analysis, NULL);
    } else if (command.kind == COMMAND_REPORT || command.kind == COMMAND_VIEW) {
        struct settings settings;
        settings_copy(&settings, analysis_settings(analysis));
        settings_for(&command, &settings);
        const struct task task = {
            .settings = &settings,
            .emitter = command.emitter,
            .out = fd,
            .heading = request->heading == HEADING_WITH_IT     ? fd
                       : request->heading == HEADING_ON_SCREEN ? STDOUT_FILENO
                                                               : 0,
            .name = name,
        };
        is_fine = prepare(w, &command, &settings) &&
                  (request->kind == REQUEST_PREPARE || write_apart(w, &task));
        settings_free(&settings);
    }
    arena_free(arena);
    return is_fine;
}

/* False: nobody asks any more. */
static bool serve(struct writer *w)
{
    struct request request;
    int fd;
    if (!receive_head(w->line, &request, &fd))
        return false;
    char *line = base_alloc((size_t)request.line_n + 1, 1);
    char *name = base_alloc((size_t)request.name_n + 1, 1);
    bool is_whole =
        read_all(w->line, line, request.line_n) && read_all(w->line, name, request.name_n);
    if (is_whole) {
        (void)signals_drop(&w->signals, SIGINT); /* what was typed at the prompt is not for us */
        const char done = answer(w, &request, line, name, fd);
        is_whole = fd_write(w->line, span_make(&done, 1));
    }
    fd_close(&fd);
    base_free(line);
    base_free(name);
    return is_whole;
}

/* Memory that loading gave back would be copied page by page when the process of a report writes to
 * it; fresh pages are only cleared. A command on 10^5 stacks took 117 ms of processor time, and 77
 * ms with this. */
static void give_back_memory(void)
{
    (void)malloc_trim(0);
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 18);
}

static int run(struct cli *cli, int line)
{
    static const char ready = 1;
    struct error err = {0};
    struct writer w = {.cli = cli, .line = line, .is_terminal = isatty(STDIN_FILENO)};
    if (!worker_load(cli, true))
        return 1;
    if (!analysis_prepare(cli->analysis, &err) || !signals_hold(&w.signals, &err))
        return talk_fail(cli, &err);
    doctor_hint(cli);
    progress_erase(&cli->progress);
    give_back_memory();
    if (fd_write(line, span_make(&ready, 1))) {
        while (serve(&w))
            ;
    }
    signals_release(&w.signals);
    return 0;
}

/* ---- the half that asks --------------------------------------------------------------------- */

bool reporter_start(struct reporter *reporter, struct cli *cli, int *status)
{
    struct error err;
    int ends[2];
    *reporter = (struct reporter){.cli = cli, .line = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
        reporter->pid = worker_fork(cli);
        const int mine = reporter->pid == 0, other = ends[!mine];
        (void)close(other);
        reporter->line = ends[mine];
    }
    if (reporter->line < 0 || reporter->pid < 0) {
        (void)error_system(&err, errno, "starting to read");
        *status = talk_fail(cli, &err);
        fd_close(&reporter->line);
        return false;
    }
    cli->is_worker = reporter->pid == 0;
    if (cli->is_worker) {
        *status = run(cli, reporter->line);
        fd_close(&reporter->line);
        return false;
    }
    char ready;
    if (read_all(reporter->line, &ready, 1))
        return true;
    *status = reporter_end(reporter);
    return false;
}

/* Whether it was done. A reporter that has ended is noticed here, once. */
static bool ask(struct reporter *reporter, enum request_kind kind, struct span line, int fd,
                enum heading heading, const char *name)
{
    char done = 0;
    const struct span second = span_of(name);
    const struct request request = {
        .kind = kind,
        .heading = heading,
        .line_n = (uint32_t)line.n,
        .name_n = (uint32_t)second.n,
    };
    (void)fflush(stderr);
    if (send_head(reporter->line, &request, fd) && fd_write(reporter->line, line) &&
        fd_write(reporter->line, second) && read_all(reporter->line, &done, 1))
        return done;
    reporter->is_gone = true;
    return false;
}

bool reporter_set(struct reporter *reporter, struct span line)
{
    return ask(reporter, REQUEST_SET, line, -1, HEADING_NONE, "");
}

bool reporter_prepare(struct reporter *reporter, struct span line)
{
    return ask(reporter, REQUEST_PREPARE, line, -1, HEADING_NONE, "");
}

bool reporter_write(struct reporter *reporter, struct span line, int fd, enum heading heading,
                    const char *name)
{
    return ask(reporter, REQUEST_WRITE, line, fd, heading, name);
}

struct name_list reporter_names(struct reporter *reporter, struct arena *arena)
{
    struct name_list names = {0};
    struct file file CLEANUP(file_close) = {0};
    CLEANUP(fd_close) int fd = memfd_create("names", MFD_CLOEXEC);
    if (fd < 0 || !ask(reporter, REQUEST_NAMES, span_of(""), fd, HEADING_NONE, "") ||
        lseek(fd, 0, SEEK_SET) != 0 || !file_read_fd(&file, fd, "names", UINT64_MAX, NULL))
        return names;
    struct span rest = file.bytes, line;
    uint32_t n = 0;
    while (span_line(&rest, &line))
        n++;
    names.list = arena_alloc(arena, (size_t)n + 1, sizeof *names.list);
    rest = file.bytes;
    while (names.n < n && span_line(&rest, &line))
        names.list[names.n++] = arena_text(arena, line);
    return names;
}

int reporter_end(struct reporter *reporter)
{
    fd_close(&reporter->line);
    return worker_wait(reporter->cli, reporter->pid);
}
