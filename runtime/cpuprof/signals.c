/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The calls by which a program sets what a signal does: they are found here first, in the shared
 * library, and go to the C library unless they are about the signal of the ticks. */
#include "cpuprof/internal.h"

#include <dlfcn.h>
#include <errno.h>

/* Told by their types: who wants the old meaning of signal calls it by another name. */
static struct {
    sighandler_t (*signal)(int, sighandler_t);
    sighandler_t (*sysv_signal)(int, sighandler_t);
} next;

static __attribute__((constructor(101))) void find_next(void)
{
    *(void **)&next.signal = dlsym(RTLD_NEXT, "signal");
    *(void **)&next.sysv_signal = dlsym(RTLD_NEXT, "__sysv_signal");
    *(void **)&handler_kernel_action = dlsym(RTLD_NEXT, "sigaction");
}

EXPORTED int sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
    if (!next.signal) /* before any constructor of ours */
        find_next();
    if (handler_keep(signal, action, before))
        return 0;
    return handler_kernel_action(signal, action, before);
}

/* True: kept, and *before is what is to be returned. */
static bool keep(int signal, sighandler_t to, int flags, sighandler_t *before)
{
    struct sigaction action = {.sa_handler = to, .sa_flags = flags}, old;
    (void)sigemptyset(&action.sa_mask);
    if (!handler_keep(signal, &action, &old))
        return false;
    *before = old.sa_handler;
    return true;
}

EXPORTED sighandler_t signal(int signal, sighandler_t to)
{
    sighandler_t before;
    if (!next.signal)
        find_next();
    return keep(signal, to, SA_RESTART, &before) ? before : next.signal(signal, to);
}

EXPORTED sighandler_t __sysv_signal(int signal, sighandler_t to)
{
    sighandler_t before;
    if (!next.signal)
        find_next();
    return keep(signal, to, (int)(SA_RESETHAND | SA_NODEFER), &before)
               ? before
               : next.sysv_signal(signal, to);
}
