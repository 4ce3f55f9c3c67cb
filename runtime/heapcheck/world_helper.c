/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The helper: a process of its own that shares our memory, since a thread may not trace its own
 * process. It attaches to each thread, tells their registers, and lets them go when it is told to;
 * if either of us dies, the kernel does so. It shares the caller's thread-local storage too, so it
 * calls nothing of the C library. Whatever takes too long is ended, and the other way is tried. */
#include "heapcheck/internal.h"

#include <elf.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "base/pages.h"
#include "base/syscall.h"

enum {
    STACK_SIZE = 64 << 10,
    POLL_NS = 500 * 1000,
    YIELDS = 50,          /* before the first of these */
    THREAD_POLLS = 2000,  /* for threads that do not stop: they sleep where nothing wakes them */
    HELPER_POLLS = 60000, /* for the helper as a whole */
};

enum step {
    STEP_CREATED,
    STEP_GO, /* the helper may trace us */
    STEP_STOPPED,
    STEP_REFUSED,
    STEP_RESUME,
};

/* States of threads. */
enum {
    TRACED = 1, /* asked to stop */
    STOPPED,
    STUCK, /* it will not run before it sees that it is to stop */
    GONE,
};

/* One check at a time: the checker's lock guards it. */
static struct {
    _Atomic uint32_t step;
    struct world *world;
    pid_t parent, caller, pid;
    long error;
    size_t fresh;   /* threads that the last pass found */
    unsigned polls; /* how much longer threads are waited for */
    void *stack;
} helper;

static void futex_wake(void)
{
    (void)sys_call(SYS_futex, (long)&helper.step, FUTEX_WAKE, 1, 0, 0, 0);
}

static void set_step(enum step step)
{
    atomic_store(&helper.step, step);
    futex_wake();
}

/* Until the step is another one, or for a moment. */
static void wait_step(enum step step)
{
    const struct timespec moment = {.tv_nsec = POLL_NS};
    if (atomic_load(&helper.step) == step)
        (void)sys_call(SYS_futex, (long)&helper.step, FUTEX_WAIT, step, (long)&moment, 0, 0);
}

static void sleep_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = POLL_NS};
    (void)sys_call(SYS_nanosleep, (long)&moment, 0, 0, 0, 0, 0);
}

static long trace(long request, pid_t tid, long address, const void *data)
{
    return sys_call(SYS_ptrace, request, tid, address, (long)data, 0, 0);
}

/* ---- in the helper ----------------------------------------------------------------------------
 */

static void attach(void *to, pid_t tid)
{
    struct world *world = to;
    if (helper.error || world_find(world, tid))
        return;
    const long result = trace(PTRACE_SEIZE, tid, 0, NULL);
    if (result < 0) {
        const char state = world_state_of(world, tid);
        if (result != -ESRCH && state && state != 'Z' && state != 'X')
            helper.error = -result;
        return;
    }
    struct world_thread *thread = world_add(world, tid);
    if (!thread) {
        helper.error = ENOMEM;
        return;
    }
    thread->state = TRACED;
    helper.fresh++;
    if (trace(PTRACE_INTERRUPT, tid, 0, NULL) < 0)
        thread->state = GONE;
}

static void read_registers(struct world_thread *thread)
{
    struct user_regs_struct general;
    struct user_fpregs_struct other;
    struct iovec room = {&general, sizeof general};
    if (trace(PTRACE_GETREGSET, thread->tid, NT_PRSTATUS, &room) < 0) {
        thread->state = GONE;
        return;
    }
    thread->sp = general.rsp;
    thread->tp = general.fs_base;
    const uintptr_t words[] = {general.rax, general.rbx, general.rcx, general.rdx,
                               general.rsi, general.rdi, general.rbp, general.rsp,
                               general.r8,  general.r9,  general.r10, general.r11,
                               general.r12, general.r13, general.r14, general.r15};
    size_t n = 0;
    for (; n < sizeof words / sizeof *words; n++)
        thread->words[n] = words[n];
    room = (struct iovec){&other, sizeof other};
    if (trace(PTRACE_GETREGSET, thread->tid, NT_PRFPREG, &room) < 0)
        return;
    for (size_t i = 0; n < THREAD_WORDS; i += 2)
        thread->words[n++] = (uintptr_t)other.xmm_space[i + 1] << 32 | other.xmm_space[i];
}

