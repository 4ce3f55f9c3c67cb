/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of output files. The pid is asked for each time: it changes under fork. */
#include "base/outname.h"

#include <string.h>

#include "base/env.h"
#include "base/message.h"
#include "base/syscall.h"

enum { VARIABLE_MAX = 64 };

static const char *env_text(const char *name)
{
    const char *text = env_get(name);
    return text && *text ? text : NULL;
}

/* Adds what tells the ranks of a parallel program apart; true: only the pid can. */
static bool add_rank(struct outname *name)
{
    const size_t n = strlen(name->text);
    char *end = name->text + n;
    const char *rank = env_text("PMIX_RANK");
    if (!rank && env_text("SLURM_JOB_ID")) {
        const char *slurm = env_text("SLURM_PROCID");
        if (slurm)
            (void)text_print(end, sizeof name->text - n, ".slurmid-%s", slurm);
        return !slurm;
    }
    if (!rank && env_text("OMPI_HOME"))
        return true;
    if (!rank)
        rank = env_text("PMI_RANK");
    if (rank)
        (void)text_print(end, sizeof name->text - n, ".rank-%s", rank);
    return false;
}

static void pair_name(char to[VARIABLE_MAX], const char *variable)
{
    (void)text_print(to, VARIABLE_MAX, "%s_USE_PID", variable);
}

bool outname_make(const char *variable, struct outname *out)
{
    const char *value = env_text(variable);
    char use_pid[VARIABLE_MAX];
    if (!value)
        return false;
    (void)text_print(out->text, sizeof out->text, "%s", value);
    /* Other libraries mark a name that is taken by the highest bit of its first byte. */
    const bool is_marked = (out->text[0] & 0x80) != 0;
    if (is_marked)
        out->text[0] = (char)(out->text[0] & 0x7f);
    pair_name(use_pid, variable);
    if (add_rank(out) || is_marked || env_bool(use_pid, false))
        outname_add_pid(out);
    return true;
}

void outname_claim(const char *variable)
{
    /* One a variable and process, never freed: the environment points at it. */
    static char pairs[4][VARIABLE_MAX + 2];
    char use_pid[VARIABLE_MAX];
    pair_name(use_pid, variable);
    if (env_bool(use_pid, false))
        return;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (!pairs[i][0]) {
            (void)text_print(pairs[i], sizeof pairs[i], "%s=1", use_pid);
            (void)env_put(pairs[i]);
            return;
        }
    }
}

void outname_add_pid(struct outname *name)
{
    const size_t n = strlen(name->text);
    (void)text_print(name->text + n, sizeof name->text - n, "_%d", (int)sys_getpid());
}
