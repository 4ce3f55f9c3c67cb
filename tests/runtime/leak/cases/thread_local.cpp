/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: containers of a thread that still runs */
#include <string>
#include <vector>

#include "leaks.h"
static thread_local std::vector<std::string> words;
static pthread_barrier_t ready;
static void fill()
{
    for (int i = 0; i < 100; i++)
        words.push_back(std::string(50, 'x'));
}
static void *body(void *a)
{
    deep(fill);
    forget();
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
    return a;
}
int main()
{
    pthread_t t;
    pthread_barrier_init(&ready, NULL, 2);
    pthread_create(&t, NULL, body, NULL);
    pthread_barrier_wait(&ready);
    return 0;
}