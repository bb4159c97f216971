#!/bin/sh
# The server answers, even if only that it still loads its data: restarting it would not make that quicker.
. "$(dirname "$0")/ask.sh"
reply=$(ask ping) || reply="no answer: $reply"
case $reply in
PONG | *LOADING* | *MASTERDOWN*) ;;
*)
    echo "$reply"
    exit 1
    ;;
esac
