# The hot commands are compiled with a typed context; the module also runs uncompiled.
from redracer.core.keyspace cimport Keyspace
from redracer.engine.context cimport Context
from redracer.types.stream.add_options cimport AddOptions
from redracer.types.stream.entry_log cimport NodeLimits
from redracer.types.stream.limits cimport limits_of
from redracer.types.stream.stream_id cimport StreamId
from redracer.types.stream.value cimport Stream
