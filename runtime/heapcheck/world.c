/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stopping and resuming the other threads: by a helper that traces them where that is allowed,
 * because it needs nothing of theirs, and by a signal where it is not (containers, processes that
 * must not be looked into). Here is what both need to know of threads. */
#include "heapcheck/internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/pages.h"
#include "base/syscall.h"
#include "base/text.h"

enum { ENTRIES = 4096 }; /* bytes of a folder read at once */

/* The table of threads. It stays, for a thread that takes the signal late still looks into it. */
static struct world_thread *threads;

struct entry {
    uint64_t inode, offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

struct world_thread *world_find(struct world *world, pid_t tid)
{
    for (size_t i = world->n; i-- > 0;) {
        if (world->threads[i].tid == tid)
            return &world->threads[i];
    }
    return NULL;
}

struct world_thread *world_add(struct world *world, pid_t tid)
{
    if (world->n == WORLD_MOST)
        return NULL;
    struct world_thread *thread = &world->threads[world->n++];
    thread->tid = tid;
    return thread;
}

static pid_t number(const char *text)
{
    pid_t n = 0;
    while (*text >= '0' && *text <= '9')
        n = n * 10 + (*text++ - '0');
    return *text ? 0 : n;
}

bool world_list(struct world *world, pid_t self, void (*visit)(void *to, pid_t tid), void *to)
{
    uint64_t space[ENTRIES / sizeof(uint64_t)];
    if (sys_call(SYS_lseek, world->tasks_fd, 0, SEEK_SET, 0, 0, 0) < 0)
        return false;
    for (;;) {
        const long n =
            sys_call(SYS_getdents64, world->tasks_fd, (long)space, sizeof space, 0, 0, 0);
        if (n <= 0)
            return n == 0;
        for (long at = 0; at < n;) {
            const struct entry *entry = (const struct entry *)((const char *)space + at);
            const pid_t tid = number(entry->name);
            at += entry->size;
            if (tid > 0 && tid != self)
                visit(to, tid);
        }
    }
}

/* A file of the thread's folder; 0: it is gone, or not for us. */
static size_t read_file(const struct world *world, pid_t tid, const char *name, char *to,
                        size_t size)
{
    char path[40];
    struct text text = text_over(path, sizeof path);
    text_unsigned(&text, (uint64_t)tid, 0);
    text_add(&text, name);
    const int fd =
        (int)sys_call(SYS_openat, world->tasks_fd, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return 0;
    const ssize_t n = sys_pread(fd, to, size - 1, 0);
    (void)sys_close(fd);
    to[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

char world_state_of(const struct world *world, pid_t tid)
{
    char text[256];
    size_t n = read_file(world, tid, "/stat", text, sizeof text);
    while (n > 0 && text[n - 1] != ')')
        n--;
    return n > 0 && text[n] == ' ' ? text[n + 1] : 0;
}

static uintptr_t hex_before(const char *end)
{
    uintptr_t value = 0;
    unsigned shift = 0;
    for (; end[-1] != 'x' && shift < 64; end--, shift += 4) {
        const char c = end[-1];
        value |= (uintptr_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10) << shift;
    }
    return value;
}

/* The file ends in "... 0xSP 0xPC", or is "running". */
uintptr_t world_sp_of(const struct world *world, pid_t tid)
{
    char text[256];
    size_t n = read_file(world, tid, "/syscall", text, sizeof text);
    while (n > 0 && text[n - 1] != ' ')
        n--;
    return n > 4 ? hex_before(text + n - 1) : 0;
}

bool world_blocks(const struct world *world, pid_t tid, int signal)
{
    static const char field[] = "\nSigBlk:\t"; /* and 16 digits */
    enum { DIGITS = 16, FIELD = sizeof field - 1 };
    char text[2048];
    const size_t n = read_file(world, tid, "/status", text, sizeof text);
    for (size_t i = 0; i + FIELD + DIGITS <= n; i++) {
        if (memcmp(text + i, field, FIELD) != 0)
            continue;
        const char digit = text[i + FIELD + DIGITS - 1 - (size_t)(signal - 1) / 4];
        const unsigned value = (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
        return value >> ((signal - 1) % 4) & 1;
    }
    return false;
}

/* ---- */

static void count(void *to, pid_t tid)
{
    (void)tid;
    ++*(size_t *)to;
}

/* The folder of our threads, in a /proc that knows us by the number we know ourselves by. */
static int open_tasks(void)
{
    char path[64];
    struct text text = text_over(path, sizeof path);
    text_add(&text, "/proc/self/task/");
    text_unsigned(&text, (uint64_t)sys_gettid(), 0);
    const int own = sys_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (own < 0)
        return own;
    (void)sys_close(own);
    return sys_open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

static uint64_t signal_bit(int signal)
{
    return (uint64_t)1 << (signal - 1);
}

/* What our own faults raise stays as it is. */
static void block_signals(uint64_t *before)
{
    const uint64_t all = ~(signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGILL) |
                           signal_bit(SIGFPE) | signal_bit(SIGTRAP));
    (void)sys_sigprocmask(SIG_BLOCK, &all, before);
}

static bool stop(struct world *world, bool is_by_signal)
{
    size_t others = 0;
    if (!world_list(world, sys_gettid(), count, &others))
        return false;
    if (others == 0) {
        world->way = WORLD_ALONE;
        return true;
    }
    if (!threads)
        threads = pages_map(NULL, WORLD_MOST * sizeof *threads, SYSTEM_PAGE);
    if (!threads)
        return false;
    world->threads = threads;
    world->way = WORLD_BY_HELPER;
    if (!is_by_signal && helper_stop(world))
        return true;
    pages_zero(threads, WORLD_MOST * sizeof *threads);
    world->n = world->unknown = 0;
    world->way = WORLD_BY_SIGNAL;
    return signal_stop(world);
}

static void end(struct world *world)
{
    if (world->threads)
        pages_zero(threads, WORLD_MOST * sizeof *threads);
    (void)sys_close(world->tasks_fd);
    (void)sys_sigprocmask(SIG_SETMASK, &world->mask, NULL);
}

bool world_stop(struct world *world, bool is_by_signal)
{
    *world = (struct world){.tasks_fd = open_tasks()};
    if (world->tasks_fd < 0) {
        world->refusal = -world->tasks_fd;
        return false;
    }
    block_signals(&world->mask);
    if (stop(world, is_by_signal))
        return true;
    end(world);
    return false;
}

void world_resume(struct world *world)
{
    if (world->way == WORLD_BY_HELPER)
        helper_resume(world);
    else if (world->way == WORLD_BY_SIGNAL)
        signal_resume(world);
    end(world);
}
