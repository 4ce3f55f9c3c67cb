/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/wire.h and base/gzip.h: fields in and out, and what comes out of hostile bytes. */
#include "base_unit.h"

#include "base/file.h"
#include "base/gzip.h"
#include "base/wire.h"

static char *exact;

/* In memory of just that size, so that a sanitizer sees one byte too many. */
static struct cursor over(struct span bytes)
{
    free(exact);
    exact = malloc(bytes.n ? bytes.n : 1);
    if (bytes.n)
        memcpy(exact, bytes.p, bytes.n);
    return cursor_over(span_make(exact, bytes.n), CURSOR_LITTLE);
}

#define OVER(text) over(span_make(text, sizeof text - 1))

static int drop(void **state)
{
    (void)state;
    free(exact);
    exact = NULL;
    return 0;
}

static void every_type_is_read(void **state)
{
    (void)state;
    struct cursor c = OVER("\x08\x96\x01"                         /* 1: varint 150 */
                           "\x11\x01\x00\x00\x00\x00\x00\x00\x80" /* 2: 64 bits */
                           "\x1a\x03"
                           "abc"                  /* 3: bytes */
                           "\x25\xff\xff\xff\xff" /* 4: 32 bits */
                           "\xfa\xff\xff\xff\x0f\x00" /* 2^29 - 1: no bytes */);
    struct wire_field field;
    assert_true(wire_next(&c, &field));
    assert_int_equal(field.number, 1);
    assert_int_equal(field.type, WIRE_VARINT);
    assert_int_equal(field.value, 150);
    assert_int_equal(field.at, 0);
    assert_true(wire_next(&c, &field));
    assert_int_equal(field.number, 2);
    assert_int_equal(field.type, WIRE_64);
    assert_true(field.value == 0x8000000000000001u);
    assert_int_equal(field.at, 3);
    assert_true(wire_next(&c, &field));
    assert_int_equal(field.number, 3);
    assert_int_equal(field.type, WIRE_BYTES);
    assert_true(span_is(field.bytes, "abc"));
    assert_int_equal(field.value, 0);
    assert_true(wire_next(&c, &field));
    assert_int_equal(field.number, 4);
    assert_int_equal(field.type, WIRE_32);
    assert_true(field.value == UINT32_MAX);
    assert_int_equal(field.bytes.n, 0);
    assert_true(wire_next(&c, &field));
    assert_int_equal(field.number, (1 << 29) - 1);
    assert_int_equal(field.bytes.n, 0);
    assert_false(wire_next(&c, &field));
    assert_false(cursor_failed(&c));
}

