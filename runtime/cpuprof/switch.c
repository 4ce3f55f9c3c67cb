/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What happens without a call: profiling of the whole run by CPUPROFILE, switching by a signal with
 * CPUPROFILESIGNAL, the end of the process, and fork. The constructors are in the object that a
 * static link cannot leave out when it uses anything of the library. */
#include "cpuprof/internal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/env.h"
#include "base/knob.h"
#include "base/syscall.h"
#include "unwind/unwind.h"

static const char variable[] = "CPUPROFILE";

static const struct knob knobs[] = {
    {"CPUPROFILE", "", "profile the whole run into this file"},
    {"CPUPROFILE_FREQUENCY", "100", "ticks a second of CPU time, 1 to 4000"},
    {"CPUPROFILE_FLUSH_SECONDS", "5", "CPU seconds between updates of the file; 0: none"},
    {"CPUPROFILE_REALTIME", "", "any value: ticks of the wall clock, on any thread"},
    {"CPUPROFILE_PER_THREAD_TIMERS", "", "any value: ticks of the wall clock on each thread"},
    {"CPUPROFILE_TIMER_SIGNAL", "27", "the signal of the timers"},
    {"CPUPROFILESIGNAL", "", "this signal starts and stops profiles FILE.0, FILE.1, ..."},
    {"CPUPROFILE_USE_PID", "0", "add the process id to the file's name"},
    {"CPUPROFILE_NO_CHILDREN", "0", "do not profile programs that this one starts"},
    {"CPUPROFILE_QUIET", "0", "no PROFILE: line when a profile ends"},
    {"TCMALLOC_STACKTRACE_METHOD", "tables", "how stacks are found: tables, generic_fp, libgcc"},
    {"PERFTOOLS_VERBOSE", "0", "which messages are shown: less below 0, more above"},
};

static struct {
    int busy; /* a switch is under way; another signal meanwhile is dropped */
    bool is_named;
    unsigned n; /* profiles started so far */
    struct outname name, numbered;
} switched;

static void take_from_children(void)
{
    if (env_bool("CPUPROFILE_NO_CHILDREN", false)) {
        (void)env_drop("CPUPROFILE");
        (void)env_drop("CPUPROFILESIGNAL");
    } else {
        outname_claim(variable);
    }
}

static void start_numbered(void)
{
    if (!switched.is_named) {
        switched.is_named = outname_make(variable, &switched.name);
        take_from_children();
    }
    (void)text_print(switched.numbered.text, sizeof switched.numbered.text, "%s.%u",
                     switched.name.text, switched.n);
    if (profile_start(switched.numbered.text, NULL, PROFILE_BY_ENVIRONMENT))
        switched.n++;
    else /* a server goes on without */
        message_say(MESSAGE_ERROR, "Can't turn on cpu profiling for '%s': %s",
                    switched.numbered.text, strerrordesc_np(errno));
}

static void on_switch(int signal)
{
    (void)signal;
    const int error = errno;
    if (__atomic_exchange_n(&switched.busy, 1, __ATOMIC_ACQUIRE) == 0) {
        if (profile_is_on())
            profile_stop();
        else
            start_numbered();
        __atomic_store_n(&switched.busy, 0, __ATOMIC_RELEASE);
    }
    errno = error;
}

static void wait_for_signal(const char *text)
{
    const int64_t number = env_number(text, NULL);
    struct sigaction before;
    if (number < 1 || number > 64) {
        message_say(MESSAGE_FATAL, "Signal number %s is invalid", text);
        return;
    }
    const int signal = (int)number;
    if (signal == SIGKILL || signal == SIGSTOP) {
        message_say(MESSAGE_FATAL, "Signal %d cannot be used as cpu profiling switch", signal);
        return;
    }
    struct sigaction ours = {.sa_handler = on_switch, .sa_flags = SA_RESTART | SA_ONSTACK};
    if (sigaction(signal, NULL, &before) != 0 || (before.sa_flags & SA_SIGINFO) ||
        (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) ||
        sigaction(signal, &ours, NULL) != 0) {
        message_say(MESSAGE_FATAL, "Signal %d already in use", signal);
        return;
    }
    message_say(MESSAGE_INFO, "Using signal %d as cpu profiling switch", signal);
}

static __attribute__((constructor)) void begin(void)
{
    struct outname name;
    /* Registered early, so that it runs last before a fork and first after it. */
    (void)pthread_atfork(profile_before_fork, profile_after_fork_in_parent,
                         profile_after_fork_in_child);
    knobs_show("the CPU profiler", knobs, sizeof knobs / sizeof *knobs);
    if (env_is_untrusted())
        return;
    unwind_choose();
    if (!outname_make(variable, &name))
        return;
    const char *signal = env_get("CPUPROFILESIGNAL");
    if (signal) {
        wait_for_signal(signal);
        return;
    }
    errno = 0;
    if (!profile_start(name.text, NULL, PROFILE_BY_ENVIRONMENT)) {
        if (errno)
            message_say(MESSAGE_FATAL, "Can't turn on cpu profiling for '%s': %s", name.text,
                        strerrordesc_np(errno));
        return;
    }
    take_from_children();
}

static __attribute__((destructor)) void end(void)
{
    profile_stop();
}
