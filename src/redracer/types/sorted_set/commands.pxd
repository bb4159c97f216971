# The hot commands are compiled with a typed context; the module also runs uncompiled.
from redracer.core.keyspace cimport Keyspace
from redracer.engine.context cimport Context
from redracer.types.sorted_set.additions cimport Additions
from redracer.types.sorted_set.value cimport Bounds, LexBounds, ScoreBounds, SortedSet
