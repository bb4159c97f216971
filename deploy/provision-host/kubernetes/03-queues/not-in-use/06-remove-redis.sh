#!/bin/bash
# 06-remove-redis.sh TARGET [--delete-data] [--delete-backups] [ANSIBLE-OPTION ...]: removes Redis from a cluster.
#
# TARGET is a kube context. The data and the backups stay, unless it is said otherwise; so do the secret and the namespace.
# Safe to run again.
set -euo pipefail

usage() {
    sed -n '2,5s/^# \{0,1\}//p' "$0"
}

case ${1:-} in
-h | --help)
    usage
    exit 0
    ;;
"" | -*)
    usage >&2
    exit 2
    ;;
esac
target=$1
shift
if ! [[ $target =~ ^[A-Za-z0-9._:@/-]+$ ]]; then
    echo "$0: '$target' is no name of a kube context" >&2
    exit 2
fi

options=()
for option in "$@"; do
    case $option in
    --delete-data) options+=(--extra-vars delete_data=true) ;;
    --delete-backups) options+=(--extra-vars delete_backups=true) ;;
    *) options+=("$option") ;;
    esac
done

for program in ansible-playbook kubectl helm; do
    if ! command -v "$program" >/dev/null; then
        echo "$0: $program is not installed, and is needed" >&2
        exit 1
    fi
done

playbooks=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../../ansible/playbooks" && pwd)
if ! ansible-playbook --inventory localhost, --extra-vars "target_host=$target" "${options[@]}" "$playbooks/050-remove-redis.yml"; then
    echo "$0: Redis is not removed from $target: the last failed step above says why, and what to do" >&2
    exit 1
fi
echo "Redis is removed from $target."
