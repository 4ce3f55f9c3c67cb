# SPDX-License-Identifier: BSD-3-Clause
#
# Hashes of arrays, string building, splitting and sorting.
use strict;
my $x = 12345;
sub r { $x = ($x * 1103515245 + 12345) & 0x7fffffff; return $x >> 8; }
my %count;
my @lines;
for (1 .. 150000) {
    push @lines, join(' ', map { 'word' . r() % 3000 } 1 .. 6);
}
for my $l (@lines) {
    for my $w (split / /, $l) {
        push @{ $count{$w} }, length $l;
    }
}
my %by;
for my $w (keys %count) {
    my $s = substr($w, 0, 6);
    $by{$s} = { n => 0, words => [] } unless $by{$s};
    $by{$s}{n} += @{ $count{$w} };
    push @{ $by{$s}{words} }, uc $w;
}
my @top = sort { $by{$b}{n} <=> $by{$a}{n} || $a cmp $b } keys %by;
print scalar(keys %count), " ", scalar(@top), " $top[0]\n";
