/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names for addresses. What was read once of a file is kept for all requests. */
#include "http/internal.h"

#include "base/lock.h"
#include "names/names.h"

enum { NAME_SIZE = 4096 };

static struct {
    struct lock lock;
    struct names names;
} symbols;

void symbols_count(struct body *body)
{
    lock_take(&symbols.lock);
    const size_t n = names_refresh(&symbols.names) ? names_count(&symbols.names) : 0;
    lock_drop(&symbols.lock);
    body_print(body, "num_symbols: %zu\n", n);
}

/* Who asks has turned addresses to return to into ones within the call. */
void symbols_name(struct body *body, struct piece addresses)
{
    char text[NAME_SIZE];
    struct name name;
    lock_take(&symbols.lock);
    const bool is_known = names_refresh(&symbols.names);
    for (uint64_t address; is_known && !body->is_full && http_address(&addresses, &address);)
        if (names_find(&symbols.names, address, &name)) {
            (void)names_readable(&name, text, sizeof text);
            body_print(body, "0x%lx\t%s\n", (unsigned long)address, text);
        }
    lock_drop(&symbols.lock);
}
