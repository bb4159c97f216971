# For other scripts: `ask COMMAND` sends a command to the server of this pod and prints the reply, or what is wrong.
ask() {
    if [ -n "${REDIS_PASSWORD_FILE:-}" ]; then
        REDISCLI_AUTH=$(cat "$REDIS_PASSWORD_FILE")
        export REDISCLI_AUTH
    fi
    # The certificate has the service's name, not this host's.
    # shellcheck disable=SC2086  # the options are words
    redis-cli -h 127.0.0.1 -p "$REDIS_PORT" ${REDIS_TLS_OPTIONS:-} ${REDIS_TLS_OPTIONS:+--insecure} "$@" 2>&1
}
