/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Many threads that allocate, free, hand blocks to each other, start threads and end, while the
 * program is checked again and again. One block is lost, and each check must find that one alone.
 * With "fork" there is one more thread, which forks: each child must be able to end by exit. With
 * "refuse" no process may be traced, and no thread be made to reach a barrier; with "load"
 * libraries come and go. */
#include "gperftools/heap-checker-c.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 64, CHAIN = 24, LOST = 7777 };

struct node {
    struct node *next;
    char *text;
};

static struct node *_Atomic mailbox; /* a block on its way from one thread to another */
static _Atomic unsigned ready;

static unsigned next_random(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static struct node *make(unsigned *random)
{
    struct node *node = malloc(sizeof *node);
    const size_t n = 1 + next_random(random) % 2000;
    node->next = NULL;
    node->text = calloc(1, n);
    return node;
}

static void drop(struct node *node)
{
    while (node) {
        struct node *next = node->next;
        free(node->text);
        free(node);
        node = next;
    }
}

static void *end_soon(void *to)
{
    drop(to);
    return NULL;
}

static void *work(void *to)
{
    unsigned random = 12345 + (unsigned)(size_t)to;
    ready++;
    for (unsigned round = 0;; round++) {
        struct node *chain = NULL;
        const unsigned n = next_random(&random) % CHAIN;
        for (unsigned i = 0; i < n; i++) {
            struct node *node = make(&random);
            node->text = realloc(node->text, 1 + next_random(&random) % 3000);
            memset(node->text, 0, 1);
            node->next = chain;
            chain = node;
        }
        struct node *other = atomic_exchange(&mailbox, chain);
        drop(other);
        pthread_t thread;
        if (round % 8 == 0) {
            struct node *given = make(&random);
            if (pthread_create(&thread, NULL, end_soon, given) == 0)
                (void)pthread_join(thread, NULL);
            else
                drop(given);
        }
        if (round % 64 == 63) { /* a successor takes over */
            if (pthread_create(&thread, NULL, work, (void *)(size_t)random) == 0) {
                (void)pthread_detach(thread);
                return NULL;
            }
        }
    }
}

static void *fork_all_the_time(void *to)
{
    for (;;) {
        const pid_t pid = fork();
        if (pid == 0) {
            free(malloc(100));
            _exit(0);
        }
        int status;
        if (pid > 0)
            (void)waitpid(pid, &status, 0);
    }
    return to;
}

static void *load_all_the_time(void *to)
{
    for (;;) {
        void *library = dlopen("libz.so.1", RTLD_NOW);
        if (library)
            (void)dlclose(library);
    }
    return to;
}

static int refuse(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static __attribute__((noinline)) void lose(void)
{
    char *volatile p = malloc(LOST);
    memset(p, 0, LOST);
    p = NULL;
}

static __attribute__((noinline)) void forget(void)
{
    char stack[65536];
    memset(stack, 0, sizeof stack);
    __asm__ volatile("" : : "r"(stack) : "memory");
}

int main(int argc, char **argv)
{
    const int checks = argc > 1 ? atoi(argv[1]) : 10;
    const char *what = argc > 2 ? argv[2] : "";
    pthread_t thread;
    if (strcmp(what, "refuse") == 0 && !refuse())
        return 2;
    for (size_t i = 0; i < WORKERS; i++) {
        if (pthread_create(&thread, NULL, work, (void *)i) != 0)
            return 2;
    }
    if (strcmp(what, "fork") == 0)
        (void)pthread_create(&thread, NULL, fork_all_the_time, NULL);
    if (strcmp(what, "load") == 0)
        (void)pthread_create(&thread, NULL, load_all_the_time, NULL);
    while (ready < WORKERS)
        (void)usleep(1000);
    lose();
    forget();
    HeapLeakChecker_State *global = HeapLeakChecker_GlobalChecker();
    if (!global)
        return 2;
    for (int i = 0; i < checks; i++) {
        (void)usleep(2000);
        (void)HeapLeakChecker_NoGlobalLeaks();
        printf("%zd %zd\n", HeapLeakChecker_ObjectsLeaked(global),
               HeapLeakChecker_BytesLeaked(global));
    }
    return 0;
}
