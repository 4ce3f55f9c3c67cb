// SPDX-License-Identifier: BSD-3-Clause
//
// A program with something to find in a profile: three kinds of work of different cost, a template
// used at two types, and small functions that the compiler builds into their callers. `./dev demo`
// profiles it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#define KEPT __attribute__((noinline)) // stays a function of its own in the report

namespace shapes
{

struct Point {
    double x, y;
};

static inline double squared(double v)
{
    return v * v;
}

static inline double distance(const Point &a, const Point &b)
{
    return std::sqrt(squared(a.x - b.x) + squared(a.y - b.y));
}

class Random
{
  public:
    double next()
    {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<double>(state_ >> 11) / 9007199254740992.0;
    }

  private:
    uint64_t state_ = 1;
};

// Adds up a polynomial, term by term; twice as many terms for double as for float.
template <typename Number> KEPT Number series(Number x)
{
    Number sum = 0, power = 1;
    for (size_t n = 1; n <= 25 * sizeof(Number); n++) {
        power *= x;
        sum += power / static_cast<Number>(n);
    }
    return sum;
}

KEPT double nearest(const std::vector<Point> &points, const Point &from)
{
    double best = 1e9;
    for (const Point &p : points)
        best = std::min(best, distance(p, from));
    return best;
}

// Grows with the angle from the x axis, as an arc tangent does, but needs no library.
static inline double turn(const Point &p)
{
    const double share = p.y / (std::fabs(p.x) + std::fabs(p.y));
    return p.x >= 0 ? share : (p.y >= 0 ? 2 : -2) - share;
}

KEPT double sort_by_angle(std::vector<Point> points)
{
    std::sort(points.begin(), points.end(),
              [](const Point &a, const Point &b) { return turn(a) < turn(b); });
    return points.front().x;
}

KEPT size_t name_them(const std::vector<Point> &points)
{
    std::map<std::string, int> seen;
    for (const Point &p : points)
        seen[std::to_string(static_cast<int>(p.x * 100))]++;
    return seen.size();
}

KEPT double round_of_work(Random &random)
{
    std::vector<Point> points(600);
    for (Point &p : points)
        p = {random.next() - 0.5, random.next() - 0.5};
    double sum = 0;
    for (const Point &p : points)
        sum += nearest(points, {p.y, p.x}) + series(p.x) + series(static_cast<float>(p.y));
    return sum + sort_by_angle(points) + static_cast<double>(name_them(points));
}

} // namespace shapes

int main()
{
    const int rounds = 1500;
    shapes::Random random;
    double sum = 0;
    for (int round = 0; round < rounds; round++)
        sum += shapes::round_of_work(random);
    std::printf("%d rounds, sum %.3f\n", rounds, sum);
}
