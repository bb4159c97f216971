"""core/ranked_tree.pyx has nothing for Python code."""
