# The hot commands are compiled with a typed context; the module also runs uncompiled.
from redracer.core.keyspace cimport Keyspace
from redracer.engine.context cimport Context
from redracer.types.hash.limits cimport limits_of
from redracer.types.hash.value cimport (
    HashLimits, count_fields, field_length, fields_of, get_field, has_field, items_of, next_expiry, remove_field,
    set_fields, values_of,
)
