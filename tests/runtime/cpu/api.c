/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every call of gperftools/profiler.h, in C. */
#include <gperftools/profiler.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work.h"

BURNER(work)

static int calls;

static int filter(void *kept)
{
    calls++;
    ProfilerStop(); /* from here it cannot be done, and must not hang */
    return *(int *)kept;
}

static pthread_t worker;
static volatile int is_filter_in, is_work_over;

/* Asks while another thread is ending the profile, which waits for this filter. */
static int filter_that_asks(void *kept)
{
    struct ProfilerState s;
    if (!pthread_equal(pthread_self(), worker) || is_work_over)
        return 0;
    is_filter_in = 1;
    while (ProfilingIsEnabledForAllThreads())
        ;
    ProfilerFlush();
    ProfilerGetCurrentState(&s);
    *(int *)kept = s.enabled + ProfilerStart("from_filter.prof");
    is_work_over = 1;
    return 0;
}

static void *run_worker(void *a)
{
    worker = pthread_self();
    while (!is_work_over)
        work(0.01);
    return a;
}

static void state(const char *when)
{
    struct ProfilerState s;
    memset(&s, 0x5a, sizeof s);
    ProfilerGetCurrentState(&s);
    printf("%s: enabled=%d start_time_set=%d name='%s' samples>0=%d\n", when, s.enabled,
           s.start_time != 0, s.profile_name, s.samples_gathered > 0);
}

static long size(const char *file)
{
    struct stat about;
    return stat(file, &about) ? -1 : (long)about.st_size;
}

static KEPT int depth_here(void)
{
    void *pcs[16];
    const int n = ProfilerGetStackTrace(pcs, 16, 0, NULL);
    const char *from = (const char *)depth_here, *pc = pcs[0];
    return pc > from && pc < from + 200 ? n : -1;
}

int main(void)
{
    printf("sizeof(ProfilerState)=%zu sizeof(ProfilerOptions)=%zu\n", sizeof(struct ProfilerState),
           sizeof(struct ProfilerOptions));
    ProfilerStop(); /* silent when none is on */
    ProfilerFlush();
    state("idle");
    errno = 0;
    const int bad = ProfilerStart("no/such/x");
    printf("start bad path=%d errno=%d\n", bad, errno);
    printf("start=%d\n", ProfilerStart("api.prof"));
    printf("second start=%d\n", ProfilerStart("other.prof"));
    printf("other.prof exists=%d\n", access("other.prof", F_OK) == 0);
    printf("size right after start=%ld\n", size("api.prof"));
    work(0.3);
    state("running");
    printf("enabled=%d\n", ProfilingIsEnabledForAllThreads());
    printf("size before flush=%ld\n", size("api.prof"));
    ProfilerFlush();
    printf("size grew by flush=%d\n", size("api.prof") > 0);
    ProfilerRegisterThread();
    ProfilerRegisterThread();
    ProfilerEnable();
    ProfilerDisable();
    printf("still enabled=%d\n", ProfilingIsEnabledForAllThreads());
    work(0.3);
    ProfilerStop();
    state("stopped");
    int keep = 0;
    const struct ProfilerOptions options = {.filter_in_thread = filter,
                                            .filter_in_thread_arg = &keep};
    printf("filtered start=%d\n", ProfilerStartWithOptions("filtered.prof", &options));
    work(0.3);
    ProfilerStop();
    printf("filter called=%d\n", calls > 0);
    int asked = -1;
    const struct ProfilerOptions asking = {.filter_in_thread = filter_that_asks,
                                           .filter_in_thread_arg = &asked};
    pthread_t thread;
    ProfilerStartWithOptions("asking.prof", &asking);
    pthread_create(&thread, NULL, run_worker, NULL);
    while (!is_filter_in)
        sched_yield();
    ProfilerStop();
    pthread_join(thread, NULL);
    printf("filter asked=%d\n", asked);
    printf("stack trace depth>1=%d\n", depth_here() > 1);
    return 0;
}
