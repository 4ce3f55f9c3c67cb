/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: a list, a deque, a map and a function that hold each other's things */
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "leaks.h"
static std::list<std::deque<int>> *queues;
static std::unordered_map<std::string, std::unique_ptr<int>> *table;
static std::function<int()> *call;
static void work()
{
    queues = new std::list<std::deque<int>>(10, std::deque<int>(1000, 1));
    table = new std::unordered_map<std::string, std::unique_ptr<int>>;
    for (int i = 0; i < 500; i++)
        (*table)[std::string(30, 'a') + std::to_string(i)] = std::make_unique<int>(i);
    std::string big(100, 'x');
    call = new std::function<int()>([big] { return (int)big.size(); });
    STORE(queues);
    STORE(table);
    STORE(call);
}
MAIN(work)