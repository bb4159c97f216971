"""Whole RDB files, written to a descriptor. rdb_file_writer.pyx is the design note."""

from cpython.object cimport PyObject
from libc.stdint cimport uint64_t

from redracer.core.entry cimport Entry
from redracer.core.keyspace cimport Keyspace
from redracer.core.rdb_writer cimport RdbWriter
from redracer.core.table cimport TableIterator


cdef class FileRdbWriter(RdbWriter):
    cdef int descriptor
    cdef bint checksum
    cdef uint64_t crc               # of what has been sent
    cdef readonly uint64_t sent     # bytes that the kernel has
    cdef uint64_t synced            # bytes of them that it was told to bring to the disk
    cdef readonly uint64_t sync_every

    cdef int send_buffer(self) except -1
    cdef int send(self, const unsigned char* data, size_t length) except -1


cdef class DatabaseWalk:
    cdef Keyspace database
    cdef TableIterator position
    cdef list codecs                # by entry type; holds the references of `codec`
    cdef PyObject* codec[8]
    cdef int stamps
    cdef Entry* current

    cdef int write_entry(self, RdbWriter writer, Entry* entry) except -1
