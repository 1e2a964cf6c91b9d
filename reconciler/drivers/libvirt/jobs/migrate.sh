# Migrate a running guest and watch over it: a migration that does not come nearer to its end, or takes too long, is
# aborted, and the guest runs on here. Runs on the source, and goes on when whoever began it has died.
#
# sh -c BETWEEN+THIS reconciler FOLDER RECORD UUID PEER DEADLINE_S STALL_S DEVICES COMMAND...
#
#    DEVICES   disks that are copied along, joined by commas ("-": none); the target gets an empty image for each,
#              whose path is written down there before it is made
#    COMMAND   virsh migrate and its words

deadline_s=$1 stall_s=$2 devices=$3
shift 3
alive
if [ "$devices" != - ]; then
    mkdir -p "$own" && rm -f "$own/left" || give_up "$own cannot be made"
    there "mkdir -p $own && rm -f $own/left" </dev/null || give_up "$peer: $own cannot be made"
    for device in $(printf '%s' "$devices" | tr , ' '); do
        path=$(path_of "$device")
        harmless "$path" && [ -f "$path" ] || give_up "disk $device is no file that can be copied: $path"
        printf '%s\n' "$path" >>"$own/left" || give_up "$own cannot be written"
        image=$(qemu-img info -U "$path") || give_up "$path cannot be read"
        format=$(printf '%s\n' "$image" | sed -n 's/^file format: //p')
        bytes=$(printf '%s\n' "$image" | sed -n 's/^virtual size: .*(\([0-9]*\) bytes)$/\1/p')
        there "umask 077; [ ! -e $path ] && printf '%s\n' $path >>$own/left && qemu-img create -q -f $format $path $bytes &&
            chown $(stat -L -c %u:%g "$path") $path && chmod $(stat -L -c %a "$path") $path" </dev/null ||
            give_up "$peer has no place for $path, or something lies there already"
    done
fi

job() { # what libvirt says of a migration of this guest that is under way here; empty where there is none
    said=$(virsh -q domjobinfo "$uuid" 2>/dev/null)
    case $said in
        *"Outgoing migration"*) printf '%s\n' "$said" ;;
    esac
}

left_kib() { # of what domjobinfo says
    awk '/^Data remaining:/ {
        unit["B"] = 1 / 1024; unit["KiB"] = 1; unit["MiB"] = 1024; unit["GiB"] = 1048576; unit["TiB"] = 1073741824
        printf "%d", $3 * unit[$4]
    }'
}

# libvirt notices by itself when it has lost the other host, but for a link that breaks just as the migration begins: then
# it waits on (seen, libvirt 9.0), and the abort is ours.

nap() { # so short that the end is seen at once, while libvirt is asked once a second; its client may have died
    if kill -0 "$command" 2>/dev/null; then
        sleep 0.05
        naps=$((naps + 1))
    else
        sleep 1
        naps=0
    fi
}

"$@" &
command=$!
began=$(date +%s) least= since=$(date +%s) aborted= naps=0
while kill -0 "$command" 2>/dev/null || [ -n "$(job)" ]; do
    nap
    [ $((naps % 20)) -eq 0 ] || continue
    now=$(date +%s)
    left=$(job | left_kib)
    if [ -n "$left" ] && { [ -z "$least" ] || [ "$left" -lt "$least" ]; }; then
        least=$left since=$now
    fi
    [ -z "$aborted" ] || [ $((now - aborted)) -ge 10 ] || continue
    if [ $((now - began)) -gt "$deadline_s" ]; then
        why="it took longer than $deadline_s s"
    elif [ $((now - since)) -gt "$stall_s" ] && [ -n "$left" ]; then
        why="it came no nearer to its end for $stall_s s: $((left / 1024)) MiB left, the guest changes its memory too fast"
    else
        continue
    fi
    virsh -q domjobabort "$uuid" && say "aborted: $why"
    aborted=$now
done
wait "$command"
status=$?
[ -z "$aborted" ] || [ $status -eq 0 ] || say "aborted: $why"
exit $status
