"""The store inside a Python process."""
