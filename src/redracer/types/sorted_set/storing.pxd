from redracer.engine.context cimport Context
from redracer.types.sorted_set.value cimport SortedSet

cpdef SortedSet sorted_set(Context ctx, bytes key)
cpdef SortedSet sorted_set_to_change(Context ctx, bytes key)
cpdef object keep(Context ctx, bytes key, SortedSet members)
cpdef object delete_if_empty(Context ctx, bytes key, SortedSet members)
