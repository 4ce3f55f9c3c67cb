/* SPDX-License-Identifier: BSD-3-Clause
 *
 * DWARF expressions as they stand in unwind tables: of procedure linkage stubs, of frames that were
 * realigned, of signal frames. A small stack machine; every read of memory is checked, and the
 * number of its operations is bounded. */
#include "unwind/internal.h"

enum { STACK_MAX = 16, OPERATIONS_MAX = 512 };

struct stack {
    uintptr_t value[STACK_MAX];
    unsigned n;
    bool is_bad;
};

static void push(struct stack *s, uintptr_t value)
{
    if (s->n == STACK_MAX)
        s->is_bad = true;
    else
        s->value[s->n++] = value;
}

static uintptr_t pop(struct stack *s)
{
    if (s->n == 0) {
        s->is_bad = true;
        return 0;
    }
    return s->value[--s->n];
}

static void push_copy(struct stack *s, uint64_t depth)
{
    if (depth >= s->n)
        s->is_bad = true;
    else
        push(s, s->value[s->n - 1 - depth]);
}

static void rotate(struct stack *s, unsigned n)
{
    if (s->n < n) {
        s->is_bad = true;
        return;
    }
    const uintptr_t top = s->value[s->n - 1];
    for (unsigned i = 1; i < n; i++)
        s->value[s->n - i] = s->value[s->n - i - 1];
    s->value[s->n - n] = top;
}

static uintptr_t combine(struct stack *s, unsigned op)
{
    const uintptr_t b = pop(s), a = pop(s);
    const intptr_t sa = (intptr_t)a, sb = (intptr_t)b;
    switch (op) {
    case 0x1a:
        return a & b;
    case 0x1b:
        if (sb == 0 || (sb == -1 && sa == INTPTR_MIN)) {
            s->is_bad = true;
            return 0;
        }
        return (uintptr_t)(sa / sb);
    case 0x1c:
        return a - b;
    case 0x1d:
        if (b == 0) {
            s->is_bad = true;
            return 0;
        }
        return a % b;
    case 0x1e:
        return a * b;
    case 0x21:
        return a | b;
    case 0x22:
        return a + b;
    case 0x24:
        return b < 64 ? a << b : 0;
    case 0x25:
        return b < 64 ? a >> b : 0;
    case 0x26:
        return (uintptr_t)(sa >> (b < 64 ? b : 63));
    case 0x27:
        return a ^ b;
    case 0x29:
        return sa == sb;
    case 0x2a:
        return sa >= sb;
    case 0x2b:
        return sa > sb;
    case 0x2c:
        return sa <= sb;
    case 0x2d:
        return sa < sb;
    case 0x2e:
        return sa != sb;
    default:
        s->is_bad = true;
        return 0;
    }
}

/* One operation of those that only need the stack; false: it is another one. */
static bool plain_operation(struct stack *s, struct table *t, unsigned op)
{
    if (op >= 0x30 && op <= 0x4f) {
        push(s, op - 0x30);
        return true;
    }
    switch (op) {
    case 0x03: /* an address, and 8 bytes of either sign */
    case 0x0e:
    case 0x0f:
        push(s, table_bytes(t, 8));
        return true;
    case 0x08:
    case 0x0a:
    case 0x0c:
        push(s, table_bytes(t, 1u << (op - 0x08) / 2));
        return true;
    case 0x09:
    case 0x0b:
    case 0x0d:
        push(s, (uintptr_t)table_signed(t, 1u << (op - 0x09) / 2));
        return true;
    case 0x10:
        push(s, table_uleb(t));
        return true;
    case 0x11:
        push(s, (uintptr_t)table_sleb(t));
        return true;
    case 0x12:
        push_copy(s, 0);
        return true;
    case 0x13:
        (void)pop(s);
        return true;
    case 0x14:
        push_copy(s, 1);
        return true;
    case 0x15:
        push_copy(s, table_bytes(t, 1));
        return true;
    case 0x16:
        rotate(s, 2);
        return true;
    case 0x17:
        rotate(s, 3);
        return true;
    case 0x19: {
        const uintptr_t a = pop(s);
        push(s, (intptr_t)a < 0 ? -a : a);
        return true;
    }
    case 0x1f:
        push(s, -pop(s));
        return true;
    case 0x20:
        push(s, ~pop(s));
        return true;
    case 0x23:
        push(s, pop(s) + table_uleb(t));
        return true;
    case 0x96: /* nothing */
        return true;
    default:
        if ((op >= 0x1a && op <= 0x2e && op != 0x28)) {
            push(s, combine(s, op));
            return true;
        }
        return false;
    }
}

static enum found push_register(struct stack *s, const struct regs *regs, uint64_t reg,
                                int64_t offset)
{
    if (reg >= REG_COUNT)
        return FOUND_BAD;
    if (!(regs->known >> reg & 1))
        return FOUND_UNKNOWN;
    push(s, regs->value[reg] + (uintptr_t)offset);
    return FOUND;
}

static void read_memory(struct stack *s, struct memory *memory, uint64_t n)
{
    const uintptr_t at = pop(s);
    uintptr_t word = 0;
    if (n == 0 || n > 8 || (at & 7) + n > 8 || !memory_read(memory, at & ~(uintptr_t)7, &word)) {
        s->is_bad = true;
        return;
    }
    word >>= 8 * (at & 7);
    push(s, n == 8 ? word : word & ((UINT64_C(1) << (8 * n)) - 1));
}

static void skip(struct table *t, const uint8_t *from, bool is_taken)
{
    const int64_t by = table_signed(t, 2);
    if (!is_taken)
        return;
    if (by < from - t->p || by > t->end - t->p)
        t->is_bad = true;
    else
        t->p += by;
}

enum found expression_value(const uint8_t *at, const uint8_t *end, const struct regs *regs,
                            struct memory *memory, const uintptr_t *cfa, uintptr_t *value)
{
    struct table t = {at, end, false};
    const uint64_t size = table_uleb(&t);
    if (t.is_bad || size > (uint64_t)(t.end - t.p))
        return FOUND_BAD;
    t.end = t.p + size;
    const uint8_t *const from = t.p;
    struct stack s;
    s.n = 0;
    s.is_bad = false;
    if (cfa)
        push(&s, *cfa);
    for (unsigned n = 0; t.p < t.end; n++) {
        const unsigned op = (unsigned)table_bytes(&t, 1);
        enum found found = FOUND;
        if (plain_operation(&s, &t, op))
            ;
        else if (op >= 0x70 && op <= 0x8f)
            found = push_register(&s, regs, op - 0x70, table_sleb(&t));
        else if (op >= 0x50 && op <= 0x6f)
            found = push_register(&s, regs, op - 0x50, 0);
        else if (op == 0x92) {
            const uint64_t reg = table_uleb(&t);
            found = push_register(&s, regs, reg, table_sleb(&t));
        } else if (op == 0x06)
            read_memory(&s, memory, 8);
        else if (op == 0x94)
            read_memory(&s, memory, table_bytes(&t, 1));
        else if (op == 0x2f)
            skip(&t, from, true);
        else if (op == 0x28)
            skip(&t, from, pop(&s) != 0);
        else
            return FOUND_BAD;
        if (found != FOUND)
            return found;
        if (t.is_bad || s.is_bad || n == OPERATIONS_MAX)
            return FOUND_BAD;
    }
    *value = pop(&s);
    return s.is_bad ? FOUND_BAD : FOUND;
}
