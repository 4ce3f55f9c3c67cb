/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Threads that throw, recurse, sort, allocate and load libraries are interrupted at random, and
 * each time the stack that our unwinder sees is held against libgcc's, frame for frame.
 *
 *   unwind_random CAPTURES
 *
 * libgcc ends where an address has no table; there ours may go on by the frame pointer. libgcc also
 * reads what the tables say without a check, and crashes where they are wrong for a few
 * instructions (its own way out of _Unwind_Resume, the ends of realigned functions): then there is
 * nothing to compare, and ours only has to come back. Everything else has to be equal. The last
 * line says how many captures were compared and how many differed. */
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

extern "C" size_t unwind(uintptr_t *pcs, size_t max, size_t skip, const void *ucontext);
extern "C" void unwind_forget(void);
extern "C" const void *_Unwind_Find_FDE(void *pc, void *bases);

#define KEPT __attribute__((noinline))

enum { FRAMES = 600, THREADS = 5, SHOWN = 10 };

static std::atomic<long> captures, different, deepest, ended_early;
static std::atomic<long> crashes; /* of libgcc's */
static std::atomic<bool> is_over;
static thread_local sigjmp_buf after_crash;
static thread_local volatile bool may_crash;
static uintptr_t libgcc_from, libgcc_to;

struct Frames {
    uintptr_t pc[FRAMES];
    size_t n;
    uintptr_t from; /* what is ours comes before it */
    bool has_begun;
};

static _Unwind_Reason_Code take(struct _Unwind_Context *context, void *to)
{
    Frames *frames = static_cast<Frames *>(to);
    const uintptr_t pc = _Unwind_GetIP(context);
    frames->has_begun |= pc == frames->from;
    if (frames->has_begun && frames->n < FRAMES && pc != 0) /* where libgcc ends */
        frames->pc[frames->n++] = pc;
    return _URC_NO_REASON;
}

static void show(const char *name, const uintptr_t *pc, size_t n)
{
    fprintf(stderr, "%s:", name);
    for (size_t i = 0; i < n; i++) {
        Dl_info info;
        if (dladdr(reinterpret_cast<void *>(pc[i]), &info) && info.dli_fname)
            fprintf(stderr, " %s(%s)+0x%lx", strrchr(info.dli_fname, '/') + 1,
                    info.dli_sname ? info.dli_sname : "",
                    pc[i] - reinterpret_cast<uintptr_t>(info.dli_fbase));
        else
            fprintf(stderr, " 0x%lx", pc[i]);
    }
    fputc('\n', stderr);
}

static bool has_table(uintptr_t pc)
{
    uintptr_t bases[3];
    return _Unwind_Find_FDE(reinterpret_cast<void *>(pc - 1), bases) != nullptr;
}

static void on_signal(int, siginfo_t *, void *context)
{
    static thread_local uintptr_t ours[FRAMES];
    static thread_local Frames theirs;
    const int error = errno;
    const size_t n = unwind(ours, FRAMES, 0, context);
    theirs.n = 0;
    theirs.has_begun = false;
    theirs.from =
        static_cast<uintptr_t>(static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_RIP]);
    if (theirs.from >= libgcc_from && theirs.from < libgcc_to) {
        errno = error;
        return;
    }
    if (sigsetjmp(after_crash, 1) != 0) {
        may_crash = false;
        crashes++;
        errno = error;
        return;
    }
    may_crash = true;
    _Unwind_Backtrace(take, &theirs);
    may_crash = false;

    captures++;
    if (static_cast<long>(n) > deepest)
        deepest = static_cast<long>(n);
    size_t same = 0;
    while (same < n && same < theirs.n && ours[same] == theirs.pc[same])
        same++;
    const bool is_end_of_tables = same == theirs.n && same > 0 && !has_table(theirs.pc[same - 1]);
    if (is_end_of_tables && same < n)
        ended_early++;
    if ((same < n || same < theirs.n) && !is_end_of_tables && different++ < SHOWN) {
        show("ours  ", ours, n);
        show("theirs", theirs.pc, theirs.n);
    }
    errno = error;
}

