/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of profiles on servers, as somebody may paste them: what is taken apart says what is to be
 * asked, and is put together again from its parts. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "net/net.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check(struct span name)
{
    struct arena *arena = arena_new();
    struct error err = {0};
    struct remote remote, again;
    if (!remote_parse(arena, name, &remote, &err)) {
        require(err.kind == ERROR_USAGE && err.text[0] != '\0');
    } else {
        require(span_starts(span_of(remote.base), "http") && remote.host[0] != '\0');
        require(remote.service[0] == '/' && span_starts(span_of(remote.service), remote.path));
        const char *url = arena_printf(arena, "%s%s", remote.base, remote.service);
        require(remote_is(span_of(url)));
        require(remote_parse(arena, span_of(url), &again, &err));
        require(strcmp(again.base, remote.base) == 0);
        require(strcmp(again.service, remote.service) == 0);
        require(again.takes_seconds == remote.takes_seconds && again.seconds == remote.seconds);
    }
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* As an argument of a program is: without a NUL. */
    struct span name = span_make(data, size);
    name = span_first(name, span_find(name, '\0'));
    uint32_t n;
    if (remote_count(name, &n) && n > 0) {
        struct arena *arena = arena_new();
        const char *last = remote_member(arena, name, n - 1);
        check(span_of(last));
        arena_free(arena);
    }
    (void)remote_is(name);
    check(name);
    return 0;
}
