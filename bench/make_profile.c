/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Makes profiles of any size for any 64-bit little-endian ELF file; the same arguments always give
 * the same bytes. Stacks are walks through an invented program whose functions are real ones of the
 * file: each function calls a few others, each call stands at one fixed address, and some calls are
 * taken more often than others. So the number of distinct addresses is bounded by the program, as
 * in life, and not by how many samples are drawn.
 *
 * usage: make_profile [OPTION...] ELF OUT
 *
 *   -t KIND        cpu, heap or jemalloc                               cpu
 *   -n STACKS      distinct stacks                                     1000
 *   -r RECORDS     records; each stack is written once before any      STACKS
 *                  comes again
 *   -d DEPTH       mean depth of a stack                               20
 *   -f FUNCTIONS   functions that take part, 0 for all                 2000
 *   -s SEED                                                            1
 *   -m             no memory maps at the end
 *
 * Numbers may be written as 1e6. The path of ELF goes into the maps as given. */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CALLS = 4,
    LEAVES = 4
}; /* a function's call sites, and addresses where it is caught itself */

struct function {
    uint64_t address, size;
};

struct program {
    const char *path;
    const uint8_t *bytes;
    uint64_t load_bias;
    struct function *functions;
    size_t n_functions;
};

/* Stack i is pcs[at[i]] to pcs[at[i + 1]], leaf first. */
struct stacks {
    uint64_t *pcs;
    size_t *at;
    size_t n;
};

struct wish {
    const char *kind, *elf, *out;
    size_t stacks, records, depth, functions;
    uint64_t seed;
    bool with_maps;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "make_profile: %s: %s\n", what, why);
    exit(1);
}

static void *get(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (!p)
        die("memory", "not enough");
    return p;
}

/* Random numbers: a counter put through a mixer, so that any (seed, place) can be asked directly.
 */

static uint64_t mix(uint64_t v)
{
    v ^= v >> 32;
    v *= 0xd6e8feb86659fd93u;
    v ^= v >> 32;
    v *= 0xd6e8feb86659fd93u;
    return v ^ v >> 32;
}

static uint64_t drawn(uint64_t *state)
{
    return mix(*state += 0x9e3779b97f4a7c15u);
}

/* 0 .. n-1, even. */
static uint64_t even(uint64_t *state, uint64_t n)
{
    return drawn(state) % n;
}

/* 0 .. n-1, small ones more often. */
static uint64_t uneven(uint64_t *state, uint64_t n)
{
    const uint64_t a = even(state, n), b = even(state, n);
    return a < b ? a : b;
}

/* The program */

static int by_address(const void *a, const void *b)
{
    const struct function *x = a, *y = b;
    return (x->address > y->address) - (x->address < y->address);
}

static void read_functions(struct program *program, const Elf64_Shdr *table)
{
    const Elf64_Sym *symbols = (const void *)(program->bytes + table->sh_offset);
    const size_t n = table->sh_size / sizeof *symbols;
    program->functions = get(n, sizeof *program->functions);
    for (size_t i = 0; i < n; i++)
        if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && symbols[i].st_shndx != SHN_UNDEF &&
            symbols[i].st_size >= 32)
            program->functions[program->n_functions++] =
                (struct function){symbols[i].st_value, symbols[i].st_size};
    qsort(program->functions, program->n_functions, sizeof *program->functions, by_address);
    size_t kept = 0;
    for (size_t i = 0; i < program->n_functions; i++) { /* one name for each piece of code */
        const struct function *f = &program->functions[i];
        if (kept == 0 ||
            f->address >= program->functions[kept - 1].address + program->functions[kept - 1].size)
            program->functions[kept++] = *f;
    }
    program->n_functions = kept;
}

static void open_program(const char *path, struct program *program)
{
    const int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        die(path, "cannot be opened");
    if (st.st_size < (off_t)sizeof(Elf64_Ehdr))
        die(path, "no ELF file");
    program->path = path;
    program->bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (program->bytes == MAP_FAILED)
        die(path, "cannot be mapped");
    const Elf64_Ehdr *header = (const void *)program->bytes;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_ident[EI_DATA] != ELFDATA2LSB)
        die(path, "no 64-bit little-endian ELF file");
    program->load_bias = header->e_type == ET_DYN ? 0x7f5500000000u : 0;
    const Elf64_Shdr *sections = (const void *)(program->bytes + header->e_shoff), *table = NULL;
    for (unsigned i = 0; i < header->e_shnum; i++)
        if (sections[i].sh_type == SHT_SYMTAB || (sections[i].sh_type == SHT_DYNSYM && !table))
            table = &sections[i];
    if (table)
        read_functions(program, table);
    if (program->n_functions == 0)
        die(path, "has no functions to draw from");
}

