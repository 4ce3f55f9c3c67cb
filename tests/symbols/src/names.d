// SPDX-License-Identifier: BSD-3-Clause
//
// D: a class, a template, a function inside a function.
module names;

__gshared int sink;

class Counter
{
    int n;
    pragma(inline, false) final int add(int x) { n += x; return n + sink; }
}

pragma(inline, false) T twice(T)(T x) { sink += cast(int) x; return cast(T)(x + x); }

int main(string[] args)
{
    int inside(int x) { sink += x; return x + cast(int) args.length; }
    auto counter = new Counter;
    return (counter.add(1) + twice!long(2) + twice!int(3) + inside(4)) & 1;
}
