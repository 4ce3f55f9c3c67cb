/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which time has passed, and on which thread. Each thread has a timer on its own CPU clock, whose
 * signal goes to that thread; the kernel looks at such clocks at its own tick only (often 250 times
 * a second), but says how many expiries a signal stands for, so that weights add up to the time.
 * What a thread has used after its last signal is added to what it did then. Where it never had
 * one, the time goes to the next thread with the same start routine: otherwise programs that start
 * many short threads would lose most of it.
 *
 * Threads get their timer when they start (threads.c) or when the profile does. Any other is found
 * by one more timer on the clock of the whole process, the watch, whose signal goes to whoever
 * runs: to the first thread more often than not. So where nobody tells us of threads, in a static
 * program, it looks for all.
 *
 * Slots are found by thread id in an open-addressing table. A slot is written by its own thread, or
 * by whoever starts and stops the profile, under the profile's lock. */
#include "cpuprof/internal.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "base/syscall.h"

enum {
    SLOTS = 1 << 14,
    SLOT_PROBES = 128,
    TID_FREED = -1, /* a slot that was used: searches go on behind it */
    POOLS = 256,
    KEYS_IN_PLACE = 32, /* pthread keys below this need no memory when they are set */
    WATCH_NS = 50000000,
    WATCH_UNTOLD_NS = 10000000, /* where the watch alone finds new threads */
};

/* Time that ended threads of one kind left behind. */
struct pool {
    uintptr_t routine;
    int64_t ns;
};

struct slot {
    int32_t tid;      /* 0: never used */
    uint32_t timer;   /* the kernel's number plus one; 0: none */
    uint64_t counted; /* ticks */
    uint64_t since;   /* its clock when counting began */
    uint64_t owed;    /* ticks from before that, which the first signal brings */
    struct mark last; /* its last sample */
    struct pool *pool;
};

static struct {
    struct slot *slots; /* mapped at the first start, and kept: signals may come late */
    struct timers_options options;
    uint32_t watch, wall; /* timers of the process, as in a slot */
    pthread_key_t key;
    bool has_key;
    bool is_running;
    uint32_t inside; /* who is at work here and relies on it; see go_in */
    struct pool pools[POOLS];
} timers;

bool timers_are_told;

/* The calling thread's slot, once it is known here. */
static __thread struct slot *mine;

/* Rounds of destructors that have called ours. The program's come after it and may work long, so
 * the thread is given up in the last round; found again after that, all its time would count
 * twice. */
static __thread unsigned rounds;

/* What signals of the two timers of the process carry; others carry a slot. */
static char is_watch, is_wall;

/* ---- the time between start and stop --------------------------------------------------------- */

/* True: nothing ends until go_out. With all signals blocked, or a handler that stops the profile
 * would wait for the thread that it interrupted. */
static bool go_in(void)
{
    (void)__atomic_add_fetch(&timers.inside, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&timers.is_running, __ATOMIC_SEQ_CST))
        return true;
    (void)__atomic_sub_fetch(&timers.inside, 1, __ATOMIC_SEQ_CST);
    return false;
}