static void choose_functions(struct program *program, size_t limit, uint64_t seed)
{
    uint64_t state = mix(seed ^ 0xf0);
    for (size_t i = program->n_functions - 1; i > 0; i--) {
        const size_t j = even(&state, i + 1);
        const struct function f = program->functions[i];
        program->functions[i] = program->functions[j];
        program->functions[j] = f;
    }
    if (limit && limit < program->n_functions)
        program->n_functions = limit;
}

/* Stacks */

static size_t draw_stack(const struct program *program, size_t mean, uint64_t *state, uint64_t *pcs)
{
    const size_t depth = 1 + mean / 2 + even(state, mean);
    size_t at = 0;
    for (size_t i = depth; i-- > 0;) { /* from main inwards */
        const struct function *f = &program->functions[at];
        const uint64_t start = program->load_bias + f->address;
        if (i == 0) {
            pcs[0] = start + mix(at * 1000 + 500 + uneven(state, LEAVES)) % f->size;
        } else {
            const uint64_t call = mix(at * 1000 + uneven(state, CALLS));
            pcs[i] =
                start + 1 + call % (f->size - 1); /* a return address is never a function's first */
            at = mix(call) % program->n_functions;
        }
    }
    return depth;
}

static void draw_stacks(const struct program *program, const struct wish *wish, struct stacks *out)
{
    const size_t most = 1 + wish->depth / 2 + wish->depth;
    size_t cap = wish->stacks * (wish->depth + 2) + most, n = 0;
    uint64_t state = mix(wish->seed);
    out->n = wish->stacks;
    out->at = get(out->n + 1, sizeof *out->at);
    out->pcs = get(cap, sizeof *out->pcs);
    for (size_t i = 0; i < out->n; i++) {
        if (cap - n < most && !(out->pcs = realloc(out->pcs, (cap *= 2) * sizeof *out->pcs)))
            die("memory", "not enough");
        n += draw_stack(program, wish->depth, &state, out->pcs + n);
        out->at[i + 1] = n;
    }
}

static size_t stack_of_record(const struct stacks *stacks, size_t record, uint64_t *state)
{
    return record < stacks->n ? record : uneven(state, stacks->n);
}

/* Files */

static void write_word(FILE *out, uint64_t word)
{
    fwrite(&word, sizeof word, 1, out); /* the files are little-endian, and so are we */
}

static void write_cpu(FILE *out, const struct stacks *stacks, const struct wish *wish)
{
    uint64_t state = mix(wish->seed ^ 0xc0);
    const uint64_t header[] = {0, 3, 0, 10000, 0}, trailer[] = {0, 1, 0};
    fwrite(header, sizeof header, 1, out);
    for (size_t i = 0; i < wish->records; i++) {
        const size_t s = stack_of_record(stacks, i, &state),
                     depth = stacks->at[s + 1] - stacks->at[s];
        write_word(out, 1 + uneven(&state, 4));
        write_word(out, depth);
        fwrite(stacks->pcs + stacks->at[s], sizeof *stacks->pcs, depth, out);
    }
    fwrite(trailer, sizeof trailer, 1, out);
}

static void write_stack(FILE *out, const struct stacks *stacks, size_t s)
{
    fputc('@', out);
    for (size_t j = stacks->at[s]; j < stacks->at[s + 1]; j++)
        fprintf(out, " 0x%" PRIx64, stacks->pcs[j]);
    fputc('\n', out);
}

/* The header has the sums, so the records are drawn twice: once only to add them up. */
static void write_heap(FILE *out, const struct stacks *stacks, const struct wish *wish)
{
    uint64_t sum[4] = {0};
    for (int pass = 0; pass < 2; pass++) {
        uint64_t state = mix(wish->seed ^ 0x8ea9);
        if (pass == 1)
            fprintf(out,
                    "heap profile: %6" PRIu64 ": %8" PRIu64 " [%6" PRIu64 ": %8" PRIu64
                    "] @ heap_v2/524288\n",
                    sum[0], sum[1], sum[2], sum[3]);
        for (size_t i = 0; i < wish->records; i++) {
            const size_t s = stack_of_record(stacks, i, &state);
            const uint64_t size = UINT64_C(16) << even(&state, 14), live = 1 + uneven(&state, 4),
                           all = live + uneven(&state, 100);
            const uint64_t values[] = {live, live * size, all, all * size};
            if (pass == 0) {
                for (int v = 0; v < 4; v++)
                    sum[v] += values[v];
                continue;
            }
            fprintf(out, "%6" PRIu64 ": %8" PRIu64 " [%6" PRIu64 ": %8" PRIu64 "] ", values[0],
                    values[1], values[2], values[3]);
            write_stack(out, stacks, s);
        }
    }
    if (wish->with_maps)
        fputs("\nMAPPED_LIBRARIES:\n", out);
}

