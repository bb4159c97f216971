"""Scripting as the rest of the server sees it: `engine.ports["scripting"]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine.info import human
from redracer.scripting.functions import Functions
from redracer.scripting.invocation import Invocation
from redracer.scripting.scripts import Scripts

if TYPE_CHECKING:
    from redracer.engine.engine import Engine


class Scripting:
    """Scripts, functions, and the run in progress."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.invocation = Invocation(engine)
        self.scripts = Scripts(engine)
        self.functions = Functions(engine)
        engine.config.on_change("script-memory-limit", self._limit_changed)
        self._provide_info()

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
