/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two locks of the kernel: seccomp, which knows the numbers of system calls and their arguments but
 * no names of files, and Landlock, which knows folders. Where there are folders to write to, it is
 * Landlock that keeps us there. The invariant: what is not in a table here is refused, with EPERM,
 * so that a library that tries something new does without. */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined __riscv && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#ifdef ARCHITECTURE

/* ---- Landlock ----------------------------------------------------------------------------------
 */

/* All rights that change something, and to run programs. Reading stays as it is: where debug files
 * and sources are is not known beforehand. */
#define WRITING                                                                                    \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |  \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define IN_THE_FOLDER                                                                              \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)

#define FOLDERS_IN_IT (LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR)

static bool allow_folder(int rules, const char *folder, uint64_t rights)
{
    const int fd = open(folder, O_PATH | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0)
        return false;
    const struct landlock_path_beneath_attr row = {.allowed_access = rights, .parent_fd = fd};
    const long result = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &row, 0);
    (void)close(fd);
    return result == 0;
}

/* Whether there are writable folders, and they are the only ones from now on. */
static bool enter_landlock(const struct sandbox_options *options)
{
    const struct landlock_ruleset_attr attr = {.handled_access_fs = WRITING};
    const uint64_t rights = IN_THE_FOLDER | (options->may_ask ? FOLDERS_IN_IT : 0);
    const int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    bool has_folder = false;
    if (rules < 0)
        return false;
    for (size_t i = 0; options->writable && options->writable[i]; i++)
        has_folder |= allow_folder(rules, options->writable[i], rights);
    const bool is_in = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    (void)close(rules);
    return is_in && has_folder;
}

/* ---- seccomp ------------------------------------------------------------------------------------
 */

/* Where the filter looks: all machines here are little-endian. */
#define NUMBER       offsetof(struct seccomp_data, nr)
#define LOW(number)  (offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (number))
#define HIGH(number) (LOW(number) + 4)

#define LOAD(at)              BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(at))
#define RETURN(value)         BPF_STMT(BPF_RET | BPF_K, (value))
#define ALLOW                 RETURN(SECCOMP_RET_ALLOW)
#define REFUSE                RETURN(SECCOMP_RET_ERRNO | EPERM)
#define NO_SUCH_CALL          RETURN(SECCOMP_RET_ERRNO | ENOSYS)
#define SKIP_UNLESS(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n))
#define SKIP_IF(value, n)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (n), 0)
#define SKIP_IF_ANY(bits, n)  BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), (n), 0)

/* To read, to compute, to write to what is open, to start threads and to end. */
static const int allowed[] = {
    SYS_read,
    SYS_readv,
    SYS_pread64,
    SYS_preadv,
    SYS_write,
    SYS_writev,
    SYS_close,
    SYS_lseek,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_statfs,
    SYS_fstatfs,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlinkat,
    SYS_getdents64,
    SYS_getcwd,
    SYS_fadvise64,
    SYS_memfd_create,
    SYS_dup,
    SYS_pipe2,
    SYS_ppoll,
    SYS_mmap,
    SYS_mprotect,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_membarrier,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigpending,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_uname,
    SYS_sysinfo,
    SYS_getrusage,
    SYS_getpid,
    SYS_gettid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_exit,
    SYS_exit_group,
#ifdef __x86_64__
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_poll,
    SYS_time,
    SYS_arch_prctl,
    SYS_pipe,
    SYS_getrlimit,
#endif
};

/* In the folders to which Landlock keeps us. */
static const int in_folder[] = {
    SYS_renameat2, SYS_unlinkat, SYS_pwrite64, SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_flock,
#ifdef __x86_64__
    SYS_rename,    SYS_renameat, SYS_unlink,
#elif defined __aarch64__
    SYS_renameat,
#endif
};

/* To ask servers, and to make folders for what they send. */
static const int with_servers[] = {
    SYS_connect,
    SYS_bind,
    SYS_getsockname,
    SYS_getpeername,
    SYS_setsockopt,
    SYS_getsockopt,
    SYS_sendto,
    SYS_recvfrom,
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_sendmmsg,
    SYS_shutdown,
    SYS_mkdirat,
    SYS_landlock_create_ruleset,
    SYS_landlock_add_rule,
    SYS_landlock_restrict_self,
#ifdef __x86_64__
    SYS_mkdir,
#endif
};

/* For processes, and to be asked by the one that started us over what is open between us. */
static const int with_fork[] = {
    SYS_wait4,   SYS_waitid,  SYS_signalfd4,       SYS_recvmsg,
    SYS_sendmsg, SYS_setpgid, SYS_rt_sigtimedwait,
};

struct program {
    struct sock_filter rows[512];
    unsigned short n;
};

static void add(struct program *program, const struct sock_filter *rows, size_t n)
{
    for (size_t i = 0; i < n && program->n < COUNT_OF(program->rows); i++)
        program->rows[program->n++] = rows[i];
}

