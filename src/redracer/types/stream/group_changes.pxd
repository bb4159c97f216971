# What every XREADGROUP calls is compiled with typed arguments; the module also runs uncompiled.
from redracer.engine.context cimport Context
from redracer.types.stream.group cimport Consumer, Group
