/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A server that can be profiled while it works: it counts words in texts that it makes up, and
 * serves the profiling pages beside it.
 *
 *     cc -O2 -g -o http_server http_server.c $(pkg-config --cflags --libs libcprof_http) \
 *         -Wl,--no-as-needed -lprofiler -ltcmalloc -pthread
 *     ./http_server 8080 &
 *     cprof --text --seconds=5 http://localhost:8080/pprof/profile
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cprof/http.h>

enum { WORKERS = 2, BUCKETS = 4096, WORD_SIZE = 8, WORDS = 20000 };

struct word {
    struct word *next;
    unsigned count;
    char text[WORD_SIZE];
};

static atomic_bool stopping;
static atomic_ulong texts;

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 16;
}

static void make_word(char text[WORD_SIZE], unsigned *state)
{
    const unsigned n = 1 + next_random(state) % (WORD_SIZE - 1);
    for (unsigned i = 0; i < n; i++)
        text[i] = (char)('a' + next_random(state) % 26);
    text[n] = '\0';
}

static unsigned hash(const char *text)
{
    unsigned h = 2166136261;
    while (*text)
        h = (h ^ (unsigned char)*text++) * 16777619;
    return h % BUCKETS;
}

static void count_word(struct word **buckets, const char *text)
{
    struct word **at = &buckets[hash(text)];
    while (*at && strcmp((*at)->text, text) != 0)
        at = &(*at)->next;
    if (!*at) {
        *at = calloc(1, sizeof **at);
        if (!*at)
            return;
        memcpy((*at)->text, text, strlen(text) + 1);
    }
    (*at)->count++;
}

static void forget_words(struct word **buckets)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        while (buckets[i]) {
            struct word *word = buckets[i];
            buckets[i] = word->next;
            free(word);
        }
    }
}

static void *work(void *seed)
{
    static _Thread_local struct word *buckets[BUCKETS];
    unsigned state = *(const unsigned *)seed;
    while (!stopping) {
        char text[WORD_SIZE];
        for (int i = 0; i < WORDS; i++) {
            make_word(text, &state);
            count_word(buckets, text);
        }
        forget_words(buckets);
        texts++;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const int port = cprof_http_start(NULL, argc > 1 ? atoi(argv[1]) : 8080);
    if (port < 0) {
        fprintf(stderr, "http_server: cannot listen: %s\n", strerror(-port));
        return 1;
    }
    printf("http://localhost:%d/pprof/\n", port);
    fflush(stdout);

    /* Nobody but sigwait gets these. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);

    pthread_t workers[WORKERS];
    unsigned seeds[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        seeds[i] = i + 1;
        if (pthread_create(&workers[i], NULL, work, &seeds[i]) != 0)
            return 1;
    }
    int signal;
    sigwait(&ends, &signal);
    stopping = true;
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    cprof_http_stop();
    printf("%lu texts\n", (unsigned long)texts);
    return 0;
}
