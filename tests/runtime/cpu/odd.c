/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Places where it is hard to be a guest: small alternate stacks, coroutines, a handler of SIGPROF
 * from before everything, threads with the smallest stack, a call through a null pointer.
 *   odd altstack | coroutine | taken | shared | replaced | smallstack | nullcall |
 *       nullcall_by_rbx | onexit */
#include <gperftools/profiler.h>

#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "work.h"

BURNER(on_alternate)
BURNER(on_coroutine)
BURNER(on_small)
BURNER(plain)

static volatile sig_atomic_t own_signals;

static void on_prof(int signal)
{
    (void)signal;
    own_signals++;
}

/* The program uses the signal as well: its own signals come to it, and the profiler's do not. */
static void share(void)
{
    struct sigaction before;
    const struct itimerval often = {{0, 10000}, {0, 10000}}, never = {0};
    void (*const first)(int) = signal(SIGPROF, on_prof);
    plain(0.2);
    const int none = own_signals;
    raise(SIGPROF);
    const int raised = own_signals;
    setitimer(ITIMER_PROF, &often, NULL);
    plain(0.2);
    setitimer(ITIMER_PROF, &never, NULL);
    sigaction(SIGPROF, NULL, &before);
    printf("first=%d none=%d raised=%d timer=%d own=%d\n", first == SIG_DFL, none, raised,
           own_signals > raised + 5, before.sa_handler == on_prof);
    signal(SIGPROF, SIG_DFL);
    plain(0.2);
    if (fork() == 0) { /* as before an exec */
        signal(SIGPROF, SIG_DFL);
        plain(0.2);
        _exit(7);
    }
    int status = 0;
    wait(&status);
    printf("status=%d\n", WEXITSTATUS(status));
}

static void take_early(int argc, char **argv, char **envp)
{
    (void)envp;
    if (argc > 1 && !strcmp(argv[1], "taken"))
        signal(SIGPROF, on_prof);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const before_all)(int, char **, char **) = take_early;

static void on_usr1(int signal)
{
    (void)signal;
    on_alternate(0.5);
}

static ucontext_t main_context, other_context;

static void coroutine(void)
{
    for (int i = 0; i < 50; i++) {
        on_coroutine(0.01);
        swapcontext(&other_context, &main_context);
    }
}

static void *run_small(void *a)
{
    on_small(0.3);
    return a;
}

static sigjmp_buf after_crash;
static int ours_deep;

static void on_segv(int signal, siginfo_t *info, void *context)
{
    void *pcs[20];
    (void)signal, (void)info;
    ours_deep = ProfilerGetStackTrace(pcs, 20, 0, context);
    if (!pcs[0]) /* that would be the end of the file */
        ours_deep = 0;
    siglongjmp(after_crash, 1);
}

static KEPT int calls_nothing(void (*volatile f)(void))
{
    f();
    return ours_deep;
}

/* Its frame can be found by a register only that the walk does not follow at first. */
void calls_by_rbx(void (*f)(void));
__asm__(".text\n"
        ".type calls_by_rbx, @function\n"
        "calls_by_rbx:\n"
        ".cfi_startproc\n"
        "push %rbx\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset rbx, -16\n"
        "mov %rsp, %rbx\n"
        ".cfi_def_cfa_register rbx\n"
        "and $-64, %rsp\n"
        "call *%rdi\n"
        "mov %rbx, %rsp\n"
        ".cfi_def_cfa_register rsp\n"
        "pop %rbx\n"
        ".cfi_def_cfa_offset 8\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size calls_by_rbx, . - calls_by_rbx\n");

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "altstack")) {
        static char room[16384];
        const stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
        struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};
        sigaltstack(&stack, NULL);
        sigaction(SIGUSR1, &action, NULL);
        raise(SIGUSR1);
    } else if (!strcmp(what, "coroutine")) {
        for (int round = 0; round < 2; round++) {
            char *room =
                mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            getcontext(&other_context);
            other_context.uc_stack.ss_sp = room;
            other_context.uc_stack.ss_size = 65536;
            other_context.uc_link = &main_context;
            makecontext(&other_context, coroutine, 0);
            for (int i = 0; i < 50; i++)
                swapcontext(&main_context, &other_context);
            munmap(room, 65536);
        }
    } else if (!strcmp(what, "taken")) {
        printf("start=%d enabled=%d\n", ProfilerStart("taken.prof"),
               ProfilingIsEnabledForAllThreads());
        ProfilerStop();
    } else if (!strcmp(what, "shared")) {
        share();
    } else if (!strcmp(what, "replaced")) {
        const struct { /* as the kernel has it */
            void *handler;
            unsigned long flags, restorer, mask;
        } ignore = {.handler = (void *)SIG_IGN};
        ProfilerStart("replaced.prof");
        syscall(SYS_rt_sigaction, SIGPROF, &ignore, NULL, 8);
        plain(0.1);
        ProfilerStop();
    } else if (!strcmp(what, "smallstack")) {
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
        pthread_create(&thread, &attributes, run_small, NULL);
        pthread_join(thread, NULL);
    } else if (!strncmp(what, "nullcall", 8)) {
        struct sigaction action = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};
        sigaction(SIGSEGV, &action, NULL);
        if (sigsetjmp(after_crash, 1) == 0) {
            if (what[8])
                calls_by_rbx(NULL);
            else
                (void)calls_nothing(NULL);
        }
        printf("deep=%d\n", ours_deep > 2);
    } else if (!strcmp(what, "onexit")) {
        atexit((void (*)(void))ProfilerStop);
        ProfilerStart("onexit.prof");
        plain(0.1);
        close(2); /* as some programs do before they end */
    }
    return 0;
}
