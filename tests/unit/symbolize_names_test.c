/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Demangling and short names: the table of docs/symbols.md, corners, and names made to explode. */
#include "base_unit.h"

#include "base/buf.h"
#include "symbolize/internal.h"

static int setup(void **state)
{
    *state = strings_new();
    return 0;
}

static int teardown(void **state)
{
    strings_free(*state);
    return 0;
}

static void shortened(void **state)
{
    struct strings *strings = *state;
    static const struct {
        const char *full, *brief, *with_templates; /* NULL: as brief */
    } rows[] = {
        {"", "", NULL},
        {"main", "main", NULL},
        {"ns::over(int)", "ns::over", NULL},
        {"int ns::tmpl<int, 3>(int)", "ns::tmpl", "ns::tmpl<int, 3>"},
        {"int gtmpl<int>(int)", "int gtmpl", "int gtmpl<int>"},
        {"ns::Box<std::map<int, Foo<char> > >::get(int) const", "ns::Box::get",
         "ns::Box<std::map<int, Foo<char> > >::get"},
        {"ns::Op::operator()(int) const", "ns::Op::operator()", NULL},
        {"operator()(int)", "operator()", NULL},
        {"ns::Op::operator()", "ns::Op::operator()", NULL},
        {"ns::Op::operator ()(int)", "ns::Op::operator ", NULL},
        {"cooperator()", "cooperator", NULL},
        {"_operator()", "_operator", NULL},
        {"ns::Op::operator<(ns::Op const&) const", "ns::Op::operator<", NULL},
        {"ns::Op::operator->() const", "ns::Op::operator->", NULL},
        {"std::ostream& std::operator<< <T>(std::ostream&, T)", "std::operator<< ",
         "std::operator<< <T>"},
        {"ns::Op::operator int() const", "ns::Op::operator int", NULL},
        {"operator new(unsigned long)", "operator new", NULL},
        {"ns::(anonymous namespace)::hidden(int)", "ns::::hidden", NULL},
        {"(anonymous namespace)::bare()", "::bare", NULL},
        {"ns::takes(int (*)(int), ns::Box<int>*)", "ns::takes", NULL},
        {"Foo::run()::{lambda()#1}::operator()() const", "Foo::run::{lambda#1}::operator()", NULL},
        {"Foo::run(Bar::operator()())::x()", "Foo::run::x", NULL},
        {"Foo::f() volatile", "Foo::f volatile", NULL},
        {"Foo::g() const &", "Foo::g &", NULL},
        {"Foo::h()\tconst", "Foo::h", NULL},
        {"Foo::bar[abi:cxx11]()", "Foo::bar[abi:cxx11]", NULL},
        {"work() [clone .isra.0]", "work [clone .isra.0]", NULL},
        {"plain.part.0", "plain.part.0", NULL},
        {"vtable for Foo", "vtable for Foo", NULL},
        {"non-virtual thunk to Foo::virt()", "Foo::virt", NULL},
        {"unsigned long ns::A::h<(ns::E)1>(int)", "ns::A::h", NULL},
        {"fwd@@GLIBC_2.2.5", "fwd@@GLIBC_2.2.5", NULL},
        {"fn<00000000004012a0>", "fn", NULL},
        {"fn<>", "fn", NULL},
        {"fn<1A>", "fn", "fn<1A>"},
        {"<ab>", "<ab>", NULL},
        {"<img src=x onerror=f(1)>", "<img src=x onerror=f(1)>", "<img src=x onerror=f>"},
        {"ab>", "ab>", NULL},
        {"f(a(b)c", "f(ac", NULL},
        {"f)a(b)c", "f)ac", NULL},
        {"f<a<b>c", "f<ac", "f<a<b>c"},
        {"a b::c d:e f::", "f::", NULL},
        {"a b::c-d::e", "b::c-d::e", NULL},
        {"a -b::c", "a -b::c", NULL},
        {"a b:c", "a b:c", NULL},
        {"x ::y", "x ::y", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const str_id full = strings_add_text(strings, rows[i].full);
        assert_string_equal(strings_text(strings, name_shorten(strings, full, false)),
                            rows[i].brief);
        const char *wanted = rows[i].with_templates ? rows[i].with_templates : rows[i].brief;
        assert_string_equal(strings_text(strings, name_shorten(strings, full, true)), wanted);
    }
}

static void shown(void **state)
{
    struct strings *strings = *state;
    static const struct {
        const char *raw, *class_name, *with_templates; /* NULL: as class_name */
    } rows[] = {
        {"main", "main", NULL},
        {"_ZN2ns4overEi", "ns::over", NULL},
        {"_ZNK2ns3BoxIiE3getEi", "Box::get", "Box<int>::get"},
        {"_ZNK2ns3BoxIN1a1bEE3getEi", "Box::get", "Box<a::b>::get"},
        {"_ZNK2ns2OpclEi", "Op::operator()", NULL},
        {"_ZNK2ns2OpltERKS0_", "Op::operator<", NULL},
        {"_ZN2ns2OpptEv", "Op::operator->", NULL},
        {"_ZNK2ns2OpcviEv", "Op::operator int", NULL},
        {"_ZN1a1b1c1dEv", "c::d", NULL},
        {"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "Formatter::pad", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const str_id full = name_demangle(strings, rows[i].raw);
        struct naming naming = {.style = NAMES_CLASS};
        assert_string_equal(strings_text(strings, name_show(strings, rows[i].raw, full, naming)),
                            rows[i].class_name);
        naming.keep_templates = true;
        assert_string_equal(strings_text(strings, name_show(strings, rows[i].raw, full, naming)),
                            rows[i].with_templates ? rows[i].with_templates : rows[i].class_name);
        naming.style = NAMES_FULL;
        assert_int_equal(name_show(strings, rows[i].raw, full, naming), full);
        naming.style = NAMES_MANGLED;
        assert_string_equal(strings_text(strings, name_show(strings, rows[i].raw, full, naming)),
                            rows[i].raw);
        assert_int_equal(name_show(strings, NULL, full, naming), full);
        naming.style = NAMES_SHORT;
        assert_int_equal(name_show(strings, rows[i].raw, full, naming),
                         name_shorten(strings, full, true));
    }
    enum name_style style = NAMES_SHORT;
    assert_true(name_style_find(span_of("mangled"), &style));
    assert_int_equal(style, NAMES_MANGLED);
    assert_false(name_style_find(span_of("mangle"), &style));
    assert_int_equal(style, NAMES_MANGLED);
}

/* Raw names that say the same stay apart where they are shown. */
static void cached_mangled(void **state)
{
    struct strings *strings = *state;
    struct name_cache cache = {.strings = strings, .naming = {.style = NAMES_MANGLED}};
    const struct name complete = name_of_raw(&cache, "_ZN3FooC1Ev");
    const struct name base = name_of_raw(&cache, "_ZN3FooC2Ev");
    assert_int_equal(complete.full, base.full);
    assert_int_equal(complete.brief, base.brief);
    assert_string_equal(strings_text(strings, complete.shown), "_ZN3FooC1Ev");
    assert_string_equal(strings_text(strings, base.shown), "_ZN3FooC2Ev");
    assert_int_equal(name_of_full(&cache, base.full).shown, base.full);
    name_cache_free(&cache);
}

/* More brackets than fit in any small table. */
static void shortened_long(void **state)
{
    struct strings *strings = *state;
    struct buf name = BUF_MAX(1 << 20);
    buf_text(&name, "f");
    for (int i = 0; i < 100000; i++)
        buf_byte(&name, '(');
    for (int i = 0; i < 100000; i++)
        buf_byte(&name, ')');
    str_id full = strings_add(strings, buf_span(&name));
    assert_string_equal(strings_text(strings, name_shorten(strings, full, false)), "f");
    buf_clear(&name);
    for (int i = 0; i < 50000; i++)
        buf_text(&name, "a ");
    full = strings_add(strings, buf_span(&name));
    assert_int_equal(name_shorten(strings, full, false), full);
    buf_free(&name);
}

static void demangled(void **state)
{
    struct strings *strings = *state;
    static const struct {
        const char *raw, *full;
    } rows[] = {
        {"", ""},
        {"main", "main"},
        {"_start", "_start"},
        {"_Z", "_Z"},
        {"_ZN2ns4overEi", "ns::over(int)"},
        {"_ZN2ns4tmplIiLi3EEET_S1_", "int ns::tmpl<int, 3>(int)"},
        {"_ZL11work_staticv.isra.0", "work_static() [clone .isra.0]"},
        {"_ZN3Foo3barB5cxx11Ev", "Foo::bar[abi:cxx11]()"},
        {"_ZZN3Foo3runEvENKUlvE_clEv", "Foo::run()::{lambda()#1}::operator()() const"},
        {"_ZN2ns5Plus1IiEvT_", "_ZN2ns5Plus1IiEvT_"},
        {"_ZTV3Foo", "vtable for Foo"},
        {"_Znwm", "operator new(unsigned long)"},
        {"._ZN2ns4overEi", ".ns::over(int)"},
        {"..text", "..text"},
        /* Rust, both ways. */
        {"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"},
        {"_ZN39_$LT$u8$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
         "<u8 as core::fmt::Debug>::fmt"},
        {"_RNvC6_123foo3bar", "123foo::bar"},
        {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
        /* D. */
        {"_D8demangle4testFaZv", "demangle.test(char)"},
        {"_Dmain", "D main"},
        {"_D", "_D"},
        {"_Dx", "_Dx"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(strings_text(strings, name_demangle(strings, rows[i].raw)),
                            rows[i].full);
}

/* std::pair of the pair before, thirty times over. */
static void exploding_cxx(void **state)
{
    struct strings *strings = *state;
    struct buf name = BUF_MAX(1 << 16);
    buf_text(&name, "_Z1fSt4pairIiiE");
    buf_text(&name, "S_IS0_S0_E");
    for (int i = 1; i < 34; i++)
        buf_printf(&name, i < 10 ? "S_IS%d_S%d_E" : "S_IS%c_S%c_E", i < 10 ? i : 'A' + i - 10,
                   i < 10 ? i : 'A' + i - 10);
    const str_id raw = strings_add_text(strings, buf_c(&name));
    assert_int_equal(name_demangle(strings, buf_c(&name)), raw);
    buf_free(&name);
}

static void deep_and_long(void **state)
{
    struct strings *strings = *state;
    static const char *const starts[] = {"_Z1f", "_RNv", "_R", "_D1f", "_ZN", "_D1fFQ"};
    static const char *const middles[] = {"P", "NN", "TB_", "Q", "S_", "I", "pcv", "FB_", "X"};
    for (size_t s = 0; s < COUNT_OF(starts); s++) {
        for (size_t m = 0; m < COUNT_OF(middles); m++) {
            for (int times = 10; times < 100000; times *= 10) {
                struct buf name = BUF_MAX(1 << 20);
                buf_text(&name, starts[s]);
                for (int i = 0; i < times; i++)
                    buf_text(&name, middles[m]);
                (void)name_demangle(strings, buf_c(&name));
                buf_free(&name);
            }
        }
    }
}

static void cached(void **state)
{
    struct strings *strings = *state;
    struct name_cache cache = {.strings = strings};
    static const char raw[] = "_ZN2ns4overEi", again[] = "_ZN2ns4overEi";
    const struct name a = name_of_raw(&cache, raw), b = name_of_raw(&cache, again);
    assert_string_equal(strings_text(strings, a.full), "ns::over(int)");
    assert_string_equal(strings_text(strings, a.brief), "ns::over");
    assert_int_equal(a.full, b.full);
    assert_int_equal(cache.n, 1);
    const struct name c = name_of_raw(&cache, "plain"), d = name_of_raw(&cache, "plain.part.0"),
                      t = name_of_raw(&cache, "_ZN2ns4tmplIiLi3EEET_S1_");
    for (int i = 0; i < 2; i++) {
        assert_true(name_is_spelled(&cache, c, d));
        assert_false(name_is_spelled(&cache, d, c));
        assert_true(name_is_spelled(&cache, c, c));
        assert_false(name_is_spelled(&cache, t, t)); /* the return type comes first */
        assert_true(name_is_spelled(&cache, a, a));
    }
    static const char path[] = "_ZN2ns4overEi";
    assert_string_equal(strings_text(strings, text_of_raw(&cache, path)), path);
    assert_int_equal(text_of_raw(&cache, path), text_of_raw(&cache, path));
    assert_int_equal(name_of_full(&cache, a.full).brief, a.brief);
    name_cache_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shortened, setup, teardown),
        cmocka_unit_test_setup_teardown(shown, setup, teardown),
        cmocka_unit_test_setup_teardown(cached_mangled, setup, teardown),
        cmocka_unit_test_setup_teardown(shortened_long, setup, teardown),
        cmocka_unit_test_setup_teardown(demangled, setup, teardown),
        cmocka_unit_test_setup_teardown(exploding_cxx, setup, teardown),
        cmocka_unit_test_setup_teardown(deep_and_long, setup, teardown),
        cmocka_unit_test_setup_teardown(cached, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
