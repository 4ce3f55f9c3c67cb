/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A program with a known heap: so many megabytes in blocks of one, that stay, and as many that are
 * freed at once.
 *
 *   grow MEGABYTES [wait | fork | exec | close] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *kept[4096];

__attribute__((noinline)) static void grow(int i)
{
    kept[i] = malloc(1 << 20);
    memset(kept[i], 1, 4096);
}

__attribute__((noinline)) static void churn(void)
{
    char *volatile p = malloc(1 << 20);
    p[0] = 1;
    free(p);
}

static void begin_child(char **argv, const char *how, int n)
{
    const pid_t child = fork();
    if (child == 0 && strcmp(how, "exec") == 0) {
        execl(argv[0], argv[0], argv[1], (char *)NULL);
        _exit(9);
    }
    if (child == 0) {
        for (int i = 0; i < n; i++)
            grow(i);
        exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
    const int n = argc > 1 ? atoi(argv[1]) : 1;
    const char *how = argc > 2 ? argv[2] : "";
    if (strcmp(how, "fork") == 0 || strcmp(how, "exec") == 0)
        begin_child(argv, how, n);
    for (int i = 0; i < n; i++) {
        grow(i);
        churn();
    }
    if (strcmp(how, "wait") == 0) { /* until standard input ends */
        char c;
        if (write(1, "ready\n", 6) < 0)
            return 1;
        while (read(0, &c, 1) != 0)
            ;
    }
    if (strcmp(how, "close") == 0)
        close(2);
    return 0;
}
