/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stopping by a signal: its handler notes what the thread was doing and waits until it is let go. A
 * thread that blocks the signal, or sleeps where signals do not reach, is left alone after a
 * while; where it sleeps in the kernel its stack pointer is to be had from there. */
#include "heapcheck/internal.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include "base/syscall.h"

enum {
    POLL_NS = 500 * 1000,
    PATIENCE = 2000, /* polls without an answer */
    DEAF_POLLS = 20, /* after so many it is asked who sleeps and blocks the signal */
};

/* States of threads. */
enum {
    ASKED = 1,
    STOPPED,
    LEFT,
    SILENT,
    GONE,
};

/* The handler stays, for threads that take the signal late; they find nothing to wait for. */
static struct {
    int signal; /* 0: none was chosen yet */
    struct world *_Atomic world;
    _Atomic uint32_t is_released;
    _Atomic uint32_t answers; /* changes with each */
    size_t fresh;
    bool is_full;
} stopper;

static void futex(_Atomic uint32_t *word, long what, uint32_t value, const struct timespec *moment)
{
    (void)sys_call(SYS_futex, (long)word, what, (long)value, (long)moment, 0, 0);
}

static void read_registers(struct world_thread *thread, const ucontext_t *context)
{
    static const uint8_t general[] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI,
                                      REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                      REG_R12, REG_R13, REG_R14, REG_R15};
    size_t n = 0;
    for (; n < sizeof general; n++)
        thread->words[n] = (uintptr_t)context->uc_mcontext.gregs[general[n]];
    if (context->uc_mcontext.fpregs)
        memcpy(&thread->words[n], context->uc_mcontext.fpregs->_xmm,
               (THREAD_WORDS - n) * sizeof *thread->words);
    thread->sp = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
    thread->tp = (uintptr_t)__builtin_thread_pointer();
}

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    struct world *world = atomic_load(&stopper.world);
    struct world_thread *thread = world ? world_find(world, sys_gettid()) : NULL;
    uint32_t asked = ASKED;
    if (!thread || thread->state != asked)
        return;
    read_registers(thread, context);
    if (!atomic_compare_exchange_strong(&thread->state, &asked, STOPPED))
        return;
    atomic_fetch_add(&stopper.answers, 1);
    futex(&stopper.answers, FUTEX_WAKE, 1, NULL);
    while (!atomic_load(&stopper.is_released))
        futex(&stopper.is_released, FUTEX_WAIT, 0, NULL);
    atomic_store(&thread->state, LEFT);
}

/* A real-time signal that nobody uses: ours from the last time, or another. */
static bool choose_signal(void)
{
    struct sigaction action;
    if (stopper.signal && sigaction(stopper.signal, NULL, &action) == 0 &&
        (action.sa_flags & SA_SIGINFO) && action.sa_sigaction == handle)
        return true;
    for (int signal = SIGRTMAX - 1; signal > SIGRTMIN; signal--) {
        if (sigaction(signal, NULL, &action) != 0 || (action.sa_flags & SA_SIGINFO) ||
            action.sa_handler != SIG_DFL)
            continue;
        action = (struct sigaction){.sa_sigaction = handle,
                                    .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
        (void)sigfillset(&action.sa_mask);
        stopper.signal = signal;
        return sigaction(signal, &action, NULL) == 0;
    }
    return false;
}

static void ask(void *to, pid_t tid)
{
    struct world *world = to;
    if (world_find(world, tid))
        return;
    const char state = world_state_of(world, tid);
    if (!state || state == 'Z' || state == 'X')
        return;
    struct world_thread *thread = world_add(world, tid);
    if (!thread) {
        stopper.is_full = true;
        return;
    }
    atomic_store(&thread->state, ASKED);
    stopper.fresh++;
    if (sys_call(SYS_tgkill, sys_getpid(), tid, stopper.signal, 0, 0, 0) < 0)
        atomic_store(&thread->state, GONE);
}

static size_t count(struct world *world, uint32_t state)
{
    size_t n = 0;
    for (size_t i = 0; i < world->n; i++)
        n += atomic_load(&world->threads[i].state) == state;
    return n;
}

/* Only those that cannot answer, or all that did not. */
static void note_the_silent(struct world *world, bool only_deaf)
{
    for (size_t i = 0; i < world->n; i++) {
        struct world_thread *thread = &world->threads[i];
        uint32_t asked = ASKED;
        if (only_deaf && (thread->state != ASKED || !world_sp_of(world, thread->tid) ||
                          !world_blocks(world, thread->tid, stopper.signal)))
            continue;
        if (!atomic_compare_exchange_strong(&thread->state, &asked, SILENT))
            continue;
        const char state = world_state_of(world, thread->tid);
        if (!state || state == 'Z' || state == 'X') {
            atomic_store(&thread->state, GONE);
            continue;
        }
        thread->sp = world_sp_of(world, thread->tid);
        if (!thread->sp)
            world->unknown++;
    }
}

static void await_answers(struct world *world)
{
    const struct timespec moment = {.tv_nsec = POLL_NS};
    unsigned polls = 0;
    while (polls < PATIENCE && count(world, ASKED) > 0) {
        const uint32_t seen = atomic_load(&stopper.answers);
        futex(&stopper.answers, FUTEX_WAIT, seen, &moment);
        polls = atomic_load(&stopper.answers) == seen ? polls + 1 : 0;
        if (polls % DEAF_POLLS == DEAF_POLLS - 1)
            note_the_silent(world, true);
    }
    note_the_silent(world, false);
}

bool signal_stop(struct world *world)
{
    if (!choose_signal())
        return false;
    stopper.is_full = false;
    atomic_store(&stopper.is_released, 0);
    atomic_store(&stopper.world, world);
    bool is_listed = true;
    do {
        stopper.fresh = 0;
        is_listed = world_list(world, sys_gettid(), ask, world);
        await_answers(world);
    } while (is_listed && stopper.fresh > 0 && !stopper.is_full);
    if (is_listed && !stopper.is_full)
        return true;
    signal_resume(world);
    return false;
}

void signal_resume(struct world *world)
{
    const struct timespec moment = {.tv_nsec = POLL_NS};
    atomic_store(&stopper.is_released, 1);
    futex(&stopper.is_released, FUTEX_WAKE, INT32_MAX, NULL);
    /* The table is theirs too, until they have left it. */
    while (count(world, STOPPED) > 0)
        (void)sys_call(SYS_nanosleep, (long)&moment, 0, 0, 0, 0, 0);
    atomic_store(&stopper.world, NULL);
}
