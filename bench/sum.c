/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Adds up the words of the DWARF sections of a 64-bit little-endian ELF file: what it costs to look
 * at all of them once, which nobody who reads all of them can beat.
 *
 * usage: sum ELF */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
    struct stat st;
    const int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &st) != 0)
        return 1;
    const char *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return 1;
    const Elf64_Ehdr *header = (const void *)bytes;
    const Elf64_Shdr *sections = (const void *)(bytes + header->e_shoff);
    const char *names = bytes + sections[header->e_shstrndx].sh_offset;
    uint64_t sum = 0;
    for (unsigned i = 0; i < header->e_shnum; i++) {
        if (strncmp(names + sections[i].sh_name, ".debug_", 7) != 0)
            continue;
        for (uint64_t at = 0; at + 8 <= sections[i].sh_size; at += 8) {
            uint64_t word;
            memcpy(&word, bytes + sections[i].sh_offset + at, sizeof word);
            sum += word;
        }
    }
    printf("%" PRIx64 "\n", sum);
    return 0;
}
