/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `cprof run PROGRAM`: runs a program under a profiler and reports the profiles that it left, or
 * under the leak checker, which reports itself. Each is a library of the runtime, found beside this
 * program, and preloaded. The program keeps our terminal, gets the signals that are sent to us, and
 * its exit status becomes ours. */
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

/* What a program can be run under. The library is looked for from the folder of this program: where
 * it is installed, and where it is built. */
struct tool {
    const char *option, *library, *built, *variable, *none;
    const char *set[4];  /* NAME, VALUE, ... unless they are set */
    const char *drop[2]; /* variables that would change what happens */
    bool has_frequency;
    /* How much there is in a profile; 0: it has no samples. NULL: the library reports itself, and
     * the variable, if it is to be set, is where it leaves its files. */
    double (*weigh)(struct span bytes);
};

static double weigh_cpu(struct span bytes);
static double weigh_heap(struct span bytes);

static const struct tool tools[] = {
    {
        .option = "--cpu",
        .library = "libprofiler.so.0",
        .built = "../../runtime/cpuprof",
        .variable = "CPUPROFILE",
        .none = "left no samples: it used too little CPU time",
        .set = {"CPUPROFILE_QUIET", "1"},
        .drop = {"CPUPROFILE_USE_PID", "CPUPROFILESIGNAL"},
        .has_frequency = true,
        .weigh = weigh_cpu,
    },
    {
        .option = "--heap",
        .library = "libtcmalloc.so.4",
        .built = "../../runtime/alloc",
        .variable = "HEAPPROFILE",
        .none = "left nothing on its heap",
        /* Often enough that one is written when the heap is about as large as it gets. */
        .set = {"PERFTOOLS_VERBOSE", "-1", "HEAP_PROFILE_INUSE_INTERVAL", "16777216"},
        .drop = {"HEAPPROFILE_USE_PID", "HEAPPROFILESIGNAL"},
        .weigh = weigh_heap,
    },
    {
        .option = "--leaks",
        .library = "libtcmalloc.so.4",
        .built = "../../runtime/alloc",
        .variable = "HEAP_CHECK_DUMP_DIRECTORY",
        .set = {"HEAPCHECK", "normal"},
        .drop = {"PPROF_PATH"},
    },
};

static const char installed[] = "../lib/cprof";

/* Those that are handed on, and the one that says that the program has ended. */
static sigset_t watched_signals(void)
{
    static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        (void)sigaddset(&set, signals[i]);
    return set;
}

/* Until the program has ended; its status as waitpid gives it. What comes from the terminal comes
 * to the program as well, and is not sent twice. */
static int wait_and_forward(pid_t pid, const sigset_t *watched)
{
    for (;;) {
        siginfo_t info;
        int how = 0;
        if (waitpid(pid, &how, WNOHANG) != 0)
            return how;
        const int signal = sigwaitinfo(watched, &info);
        if (signal > 0 && signal != SIGCHLD && info.si_code != SI_KERNEL)
            (void)kill(pid, signal);
    }
}

/* A profile that has samples. */
struct run_profile {
    char *path, *program;
    double weight;
};

/* One run of a program under the profiler. Starts zeroed. */
struct runner {
    const struct tool *tool;
    char self[PATH_MAX]; /* this program */
    char *folder, *name; /* of the profile; processes that it starts add "_PID" */
    bool is_temporary;
    struct timespec since;
    struct run_profile *profiles;
    uint32_t n, cap;
};

/* ---- the command line ------------------------------------------------------------------------ */

struct request {
    const struct tool *tool;
    const char *frequency, *output;
    char **command; /* ends with NULL */
};

static const struct tool *find_tool(const char *option)
{
    for (size_t i = 0; i < COUNT_OF(tools); i++)
        if (strcmp(tools[i].option, option) == 0)
            return &tools[i];
    return NULL;
}