/* One thread did it all. Totals at the head are what nobody reads. */
static void write_jemalloc(FILE *out, const struct stacks *stacks, const struct wish *wish)
{
    uint64_t state = mix(wish->seed ^ 0x8ea9);
    fputs("heap_v2/524288\n  t*: 0: 0 [0: 0]\n  t0: 0: 0 [0: 0]\n", out);
    for (size_t i = 0; i < wish->records; i++) {
        const uint64_t size = UINT64_C(16) << even(&state, 14), live = 1 + uneven(&state, 4);
        write_stack(out, stacks, stack_of_record(stacks, i, &state));
        for (const char *thread = "*0"; *thread; thread++)
            fprintf(out, "  t%c: %" PRIu64 ": %" PRIu64 " [0: 0]\n", *thread, live, live * size);
    }
    if (wish->with_maps)
        fputs("\nMAPPED_LIBRARIES:\n", out);
}

static const struct kind {
    const char *name;
    void (*write)(FILE *out, const struct stacks *stacks, const struct wish *wish);
} kinds[] = {{"cpu", write_cpu}, {"heap", write_heap}, {"jemalloc", write_jemalloc}, {0}};

static void write_maps(FILE *out, const struct program *program)
{
    const uint64_t page = 4095;
    const Elf64_Ehdr *header = (const void *)program->bytes;
    const Elf64_Phdr *segments = (const void *)(program->bytes + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const Elf64_Phdr *s = &segments[i];
        if (s->p_type == PT_LOAD)
            fprintf(out, "%" PRIx64 "-%" PRIx64 " r%c%cp %08" PRIx64 " 08:01 %d %s\n",
                    program->load_bias + (s->p_vaddr & ~page),
                    program->load_bias + ((s->p_vaddr + s->p_memsz + page) & ~page),
                    s->p_flags & PF_W ? 'w' : '-', s->p_flags & PF_X ? 'x' : '-',
                    (uint64_t)s->p_offset & ~page, 77, program->path);
    }
}

static size_t number(const char *text)
{
    char *end;
    const double value = strtod(text, &end);
    if (*end || end == text || value < 0 || value > 1e12)
        die(text, "is no number");
    return (size_t)value;
}

int main(int argc, char **argv)
{
    struct wish wish = {.kind = "cpu", .stacks = 1000, .depth = 20, .functions = 2000, .seed = 1};
    wish.with_maps = true;
    for (int c; (c = getopt(argc, argv, "t:n:r:d:f:s:m")) != -1;) {
        switch (c) {
        case 't':
            wish.kind = optarg;
            break;
        case 'n':
            wish.stacks = number(optarg);
            break;
        case 'r':
            wish.records = number(optarg);
            break;
        case 'd':
            wish.depth = number(optarg);
            break;
        case 'f':
            wish.functions = number(optarg);
            break;
        case 's':
            wish.seed = number(optarg);
            break;
        case 'm':
            wish.with_maps = false;
            break;
        default:
            return 1;
        }
    }
    const struct kind *kind = kinds;
    while (kind->name && strcmp(kind->name, wish.kind) != 0)
        kind++;
    if (argc - optind != 2 || wish.stacks == 0 || wish.depth == 0 || !kind->name)
        die("usage", "make_profile [-t cpu|heap|jemalloc] [-n STACKS] [-r RECORDS] [-d DEPTH] [-f "
                     "FUNCTIONS] "
                     "[-s SEED] [-m] ELF OUT");
    if (wish.records < wish.stacks)
        wish.records = wish.stacks;
    struct program program = {0};
    open_program(argv[optind], &program);
    choose_functions(&program, wish.functions, wish.seed);
    struct stacks stacks = {0};
    draw_stacks(&program, &wish, &stacks);
    FILE *out = fopen(argv[optind + 1], "wb");
    if (!out)
        die(argv[optind + 1], "cannot be written");
    kind->write(out, &stacks, &wish);
    if (wish.with_maps)
        write_maps(out, &program);
    if (ferror(out) | fclose(out))
        die(argv[optind + 1], "cannot be written");
    return 0;
}
