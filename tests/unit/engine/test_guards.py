"""Guards are asked in the order of their gates, and only at a gate that is set."""

from redracer.engine.gates import GATE_BUSY, GATE_MEMORY, GATE_STALE
from tests.unit.commands.served import Served


def guarded(*gates):
    served, asked = Served(), []
    for gate in gates:
        served.engine.dispatcher.guard(gate, lambda *_, gate=gate: asked.append(gate))
    return served, asked


def test_in_the_order_of_the_gates_whoever_they_belong_to():
    served, asked = guarded(GATE_BUSY, GATE_MEMORY, GATE_STALE)
    served.engine.dispatcher.gates |= GATE_BUSY | GATE_MEMORY
    served.client().gates |= GATE_STALE
    assert served.run(b"ECHO a") == b"$1\r\na\r\n"
    assert asked == [GATE_MEMORY, GATE_STALE, GATE_BUSY]


def test_a_gate_that_is_not_set_asks_nobody():
    served, asked = guarded(GATE_BUSY, GATE_MEMORY)
    served.engine.dispatcher.gates |= GATE_BUSY
    served.run(b"ECHO a")
    assert asked == [GATE_BUSY]


def test_the_first_refusal_is_the_answer_and_counts():
    served, asked = guarded(GATE_BUSY)
    served.engine.dispatcher.guard(GATE_MEMORY, lambda *_: b"OOM no more")
    served.engine.dispatcher.gates |= GATE_BUSY | GATE_MEMORY
    assert served.error(b"ECHO a") == "OOM no more"
    assert asked == []
    served.engine.dispatcher.gates = 0
    assert b"errorstat_OOM:count=1" in served.run(b"INFO errorstats")
