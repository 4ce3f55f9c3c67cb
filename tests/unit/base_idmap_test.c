/* SPDX-License-Identifier: BSD-3-Clause
 *
 * base/idmap.h: keys to ids, and the hashes. */
#include "base_unit.h"

#include "base/idmap.h"

static void an_empty_map_finds_nothing(void **state)
{
    (void)state;
    struct idmap map = {0};
    uint32_t id = 42;
    assert_false(idmap_find(&map, 0, &id));
    assert_int_equal(id, 42);
    idmap_free(&map);
    idmap_free(&map);
}

static void the_first_id_stays(void **state)
{
    (void)state;
    struct idmap map = {0};
    bool was_new = false;
    assert_int_equal(idmap_add(&map, 0, 7, &was_new), 7);
    assert_true(was_new);
    assert_int_equal(idmap_add(&map, 0, 8, &was_new), 7);
    assert_false(was_new);
    assert_int_equal(idmap_add(&map, UINT64_MAX, 0, NULL), 0);
    assert_int_equal(idmap_add(&map, UINT64_MAX, 5, NULL), 0);
    assert_int_equal(idmap_add(&map, 1, UINT32_MAX - 1, NULL), UINT32_MAX - 1);
    uint32_t id;
    assert_true(idmap_find(&map, 1, &id));
    assert_int_equal(id, UINT32_MAX - 1);
    assert_int_equal(map.n, 3);
    idmap_free(&map);
    assert_false(idmap_find(&map, 1, &id));
}

/* Keys as they come: pages, small numbers, and what the hash makes one of. */
static uint64_t key_at(uint32_t i, int kind)
{
    return kind == 0 ? (uint64_t)i << 12 : kind == 1 ? i : (uint64_t)i << 44;
}

static void growing_keeps_every_key(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct idmap map = {0};
        const uint32_t n = 100000;
        for (uint32_t i = 0; i < n; i++) {
            bool was_new;
            assert_int_equal(idmap_add(&map, key_at(i, kind), i, &was_new), i);
            assert_true(was_new);
        }
        assert_int_equal(map.n, n);
        assert_true(map.cap <= 4 * n);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t id;
            assert_true(idmap_find(&map, key_at(i, kind), &id));
            assert_int_equal(id, i);
        }
        uint32_t id;
        assert_false(idmap_find(&map, key_at(n, kind), &id));
        idmap_free(&map);
    }
}

static void hashes_see_every_byte_and_the_length(void **state)
{
    (void)state;
    static unsigned char bytes[64];
    uint64_t seen[2 * 64 * 8 + 64];
    size_t n = 0;
    for (size_t size = 0; size <= 40; size++)
        seen[n++] = hash_bytes(bytes, size); /* zeros, of each length */
    for (size_t bit = 0; bit < 40 * 8; bit++) {
        bytes[bit / 8] = (unsigned char)(1 << bit % 8);
        seen[n++] = hash_bytes(bytes, 40);
        if (bit < 37 * 8)
            seen[n++] = hash_bytes(bytes, 37);
        bytes[bit / 8] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            assert_true(seen[i] != seen[k]);
    }
    assert_true(hash_bytes(NULL, 0) == hash_bytes("", 0));
    /* The same wherever the bytes stand. */
    char moved[32];
    for (size_t at = 0; at < 8; at++) {
        memcpy(moved + at, "operator new(unsigned)", 22);
        assert_true(hash_bytes(moved + at, 22) == hash_bytes("operator new(unsigned)", 22));
    }
}

static void mixing_tells_its_parts_apart(void **state)
{
    (void)state;
    assert_true(hash_mix(1, 2) != hash_mix(2, 1));
    assert_true(hash_mix(0, 0) != hash_mix(0, 1));
    assert_true(hash_mix(0, 1) != hash_mix(1, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_finds_nothing),
        cmocka_unit_test(the_first_id_stays),
        cmocka_unit_test(growing_keeps_every_key),
        cmocka_unit_test(hashes_see_every_byte_and_the_length),
        cmocka_unit_test(mixing_tells_its_parts_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
