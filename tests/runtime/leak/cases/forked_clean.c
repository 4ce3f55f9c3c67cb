/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: parent and child keep all they have */
#include <sys/wait.h>

#include "leaks.h"
static void *kept;
int main(void)
{
    kept = block(50);
    STORE(kept);
    pid_t pid = fork();
    if (pid == 0) {
        kept = realloc(kept, 5000);
        STORE(kept);
        exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    return 0;
}