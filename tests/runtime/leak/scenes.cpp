// SPDX-License-Identifier: BSD-3-Clause
//
// What programs do with the leak checker, a scene for each word.
#include <gperftools/heap-checker.h>

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

struct Node {
    Node *next;
    char room[24];
};

static char *kept;
static uintptr_t hidden;
static struct __attribute__((packed)) {
    char tag;
    char *p;
} record;

extern "C" NOINLINE void lose(size_t n)
{
    char *volatile p = new char[n];
    memset(p, 0, n);
    p = NULL;
}

static NOINLINE void forget()
{
    char stack[65536];
    memset(stack, 0, sizeof stack);
    __asm__ volatile("" : : "r"(stack) : "memory");
}

static NOINLINE Node *chain(int n)
{
    Node *first = NULL;
    while (n-- > 0) {
        Node *node = new Node();
        node->next = first;
        first = node;
    }
    return first;
}

extern "C" NOINLINE void lose_chain()
{
    Node *volatile first = chain(3);
    first = NULL;
}

static NOINLINE void ignore(bool again)
{
    Node *first = chain(2);
    HeapLeakChecker::IgnoreObject(first);
    if (again)
        HeapLeakChecker::UnIgnoreObject(first);
    hidden = ~(uintptr_t)first;
}

static NOINLINE void hide(HeapLeakChecker::HiddenPointer<Node> *to)
{
    *to = HeapLeakChecker::HiddenPointer<Node>(chain(1));
}

// Memory that only we know of, with a pointer in it.
static NOINLINE void fill_region()
{
    char **region =
        (char **)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    region[10] = new char[50]();
    HeapLeakChecker_AddRootRegion(region, 4096);
    HeapLeakChecker_AddRootRegion(region + 4096, 4096);
    HeapLeakChecker_RemoveRootRegion(region + 4096, 4096);
    hidden = ~(uintptr_t)region;
}

static void say(HeapLeakChecker &checker, bool is_clean)
{
    if (HeapLeakChecker::IsActive())
        printf("clean %d bytes %zd objects %zd\n", is_clean, checker.BytesLeaked(),
               checker.ObjectsLeaked());
    else
        printf("clean %d bytes 0 objects 0\n", is_clean);
}

static bool part(const char *what)
{
    if (!strcmp(what, "part")) {
        lose(11);
        forget();
        HeapLeakChecker checker("part");
        lose(100);
        lose(200);
        forget();
        say(checker, checker.NoLeaks());
    } else if (!strcmp(what, "part-clean")) {
        HeapLeakChecker checker("part");
        delete[] new char[10];
        say(checker, checker.QuickNoLeaks());
    } else if (!strcmp(what, "disabler")) {
        HeapLeakChecker checker("part");
        {
            HeapLeakChecker::Disabler outer;
            lose(100);
            {
                HeapLeakChecker::Disabler inner;
                lose(50);
            }
            lose(25);
        }
        forget();
        say(checker, checker.SameHeap());
    } else if (!strcmp(what, "ignore") || !strcmp(what, "unignore")) {
        HeapLeakChecker checker("part");
        ignore(!strcmp(what, "unignore"));
        forget();
        say(checker, checker.BriefSameHeap());
    } else if (!strcmp(what, "region")) {
        HeapLeakChecker checker("part");
        fill_region();
        forget();
        say(checker, checker.BriefNoLeaks());
    } else if (!strcmp(what, "many")) { // as many as have flags, and more
        HeapLeakChecker *checkers[7];
        for (int i = 0; i < 7; i++) {
            lose(100);
            checkers[i] = new HeapLeakChecker("part");
        }
        lose(50);
        forget();
        for (int i = 0; i < 7; i++) {
            (void)checkers[i]->NoLeaks();
            printf("%zd ", checkers[i]->BytesLeaked());
            delete checkers[i];
        }
        printf("\n");
    } else if (!strcmp(what, "hidden")) {
        HeapLeakChecker checker("part");
        HeapLeakChecker::HiddenPointer<Node> pointer(NULL);
        hide(&pointer);
        forget();
        say(checker, checker.QuickSameHeap());
        delete pointer.get();
    } else {
        return false;
    }
    return true;
}

