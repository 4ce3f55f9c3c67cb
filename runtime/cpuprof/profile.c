/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one profile that can be on. Starting, stopping and flushing are serialized by a lock that is
 * held with all signals blocked, so that a handler which starts or stops a profile never finds the
 * lock held by the thread that it interrupted. Ticks take no lock; where a table is full they try,
 * and whoever gets it writes the table out while the others go on in the second one. */
#include "cpuprof/internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/lock.h"
#include "base/syscall.h"
#include "unwind/unwind.h"

enum {
    FREQUENCY_USUAL = 100,
    FREQUENCY_MOST = 4000,
    CHECKPOINT_SECONDS_USUAL = 5, /* of CPU time */
    ROOMS = 32,
    TRIES = 2000,
};

static struct {
    struct lock lock;
    uint64_t signals_before_fork;

    /* Under the lock. */
    struct writer writer;
    struct table tables[2];
    enum profile_origin origin;
    time_t since;
    size_t plain_n;         /* of the file's name, before a child's process id */
    uint64_t checkpoint_ns; /* 0: none */
    struct timers_options timers;

    /* Read by ticks. */
    struct table *active; /* NULL: no profile is on */
    struct ProfilerOptions options;
    uint32_t in_filters;   /* ticks that are in the program's filter */
    uint64_t unwritten_ns; /* CPU time since the last checkpoint */

    /* Stacks are gathered here and not on the stack in use, which may be a small one. */
    uint32_t rooms_taken; /* a bit each */
    uintptr_t rooms[ROOMS][SAMPLE_MAX];
} profile = {.writer = {.fd = -1, .maps_fd = -1}};

/* A stop waits, with the lock, for filters to return: from inside one the lock is not taken. */
static __thread bool is_in_filter;

/* ---- the lock -------------------------------------------------------------------------------- */

static uint64_t lock_quietly(void)
{
    const uint64_t all = ~UINT64_C(0);
    uint64_t before = 0;
    (void)sys_sigprocmask(SIG_SETMASK, &all, &before);
    lock_take(&profile.lock);
    return before;
}

static void unlock_and_restore(uint64_t before)
{
    lock_drop(&profile.lock);
    (void)sys_sigprocmask(SIG_SETMASK, &before, NULL);
}

/* ---- ticks ----------------------------------------------------------------------------------- */

static struct table *enter_table(void)
{
    for (;;) {
        struct table *table = __atomic_load_n(&profile.active, __ATOMIC_SEQ_CST);
        if (!table)
            return NULL;
        (void)__atomic_add_fetch(&table->users, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&profile.active, __ATOMIC_SEQ_CST) == table)
            return table;
        (void)__atomic_sub_fetch(&table->users, 1, __ATOMIC_SEQ_CST);
    }
}

static void leave_table(struct table *table)
{
    (void)__atomic_sub_fetch(&table->users, 1, __ATOMIC_SEQ_CST);
}

/* Until the last tick has left; what lets others in was closed before. */
static void wait_for_none(const uint32_t *ticks)
{
    for (unsigned round = 0; __atomic_load_n(ticks, __ATOMIC_SEQ_CST) != 0; round++) {
        if (round < 16) {
            sys_yield();
        } else {
            const struct timespec t = {.tv_nsec = 100000};
            (void)sys_call(SYS_nanosleep, (long)&t, 0, 0, 0, 0, 0);
        }
    }
}

/* Makes room by writing out a table that is full; false: somebody else is at it. */
static bool make_room(struct table *full)
{
    if (!lock_try(&profile.lock))
        return false;
    if (__atomic_load_n(&profile.active, __ATOMIC_SEQ_CST) == full) {
        struct table *other = &profile.tables[full == &profile.tables[0]];
        __atomic_store_n(&profile.active, other, __ATOMIC_SEQ_CST);
        wait_for_none(&full->users);
        writer_keep(&profile.writer, full);
        table_clear(full);
    }
    lock_drop(&profile.lock);
    return true;
}

