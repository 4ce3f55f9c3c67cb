/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Places that make a known number of bytes in blocks of several sizes, and what MallocExtension
 * says of them.
 *
 *   samples c | cxx | growth | set */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <gperftools/malloc_extension.h>
#include <gperftools/malloc_extension_c.h>

enum { MB = 1 << 20 };

/* Each line is a place of its own. */
extern "C" {
__attribute__((noinline)) void *small()
{
    void *volatile p = malloc(100);
    return p;
}

__attribute__((noinline)) void *middle()
{
    void *volatile p = operator new(10000);
    return p;
}

__attribute__((noinline)) void *large()
{
    void *volatile p = calloc(1, MB);
    return p;
}

__attribute__((noinline)) void *aligned()
{
    void *p;
    if (posix_memalign(&p, 64, 192) != 0)
        abort();
    void *volatile kept = p;
    return kept;
}

__attribute__((noinline)) void *churned()
{
    void *volatile p = malloc(100);
    return p;
}
}

static std::vector<void *> kept, kept_by_new;

/* 40 MB of each; before each block that stays some that do not, so that lists are never new. */
static void make_all()
{
    kept.reserve(MB);
    for (int i = 0; i < 40 * MB / 100; i++) {
        void *a = churned(), *b = churned();
        free(a);
        kept.push_back(small());
        free(b);
    }
    for (int i = 0; i < 40 * MB / 10000; i++)
        kept_by_new.push_back(middle());
    for (int i = 0; i < 40; i++)
        kept.push_back(large());
    for (int i = 0; i < 40 * MB / 192; i++)
        kept.push_back(aligned());
}

static void write_text(void *, const char *text, size_t size)
{
    fwrite(text, 1, size, stdout);
}

int main(int, char **argv)
{
    const std::string how = argv[1];
    std::string text;
    MallocExtension *extension = MallocExtension::instance();
    size_t period = 0;
    if (how == "set" && !extension->SetNumericProperty("tcmalloc.sample_parameter", 32768))
        return 1;
    make_all();
    if (how == "c")
        MallocExtension_GetHeapSample(write_text, nullptr);
    else if (how == "growth")
        extension->GetHeapGrowthStacks(&text);
    else
        extension->GetHeapSample(&text);
    fwrite(text.data(), 1, text.size(), stdout);
    if (!extension->GetNumericProperty("tcmalloc.sample_parameter", &period))
        return 1;
    fprintf(stderr, "period %zu\n", period);
    for (void *p : kept)
        free(p);
    for (void *p : kept_by_new)
        operator delete(p);
    extension->SetNumericProperty("tcmalloc.sample_parameter", 0);
    text.clear();
    extension->GetHeapSample(&text);
    fprintf(stderr, "%s", text.c_str() + text.find("heap profile"));
    return 0;
}
