/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When the checker is on and when the program is checked as a whole: HEAPCHECK and its modes, from
 * the first allocation to the end. The check of most modes runs before the program's static objects
 * are destroyed, after all that it registered to be run at its end; that can be had by registering
 * ours right before main. Where nobody tells us of main, it runs when this library ends. */
#include "heapcheck/internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "alloc/alloc.h"
#include "base/env.h"
#include "base/knob.h"
#include "base/message.h"
#include "base/syscall.h"
#include "unwind/unwind.h"

static const struct mode modes[] = {
    {"minimal", true, true, false, {true, true}}, {"normal", true, false, false, {true, true}},
    {"strict", true, false, true, {true, true}},  {"draconian", true, false, true, {false, false}},
    {"local", false, false, false, {true, true}},
};

static const struct knob knobs[] = {
    {"HEAPCHECK", "", "look for leaks: minimal, normal, strict, draconian, as-is, local"},
    {"HEAP_CHECK_AFTER_DESTRUCTORS", "0", "as-is: check when static objects are destroyed"},
    {"HEAP_CHECK_IGNORE_GLOBAL_LIVE", "1", "as-is: what global data point to is no leak"},
    {"HEAP_CHECK_IGNORE_THREAD_LIVE", "1", "as-is: nor what stacks and registers point to"},
    {"HEAP_CHECK_MAX_LEAKS", "20", "sites to print; 0: all"},
    {"HEAP_CHECK_IDENTIFY_LEAKS", "0", "print each lost block, and abort at the end"},
    {"HEAP_CHECK_TEST_POINTER_ALIGNMENT", "0", "try whether pointers at odd addresses explain it"},
    {"HEAP_CHECK_POINTER_SOURCE_ALIGNMENT", "8", "where pointers are looked for; 1: anywhere"},
    {"HEAP_CHECK_MAX_POINTER_OFFSET", "1024", "how far into a block they may point; -1: anywhere"},
    {"HEAP_CHECK_POINTER_XOR", "", "pointers are also kept after an exclusive or with this"},
    {"HEAP_CHECK_SUPPRESSIONS", "", "a file of leak:PATTERN lines, and site:ID"},
    {"HEAP_CHECK_DUMP_DIRECTORY", "/tmp", "where profiles of leaks go"},
    {"HEAP_CHECK_RUN_UNDER_GDB", "0", "stay on in a debugger"},
    {"PPROF_PATH", "", "the symbolizer; our own cprof if not set"},
};

static struct {
    const struct mode *mode; /* NULL: off */
    pid_t pid;               /* whose end is checked */
    bool is_early;           /* since the first allocation */
    bool is_done;
    char dump_prefix[PATH_MAX];
    struct pile cleanups; /* void (*)(void) */
} start;

/* Tools of this library or another, if they are there, whose files must be written before a check
 * ends the program. */
extern void ProfilerStop(void) __attribute__((weak));
extern char address_sanitizer __asm__("__asan_init") __attribute__((weak));

/* ---- whether it is on -------------------------------------------------------------------------
 */

/* Somebody traces us, so nobody else can. */
static bool is_traced(void)
{
    char text[2048];
    const int fd = sys_open("/proc/self/status", O_RDONLY | O_CLOEXEC, 0);
    const ssize_t n = fd < 0 ? 0 : sys_pread(fd, text, sizeof text - 1, 0);
    if (fd >= 0)
        (void)sys_close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strstr(text, "\nTracerPid:\t");
    return line && line[sizeof "\nTracerPid:\t" - 1] != '0';
}

/* False: for a reason that was told. */
static bool may_run(void)
{
    if (env_is_set("RUNNING_ON_VALGRIND")) {
        message_say(MESSAGE_WARNING, "Can't run under Valgrind; will turn itself off");
        return false;
    }
    if (&address_sanitizer)
        return false;
    if (is_traced() && !env_bool("HEAP_CHECK_RUN_UNDER_GDB", false)) {
        message_say(MESSAGE_WARNING, "Someone is ptrace()ing us; will turn itself off");
        return false;
    }
    return true;
}

static const struct mode *find_mode(const char *name)
{
    static struct mode as_is = {.name = "as-is", .checks_all = true};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    }
    if (strcmp(name, as_is.name) != 0)
        return NULL;
    as_is.after_destructors = env_bool("HEAP_CHECK_AFTER_DESTRUCTORS", false);
    as_is.roots.globals = env_bool("HEAP_CHECK_IGNORE_GLOBAL_LIVE", true);
    as_is.roots.threads = env_bool("HEAP_CHECK_IGNORE_THREAD_LIVE", true);
    return &as_is;
}

/* ---- fork -------------------------------------------------------------------------------------
 */

static void note_process(void)
{
    const char *folder = env_get("HEAP_CHECK_DUMP_DIRECTORY");
    start.pid = sys_getpid();
    (void)text_print(start.dump_prefix, sizeof start.dump_prefix, "%s/%s.%d",
                     folder && *folder ? folder : "/tmp", program_invocation_short_name,
                     (int)start.pid);
}

