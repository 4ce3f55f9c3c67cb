/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lines at the prompt, whatever somebody pastes into it: parsing ends, what a command needs is
 * there, and completions begin with what was typed. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "cli/internal.h"

static void require(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *list[] = {"bar", "ns::foo::run", "operator+", "std::get x"};
    static const struct name_list names = {.list = list, .n = COUNT_OF(list)};
    struct arena *arena = arena_new();
    const struct options options = options_all(arena);
    char *copy = malloc(size + 1);
    require(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    const struct span line = span_make(copy, size);

    const struct command c = command_parse(&options, line, arena);
    if (c.kind == COMMAND_REPORT)
        require(c.emitter && !(c.file && c.programs) && (!c.emitter->arg || c.expression));
    if (c.kind == COMMAND_VIEW)
        require(c.emitter && c.viewer && !c.file && !c.programs);
    if (c.kind == COMMAND_WRONG)
        require(c.why != NULL);
    if (c.kind == COMMAND_SET)
        require(c.name.n > 0);
    for (size_t i = 0; c.programs && c.programs[i]; i++)
        require(c.programs[i][0] != NULL);

    /* Without words that would list this machine's files. */
    if (!memchr(copy, '>', size) && size < 1000) {
        const struct completion done = complete_line(&options, &names, line, arena);
        require(done.from <= size && (done.n == 0 || complete_common(&done) > 0 || done.n > 1));
    }
    free(copy);
    arena_free(arena);
    return 0;
}
