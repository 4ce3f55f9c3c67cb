// SPDX-License-Identifier: BSD-3-Clause
//
// One misuse of memory per argument, which the debugging allocator finds or lets pass. debug.py
// holds what is said against what is wanted.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gperftools/malloc_extension_c.h>
#include <gperftools/malloc_hook_c.h>
#include <gperftools/tcmalloc.h>

#define KEPT __attribute__((noinline))

using bytes = unsigned char *volatile;

static unsigned char *take(std::size_t n)
{
    return static_cast<unsigned char *>(std::malloc(n));
}

static void double_free()
{
    bytes p = take(10);
    std::free(p);
    std::free(p);
}

static void double_free_later()
{
    bytes p = take(100);
    std::free(p);
    for (int i = 0; i < 3000; i++)
        std::free(std::malloc(3000));
    std::free(p);
}

static void double_free_aligned()
{
    void *volatile p = memalign(256, 100);
    std::free(p);
    std::free(p);
}

static void malloc_delete()
{
    bytes p = take(10);
    operator delete(p);
}

static void new_array_delete()
{
    char *volatile p = new char[10];
    operator delete(p);
}

static void new_free()
{
    void *volatile p = operator new(10);
    std::free(p);
}

static void new_realloc()
{
    void *volatile p = operator new(10);
    p = std::realloc(p, 20);
}

static void aligned_new_delete_array()
{
    void *volatile p = operator new(10, std::align_val_t(64));
    operator delete[](p, std::align_val_t(64));
}

static void overrun()
{
    bytes p = take(10);
    p[10] = 1;
    std::free(p);
}

static void overrun_last()
{
    bytes p = take(1000);
    p[1015] = 1;
    std::free(p);
}

static void overrun_aligned()
{
    bytes p = static_cast<unsigned char *>(memalign(64, 100));
    p[100] = 1;
    std::free(p);
}

static void overrun_realloc()
{
    bytes p = take(10);
    p[10] = 1;
    p = static_cast<unsigned char *>(std::realloc(p, 20));
}

static void overrun_large()
{
    bytes p = take(3 << 20);
    p[3 << 20] = 0;
    std::free(p);
}

static void underrun()
{
    bytes p = take(10);
    p[-1] = 1;
    std::free(p);
}

static void underrun_far()
{
    bytes p = take(10);
    std::memset(p - 32, 0x55, 8);
    std::free(p);
}

static void underrun_filled()
{
    bytes p = take(10);
    std::memset(p - 32, 0xcd, 32);
    std::free(p);
}

static KEPT void gives_back(void *p)
{
    std::free(p);
    __asm__ volatile("");
}

static void use_after_free()
{
    bytes p = take(100);
    gives_back(p);
    p[5] = 1;
}

static void use_after_free_long()
{
    bytes p = take(5000);
    gives_back(p);
    p[2000] = 1;
    p[2001] = 2;
    p[4000] = 3;
}

static void use_after_free_found_early()
{
    bytes p = take(100);
    gives_back(p);
    p[99] = 0;
    for (int i = 0; i < 1024; i++)
        std::free(std::malloc(8));
    std::printf("not found\n");
}

static void use_after_free_pushed_out()
{
    bytes p = take(100);
    gives_back(p);
    p[99] = 0;
    std::free(std::malloc(1 << 20));
    std::printf("not found\n");
}

static void never_allocated()
{
    static char b[4096];
    char *volatile p = b + 1024;
    std::free(p);
}

static void never_mapped()
{
    volatile std::uintptr_t nowhere = 4096;
    std::free(reinterpret_cast<void *>(nowhere));
}

static void inside()
{
    bytes p = take(100);
    std::free(p + 16);
}

static void usable_inside()
{
    bytes p = take(100);
    std::printf("%zu\n", malloc_usable_size(p + 8));
}

static void fill()
{
    bytes p = take(16);
    std::printf("new: %02x ", p[0]);
    std::free(p);
    std::printf("freed: %02x\n", p[0]);
}

static void verify()
{
    bytes p = take(10);
    std::printf("%d\n", MallocExtension_VerifyAllMemory());
    p[10] = 1;
    std::printf("%d\n", MallocExtension_VerifyAllMemory());
}

static void verify_kind()
{
    bytes p = take(10);
    std::printf("%d\n", MallocExtension_VerifyMallocMemory(p));
    std::printf("%d\n", MallocExtension_VerifyNewMemory(operator new(1)));
    std::printf("%d\n", MallocExtension_VerifyArrayNewMemory(operator new[](1)));
    std::printf("%d\n", MallocExtension_VerifyNewMemory(p));
}

static void stats()
{
    int blocks, before[64], after[64];
    std::size_t total, total_after;
    MallocExtension_MallocMemoryStats(&blocks, &total, before);
    const int blocks_before = blocks;
    for (std::size_t size : {0, 1, 2, 3, 4, 1000})
        (void)take(size);
    MallocExtension_MallocMemoryStats(&blocks, &total_after, after);
    std::printf("%d %zu:", blocks - blocks_before, total_after - total);
    for (int i = 0; i < 64; i++)
        if (after[i] != before[i])
            std::printf(" %d*%d", i, after[i] - before[i]);
    std::printf("\n");
}

static void usable()
{
    void *volatile p = std::malloc(13), *volatile q = memalign(4096, 13),
                   *volatile r = std::malloc(0);
    std::printf("usable: %zu %zu %zu, for 100: %zu, aligned %d\n", malloc_usable_size(p),
                malloc_usable_size(q), malloc_usable_size(r),
                MallocExtension_GetEstimatedAllocatedSize(100),
                reinterpret_cast<std::uintptr_t>(q) % 4096 == 0);
    std::printf("owned: %d %d\n", MallocExtension_GetOwnership(p),
                MallocExtension_GetOwnership(__func__));
}

