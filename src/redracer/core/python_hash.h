/* The hash that Python gives to a bytes object, of an object (where it is cached) and of raw bytes: the same number. */

#ifndef REDRACER_PYTHON_HASH_H
#define REDRACER_PYTHON_HASH_H

#include <Python.h>
#include <stdint.h>

static inline uint64_t hash_bytes(PyObject *bytes)
{
    Py_hash_t cached;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    cached = ((PyBytesObject *)bytes)->ob_shash;
#pragma GCC diagnostic pop
    return (uint64_t)(cached != -1 ? cached : PyObject_Hash(bytes));
}

/* For a bytes object that has one owner, which has just changed its bytes. */
static inline void forget_hash(PyObject *bytes)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    ((PyBytesObject *)bytes)->ob_shash = -1;
#pragma GCC diagnostic pop
}

static inline uint64_t hash_buffer(const char *data, Py_ssize_t length)
{
#if PY_VERSION_HEX >= 0x030E0000
    return (uint64_t)Py_HashBuffer(data, length);
#else
    return (uint64_t)_Py_HashBytes(data, length);
#endif
}

#endif
