/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stands in for a fuzzer: feeds files, or all files of folders, to a fuzz target and says in TAP
 * how many it survived. Every seed is also fed cut short, at a few places, since that is what
 * broken transfers look like. No seeds at all is a failure: it would be a test that cannot fail. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int n_inputs;

static void die(const char *path)
{
    perror(path);
    exit(1);
}

static void feed(const uint8_t *bytes, size_t n)
{
    /* An exact copy, so that a sanitizer sees the first byte read past the end. */
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        die("malloc");
    if (n)
        memcpy(copy, bytes, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static void replay_file(const char *path, size_t n)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(n ? n : 1);
    if (!file || !bytes || fread(bytes, 1, n, file) != n)
        die(path);
    fclose(file);
    feed(bytes, n);
    for (size_t parts = 1; parts < 8; parts++)
        feed(bytes, n * parts / 8);
    if (n)
        feed(bytes, n - 1);
    free(bytes);
    n_inputs++;
}

static void replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        die(path);
    if (!S_ISDIR(st.st_mode)) {
        replay_file(path, (size_t)st.st_size);
        return;
    }
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0)
        die(path);
    for (int i = 0; i < n; i++) {
        char *child;
        if (entries[i]->d_name[0] != '.') {
            if (asprintf(&child, "%s/%s", path, entries[i]->d_name) < 0)
                die("asprintf");
            replay(child);
            free(child);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("1..1\n%s 1 - %d seeds\n", n_inputs ? "ok" : "not ok", n_inputs);
    return n_inputs == 0;
}
