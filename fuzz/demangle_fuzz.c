/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as a name from a symbol table. */
#include "fuzz.h"

#include "symbolize/symbolize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strings *strings = strings_new();
    const str_id raw = strings_add(strings, span_make(data, size));
    const str_id full = name_demangle(strings, strings_text(strings, raw));
    const str_id brief = name_shorten(strings, full, false);
    const str_id with_templates = name_shorten(strings, full, true);
    if (strings_span(strings, brief).n > strings_span(strings, full).n ||
        strings_span(strings, with_templates).n > strings_span(strings, full).n)
        __builtin_trap();
    strings_free(strings);
    return 0;
}
