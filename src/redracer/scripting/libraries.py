"""Puts an interpreter together: Lua's libraries, ours, and the table `redis`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.scripting.bit import open_bit
from redracer.scripting.cjson_encode import open_cjson
from redracer.scripting.cmsgpack import open_cmsgpack
from redracer.scripting.redis_api import open_redis
from redracer.scripting.sandbox import open_state, seal, seal_for_functions
from redracer.scripting.struct_library import open_struct

if TYPE_CHECKING:
    from redracer.engine.engine import Engine
    from redracer.scripting.state import LuaState


def open_libraries(engine: Engine, for_functions: bool) -> LuaState:
    """A new interpreter for scripts, or for libraries of functions. Raises LuaMissing."""
    config = engine.config
    state = open_state(config["script-memory-limit"], config["lua-enable-deprecated-api"])
    open_bit(state)
    open_cjson(state)
    open_cmsgpack(state)
    open_struct(state)
    open_redis(state, for_functions)
    if for_functions:
        seal_for_functions(state)
    else:
        seal(state)
    return state
