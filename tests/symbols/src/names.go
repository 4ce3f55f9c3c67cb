// SPDX-License-Identifier: BSD-3-Clause
//
// Go: methods, closures, what is inlined.
package main

import "os"

type counter struct{ n int }

//go:noinline
func (c *counter) add(x int) int {
	c.n += x
	return c.n
}

func small(x int) int { return x*3 + len(os.Args) }

//go:noinline
func apply(f func(int) int, x int) int { return f(small(x)) }

func main() {
	c := &counter{}
	total := apply(func(x int) int { return c.add(x) }, len(os.Args))
	os.Exit(total & 1)
}