void start_dump_path(char *to, size_t size, const char *name)
{
    (void)text_print(to, size, "%s.%s-end.heap", start.dump_prefix, name);
}

static bool is_preloaded(void)
{
    const char *list = env_get("LD_PRELOAD");
    Dl_info info;
    if (!list || !dladdr(&start, &info) || !info.dli_fname)
        return false;
    const char *slash = strrchr(info.dli_fname, '/');
    return strstr(list, slash ? slash + 1 : info.dli_fname) != NULL;
}

/* A program that was linked with us checks itself alone, as it always was; one that knows nothing
 * of us is checked with all its children. */
static void after_fork_in_child(void)
{
    checker_unlock();
    if (is_preloaded())
        note_process();
}

/* ---- the start --------------------------------------------------------------------------------
 */

static bool is_asked(void)
{
    return env_is_set("HEAPCHECK") && !env_is_untrusted();
}

static void start_tracking(void)
{
    objects_track(TRACKER_CHECK, true);
    start.is_early = true;
    /* After those of the table, so that ours runs before them and our lock is taken first. */
    (void)pthread_atfork(checker_lock, checker_unlock, after_fork_in_child);
}

/* The C library of a static program allocates before stacks can be found out. */
static bool is_static(void)
{
    return getauxval(AT_BASE) == 0;
}

/* Called by the allocator when it is ready for its first block. */
void alloc_has_started(void)
{
    if (is_asked() && !is_static())
        start_tracking();
}

static void turn_off(void)
{
    objects_track(TRACKER_CHECK, false);
    message_say(MESSAGE_NOTICE, "Turning perftools heap leak checking off");
}

static __attribute__((constructor)) void start_checker(void)
{
    const char *name = env_get("HEAPCHECK");
    knobs_show("the leak checker", knobs, sizeof knobs / sizeof *knobs);
    if (!name || !alloc_serves("HEAPCHECK"))
        return;
    if (env_is_untrusted()) {
        message_say(MESSAGE_WARNING,
                    "HeapChecker: ignoring HEAPCHECK because program seems to be setuid\n");
        return;
    }
    alloc_ensure_started();
    if (!start.is_early && is_static())
        start_tracking();
    if (!*name || !may_run()) {
        turn_off();
        return;
    }
    const struct mode *mode = find_mode(name);
    if (!mode)
        message_say(MESSAGE_FATAL, "Unsupported heap_check flag: %s", name);
    if (!start.is_early)
        message_say(MESSAGE_FATAL, "Can not start so late. You have to enable heap checking with "
                                   "HEAPCHECK=<mode>.");
    message_keep_stderr();
    modules_note_own();
    roots_start();
    areas_note_early();
    note_process();
    message_say(MESSAGE_NOTICE,
                "WARNING: Perftools heap leak checker is active -- Performance may suffer");
    message_say(MESSAGE_DETAIL, "Starting tracking the heap");
    checker_start(mode);
    if (mode->has_base)
        checker_take_base(checker_global());
    start.mode = mode;
}

/* ---- the end ----------------------------------------------------------------------------------
 */

void start_add_cleanup(void (*cleanup)(void))
{
    void (**next)(void) = pile_next(&start.cleanups, sizeof *next);
    if (next) {
        *next = cleanup;
        start.cleanups.n++;
    }
}

void start_run_cleanups(void)
{
    void (**list)(void) = start.cleanups.p;
    const size_t n = start.cleanups.n;
    start.cleanups.n = 0;
    for (size_t i = 0; i < n; i++)
        list[i]();
}

static void finish_other_tools(void)
{
    heap_profile_end();
    if (ProfilerStop)
        ProfilerStop();
}

static __attribute__((noinline)) void check_at_end(void)
{
    const struct own_frame frame = frame_of_exit(CALLER().sp);
    if (start.is_done || !checker_global() || start.pid != sys_getpid())
        return;
    start.is_done = true;
    start_run_cleanups();
    finish_other_tools();
    if (checker_check(checker_global(), &frame, true))
        return;
    if (env_bool("HEAP_CHECK_IDENTIFY_LEAKS", false))
        message_say(MESSAGE_FATAL, "Whole-program memory leaks found.");
    message_say(MESSAGE_ERROR, "Exiting with error code (instead of crashing) because of "
                               "whole-program memory leaks");
    (void)fcloseall(); /* as exit does, without waiting for who reads from one */
    _exit(1);
}

void start_before_main(void)
{
    if (!start.mode || !start.mode->checks_all)
        return;
    if (start.mode->has_base)
        checker_take_base(checker_global());
    if (!start.mode->after_destructors)
        (void)atexit(check_at_end);
}

static __attribute__((destructor)) void end_checker(void)
{
    check_at_end();
}