#define ADD(program, ...)                                                                          \
    add(program, (const struct sock_filter[]){__VA_ARGS__},                                        \
        sizeof((struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))

static void allow_all(struct program *program, const int *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ADD(program, SKIP_UNLESS((uint32_t)numbers[i], 1), ALLOW);
}

#define OPEN_TO_WRITE                                                                              \
    (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

/* Files may be opened, but not so. Flags are the argument of that number. */
static void allow_open(struct program *program, int number, unsigned argument, uint32_t but)
{
    ADD(program, SKIP_UNLESS((uint32_t)number, 4), LOAD(LOW(argument)), SKIP_IF_ANY(but, 1), ALLOW,
        REFUSE);
}

/* What a number alone does not decide. */
static void add_rules(struct program *program, const struct sandbox_options *options)
{
    const uint32_t other_worlds = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                  CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    /* A structure that a filter cannot look into: glibc takes clone in its place. */
    ADD(program, SKIP_UNLESS(SYS_clone3, 1), NO_SUCH_CALL);
    ADD(program, SKIP_UNLESS(SYS_clone, 6), LOAD(LOW(0)), SKIP_IF_ANY(other_worlds, 3),
        SKIP_IF_ANY(options->may_fork ? UINT32_MAX : CLONE_THREAD, 1), REFUSE, ALLOW, REFUSE);
    /* Not to put letters into the terminal that a shell reads later. */
    ADD(program, SKIP_UNLESS(SYS_ioctl, 6), LOAD(LOW(1)), SKIP_IF(TCGETS, 2),
        SKIP_IF(TIOCGWINSZ, 1), SKIP_UNLESS(FIONREAD, 1), ALLOW, REFUSE);
    ADD(program, SKIP_UNLESS(SYS_fcntl, 8), LOAD(LOW(1)), SKIP_IF(F_DUPFD_CLOEXEC, 4),
        SKIP_IF(F_GETFD, 3), SKIP_IF(F_SETFD, 2), SKIP_IF(F_GETFL, 1), SKIP_UNLESS(F_DUPFD, 1),
        ALLOW, REFUSE);
    /* Limits may be asked for, not changed. */
    ADD(program, SKIP_UNLESS(SYS_prlimit64, 6), LOAD(LOW(2)), SKIP_UNLESS(0, 3), LOAD(HIGH(2)),
        SKIP_UNLESS(0, 1), ALLOW, REFUSE);
    /* Only ourselves: abort. */
    ADD(program, SKIP_UNLESS(SYS_tgkill, 4), LOAD(LOW(0)), SKIP_UNLESS((uint32_t)getpid(), 1),
        ALLOW, REFUSE);
}

/* The network, but no other processes of this machine by their sockets: they run programs when
 * asked. And what the second step takes. */
static void add_rules_for_servers(struct program *program)
{
    ADD(program, SKIP_UNLESS(SYS_socket, 5), LOAD(LOW(0)), SKIP_IF(AF_INET, 2),
        SKIP_IF(AF_INET6, 1), REFUSE, ALLOW);
    ADD(program, SKIP_UNLESS(SYS_socketpair, 1), ALLOW);
    ADD(program, SKIP_UNLESS(SYS_fcntl, 4), LOAD(LOW(1)), SKIP_UNLESS(F_SETFL, 1), ALLOW,
        LOAD(NUMBER));
    ADD(program, SKIP_UNLESS(SYS_ioctl, 4), LOAD(LOW(1)), SKIP_UNLESS(FIONBIO, 1), ALLOW,
        LOAD(NUMBER));
    ADD(program, SKIP_UNLESS(SYS_prctl, 5), LOAD(LOW(0)), SKIP_IF(PR_SET_NO_NEW_PRIVS, 2),
        SKIP_IF(PR_SET_SECCOMP, 1), REFUSE, ALLOW);
}

static bool enter_seccomp(const struct sandbox_options *options, bool has_folder)
{
    struct program program = {0};
    ADD(&program, LOAD(offsetof(struct seccomp_data, arch)), SKIP_IF(ARCHITECTURE, 1),
        RETURN(SECCOMP_RET_KILL_PROCESS), LOAD(NUMBER));
    allow_all(&program, allowed, COUNT_OF(allowed));
    if (options->may_fork)
        allow_all(&program, with_fork, COUNT_OF(with_fork));
    if (has_folder) {
        allow_all(&program, in_folder, COUNT_OF(in_folder));
        /* Who opens a file to read may empty it, as far as Landlock is concerned. */
        allow_open(&program, SYS_openat, 2, O_TRUNC);
        /* Times of files by what is open, not by their names. */
        ADD(&program, SKIP_UNLESS(SYS_utimensat, 6), LOAD(LOW(1)), SKIP_UNLESS(0, 3), LOAD(HIGH(1)),
            SKIP_UNLESS(0, 1), ALLOW, REFUSE);
    }
    if (options->may_ask) {
        allow_all(&program, with_servers, COUNT_OF(with_servers));
        add_rules_for_servers(&program);
    }
    add_rules(&program, options);
    allow_open(&program, SYS_openat, 2, OPEN_TO_WRITE);
#ifdef __x86_64__
    allow_open(&program, SYS_open, 1, OPEN_TO_WRITE);
#endif
    ADD(&program, REFUSE);
    const struct sock_fprog filter = {.len = program.n, .filter = program.rows};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

bool sandbox_enter(const struct sandbox_options *options, struct error *err)
{
    if (!SANDBOX_WORKS)
        return error_set(err, ERROR_MISSING, "there is no sandbox in a build for testing");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_system(err, errno, "entering the sandbox");
    const bool has_folder = enter_landlock(options);
    if (!enter_seccomp(options, has_folder || options->may_ask))
        return error_system(err, errno, "entering the sandbox");
    return true;
}

#else

bool sandbox_enter(const struct sandbox_options *options, struct error *err)
{
    (void)options;
    return error_set(err, ERROR_MISSING, "there is no sandbox for this kind of processor");
}

#endif
