# Take away, put aside or put back what a move has left. Runs on either end, never on both at once.
#
# sh -c BETWEEN+THIS reconciler FOLDER RECORD UUID PEER DEED END SUFFIX
#
#    DEED     discard | put-back | put-aside | delete-copy
#    END      source | target: which end of the move this host is
#    SUFFIX   what the name of a disk ends with that is put aside

deed=$1 end=$2 suffix=$3
mkdir -p "$folder/moves" && exec 9>"$folder/moves/lock" && flock -w 60 9 || give_up "$folder/moves/lock cannot be had"
alive

each_left() { # PROGRAM: call it with each path that this move has left here
    [ -f "$own/left" ] || return 0
    while read -r path; do
        harmless "$path" || give_up "$own/left names what is no path: $path"
        [ -e "$path" ] || continue
        ! others_use "$path" || give_up "$path is a disk of a guest that is registered here"
        qemu-img info "$path" >/dev/null 2>&1 || [ "$end" = target ] || give_up "$path is in use"
        "$1" "$path" || give_up "$path: it cannot be done"
    done <"$own/left"
}

remove() { rm -f "$1" && say "deleted $1"; }

rename() {
    case $1 in
        *"$suffix") return 0 ;;
    esac
    [ ! -e "$1$suffix" ] && printf '%s\n' "$1$suffix" >>"$own/left" && mv "$1" "$1$suffix" && say "kept as $1$suffix"
}

case $deed in
    discard)
        case $(state) in
            "") ;;
            "shut off (failed)" | "shut off (migrated)")
                mkdir -p "$own" && virsh -q dumpxml --inactive --security-info "$uuid" >"$own/discarded.xml" &&
                    sync "$own/discarded.xml" && virsh -q undefine --keep-nvram "$uuid" || give_up "it cannot be undefined"
                ;;
            *) give_up "it is here, $(state): nothing is taken away" ;;
        esac
        [ "$end" = source ] || { each_left remove && rm -rf "$own"; }
        ;;
    put-back)
        [ -z "$(state)" ] || give_up "it is registered here already: $(state)"
        [ -s "$own/guest.xml" ] || give_up "no definition lies saved in $own"
        virsh -q define "$own/guest.xml" || exit 1
        rm -f "$own/left" "$own/defining"
        ;;
    put-aside | delete-copy)
        [ -z "$(state)" ] || give_up "it is registered here: its disks are in use"
        if [ "$deed" = put-aside ]; then each_left rename; else each_left remove; fi
        ;;
esac
