/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The heap profile that can be on: how many bytes were made and freed since it began, and the files
 * that are written when these have grown by so much. Each thread adds up on its own and tells the
 * others now and then, so that they do not share what they write to at every call; large blocks
 * are told at once. */
#include "heapprof/internal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/env.h"
#include "base/lock.h"
#include "base/outname.h"
#include "base/syscall.h"

enum {
    MB_SHIFT = 20,
    KB_SHIFT = 10,
    STEP_MOST = 64 << 10, /* bytes that a thread keeps to itself */
    STEP_PART = 1024,     /* of the shortest interval */
    FILE_MODE = 0664,
};
#define NS_PER_SECOND 1000000000

static struct {
    struct lock lock;
    bool is_on;
    _Atomic bool is_dump_wanted; /* by a signal that could not be served */

    /* Under the lock. */
    struct outname prefix;
    size_t plain_n; /* of the prefix, before a child's process id */
    pid_t pid;
    unsigned n_files;
    int64_t allocation_interval, deallocation_interval, inuse_interval; /* 0: none */
    int64_t time_interval;                                              /* seconds */

    int64_t step;
    _Atomic int64_t made, gone; /* bytes, as far as threads have told */
    /* When the next file is due; INT64_MAX: never. */
    _Atomic int64_t due_made, due_gone, due_inuse, due_time;
    int64_t most_inuse, last_time;
} profile;

/* What this thread has not told yet. */
static __thread struct {
    int64_t made, gone;
} pending;

/* ---- writing */

struct file {
    int fd;
    bool has_failed;
    size_t n;
    char bytes[16384];
};

static void drain(struct file *file)
{
    const char *p = file->bytes;
    while (file->n > 0 && !file->has_failed) {
        const ssize_t done = sys_write(file->fd, p, file->n);
        if (done > 0) {
            p += done;
            file->n -= (size_t)done;
        } else if (done != -EINTR) {
            file->has_failed = true;
        }
    }
    file->n = 0;
}

static void put_in_file(void *to, const char *piece, size_t n)
{
    struct file *file = to;
    while (n > 0) {
        if (file->n == sizeof file->bytes)
            drain(file);
        const size_t room = sizeof file->bytes - file->n, part = n < room ? n : room;
        memcpy(file->bytes + file->n, piece, part);
        file->n += part;
        piece += part;
        n -= part;
    }
}

/* Under the lock. */
static bool write_file(const char *path, const struct snapshot *snapshot)
{
    static struct file file; /* not on the stack, which may be a small one */
    file.fd = sys_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, FILE_MODE);
    if (file.fd < 0)
        return false;
    file.n = 0;
    file.has_failed = false;
    const struct text_sink sink = {put_in_file, &file};
    text_snapshot(&sink, snapshot);
    drain(&file);
    return sys_close(file.fd) == 0 && !file.has_failed;
}

/* A child that was made since does not write over its parent's files. */
static void follow_fork(void)
{
    const pid_t pid = sys_getpid();
    if (pid == profile.pid)
        return;
    profile.pid = pid;
    profile.prefix.text[profile.plain_n] = '\0';
    outname_add_pid(&profile.prefix);
    profile.n_files = 0;
}

/* Under the lock. */
static void dump(const struct snapshot *snapshot, const char *reason)
{
    static struct outname path;
    follow_fork();
    (void)text_print(path.text, sizeof path.text, "%s.%04u.heap", profile.prefix.text,
                     ++profile.n_files);
    message_say(MESSAGE_NOTICE, "Dumping heap profile to %s (%s)", path.text, reason);
    if (!snapshot || !write_file(path.text, snapshot))
        message_say(MESSAGE_ERROR, "Failed dumping heap profile to %s", path.text);
}

static void take_and_dump(const char *reason)
{
    struct snapshot snapshot;
    const bool is_taken = snapshot_take(&snapshot, true);
    dump(is_taken ? &snapshot : NULL, reason);
    if (is_taken)
        snapshot_free(&snapshot);
}

/* ---- when it is due */

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * NS_PER_SECOND + t.tv_nsec;
}

static int64_t due(int64_t from, int64_t interval)
{
    int64_t at;
    return interval <= 0 || __builtin_add_overflow(from, interval, &at) ? INT64_MAX : at;
}

