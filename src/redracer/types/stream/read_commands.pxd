# The hot commands are compiled with a typed context; the module also runs uncompiled.
from redracer.core.keyspace cimport Keyspace
from redracer.engine.context cimport Context
from redracer.types.stream.group cimport Consumer, Group
from redracer.types.stream.read_options cimport ReadOptions
from redracer.types.stream.stream_id cimport StreamId
from redracer.types.stream.value cimport Stream
