/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A program that is linked with the archive may have any name for itself that is in no public
 * header: here are some that the allocator has inside. */

int classes = 1, fast = 2, own = 3, knobs = 4, hooks_heard = 5, unwind = 6;

int text_add(int a, int b);
int lock_wait(int a);

int text_add(int a, int b)
{
    return a + b;
}

int lock_wait(int a)
{
    return a;
}
