# What the other scripts of this folder begin with: how one host speaks to the other, what is asked of the own one, and how
# a script ends. POSIX sh of Linux, with the tools of coreutils and util-linux.
#
# Paths and names that become part of a command at the other end are made of harmless characters, so that none needs
# quoting there. No answer of libvirtd is no answer: it never counts as "not registered" or "nobody uses it".

set -u
umask 077
LC_ALL=C
PATH=$PATH:/usr/local/bin:/usr/bin:/usr/sbin:/sbin
LIBVIRT_DEFAULT_URI=qemu:///system
export LC_ALL PATH LIBVIRT_DEFAULT_URI
folder=$1 record=$2 uuid=$3 peer=$4
shift 4
own=$folder/moves/$record

PATIENCE_S=60
LOCK_S=60
BY_WORD="LC_ALL=C LIBVIRT_DEFAULT_URI=$LIBVIRT_DEFAULT_URI; export LC_ALL LIBVIRT_DEFAULT_URI"

virsh() { timeout -k 5 $PATIENCE_S virsh "$@"; }

there() { # COMMAND: run it on the other host
    ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=5 -o ServerAliveCountMax=6 -o ForwardAgent=no \
        -- "root@$peer" "$BY_WORD; $1"
}

say() { printf '%s\n' "$*"; }

give_up() {
    say "$*"
    exit 1
}

harmless() { # whether this path may become part of a command
    case $1 in
        /*) ;;
        *) return 1 ;;
    esac
    case $1 in
        *[!A-Za-z0-9._/+:@=-]* | */../* | */..) return 1 ;;
    esac
}

settle() { # what libvirt has just written, or taken away, outlives a power cut
    sync -f /etc/libvirt/qemu 2>/dev/null || sync
}

look_here() { # sets `state`: the guest's own, with its reason, or `absent` where it is not registered here
    registered=$(virsh -q list --all --uuid) || give_up "libvirtd does not answer on $(uname -n)"
    state=absent
    case $registered in
        *"$uuid"*) state=$(virsh -q domstate --reason "$uuid") || give_up "libvirtd does not answer on $(uname -n)" ;;
    esac
}

image_of() { # DEVICE: sets `path` to the image behind it, as the guest has it now, and `format` as it is declared
    disks=$(virsh -q domblklist --details "$uuid") || give_up "libvirtd does not answer on $(uname -n)"
    path=$(printf '%s\n' "$disks" | while read -r kind device name source; do
        [ "$name" != "$1" ] || [ "$kind" != file ] || [ "$device" != disk ] || printf '%s' "$source"
    done)
    harmless "$path" && [ -f "$path" ] && [ ! -L "$path" ] || give_up "disk $1 is no file that can be copied: $path"
    format=$(virsh -q dumpxml "$uuid" --xpath "/domain/devices/disk[target/@dev='$1']/driver/@type" |
        sed -n 's/^ *type="\([a-z0-9]*\)".*/\1/p')
    [ -n "$format" ] || give_up "disk $1 does not say its format"
}

fingerprint() { # PATH: what changes when somebody writes to it
    stat -L -c '%s %Y %i' "$1"
}

idle() { # PATH: whether no process holds it as a disk
    qemu-img info -f raw "$1" >/dev/null 2>&1
}

used_here() { # PATH: whether a guest registered here has it among its disks, now or when it boots next, or below one.
    # What cannot be told counts as used.
    guests=$(virsh -q list --all --uuid) || give_up "libvirtd does not answer on $(uname -n)"
    for guest in $guests; do
        disks=$(virsh -q domblklist --details "$guest") || give_up "libvirtd does not answer on $(uname -n)"
        stored=$(virsh -q domblklist --inactive --details "$guest" 2>/dev/null)
        printf '%s\n%s\n' "$disks" "$stored" | while read -r kind device name source; do
            [ "$kind" = file ] && [ -e "$source" ] || continue
            layers=$(qemu-img info -U --backing-chain "$source") || exit 3
            printf '%s\n' "$layers" | sed -n 's/^image: //p' | while read -r layer; do
                [ ! "$layer" -ef "$1" ] || exit 3
            done || exit 3
        done || return 0
    done
    return 1
}
