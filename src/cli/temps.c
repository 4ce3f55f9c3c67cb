/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Temporary files. The invariant: a path is in the list exactly while there is a file that is ours
 * to remove; signals are held off while the list changes, because a handler may walk it. */
#include "cli/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A browser that has to start first takes a while. */
#define LATER_SECONDS 30

static sigset_t hold_signals(void)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    return before;
}

static void note(struct temps *temps, const char *path)
{
    temps->paths =
        base_grow(temps->paths, &temps->cap, (size_t)temps->n + 1, sizeof temps->paths[0]);
    temps->paths[temps->n++] = base_copy(path);
}

void temps_note(struct temps *temps, const char *path)
{
    const sigset_t before = hold_signals();
    note(temps, path);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

const char *temps_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

bool temps_open(struct temps *temps, const char *extension, int *fd, const char **path,
                struct error *err)
{
    struct buf name = BUF_MAX(4096);
    buf_printf(&name, "%s/cprof-XXXXXX.%s", temps_folder(), extension);
    (void)buf_c(&name);
    if (name.is_full) {
        buf_free(&name);
        return error_system(err, ENAMETOOLONG, "$TMPDIR");
    }
    const sigset_t before = hold_signals();
    const int made = mkostemps(name.p, (int)strlen(extension) + 1, O_CLOEXEC);
    const int sys = errno;
    if (made >= 0)
        note(temps, name.p);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (made >= 0) {
        *fd = made;
        *path = temps->paths[temps->n - 1];
    } else {
        error_system(err, sys, "%s", name.p);
    }
    buf_free(&name);
    return made >= 0;
}

static void take_out(struct temps *temps, const char *path, bool removes)
{
    const sigset_t before = hold_signals();
    for (uint32_t i = 0; i < temps->n; i++) {
        if (strcmp(temps->paths[i], path) != 0)
            continue;
        if (removes)
            (void)unlink(path);
        base_free(temps->paths[i]);
        memmove(temps->paths + i, temps->paths + i + 1,
                (temps->n - i - 1) * sizeof temps->paths[0]);
        temps->n--;
        break;
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

void temps_forget(struct temps *temps, const char *path)
{
    take_out(temps, path, false);
}

void temps_remove(struct temps *temps, const char *path)
{
    take_out(temps, path, true);
}

void temps_remove_all(struct temps *temps)
{
    while (temps->n)
        take_out(temps, temps->paths[temps->n - 1], true);
}

/* Nothing of ours stays open in it, or whoever reads our output would wait for its end. */
static _Noreturn void wait_and_unlink(const struct temps *temps)
{
    (void)setsid();
    (void)!chdir("/");
    const int nowhere = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= STDERR_FILENO && nowhere >= 0; fd++)
        (void)dup2(nowhere, fd);
    (void)close_range(STDERR_FILENO + 1, ~0U, 0);
    (void)sleep(LATER_SECONDS);
    temps_unlink(temps);
    _exit(0);
}

void temps_remove_later(struct temps *temps)
{
    if (temps->n == 0)
        return;
    const pid_t pid = fork();
    if (pid == 0)
        wait_and_unlink(temps);
    if (pid < 0) { /* rather too early than never */
        temps_remove_all(temps);
        return;
    }
    while (temps->n)
        temps_forget(temps, temps->paths[temps->n - 1]);
}

void temps_unlink(const struct temps *temps)
{
    for (uint32_t i = 0; i < temps->n; i++)
        (void)unlink(temps->paths[i]);
}

void temps_free(struct temps *temps)
{
    while (temps->n)
        temps_forget(temps, temps->paths[temps->n - 1]);
    base_free(temps->paths);
    *temps = (struct temps){0};
}