/* Under the lock, when a file was written or the profile begins. */
static void set_due(void)
{
    const int64_t made = profile.made, gone = profile.gone;
    if (made - gone > profile.most_inuse)
        profile.most_inuse = made - gone;
    profile.due_made = due(made, profile.allocation_interval);
    profile.due_gone = due(gone, profile.deallocation_interval);
    /* More than the interval: the first byte beyond. */
    profile.due_inuse = due(profile.most_inuse + 1, profile.inuse_interval);
}

static void set_due_time(void)
{
    int64_t ns;
    profile.last_time = now_ns();
    if (__builtin_mul_overflow(profile.time_interval, NS_PER_SECOND, &ns))
        ns = 0;
    profile.due_time = due(profile.last_time, ns);
}

static bool is_due(void)
{
    const int64_t made = profile.made, gone = profile.gone;
    return made >= profile.due_made || gone >= profile.due_gone ||
           made - gone >= profile.due_inuse || profile.is_dump_wanted ||
           (profile.due_time != INT64_MAX && now_ns() >= profile.due_time);
}

/* Under the lock. False: nothing is due after all. */
static bool find_reason(char *reason, size_t size)
{
    const long made = profile.made, gone = profile.gone, inuse = made - gone;
    if (atomic_exchange(&profile.is_dump_wanted, false)) {
        (void)text_print(reason, size, "signal");
    } else if (made >= profile.due_made) {
        (void)text_print(reason, size, "%ld MB allocated cumulatively, %ld MB currently in use",
                         made >> MB_SHIFT, inuse >> MB_SHIFT);
        set_due();
    } else if (gone >= profile.due_gone) {
        (void)text_print(reason, size, "%ld MB freed cumulatively, %ld MB currently in use",
                         gone >> MB_SHIFT, inuse >> MB_SHIFT);
        set_due();
    } else if (inuse >= profile.due_inuse) {
        (void)text_print(reason, size, "%ld MB currently in use", inuse >> MB_SHIFT);
        set_due();
    } else if (profile.due_time != INT64_MAX && now_ns() >= profile.due_time) {
        (void)text_print(reason, size, "%ld sec since the last dump",
                         (now_ns() - profile.last_time) / NS_PER_SECOND);
        set_due();
        set_due_time();
    } else {
        return false;
    }
    return true;
}

static __attribute__((noinline)) void dump_what_is_due(void)
{
    char reason[128];
    if (!lock_try(&profile.lock)) /* somebody writes one */
        return;
    if (profile.is_on && find_reason(reason, sizeof reason))
        take_and_dump(reason);
    lock_drop(&profile.lock);
}

static void tell(void)
{
    profile.made += pending.made;
    profile.gone += pending.gone;
    pending.made = pending.gone = 0;
}

void heap_profile_made(stack_ix stack, size_t size)
{
    stack_count(stack, size);
    pending.made += (int64_t)size;
}

void heap_profile_gone(size_t size)
{
    pending.gone += (int64_t)size;
}

void heap_profile_after(void)
{
    const int64_t step = __atomic_load_n(&profile.step, __ATOMIC_RELAXED);
    const bool is_wanted = atomic_load_explicit(&profile.is_dump_wanted, memory_order_relaxed);
    if (__builtin_expect(pending.made + pending.gone < step && !is_wanted, 1))
        return;
    tell();
    if (is_due() && heap_profile_is_on())
        dump_what_is_due();
}

void heap_profile_thread_ends(void)
{
    tell();
}

/* ---- on and off */

bool heap_profile_is_on(void)
{
    return __atomic_load_n(&profile.is_on, __ATOMIC_ACQUIRE);
}

static int64_t shorter(int64_t a, int64_t b)
{
    return a > 0 && a < b ? a : b;
}

static void read_intervals(void)
{
    profile.allocation_interval = env_int("HEAP_PROFILE_ALLOCATION_INTERVAL", 1 << 30);
    profile.deallocation_interval = env_int("HEAP_PROFILE_DEALLOCATION_INTERVAL", 0);
    profile.inuse_interval = env_int("HEAP_PROFILE_INUSE_INTERVAL", 100 << 20);
    profile.time_interval = env_int("HEAP_PROFILE_TIME_INTERVAL", 0);
    int64_t least = (int64_t)STEP_MOST * STEP_PART;
    least = shorter(profile.allocation_interval, least);
    least = shorter(profile.deallocation_interval, least);
    least = shorter(profile.inuse_interval, least);
    __atomic_store_n(&profile.step, profile.time_interval > 0 ? 0 : least / STEP_PART,
                     __ATOMIC_RELAXED);
}

