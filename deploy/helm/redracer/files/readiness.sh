#!/bin/sh
# The server has its data and answers.
. "$(dirname "$0")/ask.sh"
reply=$(ask ping) || reply="no answer: $reply"
[ "$reply" = PONG ] || {
    echo "$reply"
    exit 1
}
