from redracer.engine.registry cimport Command

cimport cython


@cython.locals(plan=tuple, first=Py_ssize_t, last=Py_ssize_t, step=Py_ssize_t, end=Py_ssize_t, position=Py_ssize_t)
cpdef list key_needs(Command command, list argv)
