/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stopping the other threads: none runs while they are stopped, what they hold is seen, and all go
 * on afterwards; by a helper, and by signals where no process may be traced. Each scene is a
 * process of its own, so that what it forbids itself stays there. */
#include "heapcheck/internal.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RUNNERS = 12, CHURNERS = 4, ROUNDS = 30, SECRET = 0x5ca1ab1e };

static struct world world;
static volatile unsigned long counters[RUNNERS];
static volatile unsigned long births;
static _Atomic bool is_over;
static _Atomic pid_t blocked_tid, holder_tid;

static void *run(void *to)
{
    volatile unsigned long *counter = to;
    while (!is_over)
        ++*counter;
    return NULL;
}

static void *nothing(void *to)
{
    return to;
}

/* Threads that come and go. */
static void *churn(void *to)
{
    while (!is_over) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) == 0)
            (void)pthread_join(thread, NULL);
        births++;
    }
    return to;
}

/* Sleeps where no signal reaches it. */
static void *block(void *to)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
    int *pipe_fd = to;
    char c;
    blocked_tid = gettid();
    (void)!read(pipe_fd[0], &c, 1);
    return NULL;
}

/* Holds a word in a register, and another in one of sixteen bytes. */
static void *hold(void *to)
{
    holder_tid = gettid();
    __asm__ volatile("mov %0, %%r13\n"
                     "movq %0, %%xmm9\n"
                     "1: pause\n"
                     "cmpb $0, %1\n"
                     "je 1b\n"
                     :
                     : "r"((uintptr_t)SECRET), "m"(is_over)
                     : "r13", "xmm9", "memory");
    return to;
}

static void *start_programs(void *to)
{
    extern char **environ;
    char *words[] = {"/bin/true", NULL};
    while (!is_over) {
        pid_t pid;
        if (posix_spawn(&pid, words[0], NULL, NULL, words, environ) == 0)
            (void)waitpid(pid, NULL, 0);
    }
    return to;
}

static unsigned long sum(void)
{
    unsigned long n = births;
    for (unsigned i = 0; i < RUNNERS; i++)
        n += counters[i];
    return n;
}

#define REQUIRE(what)                                                                              \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            (void)fprintf(stderr, "# %s:%d: %s\n", __FILE__, __LINE__, #what);                     \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static unsigned count_secrets(const struct world_thread *thread)
{
    unsigned n = 0;
    for (unsigned i = 0; i < THREAD_WORDS; i++)
        n += thread->words[i] == SECRET;
    return n;
}

static void check_once(bool is_by_signal, enum world_way way)
{
    REQUIRE(world_stop(&world, is_by_signal));
    REQUIRE(world.way == way);
    REQUIRE(world.n >= RUNNERS + CHURNERS + 3);
    const unsigned long before = sum();
    const struct timespec moment = {.tv_nsec = 2000000};
    (void)nanosleep(&moment, NULL);
    const bool is_still = sum() == before;
    const struct world_thread *holder = world_find(&world, holder_tid);
    const struct world_thread *blocked = world_find(&world, blocked_tid);
    const bool is_held = holder && count_secrets(holder) >= 2 && holder->tp && holder->sp;
    const bool is_known = blocked && blocked->sp;
    const size_t unknown = world.unknown;
    world_resume(&world);
    REQUIRE(is_still);
    REQUIRE(is_held);
    REQUIRE(is_known);
    REQUIRE(unknown == 0);
}

/* The threads of a scene, and so many checks. */
static void scene(bool is_by_signal, enum world_way way, unsigned rounds)
{
    pthread_t threads[RUNNERS + CHURNERS + 3];
    unsigned n = 0;
    int pipe_fd[2];
    REQUIRE(pipe(pipe_fd) == 0);
    for (unsigned i = 0; i < RUNNERS; i++)
        REQUIRE(pthread_create(&threads[n++], NULL, run, (void *)&counters[i]) == 0);
    for (unsigned i = 0; i < CHURNERS; i++)
        REQUIRE(pthread_create(&threads[n++], NULL, churn, NULL) == 0);
    REQUIRE(pthread_create(&threads[n++], NULL, block, pipe_fd) == 0);
    REQUIRE(pthread_create(&threads[n++], NULL, hold, NULL) == 0);
    REQUIRE(pthread_create(&threads[n++], NULL, start_programs, NULL) == 0);
    while (!blocked_tid || !holder_tid || sum() == 0)
        (void)usleep(1000);
    (void)usleep(10000); /* for the one to sleep */
    for (unsigned i = 0; i < rounds; i++)
        check_once(is_by_signal, way);
    const unsigned long before = births;
    while (births == before) /* they run on */
        (void)usleep(1000);
    is_over = true;
    REQUIRE(write(pipe_fd[1], "", 1) == 1);
    for (unsigned i = 0; i < n; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    REQUIRE(world_stop(&world, is_by_signal));
    REQUIRE(world.way == WORLD_ALONE && world.n == 0);
    world_resume(&world);
}

static void forbid_tracing(unsigned answer)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void in_process(void (*play)(void))
{
    const pid_t pid = fork();
    if (pid == 0) {
        play();
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void play_helper(void)
{
    scene(false, WORLD_BY_HELPER, ROUNDS);
}

static void play_signal(void)
{
    scene(true, WORLD_BY_SIGNAL, 3);
}

static void play_refused(void)
{
    forbid_tracing(SECCOMP_RET_ERRNO | EPERM);
    scene(false, WORLD_BY_SIGNAL, 3);
}

static void play_killed(void)
{
    forbid_tracing(SECCOMP_RET_KILL_PROCESS);
    scene(false, WORLD_BY_SIGNAL, 3);
}

/* The thread that sleeps unreachably cannot be asked after there either. */
static void play_undumpable(void)
{
    if (geteuid() == 0)
        REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
    REQUIRE(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, run, (void *)&counters[0]) == 0);
    REQUIRE(world_stop(&world, false));
    REQUIRE(world.way == WORLD_BY_SIGNAL && world.n == 1 && world.threads[0].sp);
    world_resume(&world);
    is_over = true;
    REQUIRE(pthread_join(thread, NULL) == 0);
}

/* The first thread ended before the others did. */
static void *after_first(void *to)
{
    pthread_t *first = to;
    REQUIRE(pthread_join(*first, NULL) == 0);
    for (int i = 0; i < 2; i++) {
        REQUIRE(world_stop(&world, i));
        REQUIRE(world.n == 0 || world.way == WORLD_BY_HELPER || world.unknown == 0);
        world_resume(&world);
    }
    _exit(0);
}

static void play_first_gone(void)
{
    static pthread_t self;
    pthread_t thread;
    self = pthread_self();
    REQUIRE(pthread_create(&thread, NULL, after_first, &self) == 0);
    pthread_exit(NULL);
}

static void test_helper(void **state)
{
    (void)state;
    in_process(play_helper);
}

static void test_signal(void **state)
{
    (void)state;
    in_process(play_signal);
}

static void test_refused(void **state)
{
    (void)state;
    in_process(play_refused);
}

static void test_killed(void **state)
{
    (void)state;
    in_process(play_killed);
}

static void test_undumpable(void **state)
{
    (void)state;
    in_process(play_undumpable);
}

static void test_first_gone(void **state)
{
    (void)state;
    in_process(play_first_gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_helper),     cmocka_unit_test(test_signal),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_killed),
        cmocka_unit_test(test_undumpable), cmocka_unit_test(test_first_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
