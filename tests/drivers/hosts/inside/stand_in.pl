#!/run/real/perl
# Every stand-in command of a host: tells the fleet's server its name and arguments, prints what comes back, and ends
# with the status it is told. Perl without modules: an observation runs dozens of these, and this one starts in 3 ms.
my ($name) = $0 =~ m{([^/]+)\z};
open(my $file, '<', '/proc/sys/kernel/hostname') or die "$name: no host\n";
chomp(my $host = <$file>);
close $file;
my ($AF_UNIX, $SOCK_STREAM) = (1, 1);
my $server;
socket($server, $AF_UNIX, $SOCK_STREAM, 0)
    && connect($server, pack('S a*', $AF_UNIX, '/run/fleet/socket'))
    or die "$name: the daemon does not answer\n";

my $request = join("\0", $host, $name, @ARGV);
sent(syswrite($server, pack('N', length $request) . $request));

while (defined(my $head = received(5))) {
    my ($kind, $length) = unpack('a N', $head);
    exit $length if $kind eq 'x';
    exec "/run/real/$name", @ARGV if $kind eq 'r';
    my $text = received($length);
    last unless defined $text;
    printed($kind eq 'e' ? *STDERR : *STDOUT, $text);
}
exit 1;

sub sent { defined $_[0] or die "$name: the daemon does not answer\n" }

sub printed {
    my ($to, $text) = @_;
    while (length $text) {
        my $done = syswrite($to, $text);
        exit 1 unless defined $done;
        substr($text, 0, $done, '');
    }
}

sub received {
    my ($wanted) = @_;
    my $text = '';
    while (length $text < $wanted) {
        my $done = sysread($server, $text, $wanted - length $text, length $text);
        return undef unless $done;
    }
    return $text;
}
