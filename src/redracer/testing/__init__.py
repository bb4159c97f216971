"""Instruments for tests of programs that use a store: its time, its failures, and what it was asked.

They work on an embedded store (`redracer.open()`), with pytest (pytest_plugin.py has them as fixtures) or without.
"""

from redracer.embedded.data import SortedSet, Stream
from redracer.testing.clock import Clock
from redracer.testing.faults import Fault, Faults
from redracer.testing.recorder import ANY, Recorder, Request

__all__ = ["ANY", "Clock", "Fault", "Faults", "Recorder", "Request", "SortedSet", "Stream"]
