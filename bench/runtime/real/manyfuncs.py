# SPDX-License-Identifier: BSD-3-Clause
#
# Prints a C file of N small functions, to be compiled.
import sys

n = int(sys.argv[1]) if len(sys.argv) > 1 else 300
print("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>")
for i in range(n):
    print(f"struct s{i} {{ int a; char *b; struct s{i} *next; double d[{i % 7 + 1}]; }};")
    print(f"static int f{i}(struct s{i} *p, int k) {{ int t = {i};")
    print("  for (int j = 0; j < k; j++) { if (!p) break; t += p->a * j;")
    print(f"    switch (t % 5) {{ case 0: t ^= {i}; break; case 1: t += (int)p->d[0]; break;")
    print("    case 2: p = p->next; break; default: t -= (int)strlen(p->b ? p->b : \"\"); } }")
    print("  return t; }")
print("int main(int c, char **v) { (void)v; int t = 0;")
for i in range(n):
    print(f"  {{ struct s{i} x = {{c, v[0], 0, {{1}}}}; t += f{i}(&x, c); }}")
print('  printf("%d\\n", t); return 0; }')
