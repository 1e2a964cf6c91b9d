# Whether the target would take the guest, asked by its source before anything is stopped. Changes nothing.
#
# sh -c BETWEEN+THIS reconciler FOLDER RECORD UUID PEER METHOD DEVICE...      (DEVICE: a disk that is to be copied)

method=$1
shift
alive
[ -n "$(state)" ] || give_up "it is not registered on $(uname -n)"
xpath() { virsh -q dumpxml "$1" "$uuid" --xpath "$2" | sed 's/.*="\(.*\)"/\1/' | tr -d ' \n'; }
which=--inactive
[ "$method" != online ] || which=--security-info # the live definition: what it was booted with
type=$(xpath "$which" /domain/@type)
machine=$(xpath "$which" /domain/os/type/@machine)

said=$(there "virsh -q uri && hostname" 2>&1) || give_up "$peer cannot be reached from $(uname -n): $said"
! there "virsh -q domstate $uuid >/dev/null 2>&1" || give_up "it is registered on $peer already"
said=$(there "virsh -q domcapabilities --virttype $type --machine $machine 2>&1 >/dev/null") || give_up "$peer: $said"
if [ "$method" = online ]; then
    cpu=$(virsh -q dumpxml "$uuid" --xpath /domain/cpu)
    case $cpu in
        *"<model"*)
            said=$(printf '%s\n' "$cpu" |
                there "virsh -q hypervisor-cpu-compare --virttype $type --machine $machine --error /dev/stdin" 2>&1) ||
                give_up "$peer: $said"
            ;;
    esac
fi
for device in "$@"; do
    path=$(path_of "$device")
    harmless "$path" || give_up "disk $device is no file whose path can be used: $path"
    size_kib=$(($(stat -L -c %s "$path") / 1024 + 1))
    there "[ -d ${path%/*} ] && [ ! -e $path ] && [ ! -e $path.part ]" ||
        give_up "$peer has no folder ${path%/*}, or something lies at $path already"
    room_kib=$(there "df -Pk ${path%/*}" | awk 'NR == 2 { print $4 }')
    [ "${room_kib:-0}" -gt "$size_kib" ] || give_up "$peer has $room_kib KiB free in ${path%/*}, needed are $size_kib KiB"
done
say "$peer takes it"
