# Process 1 of a host: starts sshd when told `listen`, buries the dead, and ends when whoever started the host has gone.
# Told through its standard input; with its end the kernel ends everything else on the host.
my @sshd = @ARGV;
pipe(my $woken, my $wake) or die "pipe: $!\n";
$SIG{CHLD} = sub { syswrite($wake, '.') };
listen_again();
while (1) {
    my $readable = '';
    vec($readable, 0, 1) = vec($readable, fileno($woken), 1) = 1;
    next if select($readable, undef, undef, undef) < 0;
    if (vec($readable, fileno($woken), 1)) { sysread($woken, my $dots, 4096) }
    while (waitpid(-1, 1) > 0) { }    # 1: WNOHANG
    next unless vec($readable, 0, 1);
    exit 0 unless sysread(STDIN, my $told, 4096);
    listen_again() if $told =~ /listen/;
}

sub listen_again {
    my $child = fork;
    return if $child;
    $SIG{CHLD} = 'DEFAULT';
    open(STDIN, '<', '/dev/null');
    exec @sshd or exit 127;
}
