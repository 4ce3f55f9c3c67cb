/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Children of every kind, from a program that works on meanwhile:
 *   children short N   N that end at once
 *   children storm N   N that work a while, from four threads at one time
 *   children spawn N   N of another program, by posix_spawn
 *   children clone N   N by the bare system call, of which no library hears; they work and exit */
#define _GNU_SOURCE /* environ */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

BURNER(in_parent)
BURNER(in_child)

enum { THREADS = 4 };

static pid_t fork_nothing(void)
{
    const pid_t pid = fork();
    if (pid == 0)
        exit(0);
    return pid;
}

static pid_t fork_work(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        in_child(0.05);
        exit(0);
    }
    return pid;
}

static pid_t spawn_other(void)
{
    char *const words[] = {(char[]){"true"}, NULL};
    pid_t pid = -1;
    return posix_spawnp(&pid, "true", NULL, NULL, words, environ) == 0 ? pid : -1;
}

static pid_t clone_work(void)
{
    const pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        in_child(0.02);
        exit(0);
    }
    return pid;
}

static const struct kind {
    const char *name;
    pid_t (*make)(void);
    int threads;
} kinds[] = {
    {"short", fork_nothing, 1},
    {"storm", fork_work, THREADS},
    {"spawn", spawn_other, 1},
    {"clone", clone_work, 1},
};

static const struct kind *kind;
static int n;

static void *make_children(void *unused)
{
    for (int i = 0; i < n / kind->threads; i++) {
        int status = 1;
        const pid_t pid = kind->make();
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
            exit(9);
        in_parent(0.0005);
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; argc > 2 && i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(argv[1], kinds[i].name))
            kind = &kinds[i];
    if (!kind)
        return 2;
    n = atoi(argv[2]);
    for (int i = 1; i < kind->threads; i++)
        pthread_create(&threads[i], NULL, make_children, NULL);
    make_children(NULL);
    for (int i = 1; i < kind->threads; i++)
        pthread_join(threads[i], NULL);
    in_parent(0.2);
    return 0;
}
