# What runs on a VM Host to see whether it reaches others as hpvmmigrate would. Changes nothing. POSIX sh.
#
# sh -c THIS reconciler TOKEN SECONDS ADDRESS...
#
# The call is the platform's own (Integrity VM 6.1 guide, p. 211), but for its last word, which would begin a migration's
# receiving end, and for a limit on connecting. Each call ends after SECONDS, so that one silent host hides no other.

set -uf
token=$1 limit=$2
shift 2
PATH=$PATH:/usr/bin:/usr/sbin:/sbin:/opt/hpvm/bin
export PATH

section() { printf '\n%s %s\n' "$token" "$1"; }

ended() { printf '\n%s = %s\n' "$token" "$1"; }

watch() { # PID: end it after the limit and succeed; fail where it is called off before
    nap=
    trap 'kill "$nap" 2>/dev/null; exit 1' TERM
    sleep "$limit" &
    nap=$!
    wait "$nap"
    kill -9 "$1" 2>/dev/null
    exit 0
}

try() { # ADDRESS
    ssh -e none -o BatchMode=yes -o ConnectTimeout=10 -T -x "$1" exec hpvmmigrate -v </dev/null 2>&1 &
    call=$!
    watch "$call" </dev/null >/dev/null 2>&1 &
    watcher=$!
    wait "$call"
    status=$?
    kill "$watcher" 2>/dev/null
    if wait "$watcher"; then status=late; fi
}

named() { # NAME: whether /etc/hosts has it
    while read -r address names; do
        for name in ${names%%#*}; do
            [ "$name" != "$1" ] || return 0
        done
    done </etc/hosts
    return 1
}

known() { # NAME: whether there is a host key under it; 2 where that cannot be asked
    command -v ssh-keygen >/dev/null || return 2
    for file in "${HOME:-/}/.ssh/known_hosts" /etc/ssh/ssh_known_hosts /opt/ssh/etc/ssh_known_hosts; do
        [ ! -f "$file" ] || [ -z "$(ssh-keygen -F "$1" -f "$file" 2>/dev/null)" ] || return 0
    done
    return 1
}

section client
if command -v ssh >/dev/null; then ended 0; else ended 1; fi

for target in "$@"; do
    section "to $target"
    try "$target"
    ended "$status"
    [ "$status" = 255 ] || continue
    section "named $target"
    named "$target"
    ended $?
    section "known $target"
    known "$target"
    ended $?
done
