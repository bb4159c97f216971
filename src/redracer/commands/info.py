"""INFO: the server's own report (engine/info.py makes it)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core.replies import Reply, Verbatim
from redracer.engine.flags import ACL_DANGEROUS, LOADING, SERVER, STALE
from redracer.engine.grammar import string
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.engine.context import Context


@command(
    "INFO",
    arity=-1,
    flags=LOADING | STALE,
    group=SERVER,
    since="1.0.0",
    complexity="O(1)",
    args=[string("section", optional=True, multiple=True)],
    history=[("7.0.0", "Added support for taking multiple section arguments.")],
    hints=["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    acl=ACL_DANGEROUS,
)
def info(ctx: Context, args: list[bytes]) -> Reply:
    """Returns information and statistics about the server."""
    names = [name.decode("latin-1") for name in args[1:]]
    return Verbatim(b"txt", ctx.engine.info.report(names).encode("utf-8", "surrogateescape"))
