# What runs on a libvirt host for one look: everything in one round trip, changing nothing. POSIX sh on Linux, behind
# look.sh.
#
# sh -c THIS reconciler TOKEN FOLDER COPIES SHARED...
#
#    TOKEN   begins the lines that part the answers. It is new for each look, so that nothing a host prints can forge one
#    FOLDER  holds the move records
#    COPIES  a folder in the file system that takes copies of disks
#    SHARED  paths that the operator's settings call shared
#
# Two virsh processes ask libvirt, the second about what the first has found, and who is still there. Each takes a list of commands, in which one
# that fails ends nothing: its section holds what it says instead. A libvirtd that is stopped and not gone takes the
# connection and never answers; so does a file system whose server is away.

set -u
token=$1 folder=$2 copies=$3
shift 3
LC_ALL=C
PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin
export LC_ALL PATH

PATIENCE_S=20
FILES_PATIENCE_S=10
BUNCH=100
FILES_MAX=2000

bounded() { timeout -k 2 $PATIENCE_S "$@" </dev/null 2>&1; }

commands=
wants() { # NAME VIRSH-COMMAND...: one more section of the next call of virsh
    commands="$commands; echo '
$token = 0
$token $1
'; $2"
}

virsh_says() { # NAME: what it was asked for. The exit status of the whole is that of the section which it ended in:
    # NAME, which says nothing, where all went well
    wants "$1" echo
    section "$1 begun"
    bounded virsh -q -c qemu:///system "${commands#; }"
    ended $?
}

lean() { # without what nothing is read of: figures that change all the time, and most of a definition
    sed -e '/^  balloon\.[a-z_-]*=/{/\.\(current\|maximum\|available\|last-update\)=/!d;}' \
        -e "/^$token \(stored\|domcapabilities\) /,/^$token = /{/^  <devices>/,/^  <\/devices>/d;}" \
        -e "/^ *<alias name='[^']*'\/>\$/d" -e "/^ *<address type='\(pci\|drive\|usb\|virtio-serial\)' [^>]*\/>\$/d"
}

uuids() { # the guests, active guests and pools of what was said, one a line, each behind the name of its section
    printf '%s\n' "$said" | awk -v token="$token" '
        $1 == token { name = substr($0, length(token) + 2); next }
        name ~ /^(guests|active|pools)$/ && length($1) == 36 && $1 ~ /^[0-9a-f-]+$/ { print name ":" $1 }'
}

ask clock date +%s
ask user id -u
ask cgroups stat -f -c %T /sys/fs/cgroup

wants guests 'list --all --uuid --name'
wants active 'list --uuid'
wants persistent 'list --all --uuid --persistent'
wants autostart 'list --all --uuid --autostart'
wants managed-save 'list --all --uuid --with-managed-save'
wants stats 'domstats --raw --state --balloon --nowait'
wants version 'version --daemon'
wants nodeinfo nodeinfo
wants memory nodememstats
wants capabilities capabilities
wants 'domcapabilities kvm' 'domcapabilities --virttype kvm'
wants 'domcapabilities qemu' 'domcapabilities --virttype qemu'
wants networks 'net-list --name'
wants pools 'pool-list --uuid'
said=$(virsh_says host | lean)
commands=
printf '%s\n' "$said"

guests= active= pools=
for found in $(uuids); do
    case $found in
        guests:*) guests="$guests ${found#*:}" ;;
        active:*) active="$active ${found#*:}" ;;
        pools:*) pools="$pools ${found#*:}" ;;
    esac
done
details=
bunches=0 number=0
bunch() {
    bunches=$((bunches + 1)) number=0
    part=$(virsh_says "details $bunches" | lean)
    commands=
    printf '%s\n' "$part"
    details="$details
$part"
}
for uuid in $guests; do
    wants "guest $uuid" "dumpxml $uuid"
    wants "snapshots $uuid" "snapshot-list $uuid --name"
    wants "checkpoints $uuid" "checkpoint-list $uuid --name"
    case $active in
        *"$uuid"*)
            wants "stored $uuid" "dumpxml $uuid --inactive"
            wants "migration $uuid" "domjobinfo $uuid"
            ;;
    esac
    number=$((number + 1))
    [ $number -lt $BUNCH ] || bunch
