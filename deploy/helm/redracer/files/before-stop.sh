#!/bin/sh
# Runs before the server is told to stop. A dump.rdb that is younger than the server's last save was put there by
# somebody who wants it restored; at its stop the server would write over it, and with an append-only file it would never be
# read. So it becomes restore.rdb, which start.sh looks for.
set -eu

data=${REDIS_DATA_DIR:-/data}
[ -e "$data/dump.rdb" ] || exit 0
if [ "$(stat -c %i:%Y "$data/dump.rdb")" = "$(cat "${TMPDIR:-/tmp}/dump-at-start")" ]; then exit 0; fi

# shellcheck source=ask.sh
. "$(dirname "$0")/../health/ask.sh"
for _ in 1 2 3 4 5 6 7 8 9 10; do # a save that ends just now has a file already, but not yet its time
    case $(ask info persistence) in
    *rdb_bgsave_in_progress:0*) break ;;
    esac
    sleep 1
done
last=$(ask lastsave | tr -dc 0-9)
written=$(stat -c %Y "$data/dump.rdb")
if [ -n "$last" ] && [ "$written" -gt "$last" ]; then
    mv "$data/dump.rdb" "$data/restore.rdb"
    echo "dump.rdb came from outside: it is now restore.rdb, and the next start restores it" >&2
fi
