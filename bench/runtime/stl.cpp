/* SPDX-License-Identifier: BSD-3-Clause
 *
 * C++ containers over operator new and delete: strings in maps,
 * vectors that grow, lists that come and go; one thread, deterministic.
 *
 *   stl N REPS
 * Reports ns for each element handled, and the peak resident size. */
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench.h"

static size_t work(long n)
{
    uint64_t s = 5;
    size_t sum = 0;
    std::map<std::string, std::vector<int>> tree;
    std::unordered_map<long, std::string> hash;
    std::list<std::string> queue;
    for (long i = 0; i < n; i++) {
        uint32_t r = rng_below(&s, 1u << 30);
        tree["key number " + std::to_string(r % 5000)].push_back((int)i);
        hash[r % 20000] = std::string(r % 200, 'x');
        queue.push_back(std::string(16 + r % 50, 'q'));
        if (queue.size() > 1000)
            queue.pop_front();
        if (i % 7 == 0 && !tree.empty())
            tree.erase(tree.begin());
        sum += hash[r % 20000].size();
    }
    return sum + tree.size() + queue.size();
}

int main(int argc, char **argv)
{
    long n = arg(argc, argv, 1, 200000), reps = arg(argc, argv, 2, 3);
    double best = 1e30;
    for (long r = 0; r < reps; r++) {
        uint64_t t = thread_ns();
        size_t x = work(n);
        KEEP(x);
        double d = (double)(thread_ns() - t) / (double)n;
        if (d < best)
            best = d;
    }
    report("time", best, "ns/element");
    report_peak();
    return 0;
}
