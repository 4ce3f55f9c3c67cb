/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory kept: one thread goes through phases that change the mix
 * of sizes, so that what one phase freed must serve the next.
 *
 *   phases [UNITS]      UNITS MiB of live data at the peak (default 100)
 *
 * Every object is written in full.  After each phase the program reports the
 * resident size over the bytes it holds ("ratio"), or plain MiB where it holds
 * nothing:
 *   fill      small objects (16..512 bytes) only
 *   thin      90% of them freed, at random
 *   shift     filled up again with 1..8 KiB objects
 *   wide      80% freed at random, filled up with 32..256 KiB objects
 *   peak      largest resident size of the run, over the largest live size
 *   freed     everything freed, at once
 *   idle      one second later, with a little activity in between
 *   released  after the allocator's own "give memory back" call
 * and the CPU time for each allocation, page faults included. */
#include <dlfcn.h>

#include "bench.h"

static struct obj {
    char *p;
    uint32_t size;
} * obj;
static uint32_t count;
static size_t live, most;
static long calls, base_kb;
static uint64_t seed = 2024;

static void fill(size_t limit, uint32_t low, uint32_t high)
{
    while (live < limit) {
        uint32_t z = low + rng_below(&seed, high - low);
        obj[count].p = memset(must(malloc(z)), 1, z);
        obj[count++].size = z;
        live += z;
        calls++;
    }
    if (live > most)
        most = live;
}

static void thin(uint32_t percent)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (rng_below(&seed, 100) < percent) {
            free(obj[i].p);
            live -= obj[i].size;
        } else {
            obj[kept++] = obj[i];
        }
    }
    count = kept;
}

static double resident(void)
{
    return (double)(rss_kb() - base_kb);
}
static void ratio(const char *name)
{
    report(name, resident() * 1024 / (double)live, "ratio");
}

static void release(void)
{
    void (*f)(void);
    int (*trim)(size_t);
    void (*collect)(int);
    int (*ctl)(const char *, void *, size_t *, void *, size_t);
    if ((f = (void (*)(void))dlsym(RTLD_DEFAULT, "MallocExtension_ReleaseFreeMemory")))
        f();
    else if ((collect = (void (*)(int))dlsym(RTLD_DEFAULT, "mi_collect")))
        collect(1);
    else if ((ctl = (int (*)(const char *, void *, size_t *, void *, size_t))dlsym(RTLD_DEFAULT,
                                                                                   "mallctl")))
        ctl("arena.4096.purge", NULL, NULL, NULL, 0);
    else if ((trim = (int (*)(size_t))dlsym(RTLD_DEFAULT, "malloc_trim")))
        trim(0);
}

int main(int argc, char **argv)
{
    size_t unit = (size_t)arg(argc, argv, 1, 100) << 20;
    size_t table = (unit / 200) * sizeof *obj;
    obj = memset(must(malloc(table)), 0, table);
    base_kb = rss_kb();
    uint64_t c = thread_ns();
    fill(unit, 16, 512);
    ratio("fill");
    thin(90);
    ratio("thin");
    fill(unit, 1024, 8192);
    ratio("shift");
    thin(80);
    fill(unit, 32768, 262144);
    ratio("wide");
    report("peak", (double)(peak_kb() - base_kb) * 1024 / (double)most, "ratio");
    thin(100);
    c = thread_ns() - c;
    report("freed", resident() / 1024, "MiB");
    for (int i = 0; i < 100; i++) {
        void *p = malloc(100 + (size_t)i * 1000);
        KEEP(p);
        nanosleep(&(struct timespec){0, 10000000}, NULL);
        free(p);
    }
    report("idle", resident() / 1024, "MiB");
    release();
    report("released", resident() / 1024, "MiB");
    report("time", (double)c / (double)calls, "ns/alloc");
    return 0;
}