void heap_profile_start(const char *prefix)
{
    lock_take(&profile.lock);
    if (!profile.is_on) {
        profile.plain_n = text_print(profile.prefix.text, sizeof profile.prefix.text, "%s", prefix);
        profile.pid = sys_getpid();
        read_intervals();
        profile.made = profile.gone = 0;
        profile.most_inuse = 0;
        profile.is_dump_wanted = false;
        set_due();
        set_due_time();
        stacks_forget_made();
        message_keep_stderr();
        message_say(MESSAGE_NOTICE, "Starting tracking the heap");
        mappings_begin();
        if (!(mappings_wanted & MAPPINGS_ONLY))
            objects_track(TRACKER_PROFILE, true);
        __atomic_store_n(&profile.is_on, true, __ATOMIC_RELEASE);
    }
    lock_drop(&profile.lock);
}

void heap_profile_stop(void)
{
    lock_take(&profile.lock);
    if (profile.is_on) {
        __atomic_store_n(&profile.is_on, false, __ATOMIC_RELEASE);
        objects_track(TRACKER_PROFILE, false);
        mappings_end();
    }
    lock_drop(&profile.lock);
}

void heap_profile_dump(const char *reason)
{
    if (!heap_profile_is_on())
        return;
    if (!objects_may_wait()) { /* in a signal handler: when the call that it interrupted is over */
        profile.is_dump_wanted = true;
        return;
    }
    if (!lock_try(&profile.lock))
        return;
    if (profile.is_on)
        take_and_dump(reason);
    lock_drop(&profile.lock);
}

void heap_profile_dump_from_signal(void)
{
    struct snapshot snapshot;
    profile.is_dump_wanted = true;
    if (!heap_profile_is_on() || !lock_try(&profile.lock))
        return;
    if (profile.is_on && snapshot_take(&snapshot, false)) {
        profile.is_dump_wanted = false;
        dump(&snapshot, "signal");
        snapshot_free(&snapshot);
    }
    lock_drop(&profile.lock);
}

void heap_profile_end(void)
{
    static bool is_done; /* by whoever came first */
    struct snapshot snapshot;
    if (!heap_profile_is_on() || is_done)
        return;
    is_done = true;
    lock_take(&profile.lock);
    if (snapshot_take(&snapshot, true)) {
        char reason[64];
        const unsigned long bytes = snapshot.live.bytes;
        if (bytes >> MB_SHIFT)
            (void)text_print(reason, sizeof reason, "Exiting, %lu MB in use", bytes >> MB_SHIFT);
        else if (bytes >> KB_SHIFT)
            (void)text_print(reason, sizeof reason, "Exiting, %lu kB in use", bytes >> KB_SHIFT);
        else
            (void)text_print(reason, sizeof reason, "Exiting, %lu bytes in use", bytes);
        dump(&snapshot, reason);
        snapshot_free(&snapshot);
    } else {
        dump(NULL, "Exiting");
    }
    lock_drop(&profile.lock);
}

/* ---- as a string */

static char *copy_text(const char *text, size_t n)
{
    char *copy = malloc(n + 1);
    if (copy) {
        memcpy(copy, text, n);
        copy[n] = '\0';
    }
    return copy;
}

char *heap_profile_text(void)
{
    struct snapshot snapshot;
    struct grown grown = {.room = 0};
    lock_take(&profile.lock);
    const bool is_on = profile.is_on;
    if (is_on && snapshot_take(&snapshot, true)) {
        const struct text_sink sink = grown_begin(&grown);
        text_snapshot(&sink, &snapshot);
        snapshot_free(&snapshot);
    }
    lock_drop(&profile.lock);
    if (!is_on)
        return copy_text("", 0);
    char *text = grown.room > 0 ? copy_text(grown.p, grown.n) : NULL;
    grown_free(&grown);
    return text;
}

void heap_profile_lock(void)
{
    lock_take(&profile.lock);
}

void heap_profile_unlock(void)
{
    lock_drop(&profile.lock);
}
