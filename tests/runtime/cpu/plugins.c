/* SPDX-License-Identifier: BSD-3-Clause
 *
 *   plugins LIBRARY N SECONDS   loads it, lets it work so long and unloads it, N times */
#include <dlfcn.h>

#include "work.h"

int main(int argc, char **argv)
{
    for (int i = 0; argc > 3 && i < atoi(argv[2]); i++) {
        void *library = dlopen(argv[1], RTLD_NOW);
        unsigned (*work)(double);
        *(void **)&work = library ? dlsym(library, "plugin_work") : NULL;
        if (!work)
            return 9;
        (void)work(atof(argv[3]));
        dlclose(library);
    }
    return 0;
}
