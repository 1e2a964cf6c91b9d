# What runs on a host for one command of the reconciler: take the lock, check the guard, write the move record, give the
# lock back, do the deed. POSIX sh and plain UNIX commands only: HP-UX has no flock, timeout, readlink or date +%s.
#
# sh -c THIS reconciler FOLDER VERB SLOTS ALONE GUARD{id controller stages expired} RECORD{id guest controller stage
#    expires live text} HOW WAIT NAP BEGIN JOB DEED...
#
#    VERB   claim | rewrite | release | check
#    ALONE  no command of this name may be running when the deed is done ("-": none)
#    HOW    none | run | job: no deed, a deed whose end is awaited, a deed that goes on by itself in FOLDER/jobs/JOB
#    WAIT   a job that ends within so many naps answers with its own status; NAP is how long one is, in seconds
#    BEGIN  within so many naps a job has begun, or it has failed
#
# The first line it prints is its verdict; what follows is the deed's own. A record is a file of two lines, records/GUEST:
#    "1 ID GUEST CONTROLLER STAGE EXPIRES LIVE", then its JSON. EXPIRES is seconds since the epoch by this host's clock;
#    LIVE is 0 for a parked record.

set -u
umask 077
folder=$1 verb=$2 slots=$3 alone=$4
guard_id=$5 guard_controller=$6 guard_stages=$7 guard_expired=$8
shift 8
id=$1 guest=$2 controller=$3 stage=$4 expires=$5 live=$6 text=$7 how=$8 wait=$9
shift 9
nap=$1 begin=$2 job=$3
shift 3

LOCK_TRIES=20
LOCK_OLD_S=600

verdict() { # done | guarded | refused | failed: what it says, and the exit status of all but "done"
    printf '@reconciler %s %s\n' "$1" "$2"
}

guarded() { verdict guarded "$1"; exit 93; }
refused() { verdict refused "$1"; exit 94; }
failed() { verdict failed "$1"; exit 95; }

