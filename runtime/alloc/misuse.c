/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is said before the program is ended because it misused the allocator, or because our own
 * structures do not hold. Nothing is allocated, no lock is taken. */
#include "alloc/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/message.h"

/* Where it was built from is of no interest. */
static const char *inside(const char *file)
{
    while (strncmp(file, "../", 3) == 0)
        file += 3;
    return file;
}

void alloc_broken(const char *what, const char *file, int line)
{
    message_say(MESSAGE_FATAL, "%s:%d] Check failed: %s", inside(file), line, what);
    abort();
}

void misuse_invalid_free(const void *p)
{
    message_say(MESSAGE_FATAL, "%s:%d] Attempt to free invalid pointer %p ", inside(__FILE__),
                __LINE__, p);
    abort();
}

void misuse_invalid_size(const void *p)
{
    message_say(MESSAGE_FATAL, "%s:%d] Attempt to get the size of an invalid pointer %p ",
                inside(__FILE__), __LINE__, p);
    abort();
}

void misuse_double_free(const void *p)
{
    message_say(MESSAGE_FATAL, "%s:%d] Attempt to free invalid pointer %p : it is free already",
                inside(__FILE__), __LINE__, p);
    abort();
}

void misuse_wrong_size(const void *p, size_t said, size_t real)
{
    message_say(MESSAGE_FATAL,
                "%s:%d] Attempt to free pointer %p as a block of %zu bytes, but it has %zu",
                inside(__FILE__), __LINE__, p, said, real);
    abort();
}
