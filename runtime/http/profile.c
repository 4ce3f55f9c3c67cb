/* SPDX-License-Identifier: BSD-3-Clause
 *
 * CPU profiles, by whatever profiler is in the process: its functions are weak here. The profile
 * goes to memory that is a file; no name in any folder. */
#include "http/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/message.h"
#include "base/syscall.h"
#include "gperftools/profiler.h"

#pragma weak ProfilerStart
#pragma weak ProfilerStop
#pragma weak ProfilerGetCurrentState
#pragma weak ProfilingIsEnabledForAllThreads

enum { PATH_SIZE = 64 };

/* Held from the question whether a profile is on to its start: two requests at once get one. */
static struct lock start_lock;

static void path_of(const struct taking *taking, char path[PATH_SIZE])
{
    (void)text_print(path, PATH_SIZE, "/proc/self/fd/%d", taking->fd);
}

static void say_busy(struct cprof_http_reply *reply)
{
    reply_say(reply, 409,
              "a CPU profile is being taken already (there can be one at a time): ask again when "
              "it is done\n");
}

static bool start(struct taking *taking, struct cprof_http_reply *reply)
{
    char path[PATH_SIZE];
    path_of(taking, path);
    lock_take(&start_lock);
    const bool is_on = ProfilingIsEnabledForAllThreads && ProfilingIsEnabledForAllThreads();
    errno = 0;
    const bool is_started = !is_on && ProfilerStart(path);
    const int why = errno;
    lock_drop(&start_lock);
    if (is_started)
        return true;
    if (is_on || (ProfilingIsEnabledForAllThreads && ProfilingIsEnabledForAllThreads()))
        say_busy(reply);
    else
        reply_say(reply, 500, "the CPU profiler cannot be started: %s\n",
                  why ? strerrordesc_np(why) : "its signal is in use, or it was told to stay off");
    return false;
}

bool taking_begin(struct taking *taking, struct cprof_http_reply *reply)
{
    if (!ProfilerStart || !ProfilerStop) {
        reply_say(reply, 501,
                  "there is no CPU profiler in this program: link it with -lprofiler, or preload "
                  "libprofiler.so.0\n");
        return false;
    }
    taking->fd = memfd_create("cpu-profile", MFD_CLOEXEC);
    if (taking->fd < 0) {
        reply_say(reply, 500, "there is no place for a profile: %s\n", strerrordesc_np(errno));
        return false;
    }
    if (start(taking, reply))
        return true;
    (void)close(taking->fd);
    return false;
}

/* The program may have ended ours in the meantime, and begun one of its own. */
static bool is_ours(const struct taking *taking)
{
    char path[PATH_SIZE];
    struct ProfilerState state;
    if (!ProfilerGetCurrentState)
        return true;
    path_of(taking, path);
    ProfilerGetCurrentState(&state);
    return state.enabled && strcmp(state.profile_name, path) == 0;
}

static void stop(const struct taking *taking)
{
    lock_take(&start_lock);
    if (is_ours(taking))
        ProfilerStop();
    lock_drop(&start_lock);
}

static void read_all(int fd, struct body *body)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || about.st_size <= 0 || !body_reserve(body, (size_t)about.st_size))
        return;
    while (body->n < (size_t)about.st_size) {
        const ssize_t n =
            sys_pread(fd, body->p + body->n, (size_t)about.st_size - body->n, (off_t)body->n);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            break;
        body->n += (size_t)n;
    }
}

void taking_end(struct taking *taking, struct cprof_http_reply *reply)
{
    struct body body = {0};
    stop(taking);
    read_all(taking->fd, &body);
    (void)close(taking->fd);
    if (body.n > 0 || body.is_full)
        body_reply(&body, 200, "application/octet-stream", reply);
    else
        reply_say(reply, 500, "the CPU profiler left nothing behind\n");
}

void taking_drop(struct taking *taking)
{
    stop(taking);
    (void)close(taking->fd);
}
