/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tmpfile() for the libraries that draw: cairo writes PostScript to one before it copies it to its
 * place. The C library makes a file in /tmp, which the process that reads cannot (base/sandbox.h);
 * memory does as well. The program exports this name, so that libraries which are opened later find
 * it first. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* By its name for the linker: stdio.h makes another one of it where files may be large. */
FILE *open_memory(void) __asm__("tmpfile");

__attribute__((visibility("default"))) FILE *open_memory(void)
{
    const int fd = memfd_create("tmpfile", MFD_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");
    if (!file && fd >= 0)
        (void)close(fd);
    return file;
}
