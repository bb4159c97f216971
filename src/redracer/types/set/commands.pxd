# The hot commands are compiled with a typed context; the module also runs uncompiled.
from redracer.core.keyspace cimport Keyspace
from redracer.engine.context cimport Context
from redracer.types.set.limits cimport limits_of
from redracer.types.set.value cimport (
    SetLimits, add_members, count_members, has_member, members_of, pop_member, random_member, remove_member,
)
