# Perl: modules in C, edits in place, processes and pipes, a tied database, sockets, temporary files.
set -e
mkdir -p /var/lib/figures
cd /var/lib/figures
seq 100 >numbers
perl -pi.orig -e 's/^(\d+)$/$1 * 2/e' numbers
test "$(tail -n 1 numbers)" = 200
perl - <<'END'
use strict;
use warnings;
use Fcntl qw(:flock O_RDWR O_CREAT);
use File::Copy;
use File::Temp qw(tempfile);
use IO::Socket::UNIX;
use List::Util qw(sum);
use POSIX ();
use SDBM_File;
use Storable qw(lock_store lock_retrieve);

tie(my %database, 'SDBM_File', 'database', O_RDWR | O_CREAT, 0640) or die $!;
$database{$_} = $_ * $_ for 1 .. 500;
die "sum" unless sum(map { $database{$_} } 1 .. 3) == 14;
untie %database;
lock_store({list => [1 .. 100]}, 'stored');
die "stored" unless @{lock_retrieve('stored')->{list}} == 100;
my ($handle, $name) = tempfile(UNLINK => 1);
print $handle "text\n" x 1000;
close $handle;
copy($name, 'copied') or die $!;
open(my $lock, '>>', 'lock') or die $!;
flock($lock, LOCK_EX) or die $!;
my $server = IO::Socket::UNIX->new(Local => '/var/lib/figures/socket', Listen => 5) or die $!;
for (1 .. 8) {
  my $child = fork() // die $!;
  if (!$child) {
    my $client = IO::Socket::UNIX->new(Peer => '/var/lib/figures/socket') or POSIX::_exit(1);
    print $client qx(ls / | wc -l);
    POSIX::_exit(0);
  }
  my $connection = $server->accept or die $!;
  die "answer" unless <$connection> > 5;
  waitpid($child, 0);
  die "child" if $?;
}
END