static void sized()
{
    operator delete(operator new(100), std::size_t(100));
    std::printf("right\n");
    operator delete(operator new(100), std::size_t(50));
}

static void moves()
{
    void *volatile p = std::malloc(100);
    std::memset(p, 'x', 100);
    char *volatile q = static_cast<char *>(std::realloc(p, 50));
    std::printf("moved %d kept %d\n", p != q, q[0] == 'x' && q[49] == 'x');
    std::printf("old %02x\n", static_cast<unsigned char *>(p)[0]);
    q = static_cast<char *>(std::calloc(3, 7));
    std::printf("zeroes %d\n", q[0] == 0 && q[20] == 0);
    std::printf("none %d %d\n", std::malloc(SIZE_MAX - 10) == nullptr,
                std::calloc(SIZE_MAX / 2, 3) == nullptr);
}

static void calls()
{
    void *volatile p = std::malloc(10);
    p = std::realloc(p, 20);
    std::free(p);
    p = operator new(4);
    operator delete(p);
    p = std::malloc(SIZE_MAX / 2);
}

static void write_behind()
{
    bytes p = take(32);
    std::printf("before\n");
    p[32] = 1;
    std::printf("after\n");
}

static void read_behind()
{
    bytes p = take(32);
    const volatile unsigned char c = p[32];
    std::printf("before %d\n", c * 0);
}

static void write_freed()
{
    bytes p = take(32);
    std::free(p);
    std::printf("before\n");
    p[0] = 1;
    std::printf("after\n");
}

static void current()
{
    std::size_t before, after;
    void *volatile p = std::malloc(1 << 20);
    MallocExtension_GetNumericProperty("generic.current_allocated_bytes", &before);
    std::free(p);
    MallocExtension_GetNumericProperty("generic.current_allocated_bytes", &after);
    std::printf("less: %d\n", before - after >= 1 << 20);
}

static std::size_t heard_new, heard_delete;
static void *heard_stack[4];
static int heard_depth;

static void on_new(const void *p, std::size_t n)
{
    if (p && n == 12345) {
        heard_new++;
        heard_depth = MallocHook_GetCallerStackTrace(heard_stack, 4, 0);
    }
}

static void on_delete(const void *)
{
    heard_delete++;
}

static KEPT void *asks()
{
    void *p = std::malloc(12345);
    __asm__ volatile("");
    return p;
}

static void hooks()
{
    MallocHook_AddNewHook(on_new);
    MallocHook_AddDeleteHook(on_delete);
    std::free(asks());
    MallocHook_RemoveNewHook(on_new);
    MallocHook_RemoveDeleteHook(on_delete);
    const char *pc = static_cast<const char *>(heard_stack[0]);
    const char *from = reinterpret_cast<const char *>(asks);
    std::printf("heard %zu %zu, from asks %d\n", heard_new, heard_delete,
                heard_depth > 1 && pc > from && pc < from + 100);
}

static void threads()
{
    std::vector<std::thread> all;
    for (int t = 0; t < 6; t++)
        all.emplace_back([t] {
            std::vector<char *> mine;
            unsigned x = t + 1;
            for (int i = 0; i < 20000; i++) {
                x = x * 1664525 + 1013904223;
                if (mine.size() < 50 || x >> 31) {
                    mine.push_back(new char[x >> 18 & 1023]);
                } else {
                    delete[] mine.back();
                    mine.pop_back();
                }
                if (i % 5000 == 0)
                    MallocExtension_VerifyAllMemory();
            }
            for (char *p : mine)
                delete[] p;
        });
    for (std::thread &t : all)
        t.join();
    std::printf("verified %d\n", MallocExtension_VerifyAllMemory());
}

static const struct {
    const char *name;
    void (*play)();
} scenes[] = {
    {"double-free", double_free},
    {"double-free-later", double_free_later},
    {"double-free-aligned", double_free_aligned},
    {"malloc-delete", malloc_delete},
    {"new-array-delete", new_array_delete},
    {"new-free", new_free},
    {"new-realloc", new_realloc},
    {"aligned-new-delete-array", aligned_new_delete_array},
    {"overrun", overrun},
    {"overrun-last", overrun_last},
    {"overrun-aligned", overrun_aligned},
    {"overrun-realloc", overrun_realloc},
    {"overrun-large", overrun_large},
    {"underrun", underrun},
    {"underrun-far", underrun_far},
    {"underrun-filled", underrun_filled},
    {"use-after-free", use_after_free},
    {"use-after-free-long", use_after_free_long},
    {"use-after-free-found-early", use_after_free_found_early},
    {"use-after-free-pushed-out", use_after_free_pushed_out},
    {"never-allocated", never_allocated},
    {"never-mapped", never_mapped},
    {"inside", inside},
    {"usable-inside", usable_inside},
    {"fill", fill},
    {"verify", verify},
    {"verify-kind", verify_kind},
    {"stats", stats},
    {"usable", usable},
    {"sized", sized},
    {"moves", moves},
    {"calls", calls},
    {"write-behind", write_behind},
    {"read-behind", read_behind},
    {"write-freed", write_freed},
    {"current", current},
    {"hooks", hooks},
    {"threads", threads},
};

int main(int argc, char **argv)
{
    std::setbuf(stdout, nullptr);
    for (const auto &scene : scenes)
        if (argc > 1 && std::strcmp(scene.name, argv[1]) == 0) {
            scene.play();
            std::printf("reached end\n");
            return 0;
        }
    return 2;
}
