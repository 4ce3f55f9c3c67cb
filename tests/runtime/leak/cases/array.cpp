/* SPDX-License-Identifier: BSD-3-Clause
 *
 * truth: clean
 * why: new[] of a class with a destructor returns a pointer past its count,
 *      and a pointer to a second base class is past the first */
#include "leaks.h"
struct A {
    virtual ~A()
    {
    }
    long a[3];
};
struct B {
    virtual ~B()
    {
    }
    long b[3];
};
struct C : A, B {
};
static A *many;
static B *second;
static void work()
{
    many = new A[10];
    second = new C;
    STORE(many);
    STORE(second);
}
MAIN(work)