static bool parse(struct request *request, char **words, struct error *err)
{
    request->tool = &tools[0];
    for (; *words && (*words)[0] == '-'; words++) {
        const char *word = *words;
        if (strcmp(word, "--") == 0) {
            words++;
            break;
        }
        const struct tool *tool = find_tool(word);
        if (tool) {
            request->tool = tool;
            continue;
        }
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
    if (request->frequency && !request->tool->has_frequency)
        return error_set(err, ERROR_USAGE, "run: -F does not go with %s", request->tool->option);
    uint64_t hz = 1;
    if (request->frequency && (!span_u64(span_of(request->frequency), &hz) || hz < 1 || hz > 4000))
        return error_set(err, ERROR_USAGE, "run: -F %s: not a number from 1 to 4000",
                         request->frequency);
    return true;
}

/* ---- the child ------------------------------------------------------------------------------- */

static bool find_library(struct runner *runner, struct buf *path, struct error *err)
{
    char *self = runner->self;
    const ssize_t n = readlink("/proc/self/exe", self, sizeof runner->self - 1);
    if (n < 0)
        return error_system(err, errno, "looking for the runtime beside this program");
    self[n] = '\0';
    const char *slash = strrchr(self, '/');
    const int folder = slash ? (int)(slash - self) : 0;
    const char *const places[] = {installed, runner->tool->built};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        buf_clear(path);
        buf_printf(path, "%.*s/%s/%s", folder, self, places[i], runner->tool->library);
        if (access(buf_c(path), R_OK) == 0)
            return true;
    }
    return error_set(err, ERROR_MISSING, "there is no %s in %.*s/%s", runner->tool->library, folder,
                     self, installed);
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
    const struct tool *tool = request->tool;
    if (profile)
        (void)setenv(tool->variable, profile, 1);
    for (size_t i = 0; i < COUNT_OF(tool->set) && tool->set[i]; i += 2)
        (void)setenv(tool->set[i], tool->set[i + 1], 0);
    for (size_t i = 0; i < COUNT_OF(tool->drop) && tool->drop[i]; i++)
        (void)unsetenv(tool->drop[i]);
    if (request->frequency)
        (void)setenv("CPUPROFILE_FREQUENCY", request->frequency, 1);
}

static bool run_command(const struct request *request, const char *profiler, const char *profile,
                        int *status, struct error *err)
{
    char *path = proc_find(request->command[0]);
    if (!path)
        return error_set(err, ERROR_MISSING, "%s: there is no such program", request->command[0]);
    const sigset_t watched = watched_signals();
    sigset_t before;
    (void)sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    (void)sigprocmask(SIG_BLOCK, &watched, &before);
    const pid_t pid = fork();
    if (pid == 0) {
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        set_environment(request, profiler, profile);
        (void)execv(path, request->command);
        (void)fprintf(stderr, "cprof: %s: %s\n", path, strerror(errno));
        _exit(127);
    }
    const int error = errno;
    const int how = pid > 0 ? wait_and_forward(pid, &watched) : 0;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    base_free(path);
    if (pid < 0)
        return error_system(err, error, "starting %s", request->command[0]);
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    return true;
}

/* ---- what it left ---------------------------------------------------------------------------- */

/* How much of a file's name is its process's: all, or what stands before ".0001.heap". */
static size_t process_length(const char *file)
{
    static const char ending[] = ".heap";
    const size_t n = strlen(file), ending_n = sizeof ending - 1;
    if (n <= ending_n || strcmp(file + n - ending_n, ending) != 0)
        return n;
    size_t digits = 0;
    while (digits < n - ending_n && strchr("0123456789", file[n - ending_n - digits - 1]))
        digits++;
    const size_t dot = n - ending_n - digits;
    return digits > 0 && dot > 1 && file[dot - 1] == '.' ? dot - 1 : n;
}

/* The process's own file, and those of processes that it started: the name, "_" and a number. */
static bool is_of_run(const struct runner *runner, const char *file)
{
    const size_t n = strlen(runner->name), process_n = process_length(file);
    if (process_n < n || strncmp(file, runner->name, n) != 0)
        return false;
    if (process_n == n)
        return true;
    return file[n] == '_' && process_n > n + 1 &&
           n + 1 + strspn(file + n + 1, "0123456789_") == process_n;
}

