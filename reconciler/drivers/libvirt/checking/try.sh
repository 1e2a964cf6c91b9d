# What runs on a libvirt host to see whether it has what moves need, and whether it reaches others as a move would. Changes
# nothing. POSIX sh on Linux, behind look.sh.
#
# sh -c THIS reconciler TOKEN SECONDS FOLDER COPIES COUNT ADDRESS... PATH...
#
#    SECONDS  what one call may take: one silent host hides no other
#    FOLDER   holds the move records
#    COPIES   a folder in the file system that takes copies of disks
#    COUNT    how many addresses follow
#    PATH     images on shared storage, of guests here or elsewhere

set -uf
token=$1 limit=$2 folder=$3 copies=$4 count=$5
shift 5
LC_ALL=C
PATH=$PATH:/usr/local/bin:/usr/bin:/usr/sbin:/sbin
export LC_ALL PATH

CONNECT_S=4

bounded() { timeout -k 2 "$limit" "$@" </dev/null 2>&1; }

# What a login is asked: it finds programs on the path of a shell that nobody logged in to.
TOLD='for tool in virsh qemu-img sha256sum flock dd sync; do
    command -v $tool >/dev/null || echo "@lacks $tool"
done
command -v virt-ssh-helper >/dev/null || command -v nc >/dev/null || echo "@helperless"
for end in min max; do
    sed -n "s/^ *migration_port_$end *= *\([0-9]*\).*/@$end \1/p" /etc/libvirt/qemu.conf 2>/dev/null
done
:'

tools() { # what the scripts of moves need and this host lacks, one a line
    for tool in ssh virsh qemu-img sha256sum flock timeout dd stat od sync awk df; do
        command -v "$tool" >/dev/null || echo "$tool"
    done
    command -v virsh >/dev/null || return 0
    for words in 'dumpxml --xpath' 'migrate --migrate-disks' 'hypervisor-cpu-compare --error' 'undefine --keep-nvram'; do
        case $(virsh help "${words% *}" 2>/dev/null) in
            *"${words#* }"*) ;;
            *) echo "virsh $words" ;;
        esac
    done
}

nearest() { # what there is of a path that may not be there yet
    place=$1
    until [ -e "$place" ]; do
        place=${place%/*}
        place=${place:-/}
    done
    printf '%s\n' "$place"
}

kind() { # of a folder for copies
    if [ ! -d "$1" ]; then echo missing; elif [ ! -w "$1" ]; then echo closed; else echo open; fi
}

# What makes each of these files or devices the one that it is, one a line: KIND WORD WORD PATH
IMAGES='for path; do
    if [ -f "$path" ]; then
        stat -L -c "file %i %W %n" -- "$path"
    elif [ -b "$path" ]; then
        place=/sys/dev/block/$(printf "%d:%d" $(stat -L -c "0x%t 0x%T" -- "$path"))
        read -r sectors <"$place/size" || sectors=-
        name=$(cat "$place/dm/uuid" "$place/device/wwid" "$place/wwid" 2>/dev/null | head -n 1 | tr -d " ")
        printf "device %s %s %s\n" "${sectors:--}" "${name:--}" "$path"
    else
        printf "none - - %s\n" "$path"
    fi
done'

known() { # NAME: whether there is a host key under it; 2 where that cannot be asked
    command -v ssh-keygen >/dev/null || return 2
    for file in "${HOME:-/root}/.ssh/known_hosts" /etc/ssh/ssh_known_hosts; do
        [ ! -f "$file" ] || [ -z "$(ssh-keygen -F "$1" -f "$file" 2>/dev/null)" ] || return 0
    done
    return 1
}

libvirt_there() { # ADDRESS: its UUID, by the way that a migration takes; else what was said
    said=$(bounded virsh -q -c "qemu+ssh://root@$1/system" capabilities)
    status=$?
    if [ $status = 0 ]; then
        printf '%s\n' "$said" | sed -n 's/^ *<uuid>\(.*\)<\/uuid>.*/\1/p' | head -n 1
    else
        printf '%s\n' "$said" | tail -n 5
    fi
    return $status
}

port() { # ADDRESS PORT: open | refused | silent | blocked, and what was said. Nobody listens there before a migration
    # begins, so that "refused" is the answer of a port that is free and can be reached.
    said=$(timeout -k 1 $CONNECT_S bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1 </dev/null)
    case $?:$said in
        0:*) echo open ;;
        124:* | 137:*) echo silent ;;
        *"Connection refused"*) echo refused ;;
        *) printf 'blocked %s\n' "$said" ;;
    esac
}

ask tools tools
ask boot cat /proc/sys/kernel/random/boot_id
ask 'record room' bounded df -P -k -- "$(nearest "$folder")"
ask copies kind "$copies"

while [ "$count" -gt 0 ]; do
    address=$1
    shift
    count=$((count - 1))
    section "ssh $address"
    told=$(bounded ssh -o BatchMode=yes -o ConnectTimeout=10 -o ForwardAgent=no -- "root@$address" "$TOLD")
    status=$?
    printf '%s\n' "$told"
    ended $status
    if [ $status = 255 ]; then
        ask "named $address" bounded getent hosts "$address"
        ask "known $address" known "$address"
    fi
    [ $status = 0 ] || continue
    ask "libvirt $address" libvirt_there "$address"
    if command -v bash >/dev/null; then
        for end in min:49152 max:49215; do
            number=$(printf '%s\n' "$told" | sed -n "s/^@${end%:*} //p" | tail -n 1)
            number=${number:-${end#*:}}
            ask "port $address $number" port "$address" "$number"
        done
    fi
done
ask images bounded sh -c "$IMAGES" images "$@"
finish
