/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A program with profiling pages, for run.py: it serves until its standard input ends, or answers
 * one request without a server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pthread.h>

#include <cprof/http.h>

static volatile int stopping;
static volatile unsigned long turns;

/* Named so that no other function is. */
__attribute__((noinline)) void burn_for_pages(void);

void burn_for_pages(void)
{
    for (int i = 0; i < 100000; i++)
        turns += (unsigned long)i ^ turns >> 3;
}

static void *burn(void *arg)
{
    (void)arg;
    while (!stopping)
        burn_for_pages();
    return NULL;
}

static int serve(const char *address)
{
    pthread_t thread;
    const int port = cprof_http_start(address, 0);
    printf("%d\n", port);
    if (port < 0)
        return 1;
    printf("again %d\n", cprof_http_start(address, 0));
    printf("burn %p main %p\n", (void *)burn_for_pages, (void *)serve);
    fflush(stdout);
    if (pthread_create(&thread, NULL, burn, NULL) != 0)
        return 1;
    while (getchar() != EOF)
        ;
    cprof_http_stop();
    stopping = 1;
    pthread_join(thread, NULL);
    printf("stopped\n");
    return 0;
}

/* A child has no server, and may have one of its own. */
static int fork_and_serve(void)
{
    printf("%d\n", cprof_http_start(NULL, 0));
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        cprof_http_stop();
        const int port = cprof_http_start(NULL, 0);
        printf("%d\n", port);
        fflush(stdout);
        while (getchar() != EOF)
            ;
        cprof_http_stop();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    cprof_http_stop();
    return status != 0;
}

static int handle(const char *method, const char *target, const char *body)
{
    struct cprof_http_reply reply;
    const int is_ours = cprof_http_handle(method, target, body, strlen(body), &reply);
    printf("%d %d %s %zu\n", is_ours, reply.status, reply.content_type, reply.len);
    fwrite(reply.body, 1, reply.len, stdout);
    cprof_http_release(&reply);
    return reply.body != NULL;
}

/* Starts and stops many times over, each time with a request in between. */
static int restart(void)
{
    for (int i = 0; i < 50; i++) {
        if (cprof_http_start("127.0.0.1", 0) < 0)
            return 1;
        cprof_http_stop();
    }
    cprof_http_stop();
    printf("restarted\n");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "serve") == 0)
        return serve(argc > 2 ? argv[2] : NULL);
    if (argc > 1 && strcmp(argv[1], "fork") == 0)
        return fork_and_serve();
    if (argc > 1 && strcmp(argv[1], "restart") == 0)
        return restart();
    if (argc > 4)
        return handle(argv[2], argv[3], argv[4]);
    return 2;
}