static void add(const uintptr_t *pcs, size_t n, uint64_t weight)
{
    for (unsigned i = 0; i < TRIES; i++) {
        struct table *table = enter_table();
        if (!table)
            return;
        const struct mark mark = table_add(table, pcs, n, weight);
        if (mark.count &&
            !profile.options.filter_in_thread) /* or who knows whether more is wanted */
            timers_counted(mark);
        leave_table(table);
        if (mark.count)
            return;
        if (!make_room(table))
            sys_yield();
    }
}

bool profile_add_to(struct mark mark, uint64_t weight)
{
    struct table *table = enter_table();
    if (!table)
        return false;
    const bool is_added = table_add_to(table, mark, weight);
    leave_table(table);
    return is_added;
}

static int take_room(void)
{
    uint32_t taken = __atomic_load_n(&profile.rooms_taken, __ATOMIC_RELAXED);
    while (taken != UINT32_MAX) {
        const int room = __builtin_ctz(~taken);
        if (__atomic_compare_exchange_n(&profile.rooms_taken, &taken, taken | 1u << room, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return room;
    }
    return -1;
}

static void give_room(int room)
{
    (void)__atomic_fetch_and(&profile.rooms_taken, ~(1u << room), __ATOMIC_RELEASE);
}

static void take_sample(const void *context, uint64_t weight)
{
    const int room = take_room();
    if (room >= 0) {
        uintptr_t *pcs = profile.rooms[room];
        add(pcs, unwind(pcs, SAMPLE_MAX, 0, context), weight);
        give_room(room);
    } else { /* more than that at one time: the innermost callers alone */
        uintptr_t few[16];
        add(few, unwind(few, sizeof few / sizeof *few, 0, context), weight);
    }
}

static bool is_wanted(void)
{
    (void)__atomic_add_fetch(&profile.in_filters, 1, __ATOMIC_SEQ_CST);
    bool is_taken = profile_is_on();
    if (is_taken && profile.options.filter_in_thread) {
        is_in_filter = true;
        is_taken = profile.options.filter_in_thread(profile.options.filter_in_thread_arg) != 0;
        is_in_filter = false;
    }
    (void)__atomic_sub_fetch(&profile.in_filters, 1, __ATOMIC_SEQ_CST);
    return is_taken;
}

static void checkpoint_if_due(uint64_t passed)
{
    const uint64_t due = __atomic_load_n(&profile.checkpoint_ns, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&profile.unwritten_ns, passed, __ATOMIC_RELAXED) < due || due == 0 ||
        !lock_try(&profile.lock))
        return;
    const struct table *table = profile.active;
    if (table && profile.writer.pid == sys_getpid()) {
        writer_checkpoint(&profile.writer, table);
        __atomic_store_n(&profile.unwritten_ns, 0, __ATOMIC_RELAXED);
    }
    lock_drop(&profile.lock);
}

static void on_tick(int signal, siginfo_t *info, void *context)
{
    const int error = errno;
    if (!timers_own(info) && handler_pass_on(signal, info, context)) {
        errno = error;
        return;
    }
    if (profile_is_on()) {
        const struct tick tick = timers_tick(info);
        if (tick.weight > 0 && is_wanted())
            take_sample(context, tick.weight);
        if (tick.watch_passed > 0)
            checkpoint_if_due(tick.watch_passed);
    }
    errno = error;
}

/* ---- settings -------------------------------------------------------------------------------- */

static uint64_t frequency(void)
{
    const char *text = env_get("CPUPROFILE_FREQUENCY"), *rest = NULL;
    const int64_t asked = text ? env_number(text, &rest) : FREQUENCY_USUAL;
    if (asked <= 0 || (rest && *rest))
        return FREQUENCY_USUAL;
    return asked > FREQUENCY_MOST ? FREQUENCY_MOST : (uint64_t)asked;
}

/* Numbers may be written as in C. */
static int timer_signal(void)
{
    const char *text = env_is_untrusted() ? NULL : env_get("CPUPROFILE_TIMER_SIGNAL");
    int64_t number = 0;
    if (text && text[0] == '0' && (text[1] | 0x20) == 'x') {
        for (text += 2; *text && number < 1024; text++) {
            const int digit = *text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10;
            if (digit < 0 || digit > 15)
                break;
            number = number * 16 + digit;
        }
    } else if (text) {
        number = env_number(text, NULL);
    }
    return number >= 1 && number <= 64 ? (int)number : SIGPROF;
}

static void read_settings(void)
{
    const uint64_t period_us = 1000000 / frequency();
    const int64_t seconds = env_int("CPUPROFILE_FLUSH_SECONDS", CHECKPOINT_SECONDS_USUAL);
    profile.writer.period_us = period_us;
    profile.timers = (struct timers_options){
        .interval_ns = period_us * 1000,
        .signal = timer_signal(),
        .is_wall = env_is_set("CPUPROFILE_REALTIME"),
        .is_per_thread =
            env_is_set("CPUPROFILE_PER_THREAD_TIMERS") || env_is_set("CPUPROFILE_TIMER_SIGNAL"),
    };
    const bool is_sane = seconds > 0 && seconds < 1000000;
    __atomic_store_n(&profile.checkpoint_ns, is_sane ? (uint64_t)seconds * 1000000000 : 0,
                     __ATOMIC_RELAXED);
}

/* ---- code that goes away --------------------------------------------------------------------- */

static void before_unload(void)
{
    if (is_in_filter || !profile_is_on())
        return;
    const uint64_t before = lock_quietly();
    if (profile_is_on() && profile.writer.pid == sys_getpid())
        writer_note_code(&profile.writer);
    unlock_and_restore(before);
}

/* ---- start, stop, flush ---------------------------------------------------------------------- */

bool profile_is_on(void)
{
    return __atomic_load_n(&profile.active, __ATOMIC_SEQ_CST) != NULL;
}

static void close_tables(void)
{
    table_close(&profile.tables[0]);
    table_close(&profile.tables[1]);
}

static bool open_all(int *error)
{
    *error = writer_open(&profile.writer);
    if (*error)
        return false;
    if (table_open(&profile.tables[0]) && table_open(&profile.tables[1])) {
        __atomic_store_n(&profile.active, &profile.tables[0], __ATOMIC_SEQ_CST);
        if (timers_start(&profile.timers))
            return true;
        __atomic_store_n(&profile.active, NULL, __ATOMIC_SEQ_CST);
    }
    close_tables();
    writer_close(&profile.writer);
    *error = ENOMEM;
    return false;
}

int profile_start(const char *path, const struct ProfilerOptions *options,
                  enum profile_origin origin)
{
    if (is_in_filter)
        return false;
    int error = 0;
    const uint64_t before = lock_quietly();
    bool is_started = false;
    if (!profile_is_on()) {
        memset(&profile.writer, 0, sizeof profile.writer);
        profile.writer.fd = profile.writer.maps_fd = -1;
        profile.plain_n =
            text_print(profile.writer.name.text, sizeof profile.writer.name.text, "%s", path);
        read_settings();
        profile.options = options ? *options : (struct ProfilerOptions){0};
        profile.origin = origin;
        profile.since = time(NULL);
        __atomic_store_n(&profile.unwritten_ns, 0, __ATOMIC_RELAXED);
        message_keep_stderr();
        unloaded_forget();
        __atomic_store_n(&unwind_before_unload, before_unload, __ATOMIC_RELEASE);
        if (!handler_install(profile.timers.signal, on_tick))
            message_say(MESSAGE_ERROR,
                        "Disabling profiler because signal %d handler is already in use.",
                        profile.timers.signal);
        else
            is_started = open_all(&error);
    }
    unlock_and_restore(before);
    if (error)
        errno = error;
    return is_started;
}

/* No tick is in a table or in the filter when this returns; the table is the active one. */
static void end_ticks(struct table *table)
{
    __atomic_store_n(&profile.active, NULL, __ATOMIC_SEQ_CST);
    wait_for_none(&profile.tables[0].users);
    wait_for_none(&profile.tables[1].users);
    timers_stop(table);
    wait_for_none(&profile.in_filters);
}

void profile_stop(void)
{
    if (is_in_filter || !profile_is_on())
        return;
    const uint64_t before = lock_quietly();
    struct table *table = profile.active;
    /* A child that was made behind our back has no timers and must not write into its parent's
     * file. */
    const bool is_ours = profile.writer.pid == sys_getpid();
    if (table && is_ours) {
        end_ticks(table);
        const uint64_t weight = profile.writer.kept_weight + table_weight(table);
        const bool is_lazy = profile.writer.fd < 0;
        if (weight > 0 || !is_lazy) {
            writer_end(&profile.writer, table);
            if (!handler_is_installed(profile.timers.signal)) /* not by our functions */
                message_say(MESSAGE_WARNING, "profiling signal handler was replaced");
            if (!env_bool("CPUPROFILE_QUIET", false))
                message_always("PROFILE: interrupts/evictions/bytes = %lu/%lu/%lu", weight,
                               profile.writer.evictions, profile.writer.bytes);
        }
        writer_close(&profile.writer);
        close_tables();
    } else if (table) {
        __atomic_store_n(&profile.active, NULL, __ATOMIC_SEQ_CST);
    }
    unlock_and_restore(before);
}

void profile_flush(void)
{
    if (is_in_filter || !profile_is_on())
        return;
    const uint64_t before = lock_quietly();
    struct table *table = profile.active;
    if (table && profile.writer.pid == sys_getpid()) {
        writer_checkpoint(&profile.writer, table);
        __atomic_store_n(&profile.unwritten_ns, 0, __ATOMIC_RELAXED);
    }
    unlock_and_restore(before);
}

void profile_state(struct ProfilerState *state)
{
    memset(state, 0, sizeof *state);
    /* While a filter is in, nothing that is read here goes away. */
    const uint64_t before = is_in_filter ? 0 : lock_quietly();
    const struct table *table = profile.active;
    if (table) {
        const uint64_t weight = profile.writer.kept_weight + table_weight(table);
        state->enabled = 1;
        state->start_time = profile.since;
        state->samples_gathered = weight > INT32_MAX ? INT32_MAX : (int)weight;
        (void)text_print(state->profile_name, sizeof state->profile_name, "%s",
                         profile.writer.name.text);
    }
    if (!is_in_filter)
        unlock_and_restore(before);
}

/* ---- fork ------------------------------------------------------------------------------------ */

/* With signals blocked no tick interrupts the system call, which the kernel would begin again and
 * again in a large process. */
void profile_before_fork(void)
{
    profile.signals_before_fork = lock_quietly();
    handler_before_fork();
}

void profile_after_fork_in_parent(void)
{
    handler_after_fork(false);
    unlock_and_restore(profile.signals_before_fork);
}

/* Nothing is written and no file is opened here: many children run another program at once. */
void profile_after_fork_in_child(void)
{
    handler_after_fork(true);
    if (profile_is_on()) {
        struct writer *writer = &profile.writer;
        timers_forget();
        writer_close(writer);
        table_clear(&profile.tables[0]);
        table_clear(&profile.tables[1]);
        profile.in_filters = 0;
        profile.rooms_taken = 0;
        profile.unwritten_ns = 0;
        if (profile.origin == PROFILE_BY_ENVIRONMENT) {
            writer->kept = 0;
            writer->kept_weight = writer->evictions = writer->bytes = 0;
            writer->has_failed = false;
            writer->is_seekable = true;
            writer->pid = sys_getpid();
            writer->name.text[profile.plain_n] = '\0';
            outname_add_pid(&writer->name);
            (void)timers_start(&profile.timers);
        } else {
            profile.active = NULL;
            close_tables();
        }
    }
    unlock_and_restore(profile.signals_before_fork);
}
