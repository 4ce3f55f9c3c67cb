/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: strings in a vector in a map, all in one static object that is never
 *      destroyed */
#include <map>
#include <string>
#include <vector>

#include "leaks.h"
typedef std::map<int, std::vector<std::string>> Table;
static Table *table;
static void work()
{
    table = new Table;
    STORE(table);
    for (int i = 0; i < 20; i++)
        (*table)[i].push_back(std::string(100, 'x'));
}
MAIN(work)
