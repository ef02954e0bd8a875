# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Copies a file line by line and counts; in the middle, until the file `go' is there, it goes back
# and forth in what it reads.

use strict;
use warnings;

my (%count, $line);
open(my $input, '<', 'input') or die "input: $!";
open(my $copy, '>', 'copy') or die "copy: $!";
while (defined($line = <$input>)) {
	chomp $line;
	$count{length $line}++;
	print $copy scalar reverse($line), "\n";
	next if $. != 20000;
	$| = 1;
	print "half\n";
	while (! -e 'go') {
		my $here = tell $input;
		my @next = map { scalar <$input> } 1 .. 100;
		seek $input, $here, 0;
	}
	$. = 20000;
}
close($copy) or die "copy: $!";
print "$_ $count{$_}\n" foreach sort { $a <=> $b } keys %count;
print "lines $.\nend\n";
