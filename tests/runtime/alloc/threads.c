/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Threads that pass blocks to each other, end early, allocate in their last breath, and fork in the
 * midst of it all. Ends with 0 when every block kept its bytes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARED = 512, STEPS = 40000, THREADS = 6, WAVES = 8, FORKS = 40 };

static _Atomic(unsigned char *) shared[SHARED]; /* first word: size; all else: low byte of it */
static pthread_key_t key;
static _Atomic int wrong;

static unsigned draw(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (unsigned)(((unsigned long long)*seed * below) >> 32);
}

static unsigned char *block_new(unsigned *seed)
{
    const unsigned kind = draw(seed, 100);
    const size_t size = sizeof(size_t) + 1 +
                        draw(seed, kind < 90   ? 500
                                   : kind < 99 ? 20000
                                               : 600000);
    unsigned char *p = malloc(size);
    memcpy(p, &size, sizeof size);
    p[sizeof size] = p[size - 1] = (unsigned char)size;
    return p;
}

static void block_free(unsigned char *p)
{
    if (!p)
        return;
    size_t size;
    memcpy(&size, p, sizeof size);
    if (p[sizeof size] != (unsigned char)size || p[size - 1] != (unsigned char)size)
        wrong++;
    free(p);
}

/* Runs when the thread has ended as far as the program can see, perhaps after the allocator's own.
 */
static void last_breath(void *arg)
{
    unsigned seed = (unsigned)(size_t)arg;
    for (int i = 0; i < 100; i++)
        block_free(atomic_exchange(&shared[draw(&seed, SHARED)], block_new(&seed)));
    static _Thread_local int rounds;
    if (++rounds < 3)
        pthread_setspecific(key, arg);
}

static void *work(void *arg)
{
    unsigned seed = (unsigned)(size_t)arg;
    pthread_setspecific(key, arg);
    for (int i = 0; i < STEPS / WAVES; i++)
        block_free(atomic_exchange(&shared[draw(&seed, SHARED)], block_new(&seed)));
    return NULL;
}

static void child(unsigned seed)
{
    for (int i = 0; i < 2000; i++)
        block_free(atomic_exchange(&shared[draw(&seed, SHARED)], block_new(&seed)));
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, (void *)(size_t)(seed | 1)) != 0)
        _exit(3);
    pthread_join(thread, NULL);
    _exit(wrong ? 4 : 0);
}

int main(void)
{
    unsigned seed = 99;
    pthread_key_create(&key, last_breath);
    for (int wave = 0; wave < WAVES; wave++) {
        pthread_t thread[THREADS];
        for (int i = 0; i < THREADS; i++)
            if (pthread_create(&thread[i], NULL, work, (void *)(size_t)(wave * 100 + i + 1)) != 0)
                return 2;
        for (int i = 0; i < FORKS / WAVES; i++) {
            const pid_t pid = fork();
            if (pid == 0)
                child(draw(&seed, 1000000));
            int status;
            draw(&seed, 2);
            if (waitpid(pid, &status, 0) != pid || status != 0) {
                fprintf(stderr, "child: %#x\n", status);
                return 1;
            }
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join(thread[i], NULL);
    }
    for (int i = 0; i < SHARED; i++)
        block_free(shared[i]);
    if (wrong)
        fprintf(stderr, "%d blocks changed\n", wrong);
    return wrong != 0;
}
