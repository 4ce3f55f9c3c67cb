/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as the machine code of some machine: the first byte says which, the rest is code. */
#include "fuzz.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report/internal.h"

static const uint16_t machines[] = {EM_X86_64, EM_386,  EM_AARCH64, EM_ARM,  EM_PPC64,
                                    EM_MIPS,   EM_S390, EM_SPARCV9, EM_RISCV};

/* An ELF file of no more than its header. */
static struct object *open_machine(uint8_t which, int *fd)
{
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = machines[which % COUNT_OF(machines)],
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof header,
        .e_shentsize = sizeof(Elf64_Shdr),
    };
    char path[64];
    *fd = memfd_create("machine", MFD_CLOEXEC);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", *fd);
    if (*fd < 0 || write(*fd, &header, sizeof header) != (ssize_t)sizeof header)
        __builtin_trap();
    static const char *const nowhere[] = {NULL};
    const struct object_options options = {.debug_dirs = nowhere, .threads = 1};
    struct object *object;
    if (!object_open(path, &options, NULL, &object, NULL) || !object_is_elf(object))
        __builtin_trap();
    return object;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    int fd;
    struct object *object = open_machine(data[0], &fd);
    struct strings *strings = strings_new();
    struct assembly *assembly = assembly_open(object, strings, NULL);
    struct buf text = BUF_MAX(1 << 16);
    struct span code = span_make(data + 1, size - 1);
    for (uint64_t address = 0x1000; code.n;) {
        const uint32_t n = assembly_length(assembly, code, address);
        if (n == 0 || n > code.n)
            __builtin_trap();
        buf_clear(&text);
        assembly_text(assembly, code, address, &text);
        if (text.n == 0)
            __builtin_trap();
        code = span_skip(code, n);
        address += n;
    }
    buf_free(&text);
    assembly_close(assembly);
    strings_free(strings);
    object_close(object);
    (void)close(fd);
    return 0;
}
