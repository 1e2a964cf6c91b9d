# Move a guest that is shut off: its definition, and the disks that only this host can see. Runs on the source.
#
# sh -c BETWEEN+THIS reconciler FOLDER RECORD UUID PEER DEVICE...
#
# At no moment do both hosts have a definition. The order, and what each step leaves to be found by, in
# FOLDER/moves/RECORD:
#    guest.xml            on both hosts: the definition, saved and read back
#    originals            here: the disks that will be left
#    made                 there: the paths that this move alone makes, before it makes them
#    (no definition here) undefined; nvram and disks stay
#    PATH.RECORD.part     there: half a copy. PATH: a whole one, with the same checksum, of a source that kept still
#    defining             here: written before the target is told to define it. Before it, the target cannot have the
#                         guest, so that this script may put it back here by itself
#    (a definition there) done

put_back() { # REASON, which is the last line
    if [ ! -e "$own/defining" ] && virsh -q define "$own/guest.xml" >/dev/null; then
        [ ! -e "$own/autostart" ] || virsh -q autostart "$uuid" >/dev/null
        settle
        rm -f "$own/originals"
        say "registered on $(uname -n) again"
    fi
    give_up "$*"
}

definition() { virsh -q dumpxml --inactive --security-info "$uuid"; }

shut_off() {
    look_here
    case $state in
        "shut off"*) ;;
        *) give_up "it is not shut off on $(uname -n): $state" ;;
    esac
}

shut_off
mkdir -p "$own" && rm -f "$own/originals" "$own/defining" "$own/autostart" || give_up "$own cannot be made"
definition >"$own/guest.xml.part" && [ -s "$own/guest.xml.part" ] && mv "$own/guest.xml.part" "$own/guest.xml" ||
    give_up "its definition cannot be saved"
sum=$(sha256sum <"$own/guest.xml")
for device in "$@"; do
    image_of "$device"
    printf '%s\n' "$path" >>"$own/originals" || give_up "$own cannot be written"
done
originals=$(cat "$own/originals" 2>/dev/null)
virsh -q dominfo "$uuid" | grep -q '^Autostart: *enable' && : >"$own/autostart"
sync -f "$own" || give_up "$own cannot be written"

saved=$(there "umask 077; mkdir -p $own && rm -f $own/made && cat >$own/guest.xml.part &&
    mv $own/guest.xml.part $own/guest.xml && sync -f $own && sha256sum <$own/guest.xml" <"$own/guest.xml") ||
    give_up "its definition cannot be saved on $peer"
[ "$saved" = "$sum" ] || give_up "its definition was saved differently on $peer"
for path in $originals; do
    there "[ -d ${path%/*} ] && [ ! -e $path ] && printf '%s\n' $path.$record.part >>$own/made && sync $own/made" </dev/null ||
        give_up "$peer has no folder ${path%/*}, or something lies at $path already"
done

shut_off
[ "$(definition | sha256sum)" = "$sum" ] || give_up "its definition has changed since it was saved"
say "+ virsh undefine $uuid"
virsh -q undefine --keep-nvram "$uuid" >/dev/null || give_up "it cannot be undefined"
settle
look_here
[ "$state" = absent ] || put_back "it is registered on $(uname -n) still: $state"

wanted="[ -f $own/guest.xml ]" # the target has not been told to forget this move
for path in $originals; do
    part=$path.$record.part
    before=$(fingerprint "$path")
    idle "$path" || put_back "$path is in use"
    say "+ copy $path"
    there "umask 077; set -C; $wanted && : >$part && dd of=$part bs=1M iflag=fullblock conv=sparse,fsync 2>/dev/null" <"$path" ||
        put_back "$path: the copy to $peer broke off: is its file system full?"
    here_sum=$(sha256sum <"$path")
    there_sum=$(there "sha256sum <$part" </dev/null) || put_back "$path: the copy cannot be read back"
    [ "$here_sum" = "$there_sum" ] || put_back "$path: the copy's checksum differs"
    [ "$(fingerprint "$path")" = "$before" ] || put_back "$path has changed while it was copied"
    idle "$path" || put_back "$path is in use"
    owner=$(stat -L -c %u:%g "$path") mode=$(stat -L -c %a "$path")
    there "$wanted && chown $owner $part && chmod $mode $part && ln $part $path && printf '%s\n' $path >>$own/made &&
        sync -f $own && rm $part && sync -f ${path%/*}" </dev/null || put_back "$path: the copy cannot be named"
done

say "+ virsh define on $peer"
: >"$own/defining" && sync -f "$own" || put_back "$own cannot be written"
there "flock -w $LOCK_S $folder/moves/lock sh -c '$wanted && virsh -q define $own/guest.xml >/dev/null &&
    { sync -f /etc/libvirt/qemu || sync; }'" </dev/null || give_up "$peer does not define it"
case $(there "virsh -q domstate $uuid" </dev/null) in
    "shut off"*) say "registered on $peer" ;;
    *) give_up "$peer does not show it shut off" ;;
esac
