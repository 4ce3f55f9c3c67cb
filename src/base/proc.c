/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Starting programs by posix_spawn, which does not copy our memory however large the profile is. */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

extern char **environ;

#define PATH_LIMIT ((size_t)1 << 16)
/* What shells use where PATH is not set. */
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static int why_not(const char *path)
{
    struct stat st;
    return stat(path, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : EACCES;
}

char *proc_find(const char *name, struct error *err)
{
    struct buf path = BUF_MAX(PATH_LIMIT);
    if (span_find(span_of(name), '/') != SIZE_MAX) {
        buf_text(&path, name);
        if (is_program(buf_c(&path)))
            return path.p;
        (void)error_system(err, why_not(name), "%s", name);
        buf_free(&path);
        return NULL;
    }
    const char *folders = getenv("PATH");
    struct span rest = span_of(folders ? folders : PATH_DEFAULT);
    bool is_last = *name == '\0';
    while (!is_last) {
        const size_t colon = span_find(rest, ':');
        const struct span folder = span_first(rest, colon);
        is_last = colon == SIZE_MAX;
        rest = is_last ? rest : span_skip(rest, colon + 1);
        buf_clear(&path);
        buf_add(&path, folder.n ? folder : span_of(".")); /* an empty one is the current folder */
        buf_printf(&path, "/%s", name);
        if (!path.is_full && is_program(buf_c(&path)))
            return path.p;
    }
    buf_free(&path);
    (void)error_set(err, ERROR_MISSING, "%s: no such program", name);
    return NULL;
}

/* Signals that we may be handling or ignoring for ourselves. */
static void set_signals(posix_spawnattr_t *attr)
{
    static const int ours[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGTSTP};
    sigset_t normal, none;
    (void)sigemptyset(&normal);
    (void)sigemptyset(&none);
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        (void)sigaddset(&normal, ours[i]);
    (void)posix_spawnattr_setsigdefault(attr, &normal);
    (void)posix_spawnattr_setsigmask(attr, &none);
}

static int set_files(posix_spawn_file_actions_t *files, const struct proc_options *options)
{
    static const char nowhere[] = "/dev/null";
    int sys = 0;
    if (options->is_on_side && !options->in)
        sys = posix_spawn_file_actions_addopen(files, STDIN_FILENO, nowhere, O_RDONLY, 0);
    else if (options->in)
        sys = posix_spawn_file_actions_adddup2(files, options->in, STDIN_FILENO);
    if (sys == 0 && options->out)
        sys = posix_spawn_file_actions_adddup2(files, options->out, STDOUT_FILENO);
    if (sys == 0 && options->is_quiet) {
        sys = posix_spawn_file_actions_addopen(files, STDOUT_FILENO, nowhere, O_WRONLY, 0);
        if (sys == 0)
            sys = posix_spawn_file_actions_addopen(files, STDERR_FILENO, nowhere, O_WRONLY, 0);
    }
    return sys;
}

bool proc_start(struct proc *proc, const char *const *argv, const struct proc_options *options,
                struct error *err)
{
    static const struct proc_options plain = {0};
    if (!options)
        options = &plain;
    *proc = (struct proc){0};
    char *path = proc_find(argv[0], err);
    if (!path)
        return false;

    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    int sys = posix_spawnattr_init(&attr);
    if (sys == 0)
        sys = posix_spawn_file_actions_init(&files);
    if (sys != 0)
        base_oom();
    set_signals(&attr);
    const int group = options->is_on_side ? POSIX_SPAWN_SETPGROUP : 0;
    (void)posix_spawnattr_setflags(&attr,
                                   (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | group));
    sys = set_files(&files, options);
    pid_t pid = 0;
    /* The strings are not written to; the interface is older than const. */
    if (sys == 0)
        sys = posix_spawn(&pid, path, &files, &attr, (char *const *)argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attr);
    base_free(path);
    if (sys != 0)
        return error_system(err, sys, "%s", argv[0]);
    proc->pid = pid;
    return true;
}

bool proc_wait(struct proc *proc, int *status, struct error *err)
{
    int how;
    pid_t pid;
    do
        pid = waitpid(proc->pid, &how, 0);
    while (pid < 0 && errno == EINTR);
    if (pid < 0)
        return error_system(err, errno, "waiting for a program");
    proc->pid = 0;
    *status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    return true;
}

bool proc_pipe(int ends[2], struct error *err)
{
    int made[2];
    if (pipe2(made, O_CLOEXEC) != 0)
        return error_system(err, errno, "making a pipe");
    ends[0] = made[0];
    ends[1] = made[1];
    return true;
}
