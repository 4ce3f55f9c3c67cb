/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A long-running program whose handler of SIGUSR1 starts a profile and stops it, in turn. It ends
 * with SIGUSR2; it says what it has done, so that nobody has to guess how long it takes. */
#include <gperftools/profiler.h>

#include <signal.h>
#include <unistd.h>

#include "work.h"

static volatile sig_atomic_t is_on, is_over;
static int generation;

static void say(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        _exit(9);
}

static void on_usr1(int signal)
{
    (void)signal;
    if (is_on) {
        ProfilerStop();
        say("stop\n");
    } else {
        char name[] = "toggle.0.prof";
        name[7] = (char)(name[7] + ++generation);
        say(ProfilerStart(name) ? "start\n" : "no start\n");
    }
    is_on = !is_on;
}

static void on_usr2(int signal)
{
    (void)signal;
    is_over = 1;
}

BURNER(served)

int main(void)
{
    signal(SIGUSR1, on_usr1);
    signal(SIGUSR2, on_usr2);
    say("ready\n");
    while (!is_over)
        served(0.01);
    say("bye\n");
    return 0;
}
