/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The kernel's clocks and timers, as few as are needed of them, by bare system calls: those of the
 * C library keep books of their own and allocate. */
#include "cpuprof/internal.h"

#include <string.h>

#include "base/syscall.h"

#define SECOND UINT64_C(1000000000)

clockid_t thread_clock(pid_t tid)
{
    return (clockid_t)(~(unsigned)tid << 3 | 6);
}

uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    if (sys_call(SYS_clock_gettime, clock, (long)&t, 0, 0, 0, 0) != 0)
        return 0;
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / SECOND), .tv_nsec = (long)(ns % SECOND)};
}

/* Uniform in [1, limit]. */
static uint64_t random_up_to(uint64_t limit)
{
    static uint64_t state;
    uint64_t x = __atomic_load_n(&state, __ATOMIC_RELAXED) + clock_ns(CLOCK_MONOTONIC);
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    __atomic_store_n(&state, x, __ATOMIC_RELAXED);
    return 1 + x % limit;
}

uint32_t kernel_timer(clockid_t clock, pid_t tid, int signal, void *carried, uint64_t interval)
{
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = tid ? SIGEV_THREAD_ID : SIGEV_SIGNAL;
    event.sigev_signo = signal;
    event.sigev_value.sival_ptr = carried;
    event._sigev_un._tid = tid;
    int32_t timer;
    if (sys_call(SYS_timer_create, clock, (long)&event, (long)&timer, 0, 0, 0) != 0)
        return 0;
    const struct itimerspec when = {
        .it_interval = timespec_of(interval),
        .it_value = timespec_of(random_up_to(interval)),
    };
    (void)sys_call(SYS_timer_settime, timer, 0, (long)&when, 0, 0, 0);
    return (uint32_t)timer + 1;
}

void kernel_timer_end(uint32_t *timer)
{
    const uint32_t deleted = __atomic_exchange_n(timer, 0, __ATOMIC_ACQ_REL);
    if (deleted)
        (void)sys_call(SYS_timer_delete, deleted - 1, 0, 0, 0, 0, 0);
}
