/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The sandbox: what is refused in it, what goes on as before, and where it lets one write. Each try
 * is a child's, since nobody comes out again. */
#include "base_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/sandbox.h"

static char folder[] = "/tmp/sandbox-test-XXXXXX";
static char inside[64], outside[64];

static int set_up(void **state)
{
    (void)state;
    if (!SANDBOX_WORKS)
        return 0;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(inside, sizeof inside, "%s/in", folder);
    (void)snprintf(outside, sizeof outside, "%s/out", folder);
    const int fd = open(outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return mkdir(inside, 0700) != 0 || fd < 0 || close(fd) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(outside);
    (void)rmdir(inside);
    (void)rmdir(folder);
    return 0;
}

/* The number of the first expectation in a child that does not hold, as its exit status. */
#define EXPECT(number, condition)                                                                  \
    do {                                                                                           \
        if (!(condition))                                                                          \
            _exit(number);                                                                         \
    } while (0)
#define REFUSED(number, call) EXPECT(number, (call) == -1 && (errno == EPERM || errno == EACCES))

static void enter_with(const struct sandbox_options *options)
{
    struct error err;
    if (!sandbox_enter(options, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        _exit(100);
    }
}

static void enter(const char *writable, bool may_fork)
{
    const char *const folders[] = {writable, NULL};
    enter_with(&(struct sandbox_options){.writable = folders, .may_fork = may_fork});
}

static void expect_all(void (*fn)(void))
{
    char said[400];
    const int status = child_status(fn, said, sizeof said);
    if (status)
        print_error("expectation %d: %s\n", status, said);
    assert_int_equal(status, 0);
}

static void *nothing(void *to)
{
    return to;
}

static void read_and_compute(void)
{
    enter(NULL, false);
    char byte;
    pthread_t thread;
    const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    EXPECT(1, fd >= 0 && read(fd, &byte, 1) == 1);
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(2, p != MAP_FAILED);
    EXPECT(3, pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
    EXPECT(4, write(STDERR_FILENO, "", 0) == 0);
    EXPECT(5, access(folder, R_OK) == 0);
    struct rlimit limit;
    EXPECT(6, getrlimit(RLIMIT_DATA, &limit) == 0);
    FILE *file = fopen(outside, "r");
    EXPECT(7, file && fgetc(file) == EOF && fclose(file) == 0);
}

static void write_to_files(void)
{
    enter(NULL, false);
    char made[80];
    (void)snprintf(made, sizeof made, "%s/made", inside);
    REFUSED(1, open(outside, O_WRONLY | O_CLOEXEC));
    REFUSED(2, open(outside, O_RDWR | O_CLOEXEC));
    REFUSED(3, open(made, O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
    REFUSED(4, open(outside, O_RDONLY | O_TRUNC | O_CLOEXEC));
    REFUSED(5, open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    REFUSED(6, unlink(outside));
    REFUSED(7, rename(outside, made));
    REFUSED(8, mkdir(made, 0700));
    REFUSED(9, link(outside, made));
    REFUSED(10, symlink(outside, made));
    REFUSED(11, truncate(outside, 0));
    REFUSED(12, chmod(outside, 0777));
    REFUSED(13, open("/proc/self/fd/1", O_WRONLY | O_CLOEXEC));
    REFUSED(14, utimensat(AT_FDCWD, outside, NULL, 0));
}

static void reach_others(void)
{
    enter(NULL, false);
    char *const argv[] = {(char[]){"true"}, NULL};
    REFUSED(1, execv("/bin/true", argv));
    REFUSED(2, socket(AF_INET, SOCK_STREAM, 0));
    REFUSED(3, socket(AF_UNIX, SOCK_DGRAM, 0));
    REFUSED(4, fork());
    REFUSED(5, kill(getppid(), 0));
    REFUSED(6, (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    REFUSED(7, (int)syscall(SYS_process_vm_readv, getppid(), NULL, 0UL, NULL, 0UL, 0UL));
    REFUSED(8, (int)syscall(SYS_tgkill, getppid(), getppid(), 0));
    REFUSED(9, ioctl(STDIN_FILENO, TIOCSTI, "x"));
    const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    REFUSED(10, setrlimit(RLIMIT_DATA, &none));
    REFUSED(11, prctl(PR_SET_DUMPABLE, 1));
    REFUSED(12, (int)syscall(SYS_unshare, 0));
    REFUSED(13, (int)syscall(SYS_bpf, 0, NULL, 0));
    EXPECT(14, syscall(SYS_clone3, NULL, 0UL) == -1 && errno == ENOSYS);
}

#define LANDLOCK_CREATE_RULESET 444

/* Tried in the sandbox, whether or not it has a folder to write to. */
static void write_outside(void)
{
    char made[80];
    (void)snprintf(made, sizeof made, "%s/made", inside);
    REFUSED(20, open(outside, O_WRONLY | O_CLOEXEC));
    REFUSED(21, open(outside, O_RDONLY | O_TRUNC | O_CLOEXEC));
    REFUSED(22, unlink(outside));
    REFUSED(23, rename(outside, made));
    REFUSED(24, truncate(outside, 0));
    (void)snprintf(made, sizeof made, "%s/../made", inside);
    REFUSED(25, open(made, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    REFUSED(26, open(made, O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
    REFUSED(27, open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    char *const argv[] = {(char[]){"true"}, NULL};
    REFUSED(28, execv("/bin/true", argv));
    REFUSED(29, chmod(outside, 0777));
    REFUSED(30, utimensat(AT_FDCWD, outside, NULL, 0));
}

static void write_to_the_folder(void)
{
    char made[80], renamed[80];
    (void)snprintf(made, sizeof made, "%s/made", inside);
    (void)snprintf(renamed, sizeof renamed, "%s/renamed", inside);
    /* Otherwise this is what the next test is about. */
    const bool has_landlock = syscall(LANDLOCK_CREATE_RULESET, NULL, 0UL, 1) > 0;
    enter(inside, false);
    if (has_landlock) {
        const int fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        EXPECT(1, fd >= 0 && write(fd, "x", 1) == 1 && futimens(fd, NULL) == 0 && close(fd) == 0);
        EXPECT(2, rename(made, renamed) == 0 && unlink(renamed) == 0);
    }
    write_outside();
}

/* As an old kernel, or a container, answers. */
static void lose_landlock(void)
{
    struct sock_filter rows[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LANDLOCK_CREATE_RULESET, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {.len = COUNT_OF(rows), .filter = rows};
    EXPECT(10, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    EXPECT(11, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
    EXPECT(12, syscall(LANDLOCK_CREATE_RULESET, NULL, 0UL, 1) == -1 && errno == ENOSYS);
}

/* The folder is not to be written to either. */
static void write_without_landlock(void)
{
    char made[80];
    (void)snprintf(made, sizeof made, "%s/made", inside);
    lose_landlock();
    enter(inside, false);
    REFUSED(1, open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const int fd = open(inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT(2, fd >= 0);
    REFUSED(3, futimens(fd, NULL));
    write_outside();
}

/* Datagrams need nobody at the other end. */
static bool can_send(void)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
           send(fd, "x", 1, 0) == 1 && close(fd) == 0;
}

static void ask_servers(void)
{
    char made[80];
    (void)snprintf(made, sizeof made, "%s/made", inside);
    const bool has_landlock = syscall(LANDLOCK_CREATE_RULESET, NULL, 0UL, 1) > 0;
    enter_with(
        &(struct sandbox_options){.writable = (const char *[]){inside, NULL}, .may_ask = true});
    EXPECT(1, can_send());
    REFUSED(2, socket(AF_UNIX, SOCK_STREAM, 0));
    REFUSED(3, socket(AF_NETLINK, SOCK_RAW, 0));
    REFUSED(4, fork());
    REFUSED(5, kill(getppid(), 0));
    REFUSED(6, prctl(PR_SET_DUMPABLE, 1));
    EXPECT(7, mkdir(made, 0700) == 0 && rmdir(made) == -1 && errno == EPERM);
    EXPECT(8, unlinkat(AT_FDCWD, made, AT_REMOVEDIR) == 0);
    if (has_landlock)
        write_outside();

    enter(inside, false);
    REFUSED(10, socket(AF_INET, SOCK_STREAM, 0));
    REFUSED(11, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    REFUSED(12, mkdir(made, 0700));
    write_outside();
}

static void fork_processes(void)
{
    enter(NULL, true);
    int how;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(open(outside, O_WRONLY | O_CLOEXEC) == -1 && errno == EPERM ? 7 : 8);
    EXPECT(1, pid > 0 && waitpid(pid, &how, 0) == pid);
    EXPECT(2, WIFEXITED(how) && WEXITSTATUS(how) == 7);
    REFUSED(3, socket(AF_UNIX, SOCK_STREAM, 0));
}

static void abort_itself(void)
{
    enter(NULL, false);
    abort();
}

static void reading_goes_on(void **state)
{
    (void)state;
    expect_all(read_and_compute);
}

static void writing_is_refused(void **state)
{
    (void)state;
    expect_all(write_to_files);
}

static void others_are_out_of_reach(void **state)
{
    (void)state;
    expect_all(reach_others);
}

static void one_folder_is_writable(void **state)
{
    (void)state;
    expect_all(write_to_the_folder);
}

static void no_folder_is_without_landlock(void **state)
{
    (void)state;
    expect_all(write_without_landlock);
}

static void servers_are_asked_before(void **state)
{
    (void)state;
    expect_all(ask_servers);
}

static void processes_are_inside_too(void **state)
{
    (void)state;
    expect_all(fork_processes);
}

static void abort_ends_it(void **state)
{
    (void)state;
    char said[200];
    assert_int_equal(child_status(abort_itself, said, sizeof said), 128 + SIGABRT);
}

static void its_absence_is_told(void **state)
{
    (void)state;
    struct error err;
    assert_false(sandbox_enter(&(struct sandbox_options){0}, &err));
    assert_string_equal(err.text, "there is no sandbox in a build for testing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_goes_on),
        cmocka_unit_test(writing_is_refused),
        cmocka_unit_test(others_are_out_of_reach),
        cmocka_unit_test(one_folder_is_writable),
        cmocka_unit_test(no_folder_is_without_landlock),
        cmocka_unit_test(servers_are_asked_before),
        cmocka_unit_test(processes_are_inside_too),
        cmocka_unit_test(abort_ends_it),
    };
    const struct CMUnitTest without[] = {cmocka_unit_test(its_absence_is_told)};
    return SANDBOX_WORKS ? cmocka_run_group_tests(tests, set_up, tear_down)
                         : cmocka_run_group_tests(without, NULL, NULL);
}
