# What runs on a VM Host for one look: everything in one round trip, changing nothing. POSIX sh, behind look.sh.
#
# sh -c THIS reconciler TOKEN FOLDER COPIES
#
#    TOKEN   begins the lines that part the answers. It is new for each look, so that nothing a host prints can forge one
#    FOLDER  holds the move records
#    COPIES  a folder in the file system that takes copies of disks

set -u
token=$1 folder=$2 copies=$3
PATH=$PATH:/usr/bin:/usr/sbin:/sbin:/opt/hpvm/bin:/usr/contrib/bin
export PATH

ask clock date -u '+%Y %j %H %M %S'
ask user id -u
ask platform hpvminfo
ask version hpvminfo -v
ask machine machinfo
family() { # the numbers of the processor, where this release prints them
    machinfo -v | sed -n '/[Ff]amily/p'
}

ask processor family
ask switches hpvmnet
migrations() { # the processes of that name, whoever began them, with their words; nothing where there are none
    all=$(ps -e) || return
    pids=$(printf '%s\n' "$all" | while read -r pid rest; do
        case $rest in
            *hpvmmigrate) printf '%s,' "$pid" ;;
        esac
    done)
    [ -z "$pids" ] || ps -f -p "${pids%,}"
    return 0
}

ask migrations migrations
ask room bdf "$copies"

section luns
luns=$(scsimgr -p get_attr all_lun -a device_file -a wwid </dev/null)
status=$?
printf '%s\n' "$luns"
ended $status

section guests
guests=$(hpvmstatus </dev/null)
status=$?
printf '%s\n' "$guests"
ended $status

ask details hpvmstatus -V
ask entitlements hpvmstatus -r

block_device() { # /dev/vg01/rdb -> /dev/vg01/db
    case ${1##*/} in
        r*) printf '%s/%s\n' "${1%/*}" "${1##*/r}" ;;
        *) printf '%s\n' "$1" ;;
    esac
}

sizes() { # what a copy of each disk takes that other hosts cannot see
    while IFS=: read -r kind adaptor place store path rest; do
        case $kind:$store:$path in
            disk:lv:/*) ask "size $path" lvdisplay "$(block_device "$path")" ;;
            disk:file:/*) ask "size $path" ls -lL "$path" ;;
            disk:disk:/*)
                case $luns in
                    *"$path:"*) ;;
                    *) ask "size $path" diskinfo -b "$path" ;;
                esac
                ;;
        esac
    done
}

ruled=no
printf '%s\n' "$guests" | while read -r name rest; do
    case $ruled:$name in
        no:=*) ruled=yes ;;
        no:* | yes: | yes:=* | yes:\[*) ;;
        *[!A-Za-z0-9._:-]*) ;;
        *)
            section "devices $name"
            devices=$(hpvmstatus -P "$name" -d </dev/null)
            status=$?
            printf '%s\n' "$devices"
            ended $status
            printf '%s\n' "$devices" | sizes
            ;;
    esac
done

book
records
jobs_of_moves
finish
