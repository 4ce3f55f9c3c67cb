/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: leak 1 77
 * linked: clean
 * why: the child leaks, the parent does not; the child ends by exit */
#include <sys/wait.h>

#include "leaks.h"
static void work(void)
{
    block(77);
}
int main(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        deep(work);
        forget();
        exit(0);
    }
    waitpid(pid, &status, 0);
    return 0;
}
