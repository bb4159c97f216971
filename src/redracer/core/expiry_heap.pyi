"""core/expiry_heap.pyx has nothing for Python code."""
