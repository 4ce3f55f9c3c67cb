/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The process that reads. It is started before the first byte of a file is looked at, gets the
 * descriptors that it is to write to, and gives up everything else: memory beyond the limit, other
 * programs, the network, files to write to. Whoever started it opens, renames and shows files, and
 * sees nothing of what is in the profiles. The invariant: a descriptor is written to by one process
 * at a time. */
#include "cli/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"

bool task_write(struct cli *cli, const struct task *task)
{
    struct error err = {0}, close_err = {0};
    struct out *out = out_to_fd(task->out, task->name);
    struct out *heading = task->heading == 0 ? NULL
                          : task->heading == task->out
                              ? out
                              : out_to_fd(task->heading, "standard output");
    bool is_fine =
        analysis_report_as(cli->analysis, task->settings, task->emitter, heading, out, &err);
    if (heading && heading != out && !out_close(heading, &close_err) && is_fine) {
        err = close_err;
        is_fine = false;
    }
    if (!out_close(out, &close_err) && is_fine) {
        err = close_err;
        is_fine = false;
    }
    progress_erase(&cli->progress);
    if (!is_fine)
        talk_fail(cli, &err);
    return is_fine;
}

/* ---- in it ---------------------------------------------------------------------------------- */

/* Whether we are in one now. */
static bool enter(struct cli *cli, bool may_fork, bool may_ask)
{
    struct error err;
    if (!analysis_settings(cli->analysis)->sandbox || !SANDBOX_WORKS)
        return false;
    const struct sandbox_options options = {
        .writable = analysis_folders(cli->analysis, cli->names, may_ask ? cli->n_names : 0),
        .may_fork = may_fork,
        .may_ask = may_ask,
    };
    /* Where a system has none, files are read all the same, and it is said. */
    if (!sandbox_enter(&options, &err)) {
        talk_say(cli, "There is no sandbox here: %s", err.text);
        return false;
    }
    if (!may_ask)
        analysis_leave_servers(cli->analysis);
    return true;
}

static int fail_to_load(struct cli *cli, const struct error *err)
{
    const char *clash = analysis_clash(cli->analysis);
    if (clash) { /* the words of the old tool, for scripts that look for them */
        talk_say(cli, "FATAL ERROR: Symbolized profile");
        talk_say(cli, "   %s", clash);
        talk_say(cli, "cannot be used with a binary arg. Try again without passing");
        talk_say(cli, "   %s", analysis_program(cli->analysis));
        return 1;
    }
    talk_fail(cli, err);
    return err->kind == ERROR_USAGE ? help_usage(cli) : 1;
}

/* How to look at the same once more, without the servers. */
static void tell_fetched(struct cli *cli)
{
    const struct texts *fetched = analysis_fetched(cli->analysis);
    const char *program = analysis_program(cli->analysis);
    if (fetched->n == 0)
        return;
    if (!program)
        program = analysis_server_program(cli->analysis);
    talk_say(cli, "If you want to investigate this profile further, you can do:");
    talk_say(cli, "%s", "");
    talk_say(cli, "  %s \\", cli->name);
    talk_say(cli, "    %s \\", program ? program : "PROGRAM");
    for (uint32_t i = 0; i < fetched->n; i++)
        talk_say(cli, "    %s%s", fetched->list[i], i + 1 < fetched->n ? " \\" : "");
    talk_say(cli, "%s", "");
}

bool worker_load(struct cli *cli, bool may_fork)
{
    struct error err = {0};
    struct analysis *analysis = cli->analysis;
    const bool asks = analysis_needs_network(analysis, cli->names, cli->n_names);
    if (!limits_hold_memory((uint64_t)analysis_settings(analysis)->max_memory, &err)) {
        (void)talk_fail(cli, &err);
        return false;
    }
    const bool is_inside = enter(cli, may_fork, asks);
    if (!arguments_load(analysis, cli->names, cli->n_names, &err)) {
        (void)fail_to_load(cli, &err);
        return false;
    }
    tell_fetched(cli);
    if (!asks)
        return true;
    /* Servers are asked for profiles, names and debug files: the network is given up behind that.
     */
    const bool is_prepared = analysis_prepare(analysis, &err);
    if (!is_prepared)
        (void)talk_fail(cli, &err);
    else if (is_inside)
        (void)enter(cli, may_fork, false);
    return is_prepared;
}

/* The exit status behind a report. */
static int judge(struct cli *cli)
{
    doctor_hint(cli);
    return analysis_is_ill(cli->analysis) ? 1 : 0;
}

static int work(struct cli *cli, const struct task *tasks, uint32_t n, uint32_t *n_written)
{
    if (!worker_load(cli, false))
        return 1;
    for (; *n_written < n; ++*n_written) {
        if (!task_write(cli, &tasks[*n_written]))
            return 1;
    }
    return judge(cli);
}

/* ---- beside it ------------------------------------------------------------------------------ */

pid_t worker_fork(struct cli *cli)
{
    const pid_t parent = getpid();
    (void)fflush(NULL);
    const pid_t pid = fork();
    if (pid != 0)
        return pid;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)signal(signals[i], SIG_DFL);
    }
    /* Nobody is there to read what it writes, or to tidy up. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    temps_free(&cli->temps); /* they are its parent's */
    return 0;
}

int worker_wait(struct cli *cli, pid_t pid)
{
    int how = 0;
    while (waitpid(pid, &how, 0) < 0) {
        struct error err;
        if (errno != EINTR) {
            (void)error_system(&err, errno, "waiting for the process that reads");
            return talk_fail(cli, &err);
        }
    }
    if (!WIFSIGNALED(how))
        return WEXITSTATUS(how);
    const int signal = WTERMSIG(how);
    if (signal == SIGPIPE) /* who reads only the head of a report ends us quietly */
        (void)raise(SIGPIPE);
    talk_say(cli, "reading was ended by signal %d (%s)", signal, talk_signal(signal));
    return 1;
}

int worker_run(struct cli *cli, const struct task *tasks, uint32_t n, uint32_t *n_written)
{
    struct error err;
    /* Where both see it. */
    uint32_t *written =
        mmap(NULL, sizeof *written, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const pid_t pid = written == MAP_FAILED ? -1 : worker_fork(cli);
    if (pid < 0) {
        (void)error_system(&err, errno, "starting to read");
        return talk_fail(cli, &err);
    }
    const int status = pid ? worker_wait(cli, pid) : work(cli, tasks, n, written);
    *n_written = *written;
    cli->is_worker = pid == 0;
    (void)munmap(written, sizeof *written);
    return status;
}
