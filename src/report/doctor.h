/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Private to report/: what the doctor finds (doctor.c), what would mend it (doctor_mend.c), and how
 * it is written, for people (doctor_text.c) and for programs (doctor_json.c). Values are in the
 * view's column and never negative. */
#pragma once

#include "report/internal.h"

/* One file that addresses are in; the last one may stand for addresses that are in none. */
struct exam_module {
    const struct image *image; /* NULL: addresses in no file */
    struct object *object;     /* NULL: it could not be used */
    struct object_facts facts;
    const char *path;                   /* as the profile has it, else as it was opened */
    double begin, pass;                 /* of samples whose stacks begin in it, pass through it */
    double unnamed_begin, unnamed_pass; /* the same, at a place without a name */
    bool has_bias, has_biases;          /* where it was loaded; at several places */
    uint64_t bias;
    bool is_ill;        /* names are missing */
    const char *what;   /* is the matter, in words; NULL: nothing */
    const char *mend;   /* a command; NULL: there is none */
    const char *remark; /* what could be better, without being ill; NULL */
};

/* Something about the profile as a whole. */
struct exam_finding {
    const char *key; /* for programs */
    bool is_ill;
    const char *what, *mend; /* mend: NULL where nothing helps, or nothing has to */
};

struct exam {
    const struct report *report;
    struct exam_module *modules; /* those that miss most first */
    uint32_t n_modules;
    struct exam_finding findings[8];
    uint32_t n_findings;
    double total;
    double unnamed_begin, unnamed_pass;
    bool is_ill;
};

/* A smaller share of samples without names than this is nobody's illness: broken stacks end at odd
 * places now and then. */
#define EXAM_LEAST_SHARE 0.0005

void exam_make(const struct report *report, struct exam *exam);
double exam_share(const struct exam *exam, double value); /* 0 of nothing */

/* Fills `what`, `mend` and `remark` of a module whose facts are known. */
void exam_advise(const struct exam *exam, struct exam_module *module);

/* The Debian package that a file is from, by the lists of files in `folder`; NULL: none, or this is
 * no Debian. The arena's. */
const char *package_of(const char *folder, const char *path, struct arena *arena);
/* The package with the debug information of that one. */
const char *package_debug(const char *package, struct arena *arena);

/* Text between quotes of JSON; what is no UTF-8 is replaced. */
void json_text(struct out *out, const char *text);

void exam_write_text(const struct exam *exam, struct out *out);
/* Whether a package that would mend a module is not in Debian's main archive: who has not named the
 * other one gets "unable to locate package". */
bool exam_needs_archive(const struct exam *exam);
void exam_write_json(const struct exam *exam, struct out *out);
