/* SPDX-License-Identifier: BSD-3-Clause
 *
 * C++ that throws, sorts and loads libraries on several threads while it is profiled at the highest
 * rate; and GetStackTrace as C++ knows it. */
#include <gperftools/profiler.h>
#include <gperftools/stacktrace.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <time.h>

#define KEPT __attribute__((noinline))

static double cpu_seconds()
{
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

static KEPT int thrower(int depth)
{
    if (depth == 0)
        throw std::runtime_error("x");
    return thrower(depth - 1) + 1;
}

static KEPT long catcher()
{
    long n = 0;
    for (int i = 0; i < 100; i++) {
        try {
            n += thrower(i % 20);
        } catch (const std::exception &e) {
            n += e.what()[0];
        }
    }
    return n;
}

static KEPT long sorter(unsigned seed)
{
    std::vector<std::string> v(300);
    for (std::string &s : v)
        s = std::to_string(seed = seed * 1664525 + 1013904223);
    std::sort(v.begin(), v.end());
    return static_cast<long>(v[0].size());
}

static KEPT void loader()
{
    if (void *library = dlopen("libm.so.6", RTLD_NOW))
        dlclose(library);
    if (void *library = dlopen("libutil.so.1", RTLD_NOW))
        dlclose(library);
}

static KEPT bool innermost_is_here()
{
    void *pcs[8];
    int sizes[8];
    const int n = GetStackTrace(pcs, 8, 0), m = GetStackFrames(pcs, sizes, 8, 1);
    return n > 1 && m == n - 1 + (n == 8);
}

int main(int argc, char **argv)
{
    const double end = cpu_seconds() + (argc > 1 ? atof(argv[1]) : 2);
    std::vector<std::thread> threads;
    long sum = 0;
    for (unsigned i = 0; i < 3; i++) {
        threads.emplace_back([i, end] {
            while (cpu_seconds() < end) {
                catcher();
                sorter(i);
                loader();
            }
        });
    }
    while (cpu_seconds() < end)
        sum += catcher();
    for (std::thread &t : threads)
        t.join();
    std::printf("trace=%d\n", innermost_is_here());
    return sum == 0;
}
