#!/bin/sh
# Starts the server in the container's place. The password comes from a file and goes to the server over standard input,
# so it is on no command line, in no environment and in no other file. A snapshot that lies in the data directory as
# restore.rdb is put where this mode of persistence loads it from; what was there is kept beside it.
set -eu

data=${REDIS_DATA_DIR:-/data}
configuration=${REDIS_CONFIGURATION:-/opt/redracer/etc/redis.conf}
stamp=$(date -u +%Y%m%dT%H%M%SZ)

whole() { # whether the file is a snapshot; redracer's image can read it to its end
    [ "$(head -c 5 "$1")" = REDIS ] || return 1
    if command -v redracer >/dev/null; then
        redracer check-rdb "$1" >&2
    fi
}

restore() {
    if ! whole "$data/restore.rdb"; then
        mv "$data/restore.rdb" "$data/restore.rdb.refused-$stamp"
        echo "restore.rdb is no whole snapshot: it is now restore.rdb.refused-$stamp, and the data is as it was" >&2
        return
    fi
    before=$data/before-restore-$stamp
    while [ -e "$before" ]; do before=$before+; done # one of the same second
    mkdir "$before"
    for old in dump.rdb appendonlydir; do
        if [ -e "$data/$old" ]; then mv "$data/$old" "$before/"; fi
    done
    case $REDIS_PERSISTENCE_MODE in
    aof | both) # the snapshot becomes the base of a new append-only file
        rm -rf "$data/appendonlydir.new"
        mkdir "$data/appendonlydir.new"
        cp "$data/restore.rdb" "$data/appendonlydir.new/appendonly.aof.1.base.rdb"
        echo "file appendonly.aof.1.base.rdb seq 1 type b" >"$data/appendonlydir.new/appendonly.aof.manifest"
        sync
        mv "$data/appendonlydir.new" "$data/appendonlydir"
        rm "$data/restore.rdb"
        ;;
    *) mv "$data/restore.rdb" "$data/dump.rdb" ;;
    esac
    rmdir "$before" 2>/dev/null || echo "what was there before is in $before" >&2
    echo "restore.rdb is restored" >&2
}

if [ -e "$data/restore.rdb" ]; then restore; fi
# For before-stop.sh: this one is the server's own, whatever the clock was when it was written.
stat -c %i:%Y "$data/dump.rdb" >"${TMPDIR:-/tmp}/dump-at-start" 2>/dev/null || true

if [ -z "${REDIS_PASSWORD_FILE:-}" ]; then
    exec redis-server "$configuration" "$@"
fi
password=$(cat "$REDIS_PASSWORD_FILE")
if [ -z "$password" ]; then
    echo "$REDIS_PASSWORD_FILE is empty: put a password into the secret" >&2
    exit 1
fi
# In quotes, so that a password may have any character but a line's end.
exec redis-server "$configuration" "$@" - <<END
requirepass "$(printf %s "$password" | sed 's/[\\"]/\\&/g')"
END