done
for uuid in $pools; do
    wants "pool $uuid" "pool-dumpxml $uuid"
done
wants 'guests now' 'list --all --uuid --name'
bunch

# ---------------------------------------------------------------------------------------------- what lies behind guests

bridges() {
    for place in /sys/class/net/*/bridge; do
        place=${place%/bridge}
        [ ! -d "$place/bridge" ] || echo "${place##*/}"
    done
}

# What stands for a path in XML -> the path.
PLAIN="s/&lt;/</g;s/&gt;/>/g;s/&quot;/\"/g;s/&apos;/'/g;s/&amp;/\\&/g"

sources() { # the files and devices that guests name, one a line
    printf '%s\n' "$details" | sed -n "/^ *<source \(file\|dev\)='\(\/[^']*\)'.*/{s//\2/;$PLAIN;p;}" | sort -u
}

targets() { # the folders of pools that are folders, and that for copies
    {
        printf '%s\n' "$details" |
            sed -n "/^<pool type='dir'>/,/^<\/pool>/{/^ *<path>\(\/.*\)<\/path>/{s//\1/;$PLAIN;p;};}"
        printf '%s\n' "$copies"
    } | sort -u
}

HEADERS='for path; do
    [ -f "$path" ] || [ -b "$path" ] || continue
    printf "%s\n" "$path"
    od -An -v -tx1 -w104 -N104 -- "$path" || echo
done'

DEVICES='for path; do
    [ -b "$path" ] || continue
    set -- $(stat -L -c "%t %T" -- "$path")
    place=/sys/dev/block/$(printf "%d:%d" "0x$1" "0x$2")
    read -r sectors <"$place/size" || sectors=
    read -r mapped 2>/dev/null <"$place/dm/uuid" || mapped=-
    printf "%s %s %s\n" "${sectors:--}" "${mapped:--}" "$path"
done'

FILES='for path; do
    find "$path" -maxdepth 1 -mindepth 1 | head -n "$max"
done'

ask bridges bridges
if command -v ovs-vsctl >/dev/null 2>&1; then
    ask 'ovs bridges' bounded ovs-vsctl list-br
fi
ask mounts cat /proc/self/mountinfo

PRESENT='for path; do
    [ ! -e "$path" ] || printf "%s\n" "$path"
done'

hung=
look_at() { # NAME COMMAND...: as ask, but nothing more of files once a file system has hung
    [ -z "$hung" ] || return 0
    section "$1"
    shift
    timeout -k 2 $FILES_PATIENCE_S "$@" </dev/null 2>&1
    status=$?
    ended $status
    [ $status -lt 124 ] || hung=yes
}

lines=$(sources)
folders=$(targets)
old_ifs=$IFS
IFS='
'
set -f
ask paths printf '%s\n' "$lines"
look_at resolved readlink -m -- $lines
look_at files stat -L -c '%f %s %D %i %t %T %n' -- $lines
look_at headers sh -c "$HEADERS" headers $lines
look_at devices sh -c "$DEVICES" devices $lines
look_at folders stat -L -c '%D %n' -- $folders
look_at occupied env max=$((FILES_MAX + 1)) sh -c "$FILES" files $folders
set +f
IFS=$old_ifs
look_at room df -P -k -- "$copies"
look_at vouched sh -c "$PRESENT" present "$@"

for place in "$folder"/moves/*; do
    [ -d "$place" ] || continue
    section "move ${place##*/}"
    [ ! -s "$place/guest.xml" ] || echo saved
    for list in "$place/originals" "$place/made"; do
        [ -f "$list" ] || continue
        while IFS= read -r path; do
            { [ ! -e "$path" ] && [ ! -L "$path" ]; } || printf 'left %s\n' "$path"
        done <"$list"
    done
    ended 0
done

book
records
jobs_of_moves
finish