/* A header, and what follows it at least. */
enum { FIRST_COUNT_AT = 40, SMALLEST = 64 };

static double weigh_cpu(struct span bytes)
{
    uint64_t count = 0;
    if (bytes.n > SMALLEST)
        memcpy(&count, bytes.p + FIRST_COUNT_AT, sizeof count);
    return (double)count;
}

/* The bytes in use, as the first line has them: heap profile: OBJECTS: BYTES [... */
static double weigh_heap(struct span bytes)
{
    uint64_t objects, in_use;
    if (!span_take(&bytes, "heap profile:"))
        return 0;
    bytes = span_trim_left(bytes);
    if (!span_take_u64(&bytes, &objects) || !span_take(&bytes, ":"))
        return 0;
    bytes = span_trim_left(bytes);
    return span_take_u64(&bytes, &in_use) ? (double)in_use : 0;
}

/* The program that a profile is of: the first code that its map lists. */
static char *program_of(struct span bytes)
{
    static const char code[] = " r-xp ";
    const char *line = memmem(bytes.p, bytes.n, code, sizeof code - 1);
    const char *end = line ? memchr(line, '\n', bytes.n - (size_t)(line - bytes.p)) : NULL;
    const char *name = end ? memchr(line, '/', (size_t)(end - line)) : NULL;
    return span_copy(name ? span_make(name, (size_t)(end - name)) : span_of("?"));
}

/* False: it has no samples. */
static bool read_profile(const struct tool *tool, const char *path, struct run_profile *profile)
{
    struct file file = {0};
    struct error err;
    if (!file_open(&file, path, (uint64_t)1 << 30, &err))
        return false;
    profile->weight = tool->weigh(file.bytes);
    const bool is_wanted = profile->weight > 0;
    if (is_wanted) {
        profile->path = base_copy(path);
        profile->program = program_of(file.bytes);
    }
    file_close(&file);
    return is_wanted;
}

