// SPDX-License-Identifier: BSD-3-Clause
//
// What C++ can do to a name: namespaces, templates, lambdas, functors, literals of its own, ABI tags, operators.
#include <cstddef>

static volatile int sink;
#define STAYS __attribute__((noinline))

namespace outer {
namespace {
STAYS int hidden(int x)
{
    return sink += x;
}
} // namespace

inline namespace v2 {
struct Functor {
    int seed;
    STAYS int operator()(int x) const { return sink += x + seed; }
    STAYS bool operator<(const Functor &other) const { return sink < other.seed; }
    STAYS operator int() const { return sink + seed; }
    STAYS Functor &operator--()
    {
        seed -= sink;
        return *this;
    }
};
} // namespace v2

template <typename T, int N> struct Box {
    T value[N];
    inline __attribute__((always_inline)) T first() const { return value[0] + sink; }
    STAYS T sum() const
    {
        T total = first();
        for (int i = 0; i < N; i++)
            total += value[i];
        return total;
    }
};

template <typename F> STAYS int apply(F f, int x)
{
    return f(x) + sink;
}

[[gnu::abi_tag("cxx42")]] STAYS int tagged(int x)
{
    return sink += x;
}

struct Base {
    virtual ~Base() {}
    virtual int act(int x) = 0;
};
struct Other {
    virtual ~Other() {}
    virtual int react(int x) { return sink - x; }
};
struct Derived final : Base, Other {
    int state;
    explicit STAYS Derived(int s) : state(s + sink) {}
    STAYS ~Derived() override { sink = state; }
    STAYS int act(int x) override { return sink += x + state; }
    STAYS int react(int x) override { return sink -= x + state; }
};

STAYS int over(int x)
{
    return sink + x;
}
STAYS int over(double x)
{
    return sink + static_cast<int>(x);
}
} // namespace outer

STAYS int operator""_deg(unsigned long long x)
{
    return static_cast<int>(x) + sink;
}
STAYS int operator"" _km(const char *text, std::size_t n)
{
    return text[0] + static_cast<int>(n) + sink;
}

int main(int argc, char **)
{
    outer::Functor functor{argc};
    outer::Box<int, 3> ints{{1, 2, argc}};
    outer::Box<outer::Functor *, 1> pointers{{&functor}};
    (void)pointers;
    outer::Derived derived(argc);
    outer::Base *base = &derived;
    outer::Other *other = &derived;
    auto twice = [&](int x) STAYS { return sink += x * 2 + argc; };
    auto generic = [](auto x) STAYS { return sink + static_cast<int>(x); };
    int sum = outer::hidden(argc) + functor(1) + (functor < functor) + int(functor) + int(--functor) + ints.sum();
    sum += outer::apply(twice, 1) + outer::apply(functor, 2) + twice(3) + generic(1) + generic(2.5);
    sum += outer::tagged(1) + base->act(1) + other->react(2) + outer::over(1) + outer::over(1.5);
    sum += 90_deg + "mile"_km;
    return sum & 1;
}
