/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 2 64
 * why: two shared pointers that hold each other */
#include <memory>

#include "leaks.h"
struct Node {
    std::shared_ptr<Node> other;
};
static void work()
{
    auto a = std::make_shared<Node>(), b = std::make_shared<Node>();
    a->other = b;
    b->other = a;
}
MAIN(work)