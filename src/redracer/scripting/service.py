# cython: annotation_typing=False
"""Scripting as the rest of the server sees it: `engine.ports["scripting"]`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from redracer.engine.info import human
from redracer.scripting.functions import Function, Functions
from redracer.scripting.invocation import Invocation
from redracer.scripting.scripts import Scripts

if TYPE_CHECKING:
    from redracer.engine.engine import Engine


class Scripting:
    """Scripts, functions, and the run in progress."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        engine: Engine
        invocation: Invocation
        scripts: Scripts
        functions: Functions

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.invocation = Invocation(engine)
        self.scripts = Scripts(engine)
        self.functions = Functions(engine)
        engine.config.on_change("script-memory-limit", self._limit_changed)
        self._provide_info()

    def evaluate(self, args: list[bytes], keys_end: int, flags: int) -> Any:
        """EVAL: runs the script args[1] with the keys args[3:keys_end]; the reply. Raises CommandError."""
        script = self.scripts.evaluate(args[1])
        assert self.scripts.lua is not None
        return self.invocation.run(
            self.scripts.lua, script.function, script.sha1, args, keys_end, script.flags | flags
        )

    def evaluate_sha(self, args: list[bytes], keys_end: int, flags: int) -> Any:
        """EVALSHA: `evaluate` for the script whose SHA1 is args[1]."""
        script = self.scripts.find(args[1])
        assert self.scripts.lua is not None
        return self.invocation.run(
            self.scripts.lua, script.function, script.sha1, args, keys_end, script.flags | flags
        )

    def call(self, function: Function, args: list[bytes], keys_end: int, flags: int) -> Any:
        """FCALL: runs a function of a library with the keys args[3:keys_end]; the reply."""
        return self.invocation.run(
            self.functions.state(), function.function, function.name, args, keys_end, function.flags | flags
        )

    def _limit_changed(self, limit: int) -> None:
        for state in (self.scripts.lua, self.functions.lua):
            if state is not None:
                state.set_limit(limit)

    def _provide_info(self) -> None:
        scripts, functions, provide = self.scripts, self.functions, self.engine.info.provide
        provide("used_memory_lua", lambda: scripts.vm_memory)
        provide("used_memory_lua_human", lambda: human(scripts.vm_memory))
        provide("used_memory_vm_eval", lambda: scripts.vm_memory)
        provide("used_memory_scripts_eval", lambda: scripts.memory)
        provide("number_of_cached_scripts", lambda: scripts.count)
        provide("number_of_functions", lambda: len(functions.functions))
        provide("number_of_libraries", lambda: len(functions.by_name))
        provide("used_memory_vm_functions", lambda: functions.vm_memory)
        provide("used_memory_vm_total", lambda: scripts.vm_memory + functions.vm_memory)
        provide("used_memory_vm_total_human", lambda: human(scripts.vm_memory + functions.vm_memory))
        provide("used_memory_functions", lambda: functions.memory)
        provide("used_memory_scripts", lambda: scripts.memory + functions.memory)
        provide("used_memory_scripts_human", lambda: human(scripts.memory + functions.memory))
        provide("evicted_scripts", lambda: scripts.evicted)
