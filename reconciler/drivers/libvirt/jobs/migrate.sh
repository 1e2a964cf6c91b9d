# Migrate a running guest and watch over it: a migration that does not come nearer to its end, or takes too long, is
# aborted, and the guest runs on here. Runs on the source, and goes on when whoever began it has died.
#
# sh -c BETWEEN+THIS reconciler FOLDER RECORD UUID PEER DEADLINE_S STALL_S DEVICES COMMAND...
#
#    DEVICES   disks that are copied along, joined by commas ("-": none). The target gets an empty image for each, which
#              is made where nothing lies and then written down in `made` there; the disks themselves are in `originals`
#    COMMAND   virsh migrate and its words
#
# libvirt notices by itself when it has lost the other host, but for a link that breaks just as the migration begins: then
# it waits on (seen, libvirt 9.0), and the abort is ours. While it still signs in to the other host no abort helps either: it
# waits for as long as its ssh does.

deadline_s=$1 stall_s=$2 devices=$3
shift 3
NAP_S=0.05
NAPS_PER_QUESTION=20
ABORT_AGAIN_S=10

look_here
if [ "$devices" != - ]; then
    mkdir -p "$own" && rm -f "$own/originals" || give_up "$own cannot be made"
    there "mkdir -p $own && rm -f $own/made" </dev/null || give_up "$peer: $own cannot be made"
    for device in $(printf '%s' "$devices" | tr , ' '); do
        image_of "$device"
        printf '%s\n' "$path" >>"$own/originals" || give_up "$own cannot be written"
        bytes=$(qemu-img info -U -f "$format" "$path" | sed -n 's/^virtual size: .*(\([0-9]*\) bytes)$/\1/p')
        [ -n "$bytes" ] || give_up "$path does not say its size"
        owner=$(stat -L -c %u:%g "$path") mode=$(stat -L -c %a "$path")
        there "umask 077; (set -C; : >$path) && printf '%s\n' $path >>$own/made && sync -f $own &&
            qemu-img create -q -f $format $path $bytes && chown $owner $path && chmod $mode $path" </dev/null ||
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

nap() { # so short that the end is seen at once, while libvirt is asked once a second; its client may have died
    if kill -0 "$command" 2>/dev/null; then
        sleep $NAP_S
        naps=$((naps + 1))
    else
        sleep 1
        naps=0
    fi
}

command "$@" &
command=$!
began=$(date +%s) least= since=$(date +%s) aborted= naps=0
while kill -0 "$command" 2>/dev/null || [ -n "$(job)" ]; do
    nap
    [ $((naps % NAPS_PER_QUESTION)) -eq 0 ] || continue
    now=$(date +%s)
    told=$(job)
    left=$(printf '%s\n' "$told" | left_kib)
    if [ -n "$left" ] && { [ -z "$least" ] || [ "$left" -lt "$least" ]; }; then
        least=$left since=$now
    fi
    [ -z "$aborted" ] || [ $((now - aborted)) -ge $ABORT_AGAIN_S ] || continue
    if [ $((now - began)) -gt "$deadline_s" ]; then
        why="it took longer than $deadline_s s"
    elif [ $((now - since)) -gt "$stall_s" ] && [ -n "$left" ]; then
        why="it came no nearer to its end for $stall_s s: $((left / 1024)) MiB left, the guest changes its memory too fast"
    elif [ $((now - since)) -gt "$stall_s" ] && [ -n "$told" ]; then
        why="nothing was carried for $stall_s s: libvirt does not say how much is left"
    else
        continue
    fi
    virsh -q domjobabort "$uuid" && say "aborted: $why"
    aborted=$now
done
wait "$command"
status=$?
settle
there "sync -f /etc/libvirt/qemu || sync" </dev/null >/dev/null 2>&1
if [ $status -ne 0 ]; then
    [ -z "$aborted" ] || say "aborted: $why"
    look_here
    [ "$state" = absent ] || rm -f "$own/originals"
fi
exit $status
