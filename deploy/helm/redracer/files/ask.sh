# For other scripts: `ask COMMAND` sends a command to the server of this pod and prints the reply.
# redracer's image has a small program for that; redis-cli does the same in any other.
ask() {
    if command -v redracer-ask >/dev/null; then
        redracer-ask "$@"
        return
    fi
    if [ -n "${REDIS_PASSWORD_FILE:-}" ]; then
        REDISCLI_AUTH=$(cat "$REDIS_PASSWORD_FILE")
        export REDISCLI_AUTH
    fi
    # shellcheck disable=SC2086  # the options are words
    redis-cli -h 127.0.0.1 -p "$REDIS_PORT" ${REDIS_TLS_OPTIONS:-} ${REDIS_TLS_OPTIONS:+--insecure} "$@"
}