static bool mistake(const char *what)
{
    int local = 0;
    if (!strcmp(what, "unchecked")) {
        HeapLeakChecker checker("part");
    } else if (!strcmp(what, "too-early")) {
        HeapLeakChecker checker("part");
        printf("%zd\n", checker.BytesLeaked());
    } else if (!strcmp(what, "unignore-unknown")) {
        HeapLeakChecker::UnIgnoreObject(chain(1));
    } else if (!strcmp(what, "unignore-nothing")) {
        HeapLeakChecker::UnIgnoreObject(&local);
    } else if (!strcmp(what, "ignore-stack")) {
        HeapLeakChecker::IgnoreObject(&local);
    } else if (!strcmp(what, "ignore-twice")) {
        Node *node = chain(1);
        HeapLeakChecker::IgnoreObject(node);
        HeapLeakChecker::IgnoreObject(&node->room);
    } else if (!strcmp(what, "free-ignored")) {
        delete HeapLeakChecker::IgnoreObject(chain(1));
    } else if (!strcmp(what, "name")) {
        HeapLeakChecker checker("a/b");
    } else {
        return false;
    }
    return true;
}

static void clean_up()
{
    fprintf(stderr, "cleanup runs\n");
    hidden = 0;
}

static bool whole(const char *what)
{
    if (!strcmp(what, "lose")) {
        lose(77);
    } else if (!strcmp(what, "elsewhere")) {
        lose(77);
        if (chdir("/") != 0)
            return false;
    } else if (!strcmp(what, "chain")) {
        lose_chain();
    } else if (!strcmp(what, "keep")) {
        kept = new char[99];
    } else if (!strcmp(what, "unaligned")) {
        record.p = new char[99]();
    } else if (!strcmp(what, "cleanup")) {
        static HeapCleaner cleaner(clean_up);
    } else if (!strcmp(what, "cancel")) {
        lose(77);
        HeapLeakChecker::CancelGlobalCheck();
    } else if (!strcmp(what, "global-now")) {
        lose(77);
        forget();
        const bool is_clean = HeapLeakChecker::NoGlobalLeaks();
        HeapLeakChecker *global = HeapLeakChecker::GlobalChecker();
        if (global) {
            printf("global %d bytes %zd objects %zd\n", is_clean, global->BytesLeaked(),
                   global->ObjectsLeaked());
            printf("again %d\n", HeapLeakChecker::NoGlobalLeaks());
        } else {
            printf("no global, %d\n", is_clean);
        }
    } else {
        return false;
    }
    forget();
    return true;
}

static void *read_forever(void *)
{
    return (void *)(intptr_t)getchar();
}

// Does not return, unless main is to.
static bool end(const char *how)
{
    if (!strcmp(how, "fork")) {
        const pid_t pid = fork();
        if (pid == 0) {
            lose(88);
            forget();
            exit(0);
        }
        int status = 0;
        waitpid(pid, &status, 0);
        printf("child %d\n", WEXITSTATUS(status));
        fflush(stdout);
        HeapLeakChecker::IsActive();
        lose(77);
        forget();
        exit(0);
    }
    lose(77);
    forget();
    if (!strcmp(how, "exit"))
        exit(3);
    if (!strcmp(how, "_exit"))
        _exit(3);
    if (!strcmp(how, "quick_exit"))
        quick_exit(3);
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "unflushed"))
        printf("not yet written");
    if (!strcmp(how, "close"))
        close(2);
    if (!strcmp(how, "no-files")) {
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_NOFILE, &none);
    }
    if (!strcmp(how, "reader")) { // it holds the lock of standard input
        int ends[2];
        pthread_t thread;
        if (pipe(ends) != 0 || dup2(ends[0], 0) != 0 ||
            pthread_create(&thread, NULL, read_forever, NULL) != 0)
            return false;
        usleep(20000);
    }
    return true;
}

// Runs a scene as a debugger does, with the mode in its second word.
static int trace(const char *self, const char *mode, const char *scene)
{
    const pid_t pid = fork();
    if (pid == 0) {
        setenv("HEAPCHECK", mode, 1);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execl(self, self, scene, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
        const int signal = WSTOPSIG(status);
        ptrace(PTRACE_CONT, pid, 0, signal == SIGTRAP ? 0 : signal);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "traced") && argc > 3)
        return trace(argv[0], argv[2], argv[3]);
    if (!strcmp(what, "end-close-first")) { // nobody listens from the start
        close(2);
        execl(argv[0], argv[0], "end-return", (char *)NULL);
    }
    if (!strncmp(what, "end-", 4))
        return end(what + 4) ? 3 : 2;
    if (!part(what) && !mistake(what) && !whole(what))
        return 2;
    printf("end of main\n");
    fflush(stdout);
    return 0;
}
