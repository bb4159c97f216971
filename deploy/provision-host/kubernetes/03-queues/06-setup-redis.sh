#!/bin/bash
# 06-setup-redis.sh TARGET [ANSIBLE-OPTION ...]: installs redracer in Redis's place on a cluster, and verifies it.
#
# TARGET is a kube context: rancher-desktop, multipass-microk8s, azure-aks or any other. Everything happens in that
# context, whichever is the current one. Options go to ansible-playbook, such as -e redis_namespace=queues.
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

for program in ansible-playbook kubectl helm; do
    if ! command -v "$program" >/dev/null; then
        echo "$0: $program is not installed, and is needed" >&2
        exit 1
    fi
done

playbooks=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../ansible/playbooks" && pwd)
if ! ansible-playbook --inventory localhost, --extra-vars "target_host=$target" "$@" "$playbooks/050-setup-redis.yml"; then
    echo "$0: Redis is not set up on $target: the last failed step above says why, and what to do" >&2
    exit 1
fi
echo "Redis is set up on $target."