static void what_is_no_field_fails_at_its_tag(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {
        {"\x08\x01\x08", 3},     /* no value */
        {"\x08\x01\x08\x80", 4}, /* half a value */
        {"\x08\x01\x12\x05"
         "abcd",
         8},                                                          /* a length too long */
        {"\x08\x01\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13}, /* no length at all */
        {"\x08\x01\x00\x01", 4},                                      /* number 0 */
        {"\x08\x01\x0b", 3},                                          /* a group */
        {"\x08\x01\x0f", 3},                                          /* no such type */
        {"\x08\x01\x11"
         "1234567",
         10}, /* half of 64 bits */
        {"\x08\x01\x15"
         "123",
         6},                                                              /* half of 32 bits */
        {"\x08\x01\x88\x80\x80\x80\x80\x01\x00", 9},                      /* a number too big */
        {"\x08\x01\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 14}, /* eleven bytes */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cursor c = over(span_make(cases[i].bytes, cases[i].n));
        struct wire_field field;
        assert_true(wire_next(&c, &field));
        assert_false(wire_next(&c, &field));
        assert_true(cursor_failed(&c));
        assert_int_equal(c.failed_at, 2);
        assert_int_equal(field.at, 0); /* what came before is untouched */
        assert_false(wire_next(&c, &field));
    }
}

static void varints_have_64_bits(void **state)
{
    (void)state;
    struct cursor c = OVER("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    assert_true(wire_varint(&c) == UINT64_MAX);
    assert_int_equal(cursor_left(&c), 0);
    assert_false(cursor_failed(&c));
    c = OVER("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    assert_int_equal(wire_varint(&c), 0);
    assert_true(cursor_failed(&c));
    assert_int_equal(c.failed_at, 0);
    c = OVER("");
    assert_int_equal(wire_varint(&c), 0);
    assert_true(cursor_failed(&c));
}

static void numbers_come_packed_or_not(void **state)
{
    (void)state;
    struct cursor c = OVER("\x08\x05"
                           "\x0a\x04\x01\xac\x02\x03"
                           "\x0a\x00"
                           "\x0a\x02\x07\x80"
                           "\x0d"
                           "1234");
    struct wire_field field;
    uint64_t value;
    assert_true(wire_next(&c, &field));
    struct wire_numbers numbers = wire_numbers_of(&field);
    assert_true(wire_take(&numbers, &value));
    assert_int_equal(value, 5);
    assert_false(wire_take(&numbers, &value));
    assert_false(cursor_failed(&numbers.packed));

    assert_true(wire_next(&c, &field));
    numbers = wire_numbers_of(&field);
    for (size_t i = 0; i < 3; i++) {
        assert_true(wire_take(&numbers, &value));
        assert_int_equal(value, ((uint64_t[]){1, 300, 3})[i]);
    }
    assert_false(wire_take(&numbers, &value));
    assert_false(cursor_failed(&numbers.packed));

    assert_true(wire_next(&c, &field));
    numbers = wire_numbers_of(&field);
    assert_false(wire_take(&numbers, &value));
    assert_false(cursor_failed(&numbers.packed));

    assert_true(wire_next(&c, &field)); /* packed, the second one cut short */
    numbers = wire_numbers_of(&field);
    assert_true(wire_take(&numbers, &value));
    assert_int_equal(value, 7);
    assert_false(wire_take(&numbers, &value));
    assert_true(cursor_failed(&numbers.packed));

    assert_true(wire_next(&c, &field)); /* 32 bits are no varint */
    numbers = wire_numbers_of(&field);
    assert_false(wire_take(&numbers, &value));
    assert_true(cursor_failed(&numbers.packed));
}

static void what_is_written_is_in_its_shortest_form(void **state)
{
    (void)state;
    struct buf buf = BUF_MAX(1000);
    wire_number(&buf, 1, 150);
    wire_number(&buf, 2, 0);
    wire_bytes(&buf, 3, span_of("abc"));
    wire_bytes(&buf, 4, span_of(""));
    const size_t outer = wire_begin(&buf, 16);
    wire_put(&buf, 0);
    const size_t inner = wire_begin(&buf, 1);
    wire_end(&buf, inner);
    wire_end(&buf, outer);
    wire_number(&buf, 5, UINT64_MAX);
    static const char wanted[] = "\x08\x96\x01"
                                 "\x1a\x03"
                                 "abc"
                                 "\x82\x01\x03\x00\x0a\x00"
                                 "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_int_equal(buf.n, sizeof wanted - 1);
    assert_memory_equal(buf.p, wanted, buf.n);
    buf_free(&buf);
}

/* Lengths of one, two and three bytes, inside one another. */
static void lengths_move_their_content(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 125, 126, 127, 128, 129, 16380, 16383, 16384, 70000};
    struct buf buf = BUF_MAX(1 << 20);
    char *text = malloc(70000);
    for (size_t i = 0; i < 70000; i++)
        text[i] = (char)('a' + i % 26);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        buf_clear(&buf);
        const size_t outer = wire_begin(&buf, 1);
        wire_number(&buf, 1, 7);
        const size_t inner = wire_begin(&buf, 2);
        buf_add(&buf, span_make(text, sizes[i]));
        wire_end(&buf, inner);
        wire_number(&buf, 3, 9);
        wire_end(&buf, outer);
        wire_number(&buf, 2, 11);

        struct cursor c = over(buf_span(&buf));
        struct wire_field field, in;
        assert_true(wire_next(&c, &field));
        struct cursor message = cursor_over(field.bytes, CURSOR_LITTLE);
        assert_true(wire_next(&message, &in));
        assert_int_equal(in.value, 7);
        assert_true(wire_next(&message, &in));
        assert_int_equal(in.number, 2);
        assert_true(span_equal(in.bytes, span_make(text, sizes[i])));
        assert_true(wire_next(&message, &in));
        assert_int_equal(in.value, 9);
        assert_false(wire_next(&message, &in));
        assert_false(cursor_failed(&message));
        assert_true(wire_next(&c, &field));
        assert_int_equal(field.value, 11);
        assert_int_equal(cursor_left(&c), 0);
    }
    free(text);
    buf_free(&buf);
}

/* Whatever does not fit raises the flag and writes nothing beyond. */
static void a_full_buffer_stays_within_its_maximum(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 400; limit += 3) {
        struct buf buf = BUF_MAX(limit);
        const size_t outer = wire_begin(&buf, 1);
        for (int i = 0; i < 100; i++) {
            const size_t inner = wire_begin(&buf, 2);
            wire_number(&buf, 3, 1000000);
            wire_end(&buf, inner);
        }
        wire_end(&buf, outer);
        assert_true(buf.is_full);
        assert_true(buf.n <= limit);
        buf_free(&buf);
    }
}

static void packed_bytes_unpack(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 65536, 300000};
    char *text = malloc(300000);
    for (uint32_t i = 0; i < 300000; i++)
        text[i] = (char)(i * i >> 7);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct buf packed = BUF_MAX(1 << 20);
        assert_true(gzip_pack(span_make(text, sizes[i]), &packed));
        /* deflate, no flags, no time, and no system. */
        assert_memory_equal(packed.p, "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8);
        assert_int_equal((uint8_t)packed.p[9], 255);
        struct file file = {.bytes = buf_span(&packed)};
        file.name = malloc(2);
        memcpy(file.name, "f", 2);
        struct error err;
        assert_true(file_unpack(&file, 1 << 20, NULL, &err));
        assert_true(span_equal(file.bytes, span_make(text, sizes[i])));
        file_close(&file);
        buf_free(&packed);
    }
    free(text);
}

static void packing_stops_at_the_maximum(void **state)
{
    (void)state;
    struct buf packed = BUF_MAX(25);
    assert_false(gzip_pack(span_of("some text that is longer than that"), &packed));
    assert_true(packed.is_full);
    assert_true(packed.n <= 25);
    buf_free(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_type_is_read, drop),
        cmocka_unit_test_teardown(what_is_no_field_fails_at_its_tag, drop),
        cmocka_unit_test_teardown(varints_have_64_bits, drop),
        cmocka_unit_test_teardown(numbers_come_packed_or_not, drop),
        cmocka_unit_test(what_is_written_is_in_its_shortest_form),
        cmocka_unit_test_teardown(lengths_move_their_content, drop),
        cmocka_unit_test(a_full_buffer_stays_within_its_maximum),
        cmocka_unit_test(packed_bytes_unpack),
        cmocka_unit_test(packing_stops_at_the_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