static int by_program(const void *a, const void *b)
{
    const struct run_profile *x = a, *y = b;
    const int order = strcmp(x->program, y->program);
    return order ? order : strcmp(x->path, y->path);
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static void add_profile(struct runner *runner, const struct run_profile *profile)
{
    const size_t n = process_length(profile->path);
    for (uint32_t i = 0; i < runner->n; i++) {
        struct run_profile *other = &runner->profiles[i];
        if (process_length(other->path) != n || strncmp(other->path, profile->path, n) != 0)
            continue;
        /* Of one process: the fullest is shown. */
        struct run_profile *less = profile->weight > other->weight ? other : NULL;
        base_free(less ? less->path : profile->path);
        base_free(less ? less->program : profile->program);
        if (less)
            *less = *profile;
        return;
    }
    runner->profiles =
        base_grow(runner->profiles, &runner->cap, (size_t)runner->n + 1, sizeof *runner->profiles);
    runner->profiles[runner->n++] = *profile;
}

/* Files of an earlier run have the same names: ours are those that were written since. */
static void collect(struct runner *runner)
{
    DIR *dir = opendir(runner->folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        struct buf path = BUF_MAX((size_t)PATH_MAX * 2);
        buf_printf(&path, "%s/%s", runner->folder, entry->d_name);
        struct stat about;
        struct run_profile profile;
        if (is_of_run(runner, entry->d_name) && stat(buf_c(&path), &about) == 0 &&
            S_ISREG(about.st_mode) && !is_before(&about.st_mtim, &runner->since) &&
            read_profile(runner->tool, buf_c(&path), &profile))
            add_profile(runner, &profile);
        buf_free(&path);
    }
    if (dir)
        (void)closedir(dir);
    if (runner->n > 1)
        qsort(runner->profiles, runner->n, sizeof *runner->profiles, by_program);
}

static bool choose_folder(struct runner *runner, const char *output, struct error *err)
{
    if (output) {
        const char *slash = strrchr(output, '/');
        runner->folder = base_copy(slash ? output : ".");
        if (slash)
            runner->folder[slash > output ? slash - output : 1] = '\0';
        runner->name = base_copy(slash ? slash + 1 : output);
        return true;
    }
    struct buf path = BUF_MAX(PATH_MAX);
    buf_printf(&path, "%s/cprof-XXXXXX", temps_folder());
    runner->folder = base_copy(buf_c(&path));
    runner->name = base_copy("profile");
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
        if (is_of_run(runner, entry->d_name))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        (void)closedir(dir);
}

/* One table a program: addresses of different ones have nothing to do with each other. */
static bool report(const struct runner *runner, int *status, struct error *err)
{
    const char **words = base_alloc((size_t)runner->n + 3, sizeof *words);
    bool is_good = true;
    for (uint32_t i = 0; is_good && i < runner->n;) {
        const char *program = runner->profiles[i].program;
        uint32_t n = 0;
        words[n++] = runner->self;
        words[n++] = "--text";
        for (; i < runner->n && strcmp(runner->profiles[i].program, program) == 0; i++)
            words[n++] = runner->profiles[i].path;
        words[n] = NULL;
        if (n - 2 < runner->n) {
            (void)printf("\n%s:\n", program);
            (void)fflush(stdout);
        }
        struct proc proc = {0};
        int ended = 0;
        is_good = proc_start(&proc, words, NULL, err) && proc_wait(&proc, &ended, err);
        if (*status == 0)
            *status = ended;
    }
    base_free(words);
    return is_good;
}

/* What ends us does so when the temporary folder is gone. The reports that we start hear of it. */
static sigset_t hold_signals(void)
{
    static const int held[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigset_t set, before;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < COUNT_OF(held); i++)
        (void)sigaddset(&set, held[i]);
    (void)sigprocmask(SIG_BLOCK, &set, &before);
    return before;
}

static void remove_folder(struct runner *runner)
{
    if (!runner->is_temporary)
        return;
    remove_profiles(runner);
    (void)rmdir(runner->folder);
    runner->is_temporary = false;
}

static bool run_and_report(struct runner *runner, char **words, struct cli *cli, int *status,
                           struct error *err)
{
    struct request request = {0};
    struct buf profiler = BUF_MAX((size_t)PATH_MAX * 2), profile = BUF_MAX((size_t)PATH_MAX * 2);
    bool is_good = parse(&request, words, err);
    runner->tool = request.tool;
    const bool has_profiles = is_good && request.tool->weigh;
    is_good = is_good && find_library(runner, &profiler, err);
    if (is_good && !has_profiles)
        is_good = run_command(&request, buf_c(&profiler), request.output, status, err);
    else if (is_good && (is_good = choose_folder(runner, request.output, err))) {
        char real[PATH_MAX]; /* the program may go elsewhere */
        buf_printf(&profile, "%s/%s", realpath(runner->folder, real) ? real : runner->folder,
                   runner->name);
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &runner->since); /* as files are stamped */
        is_good = run_command(&request, buf_c(&profiler), buf_c(&profile), status, err);
    }
    buf_free(&profiler);
    buf_free(&profile);
    if (!is_good || !has_profiles)
        return is_good;
    const sigset_t before = hold_signals();
    collect(runner);
    if (runner->n == 0)
        talk_say(cli, "%s %s, is linked statically, or was ended before that was written",
                 request.command[0], runner->tool->none);
    is_good = report(runner, status, err);
    remove_folder(runner);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return is_good;
}

int runner_main(struct cli *cli, char **words)
{
    struct runner runner = {0};
    struct error err = {0};
    int status = 0;
    if (!run_and_report(&runner, words, cli, &status, &err)) {
        status = talk_fail(cli, &err);
        if (err.kind == ERROR_USAGE)
            talk_say(cli, "Usage: cprof run [--cpu | --heap | --leaks] [-F HZ] [-o FILE] [--] "
                          "PROGRAM [ARGUMENT...]");
    }
    remove_folder(&runner); /* if it failed before there was anything to report */
    for (uint32_t i = 0; i < runner.n; i++) {
        base_free(runner.profiles[i].path);
        base_free(runner.profiles[i].program);
    }
    base_free(runner.profiles);
    base_free(runner.folder);
    base_free(runner.name);
    return status;
}
