/* SPDX-License-Identifier: BSD-3-Clause
 *
 * System calls without the C library around them: no errno to save, no cancellation point, nobody
 * who interposes, safe in every signal handler. Results are as the kernel gives them: a negative
 * error number on failure. */
#pragma once

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>

static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static inline ssize_t sys_write(int fd, const void *from, size_t n)
{
    return sys_call(SYS_write, fd, (long)from, (long)n, 0, 0, 0);
}

static inline ssize_t sys_pwrite(int fd, const void *from, size_t n, off_t at)
{
    return sys_call(SYS_pwrite64, fd, (long)from, (long)n, at, 0, 0);
}

static inline ssize_t sys_pread(int fd, void *to, size_t n, off_t at)
{
    return sys_call(SYS_pread64, fd, (long)to, (long)n, at, 0, 0);
}

static inline int sys_open(const char *path, int flags, mode_t mode)
{
    return (int)sys_call(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0);
}

static inline int sys_close(int fd)
{
    return (int)sys_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

static inline int sys_fcntl(int fd, int what, long argument)
{
    return (int)sys_call(SYS_fcntl, fd, what, argument, 0, 0, 0);
}

static inline int sys_ftruncate(int fd, off_t size)
{
    return (int)sys_call(SYS_ftruncate, fd, size, 0, 0, 0, 0);
}

/* Never cached: it changes under fork, and nobody tells us of every fork. */
static inline pid_t sys_getpid(void)
{
    return (pid_t)sys_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static inline pid_t sys_gettid(void)
{
    return (pid_t)sys_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

/* The size of the kernel's signal set. */
enum { SYS_SIGSET_BYTES = 8 };

static inline int sys_sigprocmask(int how, const uint64_t *set, uint64_t *before)
{
    return (int)sys_call(SYS_rt_sigprocmask, how, (long)set, (long)before, SYS_SIGSET_BYTES, 0, 0);
}

static inline void sys_yield(void)
{
    (void)sys_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}
