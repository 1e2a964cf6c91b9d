# Whether the target would take the guest, asked by its source before anything is stopped. Changes nothing. All that is
# asked of the target is asked at once: signing in takes longer than all its answers.
#
# sh -c BETWEEN+THIS reconciler FOLDER RECORD UUID PEER METHOD DEVICE...      (DEVICE: a disk that is to be copied)

method=$1
shift
look_here
[ "$state" != absent ] || give_up "it is not registered on $(uname -n)"
case $method,$state in
    online,running* | offline,*) ;;
    *) give_up "it does not run on $(uname -n): $state" ;;
esac
runs_with=$(virsh -q domblklist --details "$uuid") && boots_with=$(virsh -q domblklist --inactive --details "$uuid") ||
    give_up "libvirtd does not answer on $(uname -n)"
[ "$runs_with" = "$boots_with" ] ||
    give_up "its stored definition has other disks than it runs with: it would not boot with these after the move"
which=--inactive
[ "$method" != online ] || which=--security-info # the live definition: what it was booted with
said=$(virsh -q dumpxml $which "$uuid" --xpath '/domain/@type | /domain/os/type/@machine | /domain/cpu')
named() { printf '%s\n' "$said" | sed -n "s/^ *$1=\"\([A-Za-z0-9._-]*\)\".*/\1/p"; }
type=$(named type) machine=$(named machine)
[ -n "$type" ] && [ -n "$machine" ] || give_up "its definition does not say what it runs as: $said"
cpu=$(printf '%s\n' "$said" | sed -n '/<cpu/,$p')
case $method$cpu in
    online*"<model"*) compares=yes ;;
    *) compares=no ;;
esac
places= total_kib=0
for device in "$@"; do
    image_of "$device"
    total_kib=$((total_kib + $(stat -L -c %s "$path") / 1024 + 1))
    places="$places $path $total_kib"
done

# Runs on the target, behind `set --` with what it is asked about.
ASKED='
uuid=$1 type=$2 machine=$3 compares=$4
shift 4
refuse() { echo "$*"; exit 1; }
known=$(virsh -q list --all --uuid) || refuse "its libvirtd does not answer"
case $known in
    *"$uuid"*) refuse "it is registered there already" ;;
esac
virsh -q domcapabilities --virttype "$type" --machine "$machine" >/dev/null || exit 1
if [ "$compares" = yes ]; then
    said=$(virsh -q hypervisor-cpu-compare --virttype "$type" --machine "$machine" --error /dev/stdin 2>&1) ||
        refuse "$said"
fi
while [ $# -gt 0 ]; do
    place=${1%/*}
    [ -d "$place" ] && [ ! -e "$1" ] || refuse "it has no folder $place, or something lies at $1 already"
    room_kib=$(df -Pk "$place" | { read -r heading; read -r system size used room rest; echo "$room"; })
    [ "${room_kib:-0}" -gt "$2" ] || refuse "it has $room_kib KiB free in $place, needed are $2 KiB"
    shift 2
done'
said=$(printf '%s\n' "$cpu" | there "set -- $uuid $type $machine $compares $places; $ASKED" 2>&1) ||
    case $? in
        255) # that is no answer: to be asked again, not to be taken for a refusal
            say "$peer cannot be reached from $(uname -n): $said"
            exit 75
            ;;
        *) give_up "$peer: $said" ;;
    esac
say "$peer takes it"