now() { # seconds since the epoch, of the date in UTC
    set -- $(date -u '+%Y %j %H %M %S')
    year=$1 day=${2#0} hour=${3#0} minute=${4#0} second=${5#0}
    day=${day#0}
    before=$((year - 1))
    days=$((before * 365 + before / 4 - before / 100 + before / 400 - 719162 + day - 1))
    echo $((days * 86400 + hour * 3600 + minute * 60 + second))
}

# ------------------------------------------------------------------------------------------------------------- the lock
# A symbolic link is made or not made, and says who made it, in one step.

owner() {
    line=$(ls -ld "$folder/lock" 2>/dev/null) || line=
    echo "${line##* -> }"
}

abandoned() { # whether the owner of the lock, "PID.SECONDS", died or forgot it
    case $1 in
        [0-9]*.[0-9]*) ;;
        *) return 1 ;;
    esac
    kill -0 "${1%.*}" 2>/dev/null || return 0
    [ $(($(now) - ${1#*.})) -gt $LOCK_OLD_S ]
}

break_lock() { # take an abandoned lock away; only one does so at a time, and looks again first
    mkdir "$folder/lock.break" 2>/dev/null || return 0
    [ "$(owner)" = "$1" ] && rm -f "$folder/lock"
    rmdir "$folder/lock.break"
}

lock() {
    tries=0
    until ln -s "$$.$(now)" "$folder/lock" 2>/dev/null; do
        tries=$((tries + 1))
        held=$(owner)
        [ $tries -lt $LOCK_TRIES ] || failed "$folder/lock cannot be made (held by ${held:-nobody}): is the file system full?"
        abandoned "$held" && break_lock "$held" && continue
        sleep 1
    done
    trap 'rm -f "$folder/lock"' 0
    trap 'exit 95' 1 2 15
}

unlock() {
    trap - 0 1 2 15
    rm -f "$folder/lock"
}

# ------------------------------------------------------------------------------------------------------------ the record

find_guarded() { # the record that the guard names, as found_*; ends here where the guard does not hold
    found_id=
    for file in "$folder"/records/*; do
        [ -f "$file" ] || continue
        read -r version found_id found_guest found_controller found_stage found_expires found_live <"$file" || found_id=
        [ "$found_id" = "$guard_id" ] && break
        found_id=
    done
    [ -n "$found_id" ] || guarded "record $guard_id does not lie here"
    [ "$found_controller" = "$guard_controller" ] ||
        guarded "record $found_id is under $found_controller, not $guard_controller"
    case ",$guard_stages," in
        *",$found_stage,"*) ;;
        *) guarded "record $found_id is at stage $found_stage" ;;
    esac
    is_moment "$found_expires" || guarded "record $found_id does not say when it expires"
    if [ "$found_expires" -le "$clock" ] && [ "$guard_expired" != 1 ]; then
        guarded "record $found_id expired $((clock - found_expires)) s ago"
    fi
}

is_moment() { # whether this is a number of seconds that a shell can count with
    case $1 in
        "" | *[!0-9]* | ???????????????*) return 1 ;;
    esac
}

is_live() { # LIVE EXPIRES: whether such a record holds its guest and a slot now; one that does not say so plainly does
    [ "$1" != 0 ] || return 1
    ! is_moment "$2" || [ "$2" -gt "$clock" ]
}

own() { # the lying record that this write goes on from
    [ "$guard_id" != - ] || guarded "nothing is written without a guard but a claim"
    find_guarded
    [ "$found_id" = "$id" ] && [ "$found_guest" = "$guest" ] ||
        guarded "the guard names record $found_id, the command carries $id"
}

slot() { # a live record needs one of the host's slots
    is_live "$live" "$expires" || return 0
    others=0 holders=
    for file in "$folder"/records/*; do
        [ -f "$file" ] && [ "$file" != "$folder/records/$guest" ] || continue
        read -r version other_id other_guest other_controller other_stage other_expires other_live <"$file" ||
            failed "the move record $file cannot be read"
        is_live "$other_live" "$other_expires" || continue
        others=$((others + 1)) holders="$holders $other_id of $other_controller"
    done
    [ $others -lt "$slots" ] || refused "no slot is free: held by$holders"
}

write() { # whole or not at all, read back before it counts
    slot
    part="$folder/records.part.$$"
    if ! printf '1 %s %s %s %s %s %s\n%s\n' "$id" "$guest" "$controller" "$stage" "$expires" "$live" "$text" \
        2>/dev/null >"$part" || [ "$(tail -n 1 "$part")" != "$text" ]; then
        rm -f "$part"
        failed "the move record cannot be written: is the file system of $folder full?"
    fi
    mv -f "$part" "$folder/records/$guest" || failed "the move record cannot be put in place"
}

claim() {
    if [ "$guard_id" != - ]; then
        find_guarded
        [ "$found_guest" = "$guest" ] || guarded "record $found_id is about another guest"
    fi
    if [ -f "$folder/records/$guest" ]; then
        read -r version lying_id lying_guest lying_controller lying_stage lying_expires lying_live <"$folder/records/$guest" ||
            failed "the record of this guest cannot be read"
        if [ "$guard_id" = - ] || is_live "$lying_live" "$lying_expires"; then
            refused "the guest is held: record $lying_id of $lying_controller"
        fi
        [ "$lying_id" = "$id" ] || forget_jobs "$lying_id"
    fi
    write
}

rewrite() {
    own
    if [ "$found_controller" != "$controller" ] && is_live "$found_live" "$found_expires"; then
        # The guard may name an expired record that its controller renewed since the adopter looked.
        guarded "record $found_id is alive under $found_controller"
    fi
    write
}

release() {
    own
    rm -f "$folder/records/$guest" || failed "the move record cannot be removed"
    forget_jobs "$id"
}

# -------------------------------------------------------------------------------------------------------------- the deed

runs() { # whether the job in this folder is under way
    [ ! -f "$1/status" ] && [ -f "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null || return 1
    case $(ps -f -p "$(cat "$1/pid")" 2>/dev/null) in
        *"jobs/${1##*/}"*) return 0 ;;
    esac
    return 1
}

forget_jobs() { # the files of this record's jobs that have ended, and of its move once none runs
    busy=
    for place in "$folder/jobs/$1".*; do
        [ -d "$place" ] || continue
        if runs "$place"; then busy=yes; else rm -rf "$place"; fi
    done
    [ -n "$busy" ] || rm -rf "$folder/moves/$1"
}

lonely() { # no command of this name is running here
    [ "$alone" != - ] || return 0
    [ -z "$(ps -e | while read -r line; do [ "${line##* }" != "$alone" ] || echo "$line"; done)" ]
}

RUN='cd "$1" || exit; echo $$ >pid || exit; shift; "$@" >output 2>&1 </dev/null; echo $? >status.part && mv status.part status'

start_job() {
    place="$folder/jobs/$job"
    runs "$place" && refused "job $job runs already"
    rm -rf "$place"
    mkdir -p "$place" && echo "$RUN" >"$place/run" && [ -s "$place/run" ] ||
        failed "the job's files cannot be written: is the file system of $folder full?"
    (cd "$folder" && exec nohup sh "jobs/$job/run" "jobs/$job" "$@") </dev/null >/dev/null 2>&1 &
    waited=0
    until [ -f "$place/status" ] || { [ -s "$place/pid" ] && [ "$waited" -ge "$wait" ]; }; do
        [ $waited -lt "$begin" ] || [ -s "$place/pid" ] || failed "job $job did not begin"
        sleep "$nap"
        waited=$((waited + 1))
    done
}

case $verb in
    claim) mkdir -p "$folder/records" "$folder/jobs" || failed "$folder cannot be made" ;;
    check) [ -d "$folder/records" ] || [ "$guard_id" = - ] || guarded "record $guard_id does not lie here" ;;
    *) [ -d "$folder/records" ] || guarded "record $guard_id does not lie here" ;;
esac

if [ "$verb" != check ] || [ "$guard_id" != - ]; then
    lock
    clock=$(now)
    case $verb in
        check) find_guarded ;;
        *) "$verb" ;;
    esac
    unlock
fi

[ "$how" != none ] || { verdict done "$verb"; exit 0; }
lonely || refused "another $alone is running here"
case $how in
    run)
        verdict done "$verb"
        exec "$@"
        ;;
    job)
        [ "$live" != 1 ] || sync
        start_job "$@"
        verdict done "$verb"
        [ -f "$place/status" ] || exit 0
        cat "$place/output"
        exit "$(cat "$place/status")"
        ;;
esac
