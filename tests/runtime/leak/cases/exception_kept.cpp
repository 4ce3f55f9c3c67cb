/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: an exception that is held by a pointer in a static variable */
#include <exception>
#include <stdexcept>
#include <string>

#include "leaks.h"
static std::exception_ptr kept;
static void work()
{
    try {
        throw std::runtime_error(std::string(200, 'x'));
    } catch (...) {
        kept = std::current_exception();
    }
    STORE(kept);
}
MAIN(work)