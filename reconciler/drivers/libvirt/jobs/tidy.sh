# Take away, put aside or put back what a move has left. Runs on either end, never on both at once.
#
# sh -c BETWEEN+THIS reconciler FOLDER RECORD UUID PEER DEED END SUFFIX
#
#    DEED     discard | put-back | put-aside | delete-copy
#    END      source | target: which end of the move this host is
#    SUFFIX   what the name of a disk ends with that is put aside

deed=$1 end=$2 suffix=$3
mkdir -p "$folder/moves" && exec 9>"$folder/moves/lock" && flock -w $LOCK_S 9 || give_up "$folder/moves/lock cannot be had"
look_here

each() { # FILE PROGRAM: call it with each path in this file that is still there and that nobody uses
    [ -f "$own/$1" ] || return 0
    while read -r path; do
        harmless "$path" || give_up "$own/$1 names what is no path: $path"
        [ -e "$path" ] || continue
        ! used_here "$path" || give_up "$path is a disk of a guest that is registered here, or below one"
        idle "$path" || give_up "$path is in use"
        "$2" "$path" || give_up "$path: it cannot be done"
    done <"$own/$1"
}

remove() { rm -f "$1" && say "deleted $1"; }

unmake() { # a path that this move alone has made; a copy that has its name already is the same file as its part
    whole=${1%".$record.part"}
    [ "$whole" = "$1" ] || [ ! "$whole" -ef "$1" ] || remove "$whole" || return
    remove "$1"
}

rename() {
    case $1 in
        *"$suffix") return 0 ;;
    esac
    [ ! -e "$1$suffix" ] && printf '%s\n' "$1$suffix" >>"$own/originals" && mv "$1" "$1$suffix" && say "kept as $1$suffix"
}

case $deed in
    discard)
        case $state in
            absent) ;;
            "shut off (failed)" | "shut off (migrated)")
                mkdir -p "$own" && virsh -q dumpxml --inactive --security-info "$uuid" >"$own/discarded.xml" &&
                    sync -f "$own" && virsh -q undefine --keep-nvram "$uuid" || give_up "it cannot be undefined"
                settle
                ;;
            *) give_up "it is here, $state: nothing is taken away" ;;
        esac
        [ "$end" = source ] || { each made unmake && rm -rf "$own"; }
        ;;
    put-back)
        [ "$state" = absent ] || give_up "it is registered here already: $state"
        [ -s "$own/guest.xml" ] || give_up "no definition lies saved in $own"
        virsh -q define "$own/guest.xml" || exit 1
        [ ! -e "$own/autostart" ] || virsh -q autostart "$uuid"
        settle
        rm -f "$own/originals" "$own/defining"
        ;;
    put-aside | delete-copy)
        [ "$state" = absent ] || give_up "it is registered here, $state: its disks are in use"
        if [ "$deed" = put-aside ]; then each originals rename; else each originals remove; fi
        ;;
esac
