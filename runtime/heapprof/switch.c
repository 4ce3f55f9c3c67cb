/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What happens without a call: a profile of the whole run by HEAPPROFILE, a file when the signal of
 * HEAPPROFILESIGNAL comes, and one at the end of the process. */
#include "heapprof/internal.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/alloc.h"
#include "base/env.h"
#include "base/knob.h"
#include "base/outname.h"

static const char variable[] = "HEAPPROFILE";

static const struct knob knobs[] = {
    {"HEAPPROFILE", "", "profile the heap of the whole run into files PREFIX.0001.heap, ..."},
    {"HEAP_PROFILE_ALLOCATION_INTERVAL", "1073741824", "a file each time so many bytes were made"},
    {"HEAP_PROFILE_DEALLOCATION_INTERVAL", "0", "or so many were freed"},
    {"HEAP_PROFILE_INUSE_INTERVAL", "104857600", "or so many more are in use than ever before"},
    {"HEAP_PROFILE_TIME_INTERVAL", "0", "or so many seconds have passed"},
    {"HEAPPROFILESIGNAL", "", "this signal writes a file"},
    {"HEAP_PROFILE_CLEANUP", "1", "remove older files PREFIX.*.heap first"},
    {"HEAP_PROFILE_MMAP", "0", "profile mappings too"},
    {"HEAP_PROFILE_ONLY_MMAP", "0", "profile mappings alone"},
    {"HEAP_PROFILE_MMAP_LOG", "0", "say each call that maps or unmaps"},
    {"HEAPPROFILE_USE_PID", "0", "add the process id to the prefix"},
    {"HEAPPROFILE_NO_CHILDREN", "0", "do not profile programs that this one starts"},
};

static void on_signal(int signal)
{
    (void)signal;
    const int error = errno;
    heap_profile_dump_from_signal();
    errno = error;
}

static void wait_for_signal(void)
{
    const char *text = env_get("HEAPPROFILESIGNAL");
    if (!text)
        return;
    const int64_t number = env_number(text, NULL);
    struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK}, before;
    if (number < 1 || number >= NSIG || number == SIGKILL || number == SIGSTOP ||
        sigaction((int)number, NULL, &before) != 0) {
        message_say(MESSAGE_FATAL, "Failed to set signal. Perhaps signal number %s is invalid",
                    text);
        return;
    }
    if ((before.sa_flags & SA_SIGINFO) || before.sa_handler != SIG_DFL ||
        sigaction((int)number, &ours, NULL) != 0) {
        message_say(MESSAGE_FATAL, "Signal %d already in use", (int)number);
        return;
    }
    message_say(MESSAGE_INFO, "Using signal %d as heap profiling switch", (int)number);
}

/* Is it PREFIX.*.heap? */
static bool is_old_file(const char *name, const char *prefix)
{
    static const char ending[] = ".heap";
    const size_t n = strlen(name), prefix_n = strlen(prefix), ending_n = sizeof ending - 1;
    return strncmp(name, prefix, prefix_n) == 0 && name[prefix_n] == '.' &&
           n >= prefix_n + 1 + ending_n && strcmp(name + n - ending_n, ending) == 0;
}

static void remove_old_files(const char *prefix)
{
    static struct outname folder;
    const char *slash = strrchr(prefix, '/');
    const int n = slash ? (int)(slash - prefix) + 1 : 0;
    (void)text_print(folder.text, sizeof folder.text, "%.*s", n, prefix);
    DIR *d = opendir(n ? folder.text : ".");
    if (!d)
        return;
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
        if (is_old_file(entry->d_name, prefix + n))
            (void)unlinkat(dirfd(d), entry->d_name, 0);
    (void)closedir(d);
}

static __attribute__((constructor)) void begin(void)
{
    static struct outname prefix;
    knobs_show("the heap profiler", knobs, sizeof knobs / sizeof *knobs);
    if (!outname_make(variable, &prefix) || !alloc_serves(variable))
        return;
    if (env_is_untrusted()) {
        message_say(MESSAGE_WARNING,
                    "HeapProfiler: ignoring HEAPPROFILE because program seems to be setuid");
        return;
    }
    wait_for_signal();
    if (env_bool("HEAP_PROFILE_CLEANUP", true))
        remove_old_files(prefix.text);
    heap_profile_start(prefix.text);
    if (env_bool("HEAPPROFILE_NO_CHILDREN", false))
        (void)env_drop(variable);
    else
        outname_claim(variable);
}

static __attribute__((destructor)) void end(void)
{
    heap_profile_end();
}