static void go_out(void)
{
    (void)__atomic_sub_fetch(&timers.inside, 1, __ATOMIC_SEQ_CST);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static unsigned slot_of(pid_t tid)
{
    return (unsigned)tid * 2654435761u >> 18; /* to 14 bits */
}

static struct slot *find_slot(pid_t tid)
{
    for (unsigned i = 0; i < SLOT_PROBES; i++) {
        struct slot *slot = &timers.slots[(slot_of(tid) + i) % SLOTS];
        const int32_t there = __atomic_load_n(&slot->tid, __ATOMIC_ACQUIRE);
        if (there == tid)
            return slot;
        if (there == 0)
            return NULL;
    }
    return NULL;
}

/* A new one, or NULL: there are too many threads, or somebody has just taken one for it. */
static struct slot *take_slot(pid_t tid)
{
    for (unsigned i = 0; i < SLOT_PROBES; i++) {
        struct slot *slot = &timers.slots[(slot_of(tid) + i) % SLOTS];
        int32_t there = __atomic_load_n(&slot->tid, __ATOMIC_RELAXED);
        if ((there == 0 || there == TID_FREED) &&
            __atomic_compare_exchange_n(&slot->tid, &there, tid, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return slot;
        if (there == tid)
            return NULL;
    }
    return NULL;
}

static void free_slot(struct slot *slot)
{
    kernel_timer_end(&slot->timer);
    __atomic_store_n(&slot->tid, TID_FREED, __ATOMIC_RELEASE);
}

/* Begins to count a thread's time, from `since` on its clock. */
static struct slot *add_thread(pid_t tid, uint64_t since)
{
    struct slot *slot = take_slot(tid);
    if (!slot)
        return NULL;
    slot->counted = 0;
    slot->since = since;
    slot->owed = 0;
    slot->last = (struct mark){0};
    slot->pool = NULL;
    __atomic_store_n(&slot->tid, tid,
                     __ATOMIC_RELEASE); /* all of that is there at its first tick */
    const struct timers_options *options = &timers.options;
    const uint32_t timer = kernel_timer(options->is_wall ? CLOCK_MONOTONIC : thread_clock(tid), tid,
                                        options->signal, slot, options->interval_ns);
    __atomic_store_n(&slot->timer, timer, __ATOMIC_RELEASE);
    if (timer)
        return slot;
    free_slot(slot); /* out of timers, or the thread has ended */
    return NULL;
}

/* From now on the calling thread knows its slot, and gives it back when it ends. */
static void keep_mine(struct slot *slot)
{
    mine = slot;
    if (timers.has_key && timers.key < KEYS_IN_PLACE)
        (void)pthread_setspecific(timers.key, slot);
}

static struct pool *find_pool(uintptr_t routine)
{
    for (unsigned i = 0; i < 8; i++) {
        struct pool *pool =
            &timers.pools[((routine * UINT64_C(0x9e3779b97f4a7c15) >> 56) + i) % POOLS];
        uintptr_t there = __atomic_load_n(&pool->routine, __ATOMIC_RELAXED);
        if (there == routine ||
            (there == 0 && (__atomic_compare_exchange_n(&pool->routine, &there, routine, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
                            there == routine)))
            return pool;
    }
    return NULL;
}

/* ---- the threads that are there -------------------------------------------------------------- */

struct directory_entry { /* as the kernel writes it */
    uint64_t inode;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
};

/* Those that are new since the last time owe what they have used. */
static void add_all_threads(bool is_start)
{
    union {
        char bytes[1024];
        struct directory_entry aligned;
    } read;
    const int fd = sys_open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    for (;;) {
        const long n =
            fd < 0 ? 0 : sys_call(SYS_getdents64, fd, (long)read.bytes, sizeof read.bytes, 0, 0, 0);
        if (n <= 0)
            break;
        for (long at = 0; at < n;) {
            const struct directory_entry *entry = (const void *)(read.bytes + at);
            pid_t tid = 0;
            for (const char *c = entry->name; *c >= '0' && *c <= '9'; c++)
                tid = tid * 10 + (*c - '0');
            if (tid > 0 && !find_slot(tid)) {
                const uint64_t used = clock_ns(thread_clock(tid));
                struct slot *slot = add_thread(tid, used);
                if (slot && !is_start && !timers.options.is_wall)
                    __atomic_store_n(&slot->owed, used / timers.options.interval_ns,
                                     __ATOMIC_RELAXED);
            }
            at += entry->size;
        }
    }
    if (fd >= 0)
        (void)sys_close(fd);
    const pid_t self = sys_gettid(); /* where there is no /proc */
    if (!find_slot(self))
        (void)add_thread(self, clock_ns(thread_clock(self)));
}

/* ---- start and end --------------------------------------------------------------------------- */

static uint64_t watch_ns(void)
{
    return timers_are_told ? WATCH_NS : WATCH_UNTOLD_NS;
}

bool timers_start(const struct timers_options *options)
{
    if (!timers.slots) {
        struct slot *slots = pages_map(NULL, SLOTS * sizeof *slots, SYSTEM_PAGE);
        if (!slots)
            return false;
        __atomic_store_n(&timers.slots, slots, __ATOMIC_RELEASE);
    }
    timers.options = *options;
    __atomic_store_n(&timers.is_running, true, __ATOMIC_SEQ_CST);
    timers.watch =
        kernel_timer(CLOCK_PROCESS_CPUTIME_ID, 0, options->signal, &is_watch, watch_ns());
    if (options->is_wall && !options->is_per_thread)
        timers.wall =
            kernel_timer(CLOCK_MONOTONIC, 0, options->signal, &is_wall, options->interval_ns);
    else
        add_all_threads(true);
    return true;
}

/* What the thread has used and no signal told of. Less than an interval as a rule, or a tick of the
 * kernel; but a kernel that has much to do, or a machine that is one of several on its own, may
 * leave out many. */
static int64_t rest_ns(const struct slot *slot, uint64_t now)
{
    const uint64_t counted = __atomic_load_n(&slot->counted, __ATOMIC_RELAXED);
    return (int64_t)(now - slot->since - counted * timers.options.interval_ns);
}

/* Whole ticks of that. */
static uint64_t rest_ticks(const struct slot *slot, uint64_t now)
{
    const int64_t ns = timers.options.is_wall || now == 0 ? 0 : rest_ns(slot, now);
    return ns > 0 ? (uint64_t)ns / timers.options.interval_ns : 0;
}

void timers_stop(struct table *table)
{
    __atomic_store_n(&timers.is_running, false, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&timers.inside, __ATOMIC_SEQ_CST) != 0)
        sys_yield();
    kernel_timer_end(&timers.watch);
    kernel_timer_end(&timers.wall);
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *slot = &timers.slots[i];
        const pid_t tid = __atomic_load_n(&slot->tid, __ATOMIC_ACQUIRE);
        if (tid <= 0)
            continue;
        (void)table_add_to(table, slot->last, rest_ticks(slot, clock_ns(thread_clock(tid))));
        free_slot(slot);
    }
    memset(timers.pools, 0, sizeof timers.pools);
}

void timers_forget(void)
{
    timers.watch = timers.wall = 0;
    timers.is_running = false;
    timers.inside = 0;
    mine = NULL;
    if (timers.slots)
        pages_zero(timers.slots, SLOTS * sizeof *timers.slots);
    memset(timers.pools, 0, sizeof timers.pools);
}

static bool is_by_thread(void)
{
    return !timers.options.is_wall || timers.options.is_per_thread;
}

/* Whether the slot that this thread remembers is still its own: the profile may have ended and
 * another one begun. */
static bool is_mine(pid_t tid)
{
    return mine && __atomic_load_n(&mine->tid, __ATOMIC_RELAXED) == tid;
}

static void enter(uintptr_t routine)
{
    const pid_t tid = sys_gettid();
    if (!is_mine(tid)) {
        struct slot *slot = find_slot(tid);
        if (!slot)
            slot = add_thread(tid, 0);
        if (!slot)
            return;
        keep_mine(slot);
    }
    if (routine)
        mine->pool = find_pool(routine);
}

void timers_enter(uintptr_t routine)
{
    const uint64_t all = ~UINT64_C(0);
    uint64_t before = 0;
    if (!__atomic_load_n(&timers.is_running, __ATOMIC_RELAXED))
        return;
    (void)sys_sigprocmask(SIG_SETMASK, &all, &before);
    if (go_in()) {
        if (is_by_thread())
            enter(routine);
        go_out();
    }
    (void)sys_sigprocmask(SIG_SETMASK, &before, NULL);
}

void timers_unblock(void)
{
    const uint64_t signal = UINT64_C(1) << (timers.options.signal - 1);
    if (__atomic_load_n(&timers.is_running, __ATOMIC_ACQUIRE))
        (void)sys_sigprocmask(SIG_UNBLOCK, &signal, NULL);
}

/* The thread's last time is counted, and its slot given back. */
static void settle(struct slot *slot)
{
    kernel_timer_end(&slot->timer);
    const uint64_t now = clock_ns(CLOCK_THREAD_CPUTIME_ID), ticks = rest_ticks(slot, now);
    if (ticks > 0 && profile_add_to(slot->last, ticks))
        slot->counted += ticks;
    if (slot->pool && !timers.options.is_wall)
        (void)__atomic_fetch_add(&slot->pool->ns, rest_ns(slot, now), __ATOMIC_RELAXED);
    free_slot(slot);
}

/* The destructor of the thread's key. */
static void leave(void *slot)
{
    if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS && pthread_setspecific(timers.key, slot) == 0)
        return;
    const uint64_t all = ~UINT64_C(0);
    uint64_t before = 0;
    (void)sys_sigprocmask(SIG_SETMASK, &all, &before);
    rounds = PTHREAD_DESTRUCTOR_ITERATIONS;
    if (go_in()) {
        if (is_mine(sys_gettid()))
            settle(mine);
        go_out();
    }
    mine = NULL;
    (void)sys_sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Before anything else can take the first keys: those cost nothing to set. */
static __attribute__((constructor(101))) void make_key(void)
{
    timers.has_key = pthread_key_create(&timers.key, leave) == 0;
}

/* ---- ticks ----------------------------------------------------------------------------------- */

/* Whole ticks of what ended threads of this kind left. */
static uint64_t take_from_pool(struct pool *pool)
{
    const int64_t interval = (int64_t)timers.options.interval_ns;
    if (!pool || __atomic_load_n(&pool->ns, __ATOMIC_RELAXED) < interval)
        return 0;
    const int64_t ns = __atomic_exchange_n(&pool->ns, 0, __ATOMIC_RELAXED);
    const int64_t ticks = ns > 0 ? ns / interval : 0;
    (void)__atomic_fetch_add(&pool->ns, ns - ticks * interval, __ATOMIC_RELAXED);
    return (uint64_t)ticks;
}

/* A thread that nobody told us of: all that it has used counts, at the place where it is found. */
static uint64_t adopt(void)
{
    const pid_t tid = sys_gettid();
    if (rounds == PTHREAD_DESTRUCTOR_ITERATIONS || is_mine(tid))
        return 0;
    struct slot *slot = find_slot(tid);
    const bool is_new = !slot;
    if (is_new)
        slot = add_thread(tid, 0);
    if (!slot)
        return 0;
    keep_mine(slot);
    if (!is_new || timers.options.is_wall)
        return 0;
    slot->counted = clock_ns(CLOCK_THREAD_CPUTIME_ID) / timers.options.interval_ns;
    return slot->counted;
}

/* The slot that a timer's signal carries, or NULL: it is another timer's. */
static struct slot *carried_slot(const void *carried)
{
    struct slot *slots = __atomic_load_n(&timers.slots, __ATOMIC_ACQUIRE);
    const size_t i = (size_t)((const char *)carried - (const char *)slots);
    if (!slots || i >= SLOTS * sizeof(struct slot))
        return NULL;
    return &slots[i / sizeof(struct slot)];
}

bool timers_own(const siginfo_t *info)
{
    const void *carried = info->si_value.sival_ptr;
    return info->si_code == SI_TIMER &&
           (carried == &is_watch || carried == &is_wall || carried_slot(carried));
}

static struct tick tick_of(const siginfo_t *info)
{
    struct tick tick = {0};
    if (info->si_code != SI_TIMER) { /* somebody sent it */
        tick.weight = 1;
        return tick;
    }
    const uint64_t expiries = 1 + (uint64_t)(info->si_overrun > 0 ? info->si_overrun : 0);
    const void *carried = info->si_value.sival_ptr;
    if (carried == &is_watch) {
        tick.watch_passed = expiries * watch_ns();
        if (is_by_thread())
            tick.weight = adopt();
        if (is_by_thread() && !timers_are_told)
            add_all_threads(false);
        return tick;
    }
    if (carried == &is_wall) {
        tick.weight = expiries;
        return tick;
    }
    struct slot *slot = carried_slot(carried);
    if (!slot || __atomic_load_n(&slot->tid, __ATOMIC_ACQUIRE) <= 0)
        return tick;  /* a timer of the program's own, or one that has gone */
    if (mine != slot) /* it was found from outside */
        keep_mine(slot);
    (void)__atomic_add_fetch(&slot->counted, expiries, __ATOMIC_RELAXED);
    tick.weight = expiries + __atomic_exchange_n(&slot->owed, 0, __ATOMIC_RELAXED) +
                  take_from_pool(slot->pool);
    return tick;
}

struct tick timers_tick(const siginfo_t *info)
{
    struct tick tick = {0};
    if (go_in()) {
        tick = tick_of(info);
        go_out();
    }
    return tick;
}

void timers_counted(struct mark mark)
{
    if (mine)
        mine->last = mark;
}

/* Each thread is found where it stands, and has a timer; without a profile there are none. For a
 * time when no thread comes or goes. */
void timers_check(void)
{
    for (unsigned i = 0; timers.slots && i < SLOTS; i++) {
        const struct slot *slot = &timers.slots[i];
        if (slot->tid > 0 &&
            (!timers.is_running || find_slot(slot->tid) != slot || slot->timer == 0))
            abort();
    }
    if (timers.inside != 0 || (!timers.is_running && (timers.watch || timers.wall)))
        abort();
}
