/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 2 133
 * why: a string object, and the text that it holds */
#include <string>

#include "leaks.h"
static void work()
{
    std::string *s = new std::string(100, 'x');
    KEEP(s);
}
MAIN(work)