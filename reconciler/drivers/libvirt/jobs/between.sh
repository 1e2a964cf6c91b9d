# What the other scripts of this folder begin with: how one host speaks to the other, and how a script ends. POSIX sh of
# Linux, with the tools of coreutils and util-linux.
#
# Paths and names that get here were checked to be made of harmless characters, so that no word needs quoting for the
# shell at the other end.

set -u
umask 077
LC_ALL=C
PATH=$PATH:/usr/local/bin:/usr/bin:/usr/sbin:/sbin
export LC_ALL PATH
folder=$1 record=$2 uuid=$3 peer=$4
shift 4
own=$folder/moves/$record

there() { # COMMAND: run it on the other host
    ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=5 -o ServerAliveCountMax=6 -o ForwardAgent=no \
        -- "root@$peer" "$1"
}

say() { printf '%s\n' "$*"; }

give_up() {
    say "$*"
    exit 1
}

harmless() { # whether this may become part of a command
    case $1 in
        /*) ;;
        *) return 1 ;;
    esac
    case $1 in
        *[!A-Za-z0-9._/+:@=-]* | */../* | */..) return 1 ;;
    esac
}

alive() { # libvirtd answers here; without this, "no such guest" would mean nothing
    timeout 30 virsh -q uri >/dev/null || give_up "libvirtd does not answer on $(uname -n)"
}

state() { # of the guest here, with its reason; empty where it is not registered
    virsh -q domstate --reason "$uuid" 2>/dev/null | tr -d '\n'
}

path_of() { # DEVICE: the image behind it
    virsh -q domblklist --inactive --details "$uuid" | while read -r kind device name path; do
        [ "$name" != "$1" ] || [ "$kind" != file ] || [ "$device" != disk ] || printf '%s' "$path"
    done
}

looks() { # PATH: what changes when somebody writes to it
    stat -L -c '%s %Y %i' "$1"
}

others_use() { # PATH: whether a guest registered here has it among its disks
    for other in $(virsh -q list --all --uuid); do
        virsh -q domblklist --details "$other" | awk -v path="$1" '$4 == path { found = 1 } END { exit !found }' && return 0
    done
    return 1
}
