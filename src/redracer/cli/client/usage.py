"""What `redracer cli --help` prints."""

USAGE = """\
Usage: redracer cli [OPTIONS] [COMMAND [ARGUMENT ...]]

The terminal client. With a command it runs it and ends; without one it is interactive, or runs the commands that
come line by line from the standard input. Options and output are redis-cli's.

Where to connect:
  -h HOST              Host of the server (127.0.0.1).
  -p PORT              Its port (6379).
  -s PATH              Its Unix socket, instead of host and port.
  -u URI               All in one: redis://[[USER:]PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS.
  -t SECONDS           Give up connecting after this time (never).
  -4, -6               Prefer IPv4, IPv6 addresses of the host.
  -n NUMBER            Database (0).
  -2, -3               Speak RESP2, RESP3.
  -c                   Follow a cluster's redirections (MOVED, ASK).

As whom:
  -a, --pass PASSWORD  Password. Others may see it in the list of processes: rather set REDISCLI_AUTH to it.
  --user NAME          User, together with a password.
  --askpass            Ask for the password on the terminal.
  --no-auth-warning    Do not warn of a password on the command line.

TLS:
  --tls                Use TLS.
  --sni NAME           Name of the server to ask for.
  --cacert FILE        Certificates of the authorities to trust.
  --cacertdir DIR      The same as a directory. Without either, those of the system are trusted.
  --insecure           Trust any certificate.
  --cert FILE          Certificate of the client.
  --key FILE           Its private key.
  --tls-ciphers LIST   Ciphers up to TLS 1.2 in order of preference, with colons between them.
  --tls-ciphersuites LIST  The same for TLS 1.3.

Running a command:
  -r COUNT             Run it that many times; without end if the count is negative.
  -i SECONDS           Wait between two runs, and between the steps of the modes below; 0.1 is fine too.
  -x                   Its last argument is what comes on the standard input.
  -X TAG               The argument TAG stands for what comes on the standard input.
  --quoted-input       Arguments are quoted strings with escapes: '"a\\x00b"'.
  --eval FILE KEY ... , ARGUMENT ...
                       Run the Lua script in FILE; the comma stands alone between keys and arguments.
  -e                   Exit with code 1 if the server refuses the command.

Showing replies:
  --no-raw             Formatted for people (usual on a terminal).
  --raw                Bare values (usual elsewhere).
  -d TEXT              Between the elements of a raw reply (a newline).
  -D TEXT              After a raw reply (a newline).
  --csv                CSV.
  --json               JSON, in RESP3 unless there is a -2.
  --quoted-json        JSON in ASCII, other bytes as escapes.
  --show-pushes YES|NO Print what is pushed in RESP3 (usual on a terminal).

Looking at the keys, without blocking the server:
  --scan               List the keys.
  --bigkeys            Find the keys with most elements.
  --memkeys            Find the keys that take most memory.
  --memkeys-samples N  The same, looking at N elements of each.
  --keystats           Both, with the distribution of sizes.
  --keystats-samples N The same, looking at N elements of each.
  --cursor N           Begin --keystats there (where it was interrupted).
  --top N              Show so many of the largest keys in --keystats (10).
  --hotkeys            Find the keys that are used most; needs maxmemory-policy *lfu.
  --pattern PATTERN    Only keys that match.
  --quoted-pattern P   The same as a quoted string.
  --count N            COUNT of each SCAN (10).

Watching the server:
  --stat               A line of figures each second.
  --latency            The time of a PING, until interrupted; for one second where the output is no terminal.
  --latency-history    The same in periods of 15 s (-i changes it).
  --latency-dist       As a spectrum in 256 colours.
  --mono               The same in grey.
  --intrinsic-latency SECONDS  The time that this machine takes away from a process that never waits.
  --replica            Show what the server sends to its replicas.

Moving data:
  --rdb FILE           Write the server's data to FILE as RDB; - is the standard output.
  --functions-rdb FILE The same with functions only.
  --pipe               Send the standard input, which is RESP or commands line by line, as fast as it goes.
  --pipe-timeout SECONDS  Give up if there is no reply for so long after the last byte (30; 0: never).
  --lru-test KEYS      Write and read KEYS keys as a cache would, and show how many are found. It fills the server.

  --verbose            Accepted, as redis-cli does.
  --help, --version    This text; the version.

Environment: REDISCLI_AUTH (password), REDISCLI_HISTFILE (history, ~/.rediscli_history), REDISCLI_RCFILE (preferences,
~/.redisclirc), NO_COLOR (no colours), FAKETTY (format as on a terminal).

Examples:
  redracer cli -h cache -n 2 get user:1
  cat logo.png | redracer cli -x set logo
  redracer cli --scan --pattern 'user:*' | wc -l
  redracer cli -r -1 -i 1 info memory | grep used_memory_human
  redracer cli --eval add.lua stock:1 , 5
"""