static void on_crash(int)
{
    if (may_crash)
        siglongjmp(after_crash, 1);
    signal(SIGSEGV, SIG_DFL); /* it is ours: again, and for good */
}

static volatile unsigned sink;

struct Guard { /* something to clean up in every frame that an exception leaves */
    KEPT ~Guard()
    {
        sink = sink + 1;
    }
};

static KEPT unsigned throws(unsigned depth)
{
    Guard guard;
    if (depth == 0)
        throw std::runtime_error("bottom");
    return throws(depth - 1) + 1;
}

static KEPT unsigned catches(unsigned depth)
{
    try {
        return throws(depth);
    } catch (const std::exception &e) {
        return static_cast<unsigned>(e.what()[0]);
    }
}

static KEPT unsigned realigned(unsigned n)
{
    alignas(64) volatile unsigned room[32];
    char *more = static_cast<char *>(alloca(16 + n % 300));
    memset(more, static_cast<int>(n), 16);
    for (unsigned i = 0; i < 32; i++)
        room[i] = n + i;
    return n == 0 ? room[3] : realigned(n - 1) + room[n % 32];
}

static int compare(const void *a, const void *b)
{
    return *static_cast<const int *>(a) - *static_cast<const int *>(b);
}

static KEPT void sorts(unsigned seed)
{
    std::vector<int> v(200);
    for (int &x : v)
        x = static_cast<int>(seed = seed * 1664525 + 1013904223);
    std::vector<int> w = v;
    std::sort(v.begin(), v.end(), [](int a, int b) { return a > b; });
    qsort(w.data(), w.size(), sizeof w[0], compare);
    sink = sink + static_cast<unsigned>(v[0] + w[0]);
}

static KEPT void texts(unsigned seed)
{
    std::map<std::string, int> counts;
    for (unsigned i = 0; i < 60; i++) {
        char text[64];
        snprintf(text, sizeof text, "%u-%g-%s", (seed + i) % 37, i / 3.0, "a longer text");
        counts[text]++;
    }
    sink = sink + static_cast<unsigned>(counts.size());
}

static KEPT void loads()
{
    void *a = dlopen("libm.so.6", RTLD_NOW), *b = dlopen("libutil.so.1", RTLD_NOW);
    if (b)
        dlclose(b);
    if (a)
        dlclose(a);
}

static void *work(void *number)
{
    unsigned seed = static_cast<unsigned>(reinterpret_cast<uintptr_t>(number));
    while (!is_over) {
        seed = seed * 1664525 + 1013904223;
        switch ((seed >> 16) % 8) {
        case 0:
        case 1:
            sink = sink + catches(seed >> 20 & 31);
            break;
        case 2:
        case 3:
            sink = sink + realigned(seed >> 20 & 63);
            break;
        case 4:
        case 5:
            sorts(seed);
            break;
        case 6:
            texts(seed);
            break;
        default:
            loads();
        }
    }
    return nullptr;
}

int main(int argc, char **argv)
{
    const long wanted = argc > 1 ? atol(argv[1]) : 10000;
    struct dl_find_object libgcc;
    if (_dl_find_object(reinterpret_cast<void *>(_Unwind_Find_FDE), &libgcc) != 0)
        return 2;
    libgcc_from = reinterpret_cast<uintptr_t>(libgcc.dlfo_map_start);
    libgcc_to = reinterpret_cast<uintptr_t>(libgcc.dlfo_map_end);
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGUSR1, &action, nullptr);
    signal(SIGSEGV, on_crash);
    sigset_t mine; /* this thread only sends */
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], nullptr, work, reinterpret_cast<void *>(i + 1));
    sigemptyset(&mine);
    unsigned seed = 1;
    while (captures < wanted) {
        seed = seed * 1664525 + 1013904223;
        pthread_kill(threads[(seed >> 16) % THREADS], SIGUSR1);
        for (volatile unsigned i = 0; i < (seed >> 20 & 4095); i = i + 1)
            ;
    }
    is_over = true;
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
    printf("%ld captures, %ld differ, %ld went on without tables, libgcc crashed %ld times, "
           "deepest %ld\n",
           captures.load(), different.load(), ended_early.load(), crashes.load(), deepest.load());
    return different != 0;
}
