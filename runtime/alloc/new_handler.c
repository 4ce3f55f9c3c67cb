/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What we want of a C++ library, the new handler and throwing, is reached through weak symbols: a
 * program that can catch an exception has them. This file is compiled with -fexceptions, for
 * exceptions pass through its frames. */
#include "alloc/internal.h"

#include <stdlib.h>

#include "hooks/hooks.h"

typedef void (*handler_fn)(void);

/* std::get_new_handler, std::__throw_bad_alloc */
extern handler_fn get_new_handler(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));
extern void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak));

static handler_fn handler(void)
{
    return get_new_handler ? get_new_handler() : NULL;
}

bool new_handler_is_set(void)
{
    return handler() != NULL;
}

bool new_handler_call(void)
{
    const handler_fn fn = handler();
    const struct caller caller = hooks_caller; /* it may well allocate */
    if (fn)
        fn();
    hooks_caller = caller;
    return fn != NULL;
}

void new_handler_throw(void)
{
    if (throw_bad_alloc)
        throw_bad_alloc();
    abort();
}
