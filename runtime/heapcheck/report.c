/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The text that a check which found leaks says. Scripts wait for its lines. */
#include "heapcheck/internal.h"

#include <string.h>

#include "base/message.h"

static void say_frame(const struct symbols *symbols, uintptr_t pc)
{
    const char *text = symbols ? symbols_text(symbols, pc) : "";
    if (!*text)
        message_say(MESSAGE_ERROR, "\t@ %lx ", pc);
    while (*text) { /* a line for each inlined call */
        const size_t n = strcspn(text, "\n");
        message_say(MESSAGE_ERROR, "\t@ %lx %.*s", pc, (int)n, text);
        text += n + (text[n] == '\n');
    }
}

static void say_site(const struct site *site, const struct symbols *symbols)
{
    message_say(MESSAGE_ERROR, "Leak of %zu bytes in %zu objects allocated from:", site->bytes,
                site->objects);
    size_t n;
    const uintptr_t *pcs = stack_pcs(site->stack, &n);
    for (size_t i = 0; i < n; i++)
        say_frame(symbols, pcs[i]);
    message_say((enum message_level)1,
                "\tsite %016lx: %zu bytes in %zu objects direct, "
                "%zu bytes in %zu objects indirect",
                site_id(site->stack), site->bytes - site->indirect_bytes,
                site->objects - site->indirect_objects, site->indirect_bytes,
                site->indirect_objects);
}

static void say_hint(const struct report *report)
{
    message_say(
        MESSAGE_WARNING,
        "\n\nIf the preceding stack traces are not enough to find the leaks, try running THIS "
        "shell "
        "command:\n\npprof %s \"%s\" --inuse_objects --lines --heapcheck  --edgefraction=1e-10 "
        "--nodefraction=1e-10 --gv\n\nIf you are still puzzled about why the leaks are there, try "
        "rerunning this program with HEAP_CHECK_TEST_POINTER_ALIGNMENT=1 and/or with "
        "HEAP_CHECK_MAX_POINTER_OFFSET=-1\nIf the leak report occurs in a small fraction of runs, "
        "try running with TCMALLOC_MAX_FREE_QUEUE_SIZE of few hundred MB or with "
        "TCMALLOC_RECLAIM_MEMORY=false, it might help find leaks more repeatably\n",
        program_path(), report->dump);
}

void report_leaks(const struct report *report)
{
    const struct leaks *leaks = report->leaks;
    const struct site *site = leaks->sites.p;
    const size_t n = leaks->sites.n;
    const size_t shown = report->most <= 0 || n < (size_t)report->most ? n : (size_t)report->most;
    message_say(MESSAGE_ERROR, "Leak check %s detected leaks of %zu bytes in %zu objects",
                report->name, leaks->bytes, leaks->objects);
    message_say(MESSAGE_ERROR, "The %zu largest leaks:", shown);
    (void)sites_refresh();
    if (report->symbols && report->symbols->list.n == 0 &&
        symbols_collect(report->symbols, leaks, shown))
        (void)symbols_ask(report->symbols, false);
    for (size_t i = 0; i < shown; i++)
        say_site(&site[i], report->symbols);
    if (shown < n)
        message_say(MESSAGE_ERROR, "Skipping leaks numbered %zu..%zu", shown, n - 1);
    const struct leak *leak = leaks->list.p;
    for (size_t i = 0; report->identifies && i < leaks->list.n; i++, leak++)
        message_say(MESSAGE_ERROR, "leaked %zu byte object %p", leak->size, (void *)leak->start);
    (void)dump_leaks(report->dump, leaks);
    say_hint(report);
}
