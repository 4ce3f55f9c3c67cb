/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `cprof run PROGRAM`: runs a program under the CPU profiler and says which profiles it left. The
 * profiler is a library of the runtime, found beside this program, and preloaded. The program keeps
 * our terminal, gets the signals that are sent to us, and its exit status becomes ours. */
#include "cli/internal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"

static const char library[] = "libprofiler.so.0";

/* From the folder of this program: where it is installed, and where it is built. */
static const char *const places[] = {"../lib/cprof", "../../runtime/cpuprof"};

/* For the handler alone, which can be told nothing. */
static volatile sig_atomic_t running;

static void forward(int signal, siginfo_t *info, void *context)
{
    (void)context;
    /* What comes from the terminal comes to the program as well. */
    if (running > 0 && info->si_code != SI_KERNEL)
        (void)kill((pid_t)running, signal);
}

static void forward_signals(void)
{
    static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            (void)sigaction(
                signals[i],
                &(struct sigaction){.sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART},
                NULL);
    }
}

static void stop_forwarding(void)
{
    static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        struct sigaction now;
        if (sigaction(signals[i], NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
            now.sa_sigaction == forward)
            (void)sigaction(signals[i], &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    }
}

bool runner_is_called(const char *shown_name, const char *word)
{
    return strcmp(word, "run") == 0 && strcmp(shown_name, "cprof") == 0 && !file_is_regular(word);
}

/* ---- the command line ------------------------------------------------------------------------ */

struct request {
    const char *frequency, *output;
    char **command; /* ends with NULL */
};

static bool parse(struct request *request, char **words, struct error *err)
{
    for (; *words && (*words)[0] == '-'; words++) {
        const char *word = *words;
        if (strcmp(word, "--") == 0) {
            words++;
            break;
        }
        if (strcmp(word, "--cpu") == 0)
            continue;
        const bool is_frequency = word[1] == 'F', is_output = word[1] == 'o';
        if (!is_frequency && !is_output)
            return error_set(err, ERROR_USAGE, "run: unknown option %s", word);
        const char *value = word[2] ? word + 2 : *++words;
        if (!value)
            return error_set(err, ERROR_USAGE, "run: %s needs a value", word);
        *(is_frequency ? &request->frequency : &request->output) = value;
    }
    request->command = words;
    if (!*words)
        return error_set(err, ERROR_USAGE, "run: which program?");
    uint64_t hz = 1;
    if (request->frequency && (!span_u64(span_of(request->frequency), &hz) || hz < 1 || hz > 4000))
        return error_set(err, ERROR_USAGE, "run: -F %s: not a number from 1 to 4000",
                         request->frequency);
    return true;
}

/* ---- the child ------------------------------------------------------------------------------- */

static bool find_library(struct buf *path, struct error *err)
{
    char self[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return error_system(err, errno, "looking for the runtime beside this program");
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        buf_clear(path);
        buf_printf(path, "%s/%s/%s", self, places[i], library);
        if (access(buf_c(path), R_OK) == 0)
            return true;
    }
    return error_set(err, ERROR_MISSING, "%s is neither in %s/%s nor beside it", library, self,
                     places[0]);
}

static void set_environment(const struct request *request, const char *profiler,
                            const char *profile)
{
    const char *preloaded = getenv("LD_PRELOAD");
    struct buf list = BUF_MAX((size_t)1 << 20);
    buf_text(&list, profiler);
    if (preloaded && *preloaded)
        buf_printf(&list, ":%s", preloaded);
    (void)setenv("LD_PRELOAD", buf_c(&list), 1);
    buf_free(&list);
    (void)setenv("CPUPROFILE", profile, 1);
    (void)setenv("CPUPROFILE_QUIET", "1", 0);
    if (request->frequency)
        (void)setenv("CPUPROFILE_FREQUENCY", request->frequency, 1);
    (void)unsetenv("CPUPROFILE_USE_PID");
    (void)unsetenv("CPUPROFILESIGNAL");
}

static bool run_command(const struct request *request, const char *profiler, const char *profile,
                        int *status, struct error *err)
{
    char *path = proc_find(request->command[0]);
    if (!path)
        return error_set(err, ERROR_MISSING, "%s: there is no such program", request->command[0]);
    forward_signals();
    const pid_t pid = fork();
    if (pid == 0) {
        stop_forwarding();
        set_environment(request, profiler, profile);
        (void)execv(path, request->command);
        (void)fprintf(stderr, "cprof: %s: %s\n", path, strerror(errno));
        _exit(127);
    }
    base_free(path);
    if (pid < 0) {
        stop_forwarding();
        return error_system(err, errno, "starting %s", request->command[0]);
    }
    running = pid;
    int how = 0;
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        ;
    running = 0;
    stop_forwarding();
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    return true;
}

/* ---- what it left ---------------------------------------------------------------------------- */

/* The profile's own file, and those of processes that it started: the name, "_" and a number. */
static bool is_of_run(const char *file, const char *name)
{
    const size_t n = strlen(name);
    if (strncmp(file, name, n) != 0)
        return false;
    if (!file[n])
        return true;
    return file[n] == '_' && file[n + 1] && strspn(file + n + 1, "0123456789_") == strlen(file + n);
}

static char *copy_text(const char *text)
{
    const size_t n = strlen(text) + 1;
    char *copy = base_alloc(n, 1);
    memcpy(copy, text, n);
    return copy;
}

/* Profiles without a sample are none. */
enum { BYTES_WITHOUT_SAMPLES = 64 };

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Files of an earlier run have the same names: ours are those that were written since. */
static void collect(struct runner *runner)
{
    DIR *dir = opendir(runner->folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        struct buf path = BUF_MAX((size_t)PATH_MAX * 2);
        buf_printf(&path, "%s/%s", runner->folder, entry->d_name);
        uint64_t words[8] = {0}; /* a header and what must follow it */
        FILE *file = is_of_run(entry->d_name, runner->name) ? fopen(buf_c(&path), "re") : NULL;
        struct stat about;
        if (file && fstat(fileno(file), &about) == 0 &&
            !is_before(&about.st_mtim, &runner->since) &&
            fread(words, 1, sizeof words, file) == BYTES_WITHOUT_SAMPLES && words[5] > 0) {
            runner->profiles =
                base_grow(runner->profiles, &runner->cap, runner->n + 1, sizeof *runner->profiles);
            runner->profiles[runner->n++] = copy_text(buf_c(&path));
        }
        if (file)
            (void)fclose(file);
        buf_free(&path);
    }
    if (dir)
        (void)closedir(dir);
}

static bool choose_folder(struct runner *runner, const char *output, struct error *err)
{
    if (output) {
        const char *slash = strrchr(output, '/');
        runner->folder = copy_text(slash ? output : ".");
        if (slash)
            runner->folder[slash > output ? slash - output : 1] = '\0';
        runner->name = copy_text(slash ? slash + 1 : output);
        return true;
    }
    const char *where = getenv("TMPDIR");
    struct buf path = BUF_MAX(PATH_MAX);
    buf_printf(&path, "%s/cprof-XXXXXX", where && *where ? where : "/tmp");
    runner->folder = copy_text(buf_c(&path));
    runner->name = copy_text("profile");
    buf_free(&path);
    if (!mkdtemp(runner->folder))
        return error_system(err, errno, "making a folder for the profile");
    runner->is_temporary = true;
    return true;
}

static void remove_profiles(const struct runner *runner)
{
    DIR *dir = opendir(runner->folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        if (is_of_run(entry->d_name, runner->name))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        (void)closedir(dir);
}

bool runner_run(struct runner *runner, char **words, struct error *err)
{
    struct request request = {0};
    struct buf profiler = BUF_MAX((size_t)PATH_MAX * 2), profile = BUF_MAX((size_t)PATH_MAX * 2);
    bool is_good = parse(&request, words, err) && find_library(&profiler, err) &&
                   choose_folder(runner, request.output, err);
    if (is_good) {
        char real[PATH_MAX]; /* the program may go elsewhere */
        buf_printf(&profile, "%s/%s", realpath(runner->folder, real) ? real : runner->folder,
                   runner->name);
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &runner->since); /* as files are stamped */
        is_good = run_command(&request, buf_c(&profiler), buf_c(&profile), &runner->status, err);
    }
    if (is_good)
        collect(runner);
    buf_free(&profiler);
    buf_free(&profile);
    return is_good;
}

void runner_end(struct runner *runner)
{
    if (runner->is_temporary) {
        remove_profiles(runner);
        (void)rmdir(runner->folder);
    }
    for (uint32_t i = 0; i < runner->n; i++)
        base_free(runner->profiles[i]);
    base_free(runner->profiles);
    base_free(runner->folder);
    base_free(runner->name);
}
