/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The moment before main: we take the place of the C library's function that calls it. Only in the
 * shared libraries: in a static program there is one of that name already. */
#include "heapcheck/internal.h"

#include <dlfcn.h>
#include <stdlib.h>

typedef int (*main_fn)(int, char **, char **);
typedef int (*start_main_fn)(main_fn, int, char **, void (*)(void), void (*)(void), void (*)(void),
                             void *);

static main_fn program_main;

static int run_main(int argc, char **argv, char **environment)
{
    start_before_main();
    return program_main(argc, argv, environment);
}

EXPORTED int __libc_start_main(main_fn program, int argc, char **argv, void (*init)(void),
                               void (*fini)(void), void (*loader_fini)(void), void *stack_end);

int __libc_start_main(main_fn program, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*loader_fini)(void), void *stack_end)
{
    union {
        void *found;
        start_main_fn call;
    } next = {dlsym(RTLD_NEXT, "__libc_start_main")};
    if (!next.found)
        abort();
    program_main = program;
    return next.call(checker_is_on() ? run_main : program, argc, argv, init, fini, loader_fini,
                     stack_end);
}
