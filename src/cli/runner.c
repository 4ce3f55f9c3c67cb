/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `cprof run PROGRAM`: runs a program under a profiler and reports the profiles that it left, or
 * under the leak checker, which reports itself. Each is a library of the runtime, found beside this
 * program, and preloaded. The program keeps our terminal, gets the signals that are sent to us, and
 * its exit status becomes ours. */
#include "cli/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/file.h"
#include "base/proc.h"

/* What a program can be run under. The library is looked for from the folder of this program: where
 * it is installed, and where it is built. */
struct tool {
    const char *option, *library, *built, *variable, *none;
    const char *set[4];  /* NAME, VALUE, ... unless they are set */
    const char *drop[2]; /* variables that would change what happens */
    bool has_frequency;
    /* NULL: the library reports itself, and the variable, if it is to be set, is where it leaves
     * its files. */
    harvest_weigh *weigh;
};

static const struct tool tools[] = {
    {
        .option = "--cpu",
        .library = "libprofiler.so.0",
        .built = "../../runtime/cpuprof",
        .variable = "CPUPROFILE",
        .none = "left no samples: it used too little CPU time, or ended without writing them",
        .set = {"CPUPROFILE_QUIET", "1"},
        .drop = {"CPUPROFILE_USE_PID", "CPUPROFILESIGNAL"},
        .has_frequency = true,
        .weigh = harvest_cpu,
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
        .weigh = harvest_heap,
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

enum { NOT_STARTED = 127 }; /* as shells have it */

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

/* One run of a program under the profiler. Starts zeroed. */
struct runner {
    const struct tool *tool;
    char self[PATH_MAX]; /* this program */
    struct harvest harvest;
    bool is_temporary;    /* the folder is */
    bool is_out_of_reach; /* the program, and that was said */
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
    for (; *words && (*words)[0] == '-'; words++) {
        const char *word = *words;
        if (strcmp(word, "--") == 0) {
            words++;
            break;
        }
        const struct tool *tool = find_tool(word);
        if (tool && request->tool)
            return error_set(err, ERROR_USAGE, "run: one of %s and %s", request->tool->option,
                             word);
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
    if (!request->tool)
        request->tool = &tools[0];
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

/* A 64-bit ELF program that asks for no loader: none of its program headers is PT_INTERP. */
static bool is_static(struct span bytes)
{
    static const char magic[] = "\177ELF\2";
    enum { HEADERS_AT = 32, HEADER_COUNT_AT = 56, HEADER_SIZE = 56, TYPE_INTERP = 3 };
    if (!span_starts(bytes, magic))
        return false;
    struct cursor c = cursor_over(bytes, CURSOR_NATIVE);
    cursor_seek(&c, HEADERS_AT);
    const uint64_t at = cursor_u64(&c);
    cursor_seek(&c, HEADER_COUNT_AT);
    const uint16_t n = cursor_u16(&c);
    cursor_seek(&c, at);
    for (uint16_t i = 0; i < n && !cursor_failed(&c); i++) {
        if (cursor_u32(&c) == TYPE_INTERP)
            return false;
        cursor_skip(&c, HEADER_SIZE - sizeof(uint32_t));
    }
    return !cursor_failed(&c);
}

/* Why the system will not preload our library; NULL: it will. */
static const char *why_not_preloaded(const char *path)
{
    struct stat about;
    struct file file = {0};
    struct error err;
    if (stat(path, &about) == 0 && (about.st_mode & S_ISUID) && about.st_uid != getuid())
        return "is set-user-ID";
    if (!file_open(&file, path, UINT64_MAX, &err))
        return NULL; /* it may run all the same */
    const bool has_no_loader = is_static(file.bytes);
    file_close(&file);
    return has_no_loader ? "is linked statically" : NULL;
}

/* *how: as waitpid gives it. */
static bool run_command(struct runner *runner, struct cli *cli, const struct request *request,
                        const char *profiler, const char *profile, int *how, struct error *err)
{
    char *path = proc_find(request->command[0], err);
    if (!path)
        return false;
    const char *obstacle = why_not_preloaded(path);
    if (obstacle)
        talk_say(cli, "%s %s: only programs that it starts can be looked at", path, obstacle);
    runner->is_out_of_reach = obstacle != NULL;
    const sigset_t watched = watched_signals();
    sigset_t before;
    (void)sigprocmask(SIG_BLOCK, &watched, &before);
    const pid_t pid = fork();
    if (pid == 0) {
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        set_environment(request, profiler, profile);
        (void)execvp(path, request->command); /* without a #! it is for the shell, as everywhere */
        (void)fprintf(stderr, "cprof: %s: %s\n", path, strerror(errno));
        _exit(NOT_STARTED);
    }
    const int error = errno;
    if (pid > 0)
        *how = wait_and_forward(pid, &watched);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    base_free(path);
    if (pid < 0)
        return error_system(err, error, "starting %s", request->command[0]);
    return true;
}

/* ---- what it left ---------------------------------------------------------------------------- */

/* Asked before hours of a run that could not be kept. */
static bool is_writable(const char *folder, struct error *err)
{
    return access(folder, W_OK | X_OK) == 0 || error_system(err, errno, "%s", folder);
}

static bool use_output(struct runner *runner, const char *output, struct error *err)
{
    struct harvest *to = &runner->harvest;
    const char *slash = strrchr(output, '/');
    to->folder = base_copy(slash ? output : ".");
    if (slash)
        to->folder[slash > output ? slash - output : 1] = '\0';
    to->name = base_copy(slash ? slash + 1 : output);
    /* Of heap profiles it is the beginning of names, which may be a folder's too. */
    struct stat about;
    const bool is_folder = stat(output, &about) == 0 && S_ISDIR(about.st_mode);
    if (!*to->name || (is_folder && runner->tool->has_frequency))
        return error_system(err, EISDIR, "%s", output);
    return is_writable(to->folder, err);
}

static bool choose_folder(struct runner *runner, const char *output, struct error *err)
{
    struct harvest *to = &runner->harvest;
    to->weigh = runner->tool->weigh;
    if (output)
        return use_output(runner, output, err);
    struct buf path = BUF_MAX(PATH_MAX);
    buf_printf(&path, "%s/cprof-XXXXXX", temps_folder());
    to->folder = base_copy(buf_c(&path));
    to->name = base_copy("profile");
    buf_free(&path);
    if (!mkdtemp(to->folder))
        return error_system(err, errno, "making the folder %s", to->folder);
    runner->is_temporary = true;
    return true;
}

/* One table a program: addresses of different ones have nothing to do with each other. */
static bool report(const struct runner *runner, int *status, struct error *err)
{
    const struct harvest *left = &runner->harvest;
    const char **words = base_alloc((size_t)left->n + 3, sizeof *words);
    bool is_good = true;
    for (uint32_t i = 0; is_good && i < left->n;) {
        const char *program = left->profiles[i].program;
        uint32_t n = 0;
        words[n++] = runner->self;
        words[n++] = "--text";
        for (; i < left->n && strcmp(left->profiles[i].program, program) == 0; i++)
            words[n++] = left->profiles[i].path;
        words[n] = NULL;
        if (n - 2 < left->n) {
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
    harvest_remove(&runner->harvest);
    (void)rmdir(runner->harvest.folder);
    runner->is_temporary = false;
}

static void explain_nothing(const struct runner *runner, struct cli *cli, const char *program,
                            int how)
{
    if (WIFSIGNALED(how))
        talk_say(cli, "%s was ended by signal %d (%s) before its profile was written", program,
                 WTERMSIG(how), talk_signal(WTERMSIG(how)));
    else if (WEXITSTATUS(how) != NOT_STARTED && !runner->is_out_of_reach) /* it was said why */
        talk_say(cli, "%s %s", program, runner->tool->none);
}

static bool run_and_report(struct runner *runner, char **words, struct cli *cli, int *status,
                           struct error *err)
{
    int how = 0;
    struct request request = {0};
    struct buf profiler = BUF_MAX((size_t)PATH_MAX * 2), profile = BUF_MAX((size_t)PATH_MAX * 2);
    bool is_good = parse(&request, words, err);
    runner->tool = request.tool;
    const bool has_profiles = is_good && request.tool->weigh;
    is_good = is_good && find_library(runner, &profiler, err);
    if (is_good && !has_profiles)
        is_good = (!request.output || is_writable(request.output, err)) &&
                  run_command(runner, cli, &request, buf_c(&profiler), request.output, &how, err);
    else if (is_good && (is_good = choose_folder(runner, request.output, err))) {
        char real[PATH_MAX]; /* the program may go elsewhere */
        struct harvest *to = &runner->harvest;
        buf_printf(&profile, "%s/%s", realpath(to->folder, real) ? real : to->folder, to->name);
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &to->since); /* as files are stamped */
        is_good = run_command(runner, cli, &request, buf_c(&profiler), buf_c(&profile), &how, err);
    }
    buf_free(&profiler);
    buf_free(&profile);
    if (is_good)
        *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    if (!is_good || !has_profiles)
        return is_good;
    const sigset_t before = hold_signals();
    harvest_collect(&runner->harvest);
    if (runner->harvest.n == 0)
        explain_nothing(runner, cli, request.command[0], how);
    is_good = report(runner, status, err);
    remove_folder(runner);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return is_good;
}

static const char usage[] =
    "Usage: cprof run [--cpu | --heap | --leaks] [-F HZ] [-o FILE] [--] PROGRAM [ARGUMENT...]\n";

const struct runner_option runner_options[] = {
    {"--cpu", NULL, "where its time goes (the default)"},
    {"--heap", NULL, "who holds its memory, when it holds most, to within 16 MB"},
    {"--leaks", NULL, "what it lost"},
    {"-F", "HZ", "samples a second of CPU time, 1 to 4000 [100]"},
    {"-o", "FILE", "keep the profile; with --leaks: a folder for heap profiles of what was lost"},
    {0},
};

static int show_help(struct cli *cli)
{
    struct error err;
    struct out *out = out_to_fd(STDOUT_FILENO, "standard output");
    out_text(out, usage);
    for (const struct runner_option *o = runner_options; o->name; o++)
        out_printf(out, "  %s%s%-*s  %s\n", o->name, o->arg ? " " : "",
                   (int)(strlen("--leaks ") - strlen(o->name) - (o->arg ? 1 : 0)),
                   o->arg ? o->arg : "", o->help);
    return out_close(out, &err) ? 0 : talk_fail(cli, &err);
}

int runner_main(struct cli *cli, char **words)
{
    struct runner runner = {0};
    struct error err = {0};
    int status = 0;
    if (*words && (strcmp(*words, "--help") == 0 || strcmp(*words, "-h") == 0))
        return show_help(cli);
    if (!run_and_report(&runner, words, cli, &status, &err)) {
        status = talk_fail(cli, &err);
        if (err.kind == ERROR_USAGE)
            (void)fputs(usage, stderr);
    }
    remove_folder(&runner); /* if it failed before there was anything to report */
    harvest_free(&runner.harvest);
    return status;
}
