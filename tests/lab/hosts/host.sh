#!/bin/bash
# Process 1 of a host: makes its new namespaces look like a machine of its own, starts its services, then buries the dead
# until whoever started it has gone: its standard input ends then, and with process 1 the kernel ends everything here.
# host.sh NAME ADDRESS FOLDER SAN BOOT CGROUPS     (CGROUPS: lines of `fstype options mountpoint`)
set -eu
name=$1 address=$2 folder=$3 san=$4 boot=$5 cgroups=$6

hostname "$name"
mount --make-rprivate /
mount -t sysfs sysfs /sys
grep -q '^cgroup2' <<<"$cgroups" || mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
while read -r fstype options mountpoint; do
    mkdir -p "$mountpoint"
    mount -t "$fstype" ${options:+-o "$options"} cgroup "$mountpoint"
done <<<"$cgroups"

mount -t tmpfs -o mode=755 tmpfs /srv
mkdir /srv/san /srv/local /srv/boot
mount --bind "$san" /srv/san
mount --bind "$folder/local" /srv/local
mount --bind "$boot" /srv/boot
mkdir -p /var/log/libvirt /var/cache/libvirt
mount --bind "$folder/etc" /etc/libvirt
mount --bind "$folder/var" /var/lib/libvirt
mount --bind "$folder/log" /var/log/libvirt
mount --bind "$folder/cache" /var/cache/libvirt
mount --bind "$folder/ssh" /etc/ssh
mount --bind "$folder/shadow" /etc/shadow
mount --bind "$folder/hosts" /etc/hosts
for file in hostname machine-id; do
    [ ! -e "/etc/$file" ] || mount --bind "$folder/$file" "/etc/$file"
done
[ ! -e "$folder/meminfo" ] || mount --bind "$folder/meminfo" /proc/meminfo
mount --bind "$folder/root" /root
[ ! -e /usr/bin/pkttyagent ] || mount --bind /dev/null /usr/bin/pkttyagent # virsh on a terminal would want a D-Bus for it
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 755 /run/sshd /run/libvirt

until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done # the switch plugs it in from outside
ip link set lo up
ip addr add "$address/24" dev eth0
ip link set eth0 up
ip link add br0 type bridge
ip link set br0 up

/usr/sbin/sshd -E /var/log/libvirt/sshd.log
libvirtd -d -p /run/libvirtd.pid </dev/null
while read -r told; do # bash buries every dead child, adopted ones too, while it waits here
    case $told in
    libvirtd) libvirtd -d -p /run/libvirtd.pid </dev/null || true ;;
    esac
done