static void await(struct world *world, struct world_thread *thread)
{
    int status = 0;
    for (unsigned i = 0; i < YIELDS || helper.polls > 0; i++) {
        const long got = sys_call(SYS_wait4, thread->tid, (long)&status, __WALL | WNOHANG, 0, 0, 0);
        if (got == 0) {
            if (i < YIELDS) {
                sys_yield();
            } else {
                helper.polls--;
                sleep_a_moment();
            }
            continue;
        }
        if (got < 0 || !WIFSTOPPED(status)) {
            thread->state = GONE;
            return;
        }
        thread->state = STOPPED;
        thread->signal = status >> 16 ? 0 : WSTOPSIG(status);
        read_registers(thread);
        return;
    }
    thread->state = STUCK;
    thread->sp = world_sp_of(world, thread->tid);
    if (!thread->sp)
        world->unknown++;
}

/* What they start before they stop is found by the next pass; the last one finds nothing. */
static void attach_all(struct world *world)
{
    helper.polls = THREAD_POLLS;
    do {
        const size_t known = world->n;
        helper.fresh = 0;
        if (!world_list(world, helper.caller, attach, world))
            helper.error = EIO;
        for (size_t i = known; i < world->n; i++) {
            if (world->threads[i].state == TRACED)
                await(world, &world->threads[i]);
        }
    } while (helper.fresh > 0 && !helper.error);
}

static void detach_all(const struct world *world)
{
    for (size_t i = 0; i < world->n; i++) {
        const struct world_thread *thread = &world->threads[i];
        if (thread->state == STOPPED)
            (void)trace(PTRACE_DETACH, thread->tid, 0, (const void *)(intptr_t)thread->signal);
    }
}

static int helper_main(void *to)
{
    struct world *world = to;
    (void)sys_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
    while (atomic_load(&helper.step) == STEP_CREATED) {
        if (sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0) != helper.parent)
            return 0;
        wait_step(STEP_CREATED);
    }
    if (atomic_load(&helper.step) == STEP_GO)
        attach_all(world);
    if (helper.error) {
        detach_all(world);
        set_step(STEP_REFUSED);
        return 0;
    }
    set_step(STEP_STOPPED);
    while (atomic_load(&helper.step) == STEP_STOPPED)
        wait_step(STEP_STOPPED);
    detach_all(world);
    return 0;
}

/* ---- in the caller ----------------------------------------------------------------------------
 */

static bool has_ended(void)
{
    int status;
    return sys_call(SYS_wait4, helper.pid, (long)&status, __WALL | WNOHANG, 0, 0, 0) != 0;
}

static void end_helper(void)
{
    for (unsigned i = 0; !has_ended(); i++) {
        if (i == THREAD_POLLS)
            (void)sys_call(SYS_kill, helper.pid, SIGKILL, 0, 0, 0, 0);
        sleep_a_moment();
    }
    pages_unmap(helper.stack, STACK_SIZE);
    (void)sys_call(SYS_prctl, PR_SET_PTRACER, 0, 0, 0, 0, 0);
}

bool helper_stop(struct world *world)
{
    helper.stack = pages_map(NULL, STACK_SIZE, SYSTEM_PAGE);
    if (!helper.stack) {
        world->refusal = ENOMEM;
        return false;
    }
    helper.world = world;
    helper.parent = sys_getpid();
    helper.caller = sys_gettid();
    helper.error = 0;
    atomic_store(&helper.step, STEP_CREATED);
    /* It sends no signal when it ends, so the program's waits do not see it. */
    helper.pid = clone(helper_main, (char *)helper.stack + STACK_SIZE,
                       CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED, world);
    if (helper.pid < 0) {
        world->refusal = errno;
        pages_unmap(helper.stack, STACK_SIZE);
        return false;
    }
    (void)sys_call(SYS_prctl, PR_SET_PTRACER, helper.pid, 0, 0, 0, 0);
    set_step(STEP_GO);
    bool is_dead = false;
    for (unsigned i = 0; i < HELPER_POLLS && atomic_load(&helper.step) == STEP_GO && !is_dead;
         i++) {
        wait_step(STEP_GO);
        is_dead = atomic_load(&helper.step) == STEP_GO && has_ended();
    }
    if (atomic_load(&helper.step) == STEP_STOPPED)
        return true;
    world->refusal = helper.error ? (int)helper.error : ETIMEDOUT;
    if (!is_dead) {
        if (atomic_load(&helper.step) == STEP_GO)
            (void)sys_call(SYS_kill, helper.pid, SIGKILL, 0, 0, 0, 0);
        end_helper();
    } else {
        pages_unmap(helper.stack, STACK_SIZE);
    }
    return false;
}

void helper_resume(struct world *world)
{
    (void)world;
    set_step(STEP_RESUME);
    end_helper();
}
