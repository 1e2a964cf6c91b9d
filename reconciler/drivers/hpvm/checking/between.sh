# What runs on a VM Host to see whether it reaches others as hpvmmigrate would. Changes nothing. POSIX sh.
#
# sh -c THIS reconciler TOKEN ADDRESS...
#
# The call is the platform's own (Integrity VM 6.1 guide, p. 211), but for its last word, which would begin a migration's
# receiving end, and for a limit on connecting.

set -u
token=$1
shift
PATH=$PATH:/usr/bin:/usr/sbin:/sbin:/opt/hpvm/bin
export PATH

for address in "$@"; do
    printf '\n%s %s\n' "$token" "to $address"
    ssh -e none -o BatchMode=yes -o ConnectTimeout=10 -T -x "$address" exec hpvmmigrate -v </dev/null 2>&1
    printf '\n%s = %s\n' "$token" "$?"
done
