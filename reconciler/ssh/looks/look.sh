# What the looks at hosts of several platforms share: how an answer is parted, and what lies in the folder of the move
# records. A platform's observe.sh comes behind it and has set, before it calls any of this:
#
#    token   begins the lines that part the answers
#    folder  holds the move records
#
# POSIX sh and plain UNIX commands only, as in hostbook.sh.

section() { printf '\n%s %s\n' "$token" "$1"; }

ended() { printf '\n%s = %s\n' "$token" "$1"; }

ask() { # NAME COMMAND...
    section "$1"
    shift
    "$@" </dev/null
    ended $?
}

book() { # whether records could be written, and a lock that lies there
    section book
    place=$folder
    until [ -e "$place" ]; do
        place=${place%/*}
        place=${place:-/}
    done
    if [ -d "$place" ] && [ -w "$place" ]; then echo "open $place"; else echo "closed $place"; fi
    for left in "$folder"/lock*; do
        case $left in
            */lock | */lock.break) ls -ld "$left" 2>/dev/null ;;
        esac
    done
    ended 0
}

records() {
    for file in "$folder"/records/*; do
        [ ! -f "$file" ] || ask "record ${file##*/}" cat "$file"
    done
}

state() { # of a job: its exit status once it has ended, else whether it runs
    if [ -f "$1/status" ]; then
        cat "$1/status"
        return
    fi
    if [ -f "$1/pid" ]; then
        case $(ps -f -p "$(cat "$1/pid")" 2>/dev/null) in
            *"jobs/${1##*/}"*)
                echo running
                return
                ;;
        esac
    fi
    echo gone
}

jobs_of_moves() {
    for place in "$folder"/jobs/*.migrate; do
        [ -d "$place" ] || continue
        section "job ${place##*/}"
        state "$place"
        tail -n 20 "$place/output" 2>/dev/null
        ended $?
    done
}

finish() { # Without this section an answer broke off, and what would have come behind it is not known to be absent.
    section end
    ended 0
}
