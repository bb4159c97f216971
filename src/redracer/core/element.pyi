"""core/element.pyx has nothing for Python code."""
