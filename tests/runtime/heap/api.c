/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Each function of gperftools/heap-profiler.h, from C. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gperftools/heap-profiler.h>

__attribute__((noinline)) static void *before(void)
{
    void *volatile p = malloc(1111);
    return p;
}

__attribute__((noinline)) static void *during(void)
{
    void *volatile p = malloc(2222);
    return p;
}

__attribute__((noinline)) static void *changed(void *old)
{
    void *volatile p = realloc(old, 2200);
    return p;
}

/* What lives; the text is a block that was made, and freed when the next one is taken. */
static void show(const char *what)
{
    char *text = GetHeapProfile();
    printf("%s: '%.*s'\n", what, (int)strcspn(text, "["), text);
    if (*text)
        printf("whole: %d\n", strstr(text, "\nMAPPED_LIBRARIES:\n") && strstr(text, "[stack]"));
    free(text);
}

int main(void)
{
    setbuf(stdout, NULL);
    show("off");
    void *early = before();
    HeapProfilerDump("not running");
    printf("running %d\n", IsHeapProfilerRunning());
    HeapProfilerStart("api");
    HeapProfilerStart("ignored");
    printf("running %d\n", IsHeapProfilerRunning());
    void *p = during();
    free(early);
    HeapProfilerDump("by hand");
    show("one block");
    p = changed(p);
    show("changed in place");
    free(p);
    show("freed");
    HeapProfilerStop();
    HeapProfilerStop();
    printf("running %d\n", IsHeapProfilerRunning());
    show("off again");
    HeapProfilerStart("api");
    free(during());
    void *q = during();
    HeapProfilerDump("second session");
    HeapProfilerStop();
    free(q);
    return 0;
}
