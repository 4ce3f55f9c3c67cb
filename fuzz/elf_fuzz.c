/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as an object: opened, asked for symbols, frames, code and listings all over its
 * addresses. */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "object/object.h"

/* Addresses that are worth asking for, a few of each function. */
struct questions {
    uint64_t sorted[512];
    uint32_t n;
};

static void ask(struct questions *q, uint64_t address)
{
    if (q->n < COUNT_OF(q->sorted))
        q->sorted[q->n++] = address;
}

static bool ask_around(void *payload, const struct object_symbol *symbol, uint64_t low,
                       uint64_t high)
{
    struct questions *q = payload;
    ask(q, low);
    ask(q, low + (high - low) / 2);
    ask(q, high);
    return q->n < COUNT_OF(q->sorted) / 2 && symbol->name[0];
}

static void sort(struct questions *q)
{
    for (uint32_t i = 1; i < q->n; i++) {
        const uint64_t address = q->sorted[i];
        uint32_t to = i;
        for (; to > 0 && q->sorted[to - 1] > address; to--)
            q->sorted[to] = q->sorted[to - 1];
        q->sorted[to] = address;
    }
}

static void question(struct object *object)
{
    struct questions q = {0};
    object_functions(object, ask_around, &q);
    for (uint64_t offset = 0; offset < 4096; offset += 64) {
        uint64_t address = offset;
        ask(&q, offset);
        if (object_address_of(object, offset, &address))
            ask(&q, address);
    }
    ask(&q, UINT64_MAX);
    sort(&q);
    for (uint32_t i = 0; i < q.n; i++) {
        struct object_symbol symbol;
        if (object_symbol(object, q.sorted[i], &symbol) && (!*symbol.name || !symbol.alias))
            __builtin_trap();
        const char *name;
        uint64_t value;
        if (object_label(object, q.sorted[i], &name, &value) && (!*name || value > q.sorted[i]))
            __builtin_trap();
        (void)object_covers(object, q.sorted[i]);
        (void)object_code(object, q.sorted[i], q.sorted[i] + 16);
    }
    struct notes notes = {0};
    struct object_answer answer;
    object_frames(object, q.sorted, q.n, NULL, &notes, &answer);
    for (uint32_t i = 0; i < q.n; i++) {
        if (answer.at[i] > answer.at[i + 1])
            __builtin_trap();
    }
    object_answer_free(&answer);
    notes_free(&notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int fd = memfd_create("object", MFD_CLOEXEC);
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        __builtin_trap();
    static const char *const nowhere[] = {NULL};
    const struct object_options options = {.debug_dirs = nowhere, .threads = 1};
    uint8_t id[64];
    size_t n;
    if (object_read_build_id(path, id, sizeof id, &n) && n > sizeof id)
        __builtin_trap();
    struct object *object;
    if (object_open(path, &options, NULL, &object, NULL)) {
        bool is_64, is_little;
        (void)object_machine(object, &is_64, &is_little);
        (void)object_build_id(object);
        (void)object_has_symbols(object);
        question(object);
        object_close(object);
    }
    (void)close(fd);
    return 0;
}
