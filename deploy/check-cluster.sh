#!/bin/bash
# check-cluster.sh CONTEXT [HELM-OPTION ...]: what the tests cannot prove without a control plane, asserted on a real cluster.
#
# It makes a namespace of its own, with the strictest Pod Security that there is, installs the chart there, and looks at
# admission, controllers, probes, fsGroup, restarts, an upgrade, a backup, a restore and the removal. At the end the
# namespace is deleted, whatever happened. Options go to helm, such as --set global.imageRegistry=registry.example.
set -uo pipefail

if [[ ${1:-} == "" || ${1:-} == -* ]]; then
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
context=$1
shift
namespace=redracer-check-$$
chart=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/helm/redracer
work=$(mktemp -d)
failed=0

kube() { kubectl --context "$context" --namespace "$namespace" "$@"; }
helm_() { helm --kube-context "$context" --namespace "$namespace" "$@"; }
inside() { kube exec redis-master-0 --container redis -- "$@"; }
ask() { inside sh -c '. /opt/redracer/health/ask.sh; ask "$@"' sh "$@"; }
verify() { inside redracer verify --password-file /opt/redracer/secrets/redis-password "$@"; }
ready() { kube rollout status statefulset/redis-master --timeout 180s; }

check() { # TEXT COMMAND...: tells whether the command succeeds, and what it said if not
    local text=$1 said
    shift
    if said=$("$@" 2>&1); then
        echo "ok    $text"
    else
        echo "FAIL  $text: $said"
        failed=$((failed + 1))
    fi
}

same() { # WANTED COMMAND...: whether the command says that
    local wanted=$1 said
    shift
    said=$("$@") && [[ $said == "$wanted" ]] || {
        echo "'$wanted' was expected, '$said' came"
        return 1
    }
}

cleanup() {
    kubectl --context "$context" delete namespace "$namespace" --ignore-not-found --wait=false >/dev/null
    rm -rf "$work"
}

prepare() {
    kubectl --context "$context" create namespace "$namespace" &&
        kubectl --context "$context" label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted &&
        head -c 24 /dev/urandom | base64 | tr -d '\n' >"$work/password" &&
        kube create secret generic urbalurba-secrets --from-file="REDIS_PASSWORD=$work/password"
}

install() {
    helm_ upgrade --install redis "$chart" --set persistenceMode=both --set master.persistence.size=1Gi \
        --set backup.persistence.size=1Gi "$@"
}

back_up() {
    kube create job --from=cronjob/redis-backup redis-backup-now &&
        kube wait --for=condition=complete job/redis-backup-now --timeout 180s
}

restore() { # a snapshot with one key, over a data set with another
    inside sh -c "REDISCLI_AUTH=\$(cat \$REDIS_PASSWORD_FILE) redis-cli --rdb /data/before.rdb" &&
        ask set later yes &&
        inside mv /data/before.rdb /data/restore.rdb &&
        kube delete pod redis-master-0 --timeout 120s &&
        ready &&
        same yes ask get kept &&
        same 1 ask dbsize
}

trap cleanup EXIT
prepare >/dev/null || {
    echo "cannot prepare the namespace $namespace in $context" >&2
    exit 1
}
check "admission takes every object, also under restricted Pod Security" install "$@"
check "the pod becomes ready" ready
check "no container was restarted" same 0 \
    kube get pod redis-master-0 --output "jsonpath={.status.containerStatuses[0].restartCount}"
check "the service has the pod" same redis-master-0 \
    kube get endpoints redis-master --output "jsonpath={.subsets[0].addresses[0].targetRef.name}"
check "the claim is bound" same Bound kube get pvc redis-data-redis-master-0 --output "jsonpath={.status.phase}"
check "the disruption budget counts the pod" same 1 \
    kube get pdb redis-master --output "jsonpath={.status.expectedPods}"
check "it runs as 1001" same 1001 inside id -u
check "fsGroup is the group of the volume" same 1001 inside stat -c %g /data
check "verification, first half" verify --phase before
check "the pod is deleted" kube delete pod redis-master-0 --timeout 120s
check "and is ready again" ready
check "verification, second half" verify --phase after
check "verification before a loss of the node" verify --phase before
check "the pod is killed" kube delete pod redis-master-0 --grace-period 0 --force
check "and is ready again" ready
check "verification after it" verify --phase after
check "an upgrade with another configuration" install --set commonConfiguration="hz 20" "$@"
check "rolls out" ready
check "and is in force" same $'hz\n20' ask config get hz
check "helm test" helm_ test redis --timeout 180s
check "a backup" back_up
check "a key" same OK ask set kept yes
check "a restore" restore
check "the removal" helm_ uninstall redis --wait --timeout 180s
check "leaves the claim" same Bound kube get pvc redis-data-redis-master-0 --output "jsonpath={.status.phase}"
check "and the secret" kube get secret urbalurba-secrets --output name

if ((failed)); then
    echo "$failed checks failed on $context"
    exit 1
fi
echo "all is well on $context"
