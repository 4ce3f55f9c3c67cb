/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signals as something to read, so that no handler runs at a bad moment and no state is global. The
 * invariant: they are blocked from signals_hold to signals_release; processes that we start have
 * them as usual. */
#include "cli/internal.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int held[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};

static sigset_t held_set(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < COUNT_OF(held); i++)
        (void)sigaddset(&set, held[i]);
    return set;
}

bool signals_hold(struct signals *signals, struct error *err)
{
    const sigset_t set = held_set();
    signals->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals->fd < 0)
        return error_system(err, errno, "watching signals");
    (void)sigprocmask(SIG_BLOCK, &set, &signals->before);
    return true;
}

int signals_next(const struct signals *signals)
{
    struct signalfd_siginfo info;
    const ssize_t got = read(signals->fd, &info, sizeof info);
    return got == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

bool signals_are_waiting(void)
{
    sigset_t set;
    return sigpending(&set) == 0 &&
           (sigismember(&set, SIGINT) == 1 || sigismember(&set, SIGTERM) == 1 ||
            sigismember(&set, SIGHUP) == 1);
}

bool signals_drop(const struct signals *signals, int signal)
{
    bool was_there = false;
    int next;
    while ((next = signals_next(signals)) != 0)
        was_there |= next == signal;
    return was_there;
}

void signals_default(const struct signals *signals)
{
    for (size_t i = 0; i < COUNT_OF(held); i++)
        (void)sigaction(held[i], &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    (void)sigprocmask(SIG_SETMASK, &signals->before, NULL);
}

void signals_release(struct signals *signals)
{
    (void)signals_drop(signals, 0); /* what nobody asked for is not to hit us now */
    (void)sigprocmask(SIG_SETMASK, &signals->before, NULL);
    (void)close(signals->fd);
    signals->fd = -1;
}
