"""The end of a primary: its replicas are to have everything before it goes.

While the end waits for them (`shutdown-timeout`) nothing more is written, and they are asked how far they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine import log
from redracer.engine.shutdown import LAST_LOOK, Request
from redracer.replication.replica import ONLINE, STATE_NAMES

if TYPE_CHECKING:
    from redracer.engine.engine import Engine
    from redracer.replication.primary import Primary

PURPOSE = "shutdown"  # for which writes are held
MILLISECONDS = 1000


def attend(engine: Engine, primary: Primary) -> None:
    """Has the engine's end wait for the primary's replicas."""

    def wait(begins: bool) -> None:
        if not begins:
            engine.pause.release(PURPOSE)
            return
        log.notice("Waiting for replicas before shutting down.")
        engine.pause.hold_writes(PURPOSE)
        primary.ask_for_places()

    engine.shutdown.waits.append(primary.all_caught_up)
    engine.shutdown.at_wait.append(wait)
    engine.shutdown.add_step(LAST_LOOK, lambda request: _report(primary, request))


def _report(primary: Primary, _request: Request) -> None:
    """Says in the log who has everything."""
    replicas = list(primary.replicas.values())
    if not replicas:
        return
    primary.gather()
    lagging = [replica for replica in replicas if replica.acknowledged != primary.stream.end]
    for replica in lagging:
        seconds = (primary.engine.clock.now - replica.heard) // MILLISECONDS if replica.state == ONLINE else 0
        log.notice(
            f"Lagging replica {replica.describe()} reported offset "
            f"{primary.stream.end - replica.acknowledged} behind master, lag={seconds}, "
            f"state={STATE_NAMES.get(replica.state, 'wait_bgsave')}."
        )
    log.notice(f"{len(replicas) - len(lagging)} of {len(replicas)} replicas are in sync when shutting down.")
