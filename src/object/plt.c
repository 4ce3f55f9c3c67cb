/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names for the slots through which calls leave an object (malloc@plt). No symbol table has them:
 * which function a slot leads to is said by the word that its code jumps through, and the
 * relocation of that word. Apart because it reads machine code. The invariant: a slot lies in its
 * section, and one that does not look as linkers make them has no name. */
#include "object/internal.h"

#include "base/idmap.h"

/* What the dynamic linker puts into words: by address, the place in `words`. */
struct words {
    struct word {
        const char *name;  /* NULL: by `function` */
        uint64_t function; /* the address of what decides, at run time, which function it is */
    } * list;
    uint32_t n, cap;
    struct idmap at;
};

static bool is_wanted(unsigned machine, uint32_t type, bool *is_indirect)
{
    const bool is_arm = machine == EM_AARCH64;
    *is_indirect = type == (is_arm ? R_AARCH64_IRELATIVE : R_X86_64_IRELATIVE);
    return *is_indirect || type == (is_arm ? R_AARCH64_JUMP_SLOT : R_X86_64_JUMP_SLOT) ||
           type == (is_arm ? R_AARCH64_GLOB_DAT : R_X86_64_GLOB_DAT);
}

/* A section of relocations with addends: word, symbol and type, addend. */
static void read_relocations(struct elf_file *file, Elf_Scn *scn, const GElf_Shdr *header,
                             struct words *words)
{
    Elf_Scn *symbols_scn = elf_getscn(file->elf, header->sh_link);
    GElf_Shdr symbols_header = {0};
    const bool has_symbols = symbols_scn && gelf_getshdr(symbols_scn, &symbols_header) != NULL;
    const struct span symbols =
        has_symbols ? elf_file_contents(file, symbols_scn) : span_make("", 0);
    struct span names =
        elf_file_contents(file, elf_getscn(file->elf, (size_t)symbols_header.sh_link));
    const size_t last = span_find_last(names, '\0');
    names = span_first(names, last == SIZE_MAX ? 0 : last + 1);
    struct cursor c = cursor_over(elf_file_contents(file, scn), file->order);
    while (cursor_left(&c) >= sizeof(Elf64_Rela)) {
        const uint64_t at = cursor_u64(&c), info = cursor_u64(&c), addend = cursor_u64(&c);
        struct word word = {.function = addend};
        bool is_indirect;
        if (!is_wanted(file->header.e_machine, (uint32_t)info, &is_indirect))
            continue;
        if (!is_indirect) {
            struct cursor s = cursor_over(symbols, file->order);
            cursor_seek(&s, (info >> 32) * sizeof(Elf64_Sym));
            const uint32_t name = cursor_u32(&s);
            if (cursor_failed(&s) || name >= names.n || !names.p[name])
                continue;
            word.name = names.p + name;
        }
        bool is_new;
        (void)idmap_add(&words->at, at, words->n, &is_new);
        if (!is_new)
            continue;
        words->list =
            base_grow(words->list, &words->cap, (size_t)words->n + 1, sizeof *words->list);
        words->list[words->n++] = word;
    }
}

static void read_words(struct elf_file *file, struct words *words)
{
    for (Elf_Scn *scn = elf_nextscn(file->elf, NULL); scn; scn = elf_nextscn(file->elf, scn)) {
        GElf_Shdr header;
        if (gelf_getshdr(scn, &header) && header.sh_type == SHT_RELA &&
            (header.sh_flags & SHF_ALLOC))
            read_relocations(file, scn, &header, words);
    }
}

static void tell(const struct words *words, uint64_t at, uint64_t slot, uint64_t size, plt_fn *fn,
                 void *payload)
{
    uint32_t word;
    if (idmap_find(&words->at, at, &word))
        fn(payload, slot, size, words->list[word].name, words->list[word].function);
}

/* jmp *WORD(%rip), behind endbr64 perhaps, and with a bnd prefix perhaps. */
static void walk_x86_64(struct span code, const GElf_Shdr *header, const struct words *words,
                        plt_fn *fn, void *payload)
{
    const size_t step = header->sh_entsize == 8 ? 8 : 16;
    for (size_t slot = 0; slot + step <= code.n; slot += step) {
        for (size_t i = slot; i + 6 <= slot + step; i++) {
            if ((unsigned char)code.p[i] != 0xff || code.p[i + 1] != 0x25)
                continue;
            struct cursor c = cursor_over(span_skip(code, i + 2), CURSOR_LITTLE);
            const int64_t distance = (int32_t)cursor_u32(&c);
            tell(words, header->sh_addr + i + 6 + (uint64_t)distance, header->sh_addr + slot, step,
                 fn, payload);
            break;
        }
    }
}

/* adrp x16, PAGE; ldr x17, [x16, PLACE]; and two more, with a landing pad before them perhaps. */
static void walk_aarch64(struct span code, const GElf_Shdr *header, const struct words *words,
                         plt_fn *fn, void *payload)
{
    struct cursor c = cursor_over(code, CURSOR_LITTLE);
    uint32_t before = 0, instruction = cursor_u32(&c);
    for (size_t i = 0; i + 16 <= code.n; i += 4) {
        const uint32_t next = cursor_u32(&c);
        if ((instruction & 0x9f00001f) == 0x90000010 && (next & 0xffc003ff) == 0xf9400211) {
            const uint64_t pad = i && before == 0xd503245f ? 4 : 0; /* bti c */
            uint64_t pages = (uint64_t)(instruction >> 5 & 0x7ffff) << 2 | (instruction >> 29 & 3);
            pages = (pages ^ 0x100000) - 0x100000; /* 21 bits with a sign */
            const uint64_t pc = header->sh_addr + i;
            const uint64_t word =
                (pc & ~(uint64_t)0xfff) + (pages << 12) + (uint64_t)(next >> 10 & 0xfff) * 8;
            tell(words, word, pc - pad, 16 + pad, fn, payload);
        }
        before = instruction;
        instruction = next;
    }
}

static bool is_plt(const char *name)
{
    static const char *const names[] = {".plt", ".plt.sec", ".plt.got", ".iplt"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* Later: i386 and others. */
void plt_walk(struct elf_file *file, plt_fn *fn, void *payload)
{
    const unsigned machine = file->elf ? file->header.e_machine : EM_NONE;
    size_t names;
    if ((machine != EM_X86_64 && machine != EM_AARCH64) || !file->is_64 ||
        elf_getshdrstrndx(file->elf, &names) != 0)
        return;
    struct words words = {0};
    bool has_words = false;
    for (Elf_Scn *scn = elf_nextscn(file->elf, NULL); scn; scn = elf_nextscn(file->elf, scn)) {
        GElf_Shdr header;
        const char *name =
            gelf_getshdr(scn, &header) ? elf_strptr(file->elf, names, header.sh_name) : NULL;
        if (!name || !(header.sh_flags & SHF_EXECINSTR) || !is_plt(name))
            continue;
        if (!has_words)
            read_words(file, &words);
        has_words = true;
        const struct span code = elf_file_contents(file, scn);
        if (header.sh_addr > UINT64_MAX - code.n)
            continue;
        if (machine == EM_X86_64)
            walk_x86_64(code, &header, &words, fn, payload);
        else
            walk_aarch64(code, &header, &words, fn, payload);
    }
    base_free(words.list);
    idmap_free(&words.at);
}
