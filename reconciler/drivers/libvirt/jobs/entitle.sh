# Guarantee a guest so much of a CPU for each of its virtual CPUs: as its weight against the other guests of its host.
# For each whole CPU that is the weight which the kernel gives to a group by itself: 1024, or 100 where control groups
# are of version 2. What it is worth depends on the weights of the others.
#
# sh -c BETWEEN+THIS reconciler FOLDER RECORD UUID PEER PERCENT SCOPE...

percent=$1
shift
look_here
vcpus=$(virsh -q vcpucount "$uuid" --active "$1") && [ -n "$vcpus" ] ||
    give_up "its virtual CPUs cannot be counted"
case $(stat -f -c %T /sys/fs/cgroup) in
    cgroup2fs) one_cpu=100 ;;
    *) one_cpu=1024 ;;
esac
virsh -q schedinfo "$uuid" "$@" --set cpu_shares=$((one_cpu * percent * vcpus / 100))
