# Move a guest that is shut off: its definition, and the disks that only this host can see. Runs on the source.
#
# sh -c BETWEEN+THIS reconciler FOLDER RECORD UUID PEER DEVICE...
#
# At no moment do both hosts have a definition. The order, and what each step leaves to be found by:
#    FOLDER/moves/RECORD/guest.xml    on both hosts: the definition, saved and read back
#    FOLDER/moves/RECORD/left         here: the disks that will be left; there: the paths that are written, before they are
#    no definition here               undefined; nvram and disks stay
#    PATH.part there                  half a copy; PATH: a whole one, with the same checksum, of a source that kept still
#    FOLDER/moves/RECORD/defining     written here before the target is told to define it. Before it, the target cannot
#                                     have the guest, so that this script may put it back here by itself
#    a definition there               done

put_back() { # the last line is the reason
    [ -e "$own/defining" ] || ! virsh -q define "$own/guest.xml" || say "registered on $(uname -n) again"
    give_up "$*"
}

alive
case $(state) in
    "shut off"*) ;;
    *) give_up "it is not shut off on $(uname -n): $(state)" ;;
esac
mkdir -p "$own" && rm -f "$own/left" "$own/defining" || give_up "$own cannot be made"
virsh -q dumpxml --inactive --security-info "$uuid" >"$own/guest.xml.part" && [ -s "$own/guest.xml.part" ] &&
    mv "$own/guest.xml.part" "$own/guest.xml" && sync -f "$own/guest.xml" || give_up "its definition cannot be saved"
sum=$(sha256sum <"$own/guest.xml")
[ "$(virsh -q dumpxml --inactive --security-info "$uuid" | sha256sum)" = "$sum" ] ||
    give_up "its definition reads differently from what was saved"

for device in "$@"; do
    path=$(path_of "$device")
    harmless "$path" && [ -f "$path" ] || give_up "disk $device is no file that can be copied: $path"
    printf '%s\n' "$path" >>"$own/left" || give_up "$own cannot be written"
done
copies=$(cat "$own/left" 2>/dev/null)
sync -f "$own" || give_up "$own cannot be written"

saved=$(there "umask 077; mkdir -p $own && rm -f $own/left && cat >$own/guest.xml.part &&
    mv $own/guest.xml.part $own/guest.xml && sync -f $own/guest.xml && sha256sum <$own/guest.xml" <"$own/guest.xml") ||
    give_up "its definition cannot be saved on $peer"
[ "$saved" = "$sum" ] || give_up "its definition was saved differently on $peer"
for path in $copies; do
    there "[ -d ${path%/*} ] && [ ! -e $path ] && [ ! -e $path.part ] && printf '%s\n' $path $path.part >>$own/left" </dev/null ||
        give_up "$peer has no folder ${path%/*}, or something lies at $path already"
done

say "+ virsh undefine $uuid"
virsh -q undefine --keep-nvram "$uuid" || give_up "it cannot be undefined"
alive
[ -z "$(state)" ] || give_up "it is registered on $(uname -n) still"

for path in $copies; do
    before=$(looks "$path")
    qemu-img info "$path" >/dev/null || put_back "$path is in use"
    say "+ copy $path"
    there "umask 077; dd of=$path.part bs=1M iflag=fullblock conv=sparse,fsync 2>/dev/null" <"$path" ||
        put_back "$path: the copy to $peer broke off: is its file system full?"
    here_sum=$(sha256sum <"$path")
    there_sum=$(there "sha256sum <$path.part" </dev/null) || put_back "$path: the copy cannot be read back"
    [ "$here_sum" = "$there_sum" ] || put_back "$path: the copy's checksum differs"
    [ "$(looks "$path")" = "$before" ] || put_back "$path has changed while it was copied"
    qemu-img info "$path" >/dev/null || put_back "$path is in use"
    there "chown $(stat -L -c %u:%g "$path") $path.part && chmod $(stat -L -c %a "$path") $path.part &&
        ln $path.part $path && rm $path.part && sync ${path%/*}" </dev/null || put_back "$path: the copy cannot be named"
done

say "+ virsh define on $peer"
: >"$own/defining" && sync "$own" || put_back "$own cannot be written"
there "flock $folder/moves/lock sh -c '[ -f $own/guest.xml ] && virsh -q define $own/guest.xml'" </dev/null ||
    give_up "$peer does not define it"
case $(there "virsh -q domstate $uuid" </dev/null) in
    "shut off"*) say "registered on $peer" ;;
    *) give_up "$peer does not show it shut off" ;;
esac
