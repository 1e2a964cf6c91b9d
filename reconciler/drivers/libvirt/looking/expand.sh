# What runs on a libvirt host when CPUs were met whose features are not known yet. Changes nothing. POSIX sh on Linux,
# behind look.sh.
#
# sh -c THIS reconciler TOKEN QUESTION...
#
#    QUESTION  the type of virtualisation, a blank, and the XML of a CPU on one line

set -u
token=$1
shift
LC_ALL=C
PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin
export LC_ALL PATH

PATIENCE_S=20

for question; do
    section "cpu $question"
    printf '%s\n' "${question#* }" |
        timeout -k 2 $PATIENCE_S virsh -q -c qemu:///system hypervisor-cpu-baseline \
            --virttype "${question%% *}" --features /dev/stdin 2>&1
    ended $?
done
finish
