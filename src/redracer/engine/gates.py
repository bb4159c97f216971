"""The reasons for which dispatch looks twice at a request, a bit each.

A bit is set in a client's `gates` or in the dispatcher's, which concern every client; dispatch reads both as
one number, so that a request without any costs one comparison. The first group may refuse a request: whoever
sets such a bit registers a guard with `Dispatcher.guard`, and guards are asked in the order of their bits,
which is Redis's order of checks. The second group changes what becomes of a request that may run.
"""

from __future__ import annotations

# may refuse
GATE_AUTHENTICATION = 1 << 0  # client: it has not said who it is
GATE_USER = 1 << 1  # client: its user may not do everything
GATE_MEMORY = 1 << 2  # server: `maxmemory` is reached
GATE_DISK_ERROR = 1 << 3  # server: what is written cannot be kept
GATE_FEW_REPLICAS = 1 << 4  # server: fewer replicas than `min-replicas-to-write`
GATE_READ_ONLY = 1 << 5  # server: a replica that takes writes of its primary alone
GATE_SUBSCRIBED = 1 << 6  # client: it listens, and RESP2 has no room for other replies
GATE_STALE = 1 << 7  # server: a replica without its primary
GATE_LOADING = 1 << 8  # server: the data is not there yet
GATE_BUSY = 1 << 9  # server: a script runs too long
GATE_INJECTED = 1 << 10  # server: a test has asked for failures (testing/faults.py)
GATE_REPLICA = 1 << 11  # client: it replicates from us

# change what becomes of it
GATE_PAUSED = 1 << 16  # server: CLIENT PAUSE
GATE_TRANSACTION = 1 << 17  # client: it queues commands
GATE_MONITORED = 1 << 18  # server: somebody watches all requests
GATE_TRACKING = 1 << 19  # client: it caches what it reads
GATE_REPLY = 1 << 20  # client: CLIENT REPLY
GATE_NO_TOUCH = 1 << 21  # client: its reads are no use of a key
