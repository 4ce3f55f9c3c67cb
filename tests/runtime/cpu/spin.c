/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Burns CPU seconds, and does more on request:
 *   spin SECONDS [fork | exec | _exit | vfork | daemon | nofds | closes | masked] */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

BURNER(in_parent)
BURNER(in_child)

int main(int argc, char **argv)
{
    const double seconds = seconds_of(argc, argv, 1, 1);
    const char *what = argc > 2 ? argv[2] : "";
    const char *value = getenv("CPUPROFILE"), *use_pid = getenv("CPUPROFILE_USE_PID");
    printf("CPUPROFILE=%s CPUPROFILE_USE_PID=%s\n", value ? value : "(unset)",
           use_pid ? use_pid : "(unset)");
    fflush(stdout);
    if (!strcmp(what, "fork") || !strcmp(what, "exec")) {
        if (fork() == 0) {
            if (!strcmp(what, "exec"))
                execl(argv[0], argv[0], argv[1], NULL);
            in_child(seconds);
            exit(0);
        }
        wait(NULL);
    }
    if (!strcmp(what, "vfork")) {
        for (int i = 0; i < 300; i++) {
            if (vfork() == 0)
                _exit(0);
            wait(NULL);
        }
    }
    if (!strcmp(what, "daemon") && daemon(1, 1) != 0)
        return 9;
    if (!strcmp(what, "nofds")) {
        const struct rlimit none = {3, 3};
        setrlimit(RLIMIT_NOFILE, &none);
    }
    if (!strcmp(what, "closes")) {
        for (int fd = 3; fd < 1024; fd++)
            close(fd);
        for (int i = 0; i < 400; i++)
            open("own.txt", O_CREAT | O_RDWR | O_TRUNC, 0600);
    }
    in_parent(seconds);
    if (!strcmp(what, "_exit"))
        _exit(3);
    return 0;
}
