/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whose the signal of the ticks is. From the first profile on its handler is ours for good, for a
 * tick may come late. Many programs set the action of every signal that could end them, be it to
 * tidy up first (sort, bash) or to leave none behind for the program that they execute (git): one
 * tick would end them then. So what a program sets is kept here and not given to the kernel, it
 * reads back what it has set, and signals that are no ticks of ours are handed on to it.
 *
 * The program's calls come from signals.c, which is in the shared library only. */
#include "cpuprof/internal.h"

#include <errno.h>
#include <ucontext.h>

#include "base/lock.h"
#include "base/syscall.h"

static struct {
    int signal; /* 0: none is ours yet */
    pid_t pid;  /* a child of vfork has the memory of its parent, but not its signals */
    void (*on_tick)(int, siginfo_t *, void *);
    struct lock lock; /* with all signals blocked; guards: */
    struct sigaction programs;
    bool has_function; /* the program's action is a handler; read without the lock */
} handler;

int (*handler_kernel_action)(int, const struct sigaction *, struct sigaction *) = sigaction;

/* ---- our own --------------------------------------------------------------------------------- */

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == handler.on_tick;
}

static void set_programs(const struct sigaction *action)
{
    const bool has_function = (action->sa_flags & SA_SIGINFO) ||
                              (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
    handler.programs = *action;
    __atomic_store_n(&handler.has_function, has_function, __ATOMIC_RELEASE);
}

bool handler_install(int signal, void (*on_tick)(int, siginfo_t *, void *))
{
    struct sigaction before;
    handler.on_tick = on_tick;
    if (handler_kernel_action(signal, NULL, &before) != 0)
        return false;
    if (is_ours(&before))
        return true;
    if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        return false;
    struct sigaction ours = {
        .sa_sigaction = on_tick,
        .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK,
    };
    (void)sigfillset(&ours.sa_mask);
    if (handler_kernel_action(signal, &ours, NULL) != 0)
        return false;
    set_programs(&before);
    handler.pid = sys_getpid();
    __atomic_store_n(&handler.signal, signal, __ATOMIC_RELEASE);
    return true;
}

bool handler_is_installed(int signal)
{
    struct sigaction now;
    return handler_kernel_action(signal, NULL, &now) != 0 || is_ours(&now);
}

/* ---- the program's --------------------------------------------------------------------------- */

static uint64_t take(void)
{
    const uint64_t all = ~UINT64_C(0);
    uint64_t before = 0;
    (void)sys_sigprocmask(SIG_SETMASK, &all, &before);
    lock_take(&handler.lock);
    return before;
}

static void drop(uint64_t before)
{
    lock_drop(&handler.lock);
    (void)sys_sigprocmask(SIG_SETMASK, &before, NULL);
}

bool handler_keep(int signal, const struct sigaction *action, struct sigaction *before)
{
    if (signal != __atomic_load_n(&handler.signal, __ATOMIC_ACQUIRE) || handler.pid != sys_getpid())
        return false;
    const struct sigaction to = action ? *action : (struct sigaction){0};
    const uint64_t mask = take();
    const struct sigaction old = handler.programs;
    if (action)
        set_programs(&to);
    drop(mask);
    if (before)
        *before = old;
    return true;
}

bool handler_pass_on(int signal, siginfo_t *info, void *context)
{
    if (!__atomic_load_n(&handler.has_function, __ATOMIC_ACQUIRE))
        return false;
    const uint64_t mask = take();
    const struct sigaction action = handler.programs;
    const bool is_function = handler.has_function;
    if (is_function && ((unsigned)action.sa_flags & SA_RESETHAND))
        set_programs(&(struct sigaction){.sa_handler = SIG_DFL});
    drop(mask);
    if (!is_function)
        return false;
    /* As the kernel would have blocked signals for it. */
    const ucontext_t *interrupted = context;
    sigset_t blocked;
    (void)sigorset(&blocked, &interrupted->uc_sigmask, &action.sa_mask);
    if (!((unsigned)action.sa_flags & SA_NODEFER))
        (void)sigaddset(&blocked, signal);
    (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
    if (action.sa_flags & SA_SIGINFO)
        action.sa_sigaction(signal, info, context);
    else
        action.sa_handler(signal);
    return true;
}

void handler_before_fork(void)
{
    lock_take(&handler.lock); /* signals are blocked */
}

void handler_after_fork(bool is_child)
{
    if (is_child)
        handler.pid = sys_getpid();
    lock_drop(&handler.lock);
}
