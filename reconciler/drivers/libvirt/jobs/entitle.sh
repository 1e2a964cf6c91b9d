# Guarantee a guest so much of a CPU for each of its virtual CPUs: as its weight against the other guests of its host,
# 1024 (cgroup's usual weight) for each whole CPU. What it is worth depends on the weights of the others.
#
# sh -c BETWEEN+THIS reconciler FOLDER RECORD UUID PEER PERCENT SCOPE...

percent=$1
shift
look_here
vcpus=$(virsh -q vcpucount "$uuid" --active "$1") && [ -n "$vcpus" ] ||
    give_up "its virtual CPUs cannot be counted"
virsh -q schedinfo "$uuid" "$@" --set cpu_shares=$((1024 * percent * vcpus / 100))
