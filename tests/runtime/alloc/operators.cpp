// SPDX-License-Identifier: BSD-3-Clause
//
// The operators of C++ in every form: memory, alignment, handlers, exceptions through our frames.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <gperftools/malloc_extension.h>
#include <gperftools/malloc_hook.h>
#include <gperftools/tcmalloc.h>

static int handled;

static void gives_up()
{
    if (++handled == 2)
        std::set_new_handler(nullptr);
    std::printf("handler %d\n", handled);
}

static void throws()
{
    std::printf("handler throws\n");
    throw std::bad_alloc();
}

template <typename Take> static void wants_bad_alloc(const char *what, Take take)
{
    try {
        take();
        std::printf("%s: no exception\n", what);
    } catch (const std::bad_alloc &e) {
        std::printf("%s: %s\n", what, e.what());
    }
}

static void out_of_memory()
{
    volatile std::size_t big = std::size_t(1) << 47;
    wants_bad_alloc("new", [&] { (void)operator new(big); });
    std::printf("nothrow new: %p\n", operator new(big, std::nothrow));
    std::set_new_handler(gives_up);
    wants_bad_alloc("new", [&] { (void)operator new(big); });
    std::set_new_handler(throws);
    std::printf("nothrow new, throwing handler: %p\n", operator new(big, std::nothrow));
    wants_bad_alloc("aligned new[]", [&] { (void)operator new[](big, std::align_val_t(64)); });
    std::printf("aligned nothrow new: %p\n", operator new(big, std::align_val_t(64), std::nothrow));
    std::printf("malloc with handler set: %p\n", std::malloc(big));
    tc_set_new_mode(1);
    std::set_new_handler(nullptr);
    std::printf("malloc in new mode, no handler: %p\n", std::malloc(big));
    tc_set_new_mode(0);
}

static void every_form()
{
    const std::size_t sizes[] = {0, 1, 8, 16, 100, 1000, 5000, 100000, 262144, 262145, 3000000};
    for (std::size_t n : sizes) {
        operator delete(operator new(n));
        operator delete(operator new(n), n);
        operator delete[](operator new[](n));
        operator delete[](operator new[](n), n);
        operator delete(operator new(n, std::nothrow), std::nothrow);
        operator delete[](operator new[](n, std::nothrow), std::nothrow);
        for (std::size_t a = 8; a <= 65536; a *= 2) {
            const std::align_val_t align{a};
            void *p = operator new(n, align);
            void *q = operator new[](n, align);
            void *r = operator new(n, align, std::nothrow);
            void *s = operator new[](n, align, std::nothrow);
            if ((std::uintptr_t(p) | std::uintptr_t(q) | std::uintptr_t(r) | std::uintptr_t(s)) %
                a)
                std::printf("not aligned: %zu at %zu\n", n, a);
            operator delete(p, align);
            operator delete[](q, n, align);
            operator delete(r, n, align);
            operator delete[](s, align, std::nothrow);
        }
    }
    operator delete(nullptr);
    operator delete(nullptr, std::size_t(10));
    std::printf("every form\n");
}

static void containers()
{
    std::map<std::string, std::vector<int>> m;
    for (int i = 0; i < 100000; i++) {
        m["key number " + std::to_string(i % 1000)].push_back(i);
        if (i % 7 == 0)
            m.erase(m.begin());
    }
    std::printf("containers %d\n", m.size() > 100);
}

static void extension()
{
    MallocExtension *e = MallocExtension::instance();
    std::size_t value = 0;
    std::printf("property %d\n",
                e->GetNumericProperty("generic.current_allocated_bytes", &value) && value > 0);
    std::string text;
    e->GetHeapSample(&text);
    std::printf("sample %d\n", text.find("does not support sampling") != std::string::npos);
    std::vector<MallocExtension::FreeListInfo> lists;
    e->GetFreeListSizes(&lists);
    std::size_t free = 0;
    for (const auto &list : lists)
        free += list.total_bytes_free;
    std::printf("free lists %d\n", !lists.empty() && free > 0);
    std::size_t in_use = 0, other = 0;
    struct sums {
        std::size_t *in_use, *other;
    } sums{&in_use, &other};
    e->Ranges(&sums, [](void *arg, const base::MallocRange *range) {
        auto *s = static_cast<struct sums *>(arg);
        *(range->type == base::MallocRange::INUSE ? s->in_use : s->other) += range->length;
    });
    std::printf("ranges %d\n", in_use > 0 && other > 0);
    std::vector<base::MallocRange> ranges; /* the visitor may allocate */
    e->Ranges(&ranges, [](void *arg, const base::MallocRange *range) {
        static_cast<std::vector<base::MallocRange> *>(arg)->push_back(*range);
        operator delete(operator new(300000));
    });
    bool apart = ranges.size() > 16;
    for (std::size_t i = 1; i < ranges.size(); i++)
        apart = apart && ranges[i - 1].address + ranges[i - 1].length <= ranges[i].address;
    std::printf("ranges in order %d\n", apart);
    void *p = std::malloc(100);
    std::printf("owned %d size %zu\n", e->GetOwnership(p) == MallocExtension::kOwned,
                e->GetAllocatedSize(p));
    std::free(p);
    e->SetMemoryReleaseRate(5);
    std::printf("rate %g\n", e->GetMemoryReleaseRate());
    e->ReleaseFreeMemory();
}

static int heard;

static void hear(const void *, std::size_t)
{
    heard++;
}

static void hooks()
{
    MallocHook::AddNewHook(hear);
    operator delete(operator new(10));
    MallocHook::RemoveNewHook(hear);
    operator delete(operator new(10));
    std::printf("heard %d\n", heard);
}

static void wrong_size()
{
    void *volatile p = operator new(100);
    operator delete(p, std::size_t(1000));
}

int main(int argc, char **argv)
{
    std::setbuf(stdout, nullptr);
    if (argc > 1 && std::strcmp(argv[1], "wrong-size") == 0) {
        wrong_size();
        return 0;
    }
    out_of_memory();
    every_form();
    containers();
    extension();
    hooks();
    return 0;
}
